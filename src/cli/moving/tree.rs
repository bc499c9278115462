//! An export of several files: a directory that appears when all of it is there.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::super::failure::Failure;
use super::super::progress::Bar;
use super::super::terminal;
use crate::sys::growing::Growing;
use crate::sys::interrupts;
use crate::transfer::write::aws::File;

/// Writes the files. Who interrupts it leaves nothing of them behind.
pub(crate) fn write(path: &Path, files: &[File]) -> Result<(), Failure> {
    let is_stopped = Arc::new(AtomicBool::new(false));
    let stop = Arc::clone(&is_stopped);
    let listens = interrupts::listen(move |_| stop.store(true, Ordering::Relaxed));
    listens.map_err(|error| Failure::environment("IoError", error.to_string()))?;
    let number = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    let total = number(files.len());
    let mut bar = Bar::default();
    let growing = Growing::beside(path)?;
    for (done, File { name, bytes }) in files.iter().enumerate() {
        if is_stopped.load(Ordering::Relaxed) {
            return Err(Failure::Interrupted(
                "the export was stopped; nothing is left of it".to_owned(),
            ));
        }
        if done.is_multiple_of(100) {
            bar.tell("writing", number(done), total);
        }
        growing.add(name, bytes.expose())?;
    }
    terminal::finish();
    Ok(growing.put()?)
}
