//! Random things done to a vault and to a map: every answer must be the same.

use proptest::prelude::*;
use proptest::test_runner::Config;

use super::rows::Rows;
use super::*;
use crate::vault::rekey::Rekeying;
use crate::vault::slots::LastPortable;

/// What the map knows of a secret.
#[derive(Clone, Debug)]
struct Expected {
    versions: Vec<(String, String)>,
    due: Option<Timestamp>,
}

/// A vault, and what should be in it.
struct Pair {
    fixture: VaultFixture,
    vault: Vault,
    key: Key,
    map: BTreeMap<String, Expected>,
    steps: u64,
}

impl Pair {
    fn new() -> Self {
        let fixture = VaultFixture::new();
        let (vault, key) = sample_empty_vault(&fixture);
        Self { fixture, vault, key, map: BTreeMap::new(), steps: 0 }
    }

    /// Does one thing to both.
    fn step(&mut self, (what, which, how): (u8, u8, u8)) {
        self.steps += 1;
        let name = format!("s{which}");
        let now = self.fixture.now.get();
        match what {
            0 | 1 => self.create(&name, how),
            2 | 3 => self.add(&name, how),
            4 => self.prune(&name),
            5 => self.remove(&name),
            6 => self.schedule(&name, how),
            7 => self.fixture.advance_days(i64::from(how % 20)),
            8 => self.erase(usize::from(how % 3)),
            9 => self.give_up(&name),
            10 => self.reopen(),
            11 => self.rekey(),
            _ => self.change_slots(how),
        }
        assert!(self.fixture.now.get() >= now);
        self.compare();
    }

    fn create(&mut self, name: &str, how: u8) {
        let now = self.fixture.now.get();
        let is_taken = self.map.get(name).is_some_and(|e| e.due.is_none_or(|due| due > now));
        let value = "v".repeat(usize::from(how) * 40);
        let id = format!("c{}", self.steps);
        let mut transaction = self.fixture.write(&mut self.vault);
        let mut record = Record::new(home(), name.to_owned(), "a1B2c3".to_owned(), now);
        transaction.assign_row(&mut record).unwrap();
        add_version(&mut transaction, &mut record, &id, &text(&value));
        match transaction.insert(&mut record) {
            Ok(()) => {
                assert!(!is_taken);
                transaction.commit().unwrap();
                let versions = vec![(id, value)];
                self.map.insert(name.to_owned(), Expected { versions, due: None });
            }
            Err(Error::NameTaken(_)) => assert!(is_taken),
            Err(Error::ClockJumped) => {}
            Err(other) => panic!("{other:?}"),
        }
    }

    /// Returns the record, if there is one for a reader.
    fn find(transaction: &Transaction<'_>, name: &str) -> Option<Record> {
        transaction.find(&home(), name).unwrap()
    }

    fn add(&mut self, name: &str, how: u8) {
        let mut transaction = self.fixture.write(&mut self.vault);
        let Some(mut record) = Self::find(&transaction, name) else { return };
        let (id, value) = (format!("a{}", self.steps), format!("{how}").repeat(how.into()));
        add_version(&mut transaction, &mut record, &id, &text(&value));
        transaction.update(&mut record).unwrap();
        transaction.record_own("Add", name).unwrap();
        transaction.commit().unwrap();
        self.map.get_mut(name).unwrap().versions.push((id, value));
    }

    fn prune(&mut self, name: &str) {
        let mut transaction = self.fixture.write(&mut self.vault);
        let Some(mut record) = Self::find(&transaction, name) else { return };
        if record.versions.is_empty() {
            return;
        }
        let gone = record.versions.remove(0);
        transaction.remove_value(&gone.value.unwrap()).unwrap();
        transaction.update(&mut record).unwrap();
        transaction.commit().unwrap();
        assert_eq!(self.map.get_mut(name).unwrap().versions.remove(0).0, gone.id);
    }

    fn remove(&mut self, name: &str) {
        let mut transaction = self.fixture.write(&mut self.vault);
        let Some(record) = Self::find(&transaction, name) else { return };
        transaction.remove(&record).unwrap();
        transaction.commit().unwrap();
        self.map.remove(name);
    }

