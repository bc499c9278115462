//! Access keys that last: kept in the vault, each with the rights that its holder has. They are the
//! owner's to make and to delete; whoever verifies a signature finds them here.
//!
//! What a key's holder may do is decided in `access`, by the grant that a key is made into.

pub(crate) mod errand;
mod limits;
pub(crate) mod question;
mod rights;
mod told;

use super::caller::Grant;
use super::failure::Failure;
use super::fault::{Code, Fault};
use super::grants::GrantSpec;
use super::rules::dice::Dice;
use crate::model::time::Timestamp;
use crate::model::value::Value;
use crate::sys::entropy::{Entropy, NoEntropy};
use crate::sys::secret::Secret;
use crate::vault::Vault;
use crate::vault::access_key::{
    AccessKey, ID_ALPHABET, ID_PREFIX, MAX_ACCESS_KEYS, Rights, SECRET_ALPHABET, SECRET_LENGTH,
    SecretAccessKey, Status,
};
use crate::vault::record::Record;
use crate::vault::transaction::{Access, RequestContext, Transaction};
pub(crate) use limits::Unfit;
use limits::check;
use rights::{granted, home, is_over, spec_of};

/// An access key that may be used.
pub(crate) struct FoundKey {
    /// What its holder signs with.
    pub(crate) secret: Secret<String>,
    /// What its holder may do. Its id is the key's, and it ends with the key.
    pub(crate) grant: Grant,
    /// When the key ends; `None`: never.
    pub(crate) until: Option<Timestamp>,
}

/// Finds an access key that is active and whose time is not over. What was found stays true until the
/// vault's next generation, or the key's end.
///
/// A key that says what this program does not understand is not found: it may be a restriction.
pub(crate) fn find(transaction: &Transaction<'_>, id: &str) -> Result<Option<FoundKey>, Failure> {
    let Some(record) = transaction.access_key(id)? else { return Ok(None) };
    let Some(key) = &record.access_key else { return Ok(None) };
    if key.status == Status::Inactive || is_over(key, transaction) {
        return Ok(None);
    }
    let Some(grant) = granted(&record, transaction) else { return Ok(None) };
    Ok(Some(FoundKey { secret: key.secret.again(), grant, until: key.until }))
}

/// Notes that a key was used today. That is written as a read is: at once, or with those that wait. Once
/// a day is enough.
pub(crate) fn note_use(transaction: &mut Transaction<'_>, id: &str) -> Result<(), Failure> {
    if let Some(mut record) = transaction.access_key(id)? {
        // It is the key that was used, and no version of it.
        transaction.note_access(&mut record, "")?;
    }
    Ok(())
}

/// Makes a key, and shows it: this once with its secret.
fn create(
    vault: &mut Vault,
    (mut rights, lifetime_s): (Rights, Option<i64>),
    context: RequestContext<'_>,
) -> Result<Value, Failure> {
    let mut transaction = vault.begin(Access::Write, context)?;
    make_room(&mut transaction)?;
    let id = draw_id(transaction.entropy())?;
    if rights.user_name.is_empty() {
        rights.user_name.clone_from(&id);
    }
    let now = transaction.date();
    let spec = GrantSpec { lifetime_s, ..spec_of(&rights) };
    let invalid = |what: String| Failure::from(Fault::new(Code::InvalidParameter, what));
    check(&spec).map_err(|unfit| invalid(unfit.to_string()))?;
    spec.grant(id.clone(), home(&transaction), now).map_err(|m| invalid(m.to_string()))?;
    let until = lifetime_s.map(|_| Timestamp(now.0.saturating_add(spec.lifetime_ms())));
    let record = store(&mut transaction, id, rights, until)?;
    transaction.record_own("CreateAccessKey", &named(&record))?;
    transaction.commit()?;
    Ok(told::once(&record))
}

/// Makes a key with the rights of another, which is over at once or some time from now. The new one ends
/// when the other would have ended.
fn rotate(
    vault: &mut Vault,
    id: &str,
    grace_s: Option<i64>,
    context: RequestContext<'_>,
) -> Result<Value, Failure> {
    let mut transaction = vault.begin(Access::Write, context)?;
    let mut old = wanted(&transaction, id)?;
    if granted(&old, &transaction).is_none() {
        // What is not understood of it would be missing in the new one, and may be a restriction.
        let what = format!("a later version wrote access key {id}: that one can rotate it");
        return Err(Fault::new(Code::InvalidRequest, what).into());
    }
    let Some(key) = old.access_key.as_mut() else { return Err(missing(id)) };
    if is_over(key, &transaction) {
        let what = format!("the time of access key {id} is over: create another");
        return Err(Fault::new(Code::InvalidRequest, what).into());
    }
    let (rights, until) = (key.rights.clone(), key.until);
    match grace_s {
        None => key.status = Status::Inactive,
        Some(grace_s) => {
            let end = Timestamp(transaction.date().0.saturating_add(grace_s.saturating_mul(1000)));
            key.until = Some(until.map_or(end, |until| until.min(end)));
        }
    }
    old.changed = transaction.date();
    transaction.update(&mut old)?;
    make_room(&mut transaction)?;
    let new = draw_id(transaction.entropy())?;
    let record = store(&mut transaction, new, rights, until)?;
    let detail = format!("{id} by {}", named(&record));
    transaction.record_own("RotateAccessKey", &detail)?;
    transaction.commit()?;
    Ok(told::once(&record))
}

