//! Nothing secret is anywhere but where it was asked for: not in files, not in what other processes
//! see, not in the program's own memory once its work is done (docs/security.md, "Memory").
//!
//! Secrets here are random, so that what is found is one. What the scripts print is watched by
//! `harness::canary`.

mod agent;
mod files;
mod keys;
mod memory;
mod process;
mod randomness;

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use crate::harness::files::write;
use crate::harness::{Sandbox, hex};

/// A vault that a passphrase and a keyfile open, and what is secret about it.
struct LeakFixture {
    sandbox: Sandbox,
    passphrase: String,
    /// The value of the secret `own`, its first version's, and that of `other`.
    current: String,
    previous: String,
    other: String,
    /// What the vault keeps from anyone who has only the file.
    labels: Vec<String>,
}

impl LeakFixture {
    fn new() -> Self {
        let mut sandbox = Sandbox::empty();
        let vault = sandbox.home().join("vault");
        let path = |path: PathBuf| path.to_str().unwrap().to_owned();
        sandbox.environment.insert("STRONGROOM_VAULT".to_owned(), path(vault));
        let fixture = Self {
            passphrase: random(),
            current: long(),
            previous: long(),
            other: long(),
            labels: (0..3).map(|_| random()).collect(),
            sandbox,
        };
        fixture.give("phrase", &fixture.passphrase);
        fixture.done("init --no-recovery --new-passphrase-file phrase --kdf-memory 64");
        fixture.done(
            "key-slot add --kind keyfile --new-keyfile key --passphrase-file phrase --label k",
        );
        let [name, tag, description] = &fixture.labels[..] else { panic!() };
        for (secret, value) in [("own", &fixture.previous), ("other", &fixture.other)] {
            fixture.give("value", value);
            let create = format!("create-secret --name {secret} --secret-string file://value");
            fixture.done(&format!("{create} --keyfile key"));
        }
        fixture.give("value", &fixture.current);
        fixture.done("put-secret-value --secret-id own --secret-string file://value --keyfile key");
        fixture.done(&format!(
            "create-secret --name {name} --description {description} --tags Key={tag},Value={tag} \
             --keyfile key"
        ));
        fixture
    }

    /// Writes a file that only its owner can read.
    fn give(&self, name: &str, content: &str) {
        write(&self.sandbox.work().join(name), content.as_bytes());
    }

    fn done(&self, command: &str) -> String {
        let words: Vec<&str> = command.split_whitespace().collect();
        let outcome = self.sandbox.strongroom(&words);
        assert_eq!(outcome.code, 0, "{command}: {}", outcome.stderr_text());
        outcome.stdout_text()
    }

    fn vault(&self) -> PathBuf {
        self.sandbox.home().join("vault")
    }

    fn keyfile(&self) -> String {
        fs::read_to_string(self.sandbox.work().join("key")).unwrap().trim().to_owned()
    }

    /// All that nobody may find in the vault or beside it.
    fn secrets(&self) -> Vec<Needle> {
        let mut out = Needle::of("the passphrase", self.passphrase.as_bytes());
        out.extend(Needle::of("the keyfile's text", self.keyfile().as_bytes()));
        out.extend(Needle::of("a value", self.current.as_bytes()));
        out.extend(Needle::of("a previous value", self.previous.as_bytes()));
        out.extend(Needle::of("a value of another secret", self.other.as_bytes()));
        out
    }

    fn hidden(&self) -> Vec<Needle> {
        let labels = self.labels.iter();
        labels
            .flat_map(|label| Needle::of("a name, tag or description", label.as_bytes()))
            .collect()
    }
}

/// Something secret, or a part of it, in one of the forms in which it could be left behind.
struct Needle {
    what: &'static str,
    bytes: Vec<u8>,
}

impl Needle {
    /// Cuts a secret, as it is and in base64 and hexadecimal, into pieces that cannot occur by
    /// chance.
    fn of(what: &'static str, secret: &[u8]) -> Vec<Self> {
        let hex = hex(secret);
        let forms = [secret.to_vec(), STANDARD_NO_PAD.encode(secret).into(), hex.into_bytes()];
        let pieces = forms.iter().flat_map(|form| form.chunks_exact(PIECE));
        pieces.map(|piece| Self { what, bytes: piece.to_vec() }).collect()
    }
}

/// Counts in how many places of `bytes` each of the needles is; those that are nowhere are left out.
fn found(needles: &[Needle], bytes: &[u8]) -> Vec<&'static str> {
    let mut by_first: Vec<Vec<&Needle>> = (0..256).map(|_| Vec::new()).collect();
    for needle in needles {
        by_first[usize::from(needle.bytes[0])].push(needle);
    }
    let mut out = Vec::new();
    for (index, byte) in bytes.iter().enumerate() {
        for needle in &by_first[usize::from(*byte)] {
            if bytes[index..].starts_with(&needle.bytes) {
                out.push(needle.what);
            }
        }
    }
    out
}

/// A text nobody else has.
fn random() -> String {
    let mut bytes = [0; 30];
    getrandom::fill(&mut bytes).unwrap();
    bytes
        .iter()
        .map(|byte| char::from(b"abcdefghkmnpqrstuvwxyzABCDEFGHKM"[usize::from(byte % 32)]))
        .collect()
}

/// A value for which buffers have to grow, which is when they leave copies behind.
fn long() -> String {
    (0..400).map(|_| random()).collect()
}

fn all_files(below: &Path) -> Vec<PathBuf> {
    crate::harness::files::files_below(below)
}

const PIECE: usize = 15;

#[test]
fn a_needle_is_found_in_every_form() {
    let secret = b"0123456789abcdef-0123456789";
    let needles = Needle::of("it", secret);
    for form in [
        secret.to_vec(),
        secret[..16].to_vec(),
        STANDARD_NO_PAD.encode(secret).into_bytes(),
        b"x30313233343536373839616263646566".to_vec(),
    ] {
        assert!(!found(&needles, &form).is_empty());
    }
    assert!(found(&needles, b"0123456789abcd").is_empty());
}
