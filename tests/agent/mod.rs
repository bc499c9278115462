//! The agent among processes that die, misbehave, talk nonsense or come in crowds, and vaults that
//! are changed under it: each is answered rightly, or told why not, and the vault stays sound.
//!
//! | what happens | is held by |
//! |---|---|
//! | the agent is killed, asked to end, left by its terminal | `ends` |
//! | its directory or its socket is somebody else's | `place` |
//! | somebody talks nonsense, or says nothing | `talk` |
//! | a thousand come at once, or ask on and on, or ten unlock at once | `crowd` |
//! | the vault is replaced, rekeyed, moved, restored, full | `vaults` |
//! | a grant's holder asks for more | `grants` |
//! | it runs a program, and is stopped meanwhile | `rotations` |
//! | somebody reads its memory | `leaks::agent` |

mod crowd;
mod ends;
mod grants;
mod place;
mod rotations;
mod talk;
mod vaults;

use std::fs;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::sockopt::socket_peercred;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde_json::{Value, json};

use crate::harness::files::names_in;
use crate::harness::process::Outcome;
use crate::harness::{Sandbox, done, run};

/// The version of the messages that this build's agent understands.
const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "/1");
/// How long the agent may take for anything; only one that hangs comes near it.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running agent, as the kernel knows it.
struct Process {
    pid: Pid,
    handle: OwnedFd,
}

impl Process {
    /// The agent of a sandbox.
    fn of(sandbox: &Sandbox) -> Self {
        let peer = socket_peercred(connect(sandbox)).unwrap();
        Self { pid: peer.pid, handle: pidfd_open(peer.pid, PidfdFlags::empty()).unwrap() }
    }

    fn signal(&self, signal: Signal) {
        pidfd_send_signal(&self.handle, signal).unwrap();
    }

    /// Whether it ends within a time.
    fn ends_within(&self, time: Duration) -> bool {
        let time = Timespec::try_from(time).unwrap();
        poll(&mut [PollFd::new(&self.handle, PollFlags::IN)], Some(&time)) == Ok(1)
    }

    fn must_end(&self) {
        assert!(self.ends_within(PATIENCE), "the agent did not end");
    }

    fn kill(&self) {
        self.signal(Signal::KILL);
        self.must_end();
    }

    /// What the kernel says of it in `/proc/PID/status`, in its own unit.
    fn figure(&self, name: &str) -> usize {
        let path = format!("/proc/{}/status", self.pid.as_raw_pid());
        let status = fs::read_to_string(path).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap()
    }
}

/// A sandbox with a secret in its vault, `app/db`, which the agent holds open.
fn unlocked() -> Sandbox {
    let sandbox = Sandbox::with_vault();
    done(&sandbox, "create-secret --name app/db --secret-string hunter2");
    sandbox.unlock();
    sandbox
}

/// The directory of the agent.
fn place(sandbox: &Sandbox) -> PathBuf {
    PathBuf::from(&sandbox.environment["XDG_RUNTIME_DIR"]).join("strongroom")
}

fn socket(sandbox: &Sandbox) -> PathBuf {
    place(sandbox).join("agent.sock")
}

/// The socket for what must get through.
fn control(sandbox: &Sandbox) -> PathBuf {
    place(sandbox).join("control.sock")
}

/// The files in which tokens are kept.
fn token_files(sandbox: &Sandbox) -> Vec<String> {
    let is_token = |name: &String| name.contains(".token");
    names_in(&place(sandbox)).into_iter().filter(is_token).collect()
}

fn vault(sandbox: &Sandbox) -> PathBuf {
    PathBuf::from(&sandbox.environment["STRONGROOM_VAULT"])
}

fn keyfile(sandbox: &Sandbox) -> &str {
    &sandbox.environment["STRONGROOM_KEYFILE"]
}

/// Runs it where variables are set otherwise; those without a value are not set.
fn run_with(sandbox: &Sandbox, variables: &[(&str, &str)], line: &str) -> Outcome {
    let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
    let mut invocation = sandbox.invocation("strongroom", &words);
    for (name, value) in variables {
        if value.is_empty() {
            invocation.environment.remove(*name);
        } else {
            invocation.environment.insert((*name).to_owned(), (*value).to_owned());
        }
    }
    let outcome = invocation.run();
    assert_eq!(outcome.crash(), None, "{line}: {}", outcome.stderr_text());
    outcome
}

