//! What a program that is started apart may reach: files, processes, keys; and what this machine
//! can do to hold it to that.
//!
//! The file rules and the scopes are Landlock's, of Linux 5.13 and later (landlock(7)): what no rule
//! allows is refused, to the program and to all it starts, for good. What Landlock does not guard of
//! files, a filter of system calls does (`filter`). Where the kernel has neither the program runs
//! without, which [`protections`] says. Does not know what the program is for.

use std::fmt;
use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

/// Something a program may do that it otherwise may not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Freedom {
    /// Become somebody else, as `sudo` does. Landlock cannot be had together with that.
    Privileges,
    /// Reach all files that this user can.
    Files,
    /// Change modes, owners, times and attributes of files that it may not write, too.
    FileModes,
    /// Send signals to processes it did not start.
    Signals,
    /// Connect to abstract sockets that others listen on.
    AbstractSockets,
    /// Read and run what is at or beneath this path.
    Read(PathBuf),
    /// Change it, too.
    Write(PathBuf),
}

/// What may be done with a path, and with what is beneath it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Read it and run it.
    Read,
    /// Change it, too.
    Write,
}

impl Freedom {
    /// The names, as [`Freedom::parse`] takes them.
    pub(crate) const NAMES: [&str; 7] = [
        "read=PATH",
        "write=PATH",
        "files",
        "file-modes",
        "signals",
        "abstract-sockets",
        "new-privileges",
    ];

    /// Returns the path that is within reach, if it is about one.
    pub(crate) fn path(&self) -> Option<(&Path, Reach)> {
        match self {
            Self::Read(path) => Some((path, Reach::Read)),
            Self::Write(path) => Some((path, Reach::Write)),
            Self::Privileges
            | Self::Files
            | Self::FileModes
            | Self::Signals
            | Self::AbstractSockets => None,
        }
    }

    /// Reads what [`fmt::Display`] writes. `None` for anything else; paths are absolute.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "new-privileges" => Some(Self::Privileges),
            "files" => Some(Self::Files),
            "file-modes" => Some(Self::FileModes),
            "signals" => Some(Self::Signals),
            "abstract-sockets" => Some(Self::AbstractSockets),
            _ => {
                let (kind, path) = text.split_once('=')?;
                let path = Some(PathBuf::from(path)).filter(|path| path.is_absolute())?;
                match kind {
                    "read" => Some(Self::Read(path)),
                    "write" => Some(Self::Write(path)),
                    _ => None,
                }
            }
        }
    }
}

impl fmt::Display for Freedom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Privileges => f.write_str("new-privileges"),
            Self::Files => f.write_str("files"),
            Self::FileModes => f.write_str("file-modes"),
            Self::Signals => f.write_str("signals"),
            Self::AbstractSockets => f.write_str("abstract-sockets"),
            Self::Read(path) => write!(f, "read={}", path.display()),
            Self::Write(path) => write!(f, "write={}", path.display()),
        }
    }
}

/// Whether every program may read a path, as the system brings it.
pub(crate) fn is_systems(path: &Path) -> bool {
    SYSTEM.iter().any(|place| path.starts_with(place))
}

/// Something that holds a program in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protection {
    /// It dies with us.
    Death,
    /// What leaves its group is killed with it all the same.
    Adoption,
    /// It cannot become somebody else.
    Privileges,
    /// It has no key of this session's keyring.
    Keyring,
    Files,
    /// It changes no modes, owners, times and attributes of files that it may not write.
    FileModes,
    /// It cannot cut files short that it may not write.
    Truncation,
    AbstractSockets,
    /// It cannot send signals to others.
    Signals,
}

