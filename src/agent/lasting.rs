//! The vault's own access keys as an endpoint has found them, so that not every request reads them anew.
//!
//! What was found is true of one generation of the vault. Whoever finds a key by this looks once more when
//! he has the vault; a key that was deleted, by whichever process, is of no use from then on.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use super::identity::Written;
use super::long_work::lock;
use crate::model::time::Timestamp;
use crate::service::caller::Grant;
use crate::service::failure::Failure;
use crate::service::keys;
use crate::sys::secret::Secret;
use crate::vault::Vault;
use crate::vault::transaction::{Access, RequestContext};

/// A key that was found.
pub(super) struct LastingKey {
    pub(super) id: String,
    /// The secret access key.
    pub(super) secret: Secret<String>,
    pub(super) until: Option<Timestamp>,
    pub(super) grant: Arc<Grant>,
    /// The vault's when it was found.
    generation: u64,
}

/// Those that were found; a vault has few.
#[derive(Default)]
pub(super) struct LastingKeys(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// The file of the vault as it was when these were found.
    written: Option<Written>,
    found: BTreeMap<String, Arc<LastingKey>>,
    /// The days on which the use of keys was noted.
    noted: BTreeMap<String, i64>,
}

impl LastingKeys {
    /// Returns a key that was found in the file as it is.
    pub(super) fn known(&self, id: &str, written: Option<Written>) -> Option<Arc<LastingKey>> {
        let known = lock(&self.0);
        let is_as_it_was = written.is_some() && known.written == written;
        known.found.get(id).filter(|_key| is_as_it_was).map(Arc::clone)
    }

    /// Finds a key in the vault, whose file is as `written` says, if that is known.
    pub(super) fn find(
        &self,
        vault: &mut Vault,
        id: &str,
        written: Option<Written>,
        context: RequestContext<'_>,
    ) -> Result<Option<Arc<LastingKey>>, Failure> {
        let transaction = vault.begin(Access::Read, context)?;
        let generation = transaction.state().generation;
        let found = keys::find(&transaction, id)?;
        drop(transaction);
        let mut known = lock(&self.0);
        if known.written != written {
            known.found.clear();
            known.written = written;
        }
        let key = found.map(|found| {
            let (id, secret, until) = (id.to_owned(), found.secret, found.until);
            let grant = Arc::new(found.grant);
            Arc::new(LastingKey { id, secret, until, grant, generation })
        });
        if let Some(key) = &key {
            known.found.insert(id.to_owned(), Arc::clone(key));
        }
        Ok(key)
    }

    /// Returns a key as it is now that the caller has the vault; `None` if it is not his any more.
    pub(super) fn look_again(
        &self,
        key: &Arc<LastingKey>,
        vault: &mut Vault,
        context: RequestContext<'_>,
    ) -> Result<Option<Arc<LastingKey>>, Failure> {
        let generation = vault.begin(Access::Read, context)?.state().generation;
        if generation == key.generation {
            return Ok(Some(Arc::clone(key)));
        }
        self.find(vault, &key.id, None, context)
    }

    /// Notes that a key is used, once a day. That it was noted is not what was asked for.
    pub(super) fn note_use(&self, id: &str, vault: &mut Vault, context: RequestContext<'_>) {
        let day = context.now.0.div_euclid(DAY_MS);
        if lock(&self.0).noted.insert(id.to_owned(), day) == Some(day) {
            return;
        }
        // As a read is.
        let is_silent = vault.is_read_only() || !vault.audits_reads();
        let access =
            if is_silent || vault.lets_reads_wait() { Access::Read } else { Access::Write };
        let noted = vault.begin(access, context).map_err(Failure::from).and_then(|mut begun| {
            keys::note_use(&mut begun, id)?;
            Ok(begun.commit()?)
        });
        drop(noted);
    }
}

const DAY_MS: i64 = 86_400_000;
