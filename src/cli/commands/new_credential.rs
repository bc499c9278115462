//! The options about a new passphrase, and what they ask for.

use std::path::Path;

use super::super::enroll::{self, OnWeak};
use super::super::failure::Failure;
use super::super::request::error as request;
use super::super::request::globals::options::Globals;
use super::super::terminal;
use super::options::{Number, options};
use crate::crypto::kdf::{CostLimit, KdfParameters};
use crate::crypto::passphrase::Passphrase;
use crate::sys::credential;
use crate::sys::entropy::SystemEntropy;
use crate::sys::secret::Secret;

options! {
    /// The options about a new passphrase, and what deriving a key from it costs.
    pub(super) struct PassphraseOptions {
        /// Read the new passphrase from a file instead of the terminal
        new_passphrase_file: Option<String> = "FILE",
        /// Make up a passphrase of six words, and show it at the terminal
        generate: bool => .conflicts_with("new-passphrase-file"),
        /// Take a passphrase that is easily guessed
        allow_weak_passphrase: bool,
        /// The memory of a derivation in MiB, instead of measuring
        kdf_memory: Number<u32> = "MIB",
        /// The passes of a derivation. The default is 3
        kdf_passes: Number<u32> = "N",
        /// The lanes of a derivation. The default is 4
        kdf_lanes: Number<u32> = "N",
    }
}

impl PassphraseOptions {
    pub(super) fn on_weak(&self) -> OnWeak {
        if self.allow_weak_passphrase { OnWeak::Take } else { OnWeak::Refuse }
    }
}

/// Obtains a new passphrase, and judges it.
pub(super) fn passphrase(new: &PassphraseOptions) -> Result<Passphrase, Failure> {
    let passphrase = match &new.new_passphrase_file {
        Some(path) => {
            let bytes = Secret::new(credential::read(Path::new(path), MAX_BYTES)?);
            Passphrase::from_file_bytes(bytes.expose())?
        }
        None if new.generate => {
            let made = Passphrase::generate(&SystemEntropy)?;
            enroll::show("The new passphrase, shown only now:", made.expose())?;
            made
        }
        None => return enroll::ask(new.on_weak()),
    };
    enroll::judged(passphrase, new.on_weak())
}

/// Returns the cost of deriving a key: as asked for, or as this machine affords.
pub(super) fn cost(new: &PassphraseOptions, globals: &Globals) -> Result<KdfParameters, Failure> {
    let memory = new.kdf_memory.get()?;
    let passes = new.kdf_passes.get()?;
    let lanes = new.kdf_lanes.get()?;
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
