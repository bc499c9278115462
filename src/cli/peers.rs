//! What one vault has to tell another is carried between them here, by `service::peers`; `open_peer`
//! opens them.

use std::collections::{BTreeMap, BTreeSet};

use super::agent::{Session, unintelligible};
use super::failure::Failure;
use super::open_peer::{Open, Prompt, open};
use super::terminal;
use super::unlock::CommandContext;
use crate::model::shape::Shaped;
use crate::model::value::Value;
use crate::service::action::Action;
use crate::service::fault::Fault;
use crate::service::peers::course::{self, Delivered, Side};
use crate::service::peers::link::Link;
use crate::service::peers::registry::KnownPeer;
use crate::service::peers::task::Task;
use crate::service::replication::across::{account_of, explained, explained_before};
use crate::service::rules::arn;
use crate::vault::Vault;
use crate::vault::across::Trouble;
use crate::vault::peers::Owed;

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
        Err(trouble) => Fault::invalid_request(explained_before(trouble, &account, name)),
    };
    let refused = Task::Refused { id, code: fault.code.as_str().to_owned() };
    drop(Side::ask(near, refused));
    let operation = Action::AssociateCrossAccountReplica.name();
    Err(Failure::of_operation(operation, fault.into()))
}

/// Returns the vault as one of two that are asked for what they do together.
pub(super) fn near<'a>(
    opened: &'a mut Option<Vault>,
    session: Option<&'a Session>,
    context: &'a CommandContext<'_>,
) -> Option<Open<'a>> {
    match (opened, session) {
        (Some(vault), _) => Some(Open::Here(vault, context)),
        (None, Some(session)) => Some(Open::InAgent(session)),
        (None, None) => None,
    }
}

/// Tells peers what was changed, before the answer is seen.
pub(super) fn tell_peers(
    opened: &mut Option<Vault>,
    session: Option<&Session>,
    context: &CommandContext<'_>,
) {
    let owed = match (opened.as_mut(), session) {
        (Some(vault), _) => vault.take_owed(),
        // The holder of a grant does not speak for the vault: its owner's next command does.
        (None, Some(session)) if !session.is_granted() => session.take_owed(),
        (None, _) => return,
    };
    if let Some(mut near) = near(opened, session, context) {
        tell_owed(owed, &mut near, context);
    }
}

/// Tells peers what an operation changed. It is done already; what cannot be told waits.
fn tell_owed(owed: BTreeSet<Owed>, near: &mut Open<'_>, context: &CommandContext<'_>) {
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

/// Tells one peer all that waits for it, and looks at the replicas that are taken to be up to date: one
/// may have been promoted, or be another one's since.
pub(super) fn sync(
    near: &mut Open<'_>,
    peer: KnownPeer,
    context: &CommandContext<'_>,
) -> Result<Told, Failure> {
    let all = Side::ask(near, Task::Replicas { account: peer.account.clone() })?;
    let all = Vec::from_value(all).map_err(|_other| unintelligible())?;
    tell(near, (peer, all), Prompt::Allowed, context)
}

/// Tells one peer all that waits for it.
fn tell_all(
    near: &mut Open<'_>,
    peer: KnownPeer,
    prompt: Prompt,
    context: &CommandContext<'_>,
) -> Result<Told, Failure> {
    let arns = waiting(near, &peer.account)?;
    tell(near, (peer, arns), prompt, context)
}

fn tell(
    near: &mut Open<'_>,
    (peer, arns): (KnownPeer, Vec<String>),
    prompt: Prompt,
    context: &CommandContext<'_>,
) -> Result<Told, Failure> {
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
            // What is up to date, as far as is known, waits for nothing.
            for arn in waiting(near, &peer.account)? {
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
            // A replica here became a secret of its own: its primary there learns of it. What its vault
            // has against that keeps nobody else from being told.
            if let Err(failure) = course::deliver(far, near, &arn) {
                let why = failure.told().map(|(_, message)| message).unwrap_or_default();
                terminal::note(&format!("note: {arn} was not told: {why}"));
            }
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
