//! The process itself: closed to other processes before it holds a secret, and named for the audit
//! log.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

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

/// Whether a process of this number runs on this machine, under any user.
pub(crate) fn is_running(pid: u64) -> bool {
    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    let asked = pid.map(rustix::process::test_kill_process);
    matches!(asked, Some(Ok(()) | Err(rustix::io::Errno::PERM)))
}

/// Returns what tells this machine from others; empty where nothing does.
pub(crate) fn machine_id() -> String {
    first_word("/etc/machine-id")
}

/// Returns what tells this run of the system from the next; empty where nothing does.
pub(crate) fn boot_id() -> String {
    first_word("/proc/sys/kernel/random/boot_id")
}

fn first_word(path: &str) -> String {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(128).read_to_string(&mut text));
    read.map_or_else(|_none| String::new(), |_| text.trim().to_owned())
}

/// Closes the process: no core dump, no tracing or reading of its memory and environment by other
/// processes of the user, no file that others may read. Comes before anything else.
///
/// # Errors
/// What the system refuses. The caller goes on: this guards against other programs, not against
/// the user.
pub(crate) fn harden() -> io::Result<()> {
    let nothing = Rlimit { current: Some(0), maximum: Some(0) };
    let given = rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    GIVEN_MASK.store(given.as_raw_mode(), Ordering::Relaxed);
    setrlimit(Resource::Core, nothing)?;
    close_to_tracers()
}

/// Returns which rights the files of this process were to be without, before it was [`harden`]ed.
pub(crate) fn given_mask() -> u32 {
    GIVEN_MASK.load(Ordering::Relaxed)
}

/// From now on, the files of this process are without these rights: before it becomes another program.
pub(crate) fn mask_files(mask: u32) {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(mask));
}

static GIVEN_MASK: AtomicU32 = AtomicU32::new(0o077);

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
    let users = File::open("/etc/passwd").map(|file| BufReader::new(file.take(MAX_OF_USERS)));
    let program = fs::read_link("/proc/self/exe");
    Actor {
        uid,
        user: users.ok().and_then(|users| user_name(users, uid)).unwrap_or_default(),
        pid: std::process::id(),
        ppid: std::os::unix::process::parent_id(),
        exe: program.map(|path| path.to_string_lossy().into_owned()).unwrap_or_default(),
        tty: controlling_terminal().unwrap_or_default(),
        host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
    }
}

/// Returns who another process is, as far as the system tells. Which program it is stays empty where it
/// closed itself to others, as this program does.
pub(crate) fn actor_of(pid: u32, uid: u32) -> Actor {
    static HERE: OnceLock<Actor> = OnceLock::new();
    // The user and the machine are ours.
    let here = HERE.get_or_init(actor);
    let place = Path::new("/proc").join(pid.to_string());
    let stat = read_short(&place.join("stat"));
    let program = fs::read_link(place.join("exe"));
    Actor {
        uid,
        user: if uid == here.uid { here.user.clone() } else { String::new() },
        pid,
        ppid: parent(&stat).unwrap_or_default(),
        exe: program.map(|path| path.to_string_lossy().into_owned()).unwrap_or_default(),
        tty: terminal(&stat).unwrap_or_default(),
        host: here.host.clone(),
    }
}

/// A process that somebody waits for the end of. Another that gets its number later is not taken for it.
pub(crate) struct Watched {
    #[cfg(target_os = "linux")]
    handle: std::os::fd::OwnedFd,
}

impl Watched {
    /// Watches the process that has this number now; `None` where the system cannot.
    ///
    /// # Errors
    /// There is no such process.
    #[cfg(target_os = "linux")]
    pub(crate) fn of(pid: u32) -> io::Result<Option<Self>> {
        use rustix::process::{Pid, PidfdFlags, pidfd_open};
        let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return Ok(None) };
        match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(handle) => Ok(Some(Self { handle })),
            Err(rustix::io::Errno::SRCH) => Err(rustix::io::Errno::SRCH.into()),
            Err(_) => Ok(None),
        }
    }

    #[cfg(not(target_os = "linux"))]
    pub(crate) fn of(_pid: u32) -> io::Result<Option<Self>> {
        Ok(None)
    }

    /// Whether it has ended, even if nobody has buried it.
    #[cfg(target_os = "linux")]
    pub(crate) fn has_ended(&self) -> bool {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let mut handle = [PollFd::new(&self.handle, PollFlags::IN)];
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        poll(&mut handle, Some(&at_once)).is_ok_and(|ready| ready > 0)
    }

    #[cfg(not(target_os = "linux"))]
    pub(crate) fn has_ended(&self) -> bool {
        false
    }
}

