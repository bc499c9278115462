//! What a policy is asked about: who wants to do what to which secret, and what is known besides.

use std::collections::BTreeMap;

use super::date;
use super::principal::Identity;
use crate::model::time::Timestamp;
use crate::model::value::Value;
use crate::service::action::Action;

/// A request, as a policy sees it.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(super) caller: Identity,
    /// `secretsmanager:` and the operation's name.
    pub(super) action: String,
    /// The ARN of the secret; `*` where the operation is about none.
    pub(super) resource: String,
    pub(super) context: Context,
}

/// What conditions may know of a secret.
pub(crate) struct Resource<'a> {
    pub(crate) arn: &'a str,
    pub(crate) tags: &'a [(String, String)],
    /// Its primary region, where it is replicated.
    pub(crate) primary_region: Option<&'a str>,
    /// The ARN of its rotation function, where it has one.
    pub(crate) rotation_lambda_arn: Option<&'a str>,
    pub(crate) secret_type: Option<&'a str>,
}

/// What is known of a request, by condition key. Names of keys are not case-sensitive.
#[derive(Clone, Debug, Default)]
pub(crate) struct Context(BTreeMap<String, Values>);

#[derive(Clone, Debug)]
enum Values {
    /// A key that has at most one value, and may be a policy variable.
    One(String),
    /// A key that may have several.
    Many(Vec<String>),
}

impl Request {
    /// `caller` asks at `now`.
    pub(crate) fn new(caller: Identity, action: Action, now: Timestamp) -> Self {
        let mut context = Context::default();
        context.set("aws:PrincipalArn", &caller.arn());
        context.set("aws:PrincipalAccount", caller.account());
        context.set("aws:PrincipalType", caller.principal_type());
        if let Some(name) = caller.username() {
            context.set("aws:username", name);
        }
        context.set("aws:CurrentTime", &date::spell(now));
        context.set("aws:EpochTime", &now.0.div_euclid(1000).to_string());
        // The request never left the machine, so nobody can have read it on the way.
        context.set("aws:SecureTransport", "true");
        let resource = "*".to_owned();
        Self { caller, action: spelt(action), resource, context }
    }

    /// The same for another operation.
    pub(super) fn asking(&self, action: Action) -> Self {
        Self { action: spelt(action), ..self.clone() }
    }

    /// Says which secret the request is about.
    #[must_use]
    pub(crate) fn on(mut self, secret: &Resource<'_>) -> Self {
        let context = &mut self.context;
        // The ARN, however the request spelt the secret: a name must not slip past a condition.
        context.set("secretsmanager:SecretId", secret.arn);
        for (key, value) in secret.tags {
            context.set(&format!("aws:ResourceTag/{key}"), value);
            context.set(&format!("secretsmanager:ResourceTag/{key}"), value);
        }
        let facts = [
            ("secretsmanager:SecretPrimaryRegion", secret.primary_region),
            ("secretsmanager:resource/AllowRotationLambdaArn", secret.rotation_lambda_arn),
            ("secretsmanager:resource/Type", secret.secret_type),
        ];
        for (key, fact) in facts {
            if let Some(value) = fact {
                context.set(key, value);
            }
        }
        secret.arn.clone_into(&mut self.resource);
        self
    }

    /// Says what the request's members are. A member that was left out has no key, even where it
    /// has a default, as AWS has it.
    #[must_use]
    pub(crate) fn with_members(mut self, members: &Value) -> Self {
        for member in MEMBERS {
            let value = members.get(member).and_then(spell);
            if let Some(value) = value {
                self.context.set(&format!("secretsmanager:{member}"), &value);
            }
        }
        let key = members.get("KmsKeyId").and_then(spell);
        if let Some(arn) = key.filter(|key| key.starts_with("arn:")) {
            self.context.set("secretsmanager:KmsKeyArn", &arn);
        }
        if let Some(Value::Map(_)) = members.get("RotationRules") {
            self.context.set("secretsmanager:ModifyRotationRules", "true");
        }
        let regions = each(members, "AddReplicaRegions").filter_map(|region| region.get("Region"));
        self.context
            .set_many("secretsmanager:AddReplicaRegions", regions.filter_map(spell).collect());
        self.tagging(members);
        self
    }

    /// Says what is known besides: `aws:RequestedRegion`, say.
    #[must_use]
    pub(crate) fn with(mut self, key: &str, value: &str) -> Self {
        self.context.set(key, value);
        self
    }

    fn tagging(&mut self, members: &Value) {
        let mut keys: Vec<String> = each(members, "TagKeys").filter_map(spell).collect();
        for tag in each(members, "Tags") {
            let Some(key) = tag.get("Key").and_then(spell) else { continue };
            let value = tag.get("Value").and_then(spell).unwrap_or_default();
            self.context.set(&format!("aws:RequestTag/{key}"), &value);
            keys.push(key);
        }
        self.context.set_many("aws:TagKeys", keys);
    }
}

impl Context {
    /// Gives a key its one value.
    pub(super) fn set(&mut self, key: &str, value: &str) {
        self.0.insert(key.to_lowercase(), Values::One(value.to_owned()));
    }

    /// Gives a key its values; none leaves the key out.
    pub(super) fn set_many(&mut self, key: &str, values: Vec<String>) {
        if !values.is_empty() {
            self.0.insert(key.to_lowercase(), Values::Many(values));
        }
    }

    /// Returns the values of a key, spelt in lower case; `None` where it is not known.
    pub(super) fn values(&self, key: &str) -> Option<&[String]> {
        match self.0.get(key)? {
            Values::One(value) => Some(std::slice::from_ref(value)),
            Values::Many(values) => Some(values),
        }
    }

