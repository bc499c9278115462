//! Which system calls are kept from a program that is confined: those that change what Landlock does
//! not guard (modes, owners, times and attributes of files; limits of other processes), and those that
//! go around a filter.
//!
//! A filter sees the words of a call, not what they point at. So it cannot tell one file from another:
//! what programs need for their own files it has somebody asked about (`modes`), the rest it refuses
//! with the errors that programs know how to live with. A program for another kind of processor than
//! this program's, which may be one of 32 bits, is killed at its first call: its calls have other
//! numbers. Knows the numbers of two kinds of processors; the others have no filter.

use super::kernel::{self, Instruction};

/// A kind of processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Processor {
    X86,
    Arm,
}

/// What is asked about, by the names of the calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Chmod,
    Fchmod,
    Fchmodat,
    Fchmodat2,
    Chown,
    Lchown,
    Fchown,
    Fchownat,
    Utime,
    Utimes,
    Futimesat,
    Utimensat,
}

/// What becomes of a call.
#[derive(Clone, Copy)]
enum Ruling {
    Asked(Asked),
    Refused(i32),
    /// Refused where Landlock does not know of truncating.
    RefusedBefore(i32),
}

/// Whether there is somebody to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Advice {
    Asked,
    /// Then all of it is forbidden.
    Absent,
}

/// Whether Landlock keeps a program from cutting files short that it may not write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Truncation {
    Guarded,
    Open,
}

/// Whose limits a program may set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limits {
    Own,
    /// Those of others, too, whom it may send signals.
    All,
}

impl Processor {
    /// The one whose calls can be filtered, where this kernel can.
    pub(crate) fn filtered() -> Option<Self> {
        let known = kernel::seccomp_knows(libc::SECCOMP_RET_ERRNO)
            && kernel::seccomp_knows(libc::SECCOMP_RET_KILL_PROCESS);
        Self::own().filter(|_| known)
    }

    /// The one that this program is made for, if its numbers are known.
    pub(super) fn own() -> Option<Self> {
        if cfg!(all(target_arch = "x86_64", target_pointer_width = "64")) {
            Some(Self::X86)
        } else if cfg!(all(target_arch = "aarch64", target_endian = "little")) {
            Some(Self::Arm)
        } else {
            None
        }
    }

    /// `AUDIT_ARCH_*` of `linux/audit.h`.
    const fn name(self) -> u32 {
        match self {
            Self::X86 => 0xc000_003e,
            Self::Arm => 0xc000_00b7,
        }
    }

    const fn number(self, call: &Call) -> u32 {
        match self {
            Self::X86 => call.0,
            Self::Arm => call.1,
        }
    }

    /// Says what is asked about by the call of this number.
    pub(super) fn asked(self, number: i32) -> Option<Asked> {
        let number = u32::try_from(number).ok()?;
        let call = CALLS.iter().find(|call| self.number(call) == number)?;
        match call.2 {
            Ruling::Asked(asked) => Some(asked),
            Ruling::Refused(_) | Ruling::RefusedBefore(_) => None,
        }
    }

    /// Makes the filter.
    pub(super) fn program(
        self,
        advice: Advice,
        truncation: Truncation,
        limits: Limits,
    ) -> Vec<Instruction> {
        let mut program = vec![
            load(ARCHITECTURE),
            jump(EQUAL, self.name(), 1, 0),
            answer(libc::SECCOMP_RET_KILL_PROCESS),
            load(NUMBER),
        ];
        if self == Self::X86 {
            // The calls of x32, which has the name of its brother.
            program.extend([jump(AT_LEAST, X32, 0, 1), error(libc::ENOSYS)]);
        }
        for call in CALLS.iter().filter(|call| self.number(call) != NONE) {
            let ruling = match (call.2, advice, truncation) {
                (Ruling::Asked(_), Advice::Asked, _) => answer(libc::SECCOMP_RET_USER_NOTIF),
                (Ruling::Asked(_), Advice::Absent, _) => error(libc::EPERM),
                (Ruling::Refused(errno), _, _)
                | (Ruling::RefusedBefore(errno), _, Truncation::Open) => error(errno),
                (Ruling::RefusedBefore(_), _, Truncation::Guarded) => continue,
            };
            program.extend(when(self.number(call), vec![ruling]));
        }
        if truncation == Truncation::Open {
            // No call has the number that means "no call".
            program.extend(when(self.number(&OPEN), opening(1)));
            program.extend(when(self.number(&OPENAT), opening(2)));
        }
        program.extend(when(self.number(&IOCTL), controlling()));
        if limits == Limits::Own {
            program.extend(when(self.number(&PRLIMIT), limiting()));
        }
        program.push(answer(libc::SECCOMP_RET_ALLOW));
        program
    }
}

