//! Where the credential comes from: a file, a descriptor, a command, a keyfile, systemd, or the
//! person at the terminal. Never an argument, never the text of a variable.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::environment::Environment;
use super::failure::Failure;
use super::passphrase_source::{MAX_BYTES, Source};
use super::request::error as request;
use super::request::globals::options::Globals;
use super::terminal::{self, Lines};
use crate::crypto;
use crate::crypto::kdf::CostLimit;
use crate::crypto::keyfile::Keyfile;
use crate::crypto::keys::MasterKey;
use crate::crypto::passphrase::Passphrase;
use crate::crypto::recovery::RecoveryCode;
use crate::crypto::slot::{Credential, SlotKind};
use crate::sys::secret::Secret;
use crate::sys::{credential, streams};
use crate::vault::{self, LockedVault};

/// How often a person may mistype.
const TRIES: usize = 3;

/// What the command line and the environment offer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Offer {
    passphrase: Option<Source>,
    keyfile: Option<PathBuf>,
    limit: Option<CostLimit>,
    is_on_the_line: bool,
    /// The directory that a person knows as `~`.
    home: Option<PathBuf>,
}

impl Offer {
    /// Sorts what is offered: options before variables, then systemd's directory. Two that say what
    /// the passphrase is are an error, as nobody would learn which of them counted. Must run before
    /// any file is opened: a descriptor must be the user's.
    pub(crate) fn new(globals: &Globals, environment: &Environment) -> Result<Self, Failure> {
        let descriptor = |number: i32| {
            let stream = streams::inherited(number).ok().map(Arc::new);
            Source::Descriptor(number, stream)
        };
        let file = globals.passphrase_file.as_ref().map(|path| Source::File(path.into()));
        let command = globals.passphrase_command.clone().map(Source::Command);
        let option = only([
            ("--passphrase-file", file),
            ("--passphrase-fd", globals.passphrase_fd.map(descriptor)),
            ("--passphrase-command", command),
        ]);
        let option = option.map_err(|(one, other)| {
            let what = format!("not allowed with argument {one}");
            Failure::from(request::Error::argument(other, what))
        })?;
        let keyfile = globals.keyfile.as_ref().map(PathBuf::from);
        let (limit, home) = (limit_of(globals), home(environment));
        if option.is_some() || keyfile.is_some() {
            return Ok(Self { passphrase: option, keyfile, limit, is_on_the_line: true, home });
        }
        let (file, command) = ("STRONGROOM_PASSPHRASE_FILE", "STRONGROOM_PASSPHRASE_COMMAND");
        let set = only([
            (file, environment.path(file).map(|path| Source::File(path.to_owned()))),
            (command, environment.text(command).map(|text| Source::Command(text.to_owned()))),
        ]);
        let mut passphrase = set.map_err(|(one, other)| {
            let message = format!("{one} and {other} are both set, and one says what counts");
            Failure::environment("BadVariable", message)
        })?;
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
        Ok(Self { passphrase, keyfile, limit, is_on_the_line: false, home })
    }

    /// What the command line offers to open peers with, in the order in which it is tried: of several
    /// peers one may take the passphrase, and another the keyfile, or both together.
    pub(crate) fn of_peer(globals: &Globals, environment: &Environment) -> Vec<Self> {
        let file = globals.peer_passphrase_file.as_ref();
        let passphrase = || file.map(|path| Source::File(path.into()));
        let keyfile = globals.peer_keyfile.as_ref().map(PathBuf::from);
        let of = |passphrase, keyfile| Self {
            passphrase,
            keyfile,
            ..Self::nothing(globals, environment)
        };
        match (passphrase(), keyfile) {
            (None, None) => Vec::new(),
            (Some(phrase), Some(keyfile)) => vec![
                of(Some(phrase), Some(keyfile.clone())),
                of(None, Some(keyfile)),
                of(passphrase(), None),
            ],
            (phrase, keyfile) => vec![of(phrase, keyfile)],
        }
    }

    /// Whether a vault has a slot that takes all that is offered and nothing else, so that nobody is
    /// asked.
    pub(crate) fn fits(&self, vault: &LockedVault) -> bool {
        vault.slots().any(|(_, body)| match body.kind() {
            SlotKind::Passphrase | SlotKind::RecoveryCode => {
                self.has_passphrase() && self.keyfile.is_none()
            }
            SlotKind::Keyfile => !self.has_passphrase() && self.keyfile.is_some(),
            SlotKind::PassphraseAndKeyfile => self.has_passphrase() && self.keyfile.is_some(),
        })
    }

    /// What opens another vault than the one that everything is about: a file with its passphrase, its
    /// keyfile, or a person who is asked.
    pub(crate) fn of_files(
        (globals, environment): (&Globals, &Environment),
        passphrase: Option<&str>,
        keyfile: Option<&str>,
    ) -> Self {
        let passphrase = passphrase.map(|path| Source::File(path.into()));
        Self {
            passphrase,
            keyfile: keyfile.map(PathBuf::from),
            ..Self::nothing(globals, environment)
        }
    }

