//! What is taken, and in which words the rest is refused.

use serde_json::Value as Json;

use super::canonical::{self, Signed};
use super::refusal::{Answer, Dialect, Refusal};
use super::samples::{Circumstances, KEY, Sample, recorded, vectors};
use super::signer::Signer;
use super::{Verified, date};
use crate::crypto::fingerprint;
use crate::crypto::signing::{Purpose, signature};
use crate::model::time::Timestamp;
use crate::sys::secret::Secret;

/// One of the 76: its form, what it should come to, and what is left out of its query.
struct Vector<'a> {
    name: String,
    context: &'a Json,
    case: &'a Json,
    left_out: &'a [&'a str],
}

impl Vector<'_> {
    fn text(&self, name: &str) -> &str {
        self.case[name].as_str().unwrap()
    }

    fn sample(&self) -> Sample {
        let signed = self.text("signed_request");
        let (head, body) = signed.split_once("\n\n").unwrap();
        Sample::parse(head, body)
    }

    fn is_normalised(&self) -> bool {
        self.context["normalize"].as_bool().unwrap()
    }

    fn circumstances(&self) -> Circumstances {
        let token = self.context["credentials"]["token"].as_str();
        Circumstances::at("service", "20150830T123600Z", token)
    }
}

fn each_vector(check: impl Fn(&Vector<'_>)) {
    let file = vectors();
    let mut count = 0;
    for case in file["suite"].as_array().unwrap() {
        let context = &case["context"];
        let is_token_left_out = context["omit_session_token"].as_bool() == Some(true);
        let left_out: &[&str] = if is_token_left_out {
            &["X-Amz-Signature", "X-Amz-Security-Token"]
        } else {
            &["X-Amz-Signature"]
        };
        for form in ["header", "query"] {
            let name = format!("{} ({form})", case["name"].as_str().unwrap());
            check(&Vector { name, context, case: &case[form], left_out });
            count += 1;
        }
    }
    assert_eq!(count, 76);
}

#[test]
fn the_suite_is_canonicalised_and_signed_to_the_byte() {
    each_vector(|vector| {
        let expected = vector.text("canonical_request");
        let names = expected.lines().rev().nth(1).unwrap();
        vector.sample().with(|request| {
            let query = canonical::parameters(request.path_and_query().1);
            let query = canonical::query(&query, vector.left_out);
            let payload = fingerprint::hex(&fingerprint::of_bytes(request.body));
            let signed = Signed { names, query: &query, payload: &payload };
            let found = String::from_utf8(canonical::request(request, &signed).unwrap()).unwrap();
            if vector.is_normalised() {
                assert_eq!(found, expected, "{}", vector.name);
            } else {
                // S3's rule, by which a path stays as it is. All other lines are alike.
                let but_the_path = |text: &str| -> Vec<String> {
                    let lines = text.lines().enumerate().filter(|(place, _)| *place != 1);
                    lines.map(|(_, line)| line.to_owned()).collect()
                };
                assert_eq!(but_the_path(&found), but_the_path(expected), "{}", vector.name);
            }
        });
        let purpose = Purpose { day: "20150830", region: "us-east-1", service: "service" };
        let text = canonical::string_to_sign("20150830T123600Z", purpose, expected.as_bytes());
        assert_eq!(text, vector.text("string_to_sign"), "{}", vector.name);
        let secret = Secret::new(super::samples::SECRET.to_owned());
        let signature = signature(&secret, purpose, text.as_bytes());
        assert_eq!(signature, vector.text("signature"), "{}", vector.name);
    });
}

#[test]
fn the_suite_is_verified_where_a_path_has_one_meaning() {
    each_vector(|vector| {
        let sample = vector.sample();
        let found = vector.circumstances().verify(&sample);
        let path = sample.target.split('?').next().unwrap();
        if canonical::is_plain_path(path) {
            let verified =
                Verified { access_key_id: KEY.to_owned(), region: "us-east-1".to_owned() };
            assert_eq!(found, Ok(verified), "{}", vector.name);
        } else {
            assert_eq!(found, Err(Refusal::Mismatch), "{}", vector.name);
        }
    });
}

#[test]
fn what_clients_send_is_verified() {
    let all = recorded();
    assert_eq!(all.len(), 28);
    for (sample, circumstances) in &all {
        let found = circumstances.verify(sample).map(|verified| verified.access_key_id);
        assert_eq!(found.as_deref(), Ok(KEY), "{:?}", sample.headers);
    }
}

#[test]
fn the_five_that_are_derived() {
    let (base, good) = recorded().swap_remove(0);
    let check = |sample: &Sample, good: &Circumstances, expected: Option<Refusal>| {
        assert_eq!(good.verify(sample).err(), expected);
    };
    let mut longer = base.clone();
    longer.body.push(b' ');
    check(&longer, &good, Some(Refusal::Mismatch));
    check(&base.and("X-Extra", "1"), &good, None);
    check(&base.without("X-Amz-Target"), &good, Some(Refusal::Mismatch));
    let mut other = base.clone();
    *other.header("x-amz-target") = b"secretsmanager.DeleteSecret".to_vec();
    check(&other, &good, Some(Refusal::Mismatch));
    let strange = Circumstances { secret: "x".to_owned(), ..good };
    check(&base, &strange, Some(Refusal::Mismatch));
}

/// A refusal, in each dialect, beginning with a good request.
fn refused(expected: &str, message: &str, change: impl Fn(&mut Sample, &mut Circumstances)) {
    let (mut sample, mut circumstances) = recorded().swap_remove(0);
    change(&mut sample, &mut circumstances);
    let refusal = circumstances.verify(&sample).unwrap_err();
    let answer = refusal.answer(circumstances.service.dialect);
    assert_eq!((answer.code, answer.message.as_str()), (expected, message));
    assert_eq!(answer.status, 400);
}

fn authorize(sample: &mut Sample, from: &str, to: &str) {
    let header = sample.header("authorization");
    let text = String::from_utf8(header.clone()).unwrap();
    assert!(text.contains(from), "{text}");
    *header = text.replace(from, to).into_bytes();
}

#[test]
fn requests_that_say_nothing() {
    let missing = "MissingAuthenticationTokenException";
    let check = |value: Option<&str>| {
        refused(missing, "Missing Authentication Token", |sample, _| {
            *sample = sample.without("authorization");
            if let Some(value) = value {
                *sample = sample.and("Authorization", value);
            }
        });
    };
    check(None);
    check(Some(""));
    check(Some("Bearer abc"));
    check(Some("Basic YTpi"));
    refused(
        "InvalidSignatureException",
        "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.",
        |sample, _| sample.target = "/?X-Amz-Algorithm=".into(),
    );
}

#[test]
fn requests_that_say_too_little() {
    let incomplete = "IncompleteSignatureException";
    refused(
        incomplete,
        "Authorization header requires 'Credential' parameter. \
         Authorization header requires 'Signature' parameter. \
         Authorization header requires 'SignedHeaders' parameter. \
         Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ",
        |sample, _| {
            *sample = sample.without("x-amz-date");
            *sample.header("authorization") = b"AWS4-HMAC-SHA256".to_vec();
        },
    );
    refused(incomplete, "Authorization header requires 'Signature' parameter. ", |sample, _| {
        authorize(sample, "Signature=", "Signature=,signature=");
    });
    refused(
        incomplete,
        "'Credential' not a valid key=value pair (missing equal-sign) in Authorization header.",
        |sample, _| authorize(sample, "Credential=", "Credential,Credential="),
    );
    refused(
        incomplete,
        "AWS query-string parameters must include 'X-Amz-Credential'. \
         AWS query-string parameters must include 'X-Amz-Date'. \
         Re-examine the query-string parameters.",
        |sample, _| {
            *sample = sample.without("authorization");
            sample.target = "/?X-Amz-Algorithm=a&X-Amz-Signature=b&X-Amz-SignedHeaders=host".into();
        },
    );
    refused(
        incomplete,
        "AWS query-string parameters must include 'X-Amz-Algorithm'. \
         AWS query-string parameters must include 'X-Amz-Credential'. \
         AWS query-string parameters must include 'X-Amz-Signature'. \
         AWS query-string parameters must include 'X-Amz-SignedHeaders'. \
         AWS query-string parameters must include 'X-Amz-Date'. \
         Re-examine the query-string parameters.",
        |sample, _| {
            *sample = sample.without("authorization");
            sample.target = "/?X-Amz-Algorithm".into();
        },
    );
}

#[test]
fn requests_of_another_time() {
    refused(
        "IncompleteSignatureException",
        "Date must be in ISO-8601 'basic format'. Got '201'. \
         See http://en.wikipedia.org/wiki/ISO_8601",
        |sample, _| *sample.header("x-amz-date") = b"201".to_vec(),
    );
    let minutes = |count: i64| count * 60_000;
    refused(
        "InvalidSignatureException",
        "Signature expired: 20261130T171729Z is now earlier than 20261130T171730Z \
         (20261130T172230Z - 5 min.)",
        |_, good| good.now.0 += minutes(5) + 1000,
    );
    refused(
        "InvalidSignatureException",
        "Signature not yet current: 20261130T171729Z is still later than 20261130T171728Z \
         (20261130T171228Z + 5 min.)",
        |_, good| good.now.0 -= minutes(5) + 1,
    );
    let all = recorded();
    let is_good = |index: usize, by: i64| {
        let (sample, good) = &all[index];
        let now = Timestamp(good.now.0 + by);
        Circumstances { now, ..good.clone() }.verify(sample).is_ok()
    };
    let presigned = all.iter().position(|(sample, _)| sample.method == "GET").unwrap();
    for (index, limit) in [(0, 5), (1, 15), (presigned, 15)] {
        assert!(is_good(index, -minutes(limit)) && is_good(index, minutes(limit) + 999));
        assert!(!is_good(index, -minutes(limit) - 1) && !is_good(index, minutes(limit) + 1000));
    }
}

#[test]
fn requests_for_something_else() {
    let incomplete = "IncompleteSignatureException";
    let invalid = "InvalidSignatureException";
    refused(
        invalid,
        "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
        |sample, _| authorize(sample, ";host;", ";"),
    );
    refused(incomplete, "Unsupported AWS 'algorithm': 'AWS4-ZZZ'.", |sample, _| {
        authorize(sample, "AWS4-HMAC-SHA256", "AWS4-ZZZ");
    });
    refused(
        incomplete,
        "Credential must have exactly 5 slash-delimited elements, e.g. \
         keyid/date/region/service/term, got 'AKIDEXAMPLE/20261130/us-east-1/aws4_request'",
        |sample, _| authorize(sample, "secretsmanager/", ""),
    );
    refused(invalid, "Credential should be scoped to a valid region. ", |sample, _| {
        authorize(sample, "us-east-1", "us-east");
    });
    refused(invalid, "Credential should be scoped to a valid region. ", |sample, _| {
        authorize(sample, "us-east-1", "us-east-2");
    });
    // A key's holder signs for whatever he likes to call a region.
    let signer = |region| {
        let [sample, _] = signed_for(region, &[("Host", "127.0.0.1:1")], "/", None);
        Circumstances::at("secretsmanager", "20260301T120000Z", None).verify(&sample)
    };
    assert!(signer("eu-west-1").is_ok());
    for region in ["nowhere", "us-east", "", "us-east-1 ", "US-EAST-1", "us-east-1\n"] {
        assert!(signer(region).is_err(), "{region:?}");
    }
    refused(
        invalid,
        "Credential should be scoped to correct service: 'secretsmanager'. ",
        |sample, _| authorize(sample, "/secretsmanager/", "/sts/"),
    );
    refused(
        invalid,
        "Credential should be scoped to a valid region. \
         Credential should be scoped to correct service: 'secretsmanager'. \
         Credential should be scoped with a valid terminator: 'aws4_request', not 'e'. \
         Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: \
         'b' != '20261130', from '20261130T171729Z'.",
        |sample, _| {
            authorize(sample, "20261130/us-east-1/secretsmanager/aws4_request", "b/c/d/e");
        },
    );
}

#[test]
fn requests_of_somebody_else() {
    let unknown = "UnrecognizedClientException";
    refused(unknown, "The security token included in the request is invalid.", |sample, _| {
        authorize(sample, "AKIDEXAMPLE", "AKIDNOBODY");
    });
    refused(unknown, "The security token included in the request is invalid.", |_, good| {
        good.token = Some("wanted".to_owned());
    });
    refused(unknown, "The security token included in the request is invalid", |sample, _| {
        *sample = sample.and("x-amz-security-token", "abc");
    });
    refused(unknown, "The security token included in the request is invalid", |sample, good| {
        *sample = sample.and("x-amz-security-token", "abc");
        good.token = Some("abd".to_owned());
    });
    refused(
        "InvalidSignatureException",
        "The request signature we calculated does not match the signature you provided. Check your \
         AWS Secret Access Key and signing method. Consult the service documentation for details.",
        |_, good| good.secret = "x".to_owned(),
    );
    let expired = "The security token included in the request is expired";
    refused("ExpiredTokenException", expired, |_, good| good.until = Some(good.now));
    let (sample, mut good) = recorded().swap_remove(0);
    good.until = Some(Timestamp(good.now.0 + 1));
    assert!(good.verify(&sample).is_ok());
}

/// Who does not have the secret learns nothing but that a key is known.
#[test]
fn a_signature_is_checked_before_what_the_key_is() {
    let (sample, good) = recorded().swap_remove(0);
    let strange = Circumstances { secret: "x".to_owned(), ..good.clone() };
    for other in [
        Circumstances { token: Some("wanted".to_owned()), ..strange.clone() },
        Circumstances { until: Some(Timestamp(0)), ..strange },
    ] {
        assert_eq!(other.verify(&sample), Err(Refusal::Mismatch));
    }
    let both = Circumstances { token: Some("a".into()), until: Some(Timestamp(0)), ..good };
    assert_eq!(both.verify(&sample), Err(Refusal::UnknownKey));
}

#[test]
fn sts_says_it_in_other_codes() {
    let answer = |status, code, message: &str| Answer { status, code, message: message.to_owned() };
    for (refusal, expected) in [
        (
            Refusal::Unsigned,
            answer(403, "MissingAuthenticationToken", "Request is missing Authentication Token"),
        ),
        (
            Refusal::UnknownKey,
            answer(
                403,
                "InvalidClientTokenId",
                "The security token included in the request is invalid.",
            ),
        ),
        (
            Refusal::KeyExpired,
            answer(403, "ExpiredToken", "The security token included in the request is expired"),
        ),
        (
            Refusal::Algorithm { found: "AWS4-ZZZ".to_owned() },
            answer(400, "IncompleteSignature", "Unsupported AWS 'algorithm': 'AWS4-ZZZ'."),
        ),
        (
            Refusal::Scope { faults: "Credential should be scoped to a valid region. ".to_owned() },
            answer(403, "SignatureDoesNotMatch", "Credential should be scoped to a valid region. "),
        ),
    ] {
        assert_eq!(refusal.answer(Dialect::Query), expected);
    }
    let (sample, mut good) = recorded().swap_remove(1);
    good.now.0 += 16 * 60_000;
    let late = good.verify(&sample).unwrap_err().answer(Dialect::Query);
    let message = "Signature expired: 20261130T171729Z is now earlier than 20261130T171829Z \
                   (20261130T173329Z - 15 min.)";
    assert_eq!(late, answer(403, "SignatureDoesNotMatch", message));
}

/// A request of our own making, in both forms.
fn signed(headers: &[(&str, &str)], target: &str, token: Option<&str>) -> [Sample; 2] {
    signed_for("us-east-1", headers, target, token)
}

fn signed_for(
    region: &str,
    headers: &[(&str, &str)],
    target: &str,
    token: Option<&str>,
) -> [Sample; 2] {
    let headers =
        headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()));
    let sample = Sample {
        method: "POST".to_owned(),
        target: target.to_owned(),
        headers: headers.collect(),
        body: b"{}".to_vec(),
    };
    let secret = Secret::new(super::samples::SECRET.to_owned());
    let signer = Signer {
        access_key_id: KEY,
        secret: &secret,
        token,
        region,
        service: "secretsmanager",
        at: date::read("20260301T120000Z").unwrap(),
    };
    let mut in_header = sample.clone();
    in_header.headers.extend(sample.with(|request| signer.sign(request)));
    let mut in_query = sample.clone();
    in_query.target = sample.with(|request| signer.presign(request));
    [in_header, in_query]
}

