//! What a machine remembers of a vault, against older copies and forks.

use std::fs;
use std::path::PathBuf;

use super::rows::Rows;
use super::*;
use crate::store::{Mode, Table};
use crate::sys::files;
use crate::sys::scratch::Scratch;
use crate::vault::anchor::{Anchor, Remembered, Under};
use crate::vault::rekey::Rekeying;

/// A vault in a file, and what machines remember of it.
pub(super) struct MachineFixture {
    scratch: Scratch,
    fixture: VaultFixture,
    pub(super) key: Key,
}

impl MachineFixture {
    pub(super) fn new() -> Self {
        let (scratch, fixture) = (Scratch::new(), VaultFixture::new());
        let store = Store::create(&scratch.join("vault")).unwrap();
        let (_vault, key) = new_vault(&fixture, store, Some(&scratch.join("anchors")));
        Self { scratch, fixture, key }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.scratch.join("vault")
    }

    pub(super) fn policy(&self, anchors: &str) -> UnlockPolicy {
        UnlockPolicy { anchors: Some(self.scratch.join(anchors)), ..STRICT }
    }

    pub(super) fn open_with(&self, policy: &UnlockPolicy) -> Result<Vault, Error> {
        LockedVault::open(&self.path(), Mode::ReadWrite)?.unlock(&self.key.master, policy)
    }

    pub(super) fn open(&self) -> Result<Vault, Error> {
        self.open_with(&self.policy("anchors"))
    }

    /// Commits something and returns the generation.
    pub(super) fn commit(&self, vault: &mut Vault) -> u64 {
        self.fixture.change(vault, |transaction| transaction.record_own("Work", "").unwrap());
        self.fixture.read(vault).state().generation
    }

    pub(super) fn generation(&self, vault: &mut Vault) -> u64 {
        self.fixture.read(vault).state().generation
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        fs::read(self.path()).unwrap()
    }

    /// Puts a copy in the place of the file, as a sync folder or a thief does.
    pub(super) fn put(&self, bytes: &[u8]) {
        fs::remove_file(self.path()).unwrap();
        files::write_private(&self.path(), bytes).unwrap();
    }

    /// Puts a copy into the file itself.
    pub(super) fn overwrite(&self, bytes: &[u8]) {
        use std::os::unix::fs::FileExt;
        let file = fs::OpenOptions::new().write(true).open(self.path()).unwrap();
        file.set_len(u64::try_from(bytes.len()).unwrap()).unwrap();
        file.write_all_at(bytes, 0).unwrap();
    }

    pub(super) fn anchor(&self) -> PathBuf {
        let mut entries = fs::read_dir(self.scratch.join("anchors")).unwrap();
        entries.next().unwrap().unwrap().path()
    }

    /// What the machine remembers.
    pub(super) fn remembered(&self) -> u64 {
        u64::from_be_bytes(fs::read(self.anchor()).unwrap()[..8].try_into().unwrap())
    }
}

#[test]
fn an_older_copy_is_refused() {
    let machine = MachineFixture::new();
    let old = machine.bytes();
    let mut vault = machine.open().unwrap();
    machine.commit(&mut vault);
    assert_eq!(machine.commit(&mut vault), 3);
    drop(vault);
    assert_eq!(machine.remembered(), 3);
    machine.put(&old);
    let error = machine.open().err();
    assert!(matches!(error, Some(Error::RolledBack { found: 1, seen: 3 })), "{error:?}");
    // Looking changes nothing: it is refused once more.
    assert!(machine.open().is_err());
    // A machine that has never seen the newer one takes it.
    assert_eq!(machine.generation(&mut machine.open_with(&machine.policy("other")).unwrap()), 1);
}

#[test]
fn a_newer_copy_is_taken_and_remembered() {
    let machine = MachineFixture::new();
    let mut vault = machine.open_with(&machine.policy("elsewhere")).unwrap();
    machine.commit(&mut vault);
    machine.commit(&mut vault);
    drop(vault);
    assert_eq!(machine.remembered(), 1);
    drop(machine.open().unwrap());
    assert_eq!(machine.remembered(), 3);
}

