//! A request or response as a tree, members in order: what JSON, CBOR and the command line share.

use super::time::Timestamp;

/// A value on the wire. Has no `Debug`: it may hold a secret.
#[derive(Clone, PartialEq)]
pub(crate) enum Value {
    /// JSON's `null`; in a request the same as absence.
    Null,
    Boolean(bool),
    Integer(i64),
    /// A number with a fraction, which no member takes; kept so that the refusal can show it.
    Float(f64),
    Text(String),
    /// Bytes; base64 in JSON.
    Bytes(Vec<u8>),
    Timestamp(Timestamp),
    List(Vec<Value>),
    /// Members in order, each name once.
    Map(Vec<(String, Value)>),
}

impl Value {
    /// Finds a member of a map.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        let Self::Map(members) = self else { return None };
        members.iter().find(|(n, _)| n == name).map(|(_, v)| v)
    }

    /// Finds a member of a map, for change.
    pub(crate) fn get_mut(&mut self, name: &str) -> Option<&mut Value> {
        let Self::Map(members) = self else { return None };
        members.iter_mut().find(|(n, _)| n == name).map(|(_, v)| v)
    }
}
