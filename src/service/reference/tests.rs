use proptest::prelude::*;

use super::*;
use crate::service::testing::ServiceFixture;

const NAMES: [&str; 3] = ["a", "b", "b/c"];
const LABELS: [&str; 5] = ["AWSCURRENT", "AWSPREVIOUS", "AWSPENDING", "one", "two"];

/// One step: a request, or time that passes.
#[derive(Clone, Debug)]
enum Step {
    Call(&'static str, Json),
    Wait(i64),
}

fn name() -> impl Strategy<Value = Json> {
    prop::sample::select(&NAMES[..]).prop_map(Json::from)
}

fn token() -> impl Strategy<Value = Json> {
    (1..=5_u8).prop_map(|number| number.to_string().repeat(32).into())
}

fn label() -> impl Strategy<Value = Json> {
    prop::sample::select(&LABELS[..]).prop_map(Json::from)
}

fn word(words: &'static [&'static str]) -> impl Strategy<Value = Json> {
    prop::sample::select(words).prop_map(Json::from)
}

/// A member that is given or not.
fn maybe(
    member: &'static str,
    value: impl Strategy<Value = Json> + 'static,
) -> BoxedStrategy<Vec<(&'static str, Json)>> {
    let given = value.prop_map(move |value| vec![(member, value)]);
    prop_oneof![Just(Vec::new()), given].boxed()
}

fn always(
    member: &'static str,
    value: impl Strategy<Value = Json> + 'static,
) -> BoxedStrategy<Vec<(&'static str, Json)>> {
    value.prop_map(move |value| vec![(member, value)]).boxed()
}

fn value() -> BoxedStrategy<Vec<(&'static str, Json)>> {
    let kind = prop::sample::select(vec!["SecretString", "SecretBinary"]);
    // Text that is base64 too, and the bytes of which are the other text.
    (kind, word(&["eA==", "x", "YWJj"]))
        .prop_filter("base64", |(kind, value)| *kind == "SecretString" || value != "x")
        .prop_map(|given| vec![given])
        .boxed()
}

fn maybe_value() -> BoxedStrategy<Vec<(&'static str, Json)>> {
    prop_oneof![Just(Vec::new()), value()].boxed()
}

fn tags() -> impl Strategy<Value = Json> {
    let tag = (word(&["k", "kk", "l"]), word(&["", "v"]));
    prop::collection::btree_map("k|kk|l", tag.prop_map(|(_, value)| value), 0..3).prop_map(|tags| {
        tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect()
    })
}

