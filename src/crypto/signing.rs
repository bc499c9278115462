//! Signatures of requests, as AWS makes them in version 4: a chain of HMACs leads from a secret to a key
//! that is good for one day, region and service, and the signature is the HMAC of a text under it.
//!
//! What the text is made of is not known here.

use super::fingerprint;
use super::primitives::{extract, hmac};
use crate::sys::secret::Secret;

/// What a key is good for.
#[derive(Clone, Copy)]
pub(crate) struct Purpose<'a> {
    /// The day, as eight digits.
    pub(crate) day: &'a str,
    pub(crate) region: &'a str,
    pub(crate) service: &'a str,
}

/// Signs a text; 64 hexadecimal digits.
pub(crate) fn signature(secret: &Secret<String>, purpose: Purpose<'_>, text: &[u8]) -> String {
    let secret = secret.expose();
    let mut first = Secret::new(Vec::with_capacity(FIRST.len().saturating_add(secret.len())));
    first.expose_mut().extend_from_slice(FIRST);
    first.expose_mut().extend_from_slice(secret.as_bytes());
    // HKDF-Extract is nothing but an HMAC, under its salt, whose result is kept as a key.
    let mut key = extract(first.expose(), purpose.day.as_bytes());
    for part in [purpose.region, purpose.service, LAST] {
        key = extract(key.expose(), part.as_bytes());
    }
    fingerprint::hex(&hmac(&key, &[text]))
}

/// Stands before the secret.
const FIRST: &[u8] = b"AWS4";
/// The last text of the chain, and of a scope.
pub(crate) const LAST: &str = "aws4_request";

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of AWS's page "Create a signed request".
    #[test]
    fn it_signs_as_aws_does() {
        let secret = Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned());
        let purpose = Purpose { day: "20150830", region: "us-east-1", service: "iam" };
        let text = "AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/iam/aws4_request\n\
                    f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59";
        let expected = "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7";
        assert_eq!(signature(&secret, purpose, text.as_bytes()), expected);
        for other in [
            Purpose { day: "20150831", ..purpose },
            Purpose { region: "us-east-2", ..purpose },
            Purpose { service: "sts", ..purpose },
        ] {
            assert_ne!(signature(&secret, other, text.as_bytes()), expected);
        }
    }

    /// HMAC hashes a key that is longer than a block, and so must the chain's beginning.
    #[test]
    fn a_secret_may_have_any_length() {
        let purpose = Purpose { day: "20150830", region: "us-east-1", service: "iam" };
        let of = |length| signature(&Secret::new("s".repeat(length)), purpose, b"text");
        let all: std::collections::BTreeSet<String> = (0..200).map(of).collect();
        assert_eq!(all.len(), 200);
    }
}
