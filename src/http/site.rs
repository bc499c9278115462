//! Where an endpoint is, and who calls it by that name.
//!
//! A page in a browser can send requests to the loopback interface, and by giving its own name the
//! address of it (DNS rebinding) read the answers. So only the endpoint's own address is a host, and
//! what a page sends is refused whatever it is. Signatures protect vaults anyway; a token in a header
//! and `/ping` would be less.

use super::head::Head;
use super::refused::Refused;

/// Where an endpoint is, which is what its clients must call it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Site {
    /// At this port of the loopback interface.
    Loopback(u16),
    /// At a socket in the file system, which clients call `localhost`, as curl does.
    File,
}

impl Site {
    /// Refuses what is meant for another host, and what comes from a page.
    pub(super) fn check(self, head: &Head<'_>) -> Result<(), Refused> {
        let is_own = head.text("host").is_some_and(|host| self.is_called(host));
        let is_typed = |value: &[u8]| value.eq_ignore_ascii_case(b"none");
        let is_of_a_page =
            head.values("origin").next().is_some() || !head.values("sec-fetch-site").all(is_typed);
        if is_own && !is_of_a_page { Ok(()) } else { Err(Refused::Foreign) }
    }

    fn is_called(self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        let (name, port) = match host.strip_suffix(']') {
            Some(_) => (host.as_str(), None),
            None => host.rsplit_once(':').map_or((&*host, None), |(name, port)| (name, Some(port))),
        };
        let is_number = |port: &str| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
        match self {
            Self::Loopback(own) => {
                let own = own.to_string();
                let port = port.unwrap_or("80");
                port == own && ["localhost", "127.0.0.1", "[::1]"].contains(&name)
            }
            Self::File => name == "localhost" && port.is_none_or(is_number),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_own_address_is_a_host() {
        for (host, is_own) in [
            ("127.0.0.1:18777", true),
            ("localhost:18777", true),
            ("LOCALHOST:18777", true),
            ("[::1]:18777", true),
            ("127.0.0.1", false),
            ("127.0.0.1:80", false),
            ("127.0.0.1:018777", false),
            ("127.0.0.1:18777 ", false),
            ("127.0.0.1:+18777", false),
            ("127.0.0.1:", false),
            ("127.0.0.2:18777", false),
            ("0.0.0.0:18777", false),
            ("2130706433:18777", false),
            ("::1:18777", false),
            ("[::1]", false),
            ("[::1:18777", false),
            ("[::ffff:127.0.0.1]:18777", false),
            ("localhost.:18777", false),
            ("a.localhost:18777", false),
            ("localhost.evil.example:18777", false),
            ("evil.example:18777", false),
            ("user@localhost:18777", false),
            ("secretsmanager.eu-west-1.amazonaws.com", false),
            (":18777", false),
            ("", false),
        ] {
            assert_eq!(Site::Loopback(18777).is_called(host), is_own, "{host}");
        }
        assert!(Site::Loopback(80).is_called("localhost") && Site::Loopback(80).is_called("[::1]"));
        for (host, is_own) in [
            ("localhost", true),
            ("Localhost:2773", true),
            ("localhost:", false),
            ("localhost:x", false),
            ("127.0.0.1", false),
            ("evil.example", false),
        ] {
            assert_eq!(Site::File.is_called(host), is_own, "{host}");
        }
    }

    #[test]
    fn what_a_page_sends_is_refused() {
        for (header, expected) in [
            ("X: y", Ok(())),
            ("Sec-Fetch-Site: none", Ok(())),
            ("Sec-Fetch-Site: same-origin", Err(Refused::Foreign)),
            ("sec-fetch-site: cross-site", Err(Refused::Foreign)),
            ("Sec-Fetch-Site:", Err(Refused::Foreign)),
            ("Origin: http://evil.example", Err(Refused::Foreign)),
            ("Origin: http://127.0.0.1:18777", Err(Refused::Foreign)),
            ("origin: null", Err(Refused::Foreign)),
            ("Origin:", Err(Refused::Foreign)),
        ] {
            let bytes = format!("GET / HTTP/1.1\r\nHost: localhost:18777\r\n{header}\r\n\r\n");
            let head = Head::parse(bytes.as_bytes()).unwrap();
            assert_eq!(Site::Loopback(18777).check(&head), expected, "{header}");
        }
    }
}
