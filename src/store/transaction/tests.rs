use std::path::{Path, PathBuf};

use super::*;
use crate::store::sample::kill;
use crate::store::{Spill, Store, sample};
use crate::sys::scratch::{self, Scratch};

#[test]
fn a_change_by_key_changes_one_row_or_fails() {
    let mut store = Store::in_memory();
    let rows = store.write().unwrap();
    rows.insert(Table::Secret, 7, b"sealed").unwrap();
    assert!(rows.insert(Table::Secret, 7, b"again").is_err());
    rows.update(Table::Secret, 7, b"new").unwrap();
    assert!(matches!(rows.update(Table::Secret, 8, b"x"), Err(Error::RowCount { .. })));
    assert!(matches!(rows.delete(Table::Secret, 8), Err(Error::RowCount { .. })));
    assert_eq!(rows.secret(7).unwrap().as_deref(), Some(&b"new"[..]));
    assert!(matches!(rows.insert(Table::Secret, u64::MAX, b""), Err(Error::TooBig)));
}

#[test]
fn rows_that_no_program_of_ours_wrote_are_shown_and_can_be_deleted() {
    let mut store = Store::in_memory();
    store.tamper(
        "PRAGMA ignore_check_constraints = ON; \
         INSERT INTO slot VALUES (-1, x'01'), (3, x'02'), (16, x'03'), (300, x'04'); \
         INSERT INTO value VALUES (-9223372036854775808, x'05'), (-1, x'06'), (7, x'07'); \
         PRAGMA ignore_check_constraints = OFF;",
    );
    let rows = store.write().unwrap();
    let numbers = |rows: &Transaction<'_>| {
        rows.slots().unwrap().into_iter().map(|(number, _)| number).collect::<Vec<_>>()
    };
    assert_eq!(numbers(&rows), [STRAY_SLOT, 3, STRAY_SLOT, STRAY_SLOT]);
    rows.discard_stray_slots().unwrap();
    assert_eq!(numbers(&rows), [3]);

    let mut keys = Vec::new();
    rows.each(Table::Value, |key, _| {
        keys.push(key);
        Ok::<_, Error>(())
    })
    .unwrap();
    assert_eq!(keys, [1 << 63, u64::MAX, 7]);
    for key in keys {
        rows.delete(Table::Value, key).unwrap();
    }
    assert_eq!(rows.count(Table::Value).unwrap(), 0);
}

#[test]
fn there_is_one_state() {
    let mut store = Store::in_memory();
    let rows = store.write().unwrap();
    rows.put_vault(b"public", b"state").unwrap();
    rows.commit().unwrap();
    for other in [0, 2] {
        store.tamper(&format!(
            "PRAGMA ignore_check_constraints = ON; \
             INSERT INTO vault VALUES ({other}, x'', x'')"
        ));
        assert!(matches!(store.read().unwrap().vault(), Err(Error::Damaged { .. })), "{other}");
        store.tamper(&format!("DELETE FROM vault WHERE id = {other}"));
        assert!(store.read().unwrap().vault().is_ok());
    }
}

#[test]
fn a_key_that_a_table_does_not_have_is_refused() {
    let mut store = Store::in_memory();
    let rows = store.write().unwrap();
    for (table, last) in [(Table::Slot, 15), (Table::Node, 63), (Table::Bucket, 4095)] {
        rows.put(table, last, b"body").unwrap();
        let beyond = rows.put(table, last + 1, b"body");
        assert!(matches!(beyond, Err(Error::Damaged { .. })), "{table:?}");
    }
    rows.insert(Table::Value, 1 << 62, b"sealed").unwrap();
    assert_eq!(rows.value(1 << 62).unwrap().as_deref(), Some(&b"sealed"[..]));
}

/// A record above the limit was written, and from then on refused by every reader.
#[test]
fn a_row_is_written_up_to_the_size_that_is_read() {
    let mut store = Store::in_memory();
    let rows = store.write().unwrap();
    for bytes in [MAX_ROW_BYTES - 1, MAX_ROW_BYTES] {
        let blob = vec![7; bytes];
        rows.put(Table::Value, 2, &blob).unwrap();
        rows.update(Table::Value, 2, &blob).unwrap();
        rows.delete(Table::Value, 2).unwrap();
        rows.insert(Table::Value, 2, &blob).unwrap();
        assert!(rows.value(2).unwrap() == Some(blob.clone()));
        rows.put_vault(b"public", &blob).unwrap();
        assert!(rows.vault().unwrap().1 == blob);
    }
    let blob = vec![8; MAX_ROW_BYTES + 1];
    for refused in [
        rows.put(Table::Value, 2, &blob),
        rows.update(Table::Value, 2, &blob),
        rows.insert(Table::Value, 3, &blob),
        rows.put_vault(b"public", &blob),
        rows.put_vault(&blob, b"state"),
    ] {
        assert!(matches!(refused, Err(Error::RowLimit { .. })), "{refused:?}");
    }
    assert_eq!(rows.value(2).unwrap().map(|blob| blob[0]), Some(7));
}

