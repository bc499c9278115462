//! What a record says of an access key: its member 24. docs/format.md has the members' numbers.
//!
//! Does not know what the rights mean: that is for `service`, which writes them and reads them back.

use std::sync::Arc;

use super::cbor::{Malformed, MapWriter, Reader, Unknown};
use crate::model::time::Timestamp;
use crate::sys::secret::Secret;

/// The most access keys of a vault.
pub(crate) const MAX_ACCESS_KEYS: usize = 128;

/// An access key, but for its id, which is the record's name, and the dates that every record has.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct AccessKey {
    /// What requests are signed with: member 0, text.
    pub(crate) secret: SecretAccessKey,
    /// What its holder may do: member 1, a map.
    pub(crate) rights: Rights,
    /// Member 2, a number.
    pub(crate) status: Status,
    /// When it ends; absent: never. Member 3.
    pub(crate) until: Option<Timestamp>,
    /// What a later version wrote.
    pub(crate) unknown: Unknown,
}

/// Whether a key may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// 0.
    Active,
    /// 1.
    Inactive,
}

/// The 40 characters that requests are signed with. It cannot be kept as a hash: who verifies a signature
/// makes it once more.
#[derive(Clone)]
pub(crate) struct SecretAccessKey(Arc<Secret<String>>);

/// The rights of a key, in the words of who made it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rights {
    /// Whom policies take its holder for: member 0, text.
    pub(crate) user_name: String,
    /// The path of that user, if it was given: member 1, text.
    pub(crate) path: Option<String>,
    /// The region that names and tags mean, if it was given: member 2, text.
    pub(crate) region: Option<String>,
    /// Operations, or patterns of them: member 3, a list of text; absent when empty, as all lists here.
    pub(crate) operations: Vec<String>,
    /// Names or ARNs of secrets, or patterns of them: member 4, a list of text.
    pub(crate) secrets: Vec<String>,
    /// Tags that the secrets must carry, `key` or `key=value`: member 5, a list of text.
    pub(crate) tags: Vec<String>,
    /// Whether nothing may be changed: member 6, a number, 0 or 1.
    pub(crate) read_only: bool,
    /// Policies of the user: member 7, a list of text.
    pub(crate) policies: Vec<String>,
    /// What bounds them, if anything: member 8, text.
    pub(crate) boundary: Option<String>,
    /// Policies of the session: member 9, a list of text.
    pub(crate) session_policies: Vec<String>,
    /// The user's tags, `key=value`: member 10, a list of text.
    pub(crate) principal_tags: Vec<String>,
    /// What a later version wrote. It may be a restriction, so a key that has any is not used.
    pub(crate) unknown: Unknown,
}

/// Whether a text is the id of an access key: `AKIA` and 16 characters of base32.
pub(crate) fn is_id(text: &str) -> bool {
    let is_drawn = |rest: &str| rest.len() == 16 && rest.bytes().all(|b| ID_ALPHABET.contains(&b));
    text.strip_prefix(ID_PREFIX).is_some_and(is_drawn)
}

/// What every id begins with.
pub(crate) const ID_PREFIX: &str = "AKIA";

/// What the rest of an id is drawn from.
pub(crate) const ID_ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// What a secret access key is drawn from.
pub(crate) const SECRET_ALPHABET: &[u8] =
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The characters of a secret access key.
pub(crate) const SECRET_LENGTH: usize = 40;

impl SecretAccessKey {
    /// Takes a text that is one.
    pub(crate) fn new(text: Secret<String>) -> Option<Self> {
        let (bytes, is_known) =
            (text.expose().as_bytes(), |byte: &u8| SECRET_ALPHABET.contains(byte));
        (bytes.len() == SECRET_LENGTH && bytes.iter().all(is_known)).then(|| Self(Arc::new(text)))
    }

    /// Shows it.
    pub(crate) fn expose(&self) -> &str {
        self.0.expose()
    }

    /// Hands out a copy.
    pub(crate) fn again(&self) -> Secret<String> {
        Secret::new(self.expose().to_owned())
    }
}

impl PartialEq for SecretAccessKey {
    fn eq(&self, other: &Self) -> bool {
        crate::crypto::fingerprint::is_same(self.expose(), other.expose())
    }
}

impl Eq for SecretAccessKey {}

impl AccessKey {
    /// An active key.
    pub(crate) fn new(secret: SecretAccessKey, rights: Rights, until: Option<Timestamp>) -> Self {
        Self { secret, rights, status: Status::Active, until, unknown: Unknown::default() }
    }

