use super::super::login::{Field, FieldKind};
use super::*;
use crate::model::time::Timestamp;

const PLAN: Plan<'static> =
    Plan { source: "test", prefix: "", history: 10, max_attachment: 200_000 };

fn item(title: &str) -> Item {
    let login = Login {
        username: "ann".to_owned(),
        password: "s3-Kite".into(),
        modified: Some("2026-01-02T03:04:05Z".to_owned()),
        ..Login::default()
    };
    Item::of_login(Origin::Id("i1".to_owned()), title, login)
}

fn planned(item: &Item) -> Planned {
    let name = naming::plain(item, PLAN.prefix);
    PLAN.secrets(item, &name, PLAN.titled(item, &name))
}

fn text(version: &WantedVersion) -> String {
    String::from_utf8(version.value.expose_bytes().to_vec()).unwrap()
}

fn current(planned: &Planned) -> String {
    text(planned.secrets[0].versions.last().unwrap())
}

fn told(planned: &Planned) -> Vec<(Outcome, &str)> {
    planned.remarks.iter().map(|remark| (remark.outcome, remark.what.as_str())).collect()
}

fn file(name: &str, length: usize) -> Attachment {
    Attachment { name: name.to_owned(), bytes: Secret::new(vec![7; length]) }
}

fn pairs(tags: &[(&str, &str)]) -> Vec<(String, String)> {
    tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn a_login_is_one_value_and_says_what_it_is() {
    let mut item = item("Große Bank");
    item.folders = vec!["Work".to_owned()];
    item.labels = vec!["aws".to_owned(), "über uns".to_owned()];
    item.login_mut().unwrap().is_favorite = true;
    let planned = planned(&item);
    let [secret] = &planned.secrets[..] else { panic!() };
    assert_eq!(secret.name, "Work/Gro=C3=9Fe+Bank");
    assert_eq!(secret.description.as_deref(), Some("Große Bank"));
    assert_eq!(
        secret.tags,
        pairs(&[
            ("kind", "login"),
            ("favorite", "true"),
            ("src", "test"),
            ("src-id", "i1"),
            ("tag:aws", ""),
            ("tag:=C3=BCber+uns", ""),
        ])
    );
    assert_eq!(
        current(&planned),
        r#"{"username":"ann","password":"s3-Kite","favorite":true,"modified":"2026-01-02T03:04:05Z"}"#
    );
    assert_eq!(told(&planned), []);
}

/// What the name does not show is in the value.
#[test]
fn title_and_folders_are_in_the_value_where_the_name_does_not_show_them() {
    let mut long = item(&"x".repeat(300));
    long.folders = vec![String::new(), "a".to_owned()];
    let value = current(&planned(&long));
    assert!(value.contains(&format!(r#""title":"{}""#, "x".repeat(300))), "{value}");
    assert!(value.contains(r#""path":["","a"]"#), "{value}");
    let of_another_name = PLAN.secrets(&item("a"), "a.2", PLAN.titled(&item("a"), "a.2"));
    assert!(current(&of_another_name).contains(r#""title":"a""#));
    assert!(!current(&planned(&item("a"))).contains("title"));
}

#[test]
fn earlier_values_are_versions_with_ids_that_stay() {
    let mut item = item("a");
    for (day, password) in [(1, "one"), (2, "one"), (3, "two"), (4, "s3-Kite")] {
        let mut login = item.login_mut().unwrap().copy();
        login.password = password.into();
        let at = Some(Timestamp(day * crate::model::time::DAY_MS));
        item.history.push(Earlier { at, content: Content::Login(Box::new(login)) });
    }
    let first = planned(&item);
    let values: Vec<String> = first.secrets[0].versions.iter().map(text).collect();
    assert_eq!(values.len(), 3, "what is the same twice is one version");
    for (value, password) in values.iter().zip(["one", "two", "s3-Kite"]) {
        assert!(value.contains(password), "{value}");
    }
    let ids = |planned: &Planned| {
        planned.secrets[0].versions.iter().map(|version| version.id.clone()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&first), ids(&planned(&item)));
    let distinct: std::collections::BTreeSet<String> = ids(&first).into_iter().collect();
    assert_eq!(distinct.len(), 3);
    // No value is in an id: another password is the same version.
    item.login_mut().unwrap().password = "another".into();
    assert_eq!(ids(&planned(&item)).last(), ids(&first).last());

    let few = Plan { history: 1, ..PLAN };
    let few = few.secrets(&item, "a", Titled::No);
    assert_eq!(few.secrets[0].versions.len(), 2);
    let what = "3 of its earlier values; --history takes more along";
    assert_eq!(told(&few), [(Outcome::PartLeftOut, what)]);
}

#[test]
fn files_are_secrets_of_their_own() {
    let mut item = item("a");
    item.attachments = vec![
        file("x y.pdf", 3),
        file("x y.pdf", 4),
        file("x", 1),
        file("large", 65_537),
        file("huge", 200_001),
        file("none", 0),
    ];
    let planned = planned(&item);
    let sizes: Vec<(&str, usize)> = planned.secrets[1..]
        .iter()
        .map(|file| (file.name.as_str(), file.versions[0].value.expose_bytes().len()))
        .collect();
    assert_eq!(
        sizes,
        [
            ("a=a/x+y.pdf", 3),
            ("a=a/x+y.pdf.2", 4),
            ("a=a/x", 1),
            ("a=a/large=p01", 65_536),
            ("a=a/large=p02", 1)
        ]
    );
    let tags = &planned.secrets[1].tags;
    assert_eq!(
        *tags,
        pairs(&[("kind", "attachment"), ("src", "test"), ("src-id", "i1=a/x+y.pdf")])
    );
    let value: Json = serde_json::from_str(&current(&planned)).unwrap();
    let listed = value["attachments"].as_array().unwrap();
    assert_eq!((&listed[0]["secret"], &listed[0]["size"]), (&"a=a/x+y.pdf".into(), &3.into()));
    assert_eq!(listed[0]["sha256"].as_str().unwrap().len(), 64);
    assert_eq!((&listed[4]["secret"], &listed[5]["secret"]), (&Json::Null, &Json::Null));
    let outcomes: Vec<Outcome> = planned.remarks.iter().map(|remark| remark.outcome).collect();
    assert_eq!(outcomes, [Outcome::PartLeftOut, Outcome::Changed]);
}

#[test]
fn what_is_too_long_gives_up_what_matters_least_and_is_never_cut() {
    let mut item = item("a");
    let login = item.login_mut().unwrap();
    login.left_over.insert("x".to_owned(), "y".repeat(60_000).into());
    login.notes = "n".repeat(60_000).into();
    let without = planned(&item);
    assert!(!current(&without).contains("source"));
    assert!(current(&without).contains("nnn"));
    assert_eq!(without.remarks[0].outcome, Outcome::PartLeftOut);

    item.login_mut().unwrap().notes = "n".repeat(70_000).into();
    let with_file = planned(&item);
    assert!(!current(&with_file).contains("nnn"));
    let parts: Vec<&str> = with_file.secrets[1..].iter().map(|file| file.name.as_str()).collect();
    assert_eq!(parts, ["a=a/notes.txt=p01", "a=a/notes.txt=p02"]);
    let length: usize =
        with_file.secrets[1..].iter().map(|file| file.versions[0].value.expose_bytes().len()).sum();
    assert_eq!(length, 70_000);

    let field = Field::new("f", "z".repeat(70_000), FieldKind::Hidden);
    item.login_mut().unwrap().fields.push(field);
    let nothing = planned(&item);
    assert!(nothing.secrets.is_empty());
    assert_eq!(nothing.remarks.last().unwrap().outcome, Outcome::LeftOut);
}

#[test]
fn texts_and_bytes_stay_what_they_are() {
    let mut variable = Item::of_text(Origin::Line(3), "DB_PASSWORD", "s3-Kite".to_owned());
    variable.tags = pairs(&[("env", "prod"), ("aws:x", "y"), ("a,b", "c")]);
    let one = planned(&variable);
    assert_eq!((one.secrets[0].name.as_str(), current(&one).as_str()), ("DB_PASSWORD", "s3-Kite"));
    assert_eq!(one.secrets[0].tags, pairs(&[("env", "prod")]));
    assert_eq!(one.remarks.len(), 2);

    let empty = planned(&Item::of_text(Origin::Line(3), "EMPTY", String::new()));
    assert!(empty.secrets.is_empty());
    assert_eq!(told(&empty), [(Outcome::LeftOut, "has no value, and no secret can be empty")]);

    let long = planned(&Item::of_text(Origin::Line(3), "LONG", "x".repeat(65_537)));
    let names: Vec<&str> = long.secrets.iter().map(|part| part.name.as_str()).collect();
    assert_eq!(names, ["LONG=p01", "LONG=p02"]);
    let longer = planned(&Item::of_text(Origin::Line(3), "LONG", "x".repeat(200_001)));
    assert!(longer.secrets.is_empty());
    let exactly = planned(&Item::of_text(Origin::Line(3), "LONG", "x".repeat(65_536)));
    assert_eq!(exactly.secrets.len(), 1);
}

#[test]
fn labels_that_are_no_tags_are_in_the_value() {
    let mut item = item("a");
    item.labels = (0..60).map(|number| format!("label{number}")).collect();
    item.labels.insert(0, "l".repeat(130));
    let planned = planned(&item);
    assert!(planned.secrets[0].tags.len() <= 50);
    let value: Json = serde_json::from_str(&current(&planned)).unwrap();
    let left = value["source"]["labels"].as_array().unwrap();
    let tags = planned.secrets[0].tags.iter().filter(|(key, _)| key.starts_with("tag:")).count();
    assert_eq!(left.len() + tags, 61);
    assert_eq!(planned.remarks[0].outcome, Outcome::Changed);
}

#[test]
fn ids_that_are_no_tags_are_written_as_names_are() {
    for (id, tag) in [("a-b/c:1", "a-b/c:1"), ("Große Bank", "Gro=C3=9Fe+Bank")] {
        assert_eq!(tags::value(id), tag);
    }
    assert_eq!(tags::value(&"x".repeat(257)).len(), 64);
}

#[test]
fn names_that_only_their_case_tells_apart_are_told() {
    let origins = [Origin::Line(2), Origin::Line(3), Origin::Line(4)];
    let remarks = of_one_spelling(origins.iter().zip(["Mail", "web", "mail"]));
    let [remark] = &remarks[..] else { panic!() };
    assert_eq!(remark.origin, Origin::Line(4));
    assert_eq!(remark.what, "its name mail and Mail differ only in case");
}
