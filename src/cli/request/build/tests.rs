use super::super::arguments::{self, Parsed};
use super::super::paramfile::testing::SOURCES;
use super::super::testing::{AUTOMATIC, MANUAL};
use super::*;
use crate::cli::python;
use crate::sys::entropy::CountingEntropy;

fn show_in(signature: &Signature, words: &[&str], format: BlobFormat, no_paginate: bool) -> String {
    let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
    let entropy = CountingEntropy::default();
    let context =
        BuildOptions { no_paginate, blob_format: format, sources: SOURCES, entropy: &entropy };
    let built = match arguments::parse(signature, &words) {
        Ok(Parsed::Call(arguments)) => build(signature, arguments, context),
        Ok(Parsed::Help) => panic!("help"),
        Err(error) => Err(error),
    };
    match built {
        Ok(Built::Call(call)) => {
            let pages = match call.pages {
                PagesWanted::One => String::new(),
                PagesWanted::All { starting_token, max_items } => {
                    format!(" all {starting_token:?} {max_items:?}")
                }
            };
            let request = python::repr(&call.request).replace(&made_up(), "TOKEN");
            format!("{request}{pages}{}", call.notes.concat())
        }
        Ok(Built::Text(text)) => text,
        Ok(Built::Sample(value)) => format!("sample {}", python::repr(&value)),
        Err(error) => format!("{} {}", error.exit_code(), error.message()),
    }
}

fn made_up() -> String {
    let uuid = random_uuid(&CountingEntropy::default()).unwrap_or_default();
    format!("'ClientRequestToken': '{uuid}'")
}

fn show(words: &[&str]) -> String {
    show_in(&MANUAL, words, BlobFormat::Base64, false)
}

fn show_paged(words: &[&str]) -> String {
    let words: Vec<&str> = ["--secret-id", "x"].iter().chain(words).copied().collect();
    show_in(&AUTOMATIC, &words, BlobFormat::Base64, false)
}

#[test]
fn makes_up_a_token() {
    assert_eq!(show(&["--secret-id", "x"]), "{'SecretId': 'x', TOKEN}");
    let given = "0123456789abcdef0123456789abcdef";
    assert_eq!(
        show(&["--secret-id", "x", "--client-request-token", given]),
        format!("{{'SecretId': 'x', 'ClientRequestToken': '{given}'}}")
    );
    let json = format!("{{\"ClientRequestToken\": \"{given}\"}}");
    assert_eq!(
        show(&["--secret-id", "x", "--cli-input-json", &json]),
        format!("{{'SecretId': 'x', 'ClientRequestToken': '{given}'}}")
    );
}

#[test]
fn lets_options_count_more_than_a_document() {
    assert_eq!(
        show(&["--cli-input-json", "{\"SecretId\": \"x\", \"Force\": true}", "--no-force"]),
        "{'Force': False, 'SecretId': 'x', TOKEN}"
    );
    assert_eq!(
        show(&["--cli-input-json", "{\"Foo\": 1}", "--secret-id", "x"]).lines().nth(1),
        Some(
            "Unknown parameter in input: \"Foo\", must be one of: SecretId, \
             ClientRequestToken, SecretString, SecretBinary, Tags, VersionStages, Rules, \
             RecoveryWindowInDays, Force, MaxResults, NextToken, SortOrder"
        )
    );
    assert_eq!(
        show(&["--cli-input-json", "{}"]),
        "252 Parameter validation failed:\nMissing required parameter in input: \"SecretId\""
    );
}

