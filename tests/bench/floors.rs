//! What the same machine needs for the least work of each kind: an empty process, one row of a
//! plain SQLite table, one flushed write.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rusqlite::{Connection, params};
use serde_json::Value as Json;

/// The word by which this program is asked to be the floor of a read.
pub(crate) const SELECT: &str = "select-one-row";

/// Reads one value of a plain table: what a process that uses SQLite cannot do without.
pub(crate) fn select(table: &Path, name: &str) -> io::Result<()> {
    let connection = Connection::open(table).map_err(io::Error::other)?;
    let value: String = connection
        .query_row("SELECT value FROM plain WHERE name = ?1", [name], |row| row.get(0))
        .map_err(io::Error::other)?;
    io::stdout().write_all(value.as_bytes())
}

/// Makes a plain table with the same names and values as a vault.
pub(crate) fn plain_table(
    path: &Path,
    secrets: impl Iterator<Item = (String, String)>,
) -> io::Result<()> {
    let mut connection = Connection::open(path).map_err(io::Error::other)?;
    let made = "CREATE TABLE plain (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID";
    connection.execute(made, []).map_err(io::Error::other)?;
    let transaction = connection.transaction().map_err(io::Error::other)?;
    for (name, value) in secrets {
        let row = params![name, value];
        transaction.execute("INSERT INTO plain VALUES (?1, ?2)", row).map_err(io::Error::other)?;
    }
    transaction.commit().map_err(io::Error::other)
}

/// Writes a page to a file and waits until the disk has it.
pub(crate) fn flush(file: &mut File) -> io::Result<()> {
    file.write_all(&[7; 4096])?;
    file.sync_all()
}

/// Builds a static program that does nothing; `None` where there is no compiler.
pub(crate) fn empty_program(directory: &Path) -> io::Result<Option<PathBuf>> {
    let source = directory.join("empty.rs");
    File::create(&source)?.write_all(b"fn main() {}\n")?;
    let program = directory.join("empty");
    let mut compiler = Command::new("rustc");
    compiler.args(["-O", "-C", "target-feature=+crt-static", "-C", "strip=symbols", "-o"]);
    let built = compiler.arg(&program).arg(&source).status();
    Ok(built.is_ok_and(|status| status.success()).then_some(program))
}

/// Builds a static program of C that selects one row with the SQLite that we have; `None` where there is
/// no compiler, or no static C library.
pub(crate) fn one_row_program(directory: &Path) -> io::Result<Option<PathBuf>> {
    let Some(sqlite) = sqlite_source()? else { return Ok(None) };
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bench/one_row.c");
    let program = directory.join("one-row");
    let mut compiler = Command::new("cc");
    compiler.args(["-O2", "-static", "-w", "-I"]).arg(&sqlite).arg("-o").arg(&program);
    let built = compiler.arg(source).arg(sqlite.join("sqlite3.c")).stderr(Stdio::null()).status();
    Ok(built.is_ok_and(|status| status.success()).then_some(program))
}

/// Finds the directory in which SQLite's source is, among the packages of this build.
fn sqlite_source() -> io::Result<Option<PathBuf>> {
    let mut metadata = Command::new("cargo");
    metadata.args(["metadata", "--format-version", "1", "--locked", "--offline"]);
    metadata.current_dir(env!("CARGO_MANIFEST_DIR"));
    // Where not all of them were fetched, it says nothing.
    let told: Json = serde_json::from_slice(&metadata.output()?.stdout).unwrap_or_default();
    let packages = told.get("packages").and_then(Json::as_array);
    let sqlite = packages
        .into_iter()
        .flatten()
        .find(|package| package.get("name").and_then(Json::as_str) == Some("libsqlite3-sys"));
    let manifest = sqlite.and_then(|package| package.get("manifest_path")?.as_str());
    let directory = manifest.and_then(|manifest| Path::new(manifest).parent());
    Ok(directory.map(|directory| directory.join("sqlite3")))
}

/// Finds a program that may not be installed.
pub(crate) fn tool(name: &str) -> Option<PathBuf> {
    let places = ["/usr/local/bin", "/usr/bin", "/bin"];
    places.iter().map(|place| Path::new(place).join(name)).find(|path| path.exists())
}

/// How busy the machine was in the last minute, beside its processors.
pub(crate) fn load() -> String {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("?").to_owned();
    format!("{processors} processors, load {load}")
}
