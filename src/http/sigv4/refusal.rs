//! Why a signature is refused, in AWS's codes and words.
//!
//! Two things AWS does are left out on purpose: its texts repeat the whole `Authorization` header, and
//! once showed the text that it would have signed.

/// In which words a service answers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// AWS JSON: codes end with `Exception`, and the status is 400.
    Json,
    /// The query protocol, which STS speaks.
    Query,
}

/// Why a request is not taken for what it says it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Nothing says who asks.
    Unsigned,
    /// There is a signature in a header, and one in the query.
    SignedTwice,
    /// A part of the header is not of the form `name=value`.
    NotAPair { part: String },
    /// Parameters are missing in the header, and perhaps the date beside it.
    HeaderLacks { parameters: Vec<&'static str>, date: bool },
    /// Parameters are missing in the query.
    QueryLacks { parameters: Vec<&'static str> },
    /// The date is not spelled as dates are.
    NotADate { found: String },
    /// The request is too old. `limit` is the earliest date that would do.
    Expired { date: String, limit: String, now: String, minutes: i64 },
    /// The request is from the future. `limit` is the latest date that would do.
    NotYet { date: String, limit: String, now: String, minutes: i64 },
    /// A header that must be signed is not.
    HeaderNotSigned { name: String },
    /// The method of signing is one that we do not know.
    Algorithm { found: String },
    /// `Credential` has too few parts, or too many.
    CredentialParts { found: String },
    /// The signature is for another place, service or day.
    Scope { faults: String },
    /// There is no such key, or it may not be used, or not without its token.
    UnknownKey,
    /// The session's token is not the one of the key.
    WrongToken,
    /// The key was good once.
    KeyExpired,
    /// The signature is of something else, or of somebody else.
    Mismatch,
}

/// What a client is told.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl Refusal {
    /// Puts it as the service does.
    pub(crate) fn answer(&self, dialect: Dialect) -> Answer {
        let (json, query, query_status) = self.codes();
        let (code, status) = match dialect {
            Dialect::Json => (json, 400),
            Dialect::Query => (query, query_status),
        };
        Answer { status, code, message: self.message(dialect) }
    }

    /// The codes in JSON and in the query protocol, and the latter's status.
    fn codes(&self) -> (&'static str, &'static str, u16) {
        match self {
            Self::Unsigned => {
                ("MissingAuthenticationTokenException", "MissingAuthenticationToken", 403)
            }
            Self::NotAPair { .. }
            | Self::HeaderLacks { .. }
            | Self::QueryLacks { .. }
            | Self::NotADate { .. }
            | Self::Algorithm { .. }
            | Self::CredentialParts { .. } => {
                ("IncompleteSignatureException", "IncompleteSignature", 400)
            }
            Self::SignedTwice
            | Self::Expired { .. }
            | Self::NotYet { .. }
            | Self::HeaderNotSigned { .. }
            | Self::Scope { .. }
            | Self::Mismatch => ("InvalidSignatureException", "SignatureDoesNotMatch", 403),
            Self::UnknownKey | Self::WrongToken => {
                ("UnrecognizedClientException", "InvalidClientTokenId", 403)
            }
            Self::KeyExpired => ("ExpiredTokenException", "ExpiredToken", 403),
        }
    }

    fn message(&self, dialect: Dialect) -> String {
        match self {
            Self::Unsigned if dialect == Dialect::Query => {
                "Request is missing Authentication Token".to_owned()
            }
            Self::Unsigned => "Missing Authentication Token".to_owned(),
            Self::SignedTwice => "Found both 'X-Amz-Algorithm' as a query-string param and \
                                  'Authorization' as HTTP header."
                .to_owned(),
            Self::NotAPair { part } => format!(
                "'{part}' not a valid key=value pair (missing equal-sign) in Authorization header."
            ),
            Self::HeaderLacks { parameters, date } => header_lacks(parameters, *date),
            Self::QueryLacks { parameters } => query_lacks(parameters),
            Self::NotADate { found } => format!(
                "Date must be in ISO-8601 'basic format'. Got '{found}'. \
                 See http://en.wikipedia.org/wiki/ISO_8601"
            ),
            Self::Expired { date, limit, now, minutes } => format!(
                "Signature expired: {date} is now earlier than {limit} ({now} - {minutes} min.)"
            ),
            Self::NotYet { date, limit, now, minutes } => format!(
                "Signature not yet current: {date} is still later than {limit} ({now} + {minutes} min.)"
            ),
            Self::HeaderNotSigned { name } if name.eq_ignore_ascii_case("host") => {
                "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.".to_owned()
            }
            Self::HeaderNotSigned { name } => {
                format!("'{name}' must be a 'SignedHeader' in the AWS Authorization.")
            }
            Self::Algorithm { found } => format!("Unsupported AWS 'algorithm': '{found}'."),
            Self::CredentialParts { found } => format!(
                "Credential must have exactly 5 slash-delimited elements, e.g. \
                 keyid/date/region/service/term, got '{found}'"
            ),
            Self::Scope { faults } => faults.clone(),
            Self::UnknownKey => "The security token included in the request is invalid.".to_owned(),
            Self::WrongToken => "The security token included in the request is invalid".to_owned(),
            Self::KeyExpired => "The security token included in the request is expired".to_owned(),
            Self::Mismatch => "The request signature we calculated does not match the signature you \
                               provided. Check your AWS Secret Access Key and signing method. Consult \
                               the service documentation for details."
                .to_owned(),
        }
    }
}

fn header_lacks(parameters: &[&str], date: bool) -> String {
    let wanted = |name: &&str| format!("Authorization header requires '{name}' parameter. ");
    let mut text: String = parameters.iter().map(wanted).collect();
    if date {
        text.push_str(
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ",
        );
    }
    text
}

fn query_lacks(parameters: &[&str]) -> String {
    let wanted = |name: &&str| format!("AWS query-string parameters must include '{name}'. ");
    let text: String = parameters.iter().map(wanted).collect();
    text + "Re-examine the query-string parameters."
}
