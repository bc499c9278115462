//! A disk that is full, and one that can only be read: every command says so in a sentence, and
//! nothing is lost.

use super::done;
use crate::harness::Sandbox;
use crate::harness::files::write;
use crate::harness::process::tool;

/// Makes a small disk for the vault, fills it, and makes it read-only. Each line of output is the
/// exit code of a command, and what it printed.
const SCRIPT: &str = r#"
mkdir small
mount -t tmpfs -o size=400k,mode=0700 none small || { echo 'no mount'; exit; }
cp "$STRONGROOM_VAULT" small/vault
export STRONGROOM_VAULT=small/vault
run() {
    said=$(strongroom "$@" --output text 2>error)
    echo $1: $? $said $(grep -v '^note:' error)
}

code=0
while [ $code = 0 ]; do
    strongroom create-secret --name s$((i += 1)) --secret-string file://large >made 2>error
    code=$?
done
echo create-secret: $code $(grep -v '^note:' error)
echo "acknowledged: $((i - 1))"
run list-secrets --query 'length(SecretList)'
run get-secret-value --secret-id s1 --query 'starts_with(SecretString, `large`)'
run check --query Status
echo full >&2
head -c 1000000 /dev/zero >small/filler 2>error
run put-secret-value --secret-id s1 --secret-string small
run import --query Status passwords.csv
run check --query Status
rm small/filler
run put-secret-value --secret-id s1 --secret-string small --query VersionStages
run get-secret-value --secret-id s1 --query SecretString

mount -o remount,ro none small
run get-secret-value --secret-id s1 --query SecretString
run list-secrets --query 'length(SecretList)'
run put-secret-value --secret-id s1 --secret-string large
run tag-resource --secret-id s1 --tags Key=a,Value=b
run check --query Status
run backup copy --query Verified
mount -o remount,rw none small
run tag-resource --secret-id s1 --tags Key=a,Value=b
run check --query Status
"#;

/// What it prints, where ALL is the number of secrets that found room.
const EXPECTED: &str = "\
create-secret: 255 An error occurred (NoSpace): there is no space left where the vault is; nothing was changed
acknowledged: ALL
list-secrets: 0 ALL
get-secret-value: 0 True
check: 0 clean
put-secret-value: 255 An error occurred (NoSpace): there is no space left where the vault is; nothing was changed
import: 255 An error occurred (NoSpace): there is no space left where the vault is; nothing was changed
check: 0 clean
put-secret-value: 0 AWSCURRENT
get-secret-value: 0 small
get-secret-value: 0 small
list-secrets: 0 ALL
put-secret-value: 255 An error occurred (ReadOnlyVault): the vault can only be read here
tag-resource: 255 An error occurred (ReadOnlyVault): the vault can only be read here
check: 0 clean
backup: 0 everything
tag-resource: 0
check: 0 clean
";

#[test]
fn a_full_or_read_only_disk_loses_nothing() {
    let Some(unshare) = tool("unshare") else { return };
    let sandbox = Sandbox::with_vault();
    write(&sandbox.work().join("large"), "large ".repeat(9000).as_bytes());
    write(&sandbox.work().join("passwords.csv"), super::export().as_bytes());
    done(&sandbox, "check");
    // A user who is not root makes a disk in a namespace where they are.
    let is_root = rustix::process::geteuid().is_root();
    let way = if is_root { "--mount" } else { "--map-root-user" };
    let words = [way, "--mount", "sh", "-c", SCRIPT].map(str::to_owned);
    let outcome = sandbox.invocation(unshare.to_str().unwrap(), &words).run();
    let printed = outcome.stdout_text();
    if outcome.code != 0 || printed == "no mount\n" {
        println!("skipped: a disk cannot be made here: {}", outcome.stderr_text());
        return;
    }
    let all = printed.lines().find_map(|line| line.strip_prefix("acknowledged: "));
    let all = all.filter(|count| *count != "0").unwrap();
    assert_eq!(printed, EXPECTED.replace("ALL", all), "{}", outcome.stderr_text());
}
