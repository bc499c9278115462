//! Modes, owners and times of files, changed for a confined program where it may write, and nowhere
//! else.
//!
//! The filter of `filter` hands such calls to this process, which carries them out itself: it reads
//! the path once out of the program's memory, opens what is there, looks where that lies, and changes
//! what it has opened. So it does not matter what the program does to its memory or its links
//! meanwhile. Landlock keeps files from elsewhere from being moved or linked to where it may write.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread;

use rustix::event::{PollFd, PollFlags};
use rustix::fs::{AtFlags, CWD, Gid, Mode, OFlags, Timespec, Timestamps, UTIME_NOW, Uid};
use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags,
};

use super::filter::{Advice, Asked, Limits, Processor, Truncation};
use super::{files, kernel};

/// What to do to a file.
enum Change {
    Mode(u32),
    Owner(u32, u32),
    Times(Timestamps),
}

struct Target {
    /// The number of a descriptor of the program's, or [`HERE`].
    from: i32,
    path: Option<Vec<u8>>,
    /// Whether the descriptor itself is meant.
    is_itself: bool,
    follows: bool,
}

/// Sets up the best filter that can be had: where nobody can be asked, as in some containers,
/// nothing is allowed that would be asked about. Who answers is at the channel's other end.
pub(crate) fn guard(
    processor: Processor,
    truncation: Truncation,
    limits: Limits,
    channel: &OwnedFd,
) -> io::Result<()> {
    let listener = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER;
    let uninterrupted = listener | libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
    for flags in [uninterrupted, listener] {
        let mut program = processor.program(Advice::Asked, truncation, limits);
        if let Ok(Some(listener)) = kernel::seccomp_filter(&mut program, flags) {
            return send(channel, &listener);
        }
    }
    let mut program = processor.program(Advice::Absent, truncation, limits);
    kernel::seccomp_filter(&mut program, 0).map(drop)
}

/// Sends the descriptor at which calls are asked about, to whom answers.
fn send(channel: &OwnedFd, listener: &OwnedFd) -> io::Result<()> {
    let descriptors = [listener.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    control.push(SendAncillaryMessage::ScmRights(&descriptors));
    rustix::net::sendmsg(channel, &[IoSlice::new(b"!")], &mut control, SendFlags::empty())?;
    Ok(())
}

/// Answers, until it has ended, what a program is asked about that will send its descriptor through
/// this channel, if it has one. It may write at or beneath these paths.
pub(crate) fn attend(channel: UnixStream, places: &[&Path]) {
    let places: Vec<PathBuf> = places.iter().filter_map(|path| path.canonicalize().ok()).collect();
    thread::spawn(move || {
        if let Some(listener) = received(&channel) {
            answer_all(&listener, &places);
        }
    });
}

fn received(channel: &UnixStream) -> Option<OwnedFd> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let parts = &mut [IoSliceMut::new(&mut byte)];
    rustix::net::recvmsg(channel, parts, &mut control, RecvFlags::CMSG_CLOEXEC).ok()?;
    let mut messages = control.drain();
    messages.find_map(|message| {
        let RecvAncillaryMessage::ScmRights(mut descriptors) = message else { return None };
        descriptors.next()
    })
}

fn answer_all(listener: &OwnedFd, places: &[PathBuf]) {
    loop {
        let mut poll = [PollFd::new(listener, PollFlags::IN)];
        match rustix::event::poll(&mut poll, None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => return,
        }
        let events = poll.map(|poll| poll.revents());
        if !events.iter().any(|events| events.contains(PollFlags::IN)) {
            if events.iter().any(|events| !events.is_empty()) {
                // The asking process is gone.
                return;
            }
            continue;
        }
        let call = match kernel::seccomp_next(listener.as_fd()) {
            Ok(call) => call,
            // Who asked was killed meanwhile, or disturbed.
            Err(error) if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::EINTR)) => {
                continue;
            }
            Err(_) => return,
        };
        let done = carry_out(listener.as_fd(), &call, places);
        let errno = done.err().map_or(0, Errno::raw_os_error);
        drop(kernel::seccomp_answer(listener.as_fd(), call.id, errno));
    }
}

