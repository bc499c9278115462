//! Media that are full, or can only be read: an error says so, and what was there can be read.
//!
//! Each is mounted in its own mount namespace; where the system allows none, the tests say
//! that they were skipped. `tests/script/full-disk.txt` shows the same with limited files.

use crate::harness::Sandbox;
use crate::harness::files::write;
use crate::harness::process::tool;

#[test]
fn a_full_disk_loses_nothing() {
    in_a_namespace(
        r#"
        mount -t tmpfs -o size=200k,mode=700 none disk
        export STRONGROOM_VAULT=disk/vault
        run 0 init --keyfile-only
        run 0 create-secret --name app/db --secret-string hunter2
        dd if=/dev/zero of=disk/ballast bs=1k 2>/dev/null
        run 255 put-secret-value --secret-id app/db --secret-string other
        says '(NoSpace): there is no space left where the vault is; nothing was changed'
        run 255 delete-secret --secret-id app/db --force-delete-without-recovery
        run 255 rekey
        run 255 backup disk/copy
        run 255 init --keyfile-only --vault disk/other
        gone disk/copy disk/other
        run 0 check
        rm disk/ballast
        run 0 get-secret-value --secret-id app/db --query SecretString
        prints '"hunter2"'
        run 0 check
        run 0 put-secret-value --secret-id app/db --secret-string other
        "#,
    );
}

#[test]
fn a_disk_without_inodes_is_a_full_one() {
    // Where no journal could be made, even what only reads failed: "unable to open database file".
    in_a_namespace(
        r#"
        mount -t tmpfs -o size=1m,nr_inodes=20,mode=700 none disk
        export STRONGROOM_VAULT=disk/vault
        run 0 init --keyfile-only
        run 0 create-secret --name app/db --secret-string hunter2
        i=0
        while touch disk/ballast$i; do i=$((i + 1)); done 2>/dev/null
        run 0 get-secret-value --secret-id app/db --query SecretString
        prints '"hunter2"'
        run 0 list-secrets --query SecretList[].Name
        run 0 check
        run 0 backup copy
        run 255 put-secret-value --secret-id app/db --secret-string other
        says '(NoSpace): there is no space left where the vault is; nothing was changed'
        run 255 backup disk/copy
        says '(NoSpace): there is no space left for disk/copy'
        run 255 init --keyfile-only --vault disk/other
        says '(NoSpace): there is no space left for disk/other'
        gone disk/copy disk/other
        rm disk/ballast*
        run 0 put-secret-value --secret-id app/db --secret-string other
        run 0 check
        "#,
    );
}

