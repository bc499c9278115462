//! `docs/commands.md`, made from the declarations, and the test that holds the page to them.
//!
//! Compiled for tests only: `UPDATE=1 cargo test reference` writes the page anew.

use clap::builder::Str;
use clap::{Arg, Command};

use super::super::commands;
use super::{help, operation, tree};
use crate::model::case::kebab;
use crate::model::shape::{Member, Shape};
use crate::service::operation::Entry;
use crate::service::operations;

/// Returns the page.
fn page() -> String {
    let mut page = String::from(OPENING);
    page.push_str("\n## Options of every command\n\n```text");
    page.push_str(&tree::global_options());
    page.push_str("```\n");
    for (title, group) in help::GROUPS {
        page.extend(["\n## ", title, "\n"]);
        let of_group = operations::ALL.iter().filter(|entry| entry.group == *group);
        page.extend(of_group.map(of_operation));
    }
    page.push_str("\n## The vault\n");
    for (name, _) in commands::summaries() {
        page.extend(commands::command(&name).map(|command| own(&command)));
    }
    page
}

fn of_operation(entry: &Entry) -> String {
    let mut section = head(&entry.command(), entry.summary, entry.example);
    for argument in operation::command(entry).get_arguments() {
        section.push_str(&option(argument));
        let is_meant = |member: &&Member| kebab(member.name) == argument.get_id().as_str();
        let member = entry.input.members().iter().find(is_meant);
        section.extend(member.map(|member| members(inner(member.shape), 1)));
    }
    let answer = members(entry.output.members(), 0);
    if !answer.is_empty() {
        section.extend(["\nAnswer:\n\n", &answer]);
    }
    let faults: Vec<String> = entry.faults.iter().map(|code| format!("`{code}`")).collect();
    if !faults.is_empty() {
        section.extend(["\nErrors: ", &faults.join(", "), ".\n"]);
    }
    section
}

fn own(command: &Command) -> String {
    let example = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let example = example.trim_start_matches("Example:").trim();
    let summary = command.get_about().map(ToString::to_string).unwrap_or_default();
    let mut section = head(command.get_name(), &summary, example);
    section.extend(command.get_arguments().map(option));
    section
}

fn head(name: &str, summary: &str, example: &str) -> String {
    format!("\n### {name}\n\n{summary}\n\n```sh\n{example}\n```\n\n")
}

/// One line about an option or a word.
fn option(argument: &Arg) -> String {
    let values: Vec<&str> =
        argument.get_value_names().unwrap_or_default().iter().map(Str::as_str).collect();
    let takes_value = argument.get_action().takes_values();
    let value = if takes_value { values.join(" ") } else { String::new() };
    let usage = match argument.get_long() {
        Some(long) if value.is_empty() => format!("--{long}"),
        Some(long) => format!("--{long} {value}"),
        None => value,
    };
    let required = if argument.is_required_set() { " (required)" } else { "" };
    let about = argument.get_help().map(ToString::to_string).unwrap_or_default();
    let choices: Vec<String> = argument
        .get_possible_values()
        .iter()
        .filter(|_| takes_value && !argument.is_hide_possible_values_set())
        .map(|value| format!("`{}`", value.get_name()))
        .collect();
    let choices = match choices.as_slice() {
        [] => String::new(),
        choices => format!(" One of {}.", choices.join(", ")),
    };
    format!("- `{usage}`{required}: {}{choices}\n", sentence(&about))
}

/// A list of members, and of theirs below them.
fn members(members: &[Member], depth: usize) -> String {
    let mut list = String::new();
    for member in members {
        let about = sentence(&operation::describe(member));
        list.push_str(&"  ".repeat(depth));
        list.extend(["- `", member.name, "`: ", &about, "\n"]);
        list.push_str(&self::members(inner(member.shape), depth + 1));
    }
    list
}

