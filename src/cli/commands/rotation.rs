//! `rotation show`, `approve`, `revoke`, `template`: which programs may rotate secrets here.

use super::super::agent;
use super::super::chore::Workplace;
use super::super::failure::Failure;
use super::super::request::error as request;
use super::super::rotate;
use super::super::stdout::print;
use super::super::terminal;
use super::options::{Word, actions, belongs_to, options};
use super::own::{Invocation, OwnCommand, count, text};
use crate::agent::chores::Chore;
use crate::crypto::fingerprint;
use crate::model::value::Value;
use crate::programs::confine::{self, Freedom, Protection, Reach};
use crate::programs::output;
use crate::rotation::machine::Machine;
use crate::rotation::{attempt, pins, reach, templates};
use crate::service::action;
use crate::service::failure;
use crate::service::jobs::review::Review;
use crate::service::rotation::refusals;
use crate::vault::rotation::{self, Pin, Protocol};

options! {
    /// The options of `rotation`.
    pub(super) struct Rotation {
        /// What to do
        action: Action = "ACTION",
        /// With template: the ready-made program to print; without it they are listed
        name: Option<Word> = "NAME",
        /// The secret, by its name or ARN
        secret_id: Option<String> = "SECRET",
        /// With approve: take the program's files as they are now
        repin: bool,
    }
}

actions! {
    /// What is done about a rotation's program.
    pub(super) enum Action {
        /// Show it.
        Show = "show",
        /// Let it run on this machine.
        Approve = "approve",
        /// Take that back.
        Revoke = "revoke",
        /// Print one that is ready-made.
        Template = "template",
    }
}

impl OwnCommand for Rotation {
    const NAME: &'static str = "rotation";
    const TITLE: &'static str = "Rotation";
    const SUMMARY: &'static str = "Look at a rotation's program, approve it or take that back.";
    const EXAMPLE: &'static str = "strongroom rotation approve --secret-id app/db";

    fn run(self, invocation: &Invocation<'_>) -> Result<(), Failure> {
        if self.repin && self.action != Action::Approve {
            return Err(belongs_to("repin", "rotation approve").into());
        }
        if let Action::Template = self.action {
            return template(self.name.as_ref(), invocation);
        }
        if self.name.is_some() {
            return Err(request::Error::usage("only rotation template takes a NAME").into());
        }
        let none = || request::Error::usage("--secret-id says which secret's rotation");
        let id = self.secret_id.clone().ok_or_else(none)?;
        let workplace = Workplace::of(invocation.context);
        let mut approving = Approving { invocation, workplace, id };
        match self.action {
            Action::Approve => approving.approve(&self),
            Action::Revoke => approving.revoke(),
            Action::Show | Action::Template => approving.show(),
        }
    }
}

fn template(name: Option<&Word>, invocation: &Invocation<'_>) -> Result<(), Failure> {
    if let Some(Word(name)) = name {
        let found = templates::find(name).ok_or_else(|| {
            let names: Vec<&str> = templates::ALL.iter().map(|template| template.name).collect();
            request::Error::usage(format!("there is no {name}; there is: {}", names.join(", ")))
        })?;
        return print(found.text.as_bytes());
    }
    let row = |template: &templates::Template| {
        Value::Map(vec![text("Name", template.name), text("Summary", template.summary)])
    };
    let rows = templates::ALL.iter().map(row).collect();
    invocation.print(vec![("Templates".to_owned(), Value::List(rows))])
}

/// A secret's rotation, wherever its vault is open, and what this machine approved of.
struct Approving<'a> {
    invocation: &'a Invocation<'a>,
    workplace: Workplace<'a>,
    id: String,
}

