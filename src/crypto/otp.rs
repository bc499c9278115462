//! One-time passwords: HOTP (RFC 4226), TOTP (RFC 6238), and Steam's letters.

use hmac::{KeyInit, Mac, SimpleHmac};
use sha1::Sha1;
use sha2::{Sha256, Sha512};

use crate::model::otp::{Hash, Look, Moves, Otp};
use crate::sys::secret::Secret;

/// A password, and how it goes on.
pub(crate) struct Code {
    pub(crate) text: Secret<String>,
    /// For how many seconds it holds, where that is a matter of time.
    pub(crate) seconds_left: Option<u64>,
}

/// Makes the password of a moment, in seconds since 1970, or of the counter as it is.
pub(crate) fn code(otp: &Otp, seconds: u64) -> Code {
    let (counter, seconds_left) = match otp.moves {
        Moves::Counter(counter) => (counter, None),
        Moves::Time { period } => {
            let period = u64::from(period.max(1));
            let since = seconds.checked_rem(period).unwrap_or_default();
            (seconds.checked_div(period).unwrap_or_default(), Some(period.saturating_sub(since)))
        }
    };
    let number = truncated(otp, counter);
    let text = match otp.look {
        Look::Digits(digits) => {
            let width = usize::try_from(digits).unwrap_or_default();
            let end = 10_u32.checked_pow(digits);
            let number = end.and_then(|end| number.checked_rem(end)).unwrap_or(number);
            format!("{number:0width$}")
        }
        Look::Steam => letters(number),
    };
    Code { text: Secret::new(text), seconds_left }
}

/// RFC 4226, 5.3: 31 bits of the HMAC, from where its last byte says.
fn truncated(otp: &Otp, counter: u64) -> u32 {
    let (key, moving) = (otp.key.expose().as_slice(), counter.to_be_bytes());
    let mac = match otp.hash {
        Hash::Sha1 => mac::<SimpleHmac<Sha1>>(key, &moving),
        Hash::Sha256 => mac::<SimpleHmac<Sha256>>(key, &moving),
        Hash::Sha512 => mac::<SimpleHmac<Sha512>>(key, &moving),
    };
    let mac = mac.expose();
    let offset = mac.last().map_or(0, |last| usize::from(last & 0xf));
    let four = mac.get(offset..).and_then(|rest| rest.first_chunk::<4>());
    u32::from_be_bytes(four.copied().unwrap_or_default()) & 0x7fff_ffff
}

fn mac<M: Mac + KeyInit>(key: &[u8], message: &[u8]) -> Secret<Vec<u8>> {
    let mut bytes = Secret::new(Vec::new());
    // A key may have any length.
    if let Ok(mut mac) = <M as KeyInit>::new_from_slice(key) {
        mac.update(message);
        bytes.expose_mut().extend_from_slice(&mac.finalize().into_bytes());
    }
    bytes
}

/// Steam's five letters, the lowest first.
fn letters(mut number: u32) -> String {
    let mut text = String::with_capacity(5);
    for _ in 0..5 {
        let place = number.checked_rem(STEAM_COUNT).unwrap_or_default();
        let letter = usize::try_from(place).ok().and_then(|place| STEAM.get(place));
        text.extend(letter.copied().map(char::from));
        number = number.checked_div(STEAM_COUNT).unwrap_or_default();
    }
    text
}

const STEAM: &[u8] = b"23456789BCDFGHJKMNPQRTVWXY";
const STEAM_COUNT: u32 = 26;

#[cfg(test)]
mod tests {
    use super::*;

    fn otp(key: &[u8], hash: Hash, look: Look, moves: Moves) -> Otp {
        Otp { key: Secret::new(key.to_vec()), hash, look, moves }
    }

    /// RFC 4226, appendix D.
    #[test]
    fn hotp_is_as_its_rfc_says() {
        let expected = [
            "755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583",
            "399871", "520489",
        ];
        for (counter, expected) in (0..).zip(expected) {
            let moves = Moves::Counter(counter);
            let otp = otp(b"12345678901234567890", Hash::Sha1, Look::Digits(6), moves);
            let code = code(&otp, 59);
            assert_eq!((code.text.expose().as_str(), code.seconds_left), (expected, None));
        }
    }

    /// RFC 6238, appendix B, with the keys of its errata: as long as the hash.
    #[test]
    fn totp_is_as_its_rfc_says() {
        let digits = b"1234567890".repeat(7);
        let vectors = [
            (59, "94287082", "46119246", "90693936"),
            (1_111_111_109, "07081804", "68084774", "25091201"),
            (1_111_111_111, "14050471", "67062674", "99943326"),
            (1_234_567_890, "89005924", "91819424", "93441116"),
            (2_000_000_000, "69279037", "90698825", "38618901"),
            (20_000_000_000, "65353130", "77737706", "47863826"),
        ];
        for (seconds, sha1, sha256, sha512) in vectors {
            for (hash, length, expected) in
                [(Hash::Sha1, 20, sha1), (Hash::Sha256, 32, sha256), (Hash::Sha512, 64, sha512)]
            {
                let moves = Moves::Time { period: 30 };
                let otp = otp(&digits[..length], hash, Look::Digits(8), moves);
                let code = code(&otp, seconds);
                assert_eq!(code.text.expose(), expected);
                assert_eq!(code.seconds_left, Some(30 - seconds % 30));
            }
        }
    }

    #[test]
    fn a_period_is_counted_from_1970() {
        let of = |seconds, period| {
            let moves = Moves::Time { period };
            code(&otp(b"key", Hash::Sha1, Look::Digits(6), moves), seconds)
        };
        let (first, last, next) = (of(60, 60), of(119, 60), of(120, 60));
        assert_eq!(first.text.expose(), last.text.expose());
        assert_ne!(last.text.expose(), next.text.expose());
        assert_eq!(
            [first, last, next].map(|code| code.seconds_left),
            [Some(60), Some(1), Some(60)]
        );
    }

    /// The number of RFC 4226's first vector is 1,284,755,224, written in Steam's 26 letters.
    #[test]
    fn steam_writes_letters() {
        let moves = Moves::Time { period: 30 };
        let otp = otp(b"12345678901234567890", Hash::Sha1, Look::Steam, moves);
        let mut number = 1_284_755_224_usize;
        let expected: String = (0..5)
            .map(|_| {
                let letter = char::from(STEAM[number % 26]);
                number /= 26;
                letter
            })
            .collect();
        assert_eq!(code(&otp, 0).text.expose(), &expected);
        assert_eq!(expected.len(), 5);
    }
}
