//! Which secrets fit what has been typed, the best first. Each letter looks only at those that were
//! left before it; taking one back finds them as they were.

use crate::cli::everyday::candidates::{Candidate, Looked};
use crate::cli::everyday::fuzzy;
use crate::model::order;
use crate::model::time::Timestamp;

/// All secrets, and those that fit.
pub(super) struct Narrowing {
    candidates: Vec<Candidate>,
    /// The same as they are looked through.
    looked: Vec<Looked>,
    /// What fitted each beginning of what has been typed; the first has no words and is all.
    steps: Vec<Step>,
}

struct Step {
    words: Vec<String>,
    /// Places among all.
    found: Vec<usize>,
}

impl Narrowing {
    pub(super) fn new(candidates: Vec<Candidate>) -> Self {
        let mut narrowing = Self { candidates, looked: Vec::new(), steps: Vec::new() };
        narrowing.begin();
        narrowing
    }

    /// Returns how many there are in all.
    pub(super) fn all(&self) -> usize {
        self.candidates.len()
    }

    /// Returns how many fit.
    pub(super) fn count(&self) -> usize {
        self.found().len()
    }

    /// Returns those that fit, from a place on.
    pub(super) fn from(&self, place: usize) -> impl Iterator<Item = &Candidate> {
        self.found().iter().skip(place).filter_map(|at| self.candidates.get(*at))
    }

    /// Finds those that fit.
    pub(super) fn narrow(&mut self, query: &str) {
        let words = fuzzy::words(&[query.to_owned()]);
        while self.steps.last().is_some_and(|step| !goes_on(&step.words, &words)) {
            self.steps.pop();
        }
        if self.steps.last().is_some_and(|step| step.words == words) {
            return;
        }
        let mut scored: Vec<(u32, usize)> = Vec::new();
        for at in self.found() {
            let looked = self.looked.get(*at);
            scored.extend(looked.and_then(|one| Some((one.score(&words)?, *at))));
        }
        // Among those that fit as well, in the order of their names.
        order::sort_by_key(&mut scored, |(score, at)| (u32::MAX - score, *at));
        let found = scored.into_iter().map(|(_, at)| at).collect();
        self.steps.push(Step { words, found });
    }

    /// Gives one another name. Nothing has been typed after that.
    pub(super) fn rename(&mut self, old: &str, new: &str) {
        if let Some(one) = self.candidates.iter_mut().find(|one| one.name == old) {
            new.clone_into(&mut one.name);
        }
        self.begin();
    }

    fn begin(&mut self) {
        order::sort_by(&mut self.candidates, |left, right| left.name.cmp(&right.name));
        self.looked = self.candidates.iter().map(Candidate::looked).collect();
        let found = (0..self.candidates.len()).collect();
        self.steps = vec![Step { words: Vec::new(), found }];
    }

    /// Notes when a secret was changed, which was read for that too.
    pub(super) fn changed(&mut self, name: &str, at: Timestamp) {
        if let Some(one) = self.candidates.iter_mut().find(|one| one.name == name) {
            one.dates.changed = Some(at);
            one.dates.read = Some(at);
        }
    }

    fn found(&self) -> &[usize] {
        self.steps.last().map_or(&[], |step| &step.found)
    }
}

/// Whether what fits the second fits the first too.
fn goes_on(first: &[String], second: &[String]) -> bool {
    let mut pairs = first.iter().zip(second);
    first.len() <= second.len() && pairs.all(|(first, second)| second.starts_with(first.as_str()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(names: &[&str]) -> Narrowing {
        let candidate =
            |name: &&str| Candidate { name: (*name).to_owned(), ..Candidate::default() };
        Narrowing::new(names.iter().map(candidate).collect())
    }

    fn found(narrowing: &Narrowing) -> Vec<&str> {
        narrowing.from(0).map(|one| one.name.as_str()).collect()
    }

    #[test]
    fn each_letter_leaves_fewer_and_gives_them_back() {
        let mut narrowing = of(&["web/mail", "bank/giro", "app/db"]);
        assert_eq!(found(&narrowing), ["app/db", "bank/giro", "web/mail"]);
        for (query, expected) in [
            ("b", &["bank/giro", "app/db", "web/mail"][..]),
            ("ban", &["bank/giro"]),
            ("banx", &[]),
            ("ban", &["bank/giro"]),
            ("", &["app/db", "bank/giro", "web/mail"]),
            ("mail", &["web/mail"]),
            ("giro BANK", &["bank/giro"]),
        ] {
            narrowing.narrow(query);
            let mut found = found(&narrowing);
            if query == "b" {
                found.sort_unstable_by_key(|name| !name.starts_with('b'));
            }
            assert_eq!(found, expected, "{query}");
        }
        assert_eq!((narrowing.count(), narrowing.all()), (1, 3));
        narrowing.rename("bank/giro", "zoo");
        assert_eq!(found(&narrowing), ["app/db", "web/mail", "zoo"]);
    }

    proptest! {
        /// However it is typed, what is found is what fits.
        #[test]
        fn the_way_there_does_not_matter(
            queries in prop::collection::vec("[ab/ ]{0,4}", 1..8),
            names in prop::collection::vec("[abAB/]{1,6}", 0..12),
        ) {
            let texts: Vec<&str> = names.iter().map(String::as_str).collect();
            let mut narrowing = of(&texts);
            for query in &queries {
                narrowing.narrow(query);
                let mut afresh = of(&texts);
                afresh.narrow(query);
                prop_assert_eq!(found(&narrowing), found(&afresh));
            }
        }
    }
}
