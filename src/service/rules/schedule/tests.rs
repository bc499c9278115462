use jiff::Timestamp as Instant;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use proptest::prelude::*;
use serde_json::Value;

use super::*;

/// Rules with the date that follows a base, rules with the message that refuses them, and
/// expressions that are not valid.
const VECTORS: &str = include_str!("../../../../tests/conformance/schedule.json");

fn vectors(list: &str) -> Vec<Value> {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    vectors[list].as_array().unwrap().clone()
}

fn asked(rules: &Value) -> Asked<'_> {
    Asked {
        automatically_after_days: rules["AutomaticallyAfterDays"].as_i64(),
        duration: rules["Duration"].as_str(),
        schedule_expression: rules["ScheduleExpression"].as_str(),
    }
}

/// Reads `2024-02-29T10:30:00Z`, with or without the seconds.
fn at(text: &str) -> Timestamp {
    let time: DateTime = text.strip_suffix('Z').unwrap().parse().unwrap();
    Timestamp(Offset::UTC.to_timestamp(time).unwrap().as_millisecond())
}

/// Reads `30`, `rate(10 days)` or `cron(…)`, and a duration after a semicolon.
fn rules(text: &str) -> Result<Rules, Fault> {
    let (text, duration) = text.split_once("; ").map_or((text, None), |(t, d)| (t, Some(d)));
    let automatically_after_days = text.parse().ok();
    let schedule_expression = automatically_after_days.is_none().then_some(text);
    let asked = Asked { automatically_after_days, duration, schedule_expression };
    Rules::new(&asked).map(|rules| rules.expect("something was given"))
}

#[test]
fn the_next_rotation_dates_are_those_of_the_vectors() {
    let vectors = vectors("next");
    assert_eq!(vectors.len(), 16);
    for vector in vectors {
        let rules = Rules::new(&asked(&vector["rules"])).unwrap().unwrap();
        let next = rules.next_window(at(vector["base"].as_str().unwrap()));
        let expected = at(vector["next_rotation_date"].as_str().unwrap());
        assert_eq!(next.next_rotation_date(), expected, "{vector}");
    }
}

#[test]
fn what_the_vectors_reject_is_rejected() {
    let vectors = vectors("rejected");
    assert_eq!(vectors.len(), 30);
    for vector in vectors {
        let fault = Rules::new(&asked(&vector["rules"])).unwrap_err();
        assert_eq!(fault, Fault::invalid_parameter(vector["error"].as_str().unwrap()));
    }
}

