//! `file://` and `fileb://`: values that are in files.
//!
//! Does not know which options take them. Files and the environment are handed in.

use std::fs::File;
use std::io;
use std::io::Read as _;

use super::encoding::Encoding;
use super::error::Error;
use crate::cli::python;
use crate::model::value::Value;
use crate::sys::streams;

/// The largest file that is read; AWS's largest value is 64 KiB.
pub(crate) const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// Where files and variables come from.
#[derive(Clone, Copy)]
pub(crate) struct Sources<'a> {
    /// Reads a whole file, up to this many bytes.
    pub(crate) read: &'a ReadFile,
    /// Looks up an environment variable.
    pub(crate) variable: &'a dyn Fn(&str) -> Option<String>,
    /// The name of the encoding that text files are in; UTF-8 if none is given.
    pub(crate) encoding: Option<&'a str>,
}

/// Why a parameter was not loaded. Holds nothing of the file.
#[derive(Debug)]
pub(crate) enum Unloadable {
    /// AWS's sentence about the parameter.
    Parameter(String),
    /// There is no encoding of this name; AWS does not say which option asked for it.
    Encoding(String),
}

impl Unloadable {
    /// Makes it an error about an option.
    pub(crate) fn of(self, flag: &str) -> Error {
        match self {
            Self::Parameter(what) => Error::parameter(flag, what),
            Self::Encoding(_) => Error::plain(self.into_message()),
        }
    }

    /// Returns the sentence alone.
    pub(crate) fn into_message(self) -> String {
        match self {
            Self::Parameter(what) => what,
            Self::Encoding(name) => format!("unknown encoding: {name}"),
        }
    }
}

/// Reads the file at a path, up to a limit.
pub(crate) type ReadFile = dyn Fn(&str, u64) -> Result<Vec<u8>, Unreadable>;

/// Why a file was not read.
#[derive(Debug)]
pub(crate) enum Unreadable {
    TooLarge,
    System(io::Error),
}

/// Reads a file from the disk, or from whatever else has a path; `/dev/stdin` and its like are the
/// stream itself.
pub(crate) fn read_file(path: &str, limit: u64) -> Result<Vec<u8>, Unreadable> {
    let opened = match streams::named(path) {
        // The error that the path would give.
        Some(number) => streams::inherited(number)
            .map(File::from)
            .map_err(|_closed| rustix::io::Errno::NOENT.into()),
        None => File::open(path),
    };
    let file = opened.map_err(Unreadable::System)?;
    let mut bytes = Vec::new();
    let taken = streams::Patient(file).take(limit.saturating_add(1)).read_to_end(&mut bytes);
    let taken = taken.map_err(Unreadable::System)?;
    match u64::try_from(taken) {
        Ok(taken) if taken <= limit => Ok(bytes),
        Ok(_) | Err(_) => Err(Unreadable::TooLarge),
    }
}

