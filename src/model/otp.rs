//! One-time passwords as they are handed out: an `otpauth://` URI, or the key alone as base32 text.

use std::fmt;

use crate::sys::secret::Secret;

/// What makes one-time passwords.
pub(crate) struct Otp {
    /// The key, as bytes.
    pub(crate) key: Secret<Vec<u8>>,
    pub(crate) hash: Hash,
    pub(crate) look: Look,
    pub(crate) moves: Moves,
}

/// The hash of the HMAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hash {
    Sha1,
    Sha256,
    Sha512,
}

/// What a password looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// So many decimal digits, 6 to 8.
    Digits(u32),
    /// Steam's five letters.
    Steam,
}

/// What makes the next password another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moves {
    /// The time (RFC 6238): so many seconds for each.
    Time { period: u32 },
    /// A counter (RFC 4226): the one of the next password.
    Counter(u64),
}

/// Why a text makes no one-time passwords. Never holds any of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed(&'static str);

impl Malformed {
    /// What is no key at all.
    pub(crate) const NO_KEY: Self = Self("neither an otpauth:// URI nor base32 text");
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Otp {
    /// Reads a URI, or base32 text, which is taken for what nearly all are: six digits of SHA-1 every
    /// 30 seconds.
    pub(crate) fn parse(text: &str) -> Result<Self, Malformed> {
        let text = text.trim();
        let Some(uri) = strip_prefix(text, "otpauth://") else {
            let steam = strip_prefix(text, "steam://");
            let look = if steam.is_some() { Look::Steam } else { Look::Digits(6) };
            let key = base32(steam.unwrap_or(text))?;
            return Ok(Self { key, hash: Hash::Sha1, look, moves: Moves::Time { period: PERIOD } });
        };
        let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
        let kind = path.split('/').next().unwrap_or_default();
        let mut moves = match kind.to_ascii_lowercase().as_str() {
            "totp" | "steam" => Moves::Time { period: PERIOD },
            "hotp" => Moves::Counter(0),
            _ => return Err(Malformed("the URI is for neither totp nor hotp")),
        };
        let mut look = Look::Digits(6);
        let (mut key, mut hash) = (None, Hash::Sha1);
        let mut is_steam = kind.eq_ignore_ascii_case("steam");
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = unescaped(value);
            let value = value.expose().as_str();
            match name.to_ascii_lowercase().as_str() {
                "secret" => key = Some(base32(value)?),
                "algorithm" => hash = Hash::parse(value)?,
                "digits" if value == "5" => is_steam = true,
                "digits" => {
                    let digits = value.parse().ok().filter(|digits| (6..=8).contains(digits));
                    look = Look::Digits(digits.ok_or(Malformed("digits must be 6 to 8"))?);
                }
                "encoder" if value.eq_ignore_ascii_case("steam") => is_steam = true,
                "period" => {
                    let given = value.parse().ok().filter(|period| *period > 0);
                    let given = given.ok_or(Malformed("the period is no number of seconds"))?;
                    if let Moves::Time { period } = &mut moves {
                        *period = given;
                    }
                }
                "counter" => {
                    let given = value.parse().map_err(|_none| Malformed("the counter is none"))?;
                    if let Moves::Counter(counter) = &mut moves {
                        *counter = given;
                    }
                }
                _ => {}
            }
        }
        if is_steam {
            look = Look::Steam;
        }
        let key = key.ok_or(Malformed("the URI has no secret"))?;
        Ok(Self { key, hash, look, moves })
    }
}

impl Hash {
    /// Reads its name, as in `SHA1` and `HMAC-SHA-1`.
    pub(crate) fn parse(text: &str) -> Result<Self, Malformed> {
        let letters = text.chars().filter(char::is_ascii_alphanumeric);
        let name = letters.collect::<String>().to_ascii_uppercase();
        match name.strip_prefix("HMAC").unwrap_or(&name) {
            "SHA1" => Ok(Self::Sha1),
            "SHA256" => Ok(Self::Sha256),
            "SHA512" => Ok(Self::Sha512),
            _ => Err(Malformed("the algorithm is none of SHA1, SHA256 and SHA512")),
        }
    }
}