#[test]
fn documented_schedules_open_when_they_should() {
    for (text, base, openings) in [
        ("cron(0 /8 * * ? *)", "2024-02-28T00:00Z", "28T08:00 28T16:00 29T00:00"),
        ("cron(0 0/8 * * ? *)", "2024-02-28T00:00Z", "28T08:00 28T16:00 29T00:00"),
        ("cron(0 8/8 * * ? *)", "2024-02-28T00:00Z", "28T08:00 28T16:00 29T08:00"),
        ("cron(0 2/10 * * ? *)", "2024-02-28T00:00Z", "28T02:00 28T12:00 28T22:00 29T02:00"),
        ("cron(0 4/12 * * ? *)", "2024-02-28T00:00Z", "28T04:00 28T16:00 29T04:00"),
        ("cron(0 14,2 * * ? *)", "2024-02-28T00:00Z", "28T02:00 28T14:00 29T02:00"),
        ("cron(0 10 * * ? *)", "2024-02-27T10:00Z", "28T10:00 29T10:00"),
        ("cron(0 18 ? * SAT *)", "2024-03-01T00:00Z", "02T18:00 09T18:00"),
        ("cron(0 8 1 * ? *)", "2023-12-15T00:00Z", "01T08:00 01T08:00 01T08:00"),
        ("cron(0 1 ? 1/3 SUN#1 *)", "2024-01-01T00:00Z", "07T01:00 07T01:00 07T01:00 06T01:00"),
        ("cron(0 17 L * ? *)", "2024-01-01T00:00Z", "31T17:00 29T17:00 31T17:00 30T17:00"),
        ("cron(0 8 ? * MON-FRI *)", "2024-03-01T08:00Z", "04T08:00 05T08:00"),
        ("cron(0 16 1,15 * ? *)", "2024-03-01T16:00Z", "15T16:00 01T16:00"),
        // More than the guide shows.
        ("cron(0 8 ? * 2-6 *)", "2024-03-01T08:00Z", "04T08:00 05T08:00"),
        ("cron(0 8 ? * sat,sun *)", "2024-03-01T08:00Z", "02T08:00 03T08:00 09T08:00"),
        ("cron(0 8 ? * L *)", "2024-03-01T08:00Z", "02T08:00 09T08:00"),
        ("cron(0 8 ? * SUNL *)", "2024-02-01T08:00Z", "25T08:00 31T08:00 28T08:00"),
        ("cron(0 8 ? * SUNL *)", "2024-08-01T08:00Z", "25T08:00 29T08:00"),
        ("cron(0 8 ? * 1L *)", "2024-02-01T08:00Z", "25T08:00 31T08:00 28T08:00"),
        ("cron(0 8 ? * MON/2 *)", "2024-03-03T00:00Z", "04T08:00 06T08:00 08T08:00 11T08:00"),
        ("cron(0 8 ? * SUN#1,SUN#3 *)", "2024-03-01T00:00Z", "03T08:00 17T08:00 07T08:00"),
        ("cron(0 8 ? FEB SUN#5 *)", "2024-01-01T00:00Z", "29T08:00"),
        ("cron(0 8 */10 * ? *)", "2024-02-01T08:00Z", "11T08:00 21T08:00 01T08:00"),
        ("cron(0 8 5-25/10 * ? *)", "2024-02-01T08:00Z", "05T08:00 15T08:00 25T08:00 05T08:00"),
        ("cron(0 8 10/15 * ? *)", "2024-02-01T08:00Z", "10T08:00 25T08:00 10T08:00"),
        ("cron(0 8 15,L * ? *)", "2024-02-01T08:00Z", "15T08:00 29T08:00 15T08:00"),
        ("cron(0 8 31 * ? *)", "2024-03-01T00:00Z", "31T08:00 31T08:00 31T08:00"),
        ("cron(0 0 * * ? *)", "2024-12-30T12:00Z", "31T00:00 01T00:00"),
        ("cron(00 08 ? JAN-mar * *)", "2024-03-30T12:00Z", "31T08:00 01T08:00"),
    ] {
        let rules = rules(text).unwrap();
        let mut base = at(base);
        for expected in openings.split(' ') {
            let opens = rules.next_window(base).opens;
            let shown = Instant::from_millisecond(opens.0).unwrap().strftime("%dT%H:%M");
            assert_eq!(shown.to_string(), expected, "{text}");
            assert!(opens > base);
            base = opens;
        }
    }
}

#[test]
fn windows_open_and_close_on_the_hour() {
    for (text, base, opens, closes) in [
        ("1", "2024-02-28T00:00Z", "2024-02-29T00:00Z", "2024-03-01T00:00Z"),
        ("1000", "2024-02-28T23:59:59Z", "2026-11-24T00:00Z", "2026-11-25T00:00Z"),
        ("7; 3h", "2024-02-28T12:00Z", "2024-03-06T00:00Z", "2024-03-06T03:00Z"),
        ("rate(1 day)", "2024-02-28T12:00Z", "2024-02-29T00:00Z", "2024-03-01T00:00Z"),
        ("rate(1000 days)", "2024-02-28T12:00Z", "2026-11-24T00:00Z", "2026-11-25T00:00Z"),
        ("rate(23 hours)", "2024-02-28T12:59Z", "2024-02-29T11:00Z", "2024-02-29T12:00Z"),
        ("rate(4 hour); 04h", "2024-02-28T12:00Z", "2024-02-28T16:00Z", "2024-02-28T20:00Z"),
        ("cron(0 10 * * ? *)", "2024-02-28T09:59Z", "2024-02-28T10:00Z", "2024-02-29T00:00Z"),
        // It was used the moment it opened.
        ("cron(0 10 * * ? *)", "2024-02-28T10:00Z", "2024-02-29T10:00Z", "2024-03-01T00:00Z"),
        ("cron(0 10 * * ? *); 14h", "2024-02-28T09:59Z", "2024-02-28T10:00Z", "2024-02-29T00:00Z"),
        ("cron(0 8/20 * * ? *)", "2024-02-28T00:00Z", "2024-02-28T08:00Z", "2024-02-28T09:00Z"),
        ("cron(0 2/10 * * ? *); 4h", "2024-02-28T13:00Z", "2024-02-28T22:00Z", "2024-02-29T02:00Z"),
    ] {
        let window = rules(text).unwrap().next_window(at(base));
        assert_eq!(window, Window { opens: at(opens), closes: at(closes) }, "{text} {base}");
        assert!(window.is_open(window.opens) && window.is_open(window.next_rotation_date()));
        assert!(!window.is_open(window.closes));
        assert!(!window.is_open(Timestamp(window.opens.0 - 1)));
    }
}

