//! A document of Bitwarden's under a password (bitwarden/clients, `individual-vault-export.service.ts`): by
//! PBKDF2, which all readers know.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value as Json};

use crate::crypto;
use crate::crypto::foreign::{Derivation, ExportKeys, Sealed};
use crate::sys::entropy::{self, Entropy};
use crate::sys::secret::Secret;

/// Bitwarden's own number of rounds.
const ROUNDS: u32 = 600_000;

/// Protects a document.
pub(crate) fn protect(
    document: &Secret<Vec<u8>>,
    password: &str,
    entropy: &dyn Entropy,
) -> Result<Secret<Vec<u8>>, crypto::Error> {
    let mut salt = [0; 16];
    entropy.fill(&mut salt)?;
    // Used as it is written, not as the bytes that it stands for.
    let salt = STANDARD.encode(salt);
    let bearable = crypto::Error::Malformed { what: "export" };
    let derivation = Derivation::pbkdf2(ROUNDS.into()).ok_or(bearable)?;
    let password = Secret::new(password.to_owned());
    let keys = ExportKeys::derive(derivation, &password, salt.as_bytes())?;
    let check = entropy::random_uuid(entropy)?;
    let mut members = Map::new();
    let mut put = |name: &str, value: Json| drop(members.insert(name.to_owned(), value));
    put("encrypted", true.into());
    put("passwordProtected", true.into());
    put("salt", salt.into());
    put("kdfType", 0.into());
    put("kdfIterations", ROUNDS.into());
    put("encKeyValidation_DO_NOT_EDIT", text(&keys.seal(check.as_bytes(), entropy)?).into());
    put("data", text(&keys.seal(document.expose(), entropy)?).into());
    let text = format!("{:#}\n", Json::Object(members));
    Ok(Secret::new(text.into_bytes()))
}

/// Writes encrypted bytes as Bitwarden does: `2.IV|ciphertext|MAC`.
fn text(sealed: &Sealed) -> String {
    let Sealed { iv, ciphertext, mac } = sealed;
    format!("2.{}|{}|{}", STANDARD.encode(iv), STANDARD.encode(ciphertext), STANDARD.encode(mac))
}