/// A protection, whether it holds, and if not, why.
pub(crate) type Verdict = (Protection, Result<(), &'static str>);

/// Says which protections hold on this machine for a program that was given these freedoms.
pub(crate) fn protections(freedoms: &[Freedom]) -> Vec<Verdict> {
    let is_granted = |freedom: &Freedom| freedoms.contains(freedom);
    let granted = |is_granted| if is_granted { Err("granted") } else { Ok(()) };
    let privileges = is_granted(&Freedom::Privileges);
    let files = if privileges { Err(NOT_WITH_PRIVILEGES) } else { Ok(()) };
    let files = files.and(granted(is_granted(&Freedom::Files)));
    let scope = |freedom| {
        let alone = if privileges { Err(NOT_WITH_PRIVILEGES) } else { Ok(()) };
        alone.and(granted(is_granted(&freedom)))
    };
    let machine = platform::abilities(freedoms);
    [
        (Protection::Death, Ok(())),
        (Protection::Adoption, Ok(())),
        (Protection::Privileges, granted(privileges)),
        (Protection::Keyring, Ok(())),
        (Protection::Files, files),
        (Protection::FileModes, files.and(granted(is_granted(&Freedom::FileModes)))),
        (Protection::Truncation, files),
        (Protection::AbstractSockets, scope(Freedom::AbstractSockets)),
        (Protection::Signals, scope(Freedom::Signals)),
    ]
    .map(|(protection, wanted)| {
        let able = machine.iter().find(|(known, _)| *known == protection);
        (protection, wanted.and(able.map_or(Ok(()), |(_, able)| *able)))
    })
    .to_vec()
}

/// Confines this process, and what it will become, to what it is granted.
///
/// Fails where a protection cannot be had that this machine has, and where a granted path is not
/// there. Whoever started this process answers what it will be asked about through the descriptor
/// with the number `channel`, which is closed afterwards.
pub(crate) fn enter(freedoms: &[Freedom], channel: i32) -> io::Result<()> {
    platform::enter(freedoms, channel)
}

/// Answers what a program is asked about that was started with the other end of this channel.
pub(crate) fn attend(channel: UnixStream, freedoms: &[Freedom]) {
    platform::attend(channel, freedoms);
}

/// What every program may read and run: what the system brings, and what the kernel tells of itself.
/// Not of other processes: Landlock alone leaves their variables to be read (Linux 6.18).
const SYSTEM: [&str; 26] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/opt",
    "/etc",
    "/nix/store",
    "/gnu/store",
    "/run/current-system",
    "/run/systemd/resolve",
    "/run/NetworkManager",
    "/run/resolvconf",
    "/var/lib/ca-certificates",
    "/proc/cpuinfo",
    "/proc/filesystems",
    "/proc/loadavg",
    "/proc/meminfo",
    "/proc/self",
    "/proc/stat",
    "/proc/sys",
    "/proc/uptime",
    "/proc/version",
    "/sys",
];

const NOT_WITH_PRIVILEGES: &str = "not possible with new-privileges";

#[cfg(target_os = "linux")]
mod platform {
    use std::fs::File;
    use std::io;
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;
    use std::path::Path;

    use rustix::fs::{FileType, Mode, OFlags};

    use super::{Freedom, Protection, Reach, SYSTEM, Verdict};
    use crate::sys::filter::{Limits, Processor, Truncation};
    use crate::sys::{attributes, kernel};

    pub(super) fn abilities(freedoms: &[Freedom]) -> Vec<Verdict> {
        let version = kernel::landlock_version().unwrap_or(0);
        let since = |needed, what| if version >= needed { Ok(()) } else { Err(what) };
        let keyrings =
            if kernel::has_keyrings() { Ok(()) } else { Err("no keyrings on this system") };
        let files = since(1, "needs Landlock (Linux 5.13)");
        let filter = match Processor::filtered() {
            Some(_) => Ok(()),
            None => Err("needs filters of system calls (seccomp), on x86-64 or AArch64"),
        };
        let truncation = since(TRUNCATION, "needs Landlock of Linux 6.2");
        let is_filtered = filter.is_ok() && !freedoms.contains(&Freedom::FileModes);
        let truncation = if is_filtered { files } else { truncation };
        vec![
            (Protection::Keyring, keyrings),
            (Protection::Files, files),
            (Protection::FileModes, files.and(filter)),
            (Protection::Truncation, truncation),
            (Protection::AbstractSockets, since(SCOPES, "needs Landlock of Linux 6.12")),
            (Protection::Signals, since(SCOPES, "needs Landlock of Linux 6.12")),
        ]
    }

