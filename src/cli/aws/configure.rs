//! `configure get`, `list` and `set`: what holds here. Nothing is read from or written to AWS's
//! configuration files.

use super::{granted_region, home};
use crate::cli::agent::GRANT;
use crate::cli::failure::Failure;
use crate::cli::location::Named;
use crate::cli::request::argparse::{self, Grammar, Positional};
use crate::cli::request::arguments;
use crate::cli::request::error::Error;
use crate::cli::stdout::print;
use crate::cli::terminal;
use crate::cli::unlock::CommandContext;

/// Not set, as AWS CLI says it.
const UNSET: u8 = 1;
/// The variable of AWS's that names the format of answers.
const OUTPUT: &str = "AWS_DEFAULT_OUTPUT";

/// The profile that is used if none is named.
const DEFAULT: &str = "default";

/// Runs one of the subcommands.
pub(crate) fn run(
    name: &str,
    words: &[String],
    context: &CommandContext<'_>,
) -> Result<(), Failure> {
    match name {
        "get" => {
            let [variable] = take(words, ["varname"])?;
            get(&variable, context)
        }
        "set" => {
            let [variable, _value] = take(words, ["varname", "value"])?;
            terminal::note(&format!(
                "note: {variable} was not set: this aws is Strongroom, which reads no configuration \
                 files; AWS_REGION, AWS_PROFILE and AWS_DEFAULT_OUTPUT count"
            ));
            Ok(())
        }
        "list" => {
            let [] = take(words, [])?;
            list(context)
        }
        _ => print(HELP.as_bytes()),
    }
}

/// Takes as many words as there are names, and no option.
fn take<const N: usize>(words: &[String], names: [&str; N]) -> Result<[String; N], Failure> {
    let grammar = Grammar { flags: Vec::new(), positional: Positional::Optional };
    let sorted = argparse::sort(&grammar, words, &[])?;
    let mut found: Vec<String> = sorted.positional.into_iter().chain(sorted.rest).collect();
    if let Some(missing) = names.get(found.len()..).filter(|missing| !missing.is_empty()) {
        let missing = missing.join(", ");
        let message = format!("the following arguments are required: {missing}");
        return Err(Error::usage(message).into());
    }
    let rest = found.split_off(N);
    let is_option = |word: &String| word.starts_with("--");
    let mut unknown: Vec<String> =
        found.iter().filter(|word| is_option(word)).chain(&rest).cloned().collect();
    if !unknown.is_empty() {
        // One of them may be a key.
        unknown.iter_mut().for_each(arguments::hide_value);
        return Err(Error::unknown_options(&unknown).into());
    }
    found.try_into().map_err(|_other_count| Error::usage("too many words").into())
}

/// Prints one setting; AWS CLI says nothing of one that is not set.
fn get(variable: &str, context: &CommandContext<'_>) -> Result<(), Failure> {
    let profile = context.profile.as_ref().map_or(DEFAULT, |named| &named.value);
    let value = match of_profile(variable, profile) {
        "region" => Some(match context.asked_region() {
            Some(Named { value, .. }) => value.clone(),
            None => match granted_region(context)? {
                Some(region) => region,
                None => home(context)?.region,
            },
        }),
        "output" => context.environment.text(OUTPUT).map(str::to_owned),
        _ => None,
    };
    match value {
        Some(value) => print(format!("{value}\n").as_bytes()),
        None => Err(Failure::Ended(UNSET)),
    }
}

/// Returns the setting that is meant, if it belongs to the profile in use or to `default`: here
/// that is the vault in use, as there is no other file to look in.
fn of_profile<'a>(variable: &'a str, profile: &str) -> &'a str {
    let named = variable.strip_prefix("profile.").and_then(|rest| rest.split_once('.'));
    match named {
        Some((name, setting)) if [profile, DEFAULT].contains(&name) => setting,
        Some(_) => variable,
        None => variable.strip_prefix("default.").unwrap_or(variable),
    }
}

/// Prints what AWS CLI prints: each setting, and where it is from.
fn list(context: &CommandContext<'_>) -> Result<(), Failure> {
    let region = if let Some(named) = context.asked_region() {
        row("region", named)
    } else if let Some(region) = granted_region(context)? {
        line(["region", &region, "env", GRANT])
    } else {
        let home = home(context)?.region;
        let path = context.location()?.path.display();
        line(["region", &home, "vault", &path.to_string()])
    };
    let nothing = |name| line([name, "<not set>", "None", "None"]);
    let profile = context.profile.as_ref();
    let profile = profile.map_or_else(|| nothing("profile"), |named| row("profile", named));
    let head = line(["NAME", "VALUE", "TYPE", "LOCATION"]);
    let keys = nothing("access_key") + &nothing("secret_key");
    print(format!("{head}{profile}{keys}{region}").as_bytes())
}

fn row(name: &str, named: &Named) -> String {
    let kind = if named.by.starts_with("--") { "manual" } else { "env" };
    line([name, &named.value, kind, named.by])
}

fn line([name, value, kind, place]: [&str; 4]) -> String {
    format!("{name:<10} : {value:<24} : {kind:<16} : {place}\n")
}

/// What `help` prints.
pub(crate) const HELP: &str = "\
aws configure get VARNAME
aws configure list
aws configure set VARNAME VALUE

get prints the region in effect, which is the vault's home unless a variable says otherwise, or the
output that AWS_DEFAULT_OUTPUT names; anything else is not set (exit code 1). list shows them, and
where they are from. set is accepted and has no effect: no configuration files are read here.
";
