//! What `aws secretsmanager list-secrets`, `batch-get-secret-value`, `get-secret-value` and
//! `describe-secret` print, one document or several; and chamber's exports. Names and values are exact.

mod dump;
mod yaml;

use serde_json::{Map, Value as Json};

use super::super::item::Origin;
use super::super::reading::{Error, Outcome, Reading, Wishes};
use super::super::shape::Shape;

/// What chamber keeps about its own keys, within the secret.
const CHAMBER_METADATA: &str = "_chamber_metadata";

pub(super) fn is_dump(shape: &Shape) -> bool {
    shape.json().is_some_and(|json| dump::objects(json).any(dump::is_one))
}

/// Reads documents of AWS.
pub(super) fn read_dump(shape: &Shape, _wishes: &Wishes) -> Result<Reading, Error> {
    let json = shape.json().ok_or(Error::Unknown)?;
    Ok(dump::read(json))
}

/// A flat map of texts, as JSON or YAML.
pub(super) fn is_chamber(shape: &Shape) -> bool {
    let map = shape.json().and_then(Json::as_object);
    map.is_some_and(|map| !map.is_empty() && map.values().all(Json::is_string))
        || shape.text().is_some_and(|text| yaml::pairs(text).is_some())
}

/// Reads chamber's.
pub(super) fn read_chamber(shape: &Shape, _wishes: &Wishes) -> Result<Reading, Error> {
    let mut reading = Reading::new();
    for (name, value) in &members(shape).ok_or(Error::Unknown)? {
        let origin = Origin::Id(name.clone());
        match value.as_str() {
            _ if name == CHAMBER_METADATA => {
                reading.remark(&origin, Outcome::LeftOut, "is chamber's own");
            }
            Some("") => reading.remark(&origin, Outcome::LeftOut, "is empty"),
            Some(value) => reading.items.push(dump::named(origin, name, value.to_owned())),
            None => reading.remark(&origin, Outcome::LeftOut, "is no text"),
        }
    }
    Ok(reading)
}

/// The members of the map.
fn members(shape: &Shape) -> Option<Map<String, Json>> {
    if let Some(map) = shape.json().and_then(Json::as_object) {
        return Some(map.clone());
    }
    let pairs = yaml::pairs(shape.text()?)?;
    let mut map = Map::new();
    map.extend(pairs.into_iter().map(|(name, value)| (name, value.into())));
    Some(map)
}
