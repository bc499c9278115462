//! What is asked of one of two vaults, in one transaction. The vault may be in another process: tasks
//! and answers are values.

use super::held::Held;
use super::judge::{self, Verdict};
use super::link::{Identity, Link, Outcome, find, link_of, told, trouble_member};
use super::parcel::{self, Parcel};
use super::registry::{self, KnownPeer};
use super::{receive, settle};
use crate::model::order;
use crate::model::shape::Shaped;
use crate::model::value::Value;
use crate::service::action::Action;
use crate::service::context::Context;
use crate::service::failure::Failure;
use crate::service::fault::Code;
use crate::service::replication::across;
use crate::service::rules::arn;
use crate::vault::across::{Bond, CrossReplica, Trouble};
use crate::vault::audit::Subject;
use crate::vault::transaction::{Access, RequestContext};
use crate::vault::{self, Vault};

/// What a vault is asked to do. Has no `Debug`: it may hold values.
pub(crate) enum Task {
    /// Say who it is.
    Identify,
    /// Show that it is, or came out of, a state that was seen.
    ComeAfter(Identity),
    /// Name its peers.
    Peers,
    /// Know a peer, in the place of the one of its account. It `follows` if it was shown to come after
    /// the state in which that one was seen; otherwise nobody knows what the replicas in it are.
    AddPeer { peer: KnownPeer, follows: bool },
    /// Forget the peer of this account.
    RemovePeer { account: String },
    /// Say the ARN of the secret that an id means in a region; that is no use of it.
    Find { id: String, region: Option<String> },
    /// Write to the log that a replica was not associated, since its vault says so with this code.
    Refused { id: String, code: String },
    /// Of the primary's vault: name the primaries whose replica waits for the peer of this account.
    Waiting { account: String },
    /// The same, and those whose replica is taken to be up to date.
    Replicas { account: String },
    /// Of the primary's vault: say how a primary and its replica are to be.
    Link { primary_arn: String },
    /// Of the replica's vault: judge a replica by what its primary says.
    Look(Link),
    /// Of the primary's vault: pack what the replica lacks, which has these values.
    Pack { link: Link, held: Vec<Held> },
    /// Of the replica's vault: become a copy.
    Receive(Parcel),
    /// Of the replica's vault: let the replica go.
    Free(Link),
    /// Of the primary's vault: note what came of it.
    Settle(Outcome),
}

impl Task {
    /// Whether it may be asked again where nobody knows if it was done.
    pub(crate) fn changes(&self) -> bool {
        match self {
            Self::Identify
            | Self::ComeAfter(_)
            | Self::Peers
            | Self::Find { .. }
            | Self::Waiting { .. }
            | Self::Replicas { .. }
            | Self::Link { .. }
            | Self::Look(_)
            | Self::Pack { .. } => false,
            Self::AddPeer { .. }
            | Self::RemovePeer { .. }
            | Self::Refused { .. }
            | Self::Receive(_)
            | Self::Free(_)
            | Self::Settle(_) => true,
        }
    }

    /// Does it.
    pub(crate) fn run(
        self,
        vault: &mut Vault,
        context: RequestContext<'_>,
    ) -> Result<Value, Failure> {
        let is_read_only = vault.is_read_only();
        Ok(match self {
            Self::Identify => transact(vault, Access::Read, context, |cx| {
                let identity = identity(cx, is_read_only)?;
                Ok(value(identity))
            })?,
            Self::ComeAfter(seen) => {
                let trouble = come_after(vault, &seen, context)?;
                Value::Map(trouble.map(trouble_member).into_iter().collect())
            }
            Self::Peers => transact(vault, Access::Read, context, |cx| {
                Ok(Value::List(registry::peers(cx)?.into_iter().map(value).collect()))
            })?,
            Self::AddPeer { peer, follows } => transact(vault, Access::Write, context, |cx| {
                if !follows {
                    doubt(cx, &peer.account)?;
                }
                let waiting = waiting(cx, &peer.account)?.len();
                registry::add(cx, &peer, u64::try_from(waiting).unwrap_or(u64::MAX))
            })?,
            Self::RemovePeer { account } => {
                transact(vault, Access::Write, context, |cx| registry::remove(cx, &account))?
            }
            Self::Find { id, region } => transact(vault, Access::Read, context, |cx| {
                let region = region.unwrap_or_else(|| cx.region().to_owned());
                let found = cx.look_up(&region, &id)?;
                Ok(found.map_or(Value::Null, |record| Value::Text(arn::arn_of(&record))))
            })?,
            Self::Refused { id, code } => {
                transact(vault, Access::Write, context, |cx| refused(cx, &id, &code))?
            }
            Self::Waiting { account } => transact(vault, Access::Read, context, |cx| {
                Ok(Value::List(waiting(cx, &account)?.into_iter().map(Value::Text).collect()))
            })?,
            Self::Replicas { account } => transact(vault, Access::Read, context, |cx| {
                let arns = primaries(cx, &account, |replica| replica.bond != Bond::Detached)?;
                Ok(Value::List(arns.into_iter().map(Value::Text).collect()))
            })?,
            Self::Link { primary_arn } => transact(vault, Access::Read, context, |cx| {
                Ok(link(cx, &primary_arn)?.map_or(Value::Null, value))
            })?,
            Self::Look(link) => transact(vault, Access::Read, context, |cx| {
                Ok(judge::judge(cx, &link)?.1.into_value())
            })?,
            Self::Pack { link, held } => transact(vault, Access::Read, context, |cx| {
                Ok(parcel::pack(cx, link, &held)?.map_or(Value::Null, value))
            })?,
            Self::Receive(parcel) => transact(vault, Access::Write, context, |cx| {
                receive::receive(cx, parcel).map(Verdict::into_value)
            })?,
            Self::Free(link) => transact(vault, Access::Write, context, |cx| {
                receive::free(cx, &link).map(Verdict::into_value)
            })?,
            Self::Settle(outcome) => transact(vault, Access::Write, context, |cx| {
                settle::settle(cx, &outcome).map(Value::Integer)
            })?,
        })
    }

