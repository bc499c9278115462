//! Vaults with secrets of every kind, for the fuzz targets.

use std::path::Path;

use crate::crypto::header::VaultId;
use crate::crypto::keyfile::Keyfile;
use crate::crypto::keys::MasterKey;
use crate::crypto::slot::{Credential, SlotBody};
use crate::model::secret_value::SecretValue;
use crate::model::time::Timestamp;
use crate::store::Store;
use crate::sys::secret::Secret;
use crate::vault::across::{CrossPrimary, CrossReplica, Restriction, Trouble};
use crate::vault::peers::Peer;
use crate::vault::progress::{Holder, Lease, Progress, Purpose};
use crate::vault::record::{Deletion, Namespace, Record, Replica, Replication, Version};
use crate::vault::rotation::{Command, Pin, Pinning, Protocol, Rotation, Rules};
use crate::vault::state::Settings;
use crate::vault::transaction::{Access, RequestContext, Transaction};
use crate::vault::{self, NewVault, Vault};

/// When the vault was made.
pub(super) const START: Timestamp = Timestamp(1_767_225_600_000);

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
pub(super) fn other_vault(context: RequestContext<'_>) -> Result<Vault, vault::Error> {
    let (mut vault, _) = empty_vault(Store::detached(Path::new("in memory"))?, OTHER, context)?;
    let mut transaction = vault.begin(Access::Write, context)?;
    let mut replica = CrossReplica::new(own("copy", "a1B2c3"), 2);
    replica.held = vec![1];
    let primary = CrossPrimary { edition: Some(1), ..CrossPrimary::new(own("full", "a1B2c3")) };
    for (name, replica, primary) in [("theirs", Some(replica), None), ("full", None, Some(primary))]
    {
        let record = Record {
            namespace: Namespace { account: OTHER.to_owned(), region: "local-1".to_owned() },
            name: name.to_owned(),
            arn_suffix: "d4E5f6".to_owned(),
            cross_replica: replica,
            cross_primary: primary,
            ..record("local-1", "plain")
        };
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
pub(super) const PAIR: (&str, &str) = (
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
