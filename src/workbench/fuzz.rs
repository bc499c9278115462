//! The fuzz targets: what becomes of bytes that somebody else chose. Each must come back, without a
//! panic and without more memory than the bytes are worth; what it answers does not matter, unless
//! the target says so.
//!
//! `tests/fuzz` runs them under libFuzzer; the tests below run the corpus that is kept there, and
//! some thousand mutations of it that are the same every time.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::value::RawValue;

use crate::cli::commands;
use crate::cli::query::Query;
use crate::cli::references::dotenv;
use crate::cli::references::reference::Reference;
use crate::cli::request::arguments::{self, Parsed};
use crate::cli::request::build::{self, BuildOptions, Built};
use crate::cli::request::error::Form;
use crate::cli::request::globals::options::BlobFormat;
use crate::cli::request::globals::{self, Command, Names};
use crate::cli::request::paramfile::{Sources, Unreadable};
use crate::cli::request::{fit, foreign, json, shorthand as reader, yaml};
use crate::cli::templates::filled::{Filling, filled};
use crate::cli::templates::syntax::Syntax;
use crate::cli::templates::text::{self, Piece};
use crate::cli::{operate, pages};
use crate::crypto::header::Header;
use crate::crypto::kdf::CostLimit;
use crate::crypto::keyfile::Keyfile;
use crate::crypto::recovery::RecoveryCode;
use crate::crypto::slot::{Credential, SlotBody};
use crate::model::time::Timestamp;
use crate::service::action::Action;
use crate::service::operation::Entry;
use crate::service::rules::paging;
use crate::service::rules::policy::principal::Identity;
use crate::service::rules::policy::request::{Request, Resource};
use crate::service::rules::policy::verdict::{self, Attached, Bearing, Kind};
use crate::service::rules::policy::{findings, parse};
use crate::service::rules::schedule::{Asked, Rules};
use crate::service::{dispatch, operations};
use crate::store::Mode;
use crate::sys::entropy::SystemEntropy;
use crate::sys::secret::Secret;
use crate::transfer::formats as exports;
use crate::transfer::item::Content;
use crate::transfer::reading::{Source, Wishes};
use crate::transfer::shape::Shape;
use crate::vault::audit::Event;
use crate::vault::checkpoint::Checkpoint;
use crate::vault::record::Record;
use crate::vault::state::State;
use crate::vault::transaction::{Access, RequestContext};
use crate::vault::{self, LockedVault, OnDamagedSlot, OnRollback, Origin, UnlockPolicy};
pub use crate::workbench::agent::agent_messages;
pub use crate::workbench::boxes::sealed_values;
pub use crate::workbench::canonical::requests as canonical_requests;
pub use crate::workbench::http::http_connections;
use crate::workbench::scratch::write_scratch;

/// A fuzz target.
pub type Target = fn(&[u8]);

/// All of them, by the names that their corpora have.
pub const TARGETS: &[(&str, Target)] = &[
    ("agent", agent_messages),
    ("argv", argv),
    ("boxes", sealed_values),
    ("canonical", canonical_requests),
    ("cli-input-json", cli_input_json),
    ("cli-input-yaml", cli_input_yaml),
    ("formats", formats),
    ("http", http_connections),
    ("import", import),
    ("paging", paging_tokens),
    ("policy", policy),
    ("query", query),
    ("references", references),
    ("schedule", schedule),
    ("shorthand", shorthand),
    ("templates", templates),
    ("vault", vault_file),
];

/// A word in the shorthand syntax, for each option of each operation.
pub fn shorthand(bytes: &[u8]) {
    let Ok(word) = std::str::from_utf8(bytes) else { return };
    with_sources(|sources| {
        let Ok(value) = reader::parse("--option", word, sources) else { return };
        for member in operations::ALL.iter().flat_map(|entry| entry.input.members()) {
            // The same value for every shape there is, also for those it does not fit.
            let _refused = fit::fit(&mut value.clone(), member.shape);
        }
    });
}

/// A request as a JSON document, by way of every operation.
pub fn cli_input_json(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if json::parse(text).is_ok() {
        for entry in operations::ALL {
            call(entry, &["--cli-input-json".to_owned(), text.to_owned()]);
        }
    }
}

/// A request as a YAML document, by way of every operation.
pub fn cli_input_yaml(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if yaml::parse(text).is_ok() {
        for entry in operations::ALL {
            call(entry, &["--cli-input-yaml".to_owned(), text.to_owned()]);
        }
    }
}

