//! The benchmark: what each kind of work takes as a whole process, beside the least that the same
//! machine needs for it, in one run. `cargo measure` prints the table of docs/performance.md;
//! `cargo measure -- --quick` leaves the large vault out, `-- --million` measures the agent alone,
//! with up to a million secrets, which takes minutes to make. No test: it passes whatever it finds.
#![expect(clippy::print_stdout, reason = "the table is what it is run for")]

mod crowd;
mod endpoint;
mod fixture;
mod floors;
mod moving;
mod one_row;
mod programs;
mod samples;
mod table;
mod upkeep;

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::Duration;

use crowd::Crowd;
use fixture::{BenchFixture, PASSPHRASE, Reads, peak_kib, program, require};
use one_row::OneRow;
use samples::{Samples, Work, in_turns, timed};
use strongroom::workbench::bench_vault;
use table::{Bound, Table};

/// How many secrets the vaults have.
const SIZES: [usize; 3] = [10, 1_000, 100_000];

/// How many they have where only the agent is measured.
const UP_TO_A_MILLION: [usize; 3] = [10, 100_000, 1_000_000];

/// How many clients of the agent there are at once.
const CLIENTS: usize = 64;

fn main() -> io::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [word, database, name] = &words[..]
        && word == floors::SELECT
    {
        return floors::select(Path::new(database), name);
    }
    let sizes = if words.iter().any(|word| word == "--quick") { &SIZES[..2] } else { &SIZES[..] };
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("measure");
    if place.exists() {
        fs::remove_dir_all(&place)?;
    }
    fs::create_dir_all(&place)?;
    println!("Measured with {}.\n", floors::load());
    let mut table = Table::default();
    let one_row = OneRow::build(&place)?;
    if words.iter().any(|word| word == "--million") {
        for secrets in UP_TO_A_MILLION {
            let fixture = BenchFixture::build(&place, secrets, Reads::Silent)?;
            agent(&fixture, one_row.as_ref(), &mut table)?;
            survey(&fixture, &mut table)?;
        }
        return finish(&place, &table);
    }
    machine(&place, &mut table)?;
    for secrets in sizes {
        let mut fixture = BenchFixture::build(&place, *secrets, Reads::Silent)?;
        reads(&fixture, &mut table)?;
        if *secrets <= 1_000 {
            audited(&BenchFixture::build(&place, *secrets, Reads::Audited)?, &mut table)?;
        }
        lists(&fixture, &mut table)?;
        writes(&fixture, &mut table)?;
        agent(&fixture, one_row.as_ref(), &mut table)?;
        if *secrets == SIZES[1] {
            let is_quick = sizes.len() < SIZES.len();
            endpoint::measure(&fixture, if is_quick { 50_000 } else { 1_000_000 }, &mut table)?;
        }
        programs::measure(&fixture, &mut table)?;
        instructions(&fixture, &mut table)?;
        upkeep::measure(&fixture, &mut table)?;
        moving::measure(&fixture, &mut table)?;
        memory(&mut fixture, &mut table)?;
    }
    finish(&place, &table)
}

fn finish(place: &Path, table: &Table) -> io::Result<()> {
    print!("{table}");
    println!("\nAt the end: {}.", floors::load());
    fs::remove_dir_all(place)
}

