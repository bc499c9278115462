//! What refers to secrets by the ARNs that they had before they were renamed. It is told, and not
//! changed: a policy or a rotation's command is somebody's decision.

use super::context::Context;
use super::failure::Failure;
use super::replication::replicas;
use super::rules::arn::{self, Place};
use crate::model::value::Value;
use crate::vault::record::Record;

/// A secret in which another's old ARN is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mention {
    /// The secret that has it, and its region.
    name: String,
    region: String,
    /// `RotationReads` or `ResourcePolicy`.
    place: &'static str,
    /// The renamed secret, by its old name.
    of: String,
}

impl Mention {
    /// Returns it as it is shown.
    pub(crate) fn shown(&self) -> Value {
        let text = |name: &str, text: &str| (name.to_owned(), Value::Text(text.to_owned()));
        Value::Map(vec![
            text("Name", &self.name),
            text("Region", &self.region),
            text("In", self.place),
            text("OldName", &self.of),
        ])
    }
}

/// Finds what mentions secrets that were renamed: pairs of each before and after.
pub(super) fn of(
    cx: &mut Context<'_, '_>,
    renamed: &[(Record, Record)],
) -> Result<Vec<Mention>, Failure> {
    let mut found = Vec::new();
    cx.vault()?.each(|record| {
        let reads = record.rotation.as_ref().map_or(&[][..], |rotation| &rotation.command.reads);
        let policy = record.policy.as_deref().unwrap_or_default();
        if reads.is_empty() && policy.is_empty() {
            return Ok(());
        }
        for (before, _) in renamed {
            let is_read = reads.iter().any(|read| is_of(read, before));
            let places = [(is_read, "RotationReads"), (is_in(policy, before), "ResourcePolicy")];
            for (_, place) in places.into_iter().filter(|(is_there, _)| *is_there) {
                let (name, region) = (record.name.clone(), record.namespace.region.clone());
                found.push(Mention { name, region, place, of: before.name.clone() });
            }
        }
        Ok(())
    })?;
    Ok(found)
}

/// Returns the partial ARNs that a secret and its replicas have.
fn partial_arns(record: &Record) -> Vec<String> {
    let regions = replicas::regions(record);
    let own = record.namespace.region.as_str();
    let all = regions.into_iter().chain([own]);
    all.map(|region| {
        let place = Place { account: &record.namespace.account, region };
        arn::arn_without_suffix(place, &record.name)
    })
    .collect()
}

/// Whether a text is the name or an ARN of a secret.
fn is_of(text: &str, record: &Record) -> bool {
    let is_arn =
        |partial: String| text == partial || text == format!("{partial}-{}", record.arn_suffix);
    text == record.name || partial_arns(record).into_iter().any(is_arn)
}

/// Whether an ARN of a secret is somewhere in a policy: whole, partial, or with a pattern for the end.
fn is_in(policy: &str, record: &Record) -> bool {
    partial_arns(record).into_iter().any(|partial| {
        let ends = ["\"", "-??????", "-*", "*"].map(str::to_owned);
        let whole = format!("-{}", record.arn_suffix);
        ends.into_iter().chain([whole]).any(|end| policy.contains(&format!("{partial}{end}")))
    })
}
