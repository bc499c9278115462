//! Programs that are run with secrets: what starting one that way takes, and how much of its output goes
//! through.

use std::io;
use std::time::Duration;

use strongroom::workbench::hush;

use crate::fixture::{BenchFixture, program, require};
use crate::samples::{Samples, in_turns, timed};
use crate::table::{Bound, Table};

/// How many values are left out.
const VALUES: usize = 50;
/// How much goes through, in bytes.
const LENGTH: usize = 256 << 20;

pub(crate) fn measure(fixture: &BenchFixture, table: &mut Table) -> io::Result<()> {
    let (size, name) = (Some(fixture.secrets), fixture.a_name());
    let unlocked = fixture.unlock()?;
    let given = format!("A={name}");
    let line = ["run", "--env", &given, "--no-redact", "--", "/bin/true"];
    let [run, direct] = in_turns(
        100,
        [
            Box::new(|| require(&mut fixture.through_agent(&line))),
            Box::new(|| require(&mut program("/bin/true", &[]))),
        ],
    )?;
    drop(unlocked);
    table.row("`/bin/true` by `run`, with a value, through the agent", size, &run);
    let more = Samples::one(run.median().saturating_sub(direct.median()));
    let most = Duration::from_micros(1_500);
    table.bound(Bound::time("what `run` adds to a start", &more, most).at(size));

    let values: Vec<String> =
        (0..VALUES).map(|number| format!("bench-value-{number:02}-Sardonyx")).collect();
    let text = hush::text();
    let turns = LENGTH / text.len();
    let [passed] = in_turns(5, [Box::new(|| timed(|| hush::pass(&values, &text, turns)))])?;
    table.row("256 MiB of output without 50 values", None, &passed);
    let most = Duration::from_millis(268);
    table.bound(Bound::time("256 MiB of output, 1 GB/s", &passed, most));
    Ok(())
}
