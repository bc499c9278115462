//! The agent ends: it is killed, asked to, or left by the terminal it came from.

use std::fs::{self, File};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, UNIX_EPOCH};

use rustix::process::Signal;

use super::{
    GET, Process, ask, done, get, impersonated, must_be_sound, place, run, socket, through_agent,
    token, token_files, unlocked, value, value_through_agent,
};
use crate::harness::Sandbox;
use crate::harness::files::names_in;
use crate::harness::process::{Invocation, tool};
use crate::harness::pty::Typing;

#[test]
fn commands_go_on_without_one_that_was_killed() {
    let sandbox = unlocked();
    let first = Process::of(&sandbox);
    assert_eq!(value_through_agent(&sandbox).as_deref(), Some("hunter2"));
    first.kill();
    assert!(socket(&sandbox).exists(), "nobody was there to remove it");
    assert_eq!(value(&sandbox), "hunter2");
    assert_eq!(value_through_agent(&sandbox), None);
    let dead = token_files(&sandbox);
    assert_eq!(done(&sandbox, "lock --all"), "{\n    \"Locked\": 0\n}\n");
    assert_eq!(token_files(&sandbox), [""; 0], "of {dead:?}");

    sandbox.unlock();
    let second = Process::of(&sandbox);
    assert_ne!(first.pid, second.pid);
    assert_eq!(value_through_agent(&sandbox).as_deref(), Some("hunter2"));
    must_be_sound(&sandbox);
}

/// A token that an agent left which is dead does not hide the one that is good.
#[test]
fn a_dead_token_in_the_keyring_is_passed_over() {
    let sandbox = unlocked();
    done(&sandbox, "lock --all");
    if token_files(&sandbox) != [""; 0] || !done(&sandbox, "unlock --query Token").contains("file")
    {
        return println!("skipped: the session has a keyring of its own");
    }
    done(&sandbox, "lock --all");
    let Some(python) = tool("python3") else { return };
    let script = "import ctypes, os, subprocess as s\n\
                  if ctypes.CDLL(None).syscall(ctypes.c_long(KEYCTL), 1, None) < 0: exit(7)\n\
                  s.run(['strongroom', 'unlock', '--query', 'Token'], check=True)\n\
                  print('ready', flush=True)\nopen(os.environ['HOME'] + '/go').read()\n\
                  del os.environ['STRONGROOM_KEYFILE']\n\
                  os.execvp('strongroom', ['strongroom'] + 'WORDS'.split())\n";
    let call = if cfg!(target_arch = "aarch64") { "219" } else { "250" };
    let script = script.replace("KEYCTL", call).replace("WORDS", GET);
    let go = sandbox.home().join("go");
    let mkfifo = ["-c", "mkfifo \"$HOME/go\""].map(str::to_owned);
    assert_eq!(sandbox.invocation("sh", &mkfifo).run().code, 0);
    let words = ["-c".to_owned(), script];
    let elsewhere = Invocation { program: python, ..sandbox.invocation("python3", &words) }.start();
    elsewhere.wait_for("ready").unwrap();
    Process::of(&sandbox).kill();
    assert!(done(&sandbox, "unlock --query Token").contains("file"));
    drop(File::options().write(true).open(&go).unwrap());
    let outcome = elsewhere.finish();
    assert_eq!(outcome.code, 0, "{}", outcome.stderr_text());
    assert_eq!(outcome.stdout_text(), "\"session keyring\"\nready\nhunter2\n");
}

/// One that was stopped may never go on: nobody waits for it as long as for one that is busy.
#[test]
fn commands_go_on_without_one_that_was_stopped() {
    let sandbox = unlocked();
    let agent = Process::of(&sandbox);
    agent.signal(Signal::STOP);
    let begun = Instant::now();
    assert_eq!(value(&sandbox), "hunter2");
    let put = run(&sandbox, "put-secret-value --secret-id app/db --secret-string hunter3");
    assert_eq!((put.code, put.stderr_text().contains("it was stopped")), (253, true));
    let lock = run(&sandbox, "lock");
    assert_eq!((lock.code, lock.stderr_text().contains("it was stopped")), (253, true));
    assert!(begun.elapsed() < Duration::from_mins(1), "{:?}", begun.elapsed());
    agent.signal(Signal::CONT);
    // It was asked to lock, and before or after that to write.
    agent.must_end();
    assert!(["hunter2", "hunter3"].contains(&value(&sandbox).as_str()));
    must_be_sound(&sandbox);
}

/// The agent is killed over and over while four clients write. Whatever was answered is there.
#[test]
fn what_was_answered_outlives_every_kill() {
    let seed = UNIX_EPOCH.elapsed().unwrap().subsec_nanos();
    println!("seed {seed}");
    let sandbox = unlocked();
    let is_over = AtomicBool::new(false);
    let end = Instant::now() + Duration::from_secs(5);
    let (kills, written) = thread::scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let (sandbox, is_over) = (&sandbox, &is_over);
                scope.spawn(move || write_until(sandbox, is_over, writer))
            })
            .collect();
        let mut kills = 0;
        let mut random = u64::from(seed);
        while Instant::now() < end {
            sandbox.unlock();
            let agent = Process::of(&sandbox);
            // xorshift64 (Marsaglia 2003).
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            assert!(!agent.ends_within(Duration::from_micros(random % 300_000)));
            agent.kill();
            kills += 1;
        }
        is_over.store(true, Ordering::SeqCst);
        let written = writers.into_iter().flat_map(|writer| writer.join().unwrap());
        (kills, written.collect::<Vec<(String, bool)>>())
    });
    must_be_sound(&sandbox);
    sandbox.unlock();
    let count = |answered| written.iter().filter(|(_, was)| *was == answered).count();
    println!("{kills} kills, {} answered, {} cut off", count(true), count(false));
    let token = token(&sandbox);
    for (name, is_answered) in &written {
        let read = ask(&sandbox, get(&token, name));
        let is_missing = read["refused"]["fault"]["code"] == "ResourceNotFoundException";
        assert!(!(is_missing && *is_answered), "{name} was answered, and is not there");
        assert!(is_missing || read["ok"]["answer"]["SecretString"] == **name, "{name}: {read}");
    }
    assert!(count(true) > 20 && kills > 5);
}

