//! Vaults for the tests of this layer: what is in them, what can be asked of them, and what an
//! altered one may answer.
//!
//! One rule holds for all of them: an answer is the right one, or an error that says that the vault
//! is altered or damaged. It is never another value, and never "there is no such secret".

mod access_keys;
mod across;
mod anchors;
mod archive;
mod changes;
mod clock;
mod doubt;
mod file;
mod journal;
mod limits;
mod log;
mod members;
mod model;
mod owner;
mod rekey;
mod remembered;
mod repair;
mod rows;
mod slots;
mod splices;
mod tamper;
mod waiting;
mod wreck;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use super::access_key::{AccessKey, Rights, SecretAccessKey, Status};
use super::audit::Origin;
use super::cbor::Unknown;
use super::create::NewVault;
use super::record::{Deletion, Namespace, Record, Version};
use super::state::Settings;
use super::transaction::{Access, RequestContext, Transaction};
use super::unlock::{LockedVault, OnDamagedSlot, OnRollback, UnlockPolicy, Vault};
use super::{Error, check::Finding};
use crate::crypto;
use crate::crypto::header::VaultId;
use crate::crypto::kdf::CostLimit;
use crate::crypto::keyfile::Keyfile;
use crate::crypto::keys::MasterKey;
use crate::crypto::slot::{Credential, SlotBody};
use crate::model::secret_value::SecretValue;
use crate::model::time::{DAY_MS, Timestamp};
use crate::store::{self, Store};
use crate::sys::entropy::CountingEntropy;
use crate::sys::secret::Secret;

/// When the tests begin: 2026-01-01.
const START: Timestamp = Timestamp(1_767_225_600_000);

/// Time, chance and who asks, as a test wants them.
struct VaultFixture {
    entropy: CountingEntropy,
    origin: Origin,
    now: Cell<Timestamp>,
}

impl VaultFixture {
    fn new() -> Self {
        let origin = Origin { via: "test".to_owned(), ..Origin::default() };
        Self { entropy: CountingEntropy::default(), origin, now: Cell::new(START) }
    }

    fn context(&self) -> RequestContext<'_> {
        RequestContext { now: self.now.get(), entropy: &self.entropy, origin: &self.origin }
    }

    fn set(&self, now: Timestamp) {
        self.now.set(now);
    }

    fn advance_days(&self, days: i64) {
        self.now.set(self.now.get().plus_days(days));
    }

    fn write<'v>(&'v self, vault: &'v mut Vault) -> Transaction<'v> {
        vault.begin(Access::Write, self.context()).unwrap()
    }

    fn read<'v>(&'v self, vault: &'v mut Vault) -> Transaction<'v> {
        vault.begin(Access::Read, self.context()).unwrap()
    }

    /// Does something in one transaction, and commits it.
    fn change<T>(&self, vault: &mut Vault, work: impl FnOnce(&mut Transaction<'_>) -> T) -> T {
        let mut transaction = self.write(vault);
        let done = work(&mut transaction);
        transaction.commit().unwrap();
        done
    }
}

/// The keys of a vault: the master key, and the keyfile of its slot 0.
struct Key {
    master: MasterKey,
    keyfile: Secret<String>,
}

impl Key {
    fn credential(&self) -> Credential {
        Credential::Keyfile(Keyfile::parse(self.keyfile.expose().as_bytes()).unwrap())
    }
}

/// A slot that a new keyfile opens, and the keyfile.
fn new_slot(
    fixture: &VaultFixture,
    master: &MasterKey,
    vault_id: &VaultId,
) -> (SlotBody, Secret<String>) {
    let keyfile = Keyfile::generate(&fixture.entropy).unwrap();
    let text = keyfile.to_text();
    let credential = Credential::Keyfile(keyfile);
    (SlotBody::wrap(master, vault_id, &credential, None, &fixture.entropy).unwrap(), text)
}

/// Makes an empty vault in a container.
fn new_vault(fixture: &VaultFixture, store: Store, anchors: Option<&Path>) -> (Vault, Key) {
    let vault_id = VaultId::generate(&fixture.entropy).unwrap();
    let master = MasterKey::generate(&fixture.entropy).unwrap();
    new_vault_as(fixture, store, (vault_id, master), anchors)
}

