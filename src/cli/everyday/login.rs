//! A value that is a JSON object: its members one by one, and one of them changed with every other
//! byte left as it is. The usual members of a login are known by name.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::value::RawValue;

use crate::model::order;
use crate::sys::secret::Secret;

/// The member that a login is mostly asked for.
pub(crate) const PASSWORD: &str = "password";

/// The member that is a list of more fields, each a name, a value and a type.
const FIELDS: &str = "fields";

/// Members whose values may be seen, if they are members of the object itself. Any other is secret.
const OPEN: &[&str] = &[
    "username",
    "user",
    "login",
    "email",
    "url",
    "urls",
    "uri",
    "host",
    "hostname",
    "port",
    "engine",
    "dbname",
    "database",
    "dbInstanceIdentifier",
    "dbClusterIdentifier",
    "masterarn",
    "title",
    "path",
    "type",
    "favorite",
    "archived",
    "created",
    "modified",
    "expires",
    "account",
    "region",
];

/// A JSON object, as text, and where its members are.
pub(crate) struct Login<'t> {
    text: &'t str,
    members: Vec<Member<'t>>,
}

/// A member.
pub(crate) struct Member<'t> {
    pub(crate) name: String,
    /// Its value as JSON has it.
    json: &'t str,
    span: Range<usize>,
}

impl<'t> Login<'t> {
    /// Reads a JSON object; `None` for anything else. Of members with one name the last counts.
    pub(crate) fn read(text: &'t str) -> Option<Self> {
        let found: BTreeMap<String, &'t RawValue> = serde_json::from_str(text).ok()?;
        let start = text.as_ptr().addr();
        let mut members: Vec<Member<'t>> = Vec::with_capacity(found.len());
        for (name, value) in found {
            let json = value.get();
            let from = json.as_ptr().addr().checked_sub(start)?;
            members.push(Member { name, json, span: from..from + json.len() });
        }
        order::sort_by_key(&mut members, |member| member.span.start);
        Some(Self { text, members })
    }

    /// Returns the members in their order.
    pub(crate) fn members(&self) -> &[Member<'t>] {
        &self.members
    }

    /// Finds a member.
    pub(crate) fn get(&self, name: &str) -> Option<&Member<'t>> {
        self.members.iter().find(|member| member.name == name)
    }

    /// Returns the text with one member changed to a text, or added at the end; all else stays, to the
    /// byte.
    pub(crate) fn with(&self, name: &str, value: &Secret<String>) -> Secret<String> {
        self.with_json(name, &Secret::new(quoted(value.expose())))
    }

    /// Finds another text than the member `totp` that makes one-time passwords: that of the first element
    /// of `fields` which is of this type, and of the name, if one is given. Returns its place.
    pub(crate) fn further_totp(&self, name: Option<&str>) -> Option<(usize, Secret<String>)> {
        let elements: Vec<&RawValue> = serde_json::from_str(self.get(FIELDS)?.json).ok()?;
        elements.iter().enumerate().find_map(|(place, element)| {
            let field = Login::read(element.get())?;
            let is_meant = field.get("type")?.value().expose() == "totp"
                && name.is_none_or(|name| {
                    field.get("name").is_some_and(|known| known.value().expose() == name)
                });
            let value = field.get("value").filter(|value| !value.is_empty())?;
            is_meant.then(|| (place, value.value()))
        })
    }

    /// Returns the text with the value of an element of `fields` changed; all else stays, to the byte.
    pub(crate) fn with_field(
        &self,
        place: usize,
        value: &Secret<String>,
    ) -> Option<Secret<String>> {
        let json = self.get(FIELDS)?.json;
        let elements: Vec<&RawValue> = serde_json::from_str(json).ok()?;
        let element = elements.get(place)?.get();
        let from = element.as_ptr().addr().checked_sub(json.as_ptr().addr())?;
        let changed = Login::read(element)?.with("value", value);
        let mut fields = Secret::new(String::with_capacity(json.len() + changed.expose().len()));
        let after = json.get(from + element.len()..)?;
        for part in [json.get(..from)?, changed.expose(), after] {
            fields.expose_mut().push_str(part);
        }
        Some(self.with_json(FIELDS, &fields))
    }

    fn with_json(&self, name: &str, json: &Secret<String>) -> Secret<String> {
        let Some(member) = self.get(name) else { return self.with_new(name, json) };
        let (before, after) =
            (self.text.get(..member.span.start), self.text.get(member.span.end..));
        let mut changed = String::with_capacity(self.text.len() + json.expose().len());
        changed.push_str(before.unwrap_or_default());
        changed.push_str(json.expose());
        changed.push_str(after.unwrap_or_default());
        Secret::new(changed)
    }

    /// Adds a member in the manner of those that are there.
    fn with_new(&self, name: &str, json: &Secret<String>) -> Secret<String> {
        let open = self.text.find('{').unwrap_or_default() + 1;
        let end = match self.members.last() {
            Some(last) => last.span.end,
            None => open,
        };
        let inside = self.text.get(open..).unwrap_or_default();
        let space: &str = match self.members.first() {
            Some(_) => inside.split('"').next().unwrap_or_default(),
            None => "",
        };
        let colon = self.members.first().map_or("", |first| {
            let before = self.text.get(..first.span.start).unwrap_or_default();
            before.rsplit(':').next().unwrap_or_default()
        });
        let comma = if self.members.is_empty() {
            ""
        } else if space.is_empty() && !colon.is_empty() {
            ", "
        } else {
            ","
        };
        let name = quoted(name);
        let mut changed = String::with_capacity(self.text.len() + json.expose().len() + 64);
        changed.push_str(self.text.get(..end).unwrap_or_default());
        for part in [comma, space, &name, ":", colon, json.expose()] {
            changed.push_str(part);
        }
        changed.push_str(self.text.get(end..).unwrap_or_default());
        Secret::new(changed)
    }
}

