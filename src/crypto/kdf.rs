//! Argon2id: what it may cost, what it shall cost here, and the derivation itself.
//!
//! A cost that came from a file is checked before any work is done. Does not look at how much
//! memory the machine has; who knows it hands it in.

use std::fmt;

use argon2::{Algorithm, Argon2, Params, Version};
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::crypto;
use crate::crypto::primitives::KeyBytes;
use crate::sys::clock::Clock;
use crate::sys::memory::{KdfMemory, scrub_stack};

/// What one derivation costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KdfParameters {
    /// Memory, in KiB.
    pub(crate) memory_kib: u32,
    /// Passes over the memory.
    pub(crate) passes: u32,
    /// Lanes that can be computed at once.
    pub(crate) lanes: u32,
}

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
    /// What a new slot costs where nothing was measured.
    pub(crate) const DEFAULT: Self = Self { memory_kib: 256 * MIB, passes: 3, lanes: 4 };
    /// The least a new slot may cost (RFC 9106, second choice).
    pub(crate) const FLOOR_TO_CREATE: Self = Self { memory_kib: 64 * MIB, passes: 3, lanes: 4 };
    /// The least that is opened without being allowed, and created when it is; tests use it.
    pub(crate) const FLOOR_TO_OPEN: Self = Self { memory_kib: 19 * MIB, passes: 2, lanes: 1 };

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

    /// Memory times passes, to which the time is proportional.
    fn work_kib(self) -> u64 {
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

const MIB: u32 = 1024;

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use argon2::ParamsBuilder;

    use super::*;
    use crate::crypto::testing::{counting, hex, vector};
    use crate::sys::clock::FixedClock;
    use crate::sys::entropy::{Entropy, SystemEntropy};
    use crate::sys::memory::residue::Needle;

    const fn cost(memory_kib: u32, passes: u32, lanes: u32) -> KdfParameters {
        KdfParameters { memory_kib, passes, lanes }
    }

    /// <https://www.rfc-editor.org/rfc/rfc9106#section-5.3>, in the memory that derivations use.
    #[test]
    fn argon2id_is_rfc_9106() {
        let parameters = ParamsBuilder::new()
            .m_cost(32)
            .t_cost(3)
            .p_cost(4)
            .data(argon2::AssociatedData::new(&[4; 12]).unwrap())
            .build()
            .unwrap();
        let mut memory = KdfMemory::map(parameters.block_count()).unwrap();
        let mut tag = [0; 32];
        Argon2::new_with_secret(&[3; 8], Algorithm::Argon2id, Version::V0x13, parameters)
            .unwrap()
            .hash_password_into_with_memory(&[1; 32], &[2; 16], &mut tag, memory.as_mut())
            .unwrap();
        let known = "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659";
        assert_eq!(tag[..], hex(known));
    }

    #[test]
    fn known_answer() {
        let passphrase = b"correct horse battery staple";
        let key = derive(cost(65_536, 3, 4), passphrase, &counting(0x30)).unwrap();
        assert_eq!(key.expose()[..], vector("A"));
    }

    #[test]
    fn the_number_of_threads_does_not_matter() {
        // More lanes than this machine has processors, most likely.
        let many = derive(cost(1024, 1, 16), b"x", &[0; 32]).unwrap();
        let alone = Argon2::new(
            Algorithm::Argon2id,
            Version::V0x13,
            Params::new(1024, 1, 16, Some(32)).unwrap(),
        );
        let mut expected = [0; 32];
        alone.hash_password_into(b"x", &[0; 32], &mut expected).unwrap();
        assert_eq!(*many.expose(), expected);
    }

    /// Without the wiping, Argon2's copy of the tag is found on the stack of the thread that ran it.
    #[test]
    fn the_threads_keep_no_copy() {
        let mut passphrase = [0; 16];
        SystemEntropy.fill(&mut passphrase).unwrap();
        let pool = ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        let key = derive_in(&pool, cost(1024, 1, 4), &passphrase, &[0; 32]).unwrap();
        let tag = Needle::of(key.expose());
        assert_eq!(tag.count(), 1, "the key itself");
        drop(key);
        assert_eq!(tag.count(), 0);
    }

    #[test]
    fn what_a_file_may_ask_for() {
        use CostLimit::{Costly, Ordinary, Weak};
        let bounds = |found| Err(crypto::Error::CostOutOfBounds { found });
        let low =
            |found| Err(crypto::Error::CostTooLow { found, floor: KdfParameters::FLOOR_TO_OPEN });
        let refused = |found| Err(crypto::Error::CostRefused { found });
        let check = |m, t, p, limit, expected: fn(KdfParameters) -> Result<(), crypto::Error>| {
            let cost = cost(m, t, p);
            assert_eq!(cost.check_open(limit), expected(cost), "{cost}, {limit:?}");
        };
        let fine = |_| Ok(());
        let (mib, gib) = (1024, 1024 * 1024);
        check(19 * mib, 2, 1, Ordinary, fine);
        check(256 * mib, 3, 4, Ordinary, fine);
        check(gib, 4, 16, Ordinary, fine);
        check(19 * mib - 1, 2, 1, Ordinary, low);
        check(19 * mib, 1, 1, Ordinary, low);
        check(19 * mib, 1, 1, Costly, low);
        check(8, 1, 1, Ordinary, low);
        check(8, 1, 1, Weak, fine);
        check(7, 1, 1, Weak, bounds);
        check(8, 1, 2, Weak, bounds);
        check(0, 0, 0, Weak, bounds);
        check(19 * mib, 0, 1, Weak, bounds);
        check(19 * mib, 2, 0, Weak, bounds);
        check(19 * mib, 32, 1, Ordinary, fine);
        check(19 * mib, 33, 1, Costly, bounds);
        check(256 * mib, 3, 17, Costly, bounds);
        check(gib + 1, 2, 4, Ordinary, refused);
        check(gib, 5, 4, Ordinary, refused);
        check(gib, 5, 4, Weak, refused);
        check(2 * gib, 2, 4, Ordinary, refused);
        check(2 * gib, 2, 4, Costly, fine);
        check(4 * gib, 4, 16, Costly, fine);
        check(4 * gib, 5, 16, Costly, bounds);
        check(4 * gib + 1, 2, 4, Costly, bounds);
        check(u32::MAX, 2, 4, Costly, bounds);
        check(u32::MAX, u32::MAX, u32::MAX, Weak, bounds);
    }

    #[test]
    fn what_a_new_slot_may_cost() {
        let check = |m, t, p, strict, weak| {
            let cost = cost(m, t, p);
            assert_eq!(cost.check_create().is_ok(), strict, "{cost}");
            assert_eq!(cost.check_create_weak().is_ok(), weak, "{cost}");
        };
        check(256 * MIB, 3, 4, true, true);
        check(64 * MIB, 3, 1, true, true);
        check(64 * MIB, 2, 4, false, true);
        check(63 * MIB, 3, 4, false, true);
        check(19 * MIB, 2, 1, false, true);
        check(18 * MIB, 2, 1, false, false);
        check(19 * MIB, 1, 1, false, false);
        check(u32::MAX, 3, 4, false, false);
    }

    /// `ulimit -u 1` once read as a lack of memory.
    #[test]
    fn without_threads_it_is_the_same() {
        let cost = cost(64, 2, 4);
        let key = derive(cost, b"pw", &[7; 32]).unwrap();
        // On a thread of its own, as it is one of that pool from then on.
        let alone = std::thread::spawn(move || {
            let once = derive_alone(cost, b"pw", &[7; 32]).unwrap();
            assert_eq!(derive_alone(cost, b"pw", &[7; 32]).unwrap().expose(), once.expose());
            once
        });
        assert_eq!(alone.join().unwrap().expose(), key.expose());
    }

    #[test]
    fn it_must_fit_into_memory() {
        assert_eq!(KdfParameters::DEFAULT.check_memory(None), Ok(()));
        assert_eq!(KdfParameters::DEFAULT.check_memory(Some(256 * 1024)), Ok(()));
        assert_eq!(
            KdfParameters::DEFAULT.check_memory(Some(256 * 1024 - 1)),
            Err(crypto::Error::NoMemory { needed_kib: 256 * 1024 })
        );
    }

    #[test]
    fn the_cost_follows_the_machine() {
        let check = |sample_ms, available_mib: Option<u64>, m, t| {
            let chosen = choose(sample_ms, available_mib.map(|mib| mib * 1024));
            assert_eq!(chosen, cost(m * MIB, t, 4), "{sample_ms:?} {available_mib:?}");
            assert_eq!(chosen.check_create(), Ok(()));
            assert_eq!(chosen.check_open(CostLimit::Ordinary), Ok(()));
        };
        check(Some(101), None, 256, 3);
        check(Some(100), None, 512, 3);
        check(Some(51), None, 512, 3);
        check(Some(50), None, 1024, 3);
        check(Some(1), None, 1024, 3);
        check(Some(5000), None, 256, 3);
        check(Some(50), Some(4096), 1024, 3);
        check(Some(50), Some(4095), 512, 3);
        check(Some(50), Some(2047), 256, 3);
        check(Some(50), Some(512), 256, 3);
        check(Some(100), Some(511), 64, 9);
        check(Some(300), Some(511), 64, 3);
        check(Some(5), Some(100), 64, 12);
        check(None, None, 256, 3);
        check(None, Some(100), 64, 3);
        check(Some(0), Some(1 << 20), 256, 3);
        check(Some(u64::MAX), Some(100), 64, 3);
    }

    #[test]
    fn a_clock_that_stands_still_measures_nothing() {
        assert_eq!(calibrate(None, &FixedClock::at(0)), KdfParameters::DEFAULT);
        assert_eq!(calibrate(Some(0), &FixedClock::at(0)), KdfParameters::FLOOR_TO_CREATE);
    }

    /// A file that claims 4 TiB costs nothing; before the limits it would have been mapped.
    #[test]
    fn a_hostile_cost_is_refused_at_once() {
        let fastest = (0..10)
            .map(|_| {
                let before = Instant::now();
                assert!(cost(u32::MAX, u32::MAX, 1).check_open(CostLimit::Costly).is_err());
                before.elapsed()
            })
            .min();
        assert!(fastest < Some(Duration::from_millis(5)));
    }

    #[test]
    fn it_is_said_in_words() {
        assert_eq!(KdfParameters::DEFAULT.to_string(), "256 MiB, 3 passes, 4 lanes");
        assert_eq!(cost(1025, 1, 1).to_string(), "1025 KiB, 1 pass, 1 lane");
    }
}
