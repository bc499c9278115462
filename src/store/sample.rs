//! Containers for the tests of this layer.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::{Error, Mode, Store, Table};
use crate::sys::scratch::Scratch;

/// Rows of values that a full sample holds: more than a page can, some more than one.
pub(super) const ROWS: u64 = 16;

/// Makes a container of `ROWS` values that each begin with `mark`.
pub(super) fn create(path: &Path, mark: u8) -> Result<Store, Error> {
    let mut store = draft(path, mark)?;
    store.appear()?;
    Ok(store)
}

/// Makes one that is nowhere yet.
pub(super) fn draft(path: &Path, mark: u8) -> Result<Store, Error> {
    let mut store = Store::create(path)?;
    write(&mut store, mark)?;
    Ok(store)
}

/// Replaces everything in one transaction.
pub(super) fn write(store: &mut Store, mark: u8) -> Result<(), Error> {
    let rows = store.write()?;
    rows.put_vault(&[mark; 72], &[mark; 300])?;
    rows.put(Table::Slot, 0, &[mark; 168])?;
    for key in 0..ROWS {
        rows.put(Table::Value, key, &vec![mark; value_length(key)])?;
    }
    rows.commit()
}

/// Reads everything back, and returns the mark that all of it carries.
pub(super) fn mark(store: &mut Store) -> Result<u8, Error> {
    let rows = store.read()?;
    let (public, state) = rows.vault()?;
    let mark = public[0];
    assert_eq!((public, state), (vec![mark; 72], vec![mark; 300]));
    assert_eq!(rows.slots()?, [(0, vec![mark; 168])]);
    let mut next = 0;
    rows.each(Table::Value, |key, value| {
        assert_eq!((key, value), (next, &vec![mark; value_length(key)][..]));
        next += 1;
        Ok::<_, Error>(())
    })?;
    assert_eq!(next, ROWS);
    Ok(mark)
}

/// A directory with one container in it, marked 1 and closed.
pub(super) fn closed() -> (Scratch, PathBuf) {
    let scratch = Scratch::new();
    let path = scratch.join("vault");
    drop(create(&path, 1).unwrap());
    (scratch, path)
}

/// Does to a file what anybody can who may write it and has SQLite.
pub(crate) fn tamper(path: &Path, sql: &str) {
    let connection = Connection::open(path).unwrap();
    connection.execute_batch(sql).unwrap();
}

/// Opens a container, and returns the error as it is told.
pub(super) fn refusal(path: &Path) -> String {
    match Store::open(path, Mode::ReadWrite) {
        Ok(_) => "opened".to_owned(),
        Err(error) => error.to_string(),
    }
}

/// A journal as a killed process leaves it: these pages, by number, are to be put back, and the file
/// cut to `length` pages. May name a further journal.
pub(crate) fn journal(length: u32, pages: &[(u32, &[u8])], further: Option<&Path>) -> Vec<u8> {
    const MARK: [u8; 8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];
    const NONCE: u32 = 0x5eed;
    let count = u32::try_from(pages.len()).unwrap();
    let mut bytes = MARK.to_vec();
    for number in [count, NONCE, length, 512, 4096] {
        bytes.extend(number.to_be_bytes());
    }
    bytes.resize(512, 0);
    for (number, page) in pages {
        bytes.extend(number.to_be_bytes());
        bytes.extend(*page);
        let summed = page.iter().rev().skip(199).step_by(200).map(|byte| u32::from(*byte));
        bytes.extend(summed.fold(NONCE, u32::wrapping_add).to_be_bytes());
    }
    if let Some(further) = further {
        let name = further.to_str().unwrap().as_bytes();
        // The page with the locks is never stored; its number says that a name follows.
        bytes.extend((0x4000_0000_u32 / 4096 + 1).to_be_bytes());
        bytes.extend(name);
        bytes.extend(u32::try_from(name.len()).unwrap().to_be_bytes());
        let sum = name.iter().fold(0, |sum: u32, byte| sum.wrapping_add(u32::from(*byte)));
        bytes.extend(sum.to_be_bytes());
        bytes.extend(MARK);
    }
    bytes
}

pub(super) fn value_length(key: u64) -> usize {
    usize::try_from(100 + key * 400).unwrap()
}

/// Killing a process at each place in a file where it writes: the system does it to whoever writes
/// beyond the length that a process may give its files.
pub(super) mod kill {
    use std::os::unix::process::ExitStatusExt;
    use std::path::{Path, PathBuf};

    use rustix::process::{Resource, Rlimit, setrlimit};

    use crate::sys::scratch;

    /// Half a page and some: some are killed before a page, some within one.
    const STEP: u64 = 2600;

    /// Runs `test` apart under limits that grow until it ends by itself, and `judge` after each.
    pub(crate) fn at_each_write(test: &str, path: &Path, most: u64, mut judge: impl FnMut(bool)) {
        let mut limit = 0;
        loop {
            let output = scratch::run_apart(test, &format!("{limit} {}", path.display()));
            let was_killed = output.status.signal() == Some(FILE_TOO_LARGE);
            if !was_killed {
                scratch::assert_passed(&output);
            }
            judge(!was_killed);
            if !was_killed {
                assert!(limit > 0, "nothing was ever killed");
                return;
            }
            limit += STEP;
            assert!(limit < most, "it never ends");
        }
    }

    /// Sets the limit that the argument names, and returns the path it names.
    pub(crate) fn arm() -> Option<PathBuf> {
        let argument = scratch::argument()?;
        let (limit, path) = argument.split_once(' ')?;
        let core = Rlimit { current: Some(0), maximum: Some(0) };
        let length = Rlimit { current: limit.parse().ok(), maximum: None };
        for (resource, limit) in [(Resource::Core, core), (Resource::Fsize, length)] {
            assert_eq!(setrlimit(resource, limit), Ok(()));
        }
        Some(path.into())
    }

    /// SIGXFSZ.
    const FILE_TOO_LARGE: i32 = 25;
}