#[test]
fn a_copy_that_was_changed_apart_is_a_fork() {
    let machine = MachineFixture::new();
    let common = machine.bytes();
    machine.commit(&mut machine.open().unwrap());
    machine.put(&common);
    let mut fork = machine.open_with(&machine.policy("elsewhere")).unwrap();
    machine.commit(&mut fork);
    let error = machine.open().err();
    assert!(matches!(error, Some(Error::Forked { generation: 2 })), "{error:?}");
    // Nor is it taken for a later state once it has overtaken, by however much.
    for _ in 0..3 {
        machine.commit(&mut fork);
        let error = machine.open().err();
        assert!(matches!(error, Some(Error::Forked { generation: 2 })), "{error:?}");
    }
    drop(fork);
    let accepting = UnlockPolicy { on_rollback: OnRollback::Accept, ..machine.policy("anchors") };
    drop(machine.open_with(&accepting).unwrap());
    assert_eq!(machine.generation(&mut machine.open().unwrap()), 5);
}

#[test]
fn a_fork_is_noticed_whatever_is_done_to_its_log() {
    // One row of the audit log deleted, emptied or exchanged for the other copy's, without any key,
    // and a copy that was changed apart passed for one that came out of what was seen.
    let machine = MachineFixture::new();
    let common = machine.bytes();
    let mut ours = machine.open().unwrap();
    machine.commit(&mut ours);
    machine.commit(&mut ours);
    let theirs = Rows::of(&mut ours.store);
    drop(ours);
    machine.put(&common);
    let mut fork = machine.open_with(&machine.policy("elsewhere")).unwrap();
    for _ in 0..3 {
        machine.commit(&mut fork);
    }
    drop(fork);
    let forked = machine.bytes();
    let open = |policy: &UnlockPolicy| machine.open_with(policy).map(drop);
    assert!(matches!(open(&machine.policy("anchors")), Err(Error::Forked { generation: 3 })));
    let checking =
        UnlockPolicy { on_rollback: OnRollback::RefuseProven, ..machine.policy("anchors") };
    assert!(matches!(open(&checking), Err(Error::Forked { generation: 3 })));

    let other = &theirs.table(Table::Audit)[&2];
    let hex = other.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    let cut = "DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)".to_owned();
    let mut damage = vec![cut, format!("UPDATE audit SET box = x'{hex}' WHERE seq = 2")];
    for seq in 1..4 {
        damage.push(format!("DELETE FROM audit WHERE seq = {seq}"));
        damage.push(format!("UPDATE audit SET box = zeroblob(length(box)) WHERE seq = {seq}"));
        damage.push(format!("UPDATE audit SET box = x'' WHERE seq = {seq}"));
    }
    for damage in damage {
        machine.put(&forked);
        Store::open(&machine.path(), Mode::ReadWrite).unwrap().tamper(&damage);
        // Looking twice remembers nothing the first time.
        for _ in 0..2 {
            let error = open(&machine.policy("anchors")).err();
            assert!(matches!(error, Some(Error::Tampered(_))), "{damage}: {error:?}");
            let mut listed = machine.open_with(&checking).unwrap();
            assert!(!findings(&machine.fixture, &mut listed).is_empty(), "{damage}");
            assert_eq!(machine.remembered(), 3, "{damage}");
        }
    }
}

#[test]
fn a_vault_that_stays_open_notices_a_fork_that_overtook_it() {
    let machine = MachineFixture::new();
    let common = machine.bytes();
    let mut fork = machine.open_with(&machine.policy("elsewhere")).unwrap();
    for _ in 0..3 {
        machine.commit(&mut fork);
    }
    drop(fork);
    let forked = machine.bytes();
    machine.put(&common);
    let mut vault = machine.open().unwrap();
    machine.commit(&mut vault);
    machine.overwrite(&forked);
    let error = vault.begin(Access::Read, machine.fixture.context()).err();
    assert!(matches!(error, Some(Error::Forked { generation: 2 })), "{error:?}");
}

