//! Another master key over everything, or nothing at all.

use super::changes::FakeEntropy;
use super::rows::{Rows, TABLES};
use super::tamper::{Ages, alterations};
use super::*;
use crate::store::Mode;
use crate::sys::scratch::Scratch;
use crate::vault::rekey::Rekeying;

/// Gives a vault a new key, with one slot for it.
pub(super) fn rekey(fixture: &VaultFixture, vault: &mut Vault) -> Result<Key, Error> {
    rekey_with(fixture, vault, fixture.context())
}

fn rekey_with(
    fixture: &VaultFixture,
    vault: &mut Vault,
    context: RequestContext<'_>,
) -> Result<Key, Error> {
    let master = MasterKey::generate(&fixture.entropy)?;
    let (body, keyfile) = new_slot(fixture, &master, vault.vault_id());
    let slots = vec![(3, body, "only".to_owned())];
    let rekeying = Rekeying { master: &master, slots, reason: "a test".to_owned() };
    vault.rekey(rekeying, context, &mut |_| {})?;
    Ok(Key { master, keyfile })
}

fn values(answers: &BTreeMap<String, String>) -> BTreeMap<&String, &String> {
    answers.iter().filter(|(asked, _)| *asked != "log").collect()
}

/// Readers were shut out from the first page that did not fit into SQLite's usual memory.
#[test]
fn others_read_the_old_state_meanwhile() {
    let (fixture, scratch) = (VaultFixture::new(), Scratch::new());
    let path = scratch.join("vault");
    let (mut vault, key) = new_vault(&fixture, Store::create(&path).unwrap(), None);
    fixture.change(&mut vault, |transaction| {
        for name in 0..100 {
            create(transaction, &format!("s{name}"), &[("v", text(&"large ".repeat(9000)))]);
        }
    });
    let master = MasterKey::generate(&fixture.entropy).unwrap();
    let (body, _keyfile) = new_slot(&fixture, &master, vault.vault_id());
    let slots = vec![(3, body, "only".to_owned())];
    let rekeying = Rekeying { master: &master, slots, reason: String::new() };
    let mut read = 0;
    let mut look = |_| {
        let locked = LockedVault::open(&path, Mode::ReadOnly).unwrap();
        let mut reader = locked.unlock(&key.master, &STRICT).unwrap();
        assert_eq!(fixture.read(&mut reader).state().secrets, 100);
        read += 1;
    };
    vault.rekey(rekeying, fixture.context(), &mut look).unwrap();
    assert!(read > 1);
    assert!(LockedVault::open(&path, Mode::ReadOnly).unwrap().header().key_epoch == 1);
}

/// A list of a million secrets kept every change waiting.
#[test]
fn others_write_while_a_copy_is_read() {
    let (fixture, scratch) = (VaultFixture::new(), Scratch::new());
    let path = scratch.join("vault");
    let (mut vault, key) = new_vault(&fixture, Store::create(&path).unwrap(), None);
    furnish(&fixture, &mut vault);
    let before = truth(&fixture, &mut vault);
    assert!(vault.read_on_copy(1 << 40, |_| ()).unwrap().is_none());
    let read = vault.read_on_copy(0, |copy| {
        let locked = LockedVault::open(&path, Mode::ReadWrite).unwrap();
        let mut other = locked.unlock(&key.master, &STRICT).unwrap();
        fixture.change(&mut other, |transaction| create(transaction, "meanwhile", &[]));
        truth(&fixture, copy)
    });
    assert_eq!(read.unwrap(), Some(before));
    assert!(list(&fixture.read(&mut vault)).unwrap().contains("meanwhile"));
    assert_sound(&fixture, &mut vault);
}

