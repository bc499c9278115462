//! Grants for what carries tags.

use super::*;
use crate::service::dispatch::{Call, dispatch};
use crate::service::rules::policy::parse::parse_of_identity;
use crate::service::testing::{entry, from_json};

/// A service whose secrets have tags: app/db of team blue, app/cache of team red, web/key of none.
fn tagged() -> (ServiceFixture, Grant) {
    let (mut service, mut grant) = granted();
    for (name, team) in [("app/db", "blue"), ("app/cache", "red")] {
        let tags = json!([{"Key": "team", "Value": team}]);
        service.call("TagResource", &of(name, &json!({"Tags": tags})).to_string()).unwrap();
    }
    grant.actions = Action::ALL.iter().copied().collect();
    (service, grant)
}

fn by_tags(names: &[&str], tags: &[(&str, Option<&str>)]) -> Selection {
    let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), value.map(str::to_owned)));
    Selection { tags: tags.collect(), ..named_like(names) }
}

#[test]
fn a_grant_by_tags_is_for_what_carries_them_now() {
    let read = |id: &str| json!({"SecretId": id});
    for (names, tags, seen) in [
        (&[][..], &[("team", Some("blue"))][..], &["app/db"][..]),
        (&[], &[("team", None)], &["app/cache", "app/db"]),
        (&[], &[("Team", None)], &[]),
        (&[], &[("team", Some("blue")), ("team", Some("red"))], &[]),
        (&["app/*"], &[("team", Some("red"))], &["app/cache"]),
        (&["web/*"], &[("team", Some("red"))], &[]),
        (&[], &[], &["app/cache", "app/db", "web/key"]),
    ] {
        let (mut service, grant) = tagged();
        let grant = Grant { secrets: by_tags(names, tags), ..grant };
        let caller = Caller::Grant(grant);
        for id in ["app/cache", "app/db", "web/key"] {
            let outcome = service.call_as(&caller, "GetSecretValue", &read(id).to_string());
            assert_eq!(outcome.is_ok(), seen.contains(&id), "{id} {names:?} {tags:?}");
        }
        let listed = service.call_as(&caller, "ListSecrets", "{}").unwrap();
        assert_eq!(listed["SecretList"].as_array().unwrap().len(), seen.len());
        let filters = r#"{"Filters":[{"Key":"tag-key","Values":["team"]}]}"#;
        let found = service.call_as(&caller, "BatchGetSecretValue", filters).unwrap();
        let tagged = seen.iter().filter(|name| name.starts_with("app")).count();
        assert_eq!(found["SecretValues"].as_array().unwrap().len(), tagged);
    }
    // The tag is looked at in every call.
    let (mut service, grant) = tagged();
    let caller = Caller::Grant(Grant { secrets: by_tags(&[], &[("team", Some("blue"))]), ..grant });
    let id = read("app/db").to_string();
    service.call_as(&caller, "GetSecretValue", &id).unwrap();
    service
        .call("UntagResource", &of("app/db", &json!({"TagKeys": ["team"]})).to_string())
        .unwrap();
    let refused = service.call_as(&caller, "GetSecretValue", &id).unwrap_err();
    assert_eq!(refused.1, implicit("GetSecretValue", " on resource: app/db"));
}

