//! `grant create`, `grant list`, `grant revoke`: a part of what the owner may do, for somebody else.

use super::super::agent::Session;
use super::super::duration;
use super::super::failure::Failure;
use super::super::held::Held;
use super::super::request::error::Error;
use super::super::request::paramfile::{self, Sources};
use super::super::serving::{AccessKey, Handed};
use super::super::suggest;
use super::options::{Word, actions, belongs_to, options};
use super::own::{Invocation, OwnCommand};
use crate::agent::messages::{EndsWith, Granting};
use crate::model::value::Value;
use crate::service::grants::{self, GrantSpec, Mistake};

options! {
    /// The options of `grant`.
    pub(super) struct Grant {
        /// What to do
        action: Action = "ACTION",
        /// With revoke: the grant, by its id
        id: Option<Word> = "ID",
        ..create: Create
    }
}

actions! {
    /// What is done about grants.
    pub(super) enum Action {
        /// Hand one out.
        Create = "create",
        /// List all.
        List = "list",
        /// Take one back.
        Revoke = "revoke",
    }
}

options! {
    /// The options of `grant create`.
    pub(super) struct Create {
        /// What it lets its holder do: operations such as GetSecretValue or 'Get*'; all that the
        /// policies allow unless given
        operations: Vec<String> = "OPERATION",
        /// Secrets it is for: names or ARNs, in which * and ? may stand, such as 'app/*'
        secrets: Vec<String> = "SECRET",
        /// Only secrets with this tag; if there are several, with all of them
        tags: Vec<String> = "KEY[=VALUE]",
        /// Let nothing be changed
        read_only: bool,
        /// How long it is good for, such as 15m, 8h or 1d; an hour unless given
        lifetime: Option<String> = "TIME",
        /// An IAM policy that must allow what is done, as JSON or file://FILE
        policy: Vec<String> = "POLICY",
        /// Your name for it, which the audit log shows and policies can name
        label: Option<String> = "TEXT",
        /// Give an access key with it, to sign requests with at an endpoint of the vault (`serve`)
        access_key: bool
    }
}

impl OwnCommand for Grant {
    const NAME: &'static str = "grant";
    const TITLE: &'static str = "Grant";
    const SUMMARY: &'static str = "Let others use a part of the vault while it is unlocked.";
    const EXAMPLE: &'static str =
        "strongroom grant create --operations 'Get*' --secrets 'app/*' --lifetime 1h";
    const LOOKS_AT_STATE: bool = false;

    fn run(self, invocation: &Invocation<'_>) -> Result<(), Failure> {
        let context = invocation.context;
        let variable = |name: &str| context.environment.text(name).map(str::to_owned);
        let sources = Sources {
            read: &paramfile::read_file,
            variable: &variable,
            encoding: context.file_encoding(),
        };
        let given = invocation.first_given::<Create>();
        let region = context.region().map(str::to_owned);
        answer(self.asked(given, region, sources)?, invocation)
    }
}

/// What is asked of the agent.
pub(super) enum Asked {
    Create {
        spec: Box<GrantSpec>,
        with_key: bool,
    },
    List,
    /// The grant's id.
    Revoke(String),
}

/// Asks the agent, and prints what it says.
fn answer(asked: Asked, invocation: &Invocation<'_>) -> Result<(), Failure> {
    let member = |name: &str, value| (name.to_owned(), value);
    let context = invocation.context;
    let find = match asked {
        Asked::Create { .. } => Session::find,
        Asked::List | Asked::Revoke(_) => Session::find_for_control,
    };
    let Some(session) = find(context) else {
        let (message, hint) = match Held::find(context) {
            None if matches!(asked, Asked::List) => {
                return invocation.print(vec![member("Grants", Value::List(Vec::new()))]);
            }
            None => (
                "grants are of a vault that the agent holds open, and it does not",
                "`strongroom unlock` has it do so",
            ),
            Some(held) if held.is_for_us() => (
                "grants are the agent's, and what the command line says goes past it",
                "leave out --expect and what names a credential",
            ),
            Some(_) => (
                "the vault is unlocked in another login session",
                "`strongroom unlock` lets this one use it too",
            ),
        };
        return Err(Failure::environment("VaultLocked", message).hinted(hint));
    };
    match asked {
        Asked::Create { spec, with_key } => {
            let how = Granting { with_key, ends_with: EndsWith::Time };
            let Handed { token, grant, key } = session.grant(*spec, how)?;
            let mut members = vec![member("Token", Value::Text(token.expose().clone()))];
            members.push(member("Grant", grant));
            members.extend(key.iter().flat_map(AccessKey::shown));
            invocation.print(members)
        }
        Asked::List => invocation.print(vec![member("Grants", session.grants()?)]),
        Asked::Revoke(id) => {
            if !session.revoke(&id)? {
                let message = format!("there is no grant {id}");
                return Err(Failure::environment("NoGrant", message)
                    .hinted("`strongroom grant list` shows those there are"));
            }
            invocation.print(vec![member("Revoked", Value::Text(id))])
        }
    }
}

