use serde_json::{Value as Json, json};

use super::super::fixture::{Break, FUNCTION, How, RotationFixture, token};
use super::*;
use crate::service::caller::Step;
use crate::vault::transaction::Transaction;

const HOUR: i64 = 3_600_000;
const DAYS: &str = r#"{"AutomaticallyAfterDays": 10}"#;
/// The service starts on 2023-11-14, a Tuesday, at 22:13:20 UTC.
const SATURDAYS: &str = r#"{"ScheduleExpression": "cron(0 18 ? * SAT *)", "Duration": "2h"}"#;

fn rotate(number: u32, rules: &str) -> Json {
    let mut request = json!({
        "SecretId": "db", "ClientRequestToken": token(number), "RotationLambdaARN": FUNCTION,
    });
    if !rules.is_empty() {
        request["RotationRules"] = serde_json::from_str(rules).unwrap();
    }
    request
}

fn list(fixture: &mut RotationFixture, catch_up: CatchUp) -> Vec<Due> {
    let listed = fixture.service.with(|vault, context| due(vault, catch_up, context));
    listed.unwrap_or_else(|_| panic!("the clock went back"))
}

fn state(fixture: &mut RotationFixture) -> Option<DueState> {
    let listed = list(fixture, CatchUp::NextWindow);
    assert!(listed.len() <= 1);
    listed.first().map(|due| due.state)
}

/// A secret that was rotated at the start.
fn rotated(rules: &str) -> RotationFixture {
    let mut fixture = RotationFixture::new();
    fixture.rotate(&rotate(2, rules)).unwrap();
    fixture
}

