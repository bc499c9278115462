//! The clipboard of a real X server and of a real Wayland compositor: what is put there, who clears
//! it, and what is there afterwards.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};

use crate::harness::files::{TempDir, names_in, write};
use crate::harness::process::{Invocation, Running, tool};
use crate::harness::pty::Typing;
use crate::harness::{Sandbox, done};
use crate::rotation::server::{directory, is_root};

/// How long is waited for what comes at once.
const PATIENCE: Duration = Duration::from_mins(1);
const VALUE: &str = "Beryl-31-trombone";

/// A sandbox at a display, and the programs that reach its clipboard.
struct Desk {
    sandbox: Sandbox,
    fill: &'static str,
    read: &'static [&'static str],
    display: Option<Running>,
    /// What is copied: nobody else's.
    value: String,
    _place: TempDir,
}

/// How the program reaches a Wayland compositor.
enum Way {
    /// By itself.
    Direct,
    /// By wl-copy alone, as it does not find it.
    Through,
}

impl Drop for Desk {
    fn drop(&mut self) {
        if let Some(display) = self.display.take() {
            display.signal(Signal::TERM);
            drop(display.finish_within(PATIENCE));
        }
    }
}

impl Desk {
    /// An X server, and one of the programs that reach it.
    fn of_x(program: &str, fill: &'static str, read: &'static [&'static str]) -> Option<Self> {
        let (server, program) = (tool("Xvfb")?, tool(program)?);
        let place = TempDir::below(&std::env::temp_dir());
        let number = place.path().join("number");
        // It says which number it has taken when it hears who comes.
        let line = format!(
            "exec {} -displayfd 3 -nolisten tcp -screen 0 640x480x8 3>{}",
            server.display(),
            number.display()
        );
        let display = start("/bin/sh", &["-c", &line], place.path(), &[]);
        let is_whole = |text: &String| text.ends_with('\n');
        let number =
            wait_for(|| fs::read_to_string(&number).ok().filter(is_whole), "Xvfb has no number");
        let mut desk = Self::new(&[&program], fill, read, display, place);
        let number = format!(":{}", number.trim());
        desk.sandbox.environment.insert("DISPLAY".to_owned(), number);
        Some(desk)
    }

    /// A Wayland compositor without a screen, which does not run as root.
    fn of_wayland(way: &Way) -> Option<Self> {
        let (server, copy, paste) = (tool("sway")?, tool("wl-copy")?, tool("wl-paste")?);
        let place = TempDir::below(&std::env::temp_dir());
        let home = place.path().join("sway");
        directory(&home);
        let settings = place.path().join("settings");
        write(&settings, b"xwayland disable\n");
        open_to_all(place.path(), 0o711);
        open_to_all(&settings, 0o644);
        let home_text = text_of(&home);
        let variables = [
            ("XDG_RUNTIME_DIR", home_text.as_str()),
            ("HOME", home_text.as_str()),
            ("WLR_BACKENDS", "headless"),
            ("WLR_LIBINPUT_NO_DEVICES", "1"),
            ("WLR_RENDERER", "pixman"),
        ];
        let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups"];
        let (server, settings) = (text_of(&server), text_of(&settings));
        let sway = [server.as_str(), "-c", settings.as_str()];
        let display = if is_root() {
            start("/usr/bin/setpriv", &[&nobody[..], &sway].concat(), &home, &variables)
        } else {
            start(sway[0], &sway[1..], &home, &variables)
        };
        let is_socket = |name: &String| name.starts_with("wayland-") && !is_lock(name);
        let socket = || names_in(&home).into_iter().find(is_socket);
        let socket = home.join(wait_for(socket, "sway has no socket"));
        let fill = "wl-copy --type text/plain";
        let read = &["wl-paste", "--no-newline", "--type", "text"];
        // What it serves by, as well.
        let programs = [&copy, &paste, &PathBuf::from("/bin/cat"), &PathBuf::from("/bin/rm")];
        let socket = text_of(&socket);
        let mut desk = Self::new(&programs, fill, read, display, place);
        let seen = match way {
            Way::Direct => socket,
            Way::Through => {
                for program in [copy, paste] {
                    let wrapped = desk.sandbox.root().join("bin").join(program.file_name()?);
                    fs::remove_file(&wrapped).ok()?;
                    let script = format!(
                        "#!/bin/sh\nWAYLAND_DISPLAY={socket} exec {} \"$@\"\n",
                        program.display()
                    );
                    write(&wrapped, script.as_bytes());
                    open_to_all(&wrapped, 0o755);
                }
                "nothing".to_owned()
            }
        };
        desk.sandbox.environment.insert("WAYLAND_DISPLAY".to_owned(), seen);
        Some(desk)
    }

    fn new(
        programs: &[&PathBuf],
        fill: &'static str,
        read: &'static [&'static str],
        display: Running,
        place: TempDir,
    ) -> Self {
        let mut sandbox = Sandbox::with_vault();
        let bin = sandbox.root().join("bin");
        for program in programs {
            symlink(program, bin.join(program.file_name().unwrap())).unwrap();
        }
        // Nothing else of the system's is found.
        sandbox.environment.insert("PATH".to_owned(), bin.to_str().unwrap().to_owned());
        let name = place.path().file_name().unwrap_or_default().to_string_lossy();
        let value = format!("Beryl-{name}-trombone");
        let login = format!(r#"{{"username":"ada-lovelace","password":"{value}"}}"#);
        sandbox.strongroom(&["create-secret", "--name", "login", "--secret-string", &login]);
        Self { sandbox, fill, read, display: Some(display), value, _place: place }
    }

    /// Puts something else into the clipboard, as another program would.
    fn fill(&self, text: &str) {
        // What serves it must not keep the streams.
        let line = format!("printf %s {text} | {} >/dev/null 2>&1", self.fill);
        let words = ["-c".to_owned(), line];
        assert_eq!(self.sandbox.invocation("/bin/sh", &words).run().code, 0, "{}", self.fill);
        self.expect(text);
    }

    fn content(&self) -> String {
        let words: Vec<String> = self.read[1..].iter().map(|&word| word.to_owned()).collect();
        let read = self.sandbox.invocation(self.read[0], &words).run();
        if read.code == 0 { read.stdout_text() } else { String::new() }
    }

    /// Waits until the clipboard has this text; the empty one is none.
    #[track_caller]
    fn expect(&self, text: &str) {
        let has = || (self.content() == text).then_some(());
        wait_for(has, &format!("the clipboard does not become {text:?}"));
    }

    /// Copies something, which is there when the prompt comes back; returns who looks after it.
    fn copy(&self, line: &str, text: &str) -> Pid {
        done(&self.sandbox, line);
        assert_eq!(self.content(), text, "{line}");
        let place = Path::new(&self.sandbox.environment["XDG_RUNTIME_DIR"]).join("strongroom");
        let is_ours = |name: &String| name.starts_with("clipboard-") && is_lock(name);
        let lock = names_in(&place).into_iter().find(is_ours).unwrap();
        let number = fs::read_to_string(place.join(lock)).unwrap();
        Pid::from_raw(number.parse().unwrap()).unwrap()
    }

    fn is_nothing_left(&self) -> bool {
        let place = Path::new(&self.sandbox.environment["XDG_RUNTIME_DIR"]).join("strongroom");
        !names_in(&place).iter().any(|name| name.starts_with("clipboard-"))
    }
}

fn start(program: &str, words: &[&str], place: &Path, variables: &[(&str, &str)]) -> Running {
    let path = ("PATH", "/usr/bin:/bin");
    let pairs = variables.iter().chain([&path]);
    let environment: BTreeMap<String, String> =
        pairs.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let arguments = words.iter().map(|&word| word.to_owned()).collect();
    let program = program.into();
    let directory = place.to_owned();
    Invocation { program, arguments, environment, directory, stdin: Vec::new(), terminal: None }
        .start()
}

fn text_of(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

fn is_lock(name: &str) -> bool {
    name.strip_suffix(".lock").is_some()
}

fn open_to_all(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[track_caller]
fn wait_for<T>(ready: impl Fn() -> Option<T>, otherwise: &str) -> T {
    let begun = Instant::now();
    loop {
        if let Some(value) = ready() {
            return value;
        }
        assert!(begun.elapsed() < PATIENCE, "{otherwise}");
    }
}

/// Waits until a process has ended.
fn end_of(process: Pid) {
    let Ok(handle) = pidfd_open(process, PidfdFlags::empty()) else { return };
    let bound = Timespec { tv_sec: 60, tv_nsec: 0 };
    let ended = poll(&mut [PollFd::new(&handle, PollFlags::IN)], Some(&bound));
    assert_eq!(ended, Ok(1), "{process:?} does not end");
}

/// Every command line that runs, in one text.
fn command_lines() -> String {
    let processes = names_in(Path::new("/proc")).into_iter();
    let lines = processes.filter_map(|name| fs::read(format!("/proc/{name}/cmdline")).ok());
    lines.map(|line| String::from_utf8_lossy(&line).into_owned()).collect()
}

/// What holds at any display.
fn check(desk: &Desk) {
    // After its time, what was there before is there again.
    desk.fill("before");
    let first = desk.copy("copy login --for 1s", &desk.value);
    end_of(first);
    desk.expect("before");
    assert!(desk.is_nothing_left());

    // Something else that was copied meanwhile stays, and the process ends at once.
    let second = desk.copy("copy login username --for 1h", "ada-lovelace");
    desk.fill("mine");
    end_of(second);
    desk.expect("mine");
    assert!(desk.is_nothing_left());

    // Of two, the second puts back what was there before both; nobody's command line had a value.
    let first = desk.copy("copy login username --for 1h", "ada-lovelace");
    let second = desk.copy("copy login --for 1h", &desk.value);
    end_of(first);
    assert!(!command_lines().contains(&desk.value));
    kill_process(second, Signal::TERM).unwrap();
    end_of(second);
    desk.expect("mine");
    assert!(desk.is_nothing_left());

    // Where nothing was there, nothing is.
    let clipboard = desk.copy("copy login --for 1h", &desk.value);
    kill_process(clipboard, Signal::KILL).unwrap();
    // With the process that looks after it goes the one that has it.
    desk.expect("");
    let after = desk.copy("copy login --for 1s", &desk.value);
    end_of(after);
    desk.expect("");
    assert!(desk.is_nothing_left());
}

#[test]
fn xclip_is_cleared_after_its_time() {
    let read = &["xclip", "-selection", "clipboard", "-out"];
    let Some(desk) = Desk::of_x("xclip", "xclip -selection clipboard -in", read) else { return };
    check(&desk);
}

#[test]
fn xsel_is_cleared_after_its_time() {
    let read = &["xsel", "--clipboard", "--output"];
    let Some(desk) = Desk::of_x("xsel", "xsel --clipboard --input", read) else { return };
    check(&desk);
}

#[test]
fn wayland_is_cleared_after_its_time() {
    let Some(mut desk) = Desk::of_wayland(&Way::Direct) else { return };
    check(&desk);

    // It is marked as secret, in no other program, and in no file.
    let clipboard = desk.copy("copy login --for 1h", &desk.value);
    let paste = |line: &str| {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        desk.sandbox.invocation("wl-paste", &words).run().stdout_text()
    };
    let hint = "x-kde-passwordManagerHint";
    assert!(paste("--list-types").lines().any(|kind| kind == hint));
    assert_eq!(paste(&format!("--no-newline --type {hint}")), "secret");
    assert_eq!(buffers(&desk.value), Vec::<PathBuf>::new());
    kill_process(clipboard, Signal::TERM).unwrap();
    end_of(clipboard);
    desk.expect("");

    // What another program marked so is not put back; here it is another user's, so to speak.
    let other = TempDir::below(&std::env::temp_dir());
    let ours = desk.sandbox.environment["XDG_RUNTIME_DIR"].clone();
    desk.sandbox.environment.insert("XDG_RUNTIME_DIR".to_owned(), text_of(other.path()));
    let theirs = desk.copy("copy login username --for 1h", "ada-lovelace");
    desk.sandbox.environment.insert("XDG_RUNTIME_DIR".to_owned(), ours);
    let clipboard = desk.copy("copy login --for 1s", &desk.value);
    end_of(theirs);
    end_of(clipboard);
    let types = desk.sandbox.invocation("wl-paste", &["--list-types".to_owned()]).run();
    assert_eq!(types.stdout_text(), "");
}

/// As with a compositor that lets only windows have a clipboard.
#[test]
fn wl_copy_is_cleared_after_its_time() {
    let Some(desk) = Desk::of_wayland(&Way::Through) else { return };
    check(&desk);
    // An old one that was killed could not remove its file.
    for left in buffers(&desk.value) {
        fs::remove_dir_all(left).unwrap();
    }
}

/// The directories in which an old wl-copy has the value.
fn buffers(value: &str) -> Vec<PathBuf> {
    let place = Path::new("/tmp");
    let names = names_in(place).into_iter().filter(|name| name.starts_with("wl-copy-buffer-"));
    let has_value = |path: &PathBuf| {
        names_in(path)
            .iter()
            .any(|name| fs::read(path.join(name)).is_ok_and(|it| it == value.as_bytes()))
    };
    names.map(|name| place.join(name)).filter(has_value).collect()
}

/// One that does not answer is no reason to wait.
#[test]
fn a_display_that_is_not_there_is_an_error() {
    let Some(program) = tool("xclip") else { return };
    let mut sandbox = Sandbox::with_vault();
    symlink(program, sandbox.root().join("bin/xclip")).unwrap();
    done(&sandbox, "create-secret --name login --secret-string hunter2");
    sandbox.environment.insert("DISPLAY".to_owned(), ":4711".to_owned());
    let failed = sandbox.strongroom(&["copy", "login"]);
    assert_eq!(failed.code, 253);
    let told = failed.stderr_text();
    let said = "(ClipboardError): the clipboard of X display :4711 cannot be filled: xclip: Error: \
                Can't open display";
    assert!(told.contains(said), "{told}");
}

/// A terminal's clipboard tells nothing, so it is emptied when the time is over, whoever filled it.
#[test]
fn a_terminal_is_told_twice() {
    let sandbox = Sandbox::with_vault();
    done(&sandbox, &format!("create-secret --name login --secret-string {VALUE}"));
    let line = "strongroom copy login --for 1s; \
                while [ -e \"$XDG_RUNTIME_DIR\"/strongroom/clipboard-*.lock ]; do :; done; echo end";
    let mut session = sandbox.invocation("sh", &["-c".to_owned(), line.to_owned()]);
    session.terminal = Some(Typing::default());
    let session = session.run();
    assert_eq!(session.stdout_text(), "end\n", "{}", session.stderr_text());
    let told = format!("\x1b]52;c;{}\x07\x1b]52;c;\x07", STANDARD.encode(VALUE));
    assert_eq!(session.screen, told);
}