impl Grant {
    /// Returns what is asked for; `given` is the first option of `create` that was given.
    fn asked(
        self,
        given: Option<String>,
        region: Option<String>,
        sources: Sources<'_>,
    ) -> Result<Asked, Error> {
        if let (Some(name), false) = (given, self.action == Action::Create) {
            return Err(belongs_to(&name, "grant create"));
        }
        match (self.action, self.id) {
            (Action::Create, None) => {
                let with_key = self.create.access_key;
                let spec = self.create.spec(region, sources)?;
                Ok(Asked::Create { spec: Box::new(spec), with_key })
            }
            (Action::List, None) => Ok(Asked::List),
            (Action::Revoke, Some(Word(id))) => Ok(Asked::Revoke(id)),
            (Action::Revoke, None) => {
                Err(Error::usage("grant revoke needs the ID of the grant, which grant list shows"))
            }
            (Action::Create | Action::List, Some(_)) => {
                Err(Error::usage("only grant revoke takes an ID"))
            }
        }
    }
}

impl Create {
    fn spec(self, region: Option<String>, sources: Sources<'_>) -> Result<GrantSpec, Error> {
        let lifetime_s = seconds(self.lifetime.as_deref(), "--lifetime")?;
        let policies = policies(&self.policy, "--policy", sources)?;
        let spec = GrantSpec {
            label: self.label,
            region,
            operations: self.operations,
            secrets: self.secrets,
            tags: self.tags,
            read_only: self.read_only,
            lifetime_s,
            policies,
            ..GrantSpec::default()
        };
        spec.check().map_err(|mistake| refused(&mistake, &self.policy))?;
        Ok(spec)
    }
}

/// Reads a time that an option says, in seconds.
pub(super) fn seconds(text: Option<&str>, option: &str) -> Result<Option<i64>, Error> {
    let Some(text) = text else { return Ok(None) };
    let seconds = duration::seconds(text).and_then(|seconds| i64::try_from(seconds).ok());
    let wrong = || Error::argument(option, "it must be a time such as 90s, 15m, 8h or 1d");
    seconds.map(Some).ok_or_else(wrong)
}

/// Reads policies that an option says, each as it is or in a file.
pub(super) fn policies(
    words: &[String],
    option: &str,
    sources: Sources<'_>,
) -> Result<Vec<String>, Error> {
    let policies = words.iter().map(|word| match sources.load(word) {
        Ok(Some(Value::Text(text))) => Ok(text),
        Ok(None) => Ok(word.clone()),
        Ok(Some(_)) => Err(Error::argument(option, "a policy is text: use file://")),
        Err(unloadable) => Err(unloadable.of(option)),
    });
    policies.collect()
}

/// Says which option a mistake is about, and what may have been meant.
fn refused(mistake: &Mistake, policies: &[String]) -> Error {
    let option = OPTIONS.iter().find(|(member, _)| *member == mistake.member());
    let option = option.map_or("--policy", |(_, option)| option);
    match mistake {
        Mistake::NoOperations => {
            Error::usage("grant create needs --operations, which say what is granted, or --policy")
        }
        Mistake::NoSecrets => Error::usage(
            "grant create needs --secrets or --tags, which say what it is for, or --policy",
        ),
        Mistake::UnknownOperation(_)
        | Mistake::Policy { .. }
        | Mistake::Label(_)
        | Mistake::Changes(_)
        | Mistake::Secret(_)
        | Mistake::Account { .. }
        | Mistake::Tag(_)
        | Mistake::TagTwice(_)
        | Mistake::Lifetime { .. }
        | Mistake::AllowsNothing
        | Mistake::Beside { .. }
        | Mistake::PrincipalTag(_)
        | Mistake::PrincipalTagTwice(_)
        | Mistake::UserName(_)
        | Mistake::Path(_)
        | Mistake::NoUser
        | Mistake::TooMany(_) => worded(mistake, option, policies),
    }
}

