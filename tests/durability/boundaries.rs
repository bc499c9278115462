//! A change is killed, or its disk fails or is full, at each of the calls by which it writes. After
//! every one of these the vault is sound and as it was before the change or as it is after it, and
//! after it if the change was acknowledged.

use std::collections::BTreeMap;
use std::fs;

use super::strike::{At, ChangeFixture, EIO, WRITES};
use super::{done, must_be_sound, run};

/// A change of a vault.
struct Change {
    /// What comes before it, a command a line.
    setup: &'static [&'static str],
    /// The change.
    command: &'static str,
    /// Prints one thing before the change and another after it.
    shows: &'static str,
    /// At which of its calls it is killed whenever the suite runs.
    at: At,
}

/// Makes a test of each change.
macro_rules! changes {
    ($($name:ident: [$($setup:literal),*] $command:literal,
        shown by $shows:literal, at $at:ident;)*) => {
        $(
            #[test]
            fn $name() {
                let setup = &[$($setup),*];
                survives(&Change { setup, command: $command, shows: $shows, at: At::$at });
            }
        )*
    };
}

changes! {
    create: [] "create-secret --name new --secret-string one",
        shown by "list-secrets --query SecretList[].Name", at Some;
    put: ["create-secret --name a --secret-string one"]
        "put-secret-value --secret-id a --secret-string two",
        shown by "get-secret-value --secret-id a --query SecretString", at Each;
    delete: ["create-secret --name a --secret-string one"]
        "delete-secret --secret-id a --recovery-window-in-days 7",
        shown by "list-secrets --query SecretList[].Name", at Some;
    delete_at_once: ["create-secret --name a --secret-string file://large"]
        "delete-secret --secret-id a --force-delete-without-recovery",
        shown by "status --query Values", at Some;
    tag: ["create-secret --name a --secret-string one"]
        "tag-resource --secret-id a --tags Key=k,Value=v",
        shown by "describe-secret --secret-id a --query Tags", at Some;
    import: ["create-secret --name site+1 --secret-string one"]
        "import --on-conflict version passwords.csv",
        shown by "status --query [Secrets,Values]", at Some;
    add_a_slot: [] "key-slot add --kind keyfile --new-keyfile ../home/key2",
        shown by "key-slot list --query KeySlots[].Slot", at Some;
    change_the_passphrase: [
        "key-slot add --kind passphrase --new-passphrase-file phrase --kdf-memory 64"
    ]
        "change-passphrase --slot 1 --new-passphrase-file phrase --kdf-memory 64",
        shown by "status --query Generation>`2`", at Some;
    rekey: ["create-secret --name a --secret-string file://large"]
        "rekey --no-recovery",
        shown by "status --query KeyEpoch", at Some;
    restore_a_backup: [
        "create-secret --name a --secret-string one",
        "backup ../copy",
        "create-secret --name b --secret-string file://large"
    ]
        "restore-backup --accept-rollback ../copy",
        shown by "list-secrets --query SecretList[].Name", at Some;
    rename_many: ["create-secret --name a/1 --secret-string one", "create-secret --name a/2"]
        "mv a/ b/",
        shown by "list-secrets --query SecretList[].Name", at Some;
    purge_deep: ["create-secret --name a --secret-string file://large"]
        "purge --deep --no-recovery",
        shown by "status --query KeyEpoch", at Some;
}

