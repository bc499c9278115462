//! The filters of `list-secrets` and `batch-get-secret-value` (docs/behaviour.md, "Lists and
//! filters").
//!
//! The values of one filter are alternatives; all filters must match. A value that begins with `!`
//! matches what the rest of it does not.

use super::words;
use crate::service::fault::Fault;

/// One filter of a request.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) key: Option<&'a str>,
    pub(crate) values: &'a [String],
}

/// What a secret is filtered by.
#[derive(Clone, Copy, Default)]
pub(crate) struct Filterable<'a> {
    pub(crate) name: &'a str,
    pub(crate) description: Option<&'a str>,
    pub(crate) tags: &'a [(String, String)],
    /// The region it is replicated from.
    pub(crate) primary_region: Option<&'a str>,
    /// The service that manages it.
    pub(crate) owning_service: Option<&'a str>,
}

/// Filters that can be applied.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Filters(Vec<Filter>);

#[derive(Debug, PartialEq, Eq)]
struct Filter {
    field: Field,
    values: Vec<Value>,
}

#[derive(Debug, PartialEq, Eq)]
struct Value {
    /// As it was given.
    text: String,
    negated: bool,
    test: Test,
}

#[derive(Debug, PartialEq, Eq)]
enum Test {
    /// Begins with it, in the same case.
    Prefix(String),
    /// Every word of it, in small letters, begins some word. Without a word it matches nothing.
    Words(Vec<String>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Description,
    Name,
    TagKey,
    TagValue,
    PrimaryRegion,
    OwningService,
    All,
}

/// The keys that a filter may have, in the order of AWS's model.
pub(crate) const KEYS: [&str; 7] =
    ["description", "name", "tag-key", "tag-value", "primary-region", "owning-service", "all"];

impl Filters {
    /// Reads the filters of a request whose shape was checked.
    pub(crate) fn new(asked: &[Asked<'_>]) -> Result<Self, Fault> {
        if asked.len() > MAX_FILTERS {
            return Err(too_many());
        }
        asked.iter().map(Filter::new).collect::<Result<_, _>>().map(Self)
    }

    pub(crate) fn matches(&self, secret: &Filterable<'_>) -> bool {
        self.0.iter().all(|filter| {
            filter
                .values
                .iter()
                .any(|value| value.negated != value.test.matches(filter.field, secret))
        })
    }

    /// Writes the filters as bytes, different ones differently, so that a paging token can be
    /// bound to them.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for filter in &self.0 {
            bytes.extend(filter.values.len().to_be_bytes());
            let values = filter.values.iter().map(|value| value.text.as_str());
            for text in std::iter::once(filter.field.as_str()).chain(values) {
                bytes.extend(text.len().to_be_bytes());
                bytes.extend(text.bytes());
            }
        }
        bytes
    }
}

impl Filter {
    fn new(asked: &Asked<'_>) -> Result<Self, Fault> {
        let named = asked.key.and_then(|key| Some((Field::named(key)?, key)));
        let Some((field, key)) = named else { return Err(bad_key()) };
        if asked.values.is_empty() {
            return Err(bad_values(key));
        }
        let values = asked.values.iter().map(|value| Value::new(field, value)).collect();
        Ok(Self { field, values })
    }
}

impl Value {
    fn new(field: Field, given: &str) -> Self {
        let wanted = given.strip_prefix('!').unwrap_or(given);
        let small = |words: &mut dyn Iterator<Item = &str>| {
            Test::Words(words.map(str::to_lowercase).collect())
        };
        let test = match field {
            Field::Description => small(&mut words::plain(wanted)),
            Field::All => small(&mut words::fine(wanted)),
            Field::Name
            | Field::TagKey
            | Field::TagValue
            | Field::PrimaryRegion
            | Field::OwningService => Test::Prefix(wanted.to_owned()),
        };
        Self { text: given.to_owned(), negated: given.starts_with('!'), test }
    }
}

impl Test {
    fn matches(&self, field: Field, secret: &Filterable<'_>) -> bool {
        match self {
            Self::Prefix(prefix) => field.texts(secret).any(|text| text.starts_with(prefix)),
            // The words of an `all` filter may be in different members.
            Self::Words(wanted) => {
                !wanted.is_empty() && wanted.iter().all(|word| field.has_word(secret, word))
            }
        }
    }
}

impl Field {
    const EVERY: [Self; 7] = [
        Self::Description,
        Self::Name,
        Self::TagKey,
        Self::TagValue,
        Self::PrimaryRegion,
        Self::OwningService,
        Self::All,
    ];

    fn named(text: &str) -> Option<Self> {
        Self::EVERY.into_iter().zip(KEYS).find(|(_, name)| *name == text).map(|(field, _)| field)
    }

    fn as_str(self) -> &'static str {
        Self::EVERY
            .into_iter()
            .zip(KEYS)
            .find(|(field, _)| *field == self)
            .map_or("", |(_, name)| name)
    }

    /// The texts of a secret that this filter looks at.
    fn texts<'a>(self, secret: &Filterable<'a>) -> impl Iterator<Item = &'a str> {
        let looks_at = |field| self == Self::All || self == field;
        let name = Some(secret.name).filter(|_| looks_at(Self::Name));
        let description = secret.description.filter(|_| looks_at(Self::Description));
        let region = secret.primary_region.filter(|_| self == Self::PrimaryRegion);
        let service = secret.owning_service.filter(|_| self == Self::OwningService);
        let keys = if looks_at(Self::TagKey) { secret.tags } else { &[] };
        let values = if looks_at(Self::TagValue) { secret.tags } else { &[] };
        [name, description, region, service]
            .into_iter()
            .flatten()
            .chain(keys.iter().map(|(key, _)| key.as_str()))
            .chain(values.iter().map(|(_, value)| value.as_str()))
    }

    fn has_word(self, secret: &Filterable<'_>, small_prefix: &str) -> bool {
        let begins = |word: &str| words::begins_with(word, small_prefix);
        self.texts(secret).any(|text| match self {
            Self::All => words::fine(text).any(begins),
            Self::Description
            | Self::Name
            | Self::TagKey
            | Self::TagValue
            | Self::PrimaryRegion
            | Self::OwningService => words::plain(text).any(begins),
        })
    }
}

fn bad_key() -> Fault {
    Fault::invalid_parameter("Invalid filter key")
}

fn bad_values(key: &str) -> Fault {
    Fault::invalid_parameter(format!("Invalid filter values for key: {key}"))
}

fn too_many() -> Fault {
    Fault::invalid_parameter(
        "The filter list has too many filters. You can include up to 10 filters.",
    )
}

const MAX_FILTERS: usize = 10;

#[cfg(test)]
mod tests;
