//! The limits of docs/format.md, "Limits": what is written at one is read back, what would be beyond
//! one is refused, and nothing is changed by the attempt.

use proptest::prelude::*;

use super::super::cbor::MAX_COUNTED;
use super::super::progress::{Progress, Purpose};
use super::super::state::{MAX_LABEL, State};
use super::*;
use crate::model::time::FURTHEST_MS;
use crate::store::MAX_ROW_BYTES;

/// Changes a secret and commits, and reads everything back, or sees that it was refused and that
/// everything is as before.
#[track_caller]
fn check(
    change: &mut dyn FnMut(&mut Transaction<'_>, &mut Record) -> Result<(), Error>,
    is_within: bool,
) {
    let fixture = VaultFixture::new();
    let (mut vault, _key) = sample_empty_vault(&fixture);
    fixture.change(&mut vault, |t| create(t, "app/db", &[("v1", text("one"))]));
    let before = truth(&fixture, &mut vault);
    let mut transaction = fixture.write(&mut vault);
    let mut record = transaction.find(&home(), "app/db").unwrap().unwrap();
    let done = change(&mut transaction, &mut record)
        .and_then(|()| transaction.remove(&transaction.find(&home(), "app/db")?.unwrap()))
        .and_then(|()| {
            record.rid = 0;
            record.versions.clear();
            transaction.insert(&mut record)
        })
        .and_then(|()| transaction.commit());
    if is_within {
        done.unwrap();
        let transaction = fixture.read(&mut vault);
        let found = transaction.find(&home(), &record.name).unwrap().unwrap();
        assert!(found == record);
        drop(transaction);
        assert_sound(&fixture, &mut vault);
    } else {
        assert!(matches!(done, Err(Error::Limit(_))), "{done:?}");
        assert_eq!(truth(&fixture, &mut vault), before);
    }
}

fn around(limit: usize) -> [(usize, bool); 3] {
    [(limit - 1, true), (limit, true), (limit + 1, false)]
}

fn around_time(limit: i64) -> [(i64, bool); 3] {
    [(limit - limit.signum(), true), (limit, true), (limit + limit.signum(), false)]
}

#[test]
fn names_tags_and_counters_of_a_record() {
    for (length, is_within) in around(512) {
        let name = "é".repeat(length);
        check(
            &mut |_, record| {
                record.name.clone_from(&name);
                Ok(())
            },
            is_within,
        );
    }
    for (count, is_within) in around(50) {
        let tags = vec![("key".to_owned(), "value".to_owned()); count];
        check(
            &mut |_, record| {
                record.tags = Some(tags.clone());
                Ok(())
            },
            is_within,
        );
    }
    let most = usize::try_from(MAX_COUNTED).unwrap();
    for (number, is_within) in around(most) {
        let number = u64::try_from(number).unwrap();
        check(
            &mut |_, record| {
                record.revision = number;
                let mut progress = Progress::new("w".to_owned(), Purpose::Rotate, START);
                progress.failures = number;
                record.progress = Some(progress);
                Ok(())
            },
            is_within,
        );
    }
}

#[test]
fn the_times_of_a_record() {
    for limit in [FURTHEST_MS, -FURTHEST_MS] {
        for (time, is_within) in around_time(limit) {
            let at = Timestamp(time);
            let changes: [fn(&mut Record, Timestamp); 2] =
                [|record, at| record.changed = at, |record, at| record.rotated = Some(at)];
            for change in changes {
                check(
                    &mut |_, record| {
                        change(record, at);
                        Ok(())
                    },
                    is_within,
                );
            }
        }
    }
}

#[test]
fn the_revision_that_is_the_last_is_not_counted_further() {
    let fixture = VaultFixture::new();
    let (mut vault, _key) = sample_empty_vault(&fixture);
    fixture.change(&mut vault, |t| create(t, "app/db", &[]));
    let mut transaction = fixture.write(&mut vault);
    let mut record = transaction.find(&home(), "app/db").unwrap().unwrap();
    record.revision = MAX_COUNTED - 1;
    transaction.update(&mut record).unwrap();
    assert!(matches!(transaction.update(&mut record), Err(Error::Limit(_))));
}

#[test]
fn the_bytes_of_a_value() {
    for (length, is_within) in around(65_536) {
        let value = SecretValue::Binary(Secret::new(vec![7; length]));
        let fixture = VaultFixture::new();
        let (mut vault, _key) = sample_empty_vault(&fixture);
        let mut transaction = fixture.write(&mut vault);
        let stored = transaction.insert_value(5, "v", &value);
        assert_eq!(stored.is_ok(), is_within, "{length}");
        if !is_within {
            assert!(matches!(stored, Err(Error::Limit(_))), "{stored:?}");
            assert_eq!(transaction.state().values, 0);
        }
    }
}

#[test]
fn the_label_of_a_slot() {
    let fixture = VaultFixture::new();
    let (mut vault, key) = sample_empty_vault(&fixture);
    let vault_id = *vault.vault_id();
    for (length, is_within) in around(MAX_LABEL) {
        let (body, _) = new_slot(&fixture, &key.master, &vault_id);
        let label = "x".repeat(length);
        let mut transaction = fixture.write(&mut vault);
        let added = transaction.add_slot(&body, &label);
        assert_eq!(added.is_ok(), is_within, "{length}");
        if let Ok(number) = added {
            transaction.commit().unwrap();
            assert_eq!(fixture.read(&mut vault).state().slot(number).unwrap().label, label);
        }
    }
    assert_sound(&fixture, &mut vault);
}

/// With numbers near the end of an `u64` in the state, a put or a create panicked.
#[test]
fn the_counters_of_the_state() {
    let counters: [fn(&mut State) -> &mut u64; 3] =
        [|state| &mut state.secrets, |state| &mut state.values, |state| &mut state.value_bytes];
    for counter in counters {
        for (number, is_within) in [(MAX_COUNTED - 10, true), (MAX_COUNTED, false)] {
            let fixture = VaultFixture::new();
            let (mut vault, _key) = sample_empty_vault(&fixture);
            let mut transaction = fixture.write(&mut vault);
            *counter(&mut transaction.state) = number;
            create(&mut transaction, "app/db", &[("v1", text("one"))]);
            let done = transaction.commit();
            assert_eq!(done.is_ok(), is_within, "{number}: {done:?}");
            assert!(is_within || matches!(done, Err(Error::Limit(_))), "{done:?}");
            assert_eq!(
                fixture.read(&mut vault).find(&home(), "app/db").unwrap().is_some(),
                is_within
            );
        }
    }
    let fixture = VaultFixture::new();
    let (mut vault, _key) = sample_empty_vault(&fixture);
    vault.raise_floor(MAX_COUNTED);
    fixture.change(&mut vault, |t| t.record_own("Work", "").unwrap());
    assert_eq!(fixture.read(&mut vault).state().generation, MAX_COUNTED);
    let mut transaction = fixture.write(&mut vault);
    assert!(matches!(transaction.record_own("Work", ""), Err(Error::Limit(_))));
    transaction.is_changed = true;
    assert!(matches!(transaction.commit(), Err(Error::Limit(_))));
    assert_eq!(fixture.read(&mut vault).state().generation, MAX_COUNTED);
}

/// A list of what a repair did can be of any length.
#[test]
fn what_an_entry_says_is_cut() {
    let fixture = VaultFixture::new();
    let (mut vault, _key) = sample_empty_vault(&fixture);
    let detail = "é".repeat(9 << 20);
    fixture.change(&mut vault, |t| t.record_own("Repair", &detail).unwrap());
    let mut last = 0;
    let transaction = fixture.read(&mut vault);
    transaction
        .events(|_, event| {
            last = event.detail.chars().count();
            Ok(())
        })
        .unwrap();
    assert_eq!(last, 16_384);
    drop(transaction);
    assert_sound(&fixture, &mut vault);
}

/// How long a description makes a record of exactly as many bytes as a row can have.
fn longest_description() -> usize {
    let mut record = Record::new(home(), "app/db".into(), "a1B2c3".into(), START);
    record.description = Some("x".repeat(70_000));
    let rest = record.encode().len() - 70_000;
    let fits = |length: usize| {
        let data = length + rest;
        24 + crypto::sealed::padme(4 + data).unwrap() + 16 <= MAX_ROW_BYTES
    };
    let (mut low, mut high) = (0, MAX_ROW_BYTES);
    while low + 1 < high {
        let middle = usize::midpoint(low, high);
        if fits(middle) { low = middle } else { high = middle }
    }
    low
}

/// Stores a record with a description of so many bytes, if that is allowed.
fn describe_at_length(length: usize) -> Result<(), Error> {
    let fixture = VaultFixture::new();
    let (mut vault, _key) = sample_empty_vault(&fixture);
    let mut transaction = fixture.write(&mut vault);
    let mut record = Record::new(home(), "app/db".into(), "a1B2c3".into(), START);
    record.description = Some("x".repeat(length));
    transaction.insert(&mut record)?;
    transaction.commit()?;
    let transaction = fixture.read(&mut vault);
    assert!(transaction.find(&home(), "app/db")? == Some(record));
    Ok(())
}

/// A record above 8 MiB was written, and from then on every list, backup, rekey and delete of the
/// whole vault failed.
#[test]
fn the_bytes_of_a_record() {
    let most = longest_description();
    describe_at_length(most).unwrap();
    let refused = describe_at_length(most + 1);
    assert!(matches!(refused, Err(Error::Limit(_))), "{refused:?}");
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_bytes_of_a_record_about_the_limit(apart in 1..200_000_usize) {
        let most = longest_description();
        prop_assert!(describe_at_length(most - apart).is_ok());
        let refused = describe_at_length(most + apart);
        prop_assert!(matches!(refused, Err(Error::Limit(_))), "{:?}", refused);
    }
}
