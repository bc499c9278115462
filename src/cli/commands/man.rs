//! `man`: prints manual pages, one a command and one for all.

use std::io;

use clap::Command;
use clap_mangen::roff::{Roff, bold, roman};

use super::super::failure::Failure;
use super::super::request::error as request;
use super::super::stdout::print;
use super::options::{Word, options};
use super::own::{Invocation, OwnCommand};
use crate::service::operations;

options! {
    /// The options of `man`.
    pub(super) struct Man {
        /// The command that the page is about; the program if there is none
        command: Option<Word> = "COMMAND",
    }
}

impl OwnCommand for Man {
    const NAME: &'static str = "man";
    const TITLE: &'static str = "Man";
    const SUMMARY: &'static str = "Print a manual page, of a command or of the program.";
    const EXAMPLE: &'static str = "strongroom man get-secret-value | man -l -";
    const LOOKS_AT_STATE: bool = false;

    fn run(self, invocation: &Invocation<'_>) -> Result<(), Failure> {
        let manual = invocation.manual;
        let page = match self.command {
            None => of_program((manual.program)()),
            Some(Word(name)) => {
                let none = || request::Error::usage(format!("there is no command {name}"));
                of_command((manual.command)(&name).ok_or_else(none)?)
            }
        };
        let page = page.map_err(Failure::Output)?;
        print(ascii(&String::from_utf8_lossy(&page)).as_bytes())
    }
}

/// Spells what is not ASCII as every formatter reads it.
fn ascii(page: &str) -> String {
    let mut text = String::with_capacity(page.len());
    for letter in page.chars() {
        if letter.is_ascii() {
            text.push(letter);
        } else {
            text.extend([format!("\\[u{:04X}]", u32::from(letter))]);
        }
    }
    text
}

fn of_program(program: Command) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    manual(program).render(&mut page)?;
    exit_status().to_writer(&mut page)?;
    Ok(page)
}

fn of_command(command: Command) -> io::Result<Vec<u8>> {
    let name = command.get_name().to_owned();
    let example = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let title = format!("strongroom-{name}");
    let command = command.display_name(title).disable_help_flag(true);
    let has_options = command.get_arguments().next().is_some();
    let manual = manual(command);
    let mut page = Vec::new();
    manual.render_title(&mut page)?;
    manual.render_name_section(&mut page)?;
    manual.render_synopsis_section(&mut page)?;
    manual.render_description_section(&mut page)?;
    if has_options {
        manual.render_options_section(&mut page)?;
    }
    let mut rest = Roff::new();
    rest.control("SH", ["EXAMPLE"]).control("nf", []);
    rest.text([roman(example.trim_start_matches("Example:").trim())]).control("fi", []);
    if let Some(entry) = operations::find(&name) {
        let faults: Vec<&str> = entry.faults.iter().map(|code| code.as_str()).collect();
        if !faults.is_empty() {
            rest.control("SH", ["ERRORS"]).text([roman(faults.join(", "))]);
        }
    }
    rest.control("SH", ["SEE ALSO"]);
    rest.text([bold("strongroom"), roman("(1), which has the options of every command")]);
    rest.to_writer(&mut page)?;
    Ok(page)
}

fn manual(command: Command) -> clap_mangen::Man {
    clap_mangen::Man::new(command)
        .source(concat!("strongroom ", env!("CARGO_PKG_VERSION")))
        .manual("Strongroom Manual")
}

fn exit_status() -> Roff {
    let mut section = Roff::new();
    section.control("SH", ["EXIT STATUS"]);
    for (code, meaning) in EXIT_CODES {
        section.control("TP", []).text([bold(*code)]).text([roman(*meaning)]);
    }
    section
}

const EXIT_CODES: &[(&str, &str)] = &[
    ("0", "The command was carried out."),
    (
        "1",
        "For rotate-due: a rotation failed or needs a person. For doctor: something should be put \
         right. For aws configure get: it is not set.",
    ),
    (
        "75",
        "For rotate-due: try again later, as the vault is locked or another rotate-due is at work.",
    ),
    ("130", "It was interrupted."),
    ("141", "The reader of the output closed the pipe."),
    ("252", "The command line is wrong."),
    ("253", "The environment is: no vault, locked and nobody to ask, a wrong passphrase."),
    ("254", "The service refused."),
    ("255", "Anything else: input and output, a damaged vault."),
];
