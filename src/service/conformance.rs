//! Runs the cases of `tests/conformance/<operation>.json` on a service.
//!
//! A file is a list of cases, each on an empty vault: what AWS does (`rule`), who says so (`from`:
//! the section of our notes on AWS and how sure they are, see `tests/conformance/README.md`), and
//! steps:
//!
//! * `[operation, request, response]`: the response exactly, its members in their order;
//! * `[operation, request, "Code: message"]`: a refusal;
//! * `[operation, request, [name…, {"NextToken": …}]]`: a list, by its names or version ids alone;
//! * `[operation, request]`: a success of no further interest;
//! * `["stages", secret, "v1[LABEL LABEL] v2[]"]`: all versions and their labels, oldest first;
//! * `["placeholder", secret, version]`: an empty version with `AWSPENDING`, as a rotation has it;
//! * `["rotate", request, outcome]`: what AWS's templates do about a secret whose value no server
//!   checks, to the end; `["rotate", request, outcome, step]`: until this step fails;
//! * `["wait", "1d2h3m4s5ms"]`, `["in", region, [step…]]`, `["repeat", times, [step…]]`, in which
//!   `[#]` is the number of the round.
//!
//! `[v1]` is a token; `[x*9]` is nine x; `[..]` any text. Any other name in brackets, such as
//! `[ARN]`, is the text first seen in its place; two names are never the same text. Times are told
//! by how long after the start of the case they are: `[+0]`, `[+1d]`, `[midnight]`, `[midnight+1d]`.
//! `["[*9]", element, …]` begins with nine such elements, in which `[#]` counts.
//!
//! Whatever a case is about, a refusal has changed nothing, responses have their members in order,
//! the codes are those that the operation declares, and in the end the vault is sound and the audit
//! log has every call.
#![cfg(test)]
#![expect(clippy::single_match_else, reason = "both arms of a step stand side by side")]

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use super::caller::Step;
use super::jobs::fixture;
use super::operation::{Effect, Entry};
use super::operations;
use super::testing::{ARN, START, ServiceFixture, entry};
use crate::model::time::{DAY_MS, Timestamp};

/// One case at work.
struct Case {
    service: ServiceFixture,
    region: Option<String>,
    bound: BTreeMap<String, String>,
    /// The calls that the audit log must have, and how they ended.
    log: Vec<(String, String)>,
    /// Where it is, for failure messages.
    place: String,
}

/// Runs every case of a file.
fn run(file: &str, text: &str) {
    let cases: Json = serde_json::from_str(text).unwrap_or_else(|error| panic!("{file}: {error}"));
    let mut rules = BTreeSet::new();
    for case in cases.as_array().unwrap() {
        let rule = case["rule"].as_str().unwrap();
        assert!(rules.insert(rule), "{file}: {rule} stands there twice");
        assert!(is_citation(case["from"].as_str().unwrap()), "{file}: {rule}: from");
        let mut at_work = Case::new(format!("{file}: {rule}"));
        at_work.steps(case["steps"].as_array().unwrap());
        at_work.end();
    }
}

impl Case {
    fn new(place: String) -> Self {
        Self {
            service: ServiceFixture::new(),
            region: None,
            bound: BTreeMap::new(),
            log: Vec::new(),
            place,
        }
    }

    fn steps(&mut self, steps: &[Json]) {
        let place = self.place.clone();
        for step in steps {
            self.place = format!("{place}\n{step}\n");
            self.step(step);
        }
        self.place = place;
    }