impl Sources<'_> {
    /// Loads what `word` refers to: text for `file://`, bytes for `fileb://`; `None` if it
    /// refers to nothing and is itself the value.
    ///
    /// The error is AWS's sentence; it names the file and holds nothing of it.
    pub(crate) fn load(&self, word: &str) -> Result<Option<Value>, Unloadable> {
        if let Some(path) = word.strip_prefix("file://") {
            let path = self.expand(path);
            let bytes = self.read(word, &path).map_err(Unloadable::Parameter)?;
            // Like Python, which opens the file first.
            let encoding = match self.encoding {
                None => Encoding::default(),
                Some(name) => {
                    Encoding::named(name).ok_or_else(|| Unloadable::Encoding(name.to_owned()))?
                }
            };
            let text = encoding.decode(bytes).ok_or_else(|| {
                Unloadable::Parameter(format!(
                    "Unable to load paramfile ({path}), text contents could not be decoded.  If \
                     this is a binary file, please use the fileb:// prefix instead of the file:// \
                     prefix."
                ))
            })?;
            return Ok(Some(Value::Text(unify_newlines(text))));
        }
        let Some(path) = word.strip_prefix("fileb://") else { return Ok(None) };
        let path = self.expand(path);
        let bytes = self.read(word, &path).map_err(Unloadable::Parameter)?;
        Ok(Some(Value::Bytes(bytes)))
    }

    fn read(&self, word: &str, path: &str) -> Result<Vec<u8>, String> {
        (self.read)(path, MAX_BYTES).map_err(|fault| match fault {
            Unreadable::TooLarge => {
                format!("Unable to load paramfile {word}: larger than {MAX_BYTES} bytes")
            }
            Unreadable::System(error) => {
                let text = error.to_string();
                let text = text.split(" (os error").next().unwrap_or_default();
                let number = match error.raw_os_error() {
                    Some(number) => format!("[Errno {number}] "),
                    None => String::new(),
                };
                let path = python::repr_text(path);
                format!("Unable to load paramfile {word}: {number}{text}: {path}")
            }
        })
    }

    /// Expands a leading `~` or `~user`, then `$NAME` and `${NAME}`; what is unknown stays.
    pub(crate) fn expand(&self, path: &str) -> String {
        self.expand_variables(&self.expand_home(path).unwrap_or_else(|| path.to_owned()))
    }

    fn expand_home(&self, path: &str) -> Option<String> {
        let rest = path.strip_prefix('~')?;
        let (user, rest) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let home = if user.is_empty() { (self.variable)("HOME")? } else { self.home_of(user)? };
        let expanded = format!("{}{rest}", home.trim_end_matches('/'));
        Some(if expanded.is_empty() { "/".to_owned() } else { expanded })
    }

    fn home_of(&self, user: &str) -> Option<String> {
        let users = (self.read)("/etc/passwd", MAX_BYTES).ok()?;
        let users = String::from_utf8_lossy(&users);
        let mut lines = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
        let fields = lines.find(|fields| fields.first() == Some(&user))?;
        fields.get(5).map(|&home| home.to_owned())
    }

    fn expand_variables(&self, path: &str) -> String {
        let mut out = String::new();
        let mut rest = path;
        while let Some((before, after)) = rest.split_once('$') {
            out.push_str(before);
            let braced = after.strip_prefix('{').and_then(|inner| inner.split_once('}'));
            let (name, left) = braced.unwrap_or_else(|| {
                let is_other = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
                after.split_at(after.find(is_other).unwrap_or(after.len()))
            });
            if let Some(value) = (self.variable)(name).filter(|_| !name.is_empty()) {
                out.push_str(&value);
                rest = left;
            } else {
                out.push('$');
                rest = after;
            }
        }
        out.push_str(rest);
        out
    }
}

/// Makes every end of line a `\n`, as Python does for text.
fn unify_newlines(text: String) -> String {
    if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n") } else { text }
}

/// A disk and an environment for tests.
#[cfg(test)]
pub(super) mod testing {
    use super::*;

    pub(crate) fn read(path: &str, limit: u64) -> Result<Vec<u8>, Unreadable> {
        let bytes: &[u8] = match path {
            "value" | "/home/me/value" | "/root/value" => b"hunter2\n",
            "crlf" => b"a\r\nb\rc\n",
            "bytes" => b"\xff\x00",
            "tags.json" => b"[{\"Key\": \"a\", \"Value\": \"b\"}]\n",
            "tags.txt" => b"Key=a,Value=b\n",
            "request.json" => b"{\"SecretId\": \"from-file\"}",
            "number" => b" 7\n",
            "empty" => b"",
            "/etc/passwd" => b"root:x:0:0:root:/root:/bin/sh\n",
            "dir" => return Err(Unreadable::System(io::Error::from_raw_os_error(21))),
            "huge" => return Err(Unreadable::TooLarge),
            _ => return Err(Unreadable::System(io::Error::from_raw_os_error(2))),
        };
        assert!(u64::try_from(bytes.len()).is_ok_and(|length| length <= limit));
        Ok(bytes.to_vec())
    }

    pub(crate) fn variable(name: &str) -> Option<String> {
        match name {
            "HOME" => Some("/home/me/".to_owned()),
            "NAME" => Some("value".to_owned()),
            _ => None,
        }
    }

    pub(crate) const SOURCES: Sources<'_> =
        Sources { read: &read, variable: &variable, encoding: None };
}

#[cfg(test)]
mod tests {
    use super::testing::SOURCES;
    use super::*;

    fn check(word: &str, expected: &str) {
        check_in(None, word, expected);
    }

