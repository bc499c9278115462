use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::*;
use crate::sys::files::{self, FileFault};
use crate::sys::scratch;

fn write_file(path: &Path, bytes: &[u8]) {
    drop(fs::remove_file(path));
    files::write_private(path, bytes).unwrap();
}

#[test]
fn each_file_that_is_no_vault_is_told_apart() {
    let (scratch, vault) = sample::closed();
    let path = scratch.join("other");
    let refusal = |path: &Path| sample::refusal(path).replace(path.to_str().unwrap(), "F");

    assert_eq!(refusal(&path), "there is no file F");
    symlink(scratch.join("nowhere"), &path).unwrap();
    assert_eq!(refusal(&path), "there is no file F");
    fs::remove_file(&path).unwrap();
    files::create_private_dir(&path).unwrap();
    assert_eq!(refusal(&path), "F is not a regular file");
    fs::remove_dir(&path).unwrap();

    for bytes in [&b""[..], b"x"] {
        write_file(&path, bytes);
        assert_eq!(refusal(&path), "F is not a vault: it is empty or cut short");
    }
    let beginning_lost = {
        let mut bytes = fs::read(&vault).unwrap();
        bytes[..16].fill(0xff);
        bytes
    };
    for bytes in [&b"hello, world\n".repeat(50)[..], &[7; 5000], &beginning_lost] {
        write_file(&path, bytes);
        assert_eq!(
            refusal(&path),
            "F is not a vault: it is another kind of file, or its beginning is damaged"
        );
    }
    write_file(&path, b"");
    sample::tamper(&path, "CREATE TABLE a (b)");
    assert_eq!(refusal(&path), "F is not a vault: it is a database of another program");
}

/// The path was missing from the message where the file was replaced after it was opened.
#[test]
fn what_is_no_vault_any_more_is_named() {
    let (_scratch, path) = sample::closed();
    let mut store = Store::open(&path, Mode::ReadWrite).unwrap();
    // In its place, as a program that overwrites it does.
    let mut file = fs::File::options().write(true).open(&path).unwrap();
    std::io::Write::write_all(&mut file, &[7; 8192]).unwrap();
    for begun in [store.read().map(drop), store.write().map(drop)] {
        let told = begun.unwrap_err().to_string();
        assert!(told.starts_with(&format!("{} is not a vault", path.display())), "{told}");
    }
    let error = Error::NotAVault { path: PathBuf::new(), what: "it is empty or cut short" };
    assert_eq!(error.to_string(), "the file is not a vault: it is empty or cut short");
}

/// A store that was open took the journal of a change to the new file for that of its own, played
/// it and removed it: when that change was killed, nobody could undo it.
#[test]
fn the_journal_of_the_file_that_took_its_place_is_left_alone() {
    let (scratch, path) = sample::closed();
    let mut stale = Store::open(&path, Mode::ReadWrite).unwrap();
    fs::copy(&path, scratch.join("new")).unwrap();
    fs::rename(scratch.join("new"), &path).unwrap();
    let mut fresh = Store::open(&path, Mode::ReadWrite).unwrap();
    let rows = fresh.write().unwrap();
    rows.put_vault(b"", b"").unwrap();
    assert_eq!(scratch.names(), ["vault", "vault-journal"]);
    for begun in [stale.read().map(drop), stale.write().map(drop)] {
        let told = begun.unwrap_err().to_string();
        assert!(told.ends_with("the file was moved or replaced while it was open"), "{told}");
    }
    assert_eq!(scratch.names(), ["vault", "vault-journal"]);
}

/// It was reported as done, and nobody could find it.
#[test]
fn a_change_to_a_file_that_lost_its_name_meanwhile_is_in_doubt() {
    let (scratch, path) = sample::closed();
    let mut store = Store::open(&path, Mode::ReadWrite).unwrap();
    fs::copy(&path, scratch.join("new")).unwrap();
    let rows = store.write().unwrap();
    rows.put_vault(b"", b"").unwrap();
    fs::rename(scratch.join("new"), &path).unwrap();
    let committed = rows.commit();
    assert!(matches!(committed, Err(Error::InDoubt { .. })), "{committed:?}");
}

#[test]
fn a_file_cut_short_is_damaged() {
    let (_scratch, path) = sample::closed();
    let whole = fs::read(&path).unwrap();
    write_file(&path, &whole[..4096]);
    let opened = Store::open(&path, Mode::ReadWrite).and_then(|mut store| {
        let rows = store.read()?;
        rows.vault()
    });
    assert!(matches!(opened, Err(Error::Damaged { .. })), "{:?}", opened.err());
}

