//! What references mean: the values of all of them, read at one moment, and the members that are asked
//! for.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::reference::{self, Reference};
use crate::agent::chores::Chore;
use crate::cli::everyday::address::{Address, Which};
use crate::cli::everyday::client::{Client, value_of};
use crate::cli::everyday::login::{Login, Member};
use crate::cli::failure::Failure;
use crate::model::secret_value::SecretValue;
use crate::model::value::Value;
use crate::service::action::Action;
use crate::service::together::{Wanted, WantedVersion};
use crate::sys::secret::Secret;

/// What a reference means.
pub(crate) struct Found {
    /// The name of the secret, for what stands in the place of the value.
    pub(crate) name: String,
    pub(crate) value: Secret<Vec<u8>>,
}

/// Reads what references mean, in their order: a secret once, and all at one moment. The holder of a
/// grant reads one after the other.
pub(crate) fn resolve(
    references: &[Reference],
    client: &mut Client<'_>,
) -> Result<Vec<Found>, Failure> {
    let mut distinct: Vec<&Reference> = Vec::new();
    // A file may have many thousands.
    let mut places: BTreeMap<&Address, usize> = BTreeMap::new();
    for reference in references {
        places.entry(&reference.address).or_insert_with(|| {
            let place = distinct.len();
            distinct.push(reference);
            place
        });
    }
    let answers = match distinct.as_slice() {
        [] => Vec::new(),
        [_] => one_by_one(&distinct, client)?,
        _ if client.is_granted() => one_by_one(&distinct, client)?,
        _ => together(&distinct, client)?,
    };
    let mut found = Vec::with_capacity(references.len());
    for reference in references {
        let answer = places.get(&reference.address).and_then(|place| answers.get(*place));
        if let Some((name, value)) = answer {
            found.push(Found { name: name.clone(), value: picked(reference, value)? });
        }
    }
    Ok(found)
}

/// A secret's name, and the value of a version of it.
type Read = (String, SecretValue);

fn one_by_one(references: &[&Reference], client: &mut Client<'_>) -> Result<Vec<Read>, Failure> {
    let read = |reference: &&Reference| {
        let answer = reference.address.members(client).and_then(|members| {
            let answer = client.call(Action::GetSecretValue, members)?;
            Ok((name_in(&answer), value_of(&answer)?.0))
        });
        answer.map_err(|failure| named(reference, failure))
    };
    references.iter().map(read).collect()
}

fn together(references: &[&Reference], client: &mut Client<'_>) -> Result<Vec<Read>, Failure> {
    let wanted = |reference: &&Reference| Wanted {
        secret: reference.address.secret.clone(),
        version: match &reference.address.which {
            Which::Current => WantedVersion::Current,
            Which::Stage(stage) => WantedVersion::Stage(stage.clone()),
            Which::Id(id) => WantedVersion::Id(id.clone()),
            Which::Back(back) => WantedVersion::Back(*back),
        },
    };
    let wanted: Vec<Wanted> = references.iter().map(wanted).collect();
    let region = client.region();
    let chore = || Chore::ReadTogether { region: region.clone(), wanted: wanted.clone() };
    let Value::List(answers) = client.chore(chore, "BatchGetSecretValue", None)? else {
        return Err(Failure::environment("AgentError", "the values were not answered"));
    };
    let read = |(reference, answer): (&&Reference, Value)| {
        let text = |name: &str| match answer.get(name) {
            Some(Value::Text(text)) => Some(text.as_str()),
            Some(_) | None => None,
        };
        if let (Some(code), Some(message)) = (text("ErrorCode"), text("Message")) {
            return Err(unresolved(reference, &format!("{message} ({code})")));
        }
        let value = value_of(&answer).map_err(|failure| named(reference, failure))?.0;
        Ok((name_in(&answer), value))
    };
    references.iter().zip(answers).map(read).collect()
}

fn name_in(answer: &Value) -> String {
    match answer.get("Name") {
        Some(Value::Text(name)) => name.clone(),
        Some(_) | None => String::new(),
    }
}

/// Says which reference a failure is about, where it is about one.
fn named(reference: &Reference, failure: Failure) -> Failure {
    let why = if let Failure::Service { fault, .. } = &failure {
        format!("{} ({})", fault.message, fault.code.as_str())
    } else if let Failure::Environment { name: "NoVersion" | "FieldError", message, .. } = &failure
    {
        message.clone()
    } else {
        return failure;
    };
    let told = unresolved(reference, &why);
    match failure.hint() {
        Some(hint) => told.hinted(hint),
        None => told,
    }
}

