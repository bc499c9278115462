//! The fuzz target for what somebody seals who has a credential and a program of his own: any values
//! in boxes that are well formed. Every reading operation and some that write meet them; each answers
//! or refuses, and none panics.

use std::path::Path;

use crate::crypto::header::VaultId;
use crate::crypto::keyfile::Keyfile;
use crate::crypto::keys::MasterKey;
use crate::crypto::slot::{Credential, SlotBody};
use crate::model::secret_value::SecretValue;
use crate::model::time::{DAY_MS, Timestamp};
use crate::model::value::Value;
use crate::service::caller::Caller;
use crate::service::dispatch::{self, Call};
use crate::service::failure::Failure;
use crate::service::jobs::{self, CatchUp};
use crate::service::operations;
use crate::store::Store;
use crate::sys::entropy::SystemEntropy;
use crate::sys::secret::Secret;
use crate::upkeep::{events, status};
use crate::vault::across::{CrossPrimary, CrossReplica, Restriction, Trouble};
use crate::vault::peers::Peer;
use crate::vault::progress::{Holder, Lease, Progress, Purpose};
use crate::vault::record::{Deletion, Namespace, Record, Replica, Replication, Version};
use crate::vault::rekey::Rekeying;
use crate::vault::rotation::{Command, Pin, Pinning, Protocol, Rotation, Rules};
use crate::vault::state::Settings;
use crate::vault::transaction::{Access, RequestContext, Transaction};
use crate::vault::{self, NewVault, OnDamagedSlot, OnRollback, Origin, UnlockPolicy, Vault};
use crate::workbench::between::meet;
use crate::workbench::changes::alter;

/// When the vault was made.
pub(super) const START: Timestamp = Timestamp(1_767_225_600_000);

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

/// A vault without a secret.
fn empty_vault(
    store: Store,
    account: &str,
    context: RequestContext<'_>,
) -> Result<(Vault, MasterKey), vault::Error> {
    let vault_id = VaultId::generate(context.entropy)?;
    let master = MasterKey::generate(context.entropy)?;
    let credential = Credential::Keyfile(Keyfile::generate(context.entropy)?);
    let slot = SlotBody::wrap(&master, &vault_id, &credential, None, context.entropy)?;
    let new = NewVault {
        vault_id,
        master: &master,
        slots: vec![(0, slot, "first".to_owned())],
        settings: Settings::new(account, "local-1"),
        anchors: None,
    };
    Ok((Vault::create_in(store, new, context)?, master))
}

/// A vault with a secret of every kind.
pub(super) fn sample_vault(
    store: Store,
    context: RequestContext<'_>,
) -> Result<(Vault, MasterKey), vault::Error> {
    let (mut vault, master) = empty_vault(store, "000000000000", context)?;
    let mut transaction = vault.begin(Access::Write, context)?;
    let path = b"/mnt/stick/vault".to_vec();
    let mut peer = Peer::new("stick".to_owned(), OTHER.to_owned(), path, VaultId([9; 16]));
    peer.waiting = 1;
    transaction.put_peer(peer)?;
    for (region, name) in [
        ("local-1", "plain"),
        ("local-1", "full"),
        ("local-1", "going"),
        ("local-1", "copy"),
        ("eu-west-1", "full"),
    ] {
        insert(&mut transaction, record(region, name))?;
    }
    transaction.commit()?;
    Ok((vault, master))
}

/// Stores a secret, with values.
fn insert(transaction: &mut Transaction<'_>, mut record: Record) -> Result<(), vault::Error> {
    transaction.assign_row(&mut record)?;
    let whole = format!("the value of {}/{}", record.namespace.region, record.name);
    let value = SecretValue::Text(Secret::new(whole));
    // The pending version has none yet.
    for version in record.versions.iter_mut().filter(|version| version.id != PENDING) {
        version.value = Some(transaction.insert_value(record.rid, &version.id, &value)?);
    }
    transaction.insert(&mut record)?;
    transaction.record("CreateSecret", "Success", Transaction::subject(&record))
}

/// Another vault, which has the primary and the replica of two secrets of the first.
fn other_vault(context: RequestContext<'_>) -> Result<Vault, vault::Error> {
    let (mut vault, _) = empty_vault(Store::detached(Path::new("in memory"))?, OTHER, context)?;
    let mut transaction = vault.begin(Access::Write, context)?;
    let mut replica = CrossReplica::new(own("copy", "a1B2c3"), 2);
    replica.held = vec![1];
    let primary = CrossPrimary { edition: Some(1), ..CrossPrimary::new(own("full", "a1B2c3")) };
    for (name, replica, primary) in [("theirs", Some(replica), None), ("full", None, Some(primary))]
    {
        let mut record = record("local-1", "plain");
        record.namespace.account = OTHER.to_owned();
        record.name = name.to_owned();
        record.arn_suffix = "d4E5f6".to_owned();
        (record.cross_replica, record.cross_primary) = (replica, primary);
        insert(&mut transaction, record)?;
    }
    transaction.commit()?;
    Ok(vault)
}

