//! Decimal numbers of any length, compared exactly: what the `Numeric…` operators compare.

use std::cmp::Ordering;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    negative: bool,
    /// Digits without leading zeros; empty for zero.
    whole: String,
    /// Digits without trailing zeros.
    fraction: String,
}

impl Decimal {
    /// Reads `-12.50`; `None` for anything that is not digits with at most one point between them.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let are_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !are_digits(whole) || !are_digits(fraction) {
            return None;
        }
        let whole = whole.trim_start_matches('0').to_owned();
        let fraction = fraction.trim_end_matches('0').to_owned();
        let is_zero = whole.is_empty() && fraction.is_empty();
        Some(Self { negative: negative && !is_zero, whole, fraction })
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let size =
            |number: &Self| (number.whole.len(), number.whole.clone(), number.fraction.clone());
        match (self.negative, other.negative) {
            (false, false) => size(self).cmp(&size(other)),
            (true, true) => size(other).cmp(&size(self)),
            (negative, _) => other.negative.cmp(&negative),
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_numbers() {
        let rising = [
            "-10000000000000000000000000000000000000001",
            "-12.5",
            "-12.25",
            "-0.1",
            "0",
            "0.05",
            "0.5",
            "7",
            "07.25",
            "10",
            "9007199254740992",
            "9007199254740993",
            "10000000000000000000000000000000000000000",
        ];
        for pair in rising.windows(2) {
            let (less, more) = (Decimal::read(pair[0]).unwrap(), Decimal::read(pair[1]).unwrap());
            assert!(less < more, "{pair:?}");
            assert!(more > less, "{pair:?}");
        }
        for (one, other) in [("7", "+7.0"), ("-0", "0.00"), ("010.10", "10.1")] {
            assert_eq!(Decimal::read(one), Decimal::read(other));
        }
    }

    #[test]
    fn refuses_what_is_no_number() {
        for text in
            ["", "-", "+", ".", "1.", ".5", "1e3", "0x1", " 1", "1 ", "--1", "1.2.3", "٣", "*"]
        {
            assert_eq!(Decimal::read(text), None, "{text}");
        }
    }
}
