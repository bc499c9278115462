//! Repairing in place, and saving what is left.

use super::rows::{Rows, TABLES};
use super::tamper::{Ages, alterations};
use super::*;
use crate::store::Table;

/// Repairs a vault and returns what was done.
fn repair(fixture: &VaultFixture, vault: &mut Vault) -> Result<Vec<Finding>, Error> {
    let mut transaction = fixture.write(vault);
    let mended = transaction.repair(&[], &mut |_| {})?;
    transaction.commit()?;
    Ok(mended.done)
}

/// The values that are answered, and what must be the same of all else.
fn values(answers: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let values = answers.iter().filter(|(asked, _)| asked.starts_with("value "));
    values.map(|(asked, told)| (asked.clone(), told.clone())).collect()
}

fn lines(answers: &BTreeMap<String, String>) -> usize {
    answers["log"].lines().count()
}

#[test]
fn a_repaired_vault_is_sound_and_has_all_that_authenticates() {
    let ages = Ages::new();
    let known = values(&ages.truth);
    for table in TABLES {
        for (case, altered) in alterations(table, &ages.old, &ages.new) {
            let mut vault = unlock(altered.store(), &ages.key, &UNGUARDED).unwrap();
            let done = match repair(&ages.fixture, &mut vault) {
                Err(Error::LastSlot(_)) if table == Table::Slot => continue,
                done => done.unwrap(),
            };
            assert!(!done.is_empty(), "{case}");
            assert_sound(&ages.fixture, &mut vault);
            let after = truth(&ages.fixture, &mut vault);
            for (asked, told) in values(&after) {
                assert_eq!(Some(&told), known.get(&asked), "{case}");
            }
            let lost = known.len() - values(&after).len();
            let (most, entries) = match table {
                // Each row has at most three values or is one; all of them are in these two.
                Table::Secret | Table::Value if case.contains("all ") => (known.len(), 0),
                Table::Secret | Table::Value => (3, 0),
                Table::Audit if case.contains("all ") => (0, 5),
                Table::Audit => (0, 2),
                Table::Bucket | Table::Node | Table::Slot => (0, 0),
            };
            assert!(lost <= most, "{case}: {lost} values lost, {done:?}");
            let was = lines(&ages.truth) + 1;
            assert!(lines(&after) + entries >= was, "{case}: {} entries lost", was - lines(&after));
        }
    }
}

#[test]
fn a_sound_vault_loses_nothing_by_being_repaired() {
    let fixture = VaultFixture::new();
    let (mut vault, _key) = sample_vault(&fixture);
    let before = truth(&fixture, &mut vault);
    assert_eq!(repair(&fixture, &mut vault).unwrap(), []);
    assert_sound(&fixture, &mut vault);
    assert_eq!(values(&truth(&fixture, &mut vault)), values(&before));
}

#[test]
fn rows_larger_than_any_can_be_stand_in_nobodys_way() {
    // One such row kept `check`, its repair, `salvage` and `rekey` from working at all.
    let ages = Ages::new();
    for (table, column, key) in [
        ("slot", "body", "n"),
        ("node", "body", "n"),
        ("bucket", "body", "n"),
        ("secret", "box", "rid"),
        ("value", "box", "vid"),
        ("audit", "box", "seq"),
    ] {
        let store = || {
            let store = ages.new.store();
            // Somebody else's SQLite allows it.
            store.tamper_hugely(&format!(
                "UPDATE {table} SET {column} = zeroblob(20000000) \
                 WHERE {key} = (SELECT min({key}) FROM {table})"
            ));
            store
        };
        let mut vault = unlock(store(), &ages.key, &UNGUARDED).unwrap();
        judge(table, &ages.truth, &ask(&ages.fixture, &mut vault));
        assert_ne!(findings(&ages.fixture, &mut vault), [], "{table}");
        repair(&ages.fixture, &mut vault).unwrap();
        assert_sound(&ages.fixture, &mut vault);

        let mut damaged = LockedVault::from_store(store()).unwrap();
        let (mut saved, _key) = sample_empty_vault(&ages.fixture);
        let mut into = ages.fixture.write(&mut saved);
        let salvaged = damaged.salvage(&ages.key.master, &mut into, &[], &mut |_| {}).unwrap();
        into.commit().unwrap();
        let lost = u64::from(table == "secret");
        assert_eq!((salvaged.secrets, salvaged.lost_secrets), (4 - lost, lost), "{table}");
        assert_sound(&ages.fixture, &mut saved);
    }
}

