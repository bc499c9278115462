//! What is said at the agent's socket: frames of JSON, in AWS's names where AWS has them.
//!
//! `{"version":"0.1.0/1","do":"call","token":…,"op":"GetSecretValue","params":{…}}`, and back
//! `{"ok":…}` or `{"refused":{"kind":…}}`, with `"notices"` beside it. Every version understands
//! `version`, and answers another one with `{"refused":{"kind":"version","version":…}}`; and every
//! version carries another one's `lock` out.

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};

pub(crate) use super::at::At;
use super::chores::Chore;
use super::limits::Limits;
use super::paths::{decoded, encoded};
pub(crate) use super::replies::{Refused, Reply};
use crate::crypto::keys::VaultKey;
use crate::sys::secret::Secret;

/// The program's version and that of these messages: what both ends must have in common.
pub(crate) const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "/1");

/// What is asked of the agent. Has no `Debug`: it may hold a key.
pub(crate) enum Ask {
    /// Hold this vault open.
    Unlock(Unlock),
    /// Carry an operation out.
    Call {
        token: Secret<String>,
        /// AWS's name of it.
        operation: String,
        parameters: Json,
        /// The region asked for; `None` is the vault's home.
        region: Option<String>,
        pages: Pages,
    },
    /// Say to the holder of a grant who he is, as of a region.
    Identity { token: Secret<String>, region: Option<String> },
    /// Say in which regions there is a secret of this name.
    Elsewhere { token: Secret<String>, name: String },
    /// Do a part of what two vaults do together: a `service::peers::task::Task`, tagged.
    Peer { token: Secret<String>, task: Json },
    /// Do what a command of our own needs.
    Do { token: Secret<String>, chore: Chore },
    /// Read and verify all of a vault, or of a copy of it.
    Check(Check),
    /// Rotate a secret, or what is due.
    Rotate(Rotate),
    /// Be AWS's endpoint for this vault, as long as whoever asks is connected.
    Serve { token: Secret<String>, at: At },
    /// Grant somebody a part of what the owner may do.
    Grant {
        token: Secret<String>,
        /// A `GrantSpec`.
        spec: Json,
        how: Granting,
    },
    /// Say what is granted.
    Grants { token: Secret<String> },
    /// Take a grant back.
    Revoke { token: Secret<String>, id: String },
    /// Forget this vault, or all.
    Lock { vault: Option<PathBuf> },
    /// Say what is unlocked.
    Status,
}

/// How a grant is handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Granting {
    /// Whether it comes with an access key, to sign requests at an endpoint with.
    pub(crate) with_key: bool,
    pub(crate) ends_with: EndsWith,
}

/// With what a grant ends, if it is not taken back before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EndsWith {
    /// Its time.
    Time,
    /// Its time, or the process that asks for it: whatever ends that.
    Asker,
}

/// What of a list is wanted, where the caller puts pages together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pages {
    /// The most items, however many a page of AWS's may have.
    pub(crate) most: Option<i64>,
    /// How many items a page has, where the caller shows the tokens of pages.
    pub(crate) size: Option<usize>,
}

/// What is to be read and verified.
pub(crate) struct Check {
    pub(crate) token: Secret<String>,
    /// A copy of the vault; `None` is the vault itself.
    pub(crate) copy: Option<PathBuf>,
    /// Whether the client wants to hear how far it is.
    pub(crate) tells: bool,
}

/// What is to be rotated, as `rotation::remote` writes it.
pub(crate) struct Rotate {
    pub(crate) token: Secret<String>,
    /// What is asked for, of one secret or of all that are due.
    pub(crate) asked: Json,
    pub(crate) what: Rotated,
    /// The client's machine.
    pub(crate) machine: Json,
    /// Whether the client wants to hear what programs say that succeed.
    pub(crate) shows: bool,
}

/// What is rotated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rotated {
    One,
    /// All that are due.
    Due,
}

/// What a client says while long work goes on: that it is to stop, a rotation after this step, or at once.
pub(crate) const STOP: &[u8] = b"stop";
pub(crate) const STOP_NOW: &[u8] = b"stop now";

/// A vault to be held open.
pub(crate) struct Unlock {
    /// Where it is, resolved.
    pub(crate) path: PathBuf,
    /// The key that everything in it but the slots hangs on.
    pub(crate) key: VaultKey,
    /// How long.
    pub(crate) limits: Limits,
    /// Where this machine remembers vaults.
    pub(crate) anchors: Option<PathBuf>,
    /// When reads are written to the audit log.
    pub(crate) reads: Reads,
    /// The login session whose end locks it.
    pub(crate) login: Option<String>,
    /// Where to be AWS's endpoint for it, until it is locked.
    pub(crate) serve: Option<At>,
}