/// Makes an empty vault with this id and master key.
fn new_vault_as(
    fixture: &VaultFixture,
    store: Store,
    (vault_id, master): (VaultId, MasterKey),
    anchors: Option<&Path>,
) -> (Vault, Key) {
    let (body, keyfile) = new_slot(fixture, &master, &vault_id);
    let new = NewVault {
        vault_id,
        master: &master,
        slots: vec![(0, body, "first".to_owned())],
        settings: Settings::new("000000000000", "local-1"),
        anchors: anchors.map(Path::to_owned),
    };
    let mut vault = Vault::create_in(store, new, fixture.context()).unwrap();
    vault.appear().unwrap();
    (vault, Key { master, keyfile })
}

/// Makes an empty vault in memory.
fn sample_empty_vault(fixture: &VaultFixture) -> (Vault, Key) {
    new_vault(fixture, Store::in_memory(), None)
}

/// Makes a vault in memory with everything in it that a vault can hold.
fn sample_vault(fixture: &VaultFixture) -> (Vault, Key) {
    let (mut vault, key) = sample_empty_vault(fixture);
    furnish(fixture, &mut vault);
    (vault, key)
}

/// Puts secrets of every kind into a vault.
fn furnish(fixture: &VaultFixture, vault: &mut Vault) {
    furnish_marked(fixture, vault, "");
}

/// Does so with values that end in `mark`.
fn furnish_marked(fixture: &VaultFixture, vault: &mut Vault, mark: &str) {
    fixture.change(vault, |transaction| {
        create(transaction, "app/db", &[("v1", text(&format!("hunter1{mark}")))]);
        let mut key: Vec<u8> = (0..=255).cycle().take(300).collect();
        key.extend(mark.as_bytes());
        create(transaction, "app/key", &[("k1", SecretValue::Binary(Secret::new(key)))]);
        create(transaction, "tmp", &[("t1", text(&format!("gone tomorrow{mark}")))]);
        create(transaction, "none", &[]);
        create_key(transaction, KEYS[0], mark);
        create_key(transaction, KEYS[1], mark);
        transaction.record_own("Furnish", "first").unwrap();
    });
    fixture.change(vault, |transaction| {
        let mut record = transaction.find(&home(), "none").unwrap().unwrap();
        record.versions.push(Version::new("pending".to_owned(), None, transaction.now()));
        record.tags = Some(vec![("env".to_owned(), "test".to_owned())]);
        let due = transaction.now().plus_days(7);
        record.deletion = Some(Deletion { requested: transaction.now(), due });
        transaction.update(&mut record).unwrap();
        transaction.record_own("Furnish", "second").unwrap();
    });
}

/// Changes a furnished vault so that every table is different: a new version, a new secret, one
/// gone, other slots, a longer log.
fn renovate(fixture: &VaultFixture, vault: &mut Vault, key: &Key) {
    let vault_id = *vault.vault_id();
    let ((again, _), (more, _)) =
        (new_slot(fixture, &key.master, &vault_id), new_slot(fixture, &key.master, &vault_id));
    let first = SlotBody::wrap(&key.master, &vault_id, &key.credential(), None, &fixture.entropy);
    fixture.change(vault, |transaction| {
        transaction.add_slot(&again, "second").unwrap();
        transaction.add_slot(&more, "third").unwrap();
        transaction.remove_slot(1, super::slots::LastPortable::Keep).unwrap();
        transaction.replace_slot(0, &first.unwrap()).unwrap();
        let mut record = transaction.find(&home(), "app/db").unwrap().unwrap();
        add_version(transaction, &mut record, "v2", &text("hunter2"));
        transaction.update(&mut record).unwrap();
        let gone = transaction.find(&home(), "tmp").unwrap().unwrap();
        transaction.remove(&gone).unwrap();
        create(transaction, "new/one", &[("n1", text("brand new"))]);
        let mut key = transaction.access_key(KEYS[0]).unwrap().unwrap();
        key.access_key.as_mut().unwrap().status = Status::Inactive;
        transaction.update(&mut key).unwrap();
        let gone = transaction.access_key(KEYS[1]).unwrap().unwrap();
        transaction.remove_access_key(&gone).unwrap();
        create_key(transaction, KEYS[2], "");
        transaction.record_own("Renovate", "").unwrap();
    });
}

