//! What a request says of itself: who signed it, what of it, and when.

use super::canonical::Parameter;
use super::refusal::Refusal;
use super::request::Request;

/// A claim, not believed yet. Texts are as they were received, decoded where they were encoded.
pub(super) struct Claim {
    pub(super) place: Place,
    pub(super) algorithm: String,
    pub(super) credential: String,
    /// Names of headers, between semicolons.
    pub(super) signed_headers: String,
    pub(super) signature: String,
    pub(super) date: String,
    /// The session's token, which need not be signed: it is compared with the key's.
    pub(super) token: Option<Vec<u8>>,
}

/// Where a signature stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Header,
    /// In the query: somebody else may have made the request beforehand.
    Query,
}

impl Claim {
    pub(super) fn read(request: &Request<'_>, query: &[Parameter]) -> Result<Self, Refusal> {
        let header = request.value("authorization").filter(|header| !header.is_empty());
        let header = header.map(|header| str::from_utf8(header).unwrap_or_default());
        match (header, parameter(query, ALGORITHM).is_some()) {
            (Some(_), true) => Err(Refusal::SignedTwice),
            (Some(header), false) if header.starts_with("AWS") => {
                Self::from_header(request, header)
            }
            (Some(_) | None, false) => Err(Refusal::Unsigned),
            (None, true) => Self::from_query(query),
        }
    }

    fn from_header(request: &Request<'_>, header: &str) -> Result<Self, Refusal> {
        let mut words = header.split([',', ' ']).filter(|word| !word.is_empty());
        let algorithm = words.next().unwrap_or_default();
        let (mut credential, mut signature, mut signed_headers) = ("", "", "");
        for part in words {
            let Some((name, value)) = part.split_once('=') else {
                return Err(Refusal::NotAPair { part: part.to_owned() });
            };
            match name {
                "Credential" => credential = value,
                "Signature" => signature = value,
                "SignedHeaders" => signed_headers = value,
                _ => {}
            }
        }
        let date = request.value("x-amz-date").or_else(|| request.value("date"));
        let date = date.map(String::from_utf8_lossy).unwrap_or_default();
        let parameters = [
            ("Credential", credential),
            ("Signature", signature),
            ("SignedHeaders", signed_headers),
        ];
        let parameters = missing(&parameters);
        if !parameters.is_empty() || date.is_empty() {
            return Err(Refusal::HeaderLacks { parameters, date: date.is_empty() });
        }
        Ok(Self {
            place: Place::Header,
            algorithm: algorithm.to_owned(),
            credential: credential.to_owned(),
            signed_headers: signed_headers.to_owned(),
            signature: signature.to_owned(),
            date: date.into_owned(),
            token: request.value(TOKEN_HEADER).map(<[u8]>::to_vec),
        })
    }

    fn from_query(query: &[Parameter]) -> Result<Self, Refusal> {
        let text = |name| {
            let value = parameter(query, name).map(|value| String::from_utf8_lossy(value));
            value.unwrap_or_default().into_owned()
        };
        let claim = Self {
            place: Place::Query,
            algorithm: text(ALGORITHM),
            credential: text("X-Amz-Credential"),
            signed_headers: text("X-Amz-SignedHeaders"),
            signature: text(SIGNATURE),
            date: text("X-Amz-Date"),
            token: parameter(query, TOKEN).map(<[u8]>::to_vec),
        };
        let parameters = missing(&[
            (ALGORITHM, &claim.algorithm),
            ("X-Amz-Credential", &claim.credential),
            (SIGNATURE, &claim.signature),
            ("X-Amz-SignedHeaders", &claim.signed_headers),
            ("X-Amz-Date", &claim.date),
        ]);
        if parameters.is_empty() { Ok(claim) } else { Err(Refusal::QueryLacks { parameters }) }
    }
}

/// Returns the first parameter of this name.
fn parameter<'a>(query: &'a [Parameter], name: &str) -> Option<&'a [u8]> {
    let mut named = query.iter().filter(|(known, _)| known == name.as_bytes());
    named.next().map(|(_, value)| value.as_slice())
}

fn missing(parameters: &[(&'static str, &str)]) -> Vec<&'static str> {
    parameters.iter().filter(|(_, value)| value.is_empty()).map(|(name, _)| *name).collect()
}

const ALGORITHM: &str = "X-Amz-Algorithm";
/// The parameter that cannot be part of what is signed.
pub(super) const SIGNATURE: &str = "X-Amz-Signature";
/// The parameter, and the header, that need not be.
pub(super) const TOKEN: &str = "X-Amz-Security-Token";
pub(super) const TOKEN_HEADER: &str = "x-amz-security-token";
