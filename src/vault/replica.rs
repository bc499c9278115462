//! A replica as its primary's record has it. docs/format.md has the members' numbers.

use super::cbor::{Malformed, MapWriter, Reader, Unknown};
use super::record::{Replica, ReplicaState};

impl Replica {
    /// A replica that is as its primary is, or is about to be.
    pub(crate) fn new(region: String, kms_key_id: Option<String>) -> Self {
        Self { region, kms_key_id, state: ReplicaState::InSync, unknown: Unknown::default() }
    }

    pub(super) fn encode(&self) -> MapWriter<'_> {
        let mut map = MapWriter::with(&self.unknown);
        map.member(0).text(&self.region);
        map.optional(1, self.kms_key_id.as_ref(), |w, text| w.text(text));
        map.member(2).number(match self.state {
            ReplicaState::InSync => 0,
            ReplicaState::NameTaken => 1,
        });
        map
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (mut region, mut kms_key_id, mut state) = (None, None, None);
        let unknown = reader.map(|r, key| {
            match key {
                0 => region = Some(r.text()?),
                1 => kms_key_id = Some(r.text()?),
                2 => state = Some(r.number()?),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        let state = match state {
            Some(0) => ReplicaState::InSync,
            Some(1) => ReplicaState::NameTaken,
            Some(_) | None => return Err(Malformed),
        };
        Ok(Self { region: region.ok_or(Malformed)?, kms_key_id, state, unknown })
    }
}
