//! Members that a later version wrote: wherever one is, it is kept and written back in its place.

use minicbor::Encoder;
use proptest::prelude::*;

use super::super::across::{CrossPrimary, CrossReplica, Restriction, Trouble};
use super::super::audit::{Event, Subject};
use super::super::forge::{Item, Part, put};
use super::super::peers::{Peer, Seen};
use super::super::progress::{Holder, Lease, Progress, Purpose};
use super::super::record::{Replica, Replication, StoredValue, ValueKind};
use super::super::rotation::{Command, Pin, Pinning, Protocol, Rotation, Rules};
use super::super::state::{SlotEntry, State};
use super::super::trace::Trace;
use super::*;
use crate::sys::process::Actor;

/// Any CBOR at all, even in forms that are not the shortest.
fn anything() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(vec![0xf6]),
        Just(vec![0x18, 0x01]),
        Just(vec![0xfb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0]),
        Just(vec![0x9f, 0x01, 0xbf, 0x61, b'x', 0xf5, 0xff, 0xff]),
        Just(vec![0xc1, 0x1a, 0, 0, 0, 0]),
        Just(vec![0xa2, 0x00, 0x80, 0x01, 0x40]),
        any::<u64>().prop_map(|number| {
            let mut encoder = Encoder::new(Vec::new());
            encoder.u64(number).unwrap();
            encoder.into_writer()
        }),
    ]
}

/// Keys that this version does not know: the gaps, and those above all others.
fn keys(gaps: &'static [u64]) -> impl Strategy<Value = u64> {
    prop_oneof![
        prop::sample::select(gaps.to_vec()),
        prop::sample::select(gaps.to_vec()),
        40..70_000_u64,
        Just(u64::MAX),
    ]
}

/// Puts members of a later version into the maps of something that is encoded: into its outermost
/// map those with any key given, into the others those above 39, which are nobody's.
fn of_a_later_version(bytes: &[u8], members: &[(usize, u64, Vec<u8>)]) -> Vec<u8> {
    let mut item = Item::read(bytes).unwrap();
    let maps = item.maps();
    for (number, key, value) in members {
        let number = number % maps;
        let map = item.map(number).unwrap();
        let is_free = map.iter().all(|(other, _)| other != key);
        if is_free && (number == 0 || *key >= 40) {
            put(map, *key, Some(Item::Other(value.clone())));
        }
    }
    item.write()
}

fn members(gaps: &'static [u64]) -> impl Strategy<Value = Vec<(usize, u64, Vec<u8>)>> {
    prop::collection::vec((0..100_usize, keys(gaps), anything()), 0..6)
}

/// A record with each kind of map in it but one, which a replica in another account has.
pub(super) fn record() -> Record {
    let mut record = Record::new(home(), "app/db".into(), "a1B2c3".into(), START);
    record.rid = 7;
    record.description = Some("the database".into());
    record.policy = Some("{}".into());
    record.secret_type = Some("kind".into());
    record.tags = Some(vec![("env".into(), "prod".into())]);
    let stored = StoredValue { vid: 9, pin: Default::default(), kind: ValueKind::Text, len: 11 };
    record.versions = vec![
        Version::new("v".repeat(32), Some(stored), START),
        Version::new("w".repeat(32), None, START),
    ];
    let mut command = Command::new(vec!["/opt/rotate".into()], Protocol::Lambda);
    command.pins = vec![Pin { path: "/opt/rotate".into(), sha256: [7; 32] }];
    command.pinning = Pinning::Paths(vec!["/opt/rotate".into()]);
    record.rotation = Some(Rotation {
        enabled: true,
        function: "arn:local:exec:/opt/rotate".into(),
        command,
        rules: Some(Rules { automatically_after_days: Some(30), ..Rules::default() }),
        external: vec![("a".into(), "b".into())],
        configured: START,
        current: Some(("v".repeat(32), START)),
        unknown: Unknown::default(),
    });
    let mut progress = Progress::new("w".repeat(32), Purpose::Rotate, START);
    progress.lease = Some(Lease::new(Holder::default(), START));
    record.progress = Some(progress);
    let replica = Replica::new("eu-west-1".into(), Some("alias/eu".into()));
    record.replication = Replication::Primary(vec![replica]);
    record.former_names = vec!["db".into()];
    let arn = "arn:aws:secretsmanager:eu-west-1:222222222222:secret:app/db-d4E5f6";
    let mut replica = CrossReplica::new(arn.into(), 3);
    replica.role_arn = Some("arn:aws:iam::000000000000:role/replicate".into());
    replica.restriction = Some(Restriction::NoRestriction);
    replica.held = vec![1, 2];
    replica.trouble = Some(Trouble::Absent);
    record.cross_replica = Some(replica);
    record
}

