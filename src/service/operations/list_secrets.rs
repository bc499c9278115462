//! `list-secrets`: tells everything about all secrets but their values.

use super::describe_secret::{stages_by_version, tags};
use crate::model::order;
use crate::model::rotation::{MetadataItem, RotationRules};
use crate::model::time::Timestamp;
use crate::model::types::{Count, Filter, NextToken, SortBy, SortOrder, StagesByVersion, Tag};
use crate::service::access::Visible;
use crate::service::action::Action;
use crate::service::context::Context;
use crate::service::failure::Failure;
use crate::service::fault::Code;
use crate::service::operation::{Effect, Group, Operation, Pages};
use crate::service::pages::Page;
use crate::service::replication::replicas;
use crate::service::rotation::dates;
use crate::service::rules::arn::arn_of;
use crate::service::rules::filters::{Asked, Filterable, Filters};
use crate::service::rules::sort::{Order, Position, Sortable};
use crate::vault::record::Record;

/// Lists secrets.
pub(crate) struct ListSecrets;

structure! {
    /// Which secrets to list, and in which order.
    pub(crate) struct Request {
        /// Whether to list secrets that are scheduled for deletion too.
        include_planned_deletion: Option<bool> => "IncludePlannedDeletion",
        /// How many secrets a page has.
        max_results: Option<Count<1, 100>> => "MaxResults",
        /// Where the page starts, from the answer before.
        next_token: Option<NextToken> => "NextToken",
        /// Which secrets to list: those that match every filter, by any of its values.
        filters: Option<Vec<Filter>> => "Filters",
        /// The direction to sort in. The default is `asc`.
        sort_order: Option<SortOrder> => "SortOrder",
        /// The member to sort by. The default is `created-date`.
        sort_by: Option<SortBy> => "SortBy",
    }
}

structure! {
    /// One page of secrets.
    pub(crate) struct Response {
        /// The secrets.
        secret_list: Vec<ListedSecret> => "SecretList",
        /// Where the next page starts; absent on the last.
        next_token: Option<NextToken> => "NextToken",
    }
}

structure! {
    /// One secret in the list.
    pub(crate) struct ListedSecret {
        /// The ARN of the secret.
        arn: String => "ARN",
        /// The name of the secret.
        name: String => "Name",
        /// The kind of managed external secret.
        secret_type: Option<String> => "Type",
        /// The description.
        description: Option<String> => "Description",
        /// The KMS key, if one was named.
        kms_key_id: Option<String> => "KmsKeyId",
        /// Whether the secret is rotated by itself; absent if that was never said.
        rotation_enabled: Option<bool> => "RotationEnabled",
        /// The rotation function.
        rotation_lambda_arn: Option<String> => "RotationLambdaARN",
        /// When to rotate.
        rotation_rules: Option<RotationRules> => "RotationRules",
        /// What the rotation function is told beside the secret.
        external_secret_rotation_metadata: Option<Vec<MetadataItem>>
            => "ExternalSecretRotationMetadata",
        /// The role with which AWS rotates a managed external secret; never there, since there are no
        /// roles here.
        external_secret_rotation_role_arn: Option<String> => "ExternalSecretRotationRoleArn",
        /// When the secret was last rotated.
        last_rotated_date: Option<Timestamp> => "LastRotatedDate",
        /// When anything about the secret last changed.
        last_changed_date: Timestamp => "LastChangedDate",
        /// The day its value was last read.
        last_accessed_date: Option<Timestamp> => "LastAccessedDate",
        /// When the secret will be gone, if it is scheduled for deletion.
        deleted_date: Option<Timestamp> => "DeletedDate",
        /// The date by which the secret is to be rotated next.
        next_rotation_date: Option<Timestamp> => "NextRotationDate",
        /// The tags.
        tags: Option<Vec<Tag>> => "Tags",
        /// The versions that have labels, and their labels.
        secret_versions_to_stages: Option<StagesByVersion> => "SecretVersionsToStages",
        /// The service of AWS that manages the secret; never there, since none does here.
        owning_service: Option<String> => "OwningService",
        /// When the secret was made.
        created_date: Timestamp => "CreatedDate",
        /// The region of the primary secret.
        primary_region: Option<String> => "PrimaryRegion",
    }
}

