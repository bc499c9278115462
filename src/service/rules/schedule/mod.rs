//! When a secret rotates: the rules of `rotate-secret`, the windows they open, and the dates that
//! `describe-secret` shows (docs/behaviour.md, "Rotation"). Everything is in UTC.
//!
//! Knows nothing of what runs in a window, nor of attempts that failed.

mod cron;

use crate::model::time::{DAY_MS, HOUR_MS, Timestamp};
use crate::service::fault::Fault;
use cron::Cron;

/// The `RotationRules` of a request or a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked<'a> {
    pub(crate) automatically_after_days: Option<i64>,
    pub(crate) duration: Option<&'a str>,
    pub(crate) schedule_expression: Option<&'a str>,
}

/// Rules that open windows.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    frequency: Frequency,
    /// In hours, where it was given.
    duration: Option<i64>,
}

/// A time in which a secret may be rotated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    /// The first moment.
    pub(crate) opens: Timestamp,
    /// The first moment after it.
    pub(crate) closes: Timestamp,
}

#[derive(Debug, PartialEq, Eq)]
enum Frequency {
    /// Every so many days, at any time of the day.
    Days(i64),
    /// Every so many hours.
    Hours(i64),
    /// At certain hours of certain days.
    Cron(Cron),
}

impl Rules {
    /// Reads rules; `Ok(None)` when none are given, so that those stored stay.
    ///
    /// A `Duration` may also accompany `AutomaticallyAfterDays`, as in AWS.
    pub(crate) fn new(asked: &Asked<'_>) -> Result<Option<Self>, Fault> {
        let frequency = match (asked.automatically_after_days, asked.schedule_expression) {
            (Some(_), Some(_)) => return Err(contradiction()),
            (None, Some(expression)) => Frequency::parse(expression)?,
            (Some(days), None) if DAYS.contains(&days) => Frequency::Days(days),
            (Some(_), None) => return Err(days_out_of_range()),
            (None, None) if asked.duration.is_some() => return Err(duration_alone()),
            (None, None) => return Ok(None),
        };
        let duration = asked.duration.map(|text| parse_duration(text).ok_or_else(bad_duration));
        let rules = Self { frequency, duration: duration.transpose()? };
        rules.check_duration()?;
        Ok(Some(rules))
    }

    /// Returns the window that comes after `base`: the later of the last successful rotation and
    /// the last change of the current value. A window that was open then is used up.
    pub(crate) fn next_window(&self, base: Timestamp) -> Window {
        self.window_from(match &self.frequency {
            Frequency::Days(days) => base.midnight().plus_days(*days),
            Frequency::Hours(hours) => plus_hours(start_of_hour(base), *hours),
            Frequency::Cron(cron) => cron.next_after(base).unwrap_or(END_OF_TIME),
        })
    }

    /// Returns the first window of a secret that has no value yet and so nothing to count from.
    ///
    /// Our own choice: what AWS does is not known.
    pub(crate) fn first_window(&self, enabled: Timestamp) -> Window {
        self.window_from(match &self.frequency {
            Frequency::Days(_) | Frequency::Hours(_) => enabled.midnight().plus_days(1),
            Frequency::Cron(cron) => cron.next_after(enabled).unwrap_or(END_OF_TIME),
        })
    }

    /// Returns the window in which to rotate a secret that was last rotated at `base`.
    ///
    /// That is the next window, unless it closed without a rotation. Then rules that are about
    /// how often, not when, allow one at once: the window reaches from the one missed into the
    /// present. Others, a cron expression or a `Duration`, are taken for hours in which a rotation
    /// does no harm: the window is the next of them.
    pub(crate) fn window_at(&self, base: Timestamp, now: Timestamp) -> Window {
        let missed = self.next_window(base);
        if now < missed.closes {
            return missed;
        }
        match (&self.frequency, self.duration) {
            (Frequency::Cron(cron), _) => {
                // One that opens after this moment is not yet closed.
                let open_since = plus_hours(now, self.length().saturating_neg());
                self.window_from(cron.next_after(open_since).unwrap_or(END_OF_TIME))
            }
            (Frequency::Days(_), None) => {
                Window { opens: missed.opens, closes: now.midnight().plus_days(1) }
            }
            (Frequency::Hours(_), None) => {
                Window { opens: missed.opens, closes: plus_hours(start_of_hour(now), 1) }
            }
            (Frequency::Days(_), Some(_)) => {
                let today = self.window_from(now.midnight());
                let tomorrow = self.window_from(now.midnight().plus_days(1));
                if now < today.closes { today } else { tomorrow }
            }
            (Frequency::Hours(hours), Some(_)) => {
                let step = hours.saturating_mul(HOUR_MS);
                let past = now.0.saturating_sub(missed.opens.0).div_euclid(step);
                let after = |steps: i64| {
                    let later = steps.saturating_mul(step);
                    self.window_from(Timestamp(missed.opens.0.saturating_add(later)))
                };
                let (this, next) = (after(past), after(past.saturating_add(1)));
                if now < this.closes { this } else { next }
            }
        }
    }