/// A replica in another account.
pub(super) fn cross_replica() -> Record {
    let mut record = Record::new(home(), "copy".into(), "d4E5f6".into(), START);
    record.rid = 7;
    let arn = "arn:aws:secretsmanager:eu-west-1:000000000000:secret:app/db-a1B2c3";
    let mut primary = CrossPrimary::new(arn.into());
    primary.edition = Some(3);
    primary.is_detached = true;
    record.cross_primary = Some(primary);
    record
}

/// An access key.
fn access_key() -> Record {
    let mut key = sample_key("");
    key.rights.region = Some("eu-west-1".into());
    key.rights.operations = vec!["Get*".into()];
    key.rights.secrets = vec!["app/*".into()];
    key.rights.tags = vec!["env".into()];
    key.rights.boundary = Some("{}".into());
    key.rights.session_policies = vec!["{}".into()];
    let mut record = Record::of_access_key(KEYS[0].into(), key, START);
    record.rid = 7;
    record.accessed = Some(START);
    record
}

pub(super) fn state() -> State {
    let mut state = State::new(Settings::new("000000000000", "local-1"), START);
    state.next_purge = Some(START);
    state.slots.push(SlotEntry::new(0, &[1; 168], "first".into(), START));
    state.slots.push(SlotEntry::new(9, &[2; 168], "second".into(), START));
    state.peers.push(peer("222222222222"));
    state.add_access_key(KEYS[1]);
    state.add_access_key(KEYS[0]);
    state
}

pub(super) fn peer(account: &str) -> Peer {
    let path = b"/mnt/stick/vault".to_vec();
    let mut peer = Peer::new("stick".into(), account.into(), path, VaultId([9; 16]));
    peer.seen = Seen { generation: 7, commit_id: [8; 16] };
    peer.waiting = 1;
    peer
}

fn event() -> Event {
    let mut event = Event::decode(&plain_event()).unwrap();
    event.subject = Subject { rid: 5, name: "app/db".into(), ..Subject::default() };
    event.actor = Actor { user: "ada".into(), host: "box".into(), ..Actor::default() };
    event.detail = "why".into();
    let mut after = record();
    after.versions[0].stages.push("AWSCURRENT".into());
    event.trace = Some(Trace { undid: Some(3), ..Trace::between(Some(&record()), &after) });
    event
}

/// An entry that some program wrote in a vault.
fn plain_event() -> Vec<u8> {
    let fixture = VaultFixture::new();
    let (mut vault, _key) = sample_empty_vault(&fixture);
    fixture.change(&mut vault, |transaction| transaction.record_own("Work", "").unwrap());
    let mut last = None;
    let transaction = fixture.read(&mut vault);
    transaction
        .events(|_, event| {
            last = Some(event.encode());
            Ok(())
        })
        .unwrap();
    last.unwrap()
}

