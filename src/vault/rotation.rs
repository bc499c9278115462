//! How a secret rotates: member 14 of its record, docs/format.md "Rotation".
//!
//! Knows neither when a rotation is due nor how a program is run.

use super::cbor::{Malformed, MapWriter, Reader, Unknown, Writer};
use crate::crypto::header::VaultId;
use crate::model::time::Timestamp;

/// How a secret rotates.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Rotation {
    /// `RotationEnabled`: false after `cancel-rotate-secret`.
    pub(crate) enabled: bool,
    /// `RotationLambdaARN`, as it is shown.
    pub(crate) function: String,
    /// What it means on this machine.
    pub(crate) command: Command,
    /// `RotationRules`, as they were given.
    pub(crate) rules: Option<Rules>,
    /// `ExternalSecretRotationMetadata`, in the order it came.
    pub(crate) external: Vec<(String, String)>,
    /// When all of this was last given.
    pub(crate) configured: Timestamp,
    /// The version that carries `AWSCURRENT`, and since when it has.
    pub(crate) current: Option<(String, Timestamp)>,
    /// What a later version wrote.
    pub(crate) unknown: Unknown,
}

/// `RotationRules`: when to rotate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rules {
    /// `AutomaticallyAfterDays`.
    pub(crate) automatically_after_days: Option<i64>,
    pub(crate) duration: Option<String>,
    /// `ScheduleExpression`.
    pub(crate) schedule_expression: Option<String>,
    /// What a later version wrote.
    pub(crate) unknown: Unknown,
}

/// The program that rotates, and what it is given.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Command {
    /// The program and its arguments, never for a shell. Empty for what is built in.
    pub(crate) argv: Vec<String>,
    /// How it is spoken to.
    pub(crate) protocol: Protocol,
    /// Variables it is given.
    pub(crate) env: Vec<(String, String)>,
    /// Names of variables that are passed on to it.
    pub(crate) pass_env: Vec<String>,
    /// ARNs of other secrets that it may read.
    pub(crate) reads: Vec<String>,
    /// The files it may be made of, and their digests.
    pub(crate) pins: Vec<Pin>,
    /// Which files to pin.
    pub(crate) pinning: Pinning,
    /// How long a step may take, in seconds.
    pub(crate) timeout_s: u64,
    /// What the sandbox lets it do, by name.
    pub(crate) grants: Vec<String>,
    /// What a later version wrote.
    pub(crate) unknown: Unknown,
}

/// How a program is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// As a Lambda function: the event on stdin, requests over a socket.
    Lambda,
    /// Values on stdin, the new one on stdout.
    Stdio,
    /// Not at all: it is part of this program.
    Builtin,
}

/// Which files of a command are pinned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pinning {
    /// Those that the command names and root does not own.
    Auto,
    None,
    /// These.
    Paths(Vec<String>),
}

/// A file as it was when the command was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pin {
    /// Its absolute path.
    pub(crate) path: String,
    /// The SHA-256 of its content.
    pub(crate) sha256: [u8; 32],
}

