//! `env`: values as variables, for a shell to take over or for a file.

use super::super::assignments::{self, Format, Unfit};
use super::super::everyday::client::Client;
use super::super::failure::Failure;
use super::super::references::reference::{Member, Reference};
use super::super::references::variable;
use super::super::request::error::Error;
use super::super::running::given::{Plan, Wishes};
use super::inject::deliver;
use super::options::{Choice, Words, options};
use super::own::{Invocation, OwnCommand};

options! {
    /// The options of `env`.
    pub(super) struct AsVariables {
        /// NAME=REFERENCE is a variable; a reference to a member is one that is named after it, and any
        /// other one for each member
        references: Words = "REFERENCE",
        /// How they are written; for a shell such as bash or zsh unless given
        format: Option<Format> = "FORMAT",
        /// A variable with a value: NAME=app/db#password
        env: Vec<String> = "NAME=REFERENCE",
        /// A variable for each member of a JSON value, named after it in capitals
        env_from: Vec<String> = "REFERENCE",
        /// What names that are made of members begin with
        prefix: Option<String> = "TEXT",
        /// A file of variables, as in .env; values such as strongroom:app/db#password are references
        env_file: Vec<String> = "FILE",
        /// The file that is written, for its owner alone; the standard output unless given
        out: Option<String> = "FILE"
    }
}

impl Choice for Format {
    const ALL: &'static [(&'static str, Self)] = &[
        ("shell", Self::Shell),
        ("fish", Self::Fish),
        ("powershell", Self::Powershell),
        ("dotenv", Self::Dotenv),
        ("json", Self::Json),
        ("docker", Self::Docker),
        ("systemd", Self::Systemd),
        ("github", Self::Github),
    ];
}

impl OwnCommand for AsVariables {
    const NAME: &'static str = "env";
    const TITLE: &'static str = "Env";
    const SUMMARY: &'static str = "Write values as variables, for a shell or a file.";
    const EXAMPLE: &'static str = "eval \"$(strongroom env PGPASSWORD=example/login#password)\"";
    const IS_OF_OPERATIONS: bool = true;

    fn run(self, invocation: &Invocation<'_>) -> Result<(), Failure> {
        let format = self.format.unwrap_or(Format::Shell);
        let prefix = self.prefix.as_deref().unwrap_or_default();
        let (mut env, mut env_from) = (self.env, self.env_from);
        for word in &self.references.0 {
            match asked(word, prefix)? {
                Asked::Variable(pair) => env.push(pair),
                Asked::Members => env_from.push(word.clone()),
            }
        }
        if env.is_empty() && env_from.is_empty() && self.env_file.is_empty() {
            let what = "the following arguments are required: NAME=REFERENCE or REFERENCE";
            return Err(Error::usage(what).into());
        }
        let plan = Plan::of(&Wishes {
            env_files: &self.env_file,
            env_from: &env_from,
            prefix: self.prefix.as_deref(),
            env: &env,
            files: &[],
            temp_files: &[],
            stdin: None,
        })?;
        let mut client = Client::new(invocation.context)?;
        let given = plan.resolve(&mut client)?;
        drop(client);
        let written = assignments::write(format, &given.variables).map_err(unfit)?;
        deliver(written.expose(), self.out.as_deref(), None)
    }
}

/// What a word of the command line asks for.
enum Asked {
    /// A variable, as `NAME=REFERENCE`.
    Variable(String),
    /// A variable for each member.
    Members,
}

fn asked(word: &str, prefix: &str) -> Result<Asked, Failure> {
    // Names of secrets may have a = as well, behind what no variable's name has, or behind the scheme.
    if word.split_once('=').is_some_and(|(name, _)| assignments::is_identifier(name)) {
        return Ok(Asked::Variable(word.to_owned()));
    }
    let member = match Reference::parse(word)?.member {
        None => return Ok(Asked::Members),
        Some(Member::Name(name)) => name,
        Some(Member::Path(mut steps)) => steps.pop().unwrap_or_default(),
    };
    let name = variable::of_member(prefix, &member);
    if !variable::is_name(&name) || variable::is_powerful(&name) {
        let what = format!("no variable is named after the member {member:?}: write NAME={word}");
        return Err(Error::argument(word, what).into());
    }
    Ok(Asked::Variable(format!("{name}={word}")))
}

/// Says which variable a form cannot hold.
fn unfit(Unfit { name, why }: Unfit) -> Failure {
    Failure::environment("UnfitValue", format!("the variable {name} cannot be written: {why}"))
        .hinted("`strongroom run` gives a program any value, and --format has other forms")
}
