//! Times as people give them and are shown them: in the zone of this machine.

use jiff::Timestamp as Instant;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::cli::request::error::Error;
use crate::model::time::Timestamp;

/// Reads a time, or a day, which is its first moment.
pub(crate) fn read(option: &str, given: &str) -> Result<Timestamp, Error> {
    let instant = given.parse::<Instant>().or_else(|_without_zone| {
        let local: DateTime = given.parse()?;
        TimeZone::system().to_timestamp(local)
    });
    let instant = instant.map_err(|_not_a_time| {
        let what = format!("{given} is no time such as 2026-01-31T12:00:00Z or 2026-01-31");
        Error::argument(option, what)
    })?;
    Ok(Timestamp(instant.as_millisecond()))
}

/// Shows a time to the minute.
pub(crate) fn minute(time: Timestamp) -> String {
    shown(time, "%Y-%m-%d %H:%M")
}

/// Shows the day of a time.
pub(crate) fn day(time: Timestamp) -> String {
    shown(time, "%Y-%m-%d")
}

fn shown(time: Timestamp, form: &str) -> String {
    let instant = Instant::from_millisecond(time.0).unwrap_or_default();
    instant.to_zoned(TimeZone::system()).strftime(form).to_string()
}