    fn step(&mut self, step: &Json) {
        let parts = step.as_array().unwrap();
        match parts[0].as_str().unwrap() {
            "wait" => self.service.advance(milliseconds(parts[1].as_str().unwrap())),
            "in" => {
                let before = self.region.replace(parts[1].as_str().unwrap().to_owned());
                self.steps(parts[2].as_array().unwrap());
                self.region = before;
            }
            "repeat" => {
                for round in 1..=parts[1].as_u64().unwrap() {
                    let steps = numbered(&parts[2], round);
                    self.steps(steps.as_array().unwrap());
                }
            }
            "stages" => {
                let found = self.stages(parts[1].as_str().unwrap());
                assert_eq!(found, self.filled_text(parts[2].as_str().unwrap()), "{}", self.place);
            }
            "placeholder" => {
                let version = self.filled_text(parts[2].as_str().unwrap());
                self.service.begin_rotation(parts[1].as_str().unwrap(), &version);
            }
            "rotate" => self.rotate(parts),
            operation => {
                let request = self.filled(&parts[1]);
                let expected = parts.get(2);
                let is_refusal = expected.is_some_and(Json::is_string);
                let before = is_refusal.then(|| self.service.snapshot());
                let outcome = self.call(operation, &request);
                self.judge(expected, outcome);
                if let Some(before) = before {
                    assert!(self.service.snapshot() == before, "{}changed something", self.place);
                }
            }
        }
    }

    /// Rotates by a function that keeps to the rules, until it fails or to the end.
    fn rotate(&mut self, parts: &[Json]) {
        let request = self.filled(&parts[1]);
        let steps = fixture::Break::Before;
        let at = parts.get(3).map_or(fixture::Break::Nowhere, |name| {
            steps(*Step::ALL.iter().find(|step| step.name() == name).unwrap())
        });
        let before = self.service.events().len();
        let contents = self.service.snapshot();
        let outcome = fixture::alone(&mut self.service, &request, at);
        let is_stuck = outcome.as_ref().is_err_and(|(code, _)| code == fixture::BROKEN);
        if outcome.is_err() && !is_stuck {
            assert!(self.service.snapshot() == contents, "{}changed something", self.place);
        }
        let outcome = outcome.map_err(|(code, message)| format!("{code}: {message}"));
        self.judge(
            parts.get(2).filter(|_| !is_stuck),
            outcome.or_else(|refusal| if is_stuck { Ok(Json::Null) } else { Err(refusal) }),
        );
        // What a rotation writes to the log is for its own tests to say.
        let log = self.service.events().split_off(before).into_iter();
        self.log.extend(log.map(|event| (event.operation, event.outcome)));
    }

    /// Compares an outcome with what is expected.
    fn judge(&mut self, expected: Option<&Json>, outcome: Result<Json, String>) {
        let place = self.place.clone();
        match (expected, outcome) {
            (None, Ok(_)) => {}
            (Some(Json::String(expected)), Err(refusal)) => {
                assert_eq!(refusal, self.filled_text(expected), "{place}");
            }
            (Some(Json::Array(expected)), Ok(response)) => {
                self.agree(&Json::Array(expected.clone()), &listed(&response));
            }
            (Some(expected @ Json::Object(_)), Ok(response)) => self.agree(expected, &response),
            (_, outcome) => panic!("{place}\nended with {outcome:?}"),
        }
    }

    /// Makes a call, notes what the audit log must have of it, and looks at its outcome's form.
    #[expect(clippy::unwrap_in_result, reason = "a test fails by panicking")]
    fn call(&mut self, operation: &str, request: &Json) -> Result<Json, String> {
        let place = &self.place;
        let entry = entry(operation);
        let outcome = self.service.call_in(self.region.as_deref(), operation, &request.to_string());
        let (is_logged, result, outcome) = match outcome {
            Ok(response) => {
                let response: Json = serde_json::from_str(&response).unwrap();
                let mut given = response.as_object().unwrap().keys().map(String::as_str).peekable();
                for member in entry.output.members() {
                    given.next_if_eq(&member.name);
                }
                assert_eq!(given.next(), None, "{place}\nnot a member, or out of order");
                (true, "Success".to_owned(), Ok(response))
            }
            Err((code, message)) => {
                let is_declared = entry.faults.iter().any(|fault| fault.as_str() == code);
                let is_known = is_declared
                    || ["ValidationException", "AccessDeniedException"].contains(&code.as_str());
                assert!(is_known, "{place}\n{operation} does not declare {code}");
                // What breaks a constraint is refused before any vault is opened.
                let is_early = code == "ValidationException"
                    && (message.contains(" detected: ") || message.starts_with("Invalid name."));
                let refusal = format!("{code}: {message}");
                (!is_early, code, Err(refusal))
            }
        };
        if is_logged && entry.effect != Effect::Nothing {
            self.log.push((operation.to_owned(), result));
        }
        outcome
    }

