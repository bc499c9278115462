//! `cron(minutes hours day-of-month month day-of-week year)`, as far as AWS lets a rotation have it
//! (docs/behaviour.md, "Rotation"): whole hours, four or more apart, every year.

use std::iter::successors;

use jiff::civil::Date;

use crate::model::order;
use crate::model::time::{DAY_MS, HOUR_MS, Timestamp};
use crate::service::rules::calendar;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cron {
    hours: Hours,
    months: Set,
    days: Days,
}

/// The hours of a day, in order, never empty.
#[derive(Debug, PartialEq, Eq)]
struct Hours {
    all: Vec<i64>,
    /// Whether there may be several windows a day.
    several: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Days {
    OfMonth {
        days: Set,
        last: bool,
    },
    OfWeek {
        every: Set,
        last: Set,
        /// The first, second … fifth of a month.
        nth: [Set; 5],
    },
}

/// Numbers below 64, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Set(u64);

/// What a number in a field may be, and what else it may be called.
struct Range {
    first: i64,
    last: i64,
    names: &'static [&'static str],
}

impl Cron {
    /// Reads the six fields; `None` if they form no schedule, or one that never comes.
    pub(super) fn parse(fields: &str) -> Option<Self> {
        let fields: Vec<&str> = fields.split(' ').collect();
        let [minutes, hours, of_month, months, of_week, year] = fields[..] else { return None };
        if MINUTES.number(minutes) != Some(0) || year != "*" {
            return None;
        }
        let months = MONTHS.set(months)?;
        let days = match (of_month, of_week) {
            ("?", "?") => return None,
            ("?", of_week) => Days::of_week(of_week)?,
            (of_month, "?") => Days::of_month(of_month)?,
            _ => return None,
        };
        let cron = Self { hours: Hours::parse(hours)?, months, days };
        cron.comes().then_some(cron)
    }

    /// Returns the first opening after a point in time; `None` when time ends before.
    pub(super) fn next_after(&self, at: Timestamp) -> Option<Timestamp> {
        let month = calendar::date_of(at)?.first_of_month();
        successors(Some(month), |month| month.last_of_month().tomorrow().ok())
            .take(SEARCHED_MONTHS)
            .filter(|month| self.months.has(month.month().into()))
            .flat_map(|month| self.days_of(month))
            .map(|date| calendar::days(date) * DAY_MS)
            .flat_map(|day| self.hours.all.iter().map(move |hour| Timestamp(day + hour * HOUR_MS)))
            .find(|opens| *opens > at)
    }

    /// Returns the hour at which the only window of a day opens; `None` where there may be several.
    pub(super) fn only_hour(&self) -> Option<i64> {
        if self.hours.several { None } else { self.hours.all.first().copied() }
    }

    /// Returns the fewest hours between two openings.
    pub(super) fn hours_apart(&self) -> i64 {
        self.hours.apart()
    }

    fn days_of(&self, month: Date) -> impl Iterator<Item = Date> {
        successors(Some(month), |day| day.tomorrow().ok())
            .take_while(move |day| day.month() == month.month())
            .filter(|day| self.days.have(*day))
    }

    /// Whether there is ever such a day. Every weekday comes, the fifth of February's too.
    fn comes(&self) -> bool {
        let longest = |month| match month {
            2 => 29,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        match &self.days {
            Days::OfWeek { .. } | Days::OfMonth { last: true, .. } => true,
            Days::OfMonth { days, last: false } => (1..=12)
                .filter(|month| self.months.has(*month))
                .any(|month| (1..=longest(month)).any(|day| days.has(day))),
        }
    }
}

impl Hours {
    /// Reads `8`, `8/6`, `/6` or `2,14`. The steps begin anew each day.
    fn parse(field: &str) -> Option<Self> {
        let all = if let Some((start, step)) = field.split_once('/') {
            let start = if start.is_empty() { 0 } else { HOURS.number(start)? };
            let step = HOURS.number(step).filter(|step| *step >= MIN_HOURS_APART)?;
            (start..24).filter(|hour| (hour - start) % step == 0).collect()
        } else {
            let mut all: Vec<i64> =
                field.split(',').map(|hour| HOURS.number(hour)).collect::<Option<_>>()?;
            order::sort_all(&mut all);
            all
        };
        let several = field.contains(['/', ',']);
        let hours = Self { all, several };
        (hours.apart() >= MIN_HOURS_APART).then_some(hours)
    }

