//! Two vaults, one with a replica of the other's secret. A command that writes to both is killed, or a
//! disk fails or is full, at its calls in turn: after every one of these both vaults are sound, neither
//! says that they agree where they do not, and one `peer sync` makes them agree.

use std::fs;
use std::thread;

use serde_json::Value;

use super::strike::{At, ChangeFixture};
use super::{answer, done, is_long, must_be_sound, run, value};
use crate::harness::Sandbox;
use crate::harness::files::write;
use crate::harness::process::tool;

/// What opens the vault of the replica, and what opens it as a peer.
const FAR: &str = "--vault ../home/two --keyfile ../home/two.key";
const KEY: &str = "--peer-keyfile ../home/two.key";

const PUT: &str = "put-secret-value --secret-id a --secret-string two";

/// A primary, `a`, and a replica of it in the other vault, `b`.
struct Pair {
    sandbox: Sandbox,
    /// The replica's ARN.
    replica: String,
}

impl Pair {
    fn waiting() -> Self {
        let sandbox = Sandbox::with_vault();
        let init = "init --keyfile-only --no-recovery --account-id 222222222222";
        done(&sandbox, &format!("{init} {FAR}"));
        let made = answer(&sandbox, "create-secret --name a --secret-string one");
        let primary = made["ARN"].as_str().unwrap();
        let create = "create-secret --name b --kms-key-id alias/x --cross-account-primary-arn";
        let made = answer(&sandbox, &format!("{create} {primary} {FAR}"));
        let replica = made["ARN"].as_str().unwrap().to_owned();
        done(&sandbox, &format!("peer add ../home/two {KEY}"));
        Self { sandbox, replica }
    }

    fn associated() -> Self {
        let pair = Self::waiting();
        done(&pair.sandbox, &pair.associate());
        pair
    }

    fn associate(&self) -> String {
        let command = "associate-cross-account-replica --secret-id a";
        format!("{command} --cross-account-replica-arn {} {KEY}", self.replica)
    }

    /// Returns the command that makes the replica a secret of its own, which tells the primary's vault.
    fn promote(&self) -> String {
        let home = self.sandbox.home();
        let (near, key) = (&self.sandbox.environment["STRONGROOM_VAULT"], home.join("keyfile"));
        let open = format!("--peer-keyfile {}", key.display());
        done(&self.sandbox, &format!("peer add {near} --name one {open} {FAR}"));
        format!("stop-replication-to-replica --secret-id b {open} {FAR}")
    }
}

/// What the two vaults say of each other.
#[derive(Debug)]
struct Said {
    /// The replica's status and its message, in the primary's vault.
    replica: [Value; 2],
    /// The primary's status, in the replica's vault.
    primary: Value,
    /// Their values.
    values: [Option<String>; 2],
}

impl Said {
    /// Requires that both vaults are sound, and returns what they say.
    fn in_both(sandbox: &Sandbox, when: &str) -> Self {
        must_be_sound(sandbox, when);
        let checked = run(sandbox, &format!("check {FAR}"));
        assert_eq!(checked.code, 0, "{when}: {}", checked.stdout_text());
        let status = "CrossAccountReplicas[0].[ReplicationStatus,StatusMessage]";
        let replica = answer(sandbox, &format!("describe-secret --secret-id a --query {status}"));
        let status = "CrossAccountPrimary.ReplicationStatus";
        let describe = format!("describe-secret --secret-id b --query {status} {FAR}");
        Self {
            replica: [0, 1].map(|at| replica.get(at).cloned().unwrap_or_default()),
            primary: answer(sandbox, &describe),
            values: [value(sandbox, "a"), value(sandbox, &format!("b {FAR}"))],
        }
    }

    /// Neither says that they agree where they do not.
    fn must_be_true(&self, when: &str) {
        let [status, message] = &self.replica;
        if *status == "InSync" && !self.primary.is_null() {
            assert!(self.agrees(), "{when}: {self:?}");
        }
        let is_told = message.as_str().is_some_and(|message| !message.contains("not been told"));
        if *status == "Detached" && is_told {
            assert_ne!(self.primary, "InSync", "{when}: {self:?}");
        }
        assert!(self.primary != "InSync" || self.values[1].is_some(), "{when}: {self:?}");
    }

    fn agrees(&self) -> bool {
        self.primary == "InSync" && self.values[0] == self.values[1]
    }

    fn must_agree(&self, when: &str) {
        assert!(self.replica[0] == "InSync" && self.agrees(), "{when}: {self:?}");
    }
}

/// Strikes a command, and has both vaults looked at, then brought together, then looked at again.
fn survives(pair: Pair, command: &str, healed: impl Fn(&Sandbox, &Said, &str)) {
    let Some(fixture) = ChangeFixture::of(pair.sandbox) else { return };
    fixture.strike(command, At::Some, |_outcome, when| {
        let sandbox = &fixture.sandbox;
        Said::in_both(sandbox, when).must_be_true(when);
        let synced = run(sandbox, &format!("peer sync {KEY}"));
        assert_eq!(synced.code, 0, "{when}: {}", synced.stdout_text());
        let said = Said::in_both(sandbox, when);
        said.must_be_true(when);
        healed(sandbox, &said, when);
    });
}