/// Says what is wrong with what an option says; `policies` are the words of those that it is about.
pub(super) fn worded(mistake: &Mistake, option: &str, policies: &[String]) -> Error {
    match mistake {
        Mistake::UnknownOperation(word) => {
            let meant = suggest::hint(word, &grants::operation_names());
            let meant = meant.map(|meant| format!("; {meant}")).unwrap_or_default();
            Error::argument(option, format!("{mistake}{meant}"))
        }
        Mistake::Policy { number, problems } | Mistake::Beside { number, problems, .. } => {
            let word = number.checked_sub(1).and_then(|index| policies.get(index));
            let file = word.filter(|word| word.starts_with("file://"));
            match file {
                Some(file) => Error::argument(option, format!("{file}: {problems}")),
                None => Error::argument(option, problems),
            }
        }
        Mistake::NoOperations
        | Mistake::NoSecrets
        | Mistake::Label(_)
        | Mistake::Changes(_)
        | Mistake::Secret(_)
        | Mistake::Account { .. }
        | Mistake::Tag(_)
        | Mistake::TagTwice(_)
        | Mistake::Lifetime { .. }
        | Mistake::AllowsNothing
        | Mistake::PrincipalTag(_)
        | Mistake::PrincipalTagTwice(_)
        | Mistake::UserName(_)
        | Mistake::Path(_)
        | Mistake::NoUser
        | Mistake::TooMany(_) => Error::argument(option, mistake),
    }
}

/// The options by the members that they become.
const OPTIONS: [(&str, &str); 6] = [
    ("Label", "--label"),
    ("Operations", "--operations"),
    ("Secrets", "--secrets"),
    ("Tags", "--tags"),
    ("LifetimeSeconds", "--lifetime"),
    ("Policies", "--policy"),
];

#[cfg(test)]
mod tests {
    use std::io;

    use super::super::options::Options;
    use super::super::own::CommandSpec;
    use super::*;
    use crate::cli::request::paramfile::Unreadable;
    use crate::gateway::json::{from_json, to_json};
    use crate::model::shape::Shaped;

