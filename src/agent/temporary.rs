//! Access keys that are good for as long as a grant: its holder signs requests at an endpoint with them.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::place::new_token;
use crate::model::time::Timestamp;
use crate::service::caller::Grant;
use crate::service::rules::dice::Dice;
use crate::sys::entropy::{Entropy, NoEntropy};
use crate::sys::secret::Secret;
use crate::vault::access_key::{ID_ALPHABET, SECRET_ALPHABET, SECRET_LENGTH};

/// One such key, in AWS's form.
pub(super) struct TemporaryKey {
    pub(super) id: String,
    /// The secret access key.
    pub(super) secret: Secret<String>,
    /// What a request must show besides.
    pub(super) session_token: Secret<String>,
    pub(super) issued: Timestamp,
    pub(super) grant: Arc<Grant>,
}

impl TemporaryKey {
    /// Draws one for a grant.
    pub(super) fn draw(
        grant: Grant,
        issued: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<Self, NoEntropy> {
        let mut dice = Dice::new(entropy);
        let mut id = ID_PREFIX.to_owned();
        dice.spell(&mut id, ID_LENGTH, ID_ALPHABET)?;
        let mut secret = Secret::new(String::with_capacity(SECRET_LENGTH));
        dice.spell(secret.expose_mut(), SECRET_LENGTH, SECRET_ALPHABET)?;
        Ok(Self { id, secret, session_token: new_token(entropy)?, issued, grant: Arc::new(grant) })
    }

    /// Tells it to whom it is for.
    pub(super) fn told(&self) -> Json {
        json!({
            "id": self.id,
            "secret": self.secret.expose(),
            "token": self.session_token.expose(),
            "until": self.grant.until.0,
        })
    }
}

/// What the ids of AWS's temporary keys begin with.
const ID_PREFIX: &str = "ASIA";
const ID_LENGTH: usize = 16;
