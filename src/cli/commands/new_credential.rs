//! Credentials that are to be: new passphrases that are judged, new keyfiles, recovery codes that
//! are shown once.

use std::path::{Path, PathBuf};

use super::super::credentials;
use super::super::failure::Failure;
use super::super::request::error as request;
use super::super::terminal;
use super::{Asked, flag, option};
use crate::crypto::kdf::{self, CostLimit, KdfParameters};
use crate::crypto::keyfile::Keyfile;
use crate::crypto::passphrase::{self, Passphrase};
use crate::crypto::recovery::RecoveryCode;
use crate::crypto::slot::SlotKind;
use crate::sys::clock::SystemClock;
use crate::sys::entropy::SystemEntropy;
use crate::sys::secret::Secret;
use crate::sys::{credential, files, process};

/// The options about new passphrases and what deriving a key from them costs.
pub(super) const OPTIONS: [&str; 6] = [
    "new-passphrase-file",
    "generate",
    "allow-weak-passphrase",
    "kdf-memory",
    "kdf-passes",
    "kdf-lanes",
];

/// Adds the options about new passphrases and what deriving a key from them costs.
pub(super) fn options(command: clap::Command) -> clap::Command {
    command
        .arg(option(
            "new-passphrase-file",
            "FILE",
            "Read the new passphrase from a file instead of the terminal",
        ))
        .arg(
            flag("generate", "Make up a passphrase of six words, and show it at the terminal")
                .conflicts_with("new-passphrase-file"),
        )
        .arg(flag("allow-weak-passphrase", "Take a passphrase that is easily guessed"))
        .arg(option("kdf-memory", "MIB", "The memory of a derivation in MiB, instead of measuring"))
        .arg(option("kdf-passes", "N", "The passes of a derivation. The default is 3"))
        .arg(option("kdf-lanes", "N", "The lanes of a derivation. The default is 4"))
}

/// Obtains a new passphrase, and judges it.
pub(super) fn passphrase(asked: &Asked<'_>) -> Result<Passphrase, Failure> {
    let passphrase = match asked.text("new-passphrase-file") {
        Some(path) => {
            let bytes = Secret::new(credential::read(Path::new(path), MAX_BYTES)?);
            Passphrase::from_file_bytes(bytes.expose())?
        }
        None if asked.flag("generate") => {
            let made = Passphrase::generate(&SystemEntropy)?;
            show("The new passphrase, shown only now:", made.expose())?;
            made
        }
        None => return ask(asked.flag("allow-weak-passphrase")),
    };
    judged(passphrase, asked.flag("allow-weak-passphrase"))
}

/// Asks for a new passphrase until it is a good one: what else was typed is not lost.
pub(super) fn ask(insists: bool) -> Result<Passphrase, Failure> {
    loop {
        match judged(credentials::ask_new_passphrase()?, insists) {
            Err(Failure::Environment { name: WEAK, message, .. }) => {
                terminal::object(&format!("{message}; another one"));
            }
            done => return done,
        }
    }
}

/// Refuses a weak passphrase, with the reason, unless the user insists.
pub(super) fn judged(passphrase: Passphrase, insists: bool) -> Result<Passphrase, Failure> {
    let strength = passphrase::judge(&passphrase);
    if !strength.is_weak() || insists {
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

/// Returns the cost of deriving a key: as asked for, or as this machine affords.
pub(super) fn cost(asked: &Asked<'_>) -> Result<KdfParameters, Failure> {
    let memory: Option<u32> = asked.number("kdf-memory")?;
    let passes = asked.number("kdf-passes")?;
    let lanes = asked.number("kdf-lanes")?;
    if memory.is_none() && passes.is_none() && lanes.is_none() {
        return Ok(measured_cost());
    }
    if memory.is_some_and(|mib| mib > MAX_MIB) {
        let what = format!("it can be at most {MAX_MIB}");
        return Err(request::Error::argument("--kdf-memory", what).into());
    }
    let default = KdfParameters::DEFAULT;
    let chosen = KdfParameters {
        memory_kib: memory.map_or(default.memory_kib, |mib| mib.saturating_mul(1024)),
        passes: passes.unwrap_or(default.passes),
        lanes: lanes.unwrap_or(default.lanes),
    };
    let globals = asked.context.globals;
    if globals.allow_weak_kdf {
        chosen.check_create_weak()?;
    } else {
        chosen.check_create()?;
    }
    let refused = chosen.check_open(CostLimit::Weak);
    if globals.allow_costly_kdf && refused.is_err() {
        terminal::note("note: whoever opens this slot will need --allow-costly-kdf");
    } else {
        // Every command would be refused from then on.
        refused?;
    }
    Ok(chosen)
}

/// Measures what this machine affords.
pub(super) fn measured_cost() -> KdfParameters {
    kdf::calibrate(process::available_memory_kib(), &SystemClock)
}

/// A keyfile that was made for a slot that is not there yet. It is removed again unless it is
/// [kept](Made::settle): a file that opens nothing must not lie about.
#[must_use]
#[derive(Default)]
pub(super) struct Made(Option<(PathBuf, &'static str)>);

impl Made {
    /// Keeps the file, and says what was made, if the slot is there or may be.
    pub(super) fn settle<T>(mut self, stored: Result<T, Failure>) -> Result<T, Failure> {
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
pub(super) fn keyfile(path: &Path, kind: SlotKind) -> Result<(Keyfile, Made), Failure> {
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
pub(super) fn recovery_code() -> Result<RecoveryCode, Failure> {
    let code = RecoveryCode::generate(&SystemEntropy)?;
    show(
        "Recovery code, shown only now. Write it down; it opens the vault without the passphrase:",
        code.to_text().expose(),
    )?;
    Ok(code)
}

fn show(what: &str, secret: &str) -> Result<(), Failure> {
    let text = Secret::new(format!("\n{what}\n\n    {secret}\n\n"));
    terminal::show(text.expose()).map_err(|_gone| {
        Failure::environment("NoTerminal", "there is no terminal to show the recovery code at")
            .hinted("--no-recovery goes without one")
    })
}

const MAX_BYTES: usize = 4096;

/// The most memory that any vault may ask for, in MiB (docs/format.md, "Slots").
const MAX_MIB: u32 = 4096;

/// The name of the refusal.
const WEAK: &str = "WeakPassphrase";