    const POLICY: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow",
        "Action":"secretsmanager:Get*","Resource":"*"}}"#;

    fn read(path: &str, _limit: u64) -> Result<Vec<u8>, Unreadable> {
        match path {
            "policy.json" => Ok(POLICY.as_bytes().to_vec()),
            "wrong.json" => Ok(POLICY.replace("\"Resource\"", "\"Resources\"").into_bytes()),
            "cut.json" => Ok(b"{\n\"Version\":\n".to_vec()),
            _ => Err(Unreadable::System(io::Error::from_raw_os_error(2))),
        }
    }

    /// Reads a command line as far as the agent; tells what it would be asked, or the error.
    fn asked(words: &[&str]) -> Result<String, String> {
        let command = CommandSpec::of::<Grant>().command();
        let argv = std::iter::once("grant").chain(words.iter().copied());
        let matches = command.try_get_matches_from(argv).map_err(|error| error.to_string())?;
        let grant = Grant::read(&matches).map_err(|error| error.to_string())?;
        let is_given = |name: &String| {
            matches.value_source(name) == Some(clap::parser::ValueSource::CommandLine)
        };
        let given = Create::names().into_iter().find(is_given);
        let sources = Sources { read: &read, variable: &|_| None, encoding: None };
        match grant.asked(given, None, sources) {
            Ok(Asked::Create { spec, .. }) => {
                // As it goes to the agent, and comes from there.
                let json = to_json(&spec.into_value().unwrap_or(Value::Null));
                let read = from_json(GrantSpec::SHAPE, &json)?;
                let again = GrantSpec::from_value(read).ok().and_then(GrantSpec::into_value);
                assert_eq!(again.map(|again| to_json(&again)).as_ref(), Some(&json));
                Ok(json.to_string())
            }
            Ok(Asked::List) => Ok("list".to_owned()),
            Ok(Asked::Revoke(id)) => Ok(format!("revoke {id}")),
            Err(error) => Err(error.message().to_owned()),
        }
    }

    #[test]
    fn what_the_agent_is_asked() {
        let whole = [
            "create",
            "--operations",
            "Get*",
            "list-secrets",
            "--secrets",
            "app/*",
            "--tags",
            "team=blue",
            "env",
            "--read-only",
            "--lifetime",
            "8h",
            "--policy",
            "file://policy.json",
            "--label",
            "ci",
        ];
        let policy = serde_json::Value::String(POLICY.to_owned());
        let expected = [
            r#"{"Label":"ci","Operations":["Get*","list-secrets"],"Secrets":["app/*"],"#,
            r#""Tags":["team=blue","env"],"ReadOnly":true,"LifetimeSeconds":28800,"Policies":["#,
            &format!("{policy}],"),
            r#""SessionPolicies":[],"PrincipalTags":[]}"#,
        ];
        assert_eq!(asked(&whole), Ok(expected.concat()));
        assert_eq!(asked(&["list"]).as_deref(), Ok("list"));
        assert_eq!(asked(&["revoke", "4f7k2m9p"]).as_deref(), Ok("revoke 4f7k2m9p"));
        assert!(asked(&["create", "--policy", POLICY]).is_ok());
    }

    #[test]
    fn what_cannot_be_granted() {
        let base = ["create", "--operations", "Get*", "--secrets", "app/*"];
        for (more, expected) in [
            (
                &["--operations", "GetSecretVlaue"][..],
                "argument --operations: there is no operation \"GetSecretVlaue\"; did you mean \
                 GetSecretValue?",
            ),
            (&["--operations", "Fly"], "argument --operations: there is no operation \"Fly\""),
            (
                &["--lifetime", "soon"],
                "argument --lifetime: it must be a time such as 90s, 15m, 8h or 1d",
            ),
            (&["--lifetime", "0"], "argument --lifetime: a grant is good for 1 second to 30 days"),
            (
                &["--lifetime", "31d"],
                "argument --lifetime: a grant is good for 1 second to 30 days",
            ),
            (&["--tags", "=x"], "argument --tags: \"=x\" is no tag: it is KEY or KEY=VALUE"),
            (
                &["--policy", "file://none.json"],
                "Error parsing parameter '--policy': Unable to load paramfile file://none.json: \
                 [Errno 2] No such file or directory: 'none.json'",
            ),
            (
                &["--policy", "file://policy.json", "file://wrong.json"],
                "argument --policy: file://wrong.json: statement 1: a statement has no element \
                 `Resources`; statement 1: has neither `Resource` nor `NotResource`",
            ),
            (
                &["--policy", "file://cut.json"],
                "argument --policy: file://cut.json: a policy is JSON: EOF while parsing a value at \
                 line 3 column 0",
            ),
            (
                &["--policy", "fileb://policy.json"],
                "argument --policy: a policy is text: use file://",
            ),
            (
                &["--label", "x y"],
                "argument --label: \"x y\" is no label: it has 2 to 64 letters, digits and \
                 characters of _+=,.@-",
            ),
        ] {
            let words: Vec<&str> = base.iter().chain(more).copied().collect();
            assert_eq!(asked(&words).err().as_deref(), Some(expected), "{more:?}");
        }
        for (words, expected) in [
            (
                &["create"][..],
                "grant create needs --operations, which say what is granted, or --policy",
            ),
            (
                &["create", "--operations", "Get*"],
                "grant create needs --secrets or --tags, which say what it is for, or --policy",
            ),
            (&["list", "4f7k2m9p"], "only grant revoke takes an ID"),
            (&["list", "--read-only"], "argument --read-only: it belongs to grant create"),
            (&["revoke"], "grant revoke needs the ID of the grant, which grant list shows"),
        ] {
            assert_eq!(asked(words).err().as_deref(), Some(expected), "{words:?}");
        }
    }
}
