//! A small Secrets Manager in maps, written from our notes on AWS and not from the operations, and
//! random requests put to both.
//!
//! It differs on purpose: labels are a map from label to version, what is gone
//! is taken out at once, and a list is a sorted copy. It knows neither constraints of length nor
//! the limits on labels, tags and versions; `tests/conformance` has those.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::testing::START;
use crate::model::time::{DAY_MS, Timestamp};

/// All secrets of one region.
pub(super) struct Reference {
    now: Timestamp,
    secrets: BTreeMap<String, Secret>,
}

#[derive(Clone)]
struct Secret {
    /// As the service told it when the secret was made: nobody can foresee its suffix.
    arn: String,
    /// What comes back as it was given: description, key.
    texts: BTreeMap<&'static str, String>,
    tags: Option<Vec<(String, String)>>,
    versions: BTreeMap<String, Version>,
    /// Which version each label is on.
    labels: BTreeMap<String, String>,
    created: Timestamp,
    changed: Timestamp,
    accessed: Option<Timestamp>,
    due: Option<Timestamp>,
}

#[derive(Clone)]
struct Version {
    /// `SecretString` or `SecretBinary`, and what it is.
    value: (&'static str, String),
    created: Timestamp,
    accessed: Option<Timestamp>,
    key: String,
}

/// What a call ends with: the response, or the code of the refusal.
pub(super) type Outcome = Result<Json, &'static str>;

const MISSING: &str = "ResourceNotFoundException";
const EXISTS: &str = "ResourceExistsException";
const REQUEST: &str = "InvalidRequestException";
const PARAMETER: &str = "InvalidParameterException";

impl Reference {
    pub(super) fn new() -> Self {
        Self { now: START, secrets: BTreeMap::new() }
    }

    /// Lets time pass.
    pub(super) fn wait(&mut self, ms: i64) {
        self.now = Timestamp(self.now.0 + ms);
        let now = self.now;
        self.secrets.retain(|_, secret| secret.due.is_none_or(|due| due > now));
    }

    /// Answers a request. Of a secret that is made, `told` is the service's own response, which
    /// has the ARN.
    pub(super) fn call(&mut self, operation: &str, request: &Json, told: &Json) -> Outcome {
        let name = text(request, "SecretId").or(text(request, "Name")).unwrap_or_default();
        match operation {
            "CreateSecret" => return self.create(name, request, told),
            "ListSecrets" => return Ok(self.list(request)),
            "DeleteSecret" if request.get("ForceDeleteWithoutRecovery").is_some() => {
                let arn = self.secrets.remove(name).map(|secret| json!(secret.arn));
                let arn = arn.unwrap_or(told["ARN"].clone());
                return Ok(json!({"ARN": arn, "Name": name, "DeletionDate": self.now.0}));
            }
            "UpdateSecretVersionStage"
                if text(request, "MoveToVersionId")
                    .or(text(request, "RemoveFromVersionId"))
                    .is_none() =>
            {
                return Err(PARAMETER);
            }
            _ => {}
        }
        let now = self.now;
        let kept = self.secrets.get_mut(name).ok_or(MISSING)?;
        let works_on_scheduled = ["DescribeSecret", "ListSecretVersionIds", "RestoreSecret"];
        if kept.due.is_some() && !works_on_scheduled.contains(&operation) {
            return Err(REQUEST);
        }
        let mut secret = kept.clone();
        let response = match operation {
            "DescribeSecret" => secret.described(name, "VersionIdsToStages"),
            "GetSecretValue" => secret.read(name, request, now)?,
            "ListSecretVersionIds" => secret.listed_versions(name, request),
            "PutSecretValue" => secret.put(name, request, now)?,
            "UpdateSecret" => secret.update(name, request, now)?,
            "UpdateSecretVersionStage" => secret.move_label(name, request)?,
            "TagResource" => secret.tag(request),
            "UntagResource" => secret.untag(request),
            "DeleteSecret" => {
                let days = request["RecoveryWindowInDays"].as_i64().unwrap_or(30);
                secret.due = Some(Timestamp(now.0 + days * DAY_MS));
                json!({"ARN": secret.arn, "Name": name, "DeletionDate": now.0 + days * DAY_MS})
            }
            "RestoreSecret" => {
                secret.due = None;
                json!({"ARN": secret.arn, "Name": name})
            }
            _ => panic!("{operation}"),
        };
        let is_changed = secret.described(name, "") != kept.described(name, "")
            || secret.versions.len() != kept.versions.len();
        if is_changed && operation != "GetSecretValue" {
            secret.changed = now;
        }
        *kept = secret;
        Ok(response)
    }

