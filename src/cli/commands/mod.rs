//! The vault's own commands: the list of them. A file each has what is declared of them.

mod access_key;
mod care;
mod completions;
mod configure;
mod copies;
mod copy;
mod diff;
mod doctor;
mod edit;
mod env;
mod export;
mod find;
mod generate;
mod get;
mod grant;
mod history;
mod import;
pub(crate) mod init;
mod inject;
mod json;
mod keys;
mod lock;
mod log;
mod ls;
mod man;
mod names;
mod new_credential;
mod options;
mod otp;
pub(crate) mod own;
mod peer;
mod pick;
mod rename;
mod rm;
mod rotate_due;
mod rotation;
mod run;
mod serve;
mod set;
mod show;
mod slots;
mod status;
mod undo;

use clap::Command;

use super::failure::Failure;
use super::request::error as request;
use super::unlock::CommandContext;
use own::{CommandSpec, Manual, Takes};

/// The commands, in the order of the help.
const ALL: &[CommandSpec] = &[
    CommandSpec::of::<get::Get>(),
    CommandSpec::of::<copy::Copy>(),
    CommandSpec::of::<otp::Otp>(),
    CommandSpec::of::<set::Set>(),
    CommandSpec::of::<generate::Generate>(),
    CommandSpec::of::<show::Show>(),
    CommandSpec::of::<edit::Edit>(),
    CommandSpec::of::<ls::Ls>(),
    CommandSpec::of::<find::Find>(),
    CommandSpec::of::<pick::Pick>(),
    CommandSpec::of::<rm::Rm>(),
    CommandSpec::of::<rm::Restore>(),
    CommandSpec::of::<rename::Rename>(),
    CommandSpec::of::<rename::Mv>(),
    CommandSpec::of::<log::Log>(),
    CommandSpec::of::<diff::Diff>(),
    CommandSpec::of::<undo::Undo>(),
    CommandSpec::of::<run::Run>(),
    CommandSpec::of::<serve::Serve>(),
    CommandSpec::of::<inject::Inject>(),
    CommandSpec::of::<env::AsVariables>(),
    CommandSpec::of::<doctor::Doctor>(),
    CommandSpec::of::<import::Import>(),
    CommandSpec::of::<export::Export>(),
    CommandSpec::of::<init::Init>(),
    CommandSpec::of::<lock::Unlock>(),
    CommandSpec::of::<lock::Lock>(),
    CommandSpec::of::<grant::Grant>(),
    CommandSpec::of::<access_key::AccessKey>(),
    CommandSpec::of::<status::Status>(),
    CommandSpec::of::<peer::Peer>(),
    CommandSpec::of::<configure::Configure>(),
    CommandSpec::of::<keys::ChangePassphrase>(),
    CommandSpec::of::<slots::KeySlot>(),
    CommandSpec::of::<keys::Rekey>(),
    CommandSpec::of::<care::Check>(),
    CommandSpec::of::<care::Salvage>(),
    CommandSpec::of::<care::Purge>(),
    CommandSpec::of::<copies::Backup>(),
    CommandSpec::of::<copies::RestoreBackup>(),
    CommandSpec::of::<rotate_due::RotateDue>(),
    CommandSpec::of::<rotation::Rotation>(),
    CommandSpec::of::<history::Checkpoint>(),
    CommandSpec::of::<history::AcceptState>(),
    CommandSpec::of::<history::ListEvents>(),
    CommandSpec::of::<json::Json>(),
    CommandSpec::of::<completions::Completions>(),
    CommandSpec::of::<man::Man>(),
];

/// What our completions call. Nobody types them, and the help leaves them out.
const HIDDEN: &[CommandSpec] = &[CommandSpec::of::<names::OfferNames>()];

/// The names of the commands.
pub(crate) const NAMES: &[&str] = &names();

const fn names() -> [&'static str; ALL.len()] {
    let mut names = [""; ALL.len()];
    let mut index = 0;
    while index < ALL.len() {
        #[expect(clippy::indexing_slicing, reason = "evaluated when compiled, within bounds")]
        {
            names[index] = ALL[index].name;
        }
        index += 1;
    }
    names
}

/// Returns every word that is taken for one of our commands.
pub(crate) fn accepted() -> Vec<&'static str> {
    ALL.iter().chain(HIDDEN).map(|spec| spec.name).collect()
}

/// Returns a command as clap knows it.
pub(crate) fn command(name: &str) -> Option<Command> {
    ALL.iter().find(|spec| spec.name == name).map(CommandSpec::command)
}

/// Returns names and summaries, for the help.
pub(crate) fn summaries() -> Vec<(String, &'static str)> {
    ALL.iter().map(|spec| (spec.name.to_owned(), spec.summary)).collect()
}

/// Whether a rotation's program may call a command.
pub(crate) fn runs_in_rotation(name: &str) -> bool {
    find(name).is_some_and(|spec| spec.runs_in_rotation)
}

/// Whether the holder of a grant may call a command.
pub(crate) fn is_of_operations(name: &str) -> bool {
    find(name).is_some_and(|spec| spec.runs_in_rotation || spec.is_of_operations)
}

/// Whether a command passes words on to another program, to the byte.
pub(crate) fn passes_words_on(name: &str) -> bool {
    name == <run::Run as own::OwnCommand>::NAME
}

/// Whether a person calls a command, and not a shell for its completions.
pub(crate) fn is_of_person(name: &str) -> bool {
    name != <completions::Completions as own::OwnCommand>::NAME && NAMES.contains(&name)
}

/// Returns what a command's words are that are no option's.
pub(crate) fn takes(name: &str) -> &'static [Takes] {
    find(name).map(|spec| spec.takes).unwrap_or_default()
}

/// Runs a command.
pub(crate) fn run(
    name: &str,
    words: &[String],
    context: &CommandContext<'_>,
    manual: Manual,
) -> Result<(), Failure> {
    let none = || request::Error::usage(format!("there is no command {name}"));
    find(name).ok_or_else(none)?.run(words, context, manual)
}

fn find(name: &str) -> Option<&'static CommandSpec> {
    ALL.iter().chain(HIDDEN).find(|spec| spec.name == name)
}
