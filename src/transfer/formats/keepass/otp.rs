//! The ways in which KeePass's strings hold one-time passwords: an `otp` that is a URI or KeeOtp's query,
//! TrayTotp's seed and settings, and KeePass's own since 2.47 (keepassxc, `core/Totp.cpp`).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::super::super::login::Hidden;
use crate::model::otp::{self, Malformed, Otp};

/// A URI, or why there is none, and the names of the strings that it came from.
pub(super) type Found = (Result<Hidden, Malformed>, Vec<String>);

/// What one of an entry's one-time passwords is made of.
#[derive(Default)]
struct Parts<'t> {
    /// In base32.
    key: Hidden,
    digits: &'t str,
    period: &'t str,
    algorithm: &'t str,
    counter: Option<&'t str>,
    is_steam: bool,
}

/// Finds the one-time passwords among an entry's strings, the main one first.
pub(super) fn find(strings: &[(&str, &str)], label: &str) -> Vec<Found> {
    let mut found = Vec::new();
    for (key, value) in strings {
        let is_further = key.strip_prefix("otp_").is_some_and(|end| end.parse::<u32>().is_ok());
        if (*key == "otp" || is_further) && !value.is_empty() {
            found.push((of_otp(value, label), vec![(*key).to_owned()]));
        }
    }
    let value = |name: &str| {
        let pair = strings.iter().find(|(key, value)| *key == name && !value.is_empty());
        pair.map(|(_, value)| *value)
    };
    if let Some(seed) = value("TOTP Seed") {
        let settings = value("TOTP Settings");
        // The third, where there is one, is an address to take the time from.
        let mut parts = settings.unwrap_or_default().split(';');
        let (period, digits) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let is_steam = digits == "S";
        let parts = Parts { key: seed.into(), digits, period, is_steam, ..Parts::default() };
        let names = ["TOTP Seed", "TOTP Settings"];
        let used = if parts_used(settings) { &names[..] } else { &names[..1] };
        found.push((parts.uri(label), used.iter().map(|name| (*name).to_owned()).collect()));
    }
    for kind in ["TimeOtp-", "HmacOtp-"] {
        found.extend(of_keepass(strings, kind, label));
    }
    found
}

/// Whether a string is one that one-time passwords are made of: whoever reads it can make them.
pub(super) fn is_part(key: &str) -> bool {
    key == "otp"
        || ["otp_", "TOTP Seed", "TimeOtp-", "HmacOtp-"].iter().any(|start| key.starts_with(start))
}

/// Whether all of TrayTotp's settings have a place in a URI.
fn parts_used(settings: Option<&str>) -> bool {
    settings.is_some_and(|settings| settings.split(';').count() <= 2)
}

fn of_otp(value: &str, label: &str) -> Result<Hidden, Malformed> {
    let is_query = value.split('&').any(|pair| pair.starts_with("key="));
    if !is_query || value.contains("://") {
        Otp::parse(value)?;
        return Ok(otp::uri(value, label).expose().as_str().into());
    }
    let mut parts = Parts::default();
    for pair in value.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        match name {
            "key" => parts.key = value.replace("%3D", "").replace("%3d", "").into(),
            "size" => parts.digits = value,
            "step" => parts.period = value,
            "otpHashMode" => parts.algorithm = value,
            "type" if value.eq_ignore_ascii_case("steam") => parts.is_steam = true,
            "type" if value.eq_ignore_ascii_case("hotp") => {
                parts.counter = parts.counter.or(Some("0"));
            }
            "counter" => parts.counter = Some(value),
            _ => {}
        }
    }
    parts.uri(label)
}

fn of_keepass(strings: &[(&str, &str)], kind: &str, label: &str) -> Option<Found> {
    let mut parts = Parts::default();
    let mut used = Vec::new();
    let mut has_key = false;
    for (key, value) in strings {
        let Some(name) = key.strip_prefix(kind) else { continue };
        match name {
            "Secret-Base32" => parts.key = (*value).into(),
            "Secret" => parts.key = base32(value.as_bytes()),
            "Secret-Hex" => parts.key = base32(&hex(value)?),
            "Secret-Base64" => parts.key = base32(&STANDARD.decode(value.trim()).ok()?),
            "Length" => parts.digits = value,
            "Period" => parts.period = value,
            "Algorithm" => parts.algorithm = value,
            "Counter" => parts.counter = Some(value),
            _ => continue,
        }
        has_key |= name.starts_with("Secret");
        used.push((*key).to_owned());
    }
    if kind == "HmacOtp-" {
        parts.counter = parts.counter.or(Some("0"));
    }
    has_key.then(|| (parts.uri(label), used))
}

