//! `export`: secrets leave the vault, as another program reads them, or as a vault of their own.

use std::io::{self, IsTerminal};
use std::path::Path;

use super::super::enroll::{self, Made};
use super::super::failure::Failure;
use super::super::moving::leaving::Leaving;
use super::super::moving::{archive, tree};
use super::super::request::error::Error;
use super::super::stdout;
use super::super::terminal;
use super::super::unlock::{self, CommandContext};
use super::new_credential::{self, PassphraseOptions};
use super::options::{self, Choice, Number, options};
use super::own::{Invocation, OwnCommand, text};
use crate::crypto::passphrase::Passphrase;
use crate::crypto::slot::{Credential, SlotKind};
use crate::service::export::{self, Purpose};
use crate::store;
use crate::sys::entropy::SystemEntropy;
use crate::sys::files::FileFault;
use crate::sys::secret::Secret;
use crate::sys::unnamed;
use crate::transfer::taken;
use crate::transfer::write::{self, Feature, Target, Written, aws, protected};
use crate::upkeep::slots::NewSlot;
use crate::vault::Vault;

/// Whole secrets were left out: the exit code.
const LACKS_SOMETHING: u8 = 1;
/// Stdout, where a file is asked for.
const STDOUT: &str = "-";

options! {
    /// The options of `export`.
    pub(super) struct Export {
        /// What to write: archive is a vault of its own, aws a directory of requests and a script that
        /// makes them, bitwarden its JSON, under a password unless
        /// --plaintext is given, csv a table as browsers have it, env lines of KEY=value, keepass its
        /// XML
        to: Option<To> = "FORMAT",
        /// Only secrets whose names are like this, such as 'app/*'
        select: Vec<String> = "PATTERN",
        /// Where to write, which must not be there; stdout, if it is no terminal, if you say nothing
        out: Option<String> = "FILE",
        /// Write values that everybody can read, as most formats have them
        plaintext: bool,
        /// Only say what the export would not hold
        dry_run: bool,
        /// Let this keyfile open the archive, and no passphrase; it is made if it is not there
        archive_keyfile: Option<String> = "FILE" =>
            .conflicts_with_all(PassphraseOptions::names()),
        ..new: PassphraseOptions
    }
}

/// What is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum To {
    /// A vault.
    Archive,
    /// A directory of documents and a script for the AWS CLI.
    Aws,
    /// A file that anybody can read.
    Plain(Target),
}

impl Choice for To {
    const ALL: &'static [(&'static str, Self)] = &[
        ("archive", Self::Archive),
        ("aws", Self::Aws),
        ("bitwarden", Self::Plain(Target::Bitwarden)),
        ("csv", Self::Plain(Target::Csv)),
        ("env", Self::Plain(Target::Env)),
        ("keepass", Self::Plain(Target::KeePass)),
    ];
}

impl OwnCommand for Export {
    const NAME: &'static str = "export";
    const TITLE: &'static str = "Export";
    const SUMMARY: &'static str = "Write secrets for another program, or as a vault of their own.";
    const EXAMPLE: &'static str = "strongroom export --to archive --dry-run";

    fn run(self, invocation: &Invocation<'_>) -> Result<(), Failure> {
        let context = invocation.context;
        context.check_region()?;
        let Some(to) = self.to else {
            return Err(Error::usage("the following arguments are required: --to").into());
        };
        self.check(to, invocation)?;
        let place = self.place(to)?;
        let mut vault = context.unlock()?;
        // Asked for when it is known that the vault opens, and before anything is read.
        let (key, made) = self.key(to, context)?;
        let export = self.take(&mut vault, context)?;
        drop(vault);
        let (leaving, output) = gathered(to, export);
        self.tell(&leaving, place);
        if !self.dry_run {
            let context = invocation.context;
            made.settle(output.write(place, key, context))?;
        }
        if self.dry_run || place.is_some() {
            self.answer(to, &leaving, place, invocation)?;
        }
        if leaving.lacks_secrets() { Err(Failure::Ended(LACKS_SOMETHING)) } else { Ok(()) }
    }
}

