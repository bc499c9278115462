//! Which version of a secret is meant: `NAME`, `NAME:AWSPREVIOUS`, `NAME:VERSION-ID`, `NAME~1`.
//!
//! Names of AWS's may hold `@`, never `:` or `~`. An ARN has colons of its own: after its last part a
//! label or id may follow.

use super::client::{Client, text};
use super::times;
use crate::agent::chores::Chore;
use crate::cli::failure::Failure;
use crate::cli::request::error::Error;
use crate::cli::terminal;
use crate::model::time::Timestamp;
use crate::model::value::Value;
use crate::service::action::Action;

/// A secret, and which version of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Address {
    /// The name or ARN of the secret.
    pub(crate) secret: String,
    pub(crate) which: Which,
}

/// Which version of a secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Which {
    /// The current one.
    Current,
    /// The one with this label.
    Stage(String),
    /// The one of this id.
    Id(String),
    /// The one that was made so many versions before the current one.
    Back(usize),
}

/// A version, as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) id: String,
    pub(crate) stages: Vec<String>,
    pub(crate) created: Timestamp,
}

impl Address {
    /// Reads an address.
    pub(crate) fn parse(given: &str) -> Result<Self, Error> {
        let wrong = |what: &str| Err(Error::argument(given, what));
        if let Some((secret, back)) = given.rsplit_once('~') {
            let number = back.parse().ok().filter(|_| back.bytes().all(|b| b.is_ascii_digit()));
            let Some(back) = number else {
                return wrong("after ~ stands how many versions to go back, as in NAME~1");
            };
            return Ok(Self { secret: whole(secret)?, which: Which::Back(back) });
        }
        let (secret, version) = match given.strip_prefix("arn:") {
            // arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME
            Some(_) => match given.match_indices(':').nth(6) {
                Some((place, _)) => {
                    let (secret, version) = given.split_at(place);
                    (secret, version.strip_prefix(':'))
                }
                None => (given, None),
            },
            None => match given.split_once(':') {
                Some((secret, version)) => (secret, Some(version)),
                None => (given, None),
            },
        };
        let which = match version {
            None => Which::Current,
            Some("") => return wrong("after : stands a staging label or the id of a version"),
            Some(version) if is_id(version) => Which::Id(version.to_owned()),
            Some(version) => Which::Stage(version.to_owned()),
        };
        Ok(Self { secret: whole(secret)?, which })
    }

    /// Reads one in which no version may be named.
    pub(crate) fn whole_secret(given: &str, what_for: &str) -> Result<String, Error> {
        let address = Self::parse(given)?;
        if address.which == Which::Current {
            return Ok(address.secret);
        }
        Err(Error::argument(given, format!("{what_for} is of a whole secret, not one version")))
    }

    /// Takes the version that was current at a time, if one is given.
    ///
    /// # Errors
    /// Where there was none then, or it cannot be known.
    pub(crate) fn at(self, time: Option<&str>, client: &mut Client<'_>) -> Result<Self, Failure> {
        let Some(time) = time else { return Ok(self) };
        let at = times::read("--at", time)?;
        if self.which != Which::Current {
            let what = "NAME says already which version is meant";
            return Err(Error::argument("--at", what).into());
        }
        let region = client.region();
        let chore = || Chore::CurrentAt { region: region.clone(), id: self.secret.clone(), at };
        let answer = client.chore(chore, "CurrentAt", Some(&self.secret))?;
        if let Some(Value::Timestamp(begins)) = answer.get("LogBegins") {
            terminal::note(&format!(
                "note: the audit log begins later, {}; this is by when the versions were made",
                times::minute(*begins)
            ));
        }
        match answer.get("VersionId") {
            Some(Value::Text(id)) => Ok(Self { which: Which::Id(id.clone()), ..self }),
            Some(_) | None => Ok(self),
        }
    }