#[test]
fn every_kind_of_map_is_among_those_that_are_tried() {
    let maps = |bytes: Vec<u8>| Item::read(&bytes).unwrap().maps();
    // The record, two versions, rotation, command, rules, a replica, progress, lease, one across.
    assert_eq!(maps(record().encode()), 10);
    assert_eq!(maps(cross_replica().encode()), 2, "the record and its primary");
    assert_eq!(maps(access_key().encode()), 3, "the record, the key and its rights");
    assert_eq!(maps(state().encode()), 4, "the state, two slots and a peer");
    assert_eq!(maps(event().encode()), 4, "the entry, its actor, what it did, and a label");
}

proptest! {
    /// A record with a member 16 beside its 17 was written back with 16 behind 20, on the first read
    /// of its value, and could not be read again by anybody.
    #[test]
    fn a_record_is_written_back_as_it_was(members in members(&[16])) {
        let bytes = of_a_later_version(&record().encode(), &members);
        let again = Record::decode(7, &bytes).unwrap();
        prop_assert_eq!(again.encode(), bytes);
    }

    #[test]
    fn a_cross_replica_is_written_back_as_it_was(members in members(&[16, 25])) {
        let bytes = of_a_later_version(&cross_replica().encode(), &members);
        let again = Record::decode(7, &bytes).unwrap();
        prop_assert_eq!(again.encode(), bytes);
    }

    #[test]
    fn an_access_key_is_written_back_as_it_was(members in members(&[16, 25])) {
        let bytes = of_a_later_version(&access_key().encode(), &members);
        let again = Record::decode(7, &bytes).unwrap();
        prop_assert_eq!(again.encode(), bytes);
    }

    #[test]
    fn a_state_is_written_back_as_it_was(members in members(&[20])) {
        let bytes = of_a_later_version(&state().encode(), &members);
        let again = State::decode(&bytes).unwrap().unwrap();
        prop_assert_eq!(again.encode(), bytes);
    }

    #[test]
    fn an_entry_is_written_back_as_it_was(members in members(&[9])) {
        let bytes = of_a_later_version(&event().encode(), &members);
        let again = Event::decode(&bytes).unwrap();
        prop_assert_eq!(again.encode(), bytes);
    }
}

/// The whole way: a record that a later version wrote is read, which writes it anew, and read again.
#[test]
fn a_vault_of_a_later_version_survives_being_read_and_changed() {
    let fixture = VaultFixture::new();
    let (mut vault, _key) = sample_empty_vault(&fixture);
    let bytes = of_a_later_version(
        &record().encode(),
        &[(0, 16, vec![0x01]), (0, 99, vec![0x02]), (1, 50, vec![0x80])],
    );
    fixture.change(&mut vault, |transaction| {
        let mut record = Record::decode(0, &bytes).unwrap();
        record.versions.iter_mut().for_each(|version| version.value = None);
        transaction.insert(&mut record).unwrap();
        let later = of_a_later_version(&state().encode(), &[(1, 77, vec![0x03])]);
        let later = State::decode(&later).unwrap().unwrap();
        transaction.state.slots[0].unknown = later.slots[0].unknown.clone();
    });
    for _ in 0..2 {
        fixture.change(&mut vault, |transaction| {
            let mut record = transaction.find(&home(), "app/db").unwrap().unwrap();
            let mut item = Item::read(&record.encode()).unwrap();
            let members = item.map(0).unwrap();
            let keys: Vec<u64> = members.iter().map(|(key, _)| *key).collect();
            assert!(keys.is_sorted() && keys.contains(&16) && keys.contains(&99), "{keys:?}");
            record.accessed = Some(START);
            transaction.update(&mut record).unwrap();
            let mut state = Item::read(&transaction.state().encode()).unwrap();
            assert_eq!(state.map(1).unwrap().last().unwrap().0, 77);
        });
    }
}