    /// Looks at what every case must leave behind.
    fn end(mut self) {
        self.service.require_sound();
        let events = self.service.events().into_iter();
        // A batch logs each secret that it reads; a forced replica, each secret that it replaced; a
        // write, the rotation that it ends; a case that changes the vault by itself, that it did.
        let batches = self.log.iter().any(|(operation, _)| operation == "BatchGetSecretValue");
        let own = |operation: &String| {
            ["Init", "Commit", "Purge", "Overwrite", "RotationAbandoned"]
                .contains(&operation.as_str())
                || (batches && operation == "GetSecretValue")
        };
        let log: Vec<(String, String)> = events
            .map(|event| (event.operation, event.outcome))
            .filter(|(operation, _)| !own(operation))
            .collect();
        self.log.retain(|(operation, _)| !own(operation));
        assert_eq!(log, self.log, "{}", self.place);
    }

    /// Tells all versions of a secret with their labels; those that describing it shows must agree.
    fn stages(&mut self, secret: &str) -> String {
        let request = json!({"SecretId": secret, "IncludeDeprecated": true});
        let response = self.call("ListSecretVersionIds", &request).unwrap();
        let described = self.call("DescribeSecret", &json!({"SecretId": secret})).unwrap();
        let mut shown = Vec::new();
        let mut labelled = 0;
        for version in response["Versions"].as_array().unwrap() {
            let id = version["VersionId"].as_str().unwrap();
            let stages = version.get("VersionStages");
            assert_eq!(described["VersionIdsToStages"].get(id), stages, "{}", self.place);
            labelled += usize::from(stages.is_some());
            let labels: Vec<&str> = stages
                .iter()
                .flat_map(|stages| stages.as_array().unwrap())
                .map(|label| label.as_str().unwrap())
                .collect();
            let number = id.strip_prefix(TOKEN).map(|digits| digits.trim_start_matches('0'));
            let name = number.map_or(id.to_owned(), |number| format!("v{number}"));
            shown.push(format!("{name}[{}]", labels.join(" ")));
        }
        let described = described["VersionIdsToStages"].as_object().map_or(0, serde_json::Map::len);
        assert_eq!(described, labelled, "{}", self.place);
        shown.join(" ")
    }

    fn agree(&mut self, expected: &Json, found: &Json) {
        let place = self.place.clone();
        match (expected, found) {
            (Json::Object(expected), Json::Object(found)) => {
                let names: Vec<String> =
                    expected.keys().map(|name| self.filled_text(name)).collect();
                assert_eq!(names, found.keys().cloned().collect::<Vec<_>>(), "{place}");
                for (expected, found) in expected.values().zip(found.values()) {
                    self.agree(expected, found);
                }
            }
            (Json::Array(expected), Json::Array(found)) => {
                let expected = self.elements(expected);
                assert_eq!(expected.len(), found.len(), "{place}\nfound {found:?}");
                for (expected, found) in expected.iter().zip(found) {
                    self.agree(expected, found);
                }
            }
            (Json::String(expected), Json::Number(found)) => {
                assert_eq!(found.as_i64(), Some(time(expected).0), "{place}\n{expected}");
            }
            (Json::String(expected), Json::String(found)) => self.agree_text(expected, found),
            _ => assert_eq!(expected, found, "{place}"),
        }
    }

    fn agree_text(&mut self, expected: &str, found: &str) {
        if expected == "[..]" {
            return;
        }
        let name = expected.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let is_name = |name: &&str| name.bytes().all(|b| b.is_ascii_uppercase());
        if let Some(name) = name.filter(is_name)
            && !self.bound.contains_key(name)
        {
            let known = self.bound.values().any(|known| known == found);
            assert!(!known, "{}\n{name} is not another {found}", self.place);
            assert!(
                !name.ends_with("ARN") && !name.starts_with("ARN") || is_arn(found),
                "{}\n{found} is no ARN",
                self.place
            );
            self.bound.insert(name.to_owned(), found.to_owned());
        }
        assert_eq!(found, self.filled_text(expected), "{}", self.place);
    }

