//! ARNs: how they are made, and which secret a `SecretId` means (docs/behaviour.md, "Names and
//! ARNs").
//!
//! The vault finds a secret only by its exact name in one account and region. So an ARN is taken
//! apart into the one name it can stand for and the suffix that the secret found must have.

use super::dice::Dice;
use super::name;
use crate::service::fault::Fault;
use crate::sys::entropy::{Entropy, NoEntropy};
use crate::vault::record::Record;

/// The account and region that a call is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place<'a> {
    pub(crate) account: &'a str,
    pub(crate) region: &'a str,
}

/// What a `SecretId` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SecretRef<'a> {
    /// The secret of exactly this name.
    Name(&'a str),
    /// The secret of an ARN, whole or without its suffix.
    Arn {
        /// The account and region the ARN names.
        place: Place<'a>,
        /// The name and, in a whole ARN, the suffix.
        tail: &'a str,
    },
    /// An ARN that no secret has, such as a bucket's.
    Elsewhere,
}

/// The one secret that can be meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Candidate<'a> {
    pub(crate) name: &'a str,
    /// The suffix that the secret's ARN must have; `None` where any will do.
    suffix: Option<&'a str>,
}

impl<'a> SecretRef<'a> {
    /// Reads a `SecretId`, and refuses one with characters that no id has.
    pub(crate) fn parse(secret_id: &'a str) -> Result<Self, Fault> {
        name::check_secret_id(secret_id)?;
        if !secret_id.starts_with("arn:") {
            return Ok(Self::Name(secret_id));
        }
        let mut fields = secret_id.splitn(7, ':');
        let mut field = || fields.next().unwrap_or_default();
        let (scheme, partition, service) = (field(), field(), field());
        let (region, account, kind, tail) = (field(), field(), field(), field());
        let of_region = self::partition(region);
        let ours = (scheme, partition, service, kind) == ("arn", of_region, SERVICE, KIND);
        if ours && name::is_name(tail) {
            Ok(Self::Arn { place: Place { account, region }, tail })
        } else {
            Ok(Self::Elsewhere)
        }
    }

    /// Returns the secret to look for in `here`; `None` when it cannot be there.
    ///
    /// An ARN that ends like a whole one is never taken for a partial one: the partial ARN of a
    /// secret named `foo-a1b2c3` finds nothing, as in AWS.
    pub(crate) fn candidate(self, here: Place<'_>) -> Option<Candidate<'a>> {
        match self {
            Self::Name(name) => Some(Candidate { name, suffix: None }),
            Self::Arn { place, tail } if place == here => match split_suffix(tail) {
                Some(("", _)) => None,
                Some((name, suffix)) => Some(Candidate { name, suffix: Some(suffix) }),
                None => Some(Candidate { name: tail, suffix: None }),
            },
            Self::Arn { .. } | Self::Elsewhere => None,
        }
    }
}

impl Candidate<'_> {
    /// Whether it is asked for by an ARN with its suffix.
    pub(crate) fn is_whole(&self) -> bool {
        self.suffix.is_some()
    }

    /// Whether the secret found under the name is the one that was asked for, by its ARN's suffix.
    pub(crate) fn accepts(&self, suffix: &str) -> bool {
        self.suffix.is_none_or(|wanted| wanted == suffix)
    }
}

/// Returns the account in the ARN of a secret; `None` where it is a name.
pub(crate) fn account_in(secret_id: &str) -> Option<&str> {
    match SecretRef::parse(secret_id) {
        Ok(SecretRef::Arn { place, .. }) => Some(place.account),
        Ok(SecretRef::Name(_) | SecretRef::Elsewhere) | Err(_) => None,
    }
}

/// Returns the name that an ARN has in it, whole or without its suffix; a name is one already.
pub(crate) fn name_in(secret_id: &str) -> &str {
    match SecretRef::parse(secret_id) {
        Ok(SecretRef::Arn { place, tail }) => {
            let candidate = SecretRef::Arn { place, tail }.candidate(place);
            candidate.map_or(secret_id, |candidate| candidate.name)
        }
        Ok(SecretRef::Name(_) | SecretRef::Elsewhere) | Err(_) => secret_id,
    }
}

/// Returns the region that an ARN names; `None` for a name.
pub(crate) fn region_of(secret_id: &str) -> Option<&str> {
    secret_id.strip_prefix("arn:")?.split(':').nth(2)
}

pub(crate) fn arn_of(record: &Record) -> String {
    let place = Place { account: &record.namespace.account, region: &record.namespace.region };
    arn(place, &record.name, &record.arn_suffix)
}

