use proptest::prelude::*;

use super::*;

fn pattern(text: &str) -> Pattern {
    Pattern::read(text, Version::V2012, Wildcards::Match).unwrap()
}

fn context() -> Context {
    let mut context = Context::default();
    context.set("aws:username", "ada");
    context.set("aws:PrincipalTag/Team", "a*?b");
    context.set("aws:PrincipalTag/Long Name", "x:y");
    context.set("aws:Path", "arn:aws:sns:r:1:t");
    context.set_many("aws:TagKeys", vec!["one".to_owned()]);
    context
}

#[test]
fn matches_wildcards() {
    for (wild, text, expected) in [
        ("", "", true),
        ("", "a", false),
        ("*", "", true),
        ("*", "anything: at/all", true),
        ("**", "", true),
        ("?", "", false),
        ("?", "é", true),
        ("?", "ab", false),
        ("a", "a", true),
        ("a", "A", false),
        ("a*", "a", true),
        ("a*", "abc", true),
        ("a*", "ba", false),
        ("*c", "abc", true),
        ("*c", "abcd", false),
        ("*b*", "abc", true),
        ("*b*", "ac", false),
        ("a*c*e", "abcde", true),
        ("a*c*e", "abcd", false),
        ("*aab", "aaaaaab", true),
        ("*a?b", "xaaxb", true),
        ("app/*-??????", "app/db-AbCdEf", true),
        ("app/*-??????", "app/db-AbCdE", false),
        ("[a-z]", "b", false),
        (".*", "ab", false),
    ] {
        assert_eq!(
            pattern(wild).matches(text, Case::Sensitive, &context()),
            expected,
            "{wild} {text}"
        );
    }
}

#[test]
fn takes_wildcards_literally_where_told_to() {
    let literal = Pattern::read("a*?", Version::V2012, Wildcards::Literal).unwrap();
    assert!(literal.matches("a*?", Case::Sensitive, &context()));
    assert!(!literal.matches("abc", Case::Sensitive, &context()));
}

#[test]
fn ignores_case_where_told_to() {
    for (one, other) in [("Prod", "pROD"), ("ÄÖ", "äö"), ("${aws:UserName}", "ADA")] {
        assert!(pattern(one).matches(other, Case::Ignored, &context()), "{one}");
        assert!(!pattern(one).matches(other, Case::Sensitive, &context()), "{one}");
    }
}

#[test]
fn puts_variables_in() {
    for (with, text, expected) in [
        ("${aws:username}", "ada", true),
        ("${AWS:UserName}", "ada", true),
        ("${ aws:username }", "ada", true),
        ("home/${aws:username}/*", "home/ada/x", true),
        ("home/${aws:username}/*", "home/bob/x", false),
        ("${aws:PrincipalTag/Long Name}", "x:y", true),
        ("${*}", "*", true),
        ("${*}", "a", false),
        ("${?}", "a", false),
        ("${$}{aws:username}", "${aws:username}", true),
        ("$aws", "$aws", true),
        ("{aws:username}", "{aws:username}", true),
        // What a variable brings is no wildcard.
        ("${aws:PrincipalTag/Team}", "a*?b", true),
        ("${aws:PrincipalTag/Team}", "axxb", false),
        // No value: nothing matches, not even everything.
        ("${aws:userid}", "", false),
        ("*${aws:userid}", "x", false),
        ("${aws:userid, 'anonymous'}", "anonymous", true),
        ("${aws:userid,''}", "", true),
        ("${aws:username, 'nobody'}", "nobody", false),
        ("${aws:username, 'nobody'}", "ada", true),
        // A key with several values is no variable.
        ("${aws:TagKeys}", "one", false),
    ] {
        assert_eq!(
            pattern(with).matches(text, Case::Sensitive, &context()),
            expected,
            "{with} {text}"
        );
    }
}

#[test]
fn knows_variables_only_in_the_newer_language() {
    let old = Pattern::read("${aws:username", Version::V2008, Wildcards::Match).unwrap();
    assert!(old.matches("${aws:username", Case::Sensitive, &context()));
    for bad in ["${", "${}", "x${aws:username", "${ }", "${a:b, c}", "${a:b,'c}", "${, 'c'}"] {
        assert_eq!(Pattern::read(bad, Version::V2012, Wildcards::Match), Err(BadVariable), "{bad}");
    }
}

#[test]
fn matches_arns_part_by_part() {
    const ROLE: &str = "arn:aws:iam::123456789012:role/app/deploy:x";
    for (wild, text, expected) in [
        ("arn:aws:iam::123456789012:role/app/deploy:x", ROLE, true),
        ("arn:aws:iam::123456789012:role/*", ROLE, true),
        ("arn:*:iam:*:*:role/*", ROLE, true),
        ("arn:aws:iam::123456789012:role/*/deploy:?", ROLE, true),
        ("arn:aws:iam::12345678901?:*", ROLE, true),
        ("*", ROLE, true),
        ("*", "no-arn", false),
        ("arn:aws:iam::*", ROLE, false),
        ("arn:aws:*:role/*", ROLE, false),
        ("arn:aws:iam::123456789012:user/*", ROLE, false),
        ("arn:aws:iam:*:123456789012:x", "arn:aws:iam:a:b:123456789012:x", false),
        ("${aws:Path}", "arn:aws:sns:r:1:t", true),
        ("${aws:Path}", "arn:aws:sns:r:1:u", false),
        ("arn:aws:iam::${aws:userid}:*", ROLE, false),
    ] {
        assert_eq!(pattern(wild).matches_arn(text, &context()), expected, "{wild} {text}");
    }
}

#[test]
fn ends_soon_on_a_pattern_made_to_be_slow() {
    let wild = pattern(&"*a".repeat(10_000));
    assert!(!wild.matches(&"a".repeat(9_999), Case::Sensitive, &context()));
}

proptest! {
    #[test]
    fn agrees_with_a_matcher_that_tries_everything(wild in "[ab*?]{0,8}", text in "[ab]{0,8}") {
        fn tries(pattern: &[char], text: &[char]) -> bool {
            match (pattern.split_first(), text.split_first()) {
                (None, None) => true,
                (Some(('*', rest)), next) => {
                    tries(rest, text) || next.is_some_and(|(_, text)| tries(pattern, text))
                }
                (Some(('?', rest)), Some((_, text))) => tries(rest, text),
                (Some((expected, rest)), Some((letter, text))) => {
                    expected == letter && tries(rest, text)
                }
                _ => false,
            }
        }
        let letters = |text: &str| text.chars().collect::<Vec<_>>();
        prop_assert_eq!(
            pattern(&wild).matches(&text, Case::Sensitive, &Context::default()),
            tries(&letters(&wild), &letters(&text))
        );
    }

    #[test]
    fn reads_any_text(text in "\\PC*", other in "\\PC*") {
        for version in [Version::V2008, Version::V2012] {
            if let Ok(pattern) = Pattern::read(&text, version, Wildcards::Match) {
                pattern.matches(&other, Case::Ignored, &context());
                pattern.matches_arn(&other, &context());
            }
        }
    }
}