/// What does not depend on a vault: starting, deriving, flushing, the binary itself.
fn machine(place: &Path, table: &mut Table) -> io::Result<()> {
    let ours = env!("CARGO_BIN_EXE_strongroom");
    let empty = floors::empty_program(place)?;
    let least = empty.as_deref().unwrap_or(Path::new("/bin/true"));
    let [start, floor, nothing] = in_turns(
        60,
        [
            Box::new(|| require(&mut program(ours, &["--version"]))),
            Box::new(|| require(&mut program(least, &[]))),
            Box::new(|| require(&mut program("/bin/true", &[]))),
        ],
    )?;
    table.floor("an empty process (`/bin/true`)", None, &nothing);
    table.floor("an empty static Rust program", None, &floor);
    table.row("`--version`", None, &start);
    table.bound(Bound::ratio("start, of an empty static program", &start, &floor, 1.3));

    let mut file = File::create(place.join("flushed"))?;
    let [flush] = in_turns(40, [Box::new(|| timed(|| floors::flush(&mut file)))])?;
    table.floor("4 KiB written and flushed", None, &flush);

    let derive: Work<'_> = Box::new(|| timed(|| bench_vault::derive(PASSPHRASE.as_bytes())));
    if let Some(argon2) = floors::tool("argon2") {
        let options = ["somesalt-of-16-b", "-id", "-m", "18", "-t", "3", "-p", "4", "-r"];
        let input = place.join("argon2-input");
        fs::copy("/proc/sys/kernel/ostype", &input)?;
        let reference: Work<'_> =
            Box::new(move || require(program(&argon2, &options).stdin(File::open(&input)?)));
        let [own, reference] = in_turns(9, [derive, reference])?;
        table.floor("Argon2id, 256 MiB, 3 passes, 4 lanes", None, &own);
        table.floor("the same by the reference program `argon2`", None, &reference);
        table.bound(Bound::ratio("Argon2id, of the C library", &own, &reference, 1.0));
    } else {
        let [own] = in_turns(9, [derive])?;
        table.floor("Argon2id, 256 MiB, 3 passes, 4 lanes", None, &own);
    }
    table.bound(Bound::bytes("the binary", fs::metadata(ours)?.len(), 8 << 20));
    Ok(())
}

/// One value, by each way in.
fn reads(fixture: &BenchFixture, table: &mut Table) -> io::Result<()> {
    let (name, own) = (fixture.a_name(), std::env::current_exe()?);
    let database = fixture.table();
    let floor = [floors::SELECT, database.to_str().unwrap_or_default(), &name];
    let get = ["get-secret-value", "--secret-id", &name];
    let [keyfile, select, shell] = in_turns(
        60,
        [
            Box::new(|| require(&mut fixture.with_keyfile(&get))),
            Box::new(|| require(&mut program(&own, &floor))),
            Box::new(|| {
                require(
                    &mut fixture.sqlite3(&format!("SELECT value FROM plain WHERE name = '{name}'")),
                )
            }),
        ],
    )?;
    let size = Some(fixture.secrets);
    table.floor("one row selected by a static program", size, &select);
    table.floor("one row selected by `sqlite3`", size, &shell);
    table.row("`get-secret-value`, keyfile, reads not audited", size, &keyfile);
    table.bound(
        Bound::ratio("get with a keyfile, of one row selected", &keyfile, &select, 2.0).at(size),
    );

    let [passphrase, derive] = in_turns(
        9,
        [
            Box::new(|| {
                require(fixture.strongroom(&get).arg("--passphrase-file").arg(fixture.passphrase()))
            }),
            Box::new(|| timed(|| bench_vault::derive(PASSPHRASE.as_bytes()))),
        ],
    )?;
    table.row("`get-secret-value`, passphrase, reads not audited", size, &passphrase);
    table.floor("Argon2id beside it", size, &derive);
    table.bound(
        Bound::ratio("get with a passphrase, of its derivation", &passphrase, &derive, 1.05)
            .at(size),
    );

    let mut bench_vault = fixture.bench_vault()?;
    let [inside] = in_turns(400, [Box::new(|| timed(|| bench_vault.read(&name)))])?;
    table.row("verified get in an open vault", size, &inside);
    let [describe] = in_turns(
        30,
        [Box::new(|| {
            require(&mut fixture.with_keyfile(&["describe-secret", "--secret-id", &name]))
        })],
    )?;
    table.row("`describe-secret`", size, &describe);
    Ok(())
}

/// One value from a vault that logs reads, which is a commit.
fn audited(fixture: &BenchFixture, table: &mut Table) -> io::Result<()> {
    let (size, name) = (Some(fixture.secrets), fixture.a_name());
    let get = ["get-secret-value", "--secret-id", &name];
    let [get] = in_turns(40, [Box::new(|| require(&mut fixture.with_keyfile(&get)))])?;
    table.row("`get-secret-value`, keyfile, reads audited", size, &get);
    Ok(())
}