impl Rotation {
    /// Returns it as it is stored, for another process of this program.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        self.encode().finish()
    }

    /// Reads what [`to_bytes`](Self::to_bytes) returned; `None` if that is something else.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let rotation = Self::decode(&mut reader).ok()?;
        reader.finish().ok().map(|()| rotation)
    }

    pub(super) fn encode(&self) -> MapWriter<'_> {
        let mut map = MapWriter::with(&self.unknown);
        map.member(0).number(u64::from(self.enabled));
        map.member(1).text(&self.function);
        map.member(2).map(self.command.encode());
        map.optional(3, self.rules.as_ref(), |w, rules| w.map(rules.encode()));
        if !self.external.is_empty() {
            pairs(map.member(4), &self.external);
        }
        map.member(5).signed(self.configured.0);
        map.optional(6, self.current.as_ref(), |w, (id, _)| w.text(id));
        map.optional(7, self.current.as_ref(), |w, (_, since)| w.signed(since.0));
        map
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (mut enabled, mut function, mut command) = (None, None, None);
        let (mut rules, mut external, mut configured) = (None, Vec::new(), None);
        let (mut current, mut since) = (None, None);
        let unknown = reader.map(|r, key| {
            match key {
                0 => enabled = Some(flag(r)?),
                1 => function = Some(r.text()?),
                2 => command = Some(Command::decode(r)?),
                3 => rules = Some(Rules::decode(r)?),
                4 => external = r.list(pair)?,
                5 => configured = Some(r.time()?),
                6 => current = Some(r.text()?),
                7 => since = Some(r.time()?),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        let current = match (current, since) {
            (Some(id), Some(since)) => Some((id, since)),
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => return Err(Malformed),
        };
        Ok(Self {
            enabled: enabled.ok_or(Malformed)?,
            function: function.ok_or(Malformed)?,
            command: command.ok_or(Malformed)?,
            rules,
            external,
            configured: configured.ok_or(Malformed)?,
            current,
            unknown,
        })
    }
}

impl Rules {
    fn encode(&self) -> MapWriter<'_> {
        let mut map = MapWriter::with(&self.unknown);
        map.optional(0, self.automatically_after_days, Writer::signed);
        map.optional(1, self.duration.as_ref(), |w, text| w.text(text));
        map.optional(2, self.schedule_expression.as_ref(), |w, text| w.text(text));
        map
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut rules = Self::default();
        rules.unknown = reader.map(|r, key| {
            match key {
                0 => rules.automatically_after_days = Some(r.signed()?),
                1 => rules.duration = Some(r.text()?),
                2 => rules.schedule_expression = Some(r.text()?),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(rules)
    }
}

impl Command {
    /// How long a step may take unless the command says.
    pub(crate) const DEFAULT_TIMEOUT_S: u64 = 60;

    /// A command with nothing but its words.
    pub(crate) fn new(argv: Vec<String>, protocol: Protocol) -> Self {
        Self {
            argv,
            protocol,
            env: Vec::new(),
            pass_env: Vec::new(),
            reads: Vec::new(),
            pins: Vec::new(),
            pinning: Pinning::Auto,
            timeout_s: Self::DEFAULT_TIMEOUT_S,
            grants: Vec::new(),
            unknown: Unknown::default(),
        }
    }

    /// Returns the digest by which a machine approves of this command for this secret: any other
    /// command, pin, secret or vault has another.
    pub(crate) fn digest(&self, vault_id: &VaultId, rid: u64) -> [u8; 32] {
        let mut bytes = b"strongroom rotation command\0".to_vec();
        bytes.extend(vault_id.0);
        bytes.extend(rid.to_be_bytes());
        bytes.extend(self.encode().finish());
        crate::crypto::slot::digest(&bytes)
    }

    fn encode(&self) -> MapWriter<'_> {
        let mut map = MapWriter::with(&self.unknown);
        texts(map.member(0), &self.argv);
        map.member(1).number(match self.protocol {
            Protocol::Lambda => 0,
            Protocol::Stdio => 1,
            Protocol::Builtin => 2,
        });
        pairs(map.member(2), &self.env);
        texts(map.member(3), &self.pass_env);
        texts(map.member(4), &self.reads);
        let writer = map.member(5).list(self.pins.len());
        for pin in &self.pins {
            writer.list(2).text(&pin.path).bytes(&pin.sha256);
        }
        let (pinning, paths) = match &self.pinning {
            Pinning::Auto => (0, None),
            Pinning::None => (1, None),
            Pinning::Paths(paths) => (2, Some(paths)),
        };
        map.member(6).number(pinning);
        map.optional(7, paths, |w, paths| texts(w, paths));
        map.member(8).number(self.timeout_s);
        texts(map.member(9), &self.grants);
        map
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut command = Self::new(Vec::new(), Protocol::Lambda);
        let (mut argv, mut env, mut pass_env) = (None, None, None);
        let (mut reads, mut pins, mut grants) = (None, None, None);
        let (mut protocol, mut pinning, mut paths, mut timeout_s) = (None, None, None, None);
        command.unknown = reader.map(|r, key| {
            match key {
                0 => argv = Some(r.list(Reader::text)?),
                1 => protocol = Some(r.number()?),
                2 => env = Some(r.list(pair)?),
                3 => pass_env = Some(r.list(Reader::text)?),
                4 => reads = Some(r.list(Reader::text)?),
                5 => pins = Some(r.list(pin)?),
                6 => pinning = Some(r.number()?),
                7 => paths = Some(r.list(Reader::text)?),
                8 => timeout_s = Some(r.count()?),
                9 => grants = Some(r.list(Reader::text)?),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        command.argv = argv.ok_or(Malformed)?;
        command.env = env.ok_or(Malformed)?;
        command.pass_env = pass_env.ok_or(Malformed)?;
        command.reads = reads.ok_or(Malformed)?;
        command.pins = pins.ok_or(Malformed)?;
        command.grants = grants.ok_or(Malformed)?;
        command.protocol = match protocol {
            Some(0) => Protocol::Lambda,
            Some(1) => Protocol::Stdio,
            Some(2) => Protocol::Builtin,
            Some(_) | None => return Err(Malformed),
        };
        command.pinning = match (pinning, paths) {
            (Some(0), None) => Pinning::Auto,
            (Some(1), None) => Pinning::None,
            (Some(2), Some(paths)) => Pinning::Paths(paths),
            _ => return Err(Malformed),
        };
        command.timeout_s = timeout_s.ok_or(Malformed)?;
        Ok(command)
    }
}

fn texts<'w>(writer: &'w mut Writer, texts: &[String]) -> &'w mut Writer {
    let writer = writer.list(texts.len());
    for text in texts {
        writer.text(text);
    }
    writer
}

fn pairs(writer: &mut Writer, pairs: &[(String, String)]) {
    let writer = writer.list(pairs.len());
    for (key, value) in pairs {
        writer.list(2).text(key).text(value);
    }
}

fn pair(reader: &mut Reader<'_>) -> Result<(String, String), Malformed> {
    let pair = reader.list(Reader::text)?;
    <[String; 2]>::try_from(pair).map(|[key, value]| (key, value)).map_err(|_count| Malformed)
}

fn pin(reader: &mut Reader<'_>) -> Result<Pin, Malformed> {
    let mut path = None;
    let mut sha256 = None;
    let elements = reader.list(|r| {
        if path.is_none() {
            path = Some(r.text()?);
        } else {
            sha256 = Some(r.array()?);
        }
        Ok(())
    })?;
    match (path, sha256, elements.len()) {
        (Some(path), Some(sha256), 2) => Ok(Pin { path, sha256 }),
        _ => Err(Malformed),
    }
}

fn flag(reader: &mut Reader<'_>) -> Result<bool, Malformed> {
    match reader.number()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> Rotation {
        let mut command = Command::new(vec!["/opt/rotate".into(), "-x".into()], Protocol::Stdio);
        command.env = vec![("HOST".into(), "db".into())];
        command.pass_env = vec!["PGHOST".into()];
        command.reads = vec!["arn".into()];
        command.pins = vec![Pin { path: "/opt/rotate".into(), sha256: [7; 32] }];
        command.pinning = Pinning::Paths(vec!["/opt/rotate".into()]);
        command.timeout_s = 900;
        command.grants = vec!["network".into()];
        Rotation {
            enabled: true,
            function: "arn:local:exec:/opt/rotate".into(),
            command,
            rules: Some(Rules { automatically_after_days: Some(30), ..Rules::default() }),
            external: vec![("host".into(), "db.local".into())],
            configured: Timestamp(5),
            current: Some(("v".repeat(32), Timestamp(4))),
            unknown: Unknown::default(),
        }
    }

    fn again(rotation: &Rotation) -> Result<Rotation, Malformed> {
        Rotation::decode(&mut Reader::new(&rotation.encode().finish()))
    }

    #[test]
    fn a_rotation_is_read_back_as_written() {
        let rotation = full();
        assert!(again(&rotation) == Ok(rotation.clone()));
        let mut least = rotation;
        least.command = Command::new(Vec::new(), Protocol::Builtin);
        (least.rules, least.current, least.enabled) = (None, None, false);
        least.external.clear();
        assert!(again(&least) == Ok(least.clone()));
        let bytes = full().encode().finish();
        for end in 0..bytes.len() {
            let cut = &bytes[..end];
            assert!(Rotation::decode(&mut Reader::new(cut)).is_err(), "{end} bytes");
        }
    }

    /// An approval names a command by this: whatever runs, or may be read, must change it.
    #[test]
    fn every_part_of_a_command_changes_its_digest() {
        let vault = VaultId([1; 16]);
        let command = full().command;
        let digest = command.digest(&vault, 9);
        assert_eq!(command.clone().digest(&vault, 9), digest);
        assert_ne!(command.digest(&VaultId([2; 16]), 9), digest);
        assert_ne!(command.digest(&vault, 8), digest);
        let changes: [fn(&mut Command); 10] = [
            |command| command.argv.push(String::new()),
            |command| command.argv = vec!["/opt/rotate -x".into()],
            |command| command.protocol = Protocol::Lambda,
            |command| command.env.clear(),
            |command| command.pass_env = vec!["LD_PRELOAD".into()],
            |command| command.reads.push("another".into()),
            |command| command.pins.iter_mut().for_each(|pin| pin.sha256[0] ^= 1),
            |command| command.pinning = Pinning::None,
            |command| command.timeout_s += 1,
            |command| command.grants.clear(),
        ];
        for (number, change) in changes.into_iter().enumerate() {
            let mut other = command.clone();
            change(&mut other);
            assert_ne!(other.digest(&vault, 9), digest, "{number}");
        }
    }
}