/// Whether a process was stopped, by `SIGSTOP` or its terminal; no, where nobody can tell.
pub(crate) fn is_stopped(pid: u32) -> bool {
    let stat = read_short(&Path::new("/proc").join(pid.to_string()).join("stat"));
    let after_name = stat.rsplit_once(')').map(|(_, after_name)| after_name);
    after_name.is_some_and(|after_name| after_name.trim_start().starts_with('T'))
}

/// Finds the parent in what `/proc/PID/stat` says.
fn parent(stat: &str) -> Option<u32> {
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// Returns the memory that can be had without swapping or being killed, in KiB; `None` where
/// nobody can tell.
pub(crate) fn available_memory_kib() -> Option<u64> {
    memory_kib(Swapping::Never)
}

/// Returns the memory that can be had without being killed, in KiB; `None` where nobody can tell.
pub(crate) fn obtainable_memory_kib() -> Option<u64> {
    memory_kib(Swapping::Too)
}

/// Whether memory counts that is had by swapping something out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Swapping {
    Never,
    Too,
}

fn memory_kib(swapping: Swapping) -> Option<u64> {
    let text = read_short(Path::new("/proc/meminfo"));
    let swap = match swapping {
        Swapping::Never => 0,
        Swapping::Too => meminfo(&text, "SwapFree:").unwrap_or(0),
    };
    let system = meminfo(&text, "MemAvailable:").map(|free| free.saturating_add(swap));
    let own = read_short(Path::new("/proc/self/cgroup"));
    let group = group_headroom_kib(&own, Path::new("/sys/fs/cgroup"), swap);
    system.into_iter().chain(group).min()
}

fn meminfo(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Returns what the tightest of the process's control groups still allows. `own` is what
/// `/proc/self/cgroup` says; a limit anywhere between that group and the root counts. `swap` is what
/// the system could swap out, of which a group may use less.
fn group_headroom_kib(own: &str, root: &Path, swap: u64) -> Option<u64> {
    let headrooms = own.lines().filter_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, path) = (fields.next()?, fields.next()?);
        let version = match controllers {
            "" => &UNIFIED,
            _ if controllers.split(',').any(|name| name == "memory") => &DIVIDED,
            _ => return None,
        };
        let base = root.join(version.folder);
        let group = base.join(path.trim_start_matches('/'));
        let groups = group.ancestors().take_while(|group| group.starts_with(&base));
        groups.filter_map(|group| version.headroom_kib(group, swap)).min()
    });
    headrooms.min()
}

/// What the files of a control group are called, in one of the two versions that Linux has.
struct GroupFiles {
    folder: &'static str,
    limit: &'static str,
    usage: &'static str,
    droppable: &'static str,
    /// The most that is swapped out for the group, and how much is, where that has a limit of its own.
    swap: Option<(&'static str, &'static str)>,
}

const UNIFIED: GroupFiles = GroupFiles {
    folder: "",
    limit: "memory.max",
    usage: "memory.current",
    droppable: "inactive_file ",
    swap: Some(("memory.swap.max", "memory.swap.current")),
};
const DIVIDED: GroupFiles = GroupFiles {
    folder: "memory",
    limit: "memory.limit_in_bytes",
    usage: "memory.usage_in_bytes",
    droppable: "total_inactive_file ",
    swap: None,
};