#[test]
fn what_is_signed_here_is_verified_here() {
    for token in [None, Some("a/b+c= d")] {
        let good = Circumstances::at("secretsmanager", "20260301T120000Z", token);
        for target in ["/", "/a%20b/?x=1&y", "/?Action=a+b&z=%2F"] {
            let headers =
                [("Host", "127.0.0.1:1"), ("X-Amz-Target", "  a   b "), ("A", "1"), ("a", "2")];
            for sample in signed(&headers, target, token) {
                assert!(good.verify(&sample).is_ok(), "{}", sample.target);
            }
        }
    }
}

#[test]
fn what_matters_must_be_signed() {
    let good = Circumstances::at("secretsmanager", "20260301T120000Z", None);
    for sample in signed(&[("Host", "127.0.0.1:1")], "/", None) {
        for (name, value, expected) in [
            ("Content-Type", "text/plain", Some("Content-Type")),
            ("X-Amz-Target", "secretsmanager.DeleteSecret", Some("X-Amz-Target")),
            ("x-amz-anything", "1", Some("x-amz-anything")),
            ("amz-sdk-request", "attempt=1", None),
            ("x-amzn-trace-id", "1", None),
            ("User-Agent", "curl", None),
        ] {
            let found = good.verify(&sample.and(name, value));
            let expected = expected.map(|name| Refusal::HeaderNotSigned { name: name.to_owned() });
            assert_eq!(found.err(), expected, "{name}");
        }
    }
    let refusal = Refusal::HeaderNotSigned { name: "X-Amz-Target".to_owned() };
    assert_eq!(
        refusal.answer(Dialect::Json).message,
        "'X-Amz-Target' must be a 'SignedHeader' in the AWS Authorization."
    );
}

