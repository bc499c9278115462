use super::*;
use crate::model::shape::Shaped;
use crate::sys::entropy::CountingEntropy;

const HOME: Place<'static> = Place { account: "000000000000", region: "local-1" };
const POLICY: &str = r#"{"Version":"2012-10-17","Statement":
    {"Effect":"Allow","Action":"secretsmanager:Get*","Resource":"*"}}"#;

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// Asks for reading what is below `app/`.
fn spec() -> GrantSpec {
    GrantSpec {
        operations: texts(&["GetSecretValue"]),
        secrets: texts(&["app/*"]),
        ..GrantSpec::default()
    }
}

fn granted(spec: &GrantSpec) -> Result<Grant, String> {
    spec.grant("4f7k2m9p".to_owned(), HOME, Timestamp(1_000)).map_err(|mistake| mistake.to_string())
}

#[test]
fn operations_are_named_as_in_iam_or_as_commands() {
    let all = Action::ALL.len();
    for (words, read_only, expected) in [
        (&["GetSecretValue"][..], false, Ok(1)),
        (&["getsecretvalue", "GetSecretValue"], false, Ok(1)),
        (&["get-secret-value"], false, Ok(1)),
        (&["secretsmanager:GetSecretValue"], false, Ok(1)),
        (&["SecretsManager:get*"], false, Ok(3)),
        (&["Get*", "describe-*"], false, Ok(4)),
        (&["Get?ecretValue"], false, Ok(1)),
        (&["*"], false, Ok(all)),
        (&["*"], true, Ok(9)),
        (&[], false, Err("no operation is named, and no policy")),
        (&[""], false, Err("there is no operation \"\"")),
        (&["GetSecretVlaue"], false, Err("there is no operation \"GetSecretVlaue\"")),
        (&["s3:GetObject"], false, Err("there is no operation \"s3:GetObject\"")),
        (&["Get*", "Fetch*"], false, Err("there is no operation \"Fetch*\"")),
        (&["Put*"], true, Err("Put* changes secrets, and the grant is read-only")),
        (
            &["Get*", "TagResource"],
            true,
            Err("TagResource changes secrets, and the grant is read-only"),
        ),
    ] {
        let spec = GrantSpec { operations: texts(words), read_only, ..spec() };
        let actions = granted(&spec).map(|grant| grant.actions.len());
        assert_eq!(actions, expected.map_err(str::to_owned), "{words:?}");
    }
}

#[test]
fn secrets_are_named_by_pattern_or_arn() {
    let arn = "arn:aws:secretsmanager:local-1:000000000000:secret:app/db";
    for (pattern, is_one) in [
        ("app/db", true),
        ("app/*", true),
        ("*", true),
        ("?", true),
        (arn, true),
        (&*format!("{arn}-??????"), true),
        ("arn:*:secretsmanager:*:*:secret:app/*", true),
        ("", false),
        ("app db", false),
        ("app/${x}", false),
        ("arn:*", false),
        ("arn:aws:secretsmanager:*:*:secret", false),
        ("arn:aws:secretsmanager:*:*:secret:", false),
        ("arn:aws:secretsmanager:*:*:secret:a:b", false),
        ("arn:aws:secretsmanager::000000000000:secret:app/*", false),
        ("arn:aws:*:*:*:*:*", false),
        ("arn:aws:ssm:*:*:secret:app/*", false),
        ("secret:app/*", false),
    ] {
        let spec = GrantSpec { secrets: texts(&["app/cache", pattern]), ..spec() };
        let expected = if is_one {
            Ok(texts(&["app/cache", pattern]))
        } else {
            Err(format!(
                "{pattern:?} is neither a name nor an ARN of a secret, nor a pattern of them with * \
                 and ?"
            ))
        };
        assert_eq!(granted(&spec).map(|grant| grant.secrets.names), expected);
    }
    let other = arn.replace("000000000000", "123456789012");
    let elsewhere = GrantSpec { secrets: vec![other.clone()], ..spec() };
    let expected = format!("{other} is of another account: the vault's is 000000000000");
    assert_eq!(granted(&elsewhere).err(), Some(expected));
    // Which account the vault has is not known before it is asked.
    assert_eq!(elsewhere.check(), Ok(()));
    for (region, expected) in [(None, "local-1"), (Some("eu-west-1"), "eu-west-1")] {
        let spec = GrantSpec { region: region.map(str::to_owned), ..spec() };
        assert_eq!(granted(&spec).unwrap().secrets.region, expected);
    }
}

