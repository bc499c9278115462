//! Every kind of change to every row of every table, by somebody without a key.

use super::rows::{Rows, TABLES};
use super::*;
use crate::store::Table;

/// A furnished vault as it was, and as it is after a change to every table.
pub(super) struct Ages {
    pub(super) fixture: VaultFixture,
    pub(super) key: Key,
    pub(super) old: Rows,
    pub(super) new: Rows,
    pub(super) truth: BTreeMap<String, String>,
}

impl Ages {
    pub(super) fn new() -> Self {
        let fixture = VaultFixture::new();
        let (mut vault, key) = sample_vault(&fixture);
        let old = Rows::of(&mut vault.store);
        renovate(&fixture, &mut vault, &key);
        assert_sound(&fixture, &mut vault);
        let truth = truth(&fixture, &mut vault);
        let new = Rows::of(&mut vault.store);
        for table in TABLES {
            assert!(old.table(table) != new.table(table), "{table:?}");
        }
        Self { fixture, key, old, new, truth }
    }

    /// Requires that an altered vault gives no wrong answer, and that a check finds what was done.
    #[track_caller]
    fn refuse(&self, case: &str, table: Table, altered: &Rows) {
        assert!(*altered != self.new, "{case}: nothing was altered");
        if table == Table::Slot {
            let strict = unlock(altered.store(), &self.key, &STRICT);
            let is_refused = matches!(strict, Err(Error::Tampered(_) | Error::TamperedSlot { .. }));
            assert!(is_refused, "{case}");
        }
        let mut vault = unlock(altered.store(), &self.key, &UNGUARDED).unwrap();
        judge(case, &self.truth, &ask(&self.fixture, &mut vault));
        assert_ne!(findings(&self.fixture, &mut vault), [], "{case}");
    }
}

/// Something that is done to the rows of a table.
type Alteration<'a> = &'a dyn Fn(&mut BTreeMap<u64, Vec<u8>>);

/// All that can be done to a table without a key, by name.
pub(super) fn alterations(table: Table, old: &Rows, new: &Rows) -> Vec<(String, Rows)> {
    let mut done: Vec<(String, Rows)> = Vec::new();
    let mut alter = |what: String, work: Alteration<'_>| {
        let mut altered = new.clone();
        work(altered.table_mut(table));
        done.push((format!("{table:?}: {what}"), altered));
    };
    let rows = new.table(table);
    alter("all deleted".to_owned(), &BTreeMap::clear);
    alter("all as they were".to_owned(), &|rows| old.table(table).clone_into(rows));
    for (key, body) in old.table(table).iter().filter(|(key, body)| rows.get(key) != Some(body)) {
        alter(format!("{key} as it was"), &|rows| drop(rows.insert(*key, body.clone())));
    }
    let spare =
        (0..u64::MAX).find(|key| !rows.contains_key(key) && !old.table(table).contains_key(key));
    let spare = spare.unwrap();
    for (key, body) in rows {
        let longer = [body, &[0][..]].concat();
        alter(format!("{key} deleted"), &|rows| drop(rows.remove(key)));
        alter(format!("{key} cut"), &|rows| rows.get_mut(key).unwrap().truncate(body.len() - 1));
        alter(format!("{key} longer"), &|rows| drop(rows.insert(*key, longer.clone())));
        alter(format!("{key} empty"), &|rows| rows.get_mut(key).unwrap().clear());
        alter(format!("{key} foreign"), &|rows| drop(rows.insert(*key, vec![0x5a; body.len()])));
        alter(format!("{key} twice"), &|rows| drop(rows.insert(spare, body.clone())));
        for at in [0, body.len() / 2, body.len() - 1] {
            alter(format!("{key} flipped at {at}"), &|rows| rows.get_mut(key).unwrap()[at] ^= 1);
        }
    }
    alter("one more".to_owned(), &|rows| drop(rows.insert(spare, vec![0x5a; 400])));
    alter("one more, empty".to_owned(), &|rows| drop(rows.insert(spare, Vec::new())));
    let pairs = rows.iter().zip(rows.iter().skip(1));
    for ((one, first), (other, second)) in pairs {
        alter(format!("{one} and {other} swapped"), &|rows| {
            rows.insert(*one, second.clone());
            rows.insert(*other, first.clone());
        });
    }
    done
}

