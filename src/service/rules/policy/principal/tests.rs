use super::*;

const ACCOUNT: &str = "123456789012";

#[test]
fn reads_principals_of_an_account() {
    for text in [
        "arn:aws:iam::123456789012:user/Bob",
        "arn:aws:iam::123456789012:user/division/team/Bob",
        "arn:aws-us-gov:iam::123456789012:role/deploy",
        "arn:aws-cn:iam::123456789012:role/aws-reserved/sso.amazonaws.com/x_1+=,.@-y",
        "arn:aws:sts::123456789012:assumed-role/deploy/i-0123",
        "arn:aws:sts::123456789012:federated-user/Bob",
    ] {
        let read = Principal::read_aws(text);
        assert!(matches!(read, Some(Principal::Identity(_))), "{text}: {read:?}");
    }
    for text in [ACCOUNT, "arn:aws:iam::123456789012:root"] {
        assert_eq!(Principal::read_aws(text), Some(Principal::Account(ACCOUNT.to_owned())));
    }
    assert_eq!(Principal::read_aws("*"), Some(Principal::Everyone));
    assert_eq!(Principal::read_aws("AROA1234567890EXAMPLE"), Some(Principal::Elsewhere));
}

#[test]
fn refuses_what_is_no_principal() {
    for text in [
        "",
        "**",
        "12345678901",
        "1234567890123",
        "12345678901x",
        "bob",
        "arn:aws:iam::*:root",
        "arn:aws:iam::123456789012:*",
        "arn:aws:iam::123456789012:user/*",
        "arn:aws:iam::123456789012:user/B?b",
        "arn:aws:iam::123456789012:user/",
        "arn:aws:iam::123456789012:user",
        "arn:aws:iam::123456789012:user//Bob",
        "arn:aws:iam::123456789012:user/Bob Smith",
        "arn:aws:iam::123456789012:user/Bób",
        "arn:aws:iam::123456789012:group/admins",
        "arn:aws:iam::123456789012:root/x",
        "arn:aws:iam::123456789012:policy/x",
        "arn:aws:iam:us-east-1:123456789012:user/Bob",
        "arn:aws:iam::12345:user/Bob",
        "arn:aws:iam::cloudfront:user/x",
        "arn:aws:sts::123456789012:assumed-role/deploy",
        "arn:aws:sts::123456789012:assumed-role/deploy/*",
        "arn:aws:sts::123456789012:assumed-role/deploy/a/b",
        "arn:aws:s3:::bucket",
        "arn::iam::123456789012:user/Bob",
        "arn:azure:iam::123456789012:user/Bob",
        "arn:aws:iam::123456789012",
        "AIDA",
        "AIDAabcdefghijklmnop",
        "${aws:username}",
    ] {
        assert_eq!(Principal::read_aws(text), None, "{text}");
    }
}

#[test]
fn reads_other_kinds_by_their_form() {
    type Read = fn(&str) -> Option<Principal>;
    let service: Read = Principal::read_service;
    let federated: Read = Principal::read_federated;
    let canonical: Read = Principal::read_canonical;
    let id = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be";
    for (read, text, expected) in [
        (service, "lambda.amazonaws.com", true),
        (service, "logs.eu-central-1.amazonaws.com", true),
        (service, "ec2.amazonaws.com.cn", true),
        (service, "alexa-appkit.amazon.com", true),
        (service, "amazonaws.com", false),
        (service, ".amazonaws.com", false),
        (service, "a..amazonaws.com", false),
        (service, "lambda", false),
        (service, "lambda.example.com", false),
        (service, "lambda.notamazonaws.com", false),
        (service, "*.amazonaws.com", false),
        (service, "*", false),
        (service, "", false),
        (federated, "cognito-identity.amazonaws.com", true),
        (federated, "accounts.google.com", true),
        (federated, "arn:aws:iam::123456789012:saml-provider/Shibboleth", true),
        (federated, "arn:aws:iam::123456789012:oidc-provider/token.example.com/x", true),
        (federated, "arn:aws:iam::123456789012:user/Bob", false),
        (federated, "arn:aws:iam::123456789012:saml-provider/*", false),
        (federated, "arn:aws:iam::x:saml-provider/y", false),
        (federated, "localhost", false),
        (federated, "*", false),
        (canonical, id, true),
        (canonical, "79a59d", false),
        (canonical, "*", false),
    ] {
        assert_eq!(read(text).is_some(), expected, "{text}");
    }
}

