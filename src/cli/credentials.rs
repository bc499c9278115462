//! Where the credential comes from: a file, a descriptor, a command, a keyfile, systemd, or the
//! person at the terminal. Never an argument, never the text of a variable.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::environment::Environment;
use super::failure::Failure;
use super::request::globals::Globals;
use super::terminal;
use crate::crypto;
use crate::crypto::kdf::CostLimit;
use crate::crypto::keyfile::Keyfile;
use crate::crypto::keys::MasterKey;
use crate::crypto::passphrase::Passphrase;
use crate::crypto::recovery::RecoveryCode;
use crate::crypto::slot::{Credential, SlotKind};
use crate::sys::secret::Secret;
use crate::sys::{credential, files};
use crate::vault::{self, LockedVault};

/// The longest file that can hold a passphrase or a keyfile, in bytes.
const MOST_BYTES: usize = 4096;

/// How often a person may mistype.
const TRIES: usize = 3;

/// What the command line and the environment offer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Offer {
    passphrase: Option<Source>,
    keyfile: Option<PathBuf>,
    limit: Option<CostLimit>,
}

/// Where a passphrase is read from.
#[derive(Clone, Debug)]
enum Source {
    File(PathBuf),
    Descriptor(i32),
    Command(String),
}

impl Offer {
    /// Sorts what is offered: options before variables, then systemd's directory.
    pub(crate) fn new(globals: &Globals, environment: &Environment) -> Self {
        let option = globals.passphrase_file.as_ref().map(|path| Source::File(path.into()));
        let option = option.or(globals.passphrase_fd.map(Source::Descriptor));
        let option = option.or(globals.passphrase_command.clone().map(Source::Command));
        let keyfile = globals.keyfile.as_ref().map(PathBuf::from);
        let limit = match (globals.allow_costly_kdf, globals.allow_weak_kdf) {
            (true, _) => Some(CostLimit::Costly),
            (false, true) => Some(CostLimit::Weak),
            (false, false) => None,
        };
        if option.is_some() || keyfile.is_some() {
            return Self { passphrase: option, keyfile, limit };
        }
        let file = environment.path("STRONGROOM_PASSPHRASE_FILE");
        let file = file.map(|path| Source::File(path.to_owned()));
        let command = environment.text("STRONGROOM_PASSPHRASE_COMMAND");
        let mut passphrase = file.or(command.map(|text| Source::Command(text.to_owned())));
        let mut keyfile = environment.path("STRONGROOM_KEYFILE").map(Path::to_owned);
        if passphrase.is_none() && keyfile.is_none() {
            // Of systemd's `LoadCredential=`.
            let directory = environment.path("CREDENTIALS_DIRECTORY");
            let credential = |name: &str| {
                let path = directory.map(|directory| directory.join(name));
                path.filter(|path| path.exists())
            };
            keyfile = credential("strongroom.key");
            passphrase = credential("strongroom.passphrase").map(Source::File);
        }
        Self { passphrase, keyfile, limit }
    }

    /// Returns what the user allowed a derivation to cost.
    pub(crate) fn limit(&self) -> CostLimit {
        self.limit.unwrap_or(CostLimit::Ordinary)
    }

    /// Returns the keyfile's path, where one is offered.
    pub(crate) fn keyfile_path(&self) -> Option<&Path> {
        self.keyfile.as_deref()
    }

    /// Returns whether a passphrase can be had without asking a person.
    pub(crate) fn has_passphrase(&self) -> bool {
        self.passphrase.is_some()
    }

    /// Reads the keyfile.
    pub(crate) fn keyfile(&self) -> Result<Option<Keyfile>, Failure> {
        let Some(path) = &self.keyfile else { return Ok(None) };
        let bytes = Secret::new(credential::read_file(path, MOST_BYTES)?);
        Ok(Some(Keyfile::parse(bytes.expose())?))
    }

    /// Reads the passphrase from where it is offered; `None` where none is.
    pub(crate) fn passphrase(&self) -> Result<Option<Passphrase>, Failure> {
        let Some(source) = &self.passphrase else { return Ok(None) };
        let bytes = match source {
            Source::File(path) => Secret::new(credential::read(path, MOST_BYTES)?),
            Source::Descriptor(number) => read_descriptor(*number)?,
            Source::Command(text) => run_command(text)?,
        };
        Ok(Some(Passphrase::from_file_bytes(bytes.expose())?))
    }

    /// Tries everything that is offered on the slots of the vault, and asks a person if nothing is.
    pub(crate) fn open(&self, vault: &LockedVault) -> Result<Opened, Failure> {
        let has = |kind: SlotKind| vault.slots().any(|(_, body)| body.kind() == kind);
        let keyfile = self.keyfile()?;
        let wants_both = has(SlotKind::PassphraseAndKeyfile);
        if let Some(passphrase) = self.passphrase()? {
            let credential = match keyfile {
                Some(keyfile) if wants_both => {
                    Credential::PassphraseAndKeyfile(passphrase, keyfile)
                }
                Some(_) | None => spoken(passphrase, has(SlotKind::RecoveryCode)),
            };
            return self.attempt(vault, credential);
        }
        match keyfile {
            Some(keyfile) if has(SlotKind::Keyfile) || !wants_both => {
                self.attempt(vault, Credential::Keyfile(keyfile))
            }
            Some(_) => ask(|passphrase| {
                let keyfile = self.keyfile()?.ok_or_else(locked)?;
                let credential = Credential::PassphraseAndKeyfile(passphrase, keyfile);
                self.attempt(vault, credential)
            }),
            None => ask(|passphrase| {
                let credential = spoken(passphrase, has(SlotKind::RecoveryCode));
                self.attempt(vault, credential)
            }),
        }
    }