#[test]
fn a_rollback_that_is_accepted_is_newer_than_all_that_was_seen() {
    let machine = MachineFixture::new();
    let old = machine.bytes();
    let mut vault = machine.open().unwrap();
    drop(machine.open_with(&machine.policy("second")).unwrap());
    machine.commit(&mut vault);
    assert_eq!(machine.commit(&mut vault), 3);
    drop(vault);
    drop(machine.open_with(&machine.policy("second")).unwrap());
    machine.put(&old);

    let accepting = UnlockPolicy { on_rollback: OnRollback::Accept, ..machine.policy("anchors") };
    let mut vault = machine.open_with(&accepting).unwrap();
    let accepted = vault.accepted().map(|remembered| remembered.generation);
    assert_eq!(accepted, Some(3));
    assert_eq!(machine.remembered(), 1);
    assert_eq!(machine.commit(&mut vault), 4);
    assert_eq!(machine.commit(&mut vault), 5);
    drop(vault);
    assert_eq!(machine.remembered(), 5);
    assert_sound(&machine.fixture, &mut machine.open().unwrap());
    // The other machine saw the state that was rolled back, and takes this one for newer.
    assert_eq!(machine.generation(&mut machine.open_with(&machine.policy("second")).unwrap()), 5);
    // Nothing is accepted where nothing had to be.
    assert!(machine.open_with(&accepting).unwrap().accepted().is_none());
}

#[test]
fn what_is_accepted_is_remembered_with_a_commit_and_not_before() {
    // `accept-state --expect` refused an older copy, and from then on it was read: the anchor had been
    // written over before the checkpoint was looked at. So it was where the commit failed.
    let machine = MachineFixture::new();
    let old = machine.bytes();
    let mut fork = machine.open_with(&machine.policy("elsewhere")).unwrap();
    for _ in 0..3 {
        machine.commit(&mut fork);
    }
    drop(fork);
    let forked = machine.bytes();
    machine.put(&old);
    machine.commit(&mut machine.open().unwrap());
    let accepting =
        UnlockPolicy { on_rollback: OnRollback::AcceptOnCommit, ..machine.policy("anchors") };
    for copy in [old, forked] {
        machine.put(&copy);
        drop(machine.open_with(&accepting).unwrap());
        assert!(machine.open().is_err());
        assert_eq!(machine.remembered(), 2);
    }
    let mut vault = machine.open_with(&accepting).unwrap();
    assert_eq!(machine.commit(&mut vault), 5);
    drop(vault);
    assert_eq!(machine.remembered(), 5);
    assert_eq!(machine.generation(&mut machine.open().unwrap()), 5);
}

#[test]
fn events_name_the_generation_they_stand_in() {
    let machine = MachineFixture::new();
    let mut vault = machine.open().unwrap();
    vault.raise_floor(40);
    assert_eq!(machine.commit(&mut vault), 40);
    assert_eq!(machine.commit(&mut vault), 41);
    let mut generations = Vec::new();
    let transaction = machine.fixture.read(&mut vault);
    let visit = |_seq, event: crate::vault::audit::Event| {
        generations.push((event.generation, event.commit_id));
        Ok(())
    };
    transaction.events(visit).unwrap();
    let numbers: Vec<u64> = generations.iter().map(|(generation, _)| *generation).collect();
    assert_eq!(numbers, [1, 40, 41]);
    assert_eq!(generations[2].1, transaction.state().commit_id);
    assert_eq!(generations[1].1, transaction.state().previous_commit_id);
}

#[test]
fn what_is_not_an_anchor_says_nothing() {
    let machine = MachineFixture::new();
    machine.commit(&mut machine.open().unwrap());
    let anchor = machine.anchor();
    let sound = fs::read(&anchor).unwrap();
    let garbled = [
        Vec::new(),
        sound[..55].to_vec(),
        [&sound[..], &[0]].concat(),
        vec![0xff; 56],
        (0..56).rev().collect(),
    ];
    for bytes in garbled {
        files::write_replacing(&anchor, &bytes).unwrap();
        assert_eq!(machine.generation(&mut machine.open().unwrap()), 2);
        assert_eq!(fs::read(&anchor).unwrap(), sound);
    }
    fs::remove_file(&anchor).unwrap();
    drop(machine.open().unwrap());
    assert_eq!(fs::read(&anchor).unwrap(), sound);
}

