//! `import`: what another program exported becomes secrets, all of it in one transaction or nothing.

use std::collections::BTreeMap;
use std::path::Path;

use super::super::credentials::Offer;
use super::super::failure::Failure;
use super::super::moving::archive;
use super::super::moving::found::Found;
use super::super::moving::source;
use super::super::moving::told::{self, Told};
use super::super::progress::Bar;
use super::super::request::error::Error;
use super::super::terminal::{self, Lines};
use super::super::unlock::CommandContext;
use super::options::{Choice, Number, Word, options};
use super::own::{Invocation, OwnCommand};
use crate::service::failure;
use crate::service::import::{self, Shelf};
use crate::sys::credential;
use crate::sys::secret::Secret;
use crate::transfer::formats::{self, Format};
use crate::transfer::item::Item;
use crate::transfer::naming;
use crate::transfer::plan::{self, MAX_FILE, Plan};
use crate::transfer::reading::{self, Dialect, Reading, Wishes};
use crate::transfer::settle::{self, OnConflict, Settled};
use crate::transfer::shape::Shape;
use crate::vault::transaction::Access;

/// How many earlier values come along where nothing is said, and at most.
const USUAL_HISTORY: u8 = 10;
const MAX_HISTORY: u8 = 100;
/// The largest file that comes along where nothing is said, in bytes.
const USUAL_FILE: usize = 1 << 20;
/// The longest password file, in bytes.
const MAX_PASSWORD: usize = 4096;
/// Something was left out: the exit code.
const LACKS_SOMETHING: u8 = 1;
/// The format of a table whose columns `--map` names.
const MAPPED: &str = "csv";

options! {
    /// The options of `import`.
    pub(super) struct Import {
        /// The export, a password store's directory, or - for stdin
        export: Word = "FILE|DIR|-",
        /// What it is; found out by its contents if you say nothing
        from: Option<String> = "FORMAT",
        /// Only say what would come of it
        dry_run: bool,
        /// What all names are to begin with
        prefix: Option<String> = "PREFIX",
        /// What to do where a secret has the name and another value: skip it, make it a new version
        /// of that secret, or import it under another name
        on_conflict: Option<OnConflict> = "WHAT",
        /// How many earlier values become versions; 10 if you say nothing
        history: Number<u8> = "N",
        /// Import what was thrown away too, below trash/
        with_trash: bool,
        /// The largest file to import, such as 500KiB or 4MiB; 1MiB if you say nothing
        max_attachment: Option<String> = "SIZE",
        /// Which columns a table has, as name=Title,password=Secret: name, username, password, totp,
        /// url, notes, folder, or a field of any other name
        map: Option<String> = "FIELD=COLUMN,...",
        /// Turn `&amp;` and the like into what they stand for
        decode_entities: bool,
        /// Whose rules a .env file follows
        env_dialect: Option<Dialect> = "DIALECT",
        /// The file that has the password of a protected export
        password_file: Option<String> = "FILE",
        /// The keyfile that opens an archive of Strongroom
        archive_keyfile: Option<String> = "FILE"
    }
}

impl Choice for OnConflict {
    const ALL: &'static [(&'static str, Self)] =
        &[("skip", Self::Skip), ("version", Self::Version), ("rename", Self::Rename)];
}

impl Choice for Dialect {
    const ALL: &'static [(&'static str, Self)] = &[
        ("compose", Self::Compose),
        ("node", Self::Node),
        ("python", Self::Python),
        ("ruby", Self::Ruby),
    ];
}

impl OwnCommand for Import {
    const NAME: &'static str = "import";
    const TITLE: &'static str = "Import";
    const SUMMARY: &'static str = "Bring in what another program exported, all of it or nothing.";
    const EXAMPLE: &'static str = "strongroom import --dry-run passwords.csv";

