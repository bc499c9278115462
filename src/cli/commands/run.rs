//! `run`: a program with just the secrets that it needs, hushed.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, IsTerminal};
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;

use super::super::everyday::client::Client;
use super::super::failure::Failure;
use super::super::private_place::{self, Purpose};
use super::super::request::error::Error;
use super::super::request::globals;
use super::super::running::endpoint::{self, Changes};
use super::super::running::given::{Given, Kind, Plan, Wishes, as_variable};
use super::super::running::granting::{Granter, Wish, label_of};
use super::super::running::{confining, parting};
use super::super::terminal;
use super::super::unlock::CommandContext;
use super::options::{Rest, options};
use super::own::{Invocation, OwnCommand};
use crate::agent::messages::At;
use crate::programs::hush::{self, Hushed};
use crate::programs::task::{Done, Ended, Keyring, NotRun, Task};
use crate::programs::workplace::Workplace;
use crate::service::grants::GrantSpec;
use crate::sys::secret::Secret;
use crate::sys::{files, interrupts, streams};

options! {
    /// The options of `run`.
    pub(super) struct Run {
        /// A variable with a value: NAME=app/db#password
        env: Vec<String> = "NAME=REFERENCE",
        /// A variable for each member of a JSON value, named after it in capitals
        env_from: Vec<String> = "REFERENCE",
        /// What the names of those variables begin with
        prefix: Option<String> = "TEXT" => .requires("env-from"),
        /// A file of variables, as in .env; values such as strongroom:app/db#password are references
        env_file: Vec<String> = "FILE",
        /// A file in memory with a value; the variable NAME says where it is
        file: Vec<String> = "NAME=REFERENCE",
        /// The same, for programs that need a file with a name; it is removed when the program ends
        temp_file: Vec<String> = "NAME=REFERENCE",
        /// What the program reads from its standard input
        stdin: Option<String> = "REFERENCE",
        /// Secrets that the program may use while it runs: names or ARNs, in which * and ? may stand
        allow: Vec<String> = "SECRET",
        /// A file with an IAM policy that must allow what it does with secrets
        policy: Vec<String> = "FILE",
        /// Let it change no secret
        read_only: bool,
        /// For how long it may use them, such as 15m or 8h; as long as it runs unless given
        r#for: Option<String> = "TIME",
        /// Let it use them with an AWS SDK, too: it finds AWS's endpoint and credentials for it
        endpoint: bool,
        /// Give it these credentials in AWS's variables for them, if it finds them nowhere else
        keys_in_env: bool => .requires("endpoint"),
        /// Let it reach what comes with the system, its own directory, the one it is run in, and no more
        confined: bool,
        /// Leave values out of what the program writes, at a terminal too
        redact: bool,
        /// Let through what the program writes as it is
        no_redact: bool => .conflicts_with("redact"),
        /// Leave the program what opens the vault: the variables that say so, and the login session's keys
        keep_credentials: bool,
        /// The program and its arguments
        command: Rest = "COMMAND"
    }
}

impl OwnCommand for Run {
    const NAME: &'static str = "run";
    const TITLE: &'static str = "Run";
    const SUMMARY: &'static str = "Run a program with just the secrets that it needs.";
    const EXAMPLE: &'static str =
        "strongroom run --env PGPASSWORD=example/login#password -- printenv PGPASSWORD";
    const IS_OF_OPERATIONS: bool = true;

    fn run(self, invocation: &Invocation<'_>) -> Result<(), Failure> {
        let context = invocation.context;
        let plan = Plan::of(&Wishes {
            env_files: &self.env_file,
            env_from: &self.env_from,
            prefix: self.prefix.as_deref(),
            env: &self.env,
            files: &self.file,
            temp_files: &self.temp_file,
            stdin: self.stdin.as_deref(),
        })?;
        let granting = self.granting(context)?;
        let given = resolve(plan, granting.as_ref(), context)?;
        let granted = granting.map(|(granter, spec)| {
            let granted = granter.grant(spec, self.endpoint)?;
            Ok::<_, Failure>((granter, granted))
        });
        let granted = granted.transpose()?;
        let hushed = self.hushed(&given, context);
        let mut changes = Changes::default();
        let mut serving = None;
        if let Some((granter, granted)) = &granted {
            changes.set_all(granted.variables());
            if self.endpoint {
                let begun = serving.insert(granter.serve(At::Port(0), context)?);
                let found = endpoint::Found { serving: begun, handed: &granted.handed };
                found.tell(&mut changes, self.keys_in_env, context)?;
            }
        }
        let (task, place) = self.task(&given, changes, context)?;
        // What comes now is the program's.
        terminal::end_silence();
        if hushed.is_none() && place.is_none() && granted.is_none() && task.freedoms.is_none() {
            return Err(not_run(task.become_it()));
        }
        let done = task.run(hushed.as_ref()).map_err(not_run);
        drop((place, serving));
        if let Some((granter, granted)) = granted {
            granter.revoke(&granted, context);
        }
        let Done { ended, lost } = done?;
        match ended {
            Ended::Exited(0) => lost.map_or(Ok(()), |why| Err(Failure::Output(why))),
            Ended::Exited(code) => Err(Failure::Ended(code)),
            Ended::Signalled(signal) => {
                interrupts::end_by(signal);
                Err(Failure::Ended(u8::try_from(signal).map_or(u8::MAX, |s| s.saturating_add(128))))
            }
        }
    }
}

