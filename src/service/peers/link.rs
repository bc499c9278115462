//! What two vaults tell each other of a primary and its replica.

use crate::model::value::Value;
use crate::service::context::Context;
use crate::service::failure::Failure;
use crate::service::fault::Fault;
use crate::service::rules::arn;
use crate::vault::across::{Bond, Trouble};
use crate::vault::peers::Seen;
use crate::vault::record::Record;

structure! {
    /// A vault as it shows itself.
    pub(crate) struct Identity {
        /// Its id, hexadecimal.
        vault: String => "VaultId",
        account: String => "Account",
        region: String => "Region",
        generation: i64 => "Generation",
        /// The id of its newest commit.
        commit: Vec<i64> => "Commit",
        is_read_only: bool => "ReadOnly",
    }
}

structure! {
    /// What a primary says of itself and its replica.
    pub(crate) struct Link {
        /// The primary's ARN.
        primary_arn: String => "PrimaryARN",
        replica_arn: String => "ReplicaARN",
        /// Whether the replica is to follow; otherwise it is to be let go.
        is_attached: bool => "Attached",
        /// What the replica is to be a copy of.
        edition: i64 => "Edition",
        /// What it may be a copy of; anything, if empty.
        held: Vec<i64> => "Held",
    }
}

structure! {
    /// What came of telling a peer.
    pub(crate) struct Outcome {
        primary_arn: String => "PrimaryARN",
        replica_arn: String => "ReplicaARN",
        /// Whether it was told to follow.
        is_attached: bool => "Attached",
        /// The edition that the replica is a copy of now.
        edition: Option<i64> => "Edition",
        /// Whether the replica knows that it does not follow, or is a secret of its own.
        is_free: bool => "Free",
        /// The number of what is in the way.
        trouble: Option<i64> => "Trouble",
        /// The newest state seen of the peer.
        generation: Option<i64> => "Generation",
        commit: Option<Vec<i64>> => "Commit",
    }
}

impl Link {
    /// Says it once more.
    pub(super) fn again(&self) -> Self {
        Self {
            primary_arn: self.primary_arn.clone(),
            replica_arn: self.replica_arn.clone(),
            is_attached: self.is_attached,
            edition: self.edition,
            held: self.held.clone(),
        }
    }
}

impl Identity {
    /// Returns the state that it shows.
    pub(crate) fn seen(&self) -> Option<Seen> {
        seen(self.generation, &self.commit)
    }
}

/// Reads a state as it is told.
pub(super) fn seen(generation: i64, commit: &[i64]) -> Option<Seen> {
    let byte = |byte: &i64| u8::try_from(*byte).ok();
    let commit_id: Vec<u8> = commit.iter().map(byte).collect::<Option<_>>()?;
    let commit_id = commit_id.try_into().ok()?;
    Some(Seen { generation: u64::try_from(generation).ok()?, commit_id })
}

/// Tells a state.
pub(crate) fn told(seen: Seen) -> (i64, Vec<i64>) {
    let generation = i64::try_from(seen.generation).unwrap_or(i64::MAX);
    (generation, seen.commit_id.iter().map(|byte| i64::from(*byte)).collect())
}

/// Numbers are told signed; none here is so high that it would not fit.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

pub(super) fn trouble_member(trouble: Trouble) -> (String, Value) {
    ("Trouble".to_owned(), Value::Integer(signed(trouble.number())))
}

/// Reads the trouble in an answer.
pub(super) fn trouble_in(answer: &Value) -> Option<Trouble> {
    match answer.get("Trouble") {
        Some(Value::Integer(number)) => Trouble::numbered(unsigned(*number)),
        Some(_) | None => None,
    }
}

/// Returns what a primary says.
pub(super) fn link_of(record: &Record) -> Option<Link> {
    let replica = record.cross_replica.as_ref()?;
    let is_attached = match replica.bond {
        Bond::Attached => true,
        Bond::Detaching => false,
        Bond::Detached => return None,
    };
    Some(Link {
        primary_arn: arn::arn_of(record),
        replica_arn: replica.arn.clone(),
        is_attached,
        edition: signed(replica.edition),
        held: replica.held.iter().map(|edition| signed(*edition)).collect(),
    })
}

/// Finds the secret of a whole ARN, in its own region.
pub(super) fn find(cx: &mut Context<'_, '_>, arn: &str) -> Result<Option<Record>, Failure> {
    let Some(region) = arn::region_of(arn) else { return Ok(None) };
    match cx.look_up(region, arn) {
        Ok(found) => Ok(found),
        Err(Failure::Fault(Fault { .. })) => Ok(None),
        Err(failure) => Err(failure),
    }
}
