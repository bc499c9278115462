//! The fuzz target for what somebody seals who has a credential and a program of his own: any values
//! in boxes that are well formed. Every reading operation and some that write meet them; each answers
//! or refuses, and none panics.

use std::path::Path;

use crate::crypto::keyfile::Keyfile;
use crate::crypto::keys::MasterKey;
use crate::crypto::slot::{Credential, SlotBody};
use crate::model::time::{DAY_MS, Timestamp};
use crate::model::value::Value;
use crate::service::caller::Caller;
use crate::service::dispatch::{self, Call};
use crate::service::failure::Failure;
use crate::service::jobs::{self, CatchUp};
use crate::service::operations;
use crate::store::Store;
use crate::sys::entropy::SystemEntropy;
use crate::upkeep::{events, status};
use crate::vault::rekey::Rekeying;
use crate::vault::transaction::{Access, RequestContext};
use crate::vault::{self, OnDamagedSlot, OnRollback, Origin, UnlockPolicy, Vault};
use crate::workbench::between::meet;
use crate::workbench::changes::alter;
use crate::workbench::sample::{PAIR, START, other_vault, sample_vault};

/// Any values in well-formed boxes. Five bytes are a change: which box, which map in it, which
/// member, what to do, and with which value.
pub fn sealed_values(bytes: &[u8]) {
    let (clock, changes) = bytes.split_first().unwrap_or((&0, &[]));
    let origin = Origin { via: "direct".to_owned(), ..Origin::default() };
    let context = |now| RequestContext { now, entropy: &SystemEntropy, origin: &origin };
    let Ok((mut vault, master)) = altered(changes, context(START)) else { return };
    let now = CLOCKS.get(usize::from(*clock) % CLOCKS.len()).copied().unwrap_or(START);
    let sound = other_vault(context(START));
    let met = sound.and_then(|mut ours| meet(&mut vault, &mut ours, PAIR, context(START)));
    assert!(met.is_ok(), "another vault cannot be read any more");
    let _refused = look(&mut vault, context(now));
    for request in READS.iter().chain(WRITES) {
        let _refused = call(&mut vault, request, context(now));
    }
    let _refused = care(&mut vault, &master, context(now));
}

/// Opens a vault in whose boxes the changes were made.
fn altered(
    changes: &[u8],
    context: RequestContext<'_>,
) -> Result<(Vault, MasterKey), vault::Error> {
    let (sound, master) = sample_vault(Store::detached(Path::new("in memory"))?, context)?;
    let locked = sound.forge(context, &mut |part, data| alter(part, data, changes))?;
    let policy = UnlockPolicy {
        anchors: None,
        on_rollback: OnRollback::Refuse,
        on_damaged_slot: OnDamagedSlot::Tolerate,
    };
    Ok((locked.unlock(&master, &policy)?, master))
}

/// What a clock may say.
const CLOCKS: [Timestamp; 7] = [
    START,
    Timestamp(START.0 + 40 * DAY_MS),
    Timestamp(START.0 - 3 * DAY_MS),
    Timestamp(0),
    Timestamp(START.0 + 500 * DAY_MS),
    Timestamp(i64::MAX),
    Timestamp(i64::MIN),
];

/// Looks at all that is no operation.
fn look(vault: &mut Vault, context: RequestContext<'_>) -> Result<(), vault::Error> {
    let _refused = status::unlocked(vault, None, context);
    let _refused = crate::upkeep::slots::list(vault, context);
    let _refused = events::list(vault, &events::EventFilter::default(), context);
    for catch_up in [CatchUp::NextWindow, CatchUp::Always] {
        let _refused = jobs::due(vault, catch_up, context);
    }
    let transaction = vault.begin(Access::Read, context)?;
    let checkpoint = transaction.checkpoint();
    let _refused = transaction.relation_to(&checkpoint);
    let _findings = transaction.check(&mut |_progress| {})?;
    transaction.each(|record| {
        for version in &record.versions {
            let _refused = transaction.value(&record, version);
        }
        Ok(())
    })
}

