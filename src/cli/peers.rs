//! Other vaults, as commands use them: opened with what opens them, asked, and forgotten. What one
//! vault has to tell the other is carried here, by `service::peers`.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use super::agent::{Asked, Session, unintelligible};
use super::credentials::Offer;
use super::failure::Failure;
use super::terminal;
use super::unlock::CommandContext;
use crate::model::shape::Shaped;
use crate::model::value::Value;
use crate::service::action::Action;
use crate::service::failure::Failure as Refusal;
use crate::service::fault::Fault;
use crate::service::peers::course::{self, Delivered, Far, Side};
use crate::service::peers::link::{Identity, Link};
use crate::service::peers::registry::KnownPeer;
use crate::service::peers::task::Task;
use crate::service::replication::across::{account_of, explained};
use crate::service::rules::arn;
use crate::store::Mode;
use crate::vault::across::Trouble;
use crate::vault::peers::{Owed, Seen};
use crate::vault::{LockedVault, Vault};

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

/// What came of telling a peer.
pub(super) struct Told {
    pub(super) peer: KnownPeer,
    /// The primaries whose replica it has, and what came of each.
    pub(super) replicas: Vec<(String, Delivered)>,
    /// Why nothing could be told.
    pub(super) trouble: Option<Trouble>,
}

/// Returns the peers that a vault knows.
pub(super) fn known(near: &mut Open<'_>) -> Result<Vec<KnownPeer>, Failure> {
    let Value::List(peers) = Side::ask(near, Task::Peers)? else { return Err(unintelligible()) };
    let peers: Result<_, _> = peers.into_iter().map(KnownPeer::from_value).collect();
    peers.map_err(|_other| unintelligible())
}

/// Returns where a peer's file is.
pub(super) fn path_of(peer: &KnownPeer) -> PathBuf {
    PathBuf::from(OsString::from_vec(peer.path()))
}

/// Requires that a secret of a peer waits for the one that it is to be associated with: what its own
/// vault cannot know. A refusal is logged there.
pub(super) fn require_waiting(
    near: &mut Open<'_>,
    request: &Value,
    context: &CommandContext<'_>,
) -> Result<(), Failure> {
    let text = |member| match request.get(member) {
        Some(Value::Text(text)) => text.clone(),
        Some(_) | None => String::new(),
    };
    let (id, replica_arn) = (text("SecretId"), text("CrossAccountReplicaARN"));
    let region = context.region().map(str::to_owned);
    let find = Task::Find { id: id.clone(), region };
    let Ok(Value::Text(primary_arn)) = Side::ask(near, find) else {
        // Its own vault says what is wrong with that.
        return Ok(());
    };
    let account = account_of(&replica_arn).to_owned();
    let is_own = account == account_of(&primary_arn);
    let is_elsewhere = arn::region_of(&replica_arn) != arn::region_of(&primary_arn);
    if account.len() != 12 || is_own || is_elsewhere {
        return Ok(());
    }
    let peers = known(near)?;
    let peer = peers.iter().find(|peer| peer.account == account);
    let opened = match peer {
        Some(peer) => open(peer, Prompt::Allowed, context),
        None => Err(Trouble::NoPeer),
    };
    let link = Link { primary_arn, replica_arn, is_attached: true, edition: 0, held: Vec::new() };
    let judged = opened.and_then(|mut opened| course::look(&mut opened.lend(context), &link));
    let name = peer.map(|peer| peer.name.as_str());
    let fault = match judged {
        Ok(true) => return Ok(()),
        Ok(false) | Err(Trouble::NotOurs) => Fault::invalid_request(
            "The replica secret isn't waiting for this primary secret. Make it with \
             CrossAccountPrimaryARN in its own account.",
        ),
        Err(Trouble::Missing) => Fault::secret_not_found(),
        Err(trouble) => Fault::invalid_request(explained(trouble, &account, name)),
    };
    let refused = Task::Refused { id, code: fault.code.as_str().to_owned() };
    drop(Side::ask(near, refused));
    let operation = Action::AssociateCrossAccountReplica.name();
    Err(Failure::of_operation(operation, fault.into()))
}

/// Tells peers what an operation changed. It is done already; what cannot be told waits.
pub(super) fn tell_owed(owed: BTreeSet<Owed>, near: &mut Open<'_>, context: &CommandContext<'_>) {
    if owed.is_empty() {
        return;
    }
    let mut arns: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for Owed { account, arn } in owed {
        arns.entry(account).or_default().push(arn);
    }
    let told = known(near).and_then(|peers| {
        for (account, arns) in arns {
            let peer = peers.iter().position(|peer| peer.account == account);
            let peer = peer.and_then(|place| peers.get(place));
            tell_account(near, (&account, peer), arns, (Prompt::Never, context))?;
        }
        Ok(())
    });
    if let Err(failure) = told {
        let why = failure.told().map(|(_, message)| message).unwrap_or_default();
        terminal::note(&format!("note: what was done is not known to the peer yet: {why}"));
    }
}

