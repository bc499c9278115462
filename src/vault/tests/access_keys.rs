//! Access keys: never taken for secrets, never lost, never brought back.

use super::super::access_key::MAX_ACCESS_KEYS;
use super::super::forge::{Item, Part, put};
use super::super::names::KnownNames;
use super::rekey::rekey;
use super::rows::Rows;
use super::*;

#[test]
fn no_question_about_secrets_is_answered_with_a_key() {
    let fixture = VaultFixture::new();
    let (mut vault, _key) = sample_vault(&fixture);
    let transaction = fixture.read(&mut vault);
    let keys = Namespace::of_access_keys();
    assert!(!list(&transaction).unwrap().contains("AKIA"));
    assert!(transaction.find(&keys, KEYS[0]).unwrap().is_none());
    let rid = transaction.access_key(KEYS[0]).unwrap().unwrap().rid;
    assert!(transaction.find_row(rid).unwrap().is_none());
    assert_eq!(transaction.state().secrets, 4);
    let mut known = KnownNames::default();
    transaction.learn_names(&mut known, usize::MAX).unwrap();
    assert_eq!(known.of(&keys, START).count(), 0);
    assert_eq!(known.of(&home(), START).count(), 4);
}

#[test]
fn no_key_is_stored_beside_as_many_as_there_may_be() {
    let fixture = VaultFixture::new();
    let (mut vault, _key) = sample_empty_vault(&fixture);
    fixture.change(&mut vault, |transaction| {
        let id = |n: usize| {
            let letter = |n: usize| char::from(b'A' + u8::try_from(n).unwrap());
            format!("AKIA22222222222222{}{}", letter(n / 26), letter(n % 26))
        };
        let key = |n| Record::of_access_key(id(n), sample_key(""), START);
        for n in 0..MAX_ACCESS_KEYS {
            transaction.insert_access_key(&mut key(n)).unwrap();
        }
        let error = transaction.insert_access_key(&mut key(MAX_ACCESS_KEYS));
        assert!(matches!(error, Err(Error::Limit(_))), "{error:?}");
        let first = transaction.access_key(&id(0)).unwrap().unwrap();
        transaction.remove_access_key(&first).unwrap();
        let error = transaction.insert_access_key(&mut key(1));
        assert!(matches!(error, Err(Error::NameTaken(_))), "{error:?}");
        let error = transaction.insert_access_key(&mut Record::of_access_key(
            "name".into(),
            sample_key(""),
            START,
        ));
        assert!(matches!(error, Err(Error::Limit(_))), "{error:?}");
    });
    assert_sound(&fixture, &mut vault);
}

#[test]
fn keys_survive_rekey_repair_and_salvage() {
    let fixture = VaultFixture::new();
    let (mut vault, _key) = sample_vault(&fixture);
    let told = |vault: &mut Vault| {
        let keys = fixture.read(vault).access_keys().unwrap();
        let told = |key: &Record| (key.name.clone(), key.access_key.clone().unwrap());
        keys.iter().map(told).collect::<Vec<_>>()
    };
    let before = told(&mut vault);
    assert_eq!(before.len(), 2);
    let key = rekey(&fixture, &mut vault).unwrap();
    assert!(told(&mut vault) == before);
    assert_sound(&fixture, &mut vault);
    fixture.change(&mut vault, |t| t.repair(&[], &mut |_| {}).map(|_| ()).unwrap());
    assert!(told(&mut vault) == before);
    assert_sound(&fixture, &mut vault);
    let (mut saved, _key) = sample_empty_vault(&fixture);
    let mut into = fixture.write(&mut saved);
    let mut damaged = LockedVault::from_store(vault.store).unwrap();
    let salvaged = damaged.salvage(&key.master, &mut into, &[], &mut |_| {}).unwrap();
    into.commit().unwrap();
    assert_eq!((salvaged.secrets, salvaged.access_keys), (4, 2));
    assert!(told(&mut saved) == before);
    assert_sound(&fixture, &mut saved);
}

