use std::cell::Cell;

use proptest::prelude::*;

use super::*;
use crate::crypto::fingerprint::hex;

/// How a list is written.
#[derive(Clone, Copy, Debug)]
struct Manner {
    ends: &'static str,
    has_counts: bool,
    is_lower: bool,
    ends_last: bool,
}

const PLAIN: Manner = Manner { ends: "\n", has_counts: true, is_lower: false, ends_last: true };

/// Writes a list. A hash comes with how often it was seen.
fn list(hashes: &[(Hash, u64)], manner: Manner) -> Vec<u8> {
    let mut lines: Vec<String> = Vec::new();
    for (hash, times) in hashes {
        let digits = if manner.is_lower { hex(hash) } else { hex(hash).to_uppercase() };
        lines.push(if manner.has_counts { format!("{digits}:{times}") } else { digits });
    }
    let mut text = lines.join(manner.ends);
    if manner.ends_last {
        text.push_str(manner.ends);
    }
    text.into_bytes()
}

fn reading(bytes: &[u8]) -> impl Fn(u64, &mut [u8]) -> io::Result<usize> {
    move |from, into| {
        let rest = &bytes[usize::try_from(from).unwrap().min(bytes.len())..];
        // As little as a system may give.
        let length = rest.len().min(into.len()).min(1000);
        into[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }
}

fn size(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap()
}

fn look(bytes: &[u8], wanted: &Hash) -> Result<Option<Leak>, Unreliable> {
    LeakedPasswords::new(size(bytes), &reading(bytes))?.find_hash(wanted)
}

/// Hashes of numbers, in their order.
fn hashes(count: u32) -> Vec<(Hash, u64)> {
    let mut hashes: Vec<(Hash, u64)> = (0..count)
        .map(|n| (Sha1::digest(n.to_string().as_bytes()).into(), u64::from(n) * 7919 + 1))
        .collect();
    hashes.sort_unstable();
    hashes
}

/// The next hash, or the one before.
fn beside(hash: &Hash, is_next: bool) -> Option<Hash> {
    let mut beside = *hash;
    for byte in beside.iter_mut().rev() {
        let (moved, goes_on) =
            if is_next { byte.overflowing_add(1) } else { byte.overflowing_sub(1) };
        *byte = moved;
        if !goes_on {
            return Some(beside);
        }
    }
    None
}

fn manners() -> impl Strategy<Value = Manner> {
    (prop::sample::select(vec!["\n", "\r\n"]), any::<[bool; 3]>()).prop_map(
        |(ends, [has_counts, is_lower, ends_last])| Manner {
            ends,
            has_counts,
            is_lower,
            ends_last,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever stands in a list is found: the first line, the last one and any other, however long they
    /// are and however they end; and nothing else is.
    #[test]
    fn what_is_in_a_list_is_found_and_nothing_else(
        numbers in prop::collection::btree_map(any::<Hash>(), 1..u64::from(u32::MAX), 1..400),
        doubled in any::<prop::sample::Index>(),
        manner in manners(),
        strange in any::<Hash>(),
    ) {
        let mut hashes: Vec<(Hash, u64)> = numbers.into_iter().collect();
        let doubled = doubled.index(hashes.len());
        hashes.insert(doubled, hashes[doubled]);
        let bytes = list(&hashes, manner);
        let read = reading(&bytes);
        let list = LeakedPasswords::new(size(&bytes), &read).unwrap();
        for (hash, times) in &hashes {
            let times = manner.has_counts.then_some(*times);
            prop_assert_eq!(list.find_hash(hash).unwrap(), Some(Leak { times }));
            for is_next in [false, true] {
                let Some(near) = beside(hash, is_next) else { continue };
                if !hashes.iter().any(|(there, _)| *there == near) {
                    prop_assert_eq!(list.find_hash(&near).unwrap(), None);
                }
            }
        }
        if !hashes.iter().any(|(there, _)| *there == strange) {
            prop_assert_eq!(list.find_hash(&strange).unwrap(), None);
        }
    }

    /// Hashes need not be spread evenly for the search to end: a short list may have any.
    #[test]
    fn a_list_of_any_hashes_is_searched_to_its_end(
        ends in prop::collection::btree_map(0_u16..2000, 1..9_u64, 1..60),
        wanted in 0_u16..2000,
    ) {
        let of = |end: u16| {
            let mut hash = [0x7f; 20];
            hash[18..].copy_from_slice(&end.to_be_bytes());
            hash
        };
        let hashes: Vec<(Hash, u64)> = ends.iter().map(|(end, times)| (of(*end), *times)).collect();
        let found = look(&list(&hashes, PLAIN), &of(wanted)).unwrap();
        prop_assert_eq!(found, ends.get(&wanted).map(|times| Leak { times: Some(*times) }));
    }

    /// No byte that was changed, and no end that was cut off, has a password that is in the list pass for
    /// one that is not.
    #[test]
    fn damage_is_never_taken_for_an_answer(
        place in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        length in 1..400_usize,
        count in 1..600_u32,
    ) {
        let whole = hashes(count);
        let mut bytes = list(&whole, PLAIN);
        let place = place.index(bytes.len());
        let end = (place + length).min(bytes.len());
        // No digit of another hash, which nobody could tell from a list without this one.
        let byte = if byte.is_ascii_hexdigit() { b'#' } else { byte };
        prop_assume!(!b":\r\n".contains(&byte));
        bytes[place..end].fill(byte);
        let read = reading(&bytes);
        let Ok(list) = LeakedPasswords::new(size(&bytes), &read) else { return Ok(()) };
        for (hash, times) in &whole {
            match list.find_hash(hash) {
                Ok(found) => prop_assert_eq!(found, Some(Leak { times: Some(*times) })),
                Err(_told) => {}
            }
        }
    }

    /// Nor has one of two lines that changed their places.
    #[test]
    fn lines_out_of_their_order_are_never_taken_for_an_answer(
        one in any::<prop::sample::Index>(),
        distance in 1..200_usize,
        count in 2..900_u32,
    ) {
        let whole = hashes(count);
        let mut mixed = whole.clone();
        let one = one.index(mixed.len());
        let other = (one + distance) % mixed.len();
        mixed.swap(one, other);
        let bytes = list(&mixed, PLAIN);
        let read = reading(&bytes);
        let Ok(list) = LeakedPasswords::new(size(&bytes), &read) else { return Ok(()) };
        for place in [one, other] {
            let (hash, times) = whole[place];
            match list.find_hash(&hash) {
                Ok(found) => prop_assert_eq!(found, Some(Leak { times: Some(times) })),
                Err(_told) => {}
            }
        }
    }

    /// What is no list at all is refused, or found to have nothing: nothing panics and all ends.
    #[test]
    fn any_bytes_are_read_to_an_end(bytes in prop::collection::vec(any::<u8>(), 0..9000)) {
        let outcome = look(&bytes, &[7; 20]);
        prop_assert!(!matches!(outcome, Ok(Some(_))));
    }
}

/// The first and last lines of what haveibeenpwned-downloader writes, and how it looks for a password.
#[test]
fn a_password_is_looked_up_by_its_sha1() {
    // SHA-1 of "password", which was seen in more leaks than most.
    let known = "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:10434004";
    let text = format!(
        "000000005AD76BD555C1D6D771DE417A4B87E4B4:10\r\n{known}\r\n\
         FFFFFFFEE791CBAC0F6305CAF0CEE06BBE131160:2\r\n"
    );
    let read = reading(text.as_bytes());
    let list = LeakedPasswords::new(size(text.as_bytes()), &read).unwrap();
    assert_eq!(list.find("password").unwrap(), Some(Leak { times: Some(10_434_004) }));
    assert_eq!(list.find("Password").unwrap(), None);
    assert_eq!(list.find("").unwrap(), None);
}

#[test]
fn what_was_never_seen_fills_up_a_list() {
    let hashes = [([1; 20], 0), ([2; 20], 3)];
    let bytes = list(&hashes, PLAIN);
    assert_eq!(look(&bytes, &[1; 20]).unwrap(), None);
    assert_eq!(look(&bytes, &[2; 20]).unwrap(), Some(Leak { times: Some(3) }));
}

/// Why a list is refused, before anything is looked up in it.
fn refused(bytes: &[u8]) -> String {
    match LeakedPasswords::new(size(bytes), &reading(bytes)) {
        Ok(_taken) => "taken".to_owned(),
        Err(why) => why.to_string(),
    }
}

#[test]
fn what_is_no_such_list_is_refused() {
    let no_hash = "the list has no line HASH:COUNT with a SHA-1 hash at byte 0";
    assert_eq!(refused(b""), "the list of leaked passwords is empty");
    assert_eq!(refused(b"password\n"), no_hash);
    assert_eq!(refused(&[0; 10_000]), no_hash);
    assert_eq!(refused(b"\x1f\x8b\x08 a packed list"), no_hash);
    let ntlm = "8846F7EAEE8FB117AD06BDD830B7586C:10434004\n";
    assert_eq!(refused(ntlm.as_bytes()), "the list has NTLM hashes, not SHA-1");
    // One range of the service, which leaves out what it was asked for.
    assert_eq!(refused(b"0018A45C4D1DEF81644B54AB7F969B88D65:1\n"), no_hash);
    for count in [b":".as_slice(), b":x", b":-1", b":99999999999999999999", b" 1"] {
        let line = [&[b'A'; 40], count].concat();
        assert_eq!(refused(&line), no_hash);
    }
}

#[test]
fn a_list_in_the_order_of_its_counts_is_refused() {
    let mut hashes = hashes(300);
    assert_eq!(refused(&list(&hashes, PLAIN)), "taken");
    hashes.sort_by_key(|(_, times)| u64::MAX - times);
    assert!(refused(&list(&hashes, PLAIN)).contains("not in the order of its hashes"));
}

/// A download that was broken off, or in which a part failed, would have said that nothing is known.
#[test]
fn a_list_of_which_a_part_is_missing_is_refused() {
    let whole = hashes(3000);
    let missing = |from: usize, to: usize| {
        let hashes = [&whole[..from], &whole[to..]].concat();
        list(&hashes, PLAIN)
    };
    assert_eq!(refused(&missing(0, 0)), "taken");
    assert!(refused(&missing(2700, 3000)).contains("hashes are missing before byte"));
    assert!(refused(&missing(0, 300)).contains("hashes are missing before byte"));
    let cut = list(&whole, PLAIN);
    assert!(refused(&cut[..cut.len() - 30]).contains("no line HASH:COUNT"));
    // What is in the gap cannot be judged; the rest can.
    let gap = missing(1500, 1700);
    assert_eq!(refused(&gap), "taken");
    let inside = look(&gap, &whole[1600].0);
    assert!(matches!(inside, Err(Unreliable::Incomplete { .. })), "{inside:?}");
    assert!(look(&gap, &whole[100].0).unwrap().is_some());
}

/// Behind a stretch of garbage only the beginning of a line was read, and its number was a shorter one.
#[test]
fn a_line_that_was_not_read_to_its_end_is_none() {
    let text = format!("{}\n{}:1234567\n", "#".repeat(80), "A".repeat(40));
    let read = reading(text.as_bytes());
    let list = LeakedPasswords { read: &read, size: size(text.as_bytes()), lines: 1 };
    assert!(matches!(list.line_from(1), Err(Unreliable::NotAHash { at: 81 })));
    assert_eq!(list.line_from(60).unwrap().unwrap().times, Some(1_234_567));
}

#[test]
fn a_list_that_cannot_be_read_is_no_answer() {
    let bytes = list(&hashes(300), PLAIN);
    let read = |_: u64, _: &mut [u8]| Err(io::Error::other("bad sector"));
    let failed = LeakedPasswords::new(size(&bytes), &read).err().unwrap();
    assert_eq!(failed.to_string(), "the list cannot be read: bad sector");
    // It got shorter since.
    let longer = size(&bytes) + 4096;
    assert!(LeakedPasswords::new(longer, &reading(&bytes)).is_err());
}

/// As many lines as fill a disk are not there, but their places are: each line is made up when it is read.
#[test]
fn few_places_of_a_long_list_are_read() {
    const LINES: u64 = 1 << 30;
    const LENGTH: u64 = 42;
    let line = |number: u64| {
        let mut hash = [0; 20];
        hash[..8].copy_from_slice(&(number << 34).to_be_bytes());
        format!("{}\r\n", hex(&hash)).into_bytes()
    };
    let reads = Cell::new(0);
    let read = |from: u64, into: &mut [u8]| {
        reads.set(reads.get() + 1);
        for (place, byte) in (from..).zip(into.iter_mut()) {
            *byte = line(place / LENGTH)[usize::try_from(place % LENGTH).unwrap()];
        }
        Ok(into.len())
    };
    let list = LeakedPasswords::new(LINES * LENGTH, &read).unwrap();
    for number in [0, 1, LINES / 3, LINES - 1] {
        reads.set(0);
        let mut hash = [0; 20];
        hash[..8].copy_from_slice(&(number << 34).to_be_bytes());
        assert_eq!(list.find_hash(&hash).unwrap(), Some(Leak { times: None }));
        hash[19] = 1;
        assert_eq!(list.find_hash(&hash).unwrap(), None);
        assert!(reads.get() < 24, "{}", reads.get());
    }
}
