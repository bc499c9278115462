//! What the owner of a vault has done about its access keys, as it goes to the agent.

use super::limits::{Unfit, check};
use super::question::Question;
use super::rights::{rights_of, spec_of};
use super::{create, delete, list, rotate, update};
use crate::model::shape::Shaped;
use crate::model::value::Value;
use crate::service::failure::Failure;
use crate::service::grants::GrantSpec;
use crate::vault::Vault;
use crate::vault::access_key::{ID_PREFIX, Rights, Status};
use crate::vault::transaction::RequestContext;

/// One thing that is done about them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Errand {
    /// Make one, for so many seconds if that is said.
    Create { rights: Rights, lifetime_s: Option<i64> },
    /// Delete one.
    Delete { id: String },
    /// Say whether its holder may make a call, and why.
    Explain { id: String, question: Question },
    /// Show all.
    List,
    /// Make one in the place of another, which is good for so many more seconds, or none.
    Rotate { id: String, grace_s: Option<i64> },
    /// Put one into use, or out of use.
    Update { id: String, status: Status },
}

impl Errand {
    /// Asks for a key, as far as can be said without a vault whether there can be such a one.
    pub(crate) fn create(mut spec: GrantSpec) -> Result<Self, Unfit> {
        let user_name = spec.user_name.take();
        // Without a name it is called by its id.
        spec.user_name = Some(user_name.clone().unwrap_or_else(|| ID_PREFIX.to_owned()));
        check(&spec)?;
        Ok(Self::asked(GrantSpec { user_name, ..spec }))
    }

    fn asked(spec: GrantSpec) -> Self {
        let (rights, lifetime_s) = rights_of(spec);
        Self::Create { rights, lifetime_s }
    }

    /// Does it.
    pub(crate) fn run(
        self,
        vault: &mut Vault,
        context: RequestContext<'_>,
    ) -> Result<Value, Failure> {
        match self {
            Self::Create { rights, lifetime_s } => create(vault, (rights, lifetime_s), context),
            Self::Delete { id } => delete(vault, &id, context),
            Self::Explain { id, question } => question.answer(vault, &id, context),
            Self::List => list(vault, context),
            Self::Rotate { id, grace_s } => rotate(vault, &id, grace_s, context),
            Self::Update { id, status } => update(vault, &id, status, context),
        }
    }

    /// Whether it changes the vault, so that it is not asked for twice.
    pub(crate) fn changes(&self) -> bool {
        match self {
            Self::Explain { .. } | Self::List => false,
            Self::Create { .. }
            | Self::Delete { .. }
            | Self::Rotate { .. }
            | Self::Update { .. } => true,
        }
    }

    /// Writes it for another process.
    pub(crate) fn to_value(&self) -> Value {
        let text = |name: &str, text: &str| (name.to_owned(), Value::Text(text.to_owned()));
        Value::Map(match self {
            Self::Create { rights, lifetime_s } => {
                let spec = GrantSpec { lifetime_s: *lifetime_s, ..spec_of(rights) };
                let spec = spec.into_value().unwrap_or(Value::Null);
                vec![text(WHAT, "create"), ("Spec".to_owned(), spec)]
            }
            Self::Delete { id } => vec![text(WHAT, "delete"), text("Id", id)],
            Self::Explain { id, question } => {
                let question = ("Question".to_owned(), question.to_value());
                vec![text(WHAT, "explain"), text("Id", id), question]
            }
            Self::List => vec![text(WHAT, "list")],
            Self::Rotate { id, grace_s } => {
                let grace = grace_s.map(|grace| ("Grace".to_owned(), Value::Integer(grace)));
                let mut members = vec![text(WHAT, "rotate"), text("Id", id)];
                members.extend(grace);
                members
            }
            Self::Update { id, status } => {
                let is_active = ("Active".to_owned(), Value::Boolean(*status == Status::Active));
                vec![text(WHAT, "update"), text("Id", id), is_active]
            }
        })
    }

    /// Reads what [`Errand::to_value`] wrote.
    pub(crate) fn of_value(value: &Value) -> Option<Self> {
        let text = |name: &str| match value.get(name) {
            Some(Value::Text(text)) => Some(text.clone()),
            Some(_) | None => None,
        };
        Some(match text(WHAT)?.as_str() {
            "create" => Self::asked(GrantSpec::from_value(value.get("Spec")?.clone()).ok()?),
            "delete" => Self::Delete { id: text("Id")? },
            "explain" => {
                let question = Question::of_value(value.get("Question")?)?;
                Self::Explain { id: text("Id")?, question }
            }
            "list" => Self::List,
            "rotate" => {
                let grace_s = match value.get("Grace") {
                    None => None,
                    Some(Value::Integer(grace)) => Some(*grace),
                    Some(_) => return None,
                };
                Self::Rotate { id: text("Id")?, grace_s }
            }
            "update" => {
                let Value::Boolean(is_active) = value.get("Active")? else { return None };
                let status = if *is_active { Status::Active } else { Status::Inactive };
                Self::Update { id: text("Id")?, status }
            }
            _ => return None,
        })
    }
}

const WHAT: &str = "What";
