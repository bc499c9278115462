//! A vault's file, changed byte by byte and page by page.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use super::*;
use crate::store::{Mode, sample};
use crate::sys::files;
use crate::sys::scratch::Scratch;

const PAGE: usize = 4096;

/// A file to be changed and put right again.
pub(super) struct Altered<'a> {
    path: PathBuf,
    file: File,
    bytes: &'a [u8],
}

impl<'a> Altered<'a> {
    pub(super) fn new(scratch: &Scratch, name: &str, bytes: &'a [u8]) -> Self {
        let path = scratch.join(name);
        files::write_private(&path, bytes).unwrap();
        let file = OpenOptions::new().read(true).write(true).open(&path).unwrap();
        Self { path, file, bytes }
    }

    /// Writes something in the place of what is there.
    fn write(&self, at: usize, bytes: &[u8]) {
        self.file.write_all_at(bytes, u64::try_from(at).unwrap()).unwrap();
    }

    /// Puts these bytes right again.
    fn restore(&self, from: usize, length: usize) {
        self.write(from, &self.bytes[from..from + length]);
    }

    /// Puts everything right again, whatever SQLite made of it.
    fn mend_all(&self) {
        self.file.set_len(u64::try_from(self.bytes.len()).unwrap()).unwrap();
        self.write(0, self.bytes);
        for suffix in ["-journal", "-wal", "-shm"] {
            let mut path = self.path.as_os_str().to_owned();
            path.push(suffix);
            drop(fs::remove_file(path));
        }
    }

    /// Opens the file in every way there is, and returns whether everything was answered.
    fn look(
        &self,
        case: &str,
        fixture: &VaultFixture,
        key: &Key,
        truth: &BTreeMap<String, String>,
    ) -> bool {
        let refused = |error: &Error| {
            assert!(speaks_of_damage(error), "{case}: {error:?}");
            false
        };
        let locked = match LockedVault::open(&self.path, Mode::ReadWrite) {
            Ok(locked) => locked,
            Err(error) => return refused(&error),
        };
        let mut vault = match locked.unlock(&key.master, &STRICT) {
            Ok(vault) => vault,
            Err(error) => return refused(&error),
        };
        judge(case, truth, &ask(fixture, &mut vault)) == 0
    }
}

/// A small vault in a file, closed.
fn small(scratch: &Scratch, fixture: &VaultFixture) -> (PathBuf, Key) {
    let path = scratch.join("vault");
    let (mut vault, key) = new_vault(fixture, Store::create(&path).unwrap(), None);
    fixture.change(&mut vault, |transaction| {
        create(transaction, "app/db", &[("v1", text("hunter1")), ("v2", text("hunter2"))]);
        create(transaction, "none", &[]);
    });
    (path, key)
}

fn truth_of(fixture: &VaultFixture, path: &Path, key: &Key) -> BTreeMap<String, String> {
    let locked = LockedVault::open(path, Mode::ReadOnly).unwrap();
    truth(fixture, &mut locked.unlock(&key.master, &STRICT).unwrap())
}

#[test]
fn no_byte_can_be_changed_into_another_answer() {
    let scratch = Scratch::new();
    let fixture = VaultFixture::new();
    let (path, key) = small(&scratch, &fixture);
    let truth = truth_of(&fixture, &path, &key);
    let bytes = fs::read(&path).unwrap();
    assert!(bytes.len() < 15 * PAGE, "{}", bytes.len());

    // Both halves at once, each in a file of its own.
    let half = bytes.len() / 2 / PAGE * PAGE;
    let counts: Vec<(usize, usize)> = std::thread::scope(|scope| {
        let work = |name, range| {
            let (key, truth, altered) = (&key, &truth, Altered::new(&scratch, name, &bytes));
            scope.spawn(move || flip_each(&altered, range, key, truth))
        };
        let halves = [work("first", 0..half), work("second", half..bytes.len())];
        halves.into_iter().map(|half| half.join().unwrap()).collect()
    });
    let looked: usize = counts.iter().map(|(looked, _)| looked).sum();
    let refused: usize = counts.iter().map(|(_, refused)| refused).sum();
    assert!(looked > 2_500 && refused > 2_000, "{refused} of {looked} refused");
}

