//! The other end of the socket: how this very program, as another process, asks for an operation. It
//! opens no vault and prompts for nothing.

use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::refusal::Refusal;
use super::wire;
use crate::model::value::Value;
use crate::service::operation::Entry;
use crate::sys::secret::Secret;
use crate::sys::socket;

/// Where to ask, and the token that permits it.
pub(crate) struct Line {
    pub(crate) socket: PathBuf,
    pub(crate) token: String,
    /// What answers there, as a person calls it.
    pub(crate) peer: &'static str,
}

impl Line {
    pub(crate) fn ask(&self, entry: &Entry, request: &Value) -> io::Result<Result<Value, Refusal>> {
        let mut stream = UnixStream::connect(&self.socket)?;
        if !socket::is_own(&stream) {
            return Err(io::Error::other("the socket belongs to another user"));
        }
        let line = Secret::new(wire::ask(&self.token, entry.name, request));
        stream.write_all(line.expose())?;
        let answer = wire::read_line(&stream, Instant::now() + PATIENCE)?;
        let none = || io::Error::other(format!("{} gave no answer", self.peer));
        wire::answered(answer.expose(), entry.output).ok_or_else(none)
    }
}

/// A vault that others write to may take its time.
const PATIENCE: Duration = Duration::from_mins(1);
