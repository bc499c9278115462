//! `cancel-rotate-secret`: turns rotation off, and stops the one that is under way.

use crate::model::types::SecretId;
use crate::service::action::Action;
use crate::service::context::Context;
use crate::service::failure::Failure;
use crate::service::fault::Code;
use crate::service::operation::{Effect, Group, Operation};
use crate::service::repository;
use crate::service::rotation::{progress, refusals};
use crate::service::rules::arn::arn_of;
use crate::vault::progress::{Outlook, Purpose};
use crate::vault::record::Record;

/// Turns rotation off.
pub(crate) struct CancelRotateSecret;

structure! {
    /// Which secret not to rotate any more.
    pub(crate) struct Request {
        /// The name or ARN of the secret.
        secret_id: SecretId => "SecretId",
    }
}

structure! {
    /// The secret that is not rotated any more.
    pub(crate) struct Response {
        /// The ARN of the secret.
        arn: String => "ARN",
        /// The name of the secret.
        name: String => "Name",
        /// The id of the version that the stopped rotation was making, if there was one.
        version_id: Option<String> => "VersionId",
    }
}

impl Operation for CancelRotateSecret {
    const ACTION: Action = Action::CancelRotateSecret;
    const GROUP: Group = Group::Rotation;
    const SUMMARY: &'static str = "Turn off a secret's rotation, and stop one that is under way.";
    const EXAMPLE: &'static str = "strongroom cancel-rotate-secret --secret-id app/db";
    const EFFECT: Effect = Effect::Writes;
    const FAULTS: &'static [Code] = &[
        Code::ResourceNotFound,
        Code::InvalidParameter,
        Code::InternalService,
        Code::InvalidRequest,
    ];
    type Request = Request;
    type Response = Response;

    fn run(cx: &mut Context<'_, '_>, request: Request) -> Result<Response, Failure> {
        let mut record = repository::find_writable(cx, &request.secret_id)?;
        let version_id = cancel(cx, &mut record)?;
        Ok(Response { arn: arn_of(&record), name: record.name, version_id })
    }
}

/// Turns rotation off, and returns the version that a rotation under way was making.
fn cancel(cx: &mut Context<'_, '_>, record: &mut Record) -> Result<Option<String>, Failure> {
    let before = record.clone();
    let rotation = record.rotation.as_mut().ok_or_else(refusals::no_function)?;
    rotation.enabled = false;
    let mut version_id = None;
    if let Some(mut left) = record.progress.clone()
        && left.outlook != Outlook::Cancelled
    {
        if left.purpose == Purpose::TestOnly {
            progress::drop_test(cx, record, &left)?;
        } else if !progress::is_complete(record, &left) {
            left.outlook = Outlook::Cancelled;
            version_id = Some(left.token.clone());
            record.progress = Some(left);
        }
    }
    if *record != before {
        repository::store(cx, record)?;
    }
    Ok(version_id)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::service::caller::{Caller, Step};
    use crate::service::jobs::LeftBehind;
    use crate::service::jobs::fixture::{
        Break, FUNCTION, How, PENDING, RotationFixture, rotate, token,
    };

    #[test]
    fn a_rotation_under_way_is_cancelled() {
        let mut fixture = RotationFixture::new();
        let never = fixture.call("CancelRotateSecret", &json!({"SecretId": "db"})).unwrap_err();
        assert_eq!(never.1, refusals::no_function().message);
        let job = fixture.job(&rotate(2));
        fixture.run(&job, Break::After(Step::Create), How::Killed).unwrap_err();
        let set = Caller::Step(fixture.capability(&job, Step::Finish).unwrap());
        let cancelled = fixture.call("CancelRotateSecret", &json!({"SecretId": "db"})).unwrap();
        assert_eq!(cancelled["VersionId"], token(2));
        let described = fixture.described();
        assert_eq!(described["RotationEnabled"], false);
        assert_eq!(described["RotationLambdaARN"], FUNCTION);
        assert_eq!(described["RotationRules"], json!({"AutomaticallyAfterDays": 30}));
        assert_eq!(described.get("NextRotationDate"), None);
        assert_eq!(fixture.stages(), PENDING);
        // Its program may look, but not touch.
        fixture.child(&set, "DescribeSecret", &json!({"SecretId": "db"})).unwrap();
        let moved = json!({
            "SecretId": "db", "VersionStage": "AWSCURRENT", "MoveToVersionId": token(2),
            "RemoveFromVersionId": token(1),
        });
        let refused = fixture.child(&set, "UpdateSecretVersionStage", &moved).unwrap_err();
        assert_eq!(refused.0, "AccessDeniedException");
        assert_eq!(
            fixture.capability(&job, Step::Set).unwrap_err().1,
            "The rotation was cancelled."
        );
        assert_eq!(fixture.fail(&job, Step::Set), LeftBehind::Pending);
        // A second time adds nothing.
        let again = fixture.call("CancelRotateSecret", &json!({"SecretId": "db"})).unwrap();
        assert_eq!(again.get("VersionId"), None);
    }
}
