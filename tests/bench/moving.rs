//! Moving in: an export of ten thousand logins, into a fresh copy of a vault each time.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use super::fixture::{BenchFixture, peak_kib, require};
use super::samples::in_turns;
use super::table::{Bound, Table};

/// How many logins the export has.
const LOGINS: usize = 10_000;

/// Measures how long an import takes, a second one that changes nothing, and the memory.
pub(crate) fn measure(fixture: &BenchFixture, table: &mut Table) -> io::Result<()> {
    let size = Some(fixture.secrets);
    let export = fixture.at("passwords.csv");
    File::create(&export)?.write_all(logins().as_bytes())?;
    let mut copies = Copies { fixture, made: 0 };
    let runs = if fixture.secrets > LOGINS { 3 } else { 5 };
    let mut again = None;
    let [first] = in_turns(
        runs,
        [Box::new(|| {
            let mut command = copies.import(&export)?;
            let time = require(&mut command)?;
            again = Some(command);
            Ok(time)
        })],
    )?;
    table.row("`import` of 10,000 logins", size, &first);
    table.bound(Bound::time("import of 10,000", &first, Duration::from_secs(2)).at(size));
    if let Some(mut again) = again {
        let [second] = in_turns(runs, [Box::new(|| require(&mut again))])?;
        table.row("the same once more, which changes nothing", size, &second);
    }
    let command = copies.import(&export)?;
    if let Some(kib) = peak_kib(&command, &fixture.at("memory"))? {
        table.bound(Bound::bytes("memory of import", kib << 10, 64 << 20).at(size));
    }
    fs::remove_file(export)
}

/// Copies of a vault, each with its own memory of vaults: they become forks of one another.
struct Copies<'a> {
    fixture: &'a BenchFixture,
    made: usize,
}

impl Copies<'_> {
    /// Returns a command that imports into a fresh copy, in the place of the one before.
    fn import(&mut self, export: &PathBuf) -> io::Result<Command> {
        self.made += 1;
        let (vault, home) =
            (self.fixture.at("imported"), self.fixture.at(&format!("import-{}", self.made)));
        if vault.exists() {
            fs::remove_file(&vault)?;
        }
        fs::copy(self.fixture.vault(), &vault)?;
        let mut command = self.fixture.with_keyfile(&["import"]);
        command.arg(export).env("STRONGROOM_VAULT", vault).env("HOME", home);
        Ok(command)
    }
}

/// Makes up an export as Chrome writes it.
fn logins() -> String {
    let row = |number| {
        let (site, password) = (format!("site-{number}.test"), format!("made-up-{number:07}"));
        format!("Site {number},https://{site}/login,ada,{password},\"two\nlines\"\n")
    };
    let rows: Vec<String> = (0..LOGINS).map(row).collect();
    "name,url,username,password,note\n".to_owned() + &rows.concat()
}
