//! One item: what it is, the fields of its web form, its sections, files and history.

use serde_json::{Map, Value as Json};

use super::super::super::history;
use super::super::super::item::{Item, Origin};
use super::super::super::login::{Field, FieldKind, Login};
use super::super::super::object::Object;
use super::super::super::reading::{Outcome, Reading};
use super::super::super::text;
use super::draft::{Draft, FILES, Files};
use super::field;

/// Where an item is.
pub(super) struct Place {
    pub(super) folders: Vec<String>,
    /// What it is called where it has no id.
    pub(super) origin: Origin,
}

/// The categories, and our words for them.
const KINDS: [(&str, Option<&str>); 21] = [
    ("001", None),
    ("002", Some("card")),
    ("003", Some("note")),
    ("004", Some("identity")),
    ("005", None),
    ("006", Some("document")),
    ("100", Some("software")),
    ("101", Some("bank")),
    ("102", Some("database")),
    ("103", Some("drivers-license")),
    ("104", Some("outdoor-license")),
    ("105", Some("membership")),
    ("106", Some("passport")),
    ("107", Some("rewards")),
    ("108", Some("social-security-number")),
    ("109", Some("wifi")),
    ("110", Some("server")),
    ("111", Some("email")),
    ("112", Some("api-credential")),
    ("113", Some("medical-record")),
    ("114", Some("ssh-key")),
];

/// Reads an item, which may be wrapped in `{"item": …, "file": …}`, as older exports have it.
pub(super) fn read(json: &Json, place: Place, files: &mut Files<'_>, reading: &mut Reading) {
    let wrapper = json.get("item").and_then(Json::as_object).and(Object::of(json));
    let Some(mut object) = Object::of(json.get("item").unwrap_or(json)) else {
        reading.remark(&place.origin, Outcome::LeftOut, "is no item");
        return;
    };
    let origin = match object.text("uuid") {
        id if id.is_empty() => place.origin,
        id => Origin::Id(id),
    };
    let mut overview = object.object("overview");
    let mut draft = Draft {
        title: overview.text("title"),
        category: object.text("categoryUuid"),
        login: Login {
            is_favorite: object.number("favIndex").is_some_and(|index| index != 0),
            created: object.seconds("createdAt").and_then(text::date),
            modified: object.seconds("updatedAt").and_then(text::date),
            ..Login::default()
        },
        special: Map::new(),
        attachments: Vec::new(),
        origin,
        reading,
    };
    read_kind(&mut object, &mut draft);
    let is_in_trash = read_state(&mut object, &mut draft);
    let labels = read_overview(&mut overview, &mut draft);
    let mut details = object.object("details");
    let old_passwords = read_details(&mut details, &mut draft, files);
    if let Some(wrapper) = wrapper {
        read_wrapper(wrapper, &mut draft, files);
    }
    // What is the user name, most of the time.
    let subtitle = overview.text("subtitle");
    if subtitle != draft.login.username {
        overview.keep("subtitle", subtitle.into());
    }
    object.put_back("overview", overview);
    object.put_back("details", details);
    object.remark_on(draft.reading, &draft.origin);
    draft.login.left_over = object.left_over();
    let rest = Rest { labels, is_in_trash, passwords: old_passwords };
    finish(draft, place.folders, rest);
}

/// What of an item is not in its draft.
struct Rest {
    labels: Vec<String>,
    is_in_trash: bool,
    passwords: OldPasswords,
}

fn finish(draft: Draft<'_>, folders: Vec<String>, rest: Rest) {
    let Draft { origin, title, mut login, special, attachments, reading, .. } = draft;
    let member = match login.kind {
        Some("ssh-key") => "sshKey",
        Some("identity") => "identity",
        Some(_) | None => "card",
    };
    login.special = if special.is_empty() { None } else { Some((member, special)) };
    let mut item = Item::of_login(origin.clone(), title, login);
    item.folders = folders;
    item.labels = rest.labels;
    item.is_in_trash = rest.is_in_trash;
    item.attachments = attachments;
    if history::remember(&mut item, rest.passwords) > 0 {
        let what = "more than 100 earlier passwords: the oldest";
        reading.remark(&origin, Outcome::PartLeftOut, what);
    }
    reading.items.push(item);
}

/// Reads what older exports have around an item: its file.
fn read_wrapper(mut wrapper: Object, draft: &mut Draft<'_>, files: &mut Files<'_>) {
    let mut file = wrapper.object("file");
    let (path, mut attributes) = (file.text("path"), file.object("attrs"));
    let name = attributes.text("name");
    let path = path.strip_prefix(FILES).unwrap_or(&path);
    if path.is_empty() {
        return;
    }
    match files.take(path.to_owned(), &name) {
        Some(attachment) => draft.attachments.push(attachment),
        None => draft.remark(Outcome::PartLeftOut, "its file is not in the export"),
    }
}

fn read_kind(object: &mut Object, draft: &mut Draft<'_>) {
    let category = draft.category.clone();
    match KINDS.iter().find(|(known, _)| *known == category) {
        Some((_, kind)) => draft.login.kind = *kind,
        None if category.is_empty() => {}
        None => {
            draft.login.kind = Some("other");
            let what = "is of a category that is not known: its fields are kept";
            draft.remark(Outcome::Doubtful, what);
        }
    }
    // What is only a password is for us a login without a user name.
    if category == "005" || draft.login.kind == Some("other") {
        object.keep("categoryUuid", category.into());
    }
}

