use proptest::prelude::*;
use unicode_normalization::UnicodeNormalization;

use super::super::fixtures;
use super::super::login::{Field, FieldKind};
use super::super::plan::{MAX_FILE, Plan};
use super::*;
use crate::model::time::Timestamp;
use crate::service::import::Wanted;
use crate::vault::record::{Namespace, StoredValue, ValueKind};

const PLAN: Plan<'static> =
    Plan { source: "test", prefix: "", history: 100, max_attachment: MAX_FILE };

/// What a vault has once secrets were put into it.
fn exported(wanted: Wanted) -> Exported {
    let namespace = Namespace { account: "000000000000".into(), region: "local-1".into() };
    let mut record = Record::new(namespace, wanted.name, "a1B2c3".into(), Timestamp(0));
    record.description = wanted.description;
    record.tags = Some(wanted.tags);
    let mut values = Vec::new();
    for version in wanted.versions {
        let stored = StoredValue { vid: 1, pin: [0; 32], kind: ValueKind::Text, len: 1 };
        record.versions.push(Version::new(version.id.clone(), Some(stored), Timestamp(0)));
        values.push((version.id, version.value));
    }
    record.versions.last_mut().unwrap().stages = vec![CURRENT.to_owned()];
    Exported { record, values }
}

/// Returns an item after it was a secret of the vault; none if it can be none.
fn back(item: &Item) -> Option<Item> {
    let name = naming::plain(item, PLAN.prefix);
    let planned = PLAN.secrets(item, &name, PLAN.titled(item, &name));
    let mut secrets: Vec<Exported> = planned.secrets.into_iter().map(exported).collect();
    crate::model::order::sort_by_key(&mut secrets, |secret| secret.record.name.clone());
    let mut items = items(secrets);
    assert!(items.len() <= 1, "{name}");
    items.pop().map(|taken| taken.item)
}

/// Writes an item down, without what a vault does not keep: a line of a file is no id, and when
/// something was stored is in its value, if anywhere.
fn shown(item: &Item) -> String {
    let mut text = String::new();
    fixtures::show(item, &mut text);
    let kept = text.lines().skip(1).map(|line| match line.strip_prefix("  before (") {
        Some(rest) => rest.split_once(')').map_or(rest, |(_, rest)| rest),
        None => line,
    });
    // What was the same before is one version.
    let mut lines: Vec<&str> = kept.collect();
    lines.dedup();
    lines.join("\n")
}

/// Every example of every format: what was imported is what is exported.
#[test]
fn items_of_all_formats_come_back_as_they_were() {
    let (mut count, mut differing) = (0, Vec::new());
    for mut item in fixtures::all_items() {
        // They are in a folder of their own.
        if std::mem::take(&mut item.is_in_trash) {
            continue;
        }
        let Some(back) = back(&item) else { continue };
        // A secret of AWS that has the form of a login is one from here on.
        if item.exact_name.is_some() && matches!(back.content, Content::Login(_)) {
            continue;
        }
        if let Some(login) = item.login_mut()
            && login.kind == Some("login")
        {
            login.kind = None;
        }
        if item.title.is_empty() && item.exact_name.is_none() {
            // It is called after its address.
            item.title.clone_from(&back.title);
        }
        if shown(&back) != shown(&item) {
            differing.push((shown(&back), shown(&item)));
        }
        count += 1;
    }
    assert_eq!(differing, []);
    assert!(count > 100, "{count}");
}

proptest! {
    #[test]
    fn what_was_imported_is_exported(
        title in ".{1,40}", folder in ".{1,20}", [username, password, notes, name, value, file] in prop::array::uniform6(".{0,30}"),
        urls in prop::collection::vec("[a-z]{1,9}", 0..3), labels in prop::collection::vec("[a-zé ]{1,9}", 0..3),
        bytes in prop::collection::vec(any::<u8>(), 1..200), old in ".{1,20}", is_favorite: bool,
    ) {
        let nfc = |text: &str| text.nfc().collect::<String>();
        let login = |password: &str| Login {
            username: username.clone(),
            password: password.into(),
            notes: notes.as_str().into(),
            urls: urls.clone(),
            fields: vec![Field::new(name.as_str(), value.as_str(), FieldKind::Hidden)],
            is_favorite,
            ..Login::default()
        };
        let mut item = Item::of_login(Origin::Id("i1".to_owned()), nfc(&title), login(&password));
        item.folders = vec![nfc(&folder)];
        item.labels = labels;
        item.labels.sort();
        item.labels.dedup();
        item.attachments = vec![Attachment { name: file, bytes: Secret::new(bytes) }];
        if old != password {
            let content = Content::Login(Box::new(login(&old)));
            item.history = vec![Earlier { at: None, content }];
        }
        prop_assert_eq!(shown(&back(&item).unwrap()), shown(&item));
    }
}

#[test]
fn a_file_in_parts_is_whole_again() {
    let mut item = Item::of_login(Origin::Id("i".into()), "t", Login::default());
    item.login_mut().unwrap().password = "p".into();
    let bytes = Secret::new((0..200_000_u32).map(|n| n.to_le_bytes()[0]).collect());
    item.attachments = vec![Attachment { name: "f".into(), bytes }];
    let back = back(&item).unwrap();
    assert!(back.attachments[0].bytes.expose() == item.attachments[0].bytes.expose());
}

#[test]
fn files_without_their_item_are_secrets_of_their_own() {
    let file = |name: &str| {
        exported(Wanted {
            name: name.into(),
            description: None,
            tags: vec![("kind".into(), "attachment".into())],
            versions: vec![crate::service::import::WantedVersion {
                id: "1".repeat(32),
                value: SecretValue::Binary(Secret::new(b"f".to_vec())),
            }],
        })
    };
    let text = |name: &str, value: &str| {
        let value = SecretValue::Text(Secret::new(value.to_owned()));
        let id = "1".repeat(32);
        let versions = vec![crate::service::import::WantedVersion { id, value }];
        exported(Wanted { name: name.into(), description: None, tags: Vec::new(), versions })
    };
    let lost = r#"{"password":"p","attachments":[{"name":"f","size":1,"secret":"b=a/f"}]}"#;
    let taken = items(vec![file("a=a/f"), text("b", lost), file("b=a/g"), text("c", "plain")]);
    let names: Vec<&str> = taken.iter().map(|taken| taken.name.as_str()).collect();
    assert_eq!(names, ["a=a/f", "b", "c", "b=a/g"]);
    assert_eq!(taken[1].beside.lost_files, 1);
    assert_eq!(taken[2].item.exact_name.as_deref(), Some("c"));
}