fn call(
    operation: &'static str,
    members: Vec<BoxedStrategy<Vec<(&'static str, Json)>>>,
) -> BoxedStrategy<Step> {
    members
        .prop_map(move |given| {
            let members = given.into_iter().flatten();
            let request = members.map(|(name, value)| (name.to_owned(), value)).collect();
            Step::Call(operation, Json::Object(request))
        })
        .boxed()
}

fn list(values: impl Strategy<Value = Json>) -> impl Strategy<Value = Json> {
    prop::collection::vec(values, 1..4).prop_map(Json::from)
}

fn step() -> impl Strategy<Value = Step> {
    let id = || always("SecretId", name());
    let token = || token();
    prop_oneof![
        4 => call("CreateSecret", vec![
            always("Name", name()),
            always("ClientRequestToken", token()),
            maybe_value(),
            maybe("Description", word(&["", "d"])),
            maybe("KmsKeyId", word(&["", "alias/k"])),
            maybe("Tags", tags()),
        ]),
        6 => call("PutSecretValue", vec![
            id(),
            always("ClientRequestToken", token()),
            value(),
            maybe("VersionStages", list(label())),
        ]),
        3 => call("UpdateSecret", vec![
            id(),
            always("ClientRequestToken", token()),
            maybe_value(),
            maybe("Description", word(&["", "d", "e"])),
            maybe("KmsKeyId", word(&["", "alias/k", "alias/l"])),
        ]),
        6 => call("UpdateSecretVersionStage", vec![
            id(),
            always("VersionStage", label()),
            maybe("RemoveFromVersionId", token()),
            maybe("MoveToVersionId", token()),
        ]),
        3 => call("GetSecretValue", vec![
            id(),
            maybe("VersionId", token()),
            maybe("VersionStage", label()),
        ]),
        1 => call("DeleteSecret", vec![id(), maybe("RecoveryWindowInDays", (7..9_i64).prop_map(Json::from))]),
        1 => call("DeleteSecret", vec![id(), always("ForceDeleteWithoutRecovery", Just(true.into()))]),
        1 => call("RestoreSecret", vec![id()]),
        1 => call("TagResource", vec![id(), always("Tags", tags())]),
        1 => call("UntagResource", vec![id(), always("TagKeys", list(word(&["k", "l", "m"])))]),
        2 => prop::sample::select(vec![1, 3_600_000, DAY_MS, 7 * DAY_MS]).prop_map(Step::Wait),
    ]
}

/// Puts one request to both, and compares.
fn ask(service: &mut ServiceFixture, reference: &mut Reference, operation: &str, request: &Json) {
    let found = service.call(operation, &request.to_string());
    let found = found.map(|text| sorted(serde_json::from_str(&text).unwrap()));
    let told = found.as_ref().unwrap_or(&Json::Null).clone();
    let expected = reference.call(operation, request, &told).map_err(str::to_owned);
    assert_eq!(found.map_err(|(code, _)| code), expected, "{operation} {request}");
}

/// The labels of a version have no order that means anything.
fn sorted(mut json: Json) -> Json {
    match &mut json {
        Json::Array(elements) => {
            elements.sort_by_key(|element| element.as_str().map(str::to_owned));
            for element in elements.iter_mut() {
                *element = sorted(element.take());
            }
        }
        Json::Object(members) => {
            for member in members.values_mut() {
                *member = sorted(member.take());
            }
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
    json
}

/// Compares everything that can be read.
fn compare(service: &mut ServiceFixture, reference: &mut Reference) {
    for name in NAMES {
        ask(service, reference, "DescribeSecret", &json!({"SecretId": name}));
        for all in [true, false] {
            let request = json!({"SecretId": name, "IncludeDeprecated": all});
            ask(service, reference, "ListSecretVersionIds", &request);
        }
    }
    for by in ["created-date", "last-accessed-date", "last-changed-date", "name"] {
        for direction in ["asc", "desc"] {
            let request =
                json!({"SortBy": by, "SortOrder": direction, "IncludePlannedDeletion": true});
            ask(service, reference, "ListSecrets", &request);
            assert_eq!(by_pages(service, request.clone()), reference.list(&request));
        }
    }
    for (key, prefix) in [("name", "b"), ("name", "a"), ("tag-key", "k"), ("tag-key", "kk")] {
        let request = json!({"Filters": [{"Key": key, "Values": [prefix]}]});
        ask(service, reference, "ListSecrets", &request);
    }
    for name in NAMES {
        for number in 1..=5 {
            let request = json!({"SecretId": name, "VersionId": number.to_string().repeat(32)});
            ask(service, reference, "GetSecretValue", &request);
        }
        for label in LABELS {
            let request = json!({"SecretId": name, "VersionStage": label});
            ask(service, reference, "GetSecretValue", &request);
        }
    }
}

/// Gathers a list one by one.
fn by_pages(service: &mut ServiceFixture, mut request: Json) -> Json {
    let mut all = Vec::new();
    request["MaxResults"] = 1.into();
    loop {
        let page = service.call("ListSecrets", &request.to_string()).unwrap();
        let mut page: Json = serde_json::from_str(&page).unwrap();
        all.append(page["SecretList"].as_array_mut().unwrap());
        request["NextToken"] = page["NextToken"].take();
        if request["NextToken"].is_null() {
            return sorted(json!({"SecretList": all}));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn random_requests_end_as_in_the_reference(steps in prop::collection::vec(step(), 1..40)) {
        let mut service = ServiceFixture::new();
        let mut reference = Reference::new();
        for step in steps {
            match step {
                Step::Wait(ms) => {
                    service.advance(ms);
                    reference.wait(ms);
                }
                Step::Call(operation, request) => {
                    ask(&mut service, &mut reference, operation, &request);
                }
            }
        }
        compare(&mut service, &mut reference);
        service.require_sound();
    }
}
