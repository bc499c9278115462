//! An operation for tests, with a member of every kind.

use super::arguments::{Paging, Picking, Signature};
use crate::model::shape::{Member, Shaped as _};
use crate::model::types::{
    ClientRequestToken, Count, Listed, NextToken, SecretBytes, SecretId, SecretText, SortOrder,
    Tag, VersionStage,
};

text! {
    /// When to rotate.
    pub(crate) struct Schedule: crate::model::shape::Bounds::between(1, 256)
}

structure! {
    /// How often.
    pub(crate) struct Rules {
        /// The number of days between rotations. At most 1000.
        automatically_after_days: Option<Count<1, 1000>> => "AutomaticallyAfterDays",
        /// When, as a schedule.
        schedule_expression: Option<Schedule> => "ScheduleExpression",
    }
}

structure! {
    /// A request.
    pub(crate) struct Request {
        /// The ARN or name of the secret.
        ///
        /// For an ARN, a whole one is best.
        secret_id: SecretId => "SecretId",
        /// The unique value. It names one request.
        client_request_token: Option<ClientRequestToken> => "ClientRequestToken",
        /// The text to store.
        secret_string: Option<SecretText> => "SecretString",
        /// The bytes to store.
        secret_binary: Option<SecretBytes> => "SecretBinary",
        /// The tags to attach.
        tags: Option<Vec<Tag>> => "Tags",
        /// The labels to attach.
        version_stages: Option<Listed<VersionStage, 1, 20>> => "VersionStages",
        /// How often to rotate.
        rules: Option<Rules> => "Rules",
        /// How long to wait.
        recovery_window_in_days: Option<Count<1, 30>> => "RecoveryWindowInDays",
        /// Whether not to wait.
        force: Option<bool> => "Force",
        /// How many results a page has.
        max_results: Option<Count<1, 100>> => "MaxResults",
        /// Where the page starts.
        next_token: Option<NextToken> => "NextToken",
        /// The direction to sort in.
        sort_order: Option<SortOrder> => "SortOrder",
    }
}

/// The members of [`Request`].
pub(crate) const REQUEST: &[Member] = Request::SHAPE.members();

/// An operation that leaves paging to its caller.
pub(crate) const MANUAL: Signature = of(Paging::Manual);

/// An operation of which the client fetches all pages.
pub(crate) const AUTOMATIC: Signature = of(Paging::Automatic);

const fn of(paging: Paging) -> Signature {
    Signature { input: REQUEST, output: Tag::SHAPE, paging, picking: Picking::Absent }
}
