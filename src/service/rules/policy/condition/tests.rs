use super::*;

const ROLE: &str = "arn:aws:iam::123456789012:role/deploy";

fn context() -> Context {
    let mut context = Context::default();
    for (key, value) in [
        ("aws:username", "Ada"),
        ("aws:PrincipalArn", ROLE),
        ("aws:PrincipalTag/Team", "blue"),
        ("aws:ResourceTag/Team", "blue"),
        ("aws:CurrentTime", "2026-03-01T12:00:00Z"),
        ("aws:EpochTime", "1772366400"),
        ("aws:SourceIp", "203.0.113.7"),
        ("aws:SecureTransport", "true"),
        ("secretsmanager:RecoveryWindowInDays", "7"),
        ("secretsmanager:Blob", "aGk="),
        ("secretsmanager:Empty", ""),
    ] {
        context.set(key, value);
    }
    context.set_many("aws:TagKeys", vec!["env".to_owned(), "team".to_owned()]);
    context
}

fn holds(operator: &str, key: &str, values: &[&str]) -> bool {
    let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
    let operator = Operator::read(operator).unwrap();
    operator.on(key, &values, Version::V2012).unwrap().holds(&context())
}

fn check(operator: &str, key: &str, values: &[&str], expected: bool) {
    assert_eq!(holds(operator, key, values), expected, "{operator} {key} {values:?}");
}

#[test]
fn compares_text() {
    for (operator, value, expected) in [
        ("StringEquals", "Ada", true),
        ("StringEquals", "ada", false),
        ("StringEquals", "A*", false),
        ("StringNotEquals", "Ada", false),
        ("StringNotEquals", "Bob", true),
        ("StringEqualsIgnoreCase", "aDA", true),
        ("StringNotEqualsIgnoreCase", "aDA", false),
        ("StringLike", "A?a", true),
        ("StringLike", "a*", false),
        ("StringNotLike", "A*", false),
        ("StringNotLike", "B*", true),
    ] {
        check(operator, "aws:username", &[value], expected);
        check(operator, "AWS:UserName", &[value], expected);
    }
    check("StringEquals", "aws:ResourceTag/Team", &["${aws:PrincipalTag/Team}"], true);
    check("StringEquals", "secretsmanager:Empty", &[""], true);
}

#[test]
fn compares_numbers() {
    let key = "secretsmanager:RecoveryWindowInDays";
    for (operator, value, expected) in [
        ("NumericEquals", "7", true),
        ("NumericEquals", "7.0", true),
        ("NumericEquals", "8", false),
        ("NumericNotEquals", "7", false),
        ("NumericNotEquals", "8", true),
        ("NumericLessThan", "7", false),
        ("NumericLessThan", "7.5", true),
        ("NumericLessThanEquals", "7", true),
        ("NumericLessThanEquals", "6", false),
        ("NumericGreaterThan", "7", false),
        ("NumericGreaterThan", "-7", true),
        ("NumericGreaterThanEquals", "7", true),
        ("NumericGreaterThanEquals", "30", false),
    ] {
        check(operator, key, &[value], expected);
    }
    // A value that is no number is neither less nor more, and not equal either.
    for (operator, expected) in
        [("NumericEquals", false), ("NumericLessThan", false), ("NumericNotEquals", true)]
    {
        check(operator, "aws:username", &["7"], expected);
    }
}

#[test]
fn compares_dates() {
    for (operator, value, expected) in [
        ("DateEquals", "2026-03-01T13:00:00+01:00", true),
        ("DateNotEquals", "2026-03-01T12:00Z", false),
        ("DateLessThan", "2026-03-02", true),
        ("DateLessThan", "2026-03-01T12:00:00Z", false),
        ("DateLessThanEquals", "2026-03-01T12:00:00Z", true),
        ("DateGreaterThan", "2026-03-01T11:59:59.999Z", true),
        ("DateGreaterThan", "2026-03-01T12:00:00Z", false),
        ("DateGreaterThanEquals", "1772366400", true),
        ("DateGreaterThanEquals", "1772366401", false),
    ] {
        check(operator, "aws:CurrentTime", &[value], expected);
        check(operator, "aws:EpochTime", &[value], expected);
    }
}

