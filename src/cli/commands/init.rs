//! `init`: makes a vault.

use std::path::{Path, PathBuf};

use clap::Command;

use super::super::creation;
use super::super::enroll::{self, Made};
use super::super::failure::Failure;
use super::super::request::error as request;
use super::super::terminal;
use super::super::unlock::CommandContext;
use super::new_credential;
use super::{Asked, Own, configure, flag, option, text};
use crate::crypto::slot::{Credential, SlotKind};
use crate::model::shape::Shaped;
use crate::model::types::RegionName;
use crate::service::constraints;
use crate::sys::files;
use crate::upkeep::slots::NewSlot;
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
        .arg(
            flag("keyfile-only", "Let the file of --keyfile open the vault, and no passphrase")
                .conflicts_with("with-keyfile")
                .conflicts_with_all(new_credential::OPTIONS),
        )
        .arg(flag("with-keyfile", "Ask for the passphrase and the file of --keyfile together"))
        .arg(flag("no-recovery", "Make no recovery code"))
        .arg(option("account-id", "DIGITS", "The twelve digits in every ARN"))
        .arg(option("audit-reads", "on|off", "Whether reads are written to the audit log"));
    new_credential::options(command)
}

fn run(asked: &Asked<'_>) -> Result<(), Failure> {
    let context = asked.context;
    let settings = settings(asked)?;
    // Asked first, so that nobody makes up a passphrase for nothing.
    if crate::store::is_taken(&context.location.path) {
        let path = context.location.path.clone();
        return Err(crate::vault::Error::Store(crate::store::Error::Exists(path)).into());
    }
    check_offer(asked)?;
    let (slots, made) = slots(asked)?;
    let vault = made.settle(creation::create(context, slots, settings))?;
    super::super::unlock::warn(&vault);
    asked.print(vec![
        text("VaultPath", context.location.path.display().to_string()),
        text("VaultId", vault.vault_id().to_string()),
    ])
}

fn settings(asked: &Asked<'_>) -> Result<Settings, Failure> {
    let account = asked.text("account-id").unwrap_or(creation::DEFAULT_ACCOUNT);
    if account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(request::Error::argument("--account-id", "it must be twelve digits").into());
    }
    let region = asked.context.region().unwrap_or(creation::DEFAULT_REGION);
    if !constraints::allows(RegionName::SHAPE, region) {
        let what = "it must look like eu-west-1: words in small letters, then a number";
        return Err(request::Error::argument("--region", what).into());
    }
    let mut settings = Settings::new(account, region);
    if configure::audit_reads(asked)? == Some("off") {
        settings.set(Settings::AUDIT_READS, "off");
    }
    Ok(settings)
}

/// Requires that the files and options fit together, before anything is made or asked.
fn check_offer(asked: &Asked<'_>) -> Result<(), Failure> {
    let CommandContext { globals, location, .. } = asked.context;
    let wants_keyfile = asked.flag("keyfile-only") || asked.flag("with-keyfile");
    if globals.keyfile.is_some() && !wants_keyfile {
        let what = "init needs --keyfile-only or --with-keyfile with it";
        return Err(request::Error::argument("--keyfile", what).into());
    }
    let offer = asked.context.offer();
    let is_vault = |keyfile| place_of(keyfile) == place_of(&location.path);
    if wants_keyfile && offer.keyfile_path().is_some_and(is_vault) {
        let what = "it must be another file than the vault";
        return Err(request::Error::argument("--keyfile", what).into());
    }
    let is_given = globals.passphrase_file.is_some()
        || globals.passphrase_fd.is_some()
        || globals.passphrase_command.is_some();
    if is_given && (asked.flag("keyfile-only") || says_new_passphrase(asked)) {
        let what = "only one option can say what opens the vault";
        return Err(request::Error::usage(what).into());
    }
    Ok(())
}

/// Returns a path that is the same for the same place, where its directory is there.
fn place_of(path: &Path) -> PathBuf {
    let directory = files::parent_of(path).canonicalize();
    let name = path.file_name().unwrap_or_default();
    directory.map_or_else(|_missing| path.to_owned(), |directory| directory.join(name))
}

fn says_new_passphrase(asked: &Asked<'_>) -> bool {
    asked.flag("generate") || asked.text("new-passphrase-file").is_some()
}

fn slots(asked: &Asked<'_>) -> Result<(Vec<NewSlot>, Made), Failure> {
    let offer = asked.context.offer();
    let named = || {
        let missing = request::Error::usage("--keyfile FILE says which file opens the vault");
        offer.keyfile_path().ok_or(missing)
    };
    if asked.flag("keyfile-only") {
        let (keyfile, made) = enroll::keyfile(named()?, SlotKind::Keyfile)?;
        let credential = Credential::Keyfile(keyfile);
        return Ok((vec![NewSlot { credential, kdf: None, label: "keyfile".to_owned() }], made));
    }
    if asked.flag("with-keyfile") {
        named()?;
    }
    // Asked first, so that a wrong option costs no typing.
    let kdf = Some(new_credential::cost(asked)?);
    if !asked.flag("no-recovery") && !terminal::is_there() {
        return Err(Failure::environment("NoTerminal", terminal::nobody_sees("the recovery code"))
            .hinted("--no-recovery goes without one"));
    }
    let given = if says_new_passphrase(asked) { None } else { offer.passphrase()? };
    let passphrase = match given {
        Some(given) => enroll::judged(given, asked.flag("allow-weak-passphrase"))?,
        None => new_credential::passphrase(asked)?,
    };
    let (credential, made) = if asked.flag("with-keyfile") {
        let (keyfile, made) = enroll::keyfile(named()?, SlotKind::PassphraseAndKeyfile)?;
        (Credential::PassphraseAndKeyfile(passphrase, keyfile), made)
    } else {
        (Credential::Passphrase(passphrase), Made::default())
    };
    let mut slots = vec![NewSlot { credential, kdf, label: "passphrase".to_owned() }];
    if !asked.flag("no-recovery") {
        slots.push(creation::recovery()?);
    }
    Ok((slots, made))
}
