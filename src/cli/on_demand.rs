//! `unlock --on-demand`: the first prompt of a session hands the vault to the agent. A setting of this
//! machine, for people who want that.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use super::environment::Environment;
use super::failure::Failure;
use super::{handing, terminal};
use crate::agent::limits::Limits;
use crate::agent::messages::{Ask, Reads, Unlock};
use crate::crypto::keys::VaultKey;
use crate::sys::files;

/// How a vault is held open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Manner {
    pub(super) limits: Limits,
    pub(super) reads: Reads,
}

/// Returns how, where this machine is to do it by itself.
pub(super) fn manner(environment: &Environment) -> Option<Manner> {
    let bytes = files::read_bounded(&file(environment)?, MAX_BYTES).ok()?;
    let json: Json = serde_json::from_slice(&bytes).ok()?;
    let number = |name: &str| json.get(name)?.as_i64().filter(|ms| *ms > 0);
    let limits = Limits { idle_ms: number("idle")?, age_ms: number("age")? };
    Some(Manner { limits, reads: Reads::named(json.get("reads")?.as_str()?)? })
}

/// Has this machine do it by itself from now on, or not.
pub(super) fn set(manner: Option<Manner>, environment: &Environment) -> Result<(), Failure> {
    let none = || Failure::environment("NoPlace", "neither HOME nor XDG_STATE_HOME is set");
    let file = file(environment).ok_or_else(none)?;
    let Some(Manner { limits, reads }) = manner else {
        // One that is not there need not be removed.
        drop(fs::remove_file(file));
        return Ok(());
    };
    let json = json!({ "idle": limits.idle_ms, "age": limits.age_ms, "reads": reads.name() });
    files::create_private_dir(files::parent_of(&file))?;
    Ok(files::write_replacing(&file, json.to_string().as_bytes())?)
}

/// Hands a vault to the agent for which a person has just typed the passphrase. What is in the way does
/// not keep the command from what it was asked to do.
pub(super) fn hand_over(key: VaultKey, manner: Manner, vault: &Path, environment: &Environment) {
    let handed = || -> Result<(), Failure> {
        let Manner { limits, reads } = manner;
        let (path, anchors) = (handing::resolved(vault)?, environment.anchors());
        let place = handing::make_place(environment)?;
        let login = handing::login(environment);
        let unlock = Unlock { path: path.clone(), key, limits, anchors, reads, login, serve: None };
        let answer = handing::hand_over(&place, &Ask::Unlock(unlock))?;
        handing::kept(&answer, &place, &path, limits).map(drop)
    };
    if let Err(failure) = handed() {
        let (_, why) = failure.told().unwrap_or_default();
        terminal::note(&format!("note: the vault stays locked for other commands: {why}"));
    }
}

fn file(environment: &Environment) -> Option<PathBuf> {
    Some(environment.state()?.join("on-demand"))
}

const MAX_BYTES: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::scratch::Scratch;

    #[test]
    fn it_is_kept_on_this_machine() {
        let scratch = Scratch::new();
        let home = scratch.join("home").display().to_string();
        let environment = Environment::testing(&[("XDG_STATE_HOME", &home)]);
        let limits = Limits { idle_ms: 5, age_ms: 7 };
        let manner = Manner { limits, reads: Reads::AtOnce };
        assert_eq!(super::manner(&environment), None);
        set(None, &environment).unwrap();
        set(Some(manner), &environment).unwrap();
        assert_eq!(super::manner(&environment), Some(manner));
        set(None, &environment).unwrap();
        assert_eq!(super::manner(&environment), None);
        assert!(set(None, &Environment::testing(&[])).is_err());
    }
}
