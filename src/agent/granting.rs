//! What the agent answers to whoever hands out grants, and takes them back.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::door::{Agent, unknown};
use super::grants::{Given, Term};
use super::messages::{EndsWith, Granting, Refused};
use super::place::new_token;
use super::session::{Use, lock};
use super::temporary::TemporaryKey;
use crate::gateway::answers::Circumstances;
use crate::gateway::json::{from_json, tagged};
use crate::model::shape::Shaped;
use crate::model::value::Value;
use crate::service::caller::{Caller, Grant};
use crate::service::grants::{self, GrantSpec};
use crate::service::identity::CallerIdentity;
use crate::service::rules::arn::Place;
use crate::sys::entropy::NoEntropy;
use crate::sys::process::{Actor, Watched};
use crate::sys::secret::Secret;
use crate::vault::transaction::Access;
use crate::vault::{self, Vault};

impl Agent<'_> {
    /// Hands out a part of what the owner may do, and returns the token for it.
    pub(super) fn grant(
        &self,
        who: &Actor,
        token: &Secret<String>,
        spec: &Json,
        how: Granting,
    ) -> Result<Json, Refused> {
        let spec = from_json(GrantSpec::SHAPE, spec).map_err(Refused::Malformed)?;
        let spec = GrantSpec::from_value(spec);
        let spec =
            spec.map_err(|fault| Refused::Malformed(format!("that is no grant: {fault:?}")))?;
        let session = self.session(token)?;
        let now = self.moments.moment();
        if lock(&session.grants).is_full(now) {
            return Err(Refused::Malformed("there are too many grants".to_owned()));
        }
        let gone = |_gone| Refused::Malformed("who asked for the grant is gone".to_owned());
        let holder = match how.ends_with {
            EndsWith::Asker if !lock(&session.grants).watches_many() => {
                Watched::of(who.pid).map_err(gone)?
            }
            EndsWith::Asker | EndsWith::Time => None,
        };
        let none = |none: NoEntropy| {
            Refused::Vault((self.explain.vault)(&vault::Error::Crypto(none.into())))
        };
        let id = grants::draw_id(self.entropy).map_err(none)?;
        let secret = new_token(self.entropy).map_err(none)?;
        let reply = self.used_of(who, &session, Use::Counts, |vault, circumstances| {
            let made = self.make_grant(vault, &spec, (id, how.with_key), circumstances);
            let told = made.map(|(grant, key)| {
                let told = json!({
                    "token": secret.expose(),
                    "grant": tagged(&grants::shown(&grant)),
                    "key": key.as_deref().map(TemporaryKey::told),
                });
                let given = Given { token: secret, key };
                let lifetime_ms = spec.lifetime_ms();
                let term = Term { lifetime_ms, holder };
                lock(&session.grants).add(given, Caller::Grant(grant), now, term);
                told
            });
            (told, Vec::new())
        });
        reply.outcome
    }

    /// Says what is granted.
    pub(super) fn grants(&self, token: &Secret<String>) -> Result<Json, Refused> {
        let session = self.session(token)?;
        Ok(tagged(&lock(&session.grants).shown(self.moments.moment())))
    }

    /// Says to the holder of a grant who he is, which AWS tells everybody.
    pub(super) fn identity(
        &self,
        who: &Actor,
        token: &Secret<String>,
        region: Option<&str>,
    ) -> Result<Json, Refused> {
        let found = self.sessions.find_grant(token.expose(), self.moments.moment());
        let (session, caller) = found.ok_or_else(unknown)?;
        let reply = self.used_of(who, &session, Use::Looks, |vault, circumstances| {
            if !self.is_good(&session, &caller, token) {
                return (Err(unknown()), Vec::new());
            }
            let told = vault.begin(Access::Read, circumstances.context()).map(|transaction| {
                let settings = &transaction.state().settings;
                let region = region.unwrap_or(settings.region());
                let told =
                    CallerIdentity::of(&caller, Place { account: settings.account(), region });
                let told = tagged(&told.into_value().unwrap_or(Value::Null));
                json!({ "identity": told, "region": region })
            });
            (told.map_err(|error| self.refused(error.into())), Vec::new())
        });
        reply.outcome
    }

    fn make_grant(
        &self,
        vault: &mut Vault,
        spec: &GrantSpec,
        (id, with_key): (String, bool),
        circumstances: Circumstances<'_>,
    ) -> Result<(Grant, Option<Arc<TemporaryKey>>), Refused> {
        let failed = |error: vault::Error| self.refused(error.into());
        let transaction = vault.begin(Access::Write, circumstances.context());
        let mut transaction = transaction.map_err(failed)?;
        let settings = &transaction.state().settings;
        let home = Place { account: settings.account(), region: settings.region() };
        let now = transaction.now().max(transaction.date());
        let made = || {
            let grant = spec.grant(id.clone(), home, now);
            grant.map_err(|mistake| Refused::Malformed(mistake.to_string()))
        };
        let grant = made()?;
        let key = with_key.then(|| {
            let key = TemporaryKey::draw(made()?, now, self.entropy);
            key.map_err(|none| failed(vault::Error::Crypto(none.into())))
        });
        let key = key.transpose()?;
        let label = grant.label.as_ref().map(|label| format!(" {label}")).unwrap_or_default();
        let recorded = transaction.record_own("CreateGrant", &format!("{}{label}", grant.id));
        recorded.and_then(|()| transaction.commit()).map_err(failed)?;
        Ok((grant, key.map(Arc::new)))
    }

    pub(super) fn revoke(
        &self,
        who: &Actor,
        token: &Secret<String>,
        id: &str,
    ) -> Result<Json, Refused> {
        let session = self.session(token)?;
        let is_revoked = lock(&session.grants).revoke(id);
        if !is_revoked {
            return Ok(json!({ "revoked": false }));
        }
        let reply = self.used_of(who, &session, Use::Counts, |vault, circumstances| {
            let transaction = vault.begin(Access::Write, circumstances.context());
            let recorded = transaction.and_then(|mut transaction| {
                transaction.record_own("RevokeGrant", id)?;
                transaction.commit()
            });
            let recorded = recorded.map(|()| json!({ "revoked": true }));
            (recorded.map_err(|error| self.refused(error.into())), Vec::new())
        });
        reply.outcome
    }
}
