//! `peer`: other vaults as other accounts.

use std::path::{self, Path};

use super::super::agent::{Asked, Session};
use super::super::chore::unlock_first;
use super::super::failure::Failure;
use super::super::open_peer::{self, Open, Prompt, Shut, path_of};
use super::super::peers::{self, Told};
use super::super::request::error as request;
use super::super::unlock::{self, CommandContext};
use super::options::{Choice, Word, options};
use super::own::{Invocation, OwnCommand, Takes, count, text};
use crate::model::value::Value;
use crate::service::peers::course::{Delivered, Side};
use crate::service::peers::registry::KnownPeer;
use crate::service::peers::task::Task;
use crate::service::replication::across::explained;
use crate::sys::files;
use crate::vault::across::Trouble;

/// What `peer` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Add,
    List,
    Remove,
    Status,
    Sync,
}

impl Choice for Action {
    const ALL: &'static [(&'static str, Self)] = &[
        ("add", Self::Add),
        ("list", Self::List),
        ("remove", Self::Remove),
        ("status", Self::Status),
        ("sync", Self::Sync),
    ];
}

options! {
    /// The options of `peer`.
    pub(super) struct Peer {
        /// add makes a vault known, or accepts it anew; list shows the peers; remove forgets one;
        /// status opens them and says how each is; sync brings the replicas in them up to date
        action: Action = "ACTION",
        /// For add the file of the vault; for remove, and if you like for status and sync, the name
        /// or account of a peer
        about: Option<Word> = "PATH|NAME",
        /// For add: what to call the peer; by default its file's name
        name: Option<String> = "NAME"
    }
}

impl OwnCommand for Peer {
    const NAME: &'static str = "peer";
    const TITLE: &'static str = "Peer";
    const SUMMARY: &'static str = "Know other vaults as other accounts, and keep replicas in them.";
    const EXAMPLE: &'static str = "strongroom peer add /media/stick/vault.db --name stick";
    const TAKES: &'static [Takes] = &[Takes::Other, Takes::Peer];

    fn run(self, invocation: &Invocation<'_>) -> Result<(), Failure> {
        let about = self.about.map(|Word(word)| word).filter(|word| !word.is_empty());
        let usage = |what: &str| Err(request::Error::usage(what.to_owned()).into());
        if self.name.is_some() && self.action != Action::Add {
            return Err(request::Error::argument("--name", "it belongs to peer add").into());
        }
        match (self.action, about) {
            (Action::Add, Some(path)) => add(&path, self.name, invocation),
            (Action::Add, None) => usage("peer add needs the PATH of a vault's file"),
            (Action::List, None) => list(invocation),
            (Action::List, Some(_)) => usage("peer list takes no name"),
            (Action::Remove, Some(name)) => remove(&name, invocation),
            (Action::Remove, None) => {
                usage("peer remove needs the NAME of a peer, which peer list shows")
            }
            (Action::Status, about) => status(about.as_deref(), invocation),
            (Action::Sync, about) => sync(about.as_deref(), invocation),
        }
    }
}

fn add(given: &str, name: Option<String>, invocation: &Invocation<'_>) -> Result<(), Failure> {
    let context = invocation.context;
    let path = Path::new(given);
    let path = path.canonicalize().or_else(|_| path::absolute(path)).map_err(|error| {
        Failure::environment("NoFile", format!("{given} cannot be the path of a vault: {error}"))
    })?;
    let name = name.unwrap_or_else(|| {
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        stem.unwrap_or_default().chars().filter(|c| is_of_name(*c)).collect()
    });
    if name.is_empty() || name.len() > 64 || !name.chars().all(is_of_name) {
        let what = "a peer's name has 1 to 64 letters, digits and characters of _.-";
        return Err(request::Error::argument("--name", what).into());
    }
    with_vault(context, |near| {
        let mut opened = open_peer::open_at(&path, Prompt::Allowed, context)
            .map_err(|Shut { trouble, why }| not_opened(trouble, why, &path))?;
        let identity = open_peer::identify(&mut opened, context)
            .map_err(|trouble| not_opened(trouble, None, &path))?;
        let earlier = peers::known(near)?.into_iter().find(|peer| peer.account == identity.account);
        let follows =
            earlier.is_some_and(|earlier| open_peer::follows(&mut opened, &earlier, context));
        drop(opened);
        let is_read_only = identity.is_read_only;
        let known = open_peer::as_known(identity, name, &path);
        let account = known.account.clone();
        let shown = shown(&known);
        Side::ask(near, Task::AddPeer { peer: known, follows }).map_err(refused)?;
        let waiting = peers::known(near)?.into_iter().find(|peer| peer.account == account);
        let mut members = shown;
        members.push(("ReadOnly".to_owned(), Value::Boolean(is_read_only)));
        if let Some(peer) = waiting {
            members.push(("Waiting".to_owned(), Value::Integer(peer.waiting)));
        }
        invocation.print(members)
    })
}