fn carry_out(
    listener: BorrowedFd<'_>,
    call: &kernel::Call,
    places: &[PathBuf],
) -> Result<(), Errno> {
    let processor = Processor::own().ok_or(Errno::NOSYS)?;
    let asked = processor.asked(call.data.nr).ok_or(Errno::NOSYS)?;
    let process = Process(PathBuf::from(format!("/proc/{}", call.pid)));
    // A process with another user id has other rights than this one.
    let owner = fs::metadata(&process.0).map_err(|_gone| Errno::SRCH)?.uid();
    if owner != files::user_id() {
        return Err(Errno::PERM);
    }
    let (target, change) = process.wanted(asked, call.data.args)?;
    let file = process.open(&target)?;
    let own = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
    let place = fs::read_link(&own).map_err(|_gone| Errno::PERM)?;
    // The number may be that of another process by now, whose memory was read.
    if !kernel::seccomp_waits(listener, call.id) {
        return Err(Errno::SRCH);
    }
    if !places.iter().any(|allowed| place.starts_with(allowed)) {
        return Err(Errno::PERM);
    }
    let flags = AtFlags::empty();
    match change {
        Change::Mode(mode) => {
            rustix::fs::chmodat(CWD, &own, Mode::from_raw_mode(mode & 0o7777), flags)
        }
        Change::Owner(user, group) => {
            let user = (user != u32::MAX).then(|| Uid::from_raw(user));
            let group = (group != u32::MAX).then(|| Gid::from_raw(group));
            rustix::fs::chownat(CWD, &own, user, group, flags)
        }
        Change::Times(times) => rustix::fs::utimensat(CWD, &own, &times, flags),
    }
}

/// The directory of a process in `/proc`.
struct Process(PathBuf);

impl Process {
    /// Reads the wanted change from the words of a call.
    fn wanted(&self, asked: Asked, words: [u64; 6]) -> Result<(Target, Change), Errno> {
        let [one, two, three, four, five, _] = words;
        let at = |from: u64, path: u64, flags: u64| {
            let path = self.text(path)?;
            let is_itself = path.is_empty() && flags & EMPTY_PATH != 0;
            let follows = flags & NO_FOLLOW == 0;
            Ok(Target { from: low(from).cast_signed(), path: Some(path), is_itself, follows })
        };
        let here = u64::from(HERE.cast_unsigned());
        let itself = |from: u64| Target {
            from: low(from).cast_signed(),
            path: None,
            is_itself: true,
            follows: true,
        };
        // Without a path, times are those of the descriptor, if there is one.
        let of_times = |from: u64, path: u64, flags: u64| {
            let is_itself = path == 0 && low(from).cast_signed() != HERE;
            if is_itself { Ok(itself(from)) } else { at(from, path, flags) }
        };
        let mode = |word: u64| Change::Mode(low(word));
        let owner = |user: u64, group: u64| Change::Owner(low(user), low(group));
        Ok(match asked {
            Asked::Chmod => (at(here, one, 0)?, mode(two)),
            Asked::Fchmod => (itself(one), mode(two)),
            Asked::Fchmodat => (at(one, two, 0)?, mode(three)),
            Asked::Fchmodat2 => (at(one, two, four)?, mode(three)),
            Asked::Chown => (at(here, one, 0)?, owner(two, three)),
            Asked::Lchown => (at(here, one, NO_FOLLOW)?, owner(two, three)),
            Asked::Fchown => (itself(one), owner(two, three)),
            Asked::Fchownat => (at(one, two, five)?, owner(three, four)),
            Asked::Utime => {
                let seconds = self.numbers::<2>(two)?;
                (at(here, one, 0)?, times(seconds.map(|[access, change]| [access, 0, change, 0])))
            }
            Asked::Utimes => (at(here, one, 0)?, times(micro(self.numbers(two)?)?)),
            Asked::Futimesat => (of_times(one, two, 0)?, times(micro(self.numbers(three)?)?)),
            Asked::Utimensat => (of_times(one, two, four)?, times(self.numbers(three)?)),
        })
    }

