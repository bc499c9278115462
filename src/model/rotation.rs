//! The types of members that only rotation has, each with AWS's limits.

use super::shape::{Bounds, Pattern};
use super::types::Count;

text! {
    /// A rotation function.
    pub(crate) struct RotationLambdaArn: Bounds::between(0, 2048)
}
text! {
    /// The role with which a managed external secret is rotated.
    pub(crate) struct RotationRoleArn: Bounds::between(20, 2048)
}
text! {
    /// How long a window is open.
    pub(crate) struct WindowLength: Bounds::between(2, 3),
    pattern = Pattern { text: "[0-9]+h", matches: is_window_length }
}
text! {
    /// When windows open.
    pub(crate) struct ScheduleExpression: Bounds::between(1, 256),
    pattern = Pattern {
        text: "[0-9A-Za-z\\(\\)#\\?\\*\\-\\/, ]+",
        matches: is_schedule_expression
    }
}
text! {
    /// The key of a metadata item.
    pub(crate) struct MetadataKey: Bounds::between(1, 256)
}
text! {
    /// The value of a metadata item.
    pub(crate) struct MetadataValue: Bounds::between(1, 2048)
}

structure! {
    /// When to rotate.
    pub(crate) struct RotationRules {
        /// The number of days between rotations. Not together with `ScheduleExpression`.
        automatically_after_days: Option<Count<1, 1000>> => "AutomaticallyAfterDays",
        /// The length of the window in which to rotate, in hours, such as `3h`.
        duration: Option<WindowLength> => "Duration",
        /// A `rate()` or `cron()` expression, in UTC. Not together with `AutomaticallyAfterDays`.
        schedule_expression: Option<ScheduleExpression> => "ScheduleExpression",
    }
}

structure! {
    /// Something the rotation function is told beside the secret.
    pub(crate) struct MetadataItem {
        /// The key of the item.
        key: Option<MetadataKey> => "Key",
        /// The value of the item.
        value: Option<MetadataValue> => "Value",
    }
}

fn is_window_length(text: &str) -> bool {
    let digits = text.strip_suffix('h');
    digits.is_some_and(|hours| !hours.is_empty() && hours.bytes().all(|b| b.is_ascii_digit()))
}

fn is_schedule_expression(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || b"()#?*-/, ".contains(&b))
}