/// Whether a peer's name may have this character.
fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || "_.-".contains(c)
}

/// What the vault says to a wrong peer is about this command, not an operation.
fn refused(failure: Failure) -> Failure {
    if let Failure::Service { fault, .. } = failure {
        return Failure::environment("PeerError", fault.message);
    }
    failure
}

fn not_opened(trouble: Trouble, why: Option<String>, path: &Path) -> Failure {
    let path = path.display();
    let (what, hint) = match trouble {
        Trouble::Absent => ("there is no file", "give the path of the other vault's file"),
        Trouble::Locked => (
            "it is locked",
            "run `strongroom --vault PATH unlock`, or give --peer-keyfile or \
             --peer-passphrase-file",
        ),
        Trouble::Damaged => (
            "it is damaged, or no vault",
            "`strongroom --vault PATH check` says what is wrong with it",
        ),
        Trouble::OlderCopy => (
            "it is an older copy than this machine has seen, or was changed apart from that",
            "put the newest one there, or run `strongroom --vault PATH accept-state`",
        ),
        Trouble::Newer => ("a later version of strongroom wrote it", "update this one"),
        Trouble::Busy => ("another process keeps it busy", "try again"),
        Trouble::NoPeer
        | Trouble::ReadOnly
        | Trouble::Full
        | Trouble::Failed
        | Trouble::OtherVault
        | Trouble::Missing
        | Trouble::NotOurs
        | Trouble::Apart
        | Trouble::Refused => {
            ("it could not be read", "`strongroom --vault PATH status` says more")
        }
    };
    let path = path.to_string();
    let message = match why {
        Some(why) if why.starts_with(&path) => why,
        Some(why) => format!("{path} could not be opened: {why}"),
        None => format!("{path} could not be opened: {what}"),
    };
    Failure::environment("PeerError", message).hinted(hint)
}

fn list(invocation: &Invocation<'_>) -> Result<(), Failure> {
    with_vault(invocation.context, |near| {
        let rows = peers::known(near)?.into_iter().map(|peer| {
            let mut row = shown(&peer);
            row.push(("Waiting".to_owned(), Value::Integer(peer.waiting)));
            Value::Map(row)
        });
        invocation.print(vec![("Peers".to_owned(), Value::List(rows.collect()))])
    })
}

/// Returns what a peer is, to a person.
fn shown(peer: &KnownPeer) -> Vec<(String, Value)> {
    vec![
        text("Name", peer.name.clone()),
        text("Account", peer.account.clone()),
        text("Path", path_of(peer).display().to_string()),
        text("VaultId", peer.vault.clone()),
    ]
}

fn remove(name: &str, invocation: &Invocation<'_>) -> Result<(), Failure> {
    with_vault(invocation.context, |near| {
        let peer = one(near, name)?;
        Side::ask(near, Task::RemovePeer { account: peer.account })?;
        invocation.print(vec![text("Removed", peer.name)])
    })
}

fn status(name: Option<&str>, invocation: &Invocation<'_>) -> Result<(), Failure> {
    let context = invocation.context;
    with_vault(context, |near| {
        let mut rows = Vec::new();
        for peer in chosen(near, name)? {
            let mut row = shown(&peer);
            let trouble = open_peer::open(&peer, Prompt::Never, context).err();
            row.push(text("State", trouble.map_or("Ready", state)));
            if let Some(trouble) = trouble {
                row.push(text("Message", explained(trouble, &peer.account, Some(&peer.name))));
            }
            if files::is_network_file_system(&path_of(&peer)) {
                row.push(text("Medium", "a network file system, whose locks may not hold"));
            }
            let waiting = peers::waiting(near, &peer.account)?;
            row.push(count("Waiting", u64::try_from(waiting.len()).unwrap_or(u64::MAX)));
            row.push((
                "WaitingSecrets".to_owned(),
                Value::List(waiting.into_iter().map(Value::Text).collect()),
            ));
            rows.push(Value::Map(row));
        }
        invocation.print(vec![("Peers".to_owned(), Value::List(rows))])
    })
}

