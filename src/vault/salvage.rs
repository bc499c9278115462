//! Saving what still authenticates of a vault into a new one, whatever its state and tree say.

use std::collections::{BTreeMap, BTreeSet};

use super::across::Bond;
use super::check::{Meter, OnProgress};
use super::error::Error;
use super::evidence::{Accepted, InDoubt, Proven, Verdict};
use super::keyring::Keyring;
use super::record::{Namespace, Record, Version};
use super::state::Settings;
use super::transaction::Transaction;
use super::tree::{self, Branch, Entry};
use super::unlock::LockedVault;
use super::wreckage::{self, open_record};
use crate::crypto::keys::{MasterKey, ValueAddress};
use crate::crypto::sealed::pin;
use crate::model::secret_value::SecretValue;
use crate::store::{self, Table};

/// What was saved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Salvaged {
    /// Secrets written to the new vault.
    pub(crate) secrets: u64,
    /// Access keys written to the new vault.
    pub(crate) access_keys: u64,
    /// Values written to the new vault.
    pub(crate) values: u64,
    /// Records that did not authenticate.
    pub(crate) lost_secrets: u64,
    /// Versions whose value is missing or did not authenticate.
    pub(crate) lost_values: u64,
    /// The secrets that nothing vouches for, saved or not.
    pub(crate) in_doubt: Vec<InDoubt>,
}

/// A record that authenticates.
struct Found {
    revision: u64,
    rid: u64,
    verdict: Verdict,
}

/// The best record of each name.
type Best = BTreeMap<(Namespace, String), Found>;

impl LockedVault {
    /// Writes every record and value that still authenticates under the master key into a new
    /// vault. Where this one's state can be read, only what its tree vouches for and the secrets
    /// `accepted` are saved, as by a repair. Without the state nothing is vouched for, and all is
    /// saved: it may be older rows put back.
    pub(crate) fn salvage(
        &mut self,
        master: &MasterKey,
        into: &mut Transaction<'_>,
        accepted: Accepted<'_>,
        tell: OnProgress<'_>,
    ) -> Result<Salvaged, Error> {
        let keyring = Keyring::new(self.header.clone(), master)?;
        if let Some(wreck) = &self.wreck {
            wreckage::fill(&mut self.store, wreck, &keyring)?;
        }
        let mut meter = Meter::new(tell);
        let mut salvaged = Salvaged::default();
        let rows = self.store.read()?;
        let state = keyring.open_state(&rows).ok();
        let root = state.as_ref().map(|state| &state.root);
        let best = best_records(&keyring, &rows, root, &mut salvaged, &mut meter)?;
        let is_without_state = state.is_none();
        let settings = state.map(|state| state.settings).or_else(|| settings_of(&best));
        into.state.settings = settings.unwrap_or_else(|| into.state.settings.clone());
        into.set(Settings::SALVAGED, &keyring.vault_id().to_string());
        meter.start("secrets", u64::try_from(best.len()).unwrap_or(u64::MAX));
        for Found { rid, verdict, .. } in best.into_values() {
            meter.advance();
            let Some(sealed) = rows.secret(rid)? else { continue };
            let Some(mut record) = open_record(&keyring, rid, &sealed) else { continue };
            if let Some(mut in_doubt) = InDoubt::new(&record, verdict, accepted) {
                in_doubt.is_kept |= is_without_state;
                let is_kept = in_doubt.is_kept;
                salvaged.in_doubt.push(in_doubt);
                if !is_kept {
                    continue;
                }
                record.deactivate();
            }
            if record.access_key.is_some() {
                into.adopt_access_key(record, &mut salvaged)?;
                continue;
            }
            let values = salvage_values(&keyring, &rows, &record, &mut salvaged);
            salvaged.secrets += 1;
            into.adopt(record, &values)?;
        }
        into.record_own("Salvage", &format!("{} secrets", salvaged.secrets))?;
        Ok(salvaged)
    }
}

/// Chooses one record of each name: one that is vouched for before all others, then the newest.
fn best_records(
    keyring: &Keyring,
    rows: &store::Transaction<'_>,
    root: Option<&Branch>,
    salvaged: &mut Salvaged,
    meter: &mut Meter<'_>,
) -> Result<Best, Error> {
    let rids = rids(rows);
    meter.start("records", u64::try_from(rids.len()).unwrap_or(u64::MAX));
    let mut found = Vec::new();
    for rid in rids {
        meter.advance();
        // A row that a damaged bucket names need not be one.
        let Some(sealed) = rows.secret(rid).unwrap_or_else(|_unreadable| Some(Vec::new())) else {
            continue;
        };
        let (Some(record), Ok(pin)) = (open_record(keyring, rid, &sealed), pin(&sealed)) else {
            salvaged.lost_secrets += 1;
            continue;
        };
        let name_hash = keyring.keys.name.hash(&record.namespace.key(), &record.name);
        let place = Entry { name_hash, rid, pin };
        found.push(((record.namespace, record.name), record.revision, place));
    }
    let places: Vec<Entry> = found.iter().map(|(_, _, place)| *place).collect();
    let read = |root| Proven::read(&keyring.keys.tree, root, rows, &places);
    let proven = root.map(read).transpose()?;
    let mut best = Best::new();
    for (name, revision, place) in found {
        let verdict = proven.as_ref().map_or(Verdict::Unknown, |proven| proven.verdict(&place));
        let found = Found { revision, rid: place.rid, verdict };
        if best.get(&name).is_none_or(|kept| rank(kept) < rank(&found)) {
            best.insert(name, found);
        }
    }
    Ok(best)
}