#[test]
fn everything_is_there_under_the_new_key_and_nothing_under_the_old() {
    let fixture = VaultFixture::new();
    let (mut vault, old) = sample_vault(&fixture);
    renovate(&fixture, &mut vault, &old);
    let (before, rows) = (truth(&fixture, &mut vault), Rows::of(&mut vault.store));
    let new = rekey(&fixture, &mut vault).unwrap();
    assert_sound(&fixture, &mut vault);
    let after = truth(&fixture, &mut vault);
    assert_eq!(values(&after), values(&before));
    assert_eq!(after["log"], format!("{}4 Rekey key epoch 1, a test\n", before["log"]));
    assert_eq!(vault.header().key_epoch, 1);

    // Not one row is what it was, and no row of the old ones is left.
    let renewed = Rows::of(&mut vault.store);
    for table in TABLES {
        let (old, new) = (rows.table(table), renewed.table(table));
        assert!(new.values().all(|body| old.values().all(|before| before != body)), "{table:?}");
    }
    let refused = unlock(renewed.store(), &old, &STRICT).err();
    assert!(matches!(refused, Some(Error::Tampered(_))), "{refused:?}");
    let locked = LockedVault::from_store(renewed.store()).unwrap();
    let refused = locked.try_credential(&old.credential(), CostLimit::Ordinary).err();
    assert!(matches!(refused, Some(Error::Crypto(crypto::Error::WrongCredential))));
    let (number, master) = locked.try_credential(&new.credential(), CostLimit::Ordinary).unwrap();
    assert_eq!(number, 3);
    let mut vault = locked.unlock(&master, &STRICT).unwrap();
    assert_eq!(truth(&fixture, &mut vault), after);
    // It can be done again.
    rekey(&fixture, &mut vault).unwrap();
    assert_eq!(vault.header().key_epoch, 2);
    assert_sound(&fixture, &mut vault);
}

#[test]
fn an_altered_vault_is_not_carried_over() {
    // Rekeying used to carry rows that were put in by hand along, and to say that all was well.
    let ages = Ages::new();
    let mut refused = 0;
    for table in TABLES {
        for (case, altered) in alterations(table, &ages.old, &ages.new) {
            let mut vault = unlock(altered.store(), &ages.key, &UNGUARDED).unwrap();
            match rekey(&ages.fixture, &mut vault) {
                Ok(_) => {
                    // What no answer hangs on may be left behind instead.
                    assert_sound(&ages.fixture, &mut vault);
                    let after = truth(&ages.fixture, &mut vault);
                    assert_eq!(values(&after), values(&ages.truth), "{case}");
                }
                Err(error) => {
                    assert!(speaks_of_damage(&error), "{case}: {error:?}");
                    assert!(Rows::of(&mut vault.store) == altered, "{case}");
                    refused += 1;
                }
            }
        }
    }
    assert!(refused > 150, "{refused}");
}

#[test]
fn one_that_is_interrupted_did_not_happen() {
    let fixture = VaultFixture::new();
    let (mut vault, key) = sample_vault(&fixture);
    let (before, rows) = (truth(&fixture, &mut vault), Rows::of(&mut vault.store));
    let mut draws = 0;
    loop {
        let entropy = FakeEntropy::after(draws, &fixture.entropy);
        let context = RequestContext { entropy: &entropy, ..fixture.context() };
        match rekey_with(&fixture, &mut vault, context) {
            Ok(_) => break,
            Err(error) => {
                let is_told = matches!(error, Error::Crypto(crypto::Error::NoEntropy(_)));
                assert!(is_told, "{draws}: {error:?}");
            }
        }
        assert!(Rows::of(&mut vault.store) == rows, "{draws}");
        assert_eq!(truth(&fixture, &mut vault), before, "{draws}");
        assert!(unlock(rows.store(), &key, &STRICT).is_ok());
        draws += 1;
    }
    assert!(draws > 10, "{draws}");
    assert_sound(&fixture, &mut vault);
}

#[test]
fn whoever_has_the_vault_open_is_told() {
    let scratch = Scratch::new();
    let fixture = VaultFixture::new();
    let path = scratch.join("vault");
    let (mut vault, key) = new_vault(&fixture, Store::create(&path).unwrap(), None);
    furnish(&fixture, &mut vault);
    let open = |key: &Key| LockedVault::open(&path, Mode::ReadWrite)?.unlock(&key.master, &STRICT);
    let mut other = open(&key).unwrap();
    let new = rekey(&fixture, &mut vault).unwrap();
    for access in [Access::Read, Access::Write] {
        let refused = other.begin(access, fixture.context()).err();
        assert!(matches!(refused, Some(Error::Rekeyed)), "{refused:?}");
    }
    assert!(open(&key).is_err());
    assert_sound(&fixture, &mut open(&new).unwrap());
}
