//! Google Authenticator's URIs, each of which has many keys: a protobuf message as base64.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::super::super::item::{Item, Origin};
use super::super::super::login::Login;
use super::super::super::reading::{Error, Outcome, Reading};
use super::super::super::totp::{self, Account};
use crate::model::otp::{self, Hash, Look, Moves, Otp};
use crate::sys::secret::Secret;

/// How they begin.
pub(super) const PREFIX: &str = "otpauth-migration://";

/// The URIs that were read, of those that belong together: which, and of how many.
#[derive(Default)]
pub(super) struct Batches {
    seen: BTreeMap<u64, (BTreeSet<u64>, u64)>,
    /// How many keys there were in all of them.
    keys: usize,
}

impl Batches {
    /// Refuses an export of which a part is missing.
    pub(super) fn require_all(&self) -> Result<(), Error> {
        for (read, size) in self.seen.values() {
            let missing = (0..*size).find(|index| !read.contains(index));
            if let Some(missing) = missing {
                let (missing, has) = (missing.saturating_add(1), read.len());
                let what = format!(
                    "has {has} of {size} codes: number {missing} is missing; put all of them into \
                     one file, each on a line"
                );
                return Err(Error::malformed("the export", what));
            }
        }
        Ok(())
    }
}

/// Reads a URI on a line.
pub(super) fn read(
    uri: &str,
    line: usize,
    batches: &mut Batches,
    reading: &mut Reading,
) -> Result<(), Error> {
    let malformed =
        || Error::malformed(format_args!("line {line}"), "is no code of Google Authenticator");
    let (_, query) = uri.split_once('?').ok_or_else(malformed)?;
    let data =
        query.split('&').find_map(|pair| pair.strip_prefix("data=")).ok_or_else(malformed)?;
    // A plus may have become a space on the way.
    let data = otp::unescaped(data).expose().replace(' ', "+");
    let message = Secret::new(BASE64.decode(data.trim()).map_err(|_error| malformed())?);
    let (mut size, mut index, mut id) = (1, 0, 0);
    for field in Fields(message.expose()) {
        match field.ok_or_else(malformed)? {
            (1, Value::Bytes(bytes)) => {
                batches.keys = batches.keys.saturating_add(1);
                let origin = Origin::Position(batches.keys);
                read_key(bytes, &origin, reading).ok_or_else(malformed)?;
            }
            (3, Value::Number(number)) => size = number,
            (4, Value::Number(number)) => index = number,
            (5, Value::Number(number)) => id = number,
            _ => {}
        }
    }
    if size > MOST_BATCHES || index >= size.max(1) {
        return Err(malformed());
    }
    let batch = batches.seen.entry(id).or_default();
    batch.1 = batch.1.max(size);
    if !batch.0.insert(index) {
        let what = "is in the file twice: its keys are there twice, too";
        reading.remark(&Origin::Line(line), Outcome::Doubtful, what);
    }
    Ok(())
}

/// Reads a key; `None` if it is no message.
fn read_key(message: &[u8], origin: &Origin, reading: &mut Reading) -> Option<()> {
    let mut key = Secret::new(Vec::new());
    let (mut name, mut issuer) = (String::new(), String::new());
    let (mut hash, mut digits, mut kind, mut counter) = (0, 0, 0, 0);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    for field in Fields(message) {
        match field? {
            (1, Value::Bytes(bytes)) => key = Secret::new(bytes.to_vec()),
            (2, Value::Bytes(bytes)) => name = text(bytes),
            (3, Value::Bytes(bytes)) => issuer = text(bytes),
            (4, Value::Number(number)) => hash = number,
            (5, Value::Number(number)) => digits = number,
            (6, Value::Number(number)) => kind = number,
            (7, Value::Number(number)) => counter = number,
            _ => {}
        }
    }
    // The name may have the issuer before it.
    if let Some((before, after)) = name.split_once(':')
        && (issuer.is_empty() || before == issuer)
    {
        (issuer, name) = (before.trim().to_owned(), after.trim().to_owned());
    }
    let hash = match hash {
        0 | 1 => Some(Hash::Sha1),
        2 => Some(Hash::Sha256),
        3 => Some(Hash::Sha512),
        _ => None,
    };
    let Some(hash) = hash.filter(|_| !key.expose().is_empty()) else {
        let what = "has no key, or one for an algorithm that nothing else has";
        reading.remark(origin, Outcome::LeftOut, what);
        return Some(());
    };
    let look = Look::Digits(if digits == 2 { 8 } else { 6 });
    let moves = if kind == 1 { Moves::Counter(counter) } else { Moves::Time { period: 30 } };
    let account = Account { issuer: &issuer, name: &name };
    let totp = totp::write(&Otp { key, hash, look, moves }, account);
    let login = Login { username: name.clone(), totp, ..Login::default() };
    let title = if issuer.is_empty() { name } else { issuer };
    reading.items.push(Item::of_login(origin.clone(), title, login));
    Some(())
}

/// The fields of a protobuf message, one after another; `None` for what is none, and then no more.
struct Fields<'a>(&'a [u8]);

/// What a field holds.
enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

impl<'a> Iterator for Fields<'a> {
    type Item = Option<(u64, Value<'a>)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.0 = &[];
        }
        Some(field)
    }
}

impl<'a> Fields<'a> {
    fn field(&mut self) -> Option<(u64, Value<'a>)> {
        let tag = self.number()?;
        let value = match tag & 7 {
            0 => Value::Number(self.number()?),
            1 => Value::Bytes(self.bytes(8)?),
            2 => {
                let length = usize::try_from(self.number()?).ok()?;
                Value::Bytes(self.bytes(length)?)
            }
            5 => Value::Bytes(self.bytes(4)?),
            _ => return None,
        };
        Some((tag >> 3, value))
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }
}

/// More codes than anybody scans one after another.
const MOST_BATCHES: u64 = 1000;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
