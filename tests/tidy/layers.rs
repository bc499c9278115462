//! The direction of the arrows: what each layer may name, among our modules and among crates.

use std::collections::BTreeSet;

use super::paths::{self, Named};
use super::source::{Finding, Source, breaks, hold, rust, sources};
use crate::harness::repository;

/// The folders of `src`, top to bottom. A module may name its own layer and those in lower rows;
/// two layers of one row do not name each other.
const LAYERS: &[&[&str]] = &[
    &["workbench"],
    &["cli"],
    &["agent"],
    &["http", "rotation"],
    &["gateway", "transfer"],
    &["service", "upkeep"],
    &["vault", "programs"],
    &["store", "crypto"],
    &["model"],
    &["sys"],
];

/// Each crate we depend on, the one layer that names it, and others only with a reason. An empty
/// list: no code names it, it is there for its features.
const CRATES: &[(&str, &[&str])] = &[
    ("aes", &["crypto"]),
    // `sys::memory` hands Argon2 its blocks.
    ("argon2", &["crypto", "sys"]),
    // Binary values on the command line and on a rotation's socket; paging positions, which are
    // base64 in AWS too; secrets as programs spell them; files in exports.
    (
        "base64",
        &[
            "cli",
            "agent",
            "http",
            "rotation",
            "gateway",
            "transfer",
            "programs",
            "service",
            "workbench",
        ],
    ),
    ("blake2", &["crypto"]),
    ("cbc", &["crypto"]),
    ("chacha20", &["crypto"]),
    ("chacha20poly1305", &["crypto"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
    ("csv_core", &["transfer"]),
    ("diceware_wordlists", &["crypto"]),
    ("getrandom", &["sys"]),
    ("hmac", &["crypto"]),
    ("httparse", &["http"]),
    // Time zones are `cli`'s; the rules of `service` count days in UTC; `transfer` and `http` read and
    // write dates; `workbench` queries answers, which takes a zone.
    ("jiff", &["cli", "http", "transfer", "service", "workbench"]),
    ("libc", &["sys"]),
    ("minicbor", &["vault"]),
    ("miniz_oxide", &["transfer"]),
    ("nix", &["sys"]),
    ("pbkdf2", &["crypto"]),
    ("poly1305", &[]),
    ("qrcodegen", &["cli"]),
    ("quick_xml", &["transfer"]),
    ("rawzip", &["transfer"]),
    ("rayon", &["crypto"]),
    ("rpassword", &["cli"]),
    ("rusqlite", &["store"]),
    // `cli` writes its answers unbuffered, and looks whether more keys come; the tests of `store`
    // limit the size of their files; `programs` starts processes, waits for them and ends them.
    ("rustix", &["sys", "cli", "store", "programs"]),
    ("serde_core", &["service"]),
    // JSON is AWS's format for output, for events and for resource policies alike, and many secrets
    // are JSON.
    (
        "serde_json",
        &[
            "cli",
            "agent",
            "http",
            "rotation",
            "gateway",
            "transfer",
            "programs",
            "service",
            "workbench",
        ],
    ),
    ("sha1", &["crypto"]),
    ("sha2", &["crypto"]),
    ("strongroom_primitives", &["crypto"]),
    ("strsim", &["cli", "service"]),
    ("subtle", &["crypto"]),
    ("unicode_normalization", &["transfer", "crypto"]),
    ("unicode_width", &["cli"]),
    ("uuid", &["sys"]),
    ("yaml_rust2", &["cli", "transfer"]),
    // Keys are wiped where they are made and where they are kept.
    ("zeroize", &["crypto", "sys"]),
    ("zxcvbn", &["crypto"]),
];

#[test]
fn nothing_names_what_stands_above_it() {
    hold(upward_paths, &sources(&["src"], ".rs"));

    let up =
        "use crate::vault::Vault;\n// crate::cli\nfn f() { crate::model::x(); crate::cli::y() }";
    breaks(upward_paths, "src/store/rows.rs", up, &[1, 3]);
    breaks(upward_paths, "src/cli/x.rs", up, &[]);
    breaks(upward_paths, "src/crypto/mod.rs", "use super::store;", &[1]);
    breaks(
        upward_paths,
        "src/crypto/a/b.rs",
        "use super::super::c;\nuse super::super::super::vault;",
        &[2],
    );
    breaks(
        upward_paths,
        "src/store/x.rs",
        "use crate::{\n model::{time, crypto},\n crypto::Key,\n};",
        &[3],
    );
    breaks(
        upward_paths,
        "src/model/x.rs",
        "mod tests {\n use super::super::super::sys;\n use super::super::super::store;\n}\nuse super::super::vault;",
        &[3, 5],
    );
    breaks(
        upward_paths,
        "src/upkeep/x.rs",
        "use crate::service::fault;\nuse crate::Secret;",
        &[1, 2],
    );
    for text in [
        "use crate as root;",
        "use super::super as root;",
        "use super::super::{self as root};",
        "use super::{super::cli, rows};",
        "use self::super::super::cli;",
        "use {super::super::cli};",
        "use super as here;\nuse here::super::cli;",
        "fn f() { for x in crate::cli::y() {} }",
        "extern crate self as strongroom;",
    ] {
        let last = text.lines().count();
        breaks(upward_paths, "src/store/x.rs", text, &[last]);
    }
    breaks(upward_paths, "src/odd/x.rs", "use crate::model;", &[1]);
    breaks(upward_paths, "src/lib.rs", "use crate::cli;", &[]);
    breaks(upward_paths, "src/lib.rs", "extern crate self as strongroom;", &[1]);
}

#[test]
fn a_crate_is_named_in_its_layer_only() {
    hold(stray_crates, &sources(&["src"], ".rs"));

    let text = "use rusqlite::Connection;\nuse rusqlite as sql;\nfn f(x: x::rusqlite::Y) {}\n// rusqlite::Z";
    breaks(stray_crates, "src/vault/x.rs", text, &[1, 2]);
    breaks(stray_crates, "src/store/x.rs", text, &[]);
    breaks(stray_crates, "src/crypto/x.rs", "use poly1305::X;", &[1]);
    let text = "use ::rusqlite::X;\nfn f() { ::rusqlite::y() }\nuse {rusqlite as sql};";
    breaks(stray_crates, "src/vault/x.rs", text, &[1, 2, 3]);
}

#[test]
fn every_crate_has_a_layer() {
    let manifest = std::fs::read_to_string(repository().join("Cargo.toml")).unwrap();
    let named = dependencies(&manifest);
    let known: Vec<String> = CRATES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(named, known, "[dependencies] in Cargo.toml and the table in tests/tidy/layers.rs");

    let manifest = "[dependencies]\n# x = 1\nb-c = \"1\"\na = { version = \"1\" }\n[dev-dependencies]\nd = \"1\"";
    assert_eq!(dependencies(manifest), ["a", "b_c"]);
}

#[test]
fn the_documents_have_the_same_order() {
    let there = |layer: &&str| repository().join("src").join(layer).is_dir();
    let layers: Vec<&str> = LAYERS.iter().copied().flatten().copied().filter(there).collect();
    let map = std::fs::read_to_string(repository().join("src/lib.rs")).unwrap();
    assert_eq!(layers_in(&map, "//! * `"), layers, "the list that src/lib.rs opens with");
    if let Ok(page) = std::fs::read_to_string(repository().join("docs/architecture.md")) {
        assert_eq!(layers_in(&page, "| `"), layers, "the table in docs/architecture.md");
    }

    assert_eq!(layers_in("| `sys/` | x |\n| `none` |\n| `cli` |", "| `"), ["sys", "cli"]);
}

/// Finds paths to a layer that the file's own layer may not name.
fn upward_paths(source: &Source) -> Vec<Finding> {
    let Some(module) = module_of(&source.path) else { return Vec::new() };
    let tokens = source.tokens();
    let renames = tokens.windows(2).filter(|two| two[0].text == "extern" && two[1].text == "crate");
    let renames = renames.map(|two| Finding(two[0].line, "extern crate hides a path".to_owned()));
    let mut out: Vec<Finding> = renames.collect();
    let Some(own) = module.first() else { return out };
    if row_of(own).is_none() {
        return vec![Finding(1, format!("{own} has no row in tests/tidy/layers.rs"))];
    }
    for Named { line, path } in paths::named(&tokens, &module) {
        let target = path.first().map_or("the whole crate", String::as_str);
        let allowed = target == own || row_of(target).is_some_and(|row| Some(row) > row_of(own));
        if !allowed {
            out.push(Finding(line, format!("{own} must not name {target}")));
        }
    }
    out
}

/// Finds crates in layers that are not theirs.
fn stray_crates(source: &Source) -> Vec<Finding> {
    let module = module_of(&source.path).unwrap_or_default();
    let tokens = source.tokens();
    let mut out = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        let Some((name, layers)) = CRATES.iter().find(|(name, _)| *name == token.text) else {
            continue;
        };
        let before = index.checked_sub(1).map_or("", |i| tokens[i].text.as_str());
        let after = tokens.get(index + 1).map_or("", |next| next.text.as_str());
        let is_word = |text: &str| text.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let above = index.checked_sub(2).map_or("", |i| tokens[i].text.as_str());
        let is_first = before != "::" || !is_word(above) || above == "use";
        let is_path = is_first && (["::", "as"].contains(&after) || before == "use");
        let own = module.first().map_or("", String::as_str);
        if is_path && !layers.contains(&own) {
            let home = if layers.is_empty() { "nowhere" } else { layers[0] };
            out.push(Finding(token.line, format!("{name} is to be named in: {home}")));
        }
    }
    out
}

/// The path of the module in a file below `src`, without `mod`; `None` for any other file.
pub(super) fn module_of(path: &str) -> Option<Vec<String>> {
    let path = path.strip_prefix("src/")?.strip_suffix(".rs")?;
    let names = path.split('/').filter(|name| !["mod", "lib", "main"].contains(name));
    Some(names.map(str::to_owned).collect())
}

fn row_of(layer: &str) -> Option<usize> {
    LAYERS.iter().position(|row| row.contains(&layer))
}

fn dependencies(manifest: &str) -> Vec<String> {
    let mut section = "";
    let mut out = BTreeSet::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            section = line;
        } else if let (true, Some((name, _))) =
            (section == "[dependencies]", line.split_once(" = "))
        {
            out.extend((!name.starts_with('#')).then(|| name.replace('-', "_")));
        }
    }
    out.into_iter().collect()
}

/// The layers that a document lists, each on its own line after `opening`.
fn layers_in<'a>(text: &'a str, opening: &str) -> Vec<&'a str> {
    let names =
        text.lines().filter_map(|line| line.strip_prefix(opening)?.split(['`', '/']).next());
    names.filter(|name| row_of(name).is_some()).collect()
}

#[test]
fn rust_sources_are_found() {
    let sources = rust();
    let has = |path: &str| sources.iter().any(|source| source.path == path);
    assert!(has("src/lib.rs") && has("src/sys/clock.rs") && has("tests/tidy/layers.rs"));
}