    /// Returns the members of a request for the value of this version.
    ///
    /// # Errors
    /// `NoVersion` where there is none so far back.
    pub(crate) fn members(
        &self,
        client: &mut Client<'_>,
    ) -> Result<Vec<(&'static str, Value)>, Failure> {
        let mut members = vec![text("SecretId", &self.secret)];
        match &self.which {
            Which::Current | Which::Back(0) => {}
            Which::Stage(stage) => members.push(text("VersionStage", stage)),
            Which::Id(id) => members.push(text("VersionId", id)),
            Which::Back(back) => {
                let versions = versions(client, &self.secret)?;
                let current = versions.iter().position(is_current);
                let before = current.and_then(|current| current.checked_sub(*back));
                let Some(version) = before.and_then(|place| versions.get(place)) else {
                    let message =
                        format!("{} has no version {back} before the current one", self.secret);
                    return Err(Failure::environment("NoVersion", message).hinted(format!(
                        "`strongroom log {}` shows those there are",
                        self.secret
                    )));
                };
                members.push(text("VersionId", &version.id));
            }
        }
        Ok(members)
    }
}

/// Lists all versions of a secret, oldest first.
pub(crate) fn versions(client: &mut Client<'_>, secret: &str) -> Result<Vec<Listed>, Failure> {
    let members = vec![text("SecretId", secret), ("IncludeDeprecated", Value::Boolean(true))];
    let mut versions = Vec::new();
    let mut token = None;
    loop {
        let mut request = members.clone();
        request.extend(token.take().map(|token| ("NextToken", token)));
        let answer = client.call(Action::ListSecretVersionIds, request)?;
        if let Some(Value::List(listed)) = answer.get("Versions") {
            versions.extend(listed.iter().filter_map(listed_version));
        }
        token = answer.get("NextToken").cloned();
        if token.is_none() {
            return Ok(versions);
        }
    }
}

/// Whether a version is the current one.
pub(crate) fn is_current(version: &Listed) -> bool {
    version.stages.iter().any(|stage| stage == "AWSCURRENT")
}

fn listed_version(version: &Value) -> Option<Listed> {
    let Some(Value::Text(id)) = version.get("VersionId") else { return None };
    let Some(Value::Timestamp(created)) = version.get("CreatedDate") else { return None };
    let stages = match version.get("VersionStages") {
        Some(Value::List(stages)) => stages.iter().filter_map(as_text).collect(),
        Some(_) | None => Vec::new(),
    };
    Some(Listed { id: id.clone(), stages, created: *created })
}

fn as_text(value: &Value) -> Option<String> {
    if let Value::Text(text) = value { Some(text.clone()) } else { None }
}

/// Whether a text has the form of a version's id: a UUID, which no label looks like.
fn is_id(text: &str) -> bool {
    (32..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
}

fn whole(secret: &str) -> Result<String, Error> {
    if secret.is_empty() {
        return Err(Error::argument("NAME", "the name of a secret is missing"));
    }
    Ok(secret.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_secret_and_a_version() {
        let id = "ce288e48-cdc5-4cbb-ab66-bdda5104c738";
        let arn = "arn:aws:secretsmanager:local-1:000000000000:secret:app/db-zEuv9t";
        for (given, secret, which) in [
            ("app/db", "app/db", Which::Current),
            ("me@example.org", "me@example.org", Which::Current),
            ("app/db:AWSPREVIOUS", "app/db", Which::Stage("AWSPREVIOUS".to_owned())),
            (&format!("app/db:{id}"), "app/db", Which::Id(id.to_owned())),
            ("app/db~1", "app/db", Which::Back(1)),
            (arn, arn, Which::Current),
            (&format!("{arn}:beta"), arn, Which::Stage("beta".to_owned())),
            (&format!("{arn}~2"), arn, Which::Back(2)),
        ] {
            let address = Address { secret: secret.to_owned(), which };
            assert_eq!(Address::parse(given).ok(), Some(address), "{given}");
        }
        for given in ["", ":x", "a:", "a~", "a~x", "a~+1", "~1"] {
            assert!(Address::parse(given).is_err(), "{given}");
        }
    }
}
