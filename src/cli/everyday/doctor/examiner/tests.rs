use std::cell::Cell;
use std::io;

use super::*;
use crate::cli::everyday::doctor::finding;
use crate::gateway::json::to_json;
use crate::model::time::DAY_MS;
use crate::sys::entropy::CountingEntropy;

const STRONG: &str = "pX7#kQ2!vM9@zR4%";

/// The kinds of what is found in values, and what they are about, in order.
fn found(wanted: Wanted<'_>, values: &[(&str, &str)]) -> Vec<Finding> {
    let likeness = Likeness::new(&CountingEntropy::default()).unwrap();
    let mut examiner = Examiner::new(wanted, likeness);
    for (name, value) in values {
        let made = Some(Timestamp(900 * DAY_MS));
        examiner.take(&Examined { name, made, value }).unwrap();
    }
    let (mut findings, _passwords) = examiner.finish();
    finding::sort(&mut findings);
    findings
}

fn wanted(kinds: &[Kind]) -> Wanted<'_> {
    Wanted { kinds, old_before: None, leaked: None, now: Timestamp(1_000 * DAY_MS) }
}

fn for_scripts(finding: Finding) -> String {
    to_json(&finding.into_value()).to_string()
}

fn subjects(findings: &[Finding]) -> Vec<(Kind, &str)> {
    findings.iter().map(subject).collect()
}

fn subject(finding: &Finding) -> (Kind, &str) {
    let About::Secret { name, .. } = &finding.about else { panic!() };
    (finding.kind, name)
}

