//! What a client asks STS: who it is. In the query protocol: a form in the body or in the query, and an
//! answer in XML.

use super::answer::{Answer, Kind};
use super::back::Back;
use super::refusal::{NAMESPACE, Refusal, escaped};
use super::request::{Request, Signed};
use super::sigv4::canonical::{self, Parameter};
use super::sigv4::scope::Service;
use crate::service::identity::CallerIdentity;

/// Whether a request is a form, or has one in its query.
pub(super) fn is_meant(request: &Request<'_>) -> bool {
    let is_form = request.head.is_of_type("application/x-www-form-urlencoded");
    is_form && request.head.method == "POST" || value(&parameters(request), "Action").is_some()
}

pub(super) fn answer(back: &dyn Back, request: &Request<'_>) -> Answer {
    let answer = identity(back, request).map(|identity| {
        let CallerIdentity { user_id, account, arn } = &identity;
        let [arn, user_id, account] = [arn, user_id, account].map(|text| escaped(text));
        let body = format!(
            "<GetCallerIdentityResponse xmlns=\"{NAMESPACE}\"><GetCallerIdentityResult>\
             <Arn>{arn}</Arn><UserId>{user_id}</UserId><Account>{account}</Account>\
             </GetCallerIdentityResult><ResponseMetadata><RequestId>{}</RequestId>\
             </ResponseMetadata></GetCallerIdentityResponse>",
            request.id
        );
        Answer::new(200, Kind::Xml, body)
    });
    answer.unwrap_or_else(|refusal| refusal.to_xml(request.id))
}

fn identity(back: &dyn Back, request: &Request<'_>) -> Result<CallerIdentity, Refusal> {
    let Signed { principal, region } = request.signed(back, Service::STS)?;
    let parameters = parameters(request);
    let text = |name| value(&parameters, name).map(String::from_utf8_lossy);
    let (action, version) = (text("Action"), text("Version"));
    let version = version.as_deref().unwrap_or("NO_VERSION_SPECIFIED");
    match action.as_deref() {
        Some("GetCallerIdentity") if version == VERSION => Ok(principal.identity(&region)?),
        Some(action) => Err(Refusal::invalid_action(format!(
            "Could not find operation {action} for version {version}"
        ))),
        None => Err(Refusal::invalid_action(format!(
            "Could not find operation NO_OPERATION_SPECIFIED for version {version}"
        ))),
    }
}

fn parameters(request: &Request<'_>) -> Vec<Parameter> {
    let mut parameters = canonical::parameters(request.head.path_and_query().1);
    if request.head.is_of_type("application/x-www-form-urlencoded") {
        let body = std::str::from_utf8(request.body).unwrap_or_default();
        parameters.extend(canonical::parameters(body));
    }
    parameters
}

/// Returns the value of the first parameter of a name.
fn value<'a>(parameters: &'a [Parameter], name: &str) -> Option<&'a [u8]> {
    let found = parameters.iter().find(|(known, _)| known == name.as_bytes());
    found.map(|(_, value)| value.as_slice())
}

const VERSION: &str = "2011-06-15";
