//! A request as it came: what a signature is about.

/// A request, whole. Names and values of headers are as they were received.
#[derive(Clone, Copy)]
pub(crate) struct Request<'a> {
    pub(crate) method: &'a str,
    /// The path and the query.
    pub(crate) target: &'a str,
    pub(crate) headers: &'a [(&'a str, &'a [u8])],
    pub(crate) body: &'a [u8],
}

impl<'a> Request<'a> {
    /// Returns the values of a header, in the order in which they came.
    pub(super) fn values(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        let headers = self.headers.iter();
        headers.filter(move |(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }

    /// Returns the only value of a header, without the space around it.
    pub(super) fn value(&self, name: &str) -> Option<&'a [u8]> {
        let mut values = self.values(name);
        let value = values.next()?.trim_ascii();
        values.next().is_none().then_some(value)
    }

    /// Splits the target into its path and its query.
    pub(super) fn path_and_query(&self) -> (&'a str, &'a str) {
        self.target.split_once('?').unwrap_or((self.target, ""))
    }

    /// Whether a header that matters is there twice: one reader may take the first, and another the
    /// last.
    pub(super) fn is_ambiguous(&self) -> bool {
        let matters = |name: &str| is_weighty(name) || is_one_of(name, &["authorization", "date"]);
        let names = self.headers.iter().map(|(name, _)| *name).filter(|name| matters(name));
        names.clone().any(|name| self.values(name).nth(1).is_some())
    }
}

/// Whether a header changes what a request means to us. It must be signed.
pub(super) fn is_weighty(name: &str) -> bool {
    let begins = name.get(..AMZ.len()).is_some_and(|start| start.eq_ignore_ascii_case(AMZ));
    begins || is_one_of(name, &["host", "content-type"])
}

fn is_one_of(name: &str, names: &[&str]) -> bool {
    names.iter().any(|known| known.eq_ignore_ascii_case(name))
}

const AMZ: &str = "x-amz-";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_matters_may_be_there_once() {
        let check = |names: &[&str], expected| {
            let headers: Vec<(&str, &[u8])> = names.iter().map(|name| (*name, &b"x"[..])).collect();
            let request = Request { method: "POST", target: "/", headers: &headers, body: b"" };
            assert_eq!(request.is_ambiguous(), expected, "{names:?}");
        };
        check(&[], false);
        check(&["Host", "X-Amz-Date", "Content-Type", "X-Amz-Target"], false);
        check(&["Accept", "accept", "amz-sdk-request", "Amz-Sdk-Request"], false);
        check(&["Host", "host"], true);
        check(&["content-type", "Content-Type"], true);
        check(&["X-Amz-Any", "Host", "x-amz-ANY"], true);
        check(&["Authorization", "authorization"], true);
        check(&["Date", "date"], true);
        check(&["x-amzn-trace-id", "x-amzn-trace-id"], false);
    }
}
