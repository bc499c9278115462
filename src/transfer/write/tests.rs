use super::super::fixtures;
use super::super::formats::{self, Format};
use super::super::item::{Content, Item, Origin};
use super::super::login::Login;
use super::super::reading::{Source, Wishes};
use super::super::shape::Shape;
use super::super::taken::Beside;
use super::*;
use crate::sys::secret::Secret;

fn taken(items: Vec<Item>, source: &str) -> Vec<Taken> {
    let taken = |(number, item): (usize, Item)| {
        let name = item.exact_name.clone().unwrap_or_else(|| format!("item-{number}"));
        Taken { item, name, source: source.to_owned(), beside: Beside::default() }
    };
    items.into_iter().enumerate().map(taken).collect()
}

/// Puts what is left over into an order: nobody asks for the one that it has.
fn in_order(mut items: Vec<Item>) -> Vec<Item> {
    for item in &mut items {
        let earlier = item.history.iter_mut().map(|earlier| &mut earlier.content);
        for content in std::iter::once(&mut item.content).chain(earlier) {
            if let Content::Login(login) = content {
                login.left_over.sort_keys();
            }
        }
    }
    items
}

fn read(format: &str, written: &Written) -> Vec<Item> {
    let bytes = Secret::new(written.bytes.expose().clone());
    let shape = Shape::of(Source::Bytes(bytes)).ok().unwrap();
    assert_eq!(formats::recognise(&shape).map(Format::name), Some(format));
    let format = Format::named(format).unwrap();
    in_order(formats::read(format, &shape, &Wishes::default()).ok().unwrap().items)
}

/// Writes an item down, but for its id.
fn shown(item: &Item) -> String {
    let mut text = String::new();
    fixtures::show(item, &mut text);
    text.lines().skip(1).collect::<Vec<&str>>().join("\n")
}

fn texts(pairs: &[(&str, &str)]) -> Vec<Item> {
    let item = |(name, value): &(&str, &str)| {
        Item::of_text(Origin::Id((*name).to_owned()), *name, (*value).to_owned())
    };
    pairs.iter().map(item).collect()
}

fn text(written: &Written) -> String {
    String::from_utf8(written.bytes.expose().clone()).unwrap()
}

fn counted(written: &Written) -> Vec<(Feature, u64)> {
    written.losses.counts().collect()
}

#[test]
fn what_came_from_bitwarden_goes_back_to_it() {
    let mut items = in_order(fixtures::items_of("bitwarden"));
    // What is not as Bitwarden has it is counted instead, and what is of no known type becomes a note.
    let is_odd = |item: &Item| match &item.content {
        Content::Login(login) => {
            let known = ["reprompt", "login", "fields"];
            let is_known = |name: &String| known.contains(&name.as_str());
            let is_nameless = item.title.is_empty();
            is_nameless || login.kind == Some("other") || !login.left_over.keys().all(is_known)
        }
        Content::Text(_) | Content::Bytes(_) => false,
    };
    items.retain(|item| !item.is_in_trash && !is_odd(item));
    // What of passkeys is unusual is counted, too.
    for item in &mut items {
        let earlier = item.history.iter_mut().map(|earlier| &mut earlier.content);
        for content in std::iter::once(&mut item.content).chain(earlier) {
            if let Content::Login(login) = content
                && let Some(serde_json::Value::Object(inner)) = login.left_over.get_mut("login")
            {
                inner.shift_remove("fido2Credentials");
            }
        }
    }
    let before: Vec<String> = items.iter().map(shown).collect();
    assert!(before.len() > 2);
    let written = write(Target::Bitwarden, &taken(items, "bitwarden"));
    let after: Vec<String> = read("bitwarden", &written).iter().map(shown).collect();
    for (after, before) in after.iter().zip(&before) {
        assert_eq!(after, before);
    }
    assert_eq!(after.len(), before.len());
}

#[test]
fn what_came_from_a_browser_goes_back_to_it() {
    let mut items = fixtures::items_of("chrome");
    // A second name of one login is counted instead; what another of the files has too would be one with it.
    items.retain_mut(|item| item.login_mut().is_some_and(|login| login.left_over.is_empty()));
    items.retain(|item| item.title != "Größe");
    let before: Vec<String> = items.iter().map(shown).collect();
    let written = write(Target::Csv, &taken(items, "chrome"));
    assert_eq!(counted(&written), []);
    let after: Vec<String> = read("chrome", &written).iter().map(shown).collect();
    assert_eq!(after, before);
}

#[test]
fn variables_are_read_back_as_they_were() {
    let values = [
        ("A", "plain"),
        ("B", "with space"),
        ("C", "it's"),
        ("D", "\"q\""),
        ("E", "a\nb\r\n"),
        ("F", "back\\slash\\n"),
        ("G", "a#b # c"),
        ("H", "`x`"),
        ("I", " edge "),
        ("J", "é ü"),
        ("K", "a$b"),
        ("L", "it's $HOME"),
        ("M", "\t"),
        ("N", "'"),
    ];
    let written = write(Target::Env, &taken(texts(&values), ""));
    let after = read("env", &written);
    assert_eq!(after.len(), values.len());
    for (item, (name, value)) in after.iter().zip(values) {
        assert_eq!(item.exact_name.as_deref(), Some(name));
        let Content::Text(text) = &item.content else { panic!() };
        assert_eq!(text.expose(), value, "{name}");
    }
    let doubted: Vec<&str> =
        written.losses.remarks().iter().map(|told| told.name.as_str()).collect();
    assert_eq!(doubted, ["E", "F", "L"]);
}