/// What is vouched for comes before what may be so, and that before what was deleted.
fn rank(found: &Found) -> (u8, u64, u64) {
    let worth = match found.verdict {
        Verdict::Newest => 2,
        Verdict::Older | Verdict::Unknown => 1,
        Verdict::Absent => 0,
    };
    (worth, found.revision, found.rid)
}

/// Opens the values of a record that still authenticate.
fn salvage_values(
    keyring: &Keyring,
    rows: &store::Transaction<'_>,
    record: &Record,
    salvaged: &mut Salvaged,
) -> Vec<(String, SecretValue)> {
    let mut values = Vec::new();
    for version in &record.versions {
        let Some(stored) = version.value else { continue };
        let address = ValueAddress { rid: record.rid, vid: stored.vid, version_id: &version.id };
        let sealed = rows.value(stored.vid).ok().flatten().unwrap_or_default();
        let data = keyring.keys.value.open(keyring.vault_id(), address, &sealed);
        match data.ok().and_then(|data| stored.read(data.expose())) {
            Some(value) => values.push((version.id.clone(), value)),
            None => salvaged.lost_values += 1,
        }
    }
    salvaged.values += u64::try_from(values.len()).unwrap_or(u64::MAX);
    values
}

/// Finds the rows of records: those that can be reached, and those that a bucket names.
fn rids(rows: &store::Transaction<'_>) -> BTreeSet<u64> {
    let mut rids = BTreeSet::new();
    rows.each_readable(Table::Secret, |rid, _sealed| rids.extend([rid]));
    rows.each_readable(Table::Bucket, |_number, body| rids.extend(tree::rows_named_in(body)));
    rids.retain(|rid| i64::try_from(*rid).is_ok());
    rids
}

/// Guesses a lost state's settings from the secrets: the namespace that most of them have.
fn settings_of(best: &Best) -> Option<Settings> {
    let mut counts: BTreeMap<&Namespace, u64> = BTreeMap::new();
    let secrets = best.keys().filter(|(of, _name)| *of != Namespace::of_access_keys());
    for (namespace, _name) in secrets {
        *counts.entry(namespace).or_default() += 1;
    }
    let (home, _) = counts.into_iter().max_by_key(|(_, count)| *count)?;
    Some(Settings::new(&home.account, &home.region))
}

impl Transaction<'_> {
    /// Stores a record of another vault with the values that came with it. Versions whose value
    /// did not come are left out.
    pub(crate) fn adopt(
        &mut self,
        mut record: Record,
        values: &[(String, SecretValue)],
    ) -> Result<(), Error> {
        record.rid = 0;
        self.assign_row(&mut record)?;
        let mut versions: Vec<Version> = Vec::new();
        let count = record.versions.len();
        for mut version in std::mem::take(&mut record.versions) {
            match values.iter().find(|(id, _)| *id == version.id) {
                Some((id, value)) => {
                    version.value = Some(self.insert_value(record.rid, id, value)?);
                    versions.push(version);
                }
                None if version.value.is_none() => versions.push(version),
                None => {}
            }
        }
        if versions.len() < count {
            self.note_loss(&mut record)?;
        }
        record.versions = versions;
        self.insert(&mut record)
    }

    /// Stores an access key of another vault. Without a state nothing says how many there may be: what
    /// is beyond what a vault can have is lost.
    fn adopt_access_key(
        &mut self,
        mut record: Record,
        salvaged: &mut Salvaged,
    ) -> Result<(), Error> {
        if self.is_full_of_access_keys() {
            salvaged.lost_secrets += 1;
            return Ok(());
        }
        record.rid = 0;
        salvaged.access_keys += 1;
        self.insert_access_key(&mut record)
    }

    /// Notes that a secret has lost a version: it is not what its replica in another account is a copy
    /// of, which is not to lose the same in silence, nor is it that copy itself.
    pub(super) fn note_loss(&mut self, record: &mut Record) -> Result<(), Error> {
        if let Some(primary) = &mut record.cross_primary {
            primary.edition = None;
        }
        if let Some(replica) = &mut record.cross_replica
            && replica.bond == Bond::Attached
        {
            let waited = replica.waits();
            replica.held = vec![self.draw_edition()?];
            replica.edition = self.draw_edition()?;
            if !waited {
                let account = replica.arn.split(':').nth(4).unwrap_or_default();
                self.change_peer(account, |peer| peer.waiting = peer.waiting.saturating_add(1));
            }
        }
        Ok(())
    }
}
