//! `rotate-secret` on the command line: our own options, and the program that is run between the
//! request and the answer. `inside` is the other side of it.

pub(crate) mod inside;
pub(crate) mod own;

use std::path::Path;

use serde_json::Value as Json;

use crate::agent::messages::Rotated;
use crate::cli::agent::{self, Asked, Session};
use crate::cli::failure::Failure;
use crate::cli::peers;
use crate::cli::request::build::Token;
use crate::cli::request::paramfile::{self, Sources};
use crate::cli::terminal;
use crate::cli::unlock::{self, CommandContext};
use crate::gateway::answers::Circumstances;
use crate::gateway::json::untagged;
use crate::model::value::Value;
use crate::programs::launch::RunEvents;
use crate::programs::spawn;
use crate::rotation::attempt::RotateRequest;
use crate::rotation::error::Error;
use crate::rotation::machine::Machine;
use crate::rotation::remote;
use crate::rotation::runner::Runner;
use crate::service::failure;
use crate::service::fault::Cause;
use crate::service::operation::Entry;
use crate::service::rotation::Resume;
use crate::sys::clock::SystemClock;
use crate::sys::entropy::SystemEntropy;
use crate::vault::Vault;
use own::{RotateOptions, Words};

/// Takes our own options out of the words after `rotate-secret`; other operations have none.
pub(super) fn take_own(
    entry: &Entry,
    words: &[String],
    context: &CommandContext<'_>,
) -> Result<(Vec<String>, Option<RotateOptions>), Failure> {
    if !own::has_own(entry) {
        return Ok((words.to_vec(), None));
    }
    let variable = |name: &str| context.environment.text(name).map(str::to_owned);
    let sources = Sources {
        read: &paramfile::read_file,
        variable: &variable,
        encoding: context.file_encoding(),
    };
    let (words, own) = own::take(words, sources)?;
    Ok((words, Some(own)))
}

/// Rotates a secret.
pub(super) fn respond(
    request: Value,
    token: Token,
    own: RotateOptions,
    context: &CommandContext<'_>,
    session: Option<&Session>,
) -> Result<Value, Failure> {
    let resume = own.resume.unwrap_or(match token {
        Token::Given => Resume::IfSame,
        Token::MadeUp => Resume::IfPossible,
    });
    let region = context.region();
    let rotation = RotateRequest {
        request,
        region,
        options: own.options,
        resume,
        still: None,
        on_lease: own.on_lease,
    };
    if let Some(session) = session {
        let asked = remote::request_to_json(&rotation);
        if let Asked::Answered(answer) = ask(session, asked, Rotated::One, own.words, context)? {
            return answer_of(&answer);
        }
    }
    let mut vault = context.unlock()?;
    let answer = with_runner(&mut vault, context, own.words, |runner| runner.rotate(rotation))?;
    peers::tell_waiting(&mut peers::Open::Here(&mut vault, context), context);
    unlock::warn(&vault);
    answer.map_err(told)
}

/// Has the agent rotate something.
pub(crate) fn ask(
    session: &Session,
    asked: Json,
    what: Rotated,
    words: Words,
    context: &CommandContext<'_>,
) -> Result<Asked<Json>, Failure> {
    let words: (bool, &dyn Fn(&str)) = (words == Words::Always, &show_line);
    let answer = session.rotate(asked, what, &machine(context)?, words)?;
    if let Asked::Answered(_) = &answer {
        peers::tell_waiting(&mut peers::Open::InAgent(session), context);
    }
    Ok(answer)
}

/// Reads what came of the agent's rotation.
fn answer_of(json: &Json) -> Result<Value, Failure> {
    if let Some(answer) = json.get("answer").and_then(untagged) {
        return Ok(answer);
    }
    let error = json.get("error").and_then(remote::error_from_json);
    Err(error.map_or_else(agent::unintelligible, told))
}

/// Shows what the failed program wrote, and turns its failure into a command's.
pub(crate) fn told(error: Error) -> Failure {
    if let Error::Failed(failed) = &error {
        for line in &failed.lines {
            show_line(line);
        }
    }
    if let Some(hint) = next(&error) {
        terminal::note(hint);
    }
    Failure::of_rotation(error)
}

