//! What killed processes left of their attempts to write a file: begun under another name, and in
//! nobody's way, but for the space and what they hold.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::{listing, process};

/// Removes what killed processes left of their attempts to write this file in this directory.
/// A young file may belong to another machine that is writing it now.
pub(super) fn remove(path: &Path, directory: &Path) {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let modified = |path: &Path| fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    let Some(now) = modified(path) else { return };
    for left in listing::paths_in(directory) {
        let found = left.file_name().unwrap_or_default().to_string_lossy();
        let writer = found.strip_prefix(&*name).and_then(|rest| rest.strip_prefix('.'));
        let writer = writer.and_then(|rest| rest.strip_suffix(".new")?.split_once('-'));
        let Some(Ok(writer)) = writer.map(|(pid, _attempt)| pid.parse()) else { continue };
        let age = modified(&left).and_then(|then| now.duration_since(then).ok());
        if age.is_some_and(|age| age > MAX_WRITE) && !process::is_running(writer) {
            drop(fs::remove_file(&left));
        }
    }
}

/// No file that this program writes takes this long.
const MAX_WRITE: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::files;
    use crate::sys::scratch::Scratch;

    /// Nobody removed them, and some were the beginnings of keyfiles.
    #[test]
    fn what_killed_writers_left_goes_with_the_next_write() {
        let scratch = Scratch::new();
        let file = scratch.join("anchor");
        let ended = {
            let mut child = std::process::Command::new("true").spawn().unwrap();
            child.wait().unwrap();
            child.id()
        };
        let own = std::process::id();
        let long_ago = std::time::UNIX_EPOCH;
        let names = [
            format!("anchor.{ended}-0.new"),
            format!("anchor.{ended}-1.new"),
            format!("anchor.{own}-7.new"),
            format!("other.{ended}-0.new"),
            "anchor.notes.new".to_owned(),
        ];
        for name in &names {
            files::create_private(&scratch.join(name)).unwrap();
            let file = fs::File::options().write(true).open(scratch.join(name)).unwrap();
            file.set_modified(long_ago).unwrap();
        }
        let young = scratch.join(&names[1]);
        fs::remove_file(&young).unwrap();
        files::create_private(&young).unwrap();
        files::write_replacing(&file, b"one").unwrap();
        let mut left = names.to_vec();
        left.remove(0);
        left.push("anchor".to_owned());
        left.sort();
        assert_eq!(scratch.names(), left);
    }
}