#[test]
fn a_weak_password_is_found_with_what_is_known_beside_it() {
    let login = format!(r#"{{"username":"ada","password":"{STRONG}"}}"#);
    let key = "3f786850e387550fdab836ed7e6dc881de23001b0e1f5d8c7a6b4e2d9f0a1b3c";
    let values = [
        ("top", "password"),
        ("name", r#"{"username":"xavierquincy","password":"xavierquincy1"}"#),
        ("host", r#"{"url":"https://zyxwolf.example","password":"zyxwolf99"}"#),
        ("login", &login),
        ("line", STRONG),
        ("key", key),
        ("short", "aX3$"),
        ("json", r#"{"apiKey":"1234"}"#),
    ];
    let findings = found(wanted(&[Kind::Weak]), &values);
    let mut names: Vec<&str> = subjects(&findings).into_iter().map(|(_, name)| name).collect();
    assert_eq!(names.first(), Some(&"top"), "the worst comes first");
    names.sort_unstable();
    assert_eq!(names, ["host", "name", "short", "top"]);
    assert_eq!(findings[0].remedy, "strongroom set top --generate");
    // Without what is beside it, it takes long to guess.
    assert_eq!(found(wanted(&[Kind::Weak]), &[("x", "xavierquincy1")]), []);
}

#[test]
fn one_password_in_several_secrets_is_said_once() {
    let field = |value: &str| format!(r#"{{"password":"{value}","admin_password":"{STRONG}"}}"#);
    let (one, other) = (field("first"), field("second"));
    let plain = format!("{STRONG}\n");
    let values = [("z", one.as_str()), ("b", &other), ("c", &plain), ("a", "first"), ("q", "own")];
    let findings = found(wanted(&[Kind::Reused]), &values);
    let said: Vec<(&str, &str, &str)> = findings
        .iter()
        .map(|finding| {
            let About::Secret { name, .. } = &finding.about else { panic!() };
            (name.as_str(), finding.problem.as_str(), finding.remedy.as_str())
        })
        .collect();
    assert_eq!(
        said,
        [
            ("b", "is the same in c, z", "strongroom set b admin_password --generate"),
            ("a", "is the same in z", "strongroom set a --generate"),
        ]
    );
    // Within one secret it may be a copy.
    let twice = r#"{"password":"x y","old_password":"x y"}"#;
    assert_eq!(found(wanted(&[Kind::Reused]), &[("a", twice)]), []);
    let names: Vec<String> = (0..9).map(|number| format!("n{number}")).collect();
    let values: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), STRONG)).collect();
    let findings = found(wanted(&[Kind::Reused]), &values);
    assert_eq!(findings[0].problem, "is the same in n1, n2, n3 and 5 more");
}

#[test]
fn a_leaked_password_is_found_and_how_often_it_was_seen_is_not_said() {
    // SHA-1 of "password" and of "hunter2".
    let text = "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:10434004\n\
                F3BBBD66A63D4BF1747940578EC3D0103530E21D:24230\n";
    let read = |from: u64, into: &mut [u8]| {
        let rest = &text.as_bytes()[usize::try_from(from).unwrap()..];
        let length = rest.len().min(into.len());
        into[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    };
    let size = u64::try_from(text.len()).unwrap();
    let leaked = || Some(LeakedPasswords::new(size, &read).unwrap());
    let values = [("a", "hunter2\n"), ("b", r#"{"password":"password"}"#), ("c", STRONG)];
    let findings = found(Wanted { leaked: leaked(), ..wanted(&[Kind::Pwned]) }, &values);
    // The one that was seen more often comes first.
    assert_eq!(subjects(&findings), [(Kind::Pwned, "b"), (Kind::Pwned, "a")]);
    let shown = finding::lines(&findings);
    let scripts: String = findings.into_iter().map(for_scripts).collect();
    for none in ["10434004", "24230", "hunter2", "5BAA"] {
        assert!(!shown.contains(none) && !scripts.contains(none), "{none}");
    }
}

#[test]
fn a_list_that_fails_is_an_error() {
    let text = "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8\n".repeat(3);
    let fails = Cell::new(false);
    let read = |from: u64, into: &mut [u8]| {
        if fails.get() {
            return Err(io::Error::other("bad sector"));
        }
        let rest = &text.as_bytes()[usize::try_from(from).unwrap()..];
        let length = rest.len().min(into.len());
        into[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    };
    let size = u64::try_from(text.len()).unwrap();
    let leaked = Some(LeakedPasswords::new(size, &read).unwrap());
    fails.set(true);
    let likeness = Likeness::new(&CountingEntropy::default()).unwrap();
    let mut examiner = Examiner::new(Wanted { leaked, ..wanted(&[Kind::Pwned]) }, likeness);
    let one = Examined { name: "a", made: None, value: "x" };
    assert!(matches!(examiner.take(&one), Err(Unreliable::Unreadable(_))));
}

#[test]
fn what_is_old_and_what_has_expired() {
    let since = |days: i64| Some(Timestamp(days * DAY_MS));
    let values = [("a", STRONG), ("key", "ssh-ed25519 AAAA")];
    let kinds = |days| {
        let wanted = Wanted { old_before: since(days), ..wanted(&[Kind::Old]) };
        found(wanted, &values).len()
    };
    assert_eq!((kinds(901), kinds(900)), (1, 0));
    let expires = |date: &str| format!(r#"{{"expires":"{date}"}}"#);
    // A thousand days after 1970.
    for (date, expected) in [("1972-09-26", 1), ("1972-09-30", 0), ("never", 0), ("", 0)] {
        let value = expires(date);
        assert_eq!(found(wanted(&[Kind::Expired]), &[("a", &value)]).len(), expected, "{date}");
    }
    assert_eq!(found(wanted(&[Kind::Weak]), &[("a", &expires("1972-01-01"))]), []);
}

/// Whatever is found, no value is in it.
#[test]
fn no_value_is_in_what_is_found() {
    let secrets = ["tulip-marker", "Sommer2019", "qwertz-marker"];
    let [one, two, three] = secrets;
    let login = format!(r#"{{"password":"{one}","totp":"{three}","expires":"1972-01-01"}}"#);
    let values = [("a", login.as_str()), ("b", one), ("c", two), ("d", two)];
    let kinds = Kind::ALL;
    let old_before = Some(Timestamp(999 * DAY_MS));
    let findings = found(Wanted { old_before, ..wanted(&kinds) }, &values);
    assert!(findings.len() > 6, "{}", findings.len());
    let shown = finding::lines(&findings);
    let scripts: String = findings.into_iter().map(for_scripts).collect();
    for secret in secrets {
        assert!(!shown.contains(secret) && !scripts.contains(secret), "{secret}");
    }
}