#[test]
fn a_file_open_to_others_is_refused_and_a_copy_of_it_read() {
    let (_scratch, path) = sample::closed();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let error = Store::open(&path, Mode::ReadOnly).err();
    assert!(matches!(error, Some(Error::File(FileFault::TooOpen { .. }))), "{error:?}");
    let mut copy = Store::open_copy(&path).unwrap();
    assert_eq!(sample::mark(&mut copy).unwrap(), 1);
    assert!(matches!(copy.write().err(), Some(Error::ReadOnly)));
}

#[test]
fn links_are_followed_before_sqlite_sees_the_path() {
    let (scratch, path) = sample::closed();
    let link = scratch.join("link");
    symlink(&path, &link).unwrap();
    let mut store = Store::open(&link, Mode::ReadWrite).unwrap();
    assert_eq!(store.path(), path);
    let rows = store.write().unwrap();
    rows.put_vault(b"", b"").unwrap();
    // The journal is where any other process would look for it.
    assert_eq!(scratch.names(), ["link", "vault", "vault-journal"]);
}

#[test]
fn a_store_opened_to_read_does_not_write() {
    let (_scratch, path) = sample::closed();
    let mut store = Store::open(&path, Mode::ReadOnly).unwrap();
    assert!(store.is_read_only());
    assert!(matches!(store.write().err(), Some(Error::ReadOnly)));
    assert!(matches!(store.vacuum(), Err(Error::ReadOnly)));
    let rows = store.read().unwrap();
    assert!(matches!(rows.put(Table::Secret, 1, b"x"), Err(Error::ReadOnly)));
}

#[test]
fn a_vault_in_wal_mode_becomes_one_file_again() {
    let (scratch, path) = sample::closed();
    sample::tamper(&path, "PRAGMA journal_mode = WAL");
    let mut store = Store::open(&path, Mode::ReadWrite).unwrap();
    sample::write(&mut store, 2).unwrap();
    assert_eq!(scratch.names(), ["vault"]);
    assert_eq!(&fs::read(&path).unwrap()[18..20], [1, 1]);
}

#[test]
fn the_database_of_another_program_is_left_as_it_is() {
    let (scratch, _vault) = sample::closed();
    let path = scratch.join("other");
    write_file(&path, b"");
    sample::tamper(&path, "PRAGMA journal_mode = WAL; CREATE TABLE a (b)");
    let before = fs::read(&path).unwrap();
    assert_ne!(sample::refusal(&path), "opened");
    assert!(matches!(Store::create(&path).err(), Some(Error::Exists(_))));
    assert!(fs::read(&path).unwrap() == before);
}

#[test]
fn a_layout_that_changes_under_an_open_store_is_noticed() {
    let (_scratch, path) = sample::closed();
    let mut store = Store::open(&path, Mode::ReadWrite).unwrap();
    sample::mark(&mut store).unwrap();
    sample::tamper(&path, "PRAGMA user_version = 2");
    assert!(matches!(store.read().err(), Some(Error::NewerFormat { found: 2 })));
    assert!(matches!(store.write().err(), Some(Error::NewerFormat { found: 2 })));
    sample::tamper(&path, "PRAGMA user_version = 1; CREATE TABLE extra (a)");
    assert!(matches!(store.read().err(), Some(Error::SchemaAltered { .. })));
    sample::tamper(&path, "DROP TABLE extra");
    assert_eq!(sample::mark(&mut store).unwrap(), 1);
}

#[test]
fn who_waits_in_vain_is_told_and_changes_nothing() {
    let (_scratch, path) = sample::closed();
    let mut one = Store::open(&path, Mode::ReadWrite).unwrap();
    let mut other = Store::open(&path, Mode::ReadWrite).unwrap();
    one.set_patience(Duration::from_millis(5));
    other.set_patience(Duration::from_millis(5));

    let writing = one.write().unwrap();
    assert!(matches!(other.write().err(), Some(Error::Busy)));
    assert_eq!(sample::mark(&mut other).unwrap(), 1, "readers are let in until the commit");
    drop(writing);

    // A reader in the middle of its snapshot does not let a commit through.
    let reading = other.read().unwrap();
    assert!(matches!(sample::write(&mut one, 2), Err(Error::Busy)));
    assert_eq!(reading.vault().unwrap().0, [1; 72]);
    drop(reading);
    assert_eq!(sample::mark(&mut one).unwrap(), 1);
    sample::write(&mut one, 3).unwrap();
    assert_eq!(sample::mark(&mut other).unwrap(), 3);
}