#[test]
fn a_window_makes_due_and_a_rotation_uses_it_up() {
    // Hours after the rotation; whether it is due then, and whether when catching up.
    for (rules, moments) in [
        (DAYS, &[(0, false, false), (240, true, true), (9 * 24, false, false)][..]),
        // Missed: any day will do.
        (DAYS, &[(14 * 24, true, true)]),
        (SATURDAYS, &[(91, false, false), (93, true, true), (94, false, true)]),
        // Missed: the next Saturday, unless told to catch up.
        (SATURDAYS, &[(96, false, true), (7 * 24 + 93, true, true)]),
        (r#"{"ScheduleExpression": "rate(4 hours)"}"#, &[(3, false, false), (4, true, true)]),
        ("", &[(1_000, false, false)]),
    ] {
        for (hours, due, catching_up) in moments {
            let mut fixture = rotated(rules);
            fixture.service.advance(hours * HOUR);
            for (catch_up, due) in [(CatchUp::NextWindow, due), (CatchUp::Always, catching_up)] {
                let expected = if *due { DueState::Open } else { DueState::NotYet };
                let found = list(&mut fixture, catch_up)[0].state;
                assert_eq!(found, expected, "{rules} {hours} {catch_up:?}");
            }
            if *due {
                fixture.rotate(&rotate(3, "")).unwrap();
                assert_eq!(state(&mut fixture), Some(DueState::NotYet), "{rules} {hours}");
            }
        }
    }
}

#[test]
fn windows_missed_asleep_make_one_rotation() {
    let mut fixture = rotated(r#"{"ScheduleExpression": "rate(4 hours)"}"#);
    fixture.service.advance(3 * DAY_MS);
    assert_eq!(state(&mut fixture), Some(DueState::Open));
    fixture.rotate(&rotate(3, "")).unwrap();
    assert_eq!(state(&mut fixture), Some(DueState::NotYet));
    // A change by hand uses a window up as well.
    fixture.service.advance(4 * HOUR);
    assert_eq!(state(&mut fixture), Some(DueState::Open));
    let put = json!({"SecretId": "db", "ClientRequestToken": token(4), "SecretString": "x"});
    fixture.call("PutSecretValue", &put).unwrap();
    assert_eq!(state(&mut fixture), Some(DueState::NotYet));
}

#[test]
fn what_is_not_finished_goes_on_outside_any_window() {
    let mut fixture = rotated(SATURDAYS);
    fixture.rotate_until(&rotate(3, ""), Break::After(Step::Set), How::Killed).unwrap_err();
    assert_eq!(state(&mut fixture), Some(DueState::Unfinished));
    // It failed: after a minute, give or take.
    fixture.rotate_until(&rotate(4, ""), Break::Before(Step::Test), How::Fails).unwrap_err();
    assert_eq!(state(&mut fixture), Some(DueState::Waiting));
    let next = list(&mut fixture, CatchUp::NextWindow)[0].next_attempt.unwrap();
    let wait = next.0 - fixture.service.now().0;
    assert!((48_000..=72_000).contains(&wait), "{wait}");
    fixture.service.advance(wait - 1);
    assert_eq!(state(&mut fixture), Some(DueState::Waiting));
    fixture.service.advance(1);
    assert_eq!(state(&mut fixture), Some(DueState::Unfinished));
    fixture.rotate(&rotate(5, "")).unwrap();
    assert_eq!(state(&mut fixture), Some(DueState::NotYet));
}

/// A rotation that failed before it had a value was not tried again before the next window, a
/// week later here, though it said when it would be.
#[test]
fn what_has_no_value_yet_is_tried_again_like_the_rest() {
    let mut fixture = rotated(SATURDAYS);
    fixture.service.advance(93 * HOUR);
    assert_eq!(state(&mut fixture), Some(DueState::Open));
    fixture.rotate_until(&rotate(3, ""), Break::Before(Step::Create), How::Fails).unwrap_err();
    assert_eq!(state(&mut fixture), Some(DueState::Waiting));
    // The window is over.
    fixture.service.advance(2 * HOUR);
    assert_eq!(state(&mut fixture), Some(DueState::Open));
    fixture.rotate_until(&rotate(4, ""), Break::Before(Step::Create), How::Killed).unwrap_err();
    assert_eq!(state(&mut fixture), Some(DueState::Open));
    fixture.rotate(&rotate(5, "")).unwrap();
    assert_eq!(state(&mut fixture), Some(DueState::NotYet));
}

/// A clock that was ahead when an attempt failed made the next wait as long as it was ahead.
#[test]
fn no_wait_is_longer_than_the_longest_there_is() {
    let mut fixture = rotated(SATURDAYS);
    fixture.service.advance(20 * HOUR);
    fixture.rotate_until(&rotate(3, ""), Break::After(Step::Set), How::Fails).unwrap_err();
    fixture.service.advance(-2_000);
    assert_eq!(state(&mut fixture), Some(DueState::Waiting));
    fixture.service.advance(-10 * HOUR);
    let listed = list(&mut fixture, CatchUp::NextWindow);
    assert_eq!(listed[0].state, DueState::Unfinished);
    assert_eq!(listed[0].next_attempt, Some(fixture.service.now()));
    // From here on the right clock counts.
    fixture.rotate_until(&rotate(3, ""), Break::Before(Step::Test), How::Fails).unwrap_err();
    assert_eq!(state(&mut fixture), Some(DueState::Waiting));
    fixture.service.advance(3 * 60_000);
    assert_eq!(state(&mut fixture), Some(DueState::Unfinished));
}

/// What was rotated while the clock was ahead was not due again before that time came.
#[test]
fn a_date_in_the_future_is_none() {
    for (rules, expected) in [(DAYS, DueState::Open), (SATURDAYS, DueState::NotYet)] {
        let mut fixture = RotationFixture::new();
        // So far ahead that it is believed; a person then says that the other time is right.
        fixture.service.advance(390 * DAY_MS);
        fixture.rotate(&rotate(2, rules)).unwrap();
        fixture.service.advance(-390 * DAY_MS);
        fixture.service.meddle(|transaction| {
            transaction.accept_clock();
        });
        assert_eq!(state(&mut fixture), Some(expected), "{rules}");
        let due = &list(&mut fixture, CatchUp::Always)[0];
        assert_eq!(due.state, DueState::Open, "{rules}");
        // If hours were chosen, they are kept, the next ones.
        let (opens, closes) = due.window.unwrap();
        assert!(opens.0 < fixture.service.now().0 + 7 * DAY_MS && closes > fixture.service.now());
        fixture.rotate(&rotate(3, "")).unwrap();
        assert_eq!(state(&mut fixture), Some(DueState::NotYet), "{rules}");
    }
}

/// A clock that is not believed dates no rotation, so that none is put off until then.
#[test]
fn a_clock_too_far_ahead_dates_no_rotation() {
    for rules in [DAYS, SATURDAYS] {
        let mut fixture = RotationFixture::new();
        let start = fixture.service.now();
        fixture.service.advance(900 * DAY_MS);
        fixture.rotate(&rotate(2, rules)).unwrap();
        assert_eq!(fixture.described()["LastRotatedDate"], start.0);
        fixture.service.advance(-900 * DAY_MS);
        assert_eq!(state(&mut fixture), Some(DueState::NotYet), "{rules}");
    }
}

#[test]
fn what_needs_a_person_is_listed_and_never_due() {
    for (retry, expected) in [
        (super::super::Retry::Configuration, DueState::Misconfigured),
        (super::super::Retry::BackOff, DueState::Orphaned),
    ] {
        let mut fixture = rotated(DAYS);
        fixture.retry = retry;
        for _ in 0..10 {
            let at = Break::After(Step::Set);
            fixture.rotate_until(&rotate(3, ""), at, How::Fails).unwrap_err();
        }
        fixture.service.advance(20 * DAY_MS);
        assert_eq!(state(&mut fixture), Some(expected));
        let due = &list(&mut fixture, CatchUp::Always)[0];
        // It was said when it would be tried again, though it never is.
        assert_eq!((due.state, due.next_attempt), (expected, None));
    }
}

#[test]
fn a_move_of_the_label_is_enough_to_be_finished() {
    let mut fixture = rotated(DAYS);
    fixture.rotate_until(&rotate(3, ""), Break::After(Step::Finish), How::Killed).unwrap_err();
    assert_eq!(state(&mut fixture), Some(DueState::NotYet));
}

#[test]
fn only_what_is_enabled_and_its_own_is_listed() {
    let mut fixture = RotationFixture::new();
    assert_eq!(state(&mut fixture), None);
    fixture.rotate(&rotate(2, DAYS)).unwrap();
    let regions = json!({"SecretId": "db", "AddReplicaRegions": [{"Region": "eu-west-1"}]});
    fixture.call("ReplicateSecretToRegions", &regions).unwrap();
    assert_eq!(state(&mut fixture), Some(DueState::NotYet));
    let gone = json!({"SecretId": "db", "RemoveReplicaRegions": ["eu-west-1"]});
    fixture.call("RemoveRegionsFromReplication", &gone).unwrap();
    fixture.call("DeleteSecret", &json!({"SecretId": "db"})).unwrap();
    assert_eq!(state(&mut fixture), None);
    fixture.call("RestoreSecret", &json!({"SecretId": "db"})).unwrap();
    assert_eq!(state(&mut fixture), Some(DueState::NotYet));
    fixture.call("CancelRotateSecret", &json!({"SecretId": "db"})).unwrap();
    assert_eq!(state(&mut fixture), None);
}

#[test]
fn the_oldest_date_comes_first_but_after_what_is_not_finished() {
    let mut fixture = RotationFixture::new();
    for (name, days) in [("late", 9), ("early", 5), ("never", 0), ("stuck", 20)] {
        let create = json!({"Name": name, "ClientRequestToken": token(1), "SecretString": "first"});
        fixture.call("CreateSecret", &create).unwrap();
        let mut request = rotate(2, "");
        request["SecretId"] = name.into();
        if days > 0 {
            request["RotationRules"] = json!({"AutomaticallyAfterDays": days});
        }
        fixture.password = "first".to_owned();
        let at = if name == "stuck" { Break::After(Step::Set) } else { Break::Nowhere };
        let _broken = fixture.rotate_until(&request, at, How::Killed);
    }
    let names: Vec<String> =
        list(&mut fixture, CatchUp::NextWindow).into_iter().map(|due| due.name).collect();
    assert_eq!(names, ["stuck", "early", "late", "never"]);
}

#[test]
fn nothing_is_due_on_the_word_of_a_clock_that_went_back() {
    let mut fixture = rotated(DAYS);
    fixture.service.advance(-DAY_MS);
    assert_eq!(state(&mut fixture), Some(DueState::NotYet));
    fixture.service.advance(-1);
    let refused =
        fixture.service.with(|vault, context| due(vault, CatchUp::Always, context)).err().unwrap();
    assert!(matches!(refused, DueFault::ClockWentBack { .. }));
    // The one command that heals it, where the clock had been ahead: `accept-state`. What was
    // rotated by that clock is rotated again.
    fixture.service.meddle(|vault: &mut Transaction<'_>| vault.accept_clock());
    assert_eq!(state(&mut fixture), Some(DueState::Open));
    fixture.rotate(&rotate(3, "")).unwrap();
    assert_eq!(state(&mut fixture), Some(DueState::NotYet));
}
