//! Runs a program to its end, or beside the test, and keeps all that it printed.
//!
//! Nothing is inherited: not the environment, not a stream, not a terminal. A program that does
//! not end is killed, and that fails the test.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::pty::{Session, Terminal, Typing, own_session};

/// How long a program may take; only one that hangs comes near it.
const PATIENCE: Duration = Duration::from_mins(2);

/// A program that is to be run.
pub(crate) struct Invocation {
    /// The program's path.
    pub(crate) program: PathBuf,
    /// Its arguments.
    pub(crate) arguments: Vec<String>,
    /// Its whole environment.
    pub(crate) environment: BTreeMap<String, String>,
    /// The directory it is started in.
    pub(crate) directory: PathBuf,
    /// What it reads on its standard input, where that is not the terminal.
    pub(crate) stdin: Vec<u8>,
    /// Its terminal, if it has one.
    pub(crate) terminal: Option<Typing>,
}

/// What a program did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// The exit code; 128 and the signal's number if a signal ended it.
    pub(crate) code: i32,
    /// Its standard output.
    pub(crate) stdout: Vec<u8>,
    /// Its standard error.
    pub(crate) stderr: Vec<u8>,
    /// Its terminal's screen.
    pub(crate) screen: String,
    /// What was typed at the terminal without echo.
    pub(crate) hidden: Vec<String>,
}

/// A program that runs.
pub(crate) struct Running {
    title: String,
    pid: Pid,
    end: Arc<Signpost<Option<ExitStatus>>>,
    stdout: Reader,
    stderr: Reader,
    screen: Option<JoinHandle<Session>>,
}

/// A value, and a bell that rings when it changes.
#[derive(Default)]
struct Signpost<T> {
    value: Mutex<T>,
    changed: Condvar,
}

struct Reader {
    bytes: Arc<Signpost<(Vec<u8>, bool)>>,
}

impl Invocation {
    /// Runs the program to its end.
    pub(crate) fn run(self) -> Outcome {
        self.start().finish()
    }

    /// Starts the program.
    pub(crate) fn start(self) -> Running {
        let title = self.title();
        let terminal = self.terminal.as_ref().map(|_| Terminal::open().unwrap());
        let end = || terminal.as_ref().map(|terminal| terminal.end().unwrap());
        let streams = self.terminal.as_ref().map_or(&[][..], |typing| &typing.streams);
        let stream = |name: &str| match end().filter(|_| streams.iter().any(|s| s == name)) {
            Some(end) => Stdio::from(end),
            None => Stdio::piped(),
        };
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).env_clear().envs(&self.environment);
        command.current_dir(&self.directory);
        command.stdin(stream("stdin")).stdout(stream("stdout")).stderr(stream("stderr"));
        own_session(&mut command, end());
        let mut child =
            command.spawn().unwrap_or_else(|error| panic!("cannot start {title}: {error}"));
        if let Some(mut stdin) = child.stdin.take() {
            let bytes = self.stdin;
            // A program need not read its input to the end.
            thread::spawn(move || drop(stdin.write_all(&bytes)));
        }
        let ended = Arc::new(AtomicBool::new(false));
        let screen = terminal.zip(self.terminal);
        Running {
            title,
            pid: Pid::from_child(&child),
            stdout: Reader::of(child.stdout.take()),
            stderr: Reader::of(child.stderr.take()),
            screen: screen.map(|(t, typing)| t.attend(typing, child.id(), Arc::clone(&ended))),
            end: watch(child, ended),
        }
    }

    fn title(&self) -> String {
        let program = self.program.file_name().unwrap_or_default().to_string_lossy();
        format!("{program} {}", self.arguments.join(" ")).trim_end().to_owned()
    }
}

impl Running {
    /// Waits for the program's end.
    pub(crate) fn finish(mut self) -> Outcome {
        let status = self.end.wait_until(|end| *end).unwrap_or_else(|| {
            self.signal(Signal::KILL);
            panic!("{} did not end; it printed\n{}", self.title, self.printed());
        });
        let stdout = self.stdout.to_end(&self.title);
        let stderr = self.stderr.to_end(&self.title);
        let session = self.screen.take().map(|screen| screen.join().unwrap());
        let (screen, hidden) = session.map(|s| (s.screen, s.hidden)).unwrap_or_default();
        let code = status.code().or_else(|| Some(128 + status.signal()?)).unwrap_or(-1);
        let outcome = Outcome { code, stdout, stderr, screen, hidden };
        outcome.record(&self.title);
        outcome
    }

    /// Waits until the program ends, and kills it if it takes too long.
    pub(crate) fn finish_within(self, time: Duration) -> Outcome {
        if self.end.wait_at_most(time, |end| *end).is_none() {
            self.signal(Signal::KILL);
        }
        self.finish()
    }

    /// Waits until the program has printed a text on its standard output.
    pub(crate) fn wait_for(&self, text: &str) -> Result<(), String> {
        let found = |(bytes, closed): &(Vec<u8>, bool)| {
            let found = String::from_utf8_lossy(bytes).contains(text);
            (found || *closed).then_some(found)
        };
        match self.stdout.bytes.wait_until(found) {
            Some(true) => Ok(()),
            _ => Err(format!("{} did not print {text:?} but\n{}", self.title, self.printed())),
        }
    }

    /// Sends the program a signal, unless it has ended.
    pub(crate) fn signal(&self, signal: Signal) {
        // It may end just now.
        let _ended = kill_process(self.pid, signal);
    }

