//! CBOR maps with integer keys (RFC 8949, deterministic encoding), as state, records and audit
//! entries are written. Keys that a later version added are kept and written back.

use minicbor::{Decoder, Encoder};

use crate::model::time::{DAY_MS, FURTHEST_MS, Timestamp};

/// The highest count or row number: what comes to one more, or
/// to a sum of some, still fits a number.
pub(super) const MAX_COUNTED: u64 = (1 << 62) - 1;

/// The bytes are not what docs/format.md says they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

impl From<minicbor::decode::Error> for Malformed {
    fn from(_position: minicbor::decode::Error) -> Self {
        Self
    }
}

/// Members with keys that this version does not know, as they were read: key and encoded value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Unknown(Vec<(u64, Vec<u8>)>);

/// Writes CBOR into memory, which cannot fail.
pub(crate) struct Writer(Encoder<Vec<u8>>);

impl Writer {
    /// Starts with nothing written.
    pub(crate) fn new() -> Self {
        Self(Encoder::new(Vec::with_capacity(256)))
    }

    /// Writes an unsigned number.
    pub(crate) fn number(&mut self, number: u64) -> &mut Self {
        self.then(|e| e.u64(number).is_ok())
    }

    /// Writes a signed number.
    pub(crate) fn signed(&mut self, number: i64) -> &mut Self {
        self.then(|e| e.i64(number).is_ok())
    }

    /// Writes text.
    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        self.then(|e| e.str(text).is_ok())
    }

    /// Writes bytes.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.then(|e| e.bytes(bytes).is_ok())
    }

    /// Starts a list of `len` elements, which the caller writes next.
    pub(crate) fn list(&mut self, len: usize) -> &mut Self {
        self.then(|e| e.array(u64::try_from(len).unwrap_or(u64::MAX)).is_ok())
    }

    /// Writes a map that was built on its own.
    pub(crate) fn map(&mut self, map: MapWriter<'_>) -> &mut Self {
        let encoded = map.finish();
        self.0.writer_mut().extend_from_slice(&encoded);
        self
    }

    fn then(&mut self, write: impl FnOnce(&mut Encoder<Vec<u8>>) -> bool) -> &mut Self {
        let written = write(&mut self.0);
        debug_assert!(written, "writing to memory does not fail");
        self
    }
}

/// Writes one map; the caller writes its members in ascending order of key.
pub(crate) struct MapWriter<'u> {
    members: Writer,
    count: u64,
    /// Members of a later version that are not written yet.
    unknown: &'u [(u64, Vec<u8>)],
}

impl<'u> MapWriter<'u> {
    /// Starts a map that has members which this version does not know. Each goes where its key
    /// belongs: a reader refuses keys that do not ascend.
    pub(crate) fn with(unknown: &'u Unknown) -> Self {
        Self { members: Writer::new(), count: 0, unknown: &unknown.0 }
    }

    /// Starts the member `key`; the caller writes its value next.
    pub(crate) fn member(&mut self, key: u64) -> &mut Writer {
        while let Some(((unknown, encoded), later)) = self.unknown.split_first()
            && *unknown < key
        {
            self.start(*unknown).0.writer_mut().extend_from_slice(encoded);
            self.unknown = later;
        }
        self.start(key)
    }

    fn start(&mut self, key: u64) -> &mut Writer {
        self.count += 1;
        self.members.number(key)
    }

    /// Writes the member only if there is one.
    pub(crate) fn optional<T>(
        &mut self,
        key: u64,
        value: Option<T>,
        write: impl FnOnce(&mut Writer, T) -> &mut Writer,
    ) {
        if let Some(value) = value {
            write(self.member(key), value);
        }
    }

    /// Returns the map's bytes.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        for (unknown, encoded) in self.unknown {
            self.start(*unknown).0.writer_mut().extend_from_slice(encoded);
        }
        let members = self.members.0.into_writer();
        let mut whole = Encoder::new(Vec::with_capacity(members.len() + 9));
        let written = whole.map(self.count).is_ok();
        debug_assert!(written, "writing to memory does not fail");
        let mut whole = whole.into_writer();
        whole.extend_from_slice(&members);
        whole
    }
}

/// Reads CBOR.
pub(crate) struct Reader<'b>(Decoder<'b>);

impl<'b> Reader<'b> {
    /// Reads from the start of `bytes`.
    pub(crate) fn new(bytes: &'b [u8]) -> Self {
        Self(Decoder::new(bytes))
    }

    /// Reads an unsigned number.
    pub(crate) fn number(&mut self) -> Result<u64, Malformed> {
        Ok(self.0.u64()?)
    }

    /// Reads a signed number.
    pub(crate) fn signed(&mut self) -> Result<i64, Malformed> {
        Ok(self.0.i64()?)
    }

