//! What is to be rotated, and what came of it, as processes of this program tell each other: the agent
//! runs a rotation for a command, and the command shows it as if it had run it itself.

use std::collections::BTreeMap;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};

use super::attempt::RotateRequest;
use super::due::{DueOutcome, DueRequest, Mode};
use super::error::{Error, Failed};
use super::lease::OnLease;
use super::machine::Machine;
use super::options::Options;
use crate::gateway::json::{from_json, tagged, to_json, untagged};
use crate::gateway::refusal::{Explained, fault_from_json, fault_to_json};
use crate::model::order;
use crate::model::time::Timestamp;
use crate::service::caller::Step;
use crate::service::failure::Failure;
use crate::service::jobs::{CatchUp, Due, DueFault, DueState, LeftBehind};
use crate::service::operation::Operation;
use crate::service::operations::rotate_secret::RotateSecret;
use crate::service::rotation::Resume;
use crate::sys::files::FileFault;
use crate::vault;
use crate::vault::rotation::{Pinning, Protocol};

/// Says what a failure is that cannot be told otherwise.
pub(crate) struct Explain {
    pub(crate) vault: fn(&vault::Error) -> Explained,
    pub(crate) file: fn(&FileFault) -> Explained,
}

/// Writes what is to be rotated. `still` belongs to [`due_to_json`].
pub(crate) fn request_to_json(asked: &RotateRequest<'_>) -> Json {
    let RotateRequest { request, region, options, resume, still: _, on_lease } = asked;
    json!({
        "request": to_json(request),
        "region": region,
        "options": options_to_json(options),
        "resume": word(&RESUME, *resume),
        "break": *on_lease == OnLease::Break,
    })
}

/// Reads what [`request_to_json`] wrote.
pub(crate) fn request_from_json(json: &Json) -> Option<RotateRequest<'_>> {
    let is_broken = json.get("break")?.as_bool()?;
    Some(RotateRequest {
        request: from_json(RotateSecret::ENTRY.input, json.get("request")?).ok()?,
        region: json.get("region").and_then(Json::as_str),
        options: options_from_json(json.get("options")?)?,
        resume: meant(&RESUME, json.get("resume")?)?,
        still: None,
        on_lease: if is_broken { OnLease::Break } else { OnLease::Respect },
    })
}

/// Writes what is to be done about what is due.
pub(crate) fn due_to_json(asked: &DueRequest<'_>) -> Json {
    let DueRequest { catch_up, most, only, mode } = asked;
    json!({
        "always": *catch_up == CatchUp::Always,
        "most": most,
        "only": only,
        "say": *mode == Mode::Say,
    })
}

/// Reads what [`due_to_json`] wrote.
pub(crate) fn due_from_json(json: &Json) -> Option<DueRequest<'_>> {
    let is = |name: &str| json.get(name)?.as_bool();
    Some(DueRequest {
        catch_up: if is("always")? { CatchUp::Always } else { CatchUp::NextWindow },
        most: json.get("most").and_then(Json::as_u64).and_then(|most| usize::try_from(most).ok()),
        only: json.get("only").and_then(Json::as_str),
        mode: if is("say")? { Mode::Say } else { Mode::Rotate },
    })
}

/// Writes what of a machine is the client's: the program is the agent's own.
pub(crate) fn machine_to_json(machine: &Machine) -> Json {
    let variables = machine.variables.iter().map(|(name, v)| (name.clone(), v.clone().into()));
    let private: Vec<String> = machine.private.iter().map(|path| path_to_text(path)).collect();
    json!({
        "variables": Json::Object(variables.collect()),
        "state": path_to_text(&machine.state),
        "private": private,
    })
}

/// Reads what [`machine_to_json`] wrote.
pub(crate) fn machine_from_json(json: &Json, program: Option<PathBuf>) -> Option<Machine> {
    let variables = json.get("variables")?.as_object()?.iter();
    let variable = |(name, v): (&String, &Json)| Some((name.clone(), v.as_str()?.to_owned()));
    let variables = variables.map(variable).collect::<Option<Vec<_>>>()?;
    let variables: BTreeMap<String, String> = order::map_of(variables);
    let private = json.get("private")?.as_array()?.iter();
    let private = private.map(|path| path_from_text(path.as_str()?)).collect::<Option<_>>()?;
    let state = path_from_text(json.get("state")?.as_str()?)?;
    Some(Machine { variables, state, program, private })
}

