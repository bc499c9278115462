//! Inside a layer no files name each other in a circle: each can be read after those it names.

use std::collections::{BTreeMap, BTreeSet};

use super::paths;
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

#[test]
fn no_circle_hides() {
    let file = |path: &str, text: &str| Source { path: path.to_owned(), text: text.to_owned() };
    let one = "use super::two::Two;\nmacro_rules! one { () => {} }";
    for two in [
        "fn f() { for x in super::one::all() {} }",
        "use super::one as first;",
        "use super as above;\nfn f() { above::one::g() }",
        "use {crate::a as above};\nfn f() { above::one::g() }",
        "use crate as root;\nfn f() { root::a::one::g() }",
        "use self::super::one;",
        "use super::{self as above};\nfn f() { above::one::g() }",
        "fn f() { above::one::g() }\nuse super as above;",
        "mod inner { use super::super::one::One; }",
        "mod inner { mod more {} }\nuse super::one::One;",
        "struct S { #[cfg(test)] x: u8, y: super::one::One }",
        "enum E { #[cfg(test)] X, Y(super::one::One) }",
        "fn f() { match x { #[cfg(test)] X => {} Y => {}, Z => super::one::g() } }",
        "struct S { x: u8, #[cfg(test)] y: u8 }\nfn f() { super::one::g() }",
        "macro_rules! two { () => { use $crate::a::one::One; } }",
        "fn f<'a>(x: &'a u8) -> impl Fn() + use<'a> { super::one::g() }",
        "one!();",
    ] {
        let files = [file("src/a/one.rs", one), file("src/a/two.rs", two)];
        assert_eq!(circles(&files), [["src/a/one.rs", "src/a/two.rs"]], "{two}");
    }
    for two in [
        "#[cfg(test)]\nfn f<A, B>() { super::one::g() }",
        "#[cfg(test)]\nuse super::one::{A, B};",
        "struct S { #[cfg(test)] x: Vec<super::one::One> }",
        "mod inner { use super::one::One; }",
        "#[cfg(test)]\nmod tests { fn f() { one!() } }",
    ] {
        let files = [file("src/a/one.rs", one), file("src/a/two.rs", two)];
        assert!(circles(&files).is_empty(), "{two}");
    }
}

/// Finds the largest sets of files of which each names all others, directly or through others.
fn circles(files: &[Source]) -> Vec<Vec<String>> {
    let modules: BTreeMap<Vec<String>, &str> = files
        .iter()
        .filter_map(|file| Some((super::layers::module_of(&file.path)?, file.path.as_str())))
        .collect();
    let macros: BTreeMap<String, &str> = files
        .iter()
        .flat_map(|file| defined_macros(file).into_iter().map(|name| (name, file.path.as_str())))
        .collect();
    let mut arrows: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (module, path) in &modules {
        let Some(file) = files.iter().find(|file| file.path == *path) else { continue };
        let tokens = without_tests(&file.tokens());
        let named = paths::named(&tokens, module);
        let named = named.iter().filter_map(|named| home(&named.path, &modules));
        let own = defined_macros(file);
        let foreign = invoked(&tokens).filter(|name| !own.iter().any(|own| own == name));
        let macros = foreign.filter_map(|name| macros.get(name).copied());
        arrows.insert(path, named.chain(macros).filter(|other| other != path).collect());
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

/// The macros that a file defines: they need no path, but a file that invokes one names that file.
fn defined_macros(file: &Source) -> Vec<String> {
    let tokens = file.tokens();
    let names = tokens.windows(3).filter(|three| three[0].text == "macro_rules");
    names.map(|three| three[2].text.clone()).collect()
}

/// The macros that are invoked here.
fn invoked(tokens: &[Token]) -> impl Iterator<Item = &str> {
    tokens.windows(2).filter(|two| two[1].text == "!").map(|two| two[0].text.as_str())
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

/// Where what begins here ends: an item after its braces or its semicolon, a field, a variant or an
/// arm after its comma, or before the end of what it is in.
fn end_of_item(texts: &[&str], start: usize) -> usize {
    const ITEMS: &[&str] =
        &["const", "enum", "fn", "impl", "let", "mod", "static", "struct", "trait", "type", "use"];
    let head = texts[start..].iter().take_while(|text| !["{", ":", ",", ";", "="].contains(text));
    let is_item = head.clone().any(|text| ITEMS.contains(text));
    let mut depth = 0_usize;
    for (index, text) in texts.iter().enumerate().skip(start) {
        match *text {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" if depth == 0 => return index,
            "}" | ")" | "]" => {
                depth -= 1;
                if is_item && depth == 0 && *text == "}" {
                    return index + 1;
                }
            }
            ";" if depth == 0 => return index + 1,
            "," if depth == 0 && !is_item => return index + 1,
            _ => {}
        }
    }
    texts.len()
}