/// A holder that sets and removes tags makes its grant no wider by them.
#[test]
fn a_grant_by_tags_cannot_widen_itself() {
    let blue = || by_tags(&[], &[("team", Some("blue"))]);
    let tag = |key: &str| json!([{"Key": key, "Value": "blue"}]);
    let create = |name: &str, tags: &Json| json!({"Name": name, "ClientRequestToken": token(2), "Tags": tags});
    let of_app = |json: Json| of("app/db", &json);
    for (operation, request, needs) in [
        ("TagResource", of("web/key", &json!({"Tags": tag("team")})), Some("TagResource")),
        ("TagResource", of_app(json!({"Tags": tag("team")})), Some("TagResource")),
        ("TagResource", of_app(json!({"Tags": tag("TEAM")})), Some("TagResource")),
        ("TagResource", of_app(json!({"Tags": tag("other")})), None),
        ("UntagResource", of_app(json!({"TagKeys": ["other", "team"]})), Some("UntagResource")),
        ("UntagResource", of_app(json!({"TagKeys": ["other"]})), None),
        ("CreateSecret", create("app/new", &tag("team")), Some("CreateSecret")),
        ("CreateSecret", create("app/new", &tag("other")), Some("CreateSecret")),
    ] {
        let (mut service, grant) = tagged();
        let on = request.get("SecretId").or(request.get("Name")).unwrap().as_str().unwrap();
        let on = format!(" on resource: {on}");
        let outcome = under(&mut service, Grant { secrets: blue(), ..grant }, operation, &request);
        let expected = needs.map_or("allowed".to_owned(), |operation| implicit(operation, &on));
        assert_eq!(outcome, expected);
    }
    // The same for tags that a policy of the grant, or of the secret, depends on.
    let deny = |principal: bool, part: &(&str, Json)| {
        let mut statement = json!({
            "Effect": "Deny", "Action": "secretsmanager:GetSecretValue", "Resource": "*",
        });
        statement[part.0] = part.1.clone();
        if principal {
            statement["Principal"] = "*".into();
        }
        let all = json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Principal": "*"});
        let statements = if principal { json!([statement]) } else { json!([all, statement]) };
        let text = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
        if principal { text } else { text.replace(r#","Principal":"*""#, "") }
    };
    let untag = |keys: &[&str]| of("app/db", &json!({"TagKeys": keys}));
    for part in [
        ("Condition", json!({"StringEquals": {"aws:ResourceTag/Team": "blue"}})),
        ("Condition", json!({"Null": {"secretsmanager:ResourceTag/team": "false"}})),
        ("Condition", json!({"StringEquals": {"aws:PrincipalArn": "${aws:ResourceTag/team}"}})),
        ("Resource", json!("arn:aws:secretsmanager:*:*:secret:${aws:ResourceTag/team}/*")),
    ] {
        for (keys, is_allowed) in
            [(&["team"][..], false), (&["TEAM"], false), (&["a", "team"], false), (&["a"], true)]
        {
            let refused = implicit("UntagResource", " on resource: app/db");
            let expected = if is_allowed { "allowed".to_owned() } else { refused };
            let (mut service, grant) = tagged();
            let policies = vec![parse_of_identity(&deny(false, &part)).unwrap()];
            let narrowed = Grant { policies, ..grant };
            assert_eq!(under(&mut service, narrowed, "UntagResource", &untag(keys)), expected);
            let (mut service, grant) = tagged();
            attach(&mut service, "app/db", deny(true, &part));
            assert_eq!(under(&mut service, grant, "UntagResource", &untag(keys)), expected);
        }
    }
}

#[test]
fn a_grant_by_tags_is_for_its_region() {
    let (mut service, grant) = granted();
    let tags = json!([{"Key": "team", "Value": "blue"}]);
    let create = json!({
        "Name": "far", "ClientRequestToken": token(1), "SecretString": "far", "Tags": tags,
    });
    service.call_in(Some("eu-west-1"), "CreateSecret", &create.to_string()).unwrap();
    for (region, expected) in [("local-1", false), ("eu-west-1", true)] {
        let (_, grant) = granted();
        let secrets = Selection { region: region.to_owned(), ..by_tags(&[], &[("team", None)]) };
        let caller = Caller::Grant(Grant { secrets, ..grant });
        let entry = entry("GetSecretValue");
        let request = from_json(entry.input, &json!({"SecretId": "far"}));
        let (region, boundaries) = (Some("eu-west-1"), None);
        let call = Call { entry, request, region, caller: &caller, boundaries };
        let read = service.with(|vault, context| dispatch(vault, call, context));
        assert_eq!(read.is_ok(), expected);
    }
    // An ARN is of one secret: one that takes its name when it is gone has another.
    let gone =
        Caller::Grant(Grant { secrets: named_like(&[&format!("{ARN}web/gone-a1b2c3")]), ..grant });
    let create = json!({"Name": "web/gone", "ClientRequestToken": token(2)});
    let refused = service.call_as(&gone, "CreateSecret", &create.to_string()).unwrap_err();
    assert_eq!(refused.1, implicit("CreateSecret", " on resource: web/gone"));
}
