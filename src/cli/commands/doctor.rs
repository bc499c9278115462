//! `doctor`: what somebody should put right: passwords, rotations, backups, files. It changes nothing.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use clap::builder::PossibleValuesParser;

use super::super::duration;
use super::super::everyday::client::Client;
use super::super::everyday::doctor::around::{self, Place};
use super::super::everyday::doctor::examiner::{Examined, Examiner, Wanted};
use super::super::everyday::doctor::finding::{self, Finding};
use super::super::everyday::doctor::kind::{Kind, Needs};
use super::super::everyday::doctor::listing::{self, Listed};
use super::super::failure::Failure;
use super::super::progress::Bar;
use super::super::request::error::Error;
use super::super::stdout::print;
use super::super::terminal;
use super::super::unlock::CommandContext;
use super::options::{Argument, Word, options};
use super::own::{Invocation, OwnCommand, Takes, count};
use crate::agent::chores::Chore;
use crate::crypto::leaked::{LeakedPasswords, Unreliable};
use crate::crypto::likeness::Likeness;
use crate::model::time::Timestamp;
use crate::model::value::Value;
use crate::service::action::Action;
use crate::sys::entropy::SystemEntropy;
use crate::sys::exposure::Eyes;
use crate::sys::files::{self, FileFault};
use crate::upkeep::backups;

options! {
    /// The options of `doctor`.
    pub(super) struct Doctor {
        /// Only secrets whose names begin so, and nothing about the vault as a whole
        prefix: Option<Word> = "PREFIX",
        /// Passwords that did not change for so long are old: 1y, 26w, 90d
        older_than: Option<String> = "AGE",
        /// Look passwords up in this list of leaked ones: the SHA-1 file of Have I Been Pwned, which
        /// stays where it is
        pwned: Option<String> = "FILE",
        /// Look for this kind of things alone, or these with commas between them
        only: Kinds = "KIND",
        /// Leave this kind out, or these
        except: Kinds = "KIND"
    }
}

/// Kinds of findings that an option names.
pub(super) struct Kinds(Vec<Kind>);

impl Argument for Kinds {
    fn shape(argument: clap::Arg) -> clap::Arg {
        let name = argument.get_id().to_string();
        let names = PossibleValuesParser::new(Kind::ALL.map(Kind::name));
        let argument = argument.long(name).action(clap::ArgAction::Append);
        argument.value_delimiter(',').value_parser(names)
    }

    fn read(matches: &clap::ArgMatches, name: &str) -> Result<Self, Error> {
        let names = Vec::<String>::read(matches, name)?;
        Ok(Self(names.iter().filter_map(|name| Kind::named(name)).collect()))
    }
}

impl OwnCommand for Doctor {
    const NAME: &'static str = "doctor";
    const TITLE: &'static str = "Doctor";
    const SUMMARY: &'static str = "Say what should be put right: passwords, backups, rotations.";
    const EXAMPLE: &'static str = "strongroom doctor --older-than 1y --except backup";
    const IS_OF_OPERATIONS: bool = true;
    const TAKES: &'static [Takes] = &[Takes::Folder];

    fn run(self, invocation: &Invocation<'_>) -> Result<(), Failure> {
        let context = invocation.context;
        let now = context.request_context().now;
        let asked = self.asked()?;
        self.check_prefix()?;
        let old_before = self.old_before(now)?;
        let list = self.pwned.as_deref().map(Path::new).map(open).transpose()?;
        let read = |from: u64, into: &mut [u8]| match &list {
            Some((file, _)) => file.read_at(into, from),
            None => Ok(0),
        };
        let leaked = match &list {
            Some((_, size)) => {
                Some(LeakedPasswords::new(*size, &read).map_err(|why| unreliable(&why))?)
            }
            None => None,
        };
        let mut client = Client::new(context)?;
        let prefix = self.prefix.map(|Word(prefix)| prefix);
        let kinds = allowed(asked, &client, prefix.is_some());
        if kinds.is_empty() {
            // Who looks for nothing would take it for a vault with nothing wrong.
            let option = if self.except.0.is_empty() { "--only" } else { "--except" };
            return Err(Error::argument(option, "it leaves nothing to look for").into());
        }
        let wanted = Wanted { kinds: &kinds, old_before, leaked, now };
        let mut found = look(&mut client, wanted, prefix.as_deref().unwrap_or_default(), context)?;
        finding::sort(&mut found.findings);
        tell(found, &kinds, invocation)
    }
}