/// The change is there or it is not, and it is there if it was acknowledged.
fn survives(change: &Change) {
    let Some(fixture) = ChangeFixture::set(change.setup) else { return };
    let before = done(&fixture.sandbox, change.shows);
    fixture.reset();
    done(&fixture.sandbox, change.command);
    let after = done(&fixture.sandbox, change.shows);
    assert_ne!(before, after, "{} cannot be told by {}", change.command, change.shows);

    let (mut left_before, mut left_after) = (0, 0);
    fixture.strike(change.command, change.at, |outcome, when| {
        must_be_sound(&fixture.sandbox, when);
        let shown = done(&fixture.sandbox, change.shows);
        assert!(shown == before || shown == after, "{when} left neither before nor after: {shown}");
        let is_acknowledged = outcome.code == 0 || !outcome.stdout.is_empty();
        assert!(!is_acknowledged || shown == after, "{when} was acknowledged, and is not there");
        let said = outcome.stderr_text();
        let says = |words: &str| said.contains(words);
        let is_certain = says("was done") && !says("may have been done");
        assert!(!is_certain || shown == after, "{when} is not there, and was told as: {said}");
        let is_quiet = outcome.code == 0 || !says("An error occurred");
        let is_told = says("was done") || says("may have been done");
        assert!(shown == before || is_quiet || is_told, "{when} is there, and was told as: {said}");
        *(if shown == after { &mut left_after } else { &mut left_before }) += 1;
    });
    println!("{}: left {left_before} times before, {left_after} after", change.command);
    assert!(left_before > 0 && left_after > 0);
}

/// An error after the commit once read like any other, and a script that tried again stored a second
/// version. Every call from the end of the journal on fails in turn.
#[test]
fn what_fails_after_the_commit_does_not_hide_it() {
    let Some(fixture) = ChangeFixture::set(&["create-secret --name a --secret-string one"]) else {
        return;
    };
    let command = "put-secret-value --secret-id a --secret-string two";
    let shows = "get-secret-value --secret-id a --query SecretString";
    fixture.reset();
    let traced = format!("{WRITES},fcntl");
    assert_eq!(fixture.trace(&["-e", &format!("trace={traced}")], command).code, 0);
    let trace = fs::read_to_string(fixture.sandbox.work().join("trace")).unwrap();
    let mut ordinals: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut is_over, mut told) = (false, 0);
    for line in trace.lines() {
        let Some((name, _)) = line.split_once('(') else { continue };
        let ordinal = ordinals.entry(name).or_default();
        *ordinal += 1;
        is_over = is_over || (name.starts_with("unlink") && line.contains("-journal"));
        if !is_over {
            continue;
        }
        // SQLite takes the one for a failure, and the other for somebody else's lock.
        let blow = if name == "fcntl" && line.contains("F_RDLCK") { "error=ENOLCK" } else { EIO };
        fixture.reset();
        let when = format!("{blow} at {name} {ordinal}");
        let inject = format!("inject={name}:{blow}:when={ordinal}");
        let options = ["--seccomp-bpf", "-f", "-e", &format!("trace={name}"), "-e", &inject];
        let outcome = fixture.trace(&options, command);
        let said = outcome.stderr_text();
        let is_there = done(&fixture.sandbox, shows).contains("two");
        if outcome.code == 0 {
            assert!(is_there, "{when} was acknowledged, and is not there");
        } else {
            told += 1;
            assert!(
                said.contains("was done") || said.contains("may have been done"),
                "{when}: {said}"
            );
            assert!(is_there || said.contains("may have been done"), "{when}: {said}");
        }
    }
    // Its removal, the flush of that, and the answer.
    assert_eq!(told, 3, "{trace}");
}

/// Where there are no locks, every command once waited ten seconds and blamed other processes.
#[test]
fn a_file_system_without_locks_is_told_from_a_busy_vault() {
    let Some(fixture) = ChangeFixture::set(&["create-secret --name a --secret-string one"]) else {
        return;
    };
    let command = "get-secret-value --secret-id a";
    assert_eq!(fixture.trace(&["-e", "trace=fcntl"], command).code, 0);
    let trace = fs::read_to_string(fixture.sandbox.work().join("trace")).unwrap();
    let first = trace.lines().position(|line| line.contains("F_SETLK")).unwrap() + 1;
    for error in ["ENOLCK", "EOPNOTSUPP", "ENOSYS", "EINVAL"] {
        let inject = format!("inject=fcntl:error={error}:when={first}+");
        let outcome = fixture.trace(&["-e", "trace=fcntl", "-e", &inject], command);
        let said = outcome.stderr_text();
        assert!(said.contains("(NoLocks): the vault's file system"), "{error}: {said}");
        assert_eq!(outcome.code, 253);
        let trace = fs::read_to_string(fixture.sandbox.work().join("trace")).unwrap();
        assert!(trace.lines().count() < first + 20, "{error}: it asked again and again");
    }
}