/// Says what a person can do about it.
fn next(error: &Error) -> Option<&'static str> {
    match error {
        Error::Failed(failed) if is_denial(&failed.lines) => Some(CONFINED),
        Error::AtWork(_) => Some(AT_WORK),
        Error::Service(failure::Failure::Fault(fault))
            if fault.cause == Cause::RotationNotComplete =>
        {
            Some(NEXT)
        }
        Error::Service(_)
        | Error::File(_)
        | Error::Told(_)
        | Error::Failed(_)
        | Error::Interrupted { .. }
        | Error::Stopped
        | Error::Passed => None,
    }
}

/// Whether what a program wrote says that it was not allowed something.
fn is_denial(lines: &[String]) -> bool {
    lines.iter().any(|line| DENIALS.iter().any(|denial| line.contains(denial)))
}

/// There is nothing to resume or to give up while it runs.
const AT_WORK: &str =
    "hint: another process is at work on it; wait for its end, or interrupt it there";

/// AWS says that it will go on by itself; here somebody does.
const NEXT: &str = "hint: unless another process is at it, `rotate-secret --resume` goes on with \
                      it, and `update-secret-version-stage --version-stage AWSPENDING \
                      --remove-from-version-id VERSION` gives it up (`describe-secret` names the \
                      version)";

/// What programs say that were not allowed something.
const DENIALS: [&str; 2] = ["Permission denied", "Operation not permitted"];
const CONFINED: &str = "hint: a rotation program reaches only some files; `strongroom rotation \
                        show` says which, and --rotation-grant gives it more";

fn show_line(line: &str) {
    terminal::report(&format!("rotation: {line}"));
}

/// Prepares this process to run programs, and lends what is needed for it.
pub(crate) fn with_runner<T>(
    vault: &mut Vault,
    context: &CommandContext<'_>,
    words: Words,
    work: impl FnOnce(&mut Runner<'_>) -> T,
) -> Result<T, Failure> {
    let machine = machine(context)?;
    terminal::end_silence();
    let system = |error: std::io::Error| Failure::environment("RotationError", error.to_string());
    spawn::adopt().map_err(system)?;
    let mut events = RunEvents::open().map_err(system)?;
    let origin = &context.origin;
    let circumstances = Circumstances { clock: &SystemClock, entropy: &SystemEntropy, origin };
    let tell = |text: &str| terminal::note(&format!("note: {text}"));
    let (machine, events) = (&machine, &mut events);
    let show: Option<&dyn Fn(&str)> = match words {
        Words::OfFailures => None,
        Words::Always => Some(&show_line),
    };
    Ok(work(&mut Runner { vault, machine, circumstances, events, tell: &tell, show }))
}

/// Returns this machine, as far as rotations are concerned.
pub(crate) fn machine(context: &CommandContext<'_>) -> Result<Machine, Failure> {
    let state = context.environment.state().ok_or_else(|| {
        let what = "neither HOME nor XDG_STATE_HOME says where approved commands are kept";
        Failure::environment("RotationError", what)
    })?;
    let program = std::env::current_exe().ok();
    let home = context.environment.path("HOME").map(Path::to_owned);
    let offer = context.offer();
    let keys = [offer.keyfile_path(), offer.passphrase_path()].into_iter().flatten();
    let vault = context.location()?.path.clone();
    let private = home.into_iter().chain(keys.map(Path::to_owned));
    let private = private.chain([vault, state.clone()]).collect();
    let variables = context.environment.all_text();
    Ok(Machine { variables, state, program, private })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::rotation::refusals;

    /// It was told how to give up a rotation that was at work.
    #[test]
    fn what_can_be_done_is_told() {
        let busy = || failure::Failure::from(refusals::not_complete());
        assert_eq!(next(&Error::AtWork(busy())), Some(AT_WORK));
        assert_eq!(next(&Error::Service(busy())), Some(NEXT));
        assert_eq!(next(&Error::Stopped), None);
        for (line, is) in [
            ("chmod: changing permissions of 'x': Operation not permitted", true),
            ("sh: 1: cannot create x: Permission denied", true),
            ("could not connect", false),
        ] {
            assert_eq!(is_denial(&["first".to_owned(), line.to_owned()]), is, "{line}");
        }
    }
}
