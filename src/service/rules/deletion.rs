//! Deleting with a way back: recovery windows, and what a secret inside one still answers
//! (docs/behaviour.md, "Deletion").

use crate::model::order;
use crate::model::time::Timestamp;
use crate::service::fault::Fault;

/// How to delete a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deletion {
    /// At once, without a way back.
    Now,
    /// When this many days have passed.
    After {
        /// The recovery window.
        days: i64,
    },
}

/// Whether a secret is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is.
    Active,
    /// It is inside its recovery window.
    Scheduled,
    /// Its window is over. It is gone for every reader, even while its bytes are still there.
    Gone,
}

impl Deletion {
    /// Reads what `delete-secret` was asked for; the window counts only where one was given.
    ///
    /// `force` is `Some(false)` for `--no-force-delete-without-recovery`, which is as good as
    /// nothing.
    pub(crate) fn asked(force: Option<bool>, window: Option<i64>) -> Result<Self, Fault> {
        match (force == Some(true), window) {
            // The range comes first, as in AWS (docs/behaviour.md, "Deletion").
            (_, Some(days)) if !(MIN_DAYS..=MAX_DAYS).contains(&days) => Err(bad_window()),
            (true, Some(_)) => Err(contradiction()),
            (true, None) => Ok(Self::Now),
            (false, None) => Ok(Self::After { days: DEFAULT_DAYS }),
            (false, Some(days)) => Ok(Self::After { days }),
        }
    }

    /// Returns `DeletionDate`: the moment from which the secret is gone.
    pub(crate) fn date(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Now => now,
            Self::After { days } => now.plus_days(days),
        }
    }

    /// Refuses to delete a secret that cannot be deleted so: one whose replicas live on, or one
    /// whose window already runs, unless it is to go at once.
    pub(crate) fn check(
        self,
        standing: Standing,
        arn: &str,
        replicas: &[&str],
    ) -> Result<(), Fault> {
        if standing == Standing::Gone {
            return Err(Fault::secret_not_found());
        }
        if !replicas.is_empty() {
            return Err(has_replicas(arn, replicas));
        }
        match (self, standing) {
            (Self::After { .. }, Standing::Scheduled) => Err(Fault::marked_for_deletion()),
            (Self::Now | Self::After { .. }, _) => Ok(()),
        }
    }
}

impl Standing {
    /// Returns the state of a secret with this `DeletionDate`, if any.
    pub(crate) fn of(deletion_date: Option<Timestamp>, now: Timestamp) -> Self {
        match deletion_date {
            None => Self::Active,
            Some(date) if now < date => Self::Scheduled,
            Some(_) => Self::Gone,
        }
    }

    /// Refuses what cannot be done to a secret that is to be deleted: everything but describing
    /// it, listing its versions, restoring and deleting it.
    pub(crate) fn require_active(self) -> Result<(), Fault> {
        match self {
            Self::Active => Ok(()),
            Self::Scheduled => Err(Fault::marked_for_deletion()),
            Self::Gone => Err(Fault::secret_not_found()),
        }
    }

    /// Refuses to make a secret under a name that is still kept for one to be restored. Whether
    /// an active one's name may be used again is for [`super::idempotency::create`] to say.
    pub(crate) fn require_name_not_kept(self) -> Result<(), Fault> {
        match self {
            Self::Active | Self::Gone => Ok(()),
            Self::Scheduled => Err(name_kept()),
        }
    }
}

fn contradiction() -> Fault {
    Fault::invalid_parameter(
        "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
    )
}

fn bad_window() -> Fault {
    Fault::invalid_parameter(
        "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).",
    )
}

fn has_replicas(arn: &str, replicas: &[&str]) -> Fault {
    let mut regions = replicas.to_vec();
    order::sort_all(&mut regions);
    let regions = regions.join(", ");
    Fault::invalid_parameter(format!(
        "You can't delete secret {arn} that still has replica regions [{regions}]."
    ))
}

fn name_kept() -> Fault {
    Fault::invalid_request(
        "You can't create this secret because a secret with this name is already scheduled for \
         deletion.",
    )
}