#[test]
fn covers_whom_it_names() {
    const ROLE: &str = "arn:aws:iam::123456789012:role/ops/deploy";
    const SESSION: &str = "arn:aws:sts::123456789012:assumed-role/deploy/monday";
    const BOB: &str = "arn:aws:iam::123456789012:user/Bob";
    for (principal, caller, expected) in [
        ("*", BOB, true),
        (ACCOUNT, BOB, true),
        (ACCOUNT, SESSION, true),
        (ACCOUNT, "arn:aws:iam::123456789012:root", true),
        (ACCOUNT, "arn:aws:iam::210987654321:user/Bob", false),
        ("arn:aws:iam::123456789012:root", BOB, true),
        (BOB, BOB, true),
        (BOB, "arn:aws:iam::123456789012:user/bob", false),
        (BOB, "arn:aws:iam::123456789012:user/team/Bob", false),
        (BOB, "arn:aws:iam::210987654321:user/Bob", false),
        (BOB, "arn:aws-cn:iam::123456789012:user/Bob", false),
        (BOB, "arn:aws:iam::123456789012:root", false),
        (ROLE, ROLE, true),
        (ROLE, SESSION, true),
        (ROLE, "arn:aws:sts::123456789012:assumed-role/ops/monday", false),
        (ROLE, "arn:aws:sts::210987654321:assumed-role/deploy/monday", false),
        (SESSION, SESSION, true),
        (SESSION, ROLE, false),
        (SESSION, "arn:aws:sts::123456789012:assumed-role/deploy/tuesday", false),
        ("AROA1234567890EXAMPLE", SESSION, false),
    ] {
        let covers = Principal::read_aws(principal)
            .unwrap()
            .reach(&Identity::read(caller).unwrap())
            .is_some();
        assert_eq!(covers, expected, "{principal} {caller}");
    }
}

#[test]
fn tells_conditions_who_asks() {
    for (caller, arn, kind, name) in [
        ("arn:aws:iam::123456789012:root", None, "Account", None),
        ("arn:aws:iam::123456789012:user/a/Bob", None, "User", Some("Bob")),
        ("arn:aws:iam::123456789012:role/a/x", None, "AssumedRole", None),
        (
            "arn:aws:sts::123456789012:assumed-role/x/s",
            Some("arn:aws:iam::123456789012:role/x"),
            "AssumedRole",
            None,
        ),
        ("arn:aws:sts::123456789012:federated-user/Bob", None, "FederatedUser", None),
    ] {
        let identity = Identity::read(caller).unwrap();
        assert_eq!(identity.arn(), arn.unwrap_or(caller));
        assert_eq!(identity.principal_type(), kind);
        assert_eq!(identity.username(), name);
        assert_eq!(identity.account(), ACCOUNT);
    }
    for (region, arn) in [
        ("eu-west-1", "arn:aws:iam::123456789012:root"),
        ("us-gov-west-1", "arn:aws-us-gov:iam::123456789012:root"),
    ] {
        let here = Place { account: ACCOUNT, region };
        assert_eq!(Identity::root(here).arn(), arn);
        assert_eq!(Identity::root(here).user(), arn);
        let session = Identity::session(here, "x", "s");
        assert_eq!(session.user(), arn.replace("iam", "sts").replace("root", "assumed-role/x/s"));
        assert_eq!(session.arn(), arn.replace("root", "role/x"));
        assert_eq!(Identity::read(&session.user()), Some(session));
    }
}
