//! What an operation is: one file that declares its request, its response and its rule, and its line
//! in the list of `operations`. Everything else (options, validation, help, skeletons, the command
//! reference) is derived.

use super::action::Action;
use super::context::Context;
use super::failure::Failure;
use super::fault::Code;
use crate::model::case;
use crate::model::shape::{Shape, Shaped};
use crate::model::value::Value;

/// One AWS operation.
pub(crate) trait Operation: Sized {
    const ACTION: Action;
    /// What a person wants when using it.
    const GROUP: Group;
    /// What it does, for the help: a sentence, imperative.
    const SUMMARY: &'static str;
    /// One command line that shows it.
    const EXAMPLE: &'static str;
    /// What it does to the vault.
    const EFFECT: Effect;
    /// The error codes it may answer with, as AWS declares them.
    const FAULTS: &'static [Code];
    /// Whether the AWS CLI fetches page after page of it by itself.
    const PAGES: Pages = Pages::Single;
    type Request: Shaped;
    type Response: Shaped;
    const ENTRY: &'static Entry = &Entry::of::<Self>();

    fn run(cx: &mut Context<'_, '_>, request: Self::Request) -> Result<Self::Response, Failure>;
}

/// How the help groups commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Group {
    Secrets,
    Versions,
    /// New values by themselves.
    Rotation,
    Policies,
    /// Replicas in other regions.
    Regions,
}

/// What an operation does to the vault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It needs no vault.
    Nothing,
    /// It reads; the audit log and the day of last access may be written.
    Reads,
    /// It reads every secret and changes nothing about them; the audit log may be written.
    Surveys,
    /// It changes secrets.
    Writes,
}

/// Whether and by which members the AWS CLI pages by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pages {
    /// It does not.
    Single,
    /// It gathers this member over all pages.
    Gathered(&'static str),
}

/// An operation as a value: its declaration and how to call it.
pub(crate) struct Entry {
    pub(crate) action: Action,
    /// AWS's name, such as `GetSecretValue`.
    pub(crate) name: &'static str,
    pub(crate) group: Group,
    pub(crate) summary: &'static str,
    pub(crate) example: &'static str,
    pub(crate) effect: Effect,
    pub(crate) faults: &'static [Code],
    pub(crate) pages: Pages,
    pub(crate) input: &'static Shape,
    pub(crate) output: &'static Shape,
    /// Carries it out on a request that validation has let through.
    pub(crate) run: fn(&mut Context<'_, '_>, Value) -> Result<Value, Failure>,
}

impl Entry {
    pub(super) const fn of<O: Operation>() -> Self {
        Self {
            action: O::ACTION,
            name: O::ACTION.name(),
            group: O::GROUP,
            summary: O::SUMMARY,
            example: O::EXAMPLE,
            effect: O::EFFECT,
            faults: O::FAULTS,
            pages: O::PAGES,
            input: O::Request::SHAPE,
            output: O::Response::SHAPE,
            run: run::<O>,
        }
    }

    /// Whether the operation declares this code; `ValidationException` and `AccessDeniedException`
    /// AWS declares for none.
    pub(crate) fn may_answer(&self, code: Code) -> bool {
        [Code::Validation, Code::AccessDenied].contains(&code) || self.faults.contains(&code)
    }

    /// Whether the response is about one version of a secret, with its value.
    pub(crate) fn holds_value(&self) -> bool {
        self.output.members().iter().any(|member| member.name == "SecretString")
    }

    /// Returns the command's name, such as `get-secret-value`.
    pub(crate) fn command(&self) -> String {
        case::kebab(self.name)
    }
}

fn run<O: Operation>(cx: &mut Context<'_, '_>, request: Value) -> Result<Value, Failure> {
    let request = O::Request::from_value(request)?;
    let response = O::run(cx, request)?;
    Ok(response.into_value().unwrap_or(Value::Null))
}