const DEFAULT_DAYS: i64 = 30;
const MIN_DAYS: i64 = 7;
const MAX_DAYS: i64 = 30;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::DAY_MS;
    use crate::service::fault::Code;

    const NOW: Timestamp = Timestamp(1_700_000_000_123);
    const ARN: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf";

    #[test]
    fn windows_are_seven_to_thirty_days() {
        let range = "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).";
        let both =
            "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.";
        let after = |days| Ok(Deletion::After { days });
        for (force, window, expected) in [
            (None, None, after(30)),
            (Some(false), None, after(30)),
            (None, Some(7), after(7)),
            (None, Some(30), after(30)),
            (Some(false), Some(7), after(7)),
            (Some(true), None, Ok(Deletion::Now)),
            (None, Some(6), Err(range)),
            (None, Some(31), Err(range)),
            (None, Some(0), Err(range)),
            (None, Some(-1), Err(range)),
            (None, Some(i64::MAX), Err(range)),
            (Some(true), Some(7), Err(both)),
            (Some(true), Some(30), Err(both)),
            // AWS finds a bad window before it finds that there is one beside force.
            (Some(true), Some(0), Err(range)),
            (Some(true), Some(6), Err(range)),
            (Some(true), Some(31), Err(range)),
        ] {
            let asked = Deletion::asked(force, window);
            assert_eq!(asked, expected.map_err(Fault::invalid_parameter));
        }
    }

    #[test]
    fn the_date_keeps_its_milliseconds() {
        assert_eq!(Deletion::Now.date(NOW), NOW);
        assert_eq!(Deletion::After { days: 7 }.date(NOW), Timestamp(NOW.0 + 7 * DAY_MS));
        assert_eq!(Deletion::After { days: 30 }.date(Timestamp(i64::MAX)), Timestamp(i64::MAX));
    }

    #[test]
    fn a_secret_is_gone_from_its_date_on() {
        for (date, standing) in [
            (None, Standing::Active),
            (Some(NOW.0 + 1), Standing::Scheduled),
            (Some(NOW.0), Standing::Gone),
            (Some(NOW.0 - 1), Standing::Gone),
        ] {
            assert_eq!(Standing::of(date.map(Timestamp), NOW), standing);
        }
    }

    #[test]
    fn a_scheduled_secret_answers_little() {
        let marked =
            "You can't perform this operation on the secret because it was marked for deletion.";
        let missing = "Secrets Manager can't find the specified secret.";
        let kept = "You can't create this secret because a secret with this name is already \
             scheduled for deletion.";
        let soon = Deletion::After { days: 7 };
        for (standing, active, name, delete, force) in [
            (Standing::Active, None, None, None, None),
            (Standing::Scheduled, Some(marked), Some(kept), Some(marked), None),
            (Standing::Gone, Some(missing), None, Some(missing), Some(missing)),
        ] {
            for (outcome, expected) in [
                (standing.require_active(), active),
                (standing.require_name_not_kept(), name),
                (soon.check(standing, ARN, &[]), delete),
                (Deletion::Now.check(standing, ARN, &[]), force),
            ] {
                let message = outcome.err().map(|fault| fault.message);
                assert_eq!(message.as_deref(), expected, "{standing:?}");
            }
        }
        assert_eq!(Standing::Scheduled.require_active().unwrap_err().code, Code::InvalidRequest);
        assert_eq!(Standing::Gone.require_active().unwrap_err().code, Code::ResourceNotFound);
        assert_eq!(
            Standing::Scheduled.require_name_not_kept().unwrap_err().code,
            Code::InvalidRequest
        );
    }

    #[test]
    fn replicas_go_first() {
        for deletion in [Deletion::Now, Deletion::After { days: 7 }] {
            let fault = deletion
                .check(Standing::Active, ARN, &["us-east-1", "ap-northeast-2"])
                .unwrap_err();
            assert_eq!(fault.code, Code::InvalidParameter);
            assert_eq!(
                fault.message,
                "You can't delete secret arn:aws:secretsmanager:eu-west-1:123456789012:secret:\
                 db-AbCdEf that still has replica regions [ap-northeast-2, us-east-1]."
            );
        }
    }
}
