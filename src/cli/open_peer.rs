//! Another vault is opened: in the agent, or with what is offered for peers, or with what a person says.
//! Wherever it is open, it is asked in the same way.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use super::agent::{Asked, Session};
use super::credentials::{Offer, Opened};
use super::failure::Failure;
use super::terminal;
use super::unlock::CommandContext;
use crate::model::shape::Shaped;
use crate::model::value::Value;
use crate::service::failure::Failure as Refusal;
use crate::service::peers::course::{Far, Side};
use crate::service::peers::link::Identity;
use crate::service::peers::registry::KnownPeer;
use crate::service::peers::task::Task;
use crate::store::Mode;
use crate::vault::across::Trouble;
use crate::vault::peers::Seen;
use crate::vault::{self, LockedVault, Vault};

/// Whether a person may be asked for what opens a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prompt {
    Allowed,
    /// The command is about something else.
    Never,
}

/// A vault that is asked for a part of what two do together, wherever it is open.
pub(super) enum Open<'a> {
    Here(&'a mut Vault, &'a CommandContext<'a>),
    InAgent(&'a Session),
}

/// A peer that was opened.
pub(super) enum OpenPeer {
    Here(Box<Vault>),
    InAgent(Session),
}

impl OpenPeer {
    pub(super) fn lend<'a>(&'a mut self, context: &'a CommandContext<'a>) -> Open<'a> {
        match self {
            Self::Here(vault) => Open::Here(vault, context),
            Self::InAgent(session) => Open::InAgent(session),
        }
    }
}

impl Side for Open<'_> {
    type Error = Failure;

    fn ask(&mut self, task: Task) -> Result<Value, Failure> {
        match self {
            Self::Here(vault, context) => {
                let done = task.run(vault, context.request_context());
                done.map_err(|failure| Failure::of_operation(NAME, failure))
            }
            Self::InAgent(session) => match session.task(task)? {
                Asked::Answered(answer) => Ok(answer),
                Asked::Gone => Err(Failure::environment("VaultLocked", "the vault was locked")),
            },
        }
    }
}

impl Far for Open<'_> {
    fn ask(&mut self, task: Task) -> Result<Value, Trouble> {
        match self {
            Self::Here(vault, context) => {
                task.run(vault, context.request_context()).map_err(|failure| match failure {
                    Refusal::Vault(error) => named(error.name()),
                    Refusal::Fault(_) => Trouble::Refused,
                })
            }
            Self::InAgent(session) => match session.task(task) {
                Ok(Asked::Answered(answer)) => Ok(answer),
                Ok(Asked::Gone) => Err(Trouble::Locked),
                Err(Failure::Explained(explained)) => Err(named(&explained.name)),
                Err(_) => Err(Trouble::Failed),
            },
        }
    }

    fn seen(&mut self) -> Option<Seen> {
        Identity::from_value(Far::ask(self, Task::Identify).ok()?).ok()?.seen()
    }
}

/// Returns where a peer's file is.
pub(super) fn path_of(peer: &KnownPeer) -> PathBuf {
    PathBuf::from(OsString::from_vec(peer.path()))
}

/// Opens a peer, and makes sure that it is the vault that it was.
pub(super) fn open(
    peer: &KnownPeer,
    prompt: Prompt,
    context: &CommandContext<'_>,
) -> Result<OpenPeer, Trouble> {
    let path = path_of(peer);
    let mut opened = open_at(&path, prompt, context).map_err(|shut| {
        if let Some(why) = shut.why {
            terminal::note(&format!("note: {}: {why}", path.display()));
        }
        shut.trouble
    })?;
    match difference(&mut opened, peer, context)? {
        None => Ok(opened),
        Some(trouble) => Err(trouble),
    }
}

/// Whether an opened vault was shown to come after the state in which a peer was seen.
pub(super) fn follows(
    opened: &mut OpenPeer,
    earlier: &KnownPeer,
    context: &CommandContext<'_>,
) -> bool {
    let difference = difference(opened, earlier, context);
    difference.is_ok_and(|trouble| trouble.is_none_or(|trouble| trouble == Trouble::ReadOnly))
}

/// Says why an opened vault is not the peer that was seen, or cannot be used as it.
fn difference(
    opened: &mut OpenPeer,
    peer: &KnownPeer,
    context: &CommandContext<'_>,
) -> Result<Option<Trouble>, Trouble> {
    let answer = Far::ask(&mut opened.lend(context), Task::ComeAfter(peer.expected()))?;
    Ok(trouble_in(&answer))
}

/// Why a vault could not be opened.
pub(super) struct Shut {
    pub(super) trouble: Trouble,
    /// What the vault or the credential says of it, where that is more than the trouble.
    pub(super) why: Option<String>,
}