/// A vault that was not made can be made; one that was made is sound.
#[test]
fn init() {
    let Some(fixture) = ChangeFixture::set(&[]) else { return };
    let options = "--vault ../home/new --keyfile ../home/new.key";
    let command = format!("init --keyfile-only {options}");
    fixture.strike(&command, At::Some, |outcome, when| {
        let again = run(&fixture.sandbox, &command);
        let is_there = again.stderr_text().contains("exists already");
        assert!(again.code == 0 || is_there, "{when}, then again: {}", again.stderr_text());
        assert!(outcome.code != 0 || is_there, "{when} was acknowledged, and is not there");
        done(&fixture.sandbox, &format!("check {options}"));
    });
}

#[test]
fn backup() {
    appears_whole("backup ../home/copy");
}

/// A salvage that was interrupted left an empty vault, which was clean and kept the next one out.
#[test]
fn salvage() {
    appears_whole("salvage ../home/copy");
}

/// What a command makes is whole or not there, and nothing of it is in the way of the next one. The
/// vault it comes from does not change.
fn appears_whole(command: &str) {
    let Some(fixture) =
        ChangeFixture::set(&["create-secret --name a --secret-string file://large"])
    else {
        return;
    };
    fixture.strike(command, At::Some, |outcome, when| {
        must_be_sound(&fixture.sandbox, when);
        let is_there = fixture.sandbox.home().join("copy").exists();
        assert!(outcome.code != 0 || is_there, "{when} was acknowledged, and is not there");
        if !is_there {
            done(&fixture.sandbox, command);
        }
        done(&fixture.sandbox, "check --vault ../home/copy");
        let list = "list-secrets --query SecretList[].Name --output text --vault ../home/copy";
        assert_eq!(done(&fixture.sandbox, list), "a\n", "{when}");
    });
}

/// What a power cut may not undo was synced before it was acknowledged: first the journal that
/// undoes a half-written change, then the change, and last that the journal is gone.
#[test]
fn a_change_is_durable_before_it_is_acknowledged() {
    let Some(fixture) = ChangeFixture::set(&["create-secret --name a --secret-string one"]) else {
        return;
    };
    let options = ["-y", "-e", "trace=pwrite64,fsync,fdatasync,unlink,unlinkat,write"];
    let command = "put-secret-value --secret-id a --secret-string two";
    assert_eq!(fixture.trace(&options, command).code, 0);
    let trace = fs::read_to_string(fixture.sandbox.work().join("trace")).unwrap();
    let mut events: Vec<String> = trace.lines().filter_map(event).collect();
    events.dedup();
    let expected = [
        "pwrite64 default.vault-journal",
        "fsync default.vault-journal",
        "fsync strongroom",
        "pwrite64 default.vault-journal",
        "fsync default.vault-journal",
        "pwrite64 default.vault",
        "fsync default.vault",
        "unlink default.vault-journal",
        "fsync strongroom",
        "write an answer",
    ];
    assert_eq!(events, expected, "{trace}");
}

/// A call and what it is made on, without the path; `None` unless that is the vault or the answer.
fn event(line: &str) -> Option<String> {
    let (name, arguments) = line.split_once('(')?;
    if name == "write" {
        return arguments.starts_with("1<").then(|| "write an answer".to_owned());
    }
    if arguments.contains("/anchors/") {
        return None;
    }
    let is_named = name.starts_with("unlink");
    let signs: &[char] = if is_named { &['"'] } else { &['<', '>'] };
    let (_, file) = arguments.split(signs).nth(1)?.rsplit_once('/')?;
    Some(format!("{} {file}", name.trim_end_matches("at")))
}
