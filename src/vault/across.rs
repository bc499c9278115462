//! Replication into another account, which is another vault: what the primary's record says of the
//! replica, and the replica's of its primary. docs/format.md has the members' numbers.
//!
//! Two files cannot change in one transaction. So every change of the primary draws a new *edition*,
//! a random number; the replica says which edition it is a copy of, and the primary keeps all that
//! the replica may have until it is told. A replica of an edition that its primary does not know was
//! made by another copy of one of the two vaults.

use super::cbor::{Malformed, MapWriter, Reader, Unknown};

/// The most editions that a primary remembers while nobody tells it which one the replica has.
const MAX_EDITIONS: usize = 64;

/// The replica in another account, as its primary knows it: member 21 of the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CrossReplica {
    /// The replica's ARN: member 0, text.
    pub(crate) arn: String,
    /// The role named when it was associated, which is only shown: member 1, text.
    pub(crate) role_arn: Option<String>,
    /// Where the replica may be, which is only kept: member 2, a number.
    pub(crate) restriction: Option<Restriction>,
    /// Member 3, a number.
    pub(crate) bond: Bond,
    /// What the replica is to be a copy of: member 4, a number.
    pub(crate) edition: u64,
    /// What it may be a copy of, oldest first: member 5, a list of numbers. The first is what it was
    /// last heard to be. An empty one says that it may be a copy of anything: nothing is known of it
    /// since it was associated.
    pub(crate) held: Vec<u64>,
    /// Why it is not as it should be, as far as is known: member 6, a number.
    pub(crate) trouble: Option<Trouble>,
    /// What a later version wrote.
    pub(crate) unknown: Unknown,
}

/// Whether a replica follows, as its primary knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bond {
    /// It does: 0.
    Attached,
    /// It was disassociated, and has not been told: 1. Once it has, nothing is said of it any more.
    Detaching,
    /// It was made a secret of its own over there: 2. It is said until it is disassociated.
    Detached,
}

/// `ReplicaRestriction`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Restriction {
    /// `SameOrg`: 0.
    SameOrg,
    /// `NoRestriction`: 1.
    NoRestriction,
}

/// The primary in another account, as the replica knows it: member 22 of the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CrossPrimary {
    /// The primary's ARN: member 0, text.
    pub(crate) arn: String,
    /// The primary's edition that it is a copy of; `None` while it waits for the first: member 1, a
    /// number.
    pub(crate) edition: Option<u64>,
    /// Whether it does not follow any more: member 2, a number that is 1.
    pub(crate) is_detached: bool,
    /// What a later version wrote.
    pub(crate) unknown: Unknown,
}

/// Why a replica is not what its primary is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Trouble {
    /// No peer of its account is known: 0.
    NoPeer,
    /// The peer's file is not there: 1.
    Absent,
    /// Nothing opens it: 2.
    Locked,
    /// It can only be read: 3.
    ReadOnly,
    /// There is no space for it: 4.
    Full,
    /// Another process keeps it busy: 5.
    Busy,
    /// The peer was lost in the middle, or something else came up: 6.
    Failed,
    /// The file is damaged, or no vault: 7.
    Damaged,
    /// Another vault has its place: 8.
    OtherVault,
    /// The file is an older copy of the peer, or apart from what was seen of it: 9.
    OlderCopy,
    /// The file is of a later version of this program: 10.
    Newer,
    /// There is no such secret in the peer: 11.
    Missing,
    /// The secret in the peer does not wait for this primary, or is another's replica: 12.
    NotOurs,
    /// The replica is a copy of what this primary never was: 13.
    Apart,
    /// The peer refuses what the primary is: 14.
    Refused,
}

impl Trouble {
    /// All of them; each one's place is its number.
    pub(crate) const ALL: [Self; 15] = [
        Self::NoPeer,
        Self::Absent,
        Self::Locked,
        Self::ReadOnly,
        Self::Full,
        Self::Busy,
        Self::Failed,
        Self::Damaged,
        Self::OtherVault,
        Self::OlderCopy,
        Self::Newer,
        Self::Missing,
        Self::NotOurs,
        Self::Apart,
        Self::Refused,
    ];

    /// Returns its number.
    pub(crate) fn number(self) -> u64 {
        let place = Self::ALL.iter().position(|other| *other == self);
        place.and_then(|place| u64::try_from(place).ok()).unwrap_or_default()
    }

    /// Returns the trouble of this number.
    pub(crate) fn numbered(number: u64) -> Option<Self> {
        Self::ALL.get(usize::try_from(number).ok()?).copied()
    }

    /// Whether it is over when the peer can be written again: somebody has to do nothing else.
    pub(crate) fn passes(self) -> bool {
        self <= Self::Failed
    }
}

impl CrossReplica {
    /// A replica that is to be made a copy of this edition.
    pub(crate) fn new(arn: String, edition: u64) -> Self {
        Self {
            arn,
            role_arn: None,
            restriction: None,
            bond: Bond::Attached,
            edition,
            held: Vec::new(),
            trouble: None,
            unknown: Unknown::default(),
        }
    }

    /// Whether the replica has to be told something.
    pub(crate) fn waits(&self) -> bool {
        match self.bond {
            Bond::Attached => !self.is_in_sync(),
            Bond::Detaching => true,
            Bond::Detached => false,
        }
    }

