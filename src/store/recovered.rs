//! A container that an interrupted change left half written, on a medium that can only be read: read
//! as it was before that change. What SQLite would do to the file is done to a copy of it in memory.
//!
//! The numbers are those of SQLite's file format, "The Rollback Journal".

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::SystemTime;

use rusqlite::{Connection, MAIN_DB};

use super::beside::{self, with_suffix};
use super::connection;
use super::error::Error;
use super::waiting::Patience;
use crate::sys::files;

/// Whether [`open`] may help with a file that could not be opened.
pub(super) fn may_help(path: &Path, error: &Error) -> bool {
    let is_written_with_a_log = || {
        let mut versions = [0; 2];
        let read = File::open(path).and_then(|file| file.read_exact_at(&mut versions, 18));
        read.is_ok() && versions == WITH_A_LOG
    };
    // SQLite wants to make files next to such a file even to read it.
    matches!(error, Error::Unfinished)
        || matches!(error, Error::Io { .. })
            && !files::may_write_in(files::parent_of(path))
            && is_written_with_a_log()
}

/// Opens a copy in memory of a file that needs what its journal says, or that says to be written
/// with a log that is not there.
pub(super) fn open(path: &Path) -> Result<Connection, Error> {
    let journal = with_suffix(path, "-journal");
    beside::look_at(path)?;
    let (image, journal) = unchanged(path, &journal, || {
        let image = files::read_bounded(path, LARGEST)?;
        let journal =
            if journal.exists() { files::read_bounded(&journal, LARGEST)? } else { vec![] };
        Ok((image, journal))
    })?;
    let mut image = rolled_back(image, &journal).ok_or(Error::Unfinished)?;
    if image.get(WRITTEN_WITH).is_some_and(|versions| versions == WITH_A_LOG) {
        let log = with_suffix(path, "-wal");
        if fs::metadata(log).is_ok_and(|log| log.len() > 0) {
            return Err(Error::Unfinished);
        }
        if let Some(versions) = image.get_mut(WRITTEN_WITH) {
            versions.fill(1);
        }
    }
    let mut connection = Connection::open_in_memory()?;
    connection.deserialize_read_exact(MAIN_DB, &image[..], image.len(), true)?;
    connection::configure(&mut connection, Patience::Long)?;
    Ok(connection)
}

/// Reads both files, which must be the same before and after: somebody else may be able to write
/// them.
fn unchanged<T>(
    file: &Path,
    journal: &Path,
    read: impl FnOnce() -> Result<T, Error>,
) -> Result<T, Error> {
    let state = |path: &Path| -> Option<(u64, Option<SystemTime>)> {
        let found = fs::metadata(path).ok()?;
        Some((found.len(), found.modified().ok()))
    };
    let states = || (state(file), state(journal));
    let before = states();
    let done = read()?;
    if states() == before { Ok(done) } else { Err(Error::Changed) }
}

/// Puts back what a journal holds. `None` if that cannot be done alone: it belongs to a change of
/// several files, or is not a journal.
fn rolled_back(mut image: Vec<u8>, journal: &[u8]) -> Option<Vec<u8>> {
    let Some(first) = Header::read(journal, 0) else { return Some(image) };
    let is_of_several = journal.ends_with(&MARK) && journal.len() > first.sector;
    if is_of_several || !(512..=65536).contains(&first.page) || !first.page.is_power_of_two() {
        return None;
    }
    let length = first.pages.checked_mul(first.page).filter(|length| *length <= LARGEST)?;
    image.resize(length, 0);
    let mut at = 0;
    while let Some(header) = Header::read(journal, at) {
        at += header.sector;
        for _ in 0..header.records {
            let Some(record) = journal.get(at..at + first.page + 8) else { return Some(image) };
            let (number, rest) = record.split_first_chunk::<4>()?;
            let (content, sum) = rest.split_last_chunk::<4>()?;
            if u32::from_be_bytes(*sum) != sum_of(content, header.nonce) {
                return Some(image);
            }
            // Pages count from one. One beyond the length was not there.
            let number = usize::try_from(u32::from_be_bytes(*number)).ok()?.checked_sub(1)?;
            if let Some(page) = image.chunks_exact_mut(first.page).nth(number) {
                page.copy_from_slice(content);
            }
            at += record.len();
        }
        at = at.next_multiple_of(first.sector);
    }
    Some(image)
}