    /// Opens what is meant, for nothing but to name it.
    fn open(&self, target: &Target) -> Result<File, Errno> {
        let from = if target.from == HERE {
            // What wants a descriptor does not take the working directory for one.
            target.path.as_ref().ok_or(Errno::BADF)?;
            self.0.join("cwd")
        } else {
            self.0.join("fd").join(target.from.to_string())
        };
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let open = |base: BorrowedFd<'_>, path: &Path, flags| {
            Ok(File::from(rustix::fs::openat(base, path, flags, Mode::empty())?))
        };
        let path = target.path.as_deref().unwrap_or_default();
        if target.is_itself {
            let missing = if target.from == HERE { Errno::NOENT } else { Errno::BADF };
            return open(CWD, &from, flags).map_err(|_closed: Errno| missing);
        }
        if path.is_empty() {
            return Err(Errno::NOENT);
        }
        let flags = if target.follows { flags } else { flags | OFlags::NOFOLLOW };
        let path = self.seen_from_here(path);
        if path.is_absolute() {
            return open(CWD, &path, flags);
        }
        let base = open(CWD, &from, OFlags::PATH | OFlags::CLOEXEC);
        open(base.map_err(|_closed| Errno::BADF)?.as_fd(), &path, flags)
    }

    /// What a process calls itself, others call by its number.
    fn seen_from_here(&self, path: &[u8]) -> PathBuf {
        let own = OWN_NAMES.iter().find_map(|own| path.strip_prefix(own.as_bytes()));
        own.map_or_else(
            || PathBuf::from(OsString::from_vec(path.to_vec())),
            |rest| self.0.join(OsStr::from_bytes(rest)),
        )
    }

    /// Reads a text that ends with a zero byte.
    fn text(&self, address: u64) -> Result<Vec<u8>, Errno> {
        let mut bytes = vec![0; MAX_IN_PATH];
        let read = self.memory(address, &mut bytes)?;
        bytes.truncate(read);
        let end = bytes.iter().position(|byte| *byte == 0);
        bytes.truncate(end.ok_or(if read < MAX_IN_PATH {
            Errno::FAULT
        } else {
            Errno::NAMETOOLONG
        })?);
        Ok(bytes)
    }

    /// Reads some numbers; `None` at the null address.
    fn numbers<const N: usize>(&self, address: u64) -> Result<Option<[i64; N]>, Errno> {
        if address == 0 {
            return Ok(None);
        }
        let mut bytes = vec![0; N.saturating_mul(8)];
        if self.memory(address, &mut bytes)? < bytes.len() {
            return Err(Errno::FAULT);
        }
        let mut numbers = [0; N];
        for (number, bytes) in numbers.iter_mut().zip(bytes.chunks_exact(8)) {
            *number = i64::from_ne_bytes(bytes.try_into().map_err(|_length| Errno::FAULT)?);
        }
        Ok(Some(numbers))
    }

    fn memory(&self, address: u64, bytes: &mut [u8]) -> Result<usize, Errno> {
        let memory = File::open(self.0.join("mem")).map_err(|_not_ours| Errno::PERM)?;
        memory.read_at(bytes, address).map_err(|_unmapped| Errno::FAULT)
    }
}

/// The half of a word that a call of 32 bits looks at.
fn low(word: u64) -> u32 {
    u32::try_from(word & u64::from(u32::MAX)).unwrap_or(u32::MAX)
}

/// Times not given mean now.
fn times(numbers: Option<[i64; 4]>) -> Change {
    let [access, part, change, other] = numbers.unwrap_or([0, UTIME_NOW, 0, UTIME_NOW]);
    Change::Times(Timestamps {
        last_access: Timespec { tv_sec: access, tv_nsec: part },
        last_modification: Timespec { tv_sec: change, tv_nsec: other },
    })
}

/// Millionths of a second are a thousand times as many of what the kernel counts.
fn micro(numbers: Option<[i64; 4]>) -> Result<Option<[i64; 4]>, Errno> {
    let Some([access, part, change, other]) = numbers else { return Ok(None) };
    let is_part = |part: &i64| (0..1_000_000).contains(part);
    if !is_part(&part) || !is_part(&other) {
        return Err(Errno::INVAL);
    }
    Ok(Some([access, part.saturating_mul(1000), change, other.saturating_mul(1000)]))
}

/// `AT_FDCWD`, `AT_SYMLINK_NOFOLLOW` and `AT_EMPTY_PATH`.
const HERE: i32 = -100;
const NO_FOLLOW: u64 = 0x100;
const EMPTY_PATH: u64 = 0x1000;
const MAX_IN_PATH: usize = 4096;
const OWN_NAMES: [&str; 2] = ["/proc/self/", "/proc/thread-self/"];
