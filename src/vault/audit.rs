//! Audit entries: what was asked for, by whom, and how it ended. Never a value.

use super::cbor::{Malformed, MapWriter, Reader, Unknown};
use super::trace::Trace;
use crate::model::time::Timestamp;
use crate::sys::process::Actor;

/// One line of the audit log.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Event {
    /// When.
    pub(crate) time: Timestamp,
    /// AWS's operation name, or ours: `GetSecretValue`, `Rekey`.
    pub(crate) operation: String,
    /// `Success`, or the error code.
    pub(crate) outcome: String,
    /// What it was about.
    pub(crate) subject: Subject,
    /// Who asked.
    pub(crate) actor: Actor,
    /// Through which door: `direct`, or `rotation:` and a step.
    pub(crate) via: String,
    /// The commit it belongs to.
    pub(crate) generation: u64,
    /// Names that commit.
    pub(crate) commit_id: [u8; 16],
    /// Further details, in words.
    pub(crate) detail: String,
    /// In the first entry of a commit: the digest of the sealed state that it was made on.
    pub(crate) came_from: Option<[u8; 32]>,
    /// What it did to the secret; `None` where nothing says so.
    pub(crate) trace: Option<Trace>,
    /// What a later version wrote.
    pub(crate) unknown: Unknown,
    /// What a later version wrote of the actor.
    pub(crate) unknown_of_actor: Unknown,
}

/// The secret and version that an event is about; empty where it is about no secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Subject {
    /// The record's row.
    pub(crate) rid: u64,
    /// The secret's name, or what was asked for.
    pub(crate) name: String,
    /// The version or staging label.
    pub(crate) version: String,
    /// The request token.
    pub(crate) token: String,
    /// The region, where it is not the vault's home.
    pub(crate) region: String,
}

/// Who asks, and through which door, for the audit log.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origin {
    /// The process.
    pub(crate) actor: Actor,
    /// `direct`; dispatch puts a rotation's step in its place.
    pub(crate) via: String,
}

/// Why reads that should be logged are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unlogged {
    /// There is no space.
    Full,
    /// Another process writes, and does not finish.
    Busy,
}

impl Event {
    /// The outcome of an operation that did what was asked.
    pub(crate) const SUCCESS: &'static str = "Success";
    /// The event that says how many reads were not logged.
    pub(crate) const DROPPED: &'static str = "ReadsDropped";

    /// Writes the entry.
    pub(crate) fn encode(&self) -> Vec<u8> {
        fn some(map: &mut MapWriter<'_>, key: u64, text: &str) {
            if !text.is_empty() {
                map.member(key).text(text);
            }
        }
        let mut map = MapWriter::with(&self.unknown);
        map.member(0).signed(self.time.0);
        map.member(1).text(&self.operation);
        map.member(2).text(&self.outcome);
        if self.subject.rid != 0 {
            map.member(3).number(self.subject.rid);
        }
        some(&mut map, 4, &self.subject.name);
        some(&mut map, 5, &self.subject.version);
        some(&mut map, 6, &self.subject.token);
        let mut actor = MapWriter::with(&self.unknown_of_actor);
        actor.member(0).number(u64::from(self.actor.uid));
        some(&mut actor, 1, &self.actor.user);
        actor.member(2).number(u64::from(self.actor.pid));
        actor.member(3).number(u64::from(self.actor.ppid));
        some(&mut actor, 4, &self.actor.exe);
        some(&mut actor, 5, &self.actor.tty);
        some(&mut actor, 6, &self.actor.host);
        map.member(7).map(actor);
        map.member(8).text(&self.via);
        map.member(10).number(self.generation);
        map.member(11).bytes(&self.commit_id);
        some(&mut map, 12, &self.detail);
        some(&mut map, 13, &self.subject.region);
        map.optional(14, self.came_from.as_ref(), |w, digest| w.bytes(digest));
        map.optional(15, self.trace.as_ref(), |w, trace| w.map(trace.encode()));
        map.finish()
    }

    /// Reads an entry.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut event = Self {
            time: Timestamp(0),
            operation: String::new(),
            outcome: String::new(),
            subject: Subject::default(),
            actor: Actor::default(),
            via: String::new(),
            generation: 0,
            commit_id: [0; 16],
            detail: String::new(),
            came_from: None,
            trace: None,
            unknown: Unknown::default(),
            unknown_of_actor: Unknown::default(),
        };
        let mut known = 0_u32;
        let mut reader = Reader::new(bytes);
        event.unknown = reader.map(|r, key| {
            match key {
                0 => event.time = r.time()?,
                1 => event.operation = r.text()?,
                2 => event.outcome = r.text()?,
                3 => event.subject.rid = r.row()?,
                4 => event.subject.name = r.text()?,
                5 => event.subject.version = r.text()?,
                6 => event.subject.token = r.text()?,
                7 => (event.actor, event.unknown_of_actor) = actor(r)?,
                8 => event.via = r.text()?,
                10 => event.generation = r.count()?,
                11 => event.commit_id = r.array()?,
                12 => event.detail = r.text()?,
                13 => event.subject.region = r.text()?,
                14 => event.came_from = Some(r.array()?),
                15 => event.trace = Some(Trace::decode(r)?),
                _ => return Ok(false),
            }
            known |= 1 << key;
            Ok(true)
        })?;
        reader.finish()?;
        if known & ALWAYS_THERE == ALWAYS_THERE { Ok(event) } else { Err(Malformed) }
    }
}

/// The members that every entry has: 0, 1, 2, 7, 8, 10 and 11.
const ALWAYS_THERE: u32 = 0b1101_1000_0111;

/// The members that every actor has: 0, 2 and 3.
const ALWAYS_THERE_OF_AN_ACTOR: u32 = 0b1101;

fn actor(reader: &mut Reader<'_>) -> Result<(Actor, Unknown), Malformed> {
    let narrow = |number: u64| u32::try_from(number).map_err(|_large| Malformed);
    let mut actor = Actor::default();
    let mut known = 0_u32;
    let unknown = reader.map(|r, key| {
        match key {
            0 => actor.uid = narrow(r.number()?)?,
            1 => actor.user = r.text()?,
            2 => actor.pid = narrow(r.number()?)?,
            3 => actor.ppid = narrow(r.number()?)?,
            4 => actor.exe = r.text()?,
            5 => actor.tty = r.text()?,
            6 => actor.host = r.text()?,
            _ => return Ok(false),
        }
        known |= 1 << key;
        Ok(true)
    })?;
    let is_whole = known & ALWAYS_THERE_OF_AN_ACTOR == ALWAYS_THERE_OF_AN_ACTOR;
    if is_whole { Ok((actor, unknown)) } else { Err(Malformed) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_read_back_as_written() {
        let event = Event {
            time: Timestamp(5),
            operation: "GetSecretValue".into(),
            outcome: "ResourceNotFoundException".into(),
            subject: Subject {
                rid: 9,
                name: "app/db".into(),
                region: "eu-west-1".into(),
                ..Subject::default()
            },
            actor: Actor { uid: 1000, user: "ada".into(), ..Actor::default() },
            via: "direct".into(),
            generation: 3,
            commit_id: [6; 16],
            detail: String::new(),
            came_from: Some([7; 32]),
            trace: Some(Trace::erased()),
            unknown: Unknown::default(),
            unknown_of_actor: Unknown::default(),
        };
        assert!(Event::decode(&event.encode()).unwrap() == event);
    }
}