/// What precedes some of a journal's pages.
struct Header {
    records: u32,
    nonce: u32,
    /// How many pages the file had.
    pages: usize,
    sector: usize,
    page: usize,
}

impl Header {
    fn read(journal: &[u8], at: usize) -> Option<Self> {
        let rest = journal.get(at..)?.strip_prefix(&MARK)?;
        let (numbers, _) = rest.as_chunks::<4>();
        let number = |index: usize| numbers.get(index).map(|bytes| u32::from_be_bytes(*bytes));
        let size = |index: usize| usize::try_from(number(index)?).ok();
        let header = Self {
            // Where that was never written, all that follows is meant.
            records: number(0)?,
            nonce: number(1)?,
            pages: size(2)?,
            sector: size(3)?,
            page: size(4)?,
        };
        (32..=65536).contains(&header.sector).then_some(header)
    }
}

/// Sums up every two hundredth byte of a page, from its end.
fn sum_of(page: &[u8], nonce: u32) -> u32 {
    let bytes = page.iter().rev().skip(199).step_by(200).map(|byte| u32::from(*byte));
    bytes.fold(nonce, u32::wrapping_add)
}

/// What a journal and its parts begin with, and a name in it ends with.
const MARK: [u8; 8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];

/// Where a file says with what kind of journal it is written, and what it says of a log.
const WRITTEN_WITH: std::ops::Range<usize> = 18..20;
const WITH_A_LOG: [u8; 2] = [2, 2];

/// The largest file that is taken into memory.
const LARGEST: usize = 1 << 30;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sample;

    #[test]
    fn a_journal_is_played_as_sqlite_plays_it() {
        let (_scratch, path) = sample::closed();
        let old = fs::read(&path).unwrap();
        let pages: Vec<(u32, &[u8])> = (1..).zip(old.chunks(4096)).collect();
        let length = u32::try_from(pages.len()).unwrap();
        let torn = {
            let mut journal = sample::journal(length, &pages, None);
            journal.truncate(journal.len() - 3);
            journal
        };
        let altered = {
            let mut journal = sample::journal(length, &pages, None);
            let in_the_third_page = 512 + 2 * 4104 + 4 + 4096 - 200;
            journal[in_the_third_page] ^= 1;
            journal
        };
        for (case, journal) in [
            ("all", sample::journal(length, &pages, None)),
            ("some", sample::journal(length, &pages[..3], None)),
            ("none", sample::journal(length, &[], None)),
            ("shorter", sample::journal(length - 1, &pages, None)),
            ("longer", sample::journal(length + 2, &pages, None)),
            ("torn", torn),
            ("altered", altered),
            ("noise", vec![7; 9000]),
            ("empty", Vec::new()),
        ] {
            let written: Vec<u8> = old.iter().rev().copied().collect();
            let mut ours = rolled_back(written.clone(), &journal).unwrap();
            drop(fs::remove_file(&path));
            files::write_private(&path, &written).unwrap();
            files::write_private(&with_suffix(&path, "-journal"), &journal).unwrap();
            // Opened to write, SQLite plays it by itself.
            drop(connection::open(&path, crate::store::Mode::ReadWrite).and_then(|(c, _)| {
                c.query_one("PRAGMA schema_version", [], |_row| Ok(())).map_err(Error::from)
            }));
            let theirs = fs::read(&path).unwrap();
            ours.resize(theirs.len().max(ours.len()), 0);
            assert!(ours == theirs, "{case}");
            drop(fs::remove_file(with_suffix(&path, "-journal")));
        }
        let further = sample::journal(length, &pages, Some(Path::new("/further")));
        assert!(rolled_back(old.clone(), &further).is_none());
    }

    #[test]
    fn a_vault_left_in_wal_mode_is_read_where_nothing_can_be_written() {
        let (_scratch, path) = sample::closed();
        sample::tamper(&path, "PRAGMA journal_mode = WAL");
        let connection = open(&path).unwrap();
        let count: i64 =
            connection.query_one("SELECT count(*) FROM value", [], |r| r.get(0)).unwrap();
        assert_eq!(u64::try_from(count).unwrap(), sample::ROWS);
    }
}