/// A whole command line, a word a line, as far as it goes before a vault is looked for.
pub fn argv(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let words: Vec<String> = text.split('\n').map(str::to_owned).collect();
    let names: Vec<String> = operations::ALL.iter().map(Entry::command).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let names = Names { operations: &names, own: commands::NAMES };
    for form in [Form::Plain, Form::Aws] {
        let _foreign = foreign::foreign(&words, form);
        let Ok(line) = globals::split(&words, form, names) else { continue };
        if let Some(expression) = &line.globals.query {
            query(expression.as_bytes());
        }
        match line.command {
            Command::Operation { name, words } => {
                if let Some(entry) = operations::find(&name) {
                    call(entry, &words);
                }
            }
            Command::Own { name, words } => {
                let Some(own) = commands::command(&name) else { continue };
                let argv = std::iter::once(name).chain(words);
                let _wrong = own.try_get_matches_from(argv);
            }
            Command::Identity { .. }
            | Command::Configure { .. }
            | Command::Version
            | Command::Help(_) => {}
        }
    }
}

/// A policy, of a resource or an identity: what is wrong with it, and what it says of some requests in
/// the place of each policy that bears on them.
pub fn policy(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-a1b2c3";
    let tags = [("team".to_owned(), "Ünïcode".to_owned())];
    for caller in ["arn:aws:iam::123456789012:root", "arn:aws:sts::210987654321:assumed-role/a/b"] {
        let Some(caller) = Identity::read(caller) else { continue };
        let secret = Resource {
            arn,
            tags: &tags,
            primary_region: Some("eu-west-1"),
            rotation_lambda_arn: None,
            secret_type: None,
        };
        let asked = Request::new(caller, Action::GetSecretValue, Timestamp(1_700_000_000_123));
        let request = asked.on(&secret);
        let _refused = findings::validate(text, &request);
        for policy in [parse::parse(text), parse::parse_of_identity(text)].into_iter().flatten() {
            let one = std::slice::from_ref(&policy);
            let (resource, identity) = (Attached::Policy(&policy), Some(one));
            let boundary = Some(&policy);
            let bearing = Bearing { resource, lets_in: true, identity, boundary, session: one };
            let requests = std::slice::from_ref(&request);
            let _verdict = verdict::judge(requests, &bearing);
            let _misses = verdict::misses(requests, &bearing, Kind::Identity);
            let _depends = policy.minds_tag("team");
        }
    }
}

/// What a token of a page says, sealed or not, and how the command line reads one.
pub fn paging_tokens(bytes: &[u8]) {
    let fingerprint = bytes.get(1..).and_then(<[u8]>::first_chunk).copied().unwrap_or_default();
    let _refused = paging::decode(bytes, &fingerprint);
    let Ok(token) = std::str::from_utf8(bytes) else { return };
    for name in ["list-secrets", "list-secret-version-ids", "batch-get-secret-value"] {
        let Some(entry) = operations::find(name) else { continue };
        let id = ["--secret-id".to_owned(), "a".to_owned()];
        let id = if name == "list-secret-version-ids" { &id[..] } else { &[] };
        for option in ["--starting-token", "--next-token"] {
            let words = [option.to_owned(), token.to_owned()];
            call(entry, &[&words[..], id].concat());
        }
    }
}

/// A rotation schedule, and when it opens windows. One that opens never closes before it opened.
pub fn schedule(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (expression, duration) = text.split_once('\n').map_or((text, None), |(e, d)| (e, Some(d)));
    let asked = Asked { schedule_expression: Some(expression), duration, ..Asked::default() };
    let Ok(Some(rules)) = Rules::new(&asked) else { return };
    for base in [i64::MIN, -1, 0, 951_782_400_000, 1_700_000_000_123, i64::MAX] {
        let base = Timestamp(base);
        let windows = [rules.next_window(base), rules.first_window(base)];
        let later = [1, 3_600_000, 40_000_000_000].map(|ms| Timestamp(base.0.saturating_add(ms)));
        let windows = windows.into_iter().chain(later.map(|now| rules.window_at(base, now)));
        for window in windows {
            assert!(window.opens <= window.closes, "{expression:?} at {}", base.0);
            let _date = window.next_rotation_date();
        }
        let _days = rules.automatically_after_days(base);
    }
}

/// A `--query`, on an answer as answers are.
pub fn query(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(query) = Query::parse(text) else { return };
    for entry in operations::ALL {
        let answer = crate::cli::request::skeleton::sample(entry.output);
        let _failed = query.apply(&answer, &jiff::tz::TimeZone::UTC);
    }
}