#[test]
fn compares_the_rest() {
    for (operator, key, value, expected) in [
        ("Bool", "aws:SecureTransport", "true", true),
        ("Bool", "aws:SecureTransport", "True", true),
        ("Bool", "aws:SecureTransport", "false", false),
        ("Bool", "aws:SecureTransport", "${aws:SecureTransport}", true),
        ("BinaryEquals", "secretsmanager:Blob", "aGk=", true),
        ("BinaryEquals", "secretsmanager:Blob", "aGk+", false),
        ("IpAddress", "aws:SourceIp", "203.0.113.0/24", true),
        ("IpAddress", "aws:SourceIp", "198.51.100.0/24", false),
        ("NotIpAddress", "aws:SourceIp", "203.0.113.0/24", false),
        ("NotIpAddress", "aws:SourceIp", "198.51.100.0/24", true),
        ("ArnEquals", "aws:PrincipalArn", ROLE, true),
        ("ArnEquals", "aws:PrincipalArn", "arn:aws:iam::*:role/*", true),
        ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::123456789012:role/d?ploy", true),
        ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::123456789012:user/*", false),
        ("ArnNotEquals", "aws:PrincipalArn", ROLE, false),
        ("ArnNotLike", "aws:PrincipalArn", "arn:aws:iam::*:user/*", true),
        ("ArnLike", "aws:username", "*", false),
        ("Null", "aws:username", "true", false),
        ("Null", "aws:username", "false", true),
        ("Null", "aws:TokenIssueTime", "true", true),
        ("Null", "aws:TokenIssueTime", "false", false),
        ("Null", "secretsmanager:Empty", "false", true),
    ] {
        check(operator, key, &[value], expected);
    }
}

#[test]
fn takes_any_of_several_values() {
    check("StringEquals", "aws:username", &["Bob", "Ada"], true);
    check("StringEquals", "aws:username", &["Bob", "Eve"], false);
    check("StringNotEquals", "aws:username", &["Bob", "Ada"], false);
    check("StringNotEquals", "aws:username", &["Bob", "Eve"], true);
    check("Null", "aws:username", &["true", "false"], true);
    check("StringEquals", "aws:username", &[], false);
    check("StringNotEquals", "aws:username", &[], true);
}

#[test]
fn knows_what_an_absent_key_means() {
    for (operator, value, expected) in [
        ("StringEquals", "x", false),
        ("StringLike", "*", false),
        ("StringNotEquals", "x", true),
        ("StringNotLike", "*", true),
        ("NumericLessThan", "1", false),
        ("NumericNotEquals", "1", true),
        ("DateGreaterThan", "1970", false),
        ("DateNotEquals", "1970", true),
        ("Bool", "false", false),
        ("IpAddress", "0.0.0.0/0", false),
        ("NotIpAddress", "0.0.0.0/0", true),
        ("ArnLike", "*", false),
        ("ArnNotLike", "*", true),
        ("BinaryEquals", "aGk=", false),
        ("StringEqualsIfExists", "x", true),
        ("StringNotEqualsIfExists", "x", true),
        ("BoolIfExists", "false", true),
        ("IpAddressIfExists", "10.0.0.1", true),
        ("ForAllValues:StringEquals", "x", true),
        ("ForAllValues:StringNotEquals", "x", true),
        ("ForAnyValue:StringEquals", "x", false),
        ("ForAnyValue:StringNotEquals", "x", false),
        ("ForAnyValue:StringEqualsIfExists", "x", false),
        ("ForAllValues:StringEqualsIfExists", "x", true),
    ] {
        check(operator, "aws:SourceVpc", &[value], expected);
    }
    // With the key there, `IfExists` changes nothing.
    check("StringEqualsIfExists", "aws:username", &["Ada"], true);
    check("StringEqualsIfExists", "aws:username", &["Bob"], false);
    check("StringNotEqualsIfExists", "aws:username", &["Ada"], false);
}

#[test]
fn compares_sets() {
    // The request's tag keys are `env` and `team`.
    for (operator, values, expected) in [
        ("ForAllValues:StringEquals", &["env", "team", "x"][..], true),
        ("ForAllValues:StringEquals", &["env"][..], false),
        ("ForAllValues:StringLike", &["e*", "t*"][..], true),
        ("ForAllValues:StringNotEquals", &["x"][..], true),
        ("ForAllValues:StringNotEquals", &["env"][..], false),
        ("ForAnyValue:StringEquals", &["env", "x"][..], true),
        ("ForAnyValue:StringEquals", &["x"][..], false),
        ("ForAnyValue:StringNotEquals", &["env"][..], true),
        ("ForAnyValue:StringNotEquals", &["env", "team"][..], false),
        ("StringEquals", &["env"][..], true),
        ("StringNotEquals", &["env"][..], false),
        ("StringNotEquals", &["x"][..], true),
    ] {
        check(operator, "aws:TagKeys", values, expected);
    }
    // One value is a set of one.
    check("ForAllValues:StringEquals", "aws:username", &["Ada"], true);
    check("ForAnyValue:StringNotEquals", "aws:username", &["Ada"], false);
}

#[test]
fn treats_a_variable_without_a_value_as_no_value() {
    let unknown = "${aws:SourceVpc}";
    check("StringEquals", "aws:username", &[unknown], false);
    check("StringNotEquals", "aws:username", &[unknown], true);
    check("ArnNotLike", "aws:PrincipalArn", &[unknown], true);
    check("StringEquals", "aws:username", &["${aws:SourceVpc, 'Ada'}"], true);
}

#[test]
fn refuses_names_that_are_no_operator() {
    for name in [
        "",
        "Equals",
        "stringequals",
        "StringEqual",
        "StringIs",
        "NotStringEquals",
        "BoolNot",
        "NumericLessThanEqual",
        "NullIfExists",
        "IfExists",
        "StringEqualsIfExistsIfExists",
        "ForAllValues:",
        "ForAllValues",
        "forAnyValue:StringEquals",
        "ForSomeValues:StringEquals",
        "ForAnyValue:ForAllValues:StringEquals",
        " StringEquals",
    ] {
        assert_eq!(Operator::read(name), None, "{name}");
    }
}

#[test]
fn refuses_values_that_its_operator_cannot_compare() {
    for (operator, value) in [
        ("StringLike", "${aws:username"),
        ("StringEquals", "${}"),
        ("NumericEquals", "seven"),
        ("NumericEquals", "7*"),
        ("NumericEquals", "${secretsmanager:RecoveryWindowInDays}"),
        ("DateLessThan", "tomorrow"),
        ("DateLessThan", "2026-02-30"),
        ("DateLessThan", "2026-*"),
        ("Bool", "yes"),
        ("Bool", "1"),
        ("Bool", ""),
        ("Null", "maybe"),
        ("Null", "${aws:SecureTransport}"),
        ("BinaryEquals", "aGk"),
        ("BinaryEquals", "a==="),
        ("BinaryEquals", "a*k="),
        ("IpAddress", "203.0.113.*"),
        ("IpAddress", "203.0.113.0/40"),
        ("ArnEquals", "role/deploy"),
        ("ArnEquals", ""),
        ("ArnLike", "arn:aws:iam::123456789012"),
        ("ArnLike", "urn:aws:iam::123456789012:x"),
        ("ArnLike", "**"),
    ] {
        let operator = Operator::read(operator).unwrap();
        let values = ["1".to_owned(), value.to_owned()];
        let refused = operator.on("aws:x", &values[1..], Version::V2012);
        assert_eq!(refused, Err(value.to_owned()));
    }
    // In the older language a variable is text.
    let operator = Operator::read("StringEquals").unwrap();
    assert!(operator.on("aws:x", &["${".to_owned()], Version::V2008).is_ok());
}
