use super::super::super::reading::Source;
use super::*;
use crate::sys::secret::Secret;

fn read(text: &str, password: Option<&str>) -> Result<Reading, Error> {
    let shape = Shape::of(Source::Bytes(Secret::new(text.into()))).ok().unwrap();
    assert!(is_json(&shape));
    let password = password.map(|password| Secret::new(password.to_owned()));
    read_json(&shape, &Wishes { password, ..Wishes::default() })
}

fn protected(name: &str) -> String {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transfer/bitwarden");
    std::fs::read_to_string(root.join(name)).unwrap()
}

#[test]
fn a_password_is_needed_and_no_other_will_do() {
    let text = protected("protected-pbkdf2.json");
    assert_eq!(read(&text, None).err(), Some(Error::NoPassword));
    for password in ["hunter1", "", "hunter2 "] {
        assert_eq!(read(&text, Some(password)).err(), Some(Error::WrongPassword));
    }
    assert_eq!(read(&text, Some("hunter2")).ok().unwrap().items.len(), 2);
}

/// Without the bounds, each of these would take all the memory, or days.
#[test]
fn hostile_costs_are_refused_before_any_work() {
    let text = protected("protected-argon2id.json");
    let sound: Json = serde_json::from_str(&text).unwrap();
    for (name, number) in [
        ("kdfIterations", 11_u64),
        ("kdfIterations", u64::MAX),
        ("kdfMemory", 1 << 20),
        ("kdfMemory", 0),
        ("kdfParallelism", 1 << 31),
    ] {
        let mut hostile = sound.clone();
        hostile[name] = number.into();
        let error = read(&hostile.to_string(), None).err().unwrap();
        assert!(matches!(error, Error::TooMuch(_)), "{name}: {error}");
    }
    for (name, value) in [
        ("kdfIterations", Json::from(2.5)),
        ("kdfIterations", (-1).into()),
        ("kdfMemory", Json::Null),
        ("kdfType", 2.into()),
        ("salt", 1.into()),
        ("data", "2.AA==|AA==|AA==".into()),
        ("data", "7.AAAA".into()),
        ("encKeyValidation_DO_NOT_EDIT", Json::Null),
    ] {
        let mut broken = sound.clone();
        broken[name] = value;
        let error = read(&broken.to_string(), None).err().unwrap();
        assert!(matches!(error, Error::Malformed { .. }), "{name}: {error}");
    }
}

#[test]
fn what_is_for_the_account_is_refused_with_a_way_out() {
    let text = r#"{"encrypted":true,"encKeyValidation_DO_NOT_EDIT":"2.x","folders":[],"items":[]}"#;
    let error = read(text, None).err().unwrap();
    assert!(matches!(&error, Error::Unreadable { remedy, .. } if remedy.contains("export again")));
}

#[test]
fn old_passwords_are_bounded() {
    let old =
        |number: usize| serde_json::json!({"password": format!("p{number}"), "lastUsedDate": null});
    let history: Vec<Json> = (0..150).map(old).collect();
    let item = serde_json::json!({"id": "i", "type": 1, "name": "a", "passwordHistory": history});
    let text = serde_json::json!({"encrypted": false, "items": [item]}).to_string();
    let reading = read(&text, None).ok().unwrap();
    assert_eq!(reading.items[0].history.len(), 100);
    assert_eq!(reading.remarks[0].outcome, Outcome::PartLeftOut);
}

#[test]
fn long_values_stay_whole() {
    let (notes, value) = ("ö".repeat(30_000), "v".repeat(100_000));
    let item = serde_json::json!({
        "id": "i", "type": 2, "notes": notes, "fields": [{"name": "f", "value": value, "type": 1}],
    });
    let text = serde_json::json!({"encrypted": false, "items": [item]}).to_string();
    let mut reading = read(&text, None).ok().unwrap();
    let login = reading.items[0].login_mut().unwrap();
    assert!(login.notes.expose() == notes && login.fields[0].value.expose() == value);
}