    pub(super) fn encode(&self) -> MapWriter<'_> {
        let mut map = MapWriter::with(&self.unknown);
        map.member(0).text(self.secret.expose());
        map.member(1).map(self.rights.encode());
        map.member(2).number(match self.status {
            Status::Active => 0,
            Status::Inactive => 1,
        });
        map.optional(3, self.until, |w, at| w.signed(at.0));
        map
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (mut secret, mut rights, mut status, mut until) = (None, None, None, None);
        let unknown = reader.map(|r, key| {
            match key {
                0 => secret = SecretAccessKey::new(Secret::new(r.text()?)),
                1 => rights = Some(Rights::decode(r)?),
                2 => {
                    status = Some(if flag(r)? { Status::Inactive } else { Status::Active });
                }
                3 => until = Some(r.time()?),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(Self {
            secret: secret.ok_or(Malformed)?,
            rights: rights.ok_or(Malformed)?,
            status: status.ok_or(Malformed)?,
            until,
            unknown,
        })
    }

    /// The key as a later version might write it: with a member more, in itself or in its rights.
    #[cfg(test)]
    pub(crate) fn of_a_later_version(&self, is_in_rights: bool) -> Self {
        let mut map = self.encode();
        if is_in_rights {
            let mut rights = self.rights.encode();
            rights.member(90).number(1);
            map = MapWriter::with(&self.unknown);
            map.member(0).text(self.secret.expose());
            map.member(1).map(rights);
            map.member(2).number(0);
        } else {
            map.member(90).number(1);
        }
        Self::decode(&mut Reader::new(&map.finish())).unwrap()
    }

    /// Whether this program knows all that the key says: what it does not know may be a restriction.
    pub(crate) fn is_understood(&self) -> bool {
        self.unknown == Unknown::default() && self.rights.unknown == Unknown::default()
    }
}

impl Rights {
    fn encode(&self) -> MapWriter<'_> {
        let mut map = MapWriter::with(&self.unknown);
        map.member(0).text(&self.user_name);
        map.optional(1, self.path.as_ref(), |w, text| w.text(text));
        map.optional(2, self.region.as_ref(), |w, text| w.text(text));
        write_texts(&mut map, 3, &self.operations);
        write_texts(&mut map, 4, &self.secrets);
        write_texts(&mut map, 5, &self.tags);
        map.member(6).number(u64::from(self.read_only));
        write_texts(&mut map, 7, &self.policies);
        map.optional(8, self.boundary.as_ref(), |w, text| w.text(text));
        write_texts(&mut map, 9, &self.session_policies);
        write_texts(&mut map, 10, &self.principal_tags);
        map
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut rights = Self::default();
        let (mut user_name, mut read_only) = (None, None);
        rights.unknown = reader.map(|r, key| {
            match key {
                0 => user_name = Some(r.text()?),
                1 => rights.path = Some(r.text()?),
                2 => rights.region = Some(r.text()?),
                3 => rights.operations = r.list(Reader::text)?,
                4 => rights.secrets = r.list(Reader::text)?,
                5 => rights.tags = r.list(Reader::text)?,
                6 => read_only = Some(flag(r)?),
                7 => rights.policies = r.list(Reader::text)?,
                8 => rights.boundary = Some(r.text()?),
                9 => rights.session_policies = r.list(Reader::text)?,
                10 => rights.principal_tags = r.list(Reader::text)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        rights.user_name = user_name.ok_or(Malformed)?;
        rights.read_only = read_only.ok_or(Malformed)?;
        Ok(rights)
    }
}

fn write_texts(map: &mut MapWriter<'_>, key: u64, texts: &[String]) {
    if !texts.is_empty() {
        let writer = map.member(key).list(texts.len());
        for text in texts {
            writer.text(text);
        }
    }
}

fn flag(reader: &mut Reader<'_>) -> Result<bool, Malformed> {
    match reader.number()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_aws_own_form() {
        assert!(is_id("AKIAIOSFODNN7EXAMPLE"));
        for text in
            ["", "AKIA", "ASIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPL", "AKIAIOSFODNN1EXAMPLE"]
        {
            assert!(!is_id(text), "{text}");
        }
    }

    #[test]
    fn a_secret_has_forty_characters_of_base64() {
        let is_one = |text: &str| SecretAccessKey::new(Secret::new(text.to_owned())).is_some();
        assert!(is_one("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"));
        assert!(!is_one("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKE"));
        assert!(!is_one("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKE="));
    }
}
