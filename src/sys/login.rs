//! The end of a login session, as systemd-logind tells everybody who looks: each session has a file
//! below `/run/systemd/sessions` which says what it is and goes with it (sd-login(3)). Where there is
//! no logind there are no sessions, and nothing ends.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// Where logind says what sessions there are.
pub(crate) const SESSIONS: &str = "/run/systemd/sessions";

/// A login session that was there.
pub(crate) struct Login(PathBuf);

impl Login {
    /// Finds a session that has not ended. One that has, or that never was, says nothing: a terminal
    /// multiplexer goes on when the session is over in which it was started.
    pub(crate) fn running(sessions: &Path, id: &str) -> Option<Self> {
        let login = Self(sessions.join(valid(id)?));
        login.state().is_ok_and(State::is_running).then_some(login)
    }

    /// Whether it has ended. One that cannot be asked about has not.
    pub(crate) fn has_ended(&self) -> bool {
        match self.state() {
            Ok(state) => !state.is_running(),
            Err(error) => error.kind() == ErrorKind::NotFound,
        }
    }

    fn state(&self) -> io::Result<State> {
        let text = read_text(&self.0)?;
        let state = text.lines().find_map(|line| line.strip_prefix("STATE="));
        // While something of a session is left, as is whoever asks, it is closing.
        Ok(if state == Some("closing") { State::Closing } else { State::Running })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// `opening`, `online` or `active`; whether its screen is locked does not matter.
    Running,
    Closing,
}

impl State {
    fn is_running(self) -> bool {
        self == Self::Running
    }
}

/// Returns which session this process is in, if it is in one: what pam_systemd(8) has put into the
/// environment, or else what the kernel says.
pub(crate) fn own(variable: Option<&str>) -> Option<String> {
    let kernels = || scope(&read_text(Path::new("/proc/self/cgroup")).ok()?);
    variable.and_then(valid).map(str::to_owned).or_else(kernels)
}

/// Finds the session among the control groups of a process.
fn scope(groups: &str) -> Option<String> {
    let mut names = groups.split(['/', '\n']);
    let id = |name: &str| name.strip_prefix("session-")?.strip_suffix(".scope").map(str::to_owned);
    names.find_map(id).filter(|id| valid(id).is_some())
}

/// Requires that it can be the name of a session, which is the name of a file too.
fn valid(id: &str) -> Option<&str> {
    let is_plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (is_plain && (1..=64).contains(&id.len())).then_some(id)
}

fn read_text(path: &Path) -> io::Result<String> {
    let mut text = Vec::new();
    File::open(path)?.take(MAX_TEXT).read_to_end(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Returns what can be read whenever one of the sessions has changed; `None` where there are none.
#[cfg(target_os = "linux")]
pub(crate) fn changes(sessions: &Path) -> Option<OwnedFd> {
    use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};

    let changes = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).ok()?;
    // It puts a new file into the place of the old one.
    let wanted = WatchFlags::MOVED_TO | WatchFlags::DELETE | WatchFlags::CLOSE_WRITE;
    add_watch(&changes, sessions, wanted | WatchFlags::ONLYDIR).ok()?;
    Some(changes)
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn changes(_: &Path) -> Option<OwnedFd> {
    None
}

/// More than logind writes of one session.
const MAX_TEXT: u64 = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::files;
    use crate::sys::scratch::Scratch;

    #[test]
    fn a_session_ends_when_it_closes_or_goes() {
        let scratch = Scratch::new();
        let say = |state: &str| {
            let text = format!("# Private.\nUID=1000\nACTIVE=1\nLOCKED_HINT=1\nSTATE={state}\n");
            files::write_replacing(&scratch.join("2"), text.as_bytes()).unwrap();
        };
        assert!(Login::running(scratch.path(), "2").is_none());
        say("opening");
        let login = Login::running(scratch.path(), "2").unwrap();
        for state in ["opening", "online", "active"] {
            say(state);
            assert!(!login.has_ended(), "{state}");
        }
        say("closing");
        assert!(login.has_ended());
        assert!(Login::running(scratch.path(), "2").is_none());
        say("active");
        assert!(!login.has_ended());
        std::fs::remove_file(scratch.join("2")).unwrap();
        assert!(login.has_ended());
    }

    #[test]
    fn what_is_no_name_of_a_session_is_not_looked_for() {
        let scratch = Scratch::new();
        files::write_replacing(&scratch.join("2"), b"STATE=active\n").unwrap();
        let below = scratch.join("below");
        files::create_private_dir(&below).unwrap();
        for id in ["", "../2", "/", ".", "2\n", &"2".repeat(65)] {
            assert!(Login::running(&below, id).is_none(), "{id:?}");
        }
        assert_eq!(own(Some("c12")).as_deref(), Some("c12"));
        assert_ne!(own(Some("../2")).as_deref(), Some("../2"));
    }

    #[test]
    fn the_kernel_tells_the_session_too() {
        for (groups, id) in [
            ("0::/user.slice/user-1000.slice/session-2.scope\n", Some("2")),
            ("1:name=systemd:/user.slice/user-0.slice/session-c7.scope/x\n0::/\n", Some("c7")),
            ("0::/user.slice/user-1000.slice/user@1000.service/app.slice/a.scope\n", None),
            ("0::/session-.scope\n", None),
            ("", None),
        ] {
            assert_eq!(scope(groups).as_deref(), id, "{groups}");
        }
    }

    #[test]
    fn where_there_is_no_logind_nothing_ends() {
        let scratch = Scratch::new();
        assert!(changes(&scratch.join("none")).is_none());
        assert!(Login::running(&scratch.join("none"), "2").is_none());
    }
}
