//! What somebody who has the keys can do to a vault, and what a checkpoint kept elsewhere still tells.
//!
//! A pin used to be the Poly1305 tag of a box, which the owner of the key makes collide at will, and a
//! checkpoint covered the audit log but not the secrets.

use super::rows::Rows;
use super::*;
use crate::crypto::history;
use crate::crypto::keys::{Forged, ValueAddress};
use crate::store::Table;
use crate::vault::audit::Event;
use crate::vault::checkpoint::{Checkpoint, Relation};
use crate::vault::record::StoredValue;
use crate::vault::rekey::Rekeying;

/// A vault with a history, and its checkpoint.
fn watched(fixture: &VaultFixture) -> (Vault, Key, Checkpoint) {
    let (mut vault, key) = sample_vault(fixture);
    let checkpoint = fixture.read(&mut vault).checkpoint();
    (vault, key, checkpoint)
}

/// How rows that were altered with the keys stand to a checkpoint, and whether a check passes.
fn judged(fixture: &VaultFixture, rows: &Rows, key: &Key, checkpoint: &Checkpoint) -> (bool, bool) {
    let mut vault = unlock(rows.store(), key, &UNGUARDED).unwrap();
    let relation = fixture.read(&mut vault).relation_to(checkpoint);
    let holds = matches!(relation, Ok(Relation::Same | Relation::Descendant));
    (
        holds,
        vault
            .begin(Access::Read, fixture.context())
            .unwrap()
            .check(&mut |_| {})
            .is_ok_and(|found| found.is_empty()),
    )
}

