//! What the picker is between two keys: which secrets are shown, which is chosen, what is being read or
//! typed. Keys go in, and out comes what is to be done; nothing here knows of terminals or vaults.

use super::keys::Key;
use super::line::Line;
use super::narrowing::Narrowing;
use crate::cli::everyday::candidates::Candidate;
use crate::model::time::Timestamp;
use crate::sys::secret::Secret;

/// What a person wants done with the secret that is chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    /// Put its password into the clipboard.
    Copy,
    Edit,
    /// Show what became of it.
    Log,
    /// Put its one-time password into the clipboard.
    Otp,
    /// Give it this name.
    Rename(String),
    /// Show its fields, those that are secret masked.
    Show,
}

/// What came of it.
pub(crate) enum Done {
    /// There is nothing more to do here.
    Leave,
    /// A text to read.
    Read(Secret<String>),
    Renamed {
        to: String,
        told: String,
    },
    /// Its value was changed at this time.
    Changed {
        at: Timestamp,
        told: String,
    },
    /// Something to say.
    Told(String),
}

/// Whose vault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    Ours,
    /// Somebody else's, who granted a part of it: there is no log, and nothing is renamed.
    Granted,
}

/// What a key leads to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// Do this with the secret of this name.
    Do(Deed, String),
    Leave,
}

/// What is on the screen beside the list.
pub(super) enum Mode {
    List,
    /// Another name is being typed.
    Naming(Line),
    /// A text about the secret, from a line on.
    Reading {
        text: Secret<String>,
        from: usize,
    },
}

/// The picker.
pub(super) struct Picker {
    pub(super) narrowing: Narrowing,
    pub(super) query: Line,
    pub(super) mode: Mode,
    pub(super) whose: Whose,
    /// Which of those that fit is chosen, counted from the best.
    pub(super) chosen: usize,
    /// Which is the first that is shown.
    pub(super) first: usize,
    /// What is said until the next key.
    pub(super) told: String,
    /// How many rows the list, or a text, had when it was last drawn.
    pub(super) rows: usize,
    is_narrowed: bool,
}

impl Picker {
    pub(super) fn new(candidates: Vec<Candidate>, query: &str, whose: Whose) -> Self {
        Self {
            narrowing: Narrowing::new(candidates),
            query: Line::new(query),
            mode: Mode::List,
            whose,
            chosen: 0,
            first: 0,
            told: String::new(),
            rows: 1,
            is_narrowed: false,
        }
    }

    /// Finds what fits, if letters were typed since that was done. Of many that come at once only the
    /// last is worth it.
    pub(super) fn settle(&mut self) {
        if !self.is_narrowed {
            self.narrowing.narrow(&self.query.text());
            self.is_narrowed = true;
            (self.chosen, self.first) = (0, 0);
        }
    }

    /// Returns the secret that is chosen.
    pub(super) fn choice(&self) -> Option<&Candidate> {
        self.narrowing.from(self.chosen).next()
    }

    /// Does what a key is for.
    pub(super) fn press(&mut self, key: Key) -> Option<Wish> {
        self.told.clear();
        match &mut self.mode {
            Mode::List => self.press_in_list(key),
            Mode::Naming(_) => self.press_in_name(key),
            Mode::Reading { from, .. } => {
                let page = self.rows.max(1);
                match key {
                    Key::Up => *from = from.saturating_sub(1),
                    Key::Down => *from = from.saturating_add(1),
                    Key::PageUp => *from = from.saturating_sub(page),
                    Key::PageDown => *from = from.saturating_add(page),
                    Key::Home => *from = 0,
                    Key::End => *from = usize::MAX,
                    Key::Enter => return self.wish(Deed::Copy),
                    Key::Other => {}
                    Key::Escape
                    | Key::Text(_)
                    | Key::Left
                    | Key::Right
                    | Key::Erase
                    | Key::EraseNext
                    | Key::EraseWord
                    | Key::EraseAll
                    | Key::Edit
                    | Key::Log
                    | Key::Otp
                    | Key::Rename
                    | Key::Show => self.mode = Mode::List,
                }
                None
            }
        }
    }

    fn press_in_list(&mut self, key: Key) -> Option<Wish> {
        let is_typed = matches!(
            key,
            Key::Text(_) | Key::Erase | Key::EraseNext | Key::EraseWord | Key::EraseAll
        );
        if !is_typed {
            self.settle();
        }
        let page = self.rows.max(1);
        let last = self.narrowing.count().saturating_sub(1);
        match key {
            Key::Up => self.chosen = self.chosen.saturating_sub(1),
            Key::Down => self.chosen = (self.chosen + 1).min(last),
            Key::PageUp => self.chosen = self.chosen.saturating_sub(page),
            Key::PageDown => self.chosen = (self.chosen + page).min(last),
            Key::Enter => return self.wish(Deed::Copy),
            Key::Edit => return self.wish(Deed::Edit),
            Key::Log => return self.wish(Deed::Log),
            Key::Otp => return self.wish(Deed::Otp),
            Key::Show => return self.wish(Deed::Show),
            Key::Rename => {
                if let Some(choice) = self.choice() {
                    self.mode = Mode::Naming(Line::new(&choice.name));
                }
            }
            Key::Escape => return Some(Wish::Leave),
            Key::Text(_)
            | Key::Left
            | Key::Right
            | Key::Home
            | Key::End
            | Key::Erase
            | Key::EraseNext
            | Key::EraseWord
            | Key::EraseAll
            | Key::Other => {
                self.query.press(key);
                self.is_narrowed &= !is_typed;
            }
        }
        None
    }

    fn press_in_name(&mut self, key: Key) -> Option<Wish> {
        let Mode::Naming(line) = &mut self.mode else { return None };
        if key != Key::Enter && key != Key::Escape {
            line.press(key);
            return None;
        }
        let name = line.text();
        self.mode = Mode::List;
        let is_new = self.choice().is_some_and(|choice| choice.name != name);
        if key == Key::Enter && is_new { self.wish(Deed::Rename(name)) } else { None }
    }

    fn wish(&self, deed: Deed) -> Option<Wish> {
        Some(Wish::Do(deed, self.choice()?.name.clone()))
    }

    /// Takes what came of a wish; returns whether there is nothing more to do.
    pub(super) fn take(&mut self, done: Done) -> bool {
        match done {
            Done::Leave => return true,
            Done::Read(text) => self.mode = Mode::Reading { text, from: 0 },
            Done::Told(told) => self.told = told,
            Done::Changed { at, told } => {
                if let Some(name) = self.choice().map(|choice| choice.name.clone()) {
                    self.narrowing.changed(&name, at);
                }
                self.told = told;
            }
            Done::Renamed { to, told } => {
                if let Some(old) = self.choice().map(|choice| choice.name.clone()) {
                    self.narrowing.rename(&old, &to);
                }
                // It is shown, whether it fits what was typed before or not.
                self.query = Line::new(&to);
                self.is_narrowed = false;
                self.settle();
                self.told = told;
            }
        }
        false
    }
}
