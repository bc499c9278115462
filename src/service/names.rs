//! What a shell offers to complete: names of secrets, fields, labels and versions, peers. Not an
//! operation, and not in the log: no value leaves the vault, and nobody has read a secret whose name was
//! half typed.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::value::RawValue;

use super::context::Context;
use super::failure::Failure;
use crate::model::secret_value::SecretValue;
use crate::model::types::SecretId;
use crate::vault::Vault;
use crate::vault::names::{Known, KnownNames};
use crate::vault::record::Record;
use crate::vault::transaction::{Access, RequestContext};

/// Which secrets are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// Those in use.
    Active,
    /// Those that are scheduled for deletion.
    Scheduled,
}

/// What is to be completed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// The name of a secret.
    Name(Which),
    /// The beginning that names have in common, up to a slash.
    Folder,
    /// A field of the current value of this secret, if that is a JSON object.
    Field(String),
    /// A label on a version of this secret.
    Label(String),
    /// A vault of another account.
    Peer,
}

/// Returns what begins with `prefix`, in order; `None` as region is the vault's home. While most names of
/// a large vault are still to be read that is nothing: a shell that waits is worse than one that offers
/// nothing, and one that offers a part of them completes the wrong one.
pub(crate) fn offer(
    vault: &mut Vault,
    region: Option<&str>,
    (wanted, prefix): (&Wanted, &str),
    context: RequestContext<'_>,
) -> Result<Vec<String>, Failure> {
    let (mut transaction, known) = vault.begin_beside_names(Access::Read, context)?;
    let home = transaction.state().settings.region().to_owned();
    let mut cx = Context::new(&mut transaction, region, &home);
    let found = match wanted {
        Wanted::Name(which) => {
            return Ok(bounded(&names(known, *which, prefix, &mut cx)?, prefix));
        }
        Wanted::Folder => {
            return Ok(folders(&names(known, Which::Active, prefix, &mut cx)?, prefix));
        }
        Wanted::Field(id) => fields(&cx.find_active(&SecretId(id.clone()))?, &mut cx)?,
        Wanted::Label(id) => {
            let record = cx.find_active(&SecretId(id.clone()))?;
            record.versions.iter().flat_map(|version| version.stages.clone()).collect()
        }
        Wanted::Peer => {
            let peers = &cx.vault()?.state().peers;
            peers.iter().map(|peer| peer.name.clone()).collect()
        }
    };
    let found: BTreeSet<String> = found;
    Ok(few(found.iter().map(String::as_str), prefix))
}

/// Returns the names in the region of a context that begin so, in no order.
fn names<'k>(
    known: &'k mut KnownNames,
    which: Which,
    prefix: &str,
    cx: &mut Context<'_, '_>,
) -> Result<Vec<&'k str>, Failure> {
    let namespace = cx.namespace()?;
    let vault = cx.vault()?;
    if vault.learn_names(known, AT_A_TAB)? == Known::Some {
        return Ok(Vec::new());
    }
    let names = known.of(&namespace, vault.due_time());
    let is_meant = |is_scheduled: bool| is_scheduled == (which == Which::Scheduled);
    let names = names.filter(|(name, is)| is_meant(*is) && name.starts_with(prefix));
    Ok(names.map(|(name, _)| name).collect())
}

/// Reads names ahead of whoever asks for them, of so many secrets. A small vault's are read in no time when
/// they are asked for.
pub(crate) fn read_ahead(
    vault: &mut Vault,
    secrets: usize,
    context: RequestContext<'_>,
) -> Result<Known, Failure> {
    let (transaction, known) = vault.begin_beside_names(Access::Read, context)?;
    if transaction.state().secrets < LARGE {
        return Ok(Known::All);
    }
    Ok(transaction.learn_names(known, secrets)?)
}

