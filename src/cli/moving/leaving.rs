//! What `export` says: how many secrets are in the export, and what it cannot hold. Never a value.

use crate::model::value::Value;
use crate::transfer::write::Losses;

/// How many names or kinds of things a line has.
const MOST_NAMED: usize = 8;

/// What an export is, or would be.
pub(crate) struct Leaving {
    /// How many secrets there are.
    pub(crate) secrets: u64,
    pub(crate) losses: Losses,
}

impl Leaving {
    /// How many secrets are in the export, files of others among them.
    pub(crate) fn written(&self) -> u64 {
        self.secrets.saturating_sub(self.losses.left_out())
    }

    /// Whether whole secrets are left out.
    pub(crate) fn lacks_secrets(&self) -> bool {
        self.losses.left_out() > 0
    }

    /// Returns the members of the answer that say it.
    pub(crate) fn members(&self) -> Vec<(String, Value)> {
        let text = |name: &str, text: &str| (name.to_owned(), Value::Text(text.to_owned()));
        let count = |name: &str, count: u64| {
            (name.to_owned(), Value::Integer(i64::try_from(count).unwrap_or(i64::MAX)))
        };
        let losses = self.losses.counts().map(|(feature, number)| {
            Value::Map(vec![text("What", feature.name()), count("Count", number)])
        });
        let remarks = self.losses.remarks().iter().map(|told| {
            let outcome = if told.is_left_out { "left out" } else { "worth a look" };
            Value::Map(vec![
                text("Name", &told.name),
                text("Outcome", outcome),
                text("What", &told.what),
            ])
        });
        vec![
            count("Secrets", self.written()),
            count("LeftOut", self.losses.left_out()),
            ("Losses".to_owned(), Value::List(losses.collect())),
            ("Remarks".to_owned(), Value::List(remarks.collect())),
        ]
    }

    /// Says in lines what is not in the export, for whoever does not see the answer.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let lost: Vec<String> = self
            .losses
            .counts()
            .map(|(feature, count)| format!("{count} {}", feature.name()))
            .collect();
        if !lost.is_empty() {
            lines.push(format!("note: this format cannot hold: {}", lost.join("; ")));
        }
        for (word, is_left_out) in [("left out", true), ("worth a look", false)] {
            lines.extend(self.named(word, is_left_out));
        }
        lines
    }

    /// Says in a line which secrets are left out, or are not read alike by all.
    fn named(&self, word: &str, is_left_out: bool) -> Option<String> {
        let all = || self.losses.remarks().iter().filter(|told| told.is_left_out == is_left_out);
        let more = all().count().saturating_sub(MOST_NAMED);
        let more = if more > 0 { format!("; and {more} more") } else { String::new() };
        let named: Vec<String> =
            all().take(MOST_NAMED).map(|told| format!("{}: {}", told.name, told.what)).collect();
        (!named.is_empty()).then(|| format!("note: {word}: {}{more}", named.join("; ")))
    }
}