#[test]
fn an_anchor_of_other_keys_counts_unless_it_cannot_be_true() {
    let machine = MachineFixture::new();
    let anchor = machine.anchor();
    let foreign = |generation: u64| {
        let id = VaultId([1; 16]);
        let keys = MasterKey::generate(&machine.fixture.entropy).unwrap().keys(&id);
        let mut bytes = generation.to_be_bytes().to_vec();
        bytes.extend([9; 16]);
        bytes.extend(keys.anchor.tag(generation, &[9; 16]));
        files::write_replacing(&anchor, &bytes).unwrap();
        machine.open().map(drop)
    };
    assert!(foreign(0).is_ok());
    assert!(matches!(foreign(1), Err(Error::Forked { generation: 1 })));
    assert!(matches!(foreign(2), Err(Error::RolledBack { found: 1, seen: 2 })));
    assert!(matches!(foreign(1 << 48), Err(Error::RolledBack { .. })));
    assert!(foreign((1 << 48) + 1).is_ok());
    assert!(foreign(u64::MAX).is_ok());
}

#[test]
fn every_byte_of_an_anchor_is_bound() {
    let machine = MachineFixture::new();
    let keys = machine.key.master.keys(machine.open().unwrap().vault_id());
    let vault_id = *machine.open().unwrap().vault_id();
    let anchor = Anchor::new(&machine.scratch.join("anchors"), &vault_id);
    let sound = fs::read(machine.anchor()).unwrap();
    let under = || anchor.read(&keys.anchor).map(|remembered| remembered.under);
    assert_eq!(under(), Some(Under::TheseKeys));
    for at in 0..sound.len() {
        let mut flipped = sound.clone();
        flipped[at] ^= 1;
        files::write_replacing(&machine.anchor(), &flipped).unwrap();
        assert_ne!(under(), Some(Under::TheseKeys), "byte {at}");
    }
}

#[test]
fn an_anchor_does_not_go_back() {
    let machine = MachineFixture::new();
    let vault_id = *machine.open().unwrap().vault_id();
    let key = machine.key.master.keys(&vault_id).anchor;
    let anchor = Anchor::new(&machine.scratch.join("anchors"), &vault_id);
    let at = |generation| Remembered { generation, commit_id: [3; 16], under: Under::TheseKeys };
    anchor.note(&key, at(7)).unwrap();
    anchor.note(&key, at(6)).unwrap();
    assert_eq!(anchor.read(&key), Some(at(7)));
    anchor.replace(&key, at(6)).unwrap();
    assert_eq!(anchor.read(&key), Some(at(6)));
}

#[test]
fn a_machine_that_cannot_remember_says_so_and_works() {
    let machine = MachineFixture::new();
    files::write_private(&machine.scratch.join("taken"), b"").unwrap();
    let mut vault = machine.open_with(&machine.policy("taken")).unwrap();
    assert!(vault.is_anchor_unwritable());
    assert_eq!(machine.commit(&mut vault), 2);
    assert!(vault.is_anchor_unwritable());
    drop(vault);
    assert!(!machine.open().unwrap().is_anchor_unwritable());
}

#[test]
fn a_copy_put_under_an_open_vault_is_noticed() {
    // A vault that stays open used to remember only what it had committed itself, not what it had
    // read: a state that another process committed could be taken back unnoticed.
    let machine = MachineFixture::new();
    let old = machine.bytes();
    for is_own in [true, false] {
        let mut vault = machine.open_with(&STRICT).unwrap();
        if is_own {
            machine.commit(&mut vault);
        } else {
            machine.commit(&mut machine.open_with(&STRICT).unwrap());
            assert_eq!(machine.generation(&mut vault), 2);
        }
        machine.overwrite(&old);
        for access in [Access::Read, Access::Write] {
            let error = vault.begin(access, machine.fixture.context()).err();
            assert!(matches!(error, Some(Error::RolledBack { found: 1, seen: 2 })), "{error:?}");
        }
    }
}

#[test]
fn a_copy_from_before_a_rekey_is_refused() {
    let machine = MachineFixture::new();
    let old = machine.bytes();
    let mut vault = machine.open().unwrap();
    let master = MasterKey::generate(&machine.fixture.entropy).unwrap();
    let (body, _) = new_slot(&machine.fixture, &master, vault.vault_id());
    let slots = vec![(0, body, String::new())];
    let rekeying = Rekeying { master: &master, slots, reason: String::new() };
    vault.rekey(rekeying, machine.fixture.context(), &mut |_| {}).unwrap();
    drop(vault);
    machine.put(&old);
    let error = machine.open().err();
    assert!(matches!(error, Some(Error::RolledBack { found: 1, seen: 2 })), "{error:?}");
}