/// Flips each byte of a part of a file, and returns how many were looked at one by one and how many
/// of those were refused. Bytes that can all be changed at once without any effect are free space,
/// and are not looked at one by one.
fn flip_each(
    altered: &Altered<'_>,
    range: std::ops::Range<usize>,
    key: &Key,
    truth: &BTreeMap<String, String>,
) -> (usize, usize) {
    const CHUNK: usize = 64;
    let fixture = VaultFixture::new();
    let (mut looked, mut refused) = (0, 0);
    for start in range.step_by(CHUNK) {
        let chunk = &altered.bytes[start..start + CHUNK];
        if chunk.iter().all(|byte| *byte == 0) {
            altered.write(start, &[0xa5; CHUNK]);
            let has_no_effect = altered.look("free space", &fixture, key, truth);
            altered.restore(start, CHUNK);
            if has_no_effect {
                continue;
            }
        }
        for (at, byte) in (start..).zip(chunk) {
            altered.write(at, &[byte ^ (1 << (at % 8))]);
            let is_right = altered.look(&format!("byte {at}"), &fixture, key, truth);
            looked += 1;
            refused += usize::from(!is_right);
            if at < 100 {
                // The file's own header says how SQLite writes to it.
                altered.mend_all();
            } else {
                altered.restore(at, 1);
            }
        }
    }
    let mut after = vec![0; altered.bytes.len()];
    altered.file.read_exact_at(&mut after, 0).unwrap();
    assert!(after == altered.bytes, "looking wrote something");
    (looked, refused)
}

#[test]
fn a_value_over_many_pages_is_bound_too() {
    let scratch = Scratch::new();
    let fixture = VaultFixture::new();
    let (path, key) = small(&scratch, &fixture);
    let locked = LockedVault::open(&path, Mode::ReadWrite).unwrap();
    let mut vault = locked.unlock(&key.master, &STRICT).unwrap();
    let long = "0123456789abcdef".repeat(800);
    fixture.change(&mut vault, |transaction| create(transaction, "tmp", &[("t", text(&long))]));
    drop(vault);
    let truth = truth_of(&fixture, &path, &key);
    let bytes = fs::read(&path).unwrap();
    let altered = Altered::new(&scratch, "altered", &bytes);
    let mut refused = 0;
    for page in (0..bytes.len()).step_by(PAGE) {
        // The first bytes of such a page lead to the next one.
        for at in (0..8).chain((8..PAGE).step_by(251)) {
            altered.write(page + at, &[bytes[page + at] ^ 0x40]);
            let is_right = altered.look(&format!("byte {}", page + at), &fixture, &key, &truth);
            refused += usize::from(!is_right);
            altered.mend_all();
        }
    }
    assert!(refused > 60, "{refused}");
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let scratch = Scratch::new();
    let fixture = VaultFixture::new();
    let (path, key) = small(&scratch, &fixture);
    let truth = truth_of(&fixture, &path, &key);
    let bytes = fs::read(&path).unwrap();
    let altered = Altered::new(&scratch, "altered", &bytes);
    let borders = (0..bytes.len()).step_by(PAGE);
    for length in borders.flat_map(|border| [border, border + 1, border + 100, border + 4095]) {
        altered.file.set_len(u64::try_from(length).unwrap()).unwrap();
        assert!(!altered.look(&format!("{length} bytes"), &fixture, &key, &truth), "{length}");
        altered.mend_all();
    }
    // Longer than it says it is, it is still all there.
    altered.write(bytes.len(), &[0x5a; PAGE]);
    altered.look("longer", &fixture, &key, &truth);
}

#[test]
fn pages_that_are_wiped_or_exchanged_are_refused() {
    let scratch = Scratch::new();
    let fixture = VaultFixture::new();
    let (path, key) = small(&scratch, &fixture);
    let truth = truth_of(&fixture, &path, &key);
    let bytes = fs::read(&path).unwrap();
    let altered = Altered::new(&scratch, "altered", &bytes);
    let pages: Vec<&[u8]> = bytes.chunks(PAGE).collect();
    for (one, page) in pages.iter().enumerate() {
        for filling in [0, 0xff] {
            altered.write(one * PAGE, &[filling; PAGE]);
            assert!(!altered.look(&format!("page {one} wiped"), &fixture, &key, &truth), "{one}");
            altered.mend_all();
        }
        for (other, content) in pages.iter().enumerate().filter(|(other, _)| *other != one) {
            let case = format!("pages {one} and {other} exchanged");
            altered.write(one * PAGE, content);
            altered.write(other * PAGE, page);
            assert!(!altered.look(&case, &fixture, &key, &truth), "{case}");
            altered.mend_all();
        }
    }
}

