//! `init`: makes a vault. The first `create-secret` does the same with the defaults.

use clap::Command;

use super::super::failure::Failure;
use super::super::request::error as request;
use super::super::terminal;
use super::super::unlock::Surroundings;
use super::{Asked, Own, flag, new_credential, option, text};
use crate::crypto::slot::Credential;
use crate::model::shape::Shaped;
use crate::model::types::RegionName;
use crate::service::constraints;
use crate::sys::files;
use crate::upkeep::init::{self, Plan};
use crate::upkeep::slots::NewSlot;
use crate::vault::Vault;
use crate::vault::state::Settings;

/// The command.
pub(super) const INIT: Own = Own {
    name: "init",
    title: "Init",
    summary: "Make a vault.",
    example: "strongroom init --account-id 123456789012 --region eu-west-1",
    options,
    run,
};

fn options(command: Command) -> Command {
    let command = command
        .arg(flag("keyfile-only", "Let the file of --keyfile open the vault, and no passphrase"))
        .arg(flag("with-keyfile", "Ask for the passphrase and the file of --keyfile together"))
        .arg(flag("no-recovery", "Make no recovery code"))
        .arg(option("account-id", "DIGITS", "The twelve digits in every ARN"))
        .arg(option("audit-reads", "on|off", "Whether reads are written to the audit log"));
    new_credential::options(command)
}

fn run(asked: &Asked<'_>) -> Result<(), Failure> {
    let surroundings = asked.surroundings;
    let settings = settings(asked)?;
    // Asked first, so that nobody makes up a passphrase for nothing.
    if crate::store::is_taken(&surroundings.location.path) {
        let path = surroundings.location.path.clone();
        return Err(crate::vault::Error::Store(crate::store::Error::Exists(path)).into());
    }
    let slots = slots(asked)?;
    let vault = make(surroundings, slots, settings)?;
    asked.print(vec![
        text("VaultPath", surroundings.location.path.display().to_string()),
        text("VaultId", vault.vault_id().to_string()),
    ])
}

fn settings(asked: &Asked<'_>) -> Result<Settings, Failure> {
    let account = asked.text("account-id").unwrap_or(DEFAULT_ACCOUNT);
    if account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(request::Error::argument("--account-id", "it must be twelve digits").into());
    }
    let region = asked.surroundings.region().unwrap_or(DEFAULT_REGION);
    if !constraints::allows(RegionName::SHAPE, region) {
        let what = "it must look like eu-west-1: words in small letters, then a number";
        return Err(request::Error::argument("--region", what).into());
    }
    let mut settings = Settings::new(account, region);
    match asked.text("audit-reads") {
        None | Some("on") => {}
        Some("off") => settings.set(Settings::AUDIT_READS, "off"),
        Some(_) => {
            return Err(request::Error::argument("--audit-reads", "it must be on or off").into());
        }
    }
    Ok(settings)
}

fn slots(asked: &Asked<'_>) -> Result<Vec<NewSlot>, Failure> {
    let offer = asked.surroundings.offer();
    let named = || {
        let missing = request::Error::usage("--keyfile FILE says which file opens the vault");
        offer.keyfile_path().ok_or(missing)
    };
    if asked.flag("keyfile-only") {
        let credential = Credential::Keyfile(new_credential::keyfile(named()?)?);
        return Ok(vec![NewSlot { credential, kdf: None, label: "keyfile".to_owned() }]);
    }
    // Asked first, so that a wrong option costs no typing.
    let kdf = Some(new_credential::cost(asked)?);
    if !asked.flag("no-recovery") && !terminal::is_there() {
        return Err(Failure::environment(
            "NoTerminal",
            "there is no terminal to show the recovery code at",
        )
        .hinted("--no-recovery goes without one"));
    }
    let passphrase = match offer.passphrase()? {
        Some(given) => new_credential::judged(given, asked.flag("allow-weak-passphrase"))?,
        None => new_credential::passphrase(asked)?,
    };
    let credential = if asked.flag("with-keyfile") {
        Credential::PassphraseAndKeyfile(passphrase, new_credential::keyfile(named()?)?)
    } else {
        Credential::Passphrase(passphrase)
    };
    let mut slots = vec![NewSlot { credential, kdf, label: "passphrase".to_owned() }];
    if !asked.flag("no-recovery") {
        slots.push(recovery()?);
    }
    Ok(slots)
}

/// Makes the vault of the first `create-secret`: with what is offered, or a new passphrase.
pub(crate) fn found(surroundings: &Surroundings<'_>) -> Result<Vault, Failure> {
    let offer = surroundings.offer();
    let mut slots = Vec::new();
    if let Some(passphrase) = offer.passphrase()? {
        let passphrase = new_credential::judged(passphrase, false)?;
        slots.push(derived(Credential::Passphrase(passphrase)));
    } else if let Some(keyfile) = offer.keyfile()? {
        let credential = Credential::Keyfile(keyfile);
        slots.push(NewSlot { credential, kdf: None, label: "keyfile".to_owned() });
    } else {
        let passphrase = new_credential::ask(false)?;
        slots.push(derived(Credential::Passphrase(passphrase)));
    }
    if terminal::is_there() {
        slots.push(recovery()?);
    } else {
        terminal::note(
            "note: no terminal, so no recovery code was made; `strongroom key-slot add --kind \
             recovery-code` makes one",
        );
    }
    let settings = Settings::new(DEFAULT_ACCOUNT, surroundings.region().unwrap_or(DEFAULT_REGION));
    make(surroundings, slots, settings)
}

fn make(
    surroundings: &Surroundings<'_>,
    slots: Vec<NewSlot>,
    settings: Settings,
) -> Result<Vault, Failure> {
    let path = &surroundings.location.path;
    if let Some(directory) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        files::create_private_dir(directory)?;
    }
    let plan = Plan { slots, settings, anchors: surroundings.environment.anchors() };
    Ok(init::init(path, plan, surroundings.occasion())?)
}

fn derived(credential: Credential) -> NewSlot {
    let kdf = Some(new_credential::measured_cost());
    NewSlot { credential, kdf, label: "passphrase".to_owned() }
}

fn recovery() -> Result<NewSlot, Failure> {
    let credential = Credential::RecoveryCode(new_credential::recovery_code()?);
    Ok(NewSlot { credential, kdf: None, label: "recovery code".to_owned() })
}

const DEFAULT_ACCOUNT: &str = "000000000000";
const DEFAULT_REGION: &str = "local-1";