impl Doctor {
    /// Returns the kinds that were asked for: those that need more than was given are left out, unless
    /// they are named.
    fn asked(&self) -> Result<Vec<Kind>, Error> {
        let given = [
            (Kind::Pwned, "--pwned", self.pwned.is_some()),
            (Kind::Old, "--older-than", self.older_than.is_some()),
        ];
        let is_named = |kind: &Kind| self.only.0.is_empty() || self.only.0.contains(kind);
        let is_left = |kind: &Kind| !self.except.0.contains(kind);
        let mut kinds: Vec<Kind> = Kind::ALL.into_iter().filter(is_named).filter(is_left).collect();
        for (kind, option, is_given) in given {
            if is_given && !kinds.contains(&kind) {
                let what = format!("it belongs to the kind {}, which is left out", kind.name());
                return Err(Error::argument(option, what));
            }
            if !is_given && self.only.0.contains(&kind) && kinds.contains(&kind) {
                let what = format!("the kind {} needs {option}", kind.name());
                return Err(Error::argument("--only", what));
            }
            kinds.retain(|one| *one != kind || is_given);
        }
        Ok(kinds)
    }

    /// Requires that what is named can be looked for among some secrets.
    fn check_prefix(&self) -> Result<(), Error> {
        let is_whole = |kind: &&Kind| kind.needs() == Needs::Surroundings;
        match self.only.0.iter().find(is_whole).filter(|_| self.prefix.is_some()) {
            Some(kind) => {
                let what = format!("the kind {} is of the whole vault, not of PREFIX", kind.name());
                Err(Error::argument("--only", what))
            }
            None => Ok(()),
        }
    }

    /// Returns since when a password is not old.
    fn old_before(&self, now: Timestamp) -> Result<Option<Timestamp>, Error> {
        let Some(age) = &self.older_than else { return Ok(None) };
        let age = duration::age(age).ok_or_else(|| {
            Error::argument("--older-than", "it must be a time such as 1y, 26w or 90d")
        })?;
        Ok(Some(Timestamp(now.0.saturating_sub(age))))
    }
}

/// All that was found.
struct Found {
    findings: Vec<Finding>,
    /// How many secrets were listed, if any had to be.
    secrets: Option<u64>,
    /// How many passwords there were, if values were read.
    passwords: Option<u64>,
    /// Values that the service did not hand out.
    unread: u64,
}

/// Opens the list of leaked passwords, which is read in places.
fn open(path: &Path) -> Result<(File, u64), Failure> {
    let file = files::open_regular(path)?;
    let metadata = file.metadata().map_err(|error| FileFault::from_io(path, error))?;
    Ok((file, metadata.len()))
}

fn unreliable(why: &Unreliable) -> Failure {
    let hint = match why {
        Unreliable::OfNtlm => "haveibeenpwned-downloader writes SHA-1 unless it is told -n",
        Unreliable::OutOfOrder { .. } => {
            "the list in the order of its hashes is needed, not counts"
        }
        Unreliable::Empty | Unreliable::NotAHash { .. } => {
            "it must be the unpacked SHA-1 list of Have I Been Pwned, HASH:COUNT a line"
        }
        Unreliable::Incomplete { .. } | Unreliable::Unreadable(_) => {
            "get the list again; what it lacks would pass for unknown"
        }
    };
    Failure::environment("BadHashList", why.to_string()).hinted(hint)
}

