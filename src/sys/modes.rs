//! Modes of files that mean nothing, or that the user can do nothing about: sticks whose file system
//! has none, secrets that a container is given.
//!
//! What others may write is never taken; what they may read is, if the user says so.

use std::sync::atomic::{AtomicBool, Ordering};

static READERS_ARE_ACCEPTED: AtomicBool = AtomicBool::new(false);

/// From now on, files that others may read are taken: the user answers for who these are.
pub(crate) fn accept_readers() {
    READERS_ARE_ACCEPTED.store(true, Ordering::Relaxed);
}

/// Returns the bits of a mode for which a file must be refused.
pub(super) fn refused(bits: u32) -> u32 {
    refused_by(READERS_ARE_ACCEPTED.load(Ordering::Relaxed), bits)
}

fn refused_by(are_readers_accepted: bool, bits: u32) -> u32 {
    if are_readers_accepted { bits & WRITING } else { bits }
}

const WRITING: u32 = 0o022;

#[cfg(test)]
mod tests {
    use super::*;

    /// The advice was a `chmod` that has no effect there, or that only root could give.
    #[test]
    fn what_others_may_write_is_never_taken() {
        for (mode, strictly, accepting) in [
            (0o600, true, true),
            // A container's secret, a stick as a desktop mounts it, one that is open to all.
            (0o444, false, true),
            (0o755, false, true),
            (0o777, false, false),
            (0o620, false, false),
            (0o602, false, false),
        ] {
            assert_eq!(mode & refused_by(false, 0o077) == 0, strictly, "{mode:o}");
            assert_eq!(mode & refused_by(true, 0o077) == 0, accepting, "{mode:o}");
        }
        assert_eq!(refused_by(true, 0o037), 0o022);
        assert_eq!(refused(0o077), 0o077, "nobody has said so");
    }
}
