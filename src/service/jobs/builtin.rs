//! The steps of the built-in function. It has the rights of any other rotation program, and makes the
//! same calls.

use super::steps::{before_step, known_values};
use crate::model::value::Value;
use crate::service::caller::{Caller, Step};
use crate::service::dispatch::{self, Call};
use crate::service::failure::Failure;
use crate::service::fault::{Code, Fault};
use crate::service::operation::Operation;
use crate::service::operations::get_random_password::GetRandomPassword;
use crate::service::operations::put_secret_value::PutSecretValue;
use crate::service::rotation::builtin::{self, Recipe};
use crate::service::rotation::job::Job;
use crate::service::rules::stages;
use crate::sys::secret::Secret;
use crate::vault::Vault;
use crate::vault::transaction::RequestContext;

/// Carries out a step. Only the first has anything to do.
pub(crate) fn builtin_step(
    vault: &mut Vault,
    job: &Job,
    step: Step,
    context: RequestContext<'_>,
) -> Result<(), Failure> {
    let (capability, _) = before_step(vault, job, step, context)?;
    let known = known_values(vault, job, context)?;
    if step != Step::Create || known.pending.is_some() {
        return Ok(());
    }
    let recipe = Recipe::read(&known.metadata)?;
    let caller = Caller::Step(capability);
    let mut call = |entry, request| {
        dispatch::admit(entry, &request)?;
        let call =
            Call { entry, request, region: Some(&job.region), caller: &caller, boundaries: None };
        dispatch::dispatch(vault, call, context)
    };
    let mut answer = call(GetRandomPassword::ENTRY, Value::Map(recipe.request))?;
    let password = match answer.get_mut("RandomPassword") {
        Some(Value::Text(password)) => Secret::new(std::mem::take(password)),
        Some(_) | None => return Err(Fault::new(Code::InternalService, "no password").into()),
    };
    let mut value = builtin::place(password, recipe.json_key.as_deref(), known.current.as_ref())?;
    let text = |text: &str| Value::Text(text.to_owned());
    let request = Value::Map(vec![
        ("SecretId".to_owned(), text(&job.arn)),
        ("ClientRequestToken".to_owned(), text(&job.token)),
        ("SecretString".to_owned(), Value::Text(std::mem::take(value.expose_mut()))),
        ("VersionStages".to_owned(), Value::List(vec![text(stages::PENDING)])),
    ]);
    call(PutSecretValue::ENTRY, request).map(drop)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::super::fixture::{RotationFixture, token};
    use crate::service::rotation::BUILTIN;

    fn rotate(number: u32, metadata: &[(&str, &str)]) -> Json {
        let items: Vec<Json> =
            metadata.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
        json!({
            "SecretId": "db", "ClientRequestToken": token(number), "RotationLambdaARN": BUILTIN,
            "ExternalSecretRotationMetadata": items,
        })
    }

    fn put(fixture: &mut RotationFixture, value: &str) {
        let request = json!({
            "SecretId": "db", "ClientRequestToken": token(9), "SecretString": value,
        });
        fixture.call("PutSecretValue", &request).unwrap();
    }

    #[test]
    fn a_password_takes_the_place_of_the_one_before() {
        let mut fixture = RotationFixture::new();
        let metadata = [("PasswordLength", "12"), ("ExcludePunctuation", "true")];
        let answer = fixture.rotate(&rotate(2, &metadata)).unwrap();
        assert_eq!(answer["VersionId"], token(2));
        assert_eq!(fixture.stages(), "1[AWSPREVIOUS] 2[AWSCURRENT]");
        let password = fixture.value("AWSCURRENT").unwrap();
        assert_eq!(password.len(), 12);
        assert!(password.bytes().all(|b| b.is_ascii_alphanumeric()), "{password}");
        assert_eq!(fixture.described()["RotationLambdaARN"], BUILTIN);
        // It asked for what it needed as any program does.
        let vias = fixture.service.events().into_iter().filter(|event| event.via != "direct");
        let asked: Vec<String> = vias.map(|event| event.operation).collect();
        assert_eq!(asked, ["GetRandomPassword", "PutSecretValue"]);
        fixture.service.require_sound();
    }

    #[test]
    fn a_member_of_an_object_is_replaced_and_the_rest_stays() {
        let mut fixture = RotationFixture::new();
        put(&mut fixture, r#"{"username": "ada", "password": "old", "port": 5432}"#);
        let refused = fixture.rotate(&rotate(2, &[])).unwrap_err();
        assert!(refused.1.contains("JsonKey"), "{refused:?}");
        // What was given now is what goes on with it.
        fixture.rotate(&rotate(3, &[("JsonKey", "password")])).unwrap();
        let value: Json = serde_json::from_str(&fixture.value("AWSCURRENT").unwrap()).unwrap();
        assert_eq!((&value["username"], &value["port"]), (&json!("ada"), &json!(5432)));
        assert_eq!(value["password"].as_str().unwrap().chars().count(), 32);
        let names: Vec<&String> = value.as_object().unwrap().keys().collect();
        assert_eq!(names, ["username", "password", "port"]);
    }

    #[test]
    fn what_is_no_such_object_is_left_alone() {
        for value in ["plain", r#"{"user": "ada"}"#, "[1]"] {
            let mut fixture = RotationFixture::new();
            put(&mut fixture, value);
            let refused = fixture.rotate(&rotate(2, &[("JsonKey", "password")])).unwrap_err();
            assert!(refused.1.contains("no JSON object with the member password"), "{refused:?}");
            assert_eq!(fixture.value("AWSCURRENT").unwrap(), value);
        }
    }

    #[test]
    fn metadata_that_means_nothing_is_refused_at_once() {
        let mut fixture = RotationFixture::new();
        let before = fixture.service.snapshot();
        for metadata in [
            &[("Length", "12")][..],
            &[("PasswordLength", "0")],
            &[("PasswordLength", "4097")],
            &[("PasswordLength", "x")],
            &[("ExcludeNumbers", "yes")],
            &[("ExcludeNumbers", "true"), ("ExcludeNumbers", "true")],
        ] {
            let refused = fixture.begin(&rotate(2, metadata)).err().unwrap();
            assert_eq!(refused.0, "InvalidParameterException");
            assert!(refused.1.contains(metadata[0].0), "{refused:?}");
        }
        assert!(fixture.service.snapshot() == before);
    }
}
