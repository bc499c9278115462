//! Wayland's messages: words in the machine's order, texts filled up to whole words, and descriptors
//! beside them. Says nothing of what they mean.

use std::collections::VecDeque;
use std::io::{self, IoSliceMut, Write};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

/// One end of a conversation.
pub(super) struct Wire {
    stream: UnixStream,
    inbox: Vec<u8>,
    descriptors: VecDeque<OwnedFd>,
}

/// A part of a request.
pub(super) enum Part<'a> {
    Word(u32),
    Text(&'a str),
}

/// What an object tells.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) object: u32,
    pub(super) code: u32,
    body: VecDeque<u8>,
}

impl Wire {
    pub(super) fn new(stream: UnixStream) -> Self {
        Self { stream, inbox: Vec::new(), descriptors: VecDeque::new() }
    }

    pub(super) fn stream(&self) -> &UnixStream {
        &self.stream
    }

    /// Asks an object for something.
    pub(super) fn ask(&mut self, object: u32, code: u32, parts: &[Part<'_>]) -> io::Result<()> {
        let mut body = Vec::new();
        for part in parts {
            match part {
                Part::Word(word) => body.extend(word.to_ne_bytes()),
                Part::Text(text) => {
                    let length = text.len().saturating_add(1);
                    body.extend(word_of(length)?.to_ne_bytes());
                    body.extend(text.as_bytes());
                    body.resize(body.len().saturating_add(padded(length) - text.len()), 0);
                }
            }
        }
        let size = word_of(body.len().saturating_add(HEADER))?;
        let size = size.checked_mul(1 << 16).ok_or(io::ErrorKind::InvalidInput)?;
        let mut message = Vec::with_capacity(body.len().saturating_add(HEADER));
        message.extend(object.to_ne_bytes());
        message.extend((size | code).to_ne_bytes());
        message.extend(body);
        self.stream.write_all(&message)
    }

    /// Waits for the next event.
    pub(super) fn hear(&mut self) -> io::Result<Event> {
        loop {
            if let Some(event) = self.heard()? {
                return Ok(event);
            }
            let mut bytes = [0; 4096];
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
            let mut control = RecvAncillaryBuffer::new(&mut space);
            let parts = &mut [IoSliceMut::new(&mut bytes)];
            let read = match recvmsg(&self.stream, parts, &mut control, RecvFlags::CMSG_CLOEXEC) {
                Ok(read) => read.bytes,
                Err(rustix::io::Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            };
            for message in control.drain() {
                if let RecvAncillaryMessage::ScmRights(descriptors) = message {
                    self.descriptors.extend(descriptors);
                }
            }
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.inbox.extend(bytes.get(..read).unwrap_or_default());
        }
    }

    /// Takes the next event out of what has come, once all of it has.
    fn heard(&mut self) -> io::Result<Option<Event>> {
        let Some((object, rest)) = self.inbox.split_first_chunk::<4>() else { return Ok(None) };
        let Some(second) = rest.first_chunk::<4>() else { return Ok(None) };
        let (object, second) = (u32::from_ne_bytes(*object), u32::from_ne_bytes(*second));
        let size = usize::try_from(second >> 16).unwrap_or_default();
        if size < HEADER {
            return Err(io::ErrorKind::InvalidData.into());
        }
        if self.inbox.len() < size {
            return Ok(None);
        }
        let body = self.inbox.drain(..size).skip(HEADER).collect();
        Ok(Some(Event { object, code: second & 0xffff, body }))
    }

    /// Takes the descriptor that came with an event.
    pub(super) fn descriptor(&mut self) -> Option<OwnedFd> {
        self.descriptors.pop_front()
    }
}

impl Event {
    /// Takes the next word of what is told.
    pub(super) fn word(&mut self) -> Option<u32> {
        let word: Vec<u8> = self.taken(4)?;
        Some(u32::from_ne_bytes(*word.first_chunk()?))
    }

    /// Takes the next text.
    pub(super) fn text(&mut self) -> Option<String> {
        let length = usize::try_from(self.word()?).ok()?;
        let mut bytes = self.taken(padded(length))?;
        bytes.truncate(length.checked_sub(1)?);
        String::from_utf8(bytes).ok()
    }

    fn taken(&mut self, count: usize) -> Option<Vec<u8>> {
        (self.body.len() >= count).then(|| self.body.drain(..count).collect())
    }
}

fn padded(length: usize) -> usize {
    length.checked_next_multiple_of(4).unwrap_or(length)
}

fn word_of(number: usize) -> io::Result<u32> {
    u32::try_from(number).map_err(|_too_many| io::ErrorKind::InvalidInput.into())
}

/// An object and, in one word, a size and a code.
const HEADER: usize = 8;
/// The most descriptors that come at once, as Wayland's own library has it.
const MOST: usize = 28;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_is_heard() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let (mut ours, mut theirs) = (Wire::new(ours), Wire::new(theirs));
        for text in ["", "abc", "abcd", "text/plain"] {
            ours.ask(7, 3, &[Part::Word(9), Part::Text(text), Part::Word(1)]).unwrap();
            let mut heard = theirs.hear().unwrap();
            assert_eq!((heard.object, heard.code, heard.word()), (7, 3, Some(9)));
            assert_eq!((heard.text().as_deref(), heard.word()), (Some(text), Some(1)));
            assert_eq!((heard.word(), heard.text()), (None, None));
        }
        // The bytes as the protocol has them: object, size and code, length, text.
        ours.ask(1, 2, &[Part::Text("abc")]).unwrap();
        let mut bytes = [0; 16];
        io::Read::read_exact(&mut theirs.stream(), &mut bytes).unwrap();
        let words = [1, 16 << 16 | 2, 4_u32].map(u32::to_ne_bytes).concat();
        assert_eq!((&bytes[..12], &bytes[12..]), (&words[..], &b"abc\0"[..]));
        // One that is smaller than its own beginning ends the conversation, and so does the end.
        ours.stream().write_all(&[0; 8]).unwrap();
        assert!(theirs.hear().is_err());
        drop(ours);
        assert!(theirs.hear().is_err());
    }
}
