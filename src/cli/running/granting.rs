//! A grant for a program that runs: of the agent where that holds the vault open, and else of this
//! process, which then answers at a socket of its own as long as the program lives.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use serde_json::Value as Json;

use crate::agent::client::Line;
use crate::agent::limits::Limits;
use crate::agent::messages::{Ask, At, EndsWith, Granting, Reads, Refused, Reply, Unlock};
use crate::agent::place::Place;
use crate::agent::process::{self, First, NotStarted};
use crate::cli::agent::{self, GRANT, GRANT_PLACE, Session};
use crate::cli::duration;
use crate::cli::failure::Failure;
use crate::cli::handing;
use crate::cli::request::error::Error;
use crate::cli::serving::{Handed, Serving};
use crate::cli::unlock::CommandContext;
use crate::model::value::Value;
use crate::programs::workplace::Workplace;
use crate::service::grants::GrantSpec;
use crate::sys::entropy::SystemEntropy;
use crate::sys::files;

/// What a program is to be granted, by the options of a command line.
pub(crate) struct Wish<'a> {
    pub(crate) allow: &'a [String],
    pub(crate) policies: &'a [String],
    pub(crate) read_only: bool,
    pub(crate) lifetime: Option<&'a str>,
    /// What the grant is called.
    pub(crate) label: String,
}

impl Wish<'_> {
    /// Returns what is asked of the agent; `None` where the program is to have no access.
    pub(crate) fn spec(&self, region: Option<String>) -> Result<Option<GrantSpec>, Failure> {
        if self.allow.is_empty() && self.policies.is_empty() {
            let alone = [("--read-only", self.read_only), ("--for", self.lifetime.is_some())];
            return match alone.into_iter().find(|(_, is_given)| *is_given) {
                Some((option, _)) => {
                    let what = "it needs --allow or --policy, which say what the program may use";
                    Err(Error::argument(option, what).into())
                }
                None => Ok(None),
            };
        }
        let lifetime = self.lifetime.map(|text| {
            let seconds = duration::seconds(text).and_then(|seconds| i64::try_from(seconds).ok());
            let what = "it must be a time such as 90s, 15m, 8h or 1d";
            seconds.ok_or_else(|| Error::argument("--for", what))
        });
        let policies = self.policies.iter().map(|path| {
            let path = Path::new(path.strip_prefix("file://").unwrap_or(path));
            let bytes = files::read_bounded(path, MAX_POLICY)?;
            String::from_utf8(bytes).map_err(|_bytes| {
                let what = format!("{} is no UTF-8", path.display());
                Failure::from(Error::argument("--policy", what))
            })
        });
        let all = if self.allow.is_empty() { Vec::new() } else { vec!["*".to_owned()] };
        let spec = GrantSpec {
            label: Some(self.label.clone()),
            region,
            operations: all,
            secrets: self.allow.to_vec(),
            read_only: self.read_only,
            lifetime_s: lifetime.transpose()?.or(Some(AS_LONG_AS_IT_RUNS)),
            policies: policies.collect::<Result<_, Failure>>()?,
            ..GrantSpec::default()
        };
        spec.check().map_err(|mistake| {
            let option = match mistake.member() {
                "Secrets" => "--allow",
                "LifetimeSeconds" => "--for",
                _ => "--policy",
            };
            Failure::from(Error::argument(option, mistake.to_string()))
        })?;
        Ok(Some(spec))
    }
}

/// Returns what a program's grant is called.
pub(crate) fn label_of(program: &OsStr) -> String {
    let name = Path::new(program).file_name().unwrap_or_default().to_string_lossy();
    let is_fit = |c: &char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(*c);
    format!("run-{}", name.chars().filter(is_fit).take(LONGEST_NAME).collect::<String>())
}

/// Who hands out grants, and takes them back.
pub(crate) struct Granter {
    session: Session,
    own: Option<OwnAgent>,
}

/// A grant that a program has.
pub(crate) struct Granted {
    id: String,
    pub(crate) handed: Handed,
    /// Where it is good, if that is not the agent of the user.
    place: Option<OsString>,
}

impl Granted {
    /// Returns how the program finds it.
    pub(crate) fn variables(&self) -> Vec<(&'static str, OsString)> {
        let token = OsString::from(self.handed.token.expose());
        let place = self.place.clone().map(|place| (GRANT_PLACE, place));
        [(GRANT, token)].into_iter().chain(place).collect()
    }
}

/// An agent in this process, for nobody but a program.
struct OwnAgent {
    place: Place,
    thread: Option<JoinHandle<()>>,
    workplace: Workplace,
}

impl Granter {
    /// Finds the agent that holds the vault open, or is one.
    pub(crate) fn find(context: &CommandContext<'_>) -> Result<Self, Failure> {
        if agent::is_granted(context.environment) {
            return Err(agent::not_granted());
        }
        if let Some(session) = Session::find(context) {
            return Ok(Self { session, own: None });
        }
        let (own, session) = OwnAgent::begin(context)?;
        Ok(Self { session, own: Some(own) })
    }

    /// Grants a program something, with an access key if it is to have one.
    pub(crate) fn grant(&self, spec: GrantSpec, with_key: bool) -> Result<Granted, Failure> {
        let how = Granting { with_key, ends_with: EndsWith::Asker };
        let handed = self.session.grant(spec, how)?;
        let id = match handed.grant.get("Id") {
            Some(Value::Text(id)) => id.clone(),
            Some(_) | None => return Err(agent::unintelligible()),
        };
        let place = self.own.as_ref().map(|own| own.workplace.temporary().into_os_string());
        Ok(Granted { id, handed, place })
    }

