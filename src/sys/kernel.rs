//! What Linux's kernel does for us that no crate of this build offers without `unsafe`: Landlock
//! (landlock(7)), filters of system calls (seccomp(2), seccomp_unotify(2)), session keyrings
//! (keyctl(2)), a descriptor that was handed down, and a signal that is heeded again.
//!
//! One of the four modules of the crate with `unsafe`: each block is one system call, which reads
//! and writes nothing but what is borrowed for it. Knows no paths and no rules.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// `struct landlock_ruleset_attr`. Kernels that know fewer members want the others to be 0.
#[repr(C)]
struct RulesetAttr {
    handled_access_fs: u64,
    handled_access_net: u64,
    scoped: u64,
}

/// `struct landlock_path_beneath_attr`.
#[repr(C, packed)]
struct PathBeneathAttr {
    allowed_access: u64,
    parent_fd: RawFd,
}

/// Returns the version of Landlock's interface; `None` where the kernel has none.
pub(crate) fn landlock_version() -> Option<u32> {
    // SAFETY: with this flag the kernel reads no memory, and wants a null pointer of no length.
    let version = unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            std::ptr::null::<RulesetAttr>(),
            0_usize,
            CREATE_RULESET_VERSION,
        )
    };
    u32::try_from(version).ok().filter(|version| *version > 0)
}