/// All of it, and what a filter finds in it.
fn lists(fixture: &BenchFixture, table: &mut Table) -> io::Result<()> {
    let size = Some(fixture.secrets);
    let [all, some, plain] = in_turns(
        if fixture.secrets > 10_000 { 7 } else { 20 },
        [
            Box::new(|| require(&mut fixture.with_keyfile(&["list-secrets"]))),
            Box::new(|| {
                let filter = ["list-secrets", "--filters", "Key=name,Values=app/007"];
                require(&mut fixture.with_keyfile(&filter))
            }),
            Box::new(|| require(&mut fixture.sqlite3("SELECT name FROM plain"))),
        ],
    )?;
    table.floor("all names selected by `sqlite3`", size, &plain);
    table.row("`list-secrets`, all", size, &all);
    table.row("`list-secrets`, by a name's beginning", size, &some);
    if fixture.secrets == 100_000 {
        table.bound(Bound::time("list-secrets", &all, Duration::from_millis(350)).at(size));
    }
    Ok(())
}

/// One change, durable, and the flushes that make it so.
fn writes(fixture: &BenchFixture, table: &mut Table) -> io::Result<()> {
    let (size, name) = (Some(fixture.secrets), fixture.a_name());
    let mut next = 0;
    let mut row = 0;
    let put = ["put-secret-value", "--secret-id", &name, "--secret-string", "another"];
    let [create, put_times, insert] = in_turns(
        25,
        [
            Box::new(|| {
                next += 1;
                let name = format!("new/{next}");
                let create = ["create-secret", "--name", &name, "--secret-string", "a value"];
                require(&mut fixture.with_keyfile(&create))
            }),
            Box::new(|| require(&mut fixture.with_keyfile(&put))),
            Box::new(|| {
                row += 1;
                require(
                    &mut fixture.sqlite3(&format!("INSERT INTO plain VALUES ('new/{row}', 'a')")),
                )
            }),
        ],
    )?;
    table.floor("one row inserted by `sqlite3`", size, &insert);
    table.row("`create-secret`, keyfile", size, &create);
    table.row("`put-secret-value`, keyfile", size, &put_times);
    table.bound(
        Bound::ratio("put with a keyfile, of one INSERT", &put_times, &insert, 1.0).at(size),
    );
    let report = fixture.at("flushes");
    let ours = fixture::flushes(&fixture.with_keyfile(&put), &report)?;
    let statement = "INSERT INTO plain VALUES ('flushed', 'a')";
    let theirs = fixture::flushes(&fixture.sqlite3(statement), &report)?;
    if let (Some(ours), Some(theirs)) = (ours, theirs) {
        table.bound(Bound::count("flushes of a put, as of one commit", ours, theirs).at(size));
    }
    Ok(())
}

/// The same, of an agent that holds the vault open.
fn agent(fixture: &BenchFixture, one_row: Option<&OneRow>, table: &mut Table) -> io::Result<()> {
    let (size, name) = (Some(fixture.secrets), fixture.a_name());
    let unlocked = fixture.unlock()?;
    let get = ["get-secret-value", "--secret-id", &name];
    let through: Work<'_> = Box::new(|| require(&mut fixture.through_agent(&get)));
    if let Some(one_row) = one_row {
        let [get, select] = in_turns(100, [through, Box::new(|| one_row.select())])?;
        table.floor("one row of 100,000 selected by a static program of C", size, &select);
        table.row("`get-secret-value` through the agent", size, &get);
        let what = "get through the agent, of one row selected in C";
        table.bound(Bound::ratio(what, &get, &select, 1.25).at(size));
    } else {
        let [get] = in_turns(100, [through])?;
        table.row("`get-secret-value` through the agent", size, &get);
    }
    let put = ["put-secret-value", "--secret-id", &name, "--secret-string", "another"];
    let mut row = 0;
    let [put, insert] = in_turns(
        25,
        [
            Box::new(|| require(&mut fixture.through_agent(&put))),
            Box::new(|| {
                row += 1;
                let insert = format!("INSERT INTO plain VALUES ('agent/{row}', 'a')");
                require(&mut fixture.sqlite3(&insert))
            }),
        ],
    )?;
    table.floor("one row inserted by `sqlite3`, beside the agent", size, &insert);
    table.row("`put-secret-value` through the agent", size, &put);
    table.bound(Bound::ratio("put through the agent, of one INSERT", &put, &insert, 0.8).at(size));
    let [tab] = in_turns(40, [Box::new(|| require(&mut fixture.through_agent(&["offer-names"])))])?;
    table.row("a name completed through the agent", size, &tab);
    table.bound(Bound::time("a name completed", &tab, Duration::from_millis(30)).at(size));
    if fixture.secrets >= CLIENTS {
        let single = Crowd::gather(fixture, 1, 20)?;
        let crowd = Crowd::gather(fixture, CLIENTS, 4)?;
        table.row("one client of the agent, 90 % reads", size, &single.samples);
        table.row("64 clients of the agent at once, 90 % reads", size, &crowd.samples);
        table.bound(Bound::crowd("64 clients at once", &crowd, &single).at(size));
    }
    drop(unlocked);
    Ok(())
}

