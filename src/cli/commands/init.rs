//! `init`: makes a vault.

use std::path::{Path, PathBuf};

use super::super::creation;
use super::super::enroll::{self, Made};
use super::super::failure::Failure;
use super::super::request::error as request;
use super::super::terminal;
use super::super::unlock::CommandContext;
use super::configure;
use super::new_credential::{self, PassphraseOptions};
use super::options::options;
use super::own::{Invocation, OwnCommand, text};
use crate::crypto::slot::{Credential, SlotKind};
use crate::model::shape::Shaped;
use crate::model::types::RegionName;
use crate::service::constraints;
use crate::sys::files;
use crate::upkeep::slots::NewSlot;
use crate::vault::state::Settings;

options! {
    /// The options of `init`.
    pub(super) struct Init {
        /// Let the file of --keyfile open the vault, and no passphrase
        keyfile_only: bool =>
            .conflicts_with("with-keyfile").conflicts_with_all(PassphraseOptions::names()),
        /// Ask for the passphrase and the file of --keyfile together
        with_keyfile: bool,
        /// Make no recovery code
        no_recovery: bool,
        /// The twelve digits in every ARN
        account_id: Option<String> = "DIGITS",
        /// Whether reads are written to the audit log
        audit_reads: Option<String> = "on|off",
        ..new: PassphraseOptions,
    }
}

impl OwnCommand for Init {
    const NAME: &'static str = "init";
    const TITLE: &'static str = "Init";
    const SUMMARY: &'static str = "Make a vault.";
    const EXAMPLE: &'static str = "strongroom init --account-id 123456789012 --region eu-west-1";
    const LOOKS_AT_STATE: bool = false;

    fn run(self, invocation: &Invocation<'_>) -> Result<(), Failure> {
        let context = invocation.context;
        let settings = settings(&self, context)?;
        // Asked first, so that nobody makes up a passphrase for nothing.
        if crate::store::is_taken(&context.location()?.path) {
            let path = context.location()?.path.clone();
            return Err(crate::vault::Error::Store(crate::store::Error::Exists(path)).into());
        }
        check_offer(&self, context)?;
        let (slots, made) = slots(&self, context)?;
        let vault = made.settle(creation::create(context, slots, settings))?;
        super::super::unlock::warn(&vault);
        invocation.print(vec![
            text("VaultPath", context.location()?.path.display().to_string()),
            text("VaultId", vault.vault_id().to_string()),
        ])
    }
}

fn settings(options: &Init, context: &CommandContext<'_>) -> Result<Settings, Failure> {
    let account = options.account_id.as_deref().unwrap_or(creation::DEFAULT_ACCOUNT);
    if account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(request::Error::argument("--account-id", "it must be twelve digits").into());
    }
    let region = context.region().unwrap_or(creation::DEFAULT_REGION);
    if !constraints::allows(RegionName::SHAPE, region) {
        let what = "it must look like eu-west-1: words in small letters, then a number";
        return Err(request::Error::argument("--region", what).into());
    }
    let mut settings = Settings::new(account, region);
    if configure::audit_reads(options.audit_reads.as_deref())? == Some("off") {
        settings.set(Settings::AUDIT_READS, "off");
    }
    Ok(settings)
}

/// Requires that the files and options fit together, before anything is made or asked.
fn check_offer(options: &Init, context: &CommandContext<'_>) -> Result<(), Failure> {
    let (globals, location) = (context.globals, context.location()?);
    let wants_keyfile = options.keyfile_only || options.with_keyfile;
    if globals.keyfile.is_some() && !wants_keyfile {
        let what = "init needs --keyfile-only or --with-keyfile with it";
        return Err(request::Error::argument("--keyfile", what).into());
    }
    let offer = context.offer();
    let is_vault = |keyfile| place_of(keyfile) == place_of(&location.path);
    if wants_keyfile && offer.keyfile_path().is_some_and(is_vault) {
        let what = "it must be another file than the vault";
        return Err(request::Error::argument("--keyfile", what).into());
    }
    let is_given = globals.passphrase_file.is_some()
        || globals.passphrase_fd.is_some()
        || globals.passphrase_command.is_some();
    if is_given && (options.keyfile_only || says_new_passphrase(&options.new)) {
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

fn says_new_passphrase(new: &PassphraseOptions) -> bool {
    new.generate || new.new_passphrase_file.is_some()
}

fn slots(options: &Init, context: &CommandContext<'_>) -> Result<(Vec<NewSlot>, Made), Failure> {
    let offer = context.offer();
    let named = || {
        let missing = request::Error::usage("--keyfile FILE says which file opens the vault");
        offer.keyfile_path().ok_or(missing)
    };
    if options.keyfile_only {
        let (keyfile, made) = enroll::keyfile(named()?, SlotKind::Keyfile)?;
        let credential = Credential::Keyfile(keyfile);
        return Ok((vec![NewSlot { credential, kdf: None, label: "keyfile".to_owned() }], made));
    }
    if options.with_keyfile {
        named()?;
    }
    // Asked first, so that a wrong option costs no typing.
    let kdf = Some(new_credential::cost(&options.new, context.globals)?);
    if !options.no_recovery && !terminal::is_there() {
        return Err(Failure::environment("NoTerminal", terminal::nobody_sees("the recovery code"))
            .hinted("--no-recovery goes without one"));
    }
    let given = if says_new_passphrase(&options.new) { None } else { offer.passphrase()? };
    let passphrase = match given {
        Some(given) => enroll::judged(given, options.new.on_weak())?,
        None => new_credential::passphrase(&options.new)?,
    };
    let (credential, made) = if options.with_keyfile {
        let (keyfile, made) = enroll::keyfile(named()?, SlotKind::PassphraseAndKeyfile)?;
        (Credential::PassphraseAndKeyfile(passphrase, keyfile), made)
    } else {
        (Credential::Passphrase(passphrase), Made::default())
    };
    let mut slots = vec![NewSlot { credential, kdf, label: "passphrase".to_owned() }];
    if !options.no_recovery {
        slots.push(creation::recovery()?);
    }
    Ok((slots, made))
}
