//! What was found, as a script and as a person gets it.

use super::kind::Kind;
use crate::model::order;
use crate::model::time::Timestamp;
use crate::model::value::Value;

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) kind: Kind,
    pub(crate) about: About,
    /// What is wrong, in words.
    pub(crate) problem: String,
    /// The command that puts it right.
    pub(crate) remedy: String,
    /// A date that it is about.
    pub(crate) date: Option<Timestamp>,
    /// Among those of its kind: the smaller, the worse.
    pub(crate) rank: u64,
}

/// What a finding is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum About {
    /// A secret, or a member of it, and other secrets with the same one.
    Secret { name: String, field: Option<String>, others: Vec<String> },
    /// A file.
    Path(String),
    /// The vault.
    Vault,
}

impl Finding {
    /// A finding about a secret.
    pub(crate) fn of_secret(kind: Kind, name: &str, problem: impl Into<String>) -> Self {
        let about = About::Secret { name: name.to_owned(), field: None, others: Vec::new() };
        Self::new(kind, about, problem)
    }

    /// A finding.
    pub(crate) fn new(kind: Kind, about: About, problem: impl Into<String>) -> Self {
        let (problem, remedy) = (problem.into(), String::new());
        Self { kind, about, problem, remedy, date: None, rank: 0 }
    }

    /// Says what puts it right.
    #[must_use]
    pub(crate) fn mended_by(self, remedy: impl Into<String>) -> Self {
        Self { remedy: remedy.into(), ..self }
    }

    /// Returns it as scripts get it.
    pub(crate) fn into_value(self) -> Value {
        let text = |name: &str, text: String| (name.to_owned(), Value::Text(text));
        let mut members = vec![text("Kind", self.kind.name().to_owned())];
        match self.about {
            About::Secret { name, field, others } => {
                members.push(text("Name", name));
                members.extend(field.map(|field| text("Field", field)));
                if !others.is_empty() {
                    let others = others.into_iter().map(Value::Text).collect();
                    members.push(("Others".to_owned(), Value::List(others)));
                }
            }
            About::Path(path) => members.push(text("Path", path)),
            About::Vault => {}
        }
        members.push(text("Problem", self.problem));
        members.extend(self.date.map(|date| ("Date".to_owned(), Value::Timestamp(date))));
        members.push(text("Remedy", self.remedy));
        Value::Map(members)
    }

    /// Whether it is about a secret whose name begins so.
    pub(crate) fn is_below(&self, prefix: &str) -> bool {
        matches!(&self.about, About::Secret { name, .. } if name.starts_with(prefix))
    }

    fn subject(&self) -> String {
        match &self.about {
            About::Secret { name, field: None, .. } => name.clone(),
            About::Secret { name, field: Some(field), .. } => format!("{name} {field}"),
            About::Path(path) => path.clone(),
            About::Vault => "the vault".to_owned(),
        }
    }
}

/// Puts findings into their order: the most important kind first, the worst of a kind first.
pub(crate) fn sort(findings: &mut [Finding]) {
    order::sort_by(findings, |a, b| {
        let place = |finding: &Finding| (finding.kind, finding.rank);
        place(a).cmp(&place(b)).then_with(|| a.subject().cmp(&b.subject()))
    });
}

/// Draws findings in groups, a line each, with what to do.
pub(crate) fn lines(findings: &[Finding]) -> String {
    let mut out = String::new();
    for group in findings.chunk_by(|a, b| a.kind == b.kind) {
        let Some(first) = group.first() else { continue };
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(first.kind.name());
        out.push('\n');
        let rows: Vec<[String; 3]> = group
            .iter()
            .map(|finding| [finding.subject(), finding.problem.clone(), finding.remedy.clone()])
            .collect();
        let width = |column: usize| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
        };
        let widths = [width(0), width(1), 0];
        for row in &rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(widths) {
                // A line is a line, whatever a name or a path holds.
                let cell = cell.replace(['\n', '\r'], " ");
                let pad = width.saturating_sub(cell.chars().count());
                line.push_str("  ");
                line.push_str(&cell);
                line.push_str(&" ".repeat(pad));
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
    }
    out
}

/// Says in a sentence what came of it, and of how many secrets and passwords, if there was a look at them.
pub(crate) fn sentence(findings: usize, secrets: Option<u64>, passwords: Option<u64>) -> String {
    let many = |count: u64, one: &str| match count {
        1 => format!("1 {one}"),
        count => format!("{count} {one}s"),
    };
    let looked = secrets.map(|count| format!("; looked at {}", many(count, "secret")));
    let with = passwords.map(|count| format!(" with {}", many(count, "password")));
    let found = match u64::try_from(findings).unwrap_or(u64::MAX) {
        0 => "nothing was found wrong".to_owned(),
        count => format!("{} to put right", many(count, "thing")),
    };
    format!("{found}{}{}", looked.unwrap_or_default(), with.unwrap_or_default())
}

/// Spells a word as a shell reads it.
pub(crate) fn for_shell(word: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/_+=.@-".contains(letter);
    if !word.is_empty() && !word.starts_with('-') && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_comes_first_in_groups() {
        let finding = |kind, name: &str, rank| {
            let finding = Finding::of_secret(kind, name, "p").mended_by(format!("mend {name}"));
            Finding { rank, ..finding }
        };
        let mut findings = [
            finding(Kind::Old, "a", 0),
            finding(Kind::Weak, "z/long", 1),
            finding(Kind::Weak, "b", 1),
            finding(Kind::Weak, "y", 0),
            Finding::new(Kind::SingleSlot, About::Vault, "q").mended_by("mend it"),
        ];
        sort(&mut findings);
        assert_eq!(
            lines(&findings),
            "weak\n  y       p  mend y\n  b       p  mend b\n  z/long  p  mend z/long\n\n\
             single-slot\n  the vault  q  mend it\n\nold\n  a  p  mend a\n"
        );
        assert_eq!(lines(&[]), "");
    }

    #[test]
    fn a_script_gets_all_of_it() {
        let about = About::Secret {
            name: "a".to_owned(),
            field: Some("pin".to_owned()),
            others: vec!["b".to_owned()],
        };
        let finding = Finding::new(Kind::Reused, about, "same").mended_by("set");
        let finding = Finding { date: Some(Timestamp(5)), ..finding };
        let Value::Map(members) = finding.into_value() else { panic!() };
        let names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["Kind", "Name", "Field", "Others", "Problem", "Date", "Remedy"]);
    }

    #[test]
    fn what_came_of_it_is_a_sentence() {
        for (findings, secrets, passwords, expected) in [
            (0, Some(1), Some(2), "nothing was found wrong; looked at 1 secret with 2 passwords"),
            (1, Some(0), Some(1), "1 thing to put right; looked at 0 secrets with 1 password"),
            (2, Some(3), None, "2 things to put right; looked at 3 secrets"),
            (3, None, None, "3 things to put right"),
        ] {
            assert_eq!(sentence(findings, secrets, passwords), expected);
        }
    }

    #[test]
    fn a_remedy_can_be_typed() {
        for (word, expected) in [
            ("web/mail", "web/mail"),
            ("Old password", "'Old password'"),
            ("it's", r"'it'\''s'"),
            ("-x", "'-x'"),
            ("", "''"),
        ] {
            assert_eq!(for_shell(word), expected);
        }
    }
}