impl Export {
    /// Requires that the options fit together, before anything is asked or read.
    fn check(&self, to: To, invocation: &Invocation<'_>) -> Result<(), Failure> {
        let is_plain = !self.is_protected(to);
        let may_be_plain = to != To::Archive;
        if is_plain && !self.plaintext && !self.dry_run {
            let what = format!(
                "--to {} writes every value so that everybody can read it: --plaintext says that \
                 this is meant, and --to archive protects it",
                to.word()
            );
            return Err(Error::usage(what).into());
        }
        if !may_be_plain && self.plaintext {
            let what = "an archive is never plain text";
            return Err(Error::argument("--plaintext", what).into());
        }
        let PassphraseOptions { kdf_memory, kdf_passes, kdf_lanes, .. } = &self.new;
        let has_cost = [kdf_memory, kdf_passes, kdf_lanes]
            .map(Number::get)
            .into_iter()
            .collect::<Result<Vec<_>, _>>()?;
        let is_of_archives = self.archive_keyfile.is_some() || has_cost.iter().any(Option::is_some);
        let is_wrong = to != To::Archive && is_of_archives;
        let given = invocation.first_given::<PassphraseOptions>();
        match given.filter(|_| is_plain || is_wrong) {
            Some(name) => Err(options::belongs_to(&name, "--to archive").into()),
            None if is_wrong => Err(options::belongs_to("archive-keyfile", "--to archive").into()),
            None => Ok(()),
        }
    }

    /// Whether the export is under a passphrase or a keyfile of its own.
    fn is_protected(&self, to: To) -> bool {
        match to {
            To::Archive => true,
            To::Plain(Target::Bitwarden) => !self.plaintext,
            To::Aws | To::Plain(_) => false,
        }
    }

    /// Says where to write; `None` is stdout.
    fn place(&self, to: To) -> Result<Option<&Path>, Failure> {
        let place = self.out.as_deref().filter(|out| *out != STDOUT).map(Path::new);
        let Some(path) = place else {
            if self.dry_run {
                return Ok(None);
            }
            if let To::Archive | To::Aws = to {
                return Err(no_place(to).into());
            }
            if io::stdout().is_terminal() {
                let message = "an export is never shown at a terminal";
                return Err(Failure::environment("NoAnswer", message)
                    .hinted("give --out FILE, or have another program read it: | PROGRAM"));
            }
            return Ok(None);
        };
        unlock::check_destination(path)?;
        if store::is_taken(path) {
            return Err(FileFault::Exists(path.to_owned()).into());
        }
        Ok(Some(path))
    }

    /// Returns what opens the export.
    fn key(&self, to: To, context: &CommandContext<'_>) -> Result<(Key, Made), Failure> {
        if self.dry_run || !self.is_protected(to) {
            return Ok((Key::None, Made::default()));
        }
        if let Some(path) = &self.archive_keyfile {
            let (keyfile, made) = enroll::keyfile(Path::new(path), SlotKind::Keyfile)?;
            let credential = Credential::Keyfile(keyfile);
            let label = "keyfile".to_owned();
            return Ok((Key::Slot(NewSlot { credential, kdf: None, label }), made));
        }
        let kdf = match to {
            To::Archive => Some(new_credential::cost(&self.new, context.globals)?),
            To::Aws | To::Plain(_) => None,
        };
        terminal::note("the export gets a passphrase of its own");
        let passphrase = new_credential::passphrase(&self.new)?;
        if kdf.is_none() {
            return Ok((Key::Password(passphrase), Made::default()));
        }
        let credential = Credential::Passphrase(passphrase);
        let slot = NewSlot { credential, kdf, label: "passphrase".to_owned() };
        Ok((Key::Slot(slot), Made::default()))
    }

