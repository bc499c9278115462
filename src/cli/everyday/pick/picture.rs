//! What the picker looks like: rows of text for a screen of some size, and how a terminal is told to
//! show them. Every text from a vault is made harmless here.

use std::fmt::Write;

use super::columns::{ended, fitted, harmless, lines, width};
use super::picker::{Mode, Picker, Whose};
use crate::cli::everyday::candidates::Candidate;
use crate::cli::everyday::times;

/// How large a screen is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) rows: usize,
    pub(super) columns: usize,
}

/// How a row looks, where it may have a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    Plain,
    /// The secret that is chosen.
    Chosen,
    /// What is only there for help.
    Faint,
}

/// Whether rows look different from each other (`NO_COLOR`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Looks {
    Different,
    Alike,
}

/// All rows of a screen, and where its cursor is.
pub(super) struct Picture {
    pub(super) rows: Vec<(Look, String)>,
    /// Row and column, from zero.
    pub(super) cursor: (usize, usize),
}

/// Draws the picker for a screen of this size, and has it remember how much of it there was room for.
pub(super) fn of(picker: &mut Picker, size: Size) -> Picture {
    picker.settle();
    let foot = foot(picker, size);
    let head = head(picker, size);
    let middle = size.rows.saturating_sub(foot.len() + 1);
    let mut rows = vec![(Look::Plain, head.0)];
    if matches!(picker.mode, Mode::Reading { .. }) {
        picker.rows = middle;
        rows.extend(text(picker, Size { rows: middle, ..size }));
    } else {
        let about = if middle < 4 { 0 } else { (middle / 3).clamp(3, ABOUT + 1) };
        picker.rows = middle.saturating_sub(about);
        rows.extend(list(picker, size.columns));
        rows.resize(1 + picker.rows, (Look::Plain, String::new()));
        if about > 0 {
            rows.push((Look::Faint, "─".repeat(size.columns)));
            let told = picker.choice().map(|one| about_it(one, size.columns)).unwrap_or_default();
            rows.extend(told.into_iter().take(about - 1).map(|line| (Look::Plain, line)));
        }
    }
    rows.resize(1 + middle, (Look::Plain, String::new()));
    rows.extend(foot);
    rows.truncate(size.rows);
    Picture { rows, cursor: (0, head.1.min(size.columns.saturating_sub(1))) }
}

/// The first row, and in which column the cursor is: what is typed, and how many fit.
fn head(picker: &Picker, size: Size) -> (String, usize) {
    let (mark, line) = match &picker.mode {
        Mode::List => ("> ", &picker.query),
        Mode::Naming(line) => ("New name: ", line),
        Mode::Reading { .. } => {
            let name = picker.choice().map(|choice| harmless(&choice.name)).unwrap_or_default();
            return (fitted(&name, size.columns), 0);
        }
    };
    let room = size.columns.saturating_sub(width(mark) + 1);
    let before = ended(&harmless(&line.before()), room);
    let after = line.text().chars().skip(line.before().chars().count()).collect::<String>();
    let at = width(mark) + width(&before);
    let mut row = fitted(&format!("{mark}{before}{}", harmless(&after)), size.columns);
    let count = format!("{}/{}", picker.narrowing.count(), picker.narrowing.all());
    let gap = size.columns.saturating_sub(width(&row) + width(&count));
    if gap > 1 {
        row.push_str(&" ".repeat(gap));
        row.push_str(&count);
    }
    (row, at)
}

/// The secrets that fit, around the one that is chosen.
fn list(picker: &mut Picker, columns: usize) -> Vec<(Look, String)> {
    let last_first = picker.narrowing.count().saturating_sub(picker.rows);
    let least = (picker.chosen + 1).saturating_sub(picker.rows);
    picker.first = picker.first.max(least).min(picker.chosen).min(last_first.max(least));
    if picker.narrowing.count() == 0 && picker.rows > 0 {
        return vec![(Look::Faint, fitted("  nothing fits what is typed", columns))];
    }
    let shown = picker.narrowing.from(picker.first).take(picker.rows);
    let row = |(place, one): (usize, &Candidate)| {
        let is_chosen = picker.first + place == picker.chosen;
        let (look, mark) = if is_chosen { (Look::Chosen, "> ") } else { (Look::Plain, "  ") };
        let mut row = format!("{mark}{}", harmless(&one.name));
        if let Some(line) = one.description.lines().next() {
            row.push_str("  ");
            row.push_str(&harmless(line));
        }
        (look, fitted(&row, columns))
    };
    shown.enumerate().map(row).collect()
}