/// Without a member that is always there, a record or state was taken for one with an empty name, no
/// version or no slot.
#[test]
fn what_is_always_there_is_required() {
    fn check(bytes: &[u8], optional: &[&[u64]], is_read: fn(&[u8]) -> bool) {
        assert!(is_read(bytes));
        for (number, optional) in optional.iter().enumerate() {
            let mut item = Item::read(bytes).unwrap();
            let keys: Vec<u64> = item.map(number).unwrap().iter().map(|(key, _)| *key).collect();
            for key in keys {
                let mut item = item.clone();
                put(item.map(number).unwrap(), key, None);
                let is_optional = optional.contains(&key);
                assert_eq!(is_read(&item.write()), is_optional, "map {number}, member {key}");
            }
        }
    }
    // The record, two versions, rotation, command, rules, a replica, progress, lease, one across.
    let of_record: &[&[u64]] = &[
        &[3, 12, 14, 15, 17, 18, 20, 21, 23],
        &[],
        &[],
        &[3, 4],
        &[],
        &[0],
        &[1],
        &[7],
        &[],
        &[1, 2, 6],
    ];
    check(&record().encode(), of_record, |bytes| Record::decode(7, bytes).is_ok());
    check(&cross_replica().encode(), &[&[22], &[1, 2]], |bytes| Record::decode(7, bytes).is_ok());
    let of_key: &[&[u64]] = &[&[7], &[3], &[1, 2, 3, 4, 5, 7, 8, 9, 10]];
    check(&access_key().encode(), of_key, |bytes| Record::decode(7, bytes).is_ok());
    check(&state().encode(), &[&[14, 18, 19], &[], &[], &[]], |bytes| State::decode(bytes).is_ok());
    // The entry, its actor, what it did, a label.
    let of_event: &[&[u64]] = &[&[3, 4, 12, 14, 15], &[1, 6], &[0, 5], &[2]];
    check(&event().encode(), of_event, |bytes| Event::decode(bytes).is_ok());
}

/// Slots that are listed twice, do not exist or have no number were passed over
/// or taken for slot 0.
#[test]
fn the_slots_of_a_state_are_each_there_once() {
    let read = |numbers: &[u64]| {
        let mut state = Item::read(&state().encode()).unwrap();
        let slots = numbers.iter().map(|number| {
            let mut slot = state.map(1).unwrap().clone();
            let mut encoder = Encoder::new(Vec::new());
            encoder.u64(*number).unwrap();
            put(&mut slot, 0, Some(Item::Other(encoder.into_writer())));
            Item::Map(slot)
        });
        let slots = Item::List(slots.collect());
        put(state.map(0).unwrap(), 13, Some(slots));
        State::decode(&state.write()).is_ok()
    };
    for (numbers, is_read) in [
        (&[0, 9][..], true),
        (&[15], true),
        (&[16], false),
        (&[256], false),
        (&[0, 0], false),
        (&[9, 0], false),
    ] {
        assert_eq!(read(numbers), is_read, "{numbers:?}");
    }
}

/// An altered box that is sealed as it must be is an alteration, and not a secret that is not there.
#[test]
fn what_nobody_writes_is_tampering() {
    for (part, key) in [(Part::Record(0), 1), (Part::Record(0), 13), (Part::State, 13)] {
        let fixture = VaultFixture::new();
        let (mut vault, key_of_vault) = sample_empty_vault(&fixture);
        fixture.change(&mut vault, |t| create(t, "app/db", &[("v1", text("one"))]));
        let altered = vault.forge(fixture.context(), &mut |which, data| {
            let mut item = Item::read(&data).unwrap();
            if which == part {
                put(item.map(0).unwrap(), key, None);
            }
            item.write()
        });
        let vault = altered.unwrap().unlock(&key_of_vault.master, &UNGUARDED);
        let found = vault.and_then(|mut vault| {
            let transaction = vault.begin(Access::Read, fixture.context())?;
            transaction.find(&home(), "app/db").map(|found| found.is_some())
        });
        assert!(matches!(found, Err(Error::Tampered(_))), "{part:?} {key}: {found:?}");
    }
}
