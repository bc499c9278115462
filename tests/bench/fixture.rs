//! A place to measure in: vaults, plain tables beside them, and programs run in a clear environment.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use strongroom::workbench::bench_vault::BenchVault;

use super::floors;
use super::samples::timed;

/// A passphrase that is not refused as weak, and no secret.
pub(crate) const PASSPHRASE: &str = "plover-gravel-82-yonder-catnip-mosaic";

/// How many secrets one transaction makes, in a vault of up to a hundred thousand.
const STEP: usize = 10_000;
/// In a larger one each change of many changes all of the tree.
const LARGE_STEP: usize = 100_000;

/// A directory with a vault and a plain table of the same content.
pub(crate) struct BenchFixture {
    directory: PathBuf,
    /// How many secrets the vault began with.
    pub(crate) secrets: usize,
    /// How long the last full step of filling it took.
    pub(crate) step: Option<Duration>,
}

/// Whether reads are written to the audit log, which makes each of them a durable change.
#[derive(Clone, Copy)]
pub(crate) enum Reads {
    /// They are, as by default.
    Audited,
    /// They are not.
    Silent,
}

impl Reads {
    fn word(self) -> &'static str {
        match self {
            Self::Audited => "on",
            Self::Silent => "off",
        }
    }
}

impl BenchFixture {
    /// Makes a vault of so many secrets, which a keyfile or a passphrase opens.
    pub(crate) fn build(parent: &Path, secrets: usize, reads: Reads) -> io::Result<Self> {
        let directory = parent.join(format!("{secrets}-{}", reads.word()));
        fs::create_dir_all(&directory)?;
        let mut fixture = Self { directory, secrets, step: None };
        private(&fixture.passphrase())?.write_all(PASSPHRASE.as_bytes())?;
        let cost = ["--kdf-memory", "256", "--kdf-passes", "3", "--kdf-lanes", "4"];
        let mut init =
            fixture.strongroom(&["init", "--no-recovery", "--audit-reads", reads.word()]);
        require(init.arg("--new-passphrase-file").arg(fixture.passphrase()).args(cost))?;
        let mut slot = fixture.strongroom(&["key-slot", "add", "--kind", "keyfile"]);
        slot.arg("--passphrase-file").arg(fixture.passphrase());
        require(slot.arg("--new-keyfile").arg(fixture.keyfile()))?;

        let content: Vec<(String, String)> = content(secrets).collect();
        let mut bench_vault = fixture.bench_vault()?;
        let step = if secrets > LARGE_STEP { LARGE_STEP } else { STEP };
        for part in content.chunks(step) {
            let pairs = part.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            let time = timed(|| bench_vault.fill(pairs))?;
            fixture.step = (part.len() == STEP).then_some(time);
        }
        floors::plain_table(&fixture.table(), content.into_iter())?;
        Ok(fixture)
    }

    /// Opens the vault in this process.
    pub(crate) fn bench_vault(&self) -> io::Result<BenchVault> {
        BenchVault::open(&self.vault(), &fs::read(self.keyfile())?)
    }

    /// The vault.
    pub(crate) fn vault(&self) -> PathBuf {
        self.directory.join("vault")
    }

    /// The keyfile that opens it.
    pub(crate) fn keyfile(&self) -> PathBuf {
        self.directory.join("keyfile")
    }

    /// The file with its passphrase.
    pub(crate) fn passphrase(&self) -> PathBuf {
        self.directory.join("passphrase")
    }

    /// The plain table.
    pub(crate) fn table(&self) -> PathBuf {
        self.directory.join("plain.db")
    }

    /// A place for something else.
    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// One of our commands on the vault.
    pub(crate) fn strongroom(&self, arguments: &[&str]) -> Command {
        let mut command = program(env!("CARGO_BIN_EXE_strongroom"), arguments);
        command.env("HOME", &self.directory).env("STRONGROOM_VAULT", self.vault());
        command
    }

    /// The same, opened by the keyfile.
    pub(crate) fn with_keyfile(&self, arguments: &[&str]) -> Command {
        let mut command = self.strongroom(arguments);
        command.arg("--keyfile").arg(self.keyfile());
        command
    }