/// A session's token may be left unsigned, in both forms; it is compared all the same.
#[test]
fn a_token_need_not_be_signed_but_right() {
    let good = Circumstances::at("secretsmanager", "20260301T120000Z", Some("abc"));
    let [header, query] = signed(&[("Host", "127.0.0.1:1")], "/", None);
    let with_token = |token: &str| {
        let mut query = query.clone();
        query.target = format!("{}&X-Amz-Security-Token={token}", query.target);
        [header.and("X-Amz-Security-Token", token), query]
    };
    for sample in with_token("abc") {
        assert!(good.verify(&sample).is_ok(), "{}", sample.target);
    }
    for sample in with_token("abd") {
        assert_eq!(good.verify(&sample), Err(Refusal::WrongToken));
    }
    for sample in [&header, &query] {
        assert_eq!(good.verify(sample), Err(Refusal::UnknownKey));
    }
    // In the query's form, a token in a header is one header more.
    let name = "X-Amz-Security-Token".to_owned();
    let found = good.verify(&query.and("X-Amz-Security-Token", "abc"));
    assert_eq!(found, Err(Refusal::HeaderNotSigned { name }));
}

/// The body's hash is what counts; a client that says another one, or none, is refused.
#[test]
fn the_payload_is_always_hashed() {
    let good = Circumstances::at("secretsmanager", "20260301T120000Z", None);
    let right = fingerprint::hex(&fingerprint::of_bytes(b"{}"));
    for (said, is_right) in [
        (right.as_str(), true),
        (&right.to_uppercase(), false),
        ("UNSIGNED-PAYLOAD", false),
        ("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", false),
        ("STREAMING-UNSIGNED-PAYLOAD-TRAILER", false),
        ("", false),
    ] {
        let headers = [("Host", "127.0.0.1:1"), ("X-Amz-Content-Sha256", said)];
        for sample in signed(&headers, "/", None) {
            let found = good.verify(&sample).err();
            assert_eq!(found, (!is_right).then_some(Refusal::Mismatch), "{said}");
        }
    }
}

