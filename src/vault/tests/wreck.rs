//! Files that are damaged or were added to: what is found in them, repaired and saved.

use std::fs;
use std::path::PathBuf;

use super::*;
use crate::store::{Mode, sample};
use crate::sys::files;
use crate::sys::scratch::Scratch;
use crate::vault::salvage::Salvaged;

const PAGE: usize = 4096;

/// A furnished vault in a file, which can be damaged again and again.
struct WreckFixture {
    scratch: Scratch,
    fixture: VaultFixture,
    key: Key,
    bytes: Vec<u8>,
    truth: BTreeMap<String, String>,
}

impl WreckFixture {
    fn new() -> Self {
        let (scratch, fixture) = (Scratch::new(), VaultFixture::new());
        let path = scratch.join("vault");
        let (mut vault, key) = new_vault(&fixture, Store::create(&path).unwrap(), None);
        furnish(&fixture, &mut vault);
        // One whose value goes on over several pages.
        let long = "long ".repeat(2_000);
        fixture.change(&mut vault, |t| create(t, "new/one", &[("n1", text(&long))]));
        let truth = truth(&fixture, &mut vault);
        drop(vault);
        let bytes = fs::read(&path).unwrap();
        Self { scratch, fixture, key, bytes, truth }
    }

    fn path(&self) -> PathBuf {
        self.scratch.join("vault")
    }

    fn kept(&self) -> PathBuf {
        self.scratch.join("kept")
    }

    /// Makes the file what it was.
    fn restore(&self) {
        self.put(&self.bytes);
    }

    /// Makes these bytes the file.
    fn put(&self, bytes: &[u8]) {
        for name in ["vault", "kept", "saved"] {
            drop(fs::remove_file(self.scratch.join(name)));
        }
        files::write_private(&self.path(), bytes).unwrap();
    }

    fn open_damaged(&self) -> Result<Vault, Error> {
        LockedVault::open_damaged(&self.path())?.unlock(&self.key.master, &UNGUARDED)
    }

    /// Repairs the file, and returns what is wrong with it then.
    fn repair(&self) -> Result<Vec<Finding>, Error> {
        let mut vault = self.open_damaged()?;
        vault.require_replaceable()?;
        let mut transaction = self.fixture.write(&mut vault);
        transaction.repair(&[], &mut |_| {})?;
        transaction.commit()?;
        vault.replace_wreck(&self.kept())?;
        drop(vault);
        let locked = LockedVault::open(&self.path(), Mode::ReadWrite)?;
        let mut vault = locked.unlock(&self.key.master, &STRICT)?;
        assert!(vault.store_mut().quick_check()?.is_empty());
        self.judge("repaired", &mut vault);
        Ok(findings(&self.fixture, &mut vault))
    }

    /// Saves what can be, and returns what that was.
    fn salvage(&self) -> Result<(Salvaged, Vault), Error> {
        let mut damaged = LockedVault::open_damaged(&self.path())?;
        let (mut saved, _key) = sample_empty_vault(&self.fixture);
        let mut into = self.fixture.write(&mut saved);
        let salvaged = damaged.salvage(&self.key.master, &mut into, &[], &mut |_| {})?;
        into.commit()?;
        assert_sound(&self.fixture, &mut saved);
        Ok((salvaged, saved))
    }

    /// Requires that each value that is there is the one that was there, and returns how many are.
    #[track_caller]
    fn judge(&self, case: &str, vault: &mut Vault) -> usize {
        let values = ask(&self.fixture, vault).into_iter();
        let values = values.filter(|(asked, told)| asked.starts_with("value ") && told.is_ok());
        let judged = values.map(|(asked, told)| {
            assert_eq!(Some(&told.unwrap()), self.truth.get(&asked), "{case}: {asked}");
        });
        judged.count()
    }
}

