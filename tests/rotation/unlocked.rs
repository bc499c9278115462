//! Rotation while the agent holds the vault open: no key is needed, and whoever asked for it stops it.

use std::fs;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::process::Signal;

use crate::harness::process::{Invocation, Running};
use crate::hostile::{ALL, GOOD, HostileFixture, OLD};

/// A vault that only the agent can open, and whose rotations tell when they are at `setSecret`.
struct UnlockedFixture {
    fixture: HostileFixture,
}

/// Tells that it is there, once, and hangs.
const HANGS: &str = "if [ $step = setSecret ] && ! [ -e \"$HOME/was\" ]; then : >\"$HOME/was\"; \
                     echo here >\"$HOME/there\"; while :; do sleep 1; done; fi\n";

impl UnlockedFixture {
    fn new() -> Self {
        let mut fixture = HostileFixture::new();
        fixture.sandbox.unlock();
        fixture.sandbox.environment.remove("STRONGROOM_KEYFILE");
        mknodat(CWD, fixture.sandbox.home().join("there"), FileType::Fifo, Mode::RWXU, 0).unwrap();
        Self { fixture }
    }

    /// Starts a rotation that hangs, and waits until it does.
    fn hanging(&self) -> Running {
        let program = self.fixture.program("rotate", &format!("{GOOD}{HANGS}"));
        let running = self.fixture.rotation_by(&program, &[]).start();
        let told = fs::read_to_string(self.fixture.sandbox.home().join("there")).unwrap();
        assert_eq!(told, "here\n");
        running
    }

    /// Requires that it goes on where it was stopped.
    fn must_go_on(&self) {
        self.fixture.must_be_unchanged();
        let version = self.fixture.version("AWSPENDING");
        let again = self.fixture.again();
        assert_eq!(again.code, 0, "{}", again.stderr_text());
        self.fixture.must_be_rotated_to(&version);
    }
}

#[test]
fn a_secret_and_what_is_due_are_rotated_without_a_key() {
    let unlocked = UnlockedFixture::new();
    let fixture = &unlocked.fixture;
    let program = fixture.program("rotate", GOOD);
    let rules = ["--rotation-rules", "AutomaticallyAfterDays=1"];
    let outcome = fixture.rotate_by(&program, &rules);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr_text());
    fixture.must_be_rotated_to(&fixture.version("AWSCURRENT"));
    assert_eq!(fixture.steps(), ALL);
    let due = ["rotate-due", "--dry-run", "--query", "Rotations[].[Name,State]"];
    assert_eq!(fixture.done(&[&due[..], &["--output", "text"]].concat()), "db\tNotYet");
    let wrong = fixture.program("rotate", "echo wrong >&2; exit 3\n");
    let outcome = fixture.rotate_by(&wrong, &rules);
    assert_eq!(outcome.code, 254);
    let told = outcome.stderr_text();
    assert!(told.contains("rotation: wrong\n") && told.contains("exit status 3"), "{told}");
    let outcome = fixture.run(&["rotate-due"]);
    assert_eq!(outcome.code, 1, "{}", outcome.stderr_text());
    fixture.done(&["lock"]);
    let late = ["rotate-due", "--no-input", "--quiet"];
    assert_eq!(fixture.run(&late).code, 75, "it comes again later");
}

/// What may run here is the machine's to say, and the vault need not be opened for it.
#[test]
fn what_is_rotated_is_reviewed_and_approved_without_a_key() {
    let unlocked = UnlockedFixture::new();
    let fixture = &unlocked.fixture;
    let program = fixture.program("rotate", GOOD);
    assert_eq!(fixture.rotate_by(&program, &[]).code, 0);
    let of = |action: &str| {
        let query = ["--query", "[Name,ApprovedOnThisMachine]", "--output", "text"];
        fixture.done(&[&["rotation", action, "--secret-id", "db"], &query[..]].concat())
    };
    assert_eq!(of("show"), "db\tTrue");
    assert_eq!(of("revoke"), "db\tFalse");
    assert_eq!(fixture.again().code, 254);
    assert_eq!(of("approve"), "db\tTrue");
    assert_eq!(fixture.again().code, 0);
    // Its file changed: the vault has new fingerprints, and the machine a new approval.
    fixture.program("rotate", &format!("{GOOD}:\n"));
    assert_ne!(fixture.again().code, 0);
    fixture.done(&["rotation", "approve", "--secret-id", "db", "--repin"]);
    assert_eq!(fixture.again().code, 0);
    // What was approved for a secret goes with it.
    let approvals = fixture.sandbox.home().join(".local/state/strongroom/rotators.json");
    let approved = || fs::read_to_string(&approvals).unwrap().matches("\"secret\"").count();
    fixture.done(&["create-secret", "--name", "other", "--secret-string", "x"]);
    let before = approved();
    let mut other = fixture.rotation_by(&program, &[]);
    other.arguments.iter_mut().filter(|word| *word == "db").for_each(|word| *word = "other".into());
    assert_eq!(other.run().code, 0);
    assert!(approved() > before);
    fixture.done(&["delete-secret", "--secret-id", "other", "--force-delete-without-recovery"]);
    of("approve");
    assert_eq!(approved(), before);
}

