//! What files there are, how they begin, how long they are, and where `unsafe` is.

use super::source::{Finding, Source, breaks, hold, rust, sources};
use crate::harness::files::names_in;
use crate::harness::repository;

/// The longest file a reader finishes, its tests not counted.
const LONGEST: usize = 400;

/// How many lines of tests may be at the foot of what they test; more are in a `tests.rs`
/// beside it.
const MAX_FOOT: usize = 150;

/// Where `unsafe` may be, and how often.
const UNSAFE: &[(&str, usize)] = &[
    ("src/main.rs", 1),
    ("src/sys/kernel.rs", 20),
    ("src/sys/key_place.rs", 6),
    ("src/sys/memory.rs", 26),
    ("src/sys/streams.rs", 5),
    ("tests/harness/pty.rs", 1),
];

#[test]
fn the_root_holds_nothing_else() {
    let found = strays(names_in(repository()));
    assert!(found.is_empty(), "at the root of the repository: {found:?}");

    let names = ["Cargo.toml", "src", "target", ".ci", "README.md", "notes.txt", "utils"];
    assert_eq!(strays(names.map(str::to_owned).to_vec()), ["notes.txt", "utils"]);
}

#[test]
fn files_are_named_by_what_they_hold() {
    hold(empty_names, &rust());

    for path in ["src/cli/utils.rs", "src/common/mod.rs", "tests/helpers/x.rs", "src/misc.rs"] {
        breaks(empty_names, path, "", &[1]);
    }
    breaks(empty_names, "src/cli/commons.rs", "", &[]);
}

#[test]
fn files_are_short() {
    hold(too_long, &rust());

    let long = "x\n".repeat(401);
    breaks(too_long, "src/x.rs", &long, &[401]);
    breaks(too_long, "src/x.rs", &"x\n".repeat(400), &[]);
    let tested = format!("{}#[cfg(test)]\nmod tests {{\n{}", "x\n".repeat(400), "y\n".repeat(400));
    breaks(too_long, "src/x.rs", &tested, &[]);
    breaks(too_long, "src/x.rs", &format!("#![cfg(test)]\n{long}"), &[]);
    breaks(too_long, "src/x/tests.rs", &long, &[]);
}

#[test]
fn long_tests_stand_in_a_file_of_their_own() {
    hold(too_many_tests, &sources(&["src"], ".rs"));

    let text =
        |lines| format!("fn f() {{}}\n#[cfg(test)]\nmod tests {{\n{}}}\n", "y\n".repeat(lines));
    breaks(too_many_tests, "src/x.rs", &text(150), &[]);
    breaks(too_many_tests, "src/x.rs", &text(151), &[2]);
    breaks(too_many_tests, "src/x.rs", "#[cfg(test)]\nmod tests;\n", &[]);
}

#[test]
fn modules_say_what_they_hold() {
    hold(no_opening, &rust());

    breaks(no_opening, "src/x.rs", "use a;\n//! late", &[1]);
    breaks(no_opening, "src/x.rs", "", &[1]);
    breaks(no_opening, "src/x.rs", "//! What is here.\n", &[]);
    breaks(no_opening, "src/x/tests.rs", "use super::*;\n", &[]);
}

#[test]
fn unsafe_stands_where_it_is_explained() {
    hold(unsafe_code, &sources(&["src", "tests"], ".rs"));

    breaks(unsafe_code, "src/x.rs", "// unsafe\nunsafe { f() }", &[2]);
    breaks(unsafe_code, "tests/harness/pty.rs", "unsafe {}\nunsafe {}", &[2]);
    breaks(unsafe_code, "tests/harness/pty.rs", "fn f() {}", &[1]);
}

fn strays(names: Vec<String>) -> Vec<String> {
    let known = ["Cargo.lock", "Cargo.toml", "README.md", "docs", "src", "target", "tests"];
    let is_stray = |name: &String| !name.starts_with('.') && !known.contains(&name.as_str());
    names.into_iter().filter(is_stray).collect()
}

fn empty_names(source: &Source) -> Vec<Finding> {
    let stem = source.path.trim_end_matches(".rs");
    let found = stem.split('/').find(|name| ["utils", "helpers", "common", "misc"].contains(name));
    found
        .map(|name| Finding(1, format!("{name} says nothing: split by concept")))
        .into_iter()
        .collect()
}

fn too_long(source: &Source) -> Vec<Finding> {
    let lines: Vec<&str> = source.text.lines().collect();
    let is_test = lines.contains(&"#![cfg(test)]")
        || source.path.ends_with("/tests.rs")
        || source.path.starts_with("src/") && source.path.contains("/tests/");
    let length = foot(&lines).unwrap_or(lines.len());
    let length = if is_test { 0 } else { length };
    let over = length > LONGEST;
    over.then(|| Finding(length, format!("more than {LONGEST} lines"))).into_iter().collect()
}

fn too_many_tests(source: &Source) -> Vec<Finding> {
    let lines: Vec<&str> = source.text.lines().collect();
    let Some(start) = foot(&lines) else { return Vec::new() };
    // Not the three lines around them.
    let is_long = lines.len() - start > MAX_FOOT + 3;
    let finding = Finding(start + 1, format!("more than {MAX_FOOT} lines of tests"));
    is_long.then_some(finding).into_iter().collect()
}

/// Returns where the tests at the foot of a file begin.
fn foot(lines: &[&str]) -> Option<usize> {
    lines.windows(2).position(|pair| pair[0] == "#[cfg(test)]" && pair[1].contains("mod test"))
}

fn no_opening(source: &Source) -> Vec<Finding> {
    // What the tests of a file are about, that file says.
    let opens = source.text.starts_with("//! ") || source.path.ends_with("/tests.rs");
    (!opens).then(|| Finding(1, "does not open with `//! `".to_owned())).into_iter().collect()
}

/// Finds each `unsafe` beyond those the table has, and a file that has fewer.
fn unsafe_code(source: &Source) -> Vec<Finding> {
    let pinned =
        UNSAFE.iter().find(|(path, _)| *path == source.path).map_or(0, |(_, count)| *count);
    let tokens = source.tokens().into_iter().filter(|token| token.text == "unsafe");
    let lines: Vec<usize> = tokens.map(|token| token.line).collect();
    if lines.len() < pinned {
        return vec![Finding(1, format!("has {} unsafe, not {pinned}", lines.len()))];
    }
    let more = lines.into_iter().skip(pinned);
    more.map(|line| Finding(line, "unsafe that tests/tidy/tree.rs does not know".to_owned()))
        .collect()
}