fn home() -> Namespace {
    Namespace { account: "000000000000".to_owned(), region: "local-1".to_owned() }
}

fn text(text: &str) -> SecretValue {
    SecretValue::Text(Secret::new(text.to_owned()))
}

/// Stores a new secret with these versions, the last of them current.
fn create(transaction: &mut Transaction<'_>, name: &str, versions: &[(&str, SecretValue)]) {
    let mut record = Record::new(home(), name.to_owned(), "a1B2c3".to_owned(), transaction.now());
    transaction.assign_row(&mut record).unwrap();
    for (id, value) in versions {
        add_version(transaction, &mut record, id, value);
    }
    transaction.insert(&mut record).unwrap();
}

/// Stores a new access key, whose secret has this mark in it.
fn create_key(transaction: &mut Transaction<'_>, id: &str, mark: &str) {
    let mut record = Record::of_access_key(id.to_owned(), sample_key(mark), transaction.now());
    transaction.insert_access_key(&mut record).unwrap();
}

/// An access key whose secret has this mark in it.
fn sample_key(mark: &str) -> AccessKey {
    let secret = format!("{:A<40}", mark.replace(' ', "+"));
    let rights = Rights {
        user_name: "deploy".to_owned(),
        path: Some("/team/".to_owned()),
        policies: vec!["{}".to_owned()],
        principal_tags: vec!["team=blue".to_owned()],
        ..Rights::default()
    };
    AccessKey {
        secret: SecretAccessKey::new(Secret::new(secret)).unwrap(),
        rights,
        status: Status::Active,
        until: Some(START.plus_days(30)),
        unknown: Unknown::default(),
    }
}

/// Adds a version, and moves the label to it.
fn add_version(
    transaction: &mut Transaction<'_>,
    record: &mut Record,
    id: &str,
    value: &SecretValue,
) {
    let stored = transaction.insert_value(record.rid, id, value).unwrap();
    for version in &mut record.versions {
        version.stages.clear();
    }
    let mut version = Version::new(id.to_owned(), Some(stored), transaction.now());
    version.stages = vec!["AWSCURRENT".to_owned()];
    record.versions.push(version);
}

/// What a test asks, and what it was told.
type Answers = BTreeMap<String, Result<String, Error>>;

/// Names that are asked for: some are there, one was, one never is.
const NAMES: [&str; 6] = ["app/db", "app/key", "tmp", "none", "new/one", "never"];

/// Access keys that are asked for: one that is there before and after, one that is deleted, one that
/// is made.
const KEYS: [&str; 3] = ["AKIA2222222222222222", "AKIA3333333333333333", "AKIA4444444444444444"];

/// Asks everything that can be asked.
fn ask(fixture: &VaultFixture, vault: &mut Vault) -> Answers {
    let mut answers = Answers::new();
    let transaction = match vault.begin(Access::Read, fixture.context()) {
        Ok(transaction) => transaction,
        Err(error) => return [("state".to_owned(), Err(error))].into(),
    };
    for name in NAMES {
        let found = transaction.find(&home(), name);
        for version in found.iter().flatten().flat_map(|record| &record.versions) {
            let record = found.as_ref().ok().and_then(Option::as_ref).unwrap();
            let value = transaction.value(record, version).map(|value| {
                value.map_or("no value yet".to_owned(), |value| {
                    String::from_utf8_lossy(value.expose_bytes()).into_owned()
                })
            });
            answers.insert(format!("value {name} {}", version.id), value);
        }
        let told = found.map(|found| found.as_ref().map_or("absent".to_owned(), show));
        answers.insert(format!("find {name}"), told);
    }
    for id in KEYS {
        let told = transaction.access_key(id);
        let told = told.map(|found| found.as_ref().map_or("absent".to_owned(), show_key));
        answers.insert(format!("key {id}"), told);
    }
    let keys = transaction.access_keys();
    let keys = keys.map(|keys| keys.iter().map(show_key).collect::<Vec<_>>().join("\n"));
    answers.insert("keys".to_owned(), keys);
    answers.insert("list".to_owned(), list(&transaction));
    answers.insert("log".to_owned(), log(&transaction));
    answers
}