    /// Reads a number that counts something.
    pub(crate) fn count(&mut self) -> Result<u64, Malformed> {
        self.number()
            .and_then(|count| if count <= MAX_COUNTED { Ok(count) } else { Err(Malformed) })
    }

    /// Reads the number of a row whose number is random: never zero.
    pub(crate) fn row(&mut self) -> Result<u64, Malformed> {
        self.count().and_then(|row| if row == 0 { Err(Malformed) } else { Ok(row) })
    }

    /// Reads a point in time.
    pub(crate) fn time(&mut self) -> Result<Timestamp, Malformed> {
        time(self.signed()?)
    }

    /// Reads a day, as the midnight it begins with.
    pub(crate) fn day(&mut self) -> Result<Timestamp, Malformed> {
        self.signed()?.checked_mul(DAY_MS).ok_or(Malformed).and_then(time)
    }

    /// Reads text.
    pub(crate) fn text(&mut self) -> Result<String, Malformed> {
        Ok(self.0.str()?.to_owned())
    }

    /// Reads bytes.
    pub(crate) fn bytes(&mut self) -> Result<&'b [u8], Malformed> {
        Ok(self.0.bytes()?)
    }

    /// Reads exactly `N` bytes.
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.bytes()?.try_into().map_err(|_wrong_length| Malformed)
    }

    /// Reads a list, element by element. A claimed length allocates nothing.
    pub(crate) fn list<T>(
        &mut self,
        mut element: impl FnMut(&mut Self) -> Result<T, Malformed>,
    ) -> Result<Vec<T>, Malformed> {
        let len = self.0.array()?.ok_or(Malformed)?;
        let mut list = Vec::new();
        for _ in 0..len {
            list.push(element(self)?);
        }
        Ok(list)
    }

    /// Reads a map. `member` is called with each key in turn and reads its value, or says with
    /// `Ok(false)` that it does not know the key.
    ///
    /// Keys must ascend, so that no key occurs twice.
    pub(crate) fn map(
        &mut self,
        mut member: impl FnMut(&mut Self, u64) -> Result<bool, Malformed>,
    ) -> Result<Unknown, Malformed> {
        let len = self.0.map()?.ok_or(Malformed)?;
        let mut unknown = Unknown::default();
        let mut last = None;
        for _ in 0..len {
            let key = self.number()?;
            if last.is_some_and(|last| key <= last) {
                return Err(Malformed);
            }
            last = Some(key);
            if !member(self, key)? {
                let start = self.0.position();
                self.0.skip()?;
                let encoded = self.0.input().get(start..self.0.position()).ok_or(Malformed)?;
                unknown.0.push((key, encoded.to_vec()));
            }
        }
        Ok(unknown)
    }

    /// Requires that nothing follows.
    pub(crate) fn finish(self) -> Result<(), Malformed> {
        match self.0.datatype() {
            Err(end) if end.is_end_of_input() => Ok(()),
            Ok(_) | Err(_) => Err(Malformed),
        }
    }
}

fn time(ms: i64) -> Result<Timestamp, Malformed> {
    if ms.unsigned_abs() <= FURTHEST_MS.unsigned_abs() { Ok(Timestamp(ms)) } else { Err(Malformed) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_of_a_later_version_are_written_back() {
        let none = Unknown::default();
        let mut map = MapWriter::with(&none);
        map.member(0).number(7);
        map.member(1).text("known");
        map.member(90).list(2).number(1).text("new");
        let bytes = map.finish();

        let mut reader = Reader::new(&bytes);
        let mut seen = String::new();
        let unknown = reader
            .map(|r, key| match key {
                1 => {
                    seen = r.text()?;
                    Ok(true)
                }
                _ => Ok(false),
            })
            .unwrap();
        reader.finish().unwrap();
        let mut again = MapWriter::with(&unknown);
        again.member(1).text(&seen);
        assert_eq!(again.finish(), bytes);
    }

    #[test]
    fn a_key_cannot_stand_twice_and_nothing_may_follow() {
        for hostile in [&[0xa2, 1, 1, 1, 1][..], &[0xa2, 2, 1, 1, 1], &[0xbf, 1, 1, 0xff]] {
            assert!(Reader::new(hostile).map(|r, _| r.number().map(|_| true)).is_err());
        }
        let mut reader = Reader::new(&[0xa0, 0x00]);
        reader.map(|_, _| Ok(false)).unwrap();
        assert!(reader.finish().is_err());
        // A list that claims four billion elements and has none.
        assert!(Reader::new(&[0x9a, 0xff, 0xff, 0xff, 0xff]).list(Reader::number).is_err());
    }
}
