//! The vault's own work: checked, copied, sealed anew.

use std::fs;
use std::io;

use super::fixture::{BenchFixture, require};
use super::samples::in_turns;
use super::table::Table;

/// Measures it, each time on a fresh vault.
pub(crate) fn measure(fixture: &BenchFixture, table: &mut Table) -> io::Result<()> {
    let size = Some(fixture.secrets);
    let runs = if fixture.secrets > 10_000 { 3 } else { 9 };
    let mut next = 0;
    let [check, backup, copy, rekey] = in_turns(
        runs,
        [
            Box::new(|| require(&mut fixture.with_keyfile(&["check"]))),
            Box::new(|| {
                let target = fixture.at("backup");
                let time = require(fixture.with_keyfile(&["backup"]).arg(&target))?;
                fs::remove_file(&target).map(|()| time)
            }),
            Box::new(|| {
                let target = fixture.at("copy");
                let time =
                    require(&mut fixture.sqlite3(&format!(".backup '{}'", target.display())))?;
                fs::remove_file(&target).map(|()| time)
            }),
            Box::new(|| {
                // Its own memory of vaults: the copy becomes a fork of what the others go on with.
                next += 1;
                let (vault, home) = (fixture.at("rekeyed"), fixture.at(&format!("home-{next}")));
                fs::copy(fixture.vault(), &vault)?;
                let mut rekey =
                    fixture.with_keyfile(&["rekey", "--drop-other-slots", "--no-recovery"]);
                let time = require(rekey.env("STRONGROOM_VAULT", &vault).env("HOME", home))?;
                fs::remove_file(&vault).map(|()| time)
            }),
        ],
    )?;
    table.row("`check`, everything read and verified", size, &check);
    table.row("`backup`, verified", size, &backup);
    table.floor("`sqlite3 .backup` of the plain table", size, &copy);
    table.row("`rekey`, everything sealed anew", size, &rekey);
    Ok(())
}