    /// Nothing, where a person is to be asked.
    pub(crate) fn nothing(globals: &Globals, environment: &Environment) -> Self {
        Self { limit: limit_of(globals), home: home(environment), ..Self::default() }
    }

    /// Whether a person is asked for the passphrase that a keyfile is not enough without.
    pub(crate) fn asks_for_more(&self, vault: &LockedVault) -> bool {
        let takes_both = SlotKind::PassphraseAndKeyfile;
        !self.has_passphrase() && vault.slots().any(|(_, body)| body.kind() == takes_both)
    }

    /// Whether a person is to be asked.
    fn is_nothing(&self) -> bool {
        self.passphrase.is_none() && self.keyfile.is_none()
    }

    /// Whether the command line says what to unlock with.
    pub(crate) fn is_on_the_line(&self) -> bool {
        self.is_on_the_line
    }

    /// Returns what the user allowed a derivation to cost.
    pub(crate) fn limit(&self) -> CostLimit {
        self.limit.unwrap_or(CostLimit::Ordinary)
    }

    /// Returns the keyfile's path, where one is offered.
    pub(crate) fn keyfile_path(&self) -> Option<&Path> {
        self.keyfile.as_deref()
    }

    /// Returns the path of the passphrase's file, where one is offered.
    pub(crate) fn passphrase_path(&self) -> Option<&Path> {
        match &self.passphrase {
            Some(Source::File(path)) => Some(path),
            Some(Source::Descriptor(..) | Source::Command(_)) | None => None,
        }
    }

    /// Returns whether a passphrase can be had without asking a person.
    pub(crate) fn has_passphrase(&self) -> bool {
        self.passphrase.is_some()
    }

    /// Reads the keyfile.
    pub(crate) fn keyfile(&self) -> Result<Option<Keyfile>, Failure> {
        let Some(path) = &self.keyfile else { return Ok(None) };
        let bytes = Secret::new(credential::read_file(path, MAX_BYTES)?);
        Ok(Some(Keyfile::parse(bytes.expose())?))
    }

    /// Reads the passphrase from where it is offered; `None` if none is.
    pub(crate) fn passphrase(&self) -> Result<Option<Passphrase>, Failure> {
        let Some(source) = &self.passphrase else { return Ok(None) };
        // Whatever it comes from may ask at the terminal itself.
        terminal::end_silence();
        Ok(Some(Passphrase::from_file_bytes(source.read()?.expose())?))
    }

    /// Tries everything that is offered on the slots of the vault, and asks a person if nothing is.
    pub(crate) fn open(&self, vault: &LockedVault) -> Result<Opened, Failure> {
        let was_asked = self.is_nothing();
        Ok(Opened { was_asked, ..self.open_somehow(vault)? })
    }

    fn open_somehow(&self, vault: &LockedVault) -> Result<Opened, Failure> {
        let has = |kind: SlotKind| vault.slots().any(|(_, body)| body.kind() == kind);
        let keyfile = self.keyfile()?;
        let takes_both = has(SlotKind::PassphraseAndKeyfile);
        let lacks_keyfile = keyfile.is_none() && !has(SlotKind::Passphrase);
        // A recovery code is known by its check digits, which leave no doubt.
        let code_or_passphrase =
            |passphrase: Passphrase| match RecoveryCode::parse(passphrase.expose()) {
                Ok(code) if has(SlotKind::RecoveryCode) => Credential::RecoveryCode(code),
                Ok(_) | Err(_) => Credential::Passphrase(passphrase),
            };
        if let Some(passphrase) = self.passphrase()? {
            let credential = match keyfile {
                Some(keyfile) if takes_both => {
                    Credential::PassphraseAndKeyfile(passphrase, keyfile)
                }
                Some(_) => return Err(not_together()),
                None => code_or_passphrase(passphrase),
            };
            if lacks_keyfile && takes_both && credential.kind() == SlotKind::Passphrase {
                return Err(keyfile_missing(TOGETHER));
            }
            return self.attempt(vault, credential);
        }
        let question =
            |what: &str| format!("{what} for {}: ", shown(vault.path(), self.home.as_deref()));
        match keyfile {
            Some(keyfile) if has(SlotKind::Keyfile) || !takes_both => {
                self.attempt(vault, Credential::Keyfile(keyfile))
            }
            Some(_) => ask(&question(PASSPHRASE), |passphrase| {
                let keyfile = self.keyfile()?.ok_or_else(locked)?;
                let credential = Credential::PassphraseAndKeyfile(passphrase, keyfile);
                self.attempt(vault, credential)
            }),
            // Nobody is asked for what opens nothing.
            None if lacks_keyfile && has(SlotKind::RecoveryCode) && terminal::is_there() => {
                ask(&question(RECOVERY_CODE), |typed| {
                    let code = RecoveryCode::parse(typed.expose())?;
                    self.attempt(vault, Credential::RecoveryCode(code))
                })
            }
            None if lacks_keyfile && takes_both => Err(keyfile_missing(TOGETHER)),
            None if lacks_keyfile && has(SlotKind::Keyfile) => Err(keyfile_missing(ALONE)),
            None => ask(&question(PASSPHRASE), |passphrase| {
                self.attempt(vault, code_or_passphrase(passphrase))
            }),
        }
    }

