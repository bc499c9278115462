//! What the program is made of: which crates, under which licences, with what switched on.
//!
//! Asks `cargo tree` of the host's platform, offline. `.cargo/deny.toml` says the same to
//! cargo-deny, which also knows advisories.

use std::collections::BTreeMap;
use std::process::Command;

use crate::harness::repository;
use crate::tidy::source::{Source, rust};

/// The licences whose terms we keep.
const LICENCES: &[&str] =
    &["Apache-2.0", "BSD-3-Clause", "BlueOak-1.0.0", "MIT", "Unicode-3.0", "Zlib"];

/// Crates that must not come in, not even to build with: compile time (derives), a network, a
/// second runtime.
const BANNED: &[&str] = &["openssl-sys", "proc-macro2", "quote", "syn", "tokio"];

/// How many crates there may be; each is looked at before it comes in.
const MOST: usize = 104;

/// Crates that the program is required to use: each is there and does its work.
const ORDERED: &[&str] =
    &["argon2", "chacha20poly1305", "clap", "rpassword", "rusqlite", "serde_json", "zeroize"];

/// What handles keys or passphrases, and must wipe what it leaves (docs/security.md, "Memory").
const WIPED: &[&str] = &[
    "aes",
    "argon2",
    "blake2",
    "block-buffer",
    "cbc",
    "chacha20",
    "chacha20poly1305",
    "cipher",
    "digest",
    "hmac",
    "poly1305",
    "sha1",
    "sha2",
];

#[derive(Clone, Debug)]
struct Crate {
    name: String,
    version: String,
    licence: String,
    features: Vec<String>,
}

#[test]
fn what_touches_keys_wipes_them() {
    assert_eq!(unwiped(&shipped()), Vec::<String>::new());

    let without = |name: &str| shipped().into_iter().filter(|c| c.name != name).collect::<Vec<_>>();
    assert_eq!(unwiped(&without("sha2")), ["sha2"]);
    let mut crates = shipped();
    crates.iter_mut().find(|c| c.name == "poly1305").unwrap().features.clear();
    assert_eq!(unwiped(&crates), ["poly1305"]);
}

/// rpassword had been replaced by a prompt of our own, which left the terminal without echo and cut
/// off what was pasted.
#[test]
fn what_was_ordered_is_used() {
    let shipped = shipped();
    let sources = rust();
    let is_used = |name: &&&str| {
        let is_there = shipped.iter().any(|c| c.name == **name);
        // Outside of tests, and not only for its features.
        let is_in = |source: &Source| {
            let code = source.text.split("#[cfg(test)]").next().unwrap_or_default();
            let mut lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
            let is_other = |c: char| !c.is_alphanumeric() && c != '_' && c != ':';
            let path = format!("{name}::");
            lines.any(|line| line.split(is_other).any(|word| word.starts_with(&path)))
        };
        is_there && sources.iter().any(|source| source.path.starts_with("src/") && is_in(source))
    };
    let unused: Vec<&&str> = ORDERED.iter().filter(|name| !is_used(name)).collect();
    assert_eq!(unused, Vec::<&&str>::new());
    assert!(!is_used(&&"poly1305") && !is_used(&&"termion"));
}

#[test]
fn licences_are_known() {
    let crates = shipped().into_iter().filter(|c| !is_acceptable(&c.licence));
    let refused: Vec<String> = crates.map(|c| format!("{}: {}", c.name, c.licence)).collect();
    assert_eq!(refused, Vec::<String>::new());

    for (licence, acceptable) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("MIT/GPL-3.0", true),
        ("Unlicense OR MIT", true),
        ("(MIT OR GPL-3.0) AND Unicode-3.0", true),
        ("(MIT OR Apache-2.0) AND GPL-3.0", false),
        ("Apache-2.0 WITH LLVM-exception", false),
        ("", false),
    ] {
        assert_eq!(is_acceptable(licence), acceptable, "{licence}");
    }
}

#[test]
fn each_crate_is_there_once_and_wanted() {
    let crates = shipped();
    assert_eq!(twice(&crates), Vec::<String>::new());
    assert_eq!(banned(&crates), Vec::<String>::new());
    assert!(crates.len() <= MOST, "{} crates", crates.len());

    let named = |name: &str, version: &str| Crate {
        name: name.to_owned(),
        version: version.to_owned(),
        licence: String::new(),
        features: Vec::new(),
    };
    let some = [named("a", "v1"), named("syn", "v2"), named("a", "v2"), named("a", "v2")];
    assert_eq!(twice(&some), ["a"]);
    assert_eq!(banned(&some), ["syn"]);
}

#[test]
fn every_source_is_the_registry() {
    let lock = std::fs::read_to_string(repository().join("Cargo.lock")).unwrap();
    assert_eq!(foreign_sources(&lock), Vec::<&str>::new());

    let lock = "source = \"git+https://example.com/x\"\nname = \"x\"\n\
                source = \"registry+https://github.com/rust-lang/crates.io-index\"";
    assert_eq!(foreign_sources(lock), ["source = \"git+https://example.com/x\""]);
}

