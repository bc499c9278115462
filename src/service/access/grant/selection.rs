//! Whether a secret is one of those that a grant is for.

use crate::service::caller::Selection;
use crate::service::rules::arn::{self, Place, SecretRef};
use crate::service::rules::policy::pattern;
use crate::vault::record::{Namespace, Record};

/// What a call is about: a secret, or a name that none has.
pub(super) struct Target<'a> {
    place: Place<'a>,
    name: &'a str,
    /// The end of its ARN; a name that no secret has brings none.
    suffix: Option<&'a str>,
    tags: &'a [(String, String)],
}

impl<'a> Target<'a> {
    pub(super) fn of(record: &'a Record) -> Self {
        Self {
            place: place(&record.namespace),
            name: &record.name,
            suffix: Some(&record.arn_suffix),
            tags: record.tags.as_deref().unwrap_or_default(),
        }
    }

    /// One that is not there has no tags: what it will be given when it is made does not count.
    pub(super) fn missing(here: &'a Namespace, name: &'a str) -> Self {
        Self { place: place(here), name, suffix: None, tags: &[] }
    }

    /// One of another account, by its ARN.
    pub(super) fn elsewhere(id: &'a str) -> Option<Self> {
        let Ok(SecretRef::Arn { place, tail }) = SecretRef::parse(id) else { return None };
        Some(Self { place, name: tail, suffix: None, tags: &[] })
    }

    fn arn(&self) -> String {
        match self.suffix {
            Some(suffix) => arn::arn(self.place, self.name, suffix),
            None => arn::arn_without_suffix(self.place, self.name),
        }
    }
}

fn place(namespace: &Namespace) -> Place<'_> {
    Place { account: &namespace.account, region: &namespace.region }
}

impl Selection {
    pub(super) fn includes(&self, secret: &Target<'_>) -> bool {
        let is_named = match self.names.as_slice() {
            [] => self.tags.is_empty() || secret.place.region == self.region,
            names => names.iter().any(|pattern| self.names_by(pattern, secret)),
        };
        is_named
            && self.tags.iter().all(|(key, value)| {
                let fits = |given: &str| value.as_ref().is_none_or(|value| value == given);
                secret.tags.iter().any(|(has, given)| has == key && fits(given))
            })
    }

    fn names_by(&self, pattern: &str, secret: &Target<'_>) -> bool {
        if !pattern.starts_with("arn:") {
            return secret.place.region == self.region && pattern::is_like(secret.name, pattern);
        }
        // An ARN without wildcards may lack its suffix, as in a request.
        let exact =
            SecretRef::parse(pattern).ok().and_then(|wanted| wanted.candidate(secret.place));
        let is_exact = exact.is_some_and(|exact| {
            exact.name == secret.name && exact.accepts(secret.suffix.unwrap_or_default())
        });
        is_exact || pattern::is_like(&secret.arn(), pattern)
    }
}