    fn attempt(&self, vault: &LockedVault, credential: Credential) -> Result<Opened, Failure> {
        let (slot, master) = vault.try_credential(&credential, self.limit())?;
        Ok(Opened { slot, master, credential })
    }
}

/// A credential that opened a slot, and the master key from it.
pub(crate) struct Opened {
    /// The slot's number.
    pub(crate) slot: u8,
    /// The master key.
    pub(crate) master: MasterKey,
    /// The credential, to wrap another master key for.
    pub(crate) credential: Credential,
}

/// Takes what was typed for a recovery code where it is one: its check digits leave no doubt.
fn spoken(passphrase: Passphrase, has_recovery: bool) -> Credential {
    match RecoveryCode::parse(passphrase.expose()) {
        Ok(code) if has_recovery => Credential::RecoveryCode(code),
        Ok(_) | Err(_) => Credential::Passphrase(passphrase),
    }
}

/// Asks the person at the terminal, who may mistype.
fn ask<T>(mut attempt: impl FnMut(Passphrase) -> Result<T, Failure>) -> Result<T, Failure> {
    if !terminal::is_there() {
        return Err(locked());
    }
    let mut tries = 0;
    loop {
        tries += 1;
        let typed = terminal::ask_secret("Passphrase: ").map_err(|error| unanswered(&error))?;
        let passphrase = Passphrase::from_bytes(typed.expose().as_bytes());
        match passphrase.map_err(Failure::from).and_then(&mut attempt) {
            // To a person who has just typed it this is likelier than an altered slot; the last
            // try's error names both.
            Err(Failure::Vault(vault::Error::Crypto(crypto::Error::WrongCredential)))
                if tries < TRIES =>
            {
                terminal::object("that is not the passphrase; try again");
            }
            Err(Failure::Vault(vault::Error::Crypto(
                error @ crypto::Error::BadPassphrase { .. },
            ))) if tries < TRIES => terminal::object(&format!("{error}; try again")),
            done => return done,
        }
    }
}

/// The person who was asked does not answer.
fn unanswered(error: &io::Error) -> Failure {
    Failure::environment("VaultLocked", format!("the vault is locked: {error}"))
}

/// Nothing opens the vault, and nobody is there to ask.
fn locked() -> Failure {
    Failure::environment("VaultLocked", format!("the vault is locked, and {}", terminal::why_not()))
        .hinted(
            "give --keyfile, --passphrase-file, --passphrase-fd or --passphrase-command, or set \
             STRONGROOM_KEYFILE",
        )
}

/// Asks for a new passphrase, twice.
pub(crate) fn ask_new_passphrase() -> Result<Passphrase, Failure> {
    if !terminal::is_there() {
        return Err(Failure::environment(
            "VaultLocked",
            format!("a new passphrase is needed, and {}", terminal::why_not()),
        )
        .hinted("give --passphrase-file, --passphrase-fd or --passphrase-command"));
    }
    let gone = |error: io::Error| {
        Failure::environment("NoAnswer", format!("a new passphrase is needed: {error}"))
    };
    loop {
        let first = terminal::ask_secret("New passphrase: ").map_err(gone)?;
        let passphrase = match Passphrase::from_bytes(first.expose().as_bytes()) {
            Ok(passphrase) => passphrase,
            Err(error) => {
                terminal::object(&format!("{error}; another one"));
                continue;
            }
        };
        let second = terminal::ask_secret("The same again: ").map_err(gone)?;
        if first.expose() == second.expose() {
            return Ok(passphrase);
        }
        terminal::object("the two are not the same; once more");
    }
}

fn read_descriptor(number: i32) -> Result<Secret<Vec<u8>>, Failure> {
    let path = PathBuf::from(format!("/dev/fd/{number}"));
    if !path.exists() && !path.is_symlink() {
        let message = format!("nothing is open as descriptor {number}");
        return Err(Failure::environment("NoFile", message));
    }
    Ok(Secret::new(files::read_bounded(&path, MOST_BYTES)?))
}

/// Runs the user's own command, by the shell as the user would, and takes what it prints.
fn run_command(text: &str) -> Result<Secret<Vec<u8>>, Failure> {
    let failed = |what: String| {
        Failure::environment("BadCredential", format!("the passphrase command failed: {what}"))
    };
    let mut child = Command::new("/bin/sh")
        .args(["-c", text])
        .stdin(Stdio::inherit())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| failed(error.to_string()))?;
    let mut printed = Secret::new(Vec::with_capacity(MOST_BYTES));
    let limit = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX);
    if let Some(stdout) = child.stdout.take() {
        let read = stdout.take(limit).read_to_end(printed.expose_mut());
        read.map_err(|error| failed(error.to_string()))?;
    }
    let status = child.wait().map_err(|error| failed(error.to_string()))?;
    if status.success() { Ok(printed) } else { Err(failed(status.to_string())) }
}