/// Returns how a peer is, in a word.
fn state(trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::Absent => "Absent",
        Trouble::Locked => "Locked",
        Trouble::ReadOnly => "ReadOnly",
        Trouble::Full => "Full",
        Trouble::Busy => "Busy",
        Trouble::Damaged => "Damaged",
        Trouble::OtherVault => "OtherVault",
        Trouble::OlderCopy => "OlderCopy",
        Trouble::Newer => "NewerFormat",
        Trouble::NoPeer
        | Trouble::Failed
        | Trouble::Missing
        | Trouble::NotOurs
        | Trouble::Apart
        | Trouble::Refused => "Unreadable",
    }
}

fn sync(name: Option<&str>, invocation: &Invocation<'_>) -> Result<(), Failure> {
    let context = invocation.context;
    with_vault(context, |near| {
        let (mut rows, mut behind) = (Vec::new(), 0);
        for peer in chosen(near, name)? {
            let told = peers::sync(near, peer, context)?;
            let (row, left) = outcome(told);
            behind += left;
            rows.push(row);
        }
        invocation.print(vec![("Peers".to_owned(), Value::List(rows))])?;
        if behind == 0 {
            return Ok(());
        }
        let what = if behind == 1 { "one peer is" } else { "some peers are" };
        Err(Failure::environment("PeerError", format!("{what} not up to date"))
            .hinted("the answer says for each what is in the way"))
    })
}

/// Returns what came of telling a peer, and whether something is in the way.
fn outcome(told: Told) -> (Value, usize) {
    let Told { peer, replicas, trouble } = told;
    let mut row = shown(&peer);
    let is_done = |(_, delivered): &&(String, Delivered)| *delivered == Delivered::Done;
    let synced = replicas.iter().filter(is_done).count();
    row.push(count("Synced", u64::try_from(synced).unwrap_or(u64::MAX)));
    let mut waiting = Vec::new();
    // It was opened, and is full, or was lost on the way.
    let mut of_peer = trouble;
    for (arn, delivered) in replicas {
        if let Delivered::Not(trouble) = delivered {
            of_peer = of_peer.or(Some(trouble).filter(|trouble| trouble.passes()));
            let why = explained(trouble, &peer.account, Some(&peer.name));
            waiting.push(Value::Map(vec![text("ARN", arn), text("Message", why)]));
        }
    }
    let is_behind = trouble.is_some() || !waiting.is_empty();
    row.push(text("State", of_peer.map_or("Ready", state)));
    if let Some(trouble) = of_peer {
        row.push(text("Message", explained(trouble, &peer.account, Some(&peer.name))));
    }
    row.push(("Waiting".to_owned(), Value::List(waiting)));
    (Value::Map(row), usize::from(is_behind))
}

/// Finds a peer by its name or account.
fn one(near: &mut Open<'_>, name: &str) -> Result<KnownPeer, Failure> {
    let mut peers = peers::known(near)?.into_iter();
    peers.find(|peer| peer.name == name || peer.account == name).ok_or_else(|| {
        Failure::environment("NoPeer", format!("there is no peer {name}"))
            .hinted("`strongroom peer list` shows those there are")
    })
}

fn chosen(near: &mut Open<'_>, name: Option<&str>) -> Result<Vec<KnownPeer>, Failure> {
    match name {
        Some(name) => Ok(vec![one(near, name)?]),
        None => peers::known(near),
    }
}

/// Lends this vault, wherever it is open.
fn with_vault<T>(
    context: &CommandContext<'_>,
    work: impl FnOnce(&mut Open<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    if let Some(session) = Session::find(context)
        && let Asked::Answered(_) = session.task(Task::Identify)?
    {
        return work(&mut Open::InAgent(&session));
    }
    let mut vault = context.unlock().map_err(|failure| unlock_first(failure, context))?;
    let done = work(&mut Open::Here(&mut vault, context));
    unlock::warn(&vault);
    done
}
