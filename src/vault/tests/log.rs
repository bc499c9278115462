//! The audit log's chain, and what is dropped from its front.

use super::rows::Rows;
use super::*;
use crate::store::Table;
use crate::vault::audit::{Event, Subject};

/// As in `log`: tests have shorter logs.
const MOST: u64 = 500;
const BLOCK: u64 = 50;

/// Writes so many entries, many to a commit.
fn fill(fixture: &VaultFixture, vault: &mut Vault, count: u64) {
    fixture.change(vault, |transaction| {
        for number in 0..count {
            transaction.record_own("Fill", &number.to_string()).unwrap();
        }
    });
}

fn operations(fixture: &VaultFixture, vault: &mut Vault) -> Vec<(u64, String)> {
    let mut found = Vec::new();
    let visit = |seq, event: Event| {
        found.push((seq, event.operation));
        Ok(())
    };
    fixture.read(vault).events(visit).unwrap();
    found
}

#[test]
fn entries_say_what_happened_and_never_a_value() {
    let fixture = VaultFixture::new();
    let (mut vault, _key) = sample_vault(&fixture);
    fixture.change(&mut vault, |transaction| {
        let record = transaction.find(&home(), "app/db").unwrap().unwrap();
        let subject = Subject { version: "v1".to_owned(), ..Transaction::subject(&record) };
        transaction.record("GetSecretValue", "ResourceNotFoundException", subject).unwrap();
    });
    let mut last = None;
    let visit = |seq, event| {
        last = Some((seq, event));
        Ok(())
    };
    fixture.read(&mut vault).events(visit).unwrap();
    let (seq, event) = last.unwrap();
    let Event { time, operation, outcome, subject, via, generation, .. } = event;
    assert_eq!((seq, time, generation), (3, START, 4));
    assert_eq!(
        (operation.as_str(), outcome.as_str()),
        ("GetSecretValue", "ResourceNotFoundException")
    );
    assert_eq!((subject.name.as_str(), subject.version.as_str()), ("app/db", "v1"));
    assert_eq!(via, "test");
}

#[test]
fn every_commit_stands_in_the_log() {
    // A rotation's lease and an empty purge did not: a copy that was changed apart by such a commit
    // could not be told from one that came out of it, and no checkpoint of it could be proven later.
    let fixture = VaultFixture::new();
    let (mut vault, _key) = sample_empty_vault(&fixture);
    fixture.change(&mut vault, |transaction| create(transaction, "app/db", &[]));
    let checkpoint = fixture.read(&mut vault).checkpoint();
    fixture.change(&mut vault, |transaction| {
        let mut record = transaction.find(&home(), "app/db").unwrap().unwrap();
        transaction.update(&mut record).unwrap();
    });
    let found: Vec<String> =
        operations(&fixture, &mut vault).into_iter().map(|(_seq, operation)| operation).collect();
    assert_eq!(found, ["Init", "Commit", "Commit"]);
    let relation = fixture.read(&mut vault).relation_to(&checkpoint).unwrap();
    assert_eq!(relation, crate::vault::checkpoint::Relation::Descendant);
}

#[test]
fn a_full_log_drops_its_oldest_block() {
    let fixture = VaultFixture::new();
    let (mut vault, key) = sample_empty_vault(&fixture);
    fill(&fixture, &mut vault, MOST + BLOCK - 2);
    let found = operations(&fixture, &mut vault);
    assert_eq!(found.len(), usize::try_from(MOST + BLOCK - 1).unwrap());
    assert_eq!(found[0], (0, "Init".to_owned()));

    fill(&fixture, &mut vault, 1);
    let found = operations(&fixture, &mut vault);
    assert_eq!(found.len(), usize::try_from(MOST + 1).unwrap());
    assert_eq!(found[0].0, BLOCK);
    assert_eq!(found.last().unwrap(), &(MOST + BLOCK, "AuditPruned".to_owned()));
    assert_sound(&fixture, &mut vault);

    // It goes on in the same way, and survives being opened again.
    fill(&fixture, &mut vault, 3 * BLOCK);
    let mut vault = unlock(vault.store, &key, &STRICT).unwrap();
    assert_sound(&fixture, &mut vault);
    let log = fixture.read(&mut vault).state().log;
    assert_eq!((log.first % BLOCK, log.first > BLOCK), (0, true));
    assert!(log.next - log.first < MOST + BLOCK);
    let rows = Rows::of(&mut vault.store);
    assert_eq!(rows.table(Table::Audit).len(), usize::try_from(log.next - log.first).unwrap());
    assert_eq!(rows.table(Table::Audit).first_key_value().unwrap().0, &log.first);
}

#[test]
fn entries_are_kept_for_so_many_days() {
    let fixture = VaultFixture::new();
    let (mut vault, _key) = sample_empty_vault(&fixture);
    fill(&fixture, &mut vault, 2 * BLOCK);
    for _ in 0..4 {
        fixture.advance_days(99);
        fill(&fixture, &mut vault, 1);
    }
    assert_eq!(operations(&fixture, &mut vault)[0].0, 0);
    fixture.advance_days(5);
    fill(&fixture, &mut vault, 1);
    // A block goes when all of it is too old.
    assert_eq!(operations(&fixture, &mut vault)[0].0, 2 * BLOCK);
    fill(&fixture, &mut vault, 5);
    assert_eq!(operations(&fixture, &mut vault)[0].0, 2 * BLOCK);
    assert_sound(&fixture, &mut vault);
}

#[test]
fn a_clock_that_cannot_be_right_drops_no_entries() {
    let fixture = VaultFixture::new();
    let (mut vault, _key) = sample_empty_vault(&fixture);
    fill(&fixture, &mut vault, 2 * BLOCK);
    fixture.advance_days(5_000);
    fill(&fixture, &mut vault, 5);
    assert_eq!(operations(&fixture, &mut vault)[0].0, 0);
}

#[test]
fn a_damaged_log_is_not_shortened_and_keeps_nobody_from_working() {
    // A full log with an entry missing used to fail every command that is logged; one with an
    // entry exchanged lost it, and did not fit together ever after.
    let fixture = VaultFixture::new();
    let (mut vault, key) = sample_empty_vault(&fixture);
    fill(&fixture, &mut vault, MOST + BLOCK - 2);
    let sound = Rows::of(&mut vault.store);
    let damage: [(&str, Damage); 3] = [
        ("deleted", |rows| drop(rows.remove(&7))),
        ("empty", |rows| rows.get_mut(&7).unwrap().clear()),
        ("exchanged", |rows| rows.get_mut(&7).unwrap()[290] ^= 1),
    ];
    for (case, damage) in damage {
        let mut altered = sound.clone();
        damage(altered.table_mut(Table::Audit));
        let mut vault = unlock(altered.store(), &key, &STRICT).unwrap();
        fill(&fixture, &mut vault, 3);
        assert_eq!(fixture.read(&mut vault).state().log.first, 0, "{case}");
        assert_eq!(findings(&fixture, &mut vault).len(), 1, "{case}");
        let mut healed = Rows::of(&mut vault.store);
        let entry = sound.table(Table::Audit)[&7].clone();
        healed.table_mut(Table::Audit).insert(7, entry);
        let mut vault = unlock(healed.store(), &key, &STRICT).unwrap();
        assert_sound(&fixture, &mut vault);
        fill(&fixture, &mut vault, 1);
        assert_eq!(fixture.read(&mut vault).state().log.first, BLOCK, "{case}");
        assert_sound(&fixture, &mut vault);
    }
}
