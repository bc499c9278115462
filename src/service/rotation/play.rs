//! Rotations on a bench: a server with a password, and the function that AWS's templates are for it,
//! which can be made to break off anywhere.
#![expect(clippy::unwrap_in_result, reason = "a test fails by panicking")]

use serde_json::{Value as Json, json};

use super::{
    BUILTIN, Failed, Functions, Job, Left, Order, Registered, Resume, Retry, Started, StepFault,
    Wanted, after_step, before_step, builtin_step, fail, finish, start,
};
use crate::model::value::Value;
use crate::service::context::Failure;
use crate::service::fault::{Code, Fault};
use crate::service::scope::{Capability, Scope, Step};
use crate::service::testing::{Bench, entry, from_json, to_json, told};
use crate::vault::progress::Holder;
use crate::vault::progress::Kind;
use crate::vault::record::Record;
use crate::vault::rotation::{Command, Protocol};

/// The function that every play has.
pub(crate) const FUNCTION: &str = "arn:local:exec:/opt/rotate";

/// The code of what is no refusal, but a function that broke off.
pub(crate) const BROKEN: &str = "Broken";

/// A refusal: code and message.
pub(crate) type Refusal = (String, String);

/// A machine on which every function exists but `/missing`.
pub(crate) struct Machine;

/// A bench, and a server whose password the secret `db` is.
pub(crate) struct Play {
    /// The bench.
    pub(crate) bench: Bench,
    /// What the server lets in.
    pub(crate) password: String,
    /// What is given with options of our own.
    pub(crate) own: Option<Command>,
    /// What to do with a rotation that is not finished.
    pub(crate) resume: Resume,
    /// How the step that breaks ends.
    pub(crate) retry: Retry,
    /// Whether somebody else's lease is respected.
    pub(crate) minds_others: bool,
    is_served: bool,
}

/// Where the function breaks off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Break {
    /// Nowhere.
    Nowhere,
    /// Before a step did anything.
    Before(Step),
    /// After a step did all it does.
    After(Step),
}

/// How it breaks off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// Its program fails.
    Fails,
    /// Everything is killed.
    Killed,
}

impl Functions for Machine {
    fn register(&self, wanted: Wanted<'_>, _record: &Record) -> Result<Registered, Fault> {
        let path = match wanted {
            Wanted::Arn { arn, .. } => arn.trim_start_matches("arn:local:exec:").to_owned(),
            Wanted::Command(command) => command.argv.first().cloned().unwrap_or_default(),
        };
        if path == "/missing" {
            return Err(Fault::new(Code::AccessDenied, "there is no /missing"));
        }
        let command = match wanted {
            Wanted::Command(command) => command.clone(),
            Wanted::Arn { options, .. } => options.map_or_else(
                || Command::new(vec![path.clone()], Protocol::Lambda),
                |options| Command { argv: vec![path.clone()], ..options.clone() },
            ),
        };
        Ok(Registered { arn: format!("arn:local:exec:{path}"), command })
    }
}

/// Rotates a secret that is on no server, to the end or until the function fails.
pub(crate) fn alone(bench: &mut Bench, request: &Json, at: Break) -> Result<Json, Refusal> {
    let mut play = Play::on(std::mem::replace(bench, Bench::new()));
    play.is_served = false;
    let outcome = play.rotate_until(request, at, How::Fails);
    *bench = play.bench;
    outcome
}

/// Returns the token with this number.
pub(crate) fn token(number: u32) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

impl Play {
    /// A secret `db` with the password of the server.
    pub(crate) fn new() -> Self {
        let mut bench = Bench::new();
        let request =
            json!({"Name": "db", "ClientRequestToken": token(1), "SecretString": "first"});
        bench.call("CreateSecret", &request.to_string()).unwrap();
        Self { password: "first".to_owned(), ..Self::on(bench) }
    }

    fn on(bench: Bench) -> Self {
        Self {
            bench,
            password: String::new(),
            own: None,
            resume: Resume::IfPossible,
            retry: Retry::BackOff,
            minds_others: false,
            is_served: true,
        }
    }

    /// Calls an operation as the owner.
    pub(crate) fn call(&mut self, operation: &str, request: &Json) -> Result<Json, Refusal> {
        let answer = self.bench.call(operation, &request.to_string())?;
        Ok(serde_json::from_str(&answer).unwrap())
    }