impl Run {
    /// Returns what is left out of what the program writes, if anything is to be.
    fn hushed(&self, given: &Given, context: &CommandContext<'_>) -> Option<Arc<Hushed>> {
        let is_watched = io::stdout().is_terminal() && !parting::is_agents(context.environment);
        if self.no_redact || is_watched && !self.redact {
            return None;
        }
        for (name, _) in given.values.iter().filter(|(_, value)| hush::is_short(value.expose())) {
            terminal::note(&format!(
                "note: a value of {name} has fewer than {} bytes, and is not left out of what the \
                 program writes",
                hush::SHORTEST
            ));
        }
        let long = given.values.iter().filter(|(_, value)| !hush::is_short(value.expose()));
        let mut long =
            long.map(|(name, value)| (name.as_str(), value.expose().as_slice())).peekable();
        long.peek()?;
        Some(Arc::new(Hushed::new(long)))
    }

    /// Finds who grants the program something, if it is to have a grant.
    fn granting(
        &self,
        context: &CommandContext<'_>,
    ) -> Result<Option<(Granter, GrantSpec)>, Failure> {
        let Rest(argv) = &self.command;
        let wish = Wish {
            allow: &self.allow,
            policies: &self.policy,
            read_only: self.read_only,
            lifetime: self.r#for.as_deref(),
            label: label_of(&argv.first().cloned().map(globals::as_given).unwrap_or_default()),
        };
        let spec = wish.spec(context.region().map(str::to_owned))?;
        if spec.is_none() && self.endpoint {
            let what = "it needs --allow or --policy, which say what the program may use";
            return Err(Error::argument("--endpoint", what).into());
        }
        spec.map(|spec| Ok((Granter::find(context)?, spec))).transpose()
    }

    /// Makes ready what is to be run, and what has to be there as long as it runs.
    fn task(
        self,
        given: &Given,
        changes: Changes,
        context: &CommandContext<'_>,
    ) -> Result<(Task, Option<Workplace>), Failure> {
        let before = parting::environment(context.environment, self.keep_credentials);
        // By name: a file may have hundreds of thousands.
        let mut environment: BTreeMap<OsString, OsString> = before.into_iter().collect();
        changes.make(&mut environment);
        let mut set = |name: &str, value: OsString| environment.insert(name.into(), value);
        for (name, value) in &given.variables {
            set(name, as_variable(value));
        }
        let mut files: Vec<OwnedFd> = Vec::new();
        let mut place = None;
        for (name, kind, value) in &given.files {
            match kind {
                Kind::Open => {
                    let file = OwnedFd::from(in_memory(value)?);
                    set(name, format!("/dev/fd/{}", file.as_raw_fd()).into());
                    files.push(file);
                }
                Kind::Named => {
                    let place = match &mut place {
                        Some(place) => place,
                        none => none.insert(private_place::make(Purpose::Run, context)?),
                    };
                    let path = place.temporary().join(name.replace('/', "_"));
                    files::write_private(&path, value.expose())?;
                    set(name, path.into());
                }
            }
        }
        let mut stdin = given.stdin.as_ref().map(in_memory).transpose()?;
        if let Some(number) = context.globals.passphrase_fd {
            // Whoever has it may read it once more.
            if number > 2 {
                drop(streams::close(number));
            } else if number == 0 && stdin.is_none() {
                stdin = Some(File::open("/dev/null").map_err(Failure::Output)?);
            }
        }
        let environment = environment.into_iter().collect();
        let keyring = if self.keep_credentials { Keyring::Shared } else { Keyring::Own };
        let Rest(argv) = self.command;
        let argv = argv.into_iter().map(globals::as_given).collect();
        let mut task = Task { argv, environment, stdin, files, keyring, freedoms: None };
        if self.confined {
            let place = match &mut place {
                Some(place) => place,
                none => none.insert(private_place::make(Purpose::Run, context)?),
            };
            let temporary = place.temporary();
            task.environment.retain(|(name, _)| name != "TMPDIR");
            task.environment.push(("TMPDIR".into(), temporary.clone().into()));
            let program = task.find().map_err(not_run)?;
            task.freedoms = Some(confining::freedoms(&program, temporary, context)?);
        }
        Ok((task, place))
    }
}

/// Has all references resolved, by the agent that grants something where one does.
fn resolve(
    plan: Plan,
    granting: Option<&(Granter, GrantSpec)>,
    context: &CommandContext<'_>,
) -> Result<Given, Failure> {
    let own = granting.and_then(|(granter, _)| granter.own_session());
    let mut client = match own {
        Some(session) => Client::asking(context, session)?,
        None => Client::new(context)?,
    };
    plan.resolve(&mut client)
}

fn in_memory(value: &Secret<Vec<u8>>) -> Result<File, Failure> {
    files::in_memory(value.expose()).map_err(|error| {
        let message = format!("no file in memory could be made: {error}");
        Failure::environment("NoMemory", message)
            .hinted("--temp-file makes a file with a name, in a directory in memory")
    })
}

fn not_run(NotRun { code, message }: NotRun) -> Failure {
    Failure::NotRun { code, message }
}