/// When reads are written to the audit log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reads {
    /// Before they are answered.
    AtOnce,
    /// Several at a time, soon after they were answered.
    Batched,
}

impl Reads {
    pub(crate) const ALL: [(&str, Self); 2] =
        [("batched", Self::Batched), ("at-once", Self::AtOnce)];

    /// Returns the word for it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::AtOnce => "at-once",
            Self::Batched => "batched",
        }
    }

    /// Returns what a word means.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, reads)| reads)
    }
}

impl Ask {
    /// Whether it must get through whoever else is being heard.
    pub(super) fn is_control(&self) -> bool {
        match self {
            Self::Lock { .. }
            | Self::Status
            | Self::Grants { .. }
            | Self::Revoke { .. }
            | Self::Do { chore: Chore::Status { .. }, .. } => true,
            Self::Unlock(_)
            | Self::Call { .. }
            | Self::Identity { .. }
            | Self::Elsewhere { .. }
            | Self::Peer { .. }
            | Self::Do { .. }
            | Self::Check(_)
            | Self::Rotate(_)
            | Self::Serve { .. }
            | Self::Grant { .. } => false,
        }
    }

    /// Writes it.
    pub(crate) fn write(&self) -> Secret<Vec<u8>> {
        let (what, mut members) = match self {
            Self::Unlock(unlock) => ("unlock", unlock.to_json()),
            Self::Call { token, operation, parameters, region, pages } => {
                let members = json!({
                    "token": token.expose(),
                    "op": operation,
                    "params": parameters,
                    "region": region,
                    "most": pages.most,
                    "page": pages.size,
                });
                ("call", members)
            }
            Self::Identity { token, region } => {
                ("identity", json!({ "token": token.expose(), "region": region }))
            }
            Self::Elsewhere { token, name } => {
                ("elsewhere", json!({ "token": token.expose(), "name": name }))
            }
            Self::Peer { token, task } => {
                ("peer", json!({ "token": token.expose(), "task": task }))
            }
            Self::Do { token, chore } => {
                ("chore", json!({ "token": token.expose(), "chore": chore.to_json() }))
            }
            Self::Rotate(Rotate { token, asked, what, machine, shows }) => {
                let members = json!({
                    "token": token.expose(), "asked": asked, "machine": machine, "shows": shows,
                });
                (if *what == Rotated::One { "rotate" } else { "rotate-due" }, members)
            }
            Self::Check(Check { token, copy, tells }) => {
                let copy = copy.as_deref().map(encoded);
                ("check", json!({ "token": token.expose(), "copy": copy, "tells": tells }))
            }
            Self::Serve { token, at } => {
                ("serve", json!({ "token": token.expose(), "at": at.to_json() }))
            }
            Self::Grant { token, spec, how: Granting { with_key, ends_with } } => {
                let (token, ends) = (token.expose(), *ends_with == EndsWith::Asker);
                ("grant", json!({ "token": token, "spec": spec, "key": with_key, "ends": ends }))
            }
            Self::Grants { token } => ("grants", json!({ "token": token.expose() })),
            Self::Revoke { token, id } => ("revoke", json!({ "token": token.expose(), "id": id })),
            Self::Lock { vault } => ("lock", json!({ "vault": vault.as_deref().map(encoded) })),
            Self::Status => ("status", json!({})),
        };
        if let Some(members) = members.as_object_mut() {
            members.insert("version".to_owned(), VERSION.into());
            members.insert("do".to_owned(), what.into());
        }
        Secret::new(members.to_string().into_bytes())
    }

