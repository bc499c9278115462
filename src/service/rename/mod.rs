//! Renaming, which AWS has not: a secret, or all whose names begin alike, under new names in one
//! transaction. Versions, labels, tags and history stay with them, and so does what ends the ARN.

use super::context::Context;
use super::failure::Failure;
use super::fault::{Code, Fault};
use super::mentions::{self, Mention};
use super::replication::replicas;
use super::repository;
use super::rules::arn::arn_of;
use super::rules::name;
use crate::model::order;
use crate::model::value::Value;
use crate::vault::Vault;
use crate::vault::across::Bond;
use crate::vault::record::{MAX_FORMER_NAMES, MAX_NAME, Record, ReplicaState, Replication};
use crate::vault::trace::Trace;
use crate::vault::transaction::{Access, RequestContext, Transaction};

/// What is to be renamed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Renaming {
    /// The secret of this name or ARN.
    One { id: String, to: String },
    /// All whose names begin so: what follows stays.
    All { prefix: String, to: String },
}

/// The event in the audit log.
pub(crate) const RENAME: &str = "Rename";

/// Renames secrets, and says which, which stay since they are scheduled for deletion, and what
/// mentions those by their old ARNs.
///
/// # Errors
/// Nothing is renamed where one cannot be.
pub(crate) fn rename(
    vault: &mut Vault,
    region: Option<&str>,
    renaming: &Renaming,
    context: RequestContext<'_>,
) -> Result<Value, Failure> {
    let mut transaction = vault.begin(Access::Write, context)?;
    let home = transaction.state().settings.region().to_owned();
    let mut cx = Context::new(&mut transaction, region, &home);
    let (wanted, stay) = chosen(&mut cx, renaming)?;
    let mut done = Vec::new();
    for (mut record, to) in wanted {
        let before = record.clone();
        let trace = apply(&mut cx, &mut record, &to)?;
        log(&mut cx, RENAME, &record, trace)?;
        done.push((before, record));
    }
    let mentions = mentions::of(&mut cx, &done)?;
    let pairs = done.iter().map(|(before, record)| {
        let arn = ("ARN".to_owned(), Value::Text(arn_of(record)));
        Value::Map(vec![text("Name", &record.name), text("OldName", &before.name), arn])
    });
    let answer = vec![
        ("Renamed".to_owned(), Value::List(pairs.collect())),
        ("Left".to_owned(), Value::List(stay.into_iter().map(Value::Text).collect())),
        ("Mentions".to_owned(), Value::List(mentions.iter().map(Mention::shown).collect())),
    ];
    transaction.commit()?;
    Ok(Value::Map(answer))
}

/// Gives a secret and its replicas another name, and stores them. Returns what that did.
pub(super) fn apply(
    cx: &mut Context<'_, '_>,
    record: &mut Record,
    to: &str,
) -> Result<Trace, Failure> {
    require_renamable(cx, record)?;
    name::check(to)?;
    if to.chars().count() > MAX_NAME {
        let message = format!("A name has at most {MAX_NAME} characters; choose a shorter one.");
        return Err(Fault::validation(message).into());
    }
    if to == record.name {
        return Err(Fault::invalid_request(format!("The secret is called {to} already.")).into());
    }
    let before = record.clone();
    require_free(cx, record, to)?;
    let mut followers = replicas::replicas(record).to_vec();
    for replica in &mut followers {
        let namespace = replicas::namespace_of(record, replica);
        match replica.state {
            ReplicaState::InSync => {
                if let Some(mut copy) = replicas::find_replica(cx, record, replica)? {
                    require_free(cx, &copy, to)?;
                    cx.vault()?.rename(&mut copy, to)?;
                }
            }
            // Nothing is in its way any more, and it is made when the secret is stored.
            ReplicaState::NameTaken => {
                if cx.vault()?.find(&namespace, to)?.is_none() {
                    replica.state = ReplicaState::InSync;
                }
            }
        }
    }
    if let Replication::Primary(replicas) = &mut record.replication {
        *replicas = followers;
    }
    let old = record.name.clone();
    record.former_names.retain(|name| *name != old && name != to);
    record.former_names.push(old);
    let surplus = record.former_names.len().saturating_sub(MAX_FORMER_NAMES);
    record.former_names.drain(..surplus);
    cx.vault()?.rename(record, to)?;
    repository::store(cx, record)?;
    Ok(Trace::between(Some(&before), record))
}

