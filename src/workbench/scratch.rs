//! A file of a target's own.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;

pub(super) fn write_scratch(content: &[u8]) -> io::Result<PathBuf> {
    use std::os::unix::fs::OpenOptionsExt;

    let name = format!("strongroom-fuzz-{}-{:?}", std::process::id(), std::thread::current().id());
    let name: String = name.chars().filter(|sign| sign.is_alphanumeric() || *sign == '-').collect();
    let path = std::env::temp_dir().canonicalize()?.join(name);
    let mut options = File::options();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&path)?;
    file.write_all(content).map(|()| path)
}