#[test]
fn tags_must_all_be_carried() {
    let pair = |key: &str, value: Option<&str>| (key.to_owned(), value.map(str::to_owned));
    let twice = |key: &str| {
        format!("the tag {key:?} is named twice, and a secret must carry all that are named")
    };
    for (tags, expected) in [
        (&["team"][..], Ok(vec![pair("team", None)])),
        (&["team=blue", "env"], Ok(vec![pair("team", Some("blue")), pair("env", None)])),
        (&["team="], Ok(vec![pair("team", Some(""))])),
        (&["a=b=c"], Ok(vec![pair("a", Some("b=c"))])),
        (&["=blue"], Err("\"=blue\" is no tag: it is KEY or KEY=VALUE".to_owned())),
        (&["team=blue", "team=red"], Err(twice("team"))),
        (&["team", "team"], Err(twice("team"))),
    ] {
        let spec = GrantSpec { secrets: Vec::new(), tags: texts(tags), ..spec() };
        assert_eq!(granted(&spec).map(|grant| grant.secrets.tags), expected, "{tags:?}");
    }
}

#[test]
fn policies_are_those_of_identities() {
    let none = || GrantSpec { secrets: Vec::new(), operations: Vec::new(), ..spec() };
    let deny = POLICY.replace("Allow", "Deny");
    let named = POLICY.replace("\"Effect\"", "\"Principal\":\"*\",\"Effect\"");
    let wrong = POLICY.replace("Get*", "Get it");
    for (policies, expected) in [
        (&[POLICY][..], None),
        (&[&*deny, POLICY], None),
        (
            &[&*deny],
            Some("the policies allow nothing: where there are any, one must allow what is done"),
        ),
        (
            &[POLICY, "{"],
            Some("policy 2: a policy is JSON: EOF while parsing an object at line 1 column 1"),
        ),
        (&[&*wrong], Some("policy 1: statement 1: `secretsmanager:Get it` is no action")),
        (&[&*named], Some("policy 1: statement 1: an identity's policy has no `Principal`")),
    ] {
        // Beside names, and alone.
        for spec in [spec(), none()] {
            let spec = GrantSpec { policies: texts(policies), ..spec };
            assert_eq!(granted(&spec).err().as_deref(), expected);
        }
    }
}