    /// The same, through the agent that [`Self::unlock`] started.
    pub(crate) fn through_agent(&self, arguments: &[&str]) -> Command {
        let mut command = self.strongroom(arguments);
        command.env("XDG_RUNTIME_DIR", self.at("run"));
        command
    }

    /// Has an agent of its own hold the vault open, as long as what is returned is there.
    pub(crate) fn unlock(&self) -> io::Result<Unlocked<'_>> {
        DirBuilder::new().mode(0o700).recursive(true).create(self.at("run"))?;
        require(self.through_agent(&["unlock", "--keyfile"]).arg(self.keyfile()))?;
        Ok(Unlocked(self))
    }

    /// A statement for the `sqlite3` shell on the plain table.
    pub(crate) fn sqlite3(&self, statement: &str) -> Command {
        let mut command = program("sqlite3", &[]);
        // As durable as ours.
        command.arg("-cmd").arg("PRAGMA synchronous=EXTRA").arg(self.table()).arg(statement);
        command
    }

    /// The name in the middle.
    pub(crate) fn a_name(&self) -> String {
        name(self.secrets / 2)
    }
}

/// A vault that an agent holds open. The agent ends with it.
pub(crate) struct Unlocked<'a>(&'a BenchFixture);

impl Drop for Unlocked<'_> {
    fn drop(&mut self) {
        // One that has ended already need not be ended.
        drop(require(&mut self.0.through_agent(&["lock", "--all"])));
    }
}

/// A program in a clear environment, whose answer nobody reads.
pub(crate) fn program(path: impl AsRef<OsStr>, arguments: &[&str]) -> Command {
    let mut command = Command::new(path);
    command.args(arguments).env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit());
    command
}

/// Runs a program that must succeed, and times it from before it is there until it is gone.
pub(crate) fn require(command: &mut Command) -> io::Result<Duration> {
    let before = Instant::now();
    let status = command.status()?;
    let time = before.elapsed();
    if status.success() {
        Ok(time)
    } else {
        Err(io::Error::other(format!("{command:?} ended with {status}")))
    }
}

/// Runs a program and returns the most memory it had at once, in KiB; `None` without GNU time.
pub(crate) fn peak_kib(command: &Command, report: &Path) -> io::Result<Option<u64>> {
    let Some(time) = floors::tool("time") else { return Ok(None) };
    let mut watched = program(time, &["-f", "%M", "-o"]);
    watched.arg(report).arg(command.get_program()).args(command.get_args());
    watched.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    require(&mut watched)?;
    Ok(fs::read_to_string(report)?.trim().parse().ok())
}

/// Counts the flushes of a program; `None` where there is no strace.
pub(crate) fn flushes(command: &Command, report: &Path) -> io::Result<Option<usize>> {
    let Some(strace) = floors::tool("strace") else { return Ok(None) };
    let mut traced = program(strace, &["-f", "-e", "trace=fsync,fdatasync", "-o"]);
    traced.arg(report).arg(command.get_program()).args(command.get_args());
    traced.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    require(&mut traced)?;
    let text = fs::read_to_string(report)?;
    Ok(Some(text.lines().filter(|line| line.contains("sync(")).count()))
}

/// Counts a program's own instructions, which no other program slows; `None` without valgrind.
pub(crate) fn instructions(command: &Command) -> io::Result<Option<u64>> {
    let Some(valgrind) = floors::tool("valgrind") else { return Ok(None) };
    let quiet = ["--tool=callgrind", "--callgrind-out-file=/dev/null"];
    let mut counted = program(valgrind, &quiet);
    counted.arg(command.get_program()).args(command.get_args()).stderr(Stdio::piped());
    counted.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let report = String::from_utf8_lossy(&counted.output()?.stderr).into_owned();
    let count = report.lines().find_map(|line| line.split_once("Collected :"));
    Ok(count.and_then(|(_, count)| count.trim().parse().ok()))
}

/// The name of a secret by its number.
pub(crate) fn name(number: usize) -> String {
    format!("app/{:03}/{number:06}", number % 997)
}

/// The names and values of so many secrets.
pub(crate) fn content(secrets: usize) -> impl Iterator<Item = (String, String)> {
    (0..secrets)
        .map(|number| (name(number), format!("a value of forty letters, number {number:07}")))
}

fn private(path: &Path) -> io::Result<File> {
    File::options().write(true).create(true).truncate(true).mode(0o600).open(path)
}
