//! Everything about one secret but its values: one sealed record, changed as a whole.
//!
//! docs/format.md has the members' numbers. Does not know how labels move or what AWS allows.

use super::access_key::AccessKey;
use super::across::{CrossPrimary, CrossReplica};
use super::cbor::{Malformed, MapWriter, Reader, Unknown};
use super::progress::Progress;
use super::rotation::Rotation;
use crate::crypto::sealed::Pin;
use crate::model::time::{DAY_MS, Timestamp};

/// The most characters of a name.
pub(crate) const MAX_NAME: usize = 512;

/// The most names of before that a secret remembers.
pub(crate) const MAX_FORMER_NAMES: usize = 10;

/// The most tags of a secret.
const MAX_TAGS: usize = 50;

/// The most bytes of a value.
pub(super) const MAX_VALUE: u64 = 65_536;

/// One secret.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Record {
    /// The row's random key, 62 bits. Zero until the record is stored.
    pub(crate) rid: u64,
    /// The account and region the name belongs to.
    pub(crate) namespace: Namespace,
    pub(crate) name: String,
    /// The six characters that end the ARN.
    pub(crate) arn_suffix: String,
    /// What the secret is for. Never empty.
    pub(crate) description: Option<String>,
    /// The KMS key as the user named it; absent for the default key.
    pub(crate) kms_key_id: Option<String>,
    /// When the secret was made.
    pub(crate) created: Timestamp,
    /// When anything about it last changed.
    pub(crate) changed: Timestamp,
    /// Midnight UTC of the day its value was last read.
    pub(crate) accessed: Option<Timestamp>,
    /// When it was last rotated.
    pub(crate) rotated: Option<Timestamp>,
    /// Whether and when it will be gone.
    pub(crate) deletion: Option<Deletion>,
    /// Counts the changes.
    pub(crate) revision: u64,
    /// Tags in the order they came; `None` if there never were any.
    pub(crate) tags: Option<Vec<(String, String)>>,
    /// All versions, oldest first.
    pub(crate) versions: Vec<Version>,
    /// How it rotates; `None` if that was never configured.
    pub(crate) rotation: Option<Rotation>,
    /// The rotation that is not finished. Only a primary has it, never a replica.
    pub(crate) progress: Option<Progress>,
    /// The resource policy, as it was given.
    pub(crate) policy: Option<String>,
    /// Whether it follows another secret, or others follow it.
    pub(crate) replication: Replication,
    /// The replica in another account, if it has or had one.
    pub(crate) cross_replica: Option<CrossReplica>,
    /// The primary in another account, if it is or was a replica of one.
    pub(crate) cross_primary: Option<CrossPrimary>,
    /// What it was called before it was renamed, oldest first, each name once.
    pub(crate) former_names: Vec<String>,
    /// The kind of a managed external secret.
    pub(crate) secret_type: Option<String>,
    /// What makes it the record of an access key, and of no secret. There in the namespace of access
    /// keys, and only there.
    pub(crate) access_key: Option<AccessKey>,
    /// What a later version wrote.
    pub(crate) unknown: Unknown,
}

/// The account and region that a name belongs to: (namespace, name) is unique in a vault.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Namespace {
    /// Twelve digits.
    pub(crate) account: String,
    /// Such as `local-1`.
    pub(crate) region: String,
}

/// A planned deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Deletion {
    /// When `delete-secret` was called.
    pub(crate) requested: Timestamp,
    /// When the secret is gone for every reader.
    pub(crate) due: Timestamp,
}

/// A secret's part in replication. A replica is a record of its own, in the namespace of its region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Replication {
    /// It follows no other. These follow it, in the order in which they were asked for: member 17
    /// of the record, a list of maps, absent when empty.
    Primary(Vec<Replica>),
    /// It follows the secret of its name and ARN suffix in another region: member 19 of the record,
    /// text, never beside member 17.
    Replica { primary_region: String },
}

/// A region that a secret is replicated to, as its primary knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Replica {
    /// The region: member 0, text.
    pub(crate) region: String,
    /// The replica's KMS key as the user named it: member 1, text; absent for the default key.
    pub(crate) kms_key_id: Option<String>,
    /// Whether there is a replica: member 2, a number.
    pub(crate) state: ReplicaState,
    /// What a later version wrote.
    pub(crate) unknown: Unknown,
}

/// Whether there is a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReplicaState {
    /// It exists, and equals its primary: 0.
    InSync,
    /// It does not exist, since another secret of that region has the name: 1.
    NameTaken,
}