pub(crate) fn arn(place: Place<'_>, name: &str, suffix: &str) -> String {
    format!("{}-{suffix}", arn_without_suffix(place, name))
}

/// Writes the partial ARN of a secret, which ends with its name.
pub(crate) fn arn_without_suffix(place: Place<'_>, name: &str) -> String {
    let Place { account, region } = place;
    let partition = partition(region);
    format!("arn:{partition}:{SERVICE}:{region}:{account}:{KIND}:{name}")
}

/// Returns the partition that a region belongs to; one that AWS does not have is in `aws`.
pub(crate) fn partition(region: &str) -> &'static str {
    let of = PARTITIONS.iter().find(|(prefix, _)| region.starts_with(prefix));
    of.map_or("aws", |(_, partition)| partition)
}

/// Draws the suffix of a new ARN: a secret made again under its old name has a different ARN.
pub(crate) fn draw_suffix(entropy: &dyn Entropy) -> Result<String, NoEntropy> {
    let mut suffix = String::with_capacity(SUFFIX_LENGTH);
    Dice::new(entropy).spell(&mut suffix, SUFFIX_LENGTH, SUFFIX_ALPHABET)?;
    Ok(suffix)
}

/// Splits `name-XXXXXX` at its last hyphen; `None` when it does not end so.
fn split_suffix(tail: &str) -> Option<(&str, &str)> {
    let (name, suffix) = tail.rsplit_once('-')?;
    let is_suffix =
        suffix.len() == SUFFIX_LENGTH && suffix.bytes().all(|b| b.is_ascii_alphanumeric());
    is_suffix.then_some((name, suffix))
}