/// Reads whether it is archived; returns whether it is in the trash.
fn read_state(object: &mut Object, draft: &mut Draft<'_>) -> bool {
    let trashed = object.take("trashed").is_some_and(|is_so| is_so != Json::Bool(false));
    let state = object.text("state");
    match state.as_str() {
        "archived" => draft.login.is_archived = true,
        "" | "active" | "trashed" | "deleted" => {}
        _ => object.keep("state", state.as_str().into()),
    }
    trashed || ["trashed", "deleted"].contains(&state.as_str())
}

/// Reads addresses and tags; returns the tags.
fn read_overview(overview: &mut Object, draft: &mut Draft<'_>) -> Vec<String> {
    // How good the password is, as 1Password judges.
    for name in ["ps", "pbe", "pgrng"] {
        drop(overview.take(name));
    }
    let main = overview.text("url");
    if !main.is_empty() {
        draft.login.urls.push(main);
    }
    let mut left_over = Vec::new();
    for address in overview.list("urls") {
        let mut from = Object::of(&address).unwrap_or_default();
        let url = from.text("url");
        if !url.is_empty() && !draft.login.urls.contains(&url) {
            draft.login.urls.push(url);
        }
        if from.text("label").as_str() == "website" {
            continue;
        }
        let says_more = address.get("label").is_some_and(|label| label.as_str() != Some(""));
        if says_more || !from.left_over().is_empty() || !address.is_object() {
            left_over.push(address);
        }
    }
    overview.keep("urls", left_over.into());
    let mut labels = Vec::new();
    for tag in overview.list("tags") {
        match tag.as_str() {
            Some(tag) => labels.push(tag.to_owned()),
            None => draft.remark(Outcome::PartLeftOut, "a tag that is no text"),
        }
    }
    labels
}

type OldPasswords = Vec<(Option<crate::model::time::Timestamp>, String)>;

/// Reads fields, notes and files; returns the earlier passwords.
fn read_details(
    details: &mut Object,
    draft: &mut Draft<'_>,
    files: &mut Files<'_>,
) -> OldPasswords {
    draft.login.notes = details.text("notesPlain").into();
    let mut left_over = Vec::new();
    for form_field in details.list("loginFields") {
        left_over.extend(read_form_field(form_field, draft));
    }
    details.keep("loginFields", left_over.into());
    let password = details.text("password");
    if draft.login.password.is_empty() {
        draft.login.password = password.into();
    } else if !password.is_empty() {
        draft.login.fields.push(Field::new("password", password, FieldKind::Hidden));
    }
    let mut left_over = Vec::new();
    for section in details.list("sections") {
        left_over.extend(field::read_section(&section, draft, files));
    }
    details.keep("sections", left_over.into());
    if details.has("documentAttributes") {
        let document = details.object("documentAttributes");
        draft.attach(document, files);
    }
    let (mut old_passwords, mut odd) = (Vec::new(), Vec::new());
    for old in details.list("passwordHistory") {
        let mut from = Object::of(&old).unwrap_or_default();
        let (at, password) = (from.seconds("time"), from.text("value"));
        if !from.left_over().is_empty() || !old.is_object() {
            odd.push(old);
        }
        if !password.is_empty() {
            old_passwords.push((at, password));
        }
    }
    details.keep("passwordHistory", odd.into());
    old_passwords
}

/// Reads a field of the web form, of which two are the user name and the password. Returns what is left
/// of it.
fn read_form_field(json: Json, draft: &mut Draft<'_>) -> Option<Json> {
    let Some(mut from) = Object::of(&json) else {
        draft.remark(Outcome::Changed, "a field that is none is kept in `source`");
        return Some(json);
    };
    let (value, designation) = (from.text("value"), from.text("designation"));
    if from.has("value") {
        // The accounts that somebody signs in with instead.
        draft.remark(Outcome::Changed, "a field without a text is kept in `source`");
        return Some(json);
    }
    let kind = match from.text("fieldType").as_str() {
        "E" => FieldKind::Email,
        "U" => FieldKind::Url,
        "P" => FieldKind::Hidden,
        "TEL" => FieldKind::Phone,
        "C" => FieldKind::Boolean,
        _ => FieldKind::Text,
    };
    let (name, id) = (from.text("name"), from.text("id"));
    match designation.as_str() {
        "username" if draft.login.username.is_empty() => draft.login.username = value,
        "password" if draft.login.password.is_empty() => draft.login.password = value.into(),
        _ if value.is_empty() => return None,
        _ => {
            let named =
                [name.as_str(), &id, &designation].into_iter().find(|name| !name.is_empty());
            let field = Field::new(named.unwrap_or_default(), value, kind);
            draft.login.fields.push(field);
            return None;
        }
    }
    // How the form calls it.
    for (member, said) in [("name", name), ("id", id)] {
        if said != designation {
            from.keep(member, said.into());
        }
    }
    drop(from.take("type"));
    if from.has("name") || from.has("id") {
        from.keep("designation", designation.into());
    }
    Some(Json::Object(from.left_over()))
        .filter(|rest| rest.as_object().is_some_and(|rest| !rest.is_empty()))
}
