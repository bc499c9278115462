//! Each protocol, and each way in which it refuses.

use super::*;
use crate::http::testing::{
    CONTAINER_TOKEN, GONE_KEY, HOST, KEY, LOCAL_TOKEN, NOW, SESSION_KEY, SESSION_TOKEN, VALUE,
};
use crate::model::time::Timestamp;

const GETS: Asking<'_> =
    Asking { headers: &[JSON, GET], body: br#"{"SecretId":"plain"}"#, ..Asking::USUAL };

#[test]
fn a_signed_request_is_answered() {
    let body = r#"{"ARN":"arn:aws:secretsmanager:eu-west-1:123456789012:secret:plain-AbCdEf","Name":"plain","SecretString":"the value of plain","CreatedDate":1569534789.046}"#;
    let session = Asking { key: SESSION_KEY, token: Some(SESSION_TOKEN), ..GETS };
    let prefixed = Asking { target: "/pre/", ..GETS };
    let charset = Asking {
        headers: &[("content-type", "Application/X-Amz-Json-1.1; charset=utf-8"), GET],
        ..GETS
    };
    let edge = Asking { at: Timestamp(NOW.0 - 300_000), ..GETS };
    for asking in [GETS, session, prefixed, charset, edge] {
        let heard = asked(&asking);
        assert_eq!((heard.status, heard.body.as_str()), (200, body));
        assert_eq!(heard.header("content-type"), Some("application/x-amz-json-1.1"));
        assert_eq!(heard.header("connection"), None);
    }
    let tag = ("x-amz-target", "secretsmanager.TagResource");
    let body = br#"{"SecretId":"plain","Tags":[{"Key":"a"}]}"#;
    let heard = asked(&Asking { headers: &[JSON, tag], body, ..GETS });
    assert_eq!((heard.status, heard.body.as_str()), (200, ""));
}

/// What AWS's framework checks comes in its order, and in its form.
#[test]
fn each_refusal_has_its_form() {
    let target = |name| ("x-amz-target", name);
    let serialization = r#"{"__type":"SerializationException"}"#;
    let unknown = r#"{"__type":"UnknownOperationException"}"#;
    let no_operation = "<AccessDeniedException>\n  <Message>Unable to determine service/operation name to be authorized</Message>\n</AccessDeniedException>\n";
    let check = |asking: Asking<'_>, status, body: &str| {
        let heard = asked(&asking);
        assert_eq!((heard.status, heard.body.as_str()), (status, body));
    };
    check(Asking { method: "GET", ..GETS }, 403, no_operation);
    check(Asking { method: "OPTIONS", ..GETS }, 403, no_operation);
    check(Asking { headers: &[], ..GETS }, 403, no_operation);
    check(Asking { headers: &[GET], ..GETS }, 404, "<UnknownOperationException/>\n");
    let plain = ("content-type", "application/json");
    check(Asking { headers: &[plain, GET], ..GETS }, 404, "<UnknownOperationException/>\n");
    for body in ["", "hello", "true", "null", "[]", "\"a\"", "{", "{}}", "{\"a\":\u{1}}"] {
        check(Asking { body: body.as_bytes(), ..GETS }, 400, serialization);
        // Before anybody looks whether there is such an operation.
        let headers = &[JSON, target("secretsmanager.Nothing")];
        check(Asking { body: body.as_bytes(), headers, ..GETS }, 400, serialization);
    }
    check(Asking { body: b"{\"SecretId\":\"\xff\"}", ..GETS }, 400, serialization);
    check(Asking { body: br#"{"SecretId":"\ud800"}"#, ..GETS }, 400, serialization);
    for name in [
        "secretsmanager.Nothing",
        "secretsmanager.getsecretvalue",
        "SecretsManager.GetSecretValue",
        "GetSecretValue",
        "secretsmanager.GetSecretValue.x",
        "",
    ] {
        check(Asking { headers: &[JSON, target(name)], ..GETS }, 400, unknown);
    }
    check(Asking { headers: &[JSON], ..GETS }, 400, unknown);
    check(
        Asking { body: br#"{"SecretId":["plain"]}"#, ..GETS },
        400,
        r#"{"__type":"SerializationException","Message":"Start of list found where not expected"}"#,
    );
    check(
        Asking { body: b"{}", ..GETS },
        400,
        r#"{"__type":"ValidationException","message":"1 validation error detected: Value null at 'secretId' failed to satisfy constraint: Member must not be null"}"#,
    );
    check(
        Asking { body: br#"{"SecretId":"a b"}"#, ..GETS },
        400,
        r#"{"__type":"ValidationException","message":"Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!"}"#,
    );
    check(
        Asking { body: br#"{"SecretId":"absent"}"#, ..GETS },
        400,
        r#"{"__type":"ResourceNotFoundException","Message":"Secrets Manager can't find the specified secret."}"#,
    );
    check(
        Asking { key: GONE_KEY, ..GETS },
        503,
        r#"{"__type":"ServiceUnavailable","message":"the vault is locked"}"#,
    );
}

#[test]
fn signatures_are_verified_after_the_request_is_read() {
    let missing = r#"{"__type":"MissingAuthenticationTokenException","message":"Missing Authentication Token"}"#;
    let invalid = r#"{"__type":"UnrecognizedClientException","message":"The security token included in the request is invalid."}"#;
    let body = r#"{"SecretId":["plain"]}"#;
    let unsigned = format!(
        "POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: {}\r\nX-Amz-Target: {}\r\nContent-Length: {}\r\n\r\n{body}",
        JSON.1,
        GET.1,
        body.len(),
    );
    let heard = said(unsigned.as_bytes());
    assert_eq!((heard[0].status, heard[0].body.as_str(), heard[0].body.len()), (400, missing, 89));
    assert_eq!(heard[0].header("connection"), Some("close"), "as AWS does");
    let heard = said(unsigned.replace("GetSecretValue", "Nothing").as_bytes());
    assert_eq!(heard[0].body, r#"{"__type":"UnknownOperationException"}"#);

    let heard = asked(&Asking { key: "AKIASTRONGROOM000009", ..GETS });
    assert_eq!((heard.status, heard.body.as_str()), (400, invalid));
    let old = asked(&Asking { at: Timestamp(NOW.0 - 301_000), ..GETS });
    assert!(old.body.contains("InvalidSignatureException"), "{old:?}");
    assert!(
        old.body.contains("Signature expired: 20261201T133532Z is now earlier than"),
        "{old:?}"
    );
    let tokenless = asked(&Asking { key: SESSION_KEY, ..GETS });
    assert!(tokenless.body.contains("UnrecognizedClientException"), "{tokenless:?}");
    let elsewhere = asked(&Asking { service: "sts", ..GETS });
    assert!(elsewhere.body.contains("correct service: 'secretsmanager'"), "{elsewhere:?}");

    // One letter of the body, of the target and of the path.
    let written = String::from_utf8(GETS.write()).unwrap();
    for (from, to) in
        [("\"plain\"", "\"plaim\""), ("GetSecret", "PutSecret"), ("POST /", "POST //")]
    {
        let heard = said(written.replacen(from, to, 1).as_bytes());
        assert!(heard[0].body.contains("InvalidSignatureException"), "{from}: {heard:?}");
    }
}

/// Replayed when its time is over, a request that was good is refused.
#[test]
fn a_request_is_good_for_minutes() {
    let sample = Sample::new(&one_secret);
    let bytes = GETS.write();
    let status =
        |sample: &Sample<'_>| heard(&Pieces::of(&bytes, 99).converse(sample, SITE))[0].status;
    assert_eq!(status(&sample), 200);
    sample.advance(300_999);
    assert_eq!(status(&sample), 200);
    sample.advance(1);
    assert_eq!(status(&sample), 400);
}

#[test]
fn who_asks_is_told_who_he_is() {
    let form = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");
    let body = b"Action=GetCallerIdentity&Version=2011-06-15";
    let asking = Asking { service: "sts", headers: &[form], body, ..Asking::USUAL };
    let heard = asked(&asking);
    assert_eq!((heard.status, heard.header("content-type")), (200, Some("text/xml")));
    let expected = "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/&lt;user&gt;</Arn><UserId>AIDASTRONGROOMSAMPLE1</UserId><Account>123456789012</Account></GetCallerIdentityResult><ResponseMetadata><RequestId>";
    assert!(heard.body.starts_with(expected), "{}", heard.body);

    let get = Asking {
        method: "GET",
        target: "/?Action=GetCallerIdentity&Version=2011-06-15",
        headers: &[],
        body: b"",
        ..asking
    };
    assert_eq!(asked(&get).status, 200);
    // As a client hands it to somebody else, who may show who he is with it, for a while.
    let presigned = get.presigned();
    assert_eq!(said(&presigned)[0].status, 200);
    let session = Asking { key: SESSION_KEY, token: Some(SESSION_TOKEN), ..get };
    assert_eq!(said(&session.presigned())[0].status, 200);
    let other = String::from_utf8(presigned).unwrap().replacen("2011-06-15", "2011-06-16", 1);
    assert_eq!(said(other.as_bytes())[0].status, 403);
    let late = Asking { at: Timestamp(NOW.0 - 901_000), ..get };
    assert!(said(&late.presigned())[0].body.contains("- 15 min."));
    for (body, text) in [
        (
            &b"Action=AssumeRole&Version=2011-06-15"[..],
            "Could not find operation AssumeRole for version 2011-06-15",
        ),
        (
            b"Action=GetCallerIdentity",
            "Could not find operation GetCallerIdentity for version NO_VERSION_SPECIFIED",
        ),
        (b"Version=2011-06-15", "Could not find operation NO_OPERATION_SPECIFIED"),
        (b"Action=%3Ca%26&Version=1", "operation &lt;a&amp; for version 1"),
    ] {
        let heard = asked(&Asking { body, ..asking });
        assert_eq!(heard.status, 400);
        assert!(heard.body.contains("<Code>InvalidAction</Code>"), "{}", heard.body);
        assert!(heard.body.contains(text), "{}", heard.body);
    }
    let heard = asked(&Asking { key: "AKIASTRONGROOM000009", ..asking });
    assert_eq!((heard.status, heard.header("content-type")), (403, Some("text/xml")));
    assert!(heard.body.contains("<Type>Sender</Type><Code>InvalidClientTokenId</Code><Message>The security token included in the request is invalid.</Message>"));
    let heard = asked(&Asking { service: "secretsmanager", ..asking });
    assert!(heard.body.contains("SignatureDoesNotMatch"), "{heard:?}");
    let unsigned = format!(
        "GET /?Action=GetCallerIdentity&Version=2011-06-15 HTTP/1.1\r\nHost: {HOST}\r\n\r\n"
    );
    let heard = said(unsigned.as_bytes());
    assert_eq!(heard[0].status, 403);
    assert!(heard[0].body.contains("<Code>MissingAuthenticationToken</Code>"));
}

/// Sends a line and headers, without a body.
fn plain(line: &str, headers: &str) -> (u16, Option<String>, String) {
    let bytes = format!("{line} HTTP/1.1\r\nHost: {HOST}\r\n{headers}\r\n");
    let mut heard = said(bytes.as_bytes());
    assert_eq!(heard.len(), 1);
    let heard = heard.remove(0);
    let kind = heard.header("content-type").map(str::to_owned);
    (heard.status, kind, heard.body)
}

#[test]
fn the_local_protocol_is_the_agents() {
    let token = format!("X-Aws-Parameters-Secrets-Token: {LOCAL_TOKEN}\r\n");
    let vault = format!("x-vault-token: {LOCAL_TOKEN}\r\n");
    let wrong = "X-Vault-Token: the token of the agenT\r\n".to_owned();
    let forwarded = format!("{token}X-Forwarded-For: 10.0.0.1\r\n");
    let none = String::new();
    let value = r#"{"ARN":"arn:aws:secretsmanager:eu-west-1:123456789012:secret:plain-AbCdEf","Name":"plain","SecretString":"the value of plain","CreatedDate":"1569534789.046"}"#;
    let absent = r#"{"__type":"ResourceNotFoundException", "message":"Secrets Manager can't find the specified secret."}"#;
    for (line, headers, status, body) in [
        ("GET /ping", &none, 200, "healthy"),
        ("GET /ping?x", &forwarded, 200, "healthy"),
        ("POST /ping", &none, 405, "Not allowed"),
        ("GET /secretsmanager/get?secretId=plain", &token, 200, value),
        ("GET /secretsmanager/get?secretId=pl%61in&refreshNow=1", &vault, 200, value),
        ("GET /v1/plain", &token, 200, value),
        ("GET /v1/absent/of/all", &token, 400, absent),
        ("GET /v1/pl%61in", &token, 400, INVALID_NAME),
        ("GET /v1/?versionId=x", &token, 400, "missing secret ID"),
        ("GET /v1/plain?secretId=plain", &token, 400, "unknown parameter: secretId"),
        ("GET /secretsmanager/get", &token, 400, "missing parameter secretId"),
        ("GET /secretsmanager/get?secretId=plain&x=1", &token, 400, "unknown parameter: x"),
        ("GET /secretsmanager/get?secretId=plain", &none, 403, "Bad Token"),
        ("GET /secretsmanager/get?secretId=plain", &wrong, 403, "Bad Token"),
        ("GET /secretsmanager/get?secretId=plain", &forwarded, 400, "Forwarded"),
        ("POST /secretsmanager/get?secretId=plain", &none, 403, "Bad Token"),
        ("POST /secretsmanager/get?secretId=plain", &token, 405, "Not allowed"),
        ("GET /other", &token, 404, "Not found"),
        ("GET /other", &wrong, 403, "Bad Token"),
    ] {
        assert_eq!(plain(line, headers), (status, None, body.to_owned()), "{line} {headers}");
    }
    assert!(value.contains(VALUE));
}

#[test]
fn a_container_is_lent_a_key() {
    let token = format!("Authorization: {CONTAINER_TOKEN}\r\n");
    let forwarded = format!("{token}X-Forwarded-For: 10.0.0.1\r\n");
    let lent = r#"{"AccessKeyId":"ASIASTRONGROOM000002","SecretAccessKey":"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY","Token":"a/session+token=","Expiration":"2026-12-01T14:40:33Z"}"#;
    let refused =
        |text: &str| format!(r#"{{"code":"CredentialsNotAvailable","message":"{text}"}}"#);
    for (line, headers, status, body) in [
        ("GET /credentials", token.as_str(), 200, lent.to_owned()),
        ("GET /credentials?x=y", &token, 200, lent.to_owned()),
        ("GET /credentials", "", 403, refused("Bad Token")),
        ("GET /credentials", "Authorization: Bearer x\r\n", 403, refused("Bad Token")),
        ("GET /credentials", &forwarded, 400, refused("Forwarded")),
        ("POST /credentials", &token, 405, refused("Not allowed")),
    ] {
        let kind = Some("application/json".to_owned());
        assert_eq!(plain(line, headers), (status, kind, body), "{line} {headers}");
    }
    assert!(lent.contains(SESSION_KEY) && !lent.contains(KEY));
}

const INVALID_NAME: &str = r#"{"__type":"ValidationException", "message":"Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!"}"#;