    /// Returns what it has printed so far.
    pub(crate) fn printed(&self) -> String {
        let streams = [&self.stdout, &self.stderr];
        let text = |reader: &Reader| {
            String::from_utf8_lossy(&reader.bytes.value.lock().unwrap().0).into_owned()
        };
        streams.map(text).join("\n")
    }
}

impl Drop for Running {
    /// Kills a program that nobody is waiting for any more.
    fn drop(&mut self) {
        if self.end.value.lock().is_ok_and(|end| end.is_none()) {
            self.signal(Signal::KILL);
        }
    }
}

impl Outcome {
    /// Returns the standard output as text.
    pub(crate) fn stdout_text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Returns the standard error as text.
    pub(crate) fn stderr_text(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// Says why none of our programs may end like this, whatever the test expects.
    pub(crate) fn crash(&self) -> Option<String> {
        let died = [Signal::ABORT, Signal::BUS, Signal::ILL, Signal::SEGV, Signal::SYS];
        let signal = died.iter().find(|signal| self.code == 128 + signal.as_raw());
        let panicked = self.stderr_text().contains("panicked at");
        match (signal, panicked) {
            (Some(signal), _) => Some(format!("it was killed by signal {}", signal.as_raw())),
            (None, true) => Some("it panicked".to_owned()),
            (None, false) => None,
        }
    }

    fn record(&self, title: &str) {
        static LOG: OnceLock<Mutex<File>> = OnceLock::new();
        let mut entry = format!("$ {title}\n").into_bytes();
        entry.extend(
            [&self.stdout[..], b"\n", &self.stderr, b"\n", self.screen.as_bytes()].concat(),
        );
        entry.extend(format!("\n[{}]\n", self.code).bytes());
        let log = LOG.get_or_init(|| {
            super::files::make_dirs(log_path().parent().unwrap());
            Mutex::new(File::create(log_path()).unwrap())
        });
        log.lock().unwrap().write_all(&entry).unwrap();
    }
}

/// Where all that this process's programs printed is kept, in the order in which they ended.
pub(crate) fn log_path() -> PathBuf {
    super::state_directory().join(format!("log/{}", std::process::id()))
}

impl Reader {
    fn of<R: Read + Send + 'static>(stream: Option<R>) -> Self {
        let bytes = Arc::new(Signpost::<(Vec<u8>, bool)>::default());
        let sink = Arc::clone(&bytes);
        thread::spawn(move || {
            let mut buffer = [0; 8192];
            if let Some(mut stream) = stream {
                while let Ok(length @ 1..) = stream.read(&mut buffer) {
                    sink.change(|(bytes, _)| bytes.extend(&buffer[..length]));
                }
            }
            sink.change(|(_, closed)| *closed = true);
        });
        Self { bytes }
    }

    fn to_end(&self, title: &str) -> Vec<u8> {
        let whole = |(bytes, closed): &(Vec<u8>, bool)| closed.then(|| bytes.clone());
        self.bytes.wait_until(whole).unwrap_or_else(|| {
            panic!("{title} has ended, but something it started keeps its output open")
        })
    }
}

impl<T> Signpost<T> {
    fn change(&self, change: impl FnOnce(&mut T)) {
        change(&mut self.value.lock().unwrap());
        self.changed.notify_all();
    }

    /// Waits, with a bound, until the value yields something.
    fn wait_until<R>(&self, ready: impl Fn(&T) -> Option<R>) -> Option<R> {
        self.wait_at_most(PATIENCE, ready)
    }

    fn wait_at_most<R>(&self, time: Duration, ready: impl Fn(&T) -> Option<R>) -> Option<R> {
        let value = self.value.lock().unwrap();
        let waiting = |value: &mut T| ready(value).is_none();
        let (value, _) = self.changed.wait_timeout_while(value, time, waiting).unwrap();
        ready(&value)
    }
}

fn watch(mut child: Child, ended: Arc<AtomicBool>) -> Arc<Signpost<Option<ExitStatus>>> {
    let end = Arc::new(Signpost::<Option<ExitStatus>>::default());
    let post = Arc::clone(&end);
    thread::spawn(move || {
        let status = child.wait().unwrap();
        ended.store(true, Ordering::Release);
        post.change(|end| *end = Some(status));
    });
    end
}

/// Finds a program outside this repository that some tests need, such as `strace`.
///
/// Where it is missing the test fails and says what to do; with `SUITE_LENIENT` it says so and passes.
pub(crate) fn tool(name: &str) -> Option<PathBuf> {
    let places = ["/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"];
    // Where Debian has the programs of a server, by its version.
    let postgresql = Path::new("/usr/lib/postgresql");
    let versions = super::files::names_in(postgresql).into_iter();
    let places = places.iter().map(PathBuf::from);
    let places = places.chain(versions.map(|version| postgresql.join(version).join("bin")));
    let found = places.map(|place| place.join(name)).find(|path| path.exists());
    assert!(
        found.is_some() || super::setting("SUITE_LENIENT").is_some(),
        "{name} is not installed: .ci/prepare installs it, or says which package has it; with \
         SUITE_LENIENT=1 the tests that need it are passed over"
    );
    is_there(name, found.is_some()).then_some(found).flatten()
}

/// Passes on whether the system can do what a test needs, which nobody can install.
///
/// Where it cannot, the test says so and passes; with `SUITE_STRICT`, as in CI, it fails.
pub(crate) fn is_there(name: &str, is_there: bool) -> bool {
    let strict = super::setting("SUITE_STRICT").is_some();
    assert!(is_there || !strict, "{name} is not there");
    if !is_there {
        println!("skipped: {name} is not there");
    }
    is_there
}
