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
    asked: Action,
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
    /// A key of tags that differ in capitals alone, and in their values.
    InDoubt(Vec<String>),
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
        // No service of AWS's asks here, for itself or for somebody else.
        context.set("aws:PrincipalIsAWSService", "false");
        context.set("aws:ViaAWSService", "false");
        let resource = "*".to_owned();
        Self { caller, asked: action, action: spelt(action), resource, context }
    }

    /// The same for another operation.
    pub(super) fn asking(&self, action: Action) -> Self {
        Self { asked: action, action: spelt(action), ..self.clone() }
    }

    /// Returns the ARN of the secret; `*` where the operation is about none.
    pub(crate) fn resource(&self) -> &str {
        &self.resource
    }

    /// Returns who asks.
    pub(crate) fn caller(&self) -> &Identity {
        &self.caller
    }

    /// Whether the secret is of another account than who asks.
    pub(super) fn is_across(&self) -> bool {
        let account = self.resource.split(':').nth(4);
        account.is_some_and(|account| account != self.caller.account())
    }

    /// Says whom the request comes from besides: `aws:userid` and his tags.
    #[must_use]
    pub(crate) fn by(mut self, user_id: &str, tags: &[(String, String)]) -> Self {
        self.context.set("aws:userid", user_id);
        for (key, value) in tags {
            self.context.set(&format!("aws:PrincipalTag/{key}"), value);
        }
        self
    }

    /// Says that the request is to make a secret, which has an ARN and nothing else yet.
    #[must_use]
    pub(crate) fn on_new(mut self, arn: &str) -> Self {
        arn.clone_into(&mut self.resource);
        self.owned();
        self
    }

    /// Says which account the secret is in.
    fn owned(&mut self) {
        let account = self.resource.split(':').nth(4).unwrap_or_default().to_owned();
        self.context.set("aws:ResourceAccount", &account);
    }

    /// Says which secret the request is about.
    #[must_use]
    pub(crate) fn on(mut self, secret: &Resource<'_>) -> Self {
        let context = &mut self.context;
        // The ARN, however the request spelt the secret: a name must not slip past a condition.
        context.set("secretsmanager:SecretId", secret.arn);
        for (key, value) in secret.tags {
            context.set_tag(&format!("aws:ResourceTag/{key}"), value);
            context.set_tag(&format!("secretsmanager:ResourceTag/{key}"), value);
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
        self.owned();
        self
    }

    /// Says what the request's members are: those that are keys of the operation. A member that was
    /// left out has no key, even where it has a default, as AWS has it.
    #[must_use]
    pub(crate) fn with_members(mut self, members: &Value) -> Self {
        let asked = self.asked;
        let is_key = |actions: &[Action]| actions.contains(&asked);
        for (member, actions) in MEMBERS {
            let value = members.get(member).filter(|_| is_key(actions)).and_then(spell);
            if let Some(value) = value {
                self.context.set(&format!("secretsmanager:{member}"), &value);
            }
        }
        if is_key(STAGED) {
            // AWS has it as a key of several values, of which a request names one.
            let stage = members.get("VersionStage").and_then(spell);
            self.context.set_many("secretsmanager:VersionStage", stage.into_iter().collect());
        }
        let key = members.get("KmsKeyId").filter(|_| is_key(ENCRYPTING)).and_then(spell);
        if let Some(arn) = key.filter(|key| key.starts_with("arn:")) {
            self.context.set("secretsmanager:KmsKeyArn", &arn);
        }
        if let Some(Value::Map(_)) = members.get("RotationRules").filter(|_| is_key(ROTATING)) {
            self.context.set("secretsmanager:ModifyRotationRules", "true");
        }
        if is_key(REPLICATING) {
            let regions = each(members, "AddReplicaRegions");
            let regions = regions.filter_map(|region| region.get("Region")).filter_map(spell);
            self.context.set_many("secretsmanager:AddReplicaRegions", regions.collect());
        }
        if is_key(TAGGING) {
            self.tagging(members);
        }
        self
    }

    /// Says what is known besides: `aws:RequestedRegion`, say.
    #[must_use]
    pub(crate) fn with(mut self, key: &str, value: &str) -> Self {
        self.context.set(key, value);
        self
    }

    /// Says a point in time that is known besides: `aws:TokenIssueTime`, say.
    #[must_use]
    pub(crate) fn with_time(self, key: &str, at: Timestamp) -> Self {
        self.with(key, &date::spell(at))
    }

    fn tagging(&mut self, members: &Value) {
        let mut keys: Vec<String> = each(members, "TagKeys").filter_map(spell).collect();
        for tag in each(members, "Tags") {
            let Some(key) = tag.get("Key").and_then(spell) else { continue };
            let value = tag.get("Value").and_then(spell).unwrap_or_default();
            self.context.set_tag(&format!("aws:RequestTag/{key}"), &value);
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

    /// Gives the key of a tag its value. To conditions tags are the same that differ in capitals alone, and
    /// a secret may have both.
    fn set_tag(&mut self, key: &str, value: &str) {
        let values =
            self.0.entry(key.to_lowercase()).or_insert_with(|| Values::One(value.to_owned()));
        match values {
            Values::One(other) if *other == value => {}
            Values::One(other) => {
                *values = Values::InDoubt(vec![std::mem::take(other), value.to_owned()]);
            }
            Values::Many(all) | Values::InDoubt(all) => all.push(value.to_owned()),
        }
    }

    /// Whether it is open which value a key has.
    pub(super) fn is_in_doubt(&self, key: &str) -> bool {
        matches!(self.0.get(key), Some(Values::InDoubt(_)))
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
            Values::Many(values) | Values::InDoubt(values) => Some(values),
        }
    }

    /// Returns the value of a key that has only one.
    pub(super) fn single(&self, key: &str) -> Option<&str> {
        match self.0.get(key)? {
            Values::One(value) => Some(value),
            Values::Many(_) | Values::InDoubt(_) => None,
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

/// The members that have a condition key of their own name, and for which operations they have it. None
/// of them is secret.
const MEMBERS: [(&str, &[Action]); 12] = [
    ("BlockPublicPolicy", &[Action::PutResourcePolicy]),
    ("Description", ENCRYPTING),
    ("ExternalSecretRotationRoleArn", ROTATING),
    ("ForceDeleteWithoutRecovery", &[Action::DeleteSecret]),
    ("ForceOverwriteReplicaSecret", REPLICATING),
    ("KmsKeyId", ENCRYPTING),
    ("Name", &[Action::CreateSecret]),
    ("RecoveryWindowInDays", &[Action::DeleteSecret]),
    ("RotateImmediately", ROTATING),
    ("RotationLambdaARN", ROTATING),
    ("Type", ENCRYPTING),
    ("VersionId", &[Action::GetSecretValue]),
];

const ENCRYPTING: &[Action] = &[Action::CreateSecret, Action::UpdateSecret];
const REPLICATING: &[Action] = &[Action::CreateSecret, Action::ReplicateSecretToRegions];
const ROTATING: &[Action] = &[Action::RotateSecret];
const STAGED: &[Action] = &[Action::GetSecretValue, Action::UpdateSecretVersionStage];
const TAGGING: &[Action] = &[Action::CreateSecret, Action::TagResource, Action::UntagResource];

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
            Values::Many(values) | Values::InDoubt(values) => {
                format!("{key}=[{}]", values.join(","))
            }
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
                "aws:principalisawsservice=false",
                "aws:principaltype=User",
                "aws:securetransport=true",
                "aws:username=Bob",
                "aws:viaawsservice=false",
            ]
        );
        let before = listing(&request);
        let tags = [("Team".to_owned(), "blue".to_owned())];
        let told = request.by("AIDA1", &tags).with_time("aws:TokenIssueTime", Timestamp(1_000));
        let told: Vec<String> =
            listing(&told).into_iter().filter(|line| !before.contains(line)).collect();
        assert_eq!(
            told,
            [
                "aws:principaltag/team=blue",
                "aws:tokenissuetime=1970-01-01T00:00:01Z",
                "aws:userid=AIDA1",
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
            ("aws:resourceaccount", Some("123456789012")),
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
        let encrypted = [
            "secretsmanager:kmskeyarn=arn:aws:kms:r:1:key/2",
            "secretsmanager:kmskeyid=arn:aws:kms:r:1:key/2",
        ];
        let replicas = ["secretsmanager:addreplicaregions=[local-2]"];
        for (action, expected) in [
            (Action::GetSecretValue, &["secretsmanager:versionstage=[AWSCURRENT]"][..]),
            (
                Action::DeleteSecret,
                &[
                    "secretsmanager:forcedeletewithoutrecovery=false",
                    "secretsmanager:recoverywindowindays=7",
                ],
            ),
            (Action::RotateSecret, &["secretsmanager:modifyrotationrules=true"]),
            (Action::TagResource, &["aws:requesttag/env=x", "aws:tagkeys=[old,Env]"]),
            (Action::UntagResource, &["aws:requesttag/env=x", "aws:tagkeys=[old,Env]"]),
            (Action::UpdateSecret, &encrypted),
            (Action::ReplicateSecretToRegions, &replicas),
            (
                Action::CreateSecret,
                &[
                    "aws:requesttag/env=x",
                    "aws:tagkeys=[old,Env]",
                    replicas[0],
                    encrypted[0],
                    encrypted[1],
                ],
            ),
            (Action::BatchGetSecretValue, &[]),
            (Action::PutSecretValue, &[]),
        ] {
            let before = listing(&request().asking(action));
            let asked = request().asking(action).with_members(&members);
            let after = listing(&asked.with("aws:RequestedRegion", "r"));
            let mut added: Vec<&str> =
                after.iter().filter(|line| !before.contains(line)).map(String::as_str).collect();
            assert_eq!(added.remove(0), "aws:requestedregion=r");
            assert_eq!(added, expected, "{action:?}");
        }
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