#[test]
fn without_a_value_counting_begins_at_midnight() {
    for (text, opens) in [
        ("30", "2024-02-29T00:00Z"),
        ("rate(10 days)", "2024-02-29T00:00Z"),
        ("rate(4 hours)", "2024-02-29T00:00Z"),
        ("cron(0 18 ? * SAT *)", "2024-03-02T18:00Z"),
    ] {
        let window = rules(text).unwrap().first_window(at("2024-02-28T10:30Z"));
        assert_eq!(window.opens, at(opens), "{text}");
    }
}

#[test]
fn a_missed_window_is_made_up_for_only_where_the_hour_does_not_matter() {
    let base = "2024-02-01T10:30Z";
    for (text, now, opens, closes) in [
        // Not missed yet.
        ("10", "2024-02-05T00:00Z", "2024-02-11T00:00Z", "2024-02-12T00:00Z"),
        ("10", "2024-02-11T23:59Z", "2024-02-11T00:00Z", "2024-02-12T00:00Z"),
        // Days alone: at once.
        ("10", "2024-02-12T00:00Z", "2024-02-11T00:00Z", "2024-02-13T00:00Z"),
        ("rate(10 days)", "2024-03-20T09:00Z", "2024-02-11T00:00Z", "2024-03-21T00:00Z"),
        // Days and a duration: in the first hours of any day.
        ("10; 3h", "2024-02-11T03:00Z", "2024-02-12T00:00Z", "2024-02-12T03:00Z"),
        ("10; 3h", "2024-03-20T02:59Z", "2024-03-20T00:00Z", "2024-03-20T03:00Z"),
        // Hours alone: at once.
        ("rate(4 hours)", "2024-02-03T11:20Z", "2024-02-01T14:00Z", "2024-02-03T12:00Z"),
        // Hours and a duration: in step.
        ("rate(4 hours); 2h", "2024-02-03T11:20Z", "2024-02-03T10:00Z", "2024-02-03T12:00Z"),
        ("rate(4 hours); 2h", "2024-02-03T12:00Z", "2024-02-03T14:00Z", "2024-02-03T16:00Z"),
        // Cron: in the next of its windows, which may be open now.
        ("cron(0 22 ? * SAT *)", "2024-02-04T00:00Z", "2024-02-10T22:00Z", "2024-02-11T00:00Z"),
        ("cron(0 22 ? * SAT *)", "2024-02-10T23:59Z", "2024-02-10T22:00Z", "2024-02-11T00:00Z"),
        ("cron(0 8/8 * * ? *)", "2024-02-10T16:59Z", "2024-02-10T16:00Z", "2024-02-10T17:00Z"),
        ("cron(0 8/8 * * ? *)", "2024-02-10T17:00Z", "2024-02-11T08:00Z", "2024-02-11T09:00Z"),
    ] {
        let window = rules(text).unwrap().window_at(at(base), at(now));
        assert_eq!(window, Window { opens: at(opens), closes: at(closes) }, "{text} {now}");
        assert!(at(now) < window.closes);
    }
}

#[test]
fn days_between_rotations_are_shown_for_every_rule() {
    for (text, base, days) in [
        ("30", "2024-02-28T10:30Z", 30),
        ("rate(10 days)", "2024-02-28T10:30Z", 10),
        ("rate(10 hours)", "2024-02-28T10:30Z", 1),
        ("rate(23 hours)", "2024-02-28T00:30Z", 1),
        ("cron(0 10 * * ? *)", "2024-02-28T10:30Z", 1),
        ("cron(0 8/8 * * ? *)", "2024-02-28T08:30Z", 1),
        ("cron(0 18 ? * SAT *)", "2024-03-02T18:30Z", 7),
        ("cron(0 16 1,15 * ? *)", "2024-03-01T16:30Z", 14),
        ("cron(0 16 1,15 * ? *)", "2024-03-15T16:30Z", 17),
    ] {
        assert_eq!(rules(text).unwrap().automatically_after_days(at(base)), days, "{text}");
    }
}