/// Writes why a rotation did not come to its end.
pub(crate) fn error_to_json(error: &Error, explain: &Explain) -> Json {
    let failure = |failure: &Failure| match failure {
        Failure::Fault(fault) => json!({ "fault": fault_to_json(fault) }),
        Failure::Vault(error) => json!({ "told": (explain.vault)(error).to_json() }),
    };
    match error {
        Error::File(fault) => json!({ "kind": "told", "told": (explain.file)(fault).to_json() }),
        Error::Told(told) => json!({ "kind": "told", "told": told.to_json() }),
        Error::Service(service) => json!({ "kind": "service", "failure": failure(service) }),
        Error::AtWork(service) => json!({ "kind": "at-work", "failure": failure(service) }),
        Error::Failed(Failed { function, step, what, token, left, lines }) => json!({
            "kind": "failed",
            "function": function,
            "step": step.name(),
            "what": what,
            "token": token,
            "left": word(&LEFT, *left),
            "lines": lines,
        }),
        Error::Interrupted { step, token, left } => json!({
            "kind": "interrupted", "step": step.name(), "token": token, "left": word(&LEFT, *left),
        }),
        Error::Stopped => json!({ "kind": "stopped" }),
        Error::Passed => json!({ "kind": "passed" }),
    }
}

/// Reads what [`error_to_json`] wrote.
pub(crate) fn error_from_json(json: &Json) -> Option<Error> {
    let text = |name: &str| json.get(name)?.as_str().map(str::to_owned);
    let step = || Step::ALL.into_iter().find(|step| text("step").as_deref() == Some(step.name()));
    let left = || meant(&LEFT, json.get("left")?);
    Some(match json.get("kind")?.as_str()? {
        "told" => Error::Told(Explained::from_json(json.get("told")?)?),
        kind @ ("service" | "at-work") => {
            let failure = json.get("failure")?;
            match failure.get("fault") {
                Some(fault) if kind == "service" => Error::Service(fault_from_json(fault)?.into()),
                Some(fault) => Error::AtWork(fault_from_json(fault)?.into()),
                None => Error::Told(Explained::from_json(failure.get("told")?)?),
            }
        }
        "failed" => Error::Failed(Failed {
            function: text("function")?,
            step: step()?,
            what: text("what")?,
            token: text("token")?,
            left: left()?,
            lines: texts_of(json, "lines")?,
        }),
        "interrupted" => Error::Interrupted { step: step()?, token: text("token")?, left: left()? },
        "stopped" => Error::Stopped,
        "passed" => Error::Passed,
        _ => return None,
    })
}

/// Writes what became of what was due.
pub(crate) fn outcomes_to_json(outcomes: &[DueOutcome], explain: &Explain) -> Json {
    let outcome = |outcome: &DueOutcome| {
        let DueOutcome { due, is_approved, outcome } = outcome;
        let time = |time: Option<Timestamp>| time.map(|time| time.0);
        json!({
            "rid": due.rid.to_string(),
            "arn": due.arn,
            "name": due.name,
            "region": due.region,
            "next": time(due.next_rotation),
            "window": due.window.map(|(start, end)| [start.0, end.0]),
            "state": word(&STATES, due.state),
            "attempt": time(due.next_attempt),
            "failed": due.has_failed,
            "approved": is_approved,
            "answer": outcome.as_ref().and_then(|done| done.as_ref().ok()).map(tagged),
            "error": outcome
                .as_ref()
                .and_then(|done| done.as_ref().err())
                .map(|error| error_to_json(error, explain)),
        })
    };
    Json::Array(outcomes.iter().map(outcome).collect())
}

/// Reads what [`outcomes_to_json`] wrote.
pub(crate) fn outcomes_from_json(json: &Json) -> Option<Vec<DueOutcome>> {
    json.as_array()?.iter().map(outcome_from_json).collect()
}

fn outcome_from_json(json: &Json) -> Option<DueOutcome> {
    let text = |name: &str| json.get(name)?.as_str().map(str::to_owned);
    let time = |json: Option<&Json>| json.and_then(Json::as_i64).map(Timestamp);
    let is = |name: &str| json.get(name)?.as_bool();
    let window = json.get("window").and_then(Json::as_array);
    let window = window.and_then(|ends| time(ends.first()).zip(time(ends.get(1))));
    let some = |name: &str| json.get(name).filter(|json| !json.is_null());
    let outcome = match (some("answer"), some("error")) {
        (Some(answer), _) => Some(Ok(untagged(answer)?)),
        (None, Some(error)) => Some(Err(error_from_json(error)?)),
        (None, None) => None,
    };
    let due = Due {
        rid: text("rid")?.parse().ok()?,
        arn: text("arn")?,
        name: text("name")?,
        region: text("region")?,
        next_rotation: time(json.get("next")),
        window,
        state: meant(&STATES, json.get("state")?)?,
        next_attempt: time(json.get("attempt")),
        has_failed: is("failed")?,
    };
    Some(DueOutcome { due, is_approved: is("approved")?, outcome })
}