/// Returns a URI whose counter is another one; every other byte of it stays.
pub(crate) fn with_counter(uri: &str, counter: u64) -> Secret<String> {
    let mut changed = Secret::new(String::with_capacity(uri.len().saturating_add(32)));
    let out = changed.expose_mut();
    let is_counter = |pair: &str| {
        pair.split_once('=').is_some_and(|(name, _)| name.eq_ignore_ascii_case("counter"))
    };
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    out.push_str(path);
    out.push('?');
    let mut has_one = false;
    for (place, pair) in query.split('&').enumerate() {
        if place > 0 {
            out.push('&');
        }
        match pair.split_once('=') {
            Some((name, _)) if is_counter(pair) => {
                has_one = true;
                out.push_str(name);
                out.push('=');
                out.push_str(&counter.to_string());
            }
            Some(_) | None => out.push_str(pair),
        }
    }
    if !has_one {
        out.push_str("&counter=");
        out.push_str(&counter.to_string());
    }
    changed
}

/// Returns a URI for other programs to read: the text itself where it is one, or else one that says
/// the same of the secret with this name.
pub(crate) fn uri(text: &str, name: &str) -> Secret<String> {
    let text = text.trim();
    if strip_prefix(text, "otpauth://").is_some() {
        return Secret::new(text.to_owned());
    }
    let (key, end) = match strip_prefix(text, "steam://") {
        Some(key) => (key, "&encoder=steam"),
        None => (text, ""),
    };
    let mut uri =
        Secret::new(String::with_capacity(text.len().saturating_add(name.len() * 3 + 64)));
    let out = uri.expose_mut();
    out.push_str("otpauth://totp/");
    escape(name, out);
    out.push_str("?secret=");
    out.extend(key.chars().filter(char::is_ascii_alphanumeric));
    out.push_str(end);
    uri
}

/// Writes a text into a URI.
pub(crate) fn escape(text: &str, out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            for digit in [byte >> 4, byte & 0xf] {
                let digit = char::from_digit(digit.into(), 16);
                out.extend(digit.map(|digit| digit.to_ascii_uppercase()));
            }
        }
    }
}

/// Reads base32 (RFC 4648), as people write it: in any case, with spaces and hyphens, and with or
/// without what fills it up.
fn base32(text: &str) -> Result<Secret<Vec<u8>>, Malformed> {
    let mut bytes = Secret::new(Vec::with_capacity(text.len()));
    let (mut bits, mut count) = (0_u32, 0_u32);
    for letter in text.bytes().filter(|letter| !b" -=\t\r\n".contains(letter)) {
        let value = match letter.to_ascii_uppercase() {
            letter @ b'A'..=b'Z' => letter - b'A',
            letter @ b'2'..=b'7' => letter - b'2' + 26,
            _ => return Err(Malformed::NO_KEY),
        };
        bits = (bits << 5 | u32::from(value)) & 0xfff;
        count += 5;
        if count >= 8 {
            count -= 8;
            let [.., byte] = (bits >> count).to_be_bytes();
            bytes.expose_mut().push(byte);
        }
    }
    if bytes.expose().is_empty() {
        return Err(Malformed("the key is empty"));
    }
    Ok(bytes)
}

/// Undoes percent-encoding; what is not text then is left as it was.
pub(crate) fn unescaped(text: &str) -> Secret<String> {
    let mut bytes = Secret::new(Vec::with_capacity(text.len()));
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let digits = after.get(..2).filter(|_| *first == b'%');
        let digits = digits.and_then(|digits| str::from_utf8(digits).ok());
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.expose_mut().push(byte.unwrap_or(*first));
        rest = if byte.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    Secret::new(str::from_utf8(bytes.expose()).unwrap_or(text).to_owned())
}

