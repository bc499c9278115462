//! The rows of a file whose tables are damaged or were altered: found by the form that SQLite
//! gives a row, byte by byte, whatever the rest of the file says.
//!
//! Does not know which of them are genuine, or which table they were in: that takes the keys.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::connection::{self, Mode};
use super::container::Store;
use super::error::Error;
use super::layout::MAX_ROW_BYTES;
use super::{beside, schema};
use crate::sys::files::FileFault;

/// A damaged file, and the places in it that have the form of a row.
pub(crate) struct Wreck {
    /// Keeps writers out, where SQLite can still do that. Goes before the file: closing a file ends
    /// all locks that the process has on it.
    lock: Option<Connection>,
    file: File,
    path: PathBuf,
    page_size: usize,
    rows: Vec<Found>,
    /// What is wrong with the file.
    pub(crate) reason: Error,
    /// Whether the tables are a vault's, and nothing else is there.
    pub(crate) has_our_tables: bool,
}

/// Something that has the form of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) key: u64,
    /// The length of its bytes, and of those in the column after them, if there is one.
    pub(crate) lengths: (usize, Option<usize>),
    page: u64,
    /// Where in the page its content begins, and how much precedes its bytes.
    content: usize,
    header: usize,
}

impl Wreck {
    /// Looks through a file that could not be opened or read for `reason`. What an interrupted
    /// change left is undone first.
    pub(crate) fn find(path: &Path, reason: Error) -> Result<Self, Error> {
        let path = connection::resolve(path)?;
        let lock = match lock(&path) {
            // Nor may a container that is made of it be put beside what is not a file.
            Err(error @ (Error::Busy | Error::Changed | Error::File(_))) => return Err(error),
            // What SQLite cannot open or lock, nobody else can write to either.
            lock => lock.ok(),
        };
        let has_our_tables = lock.as_ref().is_some_and(|lock| schema::compare_tables(lock).is_ok());
        let file = File::open(&path).map_err(|error| FileFault::from_io(&path, error))?;
        let mut wreck =
            Self { lock, file, path, page_size: PAGE, rows: Vec::new(), reason, has_our_tables };
        wreck.page_size = wreck.stated_page_size().unwrap_or(PAGE);
        wreck.look_through()?;
        Ok(wreck)
    }

    /// Returns all that has the form of a row, in the order of the file.
    pub(crate) fn rows(&self) -> &[Found] {
        &self.rows
    }

    /// Reads a row's bytes, those of a second column after those of the first. `None` if the pages
    /// that it goes on over are not there.
    pub(crate) fn read(&self, found: &Found) -> Result<Option<Vec<u8>>, Error> {
        let (first, second) = found.lengths;
        let whole = found.header + first + second.unwrap_or_default();
        let Some(local) = self.local_part(whole) else { return Ok(None) };
        let page = self.page(found.page)?;
        let Some(here) = page.get(found.content..).and_then(|rest| rest.get(..local)) else {
            return Ok(None);
        };
        let mut content = here.to_vec();
        let mut next = page.get(found.content + local..).and_then(number);
        while content.len() < whole {
            // Pages count from one.
            let Some(before) = next.and_then(|number| number.checked_sub(1)) else {
                return Ok(None);
            };
            let page = self.page(before.into())?;
            let Some((link, rest)) = page.split_at_checked(LINK) else { return Ok(None) };
            next = number(link);
            content.extend(rest.iter().take(whole - content.len()));
        }
        Ok(content.get(found.header..).map(<[u8]>::to_vec))
    }

    /// Returns every run of `length` bytes that begins with `mark`, for what is left where a
    /// row's own form is lost.
    pub(crate) fn marked(&self, mark: &[u8], length: usize) -> Result<Vec<Vec<u8>>, Error> {
        let mut runs = Vec::new();
        for number in 0.. {
            let page = self.page(number)?;
            if page.is_empty() {
                break;
            }
            let marked = page.windows(length).filter(|run| run.starts_with(mark));
            runs.extend(marked.map(<[u8]>::to_vec));
        }
        Ok(runs)
    }

    /// Puts a new file with the rows of `content` in the place of this one, which is kept as
    /// `kept`. When interrupted, one of the two is at the path.
    pub(crate) fn replace(self, content: &mut Store, kept: &Path) -> Result<Store, Error> {
        // A journal belongs to the file that is kept, and must not be played into the new one.
        beside::exchange(content.draft_copy(&self.path)?, &self.path, kept)?;
        let Self { lock, file, path, .. } = self;
        // Both belonged to the file that is no longer there.
        drop(lock);
        drop(file);
        Store::open(&path, Mode::ReadWrite)
    }