/// The lock file of the fuzz targets once lacked two crates: nothing else reads it.
#[test]
fn the_fuzz_targets_are_locked_alike() {
    let lock = std::fs::read_to_string(repository().join("tests/fuzz/Cargo.lock")).unwrap();
    let locked = |krate: &Crate| {
        let version = krate.version.trim_start_matches('v');
        lock.contains(&format!("name = \"{}\"\nversion = \"{version}\"\n", krate.name))
    };
    let shipped = shipped();
    let missing: Vec<&Crate> = shipped.iter().filter(|krate| !locked(krate)).collect();
    assert!(missing.is_empty(), "`cargo update` in tests/fuzz: {missing:?}");
}

#[test]
fn cargo_deny_is_told_the_same() {
    let policy = std::fs::read_to_string(repository().join(".cargo/deny.toml")).unwrap();
    assert_eq!(listed(&policy, "allow"), LICENCES);
    assert_eq!(listed(&policy, "deny"), BANNED);
}

/// What a release is built from: every crate that is linked in or helps to build.
fn shipped() -> Vec<Crate> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--offline", "-e", "normal,build", "--prefix", "none"])
        .args(["--no-dedupe", "--format", "{p}|{l}|{f}"])
        .current_dir(repository())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // The same crate may be listed twice, once for the build scripts with fewer features.
    let mut crates = BTreeMap::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let mut fields = line.split('|');
        let mut field = || fields.next().unwrap_or_default();
        let (package, licence, features) = (field(), field(), field());
        let mut words = package.split(' ').map(str::to_owned);
        let (name, version) = (words.next().unwrap(), words.next().unwrap());
        let key = (name.clone(), version.clone());
        let features = features.split(',').map(str::to_owned);
        let known = crates.entry(key).or_insert_with(|| Crate {
            name,
            version,
            licence: licence.to_owned(),
            features: Vec::new(),
        });
        known.features.extend(features);
    }
    assert!(crates.len() > WIPED.len(), "cargo tree printed nothing");
    crates.into_values().collect()
}

fn unwiped(crates: &[Crate]) -> Vec<String> {
    let is_wiped = |name: &str| {
        let mut named = crates.iter().filter(|c| c.name == name).peekable();
        named.peek().is_some() && named.all(|c| c.features.iter().any(|f| f == "zeroize"))
    };
    WIPED.iter().filter(|name| !is_wiped(name)).map(|name| (*name).to_owned()).collect()
}

fn twice(crates: &[Crate]) -> Vec<String> {
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for one in crates {
        let known = versions.entry(&one.name).or_default();
        if !known.contains(&one.version.as_str()) {
            known.push(&one.version);
        }
    }
    let several = versions.into_iter().filter(|(_, versions)| versions.len() > 1);
    several.map(|(name, _)| name.to_owned()).collect()
}

fn banned(crates: &[Crate]) -> Vec<String> {
    let names = crates.iter().map(|c| c.name.clone());
    names.filter(|name| BANNED.contains(&name.as_str())).collect()
}

/// Whether an SPDX expression (or the older `A/B`) lets us choose licences we know.
fn is_acceptable(licence: &str) -> bool {
    let licence = licence.replace('/', " OR ");
    let all = split(&licence, " AND ");
    if all.len() > 1 {
        return all.into_iter().all(is_acceptable);
    }
    let any = split(&licence, " OR ");
    if any.len() > 1 {
        return any.into_iter().any(is_acceptable);
    }
    let inner = licence.trim().strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    match inner {
        Some(inner) => is_acceptable(inner),
        None => LICENCES.contains(&licence.trim()),
    }
}

/// Splits at a word that is outside all brackets.
fn split<'a>(text: &'a str, word: &str) -> Vec<&'a str> {
    let mut start = 0;
    let mut out = Vec::new();
    for (index, _) in text.match_indices(word) {
        let (before, _) = text.split_at(index);
        if before.matches('(').count() == before.matches(')').count() {
            out.extend(text.get(start..index));
            start = index + word.len();
        }
    }
    out.extend(text.get(start..));
    out
}

fn foreign_sources(lock: &str) -> Vec<&str> {
    let registry = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
    lock.lines().filter(|line| line.starts_with("source = ") && *line != registry).collect()
}

/// The texts of a list in deny.toml, one on each line.
fn listed(policy: &str, name: &str) -> Vec<String> {
    let lines = policy.lines().skip_while(|line| *line != format!("{name} = [")).skip(1);
    let entries = lines.take_while(|line| *line != "]");
    entries.filter_map(|line| line.split('"').nth(1)).map(str::to_owned).collect()
}