    fn create(&mut self, name: &str, request: &Json, told: &Json) -> Outcome {
        let token = text(request, "ClientRequestToken").unwrap();
        let value = value(request);
        if let Some(secret) = self.secrets.get(name) {
            return match secret.versions.get(token) {
                _ if secret.due.is_some() => Err(REQUEST),
                Some(version) if Some(&version.value) == value.as_ref() => {
                    Ok(json!({"ARN": secret.arn, "Name": name, "VersionId": token}))
                }
                _ => Err(EXISTS),
            };
        }
        let mut secret = Secret {
            arn: told["ARN"].as_str().unwrap_or_default().to_owned(),
            texts: BTreeMap::new(),
            tags: None,
            versions: BTreeMap::new(),
            labels: BTreeMap::new(),
            created: self.now,
            changed: self.now,
            accessed: None,
            due: None,
        };
        secret.set_texts(request);
        if request.get("Tags").is_some() {
            secret.tag(request);
        }
        let mut response = json!({"ARN": secret.arn, "Name": name});
        if value.is_some() {
            secret.write(request, self.now)?;
            response["VersionId"] = token.into();
        }
        self.secrets.insert(name.to_owned(), secret);
        Ok(response)
    }

    fn list(&self, request: &Json) -> Json {
        let shows_planned = request["IncludePlannedDeletion"] == true;
        let prefix = request["Filters"][0]["Values"][0].as_str().unwrap_or_default();
        let mut found: Vec<(&String, &Secret)> = self
            .secrets
            .iter()
            .filter(|(name, secret)| match request["Filters"][0]["Key"].as_str() {
                Some("tag-key") => {
                    secret.tags.iter().flatten().any(|(key, _)| key.starts_with(prefix))
                }
                _ => name.starts_with(prefix),
            })
            .filter(|(_, secret)| shows_planned || secret.due.is_none())
            .collect();
        let by = text(request, "SortBy").unwrap_or("created-date");
        let date = |secret: &Secret| match by {
            "name" => None,
            "last-changed-date" => Some(secret.changed),
            "last-accessed-date" => secret.accessed,
            _ => Some(secret.created),
        };
        // By name already, and the sort is stable.
        if text(request, "SortOrder") == Some("desc") {
            found.sort_by_key(|(_, secret)| std::cmp::Reverse(date(secret)));
            if by == "name" {
                found.reverse();
            }
        } else {
            found.sort_by_key(|(_, secret)| date(secret));
        }
        let found =
            found.into_iter().map(|(n, secret)| secret.described(n, "SecretVersionsToStages"));
        json!({"SecretList": found.collect::<Vec<_>>()})
    }
}

impl Secret {
    fn write(&mut self, request: &Json, now: Timestamp) -> Result<(), &'static str> {
        let token = text(request, "ClientRequestToken").unwrap();
        let value = value(request).unwrap();
        if let Some(version) = self.versions.get(token) {
            return if version.value == value { Ok(()) } else { Err(EXISTS) };
        }
        let key = self.texts.get("KmsKeyId").cloned();
        let key = key.unwrap_or("DefaultEncryptionKey".to_owned());
        let version = Version { value, created: now, accessed: None, key };
        self.versions.insert(token.to_owned(), version);
        let asked: Vec<&str> =
            request["VersionStages"].as_array().map_or(vec!["AWSCURRENT"], |all| {
                all.iter().map(|one| one.as_str().unwrap()).collect()
            });
        for label in &asked {
            if *label != "AWSCURRENT" {
                self.labels.insert((*label).to_owned(), token.to_owned());
            }
        }
        if asked.contains(&"AWSCURRENT") || !self.labels.contains_key("AWSCURRENT") {
            self.make_current(token);
        }
        Ok(())
    }

    fn make_current(&mut self, id: &str) {
        let Some(before) = self.labels.insert("AWSCURRENT".to_owned(), id.to_owned()) else {
            return;
        };
        if before != id {
            self.labels.retain(|label, on| label != "AWSPENDING" || *on != before);
            self.labels.insert("AWSPREVIOUS".to_owned(), before);
        }
    }

    fn put(&mut self, name: &str, request: &Json, now: Timestamp) -> Outcome {
        self.write(request, now)?;
        let token = text(request, "ClientRequestToken").unwrap();
        let mut response = json!({"ARN": self.arn, "Name": name, "VersionId": token});
        if let Some(stages) = self.stages_of(token) {
            response["VersionStages"] = stages;
        }
        Ok(response)
    }

    fn update(&mut self, name: &str, request: &Json, now: Timestamp) -> Outcome {
        let key_before = self.texts.get("KmsKeyId").cloned();
        self.set_texts(request);
        let key = self.texts.get("KmsKeyId").cloned();
        if key != key_before {
            for label in ["AWSCURRENT", "AWSPREVIOUS", "AWSPENDING"] {
                if let Some(version) =
                    self.labels.get(label).and_then(|id| self.versions.get_mut(id))
                {
                    version.key = key.clone().unwrap_or("DefaultEncryptionKey".to_owned());
                }
            }
        }
        let mut response = json!({"ARN": self.arn, "Name": name});
        if value(request).is_some() {
            self.write(request, now)?;
            response["VersionId"] = request["ClientRequestToken"].clone();
        }
        Ok(response)
    }

