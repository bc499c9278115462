//! What a secret may be called (docs/behaviour.md, "Names and ARNs").
//!
//! Lengths are not checked here: they are limits of the request's shape.

use crate::service::fault::Fault;

/// Checks the name of a new secret.
pub(crate) fn check(name: &str) -> Result<(), Fault> {
    if is_name(name) { Ok(()) } else { Err(invalid_name()) }
}

/// Checks the characters of a `SecretId`, which AWS does before it looks for the secret.
///
/// An id that begins like an ARN may have colons besides.
pub(crate) fn check_secret_id(secret_id: &str) -> Result<(), Fault> {
    match secret_id.strip_prefix("arn:") {
        Some(rest) if !rest.is_empty() && rest.bytes().all(|b| b == b':' || is_allowed(b)) => {
            Ok(())
        }
        Some(_) => Err(invalid_name()),
        None => check(secret_id),
    }
}

/// Whether a text has only the characters of a name, and at least one.
pub(crate) fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_allowed)
}

fn is_allowed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-/_+=.@!".contains(&byte)
}

fn invalid_name() -> Fault {
    Fault::validation(
        "Invalid name. Must be a valid name containing alphanumeric characters, or any of the \
         following: -/_+=.@!",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::fault::Code;

    #[test]
    fn names_have_the_characters_aws_allows() {
        for (name, allowed) in [
            ("app/db", true),
            ("a", true),
            ("/leading//and/double/", true),
            ("A-Z_a.z+0=9@x", true),
            ("rds!cluster-1234", true),
            ("name-a1b2c3", true),
            ("", false),
            ("with space", false),
            ("star*", false),
            ("what?", false),
            ("back\\slash", false),
            ("bracket]", false),
            ("hash#", false),
            ("colon:", false),
            ("arn:aws:secretsmanager:x:1:secret:n", false),
            ("tab\t", false),
            ("nul\0", false),
            ("schlüssel", false),
            ("🔑", false),
        ] {
            assert_eq!(check(name).is_ok(), allowed, "{name}");
        }
    }

    #[test]
    fn only_arns_may_have_colons() {
        for (secret_id, allowed) in [
            ("app/db", true),
            ("arn:aws:secretsmanager:eu-west-1:123456789012:secret:app/db-AbCdEf", true),
            ("arn:aws:secretsmanager:eu-west-1:123456789012:secret:app/db", true),
            ("arn:x", true),
            ("arn", true),
            ("arn:", false),
            ("ARN:aws", false),
            ("app:db", false),
            ("arn:aws:secretsmanager:eu-west-1:123456789012:secret:app db", false),
            ("arn:aws:secretsmanager:eu-west-1:123456789012:secret:*", false),
        ] {
            assert_eq!(check_secret_id(secret_id).is_ok(), allowed, "{secret_id}");
        }
    }

    #[test]
    fn refuses_in_the_words_of_aws() {
        let fault = check("Invalid name").expect_err("has a space");
        assert_eq!(fault.code, Code::Validation);
        assert_eq!(
            fault.message,
            "Invalid name. Must be a valid name containing alphanumeric characters, or any of the \
             following: -/_+=.@!"
        );
    }
}