/// One version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    /// The version id, which is the request token that made it.
    pub(crate) id: String,
    /// Where its value is; `None` for the empty version that a rotation starts with.
    pub(crate) value: Option<StoredValue>,
    /// When the version was made.
    pub(crate) created: Timestamp,
    /// Its staging labels, in the order they came.
    pub(crate) stages: Vec<String>,
    /// Midnight UTC of the day it was last read.
    pub(crate) accessed: Option<Timestamp>,
    /// The KMS key named when it was made; absent for the default key.
    pub(crate) kms_key_id: Option<String>,
    /// What a later version wrote.
    pub(crate) unknown: Unknown,
}

/// Where a value is and what it must look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StoredValue {
    /// The row's random key, 62 bits.
    pub(crate) vid: u64,
    /// The pin of the sealed value.
    pub(crate) pin: Pin,
    /// Text or bytes.
    pub(crate) kind: ValueKind,
    /// Length in bytes.
    pub(crate) len: u64,
}

/// What kind of value a version holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ValueKind {
    /// `SecretString`.
    Text,
    /// `SecretBinary`.
    Binary,
}

impl Namespace {
    /// Returns the namespace as it is stored and hashed: `account/region`.
    pub(crate) fn key(&self) -> String {
        format!("{}/{}", self.account, self.region)
    }

    /// Returns the namespace of access keys, which is that of no account.
    pub(crate) fn of_access_keys() -> Self {
        Self { account: "access".to_owned(), region: "key".to_owned() }
    }

    fn parse(key: &str) -> Result<Self, Malformed> {
        let (account, region) = key.split_once('/').ok_or(Malformed)?;
        Ok(Self { account: account.to_owned(), region: region.to_owned() })
    }
}

impl Record {
    /// Finds a version by its id.
    pub(crate) fn version(&self, id: &str) -> Option<&Version> {
        self.versions.iter().find(|version| version.id == id)
    }

    /// Finds a version by its id, for change.
    pub(crate) fn version_mut(&mut self, id: &str) -> Option<&mut Version> {
        self.versions.iter_mut().find(|version| version.id == id)
    }

    /// Finds the version that a staging label is on.
    pub(crate) fn staged(&self, stage: &str) -> Option<&Version> {
        self.versions.iter().find(|version| version.stages.iter().any(|s| s == stage))
    }

    /// Whether the recovery window is over: gone for every reader, erased by a later write.
    pub(crate) fn is_gone(&self, now: Timestamp) -> bool {
        self.deletion.is_some_and(|deletion| deletion.due <= now)
    }