/// Refuses to empty a file on opening it for anything but writing.
fn opening(flags: u32) -> Vec<Instruction> {
    vec![
        load(argument(flags)),
        calculate(AND, O_TRUNC | O_ACCMODE),
        jump(EQUAL, O_TRUNC, 1, 0),
        jump(EQUAL, O_TRUNC | O_ACCMODE, 0, 1),
        error(libc::EPERM),
        answer(libc::SECCOMP_RET_ALLOW),
    ]
}

/// Refuses to set a limit of any process but the caller, whom the number 0 names.
fn limiting() -> Vec<Instruction> {
    vec![
        load(argument(0)),
        jump(EQUAL, 0, 4, 0),
        // Without new limits it only tells the old ones.
        load(argument(2)),
        jump(EQUAL, 0, 0, 3),
        load(argument(2).saturating_add(4)),
        jump(EQUAL, 0, 0, 1),
        answer(libc::SECCOMP_RET_ALLOW),
        error(libc::EPERM),
    ]
}

/// Refuses what changes the attributes of a file by a descriptor that may be for reading only. What
/// the number says that it only reads is allowed, and so is what is about content.
fn controlling() -> Vec<Instruction> {
    let mut out = vec![load(argument(1)), calculate(AND, 0xff00)];
    let mut left = KINDS.len();
    for kind in KINDS {
        left = left.saturating_sub(1);
        // On to what comes behind the last of them and its answer.
        let ahead = u8::try_from(left).unwrap_or(u8::MAX).saturating_add(1);
        out.push(jump(EQUAL, kind << 8, ahead, 0));
    }
    out.extend([answer(libc::SECCOMP_RET_ALLOW), load(argument(1))]);
    for harmless in ABOUT_CONTENT {
        out.extend(when(harmless, vec![answer(libc::SECCOMP_RET_ALLOW)]));
    }
    out.extend([
        calculate(SHIFT_RIGHT, 30),
        jump(EQUAL, ONLY_READS, 0, 1),
        answer(libc::SECCOMP_RET_ALLOW),
        error(libc::EOPNOTSUPP),
    ]);
    out
}

/// What is done when the word that was loaded is this one. Must end with an answer.
fn when(word: u32, done: Vec<Instruction>) -> Vec<Instruction> {
    let past = u8::try_from(done.len()).unwrap_or(u8::MAX);
    let mut out = vec![jump(EQUAL, word, 0, past)];
    out.extend(done);
    out
}

const fn load(offset: u32) -> Instruction {
    Instruction { code: LOAD, jt: 0, jf: 0, k: offset }
}

const fn jump(code: u16, k: u32, jt: u8, jf: u8) -> Instruction {
    Instruction { code, jt, jf, k }
}

const fn calculate(code: u16, k: u32) -> Instruction {
    Instruction { code, jt: 0, jf: 0, k }
}

const fn answer(k: u32) -> Instruction {
    Instruction { code: RETURN, jt: 0, jf: 0, k }
}

fn error(errno: i32) -> Instruction {
    answer(libc::SECCOMP_RET_ERRNO | errno.unsigned_abs())
}

/// Where the lower half of an argument is.
const fn argument(number: u32) -> u32 {
    ARGUMENTS.saturating_add(number.saturating_mul(8))
}

/// A call's numbers on x86-64 and on AArch64, and what becomes of it.
struct Call(u32, u32, Ruling);

/// Not there.
const NONE: u32 = u32::MAX;
const NO_ATTRIBUTES: Ruling = Ruling::Refused(libc::EOPNOTSUPP);

