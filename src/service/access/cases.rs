//! Runs the cases of `tests/conformance/policies.json`: policies and requests, and what IAM makes of them.
//!
//! A file is a list of groups: a `rule`, the page of AWS's that says so (`from`; what begins with `ours` is
//! our own choice), `caller`, and the policies that bear: `identity`, `session` (lists of policies),
//! `boundary` and `resource` (each one policy). `cases` are
//! `[operation, request, outcome]` or `[operation, request, context, outcome]`.
//!
//! * A policy is a list of statements in version `2012-10-17`, or an object as it stands. A statement is
//!   an object, or `[effect, actions, resources, condition]`; in a resource's policy
//!   `[effect, principals, actions, condition]`. What has no colon is an action of Secrets Manager, and a
//!   resource that is no ARN is a secret's name with what follows it.
//! * `caller` is an ARN without what precedes `user/…`, `assumed-role/strongroom-grant/…` or
//!   `federated-user/…`; these call the vault. Any other, given whole, is judged about a secret in the
//!   vault's account, `000000000000`, without one; so is a caller of the vault's account that is a root.
//!   `tags` are the caller's. A group without `identity` has a policy that allows nothing.
//! * In texts, `[app/db]` is the ARN of that secret. A secret's name `app/db`, `app/cache` and `web/key`
//!   exists; the first two have tags.
//! * `context` is of `ip`, `agent`, `secure`, `issued` (milliseconds since 1970).
//! * An outcome is `allowed`, or how the refusal ends, from its `because` or `with` on, without the name
//!   of the action after `allows`. What begins with `User: ` is the whole of the refusal.

use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use super::explanation::Outcome;
use crate::model::time::Timestamp;
use crate::service::action::Action;
use crate::service::caller::{Caller, Grant, Holder, Presented, Selection, Signed};
use crate::service::dispatch::Call;
use crate::service::explain::explain;
use crate::service::jobs::fixture::token;
use crate::service::known_policies::KnownPolicies;
use crate::service::rules::policy::model::Policy;
use crate::service::rules::policy::parse::{parse, parse_of_identity};
use crate::service::rules::policy::principal::Identity;
use crate::service::rules::policy::request::{Request, Resource};
use crate::service::rules::policy::verdict::{self, Attached, Bearing};
use crate::service::testing::{ARN, START, ServiceFixture, entry, from_json};

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conformance/policies.json");

/// How many cases have a page of AWS's behind them, at least.
const LEAST: usize = 150;

#[test]
fn policies_decide_as_in_aws() {
    let groups: Json = serde_json::from_slice(&std::fs::read(CASES).unwrap()).unwrap();
    let (mut counted, mut wrong) = (0, Vec::new());
    for group in groups.as_array().unwrap() {
        let cases = group["cases"].as_array().unwrap();
        for case in cases {
            Question::read(group, case).run(&mut wrong);
        }
        let from = group["from"].as_str().unwrap();
        let is_aws = from.starts_with("https://docs.aws.amazon.com/");
        assert!(is_aws || from.starts_with("ours"), "{from}");
        counted += if is_aws { cases.len() } else { 0 };
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(counted >= LEAST, "{counted} cases");
}

/// One case.
struct Question<'c> {
    group: &'c Json,
    operation: &'c str,
    request: &'c Json,
    context: &'c Json,
    expected: &'c str,
    /// Where it is, for failure messages.
    place: String,
}

impl<'c> Question<'c> {
    fn read(group: &'c Json, case: &'c Json) -> Self {
        let place = format!("{}\n{case}\n", group["rule"].as_str().unwrap());
        let parts = case.as_array().unwrap();
        let (operation, request) = (parts[0].as_str().unwrap(), &parts[1]);
        let context = if parts.len() == 4 { &parts[2] } else { &Json::Null };
        let expected = parts.last().and_then(Json::as_str).unwrap();
        Self { group, operation, request, context, expected, place }
    }

    /// Notes what is wrong with what is found.
    fn run(&self, wrong: &mut Vec<String>) {
        let caller = self.group["caller"].as_str().unwrap();
        let found = match holder(caller) {
            Some(holder) => self.called(holder),
            None => self.judged(&Identity::read(caller).unwrap()),
        };
        let expected = if let Some(kind) = self.expected.strip_prefix("because ") {
            format!("because {kind} the secretsmanager:{} action", self.operation)
        } else {
            self.expected.to_owned()
        };
        let is_whole = expected == "allowed" || expected.starts_with("User: ");
        let fits = if is_whole { found == expected } else { found.ends_with(&expected) };
        wrong.extend((!fits).then(|| format!("{}{found}\n", self.place)));
    }