#[test]
fn whoever_asked_stops_it() {
    for signal in [Signal::TERM, Signal::HUP] {
        let unlocked = UnlockedFixture::new();
        let running = unlocked.hanging();
        running.signal(signal);
        let outcome = running.finish();
        assert_eq!(outcome.code, 130, "{}", outcome.stderr_text());
        unlocked.must_go_on();
    }
}

#[test]
fn it_dies_with_whoever_asked() {
    let unlocked = UnlockedFixture::new();
    let running = unlocked.hanging();
    running.signal(Signal::KILL);
    assert_eq!(running.finish().code, 137);
    // Locking waits until what runs has ended.
    unlocked.fixture.done(&["lock"]);
    unlocked.fixture.done(&["unlock", "--keyfile", "../home/keyfile"]);
    unlocked.must_go_on();
}

#[test]
fn it_ends_with_the_lock() {
    let unlocked = UnlockedFixture::new();
    let running = unlocked.hanging();
    unlocked.fixture.done(&["lock"]);
    let outcome = running.finish();
    assert_eq!(outcome.code, 130, "{}", outcome.stderr_text());
    unlocked.fixture.done(&["unlock", "--keyfile", "../home/keyfile"]);
    unlocked.must_go_on();
}

/// Programs run one at a time; one that waits for its turn is stopped with its vault, and the vault need
/// not wait for the other's.
#[test]
fn one_that_waits_for_its_turn_is_stopped() {
    let unlocked = UnlockedFixture::new();
    let fixture = &unlocked.fixture;
    let other = fixture.sandbox.work().join("other");
    let in_other = |mut invocation: Invocation| {
        let other = other.to_str().unwrap().to_owned();
        invocation.environment.insert("STRONGROOM_VAULT".to_owned(), other);
        invocation
    };
    let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<String>>();
    let run = |line: &str| {
        let outcome = in_other(fixture.sandbox.invocation("strongroom", &words(line))).run();
        assert_eq!(outcome.code, 0, "{line}: {}", outcome.stderr_text());
    };
    run("init --keyfile-only --keyfile ../home/keyfile --no-recovery");
    run("unlock --keyfile ../home/keyfile");
    run("create-secret --name db --secret-string old");
    let first = unlocked.hanging();
    let second = in_other(fixture.rotation_by(&fixture.program("second", GOOD), &[])).start();
    run("lock");
    let outcome = second.finish();
    let told = outcome.stderr_text();
    assert!(outcome.code == 130 || told.contains("VaultLocked"), "{}: {told}", outcome.code);
    fixture.done(&["lock"]);
    assert_eq!(first.finish().code, 130);
    fixture.done(&["unlock", "--keyfile", "../home/keyfile"]);
    unlocked.must_go_on();
}

/// Unlocking once more puts the limits off and disturbs nothing.
#[test]
fn unlocking_again_goes_on() {
    let unlocked = UnlockedFixture::new();
    let running = unlocked.hanging();
    let fixture = &unlocked.fixture;
    fixture.done(&["grant", "create", "--operations", "Get*", "--secrets", "*"]);
    let again = ["unlock", "--keyfile", "../home/keyfile", "--audit-reads", "at-once"];
    assert!(fixture.done(&again).contains("at-once"));
    assert_eq!(fixture.done(&["grant", "list", "--query", "length(Grants)"]), "1");
    assert_eq!(fixture.value("AWSCURRENT"), OLD);
    running.signal(Signal::TERM);
    assert_eq!(running.finish().code, 130);
    unlocked.must_go_on();
}