    /// The fewest hours from one to the next, over midnight too.
    fn apart(&self) -> i64 {
        let tomorrow = self.all.first().map(|first| first + 24);
        let next = self.all.iter().copied().skip(1).chain(tomorrow);
        self.all.iter().zip(next).map(|(hour, next)| next - hour).min().unwrap_or(24)
    }
}

impl Days {
    fn of_month(field: &str) -> Option<Self> {
        let (mut days, mut last) = (Set::default(), false);
        for item in field.split(',') {
            if item == "L" {
                last = true;
            } else {
                days = days.with(MONTH_DAYS.item(item)?);
            }
        }
        Some(Self::OfMonth { days, last })
    }

    fn of_week(field: &str) -> Option<Self> {
        let (mut every, mut last, mut nth) = (Set::default(), Set::default(), [Set::default(); 5]);
        for item in field.split(',') {
            if item == "L" {
                // The week's last day.
                every = every.with(Set::of(SATURDAY));
            } else if let Some(weekday) = item.strip_suffix('L') {
                last = last.with(Set::of(WEEKDAYS.number(weekday)?));
            } else if let Some((weekday, which)) = item.split_once('#') {
                let weekday = Set::of(WEEKDAYS.number(weekday)?);
                let which = usize::try_from(NTH.number(which)?).ok()?;
                let nth = nth.get_mut(which.checked_sub(1)?)?;
                *nth = nth.with(weekday);
            } else {
                every = every.with(WEEKDAYS.item(item)?);
            }
        }
        Some(Self::OfWeek { every, last, nth })
    }

    /// Whether a date is one of them.
    fn have(&self, date: Date) -> bool {
        let (day, length) = (i64::from(date.day()), i64::from(date.days_in_month()));
        match self {
            Self::OfMonth { days, last } => days.has(day) || (*last && day == length),
            Self::OfWeek { every, last, nth } => {
                let weekday = i64::from(date.weekday().to_sunday_one_offset());
                let week = usize::try_from((day - 1) / 7).ok();
                every.has(weekday)
                    || (last.has(weekday) && day + 7 > length)
                    || week.and_then(|week| nth.get(week)).is_some_and(|nth| nth.has(weekday))
            }
        }
    }
}

impl Range {
    /// Reads a whole field: items, separated by commas.
    fn set(&self, field: &str) -> Option<Set> {
        field.split(',').try_fold(Set::default(), |set, item| Some(set.with(self.item(item)?)))
    }

    /// Reads `*`, `3`, `3-7`, or one of them and a step: `*/2`, `3/2`, `3-7/2`.
    fn item(&self, item: &str) -> Option<Set> {
        let (numbers, step) = match item.split_once('/') {
            Some((numbers, step)) => {
                (numbers, Some(Self { first: 1, names: &[], ..*self }.number(step)?))
            }
            None => (item, None),
        };
        let (first, last) = match (numbers.split_once('-'), step) {
            _ if numbers == "*" => (self.first, self.last),
            (Some((first, last)), _) => (self.number(first)?, self.number(last)?),
            (None, Some(_)) => (self.number(numbers)?, self.last),
            (None, None) => (self.number(numbers)?, self.number(numbers)?),
        };
        let step = step.unwrap_or(1);
        let numbers = (first..=last).filter(|number| (number - first) % step == 0);
        (first <= last).then(|| numbers.fold(Set::default(), |set, n| set.with(Set::of(n))))
    }

    /// Reads one number, or its name in either case.
    fn number(&self, text: &str) -> Option<i64> {
        if let Some(index) = self.names.iter().position(|name| name.eq_ignore_ascii_case(text)) {
            return Some(self.first + i64::try_from(index).ok()?);
        }
        let is_number = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        let number: i64 = if is_number { text.parse().ok()? } else { return None };
        (self.first..=self.last).contains(&number).then_some(number)
    }
}

impl Set {
    fn of(number: i64) -> Self {
        Self(u32::try_from(number).ok().and_then(|number| 1_u64.checked_shl(number)).unwrap_or(0))
    }

    fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn has(self, number: i64) -> bool {
        self.0 & Self::of(number).0 != 0
    }
}

const MINUTES: Range = Range { first: 0, last: 59, names: &[] };
const HOURS: Range = Range { first: 0, last: 23, names: &[] };
const MONTH_DAYS: Range = Range { first: 1, last: 31, names: &[] };
const MONTHS: Range = Range {
    first: 1,
    last: 12,
    names: &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
};
const WEEKDAYS: Range =
    Range { first: 1, last: 7, names: &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"] };
const NTH: Range = Range { first: 1, last: 5, names: &[] };
const SATURDAY: i64 = 7;

const MIN_HOURS_APART: i64 = 4;
/// A fifth Sunday of February is at most forty years off.
const SEARCHED_MONTHS: usize = 12 * 41;
