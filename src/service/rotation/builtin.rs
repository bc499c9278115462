//! The built-in function: a random password, for secrets that only the vault's readers use.

use serde_json::{Map, Value as Json};

use crate::model::secret_value::SecretValue;
use crate::model::value::Value;
use crate::service::fault::Fault;
use crate::sys::secret::Secret;
use crate::vault::rotation::{Command, Protocol};

/// `RotationLambdaARN` of the built-in function.
pub(crate) const BUILTIN: &str = "arn:local:builtin:random-password";

/// Returns the command that stands for it: no program, but the built-in protocol.
pub(crate) fn command() -> Command {
    Command::new(Vec::new(), Protocol::Builtin)
}

/// Refuses metadata that means nothing to the function, or does not fit the current value.
pub(crate) fn check(
    metadata: &[(String, String)],
    current: Option<&SecretValue>,
) -> Result<(), Fault> {
    let recipe = Recipe::read(metadata)?;
    place(Secret::new(String::new()), recipe.json_key.as_deref(), current).map(drop)
}

/// What the metadata asks for.
pub(crate) struct Recipe {
    /// The request to `get-random-password`.
    pub(crate) request: Vec<(String, Value)>,
    /// The member of the value, a JSON object, that is the password.
    pub(crate) json_key: Option<String>,
}

impl Recipe {
    /// Reads it from the metadata.
    pub(crate) fn read(metadata: &[(String, String)]) -> Result<Self, Fault> {
        let mut recipe = Self { request: Vec::new(), json_key: None };
        for (key, value) in metadata {
            let refused = || {
                let message =
                    format!("The metadata item {key}={value} means nothing to {BUILTIN}.");
                Fault::invalid_parameter(message)
            };
            let member = match key.as_str() {
                "JsonKey" => {
                    recipe.json_key = Some(value.clone());
                    continue;
                }
                "PasswordLength" => {
                    let length = value.parse().ok().filter(|n| (1..=4096).contains(n));
                    Value::Integer(length.ok_or_else(refused)?)
                }
                "ExcludeCharacters" => Value::Text(value.clone()),
                "ExcludeNumbers"
                | "ExcludePunctuation"
                | "ExcludeUppercase"
                | "ExcludeLowercase"
                | "IncludeSpace"
                | "RequireEachIncludedType" => {
                    Value::Boolean(value.parse().map_err(|_no_boolean| refused())?)
                }
                _ => return Err(refused()),
            };
            if recipe.request.iter().any(|(name, _)| name == key) {
                return Err(refused());
            }
            recipe.request.push((key.clone(), member));
        }
        Ok(recipe)
    }
}

/// Replaces the current password.
pub(crate) fn place(
    mut password: Secret<String>,
    json_key: Option<&str>,
    current: Option<&SecretValue>,
) -> Result<Secret<String>, Fault> {
    let object = current.and_then(|current| match current {
        SecretValue::Text(text) => serde_json::from_str::<Map<String, Json>>(text.expose()).ok(),
        SecretValue::Binary(_) => None,
    });
    match (json_key, object) {
        (None, None) => Ok(password),
        (None, Some(_)) => Err(Fault::invalid_request(format!(
            "The secret is a JSON object, and {BUILTIN} would replace all of it. Name the member \
             that is the password with the metadata item JsonKey."
        ))),
        (Some(key), Some(mut object)) if object.contains_key(key) => {
            let password = std::mem::take(password.expose_mut());
            object.insert(key.to_owned(), Json::String(password));
            Ok(Secret::new(Json::Object(object).to_string()))
        }
        (Some(key), _) => Err(Fault::invalid_request(format!(
            "The secret is no JSON object with the member {key}, which is to get the password."
        ))),
    }
}