impl Parts<'_> {
    /// Writes them as a URI; what is as it mostly is stays unsaid.
    fn uri(&self, label: &str) -> Result<Hidden, Malformed> {
        let key = self.key.expose();
        Otp::parse(key)?;
        let mut uri = otp::uri(key, label).expose().clone();
        if key.contains("://") {
            return Ok(uri.into());
        }
        if let Some(counter) = self.counter {
            uri = uri.replacen("otpauth://totp/", "otpauth://hotp/", 1);
            uri.push_str("&counter=");
            uri.push_str(counter);
        }
        let digits = if self.is_steam { "" } else { self.digits };
        let algorithm = self.algorithm.to_ascii_uppercase().replace('-', "");
        let algorithm = algorithm.strip_prefix("HMAC").unwrap_or(&algorithm);
        for (name, value, usual) in [
            ("algorithm", algorithm, "SHA1"),
            ("digits", digits, "6"),
            ("period", self.period, "30"),
        ] {
            if !value.is_empty() && value != usual {
                for part in ["&", name, "=", value] {
                    uri.push_str(part);
                }
            }
        }
        if self.is_steam {
            uri.push_str("&encoder=steam");
        }
        Otp::parse(&uri)?;
        Ok(uri.into())
    }
}

/// Writes bytes in base32 (RFC 4648), without what fills it up.
fn base32(bytes: &[u8]) -> Hidden {
    let mut text = String::with_capacity(bytes.len().saturating_mul(2));
    for chunk in bytes.chunks(5) {
        let mut group = [0; 8];
        for (place, byte) in group.iter_mut().skip(3).zip(chunk) {
            *place = *byte;
        }
        let group = u64::from_be_bytes(group);
        for letter in 0..(chunk.len() * 8).div_ceil(5) {
            let value = u8::try_from(group >> (35 - letter * 5) & 0x1f).unwrap_or_default();
            text.push(char::from(if value < 26 { b'A' + value } else { b'2' + value - 26 }));
        }
    }
    text.into()
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u32> = text
        .chars()
        .filter(|digit| !digit.is_whitespace())
        .map(|d| d.to_digit(16))
        .collect::<Option<_>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    let byte = |[high, low]: &[u32; 2]| u8::try_from(high * 16 + low).ok();
    if rest.is_empty() { pairs.iter().map(byte).collect() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_of_holding_a_key_becomes_a_uri() {
        let key = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        let plain = format!("otpauth://totp/x?secret={key}");
        for (strings, uri) in [
            (vec![("otp", plain.as_str())], plain.clone()),
            (vec![("otp", key)], plain.clone()),
            (
                vec![("otp", &format!("key={key}&size=8&step=60&otpHashMode=Sha256"))],
                format!("{plain}&algorithm=SHA256&digits=8&period=60"),
            ),
            (vec![("otp", &format!("key={key}%3D%3D"))], plain.clone()),
            (vec![("otp_1", key)], plain.clone()),
            (vec![("TOTP Seed", key)], plain.clone()),
            (vec![("TOTP Settings", "30;6"), ("TOTP Seed", key)], plain.clone()),
            (vec![("TOTP Seed", key), ("TOTP Settings", "30;S")], format!("{plain}&encoder=steam")),
            (
                vec![
                    ("TimeOtp-Secret-Base32", key),
                    ("TimeOtp-Length", "8"),
                    ("TimeOtp-Period", "60"),
                    ("TimeOtp-Algorithm", "HMAC-SHA-256"),
                ],
                format!("{plain}&algorithm=SHA256&digits=8&period=60"),
            ),
            (vec![("TimeOtp-Secret", "12345678901234567890")], plain.clone()),
            (
                vec![("TimeOtp-Secret-Hex", "31323334353637383930 31323334353637383930")],
                plain.clone(),
            ),
            (vec![("TimeOtp-Secret-Base64", "MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=")], plain.clone()),
            (
                vec![("HmacOtp-Secret-Base32", key), ("HmacOtp-Counter", "7")],
                format!("otpauth://hotp/x?secret={key}&counter=7"),
            ),
        ] {
            let found = find(&strings, "x");
            assert_eq!(found.len(), 1, "{strings:?}");
            assert_eq!(found[0].0.as_ref().ok().unwrap().expose(), uri);
            let mut names: Vec<&str> = strings.iter().map(|(name, _)| *name).collect();
            names.retain(|name| !found[0].1.iter().any(|used| used == name));
            assert_eq!(names, Vec::<&str>::new());
            assert!(Otp::parse(&uri).is_ok(), "{uri}");
        }
        for strings in [
            &[("otp", "hunter2!")][..],
            &[("otp", "key=hunter2!")],
            &[("TOTP Seed", "hunter2!")],
            &[("TOTP Seed", key), ("TOTP Settings", "30;12")],
            &[("TimeOtp-Secret-Base32", key), ("TimeOtp-Algorithm", "MD5")],
        ] {
            assert!(find(strings, "x")[0].0.is_err(), "{strings:?}");
        }
        assert!(find(&[("TimeOtp-Secret-Hex", "xyz"), ("TimeOtp-Length", "8")], "x").is_empty());
        assert!(find(&[("otp", ""), ("otp_x", key), ("TimeOtp-Length", "8")], "x").is_empty());
    }
}
