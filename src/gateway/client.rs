//! The other end of the socket: how this very program, as another process, asks for an operation. It
//! opens no vault and prompts for nothing.

use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::frames::Framing;
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
        let stream = socket::connect(&self.socket, PATIENCE)?;
        if !socket::is_own(&stream) {
            return Err(io::Error::other("the socket belongs to another user"));
        }
        let line = Secret::new(wire::ask(&self.token, entry.name, request));
        Framing::Line.write(&stream, line.expose(), PATIENCE)?;
        let answer = Framing::Line.read(&stream, Instant::now() + PATIENCE, MAX_ANSWER)?;
        let answer = answer.and_then(|answer| wire::answered(answer.expose(), entry.output));
        answer.ok_or_else(|| io::Error::other(format!("{} gave no answer", self.peer)))
    }
}

/// A vault that others write to may take its time.
const PATIENCE: Duration = Duration::from_mins(1);
/// The longest answer, in bytes.
const MAX_ANSWER: usize = 1 << 20;