/// Puts a key into use, or out of use.
fn update(
    vault: &mut Vault,
    id: &str,
    status: Status,
    context: RequestContext<'_>,
) -> Result<Value, Failure> {
    let mut transaction = vault.begin(Access::Write, context)?;
    let mut record = wanted(&transaction, id)?;
    if let Some(key) = record.access_key.as_mut().filter(|key| key.status != status) {
        key.status = status;
        record.changed = transaction.date();
        transaction.update(&mut record)?;
        let detail = format!("{} {}", named(&record), told::status(status));
        transaction.record_own("UpdateAccessKey", &detail)?;
    }
    let shown = told::shown(&record, &transaction);
    transaction.commit()?;
    Ok(Value::Map(vec![("AccessKeyMetadata".to_owned(), shown)]))
}

/// Deletes a key, for good.
fn delete(vault: &mut Vault, id: &str, context: RequestContext<'_>) -> Result<Value, Failure> {
    let mut transaction = vault.begin(Access::Write, context)?;
    let record = wanted(&transaction, id)?;
    transaction.remove_access_key(&record)?;
    transaction.record_own("DeleteAccessKey", &named(&record))?;
    transaction.commit()?;
    Ok(Value::Map(vec![("Deleted".to_owned(), Value::Text(id.to_owned()))]))
}

/// Shows all keys, the oldest first, without their secrets.
fn list(vault: &mut Vault, context: RequestContext<'_>) -> Result<Value, Failure> {
    let transaction = vault.begin(Access::Read, context)?;
    let mut keys = transaction.access_keys()?;
    crate::model::order::sort_by_key(&mut keys, |key| key.created);
    let shown = keys.iter().map(|key| told::shown(key, &transaction)).collect();
    Ok(Value::Map(vec![("AccessKeyMetadata".to_owned(), Value::List(shown))]))
}

/// Where there are as many keys as there may be, erases those whose time is over.
fn make_room(transaction: &mut Transaction<'_>) -> Result<(), Failure> {
    if !transaction.is_full_of_access_keys() {
        return Ok(());
    }
    for record in transaction.access_keys()? {
        if record.access_key.as_ref().is_some_and(|key| is_over(key, transaction)) {
            transaction.remove_access_key(&record)?;
            transaction.record_own("DeleteAccessKey", &named(&record))?;
        }
    }
    if transaction.is_full_of_access_keys() {
        let what = format!("a vault has at most {MAX_ACCESS_KEYS} access keys: delete one first");
        return Err(Fault::new(Code::LimitExceeded, what).into());
    }
    Ok(())
}

fn store(
    transaction: &mut Transaction<'_>,
    id: String,
    rights: Rights,
    until: Option<Timestamp>,
) -> Result<Record, Failure> {
    let secret = draw_secret(transaction.entropy())?;
    let key = AccessKey::new(secret, rights, until);
    let mut record = Record::of_access_key(id, key, transaction.date());
    transaction.insert_access_key(&mut record)?;
    Ok(record)
}

fn wanted(transaction: &Transaction<'_>, id: &str) -> Result<Record, Failure> {
    transaction.access_key(id)?.ok_or_else(|| missing(id))
}

/// IAM's words.
fn missing(id: &str) -> Failure {
    let what = format!("The Access Key with id {id} cannot be found.");
    Fault::new(Code::ResourceNotFound, what).into()
}

/// Names a key for the audit log: its id and its user.
fn named(record: &Record) -> String {
    let user = record.access_key.as_ref().map(|key| key.rights.user_name.as_str());
    match user.filter(|user| *user != record.name) {
        Some(user) => format!("{} of {user}", record.name),
        None => record.name.clone(),
    }
}

fn draw_id(entropy: &dyn Entropy) -> Result<String, NoEntropy> {
    let mut id = ID_PREFIX.to_owned();
    Dice::new(entropy).spell(&mut id, 16, ID_ALPHABET)?;
    Ok(id)
}

fn draw_secret(entropy: &dyn Entropy) -> Result<SecretAccessKey, Failure> {
    let mut text = Secret::new(String::with_capacity(SECRET_LENGTH));
    Dice::new(entropy).spell(text.expose_mut(), SECRET_LENGTH, SECRET_ALPHABET)?;
    SecretAccessKey::new(text).ok_or_else(|| {
        Fault::new(Code::InternalService, "what was drawn is no secret access key").into()
    })
}

#[cfg(test)]
mod tests;