/// Creates secrets whose values are their names. Returns them, and which were answered.
fn write_until(sandbox: &Sandbox, is_over: &AtomicBool, writer: u32) -> Vec<(String, bool)> {
    let mut written = Vec::new();
    while !is_over.load(Ordering::SeqCst) {
        let name = format!("secret-{writer}-{}", written.len());
        let line = format!("create-secret --name {name} --secret-string {name}");
        let outcome = run(sandbox, &line);
        let stderr = outcome.stderr_text();
        let is_cut_off = stderr.contains("(AgentError)") && stderr.contains("may have been done");
        assert!(outcome.code == 0 || (outcome.code == 253 && is_cut_off), "{stderr}");
        written.push((name, outcome.code == 0));
    }
    written
}

/// Whoever ends before he answers may have done what he was asked to: only reads are done again.
#[test]
fn a_write_that_was_not_answered_is_not_done_again() {
    let sandbox = unlocked();
    let put = "put-secret-value --secret-id app/db --secret-string new";
    let (heard, outcome) = impersonated(&sandbox, None, || run(&sandbox, put));
    assert_eq!(heard.len(), 1);
    assert_eq!(outcome.code, 253);
    let stderr = outcome.stderr_text();
    assert!(stderr.contains("what was asked for may have been done"), "{stderr}");
    assert_eq!(value(&sandbox), "hunter2");
    let (heard, read) = impersonated(&sandbox, None, || value(&sandbox));
    assert_eq!((heard.len(), read.as_str()), (1, "hunter2"));
}

#[test]
fn a_signal_locks_all_and_ends_it() {
    for signal in [Signal::TERM, Signal::HUP, Signal::INT] {
        let sandbox = unlocked();
        let agent = Process::of(&sandbox);
        agent.signal(signal);
        agent.must_end();
        let left = names_in(&place(&sandbox)).concat();
        assert!(!left.contains(".sock") && !left.contains(".token"), "{signal:?}: {left}");
        assert_eq!(value_through_agent(&sandbox), None);
        assert_eq!(value(&sandbox), "hunter2");

        // The same, where its exit code is seen.
        let words = ["unlock", "--foreground"].map(str::to_owned);
        let agent = sandbox.invocation("strongroom", &words).start();
        agent.wait_for("UnlockedSince").unwrap();
        assert_eq!(value_through_agent(&sandbox).as_deref(), Some("hunter2"));
        agent.signal(signal);
        let outcome = agent.finish();
        assert_eq!(outcome.code, 0, "{signal:?}: {}", outcome.stderr_text());
        assert!(!socket(&sandbox).exists());
        assert_eq!(value_through_agent(&sandbox), None);
    }
}

#[test]
fn it_outlives_the_terminal_it_came_from() {
    let sandbox = Sandbox::with_vault();
    done(&sandbox, "create-secret --name app/db --secret-string hunter2");
    let mut invocation = sandbox.invocation("strongroom", &["unlock".to_owned()]);
    let streams = ["stdin", "stdout", "stderr"].map(str::to_owned).to_vec();
    invocation.terminal = Some(Typing { streams, ..Typing::default() });
    let outcome = invocation.run();
    assert_eq!(outcome.code, 0, "{}", outcome.screen);
    // That terminal is gone by now, and whoever belonged to it was sent SIGHUP.
    let agent = Process::of(&sandbox);
    let pid = agent.pid.as_raw_pid();
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let fields: Vec<&str> = fields.split(' ').collect();
    let own = pid.to_string();
    assert_eq!(fields[2..5], [own.as_str(), &own, "0"], "group, session and terminal");
    for descriptor in ["0", "1", "2"] {
        let open = fs::read_link(format!("/proc/{pid}/fd/{descriptor}")).unwrap();
        assert_eq!(open.to_str(), Some("/dev/null"));
    }
    assert_eq!(value_through_agent(&sandbox).as_deref(), Some("hunter2"));
}

/// An agent that ends takes what it was asked to the end, and no more: nobody is left waiting.
#[test]
fn whoever_asks_while_it_ends_is_answered_or_goes_on() {
    let sandbox = unlocked();
    for _ in 0..4 {
        sandbox.unlock();
        thread::scope(|scope| {
            let readers: Vec<_> = (0..4).map(|_| scope.spawn(|| value(&sandbox))).collect();
            done(&sandbox, "lock --all");
            for reader in readers {
                assert_eq!(reader.join().unwrap(), "hunter2");
            }
        });
    }
    assert_ne!(through_agent(&sandbox, GET).code, 0);
    must_be_sound(&sandbox);
}
