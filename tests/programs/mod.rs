//! Programs that are run with secrets: those that misbehave, those that stop, and what is left of a
//! value when they have ended.
//!
//! | a program | is held by |
//! |---|---|
//! | leaves daemons, closes its streams, writes much | `what_programs_do_to_their_streams` |
//! | prints a value in parts, in two streams, coloured | `a_value_is_left_out_however_it_comes` |
//! | ignores signals, outlives us | `signals_are_passed_on_and_our_end_is_the_programs` |
//! | stops itself, is resized | `terminal` |
//! | asks for more than it was given, and after our end | `reach` |
//! | is given many variables, or bytes that are no text | `given` |

mod given;
mod reach;
mod terminal;

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use rustix::thread::sched_yield;

use crate::harness::files::files_below;
use crate::harness::process::{Invocation, Outcome, Running};
use crate::harness::pty::Typing;
use crate::harness::{Sandbox, done};

const VALUE: &str = "Malachite+27 harpsichord";
/// What no other test gives a program.
const ALONE: &str = "Chrysoprase+31 ocarina";

/// A vault with a secret in it.
struct Desk(Sandbox);

impl Desk {
    fn new() -> Self {
        Self::with(VALUE)
    }

    fn with(value: &str) -> Self {
        let sandbox = Sandbox::with_vault();
        let mut make = sandbox.invocation("strongroom", &words(&["set", "app/key"]));
        make.stdin = value.into();
        assert_eq!(make.run().code, 0);
        Self(sandbox)
    }

    /// Prepares `run` with a value in `A`, and these options, of a shell that does this.
    fn run(&self, options: &[&str], script: &str) -> Invocation {
        let line = [&["run", "--env", "A=app/key"], options, &["--", "sh", "-c", script]].concat();
        self.0.invocation("strongroom", &words(&line))
    }

    /// Runs a script of a shell's, in which `run` can be called.
    fn shell(&self, script: &str, terminal: Option<Typing>) -> Outcome {
        let script = format!("run() {{ strongroom run --env A=app/key \"$@\"; }}\n{script}");
        let invocation = self.0.invocation("bash", &words(&["--norc", "-c", &script]));
        Invocation { terminal, ..invocation }.run()
    }
}

fn words(line: &[&str]) -> Vec<String> {
    line.iter().map(|&word| word.to_owned()).collect()
}

fn typing(lines: &[&str]) -> Typing {
    let streams = ["stdin", "stdout", "stderr"].map(str::to_owned).to_vec();
    Typing { lines: words(lines), streams }
}

/// Waits until a process is gone.
fn gone(pid: i32) {
    let pid = Pid::from_raw(pid).unwrap();
    while test_kill_process(pid).is_ok() && !is_zombie(pid) {
        sched_yield();
    }
}

fn is_zombie(pid: Pid) -> bool {
    let stat =
        fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
    stat.rsplit_once(") ").is_none_or(|(_, fields)| fields.starts_with('Z'))
}

/// Waits for a line with a number, and returns it.
fn number(running: &Running, before: &str) -> i32 {
    running.wait_for("\n").unwrap();
    let printed = running.printed();
    let line = printed.lines().find_map(|line| line.strip_prefix(before)).unwrap();
    line.trim().parse().unwrap()
}

#[test]
fn what_programs_do_to_their_streams() {
    let desk = Desk::new();
    for (script, code, expected) in [
        ("echo $A; exec >&- 2>&-; exit 4", 4, "[strongroom:app/key]\n"),
        ("exec sh -c 'echo x; exit 9'", 9, "x\n"),
        ("printf 'no line end'", 0, "no line end"),
        ("kill -KILL $$", 137, ""),
    ] {
        let outcome = desk.run(&[], script).run();
        assert_eq!((outcome.code, outcome.stdout_text().as_str()), (code, expected), "{script}");
    }
    // A daemon that keeps the streams open holds nobody up.
    let outcome = desk.run(&[], "sleep 1000 & echo $!; echo $A").run();
    let (daemon, rest) =
        outcome.stdout_text().split_once('\n').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    kill_process(Pid::from_raw(daemon.parse().unwrap()).unwrap(), Signal::KILL).unwrap();
    assert_eq!(rest, "[strongroom:app/key]\n");
    let much = desk.run(&[], "head -c 20000000 /dev/zero; echo $A").run();
    assert_eq!(much.stdout.len(), 20_000_000 + "[strongroom:app/key]\n".len());
    // Whoever reads no more ends the program, as he would without us.
    let outcome = desk.shell("run -- yes | head -n 1", None);
    assert_eq!((outcome.stdout_text().as_str(), outcome.stderr_text().as_str()), ("y\n", ""));
}

