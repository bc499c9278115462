//! The keys of one-time passwords, in one form:
//! `otpauth://totp/Issuer:name?secret=…&issuer=…[&algorithm=…][&digits=…][&period=…][&encoder=steam]`.

use super::item::Origin;
use super::login::Hidden;
use super::reading::{Outcome, Reading};
use crate::model::otp::{self, Hash, Look, Malformed, Moves, Otp};
use crate::sys::secret::Secret;

/// Whose one-time passwords they are.
#[derive(Clone, Copy)]
pub(super) struct Account<'a> {
    /// The service.
    pub(super) issuer: &'a str,
    /// The account there.
    pub(super) name: &'a str,
}

/// Reads a URI or a key alone. A URI stays as it is, with all that is in it, unless it says "Steam" in
/// a way that few understand.
///
/// # Errors
/// What makes no one-time passwords.
pub(super) fn read(text: &str, account: Account<'_>) -> Result<Hidden, Malformed> {
    let otp = Otp::parse(text)?;
    let text = text.trim();
    let is_uri = starts_with(text, "otpauth://") && !starts_with(text, "otpauth://steam");
    Ok(if is_uri { text.into() } else { write(&otp, account) })
}

/// Reads a URI or a key as [`read`] does. One that makes no one-time passwords is kept as it is, and a
/// remark says so.
pub(super) fn keep(
    text: &str,
    account: Account<'_>,
    origin: &Origin,
    reading: &mut Reading,
) -> Hidden {
    if text.is_empty() {
        return Hidden::default();
    }
    read(text, account).unwrap_or_else(|why| {
        let what = format!("its key for one-time passwords is kept as it is: {why}");
        reading.remark(origin, Outcome::Doubtful, what);
        text.into()
    })
}

/// Reads a base32 key, whose further particulars come from elsewhere.
///
/// # Errors
/// What is no base32.
pub(super) fn key(text: &str) -> Result<Secret<Vec<u8>>, Malformed> {
    if text.contains(':') {
        return Err(Malformed::NO_KEY);
    }
    Otp::parse(text).map(|otp| otp.key)
}

/// Writes a URI.
pub(super) fn write(otp: &Otp, account: Account<'_>) -> Hidden {
    let mut uri = String::with_capacity(otp.key.expose().len().saturating_mul(2) + 256);
    uri.push_str(match otp.moves {
        Moves::Time { .. } => "otpauth://totp/",
        Moves::Counter(_) => "otpauth://hotp/",
    });
    if !account.issuer.is_empty() {
        otp::escape(account.issuer, &mut uri);
    }
    if !account.issuer.is_empty() && !account.name.is_empty() {
        uri.push(':');
    }
    otp::escape(account.name, &mut uri);
    uri.push_str("?secret=");
    base32(otp.key.expose(), &mut uri);
    let mut put = |name: &str, value: &str| {
        uri.push_str(name);
        otp::escape(value, &mut uri);
    };
    if !account.issuer.is_empty() {
        put("&issuer=", account.issuer);
    }
    match otp.hash {
        Hash::Sha1 => {}
        Hash::Sha256 => put("&algorithm=", "SHA256"),
        Hash::Sha512 => put("&algorithm=", "SHA512"),
    }
    if let Look::Digits(digits) = otp.look
        && digits != 6
    {
        put("&digits=", &digits.to_string());
    }
    match otp.moves {
        Moves::Time { period: 30 } => {}
        Moves::Time { period } => put("&period=", &period.to_string()),
        Moves::Counter(counter) => put("&counter=", &counter.to_string()),
    }
    if otp.look == Look::Steam {
        put("&encoder=", "steam");
    }
    uri.into()
}

/// Writes base32 (RFC 4648), without what fills it up.
fn base32(bytes: &[u8], out: &mut String) {
    for five in bytes.chunks(5) {
        let mut padded = [0; 8];
        for (place, byte) in padded.iter_mut().skip(3).zip(five) {
            *place = *byte;
        }
        let bits = u64::from_be_bytes(padded);
        let letters = (five.len() * 8).div_ceil(5);
        for index in 0..letters {
            let digit = bits >> (35 - 5 * index) & 0x1f;
            let letter = usize::try_from(digit).ok().and_then(|digit| LETTERS.get(digit));
            out.extend(letter.copied().map(char::from));
        }
    }
}

/// Whether a text begins so, in any case.
pub(super) fn starts_with(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base32_is_rfc_4648() {
        for (bytes, text) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            let mut out = String::new();
            base32(bytes.as_bytes(), &mut out);
            assert_eq!(out, text);
        }
    }

    #[test]
    fn keys_become_uris() {
        let account = Account { issuer: "Größe & Co", name: "ann@demo.test" };
        let label = "Gr%C3%B6%C3%9Fe%20%26%20Co:ann%40demo.test";
        for (text, uri) in [
            (
                "mzxw 6ytb-oi======",
                format!(
                    "otpauth://totp/{label}?secret=MZXW6YTBOI&issuer=Gr%C3%B6%C3%9Fe%20%26%20Co"
                ),
            ),
            (
                "steam://MZXW6YTBOI",
                format!(
                    "otpauth://totp/{label}?secret=MZXW6YTBOI&issuer=Gr%C3%B6%C3%9Fe%20%26%20Co&encoder=steam"
                ),
            ),
            (
                "otpauth://steam/x?secret=MZXW6YTBOI",
                format!(
                    "otpauth://totp/{label}?secret=MZXW6YTBOI&issuer=Gr%C3%B6%C3%9Fe%20%26%20Co&encoder=steam"
                ),
            ),
            (
                " otpauth://totp?secret=MZXW6YTBOI&image=x\n",
                "otpauth://totp?secret=MZXW6YTBOI&image=x".to_owned(),
            ),
        ] {
            assert_eq!(read(text, account).ok().unwrap().expose(), uri, "{text}");
            // Whatever is written can be read, and is the same once more.
            assert_eq!(read(&uri, account).ok().unwrap().expose(), uri);
        }
        assert!(read("hunter1", account).is_err());
        assert!(key("otpauth://totp/x?secret=MZXW6YTBOI").is_err());
    }

    #[test]
    fn particulars_are_written() {
        let otp = |hash, look, moves| {
            let key = Secret::new(b"foobar".to_vec());
            write(&Otp { key, hash, look, moves }, Account { issuer: "", name: "a" })
        };
        for (uri, expected) in [
            (
                otp(Hash::Sha256, Look::Digits(8), Moves::Time { period: 60 }),
                "otpauth://totp/a?secret=MZXW6YTBOI&algorithm=SHA256&digits=8&period=60",
            ),
            (
                otp(Hash::Sha512, Look::Digits(6), Moves::Counter(7)),
                "otpauth://hotp/a?secret=MZXW6YTBOI&algorithm=SHA512&counter=7",
            ),
        ] {
            assert_eq!(uri.expose(), expected);
        }
    }
}
