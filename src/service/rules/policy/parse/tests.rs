use proptest::prelude::*;

use super::super::evaluate::decide;
use super::super::findings;
use super::super::principal::Identity;
use super::super::request::Request;
use super::*;
use crate::model::time::Timestamp;
use crate::service::action::Action;

const STATEMENT: &str = r#"{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}"#;

/// Replaces a part of a statement that is right.
fn with(part: &str, other: &str) -> String {
    assert!(STATEMENT.contains(part), "{part}");
    format!(r#"{{"Version":"2012-10-17","Statement":{}}}"#, STATEMENT.replace(part, other))
}

fn problems(text: &str) -> String {
    parse(text).map_or_else(|malformed| malformed.to_string(), |_| "none".to_owned())
}

fn check(text: &str, expected: &str) {
    assert_eq!(problems(text), expected, "{text}");
}

#[test]
fn reads_what_the_grammar_allows() {
    for text in [
        format!(r#"{{"Statement":{STATEMENT}}}"#),
        format!(r#"{{"Statement":[{STATEMENT}]}}"#),
        format!(" {{ \"Statement\" : [ {STATEMENT} , {STATEMENT} ]\n}}\r\n"),
        format!(r#"{{"Version":"2008-10-17","Id":"any words","Statement":{STATEMENT}}}"#),
        format!(r#"{{"Statement":{STATEMENT},"Id":"","Version":"2012-10-17"}}"#),
        with(r#""Effect":"Allow""#, r#""Sid":"with a space","Effect":"Deny""#),
        with(r#""*","Action":"*""#, r#"{"AWS":"*"},"Action":["*"]"#),
        with(r#""Principal":"*""#, r#""NotPrincipal":{"AWS":["123456789012"]}"#),
        with(
            r#""Principal":"*""#,
            r#""Principal":{"AWS":"123456789012","Service":["a.amazonaws.com"],
                "Federated":"accounts.google.com","CanonicalUser":
                "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"}"#,
        ),
        with(r#""Action":"*""#, r#""NotAction":["secretsmanager:Get*","s3:Put?bject","sts.x:A1"]"#),
        with(
            r#""Resource":"*""#,
            r#""NotResource":["arn:aws:secretsmanager:*:*:secret:${aws:username}-*","arn:*"]"#,
        ),
        with(r#""Resource":"*""#, r#""Resource":"*","Condition":{}"#),
        with(r#""Resource":"*""#, r#""Resource":"*","Condition":{"Bool":{}}"#),
        with(
            r#""Resource":"*""#,
            r#""Resource":"*","Condition":{"Bool":{"a:b":true},"NumericEquals":{"a:b":[1,2.5]},
                "ForAnyValue:StringLike":{"a:b":["x","${a:b}*"],"a:c":[]}}"#,
        ),
    ] {
        check(&text, "none");
    }
}

#[test]
fn refuses_what_is_no_json() {
    for text in ["", " ", "{", "[", "{}}", "policy", "{'Statement':[]}", "{\"a\":}", "\u{0}"] {
        let told = problems(text);
        assert!(told.starts_with("a policy is JSON: "), "{text}: {told}");
    }
    check("{\n \"a\": }", "a policy is JSON: expected value at line 2 column 7");
}

#[test]
fn a_policy_of_an_identity_names_no_principal() {
    let of_identity = |text: &str| {
        parse_of_identity(text)
            .map_or_else(|malformed| malformed.to_string(), |_| "none".to_owned())
    };
    let without = with(r#""Principal":"*","#, "");
    assert_eq!(of_identity(&without), "none");
    check(&without, "statement 1: has neither `Principal` nor `NotPrincipal`");
    for element in ["Principal", "NotPrincipal"] {
        let named = with(r#""Principal""#, &format!("\"{element}\""));
        let expected = format!("statement 1: an identity's policy has no `{element}`");
        assert_eq!(of_identity(&named), expected);
    }
    // The rest of the grammar is the same.
    let wrong = without.replace(r#""Action":"*""#, r#""Action":"get it""#);
    assert_eq!(of_identity(&wrong), "statement 1: `get it` is no action");
}

#[test]
fn refuses_a_document_that_is_no_policy() {
    for (text, expected) in [
        ("null", "a policy is an object"),
        ("[]", "a policy is an object"),
        ("\"*\"", "a policy is an object"),
        ("{}", "a policy has a `Statement`"),
        (r#"{"Statement":[]}"#, "`Statement` is empty"),
        (r#"{"Statement":null}"#, "statement 1: a statement is an object"),
        (r#"{"Statement":"*"}"#, "statement 1: a statement is an object"),
        (r#"{"Statement":[[]]}"#, "statement 1: a statement is an object"),
        (r#"{"statement":[]}"#, "a policy has no element `statement`; a policy has a `Statement`"),
        (
            r#"{"Statement":{}}"#,
            "statement 1: `Effect` is `Allow` or `Deny`; statement 1: has neither `Principal` nor \
             `NotPrincipal`; statement 1: has neither `Action` nor `NotAction`; statement 1: has \
             neither `Resource` nor `NotResource`",
        ),
    ] {
        check(text, expected);
    }
    for (extra, expected) in [
        (r#""Version":"2019-10-19""#, "`Version` is `2012-10-17` or `2008-10-17`"),
        (r#""Version":"""#, "`Version` is `2012-10-17` or `2008-10-17`"),
        (r#""Version":2012"#, "`Version` is `2012-10-17` or `2008-10-17`"),
        (r#""Version":["2012-10-17"]"#, "`Version` is `2012-10-17` or `2008-10-17`"),
        (r#""Version":null"#, "`Version` is `2012-10-17` or `2008-10-17`"),
        (r#""version":"2012-10-17""#, "a policy has no element `version`"),
        (r#""Id":7"#, "`Id` is text"),
        (r#""Comment":"x""#, "a policy has no element `Comment`"),
        (r#""Id":"a","Id":"a""#, "a policy has `Id` twice"),
        (r#""Version":"2012-10-17","Version":"2008-10-17""#, "a policy has `Version` twice"),
        (r#""Statement":[]"#, "a policy has `Statement` twice; `Statement` is empty"),
    ] {
        check(&format!(r#"{{"Statement":{STATEMENT},{extra}}}"#), expected);
    }
}

#[test]
fn refuses_a_statement_that_is_none() {
    for (part, other, expected) in [
        (r#""Allow""#, r#""allow""#, "`Effect` is `Allow` or `Deny`"),
        (r#""Allow""#, r#"["Allow"]"#, "`Effect` is `Allow` or `Deny`"),
        (r#""Effect":"Allow","#, "", "`Effect` is `Allow` or `Deny`"),
        (r#""Effect""#, r#""Effect":"Deny","Effect""#, "a statement has `Effect` twice"),
        (r#""Effect""#, r#""Comment":"","Effect""#, "a statement has no element `Comment`"),
        (r#""Effect""#, r#""sid":"","Effect""#, "a statement has no element `sid`"),
        (r#""Effect""#, r#""Sid":1,"Effect""#, "`Sid` is text"),
        (r#""Effect""#, r#""Condition":[],"Effect""#, "`Condition` is an object"),
        (r#""Effect""#, r#""NotAction":"*","Effect""#, "has both `Action` and `NotAction`"),
        (r#""Effect""#, r#""NotResource":"*","Effect""#, "has both `Resource` and `NotResource`"),
        (
            r#""Effect""#,
            r#""NotPrincipal":"*","Effect""#,
            "has both `Principal` and `NotPrincipal`",
        ),
        (r#""Principal":"*","#, "", "has neither `Principal` nor `NotPrincipal`"),
        (r#","Resource":"*""#, "", "has neither `Resource` nor `NotResource`"),
    ] {
        check(&with(part, other), &format!("statement 1: {expected}"));
    }
}

#[test]
fn refuses_bad_actions_and_resources() {
    for (value, expected) in [
        ("[]", "`Action` is empty"),
        ("null", "`Action` is text or a list of texts"),
        (r#"["*",1]"#, "`Action` is text or a list of texts"),
        (r#"[["*"]]"#, "`Action` is text or a list of texts"),
        (r#"{"a":"*"}"#, "`Action` is text or a list of texts"),
        (r#""""#, "`` is no action"),
        (r#""GetSecretValue""#, "`GetSecretValue` is no action"),
        (r#""a:b:c""#, "`a:b:c` is no action"),
        (r#""s*:Get""#, "`s*:Get` is no action"),
        (r#""a:""#, "`a:` is no action"),
        (r#"":b""#, "`:b` is no action"),
        (r#""a:${a:b}""#, "`a:${a:b}` is no action"),
    ] {
        let text = with(r#""Action":"*""#, &format!(r#""Action":{value}"#));
        check(&text, &format!("statement 1: {expected}"));
    }
    check(
        &with(r#""Resource":"*""#, r#""Resource":true"#),
        "statement 1: `Resource` is text or a list of texts",
    );
    for value in [
        "",
        "app/db",
        "**",
        "arn:",
        "arn*",
        "arn:aws:s3",
        "arn::s3:::x",
        "arn:aws::::x",
        "arn:aws:s3:::",
        "arn:aws:s3::${aws:x}:y",
        "arn:aws:s3:::${aws:x",
    ] {
        let text = with(r#""Resource":"*""#, &format!(r#""Resource":["*","{value}"]"#));
        check(&text, &format!("statement 1: `{value}` is no resource"));
    }
}

#[test]
fn refuses_bad_principals() {
    for (principal, expected) in [
        (r#""arn:aws:iam::123456789012:root""#, "`Principal` is `*` or an object"),
        (r#""123456789012""#, "`Principal` is `*` or an object"),
        (r#"["*"]"#, "`Principal` is `*` or an object"),
        ("null", "`Principal` is `*` or an object"),
        ("{}", "`Principal` is empty"),
        (r#"{"aws":"*"}"#, "`Principal` has no element `aws`"),
        (r#"{"*":"*"}"#, "`Principal` has no element `*`"),
        (r#"{"AWS":"*","AWS":"*"}"#, "`Principal` has `AWS` twice"),
        (r#"{"AWS":[]}"#, "`AWS` is empty"),
        (r#"{"AWS":123456789012}"#, "`AWS` is text or a list of texts"),
        (r#"{"AWS":"bob"}"#, "`bob` is no `AWS` principal"),
        (r#"{"AWS":["*","arn:aws:iam::*:root"]}"#, "`arn:aws:iam::*:root` is no `AWS` principal"),
        (r#"{"Service":"*"}"#, "`*` is no `Service` principal"),
        (r#"{"Federated":"*"}"#, "`*` is no `Federated` principal"),
        (r#"{"CanonicalUser":"*"}"#, "`*` is no `CanonicalUser` principal"),
    ] {
        let text = with(r#""Principal":"*""#, &format!(r#""Principal":{principal}"#));
        check(&text, &format!("statement 1: {expected}"));
    }
}

#[test]
fn refuses_bad_conditions() {
    for (condition, expected) in [
        (r#""StringIs":{"a:b":"c"}"#, "`StringIs` is no condition operator"),
        (r#""StringIs":{}"#, "`StringIs` is no condition operator"),
        (r#""Bool":true"#, "`Bool` is an object"),
        (r#""Bool":[{"a:b":true}]"#, "`Bool` is an object"),
        (r#""Bool":{"a:b":true},"Bool":{"a:b":true}"#, "`Condition` has `Bool` twice"),
        (r#""Bool":{"a:b":true,"a:b":true}"#, "`Bool` has `a:b` twice"),
        (r#""Bool":{"a:b":true,"A:B":false}"#, "`Bool` has `a:b` twice"),
        (r#""Bool":{"SecureTransport":true}"#, "`SecureTransport` is no condition key"),
        (r#""Bool":{"":true}"#, "`` is no condition key"),
        (r#""Bool":{"aws:":true}"#, "`aws:` is no condition key"),
        (r#""Bool":{"a:b":null}"#, "`a:b` is compared with text, numbers or booleans"),
        (
            r#""StringEquals":{"a:b":["c",["d"]]}"#,
            "`a:b` is compared with text, numbers or booleans",
        ),
        (r#""StringEquals":{"a:b":{"c":"d"}}"#, "`a:b` is compared with text, numbers or booleans"),
        (r#""Bool":{"a:b":"yes"}"#, "`Bool` does not take `yes`"),
        (r#""Null":{"a:b":0}"#, "`Null` does not take `0`"),
        (r#""NumericLessThan":{"a:b":["1","x"]}"#, "`NumericLessThan` does not take `x`"),
        (r#""NumericLessThan":{"a:b":true}"#, "`NumericLessThan` does not take `true`"),
        (r#""DateLessThan":{"a:b":"soon"}"#, "`DateLessThan` does not take `soon`"),
        (r#""DateLessThan":{"a:b":"2026-02-29"}"#, "`DateLessThan` does not take `2026-02-29`"),
        (r#""IpAddress":{"a:b":"1.2.3"}"#, "`IpAddress` does not take `1.2.3`"),
        (r#""ArnLike":{"a:b":"role/x"}"#, "`ArnLike` does not take `role/x`"),
        (r#""StringLike":{"a:b":"${a"}"#, "`StringLike` does not take `${a`"),
    ] {
        let text =
            with(r#""Resource":"*""#, &format!(r#""Resource":"*","Condition":{{{condition}}}"#));
        check(&text, &format!("statement 1: {expected}"));
    }
}

#[test]
fn refuses_a_sid_that_is_there_twice() {
    let statement = |sid: &str| STATEMENT.replace('{', &format!(r#"{{"Sid":"{sid}","#));
    let policy = |sids: [&str; 2]| {
        format!(r#"{{"Statement":[{},{}]}}"#, statement(sids[0]), statement(sids[1]))
    };
    check(&policy(["a", "b"]), "none");
    check(&policy(["a", "A"]), "none");
    check(&policy(["", ""]), "none");
    check(&policy(["a", "a"]), "statement 2: `Sid` `a` is there twice");
}

#[test]
fn reports_every_problem_and_keeps_the_rest() {
    let text = format!(
        r#"{{"Id":1,"Statement":[{STATEMENT},{},{}]}}"#,
        STATEMENT.replace("Allow", "allow"),
        STATEMENT.replace(r#""Principal":"*""#, r#""Principal":{"AWS":["x","y","*"]}"#),
    );
    check(
        &text,
        "`Id` is text; statement 2: `Effect` is `Allow` or `Deny`; statement 3: `x` is no `AWS` \
         principal; statement 3: `y` is no `AWS` principal",
    );
    assert_eq!(read(&text).0.statements.len(), 1);
}

#[test]
fn bounds_length_and_depth() {
    let fill = |length: usize| {
        let text = format!(r#"{{"Id":"ü","Statement":{STATEMENT}}}"#);
        text.replace('ü', &"ü".repeat(length + 1 - text.chars().count()))
    };
    assert_eq!(fill(MAX_CHARS).chars().count(), MAX_CHARS);
    check(&fill(MAX_CHARS), "none");
    check(&fill(MAX_CHARS + 1), "a policy has at most 20480 characters");
    for open in ["[", "{\"Statement\":", "{\"Statement\":[{\"Condition\":{\"Bool\":"] {
        let deep = open.repeat(10_000).chars().take(MAX_CHARS).collect::<String>();
        assert!(problems(&deep).starts_with("a policy is JSON: recursion limit exceeded"));
    }
    let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
    check(
        &with(r#""Action":"*""#, &format!(r#""Action":{deep}"#)),
        "statement 1: `Action` is text or a list of texts",
    );
}

/// Texts near to policies: what the mutations below start from.
const SEEDS: [&str; 4] = [
    r#"{"Version":"2012-10-17","Id":"x","Statement":[{"Sid":"a","Effect":"Deny",
        "Principal":"*","Action":"secretsmanager:GetSecretValue","Resource":"*","Condition":
        {"StringNotEquals":{"aws:sourceVpce":"vpce-1234a5678b9012c"}}}]}"#,
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"123456789012"},
        "Condition":{"StringEquals":{"aws:ResourceTag/P":"${ aws:PrincipalTag/P, 'x' }"}},
        "Action":["secretsmanager:Get*"],"Resource":"arn:aws:secretsmanager:*:*:secret:a-??????"}}"#,
    r#"{"Statement":[{"Effect":"Allow","NotPrincipal":{"AWS":["arn:aws:iam::123456789012:root"],
        "Service":"a.amazonaws.com"},"NotAction":"*:*","NotResource":"arn:aws:s3:::x","Condition":
        {"IpAddressIfExists":{"aws:SourceIp":["203.0.113.0/24","::/0"]},"Null":{"a:b":true}}}]}"#,
    r#"{"Version":"2008-10-17","Statement":[{"Effect":"Deny","Principal":{"Federated":
        "accounts.google.com"},"Action":"*","Resource":"*","Condition":{"DateLessThan":{"aws:CurrentTime":
        "2026-03-01T12:30:45.5+01:00"},"ForAllValues:NumericEquals":{"a:b":[1,-2.5e3]},"ArnLike":
        {"aws:PrincipalArn":"arn:aws:iam::*:role/*"},"BinaryEquals":{"a:c":"aGk="}}}]}"#,
];

fn never_panics(text: &str) {
    let bob = Identity::read("arn:aws:iam::123456789012:user/Bob").unwrap();
    let request = Request::new(bob, Action::GetSecretValue, Timestamp(0));
    if let Ok(policy) = parse(text) {
        decide(&policy, &request);
    }
    // Whatever can be attached is right, and whatever is right is JSON.
    let found = findings::validate(text, &request);
    assert_eq!(
        parse(text).is_ok(),
        found.is_ok_and(|found| {
            !found.iter().any(|f| f.message().starts_with("This resource policy contains"))
        })
    );
}

#[test]
fn survives_its_seeds_cut_anywhere() {
    for seed in SEEDS {
        check(seed, "none");
        for at in 0..seed.len() {
            let (start, end) = seed.split_at(at);
            never_panics(start);
            never_panics(end);
        }
    }
}

proptest! {
    #[test]
    fn survives_any_text(text in "\\PC*") {
        never_panics(&text);
    }

    #[test]
    fn survives_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        never_panics(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn survives_its_seeds_changed(
        seed in 0_usize..4,
        cuts in proptest::collection::vec((any::<prop::sample::Index>(), 0_usize..12), 1..6),
        // What the language is made of.
        put in proptest::collection::vec(
            "[\\[\\]{},:\"*?$'/.0-9TZ-]{0,3}|Not|IfExists|ForAllValues:|null|true|1e400|\\\\u0000",
            6,
        ),
    ) {
        let mut letters: Vec<char> = SEEDS[seed].chars().collect();
        for ((at, remove), put) in cuts.into_iter().zip(put) {
            let at = at.index(letters.len() + 1);
            let end = (at + remove).min(letters.len());
            letters.splice(at..end, put.chars());
        }
        never_panics(&letters.into_iter().collect::<String>());
    }
}
