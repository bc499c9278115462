//! One command line, from words to an exit code.

use std::ffi::OsString;
use std::path::Path;

use super::answer::{self, Answer, Pages as Printed};
use super::environment::Environment;
use super::failure::Failure;
use super::output::error::ErrorFormat;
use super::pages::Paginator;
use super::request::arguments::{self, Arguments, Paging, Parsed, Picking, Signature};
use super::request::build::{self, Built};
use super::request::error as request;
use super::request::error::Form;
use super::request::globals::{self, Command, CommandLine, Names};
use super::request::paramfile::{self, Sources};
use super::stdout::print;
use super::tell::ErrorReporter;
use super::terminal::Lines;
use super::unlock::{self, CommandContext};
use super::{aws, commands, creation, elsewhere, field, help, pager, rotate, suggest, terminal};
use crate::model::case::kebab;
use crate::model::value::Value;
use crate::service::caller::Caller;
use crate::service::dispatch;
use crate::service::operation::{Effect, Entry, Pages};
use crate::service::operations;
use crate::sys::entropy::SystemEntropy;
use crate::sys::{modes, silence};

/// Runs a command line and returns its exit code.
pub(super) fn run(program: &Path, argv: Vec<OsString>, environment: &Environment) -> u8 {
    let is_aws = program.file_name().is_some_and(|name| name == "aws" || name == "awslocal");
    let form = if is_aws { Form::Aws } else { Form::Plain };
    let mut reporter = ErrorReporter { form, format: ErrorFormat::default(), hint: None };
    terminal::is_called(environment.text("TERM"));
    let _restored = silence::Restored;
    let outcome = run_command(argv, environment, &mut reporter);
    terminal::end_silence();
    match outcome {
        Ok(()) => 0,
        Err(failure) => {
            reporter.tell(&failure);
            failure.exit_code()
        }
    }
}

fn run_command(
    argv: Vec<OsString>,
    environment: &Environment,
    reporter: &mut ErrorReporter,
) -> Result<(), Failure> {
    let called_as = reporter.form;
    // Only what is in AWS's form is passed on, and fails at that.
    aws::passing::pass_on(&argv, called_as, environment)
        .inspect_err(|_| reporter.form = Form::Aws)?;
    let words = globals::text(argv)?;
    let operations: Vec<String> = operations::ALL.iter().map(Entry::command).collect();
    let operations: Vec<&str> = operations.iter().map(String::as_str).collect();
    let names = Names { operations: &operations, own: &commands::accepted() };
    // Whatever is wrong with the line is told as the line asks for.
    reporter.form = globals::form(&words, called_as, names);
    reporter.format = error_format(globals::error_format(&words), environment, reporter.form);
    let CommandLine { globals, form, command } = globals::split(&words, called_as, names)?;
    reporter.form = form;
    reporter.format = error_format(globals.error_format.as_deref(), environment, form);
    if globals.no_input {
        terminal::leave_alone();
    }
    let trusts = environment.text("STRONGROOM_TRUST_FILE_MODES").is_some_and(|text| text == "1");
    if globals.trust_file_modes || trusts {
        modes::accept_readers();
    }
    let line = rotate::inside::line(environment);
    match command {
        Command::Own { name, .. } if line.is_some() && !rotate::inside::may_run(&name) => {
            Err(rotate::inside::not_available())
        }
        Command::Identity { .. } | Command::Configure { .. } if line.is_some() => {
            Err(rotate::inside::not_available())
        }
        Command::Version => print(version(form).as_bytes()),
        Command::Help(words) => print(help::text(&words)?.as_bytes()),
        Command::Identity { words } => {
            aws::identity::run(&words, &CommandContext::new(&globals, environment, form)?)
        }
        Command::Configure { name, words } => {
            let context = CommandContext::new(&globals, environment, form)?;
            aws::configure::run(&name, &words, &context)
        }
        Command::Own { name, words } => {
            let context = CommandContext::new(&globals, environment, form)?;
            commands::run(&name, &words, &context)
        }
        Command::Operation { name, words } => {
            let Some(entry) = operations::find(&name) else {
                return Ok(());
            };
            reporter.hint = meant(entry, &words);
            operate(entry, &words, &CommandContext::new(&globals, environment, form)?)
        }
    }
}

