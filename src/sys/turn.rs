//! Whose turn it is to ask at the terminal. Of two processes of one job, as in a pipeline or a script,
//! each would take what is typed for the other, show it when it ends its own silence, and leave the
//! terminal as silent as it found it.

#[cfg(target_os = "linux")]
pub(super) use of_linux::Turn;

#[cfg(not(target_os = "linux"))]
pub(super) use elsewhere::Turn;

#[cfg(target_os = "linux")]
mod of_linux {
    use std::fs::{File, OpenOptions};
    use std::os::unix::fs::OpenOptionsExt;
    use std::path::Path;

    use nix::errno::Errno;
    use nix::fcntl::{FcntlArg, fcntl};
    use nix::unistd::getpgrp;
    use rustix::fs::OFlags;

    use crate::sys::process;

    /// The turn, up to its drop or to the end of the process, however it ends.
    pub(in crate::sys) struct Turn(File);

    impl Turn {
        /// Waits for the turn; `None` where nothing tells whose it is.
        pub(in crate::sys) fn wait() -> Option<Self> {
            Self::wait_at(Path::new(&process::controlling_terminal()?))
        }

        /// The lock is on the terminal itself, which other users cannot open, and on the one byte
        /// that has the job's number: a job that was stopped amid a question keeps it, and does not
        /// hinder the next job.
        pub(super) fn wait_at(terminal: &Path) -> Option<Self> {
            let flags = OFlags::NOCTTY | OFlags::NONBLOCK;
            let flags = i32::try_from(flags.bits()).ok()?;
            let opened =
                OpenOptions::new().read(true).write(true).custom_flags(flags).open(terminal);
            let file = opened.ok()?;
            let byte = byte(libc::F_WRLCK)?;
            loop {
                match fcntl(&file, FcntlArg::F_OFD_SETLKW(&byte)) {
                    Ok(_) => return Some(Self(file)),
                    Err(Errno::EINTR) => {}
                    Err(_) => return None,
                }
            }
        }
    }

    impl Drop for Turn {
        fn drop(&mut self) {
            // A child that has not begun its program yet may have the file too.
            if let Some(byte) = byte(libc::F_UNLCK) {
                let _ended = fcntl(&self.0, FcntlArg::F_OFD_SETLK(&byte));
            }
        }
    }

    fn byte(kind: i32) -> Option<libc::flock> {
        Some(libc::flock {
            l_type: kind.try_into().ok()?,
            l_whence: libc::SEEK_SET.try_into().ok()?,
            // 0 where the job began outside this process's namespace, which rustix has no number for.
            l_start: getpgrp().as_raw().into(),
            l_len: 1,
            l_pid: 0,
        })
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use crate::sys::scratch::{self, Scratch};

        /// In a container whose process leads no job, the system says 0 for it, which was taken for a
        /// number that cannot be 0.
        #[test]
        fn a_job_may_have_no_number() {
            const UNSHARE: [&str; 4] = ["unshare", "-r", "-p", "-f"];
            const SELF: &str = "sys::turn::of_linux::tests::a_job_may_have_no_number";
            if let Some(path) = scratch::argument() {
                assert_eq!(getpgrp().as_raw(), 0);
                assert!(Turn::wait_at(Path::new(&path)).is_some());
                return;
            }
            let able =
                std::process::Command::new(UNSHARE[0]).args(&UNSHARE[1..]).arg("true").status();
            if !able.is_ok_and(|status| status.success()) {
                println!("skipped: no namespace of processes can be made here");
                return;
            }
            let scratch = Scratch::new();
            let path = scratch.join("terminal");
            File::create(&path).unwrap();
            let output = scratch::run_under(&UNSHARE, SELF, path.to_str().unwrap());
            scratch::assert_passed(&output);
        }

        #[test]
        fn one_has_the_turn_until_it_is_over() {
            let scratch = Scratch::new();
            let path = scratch.join("terminal");
            File::create(&path).unwrap();
            let first = Turn::wait_at(&path).unwrap();
            let another = File::options().write(true).open(&path).unwrap();
            let byte = byte(libc::F_WRLCK).unwrap();
            let taken = || fcntl(&another, FcntlArg::F_OFD_SETLK(&byte));
            assert_eq!(taken(), Err(Errno::EAGAIN));
            drop(first);
            assert_eq!(taken(), Ok(0));
            assert!(Turn::wait_at(&scratch.join("none")).is_none());
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    /// Elsewhere nothing tells.
    pub(in crate::sys) struct Turn;

    impl Turn {
        pub(in crate::sys) fn wait() -> Option<Self> {
            None
        }
    }
}
