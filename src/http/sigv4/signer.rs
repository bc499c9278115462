//! Signs requests, as a client does. For tests and for fuzzing: no release has it.

use super::canonical::{self, ALGORITHM, Parameter, Signed};
use super::claim::{SIGNATURE, TOKEN, TOKEN_HEADER};
use super::date;
use super::request::Request;
use super::scope::Scope;
use crate::crypto::fingerprint;
use crate::crypto::signing::{Purpose, signature};
use crate::model::order;
use crate::model::time::Timestamp;
use crate::sys::secret::Secret;

/// Who signs, for what, and when.
#[derive(Clone, Copy)]
pub(crate) struct Signer<'a> {
    pub(crate) access_key_id: &'a str,
    pub(crate) secret: &'a Secret<String>,
    pub(crate) token: Option<&'a str>,
    pub(crate) region: &'a str,
    pub(crate) service: &'a str,
    pub(crate) at: Timestamp,
}

impl Signer<'_> {
    /// Signs all headers of a request, which has no `X-Amz-Date` yet. Returns the headers that it must
    /// have besides.
    pub(crate) fn sign(&self, request: &Request<'_>) -> Vec<(String, Vec<u8>)> {
        let date = date::write(self.at);
        let mut added = vec![("x-amz-date", date.as_bytes().to_vec())];
        added.extend(self.token.map(|token| (TOKEN_HEADER, token.as_bytes().to_vec())));
        let mut headers = request.headers.to_vec();
        headers.extend(added.iter().map(|(name, value)| (*name, value.as_slice())));
        let whole = Request { headers: &headers, ..*request };
        let names = names_of(&whole);
        let query = canonical::parameters(request.path_and_query().1);
        let signature = self.signature(&whole, &date, &names, &query);
        let credential = self.credential(&date);
        let authorization = format!(
            "{ALGORITHM} Credential={credential}, SignedHeaders={names}, Signature={signature}"
        );
        let mut added: Vec<(String, Vec<u8>)> =
            added.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        added.push(("authorization".to_owned(), authorization.into_bytes()));
        added
    }

    /// Signs all headers of a request in its target, which is returned.
    pub(crate) fn presign(&self, request: &Request<'_>) -> String {
        let date = date::write(self.at);
        let (path, query) = request.path_and_query();
        let mut query = canonical::parameters(query);
        let names = names_of(request);
        let mut own = vec![
            ("X-Amz-Algorithm", ALGORITHM.to_owned()),
            ("X-Amz-Credential", self.credential(&date)),
            ("X-Amz-Date", date.clone()),
            ("X-Amz-Expires", "60".to_owned()),
            ("X-Amz-SignedHeaders", names.clone()),
        ];
        own.extend(self.token.map(|token| (TOKEN, token.to_owned())));
        let bytes = |(name, value): (&str, String)| (name.as_bytes().to_vec(), value.into_bytes());
        query.extend(own.into_iter().map(bytes));
        let signature = self.signature(request, &date, &names, &query);
        format!("{path}?{}&{SIGNATURE}={signature}", canonical::query(&query, &[]))
    }

    fn signature(
        &self,
        request: &Request<'_>,
        date: &str,
        names: &str,
        query: &[Parameter],
    ) -> String {
        let query = canonical::query(query, &[]);
        let payload = fingerprint::hex(&fingerprint::of_bytes(request.body));
        let signed = Signed { names, query: &query, payload: &payload };
        let text = canonical::request(request, &signed).unwrap_or_default();
        let text = canonical::string_to_sign(date, self.purpose(date), &text);
        signature(self.secret, self.purpose(date), text.as_bytes())
    }

    fn credential(&self, date: &str) -> String {
        format!("{}/{}", self.access_key_id, Scope::write(self.purpose(date)))
    }

    fn purpose<'a>(&'a self, date: &'a str) -> Purpose<'a> {
        let day = date.get(..8).unwrap_or(date);
        Purpose { day, region: self.region, service: self.service }
    }
}

/// The names of all headers, as a list of signed ones has them.
fn names_of(request: &Request<'_>) -> String {
    let names = request.headers.iter().map(|(name, _)| name.to_ascii_lowercase());
    let mut names: Vec<String> = names.collect();
    order::sort_all(&mut names);
    names.dedup();
    names.join(";")
}
