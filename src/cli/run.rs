//! One command line, from words to an exit code.

use std::ffi::OsString;
use std::path::Path;

use super::environment::Environment;
use super::failure::Failure;
use super::manual::{MANUAL, help};
use super::operate::Backend;
use super::output::error::ErrorFormat;
use super::request::error::Form;
use super::request::globals::{self, Command, CommandLine, Names};
use super::stdout::print;
use super::tell::{self, ErrorReporter};
use super::unlock::CommandContext;
use super::{agent, aws, chore, commands, operate, private_place, rotate, terminal, welcome};
use crate::service::operation::Entry;
use crate::service::operations;
use crate::sys::{modes, silence};

/// Runs a command line and returns its exit code.
pub(super) fn run(program: &Path, argv: Vec<OsString>, environment: &Environment) -> u8 {
    let is_aws = program.file_name().is_some_and(|name| name == "aws" || name == "awslocal");
    let form = if is_aws { Form::Aws } else { Form::Plain };
    let mut reporter = ErrorReporter { form, format: ErrorFormat::default(), hint: None };
    terminal::is_called(environment.text("TERM"));
    let _restored = silence::Restored;
    if environment.text("STRONGROOM_TRUST_FILE_MODES").is_some_and(|text| text == "1") {
        modes::accept_readers();
    }
    let outcome = if welcome::is_asked_for(&argv, form, environment) {
        welcome::show(environment)
    } else {
        run_command(argv, environment, &mut reporter)
    };
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
    if !matches!(&command, Command::Own { name, .. } if commands::passes_words_on(name)) {
        globals::must_be_text(&words)?;
    }
    reporter.format = error_format(globals.error_format.as_deref(), environment, form);
    if globals.no_input {
        terminal::leave_alone();
    }
    if globals.trust_file_modes {
        modes::accept_readers();
    }
    let inside = rotate::inside::line(environment);
    // What holds for a process that may not do all: a rotation's program, or a grant's holder.
    if inside.is_some() && needs_all(&command, commands::runs_in_rotation) {
        return Err(rotate::inside::not_available());
    }
    // Who he is AWS tells everybody, and in which region whatever he calls is.
    let is_for_all = matches!(command, Command::Identity { .. } | Command::Configure { .. });
    let is_granted = agent::is_granted(environment);
    if is_granted && needs_all(&command, commands::is_of_operations) && !is_for_all {
        return Err(agent::not_granted());
    }
    clear_up_before(&command, environment);
    match command {
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
            commands::run(&name, &words, &context, MANUAL)
        }
        Command::Operation { name, words } => {
            let Some(entry) = operations::find(&name) else {
                return Ok(());
            };
            let context = CommandContext::new(&globals, environment, form)?;
            let backend = Backend::of(inside, &context)?;
            let done = operate::operate(entry, &words, &context, &backend);
            let done = done.inspect_err(|failure| {
                if tell::takes_hint(failure) {
                    reporter.hint = operate::meant(entry, &words);
                }
            });
            done.map_err(|failure| chore::unlock_first(failure, &context))
        }
    }
}

/// Removes what commands have left that were killed, where a person calls one for what it does.
fn clear_up_before(command: &Command, environment: &Environment) {
    let is_of_person = match command {
        Command::Own { name, .. } => commands::is_of_person(name),
        Command::Operation { .. } => true,
        Command::Version
        | Command::Help(_)
        | Command::Identity { .. }
        | Command::Configure { .. } => false,
    };
    if is_of_person {
        private_place::sweep(environment);
    }
}

/// Whether a command is for the owner of a vault alone, as all of our own are but some.
fn needs_all(command: &Command, is_for_others: fn(&str) -> bool) -> bool {
    match command {
        Command::Own { name, .. } => !is_for_others(name),
        Command::Identity { .. } | Command::Configure { .. } => true,
        Command::Version | Command::Help(_) | Command::Operation { .. } => false,
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

/// Returns what `--version` prints: in AWS's form what scripts look for, and who says it.
const fn version(form: Form) -> &'static str {
    match form {
        Form::Aws => {
            concat!("aws-cli/2.36.7 strongroom/", env!("CARGO_PKG_VERSION"), "\n")
        }
        Form::Plain => concat!("strongroom/", env!("CARGO_PKG_VERSION"), "\n"),
    }
}
