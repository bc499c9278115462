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
    /// `Key`.
    pub(crate) key: Option<&'a str>,
    /// `Values`.
    pub(crate) values: &'a [String],
}

/// What a secret is filtered by.
#[derive(Clone, Copy, Default)]
pub(crate) struct Filterable<'a> {
    /// Its name.
    pub(crate) name: &'a str,
    /// Its description, where it has one.
    pub(crate) description: Option<&'a str>,
    /// Its tags, key and value.
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

    /// Whether a secret passes all of them.
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
            // The words of an `all` filter may stand in different members.
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
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::service::fault::Code;

    /// Reads `key=value,value` and applies it.
    fn matches(filters: &[&str], secret: &Filterable<'_>) -> bool {
        read(filters).unwrap().matches(secret)
    }

    fn read(filters: &[&str]) -> Result<Filters, Fault> {
        let split: Vec<(&str, Vec<String>)> = filters
            .iter()
            .map(|filter| {
                let (key, values) = filter.split_once('=').unwrap();
                (key, values.split(',').map(str::to_owned).collect())
            })
            .collect();
        let asked: Vec<Asked<'_>> =
            split.iter().map(|(key, values)| Asked { key: Some(key), values }).collect();
        Filters::new(&asked)
    }

    #[test]
    fn names_match_by_prefix_in_their_case() {
        for (filter, name, expected) in [
            ("name=foo", "foo", true),
            ("name=foo", "foobar", true),
            ("name=MySecret", "xMySecret", false),
            ("name=foo", "Foo", false),
            ("name=foo,bar", "barrel", true),
            ("name=foo,bar", "qux", false),
            // Several words are one prefix, which no name has.
            ("name=testing1 one", "testing1", false),
            ("name=!/", "app/db", true),
            ("name=!/", "/app/db", false),
            ("name=!foo", "foobar", false),
            // Alternatives, one of them negated.
            ("name=one,!two", "one", true),
            ("name=one,!two", "three", true),
            ("name=one,!two", "two", false),
        ] {
            let secret = Filterable { name, ..Filterable::default() };
            assert_eq!(matches(&[filter], &secret), expected, "{filter} {name}");
        }
    }

    #[test]
    fn descriptions_match_by_the_beginnings_of_words() {
        let given = ["a secret", "an secret", "asecret", "thesecret"];
        for (filter, descriptions, expected) in [
            ("description=a", &given[..], &[true, true, true, false][..]),
            ("description=a secret", &given, &[true, true, false, false]),
            ("description=!a", &given, &[false, false, false, true]),
            ("description=!c", &given, &[true, true, true, true]),
            ("description=A SEC", &given, &[true, true, false, false]),
            (
                "description=one two",
                &["one two", "one and two", "one", "two"],
                &[true, true, false, false],
            ),
            (
                "description=o t",
                &["one two", "one and two", "one", "two"],
                &[true, true, false, false],
            ),
            ("description=t", &["one two", "two", "one"], &[true, true, false]),
            ("description=two one", &["one two"], &[true]),
            // Capitals and digits begin no word here.
            ("description=two", &["DescTwo", "desc2two"], &[false, false]),
            ("description=weekly", &["(weekly), by ops"], &[true]),
            ("description=+", &["a + b"], &[false]),
        ] {
            for (description, expected) in descriptions.iter().zip(expected) {
                let secret = Filterable { description: Some(description), ..Filterable::default() };
                assert_eq!(matches(&[filter], &secret), *expected, "{filter} {description}");
            }
        }
        assert!(!matches(&["description=a"], &Filterable::default()));
        assert!(matches(&["description=!a"], &Filterable::default()));
    }

    #[test]
    fn tags_regions_and_services_match_by_prefix() {
        let tags =
            [("Team".to_owned(), "ops/db".to_owned()), ("stage".to_owned(), "Prod".to_owned())];
        let secret = Filterable {
            name: "n",
            description: None,
            tags: &tags,
            primary_region: Some("eu-west-1"),
            owning_service: Some("rds"),
        };
        for (filter, expected) in [
            ("tag-key=Te", true),
            ("tag-key=sta", true),
            ("tag-key=team", false),
            ("tag-key=eam", false),
            ("tag-key=Prod", false),
            ("tag-key=!Te", false),
            ("tag-key=!other", true),
            ("tag-value=ops", true),
            ("tag-value=Pro", true),
            ("tag-value=prod", false),
            ("tag-value=stage", false),
            ("primary-region=eu-", true),
            ("primary-region=EU", false),
            ("owning-service=rd", true),
            ("owning-service=RDS", false),
        ] {
            assert_eq!(matches(&[filter], &secret), expected, "{filter}");
        }
        for filter in ["tag-key=T", "tag-value=o", "primary-region=e", "owning-service=r"] {
            assert!(!matches(&[filter], &Filterable::default()), "{filter}");
        }
    }

    #[test]
    fn all_looks_for_words_everywhere() {
        let tags = [("SecretFTag".to_owned(), "TagValue9".to_owned())];
        let secret = |name, description| Filterable {
            name,
            description: Some(description),
            tags: &tags,
            primary_region: Some("us-east-1"),
            owning_service: Some("rds"),
        };
        for (filter, name, description, expected) in [
            ("all=secret", "SecretOne", "", true),
            ("all=one", "SecretOne", "", true),
            ("all=sec", "SecretOne", "", true),
            ("all=ret", "SecretOne", "", false),
            ("all=third", "Thirdsecret", "", true),
            ("all=AppBeta", "prod/AppBeta/x", "", true),
            ("all=appbeta", "prod/AppBeta/x", "", false),
            ("all=Beta", "prod/AppBeta/x", "", true),
            ("all=prod", "prod/AppBeta/x", "", true),
            ("all=AppBeta", "prod/AppGamma/x", "", false),
            ("all=Ythings", "COMPANYthings", "", true),
            ("all=things", "COMPANYthings", "", false),
            ("all=company", "COMPANYthings", "", false),
            ("all=company", "uat/COMPANY/x", "", true),
            ("all=d t", "n", "DescTwo", true),
            ("all=+", "a+b", "c + d", false),
            // Tags.
            ("all=t", "n", "", true),
            ("all=ftag", "n", "", false),
            ("all=value", "n", "", true),
            ("all=9", "n", "", true),
            // Words of one value in different members; several values.
            ("all=app value", "app", "", true),
            ("all=nope,app", "app", "", true),
            ("all=nope,none", "app", "", false),
            // Neither the region nor the service is looked at.
            ("all=us", "n", "", false),
            ("all=rds", "n", "", false),
            ("all=!app", "app", "", false),
            ("all=!nope", "app", "", true),
        ] {
            assert_eq!(matches(&[filter], &secret(name, description)), expected, "{filter} {name}");
        }
        // A word that only a tag could have matched above.
        let bare = Filterable { name: "Thirdsecret", ..Filterable::default() };
        assert!(!matches(&["all=secret"], &bare));
    }

    #[test]
    fn every_filter_must_match() {
        let secret = |description| Filterable {
            name: "foo",
            description: Some(description),
            ..Filterable::default()
        };
        let twice = ["description=one", "description=two"];
        assert!(matches(&twice, &secret("one two")));
        assert!(!matches(&twice, &secret("one")));
        assert!(!matches(&["name=foo", "description=two"], &secret("one")));
        assert!(matches(&[], &secret("one")));
    }

    #[test]
    fn filters_that_are_none_are_refused() {
        let none: [String; 0] = [];
        let some = ["a".to_owned()];
        let ten = vec![Asked { key: Some("name"), values: &some }; 10];
        let eleven = vec![Asked { key: Some("name"), values: &some }; 11];
        for (asked, expected) in [
            (vec![Asked { key: None, values: &some }], Some("Invalid filter key")),
            (vec![Asked { key: Some("Name"), values: &some }], Some("Invalid filter key")),
            (
                vec![Asked { key: Some("tag-key"), values: &none }],
                Some("Invalid filter values for key: tag-key"),
            ),
            (ten, None),
            (
                eleven,
                Some("The filter list has too many filters. You can include up to 10 filters."),
            ),
        ] {
            let fault = Filters::new(&asked).err();
            assert!(fault.iter().all(|fault| fault.code == Code::InvalidParameter));
            assert_eq!(fault.as_ref().map(|fault| fault.message.as_str()), expected);
        }
    }

    #[test]
    fn different_filters_have_different_bytes() {
        let all = [
            &[][..],
            &["name=a"],
            &["name=b"],
            &["name=!a"],
            &["tag-key=a"],
            &["name=a,b"],
            &["name=b,a"],
            &["name=ab"],
            &["name=a", "name=b"],
            &["name=a,name,b"],
            &["name=a,"],
            &["all=a"],
        ];
        let bytes: std::collections::BTreeSet<Vec<u8>> =
            all.iter().map(|filters| read(filters).unwrap().to_bytes()).collect();
        assert_eq!(bytes.len(), all.len());
    }

    proptest! {
        #[test]
        fn a_negated_value_matches_what_the_value_does_not(
            key in prop::sample::select(&KEYS[..]),
            value in "[a-zA-Z0-9 :_@/+=.-]{0,8}",
            name in ".{0,12}",
            description in proptest::option::of(".{0,12}"),
        ) {
            let description = description.as_deref();
            let secret = Filterable { name: &name, description, ..Filterable::default() };
            let plain = [value.clone()];
            let negated = [format!("!{value}")];
            let apply = |values: &[String]| {
                Filters::new(&[Asked { key: Some(key), values }]).unwrap().matches(&secret)
            };
            prop_assert_ne!(apply(&plain), apply(&negated));
        }
    }
}