fn log(transaction: &Transaction<'_>) -> Result<String, Error> {
    let mut lines = String::new();
    transaction.events(|seq, event| {
        writeln!(lines, "{seq} {} {}", event.operation, event.detail).unwrap();
        Ok(())
    })?;
    Ok(lines)
}

fn list(transaction: &Transaction<'_>) -> Result<String, Error> {
    let mut lines = Vec::new();
    transaction.each(|record| {
        lines.push(show(&record));
        Ok(())
    })?;
    lines.sort();
    Ok(lines.join("\n"))
}

fn show(record: &Record) -> String {
    let versions = record.versions.iter().map(|version| {
        let stored = version.value.map(|stored| (stored.vid, stored.len));
        format!("{} {:?} {stored:?}", version.id, version.stages)
    });
    let versions: Vec<String> = versions.collect();
    let Record { name, rid, revision, tags, deletion, .. } = record;
    format!("{name} {rid} {revision} {tags:?} {deletion:?} {versions:?}")
}

fn show_key(record: &Record) -> String {
    let Record { name, rid, revision, accessed, .. } = record;
    let key = record.access_key.as_ref().unwrap();
    let (secret, AccessKey { status, until, .. }) = (key.secret.expose(), key);
    format!("{name} {rid} {revision} {accessed:?} {secret} {status:?} {until:?}")
}

/// What a sound vault answers.
fn truth(fixture: &VaultFixture, vault: &mut Vault) -> BTreeMap<String, String> {
    ask(fixture, vault).into_iter().map(|(asked, told)| (asked, told.unwrap())).collect()
}

/// Asserts that no answer is a wrong one, and returns how many were refused.
#[track_caller]
fn judge(case: &str, truth: &BTreeMap<String, String>, answers: &Answers) -> usize {
    let mut refused = 0;
    for (asked, told) in answers {
        match told {
            Ok(told) => assert_eq!(Some(told), truth.get(asked), "{case}: {asked}"),
            Err(error) => {
                assert!(speaks_of_damage(error), "{case}: {asked}: {error:?}");
                refused += 1;
            }
        }
    }
    refused
}

/// Whether an error says that the file is not as it was written.
fn speaks_of_damage(error: &Error) -> bool {
    matches!(
        error,
        Error::Tampered(_)
            | Error::TamperedSlot { .. }
            | Error::NewerContent(_)
            | Error::Crypto(crypto::Error::NewerFormat { .. })
            | Error::Store(
                store::Error::Damaged { .. }
                    | store::Error::NotAVault { .. }
                    | store::Error::NewerFormat { .. }
                    | store::Error::SchemaAltered { .. }
                    | store::Error::TooBig
            )
    )
}

/// Guards against nothing, so that a test can look further.
const UNGUARDED: UnlockPolicy = UnlockPolicy {
    anchors: None,
    on_rollback: OnRollback::Refuse,
    on_damaged_slot: OnDamagedSlot::Tolerate,
};

/// Guards the slots too.
const STRICT: UnlockPolicy = UnlockPolicy { on_damaged_slot: OnDamagedSlot::Refuse, ..UNGUARDED };

fn unlock(store: Store, key: &Key, policy: &UnlockPolicy) -> Result<Vault, Error> {
    LockedVault::from_store(store)?.unlock(&key.master, policy)
}

/// Verifies everything, and returns what is wrong.
fn findings(fixture: &VaultFixture, vault: &mut Vault) -> Vec<Finding> {
    fixture.read(vault).check(&mut |_| {}).unwrap()
}

#[track_caller]
fn assert_sound(fixture: &VaultFixture, vault: &mut Vault) {
    assert_eq!(findings(fixture, vault), []);
}

/// What is done to the rows of a table.
type Damage = fn(&mut BTreeMap<u64, Vec<u8>>);

/// Days in milliseconds.
fn days(days: i64) -> i64 {
    days * DAY_MS
}