    fn run(self, invocation: &Invocation<'_>) -> Result<(), Failure> {
        let context = invocation.context;
        context.check_region()?;
        let prefix = self.prefix()?;
        let history = self.history.within(&(0..=MAX_HISTORY))?.unwrap_or(USUAL_HISTORY);
        let max_attachment = self.max_attachment()?;
        let mut wishes = self.wishes()?;
        let from = self.format(&wishes)?;
        let Found { source, mut remarks, file } = source::read(&self.export.0, context)?;
        let (format, reading) = match (shape_of(source)?, file.as_deref()) {
            (shape, Some(path)) if is_archive(&shape, from) => {
                let (passphrase, keyfile) = (&self.password_file, &self.archive_keyfile);
                let (passphrase, keyfile) = (passphrase.as_deref(), keyfile.as_deref());
                let offer =
                    Offer::of_files((context.globals, context.environment), passphrase, keyfile);
                (Format::Archive, archive::read(path, &offer, context)?)
            }
            (shape, _) => read(&shape, from, &mut wishes)?,
        };
        remarks.extend(reading.remarks);
        let all = reading.items.len();
        let items: Vec<Item> =
            reading.items.into_iter().filter(|item| self.with_trash || !item.is_in_trash).collect();
        let in_trash = u64::try_from(all - items.len()).unwrap_or(u64::MAX);
        let mut told = Told::of_reading(remarks, in_trash);
        let plan = Plan {
            source: format.name(),
            prefix: &prefix,
            history: history.into(),
            max_attachment,
        };
        self.carry_out(context, &plan, items, &mut told)?;
        let status = match (told.has_conflicts(), self.dry_run) {
            (true, _) => "conflicts",
            (false, true) => "dry run",
            (false, false) => "imported",
        };
        invocation.print(told.members(status, format))?;
        if told.has_conflicts() {
            return Err(told.refusal());
        }
        self.tell(&told.line(format), file.as_deref());
        if told.lacks_something() { Err(Failure::Ended(LACKS_SOMETHING)) } else { Ok(()) }
    }
}

impl Import {
    fn prefix(&self) -> Result<String, Error> {
        let Some(prefix) = self.prefix.as_deref().filter(|prefix| !prefix.is_empty()) else {
            return Ok(String::new());
        };
        if !naming::is_allowed(prefix) {
            let what = "a name has only letters, digits and /_+=.@-";
            return Err(Error::argument("--prefix", what));
        }
        Ok(format!("{}/", prefix.trim_end_matches('/')))
    }

    fn max_attachment(&self) -> Result<usize, Error> {
        let Some(text) = &self.max_attachment else { return Ok(USUAL_FILE) };
        let size = size(text).filter(|size| *size <= MAX_FILE);
        size.ok_or_else(|| {
            let what = format!("it must be a size up to {}KiB, such as 4MiB", MAX_FILE >> 10);
            Error::argument("--max-attachment", what)
        })
    }

    fn wishes(&self) -> Result<Wishes, Failure> {
        let columns = self.map.as_deref().map(columns).transpose()?.unwrap_or_default();
        let password = self.password_file.as_deref().map(password_in).transpose()?;
        let (decode_entities, dialect) = (self.decode_entities, self.env_dialect);
        Ok(Wishes { password, columns, decode_entities, dialect })
    }

    /// Returns the format that is asked for.
    fn format(&self, wishes: &Wishes) -> Result<Option<Format>, Error> {
        let mapped = (!wishes.columns.is_empty()).then_some(MAPPED);
        let Some(name) = self.from.as_deref().or(mapped) else { return Ok(None) };
        let unknown = || {
            let names: Vec<&str> = Format::names().collect();
            Error::argument("--from", format!("there is no format {name}: {}", names.join(", ")))
        };
        Format::named(name).map(Some).ok_or_else(unknown)
    }

    /// Holds the items against the vault, and unless something speaks against it, stores them.
    fn carry_out(
        &self,
        context: &CommandContext<'_>,
        plan: &Plan<'_>,
        items: Vec<Item>,
        told: &mut Told,
    ) -> Result<(), Failure> {
        let mut vault = context.unlock()?;
        let access = if self.dry_run { Access::Read } else { Access::Write };
        let work = |shelf: &mut Shelf<'_, '_>| {
            let has_ids = items.iter().any(|item| plan::source_id(item).is_some());
            let known = if has_ids { shelf.of_source(plan.source)? } else { BTreeMap::new() };
            let mut look = |wanted: &import::Wanted| shelf.standing(wanted);
            let mut settled = settle::settle(items, plan, &known, self.on_conflict, &mut look)?;
            told.add(&mut settled);
            let names = settled.iter().filter(|item| !item.name.is_empty());
            told.remark(plan::of_one_spelling(
                names.map(|item| (&item.origin, item.name.as_str())),
            ));
            if !self.dry_run && !told.has_conflicts() {
                store(shelf, settled)?;
            }
            Ok(())
        };
        let done =
            import::on_shelf(&mut vault, context.region(), access, context.request_context(), work);
        done.map_err(|failure| Failure::of_operation(Self::TITLE, failure))
    }

    /// Tells a person at the terminal what comes next.
    fn tell(&self, line: &str, file: Option<&Path>) {
        if self.dry_run {
            terminal::note(&format!("{line}; without --dry-run it is done"));
            return;
        }
        terminal::note(&format!("{line}; `strongroom undo` takes all of it back"));
        if let Some(file) = file {
            let file = file.display();
            terminal::note(&format!(
                "note: {file} is still there, with all that was in it: look whether everything has \
                 arrived, then remove it (rm {file}), also from the trash and from backups. On an \
                 SSD that does not erase it; a pipe leaves no file"
            ));
        }
    }
}

