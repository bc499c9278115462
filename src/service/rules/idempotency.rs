//! What becomes of a request whose token was used before (docs/behaviour.md, "Tokens").
//!
//! A token is the id of the version it makes, so "used before" means that the secret has a version
//! of that id. Tokens of other secrets do not count.

use crate::model::secret_value::SecretValue;
use crate::service::fault::{Code, Fault};

/// The version that a secret already has under a request's token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Earlier {
    /// None.
    Absent,
    /// One without a value: a rotation made it to be filled.
    Empty,
    /// One with the value that is now offered.
    Same,
    /// One with another value.
    Different,
}

/// How to go on with a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Write {
    /// Make a new version.
    Make,
    /// Give the empty version its value.
    Fill,
    /// Change nothing, not even a label, and answer as the first time.
    Repeat,
}

impl Earlier {
    /// Compares the value a version has with the one that is offered.
    ///
    /// Text and bytes differ even where their bytes do not.
    pub(crate) fn holding(stored: &SecretValue, offered: Option<&SecretValue>) -> Self {
        match offered {
            Some(offered) if stored.same_as(offered) => Self::Same,
            Some(_) | None => Self::Different,
        }
    }
}

/// Decides how `put-secret-value` and `update-secret` go on.
pub(crate) fn write(earlier: Earlier, token: &str, arn: &str) -> Result<Write, Fault> {
    match earlier {
        Earlier::Absent => Ok(Write::Make),
        Earlier::Empty => Ok(Write::Fill),
        Earlier::Same => Ok(Write::Repeat),
        Earlier::Different => Err(token_in_use(token, arn)),
    }
}

/// Decides whether `create-secret` of a name that exists is the first request once more: then it
/// is answered as the first time.
pub(crate) fn create(earlier: Earlier, token: &str, existing: Existing<'_>) -> Result<(), Fault> {
    match earlier {
        Earlier::Same => Ok(()),
        Earlier::Absent => Err(already_exists(existing.name)),
        Earlier::Empty | Earlier::Different => Err(token_in_use(token, existing.arn)),
    }
}

/// The secret that has the name already.
#[derive(Clone, Copy)]
pub(crate) struct Existing<'a> {
    pub(crate) name: &'a str,
    pub(crate) arn: &'a str,
}

fn token_in_use(token: &str, arn: &str) -> Fault {
    Fault::new(
        Code::ResourceExists,
        format!(
            "You can't use ClientRequestToken {token} because that value is already in use for a \
             version of secret {arn}."
        ),
    )
}

fn already_exists(name: &str) -> Fault {
    Fault::new(
        Code::ResourceExists,
        format!("The operation failed because the secret {name} already exists."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::secret::Secret;

    const TOKEN: &str = "terraform-20240101000000000000000001";
    const ARN: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf";
    const IN_USE: &str = "You can't use ClientRequestToken terraform-20240101000000000000000001 \
        because that value is already in use for a version of secret \
        arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf.";
    const EXISTS: &str = "The operation failed because the secret db already exists.";

    #[test]
    fn values_are_the_same_only_in_kind_and_bytes() {
        let text = |s: &str| SecretValue::Text(Secret::new(s.to_owned()));
        let bytes = |b: &[u8]| SecretValue::Binary(Secret::new(b.to_vec()));
        for (stored, offered, earlier) in [
            (text("a"), Some(text("a")), Earlier::Same),
            (bytes(b"a"), Some(bytes(b"a")), Earlier::Same),
            (text("a"), Some(text("b")), Earlier::Different),
            (text("a"), Some(text("a\n")), Earlier::Different),
            (text("a"), Some(bytes(b"a")), Earlier::Different),
            (bytes(b"a"), Some(text("a")), Earlier::Different),
            (text("a"), None, Earlier::Different),
        ] {
            assert_eq!(Earlier::holding(&stored, offered.as_ref()), earlier);
        }
    }

    #[test]
    fn a_write_is_made_filled_repeated_or_refused() {
        for (earlier, expected) in [
            (Earlier::Absent, Ok(Write::Make)),
            (Earlier::Empty, Ok(Write::Fill)),
            (Earlier::Same, Ok(Write::Repeat)),
            (Earlier::Different, Err(IN_USE)),
        ] {
            let expected = expected.map_err(|message| Fault::new(Code::ResourceExists, message));
            assert_eq!(write(earlier, TOKEN, ARN), expected);
        }
    }

    #[test]
    fn a_name_is_made_twice_only_by_the_same_request() {
        let existing = Existing { name: "db", arn: ARN };
        for (earlier, expected) in [
            (Earlier::Same, None),
            (Earlier::Absent, Some(EXISTS)),
            (Earlier::Different, Some(IN_USE)),
            (Earlier::Empty, Some(IN_USE)),
        ] {
            let fault = create(earlier, TOKEN, existing).err();
            assert!(fault.iter().all(|fault| fault.code == Code::ResourceExists));
            assert_eq!(fault.as_ref().map(|fault| fault.message.as_str()), expected);
        }
    }
}
