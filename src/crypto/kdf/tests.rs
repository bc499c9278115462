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
    let low = |found| Err(crypto::Error::CostTooLow { found, floor: KdfParameters::FLOOR_TO_OPEN });
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