#[test]
fn reads_blobs_in_either_format() {
    let blob = |value: &str, format| {
        show_in(&MANUAL, &["--secret-id", "x", "--secret-binary", value], format, false)
    };
    let expected = |bytes: &str| format!("{{'SecretId': 'x', 'SecretBinary': {bytes}, TOKEN}}");
    assert_eq!(blob("aGVsbG8=", BlobFormat::Base64), expected("b'hello'"));
    assert_eq!(blob("!!!", BlobFormat::Base64), expected("b''"));
    assert_eq!(blob("fileb://bytes", BlobFormat::Base64), expected("b'\\xff\\x00'"));
    assert_eq!(blob("hello", BlobFormat::Raw), expected("b'hello'"));
    assert_eq!(blob("file://value", BlobFormat::Raw), expected("b'hunter2\\n'"));
    // AWS shows the value here; it is most often the secret itself.
    assert_eq!(blob("hello", BlobFormat::Base64), "255 Invalid base64: \"***\"");
    assert_eq!(blob("file://value", BlobFormat::Base64), "255 Invalid base64: \"***\"");
    assert_eq!(
        blob("é", BlobFormat::Base64),
        "255 string argument should contain only ASCII characters"
    );
    assert_eq!(
        show(&["--secret-id", "x", "--cli-input-json", "{\"SecretBinary\": \"aGk=\"}"]),
        expected("b'hi'")
    );
    assert_eq!(
        show(&["--secret-id", "x", "--cli-input-yaml", "SecretBinary: !!binary aGk="]),
        expected("b'hi'")
    );
}

#[test]
fn refuses_bytes_for_text_without_showing_them() {
    assert_eq!(
        show(&["--secret-id", "x", "--secret-string", "fileb://value"]),
        "252 Parameter validation failed:\nInvalid type for parameter SecretString, type: \
         <class 'bytes'>, valid types: <class 'str'>"
    );
    assert_eq!(
        show(&["--secret-id", "x", "--secret-string", ""]),
        "252 Parameter validation failed:\nInvalid length for parameter SecretString, value: \
         0, valid min length: 1"
    );
}

#[test]
fn pages_as_aws_does() {
    let one = "{'SecretId': 'x', ";
    for (words, expected) in [
        (&[][..], format!("{one}TOKEN}} all None None")),
        (
            &["--max-items", "5", "--page-size", "2", "--starting-token", "t"],
            format!("{one}'MaxResults': 2, TOKEN}} all Some(\"t\") Some(5)"),
        ),
        (&["--max-results", "5"], format!("{one}'MaxResults': 5, TOKEN}}")),
        (&["--next-token", "t"], format!("{one}'NextToken': 't', TOKEN}}")),
        (
            &["--cli-input-json", "{\"NextToken\": \"t\"}"],
            format!("{one}'NextToken': 't', TOKEN}}"),
        ),
        (&["--max-items", "0"], format!("{one}TOKEN}} all None Some(0){ODD_MAX_ITEMS}")),
        (
            &["--page-size", "0"],
            "252 Parameter validation failed:\nInvalid value for parameter MaxResults, value: \
             0, valid min value: 1"
                .to_owned(),
        ),
        (
            &["--max-results", "5", "--max-items", "1", "--starting-token", "t"],
            "252 Cannot specify --no-paginate along with pagination arguments: \
             --starting-token, --max-items"
                .to_owned(),
        ),
    ] {
        assert_eq!(show_paged(words), expected, "{words:?}");
    }
    let words = ["--secret-id", "x", "--max-items", "1"];
    assert_eq!(
        show_in(&AUTOMATIC, &words, BlobFormat::Base64, true),
        "252 Cannot specify --no-paginate along with pagination arguments: --max-items"
    );
    let both = show_paged(&["--cli-input-json", "{\"NextToken\": \"t\"}", "--max-items", "1"]);
    assert!(both.contains("Unknown parameter in input: \"PaginationConfig\""), "{both}");
}

#[test]
fn makes_skeletons() {
    assert!(show(&["--generate-cli-skeleton"]).starts_with("{\n    \"SecretId\": \"\","));
    assert!(show(&["--generate-cli-skeleton", "yaml-input"]).starts_with("SecretId: ''  # "));
    assert_eq!(
        show(&["--generate-cli-skeleton", "output", "--secret-id", "x"]),
        "sample {'Key': 'Key', 'Value': 'Value'}"
    );
    // A response is shown only for a request that is right; a request's skeleton for any.
    assert_eq!(
        show(&["--generate-cli-skeleton", "output", "--secret-id", ""]),
        "252 Parameter validation failed:\nInvalid length for parameter SecretId, value: 0, \
         valid min length: 1"
    );
    assert!(show(&["--generate-cli-skeleton", "--secret-id", ""]).starts_with('{'));
}
