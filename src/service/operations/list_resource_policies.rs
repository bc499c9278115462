//! `list-resource-policies`: lists the resource policies of a secret by name.

use crate::model::order;
use crate::model::types::{Count, NextToken, SecretId};
use crate::service::action::Action;
use crate::service::context::Context;
use crate::service::failure::Failure;
use crate::service::fault::Code;
use crate::service::operation::{Effect, Group, Operation, Pages};
use crate::service::pages::Page;
use crate::service::policies;
use crate::service::rules::arn::arn_of;
use crate::service::rules::sort::Position;

/// Lists policies.
pub(crate) struct ListResourcePolicies;

structure! {
    /// Whose policies to list.
    pub(crate) struct Request {
        /// The name or ARN of the secret.
        secret_id: SecretId => "SecretId",
        /// How many policies a page has.
        max_results: Option<Count<1, 100>> => "MaxResults",
        /// Where the page starts, from the answer before.
        next_token: Option<NextToken> => "NextToken",
    }
}

structure! {
    /// One page of policies, `default` first.
    pub(crate) struct Response {
        /// The policies.
        resource_policies: Vec<Listed> => "ResourcePolicies",
        /// Where the next page starts; absent on the last.
        next_token: Option<NextToken> => "NextToken",
    }
}

structure! {
    /// One policy in the list.
    pub(crate) struct Listed {
        /// The name of the policy.
        policy_name: String => "PolicyName",
    }
}

impl Operation for ListResourcePolicies {
    const ACTION: Action = Action::ListResourcePolicies;
    const GROUP: Group = Group::Policies;
    const SUMMARY: &'static str = "List the resource policies of a secret by name.";
    const EXAMPLE: &'static str = "strongroom list-resource-policies --secret-id app/db";
    const EFFECT: Effect = Effect::Reads;
    const FAULTS: &'static [Code] = &[
        Code::ResourceNotFound,
        Code::InvalidNextToken,
        Code::InternalService,
        Code::InvalidRequest,
        Code::InvalidParameter,
    ];
    const PAGES: Pages = Pages::Gathered("ResourcePolicies");
    type Request = Request;
    type Response = Response;

    fn run(cx: &mut Context<'_, '_>, request: Request) -> Result<Response, Failure> {
        let record = cx.find_active(&request.secret_id)?;
        let mut identity = b"ListResourcePolicies\0".to_vec();
        identity.extend(arn_of(&record).bytes());
        let size = request.max_results.map_or(PAGE, |size| usize::try_from(size.0).unwrap_or(PAGE));
        let page = Page::asked(cx, &identity, size, request.next_token.as_ref())?;
        let (resource_policies, next_token) = cut(cx, &page, policies::named(&record))?;
        Ok(Response { resource_policies, next_token })
    }
}

/// How many policies a page has unless the request says.
const PAGE: usize = 100;

/// Returns what of all policies is on a page, and the token that goes on from there.
fn cut(
    cx: &mut Context<'_, '_>,
    page: &Page,
    mut named: Vec<(String, String)>,
) -> Result<(Vec<Listed>, Option<NextToken>), Failure> {
    order::sort_by(&mut named, |one, other| {
        policies::place(&one.0).cmp(&policies::place(&other.0))
    });
    if let Some(after) = page.after() {
        named.retain(|(name, _)| policies::place(name) > policies::place(after.name));
    }
    let next_token = page.cut(cx, &mut named, |(name, _)| Position { at: None, name })?;
    let listed = named.into_iter().map(|(policy_name, _)| Listed { policy_name }).collect();
    Ok((listed, next_token))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::testing::ServiceFixture;
    use crate::vault::transaction::Access;

    #[test]
    fn default_comes_first_and_each_page_goes_on_where_the_one_before_ended() {
        let mut service = ServiceFixture::new();
        service.with(|vault, context| {
            let mut transaction = vault.begin(Access::Read, context).unwrap();
            let mut cx = Context::new(&mut transaction, None, "local-1");
            let unsorted = ["z", "a-b", "default", "Z", "a"];
            let all: Vec<(String, String)> =
                unsorted.iter().map(|name| ((*name).to_owned(), String::new())).collect();
            for (size, pages) in [
                (1, &["default", "Z", "a", "a-b", "z"][..]),
                (2, &["default Z", "a a-b", "z"]),
                (4, &["default Z a a-b", "z"]),
                (5, &["default Z a a-b z"]),
                (100, &["default Z a a-b z"]),
            ] {
                let (mut found, mut next) = (Vec::new(), None);
                loop {
                    let page = Page::asked(&mut cx, b"policies", size, next.as_ref()).unwrap();
                    let (listed, token) = cut(&mut cx, &page, all.clone()).unwrap();
                    let page: Vec<String> = listed.into_iter().map(|one| one.policy_name).collect();
                    found.push(page.join(" "));
                    next = token;
                    if next.is_none() {
                        break;
                    }
                }
                assert_eq!(found, pages, "{size} a page");
            }
        });
    }
}
