//! Argon2id: what it may cost, what it should cost here, and the derivation itself.
//!
//! A cost that came from a file is checked before any work is done. Does not look at how much
//! memory the machine has; that is handed in.

pub(super) mod parameters;

use argon2::{Algorithm, Argon2, Params, Version};
pub(crate) use parameters::KdfParameters;
use parameters::MIB;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::crypto;
use crate::crypto::primitives::KeyBytes;
use crate::sys::clock::Clock;
use crate::sys::memory::{KdfMemory, scrub_stack};

/// What the user allowed when opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CostLimit {
    /// Nothing: what is done without being asked.
    Ordinary,
    /// As much as this program does at all (`--allow-costly-kdf`).
    Costly,
    /// As little as Argon2 defines (`--allow-weak-kdf`).
    Weak,
}

impl KdfParameters {
    /// Checks a cost that came from a file against what the user allowed. No work is done.
    pub(crate) fn check_open(self, limit: CostLimit) -> Result<(), crypto::Error> {
        self.check_bounds()?;
        if limit != CostLimit::Weak {
            self.check_floor(Self::FLOOR_TO_OPEN)?;
        }
        if limit != CostLimit::Costly
            && (self.memory_kib > 1024 * MIB || self.work_kib() > 4 * 1024 * u64::from(MIB))
        {
            return Err(crypto::Error::CostRefused { found: self });
        }
        Ok(())
    }

    /// Checks a cost for a new slot.
    pub(crate) fn check_create(self) -> Result<(), crypto::Error> {
        self.check_bounds()?;
        self.check_floor(Self::FLOOR_TO_CREATE)
    }

    /// Checks a cost for a new slot whose maker allowed a weak one.
    pub(crate) fn check_create_weak(self) -> Result<(), crypto::Error> {
        self.check_bounds()?;
        self.check_floor(Self::FLOOR_TO_OPEN)
    }

    /// Checks that the derivation fits into what the machine has, rather than be killed by it.
    pub(crate) fn check_memory(self, available_kib: Option<u64>) -> Result<(), crypto::Error> {
        match available_kib {
            Some(available) if available < u64::from(self.memory_kib) => {
                Err(crypto::Error::NoMemory { needed_kib: self.memory_kib })
            }
            Some(_) | None => Ok(()),
        }
    }

    fn check_bounds(self) -> Result<(), crypto::Error> {
        let within = self.memory_kib <= 4 * 1024 * MIB
            && self.memory_kib >= self.lanes.saturating_mul(8)
            && (1..=32).contains(&self.passes)
            && (1..=16).contains(&self.lanes)
            && self.work_kib() <= 16 * 1024 * u64::from(MIB);
        if within { Ok(()) } else { Err(crypto::Error::CostOutOfBounds { found: self }) }
    }

    fn check_floor(self, floor: Self) -> Result<(), crypto::Error> {
        if self.memory_kib < floor.memory_kib || self.passes < floor.passes {
            return Err(crypto::Error::CostTooLow { found: self, floor });
        }
        Ok(())
    }
}

/// Measures one derivation and returns the cost for new slots on this machine: the default, more
/// where it takes no more than 0.8 s, less where memory is short.
pub(crate) fn calibrate(available_kib: Option<u64>, clock: &dyn Clock) -> KdfParameters {
    let sample = KdfParameters::FLOOR_TO_CREATE;
    let measured = sample.check_memory(available_kib).and_then(|()| {
        let before = clock.now_ms();
        derive(sample, b"calibration", &[0; 32])?;
        Ok(clock.now_ms().saturating_sub(before))
    });
    choose(measured.ok().and_then(|ms| u64::try_from(ms).ok()), available_kib)
}

/// The cost where a derivation of the least cost takes `sample_ms`.
fn choose(sample_ms: Option<u64>, available_kib: Option<u64>) -> KdfParameters {
    let available = available_kib.unwrap_or(u64::MAX);
    // A clock that stood still or was set back has measured nothing.
    let estimate = |cost: KdfParameters| {
        let sample_ms = sample_ms.filter(|ms| *ms > 0)?;
        Some(sample_ms.saturating_mul(cost.work_kib()) / KdfParameters::FLOOR_TO_CREATE.work_kib())
    };
    if available < u64::from(512 * MIB) {
        let mut chosen = KdfParameters::FLOOR_TO_CREATE;
        while chosen.passes < 12 && estimate(chosen).is_some_and(|ms| ms < 300) {
            chosen.passes += 1;
        }
        return chosen;
    }
    let mut chosen = KdfParameters::DEFAULT;
    while chosen.memory_kib < 1024 * MIB {
        let more = KdfParameters { memory_kib: chosen.memory_kib * 2, ..chosen };
        let quick = estimate(more).is_some_and(|ms| ms <= 800);
        if !quick || u64::from(more.memory_kib) > available / 4 {
            break;
        }
        chosen = more;
    }
    chosen
}

/// Derives a key from a passphrase. The cost has been checked.
pub(super) fn derive(
    cost: KdfParameters,
    passphrase: &[u8],
    salt: &[u8; 32],
) -> Result<KeyBytes, crypto::Error> {
    let key = derive_leaving_traces(cost, passphrase, salt);
    scrub_stack();
    key
}

#[inline(never)]
fn derive_leaving_traces(
    cost: KdfParameters,
    passphrase: &[u8],
    salt: &[u8; 32],
) -> Result<KeyBytes, crypto::Error> {
    let undefined = crypto::Error::CostOutOfBounds { found: cost };
    let lanes = usize::try_from(cost.lanes).map_err(|_too_many| undefined)?;
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    // A pool for this one derivation: its stacks can be wiped, and no thread is left waiting.
    match ThreadPoolBuilder::new().num_threads(lanes.min(processors)).build() {
        Ok(pool) => derive_in(&pool, cost, passphrase, salt),
        Err(_no_threads) => derive_alone(cost, passphrase, salt),
    }
}

/// Derives where no thread can be made: one lane after the other, on this one.
fn derive_alone(
    cost: KdfParameters,
    passphrase: &[u8],
    salt: &[u8; 32],
) -> Result<KeyBytes, crypto::Error> {
    thread_local! {
        // A thread belongs to one pool as long as it lives.
        static ALONE: Option<ThreadPool> =
            ThreadPoolBuilder::new().num_threads(1).use_current_thread().build().ok();
    }
    ALONE.with(|pool| {
        let none = crypto::Error::NoMemory { needed_kib: cost.memory_kib };
        derive_in(pool.as_ref().ok_or(none)?, cost, passphrase, salt)
    })
}

/// Derives on the threads of a pool and wipes what that left on their stacks.
fn derive_in(
    pool: &ThreadPool,
    cost: KdfParameters,
    passphrase: &[u8],
    salt: &[u8; 32],
) -> Result<KeyBytes, crypto::Error> {
    let undefined = crypto::Error::CostOutOfBounds { found: cost };
    let refused = crypto::Error::NoMemory { needed_kib: cost.memory_kib };
    let parameters = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(32))
        .map_err(|_undefined| undefined)?;
    let mut memory = KdfMemory::map(parameters.block_count()).map_err(|_no_mapping| refused)?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters);
    let mut key = KeyBytes::zeros();
    let (blocks, output) = (memory.as_mut(), key.expose_mut());
    let hashed =
        pool.install(|| argon2.hash_password_into_with_memory(passphrase, salt, output, blocks));
    pool.broadcast(|_worker| scrub_stack());
    hashed.map_err(|_undefined| undefined)?;
    Ok(key)
}

#[cfg(test)]
mod tests;
