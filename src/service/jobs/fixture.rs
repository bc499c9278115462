//! Rotations for tests: a server with a password, and a rotation function like AWS's templates, which
//! can be made to break off anywhere.
#![expect(clippy::unwrap_in_result, reason = "a test fails by panicking")]

use serde_json::{Value as Json, json};

use super::{
    FailedStep, LeftBehind, Retry, StepFault, after_step, before_step, begin, builtin_step, fail,
    finish,
};
use crate::model::value::Value;
use crate::service::caller::{Caller, Capability, Step};
use crate::service::failure::Failure;
use crate::service::fault::{Code, Fault};
use crate::service::rotation::{
    BUILTIN, FunctionSpec, Functions, Job, Registered, Resume, StartRotation, Started,
};
use crate::service::testing::{ServiceFixture, entry, from_json, to_json, told};
use crate::vault::progress::Holder;
use crate::vault::progress::Purpose;
use crate::vault::record::Record;
use crate::vault::rotation::{Command, Protocol};

/// The function that every fixture has.
pub(crate) const FUNCTION: &str = "arn:local:exec:/opt/rotate";

/// Stands for a code where the function broke off.
pub(crate) const BROKEN: &str = "Broken";

/// A refusal: code and message.
pub(crate) type Refusal = (String, String);

/// A machine on which every function exists but `/missing`.
pub(crate) struct Machine;

/// A service, and a server whose password the secret `db` is.
pub(crate) struct RotationFixture {
    pub(crate) service: ServiceFixture,
    /// The server's password.
    pub(crate) password: String,
    /// The command given with Strongroom's own options.
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
    fn register(&self, wanted: FunctionSpec<'_>, _record: &Record) -> Result<Registered, Fault> {
        let path = match wanted {
            FunctionSpec::Arn { arn, .. } => arn.trim_start_matches("arn:local:exec:").to_owned(),
            FunctionSpec::Command(command) => command.argv.first().cloned().unwrap_or_default(),
        };
        if path == "/missing" {
            return Err(Fault::new(Code::AccessDenied, "there is no /missing"));
        }
        let command = match wanted {
            FunctionSpec::Command(command) => command.clone(),
            FunctionSpec::Arn { options, .. } => options.map_or_else(
                || Command::new(vec![path.clone()], Protocol::Lambda),
                |options| Command { argv: vec![path.clone()], ..options.clone() },
            ),
        };
        Ok(Registered { arn: format!("arn:local:exec:{path}"), command })
    }
}

/// Rotates a secret that is on no server, to the end or until the function fails.
pub(crate) fn alone(
    service: &mut ServiceFixture,
    request: &Json,
    at: Break,
) -> Result<Json, Refusal> {
    let mut fixture = RotationFixture::on(std::mem::replace(service, ServiceFixture::new()));
    fixture.is_served = false;
    let outcome = fixture.rotate_until(request, at, How::Fails);
    *service = fixture.service;
    outcome
}

/// Returns the token with this number.
pub(crate) fn token(number: u32) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

/// A request to rotate `db` every 30 days.
pub(crate) fn rotate(number: u32) -> Json {
    json!({
        "SecretId": "db", "ClientRequestToken": token(number), "RotationLambdaARN": FUNCTION,
        "RotationRules": {"AutomaticallyAfterDays": 30},
    })
}

/// A request to rotate `db` with its stored settings.
pub(crate) fn again(number: u32) -> Json {
    json!({"SecretId": "db", "ClientRequestToken": token(number)})
}

/// What [`RotationFixture::stages`] shows once version 2 has a value.
pub(crate) const PENDING: &str = "1[AWSCURRENT] 2[AWSPENDING]";
/// The same before it has a value.
pub(crate) const EMPTY: &str = "1[AWSCURRENT] 2[empty AWSPENDING]";
/// The same once it is current.
pub(crate) const MOVED: &str = "1[AWSPREVIOUS] 2[AWSPENDING AWSCURRENT]";
/// The same once the rotation is complete.
pub(crate) const DONE: &str = "1[AWSPREVIOUS] 2[AWSCURRENT]";

impl RotationFixture {
    /// A secret `db` with the password of the server.
    pub(crate) fn new() -> Self {
        let mut service = ServiceFixture::new();
        let request =
            json!({"Name": "db", "ClientRequestToken": token(1), "SecretString": "first"});
        service.call("CreateSecret", &request.to_string()).unwrap();
        Self { password: "first".to_owned(), ..Self::on(service) }
    }

