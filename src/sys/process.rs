//! The process itself: closed to other processes before it holds a secret, and named for the audit
//! log.

use std::fs;
use std::io;

use rustix::process::{Resource, Rlimit, setrlimit};

/// Who does something, as the system knows it. Parts that cannot be told are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Actor {
    /// The user's number.
    pub(crate) uid: u32,
    /// The user's name.
    pub(crate) user: String,
    /// The process.
    pub(crate) pid: u32,
    /// Its parent.
    pub(crate) ppid: u32,
    /// The program.
    pub(crate) exe: String,
    /// The terminal.
    pub(crate) tty: String,
    /// The machine.
    pub(crate) host: String,
}

/// Closes the process: no core dump, no tracing or reading of its memory and environment by other
/// processes of the user, no file that others may read. Comes before anything else.
///
/// # Errors
/// What the system refuses. The caller goes on: this guards against other programs, not against
/// the user.
pub(crate) fn harden() -> io::Result<()> {
    let nothing = Rlimit { current: Some(0), maximum: Some(0) };
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    setrlimit(Resource::Core, nothing)?;
    close_to_tracers()
}

#[cfg(target_os = "linux")]
fn close_to_tracers() -> io::Result<()> {
    let closed = rustix::process::DumpableBehavior::NotDumpable;
    Ok(rustix::process::set_dumpable_behavior(closed)?)
}

#[cfg(not(target_os = "linux"))]
fn close_to_tracers() -> io::Result<()> {
    Ok(())
}

/// Returns who this process is.
pub(crate) fn actor() -> Actor {
    let uid = rustix::process::getuid().as_raw();
    let text = |path: &str| fs::read_link(path).map(|link| link.display().to_string());
    let parent = rustix::process::getppid();
    Actor {
        uid,
        user: user_name(uid).unwrap_or_default(),
        pid: std::process::id(),
        ppid: parent.and_then(|pid| u32::try_from(pid.as_raw_nonzero().get()).ok()).unwrap_or(0),
        exe: text("/proc/self/exe").unwrap_or_default(),
        tty: terminal().unwrap_or_default(),
        host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
    }
}

/// Returns the memory that can be had without swapping or being killed, in KiB; `None` where
/// nobody can tell.
pub(crate) fn available_memory_kib() -> Option<u64> {
    let system = meminfo(&fs::read_to_string("/proc/meminfo").ok()?)?;
    Some(group_headroom_kib().map_or(system, |group| group.min(system)))
}

fn meminfo(text: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.starts_with("MemAvailable:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// What the control group still allows, version 2 or 1.
fn group_headroom_kib() -> Option<u64> {
    let number = |path: &str| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    let pairs = [
        ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
        (
            "/sys/fs/cgroup/memory/memory.limit_in_bytes",
            "/sys/fs/cgroup/memory/memory.usage_in_bytes",
        ),
    ];
    pairs.iter().find_map(|(most, used)| {
        let (most, used) = (number(most)?, number(used)?);
        Some(most.saturating_sub(used) / 1024)
    })
}

/// Finds a user's name in the local file. A static program cannot ask other directories.
fn user_name(uid: u32) -> Option<String> {
    let users = fs::read_to_string("/etc/passwd").ok()?;
    let of_user = |line: &&str| line.split(':').nth(2).and_then(|id| id.parse().ok()) == Some(uid);
    users.lines().find(of_user)?.split(':').next().map(str::to_owned)
}

fn terminal() -> Option<String> {
    let number = fs::read_link("/proc/self/fd/0").ok()?.display().to_string();
    number.starts_with("/dev/").then_some(number).filter(|path| path != "/dev/null")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_memory_is_available() {
        assert_eq!(meminfo("MemTotal: 9 kB\nMemAvailable:   1234 kB\n"), Some(1234));
        assert_eq!(meminfo("MemTotal: 9 kB\n"), None);
    }

    #[test]
    fn a_hardened_process_cannot_dump_its_memory() {
        harden().unwrap();
        let limits = fs::read_to_string("/proc/self/limits").unwrap();
        let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        assert_eq!(core.split_whitespace().nth(4), Some("0"));
    }
}