/// Stores what has to be made or changed.
fn store(shelf: &mut Shelf<'_, '_>, settled: Vec<Settled>) -> Result<(), failure::Failure> {
    let number = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    let total = number(settled.iter().map(|item| item.secrets.len()).sum());
    let mut bar = Bar::default();
    let mut secrets = settled.into_iter().flat_map(|item| item.secrets).enumerate();
    let stored = secrets.try_for_each(|(done, wanted)| {
        if done.is_multiple_of(100) {
            bar.tell("importing", number(done), total);
        }
        shelf.put(wanted)
    });
    terminal::finish();
    stored
}

/// Finds out what an export is made of.
fn shape_of(source: reading::Source) -> Result<Shape, Failure> {
    Shape::of(source).map_err(|error| told::unreadable(&error))
}

/// Whether it is an archive, and nothing else is asked for.
fn is_archive(shape: &Shape, from: Option<Format>) -> bool {
    from.is_none_or(|from| from == Format::Archive) && Format::Archive.fits(shape)
}

/// Reads an export as what it is, and asks for its password if it has one.
fn read(
    shape: &Shape,
    from: Option<Format>,
    wishes: &mut Wishes,
) -> Result<(Format, Reading), Failure> {
    let format = match (from, formats::recognise(shape)) {
        // Read as something else, it would lose what only its own format knows of.
        (Some(from), Some(found))
            if from != found && wishes.columns.is_empty() && !from.fits(shape) =>
        {
            return Err(told::of_another(from, found));
        }
        (Some(format), _) | (None, Some(format)) => format,
        (None, None) => return Err(told::unreadable(&reading::Error::Unknown)),
    };
    let reading = match formats::read(format, shape, wishes) {
        Err(reading::Error::NoPassword) if terminal::is_there() => {
            let question = format!("Password of the export from {}: ", format.title());
            let typed = terminal::ask_secret(&question, Lines::One);
            terminal::end_silence();
            wishes.password = Some(typed.map_err(|error| {
                Failure::environment("NoAnswer", format!("nothing was imported: {error}"))
            })?);
            formats::read(format, shape, wishes)
        }
        reading => reading,
    };
    reading.map(|reading| (format, reading)).map_err(|error| told::unreadable(&error))
}

/// Reads the password of an export, without the newline that ends it.
fn password_in(path: &str) -> Result<Secret<String>, Failure> {
    let bytes = Secret::new(credential::read(Path::new(path), MAX_PASSWORD)?);
    let text = str::from_utf8(bytes.expose()).map_err(|_not_text| {
        Failure::environment("BadCredential", format!("{path} is no UTF-8 text"))
    })?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    Ok(Secret::new(text.strip_suffix('\r').unwrap_or(text).to_owned()))
}

/// Reads which columns are what. A column's name may have a comma: what follows has a `=` if it is the
/// next pair.
fn columns(text: &str) -> Result<Vec<(String, String)>, Error> {
    let mut columns: Vec<(String, String)> = Vec::new();
    for part in text.split(',') {
        match (part.split_once('='), columns.last_mut()) {
            (Some((field, column)), _) if !field.is_empty() && !column.is_empty() => {
                columns.push((field.to_owned(), column.to_owned()));
            }
            (None, Some((_, column))) => {
                column.push(',');
                column.push_str(part);
            }
            (Some(_) | None, _) => {
                return Err(Error::argument(
                    "--map",
                    "it must be FIELD=COLUMN, separated by commas",
                ));
            }
        }
    }
    Ok(columns)
}

/// Reads a size in bytes.
fn size(text: &str) -> Option<usize> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = text.strip_prefix(digits)?;
    let bytes = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "kb" => 1_000,
        "mb" => 1_000_000,
        _ => return None,
    };
    digits.parse::<usize>().ok()?.checked_mul(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_their_units() {
        for (text, bytes) in [
            ("65536", Some(65_536)),
            ("500KiB", Some(512_000)),
            ("4m", Some(4 << 20)),
            ("1MB", Some(1_000_000)),
            ("0", Some(0)),
            ("MiB", None),
            ("-1", None),
            ("1 MiB", None),
            ("1GiB", None),
        ] {
            assert_eq!(size(text), bytes, "{text}");
        }
    }

    #[test]
    fn columns_are_pairs() {
        let pair = |field: &str, column: &str| (field.to_owned(), column.to_owned());
        let read = |text: &str| columns(text).ok();
        assert_eq!(
            read("name=Title,password=Key, secret").unwrap(),
            [pair("name", "Title"), pair("password", "Key, secret")]
        );
        for text in ["", "name", "=x", "name=", "x,name=y"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