    /// Puts what is known in the place of names in brackets.
    fn filled(&self, json: &Json) -> Json {
        match json {
            Json::String(text) => self.filled_text(text).into(),
            Json::Array(elements) => {
                self.elements(elements).iter().map(|element| self.filled(element)).collect()
            }
            Json::Object(members) => members
                .iter()
                .map(|(name, member)| (self.filled_text(name), self.filled(member)))
                .collect(),
            Json::Null | Json::Bool(_) | Json::Number(_) => json.clone(),
        }
    }

    /// Writes `["[*9]", element]` out.
    #[expect(clippy::unused_self, reason = "it reads as the other steps do")]
    fn elements(&self, elements: &[Json]) -> Vec<Json> {
        let times = |first: &str| first.strip_prefix("[*")?.strip_suffix(']')?.parse().ok();
        match elements {
            [Json::String(first), element, rest @ ..] if times(first).is_some() => {
                let elements = (1..=times(first).unwrap()).map(|round| numbered(element, round));
                elements.chain(rest.iter().cloned()).collect()
            }
            _ => elements.to_vec(),
        }
    }

    fn filled_text(&self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('[') {
            out.push_str(before);
            let named = after.split_once(']');
            let named = named.filter(|(name, _)| !name.contains('['));
            match named.and_then(|(name, after)| Some((self.meaning(name)?, after))) {
                Some((meaning, after)) => {
                    out.push_str(&meaning);
                    rest = after;
                }
                None => {
                    out.push('[');
                    rest = after;
                }
            }
        }
        out + rest
    }

    fn meaning(&self, name: &str) -> Option<String> {
        if let Some(bound) = self.bound.get(name) {
            return Some(bound.clone());
        }
        if let Some(number) = name.strip_prefix('v').and_then(|number| number.parse::<u32>().ok()) {
            return Some(format!("{TOKEN}{number:012}"));
        }
        let (text, times) = name.rsplit_once('*')?;
        Some(text.repeat(times.parse().ok()?))
    }
}

/// Puts the number of a round in the place of `[#]`.
fn numbered(json: &Json, round: u64) -> Json {
    serde_json::from_str(&json.to_string().replace("[#]", &round.to_string())).unwrap()
}

/// Tells a list by the names in it, and where it goes on.
fn listed(response: &Json) -> Json {
    let lists =
        [("SecretList", "Name"), ("ResourcePolicies", "PolicyName"), ("Versions", "VersionId")];
    let found = lists.iter().find_map(|(list, name)| Some((response.get(list)?, *name)));
    let (list, name) = found.unwrap();
    let mut names: Vec<Json> =
        list.as_array().unwrap().iter().map(|item| item[name].clone()).collect();
    names.extend(response.get("NextToken").map(|token| json!({"NextToken": token})));
    Json::Array(names)
}

/// Reads `[+1d]`, `[midnight]` and `[midnight+1d]`.
fn time(text: &str) -> Timestamp {
    let text = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap();
    let (start, after) = match text.strip_prefix("midnight") {
        Some(after) => (START.midnight(), after),
        None => (START, text),
    };
    Timestamp(start.0 + milliseconds(after.trim_start_matches('+')))
}

/// Reads `1d2h3m4s5ms`.
fn milliseconds(text: &str) -> i64 {
    let is_digit = |c: char| c.is_ascii_digit();
    let mut sum = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let unit = rest.trim_start_matches(is_digit);
        let number: i64 = rest.strip_suffix(unit).unwrap().parse().unwrap();
        rest = unit.trim_start_matches(|c| !is_digit(c));
        let factor = match unit.strip_suffix(rest).unwrap() {
            "d" => DAY_MS,
            "h" => 3_600_000,
            "m" => 60_000,
            "s" => 1_000,
            "ms" => 1,
            "" if number == 0 => 0,
            unit => panic!("{unit:?} is no unit of time"),
        };
        sum += number * factor;
    }
    sum
}

