//! The audit log in a file of its own.

use proptest::prelude::*;

use super::rows::Rows;
use super::*;
use crate::store::Table;
use crate::vault::archive::{Archived, Junction};
use crate::vault::rekey::Rekeying;

fn archive(world: &World, vault: &mut Vault) -> Vec<u8> {
    world.read(vault).archive().unwrap()
}

/// Reads an archive, and returns the operations in it.
fn read(world: &World, vault: &mut Vault, bytes: &[u8]) -> Result<(Archived, Vec<String>), Error> {
    let mut found = Vec::new();
    let transaction = world.read(vault);
    let archived =
        transaction.read_archive(&mut &*bytes, |_seq, event| found.push(event.operation))?;
    Ok((archived, found))
}

fn work(world: &World, vault: &mut Vault, count: u64) {
    world.change(vault, |transaction| {
        for _ in 0..count {
            transaction.record_own("Work", "").unwrap();
        }
    });
}

#[test]
fn an_archive_is_read_back_and_nothing_of_it_can_be_changed() {
    let world = World::new();
    let (mut vault, _key) = furnished(&world);
    let bytes = archive(&world, &mut vault);
    let (archived, operations) = read(&world, &mut vault, &bytes).unwrap();
    assert_eq!(archived, Archived { first: 0, next: 3, junction: Junction::Joined });
    assert_eq!(operations, ["Init", "Furnish", "Furnish"]);
    let mut refused = |bytes: &[u8], case: &str| {
        let found = read(&world, &mut vault, bytes);
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
    let world = World::new();
    let (mut vault, _key) = empty(&world);
    let early = archive(&world, &mut vault);
    work(&world, &mut vault, 540);
    let late = archive(&world, &mut vault);
    work(&world, &mut vault, 20);
    assert_eq!(world.read(&mut vault).state().log.first, 50);
    let junction = |vault: &mut Vault, bytes: &[u8]| read(&world, vault, bytes).unwrap().0;
    let joined = junction(&mut vault, &late);
    assert_eq!(joined, Archived { first: 0, next: 541, junction: Junction::Joined });
    let gap = junction(&mut vault, &early);
    assert_eq!(gap, Archived { first: 0, next: 1, junction: Junction::Gap });
}

#[test]
fn an_archive_of_a_fork_or_from_before_a_rekey_is_told_apart() {
    let world = World::new();
    let (mut vault, key) = furnished(&world);
    let mut fork = unlock(Rows::of(&mut vault.store).store(), &key, &STRICT).unwrap();
    work(&world, &mut vault, 3);
    work(&world, &mut fork, 5);
    let forked = archive(&world, &mut fork);
    let found = read(&world, &mut vault, &forked).unwrap().0.junction;
    assert_eq!(found, Junction::Contradicted);
    // A copy from before reads what was written later.
    let later = archive(&world, &mut vault);
    let (mut other, _key) = furnished(&world);
    assert!(matches!(read(&world, &mut other, &later), Err(Error::BadArchive(_))));

    let master = MasterKey::generate(&world.entropy).unwrap();
    let (body, _) = new_slot(&world, &master, vault.vault_id());
    let slots = vec![(0, body, String::new())];
    let rekeying = Rekeying { master: &master, slots, reason: String::new() };
    let mut backup = unlock(Rows::of(&mut vault.store).store(), &key, &STRICT).unwrap();
    vault.rekey(rekeying, world.context(), &mut |_| {}).unwrap();
    let error = read(&world, &mut vault, &later).err();
    assert!(matches!(&error, Some(Error::BadArchive(why)) if why.contains("rekey")), "{error:?}");
    assert_eq!(read(&world, &mut backup, &later).unwrap().0.junction, Junction::Joined);
}

#[test]
fn a_damaged_log_is_not_archived() {
    let world = World::new();
    let (mut vault, key) = furnished(&world);
    let mut rows = Rows::of(&mut vault.store);
    rows.table_mut(Table::Audit).remove(&1);
    let mut vault = unlock(rows.store(), &key, &STRICT).unwrap();
    assert!(matches!(world.read(&mut vault).archive(), Err(Error::Tampered(_))));
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(64)
    })]

    /// Whatever numbers stand behind what an archive of this vault begins with.
    #[test]
    fn no_other_bytes_are_an_archive(rest in proptest::collection::vec(any::<u8>(), 0..400)) {
        let world = World::new();
        let (mut vault, _key) = empty(&world);
        let mut bytes = archive(&world, &mut vault);
        bytes.truncate(32);
        bytes.extend(rest);
        let found = read(&world, &mut vault, &bytes);
        prop_assert!(matches!(found, Err(Error::BadArchive(_))));
    }
}