    /// Reads the size of pages that the file says it has; a vault has the usual ones, unless
    /// somebody else's program wrote it anew.
    fn stated_page_size(&self) -> Option<usize> {
        let page = self.page(0).ok()?;
        let (high, low) = (page.get(16)?, page.get(17)?);
        let size = usize::from(u16::from_be_bytes([*high, *low]));
        (size.is_power_of_two() && size >= 512).then_some(size)
    }

    fn look_through(&mut self) -> Result<(), Error> {
        for number in 0.. {
            let page = self.page(number)?;
            if page.is_empty() {
                break;
            }
            let found = (0..page.len()).filter_map(|at| row_at(&page, at, number));
            self.rows.extend(found);
        }
        Ok(())
    }

    /// Reads a page, counted from zero; less than one at the end of the file.
    fn page(&self, number: u64) -> Result<Vec<u8>, Error> {
        let mut page = vec![0; self.page_size];
        let size = u64::try_from(self.page_size).unwrap_or(u64::MAX);
        let start = number.saturating_mul(size);
        let mut length = 0;
        while let Some(rest) = page.get_mut(length..).filter(|rest| !rest.is_empty()) {
            let at = start.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
            match self.file.read_at(rest, at) {
                Ok(0) => break,
                Ok(read) => length += read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(FileFault::from_io(&self.path, error).into()),
            }
        }
        page.truncate(length);
        Ok(page)
    }

    /// Returns how much of so much content is in the row's own page.
    fn local_part(&self, content: usize) -> Option<usize> {
        // The numbers are those of SQLite's file format, "Cell payload overflow".
        let most = self.page_size.checked_sub(35)?;
        if content <= most {
            return Some(content);
        }
        let least = (self.page_size.checked_sub(12)? * 32 / 255).checked_sub(23)?;
        let over = content.checked_sub(least)? % self.page_size.checked_sub(LINK)?;
        Some(if least + over <= most { least + over } else { least })
    }
}

/// Keeps writers out of a file, after undoing what one of them left unfinished.
fn lock(path: &Path) -> Result<Connection, Error> {
    let (connection, _mode) = connection::open(path, Mode::ReadWrite)?;
    drop(connection::leave_write_ahead_log(&connection));
    connection.execute_batch("BEGIN IMMEDIATE")?;
    Ok(connection)
}

/// Reads the head of a row of one of a vault's tables: the length of its content, its key, and a
/// record of nothing (the key is outside) and one run of bytes or two.
fn row_at(page: &[u8], at: usize, number: u64) -> Option<Found> {
    let mut rest = page.get(at..)?;
    let length = usize::try_from(varint(&mut rest)?).ok()?;
    if !(SMALLEST..=LARGEST).contains(&length) {
        return None;
    }
    let key = varint(&mut rest).filter(|key| i64::try_from(*key).is_ok())?;
    let content = page.len() - rest.len();
    let (header, columns) = rest.split_first()?;
    let header = usize::from(*header);
    let mut columns = columns.get(..header.checked_sub(1)?)?;
    if header > MAX_HEADER || varint(&mut columns)? != 0 {
        return None;
    }
    let first = bytes_of(varint(&mut columns)?)?;
    let second = if columns.is_empty() { None } else { Some(bytes_of(varint(&mut columns)?)?) };
    let whole = header.checked_add(first)?.checked_add(second.unwrap_or_default())?;
    let is_row = columns.is_empty() && whole == length;
    is_row.then_some(Found { key, lengths: (first, second), page: number, content, header })
}

/// Returns the length of a column that SQLite's number says holds bytes.
fn bytes_of(kind: u64) -> Option<usize> {
    let is_bytes = kind >= 12 && kind.is_multiple_of(2);
    let length = usize::try_from(kind.checked_sub(12)? / 2).ok()?;
    (is_bytes && length <= LARGEST).then_some(length)
}