impl Approving<'_> {
    fn approve(&mut self, options: &Rotation) -> Result<(), Failure> {
        let mut found = self.look_up()?;
        let machine = rotate::machine(self.invocation.context)?;
        let pins =
            if options.repin {
                let command = &rotation_of(&found)?.command;
                let pins = pins::compute(&command.argv, &command.pinning);
                Some(pins.map_err(|mismatch| {
                    Failure::environment("RotationError", mismatch.to_string())
                })?)
            } else {
                None
            };
        if pins.is_some() || found.unfinished.is_some() {
            found = self.note_approval(pins.as_deref())?;
        }
        let (place, digest) =
            attempt::named(&found.vault, found.rid, &rotation_of(&found)?.command);
        // What may run on this machine is written down here, and not by whoever has the vault.
        if let Some(kept) = machine.approvals().approve(&place, &digest)? {
            terminal::note(&format!("note: {}", attempt::begun_anew(&kept)));
        }
        self.tidy(&machine, &found);
        print_settings(self.invocation, &found)
    }

    fn revoke(&mut self) -> Result<(), Failure> {
        let found = self.look_up()?;
        let machine = rotate::machine(self.invocation.context)?;
        let (place, _) = attempt::named(&found.vault, found.rid, &rotation_of(&found)?.command);
        machine.approvals().revoke(&place)?;
        self.tidy(&machine, &found);
        print_settings(self.invocation, &found)
    }

    fn show(&mut self) -> Result<(), Failure> {
        let found = self.look_up()?;
        print_settings(self.invocation, &found)
    }

    fn look_up(&mut self) -> Result<Review, Failure> {
        let (secret, region) = self.place();
        let chore = || Chore::ReviewRotation { secret: secret.clone(), region: region.clone() };
        let review = self.workplace.have_done(chore, OPERATION)?;
        Review::from_value(&review).ok_or_else(agent::unintelligible)
    }

    fn note_approval(&mut self, pins: Option<&[Pin]>) -> Result<Review, Failure> {
        let (secret, region) = self.place();
        let chore = || Chore::ApproveRotation {
            secret: secret.clone(),
            region: region.clone(),
            pins: pins.map(<[Pin]>::to_vec),
        };
        let review = self.workplace.have_done(chore, OPERATION)?;
        Review::from_value(&review).ok_or_else(agent::unintelligible)
    }

    fn place(&self) -> (String, Option<String>) {
        (self.id.clone(), self.invocation.context.region().map(str::to_owned))
    }

    /// Takes back what was approved for secrets that this vault has no more. Whatever is in the way, it
    /// can be done another time.
    fn tidy(&mut self, machine: &Machine, found: &Review) {
        let vault = found.vault.to_string();
        let Ok(mut known) = machine.approvals().secrets_of(&vault) else { return };
        known.retain(|row| *row != found.rid);
        if known.is_empty() {
            return;
        }
        let chore = || Chore::Gone(known.clone());
        let Ok(Value::List(rows)) = self.workplace.have_done(chore, OPERATION) else { return };
        let row = |row: &Value| {
            let Value::Text(row) = row else { return None };
            row.parse().ok()
        };
        let gone: Vec<u64> = rows.iter().filter_map(row).collect();
        drop(machine.approvals().forget(&vault, &gone));
    }
}

fn rotation_of(found: &Review) -> Result<&rotation::Rotation, Failure> {
    found.rotation.as_ref().ok_or_else(|| {
        let none = failure::Failure::from(refusals::no_function());
        Failure::of_operation(OPERATION, none)
    })
}

/// The operation that failures are told of.
const OPERATION: &str = action::Action::RotateSecret.name();