/// Reads `--cli-error-format`; in AWS's form its variable too.
fn error_format(asked: Option<&str>, environment: &Environment, form: Form) -> ErrorFormat {
    let configured = match form {
        Form::Aws => environment.text("AWS_CLI_ERROR_FORMAT"),
        Form::Plain => None,
    };
    let name = asked.or(configured);
    name.and_then(ErrorFormat::from_name).unwrap_or_default()
}

/// Carries out one of AWS's operations.
fn operate(
    entry: &'static Entry,
    words: &[String],
    context: &CommandContext<'_>,
) -> Result<(), Failure> {
    let signature = signature(entry);
    answer::read_query(context.globals)?;
    let (words, own) = rotate::take_own(entry, words, context)?;
    let mut arguments = match arguments::parse(&signature, &words)? {
        Parsed::Help => return print(help::text(&[entry.command()])?.as_bytes()),
        Parsed::Call(arguments) => arguments,
    };
    let answer = Answer::new(context, entry.name)?;
    let picked = field::take(&mut arguments, context.globals)?;
    context.check_region()?;
    let arguments = ask_for_value(arguments, entry, context)?;
    let call = match build(&signature, arguments, context)? {
        Built::Text(text) => return print(text.as_bytes()),
        Built::Sample(value) => return answer.print(Printed::One(value)),
        Built::Call(call) => call,
    };
    for warning in &call.notes {
        // AWS's own, which AWS CLI prints to scripts too.
        terminal::report(warning.trim_end());
    }
    let line = rotate::inside::line(context.environment);
    // Nothing that a step may ask for has pages.
    let pages = if line.is_some() { build::Pages::One } else { call.pages };
    let token = call.token;
    let paginator = Paginator::new(entry, build::Call { pages, ..call })?.showing(answer.tokens());
    let failed = |failure| Failure::of_operation(entry.name, failure);
    dispatch::admit(entry, &paginator.request).map_err(failed)?;
    let responses = match (line, own) {
        (Some(line), _) => rotate::inside::respond(&line, entry, &paginator)?,
        (None, Some(own)) => Printed::One(rotate::respond(paginator.request, token, own, context)?),
        (None, None) => respond(entry, paginator, context)?,
    };
    match (responses, picked) {
        (Printed::One(value), Some(wanted)) => print(field::pick(&wanted, &value)?.expose()),
        (responses, _) => pager::print(&answer.rendered(responses)?, context),
    }
}

/// Returns a hint about the first option that the operation does not have.
fn meant(entry: &Entry, words: &[String]) -> Option<String> {
    let members = entry.input.members().iter();
    let known: Vec<String> = members.map(|member| format!("--{}", kebab(member.name))).collect();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let names = words.iter().filter(|word| word.starts_with("--"));
    let unknown = names.map(|word| word.split('=').next().unwrap_or(word)).find(|name| {
        !known
            .iter()
            .any(|known| known.starts_with(name) || known.replacen("--", "--no-", 1) == **name)
    });
    suggest::hint(unknown?, &known)
}

/// Returns what the options of an operation are made of.
pub(crate) fn signature(entry: &'static Entry) -> Signature {
    let paging = match entry.pages {
        Pages::Single => Paging::Manual,
        Pages::Gathered(_) => Paging::Automatic,
    };
    let picking = if entry.holds_value() { Picking::Offered } else { Picking::Absent };
    Signature { input: entry.input.members(), output: entry.output, paging, picking }
}

