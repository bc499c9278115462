//! Whose sites addresses are, as far as that can be seen: a list of all domains under which anybody can
//! have a site is large and grows old, so that this looks for the word that a company has.

/// Whether two addresses have the word of one owner: `https://shop.amazon.com` and
/// `https://www.amazon.co.uk`, or the app `android://…@com.amazon.shop`.
pub(super) fn are_of_one_owner(one: &str, other: &str) -> bool {
    let (one, other) = (words(one), words(other));
    let has = |words: &Words<'_>, word: &str| words.all.contains(&word);
    one.own.is_some_and(|word| has(&other, word)) || other.own.is_some_and(|word| has(&one, word))
}

/// The words of an address that may be a company's.
struct Words<'a> {
    /// Of a site, the one before what ends its name (`.com`, `.co.uk`); of an address in numbers, all of
    /// it. Of an app nobody knows.
    own: Option<&'a str>,
    all: Vec<&'a str>,
}

fn words(url: &str) -> Words<'_> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host =
        host.rsplit_once(':').filter(|(_, port)| is_number(port)).map_or(host, |(host, _)| host);
    let mut labels: Vec<&str> = host.split('.').filter(|label| !label.is_empty()).collect();
    if url.starts_with("android://") {
        labels.retain(|label| label.len() > LONGEST_ENDING);
        return Words { own: None, all: labels };
    }
    if labels.len() < 2 || labels.iter().all(|label| is_number(label)) {
        let own = Some(host).filter(|host| !host.is_empty());
        return Words { own, all: own.into_iter().collect() };
    }
    labels.pop();
    if labels.len() > 1 && labels.last().is_some_and(|label| NOBODYS.contains(label)) {
        labels.pop();
    }
    let own = labels.last().copied();
    Words { own, all: own.into_iter().collect() }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// What stands before a country, as in `co.uk`.
const NOBODYS: [&str; 10] = ["ac", "co", "com", "edu", "go", "gov", "ne", "net", "or", "org"];
/// The most letters of a word in the name of an app that is taken for nobody's.
const LONGEST_ENDING: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn companies_have_a_word() {
        for (one, other, is_one) in [
            ("https://amazon.com/", "https://www.amazon.de/x", true),
            ("https://amazon.co.uk/", "https://smile.amazon.com.br:8443", true),
            ("https://a.test/", "https://a.test/login", true),
            ("android://abc==@com.amazon.mShop/", "https://www.amazon.com/", true),
            ("http://10.0.0.1/", "http://10.0.0.1:8080/x", true),
            ("http://localhost", "http://localhost:80", true),
            ("https://shop.test", "https://bank.test", false),
            ("https://www.hp.com", "https://www.kfc.com", false),
            ("https://www.bbc.de", "https://www.kfc.de", false),
            ("https://one.co.uk", "https://two.co.uk", false),
            ("http://10.0.0.1/", "http://10.0.0.2/", false),
            ("android://a@com.one.app/", "android://b@com.two.app/", false),
            ("android://a@com.one.app/", "https://app.com", false),
            ("", "", false),
            ("https://x.test", "", false),
        ] {
            assert_eq!(are_of_one_owner(one, other), is_one, "{one} {other}");
            assert_eq!(are_of_one_owner(other, one), is_one, "{other} {one}");
        }
    }
}
