//! Rotation while the agent holds the vault open: no key is needed, and whoever asked for it stops it.

use std::fs;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::process::Signal;

use crate::harness::process::Running;
use crate::hostile::{ALL, GOOD, HostileFixture};

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