/// Writes why it could not be said what is due.
pub(crate) fn fault_of_due_to_json(fault: DueFault, explain: &Explain) -> Json {
    match fault {
        DueFault::ClockWentBack { last } => json!({ "clock": last.0 }),
        DueFault::Failure(failure) => error_to_json(&Error::Service(failure), explain),
    }
}

/// Reads what [`fault_of_due_to_json`] wrote: the time of the last change, or an error.
pub(crate) fn fault_of_due_from_json(json: &Json) -> Option<Result<Timestamp, Error>> {
    match json.get("clock").and_then(Json::as_i64) {
        Some(last) => Some(Ok(Timestamp(last))),
        None => error_from_json(json).map(Err),
    }
}

fn options_to_json(options: &Options) -> Json {
    let Options { argv, protocol, env, pass_env, reads, pinning, timeout_s, grants } = options;
    let env: Vec<[&str; 2]> = env.iter().map(|(name, v)| [name.as_str(), v.as_str()]).collect();
    let pinning = pinning.as_ref().map(|pinning| match pinning {
        Pinning::Auto => json!("auto"),
        Pinning::None => json!("none"),
        Pinning::Paths(paths) => json!(paths),
    });
    json!({
        "argv": argv,
        "protocol": protocol.map(|protocol| word(&PROTOCOLS, protocol)),
        "env": env,
        "pass": pass_env,
        "reads": reads,
        "pinning": pinning,
        "timeout": timeout_s,
        "grants": grants,
    })
}

fn options_from_json(json: &Json) -> Option<Options> {
    let some = |name: &str| json.get(name).filter(|json| !json.is_null());
    let pair = |pair: &Json| {
        let text = |index: usize| pair.get(index)?.as_str().map(str::to_owned);
        text(0).zip(text(1))
    };
    let pinning = match some("pinning") {
        None => None,
        Some(Json::String(name)) if name == "auto" => Some(Pinning::Auto),
        Some(Json::String(name)) if name == "none" => Some(Pinning::None),
        Some(_) => Some(Pinning::Paths(texts_of(json, "pinning")?)),
    };
    let protocol = match some("protocol") {
        None => None,
        Some(protocol) => Some(meant(&PROTOCOLS, protocol)?),
    };
    Some(Options {
        argv: texts_of(json, "argv")?,
        protocol,
        env: json.get("env")?.as_array()?.iter().map(pair).collect::<Option<_>>()?,
        pass_env: texts_of(json, "pass")?,
        reads: texts_of(json, "reads")?,
        pinning,
        timeout_s: some("timeout").and_then(Json::as_u64),
        grants: texts_of(json, "grants")?,
    })
}

fn texts_of(json: &Json, name: &str) -> Option<Vec<String>> {
    let texts = json.get(name)?.as_array()?.iter();
    texts.map(|text| text.as_str().map(str::to_owned)).collect()
}

fn path_to_text(path: &Path) -> String {
    STANDARD.encode(path.as_os_str().as_bytes())
}

fn path_from_text(text: &str) -> Option<PathBuf> {
    Some(std::ffi::OsString::from_vec(STANDARD.decode(text).ok()?).into())
}