#[test]
fn rows_are_visited_in_order_and_may_change_meanwhile() {
    let mut store = Store::in_memory();
    let rows = store.write().unwrap();
    for key in [1 << 62, 5, 1, 9, 1 << 40] {
        rows.insert(Table::Secret, key, &key.to_be_bytes()).unwrap();
    }
    let mut visited = Vec::new();
    rows.each(Table::Secret, |key, sealed| {
        assert_eq!(sealed, key.to_be_bytes());
        rows.update(Table::Secret, key, &vec![7; 9000])?;
        // The row before is out of the way; what is shown is what was read.
        assert_eq!(sealed, key.to_be_bytes());
        visited.push(key);
        Ok::<_, Error>(())
    })
    .unwrap();
    assert_eq!(visited, [1, 5, 9, 1 << 40, 1 << 62]);

    let stopped =
        rows.each(Table::Secret, |key, _| if key == 5 { Err(Error::TooBig) } else { Ok(()) });
    assert!(matches!(stopped, Err(Error::TooBig)));
    assert_eq!(rows.count(Table::Secret).unwrap(), 5);
}

#[test]
fn a_row_that_holds_no_bytes_is_damage() {
    let (_scratch, path) = sample::closed();
    // A loose table takes what a strict one would not, and the schema is put back as it was.
    sample::tamper(
        &path,
        "PRAGMA writable_schema = ON; CREATE TEMP TABLE kept AS SELECT sql FROM sqlite_schema \
         WHERE name = 'value'; UPDATE sqlite_schema SET sql = 'CREATE TABLE value (vid INTEGER \
         PRIMARY KEY, box)' WHERE name = 'value'; PRAGMA writable_schema = RESET; \
         INSERT INTO value VALUES (-3, 'text'); UPDATE value SET box = 5 WHERE vid = 4; \
         PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = (SELECT sql FROM kept) \
         WHERE name = 'value'",
    );
    let mut store = Store::open(&path, Mode::ReadOnly).unwrap();
    let rows = store.read().unwrap();
    assert!(rows.value(3).unwrap().is_some());
    assert!(matches!(rows.value(4), Err(Error::Damaged { .. })));
    let walked = rows.each(Table::Value, |_, _| Ok::<_, Error>(()));
    assert!(matches!(walked, Err(Error::Damaged { .. })));
}

#[test]
fn deleted_and_replaced_bytes_are_overwritten() {
    let (_scratch, path) = sample::closed();
    let mut store = Store::open(&path, Mode::ReadWrite).unwrap();
    // One that fits a page and one that needs several; both forms of a change.
    for length in [200, 60_000] {
        for key in [100, 101] {
            let rows = store.write().unwrap();
            rows.insert(Table::Value, key, &b"canary!!".repeat(length / 8)).unwrap();
            rows.commit().unwrap();
            assert!(contains(&path, b"canary!!canary!!"));
            let rows = store.write().unwrap();
            if key == 100 {
                rows.delete(Table::Value, key).unwrap();
            } else {
                rows.put(Table::Value, key, b"short").unwrap();
                rows.delete(Table::Value, key).unwrap();
            }
            rows.commit().unwrap();
            assert!(!contains(&path, b"canary"), "{length}, {key}");
        }
    }
}

fn contains(path: &Path, bytes: &[u8]) -> bool {
    std::fs::read(path).unwrap().windows(bytes.len()).any(|window| window == bytes)
}

#[test]
fn nothing_is_written_after_sqlite_undid_the_change() {
    let mut store = Store::in_memory();
    let rows = store.write().unwrap();
    rows.put(Table::Value, 1, b"sealed").unwrap();
    // As SQLite does by itself when a write fails for want of space.
    rows.connection.execute_batch("ROLLBACK").unwrap();
    assert!(matches!(rows.put(Table::Value, 2, b"sealed"), Err(Error::Io { .. })));
    assert!(matches!(rows.vault(), Err(Error::Io { .. })));
    assert!(matches!(rows.commit(), Err(Error::Io { .. })));
    assert_eq!(store.read().unwrap().count(Table::Value).unwrap(), 0);
}

#[test]
fn a_vault_without_its_row_is_damaged() {
    let mut store = Store::in_memory();
    assert!(matches!(store.read().unwrap().vault(), Err(Error::Damaged { .. })));
}

