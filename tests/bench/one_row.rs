//! The floor of a read through the agent: a program that does nothing but select one row.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::fixture::{content, name, program, require};
use super::floors;

/// A static program of C that selects one row, and a table of its own.
pub(crate) struct OneRow {
    program: PathBuf,
    table: PathBuf,
}

impl OneRow {
    /// How many rows the table has, whatever the vault beside it has.
    const ROWS: usize = 100_000;

    pub(crate) fn build(place: &Path) -> io::Result<Option<Self>> {
        let Some(program) = floors::one_row_program(place)? else { return Ok(None) };
        let table = place.join("rows.db");
        floors::plain_table(&table, content(Self::ROWS))?;
        Ok(Some(Self { program, table }))
    }

    pub(crate) fn select(&self) -> io::Result<Duration> {
        require(program(&self.program, &[]).arg(&self.table).arg(name(Self::ROWS / 2)))
    }
}
