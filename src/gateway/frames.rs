//! Messages on a stream: how one is told from the next, and how long it may take and be.

use std::io;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use crate::sys::connection::{read_some, write_all};
use crate::sys::secret::Secret;

/// How messages are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// Each ends with a line feed, or with the stream. What follows the first is not read.
    Line,
    /// Before each stands its length in bytes: 4 bytes, the high one first.
    Frame,
}

impl Framing {
    /// Reads one message of at most `most` bytes; `None` where the stream ends before it begins.
    ///
    /// # Errors
    /// `TimedOut` if it is not there by `until`, `InvalidData` if it is longer, `UnexpectedEof` if the
    /// stream ends inside of it.
    pub(crate) fn read(
        self,
        stream: &UnixStream,
        until: Instant,
        most: usize,
    ) -> io::Result<Option<Secret<Vec<u8>>>> {
        match self {
            Self::Line => read_line(stream, until, most),
            Self::Frame => read_frame(stream, until, most),
        }
    }

    /// Writes one message, which the other end takes within `patience`.
    pub(crate) fn write(
        self,
        stream: &UnixStream,
        message: &[u8],
        patience: Duration,
    ) -> io::Result<()> {
        let until = Instant::now() + patience;
        let mut whole = Secret::new(Vec::with_capacity(message.len().saturating_add(4)));
        if self == Self::Frame {
            let length = u32::try_from(message.len());
            let length = length.map_err(|_longer| io::ErrorKind::InvalidInput)?;
            whole.expose_mut().extend(length.to_be_bytes());
        }
        whole.expose_mut().extend_from_slice(message);
        if self == Self::Line {
            whole.expose_mut().push(b'\n');
        }
        write_all(stream, whole.expose(), until)
    }
}

fn read_line(
    stream: &UnixStream,
    until: Instant,
    most: usize,
) -> io::Result<Option<Secret<Vec<u8>>>> {
    let mut line = Secret::new(Vec::with_capacity(CHUNK));
    // Not on the stack, where it would be a part of every message's frame.
    let mut chunk = Secret::new(vec![0; CHUNK]);
    loop {
        let length = read_some(stream, chunk.expose_mut(), until)?;
        if length == 0 {
            return Ok(Some(line));
        }
        let read = chunk.expose().get(..length).unwrap_or_default();
        let end = read.iter().position(|byte| *byte == b'\n');
        let read = read.get(..end.unwrap_or(length)).unwrap_or_default();
        if line.expose().len().saturating_add(read.len()) > most {
            return Err(io::ErrorKind::InvalidData.into());
        }
        line.expose_mut().extend_from_slice(read);
        if end.is_some() {
            return Ok(Some(line));
        }
    }
}

/// Takes memory for what has come, not for what the length promises.
fn read_frame(
    stream: &UnixStream,
    until: Instant,
    most: usize,
) -> io::Result<Option<Secret<Vec<u8>>>> {
    let mut length = [0; 4];
    let mut filled = 0;
    while let Some(rest) = length.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match read_some(stream, rest, until)? {
            0 if filled == 0 => return Ok(None),
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => filled += read,
        }
    }
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > most {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut frame = Secret::new(Vec::new());
    let mut filled = 0_usize;
    while filled < length {
        if filled == frame.expose().len() {
            // Each time no more than has come already.
            let room = filled.saturating_mul(2).max(CHUNK).min(length);
            frame.expose_mut().resize(room, 0);
        }
        let place = frame.expose_mut().get_mut(filled..).unwrap_or_default();
        match read_some(stream, place, until)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => filled = filled.saturating_add(read),
        }
    }
    Ok(Some(frame))
}

const CHUNK: usize = 16 << 10;
#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::Shutdown;
    use std::thread;

    use super::*;

    /// Reads what another thread writes, as one message.
    #[expect(clippy::unwrap_in_result, reason = "what is refused is what is tested")]
    fn read(framing: Framing, written: &[u8]) -> Result<Option<Vec<u8>>, io::ErrorKind> {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        thread::scope(|scope| {
            scope.spawn(move || {
                drop(theirs.write_all(written));
                drop(theirs.shutdown(Shutdown::Write));
            });
            let read = framing.read(&ours, Instant::now() + Duration::from_mins(1), 100_000);
            let read = read.map(|read| read.map(|message| message.expose().clone()));
            read.map_err(|error| error.kind())
        })
    }

    #[test]
    fn what_is_written_is_read() {
        for length in [0, 1, 3, CHUNK - 1, CHUNK, CHUNK + 1, 100_000] {
            for framing in [Framing::Line, Framing::Frame] {
                let (ours, theirs) = UnixStream::pair().unwrap();
                let message = vec![b'x'; length];
                let patience = Duration::from_mins(1);
                thread::scope(|scope| {
                    scope.spawn(|| framing.write(&theirs, &message, patience).unwrap());
                    let read = framing.read(&ours, Instant::now() + patience, 100_000);
                    assert!(read.unwrap().unwrap().expose() == &message, "{framing:?} {length}");
                });
            }
        }
    }

    #[test]
    fn what_is_no_message_is_refused() {
        let long = vec![b'x'; 100_001];
        for (framing, written, expected) in [
            (Framing::Line, &b"a\nb"[..], Ok(Some(b"a".to_vec()))),
            (Framing::Line, b"a", Ok(Some(b"a".to_vec()))),
            (Framing::Line, &long, Err(io::ErrorKind::InvalidData)),
            (Framing::Frame, b"", Ok(None)),
            (Framing::Frame, b"\0\0\0\0", Ok(Some(Vec::new()))),
            (Framing::Frame, b"\0\0\0\x02a", Err(io::ErrorKind::UnexpectedEof)),
            (Framing::Frame, b"\0\0", Err(io::ErrorKind::UnexpectedEof)),
            (Framing::Frame, b"\x80\0\0\0abc", Err(io::ErrorKind::InvalidData)),
            (Framing::Frame, b"\0\x01\x86\xa1", Err(io::ErrorKind::InvalidData)),
        ] {
            assert_eq!(read(framing, written), expected, "{framing:?}");
        }
    }

    #[test]
    fn what_does_not_come_is_not_waited_for() {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        for framing in [Framing::Line, Framing::Frame] {
            let read = framing.read(&ours, Instant::now() + Duration::from_millis(2), 10);
            assert_eq!(read.err().map(|error| error.kind()), Some(io::ErrorKind::TimedOut));
        }
    }

    /// Without the look at the time that is left, this takes as long as the other end wants.
    #[test]
    fn who_takes_a_message_bit_by_bit_is_not_waited_for() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let message = vec![b'x'; 64 << 20];
        let patience = Duration::from_millis(50);
        let (wrote, taken) = thread::scope(|scope| {
            let taking = scope.spawn(move || {
                // A byte at a time, each well before the writer's patience is over.
                let (mut taken, mut place) = (0, [0; 1]);
                while let Ok(length @ 1..) = theirs.read(&mut place) {
                    taken += length;
                }
                taken
            });
            let wrote = Framing::Frame.write(&ours, &message, patience);
            drop(ours);
            (wrote, taking.join().unwrap())
        });
        assert_eq!(wrote.err().map(|error| error.kind()), Some(io::ErrorKind::TimedOut));
        assert!(taken < message.len());
    }
}