#[test]
fn an_association() {
    let pair = Pair::waiting();
    let command = pair.associate();
    survives(pair, &command, |sandbox, said, when| {
        if said.replica[0].is_null() {
            assert_eq!(said.primary, "Pending", "{when}");
            done(sandbox, &command);
            Said::in_both(sandbox, when).must_agree(when);
        } else {
            said.must_agree(when);
        }
    });
}

#[test]
fn a_change() {
    survives(Pair::associated(), &format!("{PUT} {KEY}"), |_, said, when| said.must_agree(when));
}

#[test]
fn a_sync() {
    let pair = Pair::associated();
    done(&pair.sandbox, PUT);
    survives(pair, &format!("peer sync {KEY}"), |_, said, when| {
        said.must_agree(when);
        assert_eq!(said.values[1].as_deref(), Some("two"), "{when}");
    });
}

#[test]
fn a_disassociation() {
    let pair = Pair::associated();
    let command = format!(
        "disassociate-cross-account-replica --secret-id a --cross-account-replica-arn {} {KEY}",
        pair.replica
    );
    survives(pair, &command, |_, said, when| {
        let is_over = said.replica[0] == "Detached" || said.replica[0].is_null();
        if is_over {
            assert_eq!(said.primary, "Detached", "{when}: {said:?}");
        } else {
            said.must_agree(when);
        }
    });
}

#[test]
fn a_promotion() {
    let pair = Pair::associated();
    let command = pair.promote();
    survives(pair, &command, |_, said, when| {
        if said.primary.is_null() {
            assert_eq!(said.replica[0], "Detached", "{when}: {said:?}");
        } else {
            said.must_agree(when);
        }
    });
}

/// Two vaults that have replicas in each other never wait for each other: no lock is held while another
/// is asked for.
#[test]
fn two_vaults_that_follow_each_other_do_not_wait_for_ever() {
    let writes = if is_long() { 100 } else { 12 };
    let pair = Pair::associated();
    let sandbox = &pair.sandbox;
    let near_key = format!("--peer-keyfile {}", sandbox.home().join("keyfile").display());
    let near = &sandbox.environment["STRONGROOM_VAULT"];
    done(sandbox, &format!("peer add {near} --name one {near_key} {FAR}"));
    let made = answer(sandbox, &format!("create-secret --name c --secret-string one {FAR}"));
    let create = "create-secret --name d --kms-key-id alias/x --cross-account-primary-arn";
    let made = answer(sandbox, &format!("{create} {}", made["ARN"].as_str().unwrap()));
    let associate = "associate-cross-account-replica --secret-id c --cross-account-replica-arn";
    done(sandbox, &format!("{associate} {} {near_key} {FAR}", made["ARN"].as_str().unwrap()));
    thread::scope(|scope| {
        for (secret, open) in [("a", KEY.to_owned()), ("c", format!("{near_key} {FAR}"))] {
            for writer in 0..2 {
                let open = open.clone();
                scope.spawn(move || {
                    for step in 0..writes {
                        let put = format!("put-secret-value --secret-id {secret}");
                        done(sandbox, &format!("{put} --secret-string {writer}-{step} {open}"));
                    }
                });
            }
        }
    });
    done(sandbox, &format!("peer sync {KEY}"));
    done(sandbox, &format!("peer sync {near_key} {FAR}"));
    Said::in_both(sandbox, "in the end").must_agree("in the end");
    assert_eq!(value(sandbox, &format!("c {FAR}")), value(sandbox, "d"));
}

/// What the other vault says is data: no path of its is opened, no program of its is run, its own peers
/// are nobody's. And the value that is carried is on no line and in no log.
#[test]
fn nothing_that_a_peer_says_is_followed() {
    let pair = Pair::associated();
    let bait = "init --keyfile-only --no-recovery --account-id 333333333333";
    done(&pair.sandbox, &format!("{bait} --vault ../home/bait --keyfile ../home/bait.key"));
    let add = "peer add ../home/bait --peer-keyfile ../home/bait.key";
    done(&pair.sandbox, &format!("{add} {FAR}"));
    let value = "Kestrel-amber-7781";
    write(&pair.sandbox.work().join("value"), value.as_bytes());
    let Some(fixture) = ChangeFixture::of(pair.sandbox) else { return };
    let put = "put-secret-value --secret-id a --secret-string file://value";
    let options = ["-f", "-s", "4096", "-e", "trace=%file,execve,connect"];
    for (command, is_told) in [(put.to_owned(), false), (format!("{put} {KEY}"), true)] {
        let outcome = fixture.trace(&options, &command);
        let trace = fs::read_to_string(fixture.sandbox.work().join("trace")).unwrap();
        assert_eq!(outcome.code, 0, "{}", outcome.stderr_text());
        assert!(trace.contains("two\""), "{trace}");
        assert!(!trace.contains("bait"), "{trace}");
        assert_eq!(trace.matches("execve(").count(), 1, "{trace}");
        assert!(!trace.contains(value) && !outcome.stderr_text().contains(value));
        let agrees = Said::in_both(&fixture.sandbox, &command).agrees();
        assert_eq!(agrees, is_told, "{command}");
    }
    for vault in ["", FAR] {
        let log = done(&fixture.sandbox, format!("list-events {vault}").trim());
        assert!(log.contains("SyncReplica") || !vault.is_empty(), "{log}");
        assert!(!log.contains(value), "{log}");
    }
}

