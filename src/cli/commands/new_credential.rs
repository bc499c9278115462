//! The options about a new passphrase, and what they ask for.

use std::path::Path;

use super::super::enroll;
use super::super::failure::Failure;
use super::super::request::error as request;
use super::super::terminal;
use super::{Asked, flag, option};
use crate::crypto::kdf::{CostLimit, KdfParameters};
use crate::crypto::passphrase::Passphrase;
use crate::sys::credential;
use crate::sys::entropy::SystemEntropy;
use crate::sys::secret::Secret;

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
            enroll::show("The new passphrase, shown only now:", made.expose())?;
            made
        }
        None => return enroll::ask(asked.flag("allow-weak-passphrase")),
    };
    enroll::judged(passphrase, asked.flag("allow-weak-passphrase"))
}

/// Returns the cost of deriving a key: as asked for, or as this machine affords.
pub(super) fn cost(asked: &Asked<'_>) -> Result<KdfParameters, Failure> {
    let memory: Option<u32> = asked.number("kdf-memory")?;
    let passes = asked.number("kdf-passes")?;
    let lanes = asked.number("kdf-lanes")?;
    if memory.is_none() && passes.is_none() && lanes.is_none() {
        return Ok(enroll::measured_cost());
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

const MAX_BYTES: usize = 4096;

/// The most memory that any vault may ask for, in MiB (docs/format.md, "Slots").
const MAX_MIB: u32 = 4096;