/// A reference; and a file of variables, whose values may be references.
pub fn references(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(reference) = Reference::parse(text) {
        assert_eq!(reference.given, text);
    }
    for variable in dotenv::parse(text).unwrap_or_default() {
        assert!(!variable.name.is_empty());
        let value = variable.value.as_ref().map(Secret::expose);
        let _reference = value.and_then(|value| Reference::find(value));
    }
}

/// A value and, after a NUL, a template: it is filled, in each syntax, with that value everywhere. In
/// JSON it is JSON then. The template is read as a file of variables, too.
pub fn templates(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (value, template) = text.split_once('\0').unwrap_or(("x\": '\n", text));
    let _malformed = dotenv::parse(template);
    let Ok(pieces) = text::parse(template) else { return };
    let mut fillings = Vec::new();
    for piece in &pieces {
        let Piece::Slot(slot) = piece else { continue };
        let value = Secret::new(value.as_bytes().to_vec());
        let Ok(written) = slot.escape.write(value.expose()) else { return };
        fillings.push(Filling { value, written });
    }
    for syntax in
        [Syntax::Any, Syntax::Json, Syntax::Yaml, Syntax::Toml, Syntax::Env, Syntax::Properties]
    {
        if syntax.check(&pieces, &fillings).is_ok() && syntax == Syntax::Json {
            let filled = filled(&pieces, &fillings);
            assert!(serde_json::from_str::<&RawValue>(filled.expose()).is_ok(), "{template:?}");
        }
    }
}

/// What is inside the sealed boxes and next to them; the first byte says which.
pub fn formats(bytes: &[u8]) {
    let Some((which, bytes)) = bytes.split_first() else { return };
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    match which % 8 {
        0 => drop(Header::decode(bytes).map(|header| assert_eq!(header.encode(), bytes))),
        1 => drop(SlotBody::decode(bytes).map(|body| assert_eq!(body.as_bytes(), bytes))),
        2 => drop(State::decode(bytes).map(|state| state.map(|state| state.encode()))),
        3 => drop(Record::decode(1, bytes).map(|record| record.encode())),
        4 => drop(Event::decode(bytes)),
        5 => drop(Keyfile::parse(bytes)),
        6 => drop(RecoveryCode::parse(text)),
        _ => drop(Checkpoint::parse(text)),
    }
}

/// An export of another program, by way of every format, also of those that it is not.
pub fn import(bytes: &[u8]) {
    let Ok(shape) = Shape::of(Source::Bytes(Secret::new(bytes.to_vec()))) else { return };
    let _known = exports::recognise(&shape);
    // Without a password, which would take its time on purpose.
    let wishes = Wishes::default();
    for format in exports::Format::names().filter_map(exports::Format::named) {
        let Ok(reading) = exports::read(format, &shape, &wishes) else { continue };
        for item in &reading.items {
            let earlier = item.history.iter().map(|earlier| &earlier.content);
            for content in std::iter::once(&item.content).chain(earlier) {
                if let Content::Login(login) = content {
                    drop(login.to_json());
                }
            }
        }
        for remark in &reading.remarks {
            drop(remark.origin.to_string());
        }
    }
}

/// A vault that somebody changed: the whole file, or changes of a sound one (`offset`, 3 bytes;
/// `length`, 1 byte; as many bytes to put there).
///
/// Whatever it is, opening it answers with what was put into it or with an error.
pub fn vault_file(bytes: &[u8]) {
    let content = if bytes.starts_with(b"SQLite format 3") {
        bytes.to_vec()
    } else {
        patched(GOLDEN.to_vec(), bytes)
    };
    let Ok(path) = write_scratch(&content) else { return };
    let sound = read_all(&path);
    drop(std::fs::remove_file(&path));
    let journal = PathBuf::from(format!("{}-journal", path.display()));
    drop(std::fs::remove_file(journal));
    if let Ok(values) = sound {
        assert_eq!(values, GOLDEN_VALUES, "an altered vault answers otherwise");
    }
}

/// Reads every value there is, and checks everything; the number of values and of their bytes.
fn read_all(path: &Path) -> Result<(usize, usize), vault::Error> {
    let locked = LockedVault::open(path, Mode::ReadWrite)?;
    let credential = Credential::Keyfile(Keyfile::parse(GOLDEN_KEYFILE)?);
    let (_slot, master) = locked.try_credential(&credential, CostLimit::Ordinary)?;
    let policy = UnlockPolicy {
        anchors: None,
        on_rollback: OnRollback::Refuse,
        on_damaged_slot: OnDamagedSlot::Refuse,
    };
    let mut vault = locked.unlock(&master, &policy)?;
    let origin = Origin::default();
    let context = RequestContext {
        now: Timestamp(1_700_000_000_123),
        entropy: &SystemEntropy,
        origin: &origin,
    };
    let transaction = vault.begin(Access::Read, context)?;
    let _findings = transaction.check(&mut |_progress| {})?;
    transaction.events(|_number, _event| Ok(()))?;
    let mut read = (0, 0);
    transaction.each(|record| {
        for version in &record.versions {
            if let Some(value) = transaction.value(&record, version)? {
                read.0 += 1;
                read.1 += value.expose_bytes().len();
            }
        }
        Ok(())
    })?;
    Ok(read)
}

