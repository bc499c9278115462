//! Changes to the content of a box, as a fuzzer's bytes say.

use crate::vault::forge::{Item, Part, put};

/// Does what the changes say that are about this box.
pub(super) fn alter(part: Part, data: Vec<u8>, mut changes: &[u8]) -> Vec<u8> {
    let Some(mut item) = Item::read(&data) else { return data };
    let is_meant = |which: u8| match part {
        Part::State => which.is_multiple_of(4),
        Part::Record(number) => which % 4 == 1 + u8::try_from(number % 2).unwrap_or(0),
        Part::Entry(_) => which % 4 == 3,
    };
    while let [which, map, key, what, value, rest @ ..] = changes {
        changes = rest;
        let maps = item.maps().max(1);
        let Some(members) = item.map(usize::from(*map) % maps).filter(|_| is_meant(*which)) else {
            continue;
        };
        let key = if *key < 250 { u64::from(*key) % 24 } else { u64::MAX - u64::from(*key) };
        let old = members.iter().find(|(other, _)| *other == key).map(|(_, item)| item.clone());
        put(members, key, changed(old, *what, *value));
    }
    item.write()
}

/// What takes the place of a member.
fn changed(old: Option<Item>, what: u8, value: u8) -> Option<Item> {
    let of = |major: u8, bytes: &[u8]| {
        let length = u8::try_from(bytes.len()).unwrap_or(0);
        Item::Other([&[major << 5 | 0x18, length], bytes].concat())
    };
    let number = |major: u8| {
        let number = NUMBERS.get(usize::from(value) % NUMBERS.len()).copied().unwrap_or(0);
        Item::Other([&[major << 5 | 0x1b][..], &number.to_be_bytes()].concat())
    };
    match (what % 12, old) {
        (0, _) => None,
        (1 | 2, _) => Some(number(0)),
        (3, _) => Some(number(1)),
        (4, _) => Some(of(2, &vec![value; usize::from(value)])),
        (5, _) => {
            let text = TEXTS.get(usize::from(value) % TEXTS.len()).copied().unwrap_or("");
            Some(of(3, text.as_bytes()))
        }
        (6, Some(Item::List(mut elements))) => {
            // One more of the same.
            elements.extend(elements.first().cloned());
            Some(Item::List(elements))
        }
        (7, Some(Item::List(mut elements))) => {
            elements.reverse();
            Some(Item::List(elements))
        }
        (8, Some(Item::List(mut elements))) => {
            elements.truncate(usize::from(value) % 3);
            Some(Item::List(elements))
        }
        (9, _) => Some(Item::List(vec![of(3, b"a"); usize::from(value % 4)])),
        (10, _) => Some(Item::Map(vec![(u64::from(value), number(0))])),
        (11, _) => Some(Item::Other(vec![value])),
        (_, old) => old,
    }
}

/// Numbers at which something may change or overflow.
const NUMBERS: [u64; 24] = [
    0,
    1,
    2,
    3,
    15,
    16,
    255,
    900,
    65_536,
    65_537,
    0xffff_ffff,
    1 << 32,
    100_000_000_000,
    1_767_225_600_000,
    (1 << 47) - 1,
    1 << 47,
    (1 << 47) + 1,
    1 << 48,
    (1 << 62) - 1,
    1 << 62,
    (1 << 63) - 1,
    1 << 63,
    u64::MAX - 1,
    u64::MAX,
];

const TEXTS: [&str; 16] = [
    "",
    "x",
    "AWSCURRENT",
    "AWSPENDING",
    "AWSPREVIOUS",
    "plain",
    "full",
    "000000000000/local-1",
    "000000000000/eu-west-1",
    "/",
    "local-1",
    "11111111-1111-4111-8111-111111111111",
    "cron(0 8 ? * SUN#5 *)",
    "rate(999 days)",
    "{\"Version\": \"2012-10-17\"}",
    "\u{1b}[31m\u{202e}",
];