/// Runs it where nothing but the agent opens the vault.
fn through_agent(sandbox: &Sandbox, line: &str) -> Outcome {
    run_with(sandbox, &[("STRONGROOM_KEYFILE", "")], line)
}

const GET: &str = "get-secret-value --secret-id app/db --query SecretString --output text";

/// Reads the secret, however that may be.
fn value(sandbox: &Sandbox) -> String {
    done(sandbox, GET).trim_end().to_owned()
}

/// Reads the secret where nothing but the agent opens the vault; `None` if it is locked.
fn value_through_agent(sandbox: &Sandbox) -> Option<String> {
    let outcome = through_agent(sandbox, GET);
    let stderr = outcome.stderr_text();
    if outcome.code == 253 && stderr.contains("(VaultLocked)") {
        return None;
    }
    assert_eq!(outcome.code, 0, "{stderr}");
    Some(outcome.stdout_text().trim_end().to_owned())
}

fn must_be_sound(sandbox: &Sandbox) {
    let keyfile = keyfile(sandbox);
    assert_eq!(done(sandbox, &format!("check --query Status --keyfile {keyfile}")), "\"clean\"\n");
}

fn connect(sandbox: &Sandbox) -> UnixStream {
    let stream = UnixStream::connect(socket(sandbox)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Writes a message as the agent reads it.
fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap();
    [&length.to_be_bytes(), message].concat()
}

/// Reads a message from the other end; `None` if it ends the connection instead.
fn read_frame(mut stream: &UnixStream) -> Option<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).ok()?;
    let mut message = vec![0; usize::try_from(u32::from_be_bytes(length)).ok()?];
    stream.read_exact(&mut message).ok()?;
    Some(message)
}

/// Asks on a connection, in messages of this version.
fn ask_on(mut stream: &UnixStream, mut message: Value) -> Option<Value> {
    message.as_object_mut()?.entry("version").or_insert_with(|| VERSION.into());
    stream.write_all(&framed(message.to_string().as_bytes())).ok()?;
    serde_json::from_slice(&read_frame(stream)?).ok()
}

fn ask(sandbox: &Sandbox, message: Value) -> Value {
    ask_on(&connect(sandbox), message).unwrap()
}

/// A message that reads a secret.
fn get(token: &str, secret: &str) -> Value {
    json!({ "do": "call", "token": token, "op": "GetSecretValue", "params": { "SecretId": secret } })
}

/// Listens in the agent's place while a command runs, as any program of the same user could. Returns
/// what it was told, each of which it answered with `answer`, or with the end of the connection.
fn impersonated<T>(
    sandbox: &Sandbox,
    answer: Option<&Value>,
    command: impl FnOnce() -> T,
) -> (Vec<Value>, T) {
    let socket = socket(sandbox);
    let aside = socket.with_extension("aside");
    let is_there = fs::rename(&socket, &aside).is_ok();
    let listener = UnixListener::bind(&socket).unwrap();
    let listen = || {
        let mut heard = Vec::new();
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            let Some(message) = read_frame(&stream) else { continue };
            if message == b"over" {
                break;
            }
            heard.push(serde_json::from_slice(&message).unwrap());
            if let Some(answer) = answer {
                (&stream).write_all(&framed(answer.to_string().as_bytes())).unwrap();
            }
        }
        heard
    };
    let out = thread::scope(|scope| {
        let listening = scope.spawn(listen);
        // Told even where the command fails, or the test would hang.
        let over = Over(sandbox);
        let done = command();
        drop(over);
        (listening.join().unwrap(), done)
    });
    fs::remove_file(&socket).unwrap();
    if is_there {
        fs::rename(&aside, &socket).unwrap();
    }
    out
}

/// Has whoever listens in the agent's place stop in the end.
struct Over<'a>(&'a Sandbox);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        connect(self.0).write_all(&framed(b"over")).unwrap();
    }
}

/// Returns the token of the vault, wherever it is kept: as it is told to whoever listens.
fn token(sandbox: &Sandbox) -> String {
    let (heard, _) = impersonated(sandbox, None, || run(sandbox, GET));
    heard[0]["token"].as_str().unwrap().to_owned()
}
