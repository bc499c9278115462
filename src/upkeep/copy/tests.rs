use super::*;
use crate::crypto::header::VaultId;
use crate::crypto::keyfile::Keyfile;
use crate::crypto::slot::{Credential, SlotBody};
use crate::model::time::Timestamp;
use crate::store::sample;
use crate::sys::entropy::CountingEntropy;
use crate::sys::files;
use crate::sys::scratch::Scratch;
use crate::vault::rekey::Rekeying;
use crate::vault::state::Settings;
use crate::vault::{Error, NewVault, Origin};

/// A vault in a file, and its key.
struct CopyFixture {
    scratch: Scratch,
    entropy: CountingEntropy,
    origin: Origin,
    vault_id: VaultId,
    master: MasterKey,
}

impl CopyFixture {
    fn new() -> Self {
        let entropy = CountingEntropy::default();
        let vault_id = VaultId::generate(&entropy).unwrap();
        let master = MasterKey::generate(&entropy).unwrap();
        let (scratch, origin) = (Scratch::new(), Origin::default());
        let fixture = Self { scratch, entropy, origin, vault_id, master };
        let new = NewVault {
            vault_id,
            master: &fixture.master,
            slots: vec![(0, fixture.slot(&fixture.master), String::new())],
            settings: Settings::new("000000000000", "local-1"),
            anchors: None,
        };
        Vault::create(&fixture.path(), new, fixture.context()).unwrap().appear().unwrap();
        fixture
    }

    fn slot(&self, master: &MasterKey) -> SlotBody {
        let credential = Credential::Keyfile(Keyfile::generate(&self.entropy).unwrap());
        SlotBody::wrap(master, &self.vault_id, &credential, None, &self.entropy).unwrap()
    }

    fn context(&self) -> RequestContext<'_> {
        RequestContext { now: Timestamp(1_000), entropy: &self.entropy, origin: &self.origin }
    }

    fn path(&self) -> PathBuf {
        self.scratch.join("vault")
    }

    fn open(&self) -> Vault {
        LockedVault::open(&self.path(), Mode::ReadWrite)
            .and_then(|locked| locked.unlock(&self.master, &UNGUARDED))
            .unwrap()
    }

    /// Commits something, and returns the generation then.
    fn work(&self) -> u64 {
        let mut vault = self.open();
        let mut transaction = vault.begin(Access::Write, self.context()).unwrap();
        transaction.record_own("Work", "").unwrap();
        transaction.commit().unwrap();
        self.generation()
    }

    fn generation(&self) -> u64 {
        self.open().begin(Access::Read, self.context()).unwrap().state().generation
    }

    fn back_up(&self) -> PathBuf {
        let copy = self.scratch.join("copy");
        drop(std::fs::remove_file(&copy));
        self.open().store_mut().backup_to(&copy).unwrap();
        copy
    }

    fn put(&self, bytes: &[u8]) {
        std::fs::remove_file(self.path()).unwrap();
        files::write_private(&self.path(), bytes).unwrap();
    }

    /// Puts the copy back on a machine that remembers nothing.
    fn restore(&self, older: Older) -> Result<Option<PathBuf>, Error> {
        let copy = self.scratch.join("copy");
        let (mut source, findings) = verify(&copy, &self.master, self.context(), &mut |_| {})?;
        assert_eq!(findings, []);
        let policy = UNGUARDED;
        let source = Source { vault: &mut source, master: &self.master };
        restore(&self.path(), source, &policy, older, self.context())
    }
}

#[test]
fn a_newer_vault_is_not_replaced_by_an_older_copy() {
    // Where this machine remembered nothing, the vault that was there was not even looked at,
    // and nothing of it was kept.
    let fixture = CopyFixture::new();
    drop(fixture.back_up());
    assert_eq!(fixture.work(), 2);
    let refused = fixture.restore(Older::Refuse);
    let is_told = matches!(refused, Err(Error::WouldLose(Loss::Older { found: 1, known: 2 })));
    assert!(is_told, "{refused:?}");
    assert_eq!(fixture.generation(), 2);
    assert_eq!(fixture.scratch.names(), ["copy", "vault"]);

    let kept = fixture.restore(Older::Accept).unwrap().unwrap();
    assert_eq!(kept, fixture.scratch.join("vault.before-restore"));
    assert_eq!(fixture.generation(), 3, "it is newer than all that was there");
    std::fs::rename(&kept, fixture.path()).unwrap();
    assert_eq!(fixture.generation(), 2);
    assert_eq!(fixture.scratch.names(), ["copy", "vault"]);
}