/// Applies changes to a file.
fn patched(mut content: Vec<u8>, mut changes: &[u8]) -> Vec<u8> {
    while let [high, middle, low, length, rest @ ..] = changes {
        let offset = usize::from(*high) << 16 | usize::from(*middle) << 8 | usize::from(*low);
        let (new, after) = rest.split_at(usize::from(*length).min(rest.len()));
        for (index, byte) in (offset..).zip(new) {
            if let Some(place) = content.get_mut(index) {
                *place = *byte;
            }
        }
        changes = after;
    }
    content
}

/// Goes with an operation's words as far as a vault is not needed.
fn call(entry: &'static Entry, words: &[String]) {
    let signature = operate::signature(entry);
    let Ok(Parsed::Call(arguments)) = arguments::parse(&signature, words) else { return };
    with_sources(|sources| {
        let around = BuildOptions {
            no_paginate: false,
            blob_format: BlobFormat::Base64,
            sources,
            entropy: &SystemEntropy,
        };
        let Ok(Built::Call(call)) = build::build(&signature, arguments, around) else { return };
        let _refused = dispatch::admit(entry, &call.request);
        let _refused = pages::Paginator::new(entry, call);
    });
}

/// No file is there, and no variable.
fn with_sources(use_them: impl FnOnce(Sources<'_>)) {
    let none = |_path: &str, _limit: u64| {
        Err(Unreadable::System(io::Error::from(io::ErrorKind::NotFound)))
    };
    let unset = |_name: &str| None;
    use_them(Sources { read: &none, variable: &unset, encoding: None });
}

/// A vault of format 1, and what opens it.
const GOLDEN: &[u8] = include_bytes!("../../tests/format/v1/keyfile.vault");
const GOLDEN_KEYFILE: &[u8] = b"SRMKEY1-XW2EKC7A067JRP0XSDS1QVAS2NM4TMMNCS9D8A9VAHQAERWRTNWWYWJ6H8";
/// How many values that vault has, and of how many bytes.
const GOLDEN_VALUES: (usize, usize) = (8, 65_856);

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::workbench::mutate::Mutator;

    /// Runs a target on its corpus, then on mutations of it, the same whenever it is run.
    fn run(name: &str, mutations: usize) {
        let (_, target) = TARGETS.iter().find(|(known, _)| *known == name).unwrap();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(name);
        let mut paths: Vec<PathBuf> =
            fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        let corpus: Vec<Vec<u8>> = paths.iter().map(|path| fs::read(path).unwrap()).collect();
        assert!(!corpus.is_empty(), "{}", folder.display());
        for (path, bytes) in paths.iter().zip(&corpus) {
            println!("{}", path.display());
            target(bytes);
        }
        let mut mutator = Mutator::new(name, &corpus);
        for _ in 0..mutations {
            let bytes = mutator.next();
            // Shown if it fails.
            println!("{}", bytes.escape_ascii());
            target(&bytes);
        }
    }

    macro_rules! targets {
        ($($name:ident: $folder:literal, $mutations:literal;)*) => {
            $(
                #[test]
                fn $name() {
                    run($folder, $mutations);
                }
            )*

            #[test]
            fn every_target_is_run() {
                let names: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
                assert_eq!(names, [$($folder),*]);
            }
        };
    }

    targets! {
        messages_to_the_agent: "agent", 150;
        command_lines: "argv", 5000;
        values_in_boxes: "boxes", 60;
        signed_requests: "canonical", 3000;
        json_documents: "cli-input-json", 3000;
        yaml_documents: "cli-input-yaml", 3000;
        sealed_contents: "formats", 20000;
        connections_to_the_endpoint: "http", 5000;
        exports: "import", 2000;
        tokens_of_pages: "paging", 3000;
        policies: "policy", 5000;
        queries: "query", 5000;
        references_and_variables: "references", 20000;
        schedules: "schedule", 5000;
        shorthand_words: "shorthand", 5000;
        texts_with_references: "templates", 3000;
        vault_files: "vault", 150;
    }
}
