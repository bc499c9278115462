//! Where the vault is: by path, by profile, or by default.

use std::path::{Path, PathBuf};

use super::environment::Environment;
use super::failure::Failure;
use super::request::error as request;
use super::request::globals::options::Globals;

/// Where the vault is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Location {
    /// The path.
    pub(crate) path: PathBuf,
    /// Whether the user named it, or it is where a vault is by default.
    pub(crate) chosen: Chosen,
    /// What named it, where that does not stand in the path: `AWS_PROFILE=work`.
    named_by: Option<String>,
}

/// What was asked for, and the option or variable that asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    /// What it is.
    pub(crate) value: String,
    /// The option or variable.
    pub(crate) by: &'static str,
}

impl Named {
    /// Takes the option, or else the first variable that is set.
    pub(super) fn find(
        option: &'static str,
        given: Option<&String>,
        variables: &[&'static str],
        environment: &Environment,
    ) -> Result<Option<Self>, Failure> {
        must_be_text(environment, variables)?;
        let named = |by, value: &str| Self { value: value.to_owned(), by };
        let configured = || {
            let mut set = variables.iter().map(|name| (*name, environment.text(name)));
            set.find_map(|(name, value)| value.map(|value| named(name, value)))
        };
        Ok(given.map(|value| named(option, value)).or_else(configured))
    }
}

/// Who chose a vault's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chosen {
    /// The user, by its path: nothing is made there by accident.
    ByPath,
    /// The user by a profile's name, or the default.
    ByDefault,
}
/// Reports that no vault is at the place.
pub(super) fn no_vault(location: &Location) -> Failure {
    let path = location.path.display();
    let by = location.named_by.as_ref().map(|by| format!(", which {by} names"));
    let by = by.unwrap_or_default();
    Failure::environment("NoVault", format!("there is no vault at {path}{by}"))
        .hinted(how_to_make(location))
}

/// Says what makes the vault. Our variables hold for that command too; an option, and a variable of
/// AWS's, which only the `aws` form reads, have to be said again.
fn how_to_make(location: &Location) -> String {
    let by = location.named_by.as_deref();
    let holds = by.is_some_and(|by| by.starts_with("STRONGROOM_"));
    let profile = location.path.file_stem().map(|stem| stem.to_string_lossy());
    match (location.chosen, by, profile) {
        (Chosen::ByPath, None, _) => "`strongroom init` with that --vault makes one there".into(),
        (Chosen::ByPath, Some(_), _) => "`strongroom init` makes one there".into(),
        (Chosen::ByDefault, Some(_), Some(profile)) if !holds => format!(
            "`strongroom init --profile {profile}` makes one; so does the first `strongroom \
             create-secret --profile {profile}`"
        ),
        (Chosen::ByDefault, ..) => {
            "`strongroom init` makes one; so does the first `strongroom create-secret`".into()
        }
    }
}

/// A vault or region other than the one that was meant is worse than none.
fn must_be_text(environment: &Environment, variables: &[&str]) -> Result<(), Failure> {
    match environment.not_text(variables) {
        Some(name) => {
            let message = format!("the variable {name} is not UTF-8");
            Err(Failure::environment("BadVariable", message))
        }
        None => Ok(()),
    }
}

/// Reports that nothing says where the vault is.
pub(super) fn nowhere() -> Failure {
    let message = "neither HOME nor XDG_DATA_HOME says where vaults are";
    Failure::environment("NoVault", message).hinted("give --vault PATH")
}

/// Finds out where the vault is; `None` if nothing says where, which some commands need not know.
pub(super) fn locate(
    globals: &Globals,
    environment: &Environment,
    profile: Option<&Named>,
) -> Result<Option<Location>, Failure> {
    let by_path = |path: &Path, named_by: Option<&str>| {
        let named_by = named_by.map(str::to_owned);
        Some(Location { path: path.to_owned(), chosen: Chosen::ByPath, named_by })
    };
    if globals.vault.as_ref().is_some_and(String::is_empty) {
        return Err(request::Error::argument("--vault", "it must not be empty").into());
    }
    if globals.vault.is_some() && globals.profile.is_some() {
        let what = "not allowed with argument --vault";
        return Err(request::Error::argument("--profile", what).into());
    }
    if let Some(path) = &globals.vault {
        return Ok(by_path(Path::new(path), None));
    }
    // What is said on the line comes before what is set, and a path before a name.
    let set = environment.path(VAULT);
    if let Some(path) = set.filter(|_| globals.profile.is_none()) {
        return Ok(by_path(path, Some(VAULT)));
    }
    let named_by = profile.map(|Named { value, by }| match by.strip_prefix("--") {
        Some(_) => format!("{by} {value}"),
        None => format!("{by}={value}"),
    });
    let profile = profile.map_or("default", |profile| profile.value.as_str());
    let is_plain = !profile.is_empty() && !profile.starts_with('.') && !profile.contains('/');
    if !is_plain {
        let message = format!("{profile:?} cannot be the name of a profile");
        return Err(Failure::environment("BadProfile", message));
    }
    Ok(environment.vaults().map(|directory| {
        let path = directory.join(format!("{profile}.vault"));
        Location { path, chosen: Chosen::ByDefault, named_by }
    }))
}

/// The variable that names a vault by its path.
const VAULT: &str = "STRONGROOM_VAULT";
