//! What a person should know of an unlocked vault besides the answer.

use std::fmt;

use crate::model::time::{DAY_MS, Timestamp};
use crate::vault::clock::ClockState;
use crate::vault::{Unlogged, Vault};

/// Something that is not as it should be, and hinders nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    /// The vault can only be read here, so that reads are not logged.
    ReadOnly,
    /// There is no space for the log of reads.
    Full,
    /// Another process writes, so that a read is not logged.
    Busy,
    /// This machine could not remember the state of the vault.
    Unremembered,
    /// The clock is so many days behind the last change.
    Behind(u64),
    /// The clock is so many days ahead of it.
    Ahead(u64),
}

/// Returns what is not as it should be with an unlocked vault.
pub(crate) fn of(vault: &Vault) -> Vec<Notice> {
    let is_silent = vault.is_read_only() && vault.audits_reads();
    let unlogged = vault.unlogged().map(|why| match why {
        Unlogged::Full => Notice::Full,
        Unlogged::Busy => Notice::Busy,
    });
    let anchor = vault.is_anchor_unwritable().then_some(Notice::Unremembered);
    is_silent.then_some(Notice::ReadOnly).into_iter().chain(unlogged).chain(anchor).collect()
}

/// Returns what is not as it should be with the clock, which then sets no dates.
pub(crate) fn of_clock(now: Timestamp, last: Timestamp) -> Option<Notice> {
    let days = now.0.saturating_sub(last.0).unsigned_abs() / DAY_MS.unsigned_abs();
    match ClockState::of(now, last) {
        ClockState::Believed => None,
        ClockState::Behind => Some(Notice::Behind(days)),
        ClockState::Ahead => Some(Notice::Ahead(days)),
    }
}

impl Notice {
    /// Reads what `to_string` writes.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (name, days) = text.split_once(' ').unwrap_or((text, "0"));
        let days = days.parse().ok()?;
        Some(match name {
            "read-only" => Self::ReadOnly,
            "full" => Self::Full,
            "busy" => Self::Busy,
            "unremembered" => Self::Unremembered,
            "behind" => Self::Behind(days),
            "ahead" => Self::Ahead(days),
            _ => return None,
        })
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReadOnly => f.write_str("read-only"),
            Self::Full => f.write_str("full"),
            Self::Busy => f.write_str("busy"),
            Self::Unremembered => f.write_str("unremembered"),
            Self::Behind(days) => write!(f, "behind {days}"),
            Self::Ahead(days) => write!(f, "ahead {days}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_is_read_as_it_was_written() {
        let all = [
            Notice::ReadOnly,
            Notice::Full,
            Notice::Busy,
            Notice::Unremembered,
            Notice::Behind(400),
            Notice::Ahead(3),
        ];
        for notice in all {
            assert_eq!(Notice::parse(&notice.to_string()), Some(notice));
        }
        assert_eq!(Notice::parse("ahead x"), None);
        assert_eq!(Notice::parse("late"), None);
    }
}