#[test]
fn no_change_to_a_row_is_taken_for_the_truth() {
    let ages = Ages::new();
    let mut count = 0;
    for table in TABLES {
        for (case, altered) in alterations(table, &ages.old, &ages.new) {
            ages.refuse(&case, table, &altered);
            count += 1;
        }
    }
    assert!(count > 200, "{count}");
}

#[test]
fn what_is_asked_for_is_refused_where_it_was_changed() {
    // Not only no wrong answer: none at all to the question that the change is about.
    let ages = Ages::new();
    let refused = |what: &str, altered: &Rows, questions: &[&str]| {
        let mut vault = unlock(altered.store(), &ages.key, &UNGUARDED).unwrap();
        let answers = ask(&ages.fixture, &mut vault);
        for question in questions {
            let answer = answers.get(*question);
            assert!(matches!(answer, None | Some(Err(_))), "{what}: {question}: {answer:?}");
        }
        answers
    };
    for table in [Table::Bucket, Table::Node, Table::Secret] {
        let mut altered = ages.new.clone();
        altered.table_mut(table).clear();
        let questions = ["find app/db", "find app/key", "find none", "find new/one", "list"];
        refused(&format!("{table:?} cleared"), &altered, &questions);
    }
    for key in ages.new.table(Table::Value).keys() {
        let mut altered = ages.new.clone();
        altered.table_mut(Table::Value).remove(key);
        let answers = refused("value deleted", &altered, &[]);
        assert_eq!(answers.values().filter(|answer| answer.is_err()).count(), 1);
    }
    let mut altered = ages.new.clone();
    altered.table_mut(Table::Audit).pop_last();
    refused("last audit entry deleted", &altered, &["log"]);
}

#[test]
fn rows_under_numbers_that_no_row_has_are_found() {
    // Slots beyond the sixteenth were tried like any other when a vault was opened, but compared
    // with nothing: a slot that had been removed could be put back there, and opened the vault.
    let ages = Ages::new();
    for (table, key, body) in [
        ("slot", "16", "x'00'"),
        ("slot", "77", "(SELECT body FROM slot LIMIT 1)"),
        ("slot", "255", "(SELECT body FROM slot LIMIT 1)"),
        ("slot", "300", "(SELECT body FROM slot LIMIT 1)"),
        ("slot", "-1", "(SELECT body FROM slot LIMIT 1)"),
        ("node", "64", "(SELECT body FROM node LIMIT 1)"),
        ("node", "-1", "(SELECT body FROM node LIMIT 1)"),
        ("bucket", "4096", "(SELECT body FROM bucket LIMIT 1)"),
        ("bucket", "-9223372036854775808", "x''"),
        ("secret", "-1", "(SELECT box FROM secret LIMIT 1)"),
        ("value", "-1", "(SELECT box FROM value LIMIT 1)"),
        ("value", "9223372036854775807", "x''"),
        ("audit", "-1", "(SELECT box FROM audit LIMIT 1)"),
    ] {
        let case = format!("{table} {key}");
        let store = || {
            let store = ages.new.store();
            store.tamper(&format!("INSERT INTO {table} VALUES ({key}, {body})"));
            store
        };
        let strict = unlock(store(), &ages.key, &STRICT);
        assert_eq!(strict.is_err(), table == "slot", "{case}");
        let mut vault = unlock(store(), &ages.key, &UNGUARDED).unwrap();
        judge(&case, &ages.truth, &ask(&ages.fixture, &mut vault));
        let found = findings(&ages.fixture, &mut vault);
        assert_eq!(found.len(), 1, "{case}: {found:?}");

        let mut transaction = ages.fixture.write(&mut vault);
        transaction.repair(&[], &mut |_| {}).unwrap();
        transaction.commit().unwrap();
        assert_eq!(findings(&ages.fixture, &mut vault), [], "{case}");
    }
}

#[test]
fn a_slot_that_was_removed_does_not_come_back() {
    let fixture = VaultFixture::new();
    let (mut vault, key) = sample_empty_vault(&fixture);
    let (body, keyfile) = new_slot(&fixture, &key.master, vault.vault_id());
    let number = fixture.change(&mut vault, |t| t.add_slot(&body, "lost").unwrap());
    let remove = super::super::slots::LastPortable::Keep;
    fixture.change(&mut vault, |t| t.remove_slot(number, remove).unwrap());
    let sound = Rows::of(&mut vault.store);
    for number in [number.into(), 15, 16, 200, 1000] {
        let mut altered = sound.clone();
        altered.table_mut(Table::Slot).insert(number, body.as_bytes().to_vec());
        let locked = LockedVault::from_store(altered.store()).unwrap();
        let lost = Credential::Keyfile(Keyfile::parse(keyfile.expose().as_bytes()).unwrap());
        let (_, master) = locked.try_credential(&lost, CostLimit::Ordinary).unwrap();
        let error = locked.unlock(&master, &STRICT).err();
        let is_refused = matches!(error, Some(Error::Tampered(_) | Error::TamperedSlot { .. }));
        assert!(is_refused, "{number}: {error:?}");
    }
}

