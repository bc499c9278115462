//! One version as its secret's record has it, and what of its value. docs/format.md has the members' numbers.

use super::cbor::{Malformed, MapWriter, Reader, Unknown};
use super::record::{MAX_VALUE, StoredValue, ValueKind, Version};
use crate::model::secret_value::SecretValue;
use crate::model::time::{DAY_MS, Timestamp};
use crate::sys::secret::Secret;

impl Version {
    /// A new version without labels.
    pub(crate) fn new(id: String, value: Option<StoredValue>, created: Timestamp) -> Self {
        Self {
            id,
            value,
            created,
            stages: Vec::new(),
            accessed: None,
            kms_key_id: None,
            unknown: Unknown::default(),
        }
    }

    pub(super) fn encode(&self) -> MapWriter<'_> {
        let mut map = MapWriter::with(&self.unknown);
        map.member(0).text(&self.id);
        if let Some(value) = self.value {
            map.member(1).number(value.vid);
            map.member(2).bytes(&value.pin);
        }
        map.member(3).signed(self.created.0);
        let writer = map.member(4).list(self.stages.len());
        for stage in &self.stages {
            writer.text(stage);
        }
        if let Some(value) = self.value {
            map.member(5).number(u64::from(value.kind.byte()));
            map.member(6).number(value.len);
        }
        map.optional(7, self.accessed, |w, day| w.signed(day.0.div_euclid(DAY_MS)));
        map.optional(8, self.kms_key_id.as_ref(), |w, text| w.text(text));
        map
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut version = Self::new(String::new(), None, Timestamp(0));
        let (mut id, mut created, mut stages) = (None, None, None);
        let (mut vid, mut pin, mut kind, mut len) = (None, None, None, None);
        version.unknown = reader.map(|r, key| {
            match key {
                0 => id = Some(r.text()?),
                1 => vid = Some(r.row()?),
                2 => pin = Some(r.array()?),
                3 => created = Some(r.time()?),
                4 => stages = Some(r.list(Reader::text)?),
                5 => kind = Some(ValueKind::from_byte(r.number()?).ok_or(Malformed)?),
                6 => len = Some(r.number()?),
                7 => version.accessed = Some(r.day()?),
                8 => version.kms_key_id = Some(r.text()?),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        version.id = id.ok_or(Malformed)?;
        version.created = created.ok_or(Malformed)?;
        version.stages = stages.ok_or(Malformed)?;
        version.value = match (vid, pin, kind, len) {
            (Some(vid), Some(pin), Some(kind), Some(len)) if len <= MAX_VALUE => {
                Some(StoredValue { vid, pin, kind, len })
            }
            (None, None, None, None) => None,
            _ => return Err(Malformed),
        };
        if version.id.is_empty() { Err(Malformed) } else { Ok(version) }
    }
}

impl ValueKind {
    /// Returns the byte that precedes a value, docs/format.md "Values".
    pub(crate) fn byte(self) -> u8 {
        match self {
            Self::Text => 0,
            Self::Binary => 1,
        }
    }

    /// Reads that byte.
    pub(crate) fn from_byte(byte: u64) -> Option<Self> {
        match byte {
            0 => Some(Self::Text),
            1 => Some(Self::Binary),
            _ => None,
        }
    }
}

impl StoredValue {
    /// Reads a value from what was sealed; `None` if it is not the one described here.
    pub(crate) fn read(&self, data: &[u8]) -> Option<SecretValue> {
        let (kind, bytes) = data.split_first()?;
        if *kind != self.kind.byte() || u64::try_from(bytes.len()) != Ok(self.len) {
            return None;
        }
        Some(match self.kind {
            ValueKind::Binary => SecretValue::Binary(Secret::new(bytes.to_vec())),
            ValueKind::Text => {
                SecretValue::Text(Secret::new(str::from_utf8(bytes).ok()?.to_owned()))
            }
        })
    }
}
