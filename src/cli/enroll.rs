//! Credentials for new key slots: passphrases that are judged, keyfiles, recovery codes that are
//! shown once.

use std::io;
use std::path::{Path, PathBuf};

use super::failure::Failure;
use super::terminal::{self, Lines};
use crate::crypto::kdf::{self, KdfParameters};
use crate::crypto::keyfile::Keyfile;
use crate::crypto::passphrase::{self, Passphrase};
use crate::crypto::recovery::RecoveryCode;
use crate::crypto::slot::SlotKind;
use crate::sys::clock::SystemClock;
use crate::sys::entropy::SystemEntropy;
use crate::sys::secret::Secret;
use crate::sys::{credential, files, process};

/// What becomes of a weak passphrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnWeak {
    Refuse,
    /// The user insists.
    Take,
}

/// Asks for a new passphrase until it is a good one: what else was typed is not lost.
pub(crate) fn ask(on_weak: OnWeak) -> Result<Passphrase, Failure> {
    loop {
        match judged(twice()?, on_weak) {
            Err(Failure::Environment { name: WEAK, message, .. }) => {
                terminal::object(&format!("{message}; another one"));
            }
            done => return done,
        }
    }
}

/// Refuses a weak passphrase, with the reason, unless the user insists.
pub(crate) fn judged(passphrase: Passphrase, on_weak: OnWeak) -> Result<Passphrase, Failure> {
    let strength = passphrase::judge(&passphrase);
    if !strength.is_weak() || on_weak == OnWeak::Take {
        return Ok(passphrase);
    }
    let reason = strength.warning.unwrap_or_else(|| {
        format!("about 10^{:.0} guesses find it", strength.guesses_log10.floor())
    });
    let message = format!("the passphrase is too weak: {}", reason.trim_end_matches('.'));
    let hint = strength.suggestions.join(" ");
    let hint = format!(
        "{hint} `strongroom init --generate` makes one of six words, --allow-weak-passphrase takes \
         this one all the same"
    );
    Err(Failure::environment(WEAK, message).hinted(hint.trim()))
}

/// Asks for a new passphrase, twice.
fn twice() -> Result<Passphrase, Failure> {
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
        let first = terminal::ask_secret("New passphrase: ", Lines::One).map_err(gone)?;
        let passphrase = match Passphrase::from_bytes(first.expose().as_bytes()) {
            Ok(passphrase) => passphrase,
            Err(error) => {
                terminal::object(&format!("{error}; another one"));
                continue;
            }
        };
        let second = terminal::ask_secret("The same again: ", Lines::One).map_err(gone)?;
        if first.expose() == second.expose() {
            return Ok(passphrase);
        }
        terminal::object("the two are not the same; once more");
    }
}

/// Measures what this machine affords.
pub(crate) fn measured_cost() -> KdfParameters {
    kdf::calibrate(process::available_memory_kib(), &SystemClock)
}

/// A keyfile that was made for a slot that is not there yet. It is removed again unless it is
/// [kept](Made::settle): a file that opens nothing must not lie about.
#[must_use]
#[derive(Default)]
pub(crate) struct Made(Option<(PathBuf, &'static str)>);

impl Made {
    /// Keeps the file, and says what was made, if the slot is there or may be.
    pub(crate) fn settle<T>(mut self, stored: Result<T, Failure>) -> Result<T, Failure> {
        if stored.as_ref().err().is_none_or(Failure::may_be_done) {
            self.keep();
        }
        stored
    }

    fn keep(&mut self) {
        if let Some((path, what)) = self.0.take() {
            terminal::note(&format!("made the keyfile {}; {what}", path.display()));
        }
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        if let Some((path, _)) = &self.0 {
            drop(std::fs::remove_file(path));
        }
    }
}

/// Makes a keyfile at `path` for a slot of this kind, or takes the one that is there.
pub(crate) fn keyfile(path: &Path, kind: SlotKind) -> Result<(Keyfile, Made), Failure> {
    if path.exists() {
        let bytes = Secret::new(credential::read_file(path, MAX_BYTES)?);
        return Ok((Keyfile::parse(bytes.expose())?, Made::default()));
    }
    if let Some(directory) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        files::create_private_dir(directory)?;
    }
    let made = Keyfile::generate(&SystemEntropy)?;
    files::write_private(path, made.to_text().expose().as_bytes())?;
    let what = match kind {
        SlotKind::PassphraseAndKeyfile => "it opens the vault together with the passphrase",
        SlotKind::Passphrase | SlotKind::Keyfile | SlotKind::RecoveryCode => {
            "it opens the whole vault"
        }
    };
    Ok((made, Made(Some((path.to_owned(), what)))))
}

/// Makes a recovery code and shows it at the terminal, which is the only place it is ever shown.
pub(crate) fn recovery_code() -> Result<RecoveryCode, Failure> {
    let code = RecoveryCode::generate(&SystemEntropy)?;
    show(
        "Recovery code, shown only now. Write it down; it opens the vault without the passphrase:",
        code.to_text().expose(),
    )?;
    Ok(code)
}

/// Shows a credential at the terminal and nowhere else.
pub(crate) fn show(what: &str, secret: &str) -> Result<(), Failure> {
    let text = Secret::new(format!("\n{what}\n\n    {secret}\n\n"));
    terminal::show(text.expose()).map_err(|_gone| {
        Failure::environment("NoTerminal", "there is no terminal to show the recovery code at")
            .hinted("--no-recovery goes without one")
    })
}

/// The longest file that can hold a keyfile, in bytes.
const MAX_BYTES: usize = 4096;

/// The name of the refusal.
const WEAK: &str = "WeakPassphrase";
