//! The one shape of a login: a JSON object with `username` and `password` on top, so that rotation
//! templates and whatever selects one member of a secret keep working (docs/moving.md, "The shape of
//! a login").

use serde_json::{Map, Value as Json};

use crate::sys::secret::Secret;

/// What a login, a note, a card and the like consist of. Empty is absent.
///
/// Not `Debug` and not `Clone`: [`Login::copy`] says where a second one is made.
#[derive(Default)]
pub(crate) struct Login {
    pub(crate) username: String,
    pub(crate) password: Hidden,
    /// An `otpauth://` URI. Further ones are fields of the kind [`FieldKind::Totp`].
    pub(crate) totp: Hidden,
    /// The first is the main one.
    pub(crate) urls: Vec<String>,
    pub(crate) notes: Hidden,
    pub(crate) fields: Vec<Field>,
    /// Each an object with `rpId`, `rpName`, `userName`, `userDisplayName`, `userHandle`,
    /// `credentialId`, `privateKey`, `algorithm`, `counter` and `created`: bytes as base64url, the key
    /// as PKCS#8.
    pub(crate) passkeys: Vec<Map<String, Json>>,
    /// What it is, if not a login: `note`, `card`, `identity`, `ssh-key`, `bank` and so on.
    pub(crate) kind: Option<&'static str>,
    /// The members that belong to that kind, below this name, named as Bitwarden names them: `card`,
    /// `identity`, `sshKey`.
    pub(crate) special: Option<(&'static str, Map<String, Json>)>,
    pub(crate) is_favorite: bool,
    pub(crate) is_archived: bool,
    /// ISO 8601, as `2026-12-01T09:30:00Z`.
    pub(crate) created: Option<String>,
    pub(crate) modified: Option<String>,
    pub(crate) expires: Option<String>,
    /// What has no place above, as the source has it, so that an export to the same program can put
    /// it back.
    pub(crate) left_over: Map<String, Json>,
}

/// What the value of a login says of the item around it.
#[derive(Default)]
pub(crate) struct Around<'a> {
    /// The title, where the secret's name does not show it.
    pub(crate) title: &'a str,
    /// The folders, where the secret's name does not show them.
    pub(crate) path: &'a [String],
    /// An object for each file: `name`, `size`, `sha256`, and `secret`, the name of the secret that it
    /// is in.
    pub(crate) attachments: Vec<Json>,
}

/// A text that is not shown; empty is absent.
pub(crate) struct Hidden(Secret<String>);

/// A field beside the usual ones. Names repeat, and their order matters.
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) value: Hidden,
    pub(crate) kind: FieldKind,
    /// The heading that it stands under.
    pub(crate) section: Option<String>,
}

/// What a field's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FieldKind {
    Boolean,
    Date,
    Email,
    Hidden,
    Phone,
    Text,
    Totp,
    Url,
}

impl FieldKind {
    /// All of them, with the word that each has in the JSON.
    const ALL: [(Self, &'static str); 8] = [
        (Self::Boolean, "boolean"),
        (Self::Date, "date"),
        (Self::Email, "email"),
        (Self::Hidden, "hidden"),
        (Self::Phone, "phone"),
        (Self::Text, "text"),
        (Self::Totp, "totp"),
        (Self::Url, "url"),
    ];

    /// Returns its word.
    pub(crate) fn word(self) -> &'static str {
        Self::ALL.iter().find(|(kind, _)| *kind == self).map_or("text", |(_, word)| word)
    }

    /// Returns the kind of a word; what is not known is a text.
    pub(crate) fn of_word(word: &str) -> Self {
        Self::ALL.iter().find(|(_, known)| *known == word).map_or(Self::Text, |(kind, _)| *kind)
    }
}

impl Default for Hidden {
    fn default() -> Self {
        Self::from(String::new())
    }
}

impl From<String> for Hidden {
    fn from(text: String) -> Self {
        Self(Secret::new(text))
    }
}

impl From<&str> for Hidden {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

impl Hidden {
    /// Shows the text.
    pub(crate) fn expose(&self) -> &str {
        self.0.expose()
    }

    /// Makes a second one.
    pub(crate) fn copy(&self) -> Self {
        Self::from(self.expose())
    }

    /// Whether it is absent.
    pub(crate) fn is_empty(&self) -> bool {
        self.expose().is_empty()
    }
}

impl Field {
    /// A field outside of any section.
    pub(crate) fn new(name: impl Into<String>, value: impl Into<Hidden>, kind: FieldKind) -> Self {
        Self { name: name.into(), value: value.into(), kind, section: None }
    }

    fn to_json(&self) -> Json {
        let mut members = Map::new();
        members.insert("name".to_owned(), self.name.as_str().into());
        members.insert("value".to_owned(), self.value.expose().into());
        members.insert("type".to_owned(), self.kind.word().into());
        if let Some(section) = &self.section {
            members.insert("section".to_owned(), section.as_str().into());
        }
        Json::Object(members)
    }

    fn copy(&self) -> Self {
        Self {
            name: self.name.clone(),
            value: self.value.copy(),
            kind: self.kind,
            section: self.section.clone(),
        }
    }
}

impl Login {
    /// Writes it without what is the item's.
    pub(crate) fn to_json(&self) -> Secret<String> {
        self.to_json_of(&Around::default())
    }

    /// Writes it as the value of a secret, with what is known of the item that it belongs to: members in
    /// this order, those that are absent left out.
    pub(crate) fn to_json_of(&self, around: &Around<'_>) -> Secret<String> {
        let mut members = Map::new();
        let mut put = |name: &str, value: Json| {
            let is_absent = match &value {
                Json::Null => true,
                Json::String(text) => text.is_empty(),
                Json::Array(list) => list.is_empty(),
                Json::Object(map) => map.is_empty(),
                Json::Bool(is_so) => !is_so,
                Json::Number(_) => false,
            };
            if !is_absent {
                members.insert(name.to_owned(), value);
            }
        };
        put("username", self.username.as_str().into());
        put("password", self.password.expose().into());
        put("totp", self.totp.expose().into());
        put("urls", self.urls.clone().into());
        put("notes", self.notes.expose().into());
        put("fields", self.fields.iter().map(Field::to_json).collect());
        put("passkeys", self.passkeys.iter().cloned().map(Json::Object).collect());
        put("attachments", around.attachments.clone().into());
        put("title", around.title.into());
        put("path", around.path.into());
        put("type", self.kind.into());
        if let Some((name, special)) = &self.special {
            put(name, special.clone().into());
        }
        put("favorite", self.is_favorite.into());
        put("archived", self.is_archived.into());
        put("created", self.created.clone().into());
        put("modified", self.modified.clone().into());
        put("expires", self.expires.clone().into());
        put("source", self.left_over.clone().into());
        Secret::new(Json::Object(members).to_string())
    }

    /// Makes a second one: versions that came before differ in one or two members.
    pub(crate) fn copy(&self) -> Self {
        Self {
            username: self.username.clone(),
            password: self.password.copy(),
            totp: self.totp.copy(),
            urls: self.urls.clone(),
            notes: self.notes.copy(),
            fields: self.fields.iter().map(Field::copy).collect(),
            passkeys: self.passkeys.clone(),
            kind: self.kind,
            special: self.special.clone(),
            is_favorite: self.is_favorite,
            is_archived: self.is_archived,
            created: self.created.clone(),
            modified: self.modified.clone(),
            expires: self.expires.clone(),
            left_over: self.left_over.clone(),
        }
    }
}