/// Makes large changes, each on what the one before left.
fn care(
    vault: &mut Vault,
    master: &MasterKey,
    context: RequestContext<'_>,
) -> Result<(), vault::Error> {
    let later =
        RequestContext { now: Timestamp(context.now.0.saturating_add(50 * DAY_MS)), ..context };
    if let Ok(mut transaction) = vault.begin(Access::Write, later) {
        let _refused = transaction.erase_gone(2).and_then(|_names| transaction.commit());
    }
    let credential = Credential::Keyfile(Keyfile::generate(context.entropy)?);
    let vault_id = *vault.vault_id();
    let body = SlotBody::wrap(master, &vault_id, &credential, None, context.entropy)?;
    if let Ok(mut transaction) = vault.begin(Access::Write, context) {
        let _refused = transaction.add_slot(&body, "more").and_then(|_slot| transaction.commit());
    }
    let new = MasterKey::generate(context.entropy)?;
    let body = SlotBody::wrap(&new, &vault_id, &credential, None, context.entropy)?;
    let slots = vec![(0, body, String::new())];
    let rekeying = Rekeying { master: &new, slots, reason: String::new() };
    let _refused = vault.rekey(rekeying, context, &mut |_progress| {});
    let mut transaction = vault.begin(Access::Write, context)?;
    let _done = transaction.repair(&[], &mut |_progress| {})?;
    transaction.commit()
}