impl<'t> Member<'t> {
    /// Whether its value is not for everybody's eyes.
    pub(crate) fn is_secret(&self) -> bool {
        !OPEN.iter().any(|open| open.eq_ignore_ascii_case(&self.name))
    }

    /// Whether it holds nothing.
    pub(crate) fn is_empty(&self) -> bool {
        ["\"\"", "null", "[]", "{}"].contains(&self.json)
    }

    /// Returns its value, if that is a text.
    pub(crate) fn text(&self) -> Option<Secret<String>> {
        serde_json::from_str::<String>(self.json).ok().map(Secret::new)
    }

    /// Returns its value as JSON has it.
    pub(crate) fn json(&self) -> &'t str {
        self.json
    }

    /// Returns its value: a text as it is, anything else as JSON.
    pub(crate) fn value(&self) -> Secret<String> {
        self.text().unwrap_or_else(|| Secret::new(self.json.to_owned()))
    }
}

/// Returns an object of these members.
pub(crate) fn object(members: &[(String, Secret<String>)]) -> Secret<String> {
    let mut text = Secret::new("{}".to_owned());
    for (name, value) in members {
        let next = Login::read(text.expose()).map(|login| login.with(name, value));
        if let Some(next) = next {
            text = next;
        }
    }
    text
}

/// Writes a text as JSON has it.
fn quoted(text: &str) -> String {
    serde_json::Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    #[test]
    fn one_member_is_changed_and_every_other_byte_stays() {
        for (text, name, expected) in [
            (
                r#"{"username":"ada","password":"old","n":1.50}"#,
                "password",
                r#"{"username":"ada","password":"new\"","n":1.50}"#,
            ),
            (r#"{"password":"old"}"#, "pin", r#"{"password":"old","pin":"new\""}"#),
            (r#"{"a": 1, "b": 2}"#, "c", r#"{"a": 1, "b": 2, "c": "new\""}"#),
            (
                "{\n  \"a\": {\"x\": 1}\n}\n",
                "b",
                "{\n  \"a\": {\"x\": 1},\n  \"b\": \"new\\\"\"\n}\n",
            ),
            ("{}", "a", r#"{"a":"new\""}"#),
            (r#" { "é" : [ "é" ] } "#, "é", " { \"é\" : \"new\\\"\" } "),
        ] {
            let changed = Login::read(text).unwrap().with(name, &secret("new\""));
            assert_eq!(changed.expose(), expected);
        }
    }

    #[test]
    fn members_come_in_their_order() {
        let login = Login::read(r#"{"z":"1","a":2,"password":""}"#).unwrap();
        let names: Vec<&str> = login.members().iter().map(|member| member.name.as_str()).collect();
        assert_eq!(names, ["z", "a", "password"]);
        assert_eq!(login.get("z").unwrap().value().expose(), "1");
        assert_eq!(login.get("a").unwrap().value().expose(), "2");
        assert!(login.get("password").unwrap().is_empty());
        for text in ["", "[]", "\"x\"", "{", "{\"a\"}", "plain"] {
            assert!(Login::read(text).is_none(), "{text}");
        }
    }

    #[test]
    fn what_is_not_known_to_be_open_is_secret() {
        let login = Login::read(r#"{"Username":1,"password":1,"apiKey":1,"urls":1}"#).unwrap();
        let secret: Vec<bool> = login.members().iter().map(Member::is_secret).collect();
        assert_eq!(secret, [false, true, true, false]);
    }

    #[test]
    fn a_login_has_further_one_time_passwords() {
        let text = r#"{"password":"p","fields":[{"name":"pin","value":"1","type":"hidden"},
            {"name":"work", "value":"AAAA", "type":"totp"},{"name":"bank","value":"BBBB","type":"totp"}]}"#;
        let login = Login::read(text).unwrap();
        let found =
            |name| login.further_totp(name).map(|(place, text)| (place, text.expose().clone()));
        assert_eq!(found(None), Some((1, "AAAA".to_owned())));
        assert_eq!(found(Some("bank")), Some((2, "BBBB".to_owned())));
        assert_eq!(found(Some("pin")), None);
        let changed = login.with_field(1, &secret("CC")).unwrap();
        assert_eq!(changed.expose(), &text.replace("AAAA", "CC"));
        assert!(Login::read(r#"{"fields":"x"}"#).unwrap().further_totp(None).is_none());
    }

    #[test]
    fn an_object_is_made_of_members() {
        let members =
            [("username".to_owned(), secret("ada")), ("password".to_owned(), secret("x"))];
        assert_eq!(object(&members).expose(), r#"{"username":"ada","password":"x"}"#);
    }
}
