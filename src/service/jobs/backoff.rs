//! When a failed rotation is retried.

use crate::model::time::Timestamp;
use crate::service::context::Context;
use crate::service::failure::Failure;
use crate::service::rules::dice::Dice;
use crate::vault::progress::{Outlook, Progress};

/// How soon to retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Retry {
    /// Soon: the program reported a temporary failure (exit status 75).
    Temporary,
    /// Only once somebody has acted: its settings are wrong (exit status 78).
    Configuration,
    /// After a longer wait each time.
    BackOff,
}

/// Sets when a rotation is retried, after `percent` of the usual wait.
pub(super) fn put_off(progress: &mut Progress, retry: Retry, now: Timestamp, percent: i64) {
    let minutes = match retry {
        Retry::Temporary => 1,
        Retry::Configuration | Retry::BackOff => {
            progress.failures = progress.failures.saturating_add(1);
            usual_minutes(progress.failures)
        }
    };
    progress.next_attempt = Timestamp(now.0.saturating_add(wait(minutes, percent)));
    if progress.outlook != Outlook::Cancelled {
        progress.outlook = match retry {
            Retry::Configuration => Outlook::Misconfigured,
            Retry::BackOff if progress.failures >= MAX_FAILURES => Outlook::Orphaned,
            Retry::Temporary | Retry::BackOff => Outlook::Open,
        };
    }
}

/// Returns the usual wait after so many failures, in minutes.
fn usual_minutes(failures: u64) -> i64 {
    let doublings = u32::try_from(failures.saturating_sub(1)).unwrap_or(u32::MAX);
    1_i64.checked_shl(doublings.min(32)).unwrap_or(i64::MAX).min(MAX_WAIT_MINUTES)
}

fn wait(minutes: i64, percent: i64) -> i64 {
    minutes.saturating_mul(MINUTE_MS).saturating_mul(percent) / 100
}

/// Returns the longest wait after so many failures, in milliseconds.
pub(super) fn longest_wait(failures: u64) -> i64 {
    wait(usual_minutes(failures), MAX_PERCENT)
}

/// Draws from 80 to 120, so that secrets that failed together are not retried together.
pub(super) fn jitter(cx: &Context<'_, '_>) -> Result<i64, Failure> {
    let percents: Vec<i64> = (80..=MAX_PERCENT).collect();
    Ok(Dice::new(cx.entropy()).pick(&percents)?.copied().unwrap_or(100))
}

const MINUTE_MS: i64 = 60_000;
/// The longest wait, as a part of the usual one.
const MAX_PERCENT: i64 = 120;
/// Six hours.
const MAX_WAIT_MINUTES: i64 = 360;
/// After so many failures only a person retries.
const MAX_FAILURES: u64 = 10;

#[cfg(test)]
mod tests {
    use super::super::fixture::token;
    use super::*;
    use crate::vault::progress::Purpose;

    #[test]
    fn attempts_come_later_each_time_until_they_end() {
        let mut progress = Progress::new(token(2), Purpose::Rotate, Timestamp(0));
        let now = Timestamp(1_000_000);
        let minutes = [1, 2, 4, 8, 16, 32, 64, 128, 256, 360];
        for (failures, minutes) in (1..).zip(minutes) {
            put_off(&mut progress, Retry::BackOff, now, 100);
            assert_eq!(progress.failures, failures);
            assert_eq!(progress.next_attempt.0 - now.0, minutes * MINUTE_MS);
            let is_last = failures == 10;
            let outlook = if is_last { Outlook::Orphaned } else { Outlook::Open };
            assert_eq!(progress.outlook, outlook);
        }
        put_off(&mut progress, Retry::BackOff, Timestamp(i64::MAX), 120);
        assert_eq!(progress.next_attempt.0, i64::MAX);

        let mut progress = Progress::new(token(2), Purpose::Rotate, Timestamp(0));
        for _ in 0..20 {
            put_off(&mut progress, Retry::Temporary, now, 80);
            assert_eq!((progress.failures, progress.outlook), (0, Outlook::Open));
            assert_eq!(progress.next_attempt.0 - now.0, MINUTE_MS * 80 / 100);
        }
        put_off(&mut progress, Retry::Configuration, now, 100);
        assert_eq!(progress.outlook, Outlook::Misconfigured);
        progress.failures = u64::MAX;
        put_off(&mut progress, Retry::BackOff, now, 100);
        assert_eq!(progress.next_attempt.0 - now.0, 360 * MINUTE_MS);
    }
}
