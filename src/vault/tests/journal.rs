//! A journal that somebody laid beside the file, so that SQLite plays it back.

use std::fs;

use super::*;
use crate::store::{Mode, sample};
use crate::sys::files;
use crate::sys::scratch::Scratch;

const PAGE: usize = 4096;

/// A vault's file as it was and as it is.
struct JournalFixture {
    scratch: Scratch,
    fixture: VaultFixture,
    key: Key,
    old: Vec<u8>,
    new: Vec<u8>,
    truth: BTreeMap<String, String>,
    old_truth: BTreeMap<String, String>,
}

impl JournalFixture {
    fn new() -> Self {
        let (scratch, fixture) = (Scratch::new(), VaultFixture::new());
        let path = scratch.join("vault");
        let (mut vault, key) = new_vault(&fixture, Store::create(&path).unwrap(), None);
        furnish(&fixture, &mut vault);
        let old_truth = truth(&fixture, &mut vault);
        let old = fs::read(&path).unwrap();
        renovate(&fixture, &mut vault, &key);
        let truth = truth(&fixture, &mut vault);
        drop(vault);
        let new = fs::read(&path).unwrap();
        Self { scratch, fixture, key, old, new, truth, old_truth }
    }

    /// Opens the new file with a journal beside it.
    fn open_beside(&self, journal: &[u8], policy: &UnlockPolicy) -> Result<Vault, Error> {
        for (name, bytes) in [("vault", &self.new[..]), ("vault-journal", journal)] {
            let path = self.scratch.join(name);
            drop(fs::remove_file(&path));
            files::write_private(&path, bytes).map_err(store::Error::from)?;
        }
        let locked = LockedVault::open(&self.scratch.join("vault"), Mode::ReadWrite)?;
        locked.unlock(&self.key.master, policy)
    }

    fn length(&self) -> u32 {
        u32::try_from(self.old.len() / PAGE).unwrap()
    }

    /// The old pages by number.
    fn pages(&self) -> Vec<(u32, &[u8])> {
        (1..).zip(self.old.chunks(PAGE)).collect()
    }
}

#[test]
fn a_journal_puts_back_a_whole_moment_or_nothing_that_is_believed() {
    let moments = JournalFixture::new();
    let (pages, length) = (moments.pages(), moments.length());
    let mut journals: Vec<(String, Vec<u8>)> = Vec::new();
    for (number, page) in &pages {
        journals
            .push((format!("page {number}"), sample::journal(length, &[(*number, page)], None)));
        let others: Vec<_> = pages.iter().copied().filter(|(n, _)| n != number).collect();
        journals.push((format!("all but {number}"), sample::journal(length, &others, None)));
    }
    let cut = sample::journal(length - 1, &pages[..pages.len() - 1], None);
    let foreign = sample::journal(length, &[(2, &[0x5a; PAGE]), (6, &[0; PAGE])], None);
    journals.extend([("cut".to_owned(), cut), ("foreign".to_owned(), foreign)]);
    journals.push(("noise".to_owned(), (0..=255).cycle().take(20_000).collect()));
    journals.push(("empty".to_owned(), sample::journal(length, &[], None)));
    for (case, journal) in journals {
        let mut vault = match moments.open_beside(&journal, &UNGUARDED) {
            Ok(vault) => vault,
            Err(error) => {
                assert!(speaks_of_damage(&error), "{case}: {error:?}");
                continue;
            }
        };
        let generation = vault.begin(Access::Read, moments.fixture.context()).unwrap();
        let is_old = generation.state().generation == 3;
        drop(generation);
        let truth = if is_old { &moments.old_truth } else { &moments.truth };
        judge(&case, truth, &ask(&moments.fixture, &mut vault));
    }
}

#[test]
fn a_moment_that_a_journal_puts_back_is_a_rollback() {
    let moments = JournalFixture::new();
    let anchors = moments.scratch.join("anchors");
    let policy = UnlockPolicy { anchors: Some(anchors), ..STRICT };
    let nothing = sample::journal(moments.length(), &[], None);
    drop(moments.open_beside(&nothing, &policy).unwrap());
    let everything = sample::journal(moments.length(), &moments.pages(), None);
    let error = moments.open_beside(&everything, &policy).err();
    assert!(matches!(error, Some(Error::RolledBack { found: 3, seen: 4 })), "{error:?}");
    let mut vault = moments.open_beside(&everything, &UNGUARDED).unwrap();
    assert_eq!(truth(&moments.fixture, &mut vault), moments.old_truth);
}

#[test]
fn a_journal_deletes_and_writes_nothing_but_itself() {
    // Transactions over several databases name a further journal, which is deleted after them.
    let moments = JournalFixture::new();
    let victim = moments.scratch.join("victim-mj0123456789");
    files::write_private(&victim, b"somebody's").unwrap();
    let page = [(1, &moments.new[..PAGE])];
    let hostile = sample::journal(moments.length(), &page, Some(&victim));
    drop(moments.open_beside(&hostile, &STRICT));
    assert_eq!(fs::read(&victim).unwrap(), b"somebody's");

    let journal = moments.scratch.join("vault-journal");
    let nowhere = moments.scratch.join("nowhere");
    for target in [&victim, &nowhere] {
        drop(fs::remove_file(&journal));
        std::os::unix::fs::symlink(target, &journal).unwrap();
        let locked = LockedVault::open(&moments.scratch.join("vault"), Mode::ReadWrite);
        if let Ok(mut vault) = locked.and_then(|l| l.unlock(&moments.key.master, &STRICT)) {
            let transaction = vault.begin(Access::Write, moments.fixture.context());
            let written = transaction.and_then(|mut transaction| {
                transaction.record_own("Write", "")?;
                transaction.commit()
            });
            assert!(written.is_err());
        }
        assert_eq!(fs::read(&victim).unwrap(), b"somebody's");
        assert!(!nowhere.exists());
    }
}
