//! Whether another process is at work on a rotation: of this machine, which can be asked about it, or
//! of another one that shares the disk, which cannot.
//!
//! The lock of a file, which every rotation holds too, is known to one machine and one user only.

use super::error::Error;
use crate::model::time::Timestamp;
use crate::programs::output;
use crate::service::failure::Failure;
use crate::service::fault::Fault;
use crate::service::rotation::{self as service, refusals};
use crate::sys::process::{self, Actor};
use crate::vault::progress::{Holder, Lease};

/// What to do where another machine began a rotation and should have ended it by now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum OnLease {
    /// Leave it alone.
    #[default]
    Respect,
    /// Go on with it: a person says that nothing of it runs any more.
    Break,
}

/// Returns the process that a rotation lives and dies with, as others see it: the agent stops one when
/// whoever asked for it is gone.
pub(super) fn own(actor: &Actor) -> Holder {
    let (machine, boot) = (process::machine_id(), process::boot_id());
    Holder { host: actor.host.clone(), machine, boot, pid: u64::from(actor.pid) }
}

/// Requires that nobody is at work any more.
///
/// # Errors
/// AWS's answer where somebody is. Another machine may be until the lease ends; after that a person
/// has to say that it is not.
pub(super) fn must_be_free(
    lease: &Lease,
    own: &Holder,
    on_lease: OnLease,
    now: Timestamp,
) -> Result<(), Error> {
    match state(lease, own, now) {
        LeaseState::Free => Ok(()),
        LeaseState::Busy => Err(Error::AtWork(refusals::not_complete().into())),
        LeaseState::Elsewhere => Err(elsewhere(lease, "is at work on it").into()),
        LeaseState::Over if on_lease == OnLease::Break => Ok(()),
        LeaseState::Over => Err(elsewhere(
            lease,
            "began it and never said how it ended; if nothing of it runs there any more, \
             `rotate-secret --break-lease` goes on with it",
        )
        .into()),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LeaseState {
    /// Its process is gone.
    Free,
    /// A process of this machine is at work.
    Busy,
    /// One of another machine may be.
    Elsewhere,
    /// One of another machine should have ended by now.
    Over,
}

fn state(lease: &Lease, own: &Holder, now: Timestamp) -> LeaseState {
    let Lease { holder, until, .. } = lease;
    let is_current = now < *until && until.0.saturating_sub(now.0) <= service::longest_lease();
    let is_same_machine = holder.host == own.host && holder.machine == own.machine;
    let is_known = is_same_machine && !own.machine.is_empty();
    if is_same_machine && holder.boot == own.boot {
        let is_running = holder.pid != own.pid && process::is_running(holder.pid);
        // Its number may be another process's by now.
        if is_running && is_current { LeaseState::Busy } else { LeaseState::Free }
    } else if is_known {
        LeaseState::Free
    } else if is_current {
        LeaseState::Elsewhere
    } else {
        LeaseState::Over
    }
}

fn elsewhere(lease: &Lease, what: &str) -> Failure {
    let Fault { code, message, .. } = refusals::not_complete();
    let host = output::visible(&lease.holder.host);
    Fault::new(code, format!("{message} The machine {host} {what}.")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_that_cannot_be_asked_are_waited_for() {
        let own = Holder {
            host: "box".to_owned(),
            machine: "m".to_owned(),
            boot: "b".to_owned(),
            pid: u64::from(std::process::id()),
        };
        let gone = 0x7fff_fff0;
        let holder = |host: &str, machine: &str, boot: &str, pid| Holder {
            host: host.to_owned(),
            machine: machine.to_owned(),
            boot: boot.to_owned(),
            pid,
        };
        for (holder, before, after) in [
            (holder("box", "m", "b", own.pid), LeaseState::Free, LeaseState::Free),
            (holder("box", "m", "b", gone), LeaseState::Free, LeaseState::Free),
            (holder("box", "m", "b", 1), LeaseState::Busy, LeaseState::Free),
            (holder("box", "m", "earlier", 1), LeaseState::Free, LeaseState::Free),
            (holder("box", "other", "b", 1), LeaseState::Elsewhere, LeaseState::Over),
            (holder("other", "m", "b", 1), LeaseState::Elsewhere, LeaseState::Over),
            (holder("", "", "", 0), LeaseState::Elsewhere, LeaseState::Over),
        ] {
            let lease = Lease::new(holder, Timestamp(10));
            assert_eq!(state(&lease, &own, Timestamp(9)), before, "{lease:?}");
            assert_eq!(state(&lease, &own, Timestamp(10)), after, "{lease:?}");
            // A clock that was ahead wrote an end that no rotation needs, and nobody could break it
            // before that came.
            let until = Timestamp(9 + service::longest_lease() + 1);
            let lease = Lease { until, ..lease };
            assert_eq!(state(&lease, &own, Timestamp(9)), after, "{lease:?}");
        }
        // Two that nothing tells apart are not taken for one.
        let nameless = Holder { machine: String::new(), ..own };
        let holder = Holder { boot: "other".to_owned(), ..nameless.clone() };
        let lease = Lease::new(holder, Timestamp(10));
        assert_eq!(state(&lease, &nameless, Timestamp(9)), LeaseState::Elsewhere);
    }
}