    /// Reads it.
    pub(crate) fn read(message: &[u8]) -> Result<Self, Refused> {
        let json: Json = serde_json::from_slice(message)
            .map_err(|_not_json| malformed("the request is not JSON"))?;
        // Whoever was told that this agent is another version's can end it.
        let is_for_all = json.get("do").and_then(Json::as_str) == Some("lock");
        if !is_for_all && json.get("version").and_then(Json::as_str) != Some(VERSION) {
            return Err(Refused::Version(VERSION.to_owned()));
        }
        let members = Members(&json);
        Ok(match members.text("do")?.as_str() {
            "unlock" => Self::Unlock(Unlock::read(&members)?),
            "call" => Self::Call {
                token: members.token()?,
                operation: members.text("op")?,
                parameters: members.json("params"),
                region: members.optional("region"),
                pages: Pages {
                    most: members.number("most").ok(),
                    size: members.number("page").ok().and_then(|size| usize::try_from(size).ok()),
                },
            },
            "identity" => {
                Self::Identity { token: members.token()?, region: members.optional("region") }
            }
            "elsewhere" => Self::Elsewhere { token: members.token()?, name: members.text("name")? },
            "peer" => Self::Peer { token: members.token()?, task: members.json("task") },
            "chore" => {
                let chore = Chore::from_json(&members.json("chore"));
                let chore = chore.ok_or_else(|| malformed("there is no such work"))?;
                Self::Do { token: members.token()?, chore }
            }
            "check" => Self::Check(Check {
                token: members.token()?,
                copy: members.path("copy")?,
                tells: members.flag("tells"),
            }),
            "rotate" => Self::Rotate(Rotate::read(&members, Rotated::One)?),
            "rotate-due" => Self::Rotate(Rotate::read(&members, Rotated::Due)?),
            "serve" => Self::Serve { token: members.token()?, at: members.at("at")? },
            "grant" => {
                let is_askers = members.flag("ends");
                let ends_with = if is_askers { EndsWith::Asker } else { EndsWith::Time };
                let how = Granting { with_key: members.flag("key"), ends_with };
                Self::Grant { token: members.token()?, spec: members.json("spec"), how }
            }
            "grants" => Self::Grants { token: members.token()? },
            "revoke" => Self::Revoke { token: members.token()?, id: members.text("id")? },
            "lock" => Self::Lock { vault: members.path("vault")? },
            "status" => Self::Status,
            _ => return Err(malformed("the request asks for something unknown")),
        })
    }
}

/// The members of a request.
struct Members<'a>(&'a Json);

impl Members<'_> {
    fn optional(&self, name: &str) -> Option<String> {
        self.0.get(name).and_then(Json::as_str).map(str::to_owned)
    }

    fn text(&self, name: &str) -> Result<String, Refused> {
        self.optional(name).ok_or_else(|| malformed(&format!("the request has no {name}")))
    }

    fn token(&self) -> Result<Secret<String>, Refused> {
        self.text("token").map(Secret::new)
    }

    /// Returns a number above 0.
    fn number(&self, name: &str) -> Result<i64, Refused> {
        let number = self.0.get(name).and_then(Json::as_i64).filter(|number| *number > 0);
        number.ok_or_else(|| malformed(&format!("the request has no {name}")))
    }

    fn path(&self, name: &str) -> Result<Option<PathBuf>, Refused> {
        let path = self.optional(name).map(|text| decoded(&text));
        path.map(|path| path.ok_or_else(|| malformed("a path is not base64"))).transpose()
    }

    /// Whether it is said to be so.
    fn flag(&self, name: &str) -> bool {
        self.0.get(name).and_then(Json::as_bool).unwrap_or(false)
    }

    fn at(&self, name: &str) -> Result<At, Refused> {
        let at = self.0.get(name).and_then(At::from_json);
        at.ok_or_else(|| malformed("the request does not say where to listen"))
    }

    /// Returns a member as it is.
    fn json(&self, name: &str) -> Json {
        self.0.get(name).cloned().unwrap_or_else(|| json!({}))
    }
}

impl Unlock {
    fn to_json(&self) -> Json {
        let Self { path, key, limits, anchors, reads, login, serve } = self;
        json!({
            "path": encoded(path),
            "key": STANDARD.encode(key.expose()),
            "idle": limits.idle_ms,
            "age": limits.age_ms,
            "anchors": anchors.as_deref().map(encoded),
            "reads": reads.name(),
            "login": login,
            "serve": serve.as_ref().map(At::to_json),
        })
    }

    fn read(members: &Members<'_>) -> Result<Self, Refused> {
        let key = Secret::new(members.text("key")?);
        let key = Secret::new(STANDARD.decode(key.expose()).unwrap_or_default());
        let bytes = <&[u8; 32]>::try_from(key.expose().as_slice());
        let bytes = bytes.map_err(|_length| malformed("the request has no key"))?;
        let reads = Reads::named(&members.text("reads")?);
        let is_given = members.0.get("serve").is_some_and(|at| !at.is_null());
        Ok(Self {
            path: members.path("path")?.ok_or_else(|| malformed("the request has no path"))?,
            key: VaultKey::of(bytes),
            limits: Limits { idle_ms: members.number("idle")?, age_ms: members.number("age")? },
            anchors: members.path("anchors")?,
            reads: reads.ok_or_else(|| malformed("the request has no reads"))?,
            login: members.optional("login"),
            serve: is_given.then(|| members.at("serve")).transpose()?,
        })
    }
}