#[test]
fn a_grant_is_of_something_for_a_while() {
    let none = || GrantSpec { secrets: Vec::new(), ..spec() };
    let long = "a".repeat(65);
    let lifetime = |lifetime_s| GrantSpec { lifetime_s: Some(lifetime_s), ..spec() };
    let range = Some("a grant is good for 1 second to 30 days");
    let many = Some("Secrets has more than 100 elements, or a text that is too long");
    let large = Some("Tags has more than 100 elements, or a text that is too long");
    for (spec, expected) in [
        (spec(), None),
        (none(), Some("no secret is named, no tag and no policy")),
        (GrantSpec { label: Some("ci".to_owned()), ..spec() }, None),
        (
            GrantSpec { label: Some("c/i".to_owned()), ..spec() },
            Some("\"c/i\" is no label: it has 2 to 64 letters, digits and characters of _+=,.@-"),
        ),
        (lifetime(1), None),
        (lifetime(30 * 86_400), None),
        (lifetime(0), range),
        (lifetime(30 * 86_400 + 1), range),
        (lifetime(-1), range),
        (GrantSpec { secrets: vec!["a".to_owned(); 101], ..spec() }, many),
        (GrantSpec { tags: vec!["a".repeat(2_049)], ..spec() }, large),
    ] {
        assert_eq!(granted(&spec).err().as_deref(), expected);
        assert_eq!(spec.check().map_err(|mistake| mistake.to_string()).err().as_deref(), expected);
    }
    for label in ["", "a", "a b", "a\n", "é1", long.as_str()] {
        let spec = GrantSpec { label: Some(label.to_owned()), ..spec() };
        assert_eq!(spec.check().unwrap_err(), Mistake::Label(label.to_owned()));
    }
    assert_eq!(granted(&spec()).unwrap().until, Timestamp(1_000 + 3_600_000));
    let minute = GrantSpec { lifetime_s: Some(60), ..spec() };
    assert_eq!(granted(&minute).unwrap().until, Timestamp(61_000));
    // With a policy alone it decides on everything, but what is read-only stays so.
    let alone = || GrantSpec { policies: texts(&[POLICY]), operations: Vec::new(), ..none() };
    assert_eq!(granted(&alone()).unwrap().actions.len(), Action::ALL.len());
    let reads = GrantSpec { read_only: true, ..alone() };
    assert!(granted(&reads).unwrap().actions.iter().all(|action| !changes(*action)));
}

#[test]
fn a_grant_can_be_that_of_a_user() {
    let user = |name: &str, path: Option<&str>| GrantSpec {
        user_name: Some(name.to_owned()),
        path: path.map(str::to_owned),
        ..spec()
    };
    let long = "a".repeat(65);
    for (spec, expected) in [
        (user("Bob", None), Ok(("/", "Bob"))),
        (user("b", Some("/")), Ok(("/", "b"))),
        (user("bob@x.y", Some("/dev/a/")), Ok(("/dev/a/", "bob@x.y"))),
        (user("", None), Err("\"\" is no name of a user: it has 1 to 64")),
        (user("a/b", None), Err("\"a/b\" is no name of a user: it has 1 to 64")),
        (user(&long, None), Err("\"aaaa")),
        (user("Bob", Some("")), Err("\"\" is no path of a user")),
        (user("Bob", Some("dev/")), Err("\"dev/\" is no path of a user")),
        (user("Bob", Some("/dev")), Err("\"/dev\" is no path of a user")),
        (user("Bob", Some("/a//b/")), Err("\"/a//b/\" is no path of a user")),
        (user("Bob", Some("/*/")), Err("\"/*/\" is no path of a user")),
        (GrantSpec { path: Some("/".to_owned()), ..spec() }, Err("a path is that of a user")),
    ] {
        match (granted(&spec), expected) {
            (Ok(grant), Ok((path, name))) => {
                let (path, name) = (path.to_owned(), name.to_owned());
                assert_eq!(grant.holder, Holder::User { path, name });
            }
            (Err(found), Err(expected)) => assert!(found.starts_with(expected), "{found}"),
            (found, expected) => panic!("{found:?} {expected:?}"),
        }
    }
    // It lasts until its key is deleted, unless it is said how long; what it may is said as ever.
    assert_eq!(granted(&user("Bob", None)).unwrap().until, Timestamp(i64::MAX));
    let lifetime = |lifetime_s| GrantSpec { lifetime_s: Some(lifetime_s), ..user("Bob", None) };
    assert_eq!(granted(&lifetime(60)).unwrap().until, Timestamp(61_000));
    let range = "a grant is good for 1 second to 3650 days";
    assert_eq!(granted(&lifetime(0)).unwrap_err(), range);
    assert_eq!(granted(&lifetime(3_651 * 86_400)).unwrap_err(), range);
    let denies =
        GrantSpec { policies: texts(&[&POLICY.replace("Allow", "Deny")]), ..user("B", None) };
    assert!(granted(&denies).is_ok());
    let nothing = GrantSpec { operations: Vec::new(), ..user("Bob", None) };
    assert_eq!(granted(&nothing).unwrap_err(), "no operation is named, and no policy");
}

