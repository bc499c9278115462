//! Reads everything, verifies everything, and says what is wrong and where, without stopping at
//! the first finding. Changes nothing.

use crate::model::order;
use std::collections::{BTreeMap, BTreeSet};

use super::audit::Event;
use super::error::Error;
use super::record::{Record, StoredValue};
use super::slots;
use super::transaction::Transaction;
use super::tree::{BUCKETS, Branch, Entry, FANOUT};
use crate::crypto::keys::ValueAddress;
use crate::crypto::sealed::pin;
use crate::store::Table;

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// Where: a slot, a bucket, a secret's name.
    pub(crate) place: String,
    /// What is wrong, and what it costs.
    pub(crate) problem: String,
}

/// How far a long piece of work is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RowsDone {
    /// What is being done.
    pub(crate) step: &'static str,
    /// Rows done.
    pub(crate) done: u64,
    /// Rows there are, as far as known.
    pub(crate) total: u64,
}

/// Called every so often during long work.
pub(crate) type OnProgress<'a> = &'a mut dyn FnMut(RowsDone);

/// Rows between two calls of [`OnProgress`].
const STRIDE: u64 = 256;

/// Counts rows and tells how far the work is.
pub(super) struct Meter<'a> {
    progress: RowsDone,
    tell: OnProgress<'a>,
}

impl<'a> Meter<'a> {
    pub(super) fn new(tell: OnProgress<'a>) -> Self {
        Self { progress: RowsDone { step: "", done: 0, total: 0 }, tell }
    }

    pub(super) fn start(&mut self, step: &'static str, total: u64) {
        self.progress = RowsDone { step, done: 0, total };
        (self.tell)(self.progress);
    }

    pub(super) fn advance(&mut self) {
        self.progress.done += 1;
        if self.progress.done.is_multiple_of(STRIDE) {
            (self.tell)(self.progress);
        }
    }
}

/// A value that a record expects.
struct ExpectedValue {
    rid: u64,
    version_id: String,
    stored: StoredValue,
    secret: usize,
}

/// What the check has learned so far.
#[derive(Default)]
struct Survey {
    findings: Vec<Finding>,
    names: Vec<String>,
    values: Vec<ExpectedValue>,
    records: u64,
    access_keys: BTreeSet<String>,
    value_bytes: u64,
}

impl Survey {
    fn find(&mut self, place: impl Into<String>, problem: impl Into<String>) {
        self.findings.push(Finding { place: place.into(), problem: problem.into() });
    }

    /// Continues after a part that could not be read to its end.
    fn pass(&mut self, place: &str, part: Result<(), Error>) -> Result<(), Error> {
        match part {
            Err(error) if error.is_damage() => {
                self.find(place, error.what_is_damaged());
                Ok(())
            }
            other => other,
        }
    }
}

