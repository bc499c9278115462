//! The secrets of a region, and what is known of each without its value: what `find` and `pick` look
//! through.

use super::client::Client;
use super::fuzzy;
use crate::cli::failure::Failure;
use crate::model::time::Timestamp;
use crate::model::value::Value;
use crate::service::action::Action;

/// A secret, and all of it that is looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) name: String,
    pub(crate) description: String,
    /// Keys and values.
    pub(crate) tags: Vec<(String, String)>,
    /// Fields of the value that are not secret, if they were read.
    pub(crate) open: String,
    pub(crate) dates: Dates,
}

/// When what happened to a secret.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Dates {
    pub(crate) made: Option<Timestamp>,
    pub(crate) changed: Option<Timestamp>,
    /// The day its value was last read.
    pub(crate) read: Option<Timestamp>,
    pub(crate) rotated: Option<Timestamp>,
    /// When it is to be rotated next.
    pub(crate) next_rotation: Option<Timestamp>,
}

/// A secret as it is looked through, in small letters: made once, looked through with every key.
pub(crate) struct Looked {
    name: Vec<char>,
    all: String,
}

impl Looked {
    /// Returns how well it fits: the name counts more than what else there is.
    pub(crate) fn score(&self, words: &[String]) -> Option<u32> {
        let name = fuzzy::score(words, &self.name).map(|score| score * 2);
        name.max(fuzzy::whole(words, &self.all))
    }
}

impl Candidate {
    /// Returns it as it is looked through.
    pub(crate) fn looked(&self) -> Looked {
        let tags = self.tags.iter().flat_map(|(key, value)| [key.as_str(), value]);
        let parts = [self.name.as_str(), &self.description].into_iter().chain(tags);
        let all: Vec<&str> = parts.chain([self.open.as_str()]).collect();
        let name = self.name.to_lowercase().chars().collect();
        Looked { name, all: all.join(" ").to_lowercase() }
    }

    fn of(listed: &Value) -> Option<Self> {
        let text = |value: &Value, name: &str| match value.get(name) {
            Some(Value::Text(text)) => Some(text.clone()),
            Some(_) | None => None,
        };
        let time = |name: &str| match listed.get(name) {
            Some(Value::Timestamp(time)) => Some(*time),
            Some(_) | None => None,
        };
        let tags = match listed.get("Tags") {
            Some(Value::List(tags)) => tags.as_slice(),
            Some(_) | None => &[],
        };
        let tags = tags.iter().filter_map(|tag| Some((text(tag, "Key")?, text(tag, "Value")?)));
        Some(Self {
            name: text(listed, "Name")?,
            description: text(listed, "Description").unwrap_or_default(),
            tags: tags.collect(),
            open: String::new(),
            dates: Dates {
                made: time("CreatedDate"),
                changed: time("LastChangedDate"),
                read: time("LastAccessedDate"),
                rotated: time("LastRotatedDate"),
                next_rotation: time("NextRotationDate"),
            },
        })
    }
}

/// Lists all that this process may know of, which is one read in the log.
pub(crate) fn all(client: &mut Client<'_>) -> Result<Vec<Candidate>, Failure> {
    let answer = client.whole(Action::ListSecrets, Vec::new())?;
    Ok(match answer.get("SecretList") {
        Some(Value::List(listed)) => listed.iter().filter_map(Candidate::of).collect(),
        Some(_) | None => Vec::new(),
    })
}