fn is_arn(text: &str) -> bool {
    let tail = text.strip_prefix("arn:aws:secretsmanager:").and_then(|text| text.rsplit_once('-'));
    tail.is_some_and(|(_, suffix)| {
        suffix.len() == 6 && suffix.bytes().all(|b| b.is_ascii_alphanumeric())
    })
}

/// Whether a text is sections and, in brackets, what kind of source they have it from.
fn is_citation(from: &str) -> bool {
    let sources =
        ["LS", "LS-val", "moto-V", "model", "docs", "TF", "issue", "CLI", "moto", "emu", "REC"];
    let Some((sections, source)) = from.split_once(" [") else { return false };
    let is_section = |section: &str| {
        section.strip_prefix('§').is_some_and(|number| {
            number
                .split('.')
                .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric()))
        })
    };
    sections.split(", ").all(is_section)
        && source
            .strip_suffix(']')
            .is_some_and(|all| all.split(", ").all(|one| sources.contains(&one)))
}

/// What the tokens of the cases begin with; twelve digits follow.
const TOKEN: &str = "00000000-0000-4000-8000-";

macro_rules! cases {
    ($($test:ident => $operation:literal,)+) => {
        const FILES: &[&str] = &[$($operation),+];

        $(#[test]
        fn $test() {
            run($operation, include_str!(concat!("../../tests/conformance/", $operation, ".json")));
        })+
    };
}

cases! {
    associate_cross_account_replica => "associate-cross-account-replica",
    batch_get_secret_value => "batch-get-secret-value",
    cancel_rotate_secret => "cancel-rotate-secret",
    create_secret => "create-secret",
    delete_resource_policy => "delete-resource-policy",
    delete_secret => "delete-secret",
    describe_secret => "describe-secret",
    disassociate_cross_account_replica => "disassociate-cross-account-replica",
    get_random_password => "get-random-password",
    get_resource_policy => "get-resource-policy",
    get_secret_value => "get-secret-value",
    list_resource_policies => "list-resource-policies",
    list_secret_version_ids => "list-secret-version-ids",
    list_secrets => "list-secrets",
    put_resource_policy => "put-resource-policy",
    put_secret_value => "put-secret-value",
    remove_regions_from_replication => "remove-regions-from-replication",
    replicate_secret_to_regions => "replicate-secret-to-regions",
    restore_secret => "restore-secret",
    rotate_secret => "rotate-secret",
    stop_replication_to_replica => "stop-replication-to-replica",
    tag_resource => "tag-resource",
    untag_resource => "untag-resource",
    update_secret => "update-secret",
    update_secret_version_stage => "update-secret-version-stage",
    validate_resource_policy => "validate-resource-policy",
}

#[test]
fn every_operation_has_its_cases() {
    let operations: Vec<String> = operations::ALL.iter().map(Entry::command).collect();
    assert_eq!(FILES, operations, "the list of cases! above, and the operations");
}

#[test]
fn the_notation_is_read_as_described() {
    assert_eq!(milliseconds("1d2h3m4s5ms"), DAY_MS + 2 * 3_600_000 + 3 * 60_000 + 4_005);
    assert_eq!(time("[+0]"), START);
    assert_eq!(time("[midnight+1d]").0, START.midnight().0 + DAY_MS);
    let mut case = Case::new(String::new());
    let arn = format!("{ARN}db-AbCdEf");
    case.agree(&json!(["[ARN]", "x [ARN]"]), &json!([arn, format!("x {arn}")]));
    assert_eq!(
        case.filled_text("[v12] [é*3] [asc, desc] [ARN]["),
        format!("{TOKEN}000000000012 ééé [asc, desc] {arn}[")
    );
    assert_eq!(
        case.filled(&json!(["[*2]", {"k[#]": "[v[#]]"}])),
        json!([{"k1": format!("{TOKEN}000000000001")}, {"k2": format!("{TOKEN}000000000002")}])
    );
    assert!(is_citation("§1.5, §2.9.2 [LS, REC]") && is_citation("§2.13 [moto-V]"));
    assert!(!is_citation("2.9 [LS]") && !is_citation("§2.9") && !is_citation("§2.9 [hearsay]"));
}