/// What is known of a secret without its value.
fn about_it(one: &Candidate, columns: usize) -> Vec<String> {
    let mut told = lines(&harmless(&one.name), columns);
    told.extend(one.description.lines().flat_map(|line| lines(&harmless(line), columns)));
    if !one.tags.is_empty() {
        let tags: Vec<String> =
            one.tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
        told.extend(lines(&harmless(&format!("tags {}", tags.join(" "))), columns));
    }
    let dates = one.dates;
    let minutes = [("made", dates.made), ("changed", dates.changed), ("rotated", dates.rotated)]
        .map(|(what, time)| time.map(|time| format!("{what} {}", times::minute(time))));
    let days = [("read", dates.read), ("to be rotated by", dates.next_rotation)]
        .map(|(what, time)| time.map(|time| format!("{what} {}", times::day(time))));
    let dates: Vec<String> = minutes.into_iter().chain(days).flatten().collect();
    if !dates.is_empty() {
        told.extend(lines(&dates.join(", "), columns));
    }
    told
}

/// A text that is read, from the line on that is the first.
fn text(picker: &mut Picker, size: Size) -> Vec<(Look, String)> {
    let Mode::Reading { text, from } = &mut picker.mode else { return Vec::new() };
    let given = text.expose().lines();
    let all: Vec<String> = given.flat_map(|line| lines(&harmless(line), size.columns)).collect();
    *from = (*from).min(all.len().saturating_sub(size.rows));
    all.into_iter().skip(*from).take(size.rows).map(|line| (Look::Plain, line)).collect()
}

/// The last rows: what is said, or which keys there are.
fn foot(picker: &Picker, size: Size) -> Vec<(Look, String)> {
    let most = (size.rows / 4).max(1);
    if !picker.told.is_empty() {
        let told = lines(&harmless(&picker.told), size.columns);
        return told.into_iter().take(most).map(|line| (Look::Plain, line)).collect();
    }
    let keys: &[&str] = match (&picker.mode, picker.whose) {
        (Mode::List, Whose::Ours) => {
            &["Enter copy", "Esc leave", "^S show", "^O otp", "^E edit", "^R rename", "^L log"]
        }
        (Mode::List, Whose::Granted) => {
            &["Enter copy", "Esc leave", "^S show", "^O otp", "^E edit"]
        }
        (Mode::Naming(_), _) => &["Enter rename", "Esc leave it as it is"],
        (Mode::Reading { .. }, _) => &["Esc back", "Enter copy", "Up Down scroll"],
    };
    let mut rows: Vec<String> = vec![String::new()];
    for key in keys {
        let Some(row) = rows.last_mut() else { break };
        let gap = if row.is_empty() { "" } else { "  " };
        if row.is_empty() || width(row) + 2 + width(key) <= size.columns {
            row.push_str(gap);
            row.push_str(key);
        } else {
            rows.push((*key).to_owned());
        }
    }
    let shown = rows.into_iter().take(most.min(2));
    shown.map(|row| (Look::Faint, fitted(&row, size.columns))).collect()
}

impl Picture {
    /// Returns what a terminal is written. Each row is put where it belongs, so that a terminal that
    /// takes a letter for wider or narrower than it is taken for here spoils no other row.
    pub(super) fn drawn(&self, looks: Looks) -> String {
        let mut out = String::from("\x1b[?25l");
        for (place, (look, text)) in self.rows.iter().enumerate() {
            let (before, after) = match (looks, look) {
                (Looks::Alike, _) | (_, Look::Plain) => ("", ""),
                (Looks::Different, Look::Chosen) => ("\x1b[7m", "\x1b[m"),
                (Looks::Different, Look::Faint) => ("\x1b[2m", "\x1b[m"),
            };
            // Writing to a text does not fail.
            let _written = write!(out, "\x1b[{};1H\x1b[K{before}{text}{after}", place + 1);
        }
        let (row, column) = self.cursor;
        let _written = write!(out, "\x1b[{};{}H\x1b[?25h", row + 1, column + 1);
        out
    }
}

/// How many rows at most tell about the secret that is chosen.
const ABOUT: usize = 6;
