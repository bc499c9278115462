//! What a derivation costs, in numbers.

use std::fmt;

/// What one derivation costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KdfParameters {
    pub(crate) memory_kib: u32,
    /// Passes over the memory.
    pub(crate) passes: u32,
    /// Lanes that can be computed at once.
    pub(crate) lanes: u32,
}

impl KdfParameters {
    /// What a new slot costs where nothing was measured.
    pub(crate) const DEFAULT: Self = Self { memory_kib: 256 * MIB, passes: 3, lanes: 4 };
    /// The least a new slot may cost (RFC 9106, second choice).
    pub(crate) const FLOOR_TO_CREATE: Self = Self { memory_kib: 64 * MIB, passes: 3, lanes: 4 };
    /// The least that is opened without being allowed, and created when it is; tests use it.
    pub(crate) const FLOOR_TO_OPEN: Self = Self { memory_kib: 19 * MIB, passes: 2, lanes: 1 };

    /// Memory times passes, to which the time is proportional.
    pub(super) fn work_kib(self) -> u64 {
        u64::from(self.memory_kib).saturating_mul(self.passes.into())
    }
}

/// As in "256 MiB, 3 passes, 4 lanes".
impl fmt::Display for KdfParameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.memory_kib / MIB, self.memory_kib % MIB) {
            (mib, 0) => write!(f, "{mib} MiB, ")?,
            (_, _) => write!(f, "{} KiB, ", self.memory_kib)?,
        }
        let plural = |n| if n == 1 { "" } else { "s" };
        write!(f, "{} pass{}, ", self.passes, if self.passes == 1 { "" } else { "es" })?;
        write!(f, "{} lane{}", self.lanes, plural(self.lanes))
    }
}

pub(super) const MIB: u32 = 1024;