/// Leaves out what this caller may not know, and what was not asked for.
fn allowed(mut kinds: Vec<Kind>, client: &Client<'_>, is_part: bool) -> Vec<Kind> {
    let is_granted = client.is_granted();
    let before = kinds.len();
    kinds.retain(|kind| match kind.needs() {
        Needs::Values | Needs::List => true,
        Needs::Rotations => !is_granted,
        Needs::Surroundings => !is_granted && !is_part,
    });
    if is_granted && kinds.len() < before {
        terminal::note(
            "note: the vault as a whole and its rotations are not for the holder of a grant, and were \
             not looked at",
        );
    }
    kinds
}

/// Looks for everything.
fn look(
    client: &mut Client<'_>,
    wanted: Wanted<'_>,
    prefix: &str,
    context: &CommandContext<'_>,
) -> Result<Found, Failure> {
    let kinds = wanted.kinds;
    let is_wanted = |need: Needs| kinds.iter().any(|kind| kind.needs() == need);
    let findings = surroundings(kinds, wanted.now, context)?;
    let mut found = Found { findings, secrets: None, passwords: None, unread: 0 };
    if is_wanted(Needs::Rotations) {
        let chore = || Chore::Status { anchors: None };
        let status = client.chore(chore, Doctor::TITLE, None)?;
        let unfinished = listing::unfinished(&status, client.region().as_deref());
        found.findings.extend(unfinished.into_iter().filter(|finding| finding.is_below(prefix)));
    }
    if is_wanted(Needs::List) || is_wanted(Needs::Values) {
        let listed = list(client, prefix, wanted.now, &mut found.findings)?;
        found.secrets = u64::try_from(listed.len()).ok();
        if is_wanted(Needs::Values) {
            read_values(client, &listed, wanted, &mut found)?;
        }
    }
    found.findings.retain(|finding| kinds.contains(&finding.kind));
    Ok(found)
}

/// Lists secrets, and judges what the list says of them.
fn list(
    client: &mut Client<'_>,
    prefix: &str,
    now: Timestamp,
    findings: &mut Vec<Finding>,
) -> Result<Vec<Listed>, Failure> {
    let mut found = Vec::new();
    let request = vec![("IncludePlannedDeletion", Value::Boolean(true))];
    let answer = client.whole(Action::ListSecrets, request)?;
    if let Some(Value::List(secrets)) = answer.get("SecretList") {
        for secret in secrets {
            if let Some(listed) = Listed::read(secret).filter(|one| one.name.starts_with(prefix)) {
                findings.extend(listing::judge(secret, now));
                found.push(listed);
            }
        }
    }
    Ok(found)
}

/// Reads values, a few at a time, and judges them. None is kept.
fn read_values(
    client: &mut Client<'_>,
    listed: &[Listed],
    wanted: Wanted<'_>,
    found: &mut Found,
) -> Result<(), Failure> {
    let readable: Vec<&Listed> = listed.iter().filter(|one| one.is_readable).collect();
    let total = u64::try_from(readable.len()).unwrap_or_default();
    if total > 0 {
        terminal::note(&format!("note: reading {total} values, each of which is logged"));
    }
    let mut examiner = Examiner::new(wanted, Likeness::new(&SystemEntropy)?);
    let mut done = 0_u64;
    let mut bar = Bar::default();
    for part in readable.chunks(AT_ONCE) {
        bar.tell("passwords", done, total);
        let ids = part.iter().map(|one| Value::Text(one.arn.clone())).collect();
        let request = vec![("SecretIdList", Value::List(ids))];
        let answer = client.call(Action::BatchGetSecretValue, request)?;
        if let Some(Value::List(values)) = answer.get("SecretValues") {
            for value in values {
                examine(&mut examiner, value)?;
            }
        }
        if let Some(Value::List(errors)) = answer.get("Errors") {
            found.unread =
                found.unread.saturating_add(u64::try_from(errors.len()).unwrap_or_default());
        }
        done = done.saturating_add(u64::try_from(part.len()).unwrap_or_default());
    }
    terminal::finish();
    let (findings, passwords) = examiner.finish();
    found.findings.extend(findings);
    found.passwords = Some(passwords);
    Ok(())
}