    fn check_in(encoding: Option<&str>, word: &str, expected: &str) {
        let shown = match (Sources { encoding, ..SOURCES }).load(word) {
            Ok(Some(value)) => python::repr(&value),
            Ok(None) => "itself".to_owned(),
            Err(Unloadable::Parameter(what)) => what,
            Err(Unloadable::Encoding(name)) => format!("no {name}"),
        };
        assert_eq!(shown, expected, "{word}");
    }

    #[test]
    fn decodes_text_alone() {
        check_in(Some("latin-1"), "file://bytes", "'\u{ff}\\x00'");
        check_in(Some("latin-1"), "file://crlf", "'a\\nb\\nc\\n'");
        check_in(Some("ascii"), "fileb://bytes", "b'\\xff\\x00'");
        check_in(Some("klingon"), "file://value", "no klingon");
        check_in(Some("klingon"), "fileb://bytes", "b'\\xff\\x00'");
        check_in(Some("klingon"), "value", "itself");
        check_in(
            Some("klingon"),
            "file://nope",
            "Unable to load paramfile file://nope: [Errno 2] No such file or directory: 'nope'",
        );
    }

    #[test]
    fn loads_files() {
        check("file://value", "'hunter2\\n'");
        check("file://crlf", "'a\\nb\\nc\\n'");
        check("fileb://crlf", "b'a\\r\\nb\\rc\\n'");
        check("fileb://bytes", "b'\\xff\\x00'");
        check("value", "itself");
        check("File://value", "itself");
        check("http://value", "itself");
    }

    #[test]
    fn expands_paths() {
        check("file://~/value", "'hunter2\\n'");
        check("file://~root/value", "'hunter2\\n'");
        check("file://$NAME", "'hunter2\\n'");
        check("file://${HOME}value", "'hunter2\\n'");
        check(
            "file://~nobody/$GONE/${GONE}/$",
            "Unable to load paramfile file://~nobody/$GONE/${GONE}/$: [Errno 2] No such file or \
             directory: '~nobody/$GONE/${GONE}/$'",
        );
    }

    #[test]
    fn words_errors_as_aws_does() {
        check(
            "file://nope",
            "Unable to load paramfile file://nope: [Errno 2] No such file or directory: 'nope'",
        );
        check(
            "fileb://dir",
            "Unable to load paramfile fileb://dir: [Errno 21] Is a directory: 'dir'",
        );
        check(
            "file://bytes",
            "Unable to load paramfile (bytes), text contents could not be decoded.  If this is a \
             binary file, please use the fileb:// prefix instead of the file:// prefix.",
        );
        check("file://huge", "Unable to load paramfile file://huge: larger than 16777216 bytes");
    }

    /// A stream was opened anew by its path: that fails for a socket, which is what Node hands to a
    /// program it waits for, and begins again at byte 0 of a file that a shell has begun to read.
    #[test]
    fn reads_a_stream_itself() {
        use std::io::{Seek as _, SeekFrom, Write as _};
        use std::os::fd::AsRawFd as _;
        let (ours, mut theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        theirs.write_all(b"hunter2").unwrap();
        drop(theirs);
        let mut file = File::open("Cargo.toml").unwrap();
        file.seek(SeekFrom::End(-1)).unwrap();
        for (number, expected) in [(ours.as_raw_fd(), &b"hunter2"[..]), (file.as_raw_fd(), b"\n")] {
            file.seek(SeekFrom::End(-1)).unwrap();
            let read = read_file(&format!("/dev/fd/{number}"), 100);
            assert!(matches!(read, Ok(bytes) if bytes == expected));
        }
        let missing = read_file("/proc/self/fd/999999", 100);
        assert!(
            matches!(missing, Err(Unreadable::System(error)) if error.raw_os_error() == Some(2))
        );
    }

    #[test]
    fn reads_no_more_than_allowed() {
        // An endless file: without the limit this would not come back.
        assert!(matches!(read_file("/dev/zero", 1000), Err(Unreadable::TooLarge)));
        assert!(matches!(read_file("/dev/null", 0), Ok(bytes) if bytes.is_empty()));
        assert!(matches!(read_file("/", 10), Err(Unreadable::System(_))));
    }
}