    /// Describes `db`.
    pub(crate) fn described(&mut self) -> Json {
        self.call("DescribeSecret", &json!({"SecretId": "db"})).unwrap()
    }

    /// Returns the value that `db` has under a label.
    pub(crate) fn value(&mut self, stage: &str) -> Option<String> {
        let request = json!({"SecretId": "db", "VersionStage": stage});
        let answer = self.call("GetSecretValue", &request).ok()?;
        Some(answer["SecretString"].as_str().unwrap().to_owned())
    }

    /// Tells all versions of `db` with their labels, as `1[AWSCURRENT] 2[]`.
    pub(crate) fn stages(&mut self) -> String {
        let record = self.bench.record("db").unwrap();
        let shown = record.versions.iter().map(|version| {
            let id = version.id.trim_start_matches("00000000-0000-4000-8000-");
            let empty = if version.value.is_none() { "empty " } else { "" };
            format!("{}[{empty}{}]", id.trim_start_matches('0'), version.stages.join(" "))
                .replace(" ]", "]")
        });
        shown.collect::<Vec<_>>().join(" ")
    }

    /// Returns the events that are about rotation, with their details, from the `from`th on.
    pub(crate) fn events(&mut self) -> Vec<String> {
        let events = self.bench.events().into_iter();
        let about = events.filter(|event| {
            event.operation.contains("Rotation") && !event.operation.contains("RotateSecret")
        });
        about.map(|event| format!("{} {}", event.operation, event.detail)).collect()
    }

    /// Begins what a request asks for.
    pub(crate) fn start(&mut self, request: &Json) -> Result<Started, Refusal> {
        let request = from_json(entry("RotateSecret").input, request);
        let (own, resume) = (self.own.clone(), self.resume);
        let seen = self.bench.record("db").and_then(|record| record.progress?.lease);
        let seen = if self.minds_others { None } else { seen };
        let holder = Holder { host: "here".to_owned(), ..Holder::default() };
        let order = Order { request, region: None, own, resume, holder, seen };
        let started = self.bench.with(|vault, occasion| start(vault, order, &Machine, occasion));
        started.map_err(told)
    }

    /// Begins a job.
    pub(crate) fn job(&mut self, request: &Json) -> Job {
        match self.start(request) {
            Ok(Started::Run(job)) => *job,
            Ok(Started::Done(_)) => panic!("nothing to run"),
            Err(refusal) => panic!("{refusal:?}"),
        }
    }

    /// Rotates to the end and returns the answer.
    pub(crate) fn rotate(&mut self, request: &Json) -> Result<Json, Refusal> {
        self.rotate_until(request, Break::Nowhere, How::Fails)
    }

    /// Rotates until the function breaks off.
    pub(crate) fn rotate_until(
        &mut self,
        request: &Json,
        at: Break,
        how: How,
    ) -> Result<Json, Refusal> {
        match self.start(request)? {
            Started::Done(answer) => Ok(to_json(&answer)),
            Started::Run(job) => self.run(&job, at, how),
        }
    }

    /// Runs a job.
    pub(crate) fn run(&mut self, job: &Job, at: Break, how: How) -> Result<Json, Refusal> {
        let steps: &[Step] =
            if job.kind == Kind::TestOnly { &[Step::Test] } else { &Step::ALL[..] };
        for step in steps {
            if let Err(refusal) = self.step(job, *step, at) {
                if how == How::Fails {
                    self.fail(job, *step);
                }
                return Err(refusal);
            }
        }
        let answer = self.bench.with(|vault, occasion| finish(vault, job, occasion));
        answer.map(|answer: Value| to_json(&answer)).map_err(told)
    }

    /// Tells that a step failed.
    pub(crate) fn fail(&mut self, job: &Job, step: Step) -> Left {
        let failed = Failed { step, status: "exit status 1", retry: self.retry };
        self.bench.with(|vault, occasion| fail(vault, job, &failed, occasion)).unwrap()
    }

