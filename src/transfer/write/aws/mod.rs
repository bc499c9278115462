//! What brings an account of AWS to the state of a vault: a document for each request, as
//! `--cli-input-json` reads it, and a script that has the AWS CLI make those requests that are still
//! needed. It may be run again, also when it was stopped halfway.
//!
//! An account has its own keys, regions and Lambda functions, and its own ARNs: KMS keys, replicas,
//! rotations and resource policies are not carried over.

mod script;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value as Json};

use self::script::Script;
use super::super::taken;
use super::losses::{Feature, Losses};
use crate::model::secret_value::SecretValue;
use crate::service::export::Exported;
use crate::service::rules::stages::{CURRENT, PENDING, PREVIOUS};
use crate::sys::secret::Secret;
use crate::vault::record::{Record, Version};

/// A label on versions that are not current, while they are stored: without it each would be the current
/// one for a moment.
const PASSING: &str = "strongroom-export";
/// The script, which is written last.
const SCRIPT: &str = "apply.sh";

/// A file of the directory.
pub(crate) struct File {
    pub(crate) name: String,
    pub(crate) bytes: Secret<Vec<u8>>,
}

/// Makes the files of the directory, the script last; and counts what the account will not have.
pub(crate) fn write(secrets: &[Exported]) -> (Vec<File>, Losses) {
    let mut making = Making { files: Vec::new(), script: Script::new(), losses: Losses::default() };
    for (number, Exported { record, values }) in (1..).zip(secrets) {
        let values: Vec<(&Version, &SecretValue)> = in_order(record, values);
        match values.split_first() {
            Some((first, rest)) => making.secret(number, record, *first, rest),
            None => making.losses.leave_out(&record.name, "has no value"),
        }
    }
    let Making { mut files, script, losses } = making;
    files.push(File { name: SCRIPT.to_owned(), bytes: Secret::new(script.finish().into_bytes()) });
    (files, losses)
}

/// The versions that have a value, in the order in which they are stored: the current one last, and before
/// it the one that was current before.
fn in_order<'e>(
    record: &'e Record,
    values: &'e [(String, SecretValue)],
) -> Vec<(&'e Version, &'e SecretValue)> {
    let value = |version: &'e Version| {
        let found = values.iter().find(|(id, _)| *id == version.id);
        found.map(|(_, value)| (version, value))
    };
    let mut versions: Vec<(&Version, &SecretValue)> =
        record.versions.iter().filter_map(value).collect();
    crate::model::order::sort_by_key(&mut versions, |(version, _)| {
        let has = |label: &str| version.stages.iter().any(|stage| stage == label);
        if has(CURRENT) { 2_u8 } else { u8::from(has(PREVIOUS)) }
    });
    versions
}

struct Making {
    files: Vec<File>,
    script: Script,
    losses: Losses,
}

impl Making {
    fn secret(
        &mut self,
        number: u64,
        record: &Record,
        first: (&Version, &SecretValue),
        rest: &[(&Version, &SecretValue)],
    ) {
        self.count(record);
        let (name, description) = (record.name.as_str(), record.description.as_deref());
        let tags: Vec<Json> = record.tags.iter().flatten().map(tag).collect();
        let mut create = Map::new();
        put(&mut create, "Name", name);
        create.extend(value(first));
        put(&mut create, "Description", description.unwrap_or_default());
        if !tags.is_empty() {
            create.insert("Tags".to_owned(), tags.clone().into());
        }
        self.file(number, "create", create);
        let mut update = Map::new();
        put(&mut update, "SecretId", name);
        put(&mut update, "Description", description.unwrap_or_default());
        self.file(number, "update", update);
        if !tags.is_empty() {
            let mut tag = Map::new();
            put(&mut tag, "SecretId", name);
            tag.insert("Tags".to_owned(), tags.clone().into());
            self.file(number, "tag", tag);
        }
        self.script.secret(number, name, !tags.is_empty());
        for (place, version) in (1..).zip(std::iter::once(&first).chain(rest)) {
            let mut document = Map::new();
            put(&mut document, "SecretId", name);
            document.extend(value(*version));
            let is_current = version.0.stages.iter().any(|stage| stage == CURRENT);
            let stage = if is_current { CURRENT } else { PASSING };
            document.insert("VersionStages".to_owned(), Json::from(vec![stage]));
            self.file(number, &format!("version-{place}"), document);
            self.script.version(place);
        }
        let all = std::iter::once(&first).chain(rest).map(|(version, _)| *version);
        self.labels(&all.collect::<Vec<&Version>>());
    }

    /// Has each label put where it belongs, AWSCURRENT first, as AWSPREVIOUS follows it.
    fn labels(&mut self, versions: &[&Version]) {
        let mut labels: Vec<(&str, &str)> = Vec::new();
        for version in versions {
            for stage in &version.stages {
                if script::is_plain(stage) {
                    labels.push((stage, &version.id));
                } else {
                    self.losses.add(Feature::StagingLabels, 1);
                }
            }
        }
        crate::model::order::sort_by_key(&mut labels, |(label, _)| *label != CURRENT);
        for (label, id) in &labels {
            self.script.label(label, id);
        }
        for label in [PREVIOUS, PENDING, PASSING] {
            if labels.iter().all(|(known, _)| *known != label) {
                self.script.no_label(label);
            }
        }
    }

    fn count(&mut self, record: &Record) {
        let mut add = |feature, is_there: bool| self.losses.add(feature, u64::from(is_there));
        add(Feature::Keys, record.kms_key_id.is_some());
        add(Feature::Policies, record.policy.is_some());
        add(Feature::Rotations, record.rotation.is_some());
        add(Feature::Replicas, taken::is_followed(record));
    }

    fn file(&mut self, number: u64, what: &str, document: Map<String, Json>) {
        let name = script::file(number, what);
        let mut text = Secret::new(format!("{:#}", Json::Object(document)));
        text.expose_mut().push('\n');
        let bytes = Secret::new(std::mem::take(text.expose_mut()).into_bytes());
        self.files.push(File { name, bytes });
    }
}

/// The members that say which version it is and what it holds.
fn value((version, value): (&Version, &SecretValue)) -> Map<String, Json> {
    let mut members = Map::new();
    put(&mut members, "ClientRequestToken", &version.id);
    match value {
        SecretValue::Text(text) => put(&mut members, "SecretString", text.expose()),
        SecretValue::Binary(bytes) => {
            put(&mut members, "SecretBinary", &STANDARD.encode(bytes.expose()));
        }
    }
    members
}

fn tag((key, value): &(String, String)) -> Json {
    let mut tag = Map::new();
    put(&mut tag, "Key", key);
    put(&mut tag, "Value", value);
    Json::Object(tag)
}

fn put(members: &mut Map<String, Json>, name: &str, text: &str) {
    members.insert(name.to_owned(), text.into());
}
