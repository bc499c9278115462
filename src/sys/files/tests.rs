use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;
use crate::sys::remedy;
use crate::sys::scratch::Scratch;

/// The kind of a fault and nothing of its place.
fn kind<T>(result: &Result<T, FileFault>) -> &'static str {
    match result {
        Ok(_) => "ok",
        Err(FileFault::Damaged { .. }) => "damaged",
        Err(FileFault::Exists(_)) => "exists",
        Err(FileFault::InTheWay(_)) => "in the way",
        Err(FileFault::Missing(_)) => "missing",
        Err(FileFault::NoAccess(_)) => "no access",
        Err(FileFault::NoSpace(_)) => "no space",
        Err(FileFault::NotAFile(_)) => "not a file",
        Err(FileFault::OpenDirectory { .. }) => "open directory",
        Err(FileFault::ReadOnly(_)) => "read-only",
        Err(FileFault::TooLarge { .. }) => "too large",
        Err(FileFault::TooOpen { .. }) => "too open",
        Err(FileFault::WrongOwner { .. }) => "wrong owner",
        Err(FileFault::Io { .. }) => "io",
    }
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn mode_of(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

fn make_pipe(path: &Path) {
    rustix::fs::mknodat(CWD, path, rustix::fs::FileType::Fifo, Mode::RWXU, 0).unwrap();
}

#[test]
fn a_private_file_has_one_user_and_a_closed_directory() {
    let scratch = Scratch::new();
    let file = scratch.join("vault");
    create_private(&file).unwrap();
    for (mode, expected) in [
        (0o600, "ok"),
        (0o400, "ok"),
        (0o700, "ok"),
        (0o640, "too open"),
        (0o620, "too open"),
        (0o610, "too open"),
        (0o604, "too open"),
        (0o602, "too open"),
        (0o601, "too open"),
        (0o644, "too open"),
    ] {
        set_mode(&file, mode);
        assert_eq!(kind(&check_private(&file)), expected, "file {mode:o}");
    }
    set_mode(&file, 0o600);
    for (mode, expected) in [
        (0o700, "ok"),
        (0o755, "ok"),
        (0o1777, "ok"),
        (0o770, "open directory"),
        (0o720, "open directory"),
        (0o702, "open directory"),
        (0o777, "open directory"),
        (0o2775, "open directory"),
    ] {
        set_mode(scratch.path(), mode);
        assert_eq!(kind(&check_private(&file)), expected, "directory {mode:o}");
    }
}

#[test]
fn what_is_no_file_is_looked_at_and_not_opened() {
    let scratch = Scratch::new();
    let (pipe, directory) = (scratch.join("pipe"), scratch.join("directory"));
    make_pipe(&pipe);
    create_private_dir(&directory).unwrap();
    // Opening the pipe would wait for a writer that never comes.
    assert_eq!(kind(&check_private(&pipe)), "not a file");
    assert_eq!(kind(&check_private(&directory)), "not a file");
    assert_eq!(kind(&check_private(&scratch.join("nothing"))), "missing");
}

#[test]
fn a_link_is_judged_by_where_it_leads() {
    let scratch = Scratch::new();
    let (open, closed) = (scratch.join("open"), scratch.join("closed"));
    create_private_dir(&open).unwrap();
    create_private_dir(&closed).unwrap();
    create_private(&open.join("vault")).unwrap();
    set_mode(&open, 0o777);
    symlink(open.join("vault"), closed.join("link")).unwrap();
    assert_eq!(kind(&check_private(&closed.join("link"))), "open directory");
}

#[test]
fn a_file_of_another_user_is_refused() {
    let scratch = Scratch::new();
    let file = scratch.join("vault");
    create_private(&file).unwrap();
    // Only root can give a file away; for others the case cannot be made.
    if std::os::unix::fs::chown(&file, Some(12345), None).is_err() {
        return;
    }
    assert_eq!(kind(&check_private(&file)), "wrong owner");
    std::os::unix::fs::chown(&file, Some(0), None).unwrap();
    std::os::unix::fs::chown(scratch.path(), Some(12345), None).unwrap();
    assert_eq!(kind(&check_private(&file)), "wrong owner");
}

#[test]
fn a_fault_says_what_mends_it() {
    let scratch = Scratch::new();
    let file = scratch.join("vault");
    create_private(&file).unwrap();
    set_mode(&file, 0o644);
    let fault = check_private(&file).unwrap_err();
    assert!(fault.to_string().contains("mode 0644"), "{fault}");
    assert_eq!(fault.remedy(), Some(format!("chmod 600 {}", file.display())));
    // Root's, or anybody's but ours: only they can change it. Root alone can make the case.
    if std::os::unix::fs::chown(&file, Some(12345), None).is_ok() {
        assert_eq!(fault.remedy().as_deref(), Some(remedy::GIVEN));
        std::os::unix::fs::chown(&file, Some(user_id()), None).unwrap();
    }
    set_mode(&file, 0o600);
    set_mode(scratch.path(), 0o777);
    let fault = check_private(&file).unwrap_err();
    assert_eq!(fault.remedy(), Some(format!("chmod go-w {}", scratch.path().display())));
}

#[test]
fn a_new_file_is_private_and_replaces_nothing() {
    let scratch = Scratch::new();
    let file = scratch.join("new");
    create_private(&file).unwrap();
    assert_eq!(mode_of(&file), 0o600);
    assert_eq!(kind(&create_private(&file)), "exists");
    assert_eq!(kind(&write_private(&file, b"x")), "exists");
    assert_eq!(scratch.names(), ["new"]);

    let link = scratch.join("link");
    symlink(scratch.join("elsewhere"), &link).unwrap();
    assert_eq!(kind(&create_private(&link)), "exists");
    assert!(!scratch.join("elsewhere").exists());

    write_private(&scratch.join("written"), b"text").unwrap();
    assert_eq!(mode_of(&scratch.join("written")), 0o600);
    assert_eq!(read_bounded(&scratch.join("written"), 4).unwrap(), b"text");

    set_mode(scratch.path(), 0o777);
    assert_eq!(kind(&create_private(&scratch.join("more"))), "open directory");
    assert!(!scratch.join("more").exists());
}

#[test]
fn new_directories_are_private_and_old_ones_keep_their_mode() {
    let scratch = Scratch::new();
    set_mode(scratch.path(), 0o755);
    let deep = scratch.join("a/b/c");
    create_private_dir(&deep).unwrap();
    create_private_dir(&deep).unwrap();
    for path in ["a", "a/b", "a/b/c"] {
        assert_eq!(mode_of(&scratch.join(path)), 0o700, "{path}");
    }
    assert_eq!(mode_of(scratch.path()), 0o755);
    create_private(&scratch.join("file")).unwrap();
    assert_ne!(kind(&create_private_dir(&scratch.join("file"))), "ok");
    assert_ne!(kind(&create_private_dir(&scratch.join("file/below"))), "ok");
}

#[test]
fn what_is_read_is_bounded() {
    let scratch = Scratch::new();
    let file = scratch.join("value");
    write_private(&file, b"12345").unwrap();
    set_mode(&file, 0o644);
    assert_eq!(read_bounded(&file, 5).unwrap(), b"12345");
    assert_eq!(kind(&read_bounded(&file, 4)), "too large");
    assert_eq!(kind(&read_bounded(Path::new("/dev/zero"), 100_000)), "too large");
    assert_eq!(read_bounded(Path::new("/dev/null"), 0).unwrap(), b"");
    assert_eq!(kind(&read_bounded(scratch.path(), 5)), "not a file");
    assert_eq!(kind(&read_bounded(&scratch.join("none"), 5)), "missing");
}

#[test]
fn a_replaced_file_is_whole_and_private() {
    let scratch = Scratch::new();
    let file = scratch.join("anchor");
    write_replacing(&file, b"one").unwrap();
    set_mode(&file, 0o644);
    write_replacing(&file, b"two").unwrap();
    assert_eq!(read_bounded(&file, 10).unwrap(), b"two");
    assert_eq!(scratch.names(), ["anchor"]);

    // What a process of the same number left must not stop this one for ever.
    let left_over = scratch.join(&format!("anchor.{}-0.new", std::process::id()));
    create_private(&left_over).unwrap();
    write_replacing(&file, b"three").unwrap();
    assert_eq!(read_bounded(&file, 10).unwrap(), b"three");

    // A directory cannot be replaced by a file; nothing is left of the attempt.
    create_private_dir(&scratch.join("directory")).unwrap();
    assert_ne!(kind(&write_replacing(&scratch.join("directory"), b"x")), "ok");
    fs::remove_file(left_over).unwrap();
    assert_eq!(scratch.names(), ["anchor", "directory"]);
}

#[test]
fn file_systems_are_told_apart() {
    let scratch = Scratch::new();
    let file = scratch.join("vault");
    create_private(&file).unwrap();
    assert!(free_space(&file).is_some());
    assert!(!is_network_file_system(&file));
    assert!(!is_read_only_file_system(&file));
    sync_directory(scratch.path()).unwrap();
}

/// The reported name was one that no user had given or would find.
#[test]
fn what_cannot_be_made_is_named_by_where_it_was_to_be() {
    let scratch = Scratch::new();
    let file = scratch.join("none/file");
    let refused = write_replacing(&file, b"x");
    assert!(matches!(&refused, Err(FileFault::Missing(path)) if *path == file), "{refused:?}");
}