    pub(super) fn enter(freedoms: &[Freedom], channel: i32) -> io::Result<()> {
        let channel = kernel::handed_down(channel)?;
        if kernel::has_keyrings() {
            kernel::join_new_session_keyring()?;
        }
        if freedoms.contains(&Freedom::Privileges) {
            return Ok(());
        }
        rustix::thread::set_no_new_privs(true)?;
        let Some(version) = kernel::landlock_version() else { return Ok(()) };
        restrict(version, freedoms)?;
        let is_open = [Freedom::Files, Freedom::FileModes].iter().any(|all| freedoms.contains(all));
        match Processor::filtered() {
            Some(processor) if !is_open => {
                let is_free = freedoms.contains(&Freedom::Signals);
                let limits = if is_free { Limits::All } else { Limits::Own };
                let truncation =
                    if version >= TRUNCATION { Truncation::Guarded } else { Truncation::Open };
                attributes::guard(processor, truncation, limits, &channel)
            }
            Some(_) | None => Ok(()),
        }
    }

    pub(super) fn attend(channel: UnixStream, freedoms: &[Freedom]) {
        let places = freedoms.iter().filter_map(Freedom::path);
        let places = places.filter(|(_, reach)| *reach == Reach::Write).map(|(path, _)| path);
        attributes::attend(channel, &places.collect::<Vec<_>>());
    }

    fn restrict(version: u32, freedoms: &[Freedom]) -> io::Result<()> {
        let since = |needed, accesses| if version >= needed { accesses } else { 0 };
        let known = FIRST | since(REFERENCE, REFER) | since(TRUNCATION, TRUNCATE);
        let handled = if freedoms.contains(&Freedom::Files) { 0 } else { known };
        let scope = |freedom, bit| if freedoms.contains(&freedom) { 0 } else { bit };
        let scoped = scope(Freedom::AbstractSockets, SCOPE_ABSTRACT_SOCKETS)
            | scope(Freedom::Signals, SCOPE_SIGNALS);
        let scoped = since(SCOPES, scoped);
        if handled == 0 && scoped == 0 {
            return Ok(());
        }
        let ruleset = kernel::landlock_ruleset(handled, scoped)?;
        if handled != 0 {
            let system = SYSTEM.into_iter().map(|path| (path, READ));
            for (path, accesses) in system.chain(DEVICES_OF_ALL.map(|path| (path, READ | WRITE))) {
                // Not every system has all of them.
                if let Ok(place) = open(Path::new(path)) {
                    allow(ruleset.as_fd(), &place, accesses & handled)?;
                }
            }
            for (path, reach) in freedoms.iter().filter_map(Freedom::path) {
                let accesses = match reach {
                    Reach::Read => READ,
                    Reach::Write => READ | WRITE,
                };
                let place = open(path).map_err(|error| {
                    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
                })?;
                allow(ruleset.as_fd(), &place, accesses & handled)?;
            }
        }
        kernel::landlock_restrict(ruleset.as_fd())
    }

    fn open(path: &Path) -> io::Result<File> {
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        Ok(rustix::fs::open(path, flags, Mode::empty())?.into())
    }

    fn allow(ruleset: std::os::fd::BorrowedFd<'_>, place: &File, accesses: u64) -> io::Result<()> {
        let kind = FileType::from_raw_mode(rustix::fs::fstat(place)?.st_mode);
        let possible = if kind == FileType::Directory { accesses } else { accesses & OF_FILES };
        kernel::landlock_allow(ruleset, place.as_fd(), possible)
    }