#[test]
fn no_change_to_the_state_is_taken_for_the_truth() {
    let ages = Ages::new();
    let (public, state) = ages.new.vault.clone().unwrap();
    let (old_public, old_state) = ages.old.vault.clone().unwrap();
    assert_eq!(public, old_public);
    let mut cases: Vec<(&str, Vec<u8>, Vec<u8>)> = vec![
        ("state empty", public.clone(), Vec::new()),
        ("public empty", Vec::new(), state.clone()),
        ("swapped", state.clone(), public.clone()),
        ("state cut", public.clone(), state[..state.len() - 1].to_vec()),
        ("state longer", public.clone(), [&state[..], &[0]].concat()),
        ("public cut", public[..71].to_vec(), state.clone()),
        ("public longer", [&public[..], &[0]].concat(), state.clone()),
        ("state foreign", public.clone(), vec![7; state.len()]),
    ];
    for at in (0..state.len()).step_by(7) {
        let mut flipped = state.clone();
        flipped[at] ^= 0x10;
        cases.push(("state flipped", public.clone(), flipped));
    }
    for (case, public, state) in cases {
        let mut altered = ages.new.clone();
        altered.vault = Some((public, state));
        let error = unlock(altered.store(), &ages.key, &UNGUARDED).err().unwrap();
        assert!(speaks_of_damage(&error), "{case}: {error:?}");
    }
    // The old state alone is refused when a slot, a record or the log is looked at.
    let mut altered = ages.new.clone();
    altered.vault = Some((public, old_state));
    assert!(unlock(altered.store(), &ages.key, &STRICT).is_err());
    let mut vault = unlock(altered.store(), &ages.key, &UNGUARDED).unwrap();
    assert!(findings(&ages.fixture, &mut vault).len() > 5);

    let mut altered = ages.new.clone();
    altered.vault = None;
    assert!(unlock(altered.store(), &ages.key, &UNGUARDED).is_err());
    let store = ages.new.store();
    store.tamper("INSERT INTO vault SELECT 2, public, state FROM vault");
    assert!(unlock(store, &ages.key, &UNGUARDED).is_err());
}

#[test]
fn every_public_byte_is_bound() {
    let ages = Ages::new();
    let (public, state) = ages.new.vault.clone().unwrap();
    for at in 0..public.len() {
        for flip in [1, 0x80] {
            let mut altered = ages.new.clone();
            let mut flipped = public.clone();
            flipped[at] ^= flip;
            altered.vault = Some((flipped, state.clone()));
            let error = unlock(altered.store(), &ages.key, &UNGUARDED).err();
            assert!(error.as_ref().is_some_and(speaks_of_damage), "byte {at}: {error:?}");
        }
    }
}

#[test]
fn every_byte_of_a_slot_is_bound() {
    let fixture = VaultFixture::new();
    let (mut vault, key) = sample_empty_vault(&fixture);
    let rows = Rows::of(&mut vault.store);
    let opened = |rows: &Rows| {
        let locked = LockedVault::from_store(rows.store()).unwrap();
        locked.try_credential(&key.credential(), CostLimit::Ordinary).map(|(number, _)| number)
    };
    assert_eq!(opened(&rows).unwrap(), 0);
    for at in 0..SlotBody::LENGTH {
        let mut altered = rows.clone();
        altered.table_mut(Table::Slot).get_mut(&0).unwrap()[at] ^= 1;
        let error = opened(&altered).unwrap_err();
        let is_refused = matches!(
            error,
            Error::Crypto(crypto::Error::WrongCredential) | Error::NoSlotFor { .. }
        );
        assert!(is_refused, "byte {at}: {error:?}");
        let error = unlock(altered.store(), &key, &STRICT).err();
        let names_it = matches!(error, Some(Error::TamperedSlot { number: 0, .. }));
        assert!(names_it, "byte {at}: {error:?}");
    }
}
