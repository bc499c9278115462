//! Rows that authenticate and were put back: a repair and a salvage believe those that the tree
//! vouches for, and name the others.

use super::rows::Rows;
use super::tamper::Ages;
use super::*;
use crate::store::Table;
use crate::vault::evidence::InDoubt;
use crate::vault::repair::RepairOutcome;
use crate::vault::salvage::Salvaged;

/// Repairs altered rows, and returns what that did and what is answered then.
fn repaired(
    ages: &Ages,
    rows: &Rows,
    accepted: &[&str],
) -> (RepairOutcome, BTreeMap<String, String>) {
    let mut vault = unlock(rows.store(), &ages.key, &UNGUARDED).unwrap();
    let accepted: Vec<String> = accepted.iter().map(|&name| name.to_owned()).collect();
    let mut transaction = ages.fixture.write(&mut vault);
    let mended = transaction.repair(&accepted, &mut |_| {}).unwrap();
    transaction.commit().unwrap();
    assert_sound(&ages.fixture, &mut vault);
    let answers = truth(&ages.fixture, &mut vault);
    (mended, answers)
}

/// Salvages altered rows, and returns what that did and what is answered then.
fn salvaged(ages: &Ages, rows: &Rows, accepted: &[&str]) -> (Salvaged, BTreeMap<String, String>) {
    let accepted: Vec<String> = accepted.iter().map(|&name| name.to_owned()).collect();
    let mut damaged = LockedVault::from_store(rows.store()).unwrap();
    let (mut saved, _key) = sample_empty_vault(&ages.fixture);
    let mut into = ages.fixture.write(&mut saved);
    let told = damaged.salvage(&ages.key.master, &mut into, &accepted, &mut |_| {}).unwrap();
    into.commit().unwrap();
    assert_sound(&ages.fixture, &mut saved);
    let answers = truth(&ages.fixture, &mut saved);
    (told, answers)
}

/// The rows of the newer age with the records and values of the older one in their places, and
/// those of secrets that are gone.
fn with_old_records(ages: &Ages) -> Rows {
    let mut rows = ages.new.clone();
    for table in [Table::Secret, Table::Value] {
        for (key, body) in ages.old.table(table) {
            rows.table_mut(table).insert(*key, body.clone());
        }
    }
    rows
}

fn names(in_doubt: &[InDoubt]) -> Vec<&str> {
    in_doubt.iter().map(|secret| secret.name.as_str()).collect()
}

#[test]
fn a_deleted_secret_put_back_beside_junk_is_left_out_and_named() {
    // A repair took a junk row of the tree for one that was damaged, and every record that would
    // have been in it for true: a secret that was deleted came back, and no answer named it.
    let ages = Ages::new();
    let mut altered = ages.new.clone();
    for table in [Table::Secret, Table::Value] {
        for (key, body) in ages.old.table(table) {
            altered.table_mut(table).entry(*key).or_insert_with(|| body.clone());
        }
    }
    let buckets = ages.old.table(Table::Bucket).keys();
    let free: Vec<u64> =
        buckets.filter(|key| !ages.new.table(Table::Bucket).contains_key(key)).copied().collect();
    assert_eq!(free.len(), 2, "the deleted secret and key were alone in their buckets");
    for key in free {
        altered.table_mut(Table::Bucket).insert(key, vec![7; 40]);
    }
    let (mended, answers) = repaired(&ages, &altered, &["tmp", KEYS[1]]);
    assert_eq!(answers["find tmp"], "absent");
    assert_eq!(answers[&format!("key {}", KEYS[1])], "absent");
    assert_eq!(mended.in_doubt, []);
    let told = mended.done.iter().find(|finding| finding.place == "tmp").unwrap();
    assert_eq!(told.problem, "removed: it was deleted, and somebody put it back");
    assert_eq!(answers["value app/db v2"], "hunter2");

    let (told, answers) = salvaged(&ages, &altered, &["tmp", KEYS[1]]);
    assert_eq!(answers["find tmp"], "absent");
    assert_eq!(names(&told.in_doubt), ["tmp", KEYS[1]]);
    assert!(told.in_doubt.iter().all(|secret| !secret.is_kept));
    assert_eq!(answers[&format!("key {}", KEYS[1])], "absent");
}

