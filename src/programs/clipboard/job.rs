//! What the process that looks after the clipboard is told, over a stream: a line of JSON, and after it
//! the value.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use serde_json::{Value as Json, json};

use super::board::Board;
use crate::sys::secret::Secret;

/// What is to be in the clipboard, and for how long.
pub(crate) struct Job {
    pub(crate) board: Board,
    /// What the clipboard's programs need of the environment.
    pub(crate) environment: Vec<(String, String)>,
    /// The lock that whoever looks after this clipboard holds; what its programs write meanwhile goes
    /// below the directory that it is in.
    pub(crate) lock: PathBuf,
    pub(crate) ms: i64,
    pub(crate) value: Secret<Vec<u8>>,
}

impl Job {
    /// Tells it, and that this is all.
    pub(super) fn send(&self, mut stream: &UnixStream) -> io::Result<()> {
        let lock = self.lock.to_str().ok_or(io::ErrorKind::InvalidInput)?;
        let header = json!({
            "board": self.board.name(),
            "environment": self.environment,
            "lock": lock,
            "ms": self.ms,
        });
        stream.write_all(format!("{header}\n").as_bytes())?;
        stream.write_all(self.value.expose())?;
        stream.shutdown(Shutdown::Write)
    }

    /// Hears it; `None` for anything else.
    pub(super) fn receive(stream: &UnixStream) -> Option<Self> {
        let mut reader = BufReader::new(stream);
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let mut value = Secret::new(Vec::new());
        reader.read_to_end(value.expose_mut()).ok()?;
        let header: Json = serde_json::from_str(&header).ok()?;
        let pair = |pair: &Json| {
            Some((pair.get(0)?.as_str()?.to_owned(), pair.get(1)?.as_str()?.to_owned()))
        };
        Some(Self {
            board: Board::named(header.get("board")?.as_str()?)?,
            environment: header.get("environment")?.as_array()?.iter().filter_map(pair).collect(),
            lock: header.get("lock")?.as_str()?.into(),
            ms: header.get("ms")?.as_i64()?,
            value,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_is_received() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let job = Job {
            board: Board::Xsel,
            environment: vec![("DISPLAY".to_owned(), ":0".to_owned())],
            lock: "/run/x.lock".into(),
            ms: 45_000,
            value: Secret::new(b"two\nlines".to_vec()),
        };
        job.send(&ours).unwrap();
        let heard = Job::receive(&theirs).unwrap();
        assert_eq!((heard.board, heard.ms, heard.lock), (job.board, job.ms, job.lock));
        assert_eq!(heard.environment, job.environment);
        assert_eq!(heard.value.expose(), b"two\nlines");

        let (ours, theirs) = UnixStream::pair().unwrap();
        (&ours).write_all(b"{}\nvalue").unwrap();
        drop(ours);
        assert!(Job::receive(&theirs).is_none());
    }
}