impl GroupFiles {
    /// Pages of files that nobody reads count as used, but the kernel drops them when asked for
    /// memory.
    fn headroom_kib(&self, group: &Path, swap: u64) -> Option<u64> {
        let number = |name: &str| read_short(&group.join(name)).trim().parse::<u64>().ok();
        let (limit, usage) = (number(self.limit)?, number(self.usage)?);
        let statistics = read_short(&group.join("memory.stat"));
        let mut lines = statistics.lines();
        let droppable = lines.find_map(|line| line.strip_prefix(self.droppable)?.parse().ok());
        let memory = limit.saturating_sub(usage.saturating_sub(droppable.unwrap_or(0))) / 1024;
        let of_swap = self.swap.and_then(|(most, used)| {
            Some(number(most)?.saturating_sub(number(used).unwrap_or(0)) / 1024)
        });
        Some(memory.saturating_add(of_swap.map_or(swap, |most| most.min(swap))))
    }
}

/// Finds a user's name in the local file. A static program cannot ask other directories.
fn user_name(users: impl BufRead, uid: u32) -> Option<String> {
    let lines = users.split(b'\n').map_while(Result::ok);
    lines.map(|line| String::from_utf8_lossy(&line).into_owned()).find_map(|line| {
        let mut fields = line.split(':');
        let (name, number) = (fields.next()?, fields.nth(1)?);
        (number.parse() == Ok(uid)).then(|| name.to_owned())
    })
}

/// Returns the path of the controlling terminal, where there is one and the system tells.
pub(super) fn controlling_terminal() -> Option<String> {
    terminal(&read_short(Path::new("/proc/self/stat")))
}

/// Names the controlling terminal, wherever the three streams lead, from what `/proc/self/stat`
/// says. The program's name in it may hold anything, but the last parenthesis ends it.
fn terminal(stat: &str) -> Option<String> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let device: i32 = after_name.split_ascii_whitespace().nth(4)?.parse().ok()?;
    let device = u32::from_ne_bytes(device.to_ne_bytes());
    let (major, minor) = ((device >> 8) & 0xfff, (device & 0xff) | ((device >> 12) & 0xf_ff00));
    match (major, minor) {
        (136..=143, _) => Some(format!("/dev/pts/{}", (major - 136) * 256 + minor)),
        (4, 0..=63) => Some(format!("/dev/tty{minor}")),
        (4, _) => Some(format!("/dev/ttyS{}", minor - 64)),
        _ => None,
    }
}

/// Reads one of the kernel's short texts; empty where it does not exist.
fn read_short(path: &Path) -> String {
    let mut text = Vec::with_capacity(OF_MOST_TEXTS);
    let read = File::open(path).and_then(|file| file.take(MAX_OF_TEXT).read_to_end(&mut text));
    read.map(|_length| String::from_utf8_lossy(&text).into_owned()).unwrap_or_default()
}