/// Writes a change of ours to the audit log.
pub(super) fn log(
    cx: &mut Context<'_, '_>,
    operation: &str,
    record: &Record,
    trace: Trace,
) -> Result<(), Failure> {
    let home = cx.vault()?.state().settings.region();
    let mut subject = Transaction::subject(record);
    if record.namespace.region != home {
        subject.region.clone_from(&record.namespace.region);
    }
    Ok(cx.vault()?.record_change(operation, subject, trace)?)
}

/// Finds what is to be renamed, with the new names, in the order in which names become free; and the
/// names of those that stay.
type Chosen = (Vec<(Record, String)>, Vec<String>);

fn chosen(cx: &mut Context<'_, '_>, renaming: &Renaming) -> Result<Chosen, Failure> {
    let (prefix, to) = match renaming {
        Renaming::One { id, to } => {
            let region = cx.region();
            let record = cx.look_up(region, id)?.ok_or_else(Fault::secret_not_found)?;
            return Ok((vec![(record, to.clone())], Vec::new()));
        }
        Renaming::All { prefix, to } => (prefix, to),
    };
    let namespace = cx.namespace()?;
    let (mut wanted, mut stay) = (Vec::new(), Vec::new());
    cx.vault()?.each(|record| {
        if record.namespace != namespace {
            return Ok(());
        }
        let Some(rest) = record.name.strip_prefix(prefix.as_str()) else { return Ok(()) };
        if record.deletion.is_some() {
            stay.push(record.name);
        } else {
            let new = format!("{to}{rest}");
            wanted.push((record, new));
        }
        Ok(())
    })?;
    if wanted.is_empty() {
        let message = format!(
            "No secret's name begins with {prefix}; `strongroom ls` shows the names there are."
        );
        return Err(Fault::not_found(message).into());
    }
    order::sort_all(&mut stay);
    order::sort_by(&mut wanted, |(left, _), (right, _)| left.name.cmp(&right.name));
    // One may get the name that another of them gives up: all grow, or all shrink.
    order::sort_by_key(&mut wanted, |(record, _)| {
        let length = record.name.len().cast_signed();
        if to.len() > prefix.len() { -length } else { length }
    });
    Ok((wanted, stay))
}

fn require_renamable(cx: &mut Context<'_, '_>, record: &Record) -> Result<(), Failure> {
    let name = &record.name;
    if let Replication::Replica { primary_region } = &record.replication {
        return Err(Fault::invalid_parameter(format!(
            "{name} is a replica here, which is called what its primary is; rename that: \
             --region {primary_region}."
        ))
        .into());
    }
    let is_followed = |bond: Bond| bond != Bond::Detached;
    if record.cross_replica.as_ref().is_some_and(|replica| is_followed(replica.bond)) {
        return Err(Fault::invalid_request(format!(
            "{name} has a replica in another account, which knows it by its ARN; end that with \
             `strongroom disassociate-cross-account-replica` and `strongroom peer sync` first."
        ))
        .into());
    }
    if record.cross_primary.is_some() {
        return Err(Fault::invalid_request(format!(
            "{name} is a replica of a secret in another account, which knows it by its ARN; \
             `strongroom stop-replication-to-replica` makes it a secret of its own."
        ))
        .into());
    }
    if record.deletion.is_some() {
        return Err(Fault::invalid_request(format!(
            "{name} is scheduled for deletion; `strongroom restore {name}` brings it back first."
        ))
        .into());
    }
    let lease = record.progress.as_ref().and_then(|progress| progress.lease.as_ref());
    let now = cx.now()?;
    if lease.is_some_and(|lease| lease.until > now) {
        return Err(Fault::invalid_request(format!(
            "A rotation of {name} runs; wait until it is over, or end it with `strongroom \
             cancel-rotate-secret --secret-id {name}`."
        ))
        .into());
    }
    Ok(())
}

fn require_free(cx: &mut Context<'_, '_>, record: &Record, to: &str) -> Result<(), Failure> {
    let Some(other) = cx.vault()?.find(&record.namespace, to)? else { return Ok(()) };
    let region = &record.namespace.region;
    let there = if region == cx.region() { String::new() } else { format!(" in region {region}") };
    let message = match other.deletion {
        None => format!("The name {to} is taken{there}; choose another."),
        Some(_) => format!(
            "The name {to} is kept{there} for a secret that is scheduled for deletion; choose \
             another, or restore that one and rename it."
        ),
    };
    Err(Fault::new(Code::ResourceExists, message).into())
}

fn text(name: &str, text: &str) -> (String, Value) {
    (name.to_owned(), Value::Text(text.to_owned()))
}

#[cfg(test)]
mod tests;