    /// Returns the `AutomaticallyAfterDays` to show after a rotation at `base`: as given, or the
    /// days to the next window, of which there is at least one.
    pub(crate) fn automatically_after_days(&self, base: Timestamp) -> i64 {
        match &self.frequency {
            Frequency::Days(days) => *days,
            Frequency::Hours(_) | Frequency::Cron(_) => {
                let day = |at: Timestamp| at.0.div_euclid(DAY_MS);
                (day(self.next_window(base).opens) - day(base)).max(1)
            }
        }
    }

    fn window_from(&self, opens: Timestamp) -> Window {
        Window { opens, closes: plus_hours(opens, self.length()) }
    }

    /// How many hours a window is open: as given, or an hour where there may be several a day, or
    /// to the end of the day.
    fn length(&self) -> i64 {
        self.duration.unwrap_or(match &self.frequency {
            Frequency::Days(_) => 24,
            Frequency::Hours(_) => 1,
            Frequency::Cron(cron) => cron.only_hour().map_or(1, |hour| 24 - hour),
        })
    }

    /// Refuses windows that would reach into the next one, or past midnight.
    fn check_duration(&self) -> Result<(), Fault> {
        let duration = self.duration.unwrap_or(1);
        match &self.frequency {
            Frequency::Days(_) => Ok(()),
            Frequency::Hours(hours) if duration <= *hours => Ok(()),
            Frequency::Hours(_) => Err(duration_over_rate()),
            Frequency::Cron(cron) => match cron.only_hour() {
                Some(hour) if hour + duration <= 24 => Ok(()),
                Some(_) => Err(past_midnight()),
                None if duration <= cron.hours_apart() => Ok(()),
                None => Err(duration_over_rate()),
            },
        }
    }
}

impl Window {
    /// Returns `NextRotationDate`: the last second of the window.
    pub(crate) fn next_rotation_date(self) -> Timestamp {
        Timestamp(self.closes.0.saturating_sub(1000))
    }

    pub(crate) fn is_open(self, now: Timestamp) -> bool {
        self.opens <= now && now < self.closes
    }
}

impl Frequency {
    fn parse(expression: &str) -> Result<Self, Fault> {
        if expression.len() > MAX_EXPRESSION {
            return Err(bad_expression());
        }
        let inside = |kind| expression.strip_prefix(kind)?.strip_suffix(')');
        if let Some(rate) = inside("rate(") {
            return Self::rate(rate);
        }
        let cron = inside("cron(").and_then(Cron::parse);
        cron.map(Self::Cron).ok_or_else(bad_expression)
    }

    fn rate(text: &str) -> Result<Self, Fault> {
        let (number, unit) = text.split_once(' ').ok_or_else(bad_expression)?;
        if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
            return Err(bad_expression());
        }
        // A number too long to be read is too large as well.
        let number: i64 = number.parse().unwrap_or(i64::MAX);
        match unit {
            "hour" | "hours" if RATE_HOURS.contains(&number) => Ok(Self::Hours(number)),
            "hour" | "hours" => Err(bad_rate_in_hours()),
            "day" | "days" if DAYS.contains(&number) => Ok(Self::Days(number)),
            "day" | "days" => Err(bad_rate_in_days()),
            _ => Err(bad_expression()),
        }
    }
}

fn parse_duration(text: &str) -> Option<i64> {
    let number = text.strip_suffix('h').filter(|number| (1..=2).contains(&number.len()))?;
    let is_number = number.bytes().all(|b| b.is_ascii_digit());
    let hours: i64 = if is_number { number.parse().ok()? } else { return None };
    (1..=24).contains(&hours).then_some(hours)
}

fn start_of_hour(at: Timestamp) -> Timestamp {
    Timestamp(at.0.saturating_sub(at.0.rem_euclid(HOUR_MS)))
}

fn plus_hours(at: Timestamp, hours: i64) -> Timestamp {
    Timestamp(at.0.saturating_add(hours.saturating_mul(HOUR_MS)))
}

fn contradiction() -> Fault {
    Fault::invalid_parameter(
        "You cannot specify both rotation frequency and schedule expression together.",
    )
}

fn bad_expression() -> Fault {
    Fault::invalid_parameter("Invalid schedule expression.")
}

fn bad_rate_in_hours() -> Fault {
    Fault::invalid_parameter("Rate in hour should be least 4 and less than 24.")
}

fn bad_rate_in_days() -> Fault {
    Fault::invalid_parameter("Rate in day should be greater than 0 and less than 1000.")
}

fn bad_duration() -> Fault {
    Fault::invalid_parameter("Duration must be at least 1 hour, at most 24 hour.")
}

fn duration_over_rate() -> Fault {
    Fault::invalid_parameter("Duration cannot be greater than Rate in hour.")
}

fn past_midnight() -> Fault {
    Fault::invalid_parameter("Starting hour and duration must be within a day.")
}

fn days_out_of_range() -> Fault {
    Fault::invalid_parameter("RotationRules.AutomaticallyAfterDays must be within 1-1000.")
}

/// Our own message: AWS's is not published.
fn duration_alone() -> Fault {
    Fault::invalid_parameter(
        "You must specify AutomaticallyAfterDays or ScheduleExpression to specify Duration.",
    )
}

const DAYS: std::ops::RangeInclusive<i64> = 1..=1000;
const RATE_HOURS: std::ops::RangeInclusive<i64> = 4..=23;
const MAX_EXPRESSION: usize = 256;
const END_OF_TIME: Timestamp = Timestamp(i64::MAX);

#[cfg(test)]
mod tests;
