//! What a vault says of other vaults: what is damaged of it is refused.

use minicbor::Encoder;

use super::super::forge::{Item, put};
use super::super::record::{Record, Replica, Replication};
use super::super::state::State;
use super::members::{cross_replica, peer, record, state};

/// Encodes one value.
fn item(write: impl FnOnce(&mut Encoder<Vec<u8>>)) -> Option<Item> {
    let mut encoder = Encoder::new(Vec::new());
    write(&mut encoder);
    Item::read(&encoder.into_writer())
}

fn number(number: u64) -> Option<Item> {
    item(|encoder| assert!(encoder.u64(number).is_ok()))
}

fn of_text(text: &str) -> Option<Item> {
    item(|encoder| assert!(encoder.str(text).is_ok()))
}

fn of_bytes(length: usize) -> Option<Item> {
    item(|encoder| assert!(encoder.bytes(&vec![1; length]).is_ok()))
}

fn numbers(count: u64) -> Item {
    Item::List((1..=count).map(|edition| number(edition).unwrap()).collect())
}

#[test]
fn what_no_peer_is_refused() {
    let read = |key, member| {
        let mut state = Item::read(&state().encode()).unwrap();
        put(state.map(3).unwrap(), key, member);
        State::decode(&state.write()).is_ok()
    };
    for (key, member, is_read) in [
        (0, of_text("x"), true),
        (0, of_text(&"x".repeat(64)), true),
        (0, of_text(""), false),
        (0, of_text(&"x".repeat(65)), false),
        (0, number(1), false),
        (1, of_text("333333333333"), true),
        (1, of_text("33333333333"), false),
        (1, of_text("3333333333333"), false),
        (1, of_text("33333333333x"), false),
        (2, of_bytes(4_096), true),
        (2, of_bytes(4_097), false),
        (2, of_text("/vault"), false),
        (3, of_bytes(15), false),
        (3, of_bytes(17), false),
        (4, number((1 << 62) - 1), true),
        (4, number(1 << 62), false),
        (5, of_bytes(15), false),
        (6, number(0), true),
        (6, number(1 << 62), false),
        (6, of_text("1"), false),
    ] {
        let told = member.as_ref().map(Item::write);
        assert_eq!(read(key, member), is_read, "{key}: {told:x?}");
    }
}

/// Each account once, in order, and so many of them.
#[test]
fn the_peers_of_a_state_are_each_there_once() {
    let read = |accounts: &[u64]| {
        let mut state = state();
        state.peers = accounts.iter().map(|account| peer(&format!("{account:012}"))).collect();
        State::decode(&state.encode()).is_ok_and(|read| read.is_ok_and(|read| read == state))
    };
    assert!(read(&[]) && read(&[1]) && read(&[1, 2]));
    assert!(!read(&[1, 1]) && !read(&[2, 1]));
    let many: Vec<u64> = (0..65).collect();
    assert!(read(&many[..64]) && !read(&many));
}

#[test]
fn what_no_replica_or_primary_across_is_refused() {
    fn check(record: &Record, map: usize, members: &[(u64, Option<Item>, bool)]) {
        for (key, member, is_read) in members {
            let mut item = Item::read(&record.encode()).unwrap();
            put(item.map(map).unwrap(), *key, member.clone());
            let read = Record::decode(7, &item.write()).is_ok();
            assert_eq!(read, *is_read, "{key}: {:x?}", member.as_ref().map(Item::write));
        }
    }
    let of_replica = [
        (0, number(1), false),
        (1, number(1), false),
        (2, number(1), true),
        (2, number(2), false),
        (3, number(2), true),
        (3, number(3), false),
        (4, number((1 << 62) - 1), true),
        (4, number(1 << 62), false),
        (4, of_text("1"), false),
        (5, Some(numbers(0)), true),
        (5, Some(numbers(64)), true),
        (5, Some(numbers(65)), false),
        (5, Some(Item::List(vec![number(1 << 62).unwrap()])), false),
        (5, number(1), false),
        (6, number(14), true),
        (6, number(15), false),
    ];
    check(&record(), 9, &of_replica);
    let of_primary = [
        (0, number(1), false),
        (1, number((1 << 62) - 1), true),
        (1, number(1 << 62), false),
        (2, number(1), true),
        (2, number(0), false),
        (2, number(2), false),
    ];
    check(&cross_replica(), 1, &of_primary);
}

/// What follows another secret is followed by none, and by what another account's is followed, in
/// this account or another, follows none.
#[test]
fn a_record_is_of_one_kind() {
    let regions = || Replication::Primary(vec![Replica::new("eu-west-1".into(), None)]);
    let region_replica = || Replication::Replica { primary_region: "us-east-1".into() };
    let alone = || Replication::Primary(Vec::new());
    let (replica, primary) = (record().cross_replica, cross_replica().cross_primary);
    for (replication, replica, primary, is_read) in [
        (alone(), None, None, true),
        (alone(), replica.clone(), None, true),
        (alone(), None, primary.clone(), true),
        (alone(), replica.clone(), primary.clone(), false),
        (regions(), replica.clone(), None, true),
        (regions(), None, primary.clone(), false),
        (region_replica(), None, None, true),
        (region_replica(), replica, None, false),
        (region_replica(), None, primary, false),
    ] {
        let mut record = cross_replica();
        (record.replication, record.cross_replica, record.cross_primary) =
            (replication, replica, primary);
        let read = Record::decode(7, &record.encode());
        assert_eq!(read.is_ok_and(|read| read == record), is_read);
    }
}