/// A request: the command, and its members.
type Request = (&'static str, &'static [(&'static str, Given)]);

/// The value of a member.
#[derive(Clone, Copy)]
enum Given {
    Text(&'static str),
    Number(i64),
    Flag,
    Texts(&'static [&'static str]),
    Regions(&'static [&'static str]),
}

use Given::{Flag, Number, Regions, Text, Texts};

const PLAIN: (&str, Given) = ("SecretId", Text("plain"));
const FULL: (&str, Given) = ("SecretId", Text("full"));
const COPY: (&str, Given) = ("SecretId", Text("copy"));
const GOING: (&str, Given) = ("SecretId", Text("going"));
const FULL_ACROSS: (&str, Given) = (
    "CrossAccountReplicaARN",
    Text("arn:aws:secretsmanager:local-1:222222222222:secret:full-d4E5f6"),
);
const TOKEN: (&str, Given) = ("ClientRequestToken", Text("33333333-3333-4333-8333-333333333333"));

const READS: &[Request] = &[
    ("describe-secret", &[PLAIN]),
    ("describe-secret", &[FULL]),
    ("describe-secret", &[GOING]),
    ("describe-secret", &[COPY]),
    ("get-secret-value", &[PLAIN]),
    ("get-secret-value", &[FULL]),
    ("get-secret-value", &[FULL, ("VersionStage", Text("AWSPENDING"))]),
    ("list-secret-version-ids", &[FULL, ("IncludeDeprecated", Flag)]),
    ("list-secrets", &[("IncludePlannedDeletion", Flag), ("MaxResults", Number(2))]),
    ("list-secrets", &[("SortBy", Text("last-accessed-date")), ("SortOrder", Text("desc"))]),
    ("batch-get-secret-value", &[("SecretIdList", Texts(&["plain", "full", "going"]))]),
    ("get-resource-policy", &[FULL]),
    ("list-resource-policies", &[FULL]),
    ("validate-resource-policy", &[FULL, ("ResourcePolicy", Text("{}"))]),
];

const WRITES: &[Request] = &[
    ("put-secret-value", &[PLAIN, TOKEN, ("SecretString", Text("new"))]),
    ("put-secret-value", &[FULL, TOKEN, ("SecretString", Text("new"))]),
    ("update-secret", &[FULL, TOKEN, ("Description", Text("new")), ("KmsKeyId", Text("k"))]),
    (
        "update-secret-version-stage",
        &[
            FULL,
            ("VersionStage", Text("AWSCURRENT")),
            ("MoveToVersionId", Text("11111111-1111-4111-8111-111111111111")),
            ("RemoveFromVersionId", Text("33333333-3333-4333-8333-333333333333")),
        ],
    ),
    ("untag-resource", &[FULL, ("TagKeys", Texts(&["key"]))]),
    ("cancel-rotate-secret", &[FULL]),
    ("rotate-secret", &[FULL, TOKEN]),
    ("replicate-secret-to-regions", &[PLAIN, ("AddReplicaRegions", Regions(&["eu-west-1"]))]),
    ("remove-regions-from-replication", &[FULL, ("RemoveReplicaRegions", Texts(&["us-east-1"]))]),
    ("remove-regions-from-replication", &[PLAIN, ("RemoveReplicaRegions", Texts(&["eu-west-1"]))]),
    ("delete-resource-policy", &[FULL]),
    ("associate-cross-account-replica", &[FULL, FULL_ACROSS]),
    ("disassociate-cross-account-replica", &[FULL, FULL_ACROSS]),
    ("update-secret", &[COPY, TOKEN, ("KmsKeyId", Text("k"))]),
    ("stop-replication-to-replica", &[COPY]),
    ("restore-secret", &[GOING]),
    ("delete-secret", &[PLAIN, ("RecoveryWindowInDays", Number(7))]),
    ("delete-secret", &[GOING, ("ForceDeleteWithoutRecovery", Flag)]),
    ("create-secret", &[("Name", Text("plain")), TOKEN, ("SecretString", Text("new"))]),
    ("create-secret", &[("Name", Text("new")), TOKEN, ("SecretString", Text("new"))]),
];

/// Makes a call, in the home region and in another.
fn call(
    vault: &mut Vault,
    (command, members): &Request,
    context: RequestContext<'_>,
) -> Option<Result<Value, Failure>> {
    let entry = operations::find(command)?;
    let members = members.iter().map(|(name, given)| ((*name).to_owned(), given.value()));
    let request = Value::Map(members.collect());
    dispatch::admit(entry, &request).ok()?;
    let mut dispatch = |region| {
        let request = request.clone();
        let call = Call { entry, request, region, caller: &Caller::Owner, boundaries: None };
        dispatch::dispatch(vault, call, context)
    };
    let _refused = dispatch(Some("eu-west-1"));
    Some(dispatch(None))
}

impl Given {
    fn value(self) -> Value {
        let text = |text: &str| Value::Text(text.to_owned());
        match self {
            Self::Text(given) => text(given),
            Self::Number(number) => Value::Integer(number),
            Self::Flag => Value::Boolean(true),
            Self::Texts(texts) => Value::List(texts.iter().map(|given| text(given)).collect()),
            Self::Regions(regions) => {
                let region = |given: &&str| Value::Map(vec![("Region".to_owned(), text(given))]);
                Value::List(regions.iter().map(region).collect())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(changes: &[u8], test: impl FnOnce(&mut Vault, &MasterKey, RequestContext<'_>)) {
        let origin = Origin::default();
        let context = RequestContext { now: START, entropy: &SystemEntropy, origin: &origin };
        let (mut vault, master) = altered(changes, context).unwrap();
        test(&mut vault, &master, context);
    }

    /// If the two did not know each other, nothing would be told between them.
    #[test]
    fn another_vault_is_met() {
        with(&[], |theirs, _master, context| {
            let mut ours = other_vault(context).unwrap();
            meet(theirs, &mut ours, PAIR, context).unwrap();
            for (vault, name) in [(theirs, "full"), (&mut ours, "theirs")] {
                let transaction = vault.begin(Access::Read, context).unwrap();
                let namespace = transaction.namespace("local-1");
                let record = transaction.find(&namespace, name).unwrap().unwrap();
                assert!(record.cross_replica.unwrap().is_in_sync(), "{name}");
            }
        });
    }

    /// If the vault were refused before anything is altered, nothing would be tried.
    #[test]
    fn what_was_not_altered_is_answered() {
        with(&[], |vault, master, context| {
            look(vault, context).unwrap();
            for (number, request) in READS.iter().enumerate() {
                let answered = call(vault, request, context).unwrap().is_ok();
                // A scheduled secret and one without a policy's text are refused as they must be.
                assert_eq!(answered, ![6].contains(&number), "{number}: {}", request.0);
            }
            for (number, request) in WRITES.iter().enumerate() {
                let refused = call(vault, request, context).unwrap().err();
                assert!(refused.is_none() || [3, 6, 18].contains(&number), "{number}: {refused:?}");
            }
            care(vault, master, context).unwrap();
        });
    }

    #[test]
    fn what_was_altered_is_met() {
        // Member 4 of the state is another number, and member 3 of a record a text.
        with(&[0, 0, 4, 1, 7, 1, 0, 3, 5, 1], |vault, _master, context| {
            let transaction = vault.begin(Access::Read, context).unwrap();
            assert_eq!(transaction.state().secrets, 900);
            let mut described = 0;
            let visited = transaction.each(|record| {
                described += usize::from(record.description.as_deref() == Some("x"));
                Ok(())
            });
            visited.unwrap();
            assert_eq!(described, 3);
        });
    }
}