/// Returns the names of the members of the current value, and keeps nothing else of it.
fn fields(record: &Record, cx: &mut Context<'_, '_>) -> Result<BTreeSet<String>, Failure> {
    let Some(version) = record.staged("AWSCURRENT") else { return Ok(BTreeSet::new()) };
    let value = cx.vault()?.value(record, version)?;
    let Some(SecretValue::Text(text)) = value else { return Ok(BTreeSet::new()) };
    let members: Option<BTreeMap<String, &RawValue>> = serde_json::from_str(text.expose()).ok();
    // On the line of `set` a name with this sign would be a value.
    let is_name = |name: &String| !name.contains('=');
    Ok(members.unwrap_or_default().into_keys().filter(is_name).collect())
}

/// Returns all that begin so, or, where those are too many, only as far as the next slash; and where
/// that does not make them few, the first and the last of them. A shell completes what all have in
/// common, and that is what the first and the last have.
fn bounded(names: &[&str], prefix: &str) -> Vec<String> {
    if names.len() > MOST {
        return folders(names, prefix);
    }
    few(names.iter().copied(), prefix)
}

/// Returns the names that begin so, each only as far as the next slash.
fn folders(names: &[&str], prefix: &str) -> Vec<String> {
    few(names.iter().map(|name| cut(name, prefix)), prefix)
}

/// Returns those that begin so, in order; of too many the first, and the last.
fn few<'n, I: Iterator<Item = &'n str>>(names: I, prefix: &str) -> Vec<String> {
    let (mut first, mut last) = (BTreeSet::new(), None);
    // The last that is kept, once there are enough.
    let mut edge: Option<&str> = None;
    for name in names.filter(|name| name.starts_with(prefix)) {
        last = last.max(Some(name));
        let is_among = edge.is_none_or(|edge| name <= edge);
        if is_among && first.insert(name) && first.len() >= MOST {
            if first.len() > MOST {
                first.pop_last();
            }
            edge = first.last().copied();
        }
    }
    first.extend(last);
    first.into_iter().map(str::to_owned).collect()
}

/// Cuts a name behind the first slash after a beginning.
fn cut<'n>(name: &'n str, prefix: &str) -> &'n str {
    let slash = name.get(prefix.len()..).and_then(|rest| rest.find('/'));
    slash.and_then(|slash| name.get(..=prefix.len() + slash)).unwrap_or(name)
}

/// How many names are read while a shell waits: some milliseconds. Those of a vault that is not large are
/// fewer.
const AT_A_TAB: usize = if cfg!(test) { 10 } else { 1_000 };

/// How many secrets make a vault a large one.
const LARGE: u64 = if cfg!(test) { 2 } else { 1_000 };