    fn take(
        &self,
        vault: &mut Vault,
        context: &CommandContext<'_>,
    ) -> Result<export::Export, Failure> {
        let purpose = if self.dry_run { Purpose::DryRun } else { Purpose::Export };
        let (region, patterns) = (context.region(), &self.select);
        let taken = export::take(vault, region, patterns, purpose, context.request_context());
        let taken = taken.map_err(|failure| Failure::of_operation(Self::TITLE, failure))?;
        unlock::warn(vault);
        if taken.secrets.is_empty() && !patterns.is_empty() {
            let message = format!("no secret has a name like {}", patterns.join(" or "));
            return Err(Failure::environment("NothingSelected", message).hinted(
                "`strongroom ls` shows the names; * is any text, and a shell wants it quoted",
            ));
        }
        Ok(taken)
    }

    /// Says what the export cannot hold, before it is written: to a person, and to whoever does not see
    /// the answer, since stdout has the export.
    fn tell(&self, leaving: &Leaving, place: Option<&Path>) {
        let is_unseen = place.is_none() && !self.dry_run;
        let tell = if is_unseen { terminal::report } else { terminal::note };
        leaving.lines().iter().for_each(|line| tell(line));
    }

    fn answer(
        &self,
        to: To,
        leaving: &Leaving,
        place: Option<&Path>,
        invocation: &Invocation<'_>,
    ) -> Result<(), Failure> {
        let status = if self.dry_run { "dry run" } else { "exported" };
        let mut members = vec![text("Status", status), text("Format", to.word())];
        if let Some(path) = place.filter(|_| !self.dry_run) {
            members.push(text("Path", path.display().to_string()));
            if !self.is_protected(to) {
                let path = path.display();
                terminal::note(&format!(
                    "note: everybody who gets {path} can read all that is in it: remove it when it \
                     has arrived (rm {path})"
                ));
            }
        }
        members.extend(leaving.members());
        invocation.print(members)
    }
}

impl To {
    fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, known)| *known == self).map_or("", |(word, _)| word)
    }
}

/// Says that a format needs a place of its own.
fn no_place(to: To) -> Error {
    Error::usage(format!("--to {} needs --out, where nothing is yet", to.word()))
}

/// What opens an export.
enum Key {
    /// Nothing: everybody can read it.
    None,
    /// The slot of an archive.
    Slot(NewSlot),
    /// The password of a document.
    Password(Passphrase),
}

/// What is to be written.
enum Output {
    Archive(export::Export),
    Tree(Vec<aws::File>),
    Bytes(Secret<Vec<u8>>),
}

/// Makes what is to be written, in memory, and counts what it has not.
fn gathered(to: To, export: export::Export) -> (Leaving, Output) {
    let secrets = u64::try_from(export.secrets.len()).unwrap_or(u64::MAX);
    let scheduled = export.scheduled;
    let (mut losses, output) = match to {
        To::Archive => (archive::losses(&export.secrets), Output::Archive(export)),
        To::Aws => {
            let (files, losses) = aws::write(&export.secrets);
            (losses, Output::Tree(files))
        }
        To::Plain(target) => {
            let Written { bytes, losses } = write::write(target, &taken::items(export.secrets));
            (losses, Output::Bytes(bytes))
        }
    };
    losses.add(Feature::Scheduled, scheduled);
    (Leaving { secrets, losses }, output)
}

impl Output {
    /// Writes it, whole or not at all.
    fn write(
        self,
        place: Option<&Path>,
        key: Key,
        context: &CommandContext<'_>,
    ) -> Result<(), Failure> {
        match (self, place, key) {
            (Self::Archive(export), Some(path), Key::Slot(slot)) => {
                archive::make(path, slot, export, context)
            }
            (Self::Archive(_), _, _) => Err(no_place(To::Archive).into()),
            (Self::Tree(files), Some(path), _) => tree::write(path, &files),
            (Self::Tree(_), None, _) => Err(no_place(To::Aws).into()),
            (Self::Bytes(bytes), place, Key::Password(password)) => {
                let bytes = protected::protect(&bytes, password.expose(), &SystemEntropy)?;
                Self::Bytes(bytes).write(place, Key::None, context)
            }
            (Self::Bytes(bytes), Some(path), _) => {
                Ok(unnamed::write_private(path, bytes.expose())?)
            }
            (Self::Bytes(bytes), None, _) => stdout::print(bytes.expose()),
        }
    }
}