#[test]
fn a_full_disk_changes_nothing() {
    let scratch = Scratch::new();
    let path = scratch.join("disk");
    crate::sys::files::create_private_dir(&path).unwrap();
    let test = "store::transaction::tests::fills_the_disk";
    if let Some(output) = scratch::run_mounted(&path, "600k", test, path.to_str().unwrap()) {
        scratch::assert_passed(&output);
    }
}

/// Apart, on a file system of its own.
#[test]
fn fills_the_disk() {
    let Some(disk) = scratch::argument().map(PathBuf::from) else { return };
    let mut store = sample::create(&disk.join("vault"), 1).unwrap();
    for _ in 0..2 {
        let rows = store.write().unwrap();
        let failed = (0..1000).try_for_each(|key| rows.insert(Table::Audit, key, &[7; 4000]));
        // Pages go to the disk at the end, so that is where it turns out to be full.
        let ended = failed.and_then(|()| rows.commit());
        assert!(matches!(ended, Err(Error::NoSpace)), "{ended:?}");
        assert_eq!(sample::mark(&mut store).unwrap(), 1);
    }
    store.set_spill(Spill::On).unwrap();
    let rows = store.write().unwrap();
    let ended = (0..1000).try_for_each(|key| rows.insert(Table::Audit, key, &[7; 4000]));
    assert!(matches!(ended, Err(Error::NoSpace)), "{ended:?}");
    assert!(rows.insert(Table::Audit, 5000, b"alone").is_err());
    drop(rows);
    sample::write(&mut store, 2).unwrap();
    assert_eq!(sample::mark(&mut store).unwrap(), 2);
    assert_eq!(store.read().unwrap().count(Table::Audit).unwrap(), 0);
    assert!(store.quick_check().unwrap().is_empty());

    let copied = store.backup_to(&disk.join("copy"));
    assert!(copied.is_ok(), "{copied:?}");
    let copied = store.backup_to(&disk.join("another"));
    assert!(copied.is_ok() || matches!(copied, Err(Error::NoSpace)), "{copied:?}");
}

/// An import into a large vault changed 17,000 pages, all of which waited in memory for its commit.
#[test]
fn a_transaction_in_bulk_goes_to_the_file_when_it_is_large() {
    let (_scratch, path) = sample::closed();
    let mut store = Store::open(&path, Mode::ReadWrite).unwrap();
    let length = || std::fs::metadata(&path).unwrap().len();
    let before = length();
    store.set_spill(Spill::Late).unwrap();
    let rows = store.write().unwrap();
    let insert = |keys: std::ops::Range<u64>| {
        keys.for_each(|key| rows.insert(Table::Audit, key, &[7; 4000]).unwrap());
    };
    insert(0..4000);
    assert_eq!(length(), before, "readers are let in while there is not much of it");
    insert(4000..8000);
    assert!(length() > before + (4 << 20));
    drop(rows);
    assert_eq!(store.read().unwrap().count(Table::Audit).unwrap(), 0);
    assert_eq!(length(), before);
}

#[test]
fn a_change_killed_at_any_write_is_undone() {
    let (scratch, path) = sample::closed();
    let test = "store::transaction::tests::changes_until_killed";
    kill::at_each_write(test, &path, 1 << 20, |ended| {
        // Who may only read cannot undo what was begun, and reads the vault as it was: on a
        // read-only medium every command used to refuse it.
        match Store::open(&path, Mode::ReadOnly) {
            Ok(mut store) => {
                assert!(store.quick_check().unwrap().is_empty());
                assert_eq!(sample::mark(&mut store).unwrap(), 1 + u8::from(ended));
            }
            Err(error) => panic!("{error:?}"),
        }
        let mut store = Store::open(&path, Mode::ReadWrite).unwrap();
        assert!(store.quick_check().unwrap().is_empty());
        assert_eq!(sample::mark(&mut store).unwrap(), if ended { 2 } else { 1 });
        sample::write(&mut store, 1).unwrap();
        assert_eq!(scratch.names(), ["vault"]);
    });
}

/// Apart, because it is killed.
#[test]
fn changes_until_killed() {
    let Some(path) = kill::arm() else { return };
    let mut store = Store::open(&path, Mode::ReadWrite).unwrap();
    sample::write(&mut store, 2).unwrap();
}

#[test]
fn a_transaction_that_is_dropped_changes_nothing() {
    let mut store = Store::in_memory();
    let rows = store.write().unwrap();
    rows.insert(Table::Value, 1, b"sealed").unwrap();
    drop(rows);
    let rows = store.write().unwrap();
    assert_eq!(rows.value(1).unwrap(), None);
    rows.insert(Table::Value, 1, b"sealed").unwrap();
    rows.commit().unwrap();
    assert_eq!(store.read().unwrap().count(Table::Value).unwrap(), 1);
}
