//! Several values read at one moment, of whichever versions: what a program is started with belongs
//! together. In the log it is a batch, with a read of each secret.

use super::action::Action;
use super::caller::Caller;
use super::context::Context;
use super::dispatch::{self, Call};
use super::failure::Failure;
use super::fault::{Code, Fault};
use super::operation::Entry;
use super::operations::{batch_get_secret_value, get_secret_value};
use super::rules::stages::CURRENT;
use crate::model::shape::Shaped;
use crate::model::types::{SecretId, VersionId, VersionStage};
use crate::model::value::Value;
use crate::vault::Vault;
use crate::vault::audit::Event;
use crate::vault::transaction::RequestContext;

/// A version of a secret that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// The secret's name or ARN.
    pub(crate) secret: String,
    pub(crate) version: WantedVersion,
}

/// Which version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum WantedVersion {
    Current,
    /// That with a label.
    Stage(String),
    /// That of an id.
    Id(String),
    /// That which was made so many before the current one.
    Back(usize),
}

impl Wanted {
    /// Writes it as the members of a request.
    pub(crate) fn to_value(&self) -> Value {
        let text = |name: &str, text: &str| (name.to_owned(), Value::Text(text.to_owned()));
        let mut members = vec![text("SecretId", &self.secret)];
        members.extend(match &self.version {
            WantedVersion::Current => None,
            WantedVersion::Stage(stage) => Some(text(STAGE, stage)),
            WantedVersion::Id(id) => Some(text(ID, id)),
            WantedVersion::Back(back) => {
                let back = i64::try_from(*back).unwrap_or(i64::MAX);
                Some((BACK.to_owned(), Value::Integer(back)))
            }
        });
        Value::Map(members)
    }

    /// Reads what [`Wanted::to_value`] wrote.
    pub(crate) fn of_value(value: &Value) -> Option<Self> {
        let text = |name: &str| match value.get(name) {
            Some(Value::Text(text)) => Some(text.clone()),
            Some(_) | None => None,
        };
        let version = match (text(STAGE), text(ID), value.get(BACK)) {
            (None, None, None) => WantedVersion::Current,
            (Some(stage), None, None) => WantedVersion::Stage(stage),
            (None, Some(id), None) => WantedVersion::Id(id),
            (None, None, Some(Value::Integer(back))) => {
                WantedVersion::Back(usize::try_from(*back).ok()?)
            }
            (_, _, _) => return None,
        };
        Some(Self { secret: text("SecretId")?, version })
    }
}

const STAGE: &str = "VersionStage";
const ID: &str = "VersionId";
const BACK: &str = "Back";

/// Reads versions, for their owner. The answer has an element for each: what `get-secret-value` answers,
/// or the `ErrorCode` and `Message` of why not.
pub(crate) fn read(
    vault: &mut Vault,
    region: Option<&str>,
    wanted: &[Wanted],
    context: RequestContext<'_>,
) -> Result<Value, Failure> {
    let wanted = wanted.iter().map(Wanted::to_value).collect();
    let call = Call {
        entry: &TOGETHER,
        request: Value::List(wanted),
        region,
        caller: &Caller::Owner,
        boundaries: None,
    };
    dispatch::dispatch(vault, call, context)
}

/// It is what a batch is, but for the versions.
static TOGETHER: Entry =
    Entry { run, ..Entry::of::<batch_get_secret_value::BatchGetSecretValue>() };

fn run(cx: &mut Context<'_, '_>, request: Value) -> Result<Value, Failure> {
    let Value::List(wanted) = request else {
        return Err(Fault::new(Code::InternalService, "nothing is wanted").into());
    };
    let mut answers = Vec::new();
    for wanted in wanted {
        let wanted = Wanted::of_value(&wanted);
        let wanted =
            wanted.ok_or_else(|| Fault::new(Code::InternalService, "nothing is wanted"))?;
        answers.push(match read_one(cx, wanted) {
            Ok(answer) => {
                cx.log_part(Action::GetSecretValue, Event::SUCCESS)?;
                answer.into_value().unwrap_or(Value::Null)
            }
            Err(Failure::Fault(Fault { code, message, .. })) => {
                cx.log_part(Action::GetSecretValue, code.as_str())?;
                let text = |name: &str, text: String| (name.to_owned(), Value::Text(text));
                let code = code.as_str().to_owned();
                Value::Map(vec![text("ErrorCode", code), text("Message", message)])
            }
            Err(failure) => return Err(failure),
        });
    }
    Ok(Value::List(answers))
}

fn read_one(
    cx: &mut Context<'_, '_>,
    wanted: Wanted,
) -> Result<get_secret_value::Response, Failure> {
    let secret = SecretId(wanted.secret);
    let (id, stage) = match wanted.version {
        WantedVersion::Current | WantedVersion::Back(0) => (None, None),
        WantedVersion::Stage(stage) => (None, Some(VersionStage(stage))),
        WantedVersion::Id(id) => (Some(VersionId(id)), None),
        WantedVersion::Back(back) => (Some(before_current(cx, &secret, back)?), None),
    };
    get_secret_value::read(cx, &secret, id.as_ref(), stage.as_ref())
}

/// Finds the version that was made so many versions before the current one.
fn before_current(
    cx: &mut Context<'_, '_>,
    secret: &SecretId,
    back: usize,
) -> Result<VersionId, Failure> {
    let record = cx.find_active(secret)?;
    let is_current = |stages: &[String]| stages.iter().any(|stage| stage == CURRENT);
    let current = record.versions.iter().position(|version| is_current(&version.stages));
    let place = current.and_then(|current| current.checked_sub(back));
    let version = place.and_then(|place| record.versions.get(place));
    let message = || format!("there is no version {back} before the current one");
    let none = || Fault::new(Code::ResourceNotFound, message());
    Ok(VersionId(version.ok_or_else(none)?.id.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanted_is_read_as_it_was_written() {
        for version in [
            WantedVersion::Current,
            WantedVersion::Stage("beta".to_owned()),
            WantedVersion::Id("1".repeat(32)),
            WantedVersion::Back(3),
        ] {
            let wanted = Wanted { secret: "a".to_owned(), version };
            assert_eq!(Wanted::of_value(&wanted.to_value()), Some(wanted));
        }
        assert_eq!(Wanted::of_value(&Value::Null), None);
    }
}