#[test]
fn a_value_is_left_out_however_it_comes() {
    let desk = Desk::new();
    for script in [
        "printf %s \"$A\" | dd bs=1 status=none",
        "printf 'Mala\\033[31mchite\\033[0m+27 harpsichord'",
        "printf 'Malachite\\n+27 harpsi\\r\\nchord'",
        "printf %s \"$A\" | od -An -v -tx1 | tr -d ' \\n'",
        "printf 'Malachite%%2B27%%20harpsichord'",
        "printf 'Malachite\\05327 harpsichord'",
    ] {
        let shown = desk.run(&[], script).run().stdout_text();
        let shown = shown.replace("\u{1b}[31m", "").replace("\u{1b}[0m", "");
        assert_eq!(shown, "[strongroom:app/key]", "{script}");
    }
    // Parts in two streams cannot be put together where those go to two places, and are where to one.
    let parts = "printf Malac; printf 'hite+27 harpsichord' >&2";
    let outcome = desk.run(&[], parts).run();
    assert_eq!(
        (outcome.stdout_text(), outcome.stderr_text()),
        ("Malac".into(), "hite+27 harpsichord".into())
    );
    let outcome = desk.shell(&format!("run -- sh -c \"{parts}\" 2>&1"), None);
    assert_eq!(outcome.stdout_text(), "[strongroom:app/key]");
    // A program that was killed amid a value has not shown most of it.
    let outcome = desk.run(&[], "printf 'Malachite+27 h'; kill -KILL $$").run();
    assert_eq!(outcome.stdout_text(), "[strongroom:app/key]");
    assert_eq!(desk.run(&["--no-redact"], "echo $A").run().stdout_text(), format!("{VALUE}\n"));
}

#[test]
fn signals_are_passed_on_and_our_end_is_the_programs() {
    let desk = Desk::new();
    let script = "trap 'echo not yet' TERM; trap 'echo one' USR1; echo pid $$; \
                  exec 3<>fifo; while :; do read line <&3; done";
    desk.shell("mkfifo fifo", None);
    let running = desk.run(&[], script).start();
    let pid = number(&running, "pid ");
    // It waits for a writer: the signals find it in the kernel.
    running.signal(Signal::TERM);
    running.wait_for("not yet").unwrap();
    running.signal(Signal::USR1);
    running.wait_for("one").unwrap();
    running.signal(Signal::KILL);
    assert_eq!(running.finish().code, 137);
    gone(pid);
}

#[test]
fn a_file_that_was_left_is_gone_with_the_next_command() {
    let desk = Desk::new();
    let script = "echo at $F; mkfifo fifo; read x <fifo";
    let running = desk.run(&["--temp-file", "F=app/key"], script).start();
    running.wait_for("\n").unwrap();
    let left = PathBuf::from(running.printed().trim().trim_start_matches("at "));
    assert_eq!(fs::read_to_string(&left).unwrap(), VALUE);
    running.signal(Signal::KILL);
    assert_eq!(running.finish().code, 137);
    assert!(left.exists());
    done(&desk.0, "list-secrets");
    assert!(!left.exists(), "{}", left.display());
}

/// Every process whose environment, or whose words, have the value.
fn holders(file: &str) -> Vec<i32> {
    let processes = fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    let has_value = |pid: &i32| {
        let bytes = fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
        bytes.windows(ALONE.len()).any(|part| part == ALONE.as_bytes())
    };
    processes.filter(has_value).collect()
}

#[test]
fn a_value_is_in_the_program_and_nowhere_else() {
    let desk = Desk::with(ALONE);
    desk.shell("mkfifo fifo", None);
    for (options, terminal) in [
        (&["--no-redact"][..], None),
        (&["--redact"], None),
        (&["--redact"], Some(Typing { streams: vec!["stderr".to_owned()], lines: Vec::new() })),
    ] {
        let script = "echo pid $$; read x <fifo";
        let invocation = desk.run(options, script);
        let running = Invocation { terminal, ..invocation }.start();
        let pid = number(&running, "pid ");
        assert_eq!(holders("environ"), [pid], "{options:?}");
        assert!(holders("cmdline").is_empty(), "{options:?}");
        let fifo = fs::File::options().write(true).open(desk.0.work().join("fifo"));
        fifo.unwrap().write_all(b"x\n").unwrap();
        assert_eq!(running.finish().code, 0);
    }
    // Nothing that is left has it, neither as it is nor in a form that is easily read.
    let runtime = PathBuf::from(&desk.0.environment["XDG_RUNTIME_DIR"]);
    for place in [desk.0.root(), runtime, PathBuf::from("/dev/shm")] {
        for file in files_below(&place).into_iter().filter(|file| file.is_file()) {
            let bytes = fs::read(&file).unwrap_or_default();
            let has_value = bytes.windows(ALONE.len()).any(|part| part == ALONE.as_bytes());
            assert!(!has_value, "{}", file.display());
        }
    }
}

#[test]
fn a_program_takes_our_place() {
    let desk = Desk::new();
    let script = "echo $PPID; readlink /proc/$$/exe; umask; cat /proc/self/status | grep SigBlk";
    let outcome =
        desk.shell(&format!("umask 022; run --no-redact -- sh -c '{script}'; echo $$"), None);
    let shown = outcome.stdout_text();
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines[0], lines[4], "{shown}");
    assert!(!lines[1].contains("strongroom") && lines[2].ends_with("022"), "{shown}");
    assert!(lines[3].ends_with("\t0000000000000000"), "{shown}");
    // The same where it is a process of its own.
    let outcome =
        desk.shell("umask 022; run --redact -- sh -c 'umask; grep SigBlk /proc/self/status'", None);
    assert_eq!(outcome.stdout_text(), "0022\nSigBlk:\t0000000000000000\n");
}
