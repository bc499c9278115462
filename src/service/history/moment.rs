//! Which version of a secret was current at some time: what the audit log says of how the label moved
//! since, backwards from where it is.

use super::past::{self, Past};
use crate::model::time::Timestamp;
use crate::model::types::SecretId;
use crate::model::value::Value;
use crate::service::action::Action;
use crate::service::context::Context;
use crate::service::failure::Failure;
use crate::service::fault::Fault;
use crate::service::rules::stages;
use crate::vault::Vault;
use crate::vault::record::Record;
use crate::vault::trace::Fate;
use crate::vault::transaction::{Access, RequestContext};

/// Says which version of a secret was current at a time, and from when on that is in the log: what was
/// before that is concluded from when versions were made.
///
/// # Errors
/// `ResourceNotFoundException` where there was none, or it cannot be known.
pub(crate) fn current_at(
    vault: &mut Vault,
    region: Option<&str>,
    id: &str,
    at: Timestamp,
    context: RequestContext<'_>,
) -> Result<Value, Failure> {
    let mut transaction = vault.begin(Access::Read, context)?;
    let home = transaction.state().settings.region().to_owned();
    let mut cx = Context::new(&mut transaction, region, &home);
    let record = cx.find(&SecretId(id.to_owned()))?;
    let name = &record.name;
    if at < record.created {
        return Err(
            Fault::not_found(format!("There was no secret {name} yet at that time.")).into()
        );
    }
    let mut begins: Option<Timestamp> = None;
    cx.vault()?.events(|_, event| {
        begins = begins.or(Some(event.time));
        Ok(())
    })?;
    let pasts = past::of_secret(&mut cx, &record)?;
    let then = was_current(&record, &pasts, at);
    let is_in_log = begins.is_some_and(|begins| begins <= at.max(record.created));
    let version = match then {
        Then::Version(version) => version,
        Then::None => {
            return Err(Fault::not_found(format!("{name} had no value at that time.")).into());
        }
        Then::Unknown => {
            return Err(Fault::not_found(format!(
                "Which version of {name} was current at that time cannot be known: the audit log \
                 does not say what was moved since. `strongroom log {name}` shows the versions \
                 there are."
            ))
            .into());
        }
    };
    let made = past::version(&record, &version)?.created;
    if made > at {
        return Err(Fault::not_found(format!(
            "Which version of {name} was current at that time cannot be known: the audit log does \
             not reach back so far. `strongroom log {name}` shows the versions there are."
        ))
        .into());
    }
    let mut members = vec![("VersionId".to_owned(), Value::Text(version))];
    if !is_in_log {
        members.extend(begins.map(|begins| ("LogBegins".to_owned(), Value::Timestamp(begins))));
    }
    Ok(Value::Map(members))
}

/// Which version was current.
enum Then {
    Version(String),
    None,
    /// Something moved the label of which the log says nothing.
    Unknown,
}

/// Goes back from the version that is current.
fn was_current(record: &Record, pasts: &[Past], at: Timestamp) -> Then {
    let holder = stages::holder(&record.versions, stages::CURRENT);
    let mut current = holder.map(|version| version.id.as_str());
    for past in pasts.iter().rev().take_while(|past| past.time > at) {
        let Some(trace) = &past.trace else {
            if may_move(past) {
                return Then::Unknown;
            }
            continue;
        };
        if trace.fate == Some(Fate::Made) {
            return Then::None;
        }
        if let Some(moved) = trace.moved(stages::CURRENT) {
            if moved.to.as_deref() != current {
                return Then::Unknown;
            }
            current = moved.from.as_deref();
        }
    }
    current.map_or(Then::None, |current| Then::Version(current.to_owned()))
}

/// Whether something that an earlier version of this program logged may have moved the label.
fn may_move(past: &Past) -> bool {
    let may = [
        Action::CreateSecret,
        Action::PutSecretValue,
        Action::UpdateSecret,
        Action::UpdateSecretVersionStage,
    ];
    may.iter().any(|action| action.name() == past.operation)
}