type Words<T, const N: usize> = [(&'static str, T); N];

fn word<T: PartialEq + Copy, const N: usize>(words: &Words<T, N>, meant: T) -> &'static str {
    words.iter().find(|(_, known)| *known == meant).map_or("", |(word, _)| word)
}

fn meant<T: Copy, const N: usize>(words: &Words<T, N>, json: &Json) -> Option<T> {
    let given = json.as_str()?;
    words.iter().find(|(word, _)| *word == given).map(|(_, meant)| *meant)
}

const RESUME: Words<Resume, 4> = [
    ("if-possible", Resume::IfPossible),
    ("if-same", Resume::IfSame),
    ("no", Resume::No),
    ("yes", Resume::Yes),
];
const LEFT: Words<LeftBehind, 3> = [
    ("pending", LeftBehind::Pending),
    ("complete", LeftBehind::Complete),
    ("nothing", LeftBehind::Nothing),
];
const STATES: Words<DueState, 6> = [
    ("unfinished", DueState::Unfinished),
    ("open", DueState::Open),
    ("waiting", DueState::Waiting),
    ("not-yet", DueState::NotYet),
    ("misconfigured", DueState::Misconfigured),
    ("orphaned", DueState::Orphaned),
];
const PROTOCOLS: Words<Protocol, 3> =
    [("lambda", Protocol::Lambda), ("stdio", Protocol::Stdio), ("builtin", Protocol::Builtin)];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::value::Value;
    use crate::service::rotation::refusals;

    fn explained(name: &str) -> Explained {
        Explained { name: name.into(), message: "m".into(), hint: None, exit_code: 253 }
    }

    const EXPLAIN: Explain = Explain { vault: |_| explained("Vault"), file: |_| explained("File") };

    #[test]
    fn what_is_asked_is_read_as_it_was() {
        let texts = |text: &str| vec![text.to_owned()];
        for pinning in
            [None, Some(Pinning::Auto), Some(Pinning::None), Some(Pinning::Paths(texts("p")))]
        {
            let options = Options {
                argv: texts("/rotate"),
                protocol: Some(Protocol::Stdio),
                env: vec![("A".to_owned(), "b".to_owned())],
                pass_env: texts("C"),
                reads: texts("arn"),
                pinning,
                timeout_s: Some(9),
                grants: texts("network"),
            };
            let request = vec![("SecretId".to_owned(), Value::Text("db".to_owned()))];
            let asked = RotateRequest {
                request: Value::Map(request),
                region: Some("local-2"),
                options,
                resume: Resume::IfSame,
                still: None,
                on_lease: OnLease::Break,
            };
            let json = request_to_json(&asked);
            assert_eq!(request_to_json(&request_from_json(&json).unwrap()), json);
        }
        let due = DueRequest {
            catch_up: CatchUp::Always,
            most: Some(2),
            only: Some("db"),
            mode: Mode::Say,
        };
        let json = due_to_json(&due);
        assert_eq!(due_to_json(&due_from_json(&json).unwrap()), json);
        let machine = Machine {
            variables: [("HOME".to_owned(), "/home/ada".to_owned())].into(),
            state: "/state".into(),
            program: None,
            private: vec![std::ffi::OsString::from_vec(b"/\xff".to_vec()).into()],
        };
        let json = machine_to_json(&machine);
        assert_eq!(machine_to_json(&machine_from_json(&json, None).unwrap()), json);
    }

    #[test]
    fn what_came_of_it_is_read_as_it_was() {
        let failed = Failed {
            function: "f".to_owned(),
            step: Step::Set,
            what: "exit status 1".to_owned(),
            token: "t".to_owned(),
            left: LeftBehind::Pending,
            lines: vec!["l".to_owned()],
        };
        let (token, left) = ("t".to_owned(), LeftBehind::Complete);
        for error in [
            Error::Service(refusals::not_complete().into()),
            Error::AtWork(refusals::not_complete().into()),
            Error::Failed(failed),
            Error::Interrupted { step: Step::Finish, token, left },
            Error::Stopped,
            Error::Passed,
            Error::Told(explained("x")),
        ] {
            let read = error_from_json(&error_to_json(&error, &EXPLAIN)).unwrap();
            assert_eq!(format!("{read:?}"), format!("{error:?}"));
        }
        // What has no words of its own here is told in those of whoever explains it.
        let error = Error::Service(Failure::Vault(vault::Error::ClockJumped));
        let read = error_from_json(&error_to_json(&error, &EXPLAIN)).unwrap();
        assert!(matches!(read, Error::Told(told) if told.name == "Vault"));
        let fault = DueFault::ClockWentBack { last: Timestamp(7) };
        let read = fault_of_due_from_json(&fault_of_due_to_json(fault, &EXPLAIN)).unwrap();
        assert!(matches!(read, Ok(Timestamp(7))));
    }

    #[test]
    fn what_was_due_is_read_as_it_was() {
        for (state, outcome) in [
            (DueState::Open, Some(Ok(Value::Map(Vec::new())))),
            (DueState::Waiting, Some(Err(Error::Stopped))),
            (DueState::NotYet, None),
        ] {
            let due = Due {
                rid: u64::MAX,
                arn: "arn".to_owned(),
                name: "db".to_owned(),
                region: "local-1".to_owned(),
                next_rotation: Some(Timestamp(5)),
                window: Some((Timestamp(1), Timestamp(2))),
                state,
                next_attempt: None,
                has_failed: true,
            };
            let outcomes = [DueOutcome { due, is_approved: true, outcome }];
            let json = outcomes_to_json(&outcomes, &EXPLAIN);
            let read = outcomes_from_json(&json).unwrap();
            assert_eq!(outcomes_to_json(&read, &EXPLAIN), json);
        }
    }
}
