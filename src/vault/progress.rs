//! A rotation that was begun and is not finished: member 20 of a record, docs/format.md "Rotation".

use super::cbor::{Malformed, MapWriter, Reader, Unknown};
use crate::model::time::Timestamp;

/// A rotation that was begun and is not finished, or a test of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    /// The version it makes, which is the request's token.
    pub(crate) token: String,
    /// Whether it rotates or only tests.
    pub(crate) purpose: Purpose,
    /// When it was begun.
    pub(crate) began: Timestamp,
    /// How many attempts failed so that the next comes later.
    pub(crate) failures: u64,
    /// When it may be retried automatically.
    pub(crate) next_attempt: Timestamp,
    /// Whether it is retried automatically.
    pub(crate) outlook: Outlook,
    /// The step that failed last and how its program ended; nothing that it wrote.
    pub(crate) last_error: Option<String>,
    /// Who is at work on it; `None` where nobody is.
    pub(crate) lease: Option<Lease>,
    /// What a later version wrote.
    pub(crate) unknown: Unknown,
}

/// A process that is at work on a rotation. The vault may be on a disk that machines share, where no
/// lock of a file tells them of each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lease {
    /// Who it is.
    pub(crate) holder: Holder,
    /// When it has ended at the latest, even if it was stopped meanwhile.
    pub(crate) until: Timestamp,
    /// What a later version wrote.
    pub(crate) unknown: Unknown,
}

/// A process on a machine. What is not known is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Holder {
    /// The machine's name.
    pub(crate) host: String,
    /// What tells the machine from others of that name.
    pub(crate) machine: String,
    /// What tells this run of the system from the next.
    pub(crate) boot: String,
    /// The process.
    pub(crate) pid: u64,
}

impl Lease {
    /// A process that begins.
    pub(crate) fn new(holder: Holder, until: Timestamp) -> Self {
        Self { holder, until, unknown: Unknown::default() }
    }

    fn encode(&self) -> MapWriter<'_> {
        let mut map = MapWriter::with(&self.unknown);
        map.member(0).text(&self.holder.host);
        map.member(1).text(&self.holder.machine);
        map.member(2).text(&self.holder.boot);
        map.member(3).number(self.holder.pid);
        map.member(4).signed(self.until.0);
        map
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (mut host, mut machine, mut boot, mut pid, mut until) = (None, None, None, None, None);
        let unknown = reader.map(|r, key| {
            match key {
                0 => host = Some(r.text()?),
                1 => machine = Some(r.text()?),
                2 => boot = Some(r.text()?),
                3 => pid = Some(r.number()?),
                4 => until = Some(r.time()?),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        let holder = Holder {
            host: host.ok_or(Malformed)?,
            machine: machine.ok_or(Malformed)?,
            boot: boot.ok_or(Malformed)?,
            pid: pid.ok_or(Malformed)?,
        };
        Ok(Self { holder, until: until.ok_or(Malformed)?, unknown })
    }
}

/// What a rotation is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A new value.
    Rotate,
    /// To see whether one could be made: `testSecret` alone, on a copy of the current value.
    TestOnly,
}

/// What becomes of a rotation that is not finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outlook {
    /// It is tried again.
    Open,
    /// Its program says that its settings are wrong: a person has to run it.
    Misconfigured,
    /// It failed too often: a person has to run it.
    Orphaned,
    /// It was cancelled: a person has to resume it, drop its version or promote that.
    Cancelled,
}

impl Progress {
    /// Returns when it is tried again; `None` where that needs a person.
    pub(crate) fn tried_again(&self) -> Option<Timestamp> {
        (self.outlook == Outlook::Open).then_some(self.next_attempt)
    }

    /// A rotation that begins now.
    pub(crate) fn new(token: String, purpose: Purpose, now: Timestamp) -> Self {
        Self {
            token,
            purpose,
            began: now,
            failures: 0,
            next_attempt: now,
            outlook: Outlook::Open,
            last_error: None,
            lease: None,
            unknown: Unknown::default(),
        }
    }

    pub(super) fn encode(&self) -> MapWriter<'_> {
        let mut map = MapWriter::with(&self.unknown);
        map.member(0).text(&self.token);
        map.member(1).number(match self.purpose {
            Purpose::Rotate => 0,
            Purpose::TestOnly => 1,
        });
        map.member(2).signed(self.began.0);
        map.member(3).number(self.failures);
        map.member(4).signed(self.next_attempt.0);
        map.member(5).number(match self.outlook {
            Outlook::Open => 0,
            Outlook::Misconfigured => 1,
            Outlook::Orphaned => 2,
            Outlook::Cancelled => 3,
        });
        map.optional(6, self.last_error.as_ref(), |w, text| w.text(text));
        map.optional(7, self.lease.as_ref(), |w, lease| w.map(lease.encode()));
        map
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (mut token, mut purpose, mut began) = (None, None, None);
        let (mut failures, mut next_attempt, mut outlook, mut last_error) =
            (None, None, None, None);
        let mut lease = None;
        let unknown = reader.map(|r, key| {
            match key {
                0 => token = Some(r.text()?),
                1 => purpose = Some(r.number()?),
                2 => began = Some(r.time()?),
                3 => failures = Some(r.count()?),
                4 => next_attempt = Some(r.time()?),
                5 => outlook = Some(r.number()?),
                6 => last_error = Some(r.text()?),
                7 => lease = Some(Lease::decode(r)?),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        let purpose = match purpose {
            Some(0) => Purpose::Rotate,
            Some(1) => Purpose::TestOnly,
            Some(_) | None => return Err(Malformed),
        };
        let outlook = match outlook {
            Some(0) => Outlook::Open,
            Some(1) => Outlook::Misconfigured,
            Some(2) => Outlook::Orphaned,
            Some(3) => Outlook::Cancelled,
            Some(_) | None => return Err(Malformed),
        };
        Ok(Self {
            token: token.ok_or(Malformed)?,
            purpose,
            began: began.ok_or(Malformed)?,
            failures: failures.ok_or(Malformed)?,
            next_attempt: next_attempt.ok_or(Malformed)?,
            outlook,
            last_error,
            lease,
            unknown,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_read_back_as_written() {
        let mut progress = Progress::new("v".repeat(32), Purpose::TestOnly, Timestamp(-7));
        for outlook in
            [Outlook::Open, Outlook::Misconfigured, Outlook::Orphaned, Outlook::Cancelled]
        {
            progress.outlook = outlook;
            progress.failures += 1;
            let bytes = progress.encode().finish();
            assert!(Progress::decode(&mut Reader::new(&bytes)) == Ok(progress.clone()));
            for end in 0..bytes.len() {
                let cut = &bytes[..end];
                assert!(Progress::decode(&mut Reader::new(cut)).is_err(), "{end} bytes");
            }
            progress.purpose = Purpose::Rotate;
            progress.last_error = Some("setSecret: exit status 1".to_owned());
            let holder = Holder { host: "box".to_owned(), pid: 7, ..Holder::default() };
            let until = Timestamp(9);
            progress.lease = Some(Lease::new(holder, until));
        }
    }
}
