use super::super::item::Attachment;
use super::super::login::Login;
use super::*;
use crate::model::secret_value::SecretValue;
use crate::service::import::{SOURCE_ID, WantedVersion};
use crate::sys::secret::Secret;

const PLAN: Plan<'static> = Plan { source: "test", prefix: "", history: 10, max_attachment: 1000 };

/// A vault of which only current values and the tag of the source's id are known.
#[derive(Default)]
struct Stock {
    secrets: BTreeMap<String, (Vec<u8>, Option<String>)>,
    barred: BTreeSet<String>,
}

impl Stock {
    fn standing(&self, wanted: &Wanted) -> Standing {
        if self.barred.contains(&wanted.name) {
            return Standing::Barred("is locked away");
        }
        let new = wanted.versions.last().unwrap().value.expose_bytes();
        match self.secrets.get(&wanted.name) {
            None => Standing::Free,
            Some((value, _)) if value == new => Standing::Same,
            Some(_) => Standing::Differs,
        }
    }

    fn known(&self) -> BTreeMap<String, Vec<String>> {
        let mut known: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, (_, id)) in &self.secrets {
            if let Some(id) = id {
                known.entry(id.clone()).or_default().push(name.clone());
            }
        }
        known
    }

    /// Imports, and returns what became of each item.
    fn import(&mut self, items: Vec<Item>, on_conflict: Option<OnConflict>) -> Vec<(String, Fate)> {
        let known = self.known();
        let mut look = |wanted: &Wanted| Ok::<_, ()>(self.standing(wanted));
        let settled = settle(items, &PLAN, &known, on_conflict, &mut look).unwrap();
        let mut told = Vec::new();
        for item in settled {
            for wanted in item.secrets {
                let id = wanted.tags.iter().find(|(key, _)| key == SOURCE_ID);
                let id = id.map(|(_, value)| value.clone());
                let value = wanted.versions.last().unwrap().value.expose_bytes().to_vec();
                self.secrets.insert(wanted.name, (value, id));
            }
            told.push((item.name, item.fate));
        }
        told
    }

    fn rename(&mut self, from: &str, to: &str) {
        let secret = self.secrets.remove(from).unwrap();
        self.secrets.insert(to.to_owned(), secret);
    }
}

fn login(origin: Origin, title: &str, username: &str, password: &str) -> Item {
    let login =
        Login { username: username.to_owned(), password: password.into(), ..Login::default() };
    Item::of_login(origin, title, login)
}

fn with_id(id: &str, title: &str, password: &str) -> Item {
    login(Origin::Id(id.to_owned()), title, "ann", password)
}

fn on_line(line: usize, title: &str, password: &str) -> Item {
    login(Origin::Line(line), title, "ann", password)
}

fn told(pairs: &[(&str, Fate)]) -> Vec<(String, Fate)> {
    pairs.iter().map(|(name, fate)| ((*name).to_owned(), fate.clone())).collect()
}

fn conflict(name: &str, why: &'static str) -> Fate {
    Fate::Conflict { name: name.to_owned(), why }
}

#[test]
fn a_second_import_changes_nothing() {
    let items = || {
        let mut first = with_id("1", "a", "x");
        let bytes = Secret::new(b"file".to_vec());
        first.attachments.push(Attachment { name: "f".to_owned(), bytes });
        vec![first, with_id("2", "a", "y"), on_line(3, "c", "z")]
    };
    let mut stock = Stock::default();
    let made = stock.import(items(), None);
    assert_eq!(made, told(&[("a", Fate::Made), ("a.2", Fate::Made), ("c", Fate::Made)]));
    assert_eq!(stock.secrets.len(), 4);
    let again = stock.import(items(), None);
    let unchanged = Fate::Unchanged;
    let expected = [("a", unchanged.clone()), ("a.2", unchanged.clone()), ("c", unchanged)];
    assert_eq!(again, told(&expected));
}

#[test]
fn an_item_is_known_by_its_id_whatever_it_is_called() {
    let mut stock = Stock::default();
    stock.import(vec![with_id("5", "a", "x")], None);
    stock.rename("a", "work/a");
    assert_eq!(
        stock.import(vec![with_id("5", "a", "x")], None),
        told(&[("work/a", Fate::Unchanged)])
    );
    // Another one that comes first by its id leaves it its name, and gets the one that is free.
    let two = || vec![with_id("1", "a", "new"), with_id("5", "a", "x")];
    let expected = [("a", Fate::Made), ("work/a", Fate::Unchanged)];
    assert_eq!(stock.import(two(), None), told(&expected));
    // It was named when there was no other of its title, and is still the same.
    let mut stock = Stock::default();
    stock.import(vec![with_id("5", "a", "x")], None);
    let expected = [("a.2", Fate::Made), ("a", Fate::Unchanged)];
    assert_eq!(stock.import(two(), None), told(&expected));
    stock.rename("a.2", "b");
    let only = vec![with_id("1", "a", "new")];
    assert_eq!(stock.import(only, None), told(&[("b", Fate::Unchanged)]));
}

/// A source should not have two items with one id, and the second once took the place of the first.
#[test]
fn items_that_share_an_id_have_a_secret_each() {
    let items = |password: &str| vec![with_id("1", "a", "x"), with_id("1", "b", password)];
    let mut stock = Stock::default();
    stock.import(items("y"), None);
    let changed = stock.import(items("z"), Some(OnConflict::Version));
    assert_eq!(changed, told(&[("a", Fate::Unchanged), ("b", Fate::Updated)]));
}