#[test]
fn an_older_value_is_kept_only_where_its_name_is_accepted() {
    let ages = Ages::new();
    for tables in [&[][..], &[Table::Bucket], &[Table::Bucket, Table::Node]] {
        let case = format!("{tables:?} hit");
        let mut altered = with_old_records(&ages);
        for table in tables {
            altered.table_mut(*table).values_mut().for_each(|body| body[3] ^= 1);
        }

        let (mended, answers) = repaired(&ages, &altered, &[]);
        assert!(names(&mended.in_doubt).contains(&"app/db"), "{case}: {:?}", mended.in_doubt);
        assert!(mended.in_doubt.iter().all(|secret| !secret.is_kept), "{case}");
        assert_eq!(answers["find app/db"], "absent", "{case}");
        for (asked, told) in answers.iter().filter(|(asked, _)| asked.starts_with("value ")) {
            assert_eq!(Some(told), ages.truth.get(asked), "{case}: {asked}");
        }

        let (mended, answers) = repaired(&ages, &altered, &["app/db"]);
        let kept: Vec<_> = mended.in_doubt.iter().filter(|secret| secret.is_kept).collect();
        assert_eq!(kept.len(), 1, "{case}");
        assert_eq!(answers["value app/db v1"], "hunter1", "{case}");

        let (told, answers) = salvaged(&ages, &altered, &[]);
        assert!(names(&told.in_doubt).contains(&"app/db"), "{case}");
        assert_eq!(answers["find app/db"], "absent", "{case}");
        let (_told, answers) = salvaged(&ages, &altered, &["app/db"]);
        assert_eq!(answers["value app/db v1"], "hunter1", "{case}");
    }
}

#[test]
fn a_check_names_what_a_repair_would_leave_out() {
    let ages = Ages::new();
    let mut vault = unlock(with_old_records(&ages).store(), &ages.key, &UNGUARDED).unwrap();
    let in_doubt = ages.fixture.read(&mut vault).in_doubt(&mut |_| {}).unwrap();
    let mut found = names(&in_doubt);
    found.sort_unstable();
    assert_eq!(found, [KEYS[0], "app/db"]);
    assert!(in_doubt.iter().any(|secret| secret.region == "local-1"));
}

#[test]
fn a_tree_that_is_lost_is_proven_by_what_was_in_it() {
    // What nobody put back is not in doubt because a page of the tree is gone.
    let ages = Ages::new();
    for tables in [&[Table::Bucket][..], &[Table::Node], &[Table::Bucket, Table::Node]] {
        let mut altered = ages.new.clone();
        for table in tables {
            altered.table_mut(*table).clear();
        }
        let (mended, answers) = repaired(&ages, &altered, &[]);
        assert_eq!(mended.in_doubt, [], "{tables:?}");
        assert_eq!(answers["list"].lines().count(), ages.truth["list"].lines().count());
        let (told, _answers) = salvaged(&ages, &altered, &[]);
        assert_eq!((told.secrets, told.in_doubt), (4, Vec::new()), "{tables:?}");
    }
}

#[test]
fn a_bucket_is_proven_even_beside_a_record_too_many() {
    let ages = Ages::new();
    let mut altered = ages.new.clone();
    altered.table_mut(Table::Bucket).clear();
    for (key, body) in ages.old.table(Table::Secret) {
        altered.table_mut(Table::Secret).entry(*key).or_insert_with(|| body.clone());
    }
    let (mended, answers) = repaired(&ages, &altered, &[]);
    assert_eq!(mended.in_doubt, []);
    assert_eq!(answers["find tmp"], "absent");
    assert_eq!(answers["value app/db v2"], "hunter2");
}

#[test]
fn without_a_state_everything_is_saved_and_in_doubt() {
    let ages = Ages::new();
    let mut altered = with_old_records(&ages);
    altered.vault.as_mut().unwrap().1 = vec![7; 400];
    let (told, answers) = salvaged(&ages, &altered, &[]);
    assert_eq!(told.secrets, 5);
    assert_eq!((names(&told.in_doubt).len(), told.access_keys), (8, 3));
    assert!(told.in_doubt.iter().all(|secret| secret.is_kept));
    assert_eq!(answers["value tmp t1"], "gone tomorrow");
}
