//! The whole memory of the agent, read as root would dump it: while vaults are unlocked, and after they
//! were locked.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::sockopt::socket_peercred;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::memory::{fixture, memory_of};
use super::{LeakFixture, Needle, found, keys, long};

/// Returns the process that holds vaults open.
fn agent_of(fixture: &LeakFixture) -> Pid {
    let runtime = Path::new(&fixture.sandbox.environment["XDG_RUNTIME_DIR"]);
    let stream = UnixStream::connect(runtime.join("strongroom/agent.sock")).unwrap();
    socket_peercred(stream).unwrap().pid
}

/// Returns what is found in the agent's memory once it has nothing to do: whoever was answered can be
/// quicker than the thread that answered him.
fn found_in(process: Pid, needles: &[Needle], most: &[&str]) -> BTreeSet<&'static str> {
    let process = u32::try_from(process.as_raw_pid()).unwrap();
    let begun = Instant::now();
    loop {
        let shown: BTreeSet<_> = found(needles, &memory_of(process)).into_iter().collect();
        let is_more = shown.iter().any(|what| !most.contains(what));
        if !is_more || begun.elapsed() > Duration::from_secs(5) {
            return shown;
        }
    }
}

fn needles(fixture: &LeakFixture) -> Vec<Needle> {
    let mut out = fixture.secrets();
    out.extend(keys::of(&fixture.vault(), &fixture.keyfile()));
    out
}

#[test]
fn an_unlocked_vault_is_held_by_its_subkeys_alone() {
    let Some(fixture) = fixture() else { return };
    let new = long();
    fixture.give("new", &new);
    for unlock in ["--keyfile key", "--passphrase-file phrase"] {
        fixture.done(&format!("unlock {unlock}"));
        let agent = agent_of(&fixture);
        let mut needles = needles(&fixture);
        needles.extend(Needle::of("the new value", new.as_bytes()));
        for command in [
            "status",
            "get-secret-value --secret-id own",
            "get-secret-value --secret-id other --region local-1",
            "batch-get-secret-value --secret-id-list own other",
            "put-secret-value --secret-id own --secret-string file://new",
            "get-random-password",
            "list-events",
            "offer-names",
            "offer-names -- get own",
            "offer-names -- diff own",
        ] {
            fixture.done(command);
            let shown = found_in(agent, &needles, &[keys::SUBKEY]);
            assert_eq!(shown, BTreeSet::from([keys::SUBKEY]), "{unlock}: after {command}");
        }
        fixture.done("lock --all");
    }
}

#[test]
fn a_vault_that_was_locked_leaves_nothing_beside_another() {
    let Some(fixture) = fixture() else { return };
    fixture.done("init --keyfile-only --keyfile second-key --vault second");
    let second = "--vault second --keyfile second-key";
    let value = long();
    fixture.give("value", &value);
    fixture.done(&format!("create-secret --name own --secret-string file://value {second}"));
    fixture.done("unlock --keyfile key");
    fixture.done(&format!("unlock {second}"));
    fixture.done("list-secrets");
    for vault in ["", " --vault second"] {
        fixture.done(&format!("get-secret-value --secret-id own{vault}"));
    }
    let agent = agent_of(&fixture);
    let first = needles(&fixture);
    let work = fixture.sandbox.work();
    let keyfile = fs::read_to_string(work.join("second-key")).unwrap();
    let mut other = keys::of(&work.join("second"), keyfile.trim());
    other.extend(Needle::of("a value", value.as_bytes()));
    let subkeys = BTreeSet::from([keys::SUBKEY]);
    assert_eq!(found_in(agent, &first, &[keys::SUBKEY]), subkeys);
    assert_eq!(found_in(agent, &other, &[keys::SUBKEY]), subkeys);

    // What a shell is offered is kept while the vault is unlocked: names, and nothing else.
    for words in ["", " -- get own", " -- diff own"] {
        fixture.done(&format!("offer-names{words}"));
    }
    let [name, tag, description] = &fixture.labels[..] else { panic!() };
    let kept = Needle::of("a name", name.as_bytes());
    assert_eq!(found_in(agent, &kept, &["a name"]), BTreeSet::from(["a name"]));
    let beside: Vec<Needle> = [tag, description]
        .into_iter()
        .flat_map(|text| Needle::of("a label", text.as_bytes()))
        .collect();
    assert_eq!(found_in(agent, &beside, &[]), BTreeSet::new());

    fixture.done("lock");
    let gone: Vec<Needle> = first.into_iter().chain(fixture.hidden()).collect();
    assert_eq!(found_in(agent, &gone, &[]), BTreeSet::new());
    assert_eq!(found_in(agent, &other, &[keys::SUBKEY]), subkeys);

    let handle = pidfd_open(agent, PidfdFlags::empty()).unwrap();
    fixture.done("lock --all");
    let bound = Timespec { tv_sec: 60, tv_nsec: 0 };
    let ended = poll(&mut [PollFd::new(&handle, PollFlags::IN)], Some(&bound));
    assert_eq!(ended, Ok(1), "the agent did not end");
}
