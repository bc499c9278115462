//! The formats, one file each or one for those of a family, and which of them some bytes are.

mod aws;
mod browsers;
mod dotenv;
mod keepass;
mod lastpass;
mod mapped;
mod nordpass;
mod pass;
mod rows;

mod archive;
mod authenticators;
mod bitwarden;
mod dashlane;
mod onepassword;
mod proton;

use super::reading::{Error, Reading, Wishes};
use super::shape::Shape;

/// A format that is read. The order is the one in which contents are compared with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Chrome,
    Firefox,
    Safari,
    Bitwarden,
    BitwardenZip,
    BitwardenTable,
    OnePassword,
    OnePasswordTable,
    Proton,
    ProtonTable,
    Dashlane,
    Aegis,
    TwoFas,
    EnteEncrypted,
    ProtonAuthenticator,
    AndOtp,
    OtpUris,
    Archive,
    // Tables, XML, lines and trees.
    KeePass,
    Pass,
    Dotenv,
    Aws,
    Chamber,
    KeePassTable,
    KeePass1Table,
    LastPass,
    NordPass,
    Table,
}

/// A format: how it is called, how it is known, how it is read.
struct Entry {
    format: Format,
    /// What `--from` calls it, and what the tag `src` of a secret says.
    name: &'static str,
    /// Whose it is, for people.
    title: &'static str,
    /// Whether contents are of this format; looks for a few things that it must have.
    fits: fn(&Shape) -> bool,
    read: fn(&Shape, &Wishes) -> Result<Reading, Error>,
}

/// All formats. What fits several is the first.
const ALL: &[Entry] = &[
    Entry {
        format: Format::Chrome,
        name: "chrome",
        title: "Chrome, Edge or Brave",
        fits: browsers::is_chrome,
        read: browsers::read_chrome,
    },
    Entry {
        format: Format::Firefox,
        name: "firefox",
        title: "Firefox",
        fits: browsers::is_firefox,
        read: browsers::read_firefox,
    },
    Entry {
        format: Format::Safari,
        name: "safari",
        title: "Safari or Apple Passwords",
        fits: browsers::is_safari,
        read: browsers::read_safari,
    },
    // JSON and archives.
    Entry {
        format: Format::Bitwarden,
        name: "bitwarden",
        title: "Bitwarden",
        fits: bitwarden::is_json,
        read: bitwarden::read_json,
    },
    Entry {
        format: Format::BitwardenZip,
        name: "bitwarden-zip",
        title: "Bitwarden, with attachments",
        fits: bitwarden::is_zip,
        read: bitwarden::read_zip,
    },
    Entry {
        format: Format::BitwardenTable,
        name: "bitwarden-csv",
        title: "Bitwarden's table",
        fits: bitwarden::is_table,
        read: bitwarden::read_table,
    },
    Entry {
        format: Format::OnePassword,
        name: "1password",
        title: "1Password",
        fits: onepassword::is_export,
        read: onepassword::read,
    },
    Entry {
        format: Format::OnePasswordTable,
        name: "1password-csv",
        title: "1Password's table",
        fits: onepassword::is_table,
        read: onepassword::read_table,
    },
    Entry {
        format: Format::Proton,
        name: "proton",
        title: "Proton Pass",
        fits: proton::is_export,
        read: proton::read,
    },
    Entry {
        format: Format::ProtonTable,
        name: "proton-csv",
        title: "Proton Pass's table",
        fits: proton::is_table,
        read: proton::read_table,
    },
    Entry {
        format: Format::Dashlane,
        name: "dashlane",
        title: "Dashlane",
        fits: dashlane::is_export,
        read: dashlane::read,
    },
    Entry {
        format: Format::Aegis,
        name: "aegis",
        title: "Aegis",
        fits: authenticators::is_aegis,
        read: authenticators::read_aegis,
    },
    Entry {
        format: Format::TwoFas,
        name: "2fas",
        title: "2FAS",
        fits: authenticators::is_two_fas,
        read: authenticators::read_two_fas,
    },
    Entry {
        format: Format::EnteEncrypted,
        name: "ente",
        title: "Ente Auth, encrypted",
        fits: authenticators::is_ente_encrypted,
        read: authenticators::read_ente_encrypted,
    },
    Entry {
        format: Format::ProtonAuthenticator,
        name: "proton-authenticator",
        title: "Proton Authenticator",
        fits: authenticators::is_proton,
        read: authenticators::read_proton,
    },
    Entry {
        format: Format::AndOtp,
        name: "andotp",
        title: "andOTP",
        fits: authenticators::is_andotp,
        read: authenticators::read_andotp,
    },
    Entry {
        format: Format::OtpUris,
        name: "otpauth",
        title: "a list of otpauth:// URIs",
        fits: authenticators::is_list,
        read: authenticators::read_list,
    },
    Entry {
        format: Format::Archive,
        name: "archive",
        title: "Strongroom",
        fits: archive::is_vault,
        read: archive::read,
    },
    // Tables, XML, lines and trees.
    Entry {
        format: Format::KeePass,
        name: "keepass",
        title: "KeePass or KeePassXC",
        fits: keepass::is_xml,
        read: keepass::read_xml,
    },
    Entry {
        format: Format::Pass,
        name: "pass",
        title: "pass or gopass",
        fits: pass::is_tree,
        read: pass::read_tree,
    },
    Entry {
        format: Format::Dotenv,
        name: "env",
        title: "a file of environment variables",
        fits: dotenv::is_env,
        read: dotenv::read_env,
    },
    Entry {
        format: Format::Aws,
        name: "aws",
        title: "AWS Secrets Manager",
        fits: aws::is_dump,
        read: aws::read_dump,
    },
    Entry {
        format: Format::Chamber,
        name: "chamber",
        title: "chamber, or any JSON of names and texts",
        fits: aws::is_chamber,
        read: aws::read_chamber,
    },
    Entry {
        format: Format::KeePassTable,
        name: "keepass-csv",
        title: "KeePassXC's table",
        fits: keepass::is_table,
        read: keepass::read_table,
    },
    Entry {
        format: Format::KeePass1Table,
        name: "keepass1-csv",
        title: "KeePass 1's table",
        fits: keepass::is_old_table,
        read: keepass::read_old_table,
    },
    Entry {
        format: Format::LastPass,
        name: "lastpass",
        title: "LastPass",
        fits: lastpass::is_table,
        read: lastpass::read_table,
    },
    Entry {
        format: Format::NordPass,
        name: "nordpass",
        title: "NordPass",
        fits: nordpass::is_table,
        read: nordpass::read_table,
    },
    // The last: it fits whatever has a name and a password.
    Entry {
        format: Format::Table,
        name: "csv",
        title: "a table with columns that are known, or mapped",
        fits: mapped::is_table,
        read: mapped::read_table,
    },
];