/// The name of the failure of a reference that means nothing.
pub(crate) const UNRESOLVED: &str = "ReferenceError";

/// Says that a reference means nothing, and why.
pub(crate) fn unresolved(reference: &Reference, why: &str) -> Failure {
    Failure::environment(UNRESOLVED, format!("{}: {why}", reference.given))
}

/// Returns what a reference means of a value: all of it, to the byte, or a member.
fn picked(reference: &Reference, value: &SecretValue) -> Result<Secret<Vec<u8>>, Failure> {
    let Some(member) = &reference.member else {
        return Ok(Secret::new(value.expose_bytes().to_vec()));
    };
    let text = match value {
        SecretValue::Text(text) => text.expose(),
        SecretValue::Binary(_) => return Err(unresolved(reference, "the value is binary")),
    };
    let steps: &[String] = match member {
        reference::Member::Name(name) => std::slice::from_ref(name),
        reference::Member::Path(steps) => steps,
    };
    let mut json = text.as_str();
    for step in steps {
        json = step_into(json, step).ok_or_else(|| {
            let why = if Login::read(json).is_some() || elements(json).is_some() {
                format!("the value has no member {step:?}")
            } else {
                format!("there is no member {step:?}, as what it would be of is no JSON object")
            };
            let hint = format!("`strongroom show {}` names those it has", reference.address.secret);
            unresolved(reference, &why).hinted(hint)
        })?;
    }
    Ok(plain(json))
}

/// Finds a member of an object, or an element of a list, as JSON has it.
fn step_into<'t>(json: &'t str, step: &str) -> Option<&'t str> {
    if let Some(object) = Login::read(json) {
        return object.get(step).map(Member::json);
    }
    let is_place = step == "0" || !step.starts_with(['0', '+']);
    let place: usize = step.parse().ok().filter(|_| is_place)?;
    let elements = elements(json)?;
    elements.get(place).map(|element| element.get())
}

fn elements(json: &str) -> Option<Vec<&RawValue>> {
    serde_json::from_str(json).ok()
}

/// Returns a value: a text as it is, anything else as JSON.
fn plain(json: &str) -> Secret<Vec<u8>> {
    match serde_json::from_str::<String>(json) {
        Ok(text) => Secret::new(text.into_bytes()),
        Err(_not_text) => Secret::new(json.as_bytes().to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pick(given: &str, value: &str) -> Result<String, String> {
        let value = SecretValue::Text(Secret::new(value.to_owned()));
        let reference = Reference::parse(given).map_err(|error| error.message().to_owned())?;
        let picked = picked(&reference, &value);
        let text = |bytes: Secret<Vec<u8>>| String::from_utf8_lossy(bytes.expose()).into_owned();
        picked.map(text).map_err(|failure| failure.told().map(|(_, told)| told).unwrap_or_default())
    }

    #[test]
    fn a_value_or_a_member_of_it() {
        let json = r#"{"a":"x\"","n":1.50,"o":{"p/q":["0",{"r~":"deep"}]},"/s":"t","a":"last"}"#;
        for (reference, value, expected) in [
            ("s", "plain\n", "plain\n"),
            ("s", json, json),
            ("s#a", json, "last"),
            ("s#n", json, "1.50"),
            ("s#o", json, r#"{"p/q":["0",{"r~":"deep"}]}"#),
            ("s#/o/p~1q/1/r~0", json, "deep"),
            ("s#/o/p~1q/0", json, "0"),
            ("s#/~1s", json, "t"),
            ("s#/1", r#"["a","b"]"#, "b"),
        ] {
            assert_eq!(pick(reference, value).as_deref(), Ok(expected), "{reference}");
        }
        for (reference, value) in [
            ("s#b", json),
            ("s#/o/p~1q/2", json),
            ("s#/o/p~1q/01", json),
            ("s#/o/p~1q/+1", json),
            ("s#a", "plain"),
            ("s#/n/x", json),
        ] {
            let told = pick(reference, value).unwrap_err();
            assert!(told.starts_with(&format!("{reference}: ")), "{told}");
            assert!(!told.contains("plain") && !told.contains("1.50"), "{told}");
        }
    }
}
