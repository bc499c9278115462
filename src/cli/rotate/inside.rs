//! This program as a rotation's program runs it: it asks over the step's socket, opens no vault,
//! and does nothing else.

use crate::cli::environment::Environment;
use crate::cli::failure::Failure;
use crate::cli::pages::{Fetched, Paginator};
use crate::gateway::client::Line;
use crate::gateway::refusal::Refusal;
use crate::rotation::door::NOT_AVAILABLE;
use crate::service::action::Action;
use crate::service::fault::{Code, Fault};
use crate::service::operation::Entry;

/// Returns how to ask, where this is the inside of a rotation.
pub(crate) fn line(environment: &Environment) -> Option<Line> {
    let socket = environment.path("STRONGROOM_ROTATION_SOCKET")?.to_owned();
    let token = environment.text("STRONGROOM_ROTATION_TOKEN")?.to_owned();
    Some(Line { socket, token, peer: "the rotation" })
}

/// Everything else.
pub(crate) fn not_available() -> Failure {
    Failure::environment("InsideRotation", NOT_AVAILABLE)
}

/// Obtains the response.
pub(crate) fn respond(
    line: &Line,
    entry: &'static Entry,
    paginator: &Paginator,
) -> Result<Fetched, Failure> {
    if entry.action == Action::RotateSecret {
        return Err(not_available());
    }
    // Nothing that a step may ask for has pages.
    let asked = line.ask(entry, &paginator.request).map_err(|error| {
        Failure::environment("RotationError", format!("{} does not answer: {error}", line.peer))
    })?;
    asked.map(Fetched::One).map_err(|Refusal { code, message }| match Code::named(&code) {
        Some(code) => Failure::of_operation(entry.name, Fault::new(code, message).into()),
        None => Failure::environment("RotationError", message),
    })
}
