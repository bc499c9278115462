//! Inside a layer no files name each other in a circle: each can be read after those it names.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{Source, Token, sources};

/// Files that may name each other, with the reason.
const EXCEPTIONS: &[(&str, &str)] = &[(
    "src/cli/query",
    "JMESPath's functions evaluate expressions, and expressions call functions",
)];

#[test]
fn no_files_name_each_other_in_a_circle() {
    let found = circles(&sources(&["src"], ".rs"));
    let allowed = |circle: &&Vec<String>| {
        let is_below = |folder: &str| circle.iter().all(|path| path.starts_with(folder));
        !EXCEPTIONS.iter().any(|(folder, _)| is_below(folder))
    };
    let found: Vec<String> =
        found.iter().filter(allowed).map(|circle| circle.join("\n  ")).collect();
    assert!(found.is_empty(), "circles of files:\n  {}", found.join("\n\n  "));
}

#[test]
fn circles_are_found() {
    let file = |path: &str, text: &str| Source { path: path.to_owned(), text: text.to_owned() };
    let check = |files: &[Source], expected: &[&[&str]]| assert_eq!(circles(files), expected);
    let one = file("src/a/one.rs", "use super::two::Two;\nuse crate::a::three;");
    let two = |text: &str| file("src/a/two.rs", text);
    check(&[file("src/a/one.rs", "use super::two::Two;"), two("use crate::a::three;")], &[]);
    check(&[file("src/a/one.rs", "use super::two::Two;"), two("fn f() {}")], &[]);
    let both: &[&[&str]] = &[&["src/a/one.rs", "src/a/two.rs"]];
    check(&[file("src/a/one.rs", "use super::two::Two;"), two("fn f() { super::one::g() }")], both);
    check(
        &[file("src/a/one.rs", "use super::two::Two;"), two("use crate::a::{b, one::One};")],
        both,
    );
    check(
        &[
            file("src/a/one.rs", "use super::two::Two;"),
            two("#[cfg(test)]\nmod tests { use super::super::one::One; }"),
        ],
        &[],
    );
    // A module's own file names its children, so that a child may not name what it defines.
    let parent = |text: &str| file("src/a/mod.rs", text);
    check(
        &[parent("mod two;\nfn f() { two::g() }"), two("use super::f;")],
        &[&["src/a/mod.rs", "src/a/two.rs"]],
    );
    check(&[parent("mod two;\nmod one;"), two("use super::one;"), one], &[both[0]]);
    check(&[parent("mod two;\nstruct S;"), two("use super::S;")], &[]);
    // An imported module, and a path that only says who may look.
    let to_three = file("src/a/b/three.rs", "use crate::a::two;");
    let through = two("use super::b;\nfn f() { b::three::g() }");
    check(
        &[file("src/a/b/mod.rs", "mod three;"), to_three, through],
        &[&["src/a/b/three.rs", "src/a/two.rs"]],
    );
    check(&[parent("mod two;\nfn f() { two::g() }"), two("pub(in crate::a) fn g() {}")], &[]);
}

/// Finds the largest sets of files of which each names all others, directly or through others.
fn circles(files: &[Source]) -> Vec<Vec<String>> {
    let modules: BTreeMap<Vec<String>, &str> = files
        .iter()
        .filter_map(|file| Some((super::layers::module_of(&file.path)?, file.path.as_str())))
        .collect();
    let mut arrows: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (module, path) in &modules {
        let Some(file) = files.iter().find(|file| file.path == *path) else { continue };
        let named = named(&without_tests(&file.tokens()), module);
        let named = named.iter().filter_map(|named| home(named, &modules));
        arrows.insert(path, named.filter(|other| other != path).collect());
    }
    let reached: BTreeMap<&str, BTreeSet<&str>> =
        arrows.keys().map(|path| (*path, reachable(path, &arrows))).collect();
    let mut out: BTreeSet<Vec<String>> = BTreeSet::new();
    for (path, reach) in &reached {
        let circle = reach.iter().filter(|other| reached[*other].contains(path));
        let circle: Vec<String> = circle.map(|path| (*path).to_owned()).collect();
        out.extend((circle.len() > 1).then_some(circle));
    }
    out.into_iter().collect()
}