    /// Calls the vault as the holder of a key, and looks that the explanation says the same.
    fn called(&self, holder: Named) -> String {
        let mut service = service();
        let suffixes: Vec<(String, String)> = ["app/db", "app/cache", "web/key"]
            .map(|name| {
                let suffix = service.record(name).unwrap().arn_suffix;
                (format!("[{name}]"), format!("{ARN}{name}-{suffix}"))
            })
            .to_vec();
        let filled = |json: &Json| {
            let mut text = json.to_string();
            for (mark, arn) in &suffixes {
                text = text.replace(mark, arn);
            }
            serde_json::from_str::<Json>(&text).unwrap()
        };
        let grant = self.grant(holder, &filled);
        self.attach(&mut service, &filled);
        let presented = self.presented();
        let caller = Caller::Key(Signed { grant: Arc::new(grant), presented });
        let request = self.with_token(filled(self.request));
        let entry = entry(self.operation);
        let call = Call {
            entry,
            request: from_json(entry.input, &request),
            region: None,
            caller: &caller,
            boundaries: None,
        };
        let explained = service.with(|vault, context| explain(vault, &call, context).unwrap());
        let found = match service.call_as(&caller, self.operation, &request.to_string()) {
            Err((_, message)) if message.starts_with("User: ") => message,
            Ok(_) | Err(_) => "allowed".to_owned(),
        };
        assert_eq!(explained.message.as_deref().unwrap_or("allowed"), found, "{}", self.place);
        let expected = if found == "allowed" {
            "allowed"
        } else if found.contains(" with an explicit deny in ") {
            "explicitDeny"
        } else {
            "implicitDeny"
        };
        assert_eq!(explained.decision, expected, "{}", self.place);
        found
    }

    fn grant(&self, holder: Named, filled: &dyn Fn(&Json) -> Json) -> Grant {
        let tags = self.group["tags"].as_object().cloned().unwrap_or_default();
        let tag = |(key, value): (String, Json)| (key, value.as_str().unwrap().to_owned());
        Grant {
            id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            label: holder.1,
            actions: Action::ALL.iter().copied().collect(),
            secrets: Selection {
                region: "local-1".to_owned(),
                names: Vec::new(),
                tags: Vec::new(),
            },
            until: Timestamp(i64::MAX),
            read_only: false,
            policies: self.identity(filled).unwrap_or_default(),
            boundary: self.policy("boundary", filled),
            session: self.policies("session", filled),
            holder: holder.0,
            principal_tags: tags.into_iter().map(tag).collect(),
            known: KnownPolicies::default(),
        }
    }

    /// Attaches the resource's policy to what is below app/.
    fn attach(&self, service: &mut ServiceFixture, filled: &dyn Fn(&Json) -> Json) {
        let own = self.resource(filled);
        service.meddle(|transaction| {
            let namespace = transaction.namespace("local-1");
            for name in ["app/db", "app/cache"] {
                let mut record = transaction.find(&namespace, name).unwrap().unwrap();
                record.policy.clone_from(&own);
                transaction.update(&mut record).unwrap();
            }
        });
    }

    /// Asks the policies alone, for a caller that no vault has: of another account, or a root.
    fn judged(&self, caller: &Identity) -> String {
        let whole = |json: &Json| json.clone();
        let name = self.request["SecretId"].as_str().unwrap();
        let arn = format!("{ARN}{name}-a1B2c3");
        let secret = Resource {
            arn: &arn,
            tags: &[],
            primary_region: None,
            rotation_lambda_arn: None,
            secret_type: None,
        };
        let action = entry(self.operation).action;
        let request = Request::new(caller.clone(), action, START).on(&secret);
        let members = from_json(entry(self.operation).input, self.request);
        let requests = [request.with_members(&members)];
        let own = self.resource(&whole).map(|own| parse(&own).unwrap());
        let (identity, boundary) = (self.identity(&whole), self.policy("boundary", &whole));
        let bearing = Bearing {
            resource: own.as_ref().map_or(Attached::Nothing, Attached::Policy),
            lets_in: true,
            identity: identity.as_deref(),
            boundary: boundary.as_ref(),
            session: &self.policies("session", &whole),
        };
        let outcome = Outcome::Judged(verdict::judge(&requests, &bearing));
        if outcome.is_allowed() { "allowed".to_owned() } else { outcome.words(self.operation) }
    }

    /// `null` is an identity that may do everything.
    fn identity(&self, filled: &dyn Fn(&Json) -> Json) -> Option<Vec<Policy>> {
        if self.group.get("identity") == Some(&Json::Null) {
            return None;
        }
        let mut policies = self.policies("identity", filled);
        if policies.is_empty() {
            policies.push(self.read_policy(&json!([["Allow", "s3:GetObject"]])));
        }
        Some(policies)
    }

    fn policies(&self, of: &str, filled: &dyn Fn(&Json) -> Json) -> Vec<Policy> {
        let policies = self.group[of].as_array().into_iter().flatten();
        policies.map(|policy| self.read_policy(&filled(policy))).collect()
    }

