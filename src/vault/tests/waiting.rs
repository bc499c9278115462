//! Reads that wait for a commit: what becomes of them when something else happens first.

use std::fs;

use super::rekey::rekey;
use super::*;
use crate::store::Mode;
use crate::sys::scratch::Scratch;
use crate::vault::audit::{Event, Subject};
use crate::vault::waiting::MOST;

/// Reads a version of a secret, as an operation does.
fn read(fixture: &VaultFixture, vault: &mut Vault, name: &str, version: &str) {
    let mut transaction = fixture.read(vault);
    let mut record = transaction.find(&home(), name).unwrap().unwrap();
    transaction.note_access(&mut record, version).unwrap();
    let subject = Subject { version: version.to_owned(), ..Transaction::subject(&record) };
    transaction.record("GetSecretValue", Event::SUCCESS, subject).unwrap();
    transaction.commit().unwrap();
}

fn events(fixture: &VaultFixture, vault: &mut Vault) -> Vec<Event> {
    let mut events = Vec::new();
    let visit = |_seq, event| {
        events.push(event);
        Ok(())
    };
    fixture.read(vault).events(visit).unwrap();
    events
}

fn reads(fixture: &VaultFixture, vault: &mut Vault) -> usize {
    let is_read = |event: &&Event| event.operation == "GetSecretValue";
    events(fixture, vault).iter().filter(is_read).count()
}

fn record(fixture: &VaultFixture, vault: &mut Vault, name: &str) -> Record {
    fixture.read(vault).find(&home(), name).unwrap().unwrap()
}

fn flush(fixture: &VaultFixture, vault: &mut Vault) -> Result<(), Error> {
    vault.write_waiting_reads(fixture.context())
}

/// A vault in a file in which reads wait.
fn in_file(fixture: &VaultFixture, scratch: &Scratch) -> (Vault, Key) {
    let (mut vault, key) = new_vault(fixture, Store::create(&scratch.join("vault")).unwrap(), None);
    furnish(fixture, &mut vault);
    vault.store_mut().appear().unwrap();
    vault.let_reads_wait();
    (vault, key)
}

fn reopened(scratch: &Scratch, key: &Key) -> Vault {
    let locked = LockedVault::open(&scratch.join("vault"), Mode::ReadWrite).unwrap();
    locked.unlock(&key.master, &STRICT).unwrap()
}

#[test]
fn more_reads_than_can_wait_are_counted() {
    let fixture = VaultFixture::new();
    let (mut vault, _key) = sample_vault(&fixture);
    vault.let_reads_wait();
    for _ in 0..MOST + 3 {
        read(&fixture, &mut vault, "app/db", "v1");
    }
    // What is read again and again takes no space from what is read once.
    read(&fixture, &mut vault, "app/key", "k1");
    assert_eq!(vault.waiting_reads(), MOST);
    flush(&fixture, &mut vault).unwrap();
    assert_eq!(reads(&fixture, &mut vault), MOST);
    let last = events(&fixture, &mut vault).pop().unwrap();
    assert_eq!(
        (last.operation.as_str(), last.detail.as_str()),
        ("ReadsDropped", "4 entries and 0 days of last access")
    );
    for name in ["app/db", "app/key"] {
        assert!(record(&fixture, &mut vault, name).accessed.is_some(), "{name}");
    }
    read(&fixture, &mut vault, "app/db", "v1");
    flush(&fixture, &mut vault).unwrap();
    assert_eq!(
        events(&fixture, &mut vault).pop().unwrap().operation,
        "GetSecretValue",
        "said once"
    );
    assert_sound(&fixture, &mut vault);
}

/// The file loses its name while reads are written, and gets it back.
#[test]
fn reads_that_may_be_written_are_written_once() {
    let (fixture, scratch) = (VaultFixture::new(), Scratch::new());
    let (mut vault, _key) = in_file(&fixture, &scratch);
    let (path, aside) = (scratch.join("vault"), scratch.join("aside"));
    read(&fixture, &mut vault, "app/db", "v1");
    let transaction = fixture.write(&mut vault);
    fs::copy(&path, scratch.join("new")).unwrap();
    fs::rename(&path, &aside).unwrap();
    fs::rename(scratch.join("new"), &path).unwrap();
    let error = transaction.commit().unwrap_err();
    assert!(error.may_be_done(), "{error:?}");
    assert_eq!(vault.waiting_reads(), 1, "nobody knows yet");
    fs::rename(&aside, &path).unwrap();
    read(&fixture, &mut vault, "app/db", "v1");
    flush(&fixture, &mut vault).unwrap();
    assert_eq!(reads(&fixture, &mut vault), 2, "the one in doubt, and the one after it");
    assert_eq!(vault.waiting_reads(), 0);
    assert_sound(&fixture, &mut vault);
}

#[test]
fn reads_whose_commit_was_not_made_are_written_again() {
    let fixture = VaultFixture::new();
    let (mut vault, _key) = sample_vault(&fixture);
    vault.let_reads_wait();
    read(&fixture, &mut vault, "app/db", "v1");
    vault.waiting.doubt([9; 16]);
    flush(&fixture, &mut vault).unwrap();
    assert_eq!(reads(&fixture, &mut vault), 1);
    assert!(record(&fixture, &mut vault, "app/db").accessed.is_some());
}