/// Prints everything about a rotation except secret values. Variables are the user's own, and shown.
fn print_settings(invocation: &Invocation<'_>, found: &Review) -> Result<(), Failure> {
    let rotation = rotation_of(found)?;
    let command = &rotation.command;
    let machine = rotate::machine(invocation.context)?;
    let is_approved = attempt::is_approved(&found.vault, &machine, found.rid, command);
    let texts = |texts: &[String]| Value::List(texts.iter().cloned().map(Value::Text).collect());
    let pin = |(path, sha256): (&String, &[u8; 32])| {
        Value::Map(vec![text("Path", path), text("SHA256", fingerprint::hex(sha256))])
    };
    let pins = command.pins.iter().map(|p| pin((&p.path, &p.sha256))).collect();
    let freedoms = reach::freedoms(command, &machine);
    let unpinned = reach::unpinned(command, &freedoms).into_iter();
    let unpinned = unpinned.map(|path| Value::Text(path.display().to_string())).collect();
    let variables = command.env.iter().map(|(name, value)| text(name, value)).collect();
    let mut out = vec![
        text("ARN", &found.arn),
        text("Name", &found.name),
        ("RotationEnabled".to_owned(), Value::Boolean(rotation.enabled)),
        text("RotationLambdaARN", &rotation.function),
        text("Protocol", protocol(command.protocol)),
        ("Command".to_owned(), texts(&command.argv)),
        ("Environment".to_owned(), Value::Map(variables)),
        ("PassedEnvironment".to_owned(), texts(&command.pass_env)),
        ("MayRead".to_owned(), texts(&command.reads)),
        ("Pins".to_owned(), Value::List(pins)),
        ("NotPinned".to_owned(), Value::List(unpinned)),
        ("Grants".to_owned(), texts(&command.grants)),
        count("TimeoutSeconds", command.timeout_s),
        (
            "ApprovedOnThisMachine".to_owned(),
            Value::Boolean(is_approved.map_err(Failure::of_rotation)?),
        ),
    ];
    out.extend(confinement(&freedoms));
    if let Some(rotated) = found.rotated {
        out.push(("LastRotatedDate".to_owned(), Value::Timestamp(rotated)));
    }
    if let Some(unfinished) = &found.unfinished {
        out.push(("Unfinished".to_owned(), unfinished.clone()));
    }
    invocation.print(out.into_iter().map(|(name, value)| (name, visible(value))).collect())
}

/// Makes every character visible: what is shown here is what a person approves.
fn visible(value: Value) -> Value {
    let pair = |(name, value): (String, Value)| (output::visible(&name), visible(value));
    match value {
        Value::Text(text) => Value::Text(output::visible(&text)),
        Value::List(values) => Value::List(values.into_iter().map(visible).collect()),
        Value::Map(members) => Value::Map(members.into_iter().map(pair).collect()),
        Value::Null
        | Value::Boolean(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::Bytes(_)
        | Value::Timestamp(_) => value,
    }
}

fn protocol(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Lambda => "lambda",
        Protocol::Stdio => "stdio",
        Protocol::Builtin => "builtin",
    }
}

/// Says what confines a program on this machine, what does not and why, and which files it reaches
/// besides the system's and its directory for the step.
fn confinement(freedoms: &[Freedom]) -> Vec<(String, Value)> {
    let (mut held, mut missing) =
        (ALWAYS.map(|text| Value::Text(text.into())).to_vec(), Vec::new());
    for (protection, verdict) in confine::protections(freedoms) {
        match verdict {
            Ok(()) => held.push(Value::Text(described(protection).to_owned())),
            Err(why) => missing.push(text(described(protection), why)),
        }
    }
    let paths = |wanted: Reach| {
        let paths = freedoms.iter().filter_map(Freedom::path).filter(|(_, reach)| *reach == wanted);
        Value::List(paths.map(|(path, _)| Value::Text(path.display().to_string())).collect())
    };
    [
        ("Protections", Value::List(held)),
        ("NotProtected", Value::Map(missing)),
        ("MayReadFiles", paths(Reach::Read)),
        ("MayWriteFiles", paths(Reach::Write)),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}

fn described(protection: Protection) -> &'static str {
    match protection {
        Protection::Death => "dies with strongroom",
        Protection::Adoption => "killed with all it started, wherever that went",
        Protection::Privileges => "cannot become somebody else",
        Protection::Keyring => "a session keyring of its own",
        Protection::Files => "reaches only the files listed here and the system's",
        Protection::FileModes => "changes modes, owners and times only of files that it may write",
        Protection::Truncation => "cannot empty other files",
        Protection::AbstractSockets => "cannot reach abstract sockets of others",
        Protection::Signals => "cannot send signals to others",
    }
}

/// What holds everywhere.
const ALWAYS: [&str; 3] =
    ["own session without a terminal", "scrubbed environment", "bounded time and output"];