#[test]
fn an_interrupted_change_on_a_medium_that_can_only_be_read_is_passed_over() {
    // Every command refused such a vault, though one on a full disk was recovered.
    in_a_namespace(
        r#"
        export STRONGROOM_VAULT=disk/vault
        run 0 init --keyfile-only
        run 0 create-secret --name app/db --secret-string hunter2
        head -c 60000 /dev/zero | tr '\0' x >big
        (ulimit -f 80; strongroom put-secret-value --secret-id app/db --secret-string file://big)
        test "$(head -c 1 disk/vault-journal)" || fail 'nothing was interrupted'
        sum=$(cat disk/vault disk/vault-journal | cksum)
        mount --bind disk disk
        mount -o remount,bind,ro disk
        run 0 get-secret-value --secret-id app/db --query SecretString
        prints '"hunter2"'
        run 0 list-secrets --query SecretList[].Name
        run 0 describe-secret --secret-id app/db
        run 0 list-events
        run 0 status
        run 0 checkpoint
        run 0 check
        run 0 backup copy
        run 0 salvage saved
        run 255 put-secret-value --secret-id app/db --secret-string other
        says '(ReadOnlyVault): the vault can only be read here'
        run 0 restore-backup disk/vault --vault restored
        run 0 get-secret-value --secret-id app/db --query SecretString --vault restored
        prints '"hunter2"'
        test "$sum" = "$(cat disk/vault disk/vault-journal | cksum)" || fail 'it was written to'
        "#,
    );
}

#[test]
fn a_vault_left_in_wal_mode_is_read_from_a_medium_that_can_only_be_read() {
    in_a_namespace(
        r#"
        export STRONGROOM_VAULT=disk/vault
        run 0 init --keyfile-only
        run 0 create-secret --name app/db --secret-string hunter2
        sqlite3 disk/vault 'PRAGMA journal_mode = WAL' >out
        rm -f disk/vault-wal disk/vault-shm
        mount --bind disk disk
        mount -o remount,bind,ro disk
        run 0 get-secret-value --secret-id app/db --query SecretString
        prints '"hunter2"'
        run 0 check
        "#,
    );
}

#[test]
fn a_medium_that_can_only_be_read_is_read() {
    in_a_namespace(
        r#"
        export STRONGROOM_VAULT=disk/vault
        run 0 init --keyfile-only
        run 0 create-secret --name app/db --secret-string hunter2
        mount --bind disk disk
        mount -o remount,bind,ro disk
        run 0 get-secret-value --secret-id app/db --query SecretString
        prints '"hunter2"'
        quiet
        run 0 status --query '[ReadOnly, ReadsLogged]' --output text
        prints "True	False"
        quiet
        run 0 list-secrets
        run 0 list-secret-version-ids --secret-id app/db --max-results 1
        run 0 check
        run 0 backup copy
        run 0 list-events
        run 255 put-secret-value --secret-id app/db --secret-string other
        says '(ReadOnlyVault): the vault can only be read here'
        run 255 tag-resource --secret-id app/db --tags Key=a,Value=b
        run 255 create-secret --name new
        run 255 rekey
        run 255 purge
        run 255 backup disk/copy
        run 255 init --keyfile-only --vault disk/other
        run 254 get-secret-value --secret-id app/cache
        umount disk
        run 0 get-secret-value --secret-id app/db --query SecretString
        prints '"hunter2"'
        run 0 check
        "#,
    );
}

#[test]
fn a_home_that_can_only_be_read_is_told_of_by_status() {
    in_a_namespace(
        r#"
        export STRONGROOM_VAULT=disk/vault
        run 0 init --keyfile-only
        run 0 create-secret --name app/db --secret-string hunter2
        mount --bind "$HOME" "$HOME"
        mount -o remount,bind,ro "$HOME"
        run 0 get-secret-value --secret-id app/db
        quiet
        run 0 put-secret-value --secret-id app/db --secret-string other
        quiet
        run 0 status --query Anchor --output text
        prints unwritable
        "#,
    );
}

/// Runs a shell script that may mount things, with `run CODE COMMAND…` to run `strongroom`, `says`,
/// `quiet` and `prints` for what it told and answered, and `gone` for what must not be there.
fn in_a_namespace(script: &str) {
    let Some(unshare) = tool("unshare") else { return };
    let mut sandbox = Sandbox::empty();
    let keyfile = sandbox.home().join("keyfile").to_str().unwrap().to_owned();
    sandbox.environment.insert("STRONGROOM_KEYFILE".to_owned(), keyfile);
    write(&sandbox.work().join("script"), format!("{PRELUDE}{script}").as_bytes());
    let unshared = |command: &[&str]| {
        let words = ["--map-root-user", "--mount"].iter().chain(command);
        let words: Vec<String> = words.map(|&word| word.to_owned()).collect();
        sandbox.invocation(unshare.to_str().unwrap(), &words).run()
    };
    let probe = unshared(&["mount", "-t", "tmpfs", "none", "/mnt"]);
    if probe.code != 0 {
        println!("skipped: no mount namespace here: {}", probe.stderr_text());
        return;
    }
    let outcome = unshared(&["sh", "script"]);
    assert_eq!(outcome.code, 0, "{}{}", outcome.stdout_text(), outcome.stderr_text());
    assert_eq!(outcome.crash(), None);
}

const PRELUDE: &str = r#"
exec 2>&1
mkdir -m 700 disk
fail() {
    echo "$*"
    cat err
    exit 1
}
run() {
    expected=$1
    shift
    strongroom "$@" >out 2>err
    code=$?
    ! grep panicked err || fail "$*"
    test "$code" = "$expected" || fail "$*: exit code $code, not $expected"
    test "$code" = 0 || test "$(sed 1d err | wc -l)" = 1 || fail "$*: not one sentence"
}
quiet() { test ! -s err || fail "it said something"; }
says() { grep -qF "$1" err || fail "it did not say $1"; }
prints() { test "$(cat out)" = "$1" || fail "it printed $(cat out), not $1"; }
gone() { for path; do test ! -e "$path" || fail "there is a $path"; done; }
"#;