#[test]
fn variables_have_the_shortest_name_that_is_theirs_alone() {
    let values = [
        ("app/a/URL", "1"),
        ("app/b/URL", "2"),
        ("app/b/my-key", "3"),
        ("2fa", "4"),
        ("x.2fa", "5"),
    ];
    let written = write(Target::Env, &taken(texts(&values), ""));
    assert_eq!(text(&written), "APP_A_URL=1\nAPP_B_URL=2\nMY_KEY=3\n_2FA=4\nX_2FA=5\n");
    // What ends in a slash had no name at all, and nobody could read the file.
    let values = [("app/end/", "1"), ("/", "2"), ("//", "3")];
    let written = write(Target::Env, &taken(texts(&values), ""));
    assert_eq!(text(&written), "end=1\n_=2\n__=3\n");
    let values = [("a-b", "1"), ("a.b", "2")];
    let written = write(Target::Env, &taken(texts(&values), ""));
    assert_eq!(text(&written), "A_B=1\n");
    assert_eq!(written.losses.left_out(), 1);
}

#[test]
fn what_a_format_cannot_hold_is_counted() {
    let items = fixtures::items_of("bitwarden");
    let features = |target: Target| {
        let written = write(target, &taken(fixtures::items_of("bitwarden"), "bitwarden"));
        written.losses.counts().map(|(feature, _)| feature).collect::<Vec<Feature>>()
    };
    assert!(items.iter().any(|item| !item.history.is_empty()));
    for feature in [Feature::History, Feature::Fields, Feature::Folders, Feature::Passkeys] {
        assert!(features(Target::Csv).contains(&feature), "{feature:?}");
    }
    assert!(!features(Target::Env).contains(&Feature::Fields));
    for feature in [Feature::Fields, Feature::Folders, Feature::Passkeys, Feature::Kinds] {
        assert!(!features(Target::Bitwarden).contains(&feature), "{feature:?}");
    }
}

/// XML has no way to write them; without them the value was another, and nobody was told by the exit code.
#[test]
fn a_value_with_control_characters_is_a_file_in_keepass() {
    let values = [("nul", "a\0b\u{1b}"), ("plain", "a\tb\r\n"), ("odd", "\u{ffff}")];
    let written = write(Target::KeePass, &taken(texts(&values), ""));
    let mut after = read("keepass", &written);
    crate::model::order::sort_by_key(&mut after, |item| item.title.clone());
    let files = |item: &Item| -> Vec<Vec<u8>> {
        item.attachments.iter().map(|file| file.bytes.expose().clone()).collect()
    };
    let all: Vec<Vec<Vec<u8>>> = after.iter().map(files).collect();
    assert_eq!(all, [vec![b"a\0b\x1b".to_vec()], vec!["\u{ffff}".into()], vec![]]);
    assert_eq!(after[2].login_mut().unwrap().password.expose(), "a\tb\r\n");
    let doubted: Vec<&str> =
        written.losses.remarks().iter().map(|told| told.name.as_str()).collect();
    assert_eq!(doubted, ["nul", "odd"]);
    // Of a login they are counted.
    let login = Login { password: "a\0".into(), ..Login::default() };
    let item = Item::of_login(Origin::Position(1), "x", login);
    let written = write(Target::KeePass, &taken(vec![item], ""));
    assert_eq!(counted(&written), [(Feature::Characters, 1)]);
}

#[test]
fn what_came_from_keepass_goes_back_to_it() {
    let mut items = fixtures::items_of("keepass");
    // One has two strings of the same key, which KeePass itself refuses.
    items.retain(|item| !item.is_in_trash && item.title != "half a passkey");
    assert!(items.len() > 3);
    let without_rest = |item: &mut Item| {
        let earlier = item.history.iter_mut().map(|earlier| &mut earlier.content);
        for content in std::iter::once(&mut item.content).chain(earlier) {
            if let Content::Login(login) = content {
                login.left_over = serde_json::Map::new();
            }
        }
    };
    items.iter_mut().for_each(without_rest);
    let before: Vec<String> = items.iter().map(shown).collect();
    let written = write(Target::KeePass, &taken(items, "keepass"));
    let mut after = read("keepass", &written);
    after.iter_mut().for_each(without_rest);
    // Each key is there once.
    let shown_once = |item: &Item| shown(item).replace(" (2)\"", "\"");
    let mut after: Vec<String> = after.iter().map(shown_once).collect();
    let mut before = before;
    before.sort();
    after.sort();
    for (after, before) in after.iter().zip(&before) {
        assert_eq!(after, before);
    }
    assert_eq!(after.len(), before.len());
}