    fn attempt(&self, vault: &LockedVault, credential: Credential) -> Result<Opened, Failure> {
        let (slot, master) = vault.try_credential(&credential, self.limit())?;
        Ok(Opened { slot, master, credential, was_asked: false })
    }
}

/// Returns what the command line allows a derivation to cost.
fn limit_of(globals: &Globals) -> Option<CostLimit> {
    match (globals.allow_costly_kdf, globals.allow_weak_kdf) {
        (true, _) => Some(CostLimit::Costly),
        (false, true) => Some(CostLimit::Weak),
        (false, false) => None,
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
    /// Whether a person was asked for it.
    pub(crate) was_asked: bool,
}

/// Returns the one source there is; the names of two, if there are more.
fn only<const N: usize>(
    sources: [(&str, Option<Source>); N],
) -> Result<Option<Source>, (&str, &str)> {
    let mut found: Option<(&str, Source)> = None;
    for (name, source) in sources {
        match (source, &found) {
            (Some(_), Some((first, _))) => return Err((first, name)),
            (Some(source), None) => found = Some((name, source)),
            (None, _) => {}
        }
    }
    Ok(found.map(|(_, source)| source))
}

const PASSPHRASE: &str = "Passphrase";
const RECOVERY_CODE: &str = "Recovery code";

fn home(environment: &Environment) -> Option<PathBuf> {
    environment.path("HOME").filter(|home| home.is_absolute()).map(Path::to_owned)
}

/// Returns a path as a person knows it, in one line.
fn shown(path: &Path, home: Option<&Path>) -> String {
    let below = home.and_then(|home| path.strip_prefix(home).ok());
    let below = below.map(|below| Path::new("~").join(below));
    let path = below.as_deref().unwrap_or(path).display().to_string();
    path.replace(char::is_control, "?")
}

/// Asks the person at the terminal, who may mistype.
fn ask<T>(
    question: &str,
    mut attempt: impl FnMut(Passphrase) -> Result<T, Failure>,
) -> Result<T, Failure> {
    if !terminal::is_there() {
        return Err(locked());
    }
    let mut left = TRIES;
    loop {
        left -= 1;
        let again =
            if left == 1 { "1 try is left".to_owned() } else { format!("{left} tries are left") };
        let typed = terminal::ask_secret(question, Lines::One);
        let typed = typed.map_err(|error| unanswered(&error))?;
        let passphrase = Passphrase::from_bytes(typed.expose().as_bytes());
        match passphrase.map_err(Failure::from).and_then(&mut attempt) {
            // To a person who has just typed it this is likelier than an altered slot; the last
            // try's error names both.
            Err(Failure::Vault(vault::Error::Crypto(crypto::Error::WrongCredential)))
                if left > 0 =>
            {
                terminal::object(&format!("that is not the passphrase; {again}"));
            }
            Err(Failure::Vault(vault::Error::Crypto(
                error @ (crypto::Error::BadPassphrase { .. }
                | crypto::Error::UnseenCharacter(_)
                | crypto::Error::BadRecoveryCode { .. }),
            ))) if left > 0 => terminal::object(&format!("{error}; {again}")),
            done => return done,
        }
    }
}

/// The person who was asked does not answer.
fn unanswered(error: &io::Error) -> Failure {
    Failure::environment("VaultLocked", format!("the vault is locked: {error}"))
}

/// Nothing opens the vault, and nobody can be asked.
fn locked() -> Failure {
    Failure::environment("VaultLocked", format!("the vault is locked, and {}", terminal::why_not()))
        .hinted(WAYS)
}

/// What is said to do where nobody can be asked.
pub(super) const WAYS: &str = "give --keyfile, --passphrase-file, --passphrase-fd or \
                               --passphrase-command, or set STRONGROOM_KEYFILE";
const ALONE: &str = "only a keyfile opens it";
const TOGETHER: &str = "a passphrase and a keyfile open it together";

/// The vault wants a keyfile, and none was offered.
fn keyfile_missing(what: &str) -> Failure {
    let message = format!("the vault is locked: {what}, and no keyfile was given");
    Failure::environment("VaultLocked", message).hinted("give --keyfile, or set STRONGROOM_KEYFILE")
}

/// Each of what is offered could open the vault, but nobody said which.
fn not_together() -> Failure {
    let what = "a passphrase and a keyfile were given, and no key slot takes both together";
    Failure::environment("VaultLocked", what).hinted("give one of them")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_shown_as_a_person_knows_it() {
        let home = Some(Path::new("/home/ada"));
        for (path, home, expected) in [
            (
                "/home/ada/.local/share/strongroom/vault.db",
                home,
                "~/.local/share/strongroom/vault.db",
            ),
            ("/home/adam/vault", home, "/home/adam/vault"),
            ("/media/stick/a\nb\u{1b}", home, "/media/stick/a?b?"),
            ("/home/ada/vault", None, "/home/ada/vault"),
        ] {
            assert_eq!(shown(Path::new(path), home), expected);
        }
    }
}