/// Makes rules that forbid the accesses `files`, except what will be allowed, and `scoped`.
pub(crate) fn landlock_ruleset(files: u64, scoped: u64) -> io::Result<OwnedFd> {
    let attr = RulesetAttr { handled_access_fs: files, handled_access_net: 0, scoped };
    // SAFETY: `attr` is what the kernel expects, of the length that is told, and lives on.
    let made = unsafe {
        libc::syscall(libc::SYS_landlock_create_ruleset, &raw const attr, size_of_val(&attr), 0_u32)
    };
    let descriptor = RawFd::try_from(made).ok().filter(|descriptor| *descriptor >= 0);
    let descriptor = descriptor.ok_or_else(io::Error::last_os_error)?;
    // SAFETY: the kernel has just made it, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

/// Allows `accesses` to a file, or to a directory and all beneath it.
pub(crate) fn landlock_allow(
    ruleset: BorrowedFd<'_>,
    place: BorrowedFd<'_>,
    accesses: u64,
) -> io::Result<()> {
    let attr = PathBeneathAttr { allowed_access: accesses, parent_fd: place.as_raw_fd() };
    // SAFETY: `attr` is what the kernel expects of a rule of this kind, and lives on; both
    // descriptors are borrowed, so they are open.
    let done = unsafe {
        libc::syscall(
            libc::SYS_landlock_add_rule,
            ruleset.as_raw_fd(),
            RULE_PATH_BENEATH,
            &raw const attr,
            0_u32,
        )
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Submits this thread, and what it will start or become, to the rules for good. It must have given
/// up new privileges before.
pub(crate) fn landlock_restrict(ruleset: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: the kernel reads no memory; the descriptor is borrowed, so it is open.
    let done =
        unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset.as_raw_fd(), 0_u32) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// An instruction of a filter, and a call that a filter has somebody asked about.
pub(super) use libc::{seccomp_notif as Call, sock_filter as Instruction};

/// Whether this kernel has filters that do this.
pub(super) fn seccomp_knows(action: u32) -> bool {
    let flags: libc::c_ulong = 0;
    // SAFETY: the kernel reads one number, which lives on.
    let known = unsafe {
        let get = libc::SECCOMP_GET_ACTION_AVAIL;
        libc::syscall(libc::SYS_seccomp, get, flags, &raw const action)
    };
    known == 0
}

/// Submits this thread, and what it will start or become, to a filter for good. It must have given
/// up new privileges before. Returns where the calls are asked about, if the flags want that.
pub(super) fn seccomp_filter(
    program: &mut [Instruction],
    flags: libc::c_ulong,
) -> io::Result<Option<OwnedFd>> {
    let len = u16::try_from(program.len()).map_err(io::Error::other)?;
    let program = libc::sock_fprog { len, filter: program.as_mut_ptr() };
    let set = libc::SECCOMP_SET_MODE_FILTER;
    // SAFETY: the kernel reads `program` and the instructions it points at, as many as it says;
    // both live on.
    let made = unsafe { libc::syscall(libc::SYS_seccomp, set, flags, &raw const program) };
    let made = RawFd::try_from(made).ok().filter(|made| *made >= 0);
    let made = made.ok_or_else(io::Error::last_os_error)?;
    let is_listener = flags & libc::SECCOMP_FILTER_FLAG_NEW_LISTENER != 0;
    // SAFETY: with that flag it is a descriptor which the kernel has just made and nobody else knows.
    Ok(is_listener.then(|| unsafe { OwnedFd::from_raw_fd(made) }))
}

/// Waits for the next call that a filter asks about.
pub(super) fn seccomp_next(listener: BorrowedFd<'_>) -> io::Result<Call> {
    let data = libc::seccomp_data { nr: 0, arch: 0, instruction_pointer: 0, args: [0; 6] };
    // The kernel wants it to be zeros.
    let mut call = Call { id: 0, pid: 0, flags: 0, data };
    let receive = libc::SECCOMP_IOCTL_NOTIF_RECV;
    // SAFETY: the kernel writes one structure of this kind, which is borrowed for it.
    let done = unsafe { libc::ioctl(listener.as_raw_fd(), receive, &raw mut call) };
    if done == 0 { Ok(call) } else { Err(io::Error::last_os_error()) }
}

/// Whether the call with this number still waits for its answer.
pub(super) fn seccomp_waits(listener: BorrowedFd<'_>, id: u64) -> bool {
    let valid = libc::SECCOMP_IOCTL_NOTIF_ID_VALID;
    // SAFETY: the kernel reads one number, which lives on.
    unsafe { libc::ioctl(listener.as_raw_fd(), valid, &raw const id) == 0 }
}

/// Answers a call: done, or the number of an error.
pub(super) fn seccomp_answer(listener: BorrowedFd<'_>, id: u64, errno: i32) -> io::Result<()> {
    let error = errno.saturating_neg();
    let mut answer = libc::seccomp_notif_resp { id, val: 0, error, flags: 0 };
    let send = libc::SECCOMP_IOCTL_NOTIF_SEND;
    // SAFETY: the kernel reads one structure of this kind, which is borrowed for it.
    let done = unsafe { libc::ioctl(listener.as_raw_fd(), send, &raw mut answer) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Takes a descriptor that the parent process passed down and named by its number.
pub(crate) fn handed_down(number: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: asks about a number; nothing is read or written.
    if number <= 2 || unsafe { libc::fcntl(number, libc::F_GETFD) } < 0 {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: it is open, and only who names it by this number knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Leaves the session's keyring for a new one that nobody shares.
pub(crate) fn join_new_session_keyring() -> io::Result<()> {
    let nameless = std::ptr::null::<libc::c_char>();
    // SAFETY: a null pointer is what asks for a keyring without a name; nothing is read.
    let serial =
        unsafe { libc::syscall(libc::SYS_keyctl, libc::KEYCTL_JOIN_SESSION_KEYRING, nameless) };
    if serial >= 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// The keyring of the session that a process is in, and the one that its user has where it is in none.
pub(crate) const SESSION_KEYRING: i32 = libc::KEY_SPEC_SESSION_KEYRING;
pub(crate) const USER_SESSION_KEYRING: i32 = libc::KEY_SPEC_USER_SESSION_KEYRING;

/// What is done with a key, by its number and another number (keyctl(2)).
#[derive(Clone, Copy, Debug)]
pub(super) enum KeyCall {
    /// Returns the number of a special keyring; 0: and makes none.
    GetId,
    /// Has it end after so many seconds.
    SetTimeout,
    SetPermissions,
    /// Ends it at once.
    Invalidate,
}

/// Does something with a key. Returns what the kernel says.
pub(super) fn keyctl(call: KeyCall, key: i32, number: u32) -> io::Result<i64> {
    let call = match call {
        KeyCall::GetId => libc::KEYCTL_GET_KEYRING_ID,
        KeyCall::SetTimeout => libc::KEYCTL_SET_TIMEOUT,
        KeyCall::SetPermissions => libc::KEYCTL_SETPERM,
        KeyCall::Invalidate => libc::KEYCTL_INVALIDATE,
    };
    // SAFETY: numbers alone; nothing is read or written.
    let said = unsafe { libc::syscall(libc::SYS_keyctl, call, key, number) };
    if said >= 0 { Ok(said) } else { Err(io::Error::last_os_error()) }
}

/// Puts a key of type `user` into a keyring, and returns its number.
pub(super) fn add_key(name: &CStr, bytes: &[u8], keyring: i32) -> io::Result<i32> {
    // SAFETY: the kernel reads two texts that end in a zero, and as many bytes as are borrowed.
    let key = unsafe {
        libc::syscall(
            libc::SYS_add_key,
            USER.as_ptr(),
            name.as_ptr(),
            bytes.as_ptr(),
            bytes.len(),
            keyring,
        )
    };
    number_of(key)
}

/// Finds a key of type `user` in a keyring, and returns its number.
pub(super) fn search_key(name: &CStr, keyring: i32) -> io::Result<i32> {
    // SAFETY: the kernel reads two texts that end in a zero.
    let key = unsafe {
        let (search, nowhere) = (libc::KEYCTL_SEARCH, 0);
        libc::syscall(libc::SYS_keyctl, search, keyring, USER.as_ptr(), name.as_ptr(), nowhere)
    };
    number_of(key)
}

/// Reads a key that is not longer than there is place for, and returns its length.
pub(super) fn read_key(key: i32, place: &mut [u8]) -> io::Result<usize> {
    // SAFETY: the kernel writes at most as many bytes as are borrowed.
    let length = unsafe {
        libc::syscall(libc::SYS_keyctl, libc::KEYCTL_READ, key, place.as_mut_ptr(), place.len())
    };
    if length < 0 {
        return Err(io::Error::last_os_error());
    }
    let length = usize::try_from(length).ok().filter(|length| *length <= place.len());
    length.ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn number_of(key: libc::c_long) -> io::Result<i32> {
    i32::try_from(key).ok().filter(|key| *key > 0).ok_or_else(io::Error::last_os_error)
}

/// The type of keys that hold bytes.
const USER: &CStr = c"user";

/// Whether this kernel, and who confines us, let keyrings be used. Makes none.
pub(crate) fn has_keyrings() -> bool {
    // SAFETY: numbers alone; nothing is read or written.
    let serial = unsafe {
        libc::syscall(
            libc::SYS_keyctl,
            libc::KEYCTL_GET_KEYRING_ID,
            libc::KEY_SPEC_SESSION_KEYRING,
            0_u32,
        )
    };
    let refusal = io::Error::last_os_error().raw_os_error();
    serial >= 0 || matches!(refusal, Some(libc::ENOKEY | libc::EKEYEXPIRED | libc::EKEYREVOKED))
}

/// Has the ends of children told to this process, though its parent may have ignored them:
/// such a process has no status to wait for.
pub(crate) fn heed_children() -> io::Result<()> {
    // SAFETY: no function of this program becomes a handler.
    let before = unsafe { libc::signal(libc::SIGCHLD, libc::SIG_DFL) };
    if before == libc::SIG_ERR { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// `LANDLOCK_CREATE_RULESET_VERSION` and `LANDLOCK_RULE_PATH_BENEATH` of `linux/landlock.h`.
const CREATE_RULESET_VERSION: u32 = 1;
const RULE_PATH_BENEATH: u32 = 1;