/// Takes one of SQLite's numbers of variable length off the front.
fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for place in 1..=9 {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        if place == 9 {
            return Some(value << 8 | u64::from(*byte));
        }
        value = value << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// Reads the number of a page.
fn number(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}

/// The size of a vault's pages.
const PAGE: usize = 4096;

/// The bytes of a page's number.
const LINK: usize = 4;

/// The most bytes that the head of a row's record has, and the sizes that its content can have.
const MAX_HEADER: usize = 12;
const SMALLEST: usize = 40;
const LARGEST: usize = MAX_ROW_BYTES;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use super::*;
    use crate::store::sample;
    use crate::sys::files;

    #[test]
    fn every_row_is_found_with_all_its_bytes() {
        let (_scratch, path) = sample::closed();
        let wreck = Wreck::find(&path, Error::TooBig).unwrap();
        assert!(wreck.has_our_tables);
        let mut lengths = Vec::new();
        for row in wreck.rows() {
            let bytes = wreck.read(row).unwrap().unwrap();
            assert!(bytes.iter().all(|byte| *byte == 1), "{row:?}");
            assert_eq!(bytes.len(), row.lengths.0 + row.lengths.1.unwrap_or_default());
            lengths.push((row.key, row.lengths));
        }
        lengths.sort_unstable();
        // The smallest are found by their form, the largest go on over several pages.
        let values = (0..sample::ROWS).map(|key| (key, (sample::value_length(key), None)));
        let mut expected: Vec<_> = values.collect();
        expected.extend([(0, (168, None)), (1, (72, Some(300)))]);
        expected.sort_unstable();
        assert_eq!(lengths, expected);
    }

    #[test]
    fn a_chain_of_pages_that_is_broken_ends() {
        let (_scratch, path) = sample::closed();
        let last = Wreck::find(&path, Error::TooBig).unwrap();
        let largest = last.rows().iter().max_by_key(|row| row.lengths).unwrap().clone();
        drop(last);
        for link in [[0, 0, 0, 0], [0xff; 4], [0, 0, 0, 1]] {
            let mut bytes = fs::read(&path).unwrap();
            let page = usize::try_from(largest.page).unwrap() * PAGE;
            let local = 489 + (largest.header + largest.lengths.0 - 489) % 4092;
            let at = page + largest.content + local;
            bytes[at..at + 4].copy_from_slice(&link);
            drop(fs::remove_file(&path));
            files::write_private(&path, &bytes).unwrap();
            let wreck = Wreck::find(&path, Error::TooBig).unwrap();
            let read = wreck.read(&largest).unwrap();
            // A page that is another's is read as it is; the keys tell.
            assert_eq!(read.is_some(), link == [0, 0, 0, 1], "{link:?}");
        }
    }

    #[test]
    fn nobody_writes_while_it_is_looked_at() {
        let (_scratch, path) = sample::closed();
        let mut store = Store::open(&path, Mode::ReadWrite).unwrap();
        store.set_patience(Duration::from_millis(5));
        let wreck = Wreck::find(&path, Error::TooBig).unwrap();
        assert!(matches!(store.write().err(), Some(Error::Busy)));
        drop(wreck);
        sample::write(&mut store, 2).unwrap();
    }

    #[test]
    fn a_replaced_file_is_kept_and_its_journal_with_it() {
        let (scratch, path) = sample::closed();
        let wreck = Wreck::find(&path, Error::TooBig).unwrap();
        let mut content = Store::detached(&path).unwrap();
        sample::write(&mut content, 2).unwrap();
        let before = fs::read(&path).unwrap();
        files::write_private(&scratch.join("vault-journal"), b"stale").unwrap();
        let mut store = wreck.replace(&mut content, &scratch.join("kept")).unwrap();
        assert_eq!(sample::mark(&mut store).unwrap(), 2);
        assert!(fs::read(scratch.join("kept")).unwrap() == before);
        assert_eq!(scratch.names(), ["kept", "kept-journal", "vault"]);
    }

    #[test]
    fn numbers_are_read_as_sqlite_writes_them() {
        let read = |bytes: &[u8]| {
            let mut rest = bytes;
            varint(&mut rest).map(|number| (number, rest.len()))
        };
        assert_eq!(read(&[0x05]), Some((5, 0)));
        assert_eq!(read(&[0x81, 0x00, 0x07]), Some((128, 1)));
        assert_eq!(read(&[0xff; 9]), Some((u64::MAX, 0)));
        assert_eq!(read(&[0xff; 8]), None);
        assert_eq!(read(&[]), None);
    }
}