impl Format {
    /// Finds the format that `--from` calls so.
    pub(crate) fn named(name: &str) -> Option<Self> {
        ALL.iter().find(|entry| entry.name == name).map(|entry| entry.format)
    }

    /// Returns the names of all, in their order.
    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        ALL.iter().map(|entry| entry.name)
    }

    /// Returns its name.
    pub(crate) fn name(self) -> &'static str {
        self.entry().map_or("", |entry| entry.name)
    }

    /// Returns whose it is, for people.
    pub(crate) fn title(self) -> &'static str {
        self.entry().map_or("", |entry| entry.title)
    }

    /// Whether a source looks like one of it.
    pub(crate) fn fits(self, shape: &Shape) -> bool {
        self.entry().is_some_and(|entry| (entry.fits)(shape))
    }

    fn entry(self) -> Option<&'static Entry> {
        ALL.iter().find(|entry| entry.format == self)
    }
}

/// Finds out whose a source is, by what is in it.
pub(crate) fn recognise(shape: &Shape) -> Option<Format> {
    ALL.iter().find(|entry| (entry.fits)(shape)).map(|entry| entry.format)
}

/// Reads a source as one of a format.
///
/// # Errors
/// See [`Error`]. What is wrong with one item alone is a remark.
pub(crate) fn read(format: Format, shape: &Shape, wishes: &Wishes) -> Result<Reading, Error> {
    match format.entry() {
        Some(entry) => (entry.read)(shape, wishes),
        None => Err(Error::Unknown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_nearly_everything_is_last() {
        assert_eq!(ALL.last().unwrap().format, Format::Table);
    }

    #[test]
    fn each_format_has_one_name() {
        for entry in ALL {
            assert_eq!(Format::named(entry.name), Some(entry.format));
            assert_eq!(entry.format.name(), entry.name);
        }
        assert_eq!(Format::named("floppy"), None);
    }
}