/// Asks the person for the value, where `--ask` says so.
fn ask_for_value(
    mut arguments: Arguments,
    entry: &Entry,
    context: &CommandContext<'_>,
) -> Result<Arguments, Failure> {
    let globals = context.globals;
    if globals.ask {
        if globals.no_input {
            let message = "--ask needs a terminal to ask at, and --no-input says not to ask: give \
                           the value as file:///dev/stdin";
            return Err(Failure::environment("NoTerminal", message));
        }
        let place = arguments.place_for_secret(entry.input.members())?;
        if !terminal::is_there() {
            let message = "--ask needs a terminal to ask at";
            return Err(Failure::environment("NoTerminal", message)
                .hinted("give the value as file:///dev/stdin instead"));
        }
        // Nobody types a secret for a vault that is not there, or cannot be opened.
        let is_inside = rotate::inside::line(context.environment).is_some();
        if !is_inside && !creation::is_first(entry, context) {
            drop(context.open_locked()?);
        }
        let typed = if globals.multi_line {
            terminal::ask_secret("Secret value, up to Ctrl-D: ", Lines::Many)
        } else {
            terminal::ask_secret("Secret value: ", Lines::Single)
        };
        let typed = typed.map_err(|error| {
            Failure::environment("NoAnswer", format!("a value is needed: {error}"))
        })?;
        arguments.give_secret(place, typed.expose().clone());
    } else if globals.multi_line {
        return Err(request::Error::argument("--multi-line", "it belongs to --ask").into());
    } else if gives_literal_value(&arguments) {
        terminal::note(
            "note: a value on the command line is seen by every process while this one runs, and \
             kept by the shell's history; --ask and file:///dev/stdin are not",
        );
    }
    Ok(arguments)
}

fn gives_literal_value(arguments: &Arguments) -> bool {
    use crate::model::shape::Shape;
    arguments.members.iter().any(|(member, given)| {
        let is_sensitive = matches!(member.shape, Shape::Text(text) if text.sensitive)
            || matches!(member.shape, Shape::Blob(_));
        is_sensitive
            && matches!(given, arguments::Given::Word(word)
                if !word.starts_with("file://") && !word.starts_with("fileb://"))
    })
}

/// Makes a request of the words of a command line.
pub(super) fn build(
    signature: &Signature,
    arguments: Arguments,
    context: &CommandContext<'_>,
) -> Result<Built, Failure> {
    let variable = |name: &str| context.environment.text(name).map(str::to_owned);
    let sources = Sources {
        read: &paramfile::read_file,
        variable: &variable,
        encoding: context.file_encoding(),
    };
    let around = build::BuildOptions {
        no_paginate: context.globals.no_paginate,
        blob_format: context.globals.blob_format,
        sources,
        entropy: &SystemEntropy,
    };
    Ok(build::build(signature, arguments, around)?)
}

/// Obtains the response, or the pages of it.
fn respond(
    entry: &'static Entry,
    paginator: Paginator,
    context: &CommandContext<'_>,
) -> Result<Printed, Failure> {
    let failed = |failure| Failure::of_operation(entry.name, failure);
    if entry.effect == Effect::Nothing {
        let response =
            dispatch::answer(entry, paginator.request, &SystemEntropy).map_err(failed)?;
        return Ok(Printed::One(response));
    }
    let mut vault = if creation::is_first(entry, context) {
        creation::make(context)?
    } else {
        context.unlock_silently(&context.unlock_policy())?
    };
    let id = match paginator.request.get("SecretId") {
        Some(Value::Text(id)) if terminal::is_watched() => Some(id.clone()),
        Some(_) | None => None,
    };
    let printed = paginator.fetch(|request, boundaries| {
        let region = context.region();
        let call = dispatch::Call { entry, request, region, caller: &Caller::Owner, boundaries };
        dispatch::dispatch(&mut vault, call, context.request_context()).map_err(failed)
    });
    let printed = match (printed, id) {
        (Err(failure), Some(id)) => {
            return Err(elsewhere::hinted(failure, &id, &mut vault, context));
        }
        (printed, _) => printed?,
    };
    // Where the operation failed, its error says enough.
    unlock::warn(&vault);
    Ok(printed)
}

/// Returns what `--version` prints: in AWS's form what scripts look for, and who says it.
const fn version(form: Form) -> &'static str {
    match form {
        Form::Aws => {
            concat!("aws-cli/2.36.7 strongroom/", env!("CARGO_PKG_VERSION"), "\n")
        }
        Form::Plain => concat!("strongroom/", env!("CARGO_PKG_VERSION"), "\n"),
    }
}