fn reachable<'a>(from: &str, arrows: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> BTreeSet<&'a str> {
    let mut out = BTreeSet::new();
    let mut open: Vec<&str> = arrows.get(from).into_iter().flatten().copied().collect();
    while let Some(path) = open.pop() {
        if out.insert(path) {
            open.extend(arrows.get(path).into_iter().flatten());
        }
    }
    out
}

/// The file that a path leads to: that of its longest part that is a module.
fn home<'a>(named: &[String], modules: &BTreeMap<Vec<String>, &'a str>) -> Option<&'a str> {
    (1..=named.len()).rev().find_map(|length| modules.get(&named[..length]).copied())
}

/// Leaves out what only tests compile.
fn without_tests(tokens: &[Token]) -> Vec<Token> {
    let texts: Vec<&str> = tokens.iter().map(|token| token.text.as_str()).collect();
    let mut kept = Vec::new();
    let mut index = 0;
    while index < tokens.len() {
        if texts[index..].starts_with(&["#", "[", "cfg", "(", "test", ")", "]"]) {
            index = end_of_item(&texts, index + 7);
        } else {
            kept.push(tokens[index].clone());
            index += 1;
        }
    }
    kept
}

/// Where an item ends that begins here: after its braces, or its semicolon.
fn end_of_item(texts: &[&str], start: usize) -> usize {
    let mut depth = 0_usize;
    for (index, text) in texts.iter().enumerate().skip(start) {
        match *text {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => {
                depth = depth.saturating_sub(1);
                if depth == 0 && *text == "}" {
                    return index + 1;
                }
            }
            ";" if depth == 0 => return index + 1,
            _ => {}
        }
    }
    texts.len()
}

/// The whole paths that a file names within this crate.
fn named(tokens: &[Token], module: &[String]) -> Vec<Vec<String>> {
    let text = |index: usize| tokens.get(index).map_or("", |token| token.text.as_str());
    let children = (0..tokens.len())
        .filter(|index| text(*index) == "mod" && text(index + 2) == ";")
        .map(|index| text(index + 1).to_owned());
    // What a first name leads to: a child, or what was imported.
    let mut known: BTreeMap<String, Vec<String>> =
        children.map(|child| (child.clone(), [module, &[child]].concat())).collect();
    let mut out = Vec::new();
    for index in 0..tokens.len() {
        let begins = index == 0 || text(index - 1) != "::" && text(index - 1) != "in";
        let start = match text(index) {
            "crate" if begins => Vec::new(),
            "self" | "super" if begins && text(index + 1) == "::" => module.to_vec(),
            name if begins && text(index + 1) == "::" => match known.get(name) {
                Some(path) => path[..path.len() - 1].to_vec(),
                None => continue,
            },
            _ => continue,
        };
        let is_import = index > 0 && text(index - 1) == "use";
        let first = out.len();
        paths(tokens, index, start, &mut out);
        if is_import {
            let names = out[first..].iter().filter_map(|path| Some((path.last()?, path)));
            known.extend(names.map(|(name, path)| (name.clone(), path.clone())));
        }
    }
    out
}

/// Follows a path, and each of its branches where it ends in braces; returns where it ended.
fn paths(
    tokens: &[Token],
    mut index: usize,
    mut path: Vec<String>,
    out: &mut Vec<Vec<String>>,
) -> usize {
    let text = |index: usize| tokens.get(index).map_or("", |token| token.text.as_str());
    loop {
        match text(index) {
            "crate" | "self" => {}
            "super" => drop(path.pop()),
            "{" => {
                index += 1;
                while text(index) != "}" && index < tokens.len() {
                    index = paths(tokens, index, path.clone(), out);
                    while ![",", "}", ""].contains(&text(index)) {
                        index += 1;
                    }
                    index += usize::from(text(index) == ",");
                }
                return index + 1;
            }
            name => path.push(name.to_owned()),
        }
        index += 1;
        if text(index) != "::" {
            break;
        }
        index += 1;
    }
    out.push(path);
    index
}