    /// Writes it as a value.
    pub(crate) fn into_value(self) -> Value {
        let (name, about) = match self {
            Self::Identify => ("identify", Value::Null),
            Self::ComeAfter(seen) => ("come-after", value(seen)),
            Self::Peers => ("peers", Value::Null),
            Self::AddPeer { peer, follows } => {
                ("add-peer", Value::List(vec![value(peer), Value::Boolean(follows)]))
            }
            Self::RemovePeer { account } => ("remove-peer", Value::Text(account)),
            Self::Find { id, region } => {
                let region = region.map_or(Value::Null, Value::Text);
                ("find", Value::List(vec![Value::Text(id), region]))
            }
            Self::Refused { id, code } => {
                ("refused", Value::List(vec![Value::Text(id), Value::Text(code)]))
            }
            Self::Waiting { account } => ("waiting", Value::Text(account)),
            Self::Replicas { account } => ("replicas", Value::Text(account)),
            Self::Link { primary_arn } => ("link", Value::Text(primary_arn)),
            Self::Look(link) => ("look", value(link)),
            Self::Pack { link, held } => {
                ("pack", Value::List(vec![value(link), Held::list_into_value(held)]))
            }
            Self::Receive(parcel) => ("receive", value(parcel)),
            Self::Free(link) => ("free", value(link)),
            Self::Settle(outcome) => ("settle", value(outcome)),
        };
        Value::List(vec![Value::Text(name.to_owned()), about])
    }

    /// Reads what [`Task::into_value`] wrote.
    pub(crate) fn from_value(task: Value) -> Option<Self> {
        let Value::List(parts) = task else { return None };
        let [Value::Text(name), about] = <[Value; 2]>::try_from(parts).ok()? else { return None };
        Some(match (name.as_str(), about) {
            ("identify", _) => Self::Identify,
            ("come-after", about) => Self::ComeAfter(Identity::from_value(about).ok()?),
            ("peers", _) => Self::Peers,
            ("add-peer", Value::List(about)) => match <[Value; 2]>::try_from(about).ok()? {
                [peer, Value::Boolean(follows)] => {
                    Self::AddPeer { peer: KnownPeer::from_value(peer).ok()?, follows }
                }
                _ => return None,
            },
            ("remove-peer", Value::Text(account)) => Self::RemovePeer { account },
            ("find", Value::List(about)) => match <[Value; 2]>::try_from(about).ok()? {
                [Value::Text(id), Value::Text(region)] => Self::Find { id, region: Some(region) },
                [Value::Text(id), _] => Self::Find { id, region: None },
                _ => return None,
            },
            ("refused", Value::List(about)) => match <[Value; 2]>::try_from(about).ok()? {
                [Value::Text(id), Value::Text(code)] => Self::Refused { id, code },
                _ => return None,
            },
            ("waiting", Value::Text(account)) => Self::Waiting { account },
            ("replicas", Value::Text(account)) => Self::Replicas { account },
            ("link", Value::Text(primary_arn)) => Self::Link { primary_arn },
            ("look", about) => Self::Look(Link::from_value(about).ok()?),
            ("pack", Value::List(about)) => {
                let [link, held] = <[Value; 2]>::try_from(about).ok()?;
                let link = Link::from_value(link).ok()?;
                Self::Pack { link, held: Held::list_from_value(held)? }
            }
            ("receive", about) => Self::Receive(Parcel::from_value(about).ok()?),
            ("free", about) => Self::Free(Link::from_value(about).ok()?),
            ("settle", about) => Self::Settle(Outcome::from_value(about).ok()?),
            _ => return None,
        })
    }
}

