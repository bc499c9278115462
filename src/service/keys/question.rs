//! Whether the holder of a key may make a call, and which statement decides that: the call is not made,
//! and nothing is logged of it.

use std::net::IpAddr;
use std::sync::Arc;

use super::rights::{granted, is_over};
use super::{missing, told, wanted};
use crate::model::shape::Shaped;
use crate::model::value::Value;
use crate::service::caller::{Caller, Presented, Signed};
use crate::service::dispatch::Call;
use crate::service::explain::explain;
use crate::service::failure::Failure;
use crate::service::fault::{Code, Fault};
use crate::service::operation::Entry;
use crate::service::operations;
use crate::vault::Vault;
use crate::vault::access_key::Status;
use crate::vault::transaction::{Access, RequestContext};

/// A call that somebody might make.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Question {
    /// The operation, as policies, AWS's SDKs or the command line name it.
    pub(crate) action: String,
    pub(crate) region: Option<String>,
    /// The secret that it is about, by name or ARN.
    pub(crate) secret_id: Option<String>,
    pub(crate) version_stage: Option<String>,
    /// Where it comes from.
    pub(crate) source_ip: Option<IpAddr>,
}

impl Question {
    /// Returns what is wrong with it, if anything is, and the member that it is about.
    pub(crate) fn mistake(&self) -> Option<(&'static str, String)> {
        self.call().err()
    }

    /// Returns the operation and the request.
    fn call(&self) -> Result<(&'static Entry, Value), (&'static str, String)> {
        let word = self.action.to_lowercase();
        let word = word.strip_prefix("secretsmanager:").unwrap_or(&word).replace('-', "");
        let is_it = |entry: &&Entry| entry.name.to_lowercase() == word;
        let entry = operations::ALL.iter().find(is_it).ok_or_else(|| {
            ("Action", format!("there is no operation \"{}\"", self.action.escape_debug()))
        })?;
        let members = entry.input.members();
        let has = |name: &str| members.iter().any(|member| member.name == name);
        let mut request = Vec::new();
        if let Some(id) = &self.secret_id {
            let text = Value::Text(id.clone());
            request.push(match ["SecretId", "Name", "SecretIdList"].into_iter().find(|m| has(m)) {
                Some("SecretIdList") => ("SecretIdList".to_owned(), Value::List(vec![text])),
                Some(member) => (member.to_owned(), text),
                None => return Err(("SecretId", format!("{} is about no secret", entry.name))),
            });
        }
        if let Some(stage) = &self.version_stage {
            if !has("VersionStage") {
                return Err(("VersionStage", format!("{} takes no label", entry.name)));
            }
            request.push(("VersionStage".to_owned(), Value::Text(stage.clone())));
        }
        Ok((entry, Value::Map(request)))
    }

    /// Writes it for another process.
    pub(super) fn to_value(&self) -> Value {
        let member = |name: &str, text: &str| (name.to_owned(), Value::Text(text.to_owned()));
        let mut members = vec![member("Action", &self.action)];
        members.extend(self.region.as_ref().map(|text| member("Region", text)));
        members.extend(self.secret_id.as_ref().map(|text| member("SecretId", text)));
        members.extend(self.version_stage.as_ref().map(|text| member("VersionStage", text)));
        members.extend(self.source_ip.map(|address| member("SourceIp", &address.to_string())));
        Value::Map(members)
    }

    /// Reads what [`Question::to_value`] wrote.
    pub(super) fn of_value(value: &Value) -> Option<Self> {
        let text = |name: &str| match value.get(name) {
            Some(Value::Text(text)) => Some(text.clone()),
            Some(_) | None => None,
        };
        Some(Self {
            action: text("Action")?,
            region: text("Region"),
            secret_id: text("SecretId"),
            version_stage: text("VersionStage"),
            source_ip: text("SourceIp").map(|text| text.parse()).transpose().ok()?,
        })
    }

    /// Answers it for the holder of a key.
    pub(super) fn answer(
        &self,
        vault: &mut Vault,
        id: &str,
        context: RequestContext<'_>,
    ) -> Result<Value, Failure> {
        let invalid = |(_, what)| Fault::new(Code::InvalidParameter, what);
        let (entry, request) = self.call().map_err(invalid)?;
        let transaction = vault.begin(Access::Read, context)?;
        let record = wanted(&transaction, id)?;
        let key = record.access_key.as_ref().ok_or_else(|| missing(id))?;
        let status = match key.status {
            Status::Active if is_over(key, &transaction) => "Expired",
            Status::Active | Status::Inactive => told::status(key.status),
        };
        let not_understood = || {
            let what = format!("a later version wrote access key {id}, and this one cannot say");
            Failure::from(Fault::new(Code::InvalidRequest, what))
        };
        let grant = Arc::new(granted(&record, &transaction).ok_or_else(not_understood)?);
        drop(transaction);
        // What never left this machine is secure.
        let presented =
            Presented { source_ip: self.source_ip, is_secure: true, ..Presented::default() };
        let caller = Caller::Key(Signed { grant, presented });
        let region = self.region.as_deref();
        let call = Call { entry, request, region, caller: &caller, boundaries: None };
        let explanation = explain(vault, &call, context)?;
        let mut members = vec![
            ("AccessKeyId".to_owned(), Value::Text(id.to_owned())),
            ("Status".to_owned(), Value::Text(status.to_owned())),
        ];
        if let Some(Value::Map(explained)) = explanation.into_value() {
            members.extend(explained);
        }
        Ok(Value::Map(if status == "Active" { members } else { refused(members) }))
    }
}

/// Says of a key that is not in use that nobody gets as far as its rights.
fn refused(mut members: Vec<(String, Value)>) -> Vec<(String, Value)> {
    members.retain(|(name, _)| !["Decision", "Message"].contains(&name.as_str()));
    let text = |name: &str, text: &str| (name.to_owned(), Value::Text(text.to_owned()));
    let place = members.len().min(2);
    let message = text("Message", "the key is not in use: no request signed with it is answered");
    members.splice(place..place, [text("Decision", "implicitDeny"), message]);
    members
}
