//! Reads that wait for a commit, and logs that could not be written for a while.

use super::*;
use crate::store;
use crate::vault::state::Settings;
use crate::vault::transaction::Access;
use crate::vault::{Error, Vault};

const GET: &str = r#"{"SecretId":"db"}"#;

/// A service with the secret `db` whose reads wait.
fn waiting() -> ServiceFixture {
    let (mut service, _) = service();
    service.with(|vault, _| vault.let_reads_wait());
    service
}

/// The same in a file, so that others can come to it.
fn in_file(scratch: &Scratch) -> ServiceFixture {
    let mut service = ServiceFixture::in_store(Store::create(&scratch.join("vault")).unwrap());
    service.with(|vault, _| vault.store_mut().appear()).unwrap();
    let request = format!(r#"{{"Name":"db","ClientRequestToken":"{ONE}","SecretString":"s"}}"#);
    service.call("CreateSecret", &request).unwrap();
    service
}

/// Chooses in another process what is logged.
fn configure(service: &mut ServiceFixture, reads: &str) {
    service.with(|vault, context| {
        let mut other = vault.again().unwrap();
        let mut transaction = other.begin(Access::Write, context).unwrap();
        transaction.set(Settings::AUDIT_READS, reads);
        transaction.commit().unwrap();
    });
}

fn reads(service: &mut ServiceFixture) -> usize {
    service.events().iter().filter(|event| event.operation == "GetSecretValue").count()
}

fn generation(service: &mut ServiceFixture) -> u64 {
    service.look(|transaction| transaction.state().generation)
}

/// docs/decisions/0006: the log is the same as if each read had been written at once, but for the
/// commits.
#[test]
fn reads_wait_for_the_next_commit() {
    let (mut service, _) = service();
    service.with(|vault, _| vault.let_reads_wait());
    let before = (service.events().len(), generation(&mut service));
    service.call("GetSecretValue", r#"{"SecretId":"db"}"#).unwrap();
    service.advance(1_000);
    service.call("GetSecretValue", r#"{"SecretId":"x"}"#).unwrap_err();
    assert_eq!((service.events().len(), generation(&mut service)), before);
    assert_eq!(service.with(|vault, _| vault.waiting_reads()), 2);
    service.advance(1_000);
    service.call("TagResource", r#"{"SecretId":"db","Tags":[]}"#).unwrap();
    let events = service.events().split_off(before.0);
    let told: Vec<(&str, &str, i64)> = events
        .iter()
        .map(|event| (event.operation.as_str(), event.outcome.as_str(), event.time.0 % 10_000))
        .collect();
    let first = events.first().unwrap().time.0 % 10_000;
    assert_eq!(
        told,
        [
            ("GetSecretValue", "Success", first),
            ("GetSecretValue", "ResourceNotFoundException", first + 1_000),
            ("TagResource", "Success", first + 2_000),
        ]
    );
    assert_eq!(generation(&mut service), before.1 + 1, "one commit");
    assert!(service.record("db").unwrap().accessed.is_some());
    assert_eq!(service.with(|vault, _| vault.waiting_reads()), 0);
}

/// What shows when a secret was read last shows the reads that wait, too.
#[test]
fn what_shows_reads_writes_those_that_wait() {
    let (mut service, _) = service();
    service.with(|vault, _| vault.let_reads_wait());
    let count = service.events().len();
    service.call("GetSecretValue", r#"{"SecretId":"db"}"#).unwrap();
    let described = service.call("DescribeSecret", r#"{"SecretId":"db"}"#).unwrap();
    assert!(described.contains("LastAccessedDate"), "{described}");
    assert_eq!(service.events().len(), count + 1);
    service.with(Vault::write_waiting_reads).unwrap();
    assert_eq!(service.events().len(), count + 2);
    // There is nothing to write, so nothing is.
    let before = generation(&mut service);
    service.with(Vault::write_waiting_reads).unwrap();
    assert_eq!(generation(&mut service), before);
}

/// A refused write is logged behind the reads before it, and a transaction that comes to nothing loses
/// none of them.
#[test]
fn reads_that_wait_outlive_what_fails() {
    let (mut service, _) = service();
    service.with(|vault, _| vault.let_reads_wait());
    let count = service.events().len();
    service.call("GetSecretValue", r#"{"SecretId":"db"}"#).unwrap();
    service.with(|vault, context| drop(vault.begin(Access::Write, context).unwrap()));
    assert_eq!(service.events().len(), count);
    service.call("TagResource", r#"{"SecretId":"x","Tags":[]}"#).unwrap_err();
    let events = service.events().split_off(count);
    let told: Vec<&str> = events.iter().map(|event| event.operation.as_str()).collect();
    assert_eq!(told, ["GetSecretValue", "TagResource"]);
}

/// One full disk ended the log of reads for as long as the process lived.
#[test]
fn reads_are_logged_again_when_there_is_space_again() {
    let (mut service, _) = service();
    service.fill_up();
    while !service.is_full() {
        service.call("GetSecretValue", GET).unwrap();
    }
    let before = reads(&mut service);
    service.with(|vault, _| vault.store_mut().tamper("PRAGMA max_page_count = 100000"));
    service.call("GetSecretValue", GET).unwrap();
    assert_eq!(reads(&mut service), before + 1);
    assert!(service.is_full(), "the notes of the command still say it");
}

#[test]
fn reads_go_on_where_those_that_wait_cannot_be_written() {
    let mut service = waiting();
    service.fill_up();
    let mut count = 0;
    let full = loop {
        service.call("GetSecretValue", GET).unwrap();
        count += 1;
        if let Err(error) = service.with(Vault::write_waiting_reads) {
            break error;
        }
    };
    assert!(matches!(full, Error::Store(store::Error::NoSpace)), "{full:?}");
    service.call("GetSecretValue", GET).unwrap();
    service.call("DescribeSecret", GET).unwrap();
    let put = r#"{"SecretId":"db","SecretString":"s","ClientRequestToken":"TWO"}"#;
    service.call("PutSecretValue", &put.replace("TWO", TWO)).unwrap_err();
    service.call("GetSecretValue", GET).unwrap();
    service.with(|vault, _| vault.store_mut().tamper("PRAGMA max_page_count = 100000"));
    service.with(Vault::write_waiting_reads).unwrap();
    assert_eq!(reads(&mut service), count + 2);
    service.require_sound();
}

#[test]
fn reads_go_on_while_another_process_writes() {
    let scratch = Scratch::new();
    let mut service = in_file(&scratch);
    service.with(|vault, _| vault.let_reads_wait());
    service.with(|vault, _| vault.store_mut().set_patience(Duration::from_millis(5)));
    let mut other = Store::open(&scratch.join("vault"), Mode::ReadWrite).unwrap();
    let writing = other.write().unwrap();
    service.call("GetSecretValue", GET).unwrap();
    service.with(Vault::write_waiting_reads).unwrap_err();
    service.call("GetSecretValue", GET).unwrap();
    drop(writing);
    service.with(Vault::write_waiting_reads).unwrap();
    assert_eq!(reads(&mut service), 2);
    service.require_sound();
}

/// What is logged is what the vault says when it is asked, not what it said when it was unlocked.
#[test]
fn another_process_chooses_what_is_logged() {
    let scratch = Scratch::new();
    let mut service = in_file(&scratch);
    for waits in [false, true] {
        if waits {
            service.with(|vault, _| vault.let_reads_wait());
        }
        let mut get = |reads_logged, now| {
            configure(&mut service, reads_logged);
            let before = reads_unseen(&mut service);
            service.call("GetSecretValue", GET).unwrap();
            service.with(Vault::write_waiting_reads).unwrap();
            assert_eq!(reads(&mut service) - before, now, "{reads_logged} {waits}");
        };
        get("off", 0);
        get("on", 1);
        get("off", 0);
        get("on", 1);
    }
}

/// The same without letting the vault see what changed.
fn reads_unseen(service: &mut ServiceFixture) -> usize {
    service.with(|vault, context| {
        let mut count = 0;
        let mut other = vault.again().unwrap();
        let visited = other.begin(Access::Read, context).unwrap().events(|_seq, event| {
            count += usize::from(event.operation == "GetSecretValue");
            Ok(())
        });
        visited.unwrap();
        count
    })
}

/// Each was a commit.
#[test]
fn what_shows_no_change_writes_nothing() {
    let mut service = waiting();
    service.call("GetSecretValue", GET).unwrap();
    service.call("DescribeSecret", GET).unwrap();
    let before = generation(&mut service);
    for _ in 0..5 {
        service.call("DescribeSecret", GET).unwrap();
        service.call("ListSecrets", "{}").unwrap();
    }
    assert_eq!(generation(&mut service), before);
    service.with(Vault::write_waiting_reads).unwrap();
    let shown = service.events().iter().filter(|event| event.operation == "ListSecrets").count();
    assert_eq!(shown, 5);
}

/// A process that only reads kept what was past its recovery window for ever.
#[test]
fn what_is_gone_is_erased_when_reads_are_written() {
    let mut service = waiting();
    let request = format!(r#"{{"Name":"old","ClientRequestToken":"{TWO}","SecretString":"s"}}"#);
    service.call("CreateSecret", &request).unwrap();
    let request = r#"{"SecretId":"old","RecoveryWindowInDays":7}"#;
    service.call("DeleteSecret", request).unwrap();
    service.advance(8 * DAY_MS);
    service.call("GetSecretValue", GET).unwrap();
    assert_eq!(service.look(|transaction| transaction.state().secrets), 2);
    service.with(Vault::write_waiting_reads).unwrap();
    assert_eq!(service.look(|transaction| transaction.state().secrets), 1);
    let last = service.events().pop().unwrap();
    assert_eq!((last.operation.as_str(), last.subject.name.as_str()), ("Purge", "old"));
    service.require_sound();
}

/// While nothing can be written, so many wait and the others are counted.
#[test]
fn what_does_not_fit_is_counted() {
    let (mut service, _) = service();
    service.with(|vault, _| vault.let_reads_wait());
    let count = service.events().len();
    for _ in 0..25 {
        service.call("GetSecretValue", r#"{"SecretId":"db"}"#).unwrap();
    }
    assert_eq!(service.with(|vault, _| vault.waiting_reads()), 20);
    service.with(Vault::write_waiting_reads).unwrap();
    let events = service.events().split_off(count);
    let last = events.last().unwrap();
    assert_eq!((last.operation.as_str(), events.len()), ("ReadsDropped", 21));
    assert_eq!(last.detail, "5 entries and 0 days of last access");
    service.with(Vault::write_waiting_reads).unwrap();
    assert_eq!(service.events().len(), count + 21);
}

/// Another process may have chosen that reads are not logged, or that they are.
#[test]
fn what_is_logged_is_looked_up_with_each_read() {
    let (mut service, _) = service();
    service.with(|vault, _| vault.let_reads_wait());
    service.meddle(|transaction| transaction.set(Settings::AUDIT_READS, "off"));
    let count = service.events().len();
    service.call("GetSecretValue", r#"{"SecretId":"db"}"#).unwrap();
    assert_eq!(service.with(|vault, _| vault.waiting_reads()), 0);
    service.meddle(|transaction| transaction.set(Settings::AUDIT_READS, "on"));
    service.call("GetSecretValue", r#"{"SecretId":"db"}"#).unwrap();
    service.with(Vault::write_waiting_reads).unwrap();
    assert_eq!(service.events().len(), count + 2, "the change, and the second read");
}
