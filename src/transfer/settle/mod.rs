//! Holds items against the secrets that a vault has, and says which secrets are made or changed. Asks
//! what there is, and changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::item::{Item, Origin};
use super::naming;
use super::plan::{Plan, Planned, Titled, kind, source_id};
use super::reading::Remark;
use crate::service::import::{Standing, Wanted};

/// What becomes of an item whose name a secret has with another value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnConflict {
    /// It is left out.
    Skip,
    /// It becomes the current version of that secret.
    Version,
    /// It becomes a secret of another name.
    Rename,
}

/// What becomes of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// A secret is made of it.
    Made,
    /// A secret that is there changes.
    Updated,
    /// The secret that is there has the same value.
    Unchanged,
    /// A secret is in its place, and stays as it is.
    Skipped,
    /// Nothing of it can be stored, or it was thrown away.
    LeftOut,
    /// A secret is in its place, and nobody said what to do about that: its name, and why.
    Conflict { name: String, why: &'static str },
}

/// What becomes of one item.
pub(crate) struct Settled {
    pub(crate) origin: Origin,
    pub(crate) kind: &'static str,
    /// What it is called; empty if it is left out.
    pub(crate) name: String,
    pub(crate) fate: Fate,
    /// The secrets that have to be made or changed.
    pub(crate) secrets: Vec<Wanted>,
    pub(crate) remarks: Vec<Remark>,
}

/// Says what there is where a secret is wanted.
type Look<'l, E> = &'l mut dyn FnMut(&Wanted) -> Result<Standing, E>;

/// How a secret that is wanted stands.
struct Held {
    secrets: Vec<(Wanted, Standing)>,
    remarks: Vec<Remark>,
}

impl Held {
    fn is_all(&self, standings: &[Standing]) -> bool {
        self.secrets.iter().all(|(_, standing)| standings.contains(standing))
    }
}

/// Settles all items, in their order. `known` has the names of the secrets that are of the same program,
/// by the ids of its items.
pub(crate) fn settle<E>(
    items: Vec<Item>,
    plan: &Plan<'_>,
    known: &BTreeMap<String, Vec<String>>,
    on_conflict: Option<OnConflict>,
    look: Look<'_, E>,
) -> Result<Vec<Settled>, E> {
    let names_of = |item: &Item| {
        source_id(item).and_then(|id| known.get(&id)).map(Vec::as_slice).unwrap_or_default()
    };
    // Of several items with one id each has a secret of its own.
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut kept: Vec<Option<&str>> = Vec::with_capacity(items.len());
    for item in &items {
        let number = source_id(item).map(|id| seen.entry(id).or_default());
        let nth = number.map_or(0, |number| std::mem::replace(number, *number + 1));
        kept.push(names_of(item).get(nth).map(String::as_str));
    }
    let names = naming::all(&items, &kept, plan.prefix);
    let taken: BTreeSet<String> = names.iter().cloned().collect();
    let mut settling = Settling { plan, known, on_conflict, taken, look };
    let pairs = items.into_iter().zip(names);
    pairs.map(|(item, name)| settling.item(&item, name, names_of(&item))).collect()
}

struct Settling<'s, E> {
    plan: &'s Plan<'s>,
    known: &'s BTreeMap<String, Vec<String>>,
    on_conflict: Option<OnConflict>,
    taken: BTreeSet<String>,
    look: Look<'s, E>,
}