#[test]
fn conflicts_are_settled_as_is_asked() {
    let stock = || Stock {
        secrets: [("a".to_owned(), (b"mine".to_vec(), None))].into(),
        barred: ["barred".to_owned()].into(),
    };
    let items = || vec![on_line(2, "a", "x"), on_line(3, "b", "y")];
    let stopped = stock().import(items(), None);
    assert_eq!(stopped, told(&[("a", conflict("a", "has another value")), ("b", Fate::Made)]));
    for (how, first) in [
        (OnConflict::Skip, ("a", Fate::Skipped)),
        (OnConflict::Version, ("a", Fate::Updated)),
        (OnConflict::Rename, ("a.2", Fate::Made)),
    ] {
        let mut stock = stock();
        let done = stock.import(items(), Some(how));
        assert_eq!(done, told(&[first, ("b", Fate::Made)]), "{how:?}");
        let is_kept = stock.secrets["a"].0 == b"mine";
        assert_eq!(is_kept, how != OnConflict::Version);
        let again = stock.import(items(), Some(how));
        assert_eq!(again[1].1, Fate::Unchanged);
        if how != OnConflict::Skip {
            assert_eq!(again[0].1, Fate::Unchanged, "{how:?}");
        }
    }
    for (how, fate) in [
        (OnConflict::Skip, ("barred", Fate::Skipped)),
        (OnConflict::Version, ("barred", conflict("barred", "is locked away"))),
        (OnConflict::Rename, ("barred.2", Fate::Made)),
    ] {
        let done = stock().import(vec![on_line(2, "barred", "x")], Some(how));
        assert_eq!(done, told(&[fate]), "{how:?}");
    }
}

#[test]
fn what_is_known_by_another_name_gets_its_own_where_that_is_free() {
    let mut stock = Stock::default();
    stock.import(vec![with_id("1", "a", "x")], None);
    stock.rename("a", "mine");
    let changed = || vec![with_id("1", "a", "y")];
    let done = stock.import(changed(), Some(OnConflict::Rename));
    assert_eq!(done, told(&[("a", Fate::Made)]));
    let again = stock.import(changed(), None);
    assert_eq!(again[0].1, Fate::Unchanged);
}

/// Two items may be renamed to one name.
#[test]
fn names_that_are_given_in_conflicts_are_given_once() {
    let mut stock = Stock::default();
    for name in ["a", "a.2"] {
        stock.secrets.insert(name.to_owned(), (b"mine".to_vec(), None));
    }
    let items = vec![on_line(2, "a", "x"), on_line(3, "a", "y"), on_line(4, "a.3", "z")];
    let done = stock.import(items, Some(OnConflict::Rename));
    let names: Vec<&str> = done.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["a.4", "a.5", "a.3"]);
    assert_eq!(stock.secrets.len(), 5);
}

#[test]
fn files_go_with_their_item() {
    let with_file = |contents: &[u8]| {
        let mut item = with_id("1", "a", "x");
        let bytes = Secret::new(contents.to_vec());
        item.attachments.push(Attachment { name: "f".to_owned(), bytes });
        vec![item]
    };
    let mut stock = Stock::default();
    stock.import(with_file(b"one"), None);
    // Renamed without its item, it is still the same.
    stock.rename("a=a/f", "elsewhere");
    let again = stock.import(with_file(b"one"), None);
    assert_eq!(again, told(&[("a", Fate::Unchanged)]));
    assert_eq!(stock.secrets.len(), 2);
    // Another file is another value of both.
    let changed = stock.import(with_file(b"two"), None);
    assert!(matches!(&changed[0].1, Fate::Conflict { .. }), "{changed:?}");
    // Under another name it has a file of its own, which its value names.
    let mut twice = Stock { secrets: stock.secrets.clone(), ..Stock::default() };
    let mut another = with_file(b"one");
    another[0].login_mut().unwrap().password = "y".into();
    let done = twice.import(another, Some(OnConflict::Rename));
    assert_eq!(done, told(&[("a.2", Fate::Made)]));
    assert!(twice.secrets.contains_key("a.2=a/f"));
    let done = stock.import(with_file(b"two"), Some(OnConflict::Version));
    assert_eq!(done, told(&[("a", Fate::Updated)]));
}

#[test]
fn what_cannot_be_stored_is_left_out() {
    let empty = Item::of_text(Origin::Line(1), "EMPTY", String::new());
    let done = Stock::default().import(vec![empty], None);
    assert_eq!(done, told(&[("", Fate::LeftOut)]));
}

#[test]
fn only_what_changes_is_put() {
    let wanted = Wanted {
        name: "a".to_owned(),
        description: None,
        tags: Vec::new(),
        versions: vec![WantedVersion {
            id: "1".repeat(32),
            value: SecretValue::Text(Secret::new("x".to_owned())),
        }],
    };
    let held = Held { secrets: vec![(wanted, Standing::Same)], remarks: Vec::new() };
    assert_eq!(fate(&held), Fate::Unchanged);
    assert!(
        settled(&with_id("1", "a", "x"), "a".to_owned(), Fate::Updated, held).secrets.is_empty()
    );
}