    /// Writes the record, without its row key, which the sealing binds.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut map = MapWriter::with(&self.unknown);
        map.member(0).text(&self.namespace.key());
        map.member(1).text(&self.name);
        map.member(2).text(&self.arn_suffix);
        map.optional(3, self.description.as_ref(), |w, text| w.text(text));
        map.optional(4, self.kms_key_id.as_ref(), |w, text| w.text(text));
        map.member(5).signed(self.created.0);
        map.member(6).signed(self.changed.0);
        map.optional(7, self.accessed, |w, day| w.signed(day.0.div_euclid(DAY_MS)));
        map.optional(8, self.rotated, |w, at| w.signed(at.0));
        map.optional(9, self.deletion, |w, deletion| w.signed(deletion.requested.0));
        map.optional(10, self.deletion, |w, deletion| w.signed(deletion.due.0));
        map.member(11).number(self.revision);
        if let Some(tags) = &self.tags {
            let writer = map.member(12).list(tags.len());
            for (key, value) in tags {
                writer.list(2).text(key).text(value);
            }
        }
        let writer = map.member(13).list(self.versions.len());
        for version in &self.versions {
            writer.map(version.encode());
        }
        map.optional(14, self.rotation.as_ref(), |w, rotation| w.map(rotation.encode()));
        map.optional(15, self.policy.as_ref(), |w, text| w.text(text));
        let (replicas, primary_region) = match &self.replication {
            Replication::Primary(replicas) => (replicas.as_slice(), None),
            Replication::Replica { primary_region } => (&[][..], Some(primary_region)),
        };
        if !replicas.is_empty() {
            let writer = map.member(17).list(replicas.len());
            for replica in replicas {
                writer.map(replica.encode());
            }
        }
        map.optional(18, self.secret_type.as_ref(), |w, text| w.text(text));
        map.optional(19, primary_region, |w, text| w.text(text));
        map.optional(20, self.progress.as_ref(), |w, progress| w.map(progress.encode()));
        map.optional(21, self.cross_replica.as_ref(), |w, replica| w.map(replica.encode()));
        map.optional(22, self.cross_primary.as_ref(), |w, primary| w.map(primary.encode()));
        if !self.former_names.is_empty() {
            let writer = map.member(23).list(self.former_names.len());
            for name in &self.former_names {
                writer.text(name);
            }
        }
        map.optional(24, self.access_key.as_ref(), |w, key| w.map(key.encode()));
        map.finish()
    }

    /// Reads the record of the row `rid`.
    pub(crate) fn decode(rid: u64, bytes: &[u8]) -> Result<Self, Malformed> {
        let mut record = Self::blank(rid);
        let (mut namespace, mut name, mut arn_suffix, mut created) = (None, None, None, None);
        let (mut changed, mut revision, mut versions) = (None, None, None);
        let (mut requested, mut due) = (None, None);
        let (mut replicas, mut primary_region) = (None, None);
        let mut reader = Reader::new(bytes);
        record.unknown = reader.map(|r, key| {
            match key {
                0 => namespace = Some(Namespace::parse(&r.text()?)?),
                1 => name = Some(r.text()?),
                2 => arn_suffix = Some(r.text()?),
                3 => record.description = Some(r.text()?),
                4 => record.kms_key_id = Some(r.text()?),
                5 => created = Some(r.time()?),
                6 => changed = Some(r.time()?),
                7 => record.accessed = Some(r.day()?),
                8 => record.rotated = Some(r.time()?),
                9 => requested = Some(r.time()?),
                10 => due = Some(r.time()?),
                11 => revision = Some(r.count()?),
                12 => record.tags = Some(r.list(tag)?),
                13 => versions = Some(r.list(Version::decode)?),
                14 => record.rotation = Some(Rotation::decode(r)?),
                15 => record.policy = Some(r.text()?),
                17 => replicas = Some(r.list(Replica::decode)?),
                18 => record.secret_type = Some(r.text()?),
                19 => primary_region = Some(r.text()?),
                20 => record.progress = Some(Progress::decode(r)?),
                21 => record.cross_replica = Some(CrossReplica::decode(r)?),
                22 => record.cross_primary = Some(CrossPrimary::decode(r)?),
                23 => record.former_names = r.list(Reader::text)?,
                24 => record.access_key = Some(AccessKey::decode(r)?),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        reader.finish()?;
        record.namespace = namespace.ok_or(Malformed)?;
        record.name = name.ok_or(Malformed)?;
        record.arn_suffix = arn_suffix.ok_or(Malformed)?;
        record.created = created.ok_or(Malformed)?;
        record.changed = changed.ok_or(Malformed)?;
        record.revision = revision.ok_or(Malformed)?;
        record.versions = versions.ok_or(Malformed)?;
        record.deletion = match (requested, due) {
            (Some(requested), Some(due)) => Some(Deletion { requested, due }),
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => return Err(Malformed),
        };
        record.replication = match (replicas, primary_region) {
            (replicas, None) => Replication::Primary(replicas.unwrap_or_default()),
            (None, Some(primary_region)) => Replication::Replica { primary_region },
            (Some(_), Some(_)) => return Err(Malformed),
        };
        if record.is_of_one_kind() && record.is_within_limits() {
            Ok(record)
        } else {
            Err(Malformed)
        }
    }

    /// Whether it follows at most one secret, and nobody follows it who would follow another then.
    fn is_of_one_kind(&self) -> bool {
        let is_in_place = self.namespace == Namespace::of_access_keys();
        if self.access_key.is_some() || is_in_place {
            return self.access_key.is_some() && is_in_place && self.has_nothing_of_a_secret();
        }
        let (has_cross_replica, is_cross_replica) =
            (self.cross_replica.is_some(), self.cross_primary.is_some());
        match &self.replication {
            Replication::Replica { .. } => !has_cross_replica && !is_cross_replica,
            Replication::Primary(replicas) => {
                !is_cross_replica || !has_cross_replica && replicas.is_empty()
            }
        }
    }

    /// What docs/format.md, "Limits", says of a record and nothing else would.
    fn is_within_limits(&self) -> bool {
        let tags = self.tags.as_ref().map_or(0, Vec::len);
        (1..=MAX_NAME).contains(&self.name.chars().count())
            && tags <= MAX_TAGS
            && self.former_names.len() <= MAX_FORMER_NAMES
    }

    pub(super) fn blank(rid: u64) -> Self {
        Self {
            rid,
            namespace: Namespace { account: String::new(), region: String::new() },
            name: String::new(),
            arn_suffix: String::new(),
            description: None,
            kms_key_id: None,
            created: Timestamp(0),
            changed: Timestamp(0),
            accessed: None,
            rotated: None,
            deletion: None,
            revision: 0,
            tags: None,
            versions: Vec::new(),
            rotation: None,
            progress: None,
            policy: None,
            replication: Replication::Primary(Vec::new()),
            cross_replica: None,
            cross_primary: None,
            former_names: Vec::new(),
            secret_type: None,
            access_key: None,
            unknown: Unknown::default(),
        }
    }

    /// A record for a new secret, with no version yet.
    pub(crate) fn new(
        namespace: Namespace,
        name: String,
        arn_suffix: String,
        now: Timestamp,
    ) -> Self {
        Self { namespace, name, arn_suffix, created: now, changed: now, ..Self::blank(0) }
    }
}

fn tag(reader: &mut Reader<'_>) -> Result<(String, String), Malformed> {
    let pair = reader.list(Reader::text)?;
    <[String; 2]>::try_from(pair).map(|[key, value]| (key, value)).map_err(|_count| Malformed)
}

#[cfg(test)]
mod tests {
    use super::super::progress::Purpose;
    use super::super::rotation::{Command, Protocol};
    use super::*;

    fn full() -> Record {
        let namespace = Namespace { account: "000000000000".into(), region: "local-1".into() };
        let mut record = Record::new(namespace, "app/db".into(), "a1B2c3".into(), Timestamp(1_000));
        record.rid = 7;
        record.description = Some("the database".into());
        record.accessed = Some(Timestamp(3 * DAY_MS));
        record.deletion = Some(Deletion { requested: Timestamp(5), due: Timestamp(6) });
        record.tags = Some(vec![("env".into(), "prod".into()), ("empty".into(), String::new())]);
        let stored = StoredValue { vid: 9, pin: [4; 32], kind: ValueKind::Binary, len: 11 };
        let mut version = Version::new("v".repeat(32), Some(stored), Timestamp(2_000));
        version.stages = vec!["AWSCURRENT".into(), "blue".into()];
        version.accessed = Some(Timestamp(0));
        record.versions = vec![version, Version::new("w".repeat(32), None, Timestamp(3_000))];
        record.policy = Some("{}".into());
        record.former_names = vec!["app/old".into(), "old".into()];
        let command = Command::new(vec!["/opt/rotate".into()], Protocol::Lambda);
        record.rotation = Some(Rotation {
            enabled: true,
            function: "arn:local:exec:/opt/rotate".into(),
            command,
            rules: None,
            external: Vec::new(),
            configured: Timestamp(1),
            current: None,
            unknown: Unknown::default(),
        });
        record.progress = Some(Progress::new("w".repeat(32), Purpose::Rotate, Timestamp(2)));
        let taken = Replica {
            state: ReplicaState::NameTaken,
            ..Replica::new("us-east-1".to_owned(), Some("alias/us".to_owned()))
        };
        let in_sync = Replica::new("eu-west-1".to_owned(), None);
        record.replication = Replication::Primary(vec![taken, in_sync]);
        record
    }

    #[test]
    fn a_record_is_read_back_as_written() {
        let mut record = full();
        assert!(Record::decode(7, &record.encode()).unwrap() == record);
        record.replication = Replication::Replica { primary_region: "local-1".into() };
        assert!(Record::decode(7, &record.encode()).unwrap() == record);
    }

    #[test]
    fn a_record_is_no_primary_and_replica_at_once() {
        let encode = |members: &[u64]| {
            let none = Unknown::default();
            let mut map = MapWriter::with(&none);
            map.member(0).text("000000000000/local-1");
            map.member(1).text("db");
            map.member(2).text("a1B2c3");
            map.member(5).signed(1);
            map.member(6).signed(1);
            map.member(11).number(0);
            map.member(13).list(0);
            for member in members {
                match member {
                    17 => map.member(17).list(1).map(Replica::new("eu-1".into(), None).encode()),
                    _ => map.member(19).text("us-1"),
                };
            }
            map.finish()
        };
        for (members, is_record) in [(&[17][..], true), (&[19], true), (&[17, 19], false)] {
            assert_eq!(Record::decode(7, &encode(members)).is_ok(), is_record, "{members:?}");
        }
    }

    #[test]
    fn no_prefix_of_a_record_is_a_record() {
        let bytes = full().encode();
        for end in 0..bytes.len() {
            assert!(Record::decode(7, &bytes[..end]).is_err(), "{end} bytes");
        }
    }
}