#[test]
fn no_mixture_of_the_pages_of_two_moments_is_a_third() {
    let scratch = Scratch::new();
    let fixture = VaultFixture::new();
    let (path, key) = small(&scratch, &fixture);
    let old = fs::read(&path).unwrap();
    let old_truth = truth_of(&fixture, &path, &key);
    let locked = LockedVault::open(&path, Mode::ReadWrite).unwrap();
    renovate_small(&fixture, &mut locked.unlock(&key.master, &STRICT).unwrap());
    let new = fs::read(&path).unwrap();
    let new_truth = truth_of(&fixture, &path, &key);
    assert_eq!((old.len(), new.len()), (8 * PAGE, 8 * PAGE));

    let altered = Altered::new(&scratch, "altered", &new);
    let mut moments = 0;
    for choice in 0..256_usize {
        for page in (0..8).filter(|page| choice & (1 << page) != 0) {
            altered.write(page * PAGE, &old[page * PAGE..(page + 1) * PAGE]);
        }
        // The page of the state, the second, says which moment it is.
        let truth = if choice & 2 == 0 { &new_truth } else { &old_truth };
        let is_whole = altered.look(&format!("{choice:#b}"), &fixture, &key, truth);
        moments += usize::from(is_whole);
        altered.mend_all();
    }
    // Which pages differ only in SQLite's own counters, or in rows that no answer needs.
    assert!((2..=16).contains(&moments), "{moments}");
}

/// Changes every page of a small vault's file.
pub(super) fn renovate_small(fixture: &VaultFixture, vault: &mut Vault) {
    fixture.change(vault, |transaction| {
        let mut record = transaction.find(&home(), "app/db").unwrap().unwrap();
        add_version(transaction, &mut record, "v3", &text("hunter3"));
        transaction.update(&mut record).unwrap();
        let gone = transaction.find(&home(), "none").unwrap().unwrap();
        transaction.remove(&gone).unwrap();
        create(transaction, "new/one", &[]);
        transaction.record_own("Renovate", "").unwrap();
    });
}

#[test]
fn whatever_is_added_to_the_tables_is_refused() {
    let scratch = Scratch::new();
    let fixture = VaultFixture::new();
    let (path, _key) = small(&scratch, &fixture);
    let bytes = fs::read(&path).unwrap();
    for addition in [
        "CREATE TABLE extra (a)",
        "CREATE INDEX extra ON secret(box)",
        "CREATE UNIQUE INDEX extra ON value(vid)",
        "CREATE VIEW extra AS SELECT * FROM vault",
        "CREATE TRIGGER extra AFTER UPDATE ON vault BEGIN DELETE FROM audit; END",
        "CREATE TABLE copy AS SELECT * FROM secret; DROP TABLE secret; \
         CREATE VIEW secret AS SELECT * FROM copy",
    ] {
        sample::tamper(&path, addition);
        let error = LockedVault::open(&path, Mode::ReadWrite).err();
        let is_refused = matches!(error, Some(Error::Store(store::Error::SchemaAltered { .. })));
        assert!(is_refused, "{addition}: {error:?}");
        fs::remove_file(&path).unwrap();
        files::write_private(&path, &bytes).unwrap();
    }
}

#[test]
fn a_schema_that_is_added_to_under_an_open_vault_is_refused() {
    let scratch = Scratch::new();
    let fixture = VaultFixture::new();
    let (path, key) = small(&scratch, &fixture);
    let locked = LockedVault::open(&path, Mode::ReadWrite).unwrap();
    let mut vault = locked.unlock(&key.master, &STRICT).unwrap();
    sample::tamper(
        &path,
        "CREATE TRIGGER extra AFTER INSERT ON audit BEGIN DELETE FROM secret; END",
    );
    for access in [Access::Read, Access::Write] {
        let error = vault.begin(access, fixture.context()).err();
        assert!(matches!(error, Some(Error::Store(store::Error::SchemaAltered { .. }))));
    }
}