fn value(told: impl Shaped) -> Value {
    told.into_value().unwrap_or(Value::Null)
}

/// Reads or writes the vault; a transaction that changed nothing only ends.
fn transact(
    vault: &mut Vault,
    access: Access,
    context: RequestContext<'_>,
    act: impl FnOnce(&mut Context<'_, '_>) -> Result<Value, Failure>,
) -> Result<Value, Failure> {
    let mut transaction = vault.begin(access, context)?;
    let home = transaction.state().settings.region().to_owned();
    let done = act(&mut Context::new(&mut transaction, None, &home))?;
    transaction.commit()?;
    Ok(done)
}

/// Writes to the log that a secret was not associated.
fn refused(cx: &mut Context<'_, '_>, id: &str, code: &str) -> Result<Value, Failure> {
    let name = id.chars().take(512).collect();
    let subject = Subject { name, ..Subject::default() };
    if let Some(code) = Code::named(code) {
        let operation = Action::AssociateCrossAccountReplica.name();
        cx.vault()?.record(operation, code.as_str(), subject)?;
    }
    Ok(Value::Null)
}

fn identity(cx: &mut Context<'_, '_>, is_read_only: bool) -> Result<Identity, Failure> {
    let vault = cx.vault()?;
    let (generation, commit) = told(vault.seen());
    let settings = &vault.state().settings;
    let (account, region) = (settings.account().to_owned(), settings.region().to_owned());
    let vault = vault.vault_id().to_string();
    Ok(Identity { vault, account, region, generation, commit, is_read_only })
}

/// Says what is in the way if the vault is not the one that was seen, or an older copy of it.
fn come_after(
    vault: &mut Vault,
    expected: &Identity,
    context: RequestContext<'_>,
) -> Result<Option<Trouble>, Failure> {
    let account = vault.begin(Access::Read, context)?.state().settings.account().to_owned();
    if vault.vault_id().to_string() != expected.vault || account != expected.account {
        return Ok(Some(Trouble::OtherVault));
    }
    let Some(seen) = expected.seen().filter(|seen| seen.generation > 0) else { return Ok(None) };
    match vault.require_after(seen) {
        Ok(()) => Ok(vault.is_read_only().then_some(Trouble::ReadOnly)),
        Err(vault::Error::RolledBack { .. } | vault::Error::Forked { .. }) => {
            Ok(Some(Trouble::OlderCopy))
        }
        Err(error) => Err(error.into()),
    }
}

/// Names the primaries whose replica waits for the peer of an account, in the order of their ARNs.
fn waiting(cx: &mut Context<'_, '_>, account: &str) -> Result<Vec<String>, Failure> {
    primaries(cx, account, CrossReplica::waits)
}

/// Has every replica in an account looked at when its peer is told next: it may be an older copy.
fn doubt(cx: &mut Context<'_, '_>, account: &str) -> Result<(), Failure> {
    let is_trusted = |replica: &CrossReplica| replica.bond == Bond::Attached && !replica.waits();
    for arn in primaries(cx, account, is_trusted)? {
        let Some(mut record) = find(cx, &arn)? else { continue };
        let edition = cx.vault()?.draw_edition()?;
        if let Some(replica) = &mut record.cross_replica {
            replica.change_to(edition);
        }
        cx.vault()?.update(&mut record)?;
    }
    Ok(())
}

/// Names the primaries of such replicas in an account, in the order of their ARNs.
fn primaries(
    cx: &mut Context<'_, '_>,
    account: &str,
    is_such: fn(&CrossReplica) -> bool,
) -> Result<Vec<String>, Failure> {
    let mut arns = Vec::new();
    let visited = cx.vault()?.each(|record| {
        let is_one = |replica: &CrossReplica| {
            is_such(replica) && across::account_of(&replica.arn) == account
        };
        if record.cross_replica.as_ref().is_some_and(is_one) {
            arns.push(arn::arn_of(&record));
        }
        Ok(())
    });
    visited?;
    order::sort_all(&mut arns);
    Ok(arns)
}

/// Says how a primary and its replica are to be; `None` where there is nothing to tell.
fn link(cx: &mut Context<'_, '_>, primary_arn: &str) -> Result<Option<Link>, Failure> {
    let Some(record) = find(cx, primary_arn)? else { return Ok(None) };
    Ok(link_of(&record))
}
