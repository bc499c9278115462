//! The fuzz target for what is said at the agent's socket, by the owner of a vault, by the holder of a
//! grant and by somebody with neither. Each is answered with what it is meant to get, and the vault
//! is sound afterwards.

use std::io::{self, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;

use crate::agent::limits::Limits;
use crate::agent::long_work::Said;
use crate::agent::messages::{Ask, Reads, Refused, Reply, Unlock, VERSION};
use crate::agent::trial::Trial;
use crate::crypto::keys::VaultKey;
use crate::gateway::frames::Framing;
use crate::gateway::json::{to_json, untagged};
use crate::sys::secret::Secret;
use crate::workbench::readers::{EXPLAIN, read_elsewhere};
use crate::workbench::scratch::write_scratch;
use crate::workbench::system::{System, is_sound, template};

/// What is said to an agent that has a vault unlocked and has granted somebody the reading of one
/// secret. A message a line, in which `@owner@` and the like stand for what only the agent gives out;
/// `+` and a number lets so many milliseconds pass. Where the first byte is `r`, what follows goes
/// over the socket as it is.
///
/// # Panics
/// If somebody gets what he is not meant to.
pub fn agent_messages(bytes: &[u8]) {
    let Some((template, key)) = template() else { return };
    let Ok(path) = write_scratch(template) else { return };
    if let [b'r', raw @ ..] = bytes {
        Talk::begin(&path, key, |talk| talk.stream(raw));
    } else {
        Talk::begin(&path, key, |talk| {
            for line in bytes.split(|byte| *byte == b'\n') {
                talk.line(line);
            }
        });
    }
    // What was said may have made another file of it, or none; what is there is sound.
    let sound = is_sound(&path, key);
    drop(std::fs::remove_file(&path));
    drop(std::fs::remove_file(format!("{}-journal", path.display())));
    assert!(sound, "the vault is damaged");
}

/// What an agent and somebody say to each other.
struct Talk<'a> {
    agent: Trial<'a>,
    system: &'a System,
    path: &'a Path,
    key: &'a [u8; 32],
    /// The agent's end, and the other.
    ends: (UnixStream, UnixStream),
    /// The owner's token, and whether the vault is unlocked.
    owner: String,
    is_open: bool,
    /// The first grant's token and id, and whether it is good.
    grant: String,
    id: String,
    is_granted: bool,
    /// The tokens of later grants.
    later: Vec<String>,
    /// The token of the last grant, and of the last page.
    newest: String,
    next: String,
    /// When the vault and the grant end at the latest.
    ends_ms: i64,
    /// How many requests were carried out.
    carried_out: usize,
    /// Whether the input knows what it can only know from the vault.
    knows: bool,
}

/// Who says something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Owner,
    /// Of the first grant.
    Holder,
    /// Of a later grant.
    Another,
    /// Who has none of these tokens.
    Nobody,
}

