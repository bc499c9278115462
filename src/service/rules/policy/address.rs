//! IP addresses and the ranges that the `IpAddress` operators compare them with.

use std::net::IpAddr;

/// A range of addresses in CIDR form; one address is a range of its own.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// Reads `203.0.113.0/24`, `2001:db8::/32` or an address alone.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => longest,
            Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().ok()?,
            Some(_) => return None,
        };
        (prefix <= longest).then_some(Self { address, prefix })
    }

    /// Whether the range holds the address that `text` spells; not where it spells none.
    pub(super) fn holds(&self, text: &str) -> bool {
        let Ok(address) = text.parse::<IpAddr>() else { return false };
        // A caller over a dual-stack socket is `::ffff:203.0.113.7`, and still that caller.
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(32_u32.saturating_sub(self.prefix.into()));
                let differing = network.to_bits() ^ address.to_bits();
                differing & mask.unwrap_or(0) == 0
            }
            (IpAddr::V6(network), _) => {
                let address = match address {
                    IpAddr::V4(address) => address.to_ipv6_mapped(),
                    IpAddr::V6(address) => address,
                };
                let mask = u128::MAX.checked_shl(128_u32.saturating_sub(self.prefix.into()));
                (network.to_bits() ^ address.to_bits()) & mask.unwrap_or(0) == 0
            }
            (IpAddr::V4(_), IpAddr::V6(_)) => false,
        }
    }

    /// Whether the range is narrow enough to say who calls. S3 draws the line for public policies at
    /// /8 for IPv4 and /32 for IPv6.
    pub(super) fn is_narrow(&self) -> bool {
        self.prefix >= if self.address.is_ipv4() { 8 } else { 32 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_the_addresses_of_its_range() {
        for (range, address, expected) in [
            ("203.0.113.0/24", "203.0.113.0", true),
            ("203.0.113.0/24", "203.0.113.255", true),
            ("203.0.113.0/24", "203.0.114.0", false),
            ("203.0.113.77/24", "203.0.113.1", true),
            ("203.0.113.7", "203.0.113.7", true),
            ("203.0.113.7", "203.0.113.6", false),
            ("0.0.0.0/0", "255.255.255.255", true),
            ("0.0.0.0/0", "::1", false),
            ("203.0.113.0/24", "::ffff:203.0.113.9", true),
            ("::ffff:203.0.113.0/120", "203.0.113.9", true),
            ("2001:DB8:1234:5678::/64", "2001:db8:1234:5678:ffff::1", true),
            ("2001:DB8:1234:5678::/64", "2001:db8:1234:5679::", false),
            ("::/0", "2001:db8::1", true),
            ("2001:db8::1", "2001:db8::1", true),
            ("2001:db8::1", "2001:db8::2", false),
            ("0.0.0.0/0", "somewhere", false),
            ("0.0.0.0/0", "", false),
        ] {
            assert_eq!(Network::read(range).unwrap().holds(address), expected, "{range} {address}");
        }
    }

    #[test]
    fn refuses_what_is_no_range() {
        for text in [
            "",
            "/",
            "203.0.113/24",
            "203.0.113.0/33",
            "203.0.113.0/",
            "203.0.113.0/+8",
            "203.0.113.0/-1",
            "203.0.113.0/256",
            "203.0.113.0/24/24",
            "::/129",
            "10.0.0.*",
            "*",
            "localhost",
        ] {
            assert_eq!(Network::read(text), None, "{text}");
        }
    }

    #[test]
    fn knows_a_narrow_range() {
        for (range, expected) in [
            ("0.0.0.0/0", false),
            ("128.0.0.0/1", false),
            ("10.0.0.0/7", false),
            ("10.0.0.0/8", true),
            ("203.0.113.7", true),
            ("::/0", false),
            ("2001::/31", false),
            ("2001:db8::/32", true),
        ] {
            assert_eq!(Network::read(range).unwrap().is_narrow(), expected, "{range}");
        }
    }
}