#[test]
fn expressions_that_are_none_are_refused() {
    let vectors = vectors("malformed");
    assert!(!vectors.is_empty());
    for text in vectors.iter().filter_map(Value::as_str) {
        assert_eq!(rules(text), Err(bad_expression()), "{text}");
    }
    let long = format!("cron(0 8 {} * ? *)", ["1"; 130].join(","));
    assert_eq!(rules(&long), Err(bad_expression()));
    for text in ["rate(24 hours)", "rate(99999999999999999999 hours)"] {
        assert_eq!(rules(text), Err(bad_rate_in_hours()), "{text}");
    }
    for text in ["rate(1001 days)", "rate(99999999999999999999 days)"] {
        assert_eq!(rules(text), Err(bad_rate_in_days()), "{text}");
    }
    for text in ["1001", "-1"] {
        assert_eq!(rules(text), Err(days_out_of_range()), "{text}");
    }
}

#[test]
fn durations_fit_between_windows_and_into_a_day() {
    for (text, expected) in [
        ("rate(10 days); 24h", None),
        ("30; 24h", None),
        ("rate(6 hours); 6h", None),
        ("rate(6 hours); 7h", Some(duration_over_rate())),
        ("cron(0 0 * * ? *); 24h", None),
        ("cron(0 1 * * ? *); 24h", Some(past_midnight())),
        ("cron(0 8/8 * * ? *); 8h", None),
        ("cron(0 8/8 * * ? *); 9h", Some(duration_over_rate())),
        ("cron(0 2/10 * * ? *); 4h", None),
        ("cron(0 2/10 * * ? *); 5h", Some(duration_over_rate())),
        ("30; h", Some(bad_duration())),
        ("30; ", Some(bad_duration())),
        ("30; +1h", Some(bad_duration())),
        ("30; 1H", Some(bad_duration())),
        ("30; 1 h", Some(bad_duration())),
    ] {
        assert_eq!(rules(text).err(), expected, "{text}");
    }
}

#[test]
fn rules_may_be_left_out_but_not_halved() {
    assert_eq!(Rules::new(&Asked::default()), Ok(None));
    let half = Asked { duration: Some("3h"), ..Asked::default() };
    assert_eq!(Rules::new(&half), Err(duration_alone()));
}

const SOME: [&str; 8] = [
    "1",
    "1000; 5h",
    "rate(4 hours)",
    "rate(23 hours); 23h",
    "cron(0 2/10 * * ? *)",
    "cron(0 8 ? FEB SUN#5 *)",
    "cron(0 0 29 2 ? *)",
    "cron(0 23 L * ? *)",
];

proptest! {
    #[test]
    fn any_expression_is_read_or_refused(text in "(rate|cron)?\\(?[0-9A-Z #?*/,L-]{0,24}\\)?") {
        let _refused: Result<Rules, Fault> = rules(&text);
    }

    #[test]
    fn windows_lie_in_the_future(
        text in prop::sample::select(&SOME[..]),
        base in -4_000_000_000_000_i64..8_000_000_000_000,
        late in 0..400_000_000_000_i64,
    ) {
        let rules = rules(text).unwrap();
        let (base, now) = (Timestamp(base), Timestamp(base + late));
        let next = rules.next_window(base);
        prop_assert!(base < next.opens && next.opens < next.closes && next.closes != END_OF_TIME);
        let due = rules.window_at(base, now);
        prop_assert!(next.opens <= due.opens && now < due.closes);
        prop_assert!(rules.automatically_after_days(base) >= 1);
    }

    #[test]
    fn no_time_is_too_far(text in prop::sample::select(&SOME[..]), base: i64, now: i64) {
        let rules = rules(text).unwrap();
        for base in [base, i64::MIN, i64::MAX].map(Timestamp) {
            for window in [rules.next_window(base), rules.window_at(base, Timestamp(now))] {
                prop_assert!(window.opens <= window.closes);
            }
            prop_assert!(rules.automatically_after_days(base) >= 1);
        }
    }
}