/// Without the state nothing says whether a key was deleted: somebody who put a deleted one's row back
/// would have it work again.
#[test]
fn a_key_that_nothing_vouches_for_is_saved_inactive() {
    let fixture = VaultFixture::new();
    let (mut vault, key) = sample_vault(&fixture);
    let mut rows = Rows::of(&mut vault.store);
    rows.vault.as_mut().unwrap().1[60] ^= 1;
    let (mut saved, _key) = sample_empty_vault(&fixture);
    let mut into = fixture.write(&mut saved);
    let mut damaged = LockedVault::from_store(rows.store()).unwrap();
    damaged.salvage(&key.master, &mut into, &[], &mut |_| {}).unwrap();
    into.commit().unwrap();
    let transaction = fixture.read(&mut saved);
    let keys = transaction.access_keys().unwrap();
    assert_eq!(keys.len(), 2);
    assert!(keys.iter().all(|key| key.access_key.as_ref().unwrap().status == Status::Inactive));
    // The region that most secrets are in is taken for home, and never that of the keys.
    assert_eq!(transaction.state().settings.account(), "000000000000");
}

/// A state that lists other keys than there are is never written, and is damage where it is read.
#[test]
fn the_state_and_the_rows_have_the_same_keys() {
    let fixture = VaultFixture::new();
    let (vault, key) = sample_vault(&fixture);
    let altered = vault.forge(fixture.context(), &mut |part, data| {
        let mut item = Item::read(&data).unwrap();
        if part == Part::State {
            let Item::List(ids) = &item.map(0).unwrap().iter().find(|(n, _)| *n == 19).unwrap().1
            else {
                panic!("a list of ids")
            };
            let first = Item::List(ids[..1].to_vec());
            put(item.map(0).unwrap(), 19, Some(first));
        }
        item.write()
    });
    let mut vault = altered.unwrap().unlock(&key.master, &UNGUARDED).unwrap();
    let found = findings(&fixture, &mut vault);
    assert_eq!(found[0].place, "access keys", "{found:?}");
    assert!(fixture.read(&mut vault).access_key(KEYS[1]).unwrap().is_none());
}

/// A record in the keys' namespace that is no key, or a key in a secret's, is nothing that anybody
/// wrote.
#[test]
fn a_key_is_a_key_in_its_place_alone() {
    let record = |namespace, key| {
        let mut record = Record::new(namespace, KEYS[0].to_owned(), String::new(), START);
        record.access_key = key;
        record
    };
    let is_read = |record: &Record| Record::decode(7, &record.encode()).is_ok();
    let (keys, key) = (Namespace::of_access_keys, || Some(sample_key("")));
    assert!(is_read(&record(keys(), key())));
    assert!(is_read(&record(home(), None)));
    assert!(!is_read(&record(keys(), None)));
    assert!(!is_read(&record(home(), key())));
    let spoilt: [fn(&mut Record); 5] = [
        |record| record.name = "AKIA".to_owned(),
        |record| record.description = Some("a".to_owned()),
        |record| record.tags = Some(Vec::new()),
        |record| record.versions.push(Version::new("v".to_owned(), None, START)),
        |record| record.deletion = Some(Deletion { requested: START, due: START }),
    ];
    for spoil in spoilt {
        let mut record = record(keys(), key());
        spoil(&mut record);
        assert!(!is_read(&record));
    }
}

#[test]
fn the_day_of_a_keys_last_use_is_noted_once() {
    let fixture = VaultFixture::new();
    let (mut vault, _key) = sample_vault(&fixture);
    vault.let_reads_wait();
    let mut use_it = |is_noted: bool| {
        let mut transaction = fixture.read(&mut vault);
        let mut record = transaction.access_key(KEYS[0]).unwrap().unwrap();
        transaction.note_access(&mut record, "").unwrap();
        transaction.commit().unwrap();
        assert_eq!(vault.waiting_reads() == 1, is_noted);
        vault.write_waiting_reads(fixture.context()).unwrap();
        let record = fixture.read(&mut vault).access_key(KEYS[0]).unwrap().unwrap();
        (record.accessed, record.revision)
    };
    assert_eq!(use_it(true), (Some(START.midnight()), 1));
    assert_eq!(use_it(false), (Some(START.midnight()), 1));
    fixture.advance_days(1);
    assert_eq!(use_it(true), (Some(START.plus_days(1).midnight()), 2));
}