impl<'a> Talk<'a> {
    fn begin(path: &'a Path, key: &'a [u8; 32], talk: impl FnOnce(&mut Talk<'_>)) {
        let system = System::default();
        let Ok(ends) = UnixStream::pair() else { return };
        let agent = Trial::new(&system, EXPLAIN);
        let nothing = String::new;
        let mut it = Talk {
            agent,
            system: &system,
            path,
            key,
            ends,
            owner: nothing(),
            is_open: false,
            grant: nothing(),
            is_granted: false,
            id: nothing(),
            later: Vec::new(),
            newest: nothing(),
            next: nothing(),
            ends_ms: 0,
            carried_out: 0,
            knows: false,
        };
        let unlock = Unlock {
            path: path.to_owned(),
            key: VaultKey::of(key),
            limits: Limits { idle_ms: LIFETIME_MS, age_ms: LIFETIME_MS },
            anchors: None,
            reads: Reads::Batched,
            login: None,
            serve: None,
        };
        it.say(Ask::Unlock(unlock).write().expose());
        assert!(it.is_open, "the vault is not unlocked");
        it.line(FIRST_GRANT.as_bytes());
        it.grant.clone_from(&it.newest);
        it.is_granted = true;
        assert!(!it.newest.is_empty() && !it.id.is_empty(), "nothing is granted");
        talk(&mut it);
        it.say(Ask::Lock { vault: None }.write().expose());
    }

    /// Says what a line says.
    fn line(&mut self, line: &[u8]) {
        if let [b'+', ms @ ..] = line {
            let ms = std::str::from_utf8(ms).ok().and_then(|ms| ms.parse::<u32>().ok());
            self.system.passed_ms.fetch_add(i64::from(ms.unwrap_or(0)), Ordering::Relaxed);
            self.agent.attend();
            return;
        }
        let message = self.spliced(line);
        self.say(&message);
    }

    /// Puts what the words stand for in their places.
    fn spliced(&self, line: &[u8]) -> Vec<u8> {
        let path = STANDARD.encode(self.path.as_os_str().as_encoded_bytes());
        let key = STANDARD.encode(self.key);
        let words: [(&str, &str); 8] = [
            ("@owner@", &self.owner),
            ("@grant@", &self.grant),
            ("@id@", &self.id),
            ("@newest@", &self.newest),
            ("@next@", &self.next),
            ("@key@", &key),
            ("@path@", &path),
            ("@version@", VERSION),
        ];
        let mut out = Vec::with_capacity(line.len());
        let mut rest = line;
        while let [first, after @ ..] = rest {
            let word = words.iter().find(|(word, _)| rest.starts_with(word.as_bytes()));
            if let Some((word, meant)) = word {
                out.extend_from_slice(meant.as_bytes());
                rest = rest.get(word.len()..).unwrap_or_default();
            } else {
                out.push(*first);
                rest = after;
            }
        }
        out
    }

    /// Sends a message, and looks at what is answered.
    fn say(&mut self, message: &[u8]) {
        let message = message.get(..MOST_AT_ONCE).unwrap_or(message);
        let sent = Framing::Frame.write(&self.ends.1, message, PATIENCE);
        assert!(sent.is_ok(), "the message is not sent");
        let heard = Trial::next(&self.ends.0).ok().flatten();
        assert!(heard.is_some_and(|heard| heard.expose() == message), "it is heard otherwise");
        self.hear(message);
    }

    /// Sends bytes as they are, which end with the stream, and has what is in them answered.
    fn stream(&mut self, raw: &[u8]) {
        let raw = raw.get(..MOST_AT_ONCE).unwrap_or(raw);
        let Ok((ours, theirs)) = UnixStream::pair() else { return };
        let sent = (&theirs).write_all(raw).and_then(|()| theirs.shutdown(Shutdown::Write));
        assert!(sent.is_ok(), "the bytes are not sent");
        loop {
            match Trial::next(&ours) {
                Ok(Some(message)) => {
                    assert!(message.expose().len() <= raw.len(), "more is heard than was said");
                    self.hear(message.expose());
                }
                Ok(None) => return,
                Err(error) => {
                    let is_cut = error.kind() == io::ErrorKind::UnexpectedEof;
                    let is_long = error.kind() == io::ErrorKind::InvalidData;
                    assert!(is_cut || is_long, "{error}");
                    return;
                }
            }
        }
    }

    /// Has a message answered that the agent has read.
    fn hear(&mut self, message: &[u8]) {
        read_elsewhere(message);
        self.knows |= contains(message, SECRET);
        let ask = Ask::read(message).ok();
        if let Some(ask) = &ask {
            let written = ask.write();
            let again = Ask::read(written.expose()).map(|again| again.write());
            assert!(
                again.is_ok_and(|again| again.expose() == written.expose()),
                "a request is read otherwise than it was written"
            );
        }
        // It would be written where it says, and listened there.
        if let Some(Ask::Unlock(unlock)) = &ask
            && (unlock.anchors.is_some() || unlock.serve.is_some())
        {
            return;
        }
        let who = self.who(ask.as_ref());
        let answer = self.agent.answer(&self.ends.0, message);
        assert!(answer.is_some(), "there is no answer");
        let Some(answer) = answer.as_ref().map(Secret::expose) else { return };
        assert!(answer.len() <= MOST_ANSWERED, "an answer of {} bytes", answer.len());
        if answer.len() <= MOST_AT_ONCE {
            let taken = Framing::Frame.write(&self.ends.0, answer, PATIENCE).and_then(|()| {
                Framing::Frame.read(&self.ends.1, Instant::now() + PATIENCE, MOST_AT_ONCE)
            });
            let taken = taken.ok().flatten();
            assert!(taken.is_some_and(|taken| taken.expose() == answer), "the answer is not taken");
        }
        assert!(Said::read(answer).is_none(), "an answer is taken for something else");
        let reply = Reply::read(answer);
        assert!(reply.is_some(), "that is no reply");
        let Some(reply) = reply else { return };
        assert!(
            self.knows || matches!(who, Who::Owner | Who::Another) || !contains(answer, SECRET),
            "{who:?} reads what is not granted"
        );
        self.carried_out += usize::from(reply.outcome.is_ok());
        self.judge(who, ask.as_ref(), &reply);
        self.learn(ask.as_ref(), reply);
    }

    /// Says whose token a request has.
    fn who(&self, ask: Option<&Ask>) -> Who {
        let Some(token) = ask.and_then(token_of) else { return Who::Nobody };
        if self.is_open && self.owner == token {
            Who::Owner
        } else if self.is_granted && self.grant == token {
            Who::Holder
        } else if self.later.iter().any(|later| later == token) {
            Who::Another
        } else {
            Who::Nobody
        }
    }

    /// Asserts that who asks gets no more than is meant for him.
    fn judge(&self, who: Who, ask: Option<&Ask>, reply: &Reply) {
        let now_ms = self.system.passed_ms.load(Ordering::Relaxed);
        let is_over = now_ms >= self.ends_ms;
        let has_token = ask.and_then(token_of).is_some();
        match (ask, &reply.outcome) {
            (None, outcome) => assert!(
                matches!(outcome, Err(Refused::Malformed(_) | Refused::Version(_))),
                "what is no request is answered {outcome:?}"
            ),
            (Some(Ask::Unlock(unlock)), outcome) => assert!(
                unlock.key.expose() == self.key && unlock.path == self.path || outcome.is_err(),
                "a vault is unlocked without its key"
            ),
            (_, Ok(_)) if has_token => {
                assert!(!is_over, "{who:?} is answered when the time is over");
                assert!(self.is_open, "{who:?} is answered when the vault is locked");
            }
            _ => {}
        }
        let (Some(ask), true) = (ask, has_token) else { return };
        let is_call = matches!(ask, Ask::Call { .. });
        match (who, &reply.outcome) {
            (Who::Owner, _) => {}
            // Who he is everybody is told who is somebody.
            (Who::Holder | Who::Another, Ok(_)) if matches!(ask, Ask::Identity { .. }) => {}
            (Who::Holder, Ok(answer)) => assert!(
                now_ms < LIFETIME_MS && is_granted(ask, answer),
                "who holds a grant is answered {answer}"
            ),
            // Nothing more is known here of later grants.
            (Who::Holder | Who::Another, _) if is_call => {}
            // Some is refused before anybody looks whose token it is.
            (Who::Holder | Who::Another | Who::Nobody, outcome) => assert!(
                matches!(outcome, Err(Refused::Locked(_) | Refused::Malformed(_))),
                "{who:?} is answered {outcome:?}"
            ),
        }
    }

    /// Remembers what the agent gives out and takes back.
    fn learn(&mut self, ask: Option<&Ask>, reply: Reply) {
        let now_ms = self.system.passed_ms.load(Ordering::Relaxed);
        let text =
            |json: &Json, name: &str| json.get(name).and_then(Json::as_str).map(str::to_owned);
        let Ok(answer) = reply.outcome else { return };
        match ask {
            Some(Ask::Unlock(unlock)) => {
                let token = text(&answer, "token").unwrap_or_default();
                if !self.is_open || token != self.owner {
                    self.is_granted = false;
                    self.later.clear();
                }
                (self.owner, self.is_open) = (token, true);
                self.ends_ms = now_ms.saturating_add(unlock.limits.age_ms);
            }
            Some(Ask::Lock { vault }) if vault.as_deref().is_none_or(|at| at == self.path) => {
                (self.is_open, self.is_granted) = (false, false);
            }
            Some(Ask::Grant { .. }) => {
                self.newest = text(&answer, "token").unwrap_or_default();
                self.later.push(self.newest.clone());
                if self.id.is_empty() {
                    self.later.clear();
                    let id = answer.get("grant").and_then(untagged);
                    let id = id.as_ref().and_then(|grant| grant.get("Id")).map(to_json);
                    id.as_ref().and_then(Json::as_str).unwrap_or("").clone_into(&mut self.id);
                }
            }
            Some(Ask::Revoke { id, .. }) if *id == self.id => self.is_granted = false,
            Some(Ask::Call { .. }) => {
                let answer = answer.get("answer").unwrap_or(&Json::Null);
                self.next = text(answer, "NextToken").unwrap_or_default();
            }
            _ => {}
        }
    }
}

/// Whether the first grant allows what was asked and answered.
fn is_granted(ask: &Ask, answer: &Json) -> bool {
    let Ask::Call { operation, .. } = ask else { return false };
    let arn = answer.get("answer").and_then(|answer| answer.get("ARN")).and_then(Json::as_str);
    GRANTED.contains(&operation.as_str()) && arn.is_some_and(|arn| arn.contains(ITS_ARN))
}

/// Returns the token of a request that has one.
fn token_of(ask: &Ask) -> Option<&str> {
    match ask {
        Ask::Call { token, .. }
        | Ask::Identity { token, .. }
        | Ask::Elsewhere { token, .. }
        | Ask::Do { token, .. }
        | Ask::Peer { token, .. }
        | Ask::Serve { token, .. }
        | Ask::Grant { token, .. }
        | Ask::Grants { token }
        | Ask::Revoke { token, .. } => Some(token.expose()),
        Ask::Check(check) => Some(check.token.expose()),
        Ask::Rotate(rotate) => Some(rotate.token.expose()),
        Ask::Unlock(_) | Ask::Lock { .. } | Ask::Status => None,
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// What the first grant is of.
const FIRST_GRANT: &str = r#"{"version":"@version@","do":"grant","token":"@owner@","spec":{"SessionPolicies":[],"PrincipalTags":[],"Operations":["GetSecretValue","DescribeSecret"],"Secrets":["plain"],"Tags":[],"Policies":[],"ReadOnly":true,"LifetimeSeconds":3600}}"#;
const GRANTED: [&str; 2] = ["GetSecretValue", "DescribeSecret"];
const ITS_ARN: &str = ":local-1:000000000000:secret:plain-";
/// What only those may read to whom it was not granted.
const SECRET: &[u8] = b"the value of local-1/full";
/// How long the vault and the first grant are good for.
const LIFETIME_MS: i64 = 3_600_000;
/// What fits into a socket at once, in bytes.
const MOST_AT_ONCE: usize = 1 << 16;
/// More than what is in the vault and what was said could make, in bytes.
const MOST_ANSWERED: usize = 1 << 20;
/// Longer than a message on a pair of sockets takes.
const PATIENCE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// If the requests were refused, nothing would be tried.
    #[test]
    fn what_the_corpus_asks_is_carried_out() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus/agent");
        let (template, key) = template().unwrap();
        for (name, expected) in [
            ("batch", 1),
            ("chore-checkpoint", 1),
            ("chore-configure", 2),
            ("chore-events", 2),
            ("chore-offer", 4),
            ("chore-purge", 2),
            ("chore-status", 2),
            ("create", 4),
            ("elsewhere", 1),
            ("grant", 4),
            ("grant-misused", 0),
            ("granted", 2),
            ("grants", 1),
            ("identity", 2),
            ("list", 4),
            ("lock", 2),
            ("lock-of-another-version", 1),
            ("no-token", 0),
            ("password", 1),
            ("policy", 4),
            ("read", 3),
            ("replicas", 3),
            ("revoke", 1),
            ("rotate", 0),
            ("rotate-by-call", 1),
            ("rotate-due", 0),
            ("stages", 3),
            ("status", 1),
            ("tags", 2),
            ("unlock", 2),
            ("unlock-after-lock", 3),
            ("unlock-with-another-key", 0),
        ] {
            let path = write_scratch(template).unwrap();
            Talk::begin(&path, key, |talk| {
                let before = talk.carried_out;
                for line in fs::read(corpus.join(name)).unwrap().split(|byte| *byte == b'\n') {
                    talk.line(line);
                }
                assert_eq!(talk.carried_out - before, expected, "{name}");
            });
            drop(fs::remove_file(&path));
        }
    }
}