/// Whatever became of the peer's file, the primary's vault is sound, and the command says what it found.
#[test]
fn a_damaged_peer_is_no_way_in() {
    let pair = Pair::associated();
    done(&pair.sandbox, PUT);
    let file = pair.sandbox.home().join("two");
    let whole = fs::read(&file).unwrap();
    let stride = if is_long() { 97 } else { whole.len() / 40 };
    let mut states: Vec<String> = Vec::new();
    for offset in (0..whole.len()).step_by(stride) {
        let mut damaged = whole.clone();
        damaged[offset] ^= 1;
        write(&file, &damaged);
        let state = "--query Peers[0].State --output text";
        let synced = run(&pair.sandbox, &format!("peer sync {KEY} {state}"));
        assert_eq!(synced.crash(), None, "{offset}: {}", synced.stderr_text());
        assert!([0, 253].contains(&synced.code), "{offset}: {}", synced.stderr_text());
        states.push(synced.stdout_text().trim().to_owned());
        must_be_sound(&pair.sandbox, "after a damaged peer");
    }
    states.sort();
    states.dedup();
    assert!(states.iter().any(|state| state == "Damaged"), "{states:?}");
}

/// A medium is full, can only be read, and is pulled out. Each line is what the primary says then, and
/// the value that the replica has.
const SCRIPT: &str = r"
mkdir stick
mount -t tmpfs -o size=400k,mode=0700 none stick || { echo 'no mount'; exit; }
far='--vault stick/two --keyfile two.key'
strongroom init --keyfile-only --no-recovery --account-id 222222222222 $far >/dev/null
strongroom create-secret --name a --secret-string one >/dev/null
arn=$(strongroom describe-secret --secret-id a --query ARN --output text)
strongroom create-secret --name b --kms-key-id alias/x --cross-account-primary-arn $arn $far >/dev/null
arn=$(strongroom describe-secret --secret-id b --query ARN --output text $far)
open='--peer-keyfile two.key'
strongroom peer add stick/two --name stick $open >/dev/null
strongroom associate-cross-account-replica --secret-id a --cross-account-replica-arn $arn $open >/dev/null
put() {
    strongroom put-secret-value --secret-id a --secret-string $1 $open >/dev/null || echo failed
    strongroom describe-secret --secret-id a --output text \
        --query 'CrossAccountReplicas[0].[ReplicationStatus,StatusMessage]'
}
sync() {
    strongroom peer sync $open --query 'Peers[].[State,Synced]' --output text
    strongroom get-secret-value --secret-id b --query SecretString --output text $far |
        cut -c 1-20
    strongroom check --query Status --output text $far
}
head -c 1000000 /dev/zero >stick/filler 2>/dev/null
put file://large
sync
rm stick/filler
sync
mount -o remount,ro none stick
put three
sync
mount -o remount,rw none stick
sync
cp stick/two kept
umount stick
put four
strongroom peer sync $open --query 'Peers[].[State,Synced]' --output text
mount -t tmpfs -o size=400k,mode=0700 none stick
cp kept stick/two
chmod 600 stick/two
sync
";

const EXPECTED: &str = "\
InProgress\tPeer stick (account 222222222222) has no space left where it is; make room, and run \
`strongroom peer sync`.
Full\t0
one
clean
Ready\t1
large large large la
clean
InProgress\tPeer stick (account 222222222222) can only be read; make its file and medium writable, \
and run `strongroom peer sync`.
ReadOnly\t0
large large large la
clean
Ready\t1
three
clean
InProgress\tPeer stick (account 222222222222) is not there: its file is missing; bring it back, and \
run `strongroom peer sync`.
Absent\t0
Ready\t1
four
clean
";

#[test]
fn a_medium_that_is_full_or_read_only_or_gone_is_waited_for() {
    let Some(unshare) = tool("unshare") else { return };
    let sandbox = Sandbox::with_vault();
    write(&sandbox.work().join("large"), "large ".repeat(9000).as_bytes());
    done(&sandbox, "check");
    let is_root = rustix::process::geteuid().is_root();
    let way = if is_root { "--mount" } else { "--map-root-user" };
    let words = [way, "--mount", "sh", "-c", SCRIPT].map(str::to_owned);
    let outcome = sandbox.invocation(unshare.to_str().unwrap(), &words).run();
    let printed = outcome.stdout_text();
    if outcome.code != 0 || printed == "no mount\n" {
        println!("skipped: a disk cannot be made here: {}", outcome.stderr_text());
        return;
    }
    assert_eq!(printed, EXPECTED, "{}", outcome.stderr_text());
}
