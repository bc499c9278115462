use super::*;

/// A call as the kernel hands it to a filter.
struct Made(Processor, u32, [u64; 3]);

/// What the kernel makes of a filter.
fn judged(program: &[Instruction], Made(processor, number, words): &Made) -> u32 {
    let (mut at, mut word) = (0, 0);
    loop {
        let Instruction { code, jt, jf, k } = program[at];
        at += 1;
        let mut jump = |is: bool| at += usize::from(if is { jt } else { jf });
        match code {
            LOAD if k == NUMBER => word = *number,
            LOAD if k == ARCHITECTURE => word = processor.name(),
            LOAD => {
                let argument = words[usize::try_from((k - ARGUMENTS) / 8).unwrap()];
                let half = if k % 8 == 0 { argument } else { argument >> 32 };
                word = u32::try_from(half & 0xffff_ffff).unwrap();
            }
            EQUAL => jump(word == k),
            AT_LEAST => jump(word >= k),
            AND => word &= k,
            SHIFT_RIGHT => word >>= k,
            RETURN => return k,
            _ => panic!("{code}"),
        }
    }
}

const BOTH: [Processor; 2] = [Processor::X86, Processor::Arm];
const ALLOWED: u32 = libc::SECCOMP_RET_ALLOW;

fn refused(errno: i32) -> u32 {
    error(errno).k
}

#[test]
fn what_changes_files_is_asked_about_or_refused() {
    for processor in BOTH {
        for (advice, ruling) in
            [(Advice::Asked, libc::SECCOMP_RET_USER_NOTIF), (Advice::Absent, refused(libc::EPERM))]
        {
            let program = processor.program(advice, Truncation::Guarded, Limits::Own);
            let of = |number| judged(&program, &Made(processor, number, [0; 3]));
            for call in CALLS.iter().filter(|call| processor.number(call) != NONE) {
                let number = processor.number(call);
                match call.2 {
                    Ruling::Asked(asked) => {
                        assert_eq!(of(number), ruling);
                        let known = processor.asked(i32::try_from(number).unwrap());
                        assert_eq!(known, Some(asked));
                    }
                    Ruling::Refused(errno) => assert_eq!(of(number), refused(errno)),
                    Ruling::RefusedBefore(_) => assert_eq!(of(number), ALLOWED),
                }
            }
            // getpid, and what is not there.
            assert_eq!(of(if processor == Processor::X86 { 39 } else { 172 }), ALLOWED);
            assert_eq!(
                of(NONE),
                if processor == Processor::X86 { refused(libc::ENOSYS) } else { ALLOWED }
            );
        }
    }
    assert_eq!(Processor::X86.asked(39), None);
}

#[test]
fn calls_of_other_processors_end_a_program() {
    let killed = libc::SECCOMP_RET_KILL_PROCESS;
    let program = Processor::X86.program(Advice::Asked, Truncation::Guarded, Limits::Own);
    assert_eq!(judged(&program, &Made(Processor::Arm, 39, [0; 3])), killed);
    for number in [X32, X32 + 90, X32 + 39, 0xffff_fff0] {
        assert_eq!(judged(&program, &Made(Processor::X86, number, [0; 3])), refused(libc::ENOSYS));
    }
    let program = Processor::Arm.program(Advice::Asked, Truncation::Guarded, Limits::Own);
    assert_eq!(judged(&program, &Made(Processor::X86, 39, [0; 3])), killed);
}

#[test]
fn files_are_not_emptied_where_landlock_does_not_guard_that() {
    for processor in BOTH {
        let open = processor.program(Advice::Asked, Truncation::Open, Limits::Own);
        let guarded = processor.program(Advice::Asked, Truncation::Guarded, Limits::Own);
        let truncate = if processor == Processor::X86 { 76 } else { 45 };
        for (number, words, errno) in [
            (truncate, [0; 3], libc::EPERM),
            (437, [0; 3], libc::ENOSYS),
            (processor.number(&OPENAT), [9, 9, 0o1000], libc::EPERM),
            (processor.number(&OPENAT), [9, 9, 0o2_001_003], libc::EPERM),
            (processor.number(&OPENAT), [9, 0o1000, 0o1102], 0),
            (processor.number(&OPENAT), [9, 0o1000, 0o1], 0),
        ] {
            let ruling = if errno == 0 { ALLOWED } else { refused(errno) };
            let made = Made(processor, number, words);
            assert_eq!(judged(&open, &made), ruling, "{number} {words:?}");
            assert_eq!(judged(&guarded, &made), ALLOWED, "{number}");
        }
    }
    let open = Processor::X86.program(Advice::Asked, Truncation::Open, Limits::Own);
    assert_eq!(judged(&open, &Made(Processor::X86, 2, [9, 0o1000, 0])), refused(libc::EPERM));
    assert_eq!(judged(&open, &Made(Processor::X86, 2, [9, 0o1001, 0])), ALLOWED);
}

#[test]
fn limits_are_set_of_oneself_alone() {
    for processor in BOTH {
        let program = processor.program(Advice::Asked, Truncation::Guarded, Limits::Own);
        let of = |words| judged(&program, &Made(processor, processor.number(&PRLIMIT), words));
        for words in [[0, 7, 0], [0, 7, 9], [5, 7, 0]] {
            assert_eq!(of(words), ALLOWED, "{words:?}");
        }
        for words in [[5, 7, 9], [1, 7, 9 << 32], [0xffff_ffff, 7, 1]] {
            assert_eq!(of(words), refused(libc::EPERM), "{words:?}");
        }
        let all = processor.program(Advice::Asked, Truncation::Guarded, Limits::All);
        let made = Made(processor, processor.number(&PRLIMIT), [5, 7, 9]);
        assert_eq!(judged(&all, &made), ALLOWED);
    }
}

#[test]
fn controls_of_files_only_read() {
    for processor in BOTH {
        let program = processor.program(Advice::Asked, Truncation::Guarded, Limits::Own);
        let of =
            |control| judged(&program, &Made(processor, processor.number(&IOCTL), [3, control, 0]));
        // FS_IOC_SETFLAGS, its 32-bit brother, FSSETXATTR, ENABLE_VERITY, SETVERSION, and two
        // of btrfs and FAT.
        for control in [
            0x4008_6602,
            0x4004_6602,
            0x401c_5820,
            0x4080_6685,
            0x4008_7602,
            0x5000_9417,
            0x4004_7211,
        ] {
            assert_eq!(of(control), refused(libc::EOPNOTSUPP), "{control:x}");
        }
        // TCGETS, FIONREAD, FIOCLEX, SIOCGIFNAME, FS_IOC_GETFLAGS, FSGETXATTR, FIEMAP, FICLONE.
        for control in
            [0x5401, 0x541b, 0x5451, 0x8910, 0x8008_6601, 0x801c_581f, 0xc020_660b, 0x4004_9409]
        {
            assert_eq!(of(control), ALLOWED, "{control:x}");
        }
    }
}
