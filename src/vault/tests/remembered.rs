//! When a state is remembered: whenever a newer one was seen, no matter who committed it.

use super::anchors::MachineFixture;
use super::*;
use crate::store::Mode;

#[test]
fn a_vault_that_can_only_be_read_is_remembered() {
    // The anchor was written only where the vault could be: a newer state that was seen on a
    // read-only medium was forgotten, and an older copy passed there afterwards.
    let machine = MachineFixture::new();
    let old = machine.bytes();
    machine.commit(&mut machine.open_with(&machine.policy("elsewhere")).unwrap());
    assert_eq!(machine.remembered(), 1);
    let read_only = || {
        LockedVault::open(&machine.path(), Mode::ReadOnly)
            .and_then(|locked| locked.unlock(&machine.key.master, &machine.policy("anchors")))
    };
    let vault = read_only().unwrap();
    assert!(vault.is_read_only() && !vault.is_anchor_unwritable());
    drop(vault);
    assert_eq!(machine.remembered(), 2);
    machine.put(&old);
    let error = read_only().err();
    assert!(matches!(error, Some(Error::RolledBack { found: 1, seen: 2 })), "{error:?}");
}

#[test]
fn what_others_commit_under_an_open_vault_is_remembered() {
    // Only the state at the time of unlocking was, and what this process committed itself.
    let machine = MachineFixture::new();
    let mut vault = machine.open().unwrap();
    machine.commit(&mut machine.open_with(&machine.policy("elsewhere")).unwrap());
    assert_eq!(machine.remembered(), 1);
    assert_eq!(machine.generation(&mut vault), 2);
    assert_eq!(machine.remembered(), 2);
}

#[test]
fn a_machine_with_no_place_for_an_anchor_says_so() {
    let machine = MachineFixture::new();
    assert!(machine.open_with(&UNGUARDED).unwrap().is_anchor_unwritable());
}