/// The most that are offered, but for the last.
const MOST: usize = if cfg!(test) { 5 } else { 500 };

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::ServiceFixture;
    use super::*;

    fn offered(service: &mut ServiceFixture, wanted: &Wanted, prefix: &str) -> Vec<String> {
        let names = service.with(|vault, context| offer(vault, None, (wanted, prefix), context));
        names.unwrap_or_default()
    }

    fn made(names: &[&str]) -> ServiceFixture {
        let mut service = ServiceFixture::new();
        for name in names {
            create(&mut service, name, "plain");
        }
        service
    }

    fn create(service: &mut ServiceFixture, name: &str, value: &str) {
        let token = format!("{:0>32}", service.events().len());
        let request = json!({ "Name": name, "SecretString": value, "ClientRequestToken": token });
        service.call("CreateSecret", &request.to_string()).unwrap();
    }

    const ACTIVE: Wanted = Wanted::Name(Which::Active);

    #[test]
    fn names_are_those_that_the_vault_has_now() {
        let mut service = made(&["b", "a"]);
        assert_eq!(offered(&mut service, &ACTIVE, ""), ["a", "b"]);
        create(&mut service, "c", "plain");
        service.call("DeleteSecret", r#"{"SecretId":"a"}"#).unwrap();
        assert_eq!(offered(&mut service, &ACTIVE, ""), ["b", "c"]);
        assert_eq!(offered(&mut service, &Wanted::Name(Which::Scheduled), ""), ["a"]);
        service.call("RestoreSecret", r#"{"SecretId":"a"}"#).unwrap();
        let gone = r#"{"SecretId":"b","ForceDeleteWithoutRecovery":true}"#;
        service.call("DeleteSecret", gone).unwrap();
        assert_eq!(offered(&mut service, &ACTIVE, ""), ["a", "c"]);
        let other = |vault: &mut Vault, context: RequestContext<'_>| {
            offer(vault, Some("eu-west-1"), (&ACTIVE, ""), context)
        };
        assert!(service.with(other).unwrap().is_empty());
    }

    #[test]
    fn of_too_many_there_is_what_a_shell_can_go_on_with() {
        let mut service =
            made(&["app/1", "app/2", "app/x/1", "app/x/2", "app/3", "app/4", "web/1"]);
        assert_eq!(offered(&mut service, &ACTIVE, ""), ["app/", "web/"]);
        assert_eq!(offered(&mut service, &ACTIVE, "web"), ["web/1"]);
        let folded = ["app/1", "app/2", "app/3", "app/4", "app/x/"];
        assert_eq!(offered(&mut service, &ACTIVE, "app/"), folded);
        assert_eq!(offered(&mut service, &ACTIVE, "app/x/"), ["app/x/1", "app/x/2"]);
        assert_eq!(offered(&mut service, &Wanted::Folder, "a"), ["app/"]);
        // What all have in common is what the first and the last have.
        let mut service = made(&["a1", "a2", "a3", "a4", "a5", "a6", "a7", "b"]);
        assert_eq!(offered(&mut service, &ACTIVE, ""), ["a1", "a2", "a3", "a4", "a5", "b"]);
        assert_eq!(offered(&mut service, &ACTIVE, "a").last().unwrap(), "a7");
    }

    #[test]
    fn fields_and_labels_are_offered_and_nothing_is_logged() {
        let mut service = made(&[]);
        create(&mut service, "a", r#"{"username":"u","password":{"x":1},"password=weak":1}"#);
        create(&mut service, "b", "plain");
        let before = service.events().len();
        let field = |id: &str| Wanted::Field(id.to_owned());
        assert_eq!(offered(&mut service, &field("a"), ""), ["password", "username"]);
        assert_eq!(offered(&mut service, &field("a"), "u"), ["username"]);
        assert!(offered(&mut service, &field("b"), "").is_empty());
        assert!(offered(&mut service, &field("none"), "").is_empty());
        assert_eq!(offered(&mut service, &Wanted::Label("a".to_owned()), ""), ["AWSCURRENT"]);
        assert_eq!(service.events().len(), before);
    }

    /// Names were read one by one for each word that was completed.
    #[test]
    fn what_did_not_change_is_not_read_again() {
        let mut service = made(&["a", "b", "c"]);
        let ahead = |secrets| {
            move |vault: &mut Vault, context: RequestContext<'_>| {
                read_ahead(vault, secrets, context)
            }
        };
        assert_eq!(service.with(ahead(1)).unwrap(), Known::Some);
        assert_eq!(service.with(ahead(1)).unwrap(), Known::Some);
        assert_eq!(service.with(ahead(1)).unwrap(), Known::All);
        assert_eq!(service.with(ahead(0)).unwrap(), Known::All);
        create(&mut service, "d", "plain");
        assert_eq!(service.with(ahead(0)).unwrap(), Known::Some);
        assert_eq!(service.with(ahead(1)).unwrap(), Known::All);
        assert_eq!(offered(&mut service, &ACTIVE, ""), ["a", "b", "c", "d"]);
    }

    /// The first word that was completed in a large vault waited until all names were read.
    #[test]
    fn nobody_waits_until_the_names_of_a_large_vault_are_read() {
        let names: Vec<String> = (0..40).map(|number| format!("a{number}")).collect();
        let mut service = made(&names.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(offered(&mut service, &ACTIVE, "a39").is_empty());
        let ahead = |vault: &mut Vault, context: RequestContext<'_>| read_ahead(vault, 5, context);
        while service.with(ahead).unwrap() == Known::Some {}
        assert_eq!(offered(&mut service, &ACTIVE, "a39"), ["a39"]);
    }
}
