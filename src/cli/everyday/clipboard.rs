//! Which clipboard there is, and something in it for a while.

use std::fs::OpenOptions;
use std::path::Path;
use std::process::Stdio;

use crate::cli::duration;
use crate::cli::environment::Environment;
use crate::cli::failure::Failure;
use crate::cli::request::error::Error;
use crate::cli::terminal;
use crate::programs::clipboard::{self, Board, Job};
use crate::sys::runtime;
use crate::sys::secret::Secret;

/// How long something stays in the clipboard where nothing is said.
const USUAL_MS: i64 = 45_000;
const SHORTEST_MS: i64 = 1_000;
const LONGEST_MS: i64 = 60 * 60 * 1_000;

/// What the clipboard's programs need of the environment.
const VARIABLES: &[&str] = &[
    "PATH",
    "HOME",
    "DISPLAY",
    "XAUTHORITY",
    "WAYLAND_DISPLAY",
    "XDG_RUNTIME_DIR",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
];

/// A clipboard that was found, and how a person knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Found {
    board: Board,
    /// What tells it from others of its kind.
    display: String,
    /// What is said of it.
    told: String,
}

/// Reads how long something is to stay in the clipboard, in milliseconds.
pub(crate) fn time(given: Option<&str>) -> Result<i64, Error> {
    let Some(given) = given else { return Ok(USUAL_MS) };
    let time = duration::milliseconds(given);
    time.filter(|ms| (SHORTEST_MS..=LONGEST_MS).contains(ms))
        .ok_or_else(|| Error::argument("--for", "it must be 1s to 1h, such as 45s"))
}

/// Puts a text into the clipboard for so many milliseconds, and tells the person at the terminal; `what`
/// is what they call it.
pub(crate) fn copy(
    environment: &Environment,
    value: Secret<Vec<u8>>,
    ms: i64,
    what: &str,
) -> Result<(), Failure> {
    if str::from_utf8(value.expose()).is_err() {
        let message = format!("{what} is no text, which is what a clipboard holds");
        return Err(failure(message).hinted("write it into a file instead, from `strongroom get`"));
    }
    if value.expose().is_empty() {
        return Err(failure(format!("{what} is empty")));
    }
    let found = find(environment, |name| is_installed(environment, name))?;
    let mut output = Stdio::null();
    if found.board.is_terminal() {
        let opened = OpenOptions::new().write(true).open("/dev/tty");
        if !terminal::is_there() {
            return Err(nowhere());
        }
        output = opened.map_err(|_none| nowhere())?.into();
    }
    let directory = runtime::directory(environment.path("XDG_RUNTIME_DIR"));
    let directory = directory.map_err(Failure::File)?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let display: String =
        found.display.chars().map(|c| if is_plain(c) { c } else { '_' }).take(100).collect();
    let variable = |name: &&str| Some(((*name).to_owned(), environment.text(name)?.to_owned()));
    let job = Job {
        board: found.board,
        environment: VARIABLES.iter().filter_map(variable).collect(),
        lock: directory.join(format!("clipboard-{display}.lock")),
        ms,
        value,
    };
    clipboard::start(&job, output)
        .map_err(|why| failure(format!("{} cannot be filled: {why}", found.told)))?;
    let seconds = ms / 1000;
    let unit = if seconds == 1 { "second" } else { "seconds" };
    terminal::note(&format!("{what} is in {} for {seconds} {unit}", found.told));
    Ok(())
}

/// Finds the clipboard that the person sees, by the environment and by which programs there are.
fn find(environment: &Environment, has: impl Fn(&str) -> bool) -> Result<Found, Failure> {
    let is_far = ["SSH_CONNECTION", "SSH_TTY"].iter().any(|name| environment.path(name).is_some());
    let display = environment.text("DISPLAY");
    if let Some(wayland) = environment.text("WAYLAND_DISPLAY") {
        if !has("wl-copy") || !has("wl-paste") {
            return Err(missing("wl-copy", "wl-clipboard", "Wayland"));
        }
        let other = display.map(|x| format!(" (not X's, of display {x})")).unwrap_or_default();
        let told = format!("Wayland's clipboard{other}");
        return Ok(Found { board: Board::Wayland, display: wayland.to_owned(), told });
    }
    if let Some(display) = display {
        let board = match (has("xclip"), has("xsel")) {
            (true, _) => Board::Xclip,
            (false, true) => Board::Xsel,
            (false, false) => return Err(missing("xclip", "xclip (or xsel)", "X")),
        };
        let told = format!("the clipboard of X display {display}");
        return Ok(Found { board, display: display.to_owned(), told });
    }
    if cfg!(target_os = "macos") && !is_far {
        let told = "the clipboard".to_owned();
        return Ok(Found { board: Board::MacOs, display: "macos".to_owned(), told });
    }
    let board = if environment.path("TMUX").is_some() { Board::Tmux } else { Board::Terminal };
    if environment.text("TERM") == Some("dumb") || !terminal::is_there() {
        return Err(nowhere());
    }
    let told = match board {
        Board::Tmux => "the terminal's clipboard, if tmux (allow-passthrough) and it let us,",
        Board::Terminal | Board::Wayland | Board::Xclip | Board::Xsel | Board::MacOs => {
            "the terminal's clipboard, if it lets us,"
        }
    };
    Ok(Found { board, display: terminal_name(), told: told.to_owned() })
}

/// Returns what tells this terminal from others.
fn terminal_name() -> String {
    crate::sys::process::actor().tty
}

/// Whether a program is found by `PATH`.
fn is_installed(environment: &Environment, name: &str) -> bool {
    let path = environment.path("PATH").unwrap_or(Path::new(""));
    std::env::split_paths(path).any(|place| place.join(name).is_file())
}

fn missing(program: &str, package: &str, display: &str) -> Failure {
    failure(format!("{program}, which reaches {display}'s clipboard, is missing"))
        .hinted(format!("install the package {package}"))
}

fn nowhere() -> Failure {
    failure("there is no clipboard: no display, and no terminal that has one")
        .hinted("`strongroom get` prints it instead")
}

fn failure(message: impl Into<String>) -> Failure {
    Failure::environment("ClipboardError", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pairs: &[(&str, &str)], programs: &[&str]) -> Result<Board, String> {
        let environment = Environment::testing(pairs);
        match find(&environment, |name| programs.contains(&name)) {
            Ok(found) => Ok(found.board),
            Err(failure) => Err(format!("{failure:?}")),
        }
    }

    #[test]
    fn the_display_that_a_person_sees_is_found() {
        let all: &[&str] = &["wl-copy", "wl-paste", "xclip", "xsel"];
        let both = [("WAYLAND_DISPLAY", "wayland-0"), ("DISPLAY", ":0")];
        assert_eq!(found(&both, all), Ok(Board::Wayland));
        assert_eq!(found(&both[1..], all), Ok(Board::Xclip));
        assert_eq!(found(&both[1..], &["xsel"]), Ok(Board::Xsel));
        assert!(found(&both, &["xclip"]).unwrap_err().contains("the package wl-clipboard"));
        assert!(found(&both[1..], &[]).unwrap_err().contains("the package xclip (or xsel)"));
    }

    #[test]
    fn a_time_has_bounds() {
        for (given, expected) in [
            (None, Some(45_000)),
            (Some("1s"), Some(1_000)),
            (Some("1h"), Some(3_600_000)),
            (Some("0"), None),
            (Some("2h"), None),
            (Some("soon"), None),
        ] {
            assert_eq!(time(given).ok(), expected, "{given:?}");
        }
    }
}