    /// Returns the value of a key that has only one.
    pub(super) fn single(&self, key: &str) -> Option<&str> {
        match self.0.get(key)? {
            Values::One(value) => Some(value),
            Values::Many(_) => None,
        }
    }
}

fn spelt(action: Action) -> String {
    format!("secretsmanager:{}", action.name())
}

fn each<'a>(members: &'a Value, list: &str) -> impl Iterator<Item = &'a Value> {
    let elements = match members.get(list) {
        Some(Value::List(elements)) => elements.as_slice(),
        _ => &[],
    };
    elements.iter()
}

/// Spells a scalar as conditions compare it.
fn spell(value: &Value) -> Option<String> {
    match value {
        Value::Boolean(flag) => Some(flag.to_string()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Text(text) => Some(text.clone()),
        Value::Null
        | Value::Float(_)
        | Value::Bytes(_)
        | Value::Timestamp(_)
        | Value::List(_)
        | Value::Map(_) => None,
    }
}

/// The members that have a condition key of their own name. None of them is secret.
const MEMBERS: [&str; 13] = [
    "BlockPublicPolicy",
    "Description",
    "ExternalSecretRotationRoleArn",
    "ForceDeleteWithoutRecovery",
    "ForceOverwriteReplicaSecret",
    "KmsKeyId",
    "Name",
    "RecoveryWindowInDays",
    "RotateImmediately",
    "RotationLambdaARN",
    "Type",
    "VersionId",
    "VersionStage",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn map(members: Vec<(&str, Value)>) -> Value {
        Value::Map(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    fn request() -> Request {
        let bob = Identity::read("arn:aws:iam::123456789012:user/a/Bob").unwrap();
        Request::new(bob, Action::TagResource, Timestamp(1_772_368_245_999))
    }

    fn listing(request: &Request) -> Vec<String> {
        let one = |(key, values): (&String, &Values)| match values {
            Values::One(value) => format!("{key}={value}"),
            Values::Many(values) => format!("{key}=[{}]", values.join(",")),
        };
        request.context.0.iter().map(one).collect()
    }

    #[test]
    fn knows_the_caller_and_the_time() {
        let request = request();
        assert_eq!(request.action, "secretsmanager:TagResource");
        assert_eq!(request.resource, "*");
        assert_eq!(
            listing(&request),
            [
                "aws:currenttime=2026-03-01T12:30:45Z",
                "aws:epochtime=1772368245",
                "aws:principalaccount=123456789012",
                "aws:principalarn=arn:aws:iam::123456789012:user/a/Bob",
                "aws:principaltype=User",
                "aws:securetransport=true",
                "aws:username=Bob",
            ]
        );
    }

    #[test]
    fn knows_the_secret() {
        let arn = "arn:aws:secretsmanager:local-1:123456789012:secret:db-AbCdEf";
        let request = request().on(&Resource {
            arn,
            tags: &[("Team".to_owned(), "blue".to_owned())],
            primary_region: Some("local-1"),
            rotation_lambda_arn: None,
            secret_type: None,
        });
        assert_eq!(request.resource, arn);
        for (key, value) in [
            ("secretsmanager:secretid", Some(arn)),
            ("aws:resourcetag/team", Some("blue")),
            ("secretsmanager:resourcetag/team", Some("blue")),
            ("secretsmanager:secretprimaryregion", Some("local-1")),
            ("secretsmanager:resource/type", None),
        ] {
            assert_eq!(request.context.single(key), value, "{key}");
        }
    }

    #[test]
    fn knows_the_members() {
        let members = map(vec![
            ("SecretId", text("db")),
            ("SecretString", text("hunter2")),
            ("VersionStage", text("AWSCURRENT")),
            ("RecoveryWindowInDays", Value::Integer(7)),
            ("ForceDeleteWithoutRecovery", Value::Boolean(false)),
            ("KmsKeyId", text("arn:aws:kms:r:1:key/2")),
            ("RotationRules", map(vec![])),
            ("Tags", Value::List(vec![map(vec![("Key", text("Env")), ("Value", text("x"))])])),
            ("TagKeys", Value::List(vec![text("old")])),
            ("AddReplicaRegions", Value::List(vec![map(vec![("Region", text("local-2"))])])),
        ]);
        let before = listing(&request());
        let after = listing(&request().with_members(&members).with("aws:RequestedRegion", "r"));
        let added: Vec<&String> = after.iter().filter(|line| !before.contains(line)).collect();
        assert_eq!(
            added,
            [
                "aws:requestedregion=r",
                "aws:requesttag/env=x",
                "aws:tagkeys=[old,Env]",
                "secretsmanager:addreplicaregions=[local-2]",
                "secretsmanager:forcedeletewithoutrecovery=false",
                "secretsmanager:kmskeyarn=arn:aws:kms:r:1:key/2",
                "secretsmanager:kmskeyid=arn:aws:kms:r:1:key/2",
                "secretsmanager:modifyrotationrules=true",
                "secretsmanager:recoverywindowindays=7",
                "secretsmanager:versionstage=AWSCURRENT",
            ]
        );
    }

    #[test]
    fn leaves_out_what_is_not_there() {
        for members in [map(vec![]), Value::Null, map(vec![("Tags", Value::List(vec![]))])] {
            assert_eq!(listing(&request().with_members(&members)), listing(&request()));
        }
        let odd = map(vec![
            ("Tags", Value::List(vec![map(vec![]), Value::Null])),
            ("TagKeys", text("x")),
            ("VersionId", Value::List(vec![])),
        ]);
        assert_eq!(listing(&request().with_members(&odd)), listing(&request()));
    }
}
