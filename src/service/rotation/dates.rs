//! The dates of a rotation, and what `describe-secret` shows of it (docs/behaviour.md, "Rotation").

use crate::model::rotation::{
    MetadataItem, MetadataKey, MetadataValue, RotationRules, ScheduleExpression, WindowLength,
};
use crate::model::time::{DAY_MS, Timestamp};
use crate::model::types::Count;
use crate::service::fault::Fault;
use crate::service::rules::schedule::{self, Asked};
use crate::vault::record::Record;
use crate::vault::rotation::{Rotation, Rules};

/// The members that rotation gives to a secret that is described or listed.
#[derive(Default)]
pub(crate) struct ShownRotation {
    /// `RotationEnabled`.
    pub(crate) enabled: Option<bool>,
    /// `RotationLambdaARN`.
    pub(crate) function: Option<String>,
    /// `RotationRules`.
    pub(crate) rules: Option<RotationRules>,
    /// `ExternalSecretRotationMetadata`.
    pub(crate) external: Option<Vec<MetadataItem>>,
    /// `LastRotatedDate`.
    pub(crate) last_rotated: Option<Timestamp>,
    /// `NextRotationDate`.
    pub(crate) next_rotation: Option<Timestamp>,
}

/// Returns the pairs that a function is told. AWS's model lets either half be missing; what AWS
/// then says is not published.
pub(crate) fn checked_metadata(items: Vec<MetadataItem>) -> Result<Vec<(String, String)>, Fault> {
    if items.len() > MAX_ITEMS {
        return Err(Fault::invalid_parameter(format!(
            "You can't give more than {MAX_ITEMS} metadata items."
        )));
    }
    let pair = |item: MetadataItem| match (item.key, item.value) {
        (Some(key), Some(value)) => Ok((key.0, value.0)),
        _ => Err(Fault::invalid_parameter("A metadata item must have a key and a value.")),
    };
    items.into_iter().map(pair).collect()
}

/// The most metadata items of a rotation: ours, as AWS publishes no number.
const MAX_ITEMS: usize = 50;

/// Returns what is shown of a secret's rotation: nothing where it was never set up, no dates where
/// it is turned off.
pub(crate) fn shown(record: &Record) -> ShownRotation {
    let Some(rotation) = &record.rotation else { return ShownRotation::default() };
    let external = rotation.external.iter().map(|(key, value)| MetadataItem {
        key: Some(MetadataKey(key.clone())),
        value: Some(MetadataValue(value.clone())),
    });
    let external: Vec<MetadataItem> = external.collect();
    ShownRotation {
        enabled: Some(rotation.enabled),
        function: Some(rotation.function.clone()),
        rules: rotation.rules.as_ref().map(|rules| shown_rules(rules, record, rotation)),
        external: Some(external).filter(|external| !external.is_empty()),
        last_rotated: record.rotated.filter(|_| rotation.enabled),
        next_rotation: next_rotation(record),
    }
}

/// Returns `NextRotationDate`, which lies in the past while a rotation is overdue.
pub(crate) fn next_rotation(record: &Record) -> Option<Timestamp> {
    let rotation = record.rotation.as_ref().filter(|rotation| rotation.enabled)?;
    let rules = read(rotation)?;
    let window = match base(record, rotation) {
        Some(base) => rules.next_window(base),
        None => rules.first_window(rotation.configured),
    };
    Some(window.next_rotation_date())
}

/// Returns the later of the last rotation and the last change of the current value; `None` where
/// there never was either.
pub(crate) fn base(record: &Record, rotation: &Rotation) -> Option<Timestamp> {
    record.rotated.max(rotation.current.as_ref().map(|(_, since)| *since))
}

/// Returns the same as it is at this moment: a date that has not come yet was written by a clock
/// that was wrong, and would keep a secret from being rotated until it comes.
pub(crate) fn base_at(record: &Record, rotation: &Rotation, now: Timestamp) -> Option<Timestamp> {
    let since = rotation.current.as_ref().map(|(_, since)| *since);
    let dates = [record.rotated, since].into_iter().flatten();
    dates.map(|date| believed(date, now)).max()
}

/// Takes a date of the past as it is, and one of the future for one long ago. Clocks differ by less
/// than a day.
pub(crate) fn believed(date: Timestamp, now: Timestamp) -> Timestamp {
    if date.0 > now.0.saturating_add(DAY_MS) { Timestamp(0) } else { date }
}

/// Returns the rules as the schedule reads them; `None` where there are none, or none that this
/// version knows.
pub(crate) fn read(rotation: &Rotation) -> Option<schedule::Rules> {
    schedule::Rules::new(&asked(rotation.rules.as_ref()?)).ok().flatten()
}

/// Returns stored rules as the schedule takes them.
pub(crate) fn asked(rules: &Rules) -> Asked<'_> {
    Asked {
        automatically_after_days: rules.automatically_after_days,
        duration: rules.duration.as_deref(),
        schedule_expression: rules.schedule_expression.as_deref(),
    }
}

/// AWS always shows days, computed where an expression was given.
fn shown_rules(rules: &Rules, record: &Record, rotation: &Rotation) -> RotationRules {
    let from = base(record, rotation).unwrap_or(rotation.configured);
    let computed = read(rotation).map(|read| read.automatically_after_days(from));
    RotationRules {
        automatically_after_days: rules.automatically_after_days.or(computed).map(Count),
        duration: rules.duration.clone().map(WindowLength),
        schedule_expression: rules.schedule_expression.clone().map(ScheduleExpression),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 4,200 metadata items of 2,048 characters made a record that nobody could read.
    #[test]
    fn a_rotation_has_so_many_metadata_items() {
        for (count, is_within) in [(49, true), (50, true), (51, false), (4_200, false)] {
            let items: Vec<_> = (0..count)
                .map(|number| MetadataItem {
                    key: Some(MetadataKey(format!("key {number}"))),
                    value: Some(MetadataValue("x".repeat(2_048))),
                })
                .collect();
            assert_eq!(checked_metadata(items).is_ok(), is_within, "{count}");
        }
    }
}