impl Shut {
    fn by(trouble: Trouble) -> Self {
        Self { trouble, why: None }
    }
}

impl From<vault::Error> for Shut {
    fn from(error: vault::Error) -> Self {
        Self { trouble: named(error.name()), why: Some(error.to_string()) }
    }
}

/// Opens the vault at a path: in the agent, or with what is offered for peers, or with what a person
/// says.
pub(super) fn open_at(
    path: &Path,
    prompt: Prompt,
    context: &CommandContext<'_>,
) -> Result<OpenPeer, Shut> {
    let is_there = path.exists() || path.is_symlink();
    if !is_there {
        return Err(Shut::by(Trouble::Absent));
    }
    let in_agent = || Session::of(path, context.environment).map(OpenPeer::InAgent);
    let offers = Offer::of_peer(context.globals, context.environment);
    let is_offered = !offers.is_empty();
    if !is_offered && let Some(opened) = in_agent() {
        return Ok(opened);
    }
    let locked = LockedVault::open(path, Mode::ReadWrite)?;
    match try_offers(&offers, &locked, prompt, context) {
        Ok(opened) => {
            let vault = locked.unlock(&opened.master, &context.unlock_policy())?;
            Ok(OpenPeer::Here(Box::new(vault)))
        }
        Err(shut) => {
            drop(locked);
            // What is offered may be another peer's.
            let in_agent = if is_offered { in_agent() } else { None };
            in_agent.ok_or(shut)
        }
    }
}

/// Tries what is offered and fits, one after the other; or asks a person, where that is allowed.
fn try_offers(
    offers: &[Offer],
    locked: &LockedVault,
    prompt: Prompt,
    context: &CommandContext<'_>,
) -> Result<Opened, Shut> {
    let failed = |failure: Failure| {
        let why = failure.told().map(|(_, message)| message);
        Shut { trouble: Trouble::Locked, why }
    };
    let mut last = None;
    for offer in offers.iter().filter(|offer| offer.fits(locked)) {
        match offer.open(locked) {
            Ok(opened) => return Ok(opened),
            Err(failure) => last = Some(failed(failure)),
        }
    }
    let may_ask = prompt == Prompt::Allowed && terminal::is_there() && !context.globals.no_input;
    match (last, offers.first()) {
        (Some(shut), _) => Err(shut),
        // It says what is wrong with it, or asks for the rest.
        (None, Some(offer)) if may_ask || !offer.asks_for_more(locked) => {
            offer.open(locked).map_err(failed)
        }
        (None, None) if may_ask => {
            Offer::nothing(context.globals, context.environment).open(locked).map_err(failed)
        }
        (None, _) => Err(Shut::by(Trouble::Locked)),
    }
}

/// Returns who a vault is that was opened.
pub(super) fn identify(
    opened: &mut OpenPeer,
    context: &CommandContext<'_>,
) -> Result<Identity, Trouble> {
    let answer = Far::ask(&mut opened.lend(context), Task::Identify)?;
    Identity::from_value(answer).map_err(|_other| Trouble::Failed)
}

/// Returns what a peer's file is that shows itself so.
pub(super) fn as_known(identity: Identity, name: String, path: &Path) -> KnownPeer {
    use std::os::unix::ffi::OsStrExt;
    let Identity { vault, account, generation, commit, .. } = identity;
    let path = path.as_os_str().as_bytes().iter().map(|byte| i64::from(*byte)).collect();
    KnownPeer { name, account, path, vault, generation, commit, waiting: 0 }
}

fn trouble_in(answer: &Value) -> Option<Trouble> {
    match answer.get("Trouble") {
        Some(Value::Integer(number)) => Trouble::numbered(u64::try_from(*number).ok()?),
        Some(_) | None => None,
    }
}

/// Says which trouble an error of this name is.
fn named(error: &str) -> Trouble {
    match error {
        "NoVault" => Trouble::Absent,
        "ReadOnlyVault" => Trouble::ReadOnly,
        "NoSpace" => Trouble::Full,
        "VaultBusy" => Trouble::Busy,
        "NotAVault" | "NotAFile" | "DamagedError" | "TamperError" => Trouble::Damaged,
        "RollbackError" | "ForkError" => Trouble::OlderCopy,
        "NewerFormat" => Trouble::Newer,
        "VaultLocked" | "BadCredential" | "VaultRekeyed" => Trouble::Locked,
        "LimitError" => Trouble::Refused,
        _ => Trouble::Failed,
    }
}

/// What failures of a vault that is asked for a part are said to be of.
const NAME: &str = "SyncReplica";