/// How the regions of a partition begin, where it is not `aws`.
const PARTITIONS: [(&str, &str); 7] = [
    ("cn-", "aws-cn"),
    ("eusc-", "aws-eusc"),
    ("us-gov-", "aws-us-gov"),
    ("us-iso-", "aws-iso"),
    ("us-isob-", "aws-iso-b"),
    ("eu-isoe-", "aws-iso-e"),
    ("us-isof-", "aws-iso-f"),
];
const SERVICE: &str = "secretsmanager";
const KIND: &str = "secret";
const SUFFIX_LENGTH: usize = 6;
const SUFFIX_ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::service::fault::Code;
    use crate::sys::entropy::CountingEntropy;

    const HERE: Place<'static> = Place { account: "123456789012", region: "eu-west-1" };
    const ARN: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:";

    #[test]
    fn finds_the_one_secret_that_can_be_meant() {
        let whole = |name, suffix| Some(Candidate { name, suffix: Some(suffix) });
        let any = |name| Some(Candidate { name, suffix: None });
        for (secret_id, candidate) in [
            // A name is only ever a name.
            ("app/db", any("app/db")),
            ("/app//db/", any("/app//db/")),
            ("foo-a1b2c3", any("foo-a1b2c3")),
            ("arnold", any("arnold")),
            // Whole ARNs.
            (&*format!("{ARN}app/db-AbCdEf"), whole("app/db", "AbCdEf")),
            (&*format!("{ARN}foo-a1b2c3-Xy12Zw"), whole("foo-a1b2c3", "Xy12Zw")),
            (&*format!("{ARN}foo--a1b2c3"), whole("foo-", "a1b2c3")),
            (&*format!("{ARN}app/-a1b2c3"), whole("app/", "a1b2c3")),
            // Partial ARNs.
            (&*format!("{ARN}app/db"), any("app/db")),
            (&*format!("{ARN}app-db"), any("app-db")),
            (&*format!("{ARN}foo-a1b2c"), any("foo-a1b2c")),
            (&*format!("{ARN}foo-a1b2c34"), any("foo-a1b2c34")),
            (&*format!("{ARN}foo-a1b2c_"), any("foo-a1b2c_")),
            (&*format!("{ARN}foo-a1/2c3"), any("foo-a1/2c3")),
            // Looks whole: the secret named `foo-a1b2c3` is not found by its partial ARN.
            (&*format!("{ARN}foo-a1b2c3"), whole("foo", "a1b2c3")),
            (&*format!("{ARN}-a1b2c3"), None),
            // Somewhere else.
            ("arn:aws:secretsmanager:eu-west-2:123456789012:secret:app/db", None),
            ("arn:aws:secretsmanager:eu-west-1:210987654321:secret:app/db", None),
            ("arn:aws-cn:secretsmanager:eu-west-1:123456789012:secret:app/db", None),
            ("arn:aws:ssm:eu-west-1:123456789012:secret:app/db", None),
            ("arn:aws:secretsmanager:eu-west-1:123456789012:parameter:app/db", None),
            ("arn:aws:secretsmanager:eu-west-1:123456789012:secret:", None),
            ("arn:aws:secretsmanager:eu-west-1:123456789012:secret", None),
            ("arn:aws:secretsmanager:eu-west-1:123456789012:secret:a:b", None),
            ("arn:aws", None),
            ("arn:x", None),
        ] {
            let wanted = SecretRef::parse(secret_id).unwrap();
            assert_eq!(wanted.candidate(HERE), candidate, "{secret_id}");
        }
    }

    #[test]
    fn a_whole_arn_wants_its_suffix() {
        let id = format!("{ARN}foo-AbCdEf");
        let whole = SecretRef::parse(&id).unwrap().candidate(HERE).unwrap();
        assert!(whole.accepts("AbCdEf"));
        // The secret was deleted and made again, or the case is wrong.
        assert!(!whole.accepts("Xy12Zw"));
        assert!(!whole.accepts("abcdef"));
        let id = format!("{ARN}foo");
        let partial = SecretRef::parse(&id).unwrap().candidate(HERE).unwrap();
        assert!(partial.accepts("AbCdEf") && partial.accepts("Xy12Zw"));
    }

    #[test]
    fn tells_where_a_foreign_arn_points() {
        let wanted =
            SecretRef::parse("arn:aws:secretsmanager:eu-west-2:123456789012:secret:db").unwrap();
        let place = Place { account: "123456789012", region: "eu-west-2" };
        assert_eq!(wanted, SecretRef::Arn { place, tail: "db" });
    }

    #[test]
    fn checks_the_characters_first() {
        let fault = SecretRef::parse("what?").unwrap_err();
        assert_eq!(fault.code, Code::Validation);
    }

    #[test]
    fn suffixes_are_letters_and_digits_and_differ() {
        let entropy = CountingEntropy::default();
        let suffixes: Vec<String> = (0..200).map(|_| draw_suffix(&entropy).unwrap()).collect();
        for suffix in &suffixes {
            assert_eq!(suffix.len(), 6);
            assert!(suffix.bytes().all(|b| b.is_ascii_alphanumeric()), "{suffix}");
        }
        let drawn: std::collections::BTreeSet<char> =
            suffixes.iter().flat_map(|s| s.chars()).collect();
        assert_eq!(drawn.len(), 62, "every letter and digit comes up");
        let distinct: std::collections::BTreeSet<&String> = suffixes.iter().collect();
        assert_eq!(distinct.len(), suffixes.len());
    }

    /// Every ARN was of the partition `aws`, also in regions that others have.
    #[test]
    fn a_region_belongs_to_a_partition() {
        for (region, partition) in [
            ("us-east-1", "aws"),
            ("eu-west-1", "aws"),
            ("local-1", "aws"),
            ("cn-north-1", "aws-cn"),
            ("us-gov-west-1", "aws-us-gov"),
            ("us-iso-east-1", "aws-iso"),
            ("us-isob-east-1", "aws-iso-b"),
            ("eu-isoe-west-1", "aws-iso-e"),
            ("us-isof-south-1", "aws-iso-f"),
            ("eusc-de-east-1", "aws-eusc"),
        ] {
            assert_eq!(super::partition(region), partition);
            let here = Place { account: "123456789012", region };
            let made = arn(here, "db", "AbCdEf");
            let start = format!("arn:{partition}:secretsmanager:{region}:123456789012:secret:");
            assert_eq!(made, format!("{start}db-AbCdEf"));
            let found = |id: &str| SecretRef::parse(id).unwrap().candidate(here).is_some();
            assert!(found(&made), "{made}");
            assert!(found(&format!("{start}db")));
            let elsewhere = if partition == "aws" { "aws-cn" } else { "aws" };
            assert!(!found(&made.replace(partition, elsewhere)), "{made}");
        }
    }

    proptest! {
        #[test]
        fn an_arn_finds_the_secret_it_was_made_for(
            name in "[a-zA-Z0-9/_+=.@!-]{1,64}",
            suffix in "[a-zA-Z0-9]{6}",
        ) {
            let arn = arn(HERE, &name, &suffix);
            let found = SecretRef::parse(&arn).unwrap().candidate(HERE).unwrap();
            prop_assert_eq!(found.name, &name);
            prop_assert!(found.accepts(&suffix));
        }

        #[test]
        fn any_text_is_read_or_refused(secret_id in ".*") {
            let _read: Result<Option<Candidate<'_>>, Fault> =
                SecretRef::parse(&secret_id).map(|wanted| wanted.candidate(HERE));
        }
    }
}