#[test]
fn a_vault_that_the_copy_came_out_of_is_replaced_and_not_kept() {
    let fixture = CopyFixture::new();
    let before = std::fs::read(fixture.path()).unwrap();
    fixture.work();
    drop(fixture.back_up());
    for older in [Older::Refuse, Older::Accept] {
        fixture.put(&before);
        assert_eq!(fixture.restore(older).unwrap(), None);
        assert_eq!(fixture.generation(), 3);
        assert_eq!(fixture.scratch.names(), ["copy", "vault"]);
    }
}

#[test]
fn a_vault_that_was_changed_apart_is_not_replaced() {
    let fixture = CopyFixture::new();
    let before = std::fs::read(fixture.path()).unwrap();
    let generations: Vec<u64> = (0..3).map(|_| fixture.work()).collect();
    assert_eq!(generations, [2, 3, 4]);
    drop(fixture.back_up());
    fixture.put(&before);
    fixture.work();
    let refused = fixture.restore(Older::Refuse);
    assert!(matches!(refused, Err(Error::WouldLose(Loss::Apart { generation: 2 }))), "{refused:?}");
    assert!(fixture.restore(Older::Accept).unwrap().is_some());
}

/// What was there was to be kept beside the link, which failed where that is another disk.
#[test]
fn a_vault_behind_a_link_is_kept_where_it_is() {
    let fixture = CopyFixture::new();
    drop(fixture.back_up());
    fixture.work();
    let disk = fixture.scratch.join("disk");
    files::create_private_dir(&disk).unwrap();
    std::fs::rename(fixture.path(), disk.join("vault")).unwrap();
    std::os::unix::fs::symlink("disk/vault", fixture.path()).unwrap();
    let kept = fixture.restore(Older::Accept).unwrap();
    assert_eq!(kept, Some(disk.join("vault.before-restore")));
    assert!(fixture.path().is_symlink());
    assert_eq!(fixture.generation(), 3);
}

/// It said that the vault had been busy for ten seconds.
#[test]
fn a_vault_that_is_changed_after_the_look_at_it_is_not_replaced() {
    let fixture = CopyFixture::new();
    let copy = fixture.back_up();
    let (mut source, _) = verify(&copy, &fixture.master, fixture.context(), &mut |_| {}).unwrap();
    let replaced = ReplacedVault::look(&fixture.path(), &mut source, &fixture.master).unwrap();
    let mut copy = source.copy_to_be_at(&fixture.path(), &fixture.master).unwrap();
    fixture.work();
    let refused = replaced.give_way(&mut copy, &fixture.scratch.join("kept")).unwrap_err();
    assert_eq!(refused.name(), "VaultBusy");
    assert!(refused.to_string().starts_with("another process changed the vault meanwhile"));
    assert_eq!(fixture.generation(), 2);
}

#[test]
fn a_vault_that_was_given_new_keys_is_not_replaced() {
    let fixture = CopyFixture::new();
    drop(fixture.back_up());
    let master = MasterKey::generate(&fixture.entropy).unwrap();
    let slots = vec![(0, fixture.slot(&master), String::new())];
    let rekeying = Rekeying { master: &master, slots, reason: String::new() };
    fixture.open().rekey(rekeying, fixture.context(), &mut |_| {}).unwrap();
    let refused = fixture.restore(Older::Refuse);
    assert!(matches!(refused, Err(Error::WouldLose(Loss::BeforeRekey))), "{refused:?}");
    assert!(fixture.restore(Older::Accept).unwrap().is_some());
    assert_eq!(fixture.generation(), 2);
}

#[test]
fn a_damaged_vault_is_replaced_and_kept() {
    let fixture = CopyFixture::new();
    for tampering in
        ["UPDATE vault SET state = zeroblob(length(state))", "CREATE VIEW v AS SELECT 1"]
    {
        drop(fixture.back_up());
        sample::tamper(&fixture.path(), tampering);
        let kept = fixture.restore(Older::Refuse).unwrap();
        assert!(kept.is_some_and(|kept| kept.exists()), "{tampering}");
        assert!(fixture.generation() >= 2);
    }
}