/// What the same commands take where nothing else can slow them.
fn instructions(fixture: &BenchFixture, table: &mut Table) -> io::Result<()> {
    let (size, name, own) = (Some(fixture.secrets), fixture.a_name(), std::env::current_exe()?);
    let database = fixture.table();
    let floor = [floors::SELECT, database.to_str().unwrap_or_default(), &name];
    let put = ["put-secret-value", "--secret-id", &name, "--secret-string", "another"];
    let mut counted = vec![
        ("*floor: one row selected by a static program*", program(own, &floor)),
        ("`get-secret-value`", fixture.with_keyfile(&["get-secret-value", "--secret-id", &name])),
        (
            "*floor: one row inserted by `sqlite3`*",
            fixture.sqlite3("REPLACE INTO plain VALUES ('a', 'a')"),
        ),
        ("`put-secret-value`", fixture.with_keyfile(&put)),
        ("`list-secrets`", fixture.with_keyfile(&["list-secrets"])),
    ];
    if fixture.secrets == SIZES[0] {
        counted.push(("`--version`", fixture.strongroom(&["--version"])));
    }
    for (what, command) in counted {
        if let Some(count) = fixture::instructions(&command)? {
            table.count(what, size, count);
        }
    }
    Ok(())
}

/// Once what reads all of it.
fn survey(fixture: &BenchFixture, table: &mut Table) -> io::Result<()> {
    let size = Some(fixture.secrets);
    let [check, backup] = in_turns(
        1,
        [
            Box::new(|| require(&mut fixture.with_keyfile(&["check"]))),
            Box::new(|| {
                let target = fixture.at("backup");
                let time = require(fixture.with_keyfile(&["backup"]).arg(&target))?;
                fs::remove_file(&target).map(|()| time)
            }),
        ],
    )?;
    table.row("`check`, everything read and verified", size, &check);
    table.row("`backup`, verified", size, &backup);
    Ok(())
}

/// The most memory of single commands, and how fast secrets come in many at a time.
fn memory(fixture: &mut BenchFixture, table: &mut Table) -> io::Result<()> {
    let (size, name) = (Some(fixture.secrets), fixture.a_name());
    let get = ["get-secret-value", "--secret-id", &name];
    for (what, arguments) in
        [("get-secret-value", &get[..]), ("list-secrets", &["list-secrets"]), ("check", &["check"])]
    {
        if let Some(kib) = peak_kib(&fixture.with_keyfile(arguments), &fixture.at("memory"))? {
            table.bound(Bound::bytes(&format!("memory of {what}"), kib << 10, 12 << 20).at(size));
        }
    }
    if let Some(step) = fixture.step {
        let step = Samples::one(step);
        table.row("10,000 created in one transaction", size, &step);
        table.bound(
            Bound::time("10,000 in one transaction", &step, Duration::from_secs(2)).at(size),
        );
    }
    Ok(())
}