#[test]
fn an_authorization_may_be_spelled_in_several_ways() {
    let (sample, good) = recorded().swap_remove(0);
    for (from, to) in
        [(", ", ","), (", ", " "), (", ", " ,  "), ("Credential=", "Credential=a, Credential=")]
    {
        let mut other = sample.clone();
        authorize(&mut other, from, to);
        assert!(good.verify(&other).is_ok(), "{to}");
    }
    let mut upper = sample.clone();
    let header = String::from_utf8(upper.header("authorization").clone()).unwrap();
    let digits = header.split_once("Signature=").unwrap().1;
    authorize(&mut upper, digits, &digits.to_uppercase());
    assert_eq!(good.verify(&upper), Err(Refusal::Mismatch));
}

/// Whoever has the secret cannot say two things at once, of which a reader might take either.
#[test]
fn what_has_two_meanings_is_refused_from_anybody() {
    let good = Circumstances::at("secretsmanager", "20260301T120000Z", None);
    let host = ("Host", "127.0.0.1:1");
    let check = |headers: &[(&str, &str)], target: &str| {
        for sample in signed(headers, target, None) {
            assert_eq!(good.verify(&sample), Err(Refusal::Mismatch), "{headers:?} {target}");
        }
    };
    check(&[host, ("X-Amz-Target", "a"), ("x-amz-target", "b")], "/");
    check(&[host, host], "/");
    check(&[host], "/?a=1&a=2");
    check(&[host], "/?a=1&%61=1");
    check(&[host], "/a/../");
    check(&[host], "//");
}