    fn policy(&self, of: &str, filled: &dyn Fn(&Json) -> Json) -> Option<Policy> {
        Some(self.read_policy(&filled(self.group.get(of)?)))
    }

    fn read_policy(&self, policy: &Json) -> Policy {
        let text = whole(policy, of_identity);
        parse_of_identity(&text).unwrap_or_else(|error| panic!("{}{error}: {text}", self.place))
    }

    fn resource(&self, filled: &dyn Fn(&Json) -> Json) -> Option<String> {
        let given = self.group.get("resource")?;
        // What is no policy stays as it is.
        Some(given.as_str().map_or_else(|| whole(&filled(given), of_resource), str::to_owned))
    }

    fn presented(&self) -> Presented {
        let text = |member: &str| self.context[member].as_str();
        Presented {
            source_ip: Some(text("ip").unwrap_or("127.0.0.1").parse().unwrap()),
            user_agent: text("agent").map(str::to_owned),
            is_secure: self.context["secure"].as_bool().unwrap_or(true),
            token_issued: self.context["issued"].as_i64().map(Timestamp),
        }
    }

    /// Gives what needs a token one.
    fn with_token(&self, mut request: Json) -> Json {
        let members = entry(self.operation).input.members();
        if members.iter().any(|member| member.name == "ClientRequestToken") {
            request["ClientRequestToken"] = token(7).into();
        }
        request
    }
}

/// Whom policies take a caller for, and the name of his session.
type Named = (Holder, Option<String>);

/// Returns who calls the vault; `None` for who cannot.
fn holder(caller: &str) -> Option<Named> {
    if let Some(session) = caller.strip_prefix("assumed-role/strongroom-grant/") {
        return Some((Holder::Session, Some(session.to_owned())));
    }
    let user = caller.strip_prefix("user/").or(caller.strip_prefix("federated-user/"))?;
    let (path, name) = user
        .rsplit_once('/')
        .map_or(("/".to_owned(), user), |(path, name)| (format!("/{path}/"), name));
    Some((Holder::User { path, name: name.to_owned() }, None))
}

fn service() -> ServiceFixture {
    let mut service = ServiceFixture::new();
    for (name, tags) in [
        ("app/db", json!([{"Key": "Team", "Value": "blue"}, {"Key": "Env", "Value": "prod"}])),
        ("app/cache", json!([{"Key": "Team", "Value": "red"}])),
        ("web/key", json!([])),
    ] {
        let request = json!({
            "Name": name, "ClientRequestToken": token(1), "SecretString": name, "Tags": tags,
        });
        service.call("CreateSecret", &request.to_string()).unwrap();
    }
    service
}

/// Writes a policy out.
fn whole(policy: &Json, statement: fn(&[Json]) -> Json) -> String {
    let Json::Array(statements) = policy else { return policy.to_string() };
    let statements = statements.iter().map(|given| match given {
        Json::Array(parts) => statement(parts),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Object(_) => {
            given.clone()
        }
    });
    let statements: Vec<Json> = statements.collect();
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

fn of_identity(parts: &[Json]) -> Json {
    let mut statement = Map::new();
    statement.insert("Effect".to_owned(), parts[0].clone());
    statement.insert("Action".to_owned(), each(&parts[1], &action));
    statement.insert("Resource".to_owned(), each(parts.get(2).unwrap_or(&json!("*")), &resource));
    statement.extend(parts.get(3).map(|condition| ("Condition".to_owned(), condition.clone())));
    Json::Object(statement)
}

fn of_resource(parts: &[Json]) -> Json {
    let principal = match &parts[1] {
        everyone if everyone == "*" => everyone.clone(),
        principal if principal.is_object() => principal.clone(),
        arns => json!({"AWS": arns}),
    };
    let mut statement = Map::new();
    statement.insert("Effect".to_owned(), parts[0].clone());
    statement.insert("Principal".to_owned(), principal);
    statement.insert("Action".to_owned(), each(&parts[2], &action));
    statement.insert("Resource".to_owned(), "*".into());
    statement.extend(parts.get(3).map(|condition| ("Condition".to_owned(), condition.clone())));
    Json::Object(statement)
}

fn each(given: &Json, of: &dyn Fn(&str) -> String) -> Json {
    match given {
        Json::String(text) => of(text).into(),
        Json::Array(texts) => texts.iter().map(|text| of(text.as_str().unwrap())).collect(),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Object(_) => given.clone(),
    }
}

fn action(text: &str) -> String {
    let is_whole = text == "*" || text.contains(':');
    if is_whole { text.to_owned() } else { format!("secretsmanager:{text}") }
}

fn resource(text: &str) -> String {
    let is_whole = text == "*" || text.starts_with("arn:");
    if is_whole { text.to_owned() } else { format!("{ARN}{text}") }
}