impl Rotate {
    fn read(members: &Members<'_>, what: Rotated) -> Result<Self, Refused> {
        Ok(Self {
            token: members.token()?,
            asked: members.json("asked"),
            what,
            machine: members.json("machine"),
            shows: members.flag("shows"),
        })
    }
}

fn malformed(what: &str) -> Refused {
    Refused::Malformed(what.to_owned())
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    use super::*;
    use crate::gateway::refusal::Explained;
    use crate::service::fault::Fault;
    use crate::upkeep::notices::Notice;

    #[test]
    fn what_is_asked_is_read_as_it_was() {
        let path = PathBuf::from(OsStr::from_bytes(b"/a/\xff"));
        let token = || Secret::new("t".to_owned());
        for ask in [
            Ask::Unlock(Unlock {
                path: path.clone(),
                key: VaultKey::of(&[3; 32]),
                limits: Limits { idle_ms: 5, age_ms: 7 },
                anchors: Some(path.clone()),
                reads: Reads::Batched,
                login: Some("c2".to_owned()),
                serve: Some(At::Socket(path.clone())),
            }),
            Ask::Serve { token: token(), at: At::Port(2773) },
            Ask::Call {
                token: token(),
                operation: "GetSecretValue".to_owned(),
                parameters: json!({ "SecretId": "a" }),
                region: Some("local-2".to_owned()),
                pages: Pages { most: Some(7), size: Some(100) },
            },
            Ask::Elsewhere { token: token(), name: "a".to_owned() },
            Ask::Do { token: token(), chore: Chore::Purge },
            Ask::Check(Check { token: token(), copy: Some(path.clone()), tells: true }),
            Ask::Check(Check { token: token(), copy: None, tells: false }),
            Ask::Grant {
                token: token(),
                spec: json!({ "Secrets": ["a"] }),
                how: Granting { with_key: true, ends_with: EndsWith::Time },
            },
            Ask::Grant {
                token: token(),
                spec: json!({}),
                how: Granting { with_key: false, ends_with: EndsWith::Asker },
            },
            Ask::Rotate(Rotate {
                token: token(),
                asked: json!({ "a": 1 }),
                what: Rotated::Due,
                machine: json!({ "b": 2 }),
                shows: true,
            }),
            Ask::Grants { token: token() },
            Ask::Revoke { token: token(), id: "4f7k2m9p".to_owned() },
            Ask::Lock { vault: Some(path.clone()) },
            Ask::Lock { vault: None },
            Ask::Status,
            Ask::Identity { token: token(), region: Some("local-2".to_owned()) },
        ] {
            let written = ask.write();
            let read = Ask::read(written.expose()).ok().unwrap();
            assert!(read.write().expose() == written.expose());
        }
    }

    #[test]
    fn what_is_no_request_is_refused() {
        let of = |rest: &str| format!("{{\"version\":\"{VERSION}\"{rest}}}");
        for (message, is_version) in [
            (String::new(), false),
            ("[]".to_owned(), true),
            ("{}".to_owned(), true),
            (r#"{"version":"0.0.0/1","do":"status"}"#.to_owned(), true),
            (of(""), false),
            (of(r#","do":"sing""#), false),
            (of(r#","do":"call","op":"x""#), false),
            (of(r#","do":"unlock","path":"","key":"AAAA","idle":1,"age":1"#), false),
            (of(r#","do":"unlock","path":"?","key":"","idle":1,"age":1"#), false),
        ] {
            let refused = Ask::read(message.as_bytes()).err().unwrap();
            assert_eq!(matches!(refused, Refused::Version(_)), is_version, "{message}");
        }
    }

    #[test]
    fn what_is_answered_is_read_as_it_was() {
        let fault = Fault::secret_not_found();
        let explained = Explained {
            name: "VaultBusy".to_owned(),
            message: "m".to_owned(),
            hint: Some("h".to_owned()),
            exit_code: 255,
        };
        for refused in [
            Refused::Fault(fault),
            Refused::Vault(explained),
            Refused::Locked("why".to_owned()),
            Refused::Version("0.0.0/1".to_owned()),
            Refused::Unheard("why".to_owned()),
            Refused::Malformed("what".to_owned()),
        ] {
            let before = format!("{refused:?}");
            let reply = Reply { outcome: Err(refused), notices: vec![Notice::Full] };
            let read = Reply::read(reply.write().expose()).unwrap();
            assert_eq!(format!("{:?}", read.outcome.err().unwrap()), before);
            assert_eq!(read.notices, [Notice::Full]);
        }
        for message in ["", "{}", r#"{"ok":1,"refused":{}}"#, r#"{"refused":{"kind":"x"}}"#] {
            assert!(Reply::read(message.as_bytes()).is_none(), "{message}");
        }
    }
}