/// The members of a structure, or of a list's elements.
fn inner(shape: &'static Shape) -> &'static [Member] {
    match shape {
        Shape::List(list) => inner(list.element),
        Shape::Map(element) => inner(element),
        Shape::Structure(members) => members,
        Shape::Text(_) | Shape::Integer(_) | Shape::Boolean | Shape::Blob(_) | Shape::Timestamp => {
            &[]
        }
    }
}

/// Ends a text with a full stop and puts its limits in code: patterns are full of Markdown.
fn sentence(text: &str) -> String {
    let (text, limits) = match text.split_once(" [") {
        Some((text, limits)) if limits.ends_with(']') => (text, format!(" `[{limits}`")),
        _ => (text, String::new()),
    };
    let stop = if text.is_empty() || text.ends_with(['.', '?', '!']) { "" } else { "." };
    format!("{text}{stop}{limits}")
}

const OPENING: &str = "# Commands

Made from the declarations in the source, as `strongroom help COMMAND` is; do not edit it:
`UPDATE=1 cargo test reference` writes it anew. What differs from AWS is in
[compatibility.md](compatibility.md).

Every operation may also answer with `ValidationException`, for a value outside the limits in
brackets. Options that hold a list take any number of words; lists and structures may be given in
AWS's shorthand or as JSON.
";

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;
    use std::path::Path;

    use super::super::super::environment::Environment;
    use super::*;

    #[test]
    fn the_reference_is_what_the_declarations_say() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/commands.md");
        let page = page();
        let written = fs::read_to_string(&path).unwrap_or_default();
        if page == written {
            return;
        }
        let is_update = Environment::of_process().text("UPDATE").is_some();
        assert!(is_update, "docs/commands.md is out of date; UPDATE=1 writes it anew");
        fs::File::create(&path).unwrap().write_all(page.as_bytes()).unwrap();
    }

    #[test]
    fn every_command_has_a_section() {
        let page = page();
        let names = operations::ALL.iter().map(Entry::command);
        for name in names.chain(commands::NAMES.iter().map(|&name| name.to_owned())) {
            assert_eq!(page.matches(&format!("\n### {name}\n")).count(), 1, "{name}");
        }
    }

    /// The options that every operation has.
    const COMMON: [&str; 3] = ["cli-input-json", "cli-input-yaml", "generate-cli-skeleton"];

    /// The rows of the table of options: operation and option, and what is said of it.
    fn rows() -> Vec<(String, String)> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/compatibility.md");
        let page = fs::read_to_string(path).unwrap();
        let mut rows = Vec::new();
        for line in page.lines() {
            let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
            let [operation, options, said] = cells[..] else { continue };
            let Some(operation) = operation.strip_prefix('`') else { continue };
            if !options.starts_with("`--") {
                continue;
            }
            let operation = operation.trim_end_matches('`');
            for option in options.split_whitespace() {
                rows.push((format!("{operation} {}", option.trim_matches('`')), said.to_owned()));
            }
        }
        rows
    }

    #[test]
    fn every_option_is_compared_with_aws() {
        let declared = operations::ALL.iter().flat_map(|entry| {
            let command = operation::command(entry);
            let options: Vec<String> =
                command.get_arguments().filter_map(Arg::get_long).map(str::to_owned).collect();
            let own = options.into_iter().filter(|option| !COMMON.contains(&option.as_str()));
            own.map(|option| format!("{} --{option}", entry.command())).collect::<Vec<_>>()
        });
        let mut declared: Vec<String> = declared.collect();
        declared.sort();
        let rows = rows();
        let mut told: Vec<String> = rows.iter().map(|(row, _)| row.clone()).collect();
        told.sort();
        let missing: Vec<&String> = declared.iter().filter(|row| !told.contains(row)).collect();
        assert!(missing.is_empty(), "docs/compatibility.md has no row for {missing:?}");
        assert_eq!(told, declared, "docs/compatibility.md and the declarations");
        for (row, said) in &rows {
            let verdicts = ["same", "differs: ", "no meaning here: ", "ours: "];
            assert!(verdicts.iter().any(|verdict| said.starts_with(verdict)), "{row}: {said}");
        }
        let mut operations: Vec<&str> =
            rows.iter().filter_map(|(row, _)| row.split(' ').next()).collect();
        operations.dedup();
        let declared: Vec<String> = operations::ALL.iter().map(Entry::command).collect();
        assert_eq!(operations, declared, "the order in docs/compatibility.md");
    }

    #[test]
    fn texts_become_sentences() {
        for (text, expected) in [
            ("Print it", "Print it."),
            ("Print it.", "Print it."),
            ("A region [1 to 128 characters]", "A region. `[1 to 128 characters]`"),
            ("A region. [pattern ^[a-z]$]", "A region. `[pattern ^[a-z]$]`"),
            ("Hours [1 to 2, pattern [0-9]+]", "Hours. `[1 to 2, pattern [0-9]+]`"),
        ] {
            assert_eq!(sentence(text), expected);
        }
    }
}