fn strip_prefix<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// How long a password holds where nothing else is said, in seconds.
const PERIOD: u32 = 30;

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    #[test]
    fn a_key_alone_is_read() {
        for text in [
            KEY.to_owned(),
            KEY.to_lowercase(),
            format!(" {KEY}\n"),
            "gezd gnbv-gy3t qojq gezd gnbv gy3t qojq==".to_owned(),
        ] {
            let otp = Otp::parse(&text).ok().unwrap();
            assert_eq!(otp.key.expose(), b"12345678901234567890");
            assert_eq!((otp.hash, otp.look), (Hash::Sha1, Look::Digits(6)));
            assert_eq!(otp.moves, Moves::Time { period: 30 });
        }
        let steam = Otp::parse(&format!("steam://{KEY}")).ok().unwrap();
        assert_eq!(steam.look, Look::Steam);
        // RFC 4648, 10.
        for (text, bytes) in
            [("MZXW6YQ=", "foob"), ("MZXW6===", "foo"), ("MZXW6YTBOI======", "foobar")]
        {
            assert_eq!(base32(text).unwrap().expose(), bytes.as_bytes());
        }
    }

    #[test]
    fn a_uri_is_read() {
        let read = |rest: &str| Otp::parse(&format!("otpauth://{rest}"));
        let otp = read(&format!(
            "totp/ACME:ada@example.org?secret={KEY}&issuer=ACME&algorithm=SHA256&digits=8&period=60"
        ))
        .ok()
        .unwrap();
        assert_eq!((otp.hash, otp.look), (Hash::Sha256, Look::Digits(8)));
        assert_eq!(otp.moves, Moves::Time { period: 60 });
        let otp =
            read(&format!("HOTP/x?Secret={KEY}&counter=7&algorithm=HMAC-SHA-512")).ok().unwrap();
        assert_eq!((otp.hash, otp.moves), (Hash::Sha512, Moves::Counter(7)));
        // Without a label, as some programs write it; the key escaped.
        let otp = read("totp?secret=MZXW6YQ%3D").ok().unwrap();
        assert_eq!(otp.key.expose(), b"foob");
        for steam in ["steam/x?", "totp/x?encoder=steam&", "totp/x?digits=5&"] {
            let otp = read(&format!("{steam}secret={KEY}")).ok().unwrap();
            assert_eq!(otp.look, Look::Steam, "{steam}");
        }
    }

    #[test]
    fn what_is_neither_is_refused_without_being_shown() {
        for (text, why) in [
            ("", "the key is empty"),
            ("hunter1", "neither an otpauth:// URI nor base32 text"),
            ("otpauth://totp/x", "the URI has no secret"),
            ("otpauth://totp/x?secret=", "the key is empty"),
            ("otpauth://motp/x?secret=MZXW6YQ", "the URI is for neither totp nor hotp"),
            ("otpauth://totp/x?secret=MZXW6YQ&digits=9", "digits must be 6 to 8"),
            ("otpauth://totp/x?secret=MZXW6YQ&period=0", "the period is no number of seconds"),
            ("otpauth://hotp/x?secret=MZXW6YQ&counter=x", "the counter is none"),
            (
                "otpauth://totp/x?secret=MZXW6YQ&algorithm=MD5",
                "the algorithm is none of SHA1, SHA256 and SHA512",
            ),
        ] {
            assert_eq!(Otp::parse(text).err(), Some(Malformed(why)), "{text}");
        }
    }

    #[test]
    fn a_counter_is_changed_and_nothing_else() {
        for (uri, changed) in [
            (
                "otpauth://hotp/x?secret=A&counter=7&issuer=B",
                "otpauth://hotp/x?secret=A&counter=8&issuer=B",
            ),
            ("otpauth://hotp/x?Counter=7", "otpauth://hotp/x?Counter=8"),
            ("otpauth://hotp/x?secret=A", "otpauth://hotp/x?secret=A&counter=8"),
        ] {
            assert_eq!(with_counter(uri, 8).expose(), changed);
        }
    }

    #[test]
    fn a_uri_is_made_of_a_key_alone() {
        assert_eq!(
            uri("gezd gnbv", "example/ada").expose(),
            "otpauth://totp/example%2Fada?secret=gezdgnbv"
        );
        assert_eq!(uri("steam://GEZD", "x").expose(), "otpauth://totp/x?secret=GEZD&encoder=steam");
        assert_eq!(uri(" otpauth://totp/x?secret=A\n", "y").expose(), "otpauth://totp/x?secret=A");
    }
}