    fn on(service: ServiceFixture) -> Self {
        Self {
            service,
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
        let answer = self.service.call(operation, &request.to_string())?;
        Ok(serde_json::from_str(&answer).unwrap())
    }

    pub(crate) fn described(&mut self) -> Json {
        self.call("DescribeSecret", &json!({"SecretId": "db"})).unwrap()
    }

    /// Returns the value that `db` has under a label.
    pub(crate) fn value(&mut self, stage: &str) -> Option<String> {
        let request = json!({"SecretId": "db", "VersionStage": stage});
        let answer = self.call("GetSecretValue", &request).ok()?;
        Some(answer["SecretString"].as_str().unwrap().to_owned())
    }

    /// Shows all versions of `db` with their labels, as `1[AWSCURRENT] 2[]`.
    pub(crate) fn stages(&mut self) -> String {
        let record = self.service.record("db").unwrap();
        let shown = record.versions.iter().map(|version| {
            let id = version.id.trim_start_matches("00000000-0000-4000-8000-");
            let empty = if version.value.is_none() { "empty " } else { "" };
            format!("{}[{empty}{}]", id.trim_start_matches('0'), version.stages.join(" "))
                .replace(" ]", "]")
        });
        shown.collect::<Vec<_>>().join(" ")
    }

    /// Returns the events about rotation, with their details.
    pub(crate) fn events(&mut self) -> Vec<String> {
        let events = self.service.events().into_iter();
        let about = events.filter(|event| {
            event.operation.contains("Rotation") && !event.operation.contains("RotateSecret")
        });
        about.map(|event| format!("{} {}", event.operation, event.detail)).collect()
    }

    /// Begins what a request asks for.
    pub(crate) fn begin(&mut self, request: &Json) -> Result<Started, Refusal> {
        let request = from_json(entry("RotateSecret").input, request);
        let (own, resume) = (self.own.clone(), self.resume);
        let seen = self.service.record("db").and_then(|record| record.progress?.lease);
        let seen = if self.minds_others { None } else { seen };
        let holder = Holder { host: "here".to_owned(), ..Holder::default() };
        let start = StartRotation { functions: &Machine, own, resume, holder, seen };
        let started =
            self.service.with(|vault, context| begin(vault, request, None, &start, context));
        started.map_err(told)
    }

    pub(crate) fn job(&mut self, request: &Json) -> Job {
        match self.begin(request) {
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
        match self.begin(request)? {
            Started::Done(answer) => Ok(to_json(&answer)),
            Started::Run(job) => self.run(&job, at, how),
        }
    }

    pub(crate) fn run(&mut self, job: &Job, at: Break, how: How) -> Result<Json, Refusal> {
        let steps: &[Step] =
            if job.purpose == Purpose::TestOnly { &[Step::Test] } else { &Step::ALL[..] };
        for step in steps {
            if let Err(refusal) = self.step(job, *step, at) {
                if how == How::Fails {
                    self.fail(job, *step);
                }
                return Err(refusal);
            }
        }
        let answer = self.service.with(|vault, context| finish(vault, job, context));
        answer.map(|answer: Value| to_json(&answer)).map_err(told)
    }

    pub(crate) fn fail(&mut self, job: &Job, step: Step) -> LeftBehind {
        let failed = FailedStep { step, status: "exit status 1", retry: self.retry };
        self.service.with(|vault, context| fail(vault, job, &failed, context)).unwrap()
    }

    /// Asks for what a step may do.
    pub(crate) fn capability(&mut self, job: &Job, step: Step) -> Result<Capability, Refusal> {
        let allowed = self.service.with(|vault, context| before_step(vault, job, step, context));
        allowed.map(|(capability, _)| capability).map_err(told)
    }

    pub(crate) fn after(&mut self, job: &Job, step: Step) -> Result<(), Refusal> {
        let checked = self.service.with(|vault, context| after_step(vault, job, step, context));
        checked.map_err(|fault| match fault {
            StepFault::NoValue => ("NoValue".to_owned(), String::new()),
            StepFault::Failure(failure) => told(failure),
        })
    }

    fn step(&mut self, job: &Job, step: Step, at: Break) -> Result<(), Refusal> {
        let caller = Caller::Step(self.capability(job, step)?);
        let broken = |place: Break| {
            if at == place { Err((BROKEN.to_owned(), String::new())) } else { Ok(()) }
        };
        broken(Break::Before(step))?;
        if job.function == BUILTIN {
            let done = self.service.with(|vault, context| builtin_step(vault, job, step, context));
            done.map_err(|failure: Failure| told(failure))?;
        } else {
            self.template(&caller, job, step)?;
        }
        broken(Break::After(step))?;
        self.after(job, step)
    }

    /// What AWS's templates do, single user.
    fn template(&mut self, caller: &Caller, job: &Job, step: Step) -> Result<(), Refusal> {
        let described = self.child(caller, "DescribeSecret", &json!({"SecretId": job.arn}))?;
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
                self.child(caller, "GetSecretValue", &current)?;
                match self.child(caller, "GetSecretValue", &pending) {
                    Ok(_) => {}
                    Err((code, _)) => {
                        assert_eq!(code, "ResourceNotFoundException");
                        let drawn = self.child(caller, "GetRandomPassword", &json!({}))?;
                        let put = json!({
                            "SecretId": job.arn, "ClientRequestToken": job.token,
                            "SecretString": drawn["RandomPassword"],
                            "VersionStages": ["AWSPENDING"],
                        });
                        self.child(caller, "PutSecretValue", &put)?;
                    }
                }
            }
            Step::Set | Step::Test if !self.is_served => {}
            Step::Set => {
                let new = self.read(caller, &pending)?;
                if self.password != new {
                    let old = self.read(caller, &current)?;
                    assert_eq!(self.password, old, "locked out");
                    self.password = new;
                }
            }
            Step::Test => {
                let new = self.read(caller, &pending)?;
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
                self.child(caller, "UpdateSecretVersionStage", &request)?;
            }
        }
        Ok(())
    }

    /// Calls an operation as the function.
    pub(crate) fn child(
        &mut self,
        caller: &Caller,
        operation: &str,
        request: &Json,
    ) -> Result<Json, Refusal> {
        self.service.call_as(caller, operation, &request.to_string())
    }

    fn read(&mut self, caller: &Caller, request: &Json) -> Result<String, Refusal> {
        let answer = self.child(caller, "GetSecretValue", request)?;
        Ok(answer["SecretString"].as_str().unwrap().to_owned())
    }
}
