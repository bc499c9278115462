//! The agent runs a program of its user's, who stops the agent, or looks at what the program inherits.

use std::fs;
use std::time::Duration;

use rustix::process::Signal;

use super::{Process, connect, done, keyfile};
use crate::harness::process::Invocation;
use crate::hostile::{GOOD, HostileFixture};

/// A secret to rotate, in a vault that the agent holds open, and nothing else that opens it.
fn unlocked() -> (HostileFixture, String) {
    let mut fixture = HostileFixture::new();
    fixture.sandbox.unlock();
    let keyfile = keyfile(&fixture.sandbox).to_owned();
    fixture.sandbox.environment.remove("STRONGROOM_KEYFILE");
    (fixture, keyfile)
}

/// The vault's file, its lock, the socket, who is connected there: none of it is the program's.
#[test]
fn a_program_inherits_nothing_of_the_agents() {
    let (fixture, keyfile) = unlocked();
    let sandbox = &fixture.sandbox;
    let other = format!("--vault {} --keyfile {keyfile}", sandbox.work().join("other").display());
    done(sandbox, &format!("init --keyfile-only {other}"));
    done(sandbox, &format!("unlock {other}"));
    let connected: Vec<_> = (0..20).map(|_| connect(sandbox)).collect();
    let script =
        format!("{GOOD}[ $step = setSecret ] || exit 0\nls /proc/self/fd >\"$HOME/open\"\n");
    let program = fixture.program("rotate", &script);
    let mut options = fixture.grants().to_vec();
    // What it starts reads what the kernel says of it.
    options.extend(["--rotation-grant".to_owned(), "read=/proc".to_owned()]);
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let outcome = fixture.rotate_by(&program, &options);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr_text());
    // The fourth is the directory that ls reads.
    assert_eq!(fixture.note("open").split_whitespace().collect::<Vec<_>>(), ["0", "1", "2", "3"]);
    let agent = Process::of(sandbox);
    let open = fs::read_dir(format!("/proc/{}/fd", agent.pid.as_raw_pid())).unwrap().count();
    assert!(open > connected.len(), "it has {open} open itself");
}

/// One that was stopped may never go on; when it does, it finds that nobody waits any more.
#[test]
fn nobody_waits_for_a_rotation_of_an_agent_that_was_stopped() {
    let (fixture, keyfile) = unlocked();
    let sandbox = &fixture.sandbox;
    let shell = |script: &str| -> Invocation {
        sandbox.invocation("sh", &["-c".to_owned(), script.to_owned()])
    };
    assert_eq!(shell("mkfifo \"$HOME/began\" \"$HOME/never\"").run().code, 0);
    let script = format!(
        "{GOOD}if [ $step = setSecret ]; then : >\"$HOME/began\"; read x <\"$HOME/never\"; fi\n"
    );
    let rotating = fixture.rotation_by(&fixture.program("rotate", &script), &[]).start();
    // Opens when the program does.
    fs::read(sandbox.home().join("began")).unwrap();
    let agent = Process::of(sandbox);
    agent.signal(Signal::STOP);
    let outcome = rotating.finish_within(Duration::from_mins(1));
    let stderr = outcome.stderr_text();
    assert_eq!(outcome.code, 253, "{stderr}");
    assert!(stderr.contains("it was stopped"), "{stderr}");
    agent.signal(Signal::CONT);
    // The program is gone before the vault is locked, and the version that it was to make is pending.
    done(sandbox, "lock --all");
    agent.must_end();
    assert!(!fixture.steps().contains("testSecret"));
    let check = format!("check --query Status --keyfile {keyfile}");
    assert_eq!(done(sandbox, &check), "\"clean\"\n");
}
