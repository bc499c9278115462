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
        ("description=o t", &["one two", "one and two", "one", "two"], &[true, true, false, false]),
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
    let tags = [("Team".to_owned(), "ops/db".to_owned()), ("stage".to_owned(), "Prod".to_owned())];
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
        (eleven, Some("The filter list has too many filters. You can include up to 10 filters.")),
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
