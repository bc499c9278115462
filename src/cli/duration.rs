//! Times as people write them: `90s`, `15m`, `8h`, `1d`.

/// Reads a time, in milliseconds. A number alone is seconds.
pub(crate) fn milliseconds(text: &str) -> Option<i64> {
    let units = [('s', 1), ('m', 60), ('h', 60 * 60), ('d', 24 * 60 * 60)];
    let unit = units.into_iter().find_map(|(unit, s)| Some((text.strip_suffix(unit)?, s)));
    let (number, seconds) = unit.unwrap_or((text, 1));
    let is_number = !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit());
    let number: i64 = number.parse().ok().filter(|_| is_number)?;
    number.checked_mul(seconds)?.checked_mul(1000)
}

/// Reads an age, in milliseconds: `90d`, `26w`, `1y` of 365 days. A number alone is none.
pub(crate) fn age(text: &str) -> Option<i64> {
    let days = |count: &str, days: i64| milliseconds(&format!("{count}d"))?.checked_mul(days);
    if let Some(years) = text.strip_suffix('y') {
        return days(years, 365);
    }
    if let Some(weeks) = text.strip_suffix('w') {
        return days(weeks, 7);
    }
    milliseconds(text).filter(|_| text.ends_with('d'))
}

/// Reads a time, in seconds.
pub(crate) fn seconds(text: &str) -> Option<u64> {
    u64::try_from(milliseconds(text)? / 1000).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_days_weeks_and_years() {
        let day = 86_400_000;
        for (text, expected) in [
            ("90d", Some(90 * day)),
            ("2w", Some(14 * day)),
            ("1y", Some(365 * day)),
            ("1", None),
            ("1h", None),
            ("y", None),
            ("-1y", None),
            ("1.5y", None),
            ("1dy", None),
            ("99999999999999y", None),
        ] {
            assert_eq!(age(text), expected, "{text}");
        }
    }

    #[test]
    fn reads_what_people_write() {
        for (text, expected) in [
            ("90", Some(90_000)),
            ("90s", Some(90_000)),
            ("15m", Some(900_000)),
            ("8h", Some(28_800_000)),
            ("1d", Some(86_400_000)),
            ("0s", Some(0)),
            ("", None),
            ("s", None),
            ("-1s", None),
            ("+1s", None),
            ("1.5h", None),
            ("1w", None),
            ("9223372036854775807d", None),
        ] {
            assert_eq!(milliseconds(text), expected, "{text}");
            let seconds_of = |ms: i64| u64::try_from(ms / 1000).ok();
            assert_eq!(seconds(text), expected.and_then(seconds_of), "{text}");
        }
    }
}