impl Operation for ListSecrets {
    const ACTION: Action = Action::ListSecrets;
    const GROUP: Group = Group::Secrets;
    const SUMMARY: &'static str = "List the secrets of the region.";
    const EXAMPLE: &'static str =
        "strongroom list-secrets --query 'SecretList[].Name' --output text";
    const EFFECT: Effect = Effect::Surveys;
    const PAGES: Pages = Pages::Gathered("SecretList");
    const FAULTS: &'static [Code] = &[
        Code::InvalidParameter,
        Code::InvalidRequest,
        Code::InvalidNextToken,
        Code::InternalService,
    ];
    type Request = Request;
    type Response = Response;

    fn run(cx: &mut Context<'_, '_>, request: Request) -> Result<Response, Failure> {
        let shows_planned = request.include_planned_deletion.unwrap_or(false);
        let filters = read_filters(request.filters)?;
        let by = request.sort_by.as_ref().map(|by| by.0.as_str());
        let direction = request.sort_order.as_ref().map(|order| order.0.as_str());
        let order = Order::named(by, direction).unwrap_or_default();
        let size = request.max_results.map_or(PAGE, |size| size.0);
        let token = request.next_token;
        let operation = Self::ACTION;
        let search = Search { operation, filters, order, shows_planned, size, token };
        let (records, next_token) = search.page(cx)?;
        Ok(Response { secret_list: records.into_iter().map(listed).collect(), next_token })
    }
}

/// What to look for in the region, and which page of it.
pub(super) struct Search {
    /// The operation that looks for it: a token of another does not count.
    pub(super) operation: Action,
    pub(super) filters: Filters,
    pub(super) order: Order,
    /// Whether secrets that are scheduled for deletion count.
    pub(super) shows_planned: bool,
    /// How many secrets a page has.
    pub(super) size: i64,
    /// Where the page starts.
    pub(super) token: Option<NextToken>,
}

impl Search {
    /// Finds one page of secrets, and the token that leads to the next.
    pub(super) fn page(
        self,
        cx: &mut Context<'_, '_>,
    ) -> Result<(Vec<Record>, Option<NextToken>), Failure> {
        let Self { operation, filters, order, shows_planned, size, token } = self;
        let namespace = cx.namespace()?;
        let mut identity = operation.name().as_bytes().to_vec();
        identity.extend([0, order.to_byte(), u8::from(shows_planned)]);
        identity.extend(namespace.key().bytes());
        identity.extend(filters.to_bytes());
        let size = usize::try_from(size).unwrap_or_default().max(1);
        let page = Page::asked(cx, &identity, size, token.as_ref())?;

        let visible = Visible::to_caller(cx)?;
        let mut records = Vec::new();
        cx.vault()?.each(|record| {
            let is_after = page
                .after()
                .is_none_or(|after| order.compare(&position(order, &record), &after).is_gt());
            if record.namespace == namespace
                && (shows_planned || record.deletion.is_none())
                && is_after
                && visible.includes(&record)
                && filters.matches(&filterable(&record))
            {
                records.push(record);
            }
            Ok(())
        })?;
        order::sort_by(&mut records, |a, b| {
            order.compare(&position(order, a), &position(order, b))
        });
        let next_token = page.cut(cx, &mut records, |record| position(order, record))?;
        Ok((records, next_token))
    }
}

/// How many secrets a page has unless the request says; AWS's own number is not known.
const PAGE: i64 = 100;

/// Reads the filters of a request. Their number is not a constraint of the shape: AWS refuses an
/// eleventh in words of its own (docs/behaviour.md, "Lists and filters").
pub(super) fn read_filters(given: Option<Vec<Filter>>) -> Result<Filters, Failure> {
    let given: Vec<(Option<String>, Vec<String>)> = given
        .unwrap_or_default()
        .into_iter()
        .map(|filter| {
            let values = filter.values.map(|values| values.0).unwrap_or_default();
            (filter.key.map(|key| key.0), values.into_iter().map(|value| value.0).collect())
        })
        .collect();
    let asked: Vec<Asked<'_>> =
        given.iter().map(|(key, values)| Asked { key: key.as_deref(), values }).collect();
    Ok(Filters::new(&asked)?)
}

/// Returns what filters look at.
fn filterable(record: &Record) -> Filterable<'_> {
    Filterable {
        name: &record.name,
        description: record.description.as_deref(),
        tags: record.tags.as_deref().unwrap_or_default(),
        primary_region: replicas::primary_region(record),
        owning_service: None,
    }
}

fn position(order: Order, record: &Record) -> Position<'_> {
    order.position(&Sortable {
        name: &record.name,
        created: record.created,
        accessed: record.accessed,
        changed: record.changed,
    })
}

fn listed(record: Record) -> ListedSecret {
    let rotation = dates::shown(&record);
    ListedSecret {
        arn: arn_of(&record),
        last_rotated_date: rotation.last_rotated,
        last_changed_date: record.changed,
        last_accessed_date: record.accessed,
        deleted_date: record.deletion.map(|deletion| deletion.due),
        next_rotation_date: rotation.next_rotation,
        rotation_enabled: rotation.enabled,
        rotation_lambda_arn: rotation.function,
        rotation_rules: rotation.rules,
        external_secret_rotation_metadata: rotation.external,
        external_secret_rotation_role_arn: None,
        owning_service: None,
        secret_versions_to_stages: stages_by_version(&record),
        created_date: record.created,
        primary_region: replicas::primary_region(&record).map(str::to_owned),
        tags: record.tags.map(tags),
        name: record.name,
        secret_type: record.secret_type,
        description: record.description,
        kms_key_id: record.kms_key_id,
    }
}