const CALLS: [Call; 33] = [
    Call(90, NONE, Ruling::Asked(Asked::Chmod)),
    Call(91, 52, Ruling::Asked(Asked::Fchmod)),
    Call(268, 53, Ruling::Asked(Asked::Fchmodat)),
    Call(452, 452, Ruling::Asked(Asked::Fchmodat2)),
    Call(92, NONE, Ruling::Asked(Asked::Chown)),
    Call(94, NONE, Ruling::Asked(Asked::Lchown)),
    Call(93, 55, Ruling::Asked(Asked::Fchown)),
    Call(260, 54, Ruling::Asked(Asked::Fchownat)),
    Call(132, NONE, Ruling::Asked(Asked::Utime)),
    Call(235, NONE, Ruling::Asked(Asked::Utimes)),
    Call(261, NONE, Ruling::Asked(Asked::Futimesat)),
    Call(280, 88, Ruling::Asked(Asked::Utimensat)),
    // setxattr, lsetxattr, fsetxattr, setxattrat; the same of removexattr; file_setattr.
    Call(188, 5, NO_ATTRIBUTES),
    Call(189, 6, NO_ATTRIBUTES),
    Call(190, 7, NO_ATTRIBUTES),
    Call(463, 463, NO_ATTRIBUTES),
    Call(197, 14, NO_ATTRIBUTES),
    Call(198, 15, NO_ATTRIBUTES),
    Call(199, 16, NO_ATTRIBUTES),
    Call(466, 466, NO_ATTRIBUTES),
    Call(469, 469, NO_ATTRIBUTES),
    // io_uring_setup: what a ring does, no filter sees.
    Call(425, 425, Ruling::Refused(libc::ENOSYS)),
    // open_by_handle_at: needs no path.
    Call(304, 265, Ruling::Refused(libc::EPERM)),
    // open_tree, fsopen, fsmount, mount_setattr, open_tree_attr: in a mount that hangs nowhere a file
    // has whatever path one likes, such as that of a place where the program may write.
    Call(428, 428, Ruling::Refused(libc::EPERM)),
    Call(430, 430, Ruling::Refused(libc::EPERM)),
    Call(432, 432, Ruling::Refused(libc::EPERM)),
    Call(442, 442, Ruling::Refused(libc::EPERM)),
    Call(467, 467, Ruling::Refused(libc::EPERM)),
    // add_key, request_key, keyctl: whatever its session, the keyring of the user can be linked to it.
    Call(248, 217, Ruling::Refused(libc::ENOSYS)),
    Call(249, 218, Ruling::Refused(libc::ENOSYS)),
    Call(250, 219, Ruling::Refused(libc::ENOSYS)),
    // truncate; and openat2, whose flags no filter sees.
    Call(76, 45, Ruling::RefusedBefore(libc::EPERM)),
    Call(437, 437, Ruling::RefusedBefore(libc::ENOSYS)),
];
const OPEN: Call = Call(2, NONE, Ruling::RefusedBefore(libc::EPERM));
const OPENAT: Call = Call(257, 56, Ruling::RefusedBefore(libc::EPERM));
const IOCTL: Call = Call(16, 29, NO_ATTRIBUTES);
const PRLIMIT: Call = Call(302, 261, Ruling::Refused(libc::EPERM));

/// The kinds of controls that file systems have: the second byte of their numbers.
const KINDS: [u32; 6] = [0x58, 0x66, 0x72, 0x76, 0x94, 0xf5];
/// `FS_IOC_FIEMAP`, `FICLONE`, `FICLONERANGE`, `FIDEDUPERANGE`.
const ABOUT_CONTENT: [u32; 4] = [0xc020_660b, 0x4004_9409, 0x4020_940d, 0xc018_9436];
/// What the first two bits of a control's number say, if it changes nothing.
const ONLY_READS: u32 = 2;

/// `BPF_*` of `linux/bpf_common.h`, put together.
const LOAD: u16 = 0x20;
const EQUAL: u16 = 0x15;
const AT_LEAST: u16 = 0x35;
const AND: u16 = 0x54;
const SHIFT_RIGHT: u16 = 0x74;
const RETURN: u16 = 0x06;
/// Where things are in `struct seccomp_data`.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
const ARGUMENTS: u32 = 16;
const X32: u32 = 0x4000_0000;
const O_TRUNC: u32 = 0o1000;
const O_ACCMODE: u32 = 0o3;

#[cfg(test)]
mod tests;
