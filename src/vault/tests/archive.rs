//! The audit log in a file of its own.

use proptest::prelude::*;

use super::rows::Rows;
use super::*;
use crate::store::Table;
use crate::vault::archive::{Archived, Junction};
use crate::vault::rekey::Rekeying;

fn archive(fixture: &VaultFixture, vault: &mut Vault) -> Vec<u8> {
    fixture.read(vault).archive().unwrap()
}

/// Reads an archive, and returns the operations in it.
fn read(
    fixture: &VaultFixture,
    vault: &mut Vault,
    bytes: &[u8],
) -> Result<(Archived, Vec<String>), Error> {
    let mut found = Vec::new();
    let transaction = fixture.read(vault);
    let archived =
        transaction.read_archive(&mut &*bytes, |_seq, event| found.push(event.operation))?;
    Ok((archived, found))
}

fn work(fixture: &VaultFixture, vault: &mut Vault, count: u64) {
    fixture.change(vault, |transaction| {
        for _ in 0..count {
            transaction.record_own("Work", "").unwrap();
        }
    });
}

#[test]
fn an_archive_is_read_back_and_nothing_of_it_can_be_changed() {
    let fixture = VaultFixture::new();
    let (mut vault, _key) = sample_vault(&fixture);
    let bytes = archive(&fixture, &mut vault);
    let (archived, operations) = read(&fixture, &mut vault, &bytes).unwrap();
    assert_eq!(archived, Archived { first: 0, next: 3, junction: Junction::Joined });
    assert_eq!(operations, ["Init", "Furnish", "Furnish"]);
    let mut refused = |bytes: &[u8], case: &str| {
        let found = read(&fixture, &mut vault, bytes);
        assert!(matches!(found, Err(Error::BadArchive(_))), "{case}");
    };
    for at in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[at] ^= 1;
        refused(&altered, &format!("byte {at}"));
        refused(&bytes[..at], &format!("{at} bytes"));
    }
    refused(&[&bytes[..], &[0]].concat(), "one byte more");
}

#[test]
fn entries_that_were_dropped_are_in_the_archive_and_lead_to_those_that_were_not() {
    let fixture = VaultFixture::new();
    let (mut vault, _key) = sample_empty_vault(&fixture);
    let early = archive(&fixture, &mut vault);
    work(&fixture, &mut vault, 540);
    let late = archive(&fixture, &mut vault);
    work(&fixture, &mut vault, 20);
    assert_eq!(fixture.read(&mut vault).state().log.first, 50);
    let junction = |vault: &mut Vault, bytes: &[u8]| read(&fixture, vault, bytes).unwrap().0;
    let joined = junction(&mut vault, &late);
    assert_eq!(joined, Archived { first: 0, next: 541, junction: Junction::Joined });
    let gap = junction(&mut vault, &early);
    assert_eq!(gap, Archived { first: 0, next: 1, junction: Junction::Gap });
}

#[test]
fn an_archive_of_a_fork_or_from_before_a_rekey_is_told_apart() {
    let fixture = VaultFixture::new();
    let (mut vault, key) = sample_vault(&fixture);
    let mut fork = unlock(Rows::of(&mut vault.store).store(), &key, &STRICT).unwrap();
    work(&fixture, &mut vault, 3);
    work(&fixture, &mut fork, 5);
    let forked = archive(&fixture, &mut fork);
    let found = read(&fixture, &mut vault, &forked).unwrap().0.junction;
    assert_eq!(found, Junction::Contradicted);
    // A copy from before reads what was written later.
    let later = archive(&fixture, &mut vault);
    let (mut other, _key) = sample_vault(&fixture);
    assert!(matches!(read(&fixture, &mut other, &later), Err(Error::BadArchive(_))));

    let master = MasterKey::generate(&fixture.entropy).unwrap();
    let (body, _) = new_slot(&fixture, &master, vault.vault_id());
    let slots = vec![(0, body, String::new())];
    let rekeying = Rekeying { master: &master, slots, reason: String::new() };
    let mut backup = unlock(Rows::of(&mut vault.store).store(), &key, &STRICT).unwrap();
    vault.rekey(rekeying, fixture.context(), &mut |_| {}).unwrap();
    let error = read(&fixture, &mut vault, &later).err();
    assert!(matches!(&error, Some(Error::BadArchive(why)) if why.contains("rekey")), "{error:?}");
    assert_eq!(read(&fixture, &mut backup, &later).unwrap().0.junction, Junction::Joined);
}

#[test]
fn a_damaged_log_is_not_archived() {
    let fixture = VaultFixture::new();
    let (mut vault, key) = sample_vault(&fixture);
    let mut rows = Rows::of(&mut vault.store);
    rows.table_mut(Table::Audit).remove(&1);
    let mut vault = unlock(rows.store(), &key, &STRICT).unwrap();
    assert!(matches!(fixture.read(&mut vault).archive(), Err(Error::Tampered(_))));
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(64)
    })]

    /// Whatever numbers stand behind what an archive of this vault begins with.
    #[test]
    fn no_other_bytes_are_an_archive(rest in proptest::collection::vec(any::<u8>(), 0..400)) {
        let fixture = VaultFixture::new();
        let (mut vault, _key) = sample_empty_vault(&fixture);
        let mut bytes = archive(&fixture, &mut vault);
        bytes.truncate(32);
        bytes.extend(rest);
        let found = read(&fixture, &mut vault, &bytes);
        prop_assert!(matches!(found, Err(Error::BadArchive(_))));
    }
}
