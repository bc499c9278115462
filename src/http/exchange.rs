//! A connection: request after request, each answered before the next is read.
//!
//! Bytes come as they like. What is kept of them is bounded, and so is the time for each part of a
//! request. What cannot be told apart ends the connection.

use std::io::{self, ErrorKind};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::answer::Answer;
use super::endpoint::Endpoint;
use super::head::{Head, LONGEST_HEAD, find_end};
use super::refused::Refused;
use super::request::Request;
use super::rules::Rules;
use crate::sys::secret::Secret;

/// The bytes of a connection.
pub(super) trait Wire {
    /// Reads what has come, or waits for it; 0 at the end.
    fn read(&mut self, place: &mut [u8], until: Instant) -> io::Result<usize>;

    fn write(&mut self, bytes: &[u8], until: Instant) -> io::Result<()>;

    /// Whether something has come that was not read yet.
    fn has_more(&mut self) -> bool;

    /// Takes what still comes for a moment: to be cut off would cost the client its answer.
    fn drain(&mut self);

    /// Begins to listen for a request.
    fn listens(&mut self);

    /// Has a request; whether it is still to be answered.
    fn answers(&mut self) -> bool;

    /// Returns where it comes from.
    fn address(&self) -> Option<IpAddr>;
}

/// Why there is no answer to a request.
enum Ended {
    Refused(Refused),
    /// Nobody is there to be told.
    Lost(io::Error),
}

impl From<Refused> for Ended {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<io::Error> for Ended {
    fn from(error: io::Error) -> Self {
        Self::Lost(error)
    }
}

/// Answers requests until the connection ends.
pub(super) fn converse(
    wire: &mut dyn Wire,
    endpoint: &Endpoint<'_>,
    rules: &Rules,
) -> io::Result<()> {
    loop {
        let written = match turn(wire, endpoint, rules) {
            Ok(Some(written)) => written,
            Ok(None) => return Ok(()),
            Err(Ended::Lost(error)) => return Err(error),
            Err(Ended::Refused(refused)) => {
                let now = endpoint.back.now();
                let answer = refused.answer().write("", &endpoint.id(), now);
                wire.write(answer.expose(), Instant::now() + rules.patience)?;
                wire.drain();
                return Ok(());
            }
        };
        wire.write(written.bytes.expose(), Instant::now() + rules.patience)?;
        if written.is_last {
            return Ok(());
        }
    }
}

/// An answer in bytes.
struct Written {
    bytes: Secret<Vec<u8>>,
    is_last: bool,
}

/// Reads one request, and answers it; `None` where there is no more.
fn turn(
    wire: &mut dyn Wire,
    endpoint: &Endpoint<'_>,
    rules: &Rules,
) -> Result<Option<Written>, Ended> {
    wire.listens();
    let mut buffer = Secret::new(vec![0; CHUNK]);
    let Some(Heard { end, filled }) = hear(wire, buffer.expose_mut(), rules)? else {
        return Ok(None);
    };
    let bytes = buffer.expose().get(..filled).unwrap_or_default();
    let (lines, rest) = bytes.split_at_checked(end).unwrap_or_default();
    let head = Head::parse(lines)?;
    // Whoever is not meant need not send the rest.
    endpoint.site.check(&head)?;
    let until = Instant::now() + rules.patience;
    let _room = endpoint.room.take(head.length, until).ok_or(Refused::Full)?;
    let body = read_body(wire, &head, rest, until)?;
    if wire.has_more() {
        return Err(Refused::Pipelined.into());
    }
    if !wire.answers() {
        return Ok(None);
    }
    let (id, now) = (endpoint.id(), endpoint.back.now());
    let address = wire.address();
    let request = Request { head: &head, body: body.expose(), address, id: &id, now };
    let answer = endpoint.answer(&request);
    let answer = if head.is_kept { answer } else { Answer::last(answer) };
    Ok(Some(Written { bytes: answer.write(head.method, &id, now), is_last: answer.is_last }))
}

/// How much is in a buffer, and where in it a head ends.
struct Heard {
    end: usize,
    filled: usize,
}

/// Reads a head, and what comes along with it.
fn hear(wire: &mut dyn Wire, buffer: &mut Vec<u8>, rules: &Rules) -> Result<Option<Heard>, Ended> {
    let mut filled = 0_usize;
    let mut until = Instant::now() + rules.idle;
    loop {
        if filled == buffer.len() {
            if filled >= LONGEST_HEAD {
                return Err(Refused::HeadTooLarge.into());
            }
            buffer.resize(filled.saturating_mul(2).min(LONGEST_HEAD), 0);
        }
        let place = buffer.get_mut(filled..).unwrap_or_default();
        let length = match wire.read(place, until) {
            // Between two requests a client may go, and so may we.
            Ok(0) if filled == 0 => return Ok(None),
            Ok(0) => return Err(Refused::Malformed.into()),
            Ok(length) => length,
            Err(error) if error.kind() == ErrorKind::TimedOut && filled == 0 => return Ok(None),
            Err(error) => return Err(too_slow(error)),
        };
        if filled == 0 {
            until = Instant::now() + rules.patience;
        }
        let looked_at = filled;
        filled = filled.saturating_add(length).min(buffer.len());
        let heard = buffer.get(..filled).unwrap_or_default();
        if let Some(end) = find_end(heard, looked_at)? {
            return Ok(Some(Heard { end, filled }));
        }
    }
}

/// Reads a body, of which `rest` has come with the head. Takes memory for what has come, not for what
/// the length promises.
fn read_body(
    wire: &mut dyn Wire,
    head: &Head<'_>,
    rest: &[u8],
    until: Instant,
) -> Result<Secret<Vec<u8>>, Ended> {
    if rest.len() > head.length {
        return Err(Refused::Pipelined.into());
    }
    if head.waits && rest.is_empty() && head.length > 0 {
        wire.write(b"HTTP/1.1 100 Continue\r\n\r\n", until)?;
    }
    let mut body = Secret::new(rest.to_vec());
    let mut filled = rest.len();
    while filled < head.length {
        if filled == body.expose().len() {
            let room = filled.saturating_mul(2).max(CHUNK).min(head.length);
            body.expose_mut().resize(room, 0);
        }
        let place = body.expose_mut().get_mut(filled..).unwrap_or_default();
        match wire.read(place, until).map_err(too_slow)? {
            0 => return Err(Refused::Malformed.into()),
            length => filled = filled.saturating_add(length),
        }
    }
    Ok(body)
}

/// Who is too slow is told so.
fn too_slow(error: io::Error) -> Ended {
    if error.kind() == ErrorKind::TimedOut { Refused::TooSlow.into() } else { error.into() }
}

/// How much is read at once, in bytes: most requests whole.
const CHUNK: usize = 8 << 10;

/// How long a client that was refused may go on sending.
pub(super) const LINGER: Duration = Duration::from_millis(500);