#[test]
fn a_grant_can_have_a_boundary_session_policies_and_tags() {
    let beside = |boundary: &str, session: &[&str]| GrantSpec {
        boundary: Some(boundary.to_owned()),
        session_policies: texts(session),
        ..spec()
    };
    let grant = granted(&beside(POLICY, &[POLICY, POLICY])).unwrap();
    assert_eq!((grant.boundary.is_some(), grant.session.len()), (true, 2));
    let refused = granted(&beside("{}", &[])).unwrap_err();
    assert_eq!(refused, "the permissions boundary: a policy has a `Statement`");
    let refused = granted(&beside(POLICY, &[POLICY, "{}"])).unwrap_err();
    assert_eq!(refused, "session policy 2: a policy has a `Statement`");
    for (tags, expected) in [
        (&["Team=blue", "Env="][..], Ok(vec![("Team", "blue"), ("Env", "")])),
        (&["Team"], Err("\"Team\" is no tag of a user or session: it is KEY=VALUE")),
        (&["=x"], Err("\"=x\" is no tag of a user or session: it is KEY=VALUE")),
        (
            &["Team=a", "team=b"],
            Err("the tag \"team\" is there twice: capitals do not tell keys apart"),
        ),
    ] {
        let spec = GrantSpec { principal_tags: texts(tags), ..spec() };
        let pair = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
        let expected = expected.map(|tags| tags.into_iter().map(pair).collect::<Vec<_>>());
        let found = granted(&spec).map(|grant| grant.principal_tags);
        assert_eq!(found, expected.map_err(str::to_owned));
    }
}

#[test]
fn what_is_asked_for_goes_over_as_a_value() {
    let asked = GrantSpec {
        label: Some("ci".to_owned()),
        tags: texts(&["team=blue"]),
        lifetime_s: Some(900),
        read_only: true,
        policies: texts(&[POLICY]),
        boundary: Some(POLICY.to_owned()),
        session_policies: texts(&[POLICY]),
        principal_tags: texts(&["team=blue"]),
        user_name: Some("Bob".to_owned()),
        path: Some("/dev/".to_owned()),
        ..spec()
    };
    let value = asked.into_value().unwrap();
    let again = GrantSpec::from_value(value.clone()).unwrap().into_value().unwrap();
    assert!(value == again);
}

#[test]
fn what_is_shown_of_a_grant() {
    let names = |grant: &Grant| {
        let Value::Map(members) = shown(grant) else { panic!("no map") };
        members.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>().join(" ")
    };
    let plain = granted(&spec()).unwrap();
    assert_eq!(names(&plain), "Id Operations Region Secrets ReadOnly Until Policies");
    let all = GrantSpec {
        label: Some("ci".to_owned()),
        operations: texts(&["*"]),
        tags: texts(&["team=blue", "env"]),
        policies: texts(&[POLICY]),
        ..spec()
    };
    let all = granted(&all).unwrap();
    assert_eq!(names(&all), "Id Label Operations Region Secrets Tags ReadOnly Until Policies");
    let list = |of: &[&str]| Some(Value::List(texts(of).into_iter().map(Value::Text).collect()));
    let shown_all = shown(&all);
    assert!(shown_all.get("Operations").cloned() == list(&["*"]));
    assert!(shown_all.get("Tags").cloned() == list(&["team=blue", "env"]));
    assert!(shown_all.get("Policies") == Some(&Value::Integer(1)));
    assert!(shown(&plain).get("Operations").cloned() == list(&["GetSecretValue"]));
}

#[test]
fn ids_are_short_and_differ() {
    let entropy = CountingEntropy::default();
    let ids: BTreeSet<String> = (0..100).map(|_| draw_id(&entropy).unwrap()).collect();
    assert_eq!(ids.len(), 100);
    assert!(ids.iter().all(|id| id.len() == 8 && is_label(id)));
}