    fn schedule(&mut self, name: &str, how: u8) {
        let mut transaction = self.fixture.write(&mut self.vault);
        let Some(mut record) = Self::find(&transaction, name) else { return };
        let requested = transaction.now();
        let due = requested.plus_days(i64::from(how % 30) + 7);
        record.deletion = (how < 200).then_some(Deletion { requested, due });
        transaction.update(&mut record).unwrap();
        transaction.commit().unwrap();
        self.map.get_mut(name).unwrap().due = (how < 200).then_some(due);
    }

    fn erase(&mut self, most: usize) {
        let mut transaction = self.fixture.write(&mut self.vault);
        for name in transaction.erase_gone(most).unwrap() {
            let expected = self.map.remove(&name).unwrap();
            assert!(expected.due.unwrap() <= transaction.now(), "{name}");
        }
        transaction.commit().unwrap();
    }

    /// A change that is not committed.
    fn give_up(&mut self, name: &str) {
        let mut transaction = self.fixture.write(&mut self.vault);
        if let Some(record) = Self::find(&transaction, name) {
            transaction.remove(&record).unwrap();
        }
        create(&mut transaction, "given up", &[("v", text("x"))]);
        transaction.record_own("GiveUp", "").unwrap();
    }

    fn reopen(&mut self) {
        let store = Rows::of(&mut self.vault.store).store();
        self.vault = unlock(store, &self.key, &STRICT).unwrap();
    }

    fn rekey(&mut self) {
        let master = MasterKey::generate(&self.fixture.entropy).unwrap();
        let (body, keyfile) = new_slot(&self.fixture, &master, self.vault.vault_id());
        let slots = vec![(0, body, "new".to_owned())];
        let rekeying = Rekeying { master: &master, slots, reason: String::new() };
        self.vault.rekey(rekeying, self.fixture.context(), &mut |_| {}).unwrap();
        self.key = Key { master, keyfile };
    }

    fn change_slots(&mut self, how: u8) {
        let vault_id = *self.vault.vault_id();
        let (body, _) = new_slot(&self.fixture, &self.key.master, &vault_id);
        let mut transaction = self.fixture.write(&mut self.vault);
        let count = transaction.state().slots.len();
        let changed = if how.is_multiple_of(2) {
            transaction.add_slot(&body, "more").map(drop)
        } else {
            let number = transaction.state().slots.last().unwrap().number;
            transaction.remove_slot(number, LastPortable::MayGo)
        };
        match changed {
            Ok(()) => transaction.commit().unwrap(),
            Err(Error::SlotsFull) => assert_eq!(count, 16),
            Err(Error::LastSlot(_)) => assert_eq!(count, 1),
            Err(other) => panic!("{other:?}"),
        }
    }

    fn compare(&mut self) {
        let now = self.fixture.now.get();
        let transaction = self.fixture.read(&mut self.vault);
        let is_there = |expected: &Expected| expected.due.is_none_or(|due| due > now);
        for which in 0..5 {
            let name = format!("s{which}");
            let record = Self::find(&transaction, &name);
            let expected = self.map.get(&name).filter(|expected| is_there(expected));
            assert_eq!(record.is_some(), expected.is_some(), "{name}");
            let (Some(record), Some(expected)) = (record, expected) else { continue };
            assert_eq!(record.deletion.map(|deletion| deletion.due), expected.due);
            let values = record.versions.iter().map(|version| {
                let value = transaction.value(&record, version).unwrap().unwrap();
                let value = String::from_utf8(value.expose_bytes().to_vec()).unwrap();
                (version.id.clone(), value)
            });
            assert_eq!(values.collect::<Vec<_>>(), expected.versions, "{name}");
        }
        let mut names = Vec::new();
        let listed = transaction.each(|record| {
            names.push(record.name);
            Ok(())
        });
        listed.unwrap();
        names.sort();
        let expected = self.map.iter().filter(|(_, expected)| is_there(expected));
        assert_eq!(names, expected.map(|(name, _)| name.clone()).collect::<Vec<_>>());
        assert_eq!(transaction.state().secrets, u64::try_from(self.map.len()).unwrap());
    }
}

proptest! {
    #![proptest_config(Config { cases: 40, failure_persistence: None, ..Config::default() })]

    #[test]
    fn a_vault_answers_as_a_map_does(
        steps in proptest::collection::vec((0_u8..13, 0_u8..5, any::<u8>()), 1..50),
    ) {
        let mut pair = Pair::new();
        for step in steps {
            pair.step(step);
        }
        assert_sound(&pair.fixture, &mut pair.vault);
        pair.reopen();
        pair.compare();
    }
}