/// A request that no `Signer` makes: of a method, and with a list of signed headers, of any kind.
fn signed_by_hand(method: &str, names: &str) -> Sample {
    let date = "20260301T120000Z";
    let header = |name: &str, value: &str| (name.to_owned(), value.as_bytes().to_vec());
    let headers = [header("A", "1"), header("Host", "127.0.0.1:1"), header("X-Amz-Date", date)];
    let sample = Sample {
        method: method.to_owned(),
        target: "/".to_owned(),
        headers: headers.to_vec(),
        body: Vec::new(),
    };
    let payload = fingerprint::hex(&fingerprint::of_bytes(b""));
    let signed = Signed { names, query: "", payload: &payload };
    let text = sample.with(|request| canonical::request(request, &signed)).unwrap();
    let day = "20260301";
    let purpose = Purpose { day, region: "us-east-1", service: "secretsmanager" };
    let text = canonical::string_to_sign(date, purpose, &text);
    let secret = Secret::new(super::samples::SECRET.to_owned());
    let signature = signature(&secret, purpose, text.as_bytes());
    let header = format!(
        "AWS4-HMAC-SHA256 Credential={KEY}/{day}/us-east-1/secretsmanager/aws4_request, \
         SignedHeaders={names}, Signature={signature}"
    );
    sample.and("Authorization", &header)
}

#[test]
fn what_is_signed_has_one_form() {
    let good = Circumstances::at("secretsmanager", "20260301T120000Z", None);
    let check = |method: &str, names: &str, expected: Option<Refusal>| {
        let found = good.verify(&signed_by_hand(method, names)).err();
        assert_eq!(found, expected, "{method:?} {names}");
    };
    check("POST", "a;host;x-amz-date", None);
    check("POST", "host;a;x-amz-date", Some(Refusal::Mismatch));
    check("POST", "a;a;host;x-amz-date", Some(Refusal::Mismatch));
    check("POST", "A;host;x-amz-date", Some(Refusal::Mismatch));
    check("POST\n/", "a;host;x-amz-date", Some(Refusal::Mismatch));
    let unsigned = |name: &str| Some(Refusal::HeaderNotSigned { name: name.to_owned() });
    check("POST", "a;x-amz-date", unsigned("Host"));
    check("POST", "a;host", unsigned("X-Amz-Date"));
    // Not even where there is none.
    for sample in signed(&[("A", "1")], "/", None) {
        assert_eq!(good.verify(&sample).err(), unsigned("Host"));
    }
}