#[test]
fn what_was_added_to_the_tables_is_left_behind() {
    // Each of these single lines kept `check`, `check --repair` and `salvage` from working, though
    // every row still authenticated.
    let victim = WreckFixture::new();
    for addition in [
        "CREATE VIEW v AS SELECT 1",
        "CREATE TABLE extra (a)",
        "CREATE INDEX extra ON secret(box)",
        "CREATE TRIGGER extra AFTER UPDATE ON vault BEGIN DELETE FROM audit; END",
        "ALTER TABLE secret RENAME TO other; CREATE VIEW secret AS SELECT * FROM other",
        "ANALYZE",
        "PRAGMA user_version = 99",
        "PRAGMA user_version = 0",
        "PRAGMA application_id = 7",
        "PRAGMA journal_mode = WAL; CREATE VIEW v AS SELECT 1",
        "PRAGMA page_size = 1024; VACUUM; CREATE VIEW v AS SELECT 1",
        "PRAGMA page_size = 32768; VACUUM; CREATE VIEW v AS SELECT 1",
    ] {
        victim.restore();
        sample::tamper(&victim.path(), addition);
        assert!(LockedVault::open(&victim.path(), Mode::ReadWrite).is_err());
        let mut vault = victim.open_damaged().unwrap();
        assert_eq!(vault.wreckage().unwrap().place, "file", "{addition}");
        assert_eq!(findings(&victim.fixture, &mut vault), [], "{addition}");
        assert_eq!(truth(&victim.fixture, &mut vault), victim.truth, "{addition}");
        drop(vault);

        let altered = fs::read(victim.path()).unwrap();
        let (salvaged, mut saved) = victim.salvage().unwrap();
        assert_eq!((salvaged.secrets, salvaged.values), (5, 4), "{addition}");
        assert_eq!((salvaged.lost_secrets, salvaged.lost_values), (0, 0), "{addition}");
        assert_eq!(victim.judge(addition, &mut saved), 5);
        assert!(fs::read(victim.path()).unwrap() == altered, "{addition}");

        assert_eq!(victim.repair().unwrap(), [], "{addition}");
        assert!(fs::read(victim.kept()).unwrap() == altered, "{addition}");
        assert_eq!(victim.scratch.names(), ["kept", "vault"], "{addition}");
    }
}

#[test]
fn what_a_later_version_may_have_written_is_not_written_anew() {
    let victim = WreckFixture::new();
    sample::tamper(&victim.path(), "PRAGMA user_version = 2; CREATE TABLE shelf (a BLOB) STRICT");
    let later = fs::read(victim.path()).unwrap();
    let refused = victim.repair();
    let is_told = matches!(refused, Err(Error::Store(store::Error::NewerFormat { found: 2 })));
    assert!(is_told, "{refused:?}");
    assert!(fs::read(victim.path()).unwrap() == later);
    assert_eq!(victim.salvage().unwrap().0.secrets, 5);
}

#[test]
fn no_byte_of_the_first_page_costs_anything() {
    let victim = WreckFixture::new();
    for at in (0..100).step_by(3).chain((100..PAGE).step_by(211)) {
        let mut bytes = victim.bytes.clone();
        bytes[at] ^= 0x10;
        victim.put(&bytes);
        let (salvaged, mut saved) = victim.salvage().unwrap();
        assert_eq!((salvaged.secrets, salvaged.values), (5, 4), "byte {at}");
        assert_eq!(victim.judge("salvaged", &mut saved), 5, "byte {at}");
        let mut vault = victim.open_damaged().unwrap();
        assert_eq!(findings(&victim.fixture, &mut vault), [], "byte {at}");
    }
}

#[test]
fn a_byte_costs_no_more_than_the_row_it_is_in() {
    let victim = WreckFixture::new();
    let header = victim.bytes.windows(8).position(|bytes| bytes == b"STRGROM1").unwrap();
    for at in (PAGE..victim.bytes.len()).step_by(353) {
        let mut bytes = victim.bytes.clone();
        bytes[at] ^= 0x10;
        victim.put(&bytes);
        let case = format!("byte {at}");
        let (salvaged, mut saved) = match victim.salvage() {
            Ok(saved) => saved,
            Err(error) => {
                // The public header is what every key hangs on.
                assert!((header..header + 72).contains(&at), "{case}: {error:?}");
                continue;
            }
        };
        let (lost_secrets, lost_values) = (5 - salvaged.secrets, 4 - salvaged.values);
        assert!(lost_secrets <= 1 && lost_values <= 1, "{case}: {salvaged:?}");
        victim.judge(&case, &mut saved);
    }
}