#[test]
fn a_commit_waits_for_a_reader() {
    let (_scratch, path) = sample::closed();
    let mut reader = Store::open(&path, Mode::ReadOnly).unwrap();
    let reading = reader.read().unwrap();
    let (started, starts) = std::sync::mpsc::channel();
    let writer = std::thread::spawn(move || {
        let mut store = Store::open(&path, Mode::ReadWrite).unwrap();
        let rows = store.write().unwrap();
        rows.put_vault(&[9; 72], b"").unwrap();
        started.send(()).unwrap();
        rows.commit()
    });
    starts.recv().unwrap();
    assert_eq!(reading.vault().unwrap().0, [1; 72]);
    drop(reading);
    writer.join().unwrap().unwrap();
    assert_eq!(reader.read().unwrap().vault().unwrap().0, [9; 72]);
}

#[test]
fn writers_in_a_crowd_lose_nothing() {
    let (_scratch, path) = sample::closed();
    let add = |path: PathBuf| {
        for _ in 0..10 {
            let mut store = Store::open(&path, Mode::ReadWrite).unwrap();
            let rows = store.write().unwrap();
            let next = rows.count(Table::Audit).unwrap();
            rows.insert(Table::Audit, next, b"entry").unwrap();
            rows.commit().unwrap();
        }
    };
    let writers: Vec<_> = (0..4)
        .map(|_| {
            let path = path.clone();
            std::thread::spawn(move || add(path))
        })
        .collect();
    for writer in writers {
        writer.join().unwrap();
    }
    let mut store = Store::open(&path, Mode::ReadOnly).unwrap();
    assert_eq!(store.read().unwrap().count(Table::Audit).unwrap(), 40);
}

#[test]
fn in_a_directory_that_cannot_be_written_a_vault_is_read() {
    let (_scratch, path) = sample::closed();
    let directory = files::parent_of(&path);
    fs::set_permissions(directory, fs::Permissions::from_mode(0o500)).unwrap();
    // Root may also write there, and gives that up first.
    let test = "store::tests::reads_where_it_cannot_write";
    let give_up = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"];
    let is_root = files::user_id() == 0;
    if is_root && std::process::Command::new(give_up[0]).arg("--version").output().is_err() {
        println!("skipped: {test} needs setpriv");
        return;
    }
    let program = if is_root { &give_up[..] } else { &["env"] };
    let output = scratch::run_under(program, test, path.to_str().unwrap());
    fs::set_permissions(directory, fs::Permissions::from_mode(0o700)).unwrap();
    scratch::assert_passed(&output);
}

/// Apart, and without a right to anything.
#[test]
fn reads_where_it_cannot_write() {
    let Some(path) = scratch::argument().map(PathBuf::from) else { return };
    let mut store = Store::open(&path, Mode::ReadWrite).unwrap();
    assert!(store.is_read_only());
    assert_eq!(sample::mark(&mut store).unwrap(), 1);
    assert!(matches!(store.write().err(), Some(Error::ReadOnly)));
}

#[test]
fn a_medium_that_cannot_be_written_is_read() {
    let (scratch, _vault) = sample::closed();
    let path = scratch.join("medium");
    files::create_private_dir(&path).unwrap();
    let test = "store::tests::reads_what_it_cannot_write";
    if let Some(output) = scratch::run_mounted(&path, "1m", test, path.to_str().unwrap()) {
        scratch::assert_passed(&output);
    }
}

/// Apart, on a file system of its own.
#[test]
fn reads_what_it_cannot_write() {
    let Some(medium) = scratch::argument().map(PathBuf::from) else { return };
    let path = medium.join("vault");
    drop(sample::create(&path, 1).unwrap());
    // As a disc shows its files.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o555)).unwrap();
    assert!(matches!(Store::open(&path, Mode::ReadOnly).err(), Some(Error::File(_))));
    let options = ["-o", "remount,ro", "none"];
    let mounted = std::process::Command::new("mount").args(options).arg(&medium).status();
    assert!(mounted.unwrap().success());

    let mut store = Store::open(&path, Mode::ReadWrite).unwrap();
    assert!(store.is_read_only());
    assert_eq!(sample::mark(&mut store).unwrap(), 1);
    assert!(matches!(store.write().err(), Some(Error::ReadOnly)));
    let made = Store::create(&medium.join("new")).err();
    assert!(matches!(made, Some(Error::File(FileFault::ReadOnly(_)))), "{made:?}");
}
