//! Notes of a kind: lines of `Name:value`, of which the last is `Notes:`, with all that follows.

use serde_json::{Map, Value as Json};

use super::super::super::login::{Field, FieldKind, Login};

/// The kinds: LastPass's word, ours, and where Bitwarden's members go.
const KINDS: &[(&str, &str)] = &[
    ("Address", "identity"),
    ("Bank Account", "bank"),
    ("Credit Card", "card"),
    ("Driver's License", "license"),
    ("Passport", "passport"),
    ("SSH Key", "ssh-key"),
    ("Wi-Fi Password", "wifi"),
];

/// Names that a value of several lines ends at; any other line with a colon belongs to it.
const NAMES: &[&str] = &[
    "Account Number",
    "Account Type",
    "Address 1",
    "Address 2",
    "Address 3",
    "Alias",
    "Authentication",
    "Bank Name",
    "Bit Strength",
    "Birthday",
    "Branch Address",
    "Branch Phone",
    "City / Town",
    "Company",
    "Connection Mode",
    "Connection Type",
    "Country",
    "County",
    "Date",
    "Date of Birth",
    "Database",
    "Email Address",
    "Encryption",
    "Evening Phone",
    "Expiration Date",
    "Fax",
    "FIPS Mode",
    "First Name",
    "Format",
    "Gender",
    "Height",
    "Hostname",
    "IBAN Number",
    "Issued Date",
    "Issuing Authority",
    "Key Type",
    "Language",
    "Last Name",
    "License Class",
    "License Key",
    "License Number",
    "Licensee",
    "Member Name",
    "Membership Number",
    "Middle Name",
    "Mobile Phone",
    "Name",
    "Name on Card",
    "Nationality",
    "Notes",
    "Number",
    "Passphrase",
    "Password",
    "Phone",
    "PIN",
    "Pin",
    "Policy Number",
    "Policy Type",
    "Port",
    "Private Key",
    "Protocol",
    "Public Key",
    "Routing Number",
    "Security Code",
    "Server",
    "Sex",
    "SID",
    "SMTP Port",
    "SMTP Server",
    "SSID",
    "Start Date",
    "State",
    "SWIFT Code",
    "Telephone",
    "Timezone",
    "Title",
    "Type",
    "URL",
    "Use 802.1X",
    "Username",
    "Version",
    "Website",
    "Zip / Postal Code",
    "ZIP / Postal Code",
];

/// Words in the names of what is not shown.
const HIDDEN: &[&str] = &["number", "pin", "password", "passphrase", "key", "code"];

/// Takes a note apart, if it is of a kind; else it stays what it is.
pub(super) fn take(extra: &str, login: &mut Login) {
    let Some((kind, rest)) = kind(extra) else { return };
    login.kind =
        KINDS.iter().find(|(known, _)| *known == kind).map(|(_, ours)| *ours).or(Some("note"));
    login.left_over.insert("NoteType".to_owned(), kind.into());
    login.notes = "".into();
    // The fields of a custom kind have names of the user's.
    let is_custom = !KINDS.iter().any(|(known, _)| *known == kind);
    let mut pairs: Vec<(&str, String)> = Vec::new();
    for line in rest.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)) {
        let is_notes = pairs.last().is_some_and(|(name, _)| *name == "Notes");
        let pair = line.split_once(':').filter(|(name, _)| {
            !is_notes && (NAMES.contains(name) || (is_custom && is_name(name)))
        });
        match (pair, pairs.last_mut()) {
            (Some((name, value)), _) => pairs.push((name, value.to_owned())),
            (None, Some((_, value))) => {
                value.push('\n');
                value.push_str(line);
            }
            (None, None) => pairs.push(("Notes", line.to_owned())),
        }
    }
    pairs.retain(|(_, value)| !value.trim().is_empty());
    for (name, value) in pairs {
        put(name, value, login);
    }
}

/// Returns the kind, and what is below the line that names it.
fn kind(extra: &str) -> Option<(&str, &str)> {
    let (first, rest) = extra.split_once('\n').unwrap_or((extra, ""));
    let kind = first.trim_end().strip_prefix("NoteType:")?;
    (!kind.is_empty()).then_some((kind, rest))
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= 64 && !name.starts_with(' ') && !name.contains("//")
}

fn put(name: &str, value: String, login: &mut Login) {
    match (login.kind, name) {
        (_, "Notes") => login.notes = value.into(),
        (_, "Username") if login.username.is_empty() => login.username = value,
        (_, "Password") if login.password.is_empty() => login.password = value.into(),
        (Some("card"), _) => card(name, value, login),
        (Some("ssh-key"), "Private Key") => member("sshKey", "privateKey", value, login),
        (Some("ssh-key"), "Public Key") => member("sshKey", "publicKey", value, login),
        _ => field(name, value, login),
    }
}

fn card(name: &str, value: String, login: &mut Login) {
    match name {
        "Name on Card" => member("card", "cardholderName", value, login),
        "Type" => member("card", "brand", value, login),
        "Number" => member("card", "number", value, login),
        "Security Code" => member("card", "code", value, login),
        "Expiration Date" => match expiry(&value) {
            Some((month, year)) => {
                member("card", "expMonth", month, login);
                member("card", "expYear", year, login);
            }
            None => field(name, value, login),
        },
        _ => field(name, value, login),
    }
}

/// Reads `January,2031`.
fn expiry(value: &str) -> Option<(String, String)> {
    const MONTHS: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let (month, year) = value.split_once(',')?;
    let start = month.trim().get(..3)?.to_ascii_lowercase();
    let month = MONTHS.iter().position(|known| *known == start)?.checked_add(1)?;
    let is_year = year.len() == 4 && year.bytes().all(|byte| byte.is_ascii_digit());
    is_year.then(|| (month.to_string(), year.to_owned()))
}

fn member(object: &'static str, name: &str, value: String, login: &mut Login) {
    let (_, members) = login.special.get_or_insert_with(|| (object, Map::new()));
    members.insert(name.to_owned(), Json::String(value));
}

fn field(name: &str, value: String, login: &mut Login) {
    let lower = name.to_ascii_lowercase();
    let is_hidden = HIDDEN.iter().any(|word| lower.contains(word));
    let kind = if is_hidden { FieldKind::Hidden } else { FieldKind::Text };
    login.fields.push(Field::new(name, value, kind));
}