    /// Has the vault's endpoint be somewhere, as long as what is returned lives.
    pub(crate) fn serve(&self, at: At, context: &CommandContext<'_>) -> Result<Serving, Failure> {
        // It takes a connection of its own.
        let session = if self.own.is_some() { self.own_session() } else { Session::find(context) };
        session.ok_or_else(locked)?.serve(at)
    }

    /// Returns a way to ask the agent in this process, where that has the vault.
    pub(crate) fn own_session(&self) -> Option<Session> {
        self.own.as_ref().and_then(|own| self.session.another(&own.place))
    }

    /// Takes a grant back, now that its program has ended. What was asked before is long over.
    pub(crate) fn revoke(self, granted: &Granted, context: &CommandContext<'_>) {
        // Its own agent ends, and with it what it granted; with the lock of a vault it has ended already.
        if self.own.is_none()
            && let Some(session) = Session::find_for_control(context)
        {
            drop(session.revoke(&granted.id));
        }
    }
}

/// Says that the vault was locked meanwhile.
pub(crate) fn locked() -> Failure {
    Failure::environment("VaultLocked", "the vault was locked")
}

impl OwnAgent {
    fn begin(context: &CommandContext<'_>) -> Result<(Self, Session), Failure> {
        let locked = context.open_locked()?;
        let opened = context.offer().open(&locked)?;
        let key = opened.master.vault_key(locked.vault_id());
        // Whatever is wrong with the vault is said here, and nothing is started.
        drop(context.unlock_with(locked, &opened, &context.unlock_policy())?);
        drop(opened);
        let limits = Limits { idle_ms: AGE, age_ms: AGE };
        let path = handing::resolved(&context.location()?.path)?;
        let (anchors, reads) = (context.environment.anchors(), Reads::AtOnce);
        let unlock = Unlock { path, key, limits, anchors, reads, login: None, serve: None };
        let runtime = context.environment.path("XDG_RUNTIME_DIR").map(Path::to_owned);
        let bases: Vec<PathBuf> = runtime.into_iter().chain([PathBuf::from("/tmp")]).collect();
        let failed = |why: &NotStarted| handing::not_started(why);
        let workplace = Workplace::new("grant", &bases, &SystemEntropy);
        let workplace = workplace.map_err(|error| failed(&NotStarted::System(error)))?;
        let place = Place::make(Some(&workplace.temporary()))?;
        let held = process::hold(&place).map_err(|why| failed(&why))?;
        let (sender, receiver) = mpsc::channel::<Result<Json, Refused>>();
        let served = place.clone();
        let serve = move || {
            let mut tell = |answer| sender.send(answer).is_ok();
            let first = First::Vault(unlock, &mut tell);
            // What it could not do, whoever asks learns by its silence.
            drop(process::serve(&served, held, agent::explain(), first));
        };
        let thread = thread::Builder::new().spawn(serve);
        let thread = thread.map_err(|error| failed(&NotStarted::System(error)))?;
        let own = Self { place, thread: Some(thread), workplace };
        let silent = || Failure::environment("AgentError", "the socket for the grant is not heard");
        let outcome = receiver.recv().map_err(|_ended| silent())?;
        let answer = handing::answered(Reply { outcome, notices: Vec::new() })?;
        let session = Session::at(&own.place, handing::token_in(&answer)).ok_or_else(silent)?;
        Ok((own, session))
    }
}

impl Drop for OwnAgent {
    /// Forgets the keys, and waits until that is done.
    fn drop(&mut self) {
        let line = Line::connect_to_control(&self.place);
        drop(line.map(|line| line.ask(&Ask::Lock { vault: None })));
        drop(self.thread.take().map(JoinHandle::join));
    }
}

/// The longest file that is taken for a policy, in bytes.
const MAX_POLICY: usize = 1 << 20;
/// As much of a program's name as fits into a label.
const LONGEST_NAME: usize = 60;
/// As long as a grant can be good for, in seconds: it ends with the program.
const AS_LONG_AS_IT_RUNS: i64 = 30 * 86_400;
/// The same in milliseconds.
const AGE: i64 = AS_LONG_AS_IT_RUNS * 1000;

#[cfg(test)]
mod tests {
    use super::*;

    fn wish<'a>(allow: &'a [String], lifetime: Option<&'a str>) -> Wish<'a> {
        let label = label_of(OsStr::new("/usr/bin/my prog!"));
        Wish { allow, policies: &[], read_only: true, lifetime, label }
    }

    #[test]
    fn a_program_is_granted_what_is_allowed_and_nothing_without() {
        let allow = ["app/dev/*".to_owned()];
        let spec = wish(&allow, Some("1h")).spec(None).unwrap().unwrap();
        assert_eq!(spec.secrets, allow);
        assert_eq!((spec.operations, spec.read_only), (vec!["*".to_owned()], true));
        assert_eq!((spec.lifetime_s, spec.label.as_deref()), (Some(3600), Some("run-myprog")));
        for (allow, lifetime) in [(&allow[..], Some("soon")), (&allow, Some("31d")), (&[], None)] {
            assert!(wish(allow, lifetime).spec(None).is_err());
        }
        let nothing = Wish { read_only: false, ..wish(&[], None) };
        assert!(nothing.spec(None).unwrap().is_none());
    }
}