fn examine(examiner: &mut Examiner<'_>, answer: &Value) -> Result<(), Failure> {
    let (Some(Value::Text(name)), Some(Value::Text(value))) =
        (answer.get("Name"), answer.get("SecretString"))
    else {
        return Ok(());
    };
    let made = match answer.get("CreatedDate") {
        Some(Value::Timestamp(made)) => Some(*made),
        Some(_) | None => None,
    };
    examiner.take(&Examined { name, made, value }).map_err(|why| {
        terminal::finish();
        unreliable(&why)
    })
}

/// Looks at what surrounds the vault. One that others may change is not opened, which is the failure of
/// this command as of any other; its files can be looked at all the same.
fn surroundings(
    kinds: &[Kind],
    now: Timestamp,
    context: &CommandContext<'_>,
) -> Result<Vec<Finding>, Failure> {
    let is_wanted = |kind: &Kind| kinds.contains(kind);
    if !kinds.iter().any(|kind| kind.needs() == Needs::Surroundings) {
        return Ok(Vec::new());
    }
    let places = places(context)?;
    let wanted = places.iter().filter(|place| is_wanted(&place.kind));
    let mut findings: Vec<Finding> = wanted.filter_map(around::exposed).collect();
    if is_wanted(&Kind::SingleSlot) || is_wanted(&Kind::Backup) {
        let locked = context.open_locked()?;
        let state = context.environment.state();
        let last = state.and_then(|state| backups::last(&state, locked.vault_id()));
        findings.extend(around::slots(locked.slots().count()));
        findings.extend(around::backup(last, now));
    }
    Ok(findings)
}

/// Returns the files that the vault relies on.
fn places(context: &CommandContext<'_>) -> Result<Vec<Place>, Failure> {
    let permissions = |what, path: PathBuf, eyes| {
        let kind = Kind::Permissions;
        Place { kind, what, path, eyes }
    };
    let vault = context.location()?.path.clone();
    let mut places = vec![permissions("the vault", vault, Eyes::Ours)];
    let state = context.environment.state();
    places.extend(state.map(|path| permissions("this machine's state", path, Eyes::Ours)));
    let program = std::env::current_exe().ok();
    places.extend(program.map(|path| permissions("the program", path, Eyes::All)));
    let keyfile = context.offer().keyfile_path().map(Path::to_owned);
    places.extend(keyfile.map(|path| Place {
        kind: Kind::Keyfile,
        what: "the keyfile",
        path,
        eyes: Eyes::Ours,
    }));
    Ok(places)
}

/// Tells a person or a script.
fn tell(found: Found, kinds: &[Kind], invocation: &Invocation<'_>) -> Result<(), Failure> {
    let Found { findings, secrets, passwords, unread } = found;
    let said = finding::sentence(findings.len(), secrets, passwords);
    let is_clean = findings.is_empty();
    let globals = invocation.context.globals;
    if globals.output.is_some() || globals.query.is_some() {
        let kinds = kinds.iter().map(|kind| Value::Text(kind.name().to_owned())).collect();
        let findings = findings.into_iter().map(Finding::into_value).collect();
        let mut members = vec![
            ("Findings".to_owned(), Value::List(findings)),
            ("LookedFor".to_owned(), Value::List(kinds)),
        ];
        members.extend(secrets.map(|secrets| count("Secrets", secrets)));
        if let Some(passwords) = passwords {
            members.extend([count("Passwords", passwords), count("Unread", unread)]);
        }
        invocation.print(members)?;
    } else {
        print(finding::lines(&findings).as_bytes())?;
    }
    if unread > 0 {
        terminal::note(&format!("note: {unread} values were not handed out, and not looked at"));
    }
    terminal::note(&said);
    if is_clean { Ok(()) } else { Err(Failure::Ended(FOUND)) }
}

/// How many values are read in one request, which is AWS's limit.
const AT_ONCE: usize = 20;
/// Something is to be put right.
const FOUND: u8 = 1;
