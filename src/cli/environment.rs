//! The process's environment, read once; and the places on this machine that follow from it.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::model::order;

/// The environment's variables.
pub(crate) struct Environment(BTreeMap<OsString, OsString>);

impl Environment {
    /// Reads the environment of this process.
    pub(crate) fn of_process() -> Self {
        Self(order::map_of(std::env::vars_os()))
    }

    /// Returns a variable that is set, not empty, and text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.path(name)?.to_str()
    }

    /// Returns the first of these variables that is set to something that is not text.
    pub(crate) fn not_text<'n>(&self, names: &[&'n str]) -> Option<&'n str> {
        names.iter().copied().find(|name| self.path(name).is_some_and(|v| v.to_str().is_none()))
    }

    /// Returns a variable that is set and not empty.
    pub(crate) fn path(&self, name: &str) -> Option<&Path> {
        let value = self.0.get(OsStr::new(name)).filter(|value| !value.is_empty())?;
        Some(Path::new(value))
    }

    /// Whether a variable is set, even if it is empty.
    pub(crate) fn is_set(&self, name: &str) -> bool {
        self.0.contains_key(OsStr::new(name))
    }

    /// Returns all variables.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.0.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }

    /// Returns all variables that are text.
    pub(crate) fn all_text(&self) -> BTreeMap<String, String> {
        let pair = |(name, value): (&OsString, &OsString)| {
            Some((name.to_str()?.to_owned(), value.to_str()?.to_owned()))
        };
        order::map_of(self.0.iter().filter_map(pair))
    }

    /// Returns the directory in which this machine remembers which programs may run.
    pub(crate) fn state(&self) -> Option<PathBuf> {
        self.user_directory("XDG_STATE_HOME", ".local/state")
    }

    /// Returns the time zone that is asked for. An empty one counts as set.
    pub(crate) fn zone(&self) -> Option<&OsStr> {
        self.0.get(OsStr::new("TZ")).map(OsString::as_os_str)
    }

    /// Returns the directory that vaults are in unless a path says otherwise.
    pub(crate) fn vaults(&self) -> Option<PathBuf> {
        self.user_directory("XDG_DATA_HOME", ".local/share")
    }

    /// Returns the directory in which this machine remembers the vaults it has seen.
    pub(crate) fn anchors(&self) -> Option<PathBuf> {
        Some(self.user_directory("XDG_STATE_HOME", ".local/state")?.join("anchors"))
    }

    fn user_directory(&self, variable: &str, below_home: &str) -> Option<PathBuf> {
        // The XDG base directory specification: a path that is not absolute is to be ignored.
        let given = self.path(variable).filter(|path| path.is_absolute());
        let base = match given {
            Some(base) => base.to_owned(),
            None => self.path("HOME").filter(|home| home.is_absolute())?.join(below_home),
        };
        Some(base.join("strongroom"))
    }

    /// An environment for tests.
    #[cfg(test)]
    pub(crate) fn testing(pairs: &[(&str, &str)]) -> Self {
        Self(pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_follow_the_xdg_base_directories() {
        let home = Environment::testing(&[("HOME", "/home/ada")]);
        assert_eq!(home.vaults(), Some("/home/ada/.local/share/strongroom".into()));
        assert_eq!(home.anchors(), Some("/home/ada/.local/state/strongroom/anchors".into()));
        let relative = Environment::testing(&[("HOME", "/h"), ("XDG_DATA_HOME", "here")]);
        assert_eq!(relative.vaults(), Some("/h/.local/share/strongroom".into()));
        let given = Environment::testing(&[("XDG_DATA_HOME", "/data")]);
        assert_eq!(given.vaults(), Some("/data/strongroom".into()));
        assert_eq!(Environment::testing(&[]).vaults(), None);
        assert_eq!(Environment::testing(&[("HOME", "")]).text("HOME"), None);
    }
}
