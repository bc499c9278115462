//! Watches that nothing secret is printed where it must not be, in every command of every script.
//!
//! A credential (keyfile, passphrase file) must not appear in any output at all. A value, or what
//! was typed without echo, may come back on standard output, where somebody may have asked for it,
//! but neither on standard error nor on the terminal. A secret access key is shown once, and then
//! never again. At the end of a script none of them, and no
//! name, tag or description, is in a vault, beside it, or in any file but those that were given.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::files::files_below;
use super::process::Outcome;

/// What a script has given away to the program so far.
#[derive(Default)]
pub(crate) struct Canaries {
    credentials: Vec<Vec<u8>>,
    values: Vec<Vec<u8>>,
    /// What was shown, and is not to be shown again.
    shown_once: Vec<Vec<u8>>,
    labels: Vec<Vec<u8>>,
    given: Vec<PathBuf>,
}

impl Canaries {
    /// Notes the secrets that a command line carries or names.
    pub(crate) fn learn(&mut self, arguments: &[String], directory: &Path) {
        let pairs = arguments.windows(2).map(|pair| (pair[0].as_str(), pair[1].as_str()));
        let joined = arguments.iter().filter_map(|argument| argument.split_once('='));
        for (option, given) in pairs.chain(joined) {
            match option {
                "--secret-string" | "--secret-binary" | "--rotation-token" => {
                    let path = given.strip_prefix("file://").or(given.strip_prefix("fileb://"));
                    let content = path.map(|path| read(&directory.join(path)));
                    let content = content.unwrap_or_else(|| given.as_bytes().to_vec());
                    self.values.extend(needles(&content));
                }
                "--passphrase-file" | "--new-passphrase-file" | "--keyfile" => {
                    self.learn_credential(&directory.join(given));
                }
                "--new-keyfile" => self.given.extend(real(&directory.join(given))),
                "--name" | "--secret-id" | "--description" | "--tags" => {
                    let parts = given.split([',', '=']).map(str::as_bytes);
                    self.labels.extend(parts.filter(|part| is_telling(part)).map(<[u8]>::to_vec));
                }
                _ => {}
            }
        }
    }

    /// Notes a file that unlocks a vault, if it is there.
    pub(crate) fn learn_credential(&mut self, path: &Path) {
        self.given.extend(real(path));
        self.credentials.extend(needles(&read(path)));
    }

    /// Says which file has something secret in the clear: of those in the home and the temporary
    /// directory all but credentials, and every vault in the directory where the script works.
    pub(crate) fn check_files(&self, root: &Path) -> Result<(), String> {
        for file in files_below(root).into_iter().filter(|file| file.is_file()) {
            let content = read(&file);
            let is_ours = ["home", "tmp"].iter().any(|place| file.starts_with(root.join(place)));
            let is_vault = content.starts_with(b"SQLite format 3\0");
            if !(is_ours || is_vault) || self.given.contains(&file) {
                continue;
            }
            let needles = [&self.credentials, &self.values, &self.shown_once, &self.labels];
            if let Some(needle) = needles.into_iter().flatten().find(|it| contains(&content, it)) {
                let shown = String::from_utf8_lossy(needle);
                return Err(format!("{} has {shown:?} in the clear", file.display()));
            }
        }
        Ok(())
    }

    /// Says what an outcome gives away; notes what was typed in it.
    pub(crate) fn check(&mut self, outcome: &Outcome) -> Result<(), String> {
        self.values.extend(outcome.hidden.iter().flat_map(|line| needles(line.as_bytes())));
        let streams: [(&str, &[u8]); 3] = [
            ("stderr", &outcome.stderr),
            ("the terminal", outcome.screen.as_bytes()),
            ("stdout", &outcome.stdout),
        ];
        for (stream, bytes) in streams {
            if self.credentials.iter().any(|needle| contains(bytes, needle)) {
                return Err(format!("{stream} shows a passphrase or key"));
            }
            if self.shown_once.iter().any(|needle| contains(bytes, needle)) {
                return Err(format!("{stream} shows a secret access key again"));
            }
            if stream != "stdout" && self.values.iter().any(|needle| contains(bytes, needle)) {
                return Err(format!("{stream} shows a secret's value"));
            }
        }
        let stdout = outcome.stdout_text();
        let shown = stdout.split("\"SecretAccessKey\": \"").skip(1);
        let shown = shown.filter_map(|rest| rest.split('"').next());
        self.shown_once.extend(shown.flat_map(|key| needles(key.as_bytes())));
        Ok(())
    }
}