#[test]
fn the_heads_and_pointers_of_pages_are_not_needed() {
    let victim = WreckFixture::new();
    for page in 1..victim.bytes.len() / PAGE {
        let mut bytes = victim.bytes.clone();
        let is_overflow = bytes[page * PAGE] != 0x0d;
        if is_overflow {
            continue;
        }
        bytes[page * PAGE..page * PAGE + 40].fill(0xee);
        victim.put(&bytes);
        let (salvaged, mut saved) = victim.salvage().unwrap();
        assert_eq!((salvaged.secrets, salvaged.values), (5, 4), "page {page}");
        victim.judge("salvaged", &mut saved);
        assert_eq!(victim.repair().unwrap(), [], "page {page}");
    }
}

#[test]
fn pages_that_are_gone_cost_what_was_on_them() {
    let victim = WreckFixture::new();
    let pages = victim.bytes.len() / PAGE;
    for (case, page) in (0..pages).flat_map(|page| [("wiped", page), ("cut", page)]) {
        let mut bytes = victim.bytes.clone();
        match case {
            "wiped" => bytes[page * PAGE..(page + 1) * PAGE].fill(0),
            _ => bytes.truncate((pages - page) * PAGE - 1),
        }
        victim.put(&bytes);
        let case = format!("{case} {page}");
        match victim.salvage() {
            Ok((salvaged, mut saved)) => {
                assert!(salvaged.values + salvaged.lost_values <= 4, "{case}: {salvaged:?}");
                victim.judge(&case, &mut saved);
            }
            // With the public header the keys are lost too.
            Err(error) => {
                let length = fs::metadata(victim.path()).unwrap().len();
                assert!(case == "wiped 1" || length < 8192, "{case}: {error:?}");
                assert!(speaks_of_damage(&error), "{case}: {error:?}");
                continue;
            }
        }
        match victim.repair() {
            Ok(left) => assert_eq!(left, [], "{case}"),
            // Without its state, or without a slot, a vault cannot be repaired, but saved.
            Err(error) => assert!(
                speaks_of_damage(&error) || matches!(error, Error::LastSlot(_)),
                "{case}: {error:?}"
            ),
        }
    }
}

#[test]
fn what_is_no_vault_is_not_taken_for_a_damaged_one() {
    let victim = WreckFixture::new();
    for bytes in [Vec::new(), b"hello, world".to_vec(), vec![0; 9000], vec![0x5a; 40_000]] {
        victim.put(&bytes);
        let error = victim.open_damaged().err();
        let is_told = matches!(error, Some(Error::Store(store::Error::NotAVault { .. })));
        assert!(is_told, "{error:?}");
        assert_eq!(fs::read(victim.path()).unwrap(), bytes);
    }
}

#[test]
fn a_sound_file_is_no_wreck() {
    let victim = WreckFixture::new();
    let vault = victim.open_damaged().unwrap();
    assert!(vault.wreckage().is_none());
    drop(vault);
    assert_eq!(victim.repair().unwrap(), []);
    assert_eq!(victim.scratch.names(), ["vault"]);
}

#[test]
fn what_is_repaired_is_remembered_only_when_it_is_in_the_file() {
    // An anchor that was ahead of the file would make it a rollback for ever.
    let victim = WreckFixture::new();
    let policy = UnlockPolicy { anchors: Some(victim.scratch.join("anchors")), ..STRICT };
    let open = || LockedVault::open_damaged(&victim.path())?.unlock(&victim.key.master, &policy);
    drop(open().unwrap());
    sample::tamper(&victim.path(), "CREATE VIEW v AS SELECT 1");
    let repair = |vault: &mut Vault| {
        let mut transaction = victim.fixture.write(vault);
        transaction.repair(&[], &mut |_| {}).unwrap();
        transaction.commit().unwrap();
    };
    repair(&mut open().unwrap());
    assert!(open().is_ok());
    let mut vault = open().unwrap();
    repair(&mut vault);
    let repaired = vault.begin(Access::Read, victim.fixture.context()).unwrap().state().generation;
    vault.replace_wreck(&victim.kept()).unwrap();
    drop(vault);
    assert!(open().is_ok());
    victim.restore();
    let error = open().err();
    assert!(matches!(error, Some(Error::RolledBack { seen, .. }) if seen == repaired), "{error:?}");
}
