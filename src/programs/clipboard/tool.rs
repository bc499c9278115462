//! One call of a clipboard's program, within bounds: none of them is waited for without end, as
//! another program may have what it asks for, and hang.

use std::io::{self, Read, Write};
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::super::output::last_lines;
use super::super::tied::{self, Bond};
use crate::sys::clock::{self, Stopwatch};
use crate::sys::secret::Secret;

/// The most that is read of a clipboard. What is longer is not put back.
const MOST: u64 = 1 << 20;
/// How long a program may take.
const PATIENCE: Duration = Duration::from_secs(3);
const ROUND: Duration = Duration::from_millis(5);

/// Runs a program to its end and returns what it printed; `None` if it failed, took too long or
/// printed too much.
pub(super) fn output(argv: &[&str], environment: &[(String, String)]) -> Option<Secret<Vec<u8>>> {
    let mut command = tied::command(argv, environment, Bond::Tied).ok()?;
    let mut child = command.stdout(Stdio::piped()).spawn().ok()?;
    let stdout = child.stdout.take()?;
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Secret::new(Vec::new());
        let read = stdout.take(MOST + 1).read_to_end(bytes.expose_mut());
        drop(sender.send(read.map(|_| bytes)));
    });
    let read = receiver.recv_timeout(PATIENCE).ok().and_then(Result::ok);
    let read = read.filter(|bytes| bytes.expose().len() <= usize::try_from(MOST).unwrap_or(0));
    if read.is_none() {
        drop(child.kill());
    }
    has_ended_well(&mut child).then_some(read).flatten()
}

/// Has a program read something, and waits until it has ended well: what it leaves behind goes on.
pub(super) fn feed(argv: &[&str], environment: &[(String, String)], bytes: &[u8]) -> bool {
    let Ok(mut command) = tied::command(argv, environment, Bond::Free) else { return false };
    let Ok(mut child) = command.stdin(Stdio::piped()).spawn() else { return false };
    write(&mut child, bytes).is_ok() && has_ended_well(&mut child)
}

/// Starts a program that reads something and stays, and ends with this process.
pub(super) fn start(
    argv: &[&str],
    environment: &[(String, String)],
    bytes: &[u8],
) -> io::Result<Child> {
    let mut command = tied::command(argv, environment, Bond::Tied)?;
    let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    // One that ends without reading says why on its stderr.
    drop(write(&mut child, bytes));
    Ok(child)
}

/// Returns the last line that a program which has ended wrote to stderr.
pub(super) fn complaint(child: &mut Child) -> String {
    let mut written = Vec::new();
    if let Some(stderr) = child.stderr.take() {
        drop(stderr.take(4096).read_to_end(&mut written));
    }
    last_lines(&written, 1).concat()
}

/// Waits for the end of a process for a while.
pub(super) fn has_ended_within(child: &mut Child, time: Duration) -> bool {
    let waiting = Stopwatch::start();
    loop {
        match child.try_wait() {
            Ok(None) if waiting.elapsed() < time => clock::pause(ROUND),
            Ok(None) => return false,
            Ok(Some(_)) | Err(_) => return true,
        }
    }
}

fn has_ended_well(child: &mut Child) -> bool {
    if !has_ended_within(child, PATIENCE) {
        drop(child.kill());
    }
    child.wait().is_ok_and(|status| status.success())
}

fn write(child: &mut Child, bytes: &[u8]) -> io::Result<()> {
    match child.stdin.take() {
        Some(mut stdin) => stdin.write_all(bytes),
        None => Ok(()),
    }
}