/// What cannot be written into what is there now is not forgotten as if it were.
#[test]
fn reads_wait_on_when_another_process_rekeys() {
    let (fixture, scratch) = (VaultFixture::new(), Scratch::new());
    let (mut vault, key) = in_file(&fixture, &scratch);
    read(&fixture, &mut vault, "app/db", "v1");
    rekey(&fixture, &mut reopened(&scratch, &key)).unwrap();
    let error = flush(&fixture, &mut vault).unwrap_err();
    assert!(!error.to_string().is_empty());
    assert_eq!(vault.waiting_reads(), 1);
}

#[test]
fn a_crash_loses_only_what_waits() {
    let (fixture, scratch) = (VaultFixture::new(), Scratch::new());
    let (mut vault, key) = in_file(&fixture, &scratch);
    read(&fixture, &mut vault, "app/db", "v1");
    flush(&fixture, &mut vault).unwrap();
    read(&fixture, &mut vault, "app/key", "k1");
    drop(vault);
    let mut vault = reopened(&scratch, &key);
    assert_eq!(reads(&fixture, &mut vault), 1);
    assert!(record(&fixture, &mut vault, "app/db").accessed.is_some());
    assert_eq!(record(&fixture, &mut vault, "app/key").accessed, None);
    assert_sound(&fixture, &mut vault);
}

/// An entry keeps its time, its actor and its door, also behind a later one of another process.
#[test]
fn entries_may_be_earlier_than_those_before_them() {
    let (mut fixture, scratch) = (VaultFixture::new(), Scratch::new());
    let (mut vault, key) = in_file(&fixture, &scratch);
    fixture.origin.via = "one".to_owned();
    fixture.origin.actor.pid = 77;
    fixture.set(Timestamp(START.0 + 1_000));
    read(&fixture, &mut vault, "app/db", "v1");
    fixture.origin = Origin { via: "other".to_owned(), ..Origin::default() };
    fixture.set(Timestamp(START.0 + 2_000));
    fixture.change(&mut reopened(&scratch, &key), |transaction| {
        transaction.record_own("Other", "").unwrap();
    });
    fixture.set(Timestamp(START.0 + 3_000));
    flush(&fixture, &mut vault).unwrap();
    let events = events(&fixture, &mut vault);
    let told: Vec<_> = events[events.len() - 2..]
        .iter()
        .map(|event| {
            (event.operation.as_str(), event.time.0 - START.0, event.via.as_str(), event.actor.pid)
        })
        .collect();
    assert_eq!(told, [("Other", 2_000, "other", 0), ("GetSecretValue", 1_000, "one", 77)]);
    assert_sound(&fixture, &mut vault);
    let transaction = fixture.read(&mut vault);
    let archive = transaction.archive().unwrap();
    let mut count = 0;
    transaction.read_archive(&mut archive.as_slice(), |_seq, _event| count += 1).unwrap();
    assert_eq!(count, events.len());
    drop(transaction);
    assert_sound(&fixture, &mut reopened(&scratch, &key));
}

#[test]
fn a_day_is_not_given_to_another_secret_of_the_same_name() {
    let (fixture, scratch) = (VaultFixture::new(), Scratch::new());
    let (mut vault, key) = in_file(&fixture, &scratch);
    read(&fixture, &mut vault, "app/db", "v1");
    fixture.change(&mut reopened(&scratch, &key), |transaction| {
        let record = transaction.find(&home(), "app/db").unwrap().unwrap();
        transaction.remove(&record).unwrap();
        create(transaction, "app/db", &[("v1", text("another"))]);
    });
    flush(&fixture, &mut vault).unwrap();
    assert_eq!(reads(&fixture, &mut vault), 1);
    assert_eq!(record(&fixture, &mut vault, "app/db").accessed, None);
    assert_sound(&fixture, &mut vault);
}

#[test]
fn a_day_does_not_replace_a_later_one() {
    let (fixture, scratch) = (VaultFixture::new(), Scratch::new());
    let (mut vault, key) = in_file(&fixture, &scratch);
    read(&fixture, &mut vault, "app/db", "v1");
    fixture.advance_days(3);
    let later = fixture.now.get().midnight();
    fixture.change(&mut reopened(&scratch, &key), |transaction| {
        let mut record = transaction.find(&home(), "app/db").unwrap().unwrap();
        transaction.note_access(&mut record, "v2").unwrap();
    });
    flush(&fixture, &mut vault).unwrap();
    let record = record(&fixture, &mut vault, "app/db");
    assert_eq!(record.accessed, Some(later));
    assert_eq!(record.version("v1").unwrap().accessed, Some(START.midnight()));
}

/// The rows of what was read are damaged, and of what is to be erased; that takes nothing from the log.
#[test]
fn what_is_damaged_keeps_no_read_out_of_the_log() {
    let fixture = VaultFixture::new();
    let (mut vault, _key) = sample_vault(&fixture);
    vault.let_reads_wait();
    read(&fixture, &mut vault, "app/db", "v1");
    fixture.advance_days(8);
    vault.store_mut().tamper("UPDATE secret SET box = zeroblob(400)");
    flush(&fixture, &mut vault).unwrap();
    assert_eq!(reads(&fixture, &mut vault), 1);
}

/// Where nothing can ever be written, nothing waits for it.
#[test]
fn nothing_waits_where_a_vault_can_only_be_read() {
    let (fixture, scratch) = (VaultFixture::new(), Scratch::new());
    let (vault, key) = in_file(&fixture, &scratch);
    drop(vault);
    let locked = LockedVault::open(&scratch.join("vault"), Mode::ReadOnly).unwrap();
    let mut vault = locked.unlock(&key.master, &STRICT).unwrap();
    vault.let_reads_wait();
    read(&fixture, &mut vault, "app/db", "v1");
    assert_eq!(vault.waiting_reads(), 0);
}