/// Puts a box with the nonce and tag of the one that is there in its place.
fn swap(
    rows: &mut Rows,
    vault: &Vault,
    (table, number): (Table, u64),
    (place, plain): (Forged<'_>, &[u8]),
) {
    let model = &rows.table(table)[&number];
    // Somewhere in the plain text stand 32 bytes that mean nothing. Sixteen of them are chosen.
    let filler = plain.windows(32).position(|window| window == FILLER).unwrap();
    let free = (filler + 4).next_multiple_of(16) - 4;
    let forged = (0_u8..64).find_map(|attempt| {
        let mut plain = plain.to_vec();
        plain[if free == filler { filler + 31 } else { filler }] = attempt;
        vault.keyring.keys.collide(vault.vault_id(), place, model, (&plain, free))
    });
    let forged = forged.unwrap();
    let tag = |sealed: &[u8]| sealed[sealed.len() - 16..].to_vec();
    assert_eq!((forged.len(), tag(&forged)), (model.len(), tag(model)));
    assert_ne!(forged, *model);
    rows.table_mut(table).insert(number, forged);
}

/// What the forger may choose freely: no byte of it is read by anybody.
const FILLER: [u8; 32] = [0xf1; 32];

/// Adds a member that a later version might have written to a CBOR map of at most 22 members.
fn with_filler(plain: &[u8]) -> Vec<u8> {
    let mut plain = plain.to_vec();
    plain[0] += 1;
    plain.extend([0x18, 0x63, 0x58, 0x20]);
    plain.extend(FILLER);
    plain
}

#[test]
fn an_audit_entry_cannot_be_rewritten_by_the_owner_of_the_keys() {
    // "PutSecretValue" was made "ListSecrets" in one try, and check and --expect passed.
    let fixture = VaultFixture::new();
    let (mut vault, key, checkpoint) = watched(&fixture);
    let mut rows = Rows::of(&mut vault.store);
    let keys = &vault.keyring.keys.audit;
    let sealed = &rows.table(Table::Audit)[&1];
    let plain = keys.open(vault.vault_id(), 1, sealed).unwrap();
    let mut event = Event::decode(plain.expose()).unwrap();
    event.operation = "Nothing".to_owned();
    let plain = with_filler(&event.encode());
    swap(&mut rows, &vault, (Table::Audit, 1), (Forged::Entry(1), &plain));
    assert_eq!(judged(&fixture, &rows, &key, &checkpoint), (false, false));
}

#[test]
fn a_value_cannot_be_exchanged_under_its_record() {
    let fixture = VaultFixture::new();
    let (mut vault, key, _) = watched(&fixture);
    let long = [&FILLER[..], &[7; 400]].concat();
    fixture.change(&mut vault, |transaction| {
        create(transaction, "long", &[("l1", SecretValue::Binary(Secret::new(long.clone())))]);
        transaction.record_own("Work", "").unwrap();
    });
    let transaction = fixture.read(&mut vault);
    let checkpoint = transaction.checkpoint();
    let record = transaction.find(&home(), "long").unwrap().unwrap();
    drop(transaction);
    let StoredValue { vid, .. } = record.versions[0].value.unwrap();
    let mut rows = Rows::of(&mut vault.store);
    let place = Forged::Value(ValueAddress { rid: record.rid, vid, version_id: "l1" });
    let other = [&[1], &FILLER[..], &[8; 400]].concat();
    swap(&mut rows, &vault, (Table::Value, vid), (place, &other));
    let (_holds, is_sound) = judged(&fixture, &rows, &key, &checkpoint);
    assert!(!is_sound);
    let mut vault = unlock(rows.store(), &key, &UNGUARDED).unwrap();
    let transaction = fixture.read(&mut vault);
    assert!(matches!(transaction.value(&record, &record.versions[0]), Err(Error::Tampered(_))));
}

#[test]
fn a_record_cannot_be_exchanged_under_the_tree() {
    let fixture = VaultFixture::new();
    let (mut vault, key, checkpoint) = watched(&fixture);
    let mut record = fixture.read(&mut vault).find(&home(), "app/db").unwrap().unwrap();
    record.description = Some("another".to_owned());
    let mut rows = Rows::of(&mut vault.store);
    let plain = with_filler(&record.encode());
    let place = (Table::Secret, record.rid);
    swap(&mut rows, &vault, place, (Forged::Record(record.rid), &plain));
    let (_holds, is_sound) = judged(&fixture, &rows, &key, &checkpoint);
    assert!(!is_sound);
    let mut vault = unlock(rows.store(), &key, &UNGUARDED).unwrap();
    let found = fixture.read(&mut vault).find(&home(), "app/db");
    assert!(matches!(found, Err(Error::Tampered(_))));
}

#[test]
fn a_checkpoint_covers_the_secrets_and_not_only_the_log() {
    // A value was exchanged with generation, commit id and log kept, and the checkpoint held.
    let fixture = VaultFixture::new();
    let (mut vault, key, checkpoint) = watched(&fixture);
    let generation = |vault: &mut Vault| fixture.read(vault).state().generation;
    {
        let mut transaction = fixture.write(&mut vault);
        let mut record = transaction.find(&home(), "app/db").unwrap().unwrap();
        add_version(&mut transaction, &mut record, "v9", &text("another"));
        transaction.update(&mut record).unwrap();
        let (header, state) = (transaction.keyring.header_bytes(), transaction.state.encode());
        let keys = &transaction.keyring.keys.state;
        let sealed = keys.seal(header, &state, &fixture.entropy).unwrap();
        transaction.rows.put_vault(header, &sealed).unwrap();
        transaction.rows.commit().unwrap();
    }
    assert_eq!(generation(&mut vault), checkpoint.generation);
    let rows = Rows::of(&mut vault.store);
    assert_eq!(judged(&fixture, &rows, &key, &checkpoint), (false, true));
}

/// Writes the log anew with another entry 1, chained and sealed as it should be, and a state to match.
fn rewrite_history(fixture: &VaultFixture, vault: &mut Vault) -> Rows {
    let mut rows = Rows::of(&mut vault.store);
    let mut state = fixture.read(vault).state().clone();
    let (keys, vault_id) = (&vault.keyring.keys, vault.vault_id());
    let mut chain = state.log.base;
    for (seq, sealed) in rows.table_mut(Table::Audit) {
        let plain = keys.audit.open(vault_id, *seq, sealed).unwrap();
        let mut event = Event::decode(plain.expose()).unwrap();
        if *seq == 1 {
            event.operation = "Nothing".to_owned();
        }
        let data = event.encode();
        *sealed = keys.audit.seal(vault_id, *seq, &data, &fixture.entropy).unwrap();
        chain = history::link(&chain, *seq, &data);
    }
    state.log.head = chain;
    let header = vault.keyring.header_bytes();
    let sealed = keys.state.seal(header, &state.encode(), &fixture.entropy).unwrap();
    rows.vault = Some((header.to_vec(), sealed));
    rows
}

#[test]
fn what_was_logged_before_a_checkpoint_cannot_be_rewritten_after_it() {
    // That a later entry names the state of the checkpoint proves nothing by itself: who has the
    // keys can write it. The chain before that entry must be the one the checkpoint was made over.
    let fixture = VaultFixture::new();
    let (mut vault, key, checkpoint) = watched(&fixture);
    fixture.change(&mut vault, |transaction| transaction.record_own("Work", "").unwrap());
    let sound = Rows::of(&mut vault.store);
    assert_eq!(judged(&fixture, &sound, &key, &checkpoint), (true, true));
    let rows = rewrite_history(&fixture, &mut vault);
    assert_eq!(judged(&fixture, &rows, &key, &checkpoint), (false, true));
}

#[test]
fn a_checkpoint_holds_through_a_rekey_and_a_sound_repair_and_not_through_a_cut_log() {
    let fixture = VaultFixture::new();
    let (mut vault, _key, checkpoint) = watched(&fixture);
    let relation = |vault: &mut Vault| fixture.read(vault).relation_to(&checkpoint).unwrap();
    fixture.change(&mut vault, |transaction| {
        transaction.repair(&[], &mut |_| {}).unwrap();
    });
    assert_eq!(relation(&mut vault), Relation::Descendant);
    let master = MasterKey::generate(&fixture.entropy).unwrap();
    let (body, _) = new_slot(&fixture, &master, vault.vault_id());
    let slots = vec![(0, body, String::new())];
    let rekeying = Rekeying { master: &master, slots, reason: String::new() };
    vault.rekey(rekeying, fixture.context(), &mut |_| {}).unwrap();
    assert_eq!(relation(&mut vault), Relation::Descendant);
    assert_sound(&fixture, &mut vault);

    // A repair that has to number and chain the log anew, and a log whose front was dropped.
    let (mut vault, _key, checkpoint) = watched(&fixture);
    fixture.change(&mut vault, |transaction| {
        transaction.rows.delete_audit(0..=0).unwrap();
        transaction.repair(&[], &mut |_| {}).unwrap();
    });
    let found = fixture.read(&mut vault).relation_to(&checkpoint).unwrap();
    assert_eq!(found, Relation::Unproven);
    let (mut vault, _key, checkpoint) = watched(&fixture);
    fixture.change(&mut vault, |transaction| {
        for _ in 0..600 {
            transaction.record_own("Fill", "").unwrap();
        }
    });
    let found = fixture.read(&mut vault).relation_to(&checkpoint).unwrap();
    assert_eq!(found, Relation::Unproven);
}

#[test]
fn a_checkpoint_of_what_was_rolled_back_does_not_hold() {
    // The next generation is far above: its first entry names the state that was accepted.
    let fixture = VaultFixture::new();
    let (mut vault, key, checkpoint) = watched(&fixture);
    let common = Rows::of(&mut vault.store);
    fixture.change(&mut vault, |transaction| transaction.record_own("Work", "").unwrap());
    let lost = fixture.read(&mut vault).checkpoint();
    let mut vault = unlock(common.store(), &key, &UNGUARDED).unwrap();
    vault.raise_floor(lost.generation + 1);
    fixture.change(&mut vault, |transaction| transaction.record_own("AcceptState", "").unwrap());
    let transaction = fixture.read(&mut vault);
    assert_eq!(transaction.relation_to(&checkpoint).unwrap(), Relation::Descendant);
    assert_eq!(transaction.relation_to(&lost).unwrap(), Relation::Unproven);
}