/// Tells all peers that can be opened without asking what waits for them.
pub(super) fn tell_waiting(near: &mut Open<'_>, context: &CommandContext<'_>) {
    let told = known(near).and_then(|peers| {
        for peer in peers.into_iter().filter(|peer| peer.waiting > 0) {
            tell_all(near, peer, Prompt::Never, context)?;
        }
        Ok(())
    });
    if let Err(failure) = told {
        let why = failure.told().map(|(_, message)| message).unwrap_or_default();
        terminal::note(&format!("note: what was done is not known to the peer yet: {why}"));
    }
}

/// Tells one peer all that waits for it.
pub(super) fn tell_all(
    near: &mut Open<'_>,
    peer: KnownPeer,
    prompt: Prompt,
    context: &CommandContext<'_>,
) -> Result<Told, Failure> {
    let arns = waiting(near, &peer.account)?;
    let mut replicas = Vec::new();
    let trouble = match open(&peer, prompt, context) {
        Ok(mut opened) => {
            for arn in arns {
                let mut far = opened.lend(context);
                let (delivered, _left) = course::deliver(near, &mut far, &arn)?;
                replicas.push((arn, delivered));
            }
            None
        }
        Err(trouble) => {
            for arn in arns {
                let delivered = course::note_trouble(near, &arn, trouble)?;
                replicas.push((arn, delivered));
            }
            Some(trouble)
        }
    };
    Ok(Told { peer, replicas, trouble })
}

/// Names the primaries whose replica waits for the peer of an account.
pub(super) fn waiting(near: &mut Open<'_>, account: &str) -> Result<Vec<String>, Failure> {
    let answer = Side::ask(near, Task::Waiting { account: account.to_owned() })?;
    Vec::from_value(answer).map_err(|_other| unintelligible())
}

/// Tells the peer of an account of these secrets, and, now that it is open, of all that wait.
fn tell_account(
    near: &mut Open<'_>,
    (account, peer): (&str, Option<&KnownPeer>),
    arns: Vec<String>,
    (prompt, context): (Prompt, &CommandContext<'_>),
) -> Result<(), Failure> {
    let opened = match peer {
        Some(peer) => open(peer, prompt, context),
        None => Err(Trouble::NoPeer),
    };
    let mut opened = match opened {
        Ok(opened) => opened,
        Err(trouble) => {
            // The peer's own primaries say what they wait for themselves.
            for arn in arns.iter().filter(|arn| account_of(arn) != account) {
                course::note_trouble(near, arn, trouble)?;
            }
            let name = peer.map(|peer| peer.name.as_str());
            terminal::note(&format!("note: {}", explained(trouble, account, name)));
            return Ok(());
        }
    };
    let mut left = 0;
    for arn in arns {
        let far = &mut opened.lend(context);
        if account_of(&arn) == account {
            // A replica here became a secret of its own: its primary there learns of it.
            course::deliver(far, near, &arn)?;
        } else {
            let (delivered, still) = course::deliver(near, far, &arn)?;
            left = still;
            if let Delivered::Not(trouble) = delivered {
                let name = peer.map(|peer| peer.name.as_str());
                terminal::note(&format!("note: {}", explained(trouble, account, name)));
            }
        }
    }
    if left > 0 {
        for arn in waiting(near, account)? {
            course::deliver(near, &mut opened.lend(context), &arn)?;
        }
    }
    Ok(())
}

/// Opens a peer, and makes sure that it is the vault that it was.
pub(super) fn open(
    peer: &KnownPeer,
    prompt: Prompt,
    context: &CommandContext<'_>,
) -> Result<OpenPeer, Trouble> {
    let mut opened = open_at(&path_of(peer), prompt, context)?;
    let answer = Far::ask(&mut opened.lend(context), Task::ComeAfter(peer.expected()))?;
    match trouble_in(&answer) {
        None => Ok(opened),
        Some(trouble) => Err(trouble),
    }
}

/// Opens the vault at a path: in the agent, or with what is offered for peers, or with what a person
/// says.
pub(super) fn open_at(
    path: &Path,
    prompt: Prompt,
    context: &CommandContext<'_>,
) -> Result<OpenPeer, Trouble> {
    let is_there = path.exists() || path.is_symlink();
    if !is_there {
        return Err(Trouble::Absent);
    }
    let offer = Offer::of_peer(context.globals);
    if offer.is_none()
        && let Some(session) = Session::of(path, context.environment)
    {
        return Ok(OpenPeer::InAgent(session));
    }
    let locked = LockedVault::open(path, Mode::ReadWrite).map_err(|error| named(error.name()))?;
    let offer = match (offer, prompt) {
        (Some(offer), _) => offer,
        (None, Prompt::Allowed) if terminal::is_there() && !context.globals.no_input => {
            terminal::note(&format!("Peer {}", path.display()));
            Offer::default()
        }
        (None, Prompt::Allowed | Prompt::Never) => return Err(Trouble::Locked),
    };
    let opened = offer.open(&locked).map_err(|failure| {
        if let Some((_, message)) = failure.told() {
            terminal::note(&format!("note: {}: {message}", path.display()));
        }
        Trouble::Locked
    })?;
    let vault = locked.unlock(&opened.master, &context.unlock_policy());
    vault.map(|vault| OpenPeer::Here(Box::new(vault))).map_err(|error| named(error.name()))
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