    /// Whether the replica is known to be a copy of what the primary is.
    pub(crate) fn is_in_sync(&self) -> bool {
        self.held == [self.edition]
    }

    /// The primary changes: the replica has to become a copy of this edition.
    pub(crate) fn change_to(&mut self, edition: u64) {
        if !self.held.is_empty() && self.held.last() != Some(&self.edition) {
            self.held.push(self.edition);
        }
        self.edition = edition;
        // What it was last heard to be stays: without it, a replica whose vault was away for many
        // changes would count as one that was changed apart.
        let surplus = self.held.len().saturating_sub(MAX_EDITIONS);
        if surplus > 0 {
            self.held.drain(1..=surplus);
        }
    }

    /// Whether a replica of this edition is a copy of something that the primary was.
    pub(crate) fn knows(&self, edition: u64) -> bool {
        self.held.is_empty() || edition == self.edition || self.held.contains(&edition)
    }

    pub(super) fn encode(&self) -> MapWriter<'_> {
        let mut map = MapWriter::with(&self.unknown);
        map.member(0).text(&self.arn);
        map.optional(1, self.role_arn.as_ref(), |w, text| w.text(text));
        map.optional(2, self.restriction, |w, restriction| {
            w.number(match restriction {
                Restriction::SameOrg => 0,
                Restriction::NoRestriction => 1,
            })
        });
        map.member(3).number(match self.bond {
            Bond::Attached => 0,
            Bond::Detaching => 1,
            Bond::Detached => 2,
        });
        map.member(4).number(self.edition);
        let writer = map.member(5).list(self.held.len());
        for edition in &self.held {
            writer.number(*edition);
        }
        map.optional(6, self.trouble, |w, trouble| w.number(trouble.number()));
        map
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (mut arn, mut role_arn, mut restriction) = (None, None, None);
        let (mut bond, mut edition, mut held, mut trouble) = (None, None, None, None);
        let unknown = reader.map(|r, key| {
            match key {
                0 => arn = Some(r.text()?),
                1 => role_arn = Some(r.text()?),
                2 => {
                    restriction = Some(match r.number()? {
                        0 => Restriction::SameOrg,
                        1 => Restriction::NoRestriction,
                        _ => return Err(Malformed),
                    });
                }
                3 => {
                    bond = Some(match r.number()? {
                        0 => Bond::Attached,
                        1 => Bond::Detaching,
                        2 => Bond::Detached,
                        _ => return Err(Malformed),
                    });
                }
                4 => edition = Some(r.count()?),
                5 => held = Some(r.list(Reader::count)?),
                6 => trouble = Some(Trouble::numbered(r.number()?).ok_or(Malformed)?),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(Self {
            arn: arn.ok_or(Malformed)?,
            role_arn,
            restriction,
            bond: bond.ok_or(Malformed)?,
            edition: edition.ok_or(Malformed)?,
            held: held.filter(|held| held.len() <= MAX_EDITIONS).ok_or(Malformed)?,
            trouble,
            unknown,
        })
    }
}

impl CrossPrimary {
    /// The primary of a replica that waits to be associated.
    pub(crate) fn new(arn: String) -> Self {
        Self { arn, edition: None, is_detached: false, unknown: Unknown::default() }
    }

    pub(super) fn encode(&self) -> MapWriter<'_> {
        let mut map = MapWriter::with(&self.unknown);
        map.member(0).text(&self.arn);
        map.optional(1, self.edition, |w, edition| w.number(edition));
        map.optional(2, self.is_detached.then_some(1), |w, one| w.number(one));
        map
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (mut arn, mut edition, mut is_detached) = (None, None, false);
        let unknown = reader.map(|r, key| {
            match key {
                0 => arn = Some(r.text()?),
                1 => edition = Some(r.count()?),
                2 if r.number()? == 1 => is_detached = true,
                2 => return Err(Malformed),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(Self { arn: arn.ok_or(Malformed)?, edition, is_detached, unknown })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_primary_knows_what_its_replica_may_be() {
        let mut replica = CrossReplica::new("arn".to_owned(), 1);
        assert!(replica.waits() && !replica.is_in_sync() && replica.knows(9));
        replica.change_to(1);
        assert!(replica.held.is_empty());
        replica.held = vec![1];
        assert!(replica.is_in_sync() && !replica.waits());
        replica.change_to(2);
        assert!(!replica.is_in_sync() && replica.knows(1) && replica.knows(2));
        replica.change_to(3);
        assert_eq!(replica.held, [1, 2]);
        for edition in 4..200 {
            replica.change_to(edition);
        }
        assert_eq!(replica.held.len(), MAX_EDITIONS);
        assert!(replica.knows(199) && replica.knows(198) && !replica.knows(2));
        // Its vault was away for all of them.
        assert!(replica.knows(1));
    }

    #[test]
    fn a_trouble_is_its_number() {
        for (number, trouble) in (0..).zip(Trouble::ALL) {
            assert_eq!(trouble.number(), number);
            assert_eq!(Trouble::numbered(number), Some(trouble));
        }
        assert_eq!(Trouble::numbered(15), None);
        assert!(Trouble::Absent.passes() && !Trouble::OtherVault.passes());
    }
}
