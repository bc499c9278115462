use super::*;
use std::fmt::Write as _;

/// Where a query ends: in a value, or in one of the suite's kinds of error.
fn outcome(expression: &str, given: &Value) -> Result<Value, &'static str> {
    let query = Query::parse(expression).map_err(|_refused| "syntax")?;
    let found = query.apply(given, &TimeZone::UTC).map(Cow::into_owned);
    found.map_err(|failed| match failed {
        EvaluationFailed::UnknownFunction(_) => "unknown-function",
        EvaluationFailed::Arity { .. } => "invalid-arity",
        EvaluationFailed::Type { .. }
        | EvaluationFailed::NotInText(_)
        | EvaluationFailed::Unordered { .. } => "invalid-type",
        EvaluationFailed::ZeroStep
        | EvaluationFailed::NotFinite(_)
        | EvaluationFailed::Reference => "invalid-value",
    })
}

fn read(json: &str) -> Value {
    literal::value(serde_json::from_str(json).unwrap())
}

fn write(value: &Value) -> String {
    let mut out = Vec::new();
    let layout = crate::cli::output::json::Layout::Compact;
    crate::cli::output::json::write(value, &TimeZone::UTC, layout, &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn passes_the_compliance_suite() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conformance/jmespath");
    let evaluation = evaluate::Evaluation { zone: &TimeZone::UTC };
    let (mut failures, mut run) = (String::new(), 0);
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let suites = read(&std::fs::read_to_string(&path).unwrap());
        let Value::List(suites) = suites else { panic!("{}: no list", path.display()) };
        for suite in &suites {
            let given = suite.get("given").unwrap();
            let Some(Value::List(cases)) = suite.get("cases") else { panic!("no cases") };
            for case in cases {
                let Some(Value::Text(expression)) = case.get("expression") else { panic!() };
                let got = outcome(expression, given);
                let passed = match (case.get("result"), case.get("error"), &got) {
                    (Some(result), _, Ok(got)) => evaluation.same(result, got),
                    (_, Some(Value::Text(error)), Err(got)) => error == got,
                    (None, None, Ok(_)) => case.get("bench").is_some(),
                    _ => false,
                };
                run += 1;
                if !passed {
                    let got = got.map_or_else(str::to_owned, |value| write(&value));
                    let name = path.file_name().unwrap().display();
                    writeln!(failures, "{name}: {expression}: got {got}").unwrap();
                }
            }
        }
    }
    assert!(failures.is_empty(), "{failures}");
    assert_eq!(run, 861, "cases of the suite were lost");
}

#[test]
fn answers_as_python_does() {
    let file = read(include_str!("../../../tests/conformance/query.json"));
    let given = file.get("given").unwrap();
    let Some(Value::List(cases)) = file.get("cases") else { panic!("no cases") };
    for case in cases {
        let Some(Value::Text(expression)) = case.get("expression") else { panic!() };
        let (kind, got) = match Query::parse(expression) {
            Ok(query) => match query.apply(given, &TimeZone::UTC) {
                Ok(found) => ("result", write(&found)),
                Err(failed) => ("failed", failed.to_string()),
            },
            Err(refused) => {
                let shown = refused.to_string();
                let prefix = format!("Bad value for --query {expression}: ");
                ("refused", shown.strip_prefix(&prefix).unwrap().to_owned())
            }
        };
        let Some(Value::Text(expected)) = case.get(kind) else {
            panic!("{expression}: got {kind} {got}");
        };
        assert_eq!(&got, expected, "{expression}");
    }
}

#[test]
fn times_and_bytes_are_text() {
    let given = Value::Map(vec![
        ("At".to_owned(), Value::Timestamp(crate::model::time::Timestamp(1_523_923_200_000))),
        ("Bytes".to_owned(), Value::Bytes(b"hi".to_vec())),
    ]);
    for (expression, expected) in [
        ("At == '2018-04-17T00:00:00+00:00'", "true"),
        ("At > '2018-04-16'", "true"),
        ("starts_with(At, '2018') && type(At)", "\"string\""),
        ("Bytes", "\"aGk=\""),
        ("join(' ', [Bytes, At])", "\"aGk= 2018-04-17T00:00:00+00:00\""),
        ("length(Bytes)", "4"),
        ("[Bytes][?@ == 'aGk='] | length(@)", "1"),
    ] {
        let got = outcome(expression, &given).unwrap();
        assert_eq!(write(&got), expected, "{expression}");
    }
}

#[test]
fn borrows_what_it_only_passes_on() {
    let given = read(r#"{"a": {"b": [1, 2]}}"#);
    let query = Query::parse("a.b | @").unwrap();
    assert!(matches!(query.apply(&given, &TimeZone::UTC), Ok(Cow::Borrowed(_))));
}

#[test]
fn messages_hold_nothing_secret() {
    let given = read(r#"{"SecretString": "hunter2", "Tags": [{"Value": "hunter2"}]}"#);
    for expression in [
        "abs(SecretString)",
        "abs(@)",
        "sum([SecretString])",
        "sort_by(Tags, &@)",
        "max_by(Tags, &[Value])",
        "SecretString > `1`",
        "contains(SecretString, `1`)",
        "join(Tags, Tags)",
    ] {
        let failed = Query::parse(expression).unwrap();
        let failed = failed.apply(&given, &TimeZone::UTC).err().unwrap();
        assert!(!failed.to_string().contains("hunter2"), "{failed}");
    }
}

/// Without a bound on the depth each of these ends the process, stack and all.
#[test]
fn bears_hostile_expressions() {
    // Half of what the main thread has; without optimisation frames are several times as large.
    let thread = std::thread::Builder::new().stack_size(4 << 20);
    thread.spawn(try_hostile_expressions).unwrap().join().unwrap();
}

fn try_hostile_expressions() {
    const MANY: usize = 100_000;
    for (part, end) in [
        ("[", ""),
        ("(", ""),
        ("{a:", ""),
        ("!", "a"),
        ("& ", "a"),
        ("f(", ""),
        ("a[?", ""),
        ("a[*].", "a"),
        ("a.*.", "a"),
        ("a[:].", "a"),
        ("a==", "a"),
        ("a<", "a"),
    ] {
        let refused = Query::parse(&(part.repeat(MANY) + end)).err().unwrap().to_string();
        assert!(refused.ends_with("nested more than 200 levels deep"), "{part}");
    }
    let refused = Query::parse(&format!("a{}", "[]".repeat(MANY))).err().unwrap().to_string();
    assert!(refused.ends_with("nested more than 200 levels deep"));
    let deep = format!("`{}`", "[".repeat(MANY));
    assert!(Query::parse(&deep).err().unwrap().to_string().contains("nested too deep"));
    // A chain is long, not deep.
    let given = read("{}");
    for part in ["a.", "a||", "a&&", "a|"] {
        let long = part.repeat(MANY) + "a";
        assert_eq!(write(&outcome(&long, &given).unwrap()), "null", "{part}");
    }
    // At the bound itself evaluation has stack enough.
    let (open, close) = ("[".repeat(199), "]".repeat(199));
    let nested = write(&outcome(&format!("{open}@{close}"), &given).unwrap());
    assert_eq!(nested, format!("{open}{{}}{close}"));
    let negated = outcome(&("!".repeat(199) + "@"), &given).unwrap();
    assert_eq!(write(&negated), "true");
}