/// A file's path without links; none for one that is not there.
fn real(path: &Path) -> Option<PathBuf> {
    path.canonicalize().ok()
}

/// Whether a name cannot be in a vault by chance: not in its random bytes, nor in its schema.
fn is_telling(label: &[u8]) -> bool {
    let schema = include_bytes!("../../src/store/schema.sql");
    label.len() >= 6 && !contains(schema, label)
}

/// The content of a file that may hold a secret; none of one that cannot be read, has no end or is
/// larger than any secret.
fn read(path: &Path) -> Vec<u8> {
    let fits = |file: fs::Metadata| file.is_file() && file.len() <= MAX_BYTES;
    let may = path.metadata().is_ok_and(fits);
    if may { fs::read(path).unwrap_or_default() } else { Vec::new() }
}

const MAX_BYTES: u64 = 1 << 22;

/// A secret in the spellings in which it might leak; none for one too plain to be told from prose.
fn needles(secret: &[u8]) -> Vec<Vec<u8>> {
    let secret = secret.trim_ascii();
    if secret.len() < 7 || secret.iter().all(|b| b.is_ascii_lowercase() || *b == b'-') {
        return Vec::new();
    }
    let mut out = vec![
        secret.to_vec(),
        STANDARD_NO_PAD.encode(secret).into_bytes(),
        secret.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect(),
    ];
    if let Ok(text) = std::str::from_utf8(secret) {
        out.push(serde_json::Value::from(text).to_string().trim_matches('"').as_bytes().to_vec());
    }
    out
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::files::{TempDir, make_dirs, write};

    fn printed(stdout: &str, stderr: &str) -> Outcome {
        Outcome { stdout: stdout.into(), stderr: stderr.into(), ..Outcome::default() }
    }

    #[test]
    fn notices_what_is_given_away() {
        let mut canaries = Canaries::default();
        let arguments = ["create-secret", "--secret-string", "hunter2\"", "--tags=x"];
        canaries.learn(&arguments.map(str::to_owned), Path::new("/nonexistent"));
        for leak in ["it was hunter2\" then", "hunter2\\\"", "aHVudGVyMiI", "68756e7465723222"] {
            assert!(canaries.check(&printed("", leak)).is_err(), "{leak}");
            assert!(canaries.check(&printed(leak, "")).is_ok(), "{leak}");
        }
        assert!(canaries.check(&printed("", "hunter")).is_ok());

        canaries.credentials.extend(needles(b"SRMKEY1-ABC\n"));
        assert!(canaries.check(&printed("the key is SRMKEY1-ABC", "")).is_err());

        let shown = r#"{"SecretAccessKey": "wJalrXUtnFEMI/K7MDENG"}"#;
        assert!(canaries.check(&printed(shown, "")).is_ok());
        assert!(canaries.check(&printed(shown, "")).is_err());

        let typed = Outcome { hidden: vec!["Tr0ub4dor".to_owned()], ..Outcome::default() };
        assert!(canaries.check(&typed).is_ok());
        let echoed = Outcome { screen: "? Tr0ub4dor".to_owned(), ..Outcome::default() };
        assert!(canaries.check(&echoed).is_err());
    }

    #[test]
    fn notices_what_lies_about() {
        let directory = TempDir::below(Path::new(env!("CARGO_TARGET_TMPDIR")));
        let at = |name: &str| directory.path().join(name);
        for place in ["home", "tmp", "work"] {
            make_dirs(&at(place));
        }
        write(&at("home/keyfile"), b"SRMKEY1-ABC");
        let mut canaries = Canaries::default();
        canaries.learn_credential(&at("home/keyfile"));
        let arguments = ["--secret-string", "hunter2!", "--name", "app/payroll", "--tags=Key=k"];
        canaries.learn(&arguments.map(str::to_owned), directory.path());
        write(&at("work/given"), b"hunter2! app/payroll SRMKEY1-ABC");
        assert_eq!(canaries.check_files(directory.path()), Ok(()));
        for (place, content) in [
            ("tmp/x", &b"hunter2!"[..]),
            ("home/y", b"SRMKEY1-ABC"),
            ("home/z-journal", b"app/payroll"),
            ("work/vault", b"SQLite format 3\0 hunter2!"),
        ] {
            write(&at(place), content);
            assert!(canaries.check_files(directory.path()).is_err(), "{place}");
            fs::remove_file(at(place)).unwrap();
        }
    }
}