impl Transaction<'_> {
    /// Verifies slots, tree, records, values, audit log and counts against the state.
    ///
    /// # Errors
    /// Only what prevents the check; what is wrong with the vault is in the findings.
    pub(crate) fn check(&self, tell: OnProgress<'_>) -> Result<Vec<Finding>, Error> {
        let mut meter = Meter::new(tell);
        let mut survey = Survey::default();
        let part = self.check_slots(&mut survey);
        survey.pass("slots", part)?;
        let entries = self.check_tree(&mut survey)?;
        let part = self.check_records(entries, &mut survey, &mut meter);
        survey.pass("records", part)?;
        let part = self.check_values(&mut survey, &mut meter);
        survey.pass("values", part)?;
        let part = self.check_log(&mut meter);
        survey.pass("audit log", part)?;
        self.check_counts(&mut survey);
        Ok(survey.findings)
    }

    /// Returns the entries of the buckets that are sound, and whether the whole tree is.
    pub(super) fn sound_entries(&self) -> Result<(Vec<Entry>, bool), Error> {
        let mut survey = Survey::default();
        let entries = self.check_tree(&mut survey)?;
        Ok((entries, survey.findings.is_empty()))
    }

    fn check_slots(&self, survey: &mut Survey) -> Result<(), Error> {
        for number in slots::differences(&self.state, &self.rows.slots()?) {
            survey.find(format!("slot {number}"), "it is not the one that was stored");
        }
        Ok(())
    }

    fn check_tree(&self, survey: &mut Survey) -> Result<Vec<Entry>, Error> {
        let nodes = self.check_nodes(survey)?;
        let buckets = |(number, node): (&u16, &Branch)| {
            let first = number * FANOUT;
            node.children().map(move |child| first + child).collect::<Vec<u16>>()
        };
        let mut expected: BTreeSet<u16> = nodes.iter().flat_map(buckets).collect();
        let mut entries = Vec::new();
        let read = self.rows.each(Table::Bucket, |number, body| {
            let place = || format!("tree bucket {number}");
            let Some(bucket) = u16::try_from(number).ok().filter(|number| *number < BUCKETS) else {
                survey.find(place(), "there is no such bucket");
                return Ok(());
            };
            expected.remove(&bucket);
            // Nothing is known about the buckets of a damaged node.
            let Some(node) = nodes.get(&(bucket / FANOUT)) else { return Ok(()) };
            match self.open_bucket(bucket, node.get(bucket % FANOUT), Some(body)) {
                Ok(found) => entries.extend(found),
                Err(error) if error.is_damage() => {
                    survey.find(place(), "it does not match its node");
                }
                Err(other) => return Err(other),
            }
            Ok(())
        });
        survey.pass("tree", read)?;
        for bucket in expected {
            survey.find(format!("tree bucket {bucket}"), "it is missing");
        }
        order::sort_by_key(&mut entries, |entry| entry.rid);
        Ok(entries)
    }

    /// Returns the nodes that match the state.
    fn check_nodes(&self, survey: &mut Survey) -> Result<BTreeMap<u16, Branch>, Error> {
        let mut nodes = BTreeMap::new();
        for number in 0..FANOUT {
            match self.node(number) {
                Ok(node) => drop(nodes.insert(number, node.unwrap_or_default())),
                Err(error) if error.is_damage() => {
                    survey.find(format!("tree node {number}"), "it does not match the state");
                }
                Err(other) => return Err(other),
            }
        }
        let read = self.rows.each(Table::Node, |number, _body| {
            if number >= u64::from(FANOUT) {
                survey.find(format!("tree node {number}"), "there is no such node");
            }
            Ok(())
        });
        survey.pass("tree", read)?;
        Ok(nodes)
    }

    fn check_records(
        &self,
        entries: Vec<Entry>,
        survey: &mut Survey,
        meter: &mut Meter<'_>,
    ) -> Result<(), Error> {
        meter.start("records", self.state.secrets);
        let mut expected = entries.into_iter().peekable();
        self.rows.each(Table::Secret, |rid, sealed| {
            meter.advance();
            while let Some(missing) = expected.next_if(|entry| is_before(entry.rid, rid)) {
                survey.find(format!("secret row {:016x}", missing.rid), "its record is missing");
            }
            match expected.next_if(|entry| entry.rid == rid) {
                Some(entry) => self.check_record(&entry, sealed, survey),
                None => survey.find(
                    format!("secret row {rid:016x}"),
                    "no bucket lists it: it was put in by hand or its bucket is damaged",
                ),
            }
            Ok::<(), Error>(())
        })?;
        for missing in expected {
            survey.find(format!("secret row {:016x}", missing.rid), "its record is missing");
        }
        Ok(())
    }

    fn check_record(&self, entry: &Entry, sealed: &[u8], survey: &mut Survey) {
        let place = format!("secret row {:016x}", entry.rid);
        if pin(sealed).ok() != Some(entry.pin) {
            survey.find(place, "its record is not the one the tree expects: altered or older");
            return;
        }
        let keyring = self.keyring;
        let opened = keyring.keys.record.open(keyring.vault_id(), entry.rid, sealed);
        let Some(record) =
            opened.ok().and_then(|data| Record::decode(entry.rid, data.expose()).ok())
        else {
            survey.find(place, "its record does not authenticate");
            return;
        };
        if self.name_hash(&record.namespace, &record.name) != entry.name_hash {
            survey.find(record.name.clone(), "its record is in the place of another");
        }
        if record.access_key.is_some() {
            survey.access_keys.insert(record.name);
            return;
        }
        survey.records += 1;
        let secret = survey.names.len();
        for version in &record.versions {
            let Some(stored) = version.value else { continue };
            survey.value_bytes = survey.value_bytes.saturating_add(stored.len);
            let version_id = version.id.clone();
            survey.values.push(ExpectedValue { rid: record.rid, version_id, stored, secret });
        }
        survey.names.push(record.name);
    }

    fn check_values(&self, survey: &mut Survey, meter: &mut Meter<'_>) -> Result<(), Error> {
        let mut values = std::mem::take(&mut survey.values);
        order::sort_by_key(&mut values, |expected| expected.stored.vid);
        meter.start("values", self.state.values);
        let names = std::mem::take(&mut survey.names);
        let name =
            |expected: &ExpectedValue| names.get(expected.secret).cloned().unwrap_or_default();
        let missing = |expected: &ExpectedValue| {
            format!("the value of version {} is missing", expected.version_id)
        };
        let mut expected = values.iter().peekable();
        self.rows.each(Table::Value, |vid, sealed| {
            meter.advance();
            while let Some(lost) = expected.next_if(|value| is_before(value.stored.vid, vid)) {
                survey.find(name(lost), missing(lost));
            }
            let Some(value) = expected.next_if(|value| value.stored.vid == vid) else {
                survey
                    .find(format!("value row {vid:016x}"), "it belongs to no secret that is sound");
                return Ok::<(), Error>(());
            };
            if !self.is_sound(value, sealed) {
                let version = &value.version_id;
                let problem = format!("the value of version {version} does not authenticate");
                survey.find(name(value), problem);
            }
            Ok(())
        })?;
        for lost in expected {
            survey.find(name(lost), missing(lost));
        }
        survey.names = names;
        survey.values = values;
        Ok(())
    }

    fn is_sound(&self, value: &ExpectedValue, sealed: &[u8]) -> bool {
        let keyring = self.keyring;
        let address =
            ValueAddress { rid: value.rid, vid: value.stored.vid, version_id: &value.version_id };
        let open = || keyring.keys.value.open(keyring.vault_id(), address, sealed).ok();
        let data = (pin(sealed).ok() == Some(value.stored.pin)).then(open).flatten();
        data.is_some_and(|data| value.stored.read(data.expose()).is_some())
    }

    fn check_log(&self, meter: &mut Meter<'_>) -> Result<(), Error> {
        let log = self.state.log;
        meter.start("audit log", log.next.saturating_sub(log.first));
        self.events(|_seq, _event: Event| {
            meter.advance();
            Ok(())
        })
    }

    fn check_counts(&self, survey: &mut Survey) {
        if !survey.findings.is_empty() {
            // A missing row also falsifies the counts; saying so again helps nobody.
            return;
        }
        if !survey.access_keys.iter().eq(&self.state.access_keys) {
            survey.find("access keys", "the state lists others than the rows have");
        }
        let values = u64::try_from(survey.values.len()).unwrap_or(u64::MAX);
        for (place, counted, stated) in [
            ("number of secrets", survey.records, self.state.secrets),
            ("number of values", values, self.state.values),
            ("size of all values", survey.value_bytes, self.state.value_bytes),
        ] {
            if counted != stated {
                survey.find(place, format!("the state says {stated}, the rows say {counted}"));
            }
        }
    }
}

/// Whether a row comes before another where tables are read in order: negative numbers, which
/// belong to nothing and are shown as very large ones, come first.
fn is_before(expected: u64, found: u64) -> bool {
    i64::try_from(found).is_ok() && expected < found
}
