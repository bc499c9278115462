//! Values judged one after the other. Of each password only a mark is kept, under a key that goes with
//! the process; no finding holds a value, or what one could be found by.

use std::collections::BTreeMap;

use super::super::times;
use super::finding::{About, Finding, for_shell};
use super::kind::Kind;
use super::listing::rank;
use super::passwords::{self, Password};
use crate::crypto::leaked::{LeakedPasswords, Unreliable};
use crate::crypto::likeness::{Likeness, Mark};
use crate::crypto::passphrase;
use crate::model::order;
use crate::model::time::Timestamp;

/// What is looked for.
pub(crate) struct Wanted<'a> {
    pub(crate) kinds: &'a [Kind],
    /// Since when a password is not old, if at all.
    pub(crate) old_before: Option<Timestamp>,
    /// The list of leaked passwords, if there is one.
    pub(crate) leaked: Option<LeakedPasswords<'a>>,
    pub(crate) now: Timestamp,
}

/// A value, and whose it is.
pub(crate) struct Examined<'v> {
    pub(crate) name: &'v str,
    /// When the version was made.
    pub(crate) made: Option<Timestamp>,
    pub(crate) value: &'v str,
}

/// Judges values.
pub(crate) struct Examiner<'a> {
    wanted: Wanted<'a>,
    likeness: Likeness,
    /// Who has the password of a mark.
    holders: BTreeMap<Mark, Vec<Holder>>,
    findings: Vec<Finding>,
    passwords: u64,
}

/// A secret that has some password, and where.
struct Holder {
    name: String,
    field: Option<String>,
}

impl<'a> Examiner<'a> {
    /// Begins, with a key for marks.
    pub(crate) fn new(wanted: Wanted<'a>, likeness: Likeness) -> Self {
        let (holders, findings) = (BTreeMap::new(), Vec::new());
        Self { wanted, likeness, holders, findings, passwords: 0 }
    }

    /// Judges a value.
    ///
    /// # Errors
    /// The list of leaked passwords cannot be relied on.
    pub(crate) fn take(&mut self, examined: &Examined<'_>) -> Result<(), Unreliable> {
        let passwords = passwords::passwords(examined.value);
        let count = u64::try_from(passwords.len()).unwrap_or_default();
        self.passwords = self.passwords.saturating_add(count);
        let is_weak_wanted = self.wants(Kind::Weak);
        let known = match passwords.first() {
            Some(_) if is_weak_wanted => passwords::known_beside(examined.name, examined.value),
            Some(_) | None => Vec::new(),
        };
        for password in &passwords {
            if let Some(list) = &self.wanted.leaked
                && let Some(leak) = list.find(password.text.expose())?
            {
                let problem = "is known from leaks";
                let finding = of_password(Kind::Pwned, examined.name, password, problem);
                // How often is not said: that alone can name the password.
                let rank = u64::MAX - leak.times.unwrap_or_default();
                self.findings.push(Finding { rank, ..finding });
            }
            if is_weak_wanted {
                self.findings.extend(weak(examined.name, password, &known));
            }
            if self.wants(Kind::Reused) {
                let mark = self.likeness.mark(password.text.expose());
                let holder =
                    Holder { name: examined.name.to_owned(), field: password.field.clone() };
                self.holders.entry(mark).or_default().push(holder);
            }
        }
        if let Some(password) = passwords.first() {
            self.findings.extend(self.old(examined, password));
        }
        self.findings.extend(self.expired(examined));
        Ok(())
    }

    /// Returns what was found, and how many passwords there were.
    pub(crate) fn finish(mut self) -> (Vec<Finding>, u64) {
        for holders in std::mem::take(&mut self.holders).into_values() {
            self.findings.extend(reused(holders));
        }
        (self.findings, self.passwords)
    }

    fn wants(&self, kind: Kind) -> bool {
        self.wanted.kinds.contains(&kind)
    }

    fn old(&self, examined: &Examined<'_>, password: &Password) -> Option<Finding> {
        let (made, before) = (examined.made?, self.wanted.old_before?);
        if made >= before {
            return None;
        }
        let problem = format!("did not change since {}", times::day(made));
        let finding = of_password(Kind::Old, examined.name, password, problem);
        Some(Finding { date: Some(made), rank: rank(made), ..finding })
    }

    fn expired(&self, examined: &Examined<'_>) -> Option<Finding> {
        if !self.wants(Kind::Expired) {
            return None;
        }
        let date = passwords::expires(examined.value)?;
        let date = times::read("expires", &date).ok().filter(|date| *date <= self.wanted.now)?;
        let problem = format!("expired on {}", times::day(date));
        let remedy = format!("strongroom edit {}", for_shell(examined.name));
        let finding = Finding::of_secret(Kind::Expired, examined.name, problem).mended_by(remedy);
        Some(Finding { date: Some(date), rank: rank(date), ..finding })
    }
}

fn weak(name: &str, password: &Password, known: &[String]) -> Option<Finding> {
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let strength = passphrase::judge_password(password.text.expose(), &known);
    let finding = || of_password(Kind::Weak, name, password, "is easily guessed");
    strength.is_weak().then(|| Finding { rank: strength.score.into(), ..finding() })
}

/// Says that several secrets have one password, once.
fn reused(mut holders: Vec<Holder>) -> Option<Finding> {
    order::sort_by(&mut holders, |a, b| a.name.cmp(&b.name));
    let mut holders = holders.into_iter();
    let first = holders.next()?;
    let mut others: Vec<String> = Vec::new();
    for holder in holders {
        if holder.name != first.name && others.last() != Some(&holder.name) {
            others.push(holder.name);
        }
    }
    let shown = others.get(..others.len().min(SHOWN)).unwrap_or_default().join(", ");
    let problem = match others.len().saturating_sub(SHOWN) {
        _ if others.is_empty() => return None,
        0 => format!("is the same in {shown}"),
        more => format!("is the same in {shown} and {more} more"),
    };
    let rank = u64::MAX - u64::try_from(others.len()).unwrap_or_default();
    let remedy = renewed(&first.name, first.field.as_deref());
    let about = About::Secret { name: first.name, field: first.field, others };
    Some(Finding { rank, ..Finding::new(Kind::Reused, about, problem).mended_by(remedy) })
}

fn of_password(kind: Kind, name: &str, password: &Password, problem: impl Into<String>) -> Finding {
    let field = password.field.clone();
    let remedy = renewed(name, field.as_deref());
    let about = About::Secret { name: name.to_owned(), field, others: Vec::new() };
    Finding::new(kind, about, problem).mended_by(remedy)
}

/// Returns the command that makes another password.
fn renewed(name: &str, field: Option<&str>) -> String {
    let field = field.map(|field| format!(" {}", for_shell(field))).unwrap_or_default();
    format!("strongroom set {}{field} --generate", for_shell(name))
}

/// So many others are named to a person.
const SHOWN: usize = 3;

#[cfg(test)]
mod tests;