#[test]
fn a_row_behind_the_log_keeps_nobody_from_working_and_costs_no_entry() {
    // It stood where the next entry goes, so that every command that is logged failed; and repair
    // dropped all entries before it.
    let fixture = VaultFixture::new();
    let (mut vault, key) = sample_vault(&fixture);
    let before = truth(&fixture, &mut vault);
    let mut altered = Rows::of(&mut vault.store);
    let last = altered.table(Table::Audit).last_key_value().map(|(seq, body)| (*seq, body.clone()));
    let (last, body) = last.unwrap();
    for seq in [last + 1, last + 2, last + 9] {
        altered.table_mut(Table::Audit).insert(seq, body.clone());
    }

    let mut repaired = unlock(altered.store(), &key, &STRICT).unwrap();
    assert_eq!(findings(&fixture, &mut repaired).len(), 1);
    assert_eq!(repair(&fixture, &mut repaired).unwrap().len(), 3);
    assert_sound(&fixture, &mut repaired);
    let after = truth(&fixture, &mut repaired);
    assert!(after["log"].starts_with(&before["log"]), "{}", after["log"]);

    let mut used = unlock(altered.store(), &key, &STRICT).unwrap();
    fixture.change(&mut used, |t| create(t, "never", &[("v", text("x"))]));
    fixture.change(&mut used, |t| t.record_own("Work", "").unwrap());
    assert_sound(&fixture, &mut used);
    let entries = truth_log(&fixture, &mut used);
    let expected =
        format!("{}3 Commit \n4 AuditCut entry 3 was put in by hand\n5 Work \n", before["log"]);
    assert_eq!(entries, expected);
}

fn truth_log(fixture: &VaultFixture, vault: &mut Vault) -> String {
    log(&fixture.read(vault)).unwrap()
}

#[test]
fn entries_around_a_damaged_one_are_kept() {
    let fixture = VaultFixture::new();
    let (mut vault, key) = sample_empty_vault(&fixture);
    for number in 0..9 {
        fixture.change(&mut vault, |t| t.record_own("Work", &number.to_string()).unwrap());
    }
    let sound = Rows::of(&mut vault.store);
    for damaged in [vec![0], vec![4], vec![9], vec![0, 9], vec![2, 3, 7], (0..10).collect()] {
        let mut altered = sound.clone();
        for seq in &damaged {
            altered.table_mut(Table::Audit).get_mut(seq).unwrap()[40] ^= 1;
        }
        let mut vault = unlock(altered.store(), &key, &STRICT).unwrap();
        repair(&fixture, &mut vault).unwrap();
        assert_sound(&fixture, &mut vault);
        let told = truth_log(&fixture, &mut vault);
        let details: Vec<&str> =
            told.lines().filter_map(|line| line.split(" Work ").nth(1)).collect();
        let kept = (1..10_u64).filter(|seq| !damaged.contains(seq));
        let expected: Vec<String> = kept.map(|seq| (seq - 1).to_string()).collect();
        assert_eq!(details, expected, "{damaged:?}");
        // The newest keeps its number, and the repair comes after it.
        assert!(told.lines().last().unwrap().starts_with("10 Repair "), "{told}");
    }
}

#[test]
fn salvage_needs_neither_state_nor_tree_nor_log() {
    let ages = Ages::new();
    let (public, _state) = ages.new.vault.clone().unwrap();
    let mut altered = ages.new.clone();
    altered.vault = Some((public, vec![7; 400]));
    for table in [Table::Bucket, Table::Node, Table::Audit, Table::Slot] {
        altered.table_mut(table).clear();
    }
    let mut damaged = LockedVault::from_store(altered.store()).unwrap();
    let (mut saved, _key) = sample_empty_vault(&ages.fixture);
    let mut into = ages.fixture.write(&mut saved);
    let salvaged = damaged.salvage(&ages.key.master, &mut into, &[], &mut |_| {}).unwrap();
    into.commit().unwrap();
    assert_eq!((salvaged.secrets, salvaged.values), (4, 4));
    assert_eq!((salvaged.lost_secrets, salvaged.lost_values), (0, 0));
    assert_sound(&ages.fixture, &mut saved);
    assert_eq!(values(&truth(&ages.fixture, &mut saved)), values(&ages.truth));
}
