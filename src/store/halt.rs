//! Calling off what takes long, from another thread.

use std::ffi::c_int;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::Connection;

use super::error::Error;

/// Calls off the work of containers that heed it: what they are at ends with [`Error::CalledOff`], and so
/// does what they begin later.
#[derive(Clone, Default)]
pub(crate) struct Halt(Arc<AtomicBool>);

impl Halt {
    /// Calls it off.
    pub(crate) fn call(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Has SQLite ask now and then.
    pub(super) fn heeded_by(&self, connection: &mut Connection) -> Result<(), Error> {
        let called = Arc::clone(&self.0);
        let is_called = move || called.load(Ordering::SeqCst);
        Ok(connection.progress_handler(STRIDE, Some(is_called))?)
    }
}

/// After how many of its instructions SQLite asks: a row takes about ten.
const STRIDE: c_int = 1_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Store, Table, sample};

    #[test]
    fn what_is_called_off_ends() {
        let (_scratch, path) = sample::closed();
        let mut store = Store::open(&path, crate::store::Mode::ReadWrite).unwrap();
        store.tamper(
            "WITH RECURSIVE n(i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) \
             INSERT INTO secret SELECT i, zeroblob(40) FROM n",
        );
        let halt = Halt::default();
        store.heed(halt.clone()).unwrap();
        let mut seen = 0;
        let mut read = |store: &mut Store| {
            store.read()?.each(Table::Secret, |_, _| {
                seen += 1;
                if seen == 1_500 {
                    halt.call();
                }
                Ok::<(), Error>(())
            })
        };
        read(&mut store).unwrap();
        let called_off = read(&mut store);
        assert!(matches!(called_off, Err(Error::CalledOff)), "{called_off:?}");
        assert!(seen < 2_000, "it went on to the end");
        // A copy heeds what the file does.
        let copied = store.copy_in_memory(0).map(|copy| {
            let mut copy = copy.unwrap();
            copy.read().and_then(|rows| rows.each(Table::Secret, |_, _| Ok::<(), Error>(())))
        });
        assert!(matches!(copied, Ok(Err(Error::CalledOff)) | Err(Error::CalledOff)), "{copied:?}");
    }
}
