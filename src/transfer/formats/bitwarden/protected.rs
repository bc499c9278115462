//! The document that a password protects (bitwarden/clients, `bitwarden-password-protected-importer.ts`).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;

use super::super::super::reading::{Error, Wishes};
use super::super::super::shape;
use crate::crypto;
use crate::crypto::foreign::{Derivation, ExportKeys, Protected};
use crate::sys::secret::Secret;

/// Decrypts the document.
pub(super) fn open(json: &Json, wishes: &Wishes) -> Result<Json, Error> {
    let derivation = derivation(json)?;
    let salt = text(json, "salt")?;
    let check = Cipher::read(text(json, CHECK)?, CHECK)?;
    let data = Cipher::read(text(json, "data")?, "data")?;
    let password = wishes.password.as_ref().ok_or(Error::NoPassword)?;
    // The salt is used as it is written, not as the bytes that it stands for.
    let keys = ExportKeys::derive(derivation, password, salt.as_bytes()).map_err(failure)?;
    keys.check(&check.protected()).map_err(failure)?;
    let plain = keys.open(&data.protected()).map_err(failure)?;
    shape::inner_json(plain.expose(), "the protected document")
}

/// Reads how the key is derived, and refuses what would take all the memory or the whole day.
fn derivation(json: &Json) -> Result<Derivation, Error> {
    let number = |name: &str| {
        let number = json.get(name).and_then(Json::as_u64);
        number.ok_or_else(|| Error::malformed(name, "is no whole number"))
    };
    let rounds = number("kdfIterations")?;
    let (derivation, asked) = match number("kdfType")? {
        0 => (Derivation::pbkdf2(rounds), format!("{rounds} rounds of PBKDF2")),
        1 => {
            let (memory, lanes) = (number("kdfMemory")?, number("kdfParallelism")?);
            let asked = format!("{memory} MiB, {rounds} passes and {lanes} lanes of Argon2id");
            (Derivation::argon2id(rounds, memory, lanes), asked)
        }
        _ => return Err(Error::malformed("kdfType", "is neither PBKDF2 nor Argon2id")),
    };
    derivation.ok_or_else(|| {
        Error::TooMuch(format!("the export asks for {asked}, which Bitwarden does not do"))
    })
}

/// A text as Bitwarden writes encrypted ones: `2.IV|ciphertext|MAC`, each as base64.
struct Cipher {
    iv: [u8; 16],
    ciphertext: Secret<Vec<u8>>,
    mac: [u8; 32],
}

impl Cipher {
    fn read(text: &str, name: &str) -> Result<Self, Error> {
        let malformed = || Error::malformed(name, "is not encrypted as Bitwarden does it");
        let bytes = |text: Option<&str>| {
            STANDARD.decode(text.ok_or_else(malformed)?).map_err(|_error| malformed())
        };
        let mut parts = text.strip_prefix("2.").ok_or_else(malformed)?.split('|');
        let iv = bytes(parts.next())?.try_into().map_err(|_length| malformed())?;
        let ciphertext = Secret::new(bytes(parts.next())?);
        let mac = bytes(parts.next())?.try_into().map_err(|_length| malformed())?;
        match parts.next() {
            None => Ok(Self { iv, ciphertext, mac }),
            Some(_) => Err(malformed()),
        }
    }

    fn protected(&self) -> Protected<'_> {
        Protected { iv: self.iv, ciphertext: self.ciphertext.expose(), mac: self.mac }
    }
}

fn text<'j>(json: &'j Json, name: &str) -> Result<&'j str, Error> {
    json.get(name).and_then(Json::as_str).ok_or_else(|| Error::malformed(name, "is no text"))
}

fn failure(error: crypto::Error) -> Error {
    match error {
        crypto::Error::WrongCredential => Error::WrongPassword,
        crypto::Error::NoMemory { .. } => Error::TooMuch(error.to_string()),
        crypto::Error::AuthenticationFailed
        | crypto::Error::Malformed { .. }
        | crypto::Error::NewerFormat { .. }
        | crypto::Error::CostRefused { .. }
        | crypto::Error::CostTooLow { .. }
        | crypto::Error::CostOutOfBounds { .. }
        | crypto::Error::BadKeyfile { .. }
        | crypto::Error::BadRecoveryCode { .. }
        | crypto::Error::BadPassphrase { .. }
        | crypto::Error::UnseenCharacter(_)
        | crypto::Error::NoEntropy(_)
        | crypto::Error::TooLong => Error::malformed("the protected document", error.to_string()),
    }
}

/// The member whose MAC tells a wrong password.
const CHECK: &str = "encKeyValidation_DO_NOT_EDIT";
