//! Watches that nothing secret is printed where it must not be, in every command of every script.
//!
//! A credential (keyfile, passphrase file) must not appear in any output at all. A value, or what
//! was typed without echo, may come back on standard output, where somebody may have asked for it,
//! but neither on standard error nor on the terminal.

use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::process::Outcome;

/// What a script has given away to the program so far.
#[derive(Default)]
pub(crate) struct Canaries {
    credentials: Vec<Vec<u8>>,
    values: Vec<Vec<u8>>,
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
                "--passphrase-file" | "--keyfile" => self.learn_credential(&directory.join(given)),
                _ => {}
            }
        }
    }

    /// Notes a file that unlocks a vault, if it is there.
    pub(crate) fn learn_credential(&mut self, path: &Path) {
        self.credentials.extend(needles(&read(path)));
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
            if stream != "stdout" && self.values.iter().any(|needle| contains(bytes, needle)) {
                return Err(format!("{stream} shows a secret's value"));
            }
        }
        Ok(())
    }
}

/// The content of a file that may hold a secret; none of one that cannot be read, has no end or is
/// larger than any secret.
fn read(path: &Path) -> Vec<u8> {
    let fits = |file: fs::Metadata| file.is_file() && file.len() <= MOST_BYTES;
    let may = path.metadata().is_ok_and(fits);
    if may { fs::read(path).unwrap_or_default() } else { Vec::new() }
}

const MOST_BYTES: u64 = 1 << 17;

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

        let typed = Outcome { hidden: vec!["Tr0ub4dor".to_owned()], ..Outcome::default() };
        assert!(canaries.check(&typed).is_ok());
        let echoed = Outcome { screen: "? Tr0ub4dor".to_owned(), ..Outcome::default() };
        assert!(canaries.check(&echoed).is_err());
    }
}