    fn move_label(&mut self, name: &str, request: &Json) -> Outcome {
        let label = text(request, "VersionStage").unwrap();
        let (from, to) = (text(request, "RemoveFromVersionId"), text(request, "MoveToVersionId"));
        if [from, to].iter().flatten().any(|id| !self.versions.contains_key(*id)) {
            return Err(MISSING);
        }
        let held = self.labels.get(label).map(String::as_str);
        let is_refused = match (from, to) {
            (Some(from), _) => held != Some(from) || (to.is_none() && label == "AWSCURRENT"),
            (None, to) => held != to && held.is_some(),
        };
        if is_refused {
            return Err(PARAMETER);
        }
        match to {
            None => drop(self.labels.remove(label)),
            Some(to) if label == "AWSCURRENT" => self.make_current(to),
            Some(to) => drop(self.labels.insert(label.to_owned(), to.to_owned())),
        }
        Ok(json!({"ARN": self.arn, "Name": name}))
    }

    fn read(&mut self, name: &str, request: &Json, now: Timestamp) -> Outcome {
        let label = text(request, "VersionStage");
        let id = match text(request, "VersionId") {
            Some(id) if !self.versions.contains_key(id) => return Err(MISSING),
            Some(id) if label.is_some_and(|l| self.labels.get(l).is_none_or(|on| on != id)) => {
                return Err(REQUEST);
            }
            Some(id) => id.to_owned(),
            None => self.labels.get(label.unwrap_or("AWSCURRENT")).ok_or(MISSING)?.clone(),
        };
        self.accessed = Some(now.midnight());
        let stages = self.stages_of(&id);
        let version = self.versions.get_mut(&id).unwrap();
        version.accessed = Some(now.midnight());
        let mut response = json!({"ARN": self.arn, "Name": name, "VersionId": id});
        response[version.value.0] = version.value.1.clone().into();
        if let Some(stages) = stages {
            response["VersionStages"] = stages;
        }
        response["CreatedDate"] = version.created.0.into();
        Ok(response)
    }

    fn tag(&mut self, request: &Json) -> Json {
        for tag in request["Tags"].as_array().unwrap() {
            let (key, value) = (text(tag, "Key").unwrap(), text(tag, "Value").unwrap_or_default());
            let tags = self.tags.get_or_insert_default();
            match tags.iter_mut().find(|(present, _)| present == key) {
                Some(present) => value.clone_into(&mut present.1),
                None => tags.push((key.to_owned(), value.to_owned())),
            }
        }
        json!({})
    }

    fn untag(&mut self, request: &Json) -> Json {
        let keys = request["TagKeys"].as_array().unwrap();
        self.tags.iter_mut().for_each(|tags| tags.retain(|(key, _)| !keys.contains(&json!(key))));
        json!({})
    }

    fn set_texts(&mut self, request: &Json) {
        for member in ["Description", "KmsKeyId"] {
            match text(request, member) {
                None => {}
                Some("") => drop(self.texts.remove(member)),
                Some(given) => drop(self.texts.insert(member, given.to_owned())),
            }
        }
    }

    fn stages_of(&self, id: &str) -> Option<Json> {
        let labels: Vec<&String> =
            self.labels.iter().filter(|(_, on)| *on == id).map(|(label, _)| label).collect();
        (!labels.is_empty()).then(|| json!(labels))
    }

    fn described(&self, name: &str, versions_member: &str) -> Json {
        let mut out = json!({"ARN": self.arn, "Name": name});
        for (member, given) in &self.texts {
            out[member] = given.as_str().into();
        }
        out["LastChangedDate"] = self.changed.0.into();
        for (member, date) in [("LastAccessedDate", self.accessed), ("DeletedDate", self.due)] {
            if let Some(date) = date {
                out[member] = date.0.into();
            }
        }
        if let Some(tags) = &self.tags {
            let tags = tags.iter().map(|(key, value)| json!({"Key": key, "Value": value}));
            out["Tags"] = tags.collect();
        }
        for id in self.versions.keys() {
            if let Some(stages) = self.stages_of(id) {
                out[versions_member][id] = stages;
            }
        }
        out["CreatedDate"] = self.created.0.into();
        out
    }

    fn listed_versions(&self, name: &str, request: &Json) -> Json {
        let shows_all = request["IncludeDeprecated"] == true;
        let mut versions: Vec<(&String, &Version)> = self
            .versions
            .iter()
            .filter(|(id, _)| shows_all || self.stages_of(id).is_some())
            .collect();
        versions.sort_by_key(|(_, version)| version.created);
        let listed = versions.into_iter().map(|(id, version)| {
            let mut out = json!({"VersionId": id});
            if let Some(stages) = self.stages_of(id) {
                out["VersionStages"] = stages;
            }
            if let Some(date) = version.accessed {
                out["LastAccessedDate"] = date.0.into();
            }
            out["CreatedDate"] = version.created.0.into();
            out["KmsKeyIds"] = json!([version.key]);
            out
        });
        json!({"Versions": listed.collect::<Vec<_>>(), "ARN": self.arn, "Name": name})
    }
}

fn text<'j>(json: &'j Json, member: &str) -> Option<&'j str> {
    json.get(member)?.as_str()
}

fn value(request: &Json) -> Option<(&'static str, String)> {
    ["SecretString", "SecretBinary"]
        .into_iter()
        .find_map(|kind| Some((kind, text(request, kind)?.to_owned())))
}

#[cfg(test)]
mod tests;