/// The ARN of a secret of the first vault.
fn own(name: &str, suffix: &str) -> String {
    format!("arn:aws:secretsmanager:local-1:000000000000:secret:{name}-{suffix}")
}

/// The primary of the other vault, and that of the first that has a replica there.
const PAIR: (&str, &str) = (
    "arn:aws:secretsmanager:local-1:222222222222:secret:theirs-d4E5f6",
    "arn:aws:secretsmanager:local-1:000000000000:secret:full-a1B2c3",
);

/// The account of another vault.
const OTHER: &str = "222222222222";

const PENDING: &str = "22222222-2222-4222-8222-222222222222";

fn record(region: &str, name: &str) -> Record {
    let namespace = Namespace { account: "000000000000".to_owned(), region: region.to_owned() };
    let mut record = Record::new(namespace, name.to_owned(), "a1B2c3".to_owned(), START);
    let mut current = Version::new("11111111-1111-4111-8111-111111111111".to_owned(), None, START);
    current.stages.push("AWSCURRENT".to_owned());
    current.accessed = Some(START.midnight());
    record.versions.push(current);
    match (region, name) {
        (_, "going") => {
            record.deletion = Some(Deletion { requested: START, due: START.plus_days(30) });
        }
        (_, "copy") => {
            record.kms_key_id = Some("alias/one".to_owned());
            let mut primary = CrossPrimary::new(across("theirs"));
            primary.edition = Some(1);
            record.cross_primary = Some(primary);
        }
        ("eu-west-1", _) => {
            record.replication = Replication::Replica { primary_region: "local-1".to_owned() };
        }
        (_, "full") => fill(&mut record),
        (_, _) => {}
    }
    record
}

/// The ARN of a secret of the other account.
fn across(name: &str) -> String {
    format!("arn:aws:secretsmanager:local-1:{OTHER}:secret:{name}-d4E5f6")
}

/// Gives a record all that one can have.
fn fill(record: &mut Record) {
    let mut pending = Version::new(PENDING.to_owned(), None, START);
    pending.stages.push("AWSPENDING".to_owned());
    record.versions.push(pending);
    record.description = Some("a secret".to_owned());
    record.kms_key_id = Some("alias/one".to_owned());
    record.accessed = Some(START.midnight());
    record.rotated = Some(START);
    record.tags = Some(vec![("key".to_owned(), "value".to_owned())]);
    record.policy = Some("{}".to_owned());
    record.secret_type = Some("kind".to_owned());
    let mut command = Command::new(vec!["/bin/true".to_owned()], Protocol::Lambda);
    command.env.push(("NAME".to_owned(), "value".to_owned()));
    command.pins.push(Pin { path: "/bin/true".to_owned(), sha256: [7; 32] });
    command.pinning = Pinning::Paths(vec!["/bin/true".to_owned()]);
    let rules = Rules { automatically_after_days: Some(30), ..Rules::default() };
    record.rotation = Some(Rotation {
        enabled: true,
        function: "arn:local:exec:/bin/true".to_owned(),
        command,
        unknown: rules.unknown.clone(),
        rules: Some(rules),
        external: vec![("key".to_owned(), "value".to_owned())],
        configured: START,
        current: Some(("11111111-1111-4111-8111-111111111111".to_owned(), START)),
    });
    let mut progress = Progress::new(PENDING.to_owned(), Purpose::Rotate, START);
    progress.lease = Some(Lease::new(Holder::default(), START));
    progress.last_error = Some("setSecret: exit status 1".to_owned());
    record.progress = Some(progress);
    let taken = Replica::new("us-east-1".to_owned(), Some("alias/us".to_owned()));
    let there = Replica::new("eu-west-1".to_owned(), None);
    record.replication = Replication::Primary(vec![there, taken]);
    let mut replica = CrossReplica::new(across("full"), 2);
    replica.role_arn = Some("arn:aws:iam::000000000000:role/replicate".to_owned());
    replica.restriction = Some(Restriction::SameOrg);
    replica.held = vec![1];
    replica.trouble = Some(Trouble::Absent);
    record.cross_replica = Some(replica);
}

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