    /// Asks for what a step may do.
    pub(crate) fn capability(&mut self, job: &Job, step: Step) -> Result<Capability, Refusal> {
        let allowed = self.bench.with(|vault, occasion| before_step(vault, job, step, occasion));
        allowed.map(|(capability, _)| capability).map_err(told)
    }

    /// Checks what a step did.
    pub(crate) fn after(&mut self, job: &Job, step: Step) -> Result<(), Refusal> {
        let checked = self.bench.with(|vault, occasion| after_step(vault, job, step, occasion));
        checked.map_err(|fault| match fault {
            StepFault::NoValue => ("NoValue".to_owned(), String::new()),
            StepFault::Failure(failure) => told(failure),
        })
    }

    fn step(&mut self, job: &Job, step: Step, at: Break) -> Result<(), Refusal> {
        let scope = Scope::Capability(self.capability(job, step)?);
        let broken = |place: Break| {
            if at == place { Err((BROKEN.to_owned(), String::new())) } else { Ok(()) }
        };
        broken(Break::Before(step))?;
        if job.function == BUILTIN {
            let done = self.bench.with(|vault, occasion| builtin_step(vault, job, step, occasion));
            done.map_err(|failure: Failure| told(failure))?;
        } else {
            self.template(&scope, job, step)?;
        }
        broken(Break::After(step))?;
        self.after(job, step)
    }

    /// What AWS's templates do, single user.
    fn template(&mut self, scope: &Scope, job: &Job, step: Step) -> Result<(), Refusal> {
        let described = self.child(scope, "DescribeSecret", &json!({"SecretId": job.arn}))?;
        let stages = &described["VersionIdsToStages"][&job.token];
        let has = |label: &str| stages.as_array().unwrap().iter().any(|stage| stage == label);
        assert_eq!(described["RotationEnabled"], true);
        if has("AWSCURRENT") {
            return Ok(());
        }
        assert!(has("AWSPENDING"));
        let current = json!({"SecretId": job.arn, "VersionStage": "AWSCURRENT"});
        let pending = json!({
            "SecretId": job.arn, "VersionId": job.token, "VersionStage": "AWSPENDING",
        });
        match step {
            Step::Create => {
                self.child(scope, "GetSecretValue", &current)?;
                match self.child(scope, "GetSecretValue", &pending) {
                    Ok(_) => {}
                    Err((code, _)) => {
                        assert_eq!(code, "ResourceNotFoundException");
                        let drawn = self.child(scope, "GetRandomPassword", &json!({}))?;
                        let put = json!({
                            "SecretId": job.arn, "ClientRequestToken": job.token,
                            "SecretString": drawn["RandomPassword"],
                            "VersionStages": ["AWSPENDING"],
                        });
                        self.child(scope, "PutSecretValue", &put)?;
                    }
                }
            }
            Step::Set | Step::Test if !self.is_served => {}
            Step::Set => {
                let new = self.read(scope, &pending)?;
                if self.password != new {
                    let old = self.read(scope, &current)?;
                    assert_eq!(self.password, old, "locked out");
                    self.password = new;
                }
            }
            Step::Test => {
                let new = self.read(scope, &pending)?;
                assert_eq!(self.password, new, "the server does not let it in");
            }
            Step::Finish => {
                let versions = described["VersionIdsToStages"].as_object().unwrap();
                let holds = |stages: &Json| {
                    stages.as_array().unwrap().iter().any(|stage| stage == "AWSCURRENT")
                };
                let holder = versions.iter().find(|(_, stages)| holds(stages)).unwrap().0;
                let request = json!({
                    "SecretId": job.arn, "VersionStage": "AWSCURRENT",
                    "MoveToVersionId": job.token, "RemoveFromVersionId": holder,
                });
                self.child(scope, "UpdateSecretVersionStage", &request)?;
            }
        }
        Ok(())
    }

    /// Calls an operation as the function.
    pub(crate) fn child(
        &mut self,
        scope: &Scope,
        operation: &str,
        request: &Json,
    ) -> Result<Json, Refusal> {
        self.bench.call_as(scope, operation, &request.to_string())
    }

    fn read(&mut self, scope: &Scope, request: &Json) -> Result<String, Refusal> {
        let answer = self.child(scope, "GetSecretValue", request)?;
        Ok(answer["SecretString"].as_str().unwrap().to_owned())
    }
}
