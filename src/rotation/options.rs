//! What a person says about a command beside its function: only that is changed.

use crate::vault::rotation::{Command, Pinning, Protocol};

/// What was said. A list that was given takes the place of the whole list before.
#[derive(Default)]
pub(crate) struct Options {
    /// The program and its arguments.
    pub(crate) argv: Vec<String>,
    /// How it is spoken to.
    pub(crate) protocol: Option<Protocol>,
    /// Variables it is given.
    pub(crate) env: Vec<(String, String)>,
    /// Names of variables that are passed on to it.
    pub(crate) pass_env: Vec<String>,
    /// Other secrets that it may read, by names or ARNs.
    pub(crate) reads: Vec<String>,
    /// Which files to pin.
    pub(crate) pinning: Option<Pinning>,
    /// How long a step may take.
    pub(crate) timeout_s: Option<u64>,
    /// What else it may do.
    pub(crate) grants: Vec<String>,
}

impl Options {
    /// Whether nothing was said.
    pub(crate) fn is_empty(&self) -> bool {
        let is_default = self.protocol.is_none() && self.pinning.is_none();
        let lists = [&self.argv, &self.pass_env, &self.reads, &self.grants];
        is_default
            && self.timeout_s.is_none()
            && self.env.is_empty()
            && lists.iter().all(|list| list.is_empty())
    }

    /// Returns the command that comes of it. A new program begins with nothing of the old one.
    pub(super) fn applied_to(self, stored: Option<&Command>) -> Command {
        let base = stored.filter(|_| self.argv.is_empty()).cloned();
        let base = base.unwrap_or_else(|| Command::new(self.argv, Protocol::Lambda));
        let or = |given: Vec<String>, known| match given.as_slice() {
            [] => known,
            [none] if none == NONE => Vec::new(),
            _ => given,
        };
        Command {
            protocol: self.protocol.unwrap_or(base.protocol),
            env: match self.env.as_slice() {
                [] => base.env,
                [(none, value)] if none == NONE && value.is_empty() => Vec::new(),
                _ => self.env,
            },
            pass_env: or(self.pass_env, base.pass_env),
            reads: or(self.reads, base.reads),
            pinning: self.pinning.unwrap_or(base.pinning),
            timeout_s: self.timeout_s.unwrap_or(base.timeout_s),
            grants: or(self.grants, base.grants),
            pins: Vec::new(),
            argv: base.argv,
            unknown: base.unknown,
        }
    }
}

/// What is given in the place of a list to have none.
pub(crate) const NONE: &str = "none";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_said_changes() {
        let texts = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
        let stored = Options {
            argv: texts(&["/rot", "x"]),
            env: vec![("A".to_owned(), "b".to_owned())],
            timeout_s: Some(5),
            ..Options::default()
        };
        let stored = stored.applied_to(None);
        let longer = Options { timeout_s: Some(9), ..Options::default() }.applied_to(Some(&stored));
        assert_eq!((longer.argv, longer.env.len(), longer.timeout_s), (stored.argv.clone(), 1, 9));
        let other = Options { argv: texts(&["/other"]), ..Options::default() };
        let other = other.applied_to(Some(&stored));
        assert_eq!((other.argv, other.env.len(), other.timeout_s), (texts(&["/other"]), 0, 60));
        assert!(Options::default().is_empty());
        let stored =
            Options { reads: texts(&["a"]), grants: texts(&["files"]), ..Options::default() };
        let stored = stored.applied_to(None);
        let none = Options {
            env: vec![("none".to_owned(), String::new())],
            reads: texts(&["none"]),
            grants: texts(&["none"]),
            ..Options::default()
        };
        let bare = none.applied_to(Some(&stored));
        assert!(bare.env.is_empty() && bare.reads.is_empty() && bare.grants.is_empty());
    }
}