const MAX_OF_TEXT: u64 = 64 << 10;
const OF_MOST_TEXTS: usize = 1 << 10;
const MAX_OF_USERS: u64 = 4 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::scratch::{self, Scratch};

    #[test]
    fn a_hardened_process_is_closed() {
        let output = scratch::run_apart("sys::process::tests::hardens_itself", "");
        scratch::assert_passed(&output);
    }

    /// Apart, because what it does holds for the whole process.
    #[test]
    fn hardens_itself() {
        if scratch::argument().is_none() {
            return;
        }
        harden().unwrap();
        let core = rustix::process::getrlimit(Resource::Core);
        assert_eq!((core.current, core.maximum), (Some(0), Some(0)));
        let behavior = rustix::process::dumpable_behavior().unwrap();
        assert_eq!(behavior, rustix::process::DumpableBehavior::NotDumpable);
        assert_eq!(rustix::process::umask(rustix::fs::Mode::empty()).as_raw_mode(), 0o077);
        assert!(read_short(Path::new("/proc/self/stat")).contains(')'), "still knows itself");
    }

    #[test]
    fn another_process_is_told_as_far_as_it_can_be() {
        let own = actor();
        assert_eq!(actor_of(own.pid, own.uid), own);
        let mut child = std::process::Command::new("/bin/true").spawn().unwrap();
        let pid = child.id();
        assert_eq!(actor_of(pid, own.uid).ppid, own.pid);
        child.wait().unwrap();
        let gone = Actor { pid, ppid: 0, exe: String::new(), tty: String::new(), ..own };
        assert_eq!(actor_of(pid, gone.uid), gone);
    }

    #[test]
    fn reads_what_memory_is_available() {
        let available = |text| meminfo(text, "MemAvailable:");
        assert_eq!(available("MemTotal: 9 kB\nMemAvailable:   1234 kB\n"), Some(1234));
        assert_eq!(available("MemTotal: 9 kB\n"), None);
        assert_eq!(available(""), None);
    }

    #[test]
    fn the_tightest_control_group_counts() {
        let scratch = Scratch::new();
        let write = |path: &str, text: &str| {
            let path = scratch.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            crate::sys::files::write_private(&path, text.as_bytes()).unwrap();
        };
        write("memory.max", "max\n");
        write("memory.current", "1048576\n");
        write("slice/memory.max", "8388608\n");
        write("slice/memory.current", "4194304\n");
        write("slice/memory.stat", "anon 5\ninactive_file 1048576\nactive_file 7\n");
        write("slice/unit/memory.max", "16777216\n");
        write("slice/unit/memory.current", "1024\n");
        write("memory/job/memory.limit_in_bytes", "3145728\n");
        write("memory/job/memory.usage_in_bytes", "1048576\n");
        write("memory/memory.limit_in_bytes", "9223372036854771712\n");
        write("memory/memory.usage_in_bytes", "1048576\n");

        for (own, expected) in [
            ("0::/slice/unit\n", Some(5120)),
            ("0::/slice\n", Some(5120)),
            ("0::/\n", None),
            ("0::/nowhere\n", None),
            ("4:cpu,cpuacct:/job\n3:memory:/job\n0::/\n", Some(2048)),
            ("3:memory:/job\n0::/slice/unit\n", Some(2048)),
            ("0::/../../outside\n", None),
            ("", None),
            ("nonsense", None),
        ] {
            assert_eq!(group_headroom_kib(own, scratch.path(), 0), expected, "{own:?}");
        }

        // What can be swapped out counts where nothing else is to be had.
        write("slice/memory.swap.max", "3145728\n");
        write("slice/memory.swap.current", "1048576\n");
        for (swap, expected) in [(1000, 6120), (1_000_000, 5120 + 2048)] {
            let found = group_headroom_kib("0::/slice\n", scratch.path(), swap);
            assert_eq!(found, Some(expected), "{swap}");
        }
    }

    #[test]
    fn a_user_is_found_by_number() {
        let users = b"# comment\nroot:x:0:0:root:/root:/bin/sh\n:::\nbroken:x\n\
            \xfflatin:x:7:7::/:\nada:x:1000:1000:Ada,,,:/home/ada:/bin/sh\nlast:x:70:1"
            .as_slice();
        for (uid, expected) in [
            (0, Some("root")),
            (1000, Some("ada")),
            (7, Some("\u{fffd}latin")),
            (70, Some("last")),
            (1, None),
        ] {
            assert_eq!(user_name(users, uid).as_deref(), expected, "{uid}");
        }
    }

    #[test]
    fn the_controlling_terminal_is_named() {
        let stat = |device: i32| format!("42 (a) b (c)) S 1 42 42 {device} 42 4194304 0");
        for (device, expected) in [
            (0, None),
            (34816, Some("/dev/pts/0")),
            (34819, Some("/dev/pts/3")),
            (0x0010_8801, Some("/dev/pts/257")),
            (0x0401, Some("/dev/tty1")),
            (0x0440, Some("/dev/ttyS0")),
            (0x0301, None),
            (-1, None),
        ] {
            assert_eq!(terminal(&stat(device)).as_deref(), expected, "{device:#x}");
        }
        assert_eq!(terminal(""), None);
        assert_eq!(terminal("42 (short) S 1"), None);
    }

    #[test]
    fn this_process_knows_itself() {
        let actor = actor();
        assert_eq!(actor.pid, std::process::id());
        assert!(actor.exe.starts_with('/'), "{}", actor.exe);
        assert!(!actor.host.is_empty());
        assert!(available_memory_kib().is_some_and(|kib| kib > 0));
    }
}