    /// `LANDLOCK_ACCESS_FS_*` of `linux/landlock.h`.
    const EXECUTE: u64 = 1 << 0;
    const WRITE_FILE: u64 = 1 << 1;
    const READ_FILE: u64 = 1 << 2;
    const READ_DIR: u64 = 1 << 3;
    const REFER: u64 = 1 << 13;
    const TRUNCATE: u64 = 1 << 14;
    /// All that the first version knows: the above, and making and removing things of each kind.
    const FIRST: u64 = (1 << 13) - 1;
    /// Making devices.
    const DEVICES: u64 = 1 << 6 | 1 << 11;
    const READ: u64 = EXECUTE | READ_FILE | READ_DIR;
    const WRITE: u64 = (FIRST & !DEVICES) | REFER | TRUNCATE;
    const OF_FILES: u64 = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE;
    /// `LANDLOCK_SCOPE_*`.
    const SCOPE_ABSTRACT_SOCKETS: u64 = 1 << 0;
    const SCOPE_SIGNALS: u64 = 1 << 1;
    /// Since which version of the interface there is what.
    const REFERENCE: u32 = 2;
    const TRUNCATION: u32 = 3;
    const SCOPES: u32 = 6;

    /// Devices that keep nothing, and the terminal, which it does not have.
    const DEVICES_OF_ALL: [&str; 6] =
        ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"];
}

#[cfg(not(target_os = "linux"))]
mod platform {
    use std::io;
    use std::os::unix::net::UnixStream;

    use super::{Freedom, Protection, Verdict};

    pub(super) fn abilities(_freedoms: &[Freedom]) -> Vec<Verdict> {
        use Protection as P;
        let all = [P::Death, P::Adoption, P::Privileges, P::Keyring, P::Files, P::FileModes];
        let more = [P::Truncation, P::AbstractSockets, P::Signals];
        let all = all.into_iter().chain(more);
        all.map(|protection| (protection, Err("Linux alone can"))).collect()
    }

    pub(super) fn enter(_freedoms: &[Freedom], channel: i32) -> io::Result<()> {
        crate::sys::streams::close(channel)
    }

    pub(super) fn attend(_channel: UnixStream, _freedoms: &[Freedom]) {}
}

#[cfg(test)]
mod tests {
    use super::Protection as P;
    use super::*;

    #[test]
    fn freedoms_are_read_as_they_are_written() {
        for text in [
            "read=/a",
            "write=/a b=c",
            "files",
            "file-modes",
            "signals",
            "abstract-sockets",
            "new-privileges",
        ] {
            assert_eq!(Freedom::parse(text).unwrap().to_string(), text);
        }
        for text in ["", "read", "read=", "read=a", "write=./a", "all", "Files", "exec=/a"] {
            assert_eq!(Freedom::parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_granted_does_not_hold() {
        let held = |freedoms: &[Freedom]| {
            let verdicts = protections(freedoms).into_iter();
            verdicts.filter(|(_, verdict)| verdict.is_ok()).map(|(p, _)| p).collect::<Vec<_>>()
        };
        let all = held(&[]);
        let without = |lost: &[Protection]| {
            all.iter().copied().filter(|p| !lost.contains(p)).collect::<Vec<_>>()
        };
        assert_eq!(held(&[Freedom::Files]), without(&[P::Files, P::FileModes, P::Truncation]));
        assert_eq!(held(&[Freedom::FileModes]), without(&[P::FileModes]));
        assert_eq!(held(&[Freedom::Signals]), without(&[P::Signals]));
        assert_eq!(held(&[Freedom::Read("/a".into())]), all);
        let lost = [P::Privileges, P::Files, P::FileModes, P::Truncation];
        let lost = [&lost[..], &[P::AbstractSockets, P::Signals]].concat();
        assert_eq!(held(&[Freedom::Privileges]), without(&lost));
    }
}