impl<E> Settling<'_, E> {
    /// Settles one item, which is one of the secrets `same`, if there are any.
    fn item(&mut self, item: &Item, name: String, same: &[String]) -> Result<Settled, E> {
        let titled = self.plan.titled(item, &name);
        let first = self.held(item, &name, titled)?;
        if first.secrets.is_empty() {
            return Ok(settled(item, String::new(), Fate::LeftOut, first));
        }
        // Whether the value has the title depends on what else there was when it was stored, and an
        // item may be there twice.
        let other = if titled == Titled::Yes { Titled::No } else { Titled::Yes };
        for (candidate, titled) in same.iter().flat_map(|name| [(name, titled), (name, other)]) {
            if first.is_all(&[Standing::Same]) {
                break;
            }
            let again = self.held(item, candidate, titled)?;
            if again.is_all(&[Standing::Same]) {
                return Ok(settled(item, candidate.clone(), Fate::Unchanged, again));
            }
        }
        let fate = fate(&first);
        let Fate::Conflict { .. } = &fate else { return Ok(settled(item, name, fate, first)) };
        match self.on_conflict {
            None => Ok(settled(item, name, fate, first)),
            Some(OnConflict::Skip) => Ok(settled(item, name, Fate::Skipped, first)),
            Some(OnConflict::Version) => {
                let is_barred =
                    |(_, standing): &(Wanted, Standing)| matches!(standing, Standing::Barred(_));
                let fate = if first.secrets.iter().any(is_barred) { fate } else { Fate::Updated };
                Ok(settled(item, name, fate, first))
            }
            Some(OnConflict::Rename) => self.renamed(item, &name),
        }
    }

    /// Settles an item under the first name that is free, or that a secret with its value has.
    fn renamed(&mut self, item: &Item, conflicting: &str) -> Result<Settled, E> {
        let plain = naming::plain(item, self.plan.prefix);
        // Its own name may be free where it is known by another.
        let mut name = plain.clone();
        let mut number = 2;
        loop {
            if name != conflicting && !self.taken.contains(&name) {
                let titled = self.plan.titled(item, &name);
                let held = self.held(item, &name, titled)?;
                if held.is_all(&[Standing::Free, Standing::Same]) {
                    self.taken.insert(name.clone());
                    let fate = fate(&held);
                    return Ok(settled(item, name, fate, held));
                }
            }
            name = naming::numbered(&plain, number);
            number += 1;
        }
    }

    /// Plans the secrets of an item, and holds each against what there is.
    fn held(&mut self, item: &Item, name: &str, titled: Titled) -> Result<Held, E> {
        let Planned { secrets, remarks } = self.plan.secrets(item, name, titled);
        let mut held = Held { secrets: Vec::with_capacity(secrets.len()), remarks };
        for mut wanted in secrets {
            let mut standing = (self.look)(&wanted)?;
            let has_item = held.secrets.first().is_some_and(|(_, item)| *item == Standing::Same);
            // A file may have been renamed without its item.
            if standing == Standing::Free && has_item {
                let id = wanted.source_id().and_then(|id| self.known.get(id));
                for name in id.into_iter().flatten() {
                    let planned = std::mem::replace(&mut wanted.name, name.clone());
                    standing = (self.look)(&wanted)?;
                    if standing == Standing::Same {
                        break;
                    }
                    wanted.name = planned;
                    standing = Standing::Free;
                }
            }
            held.secrets.push((wanted, standing));
        }
        Ok(held)
    }
}

/// Says what becomes of an item whose secrets stand so, if nobody says what to do about conflicts.
fn fate(held: &Held) -> Fate {
    for (wanted, standing) in &held.secrets {
        let why = match standing {
            Standing::Free | Standing::Same => continue,
            Standing::Differs => "has another value",
            Standing::Barred(why) => why,
        };
        return Fate::Conflict { name: wanted.name.clone(), why };
    }
    match held.secrets.first() {
        _ if held.is_all(&[Standing::Same]) => Fate::Unchanged,
        Some((_, Standing::Free)) => Fate::Made,
        Some(_) | None => Fate::Updated,
    }
}

fn settled(item: &Item, name: String, fate: Fate, held: Held) -> Settled {
    let is_done = match fate {
        Fate::Made | Fate::Updated => true,
        Fate::Unchanged | Fate::Skipped | Fate::LeftOut | Fate::Conflict { .. } => false,
    };
    let secrets = held.secrets.into_iter();
    let secrets = secrets.filter(|(_, standing)| is_done && *standing != Standing::Same);
    Settled {
        origin: item.origin.clone(),
        kind: kind(item),
        name,
        fate,
        secrets: secrets.map(|(wanted, _)| wanted).collect(),
        remarks: held.remarks,
    }
}

#[cfg(test)]
mod tests;
