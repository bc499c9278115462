//! A peer whose file goes while it is written: at any draw of randomness on the way, of which there are
//! some in every transaction.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::store::Store;
use crate::sys::entropy::{Entropy, NoEntropy};
use crate::sys::scratch::Scratch;
use crate::vault::transaction::RequestContext;

/// How a file goes.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// The file alone.
    Removed,
    /// An older copy takes its place.
    Replaced,
    /// All of the medium.
    Unmounted,
}

/// Where the peer's file is, and where it is kept meanwhile.
struct Stick {
    _scratch: Scratch,
    mount: PathBuf,
    away: PathBuf,
}

impl Stick {
    fn vault(&self) -> PathBuf {
        self.mount.join("vault")
    }

    fn leave(&self, way: Way) {
        match way {
            Way::Removed => fs::rename(self.vault(), &self.away).unwrap(),
            Way::Replaced => {
                fs::hard_link(self.vault(), &self.away).unwrap();
                fs::rename(self.mount.join("old"), self.vault()).unwrap();
            }
            Way::Unmounted => fs::rename(&self.mount, &self.away).unwrap(),
        }
    }

    fn come_back(&self, way: Way) {
        let place = if let Way::Unmounted = way { self.mount.clone() } else { self.vault() };
        fs::rename(&self.away, place).unwrap();
    }
}

/// Randomness at one of whose draws something happens.
struct Leaving<'a> {
    entropy: &'a dyn Entropy,
    draws: &'a Cell<usize>,
    at: usize,
    leave: &'a dyn Fn(),
}

impl Entropy for Leaving<'_> {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        self.draws.set(self.draws.get() + 1);
        if self.draws.get() == self.at {
            (self.leave)();
        }
        self.entropy.fill(bytes)
    }
}

/// The peer on the stick.
struct OnStick<'a> {
    service: &'a mut ServiceFixture,
    draws: &'a Cell<usize>,
    at: usize,
    leave: &'a dyn Fn(),
}

impl Far for OnStick<'_> {
    fn ask(&mut self, task: Task) -> Result<Value, Trouble> {
        let Self { draws, at, leave, .. } = *self;
        let done = self.service.with(|vault, context| {
            let entropy = Leaving { entropy: context.entropy, draws, at, leave };
            task.run(vault, RequestContext { entropy: &entropy, ..context })
        });
        done.map_err(|_failure| Trouble::Failed)
    }

    fn seen(&mut self) -> Option<Seen> {
        Identity::from_value(Far::ask(self, Task::Identify).ok()?).ok()?.seen()
    }
}

fn stick() -> (Stick, ServiceFixture) {
    let scratch = Scratch::new();
    let (mount, away) = (scratch.join("stick"), scratch.join("away"));
    crate::sys::files::create_private_dir(&mount).unwrap();
    let stick = Stick { _scratch: scratch, mount, away };
    let mut far = ServiceFixture::in_store(Store::create(&stick.vault()).unwrap());
    far.with(|vault, _| vault.appear()).unwrap();
    (stick, far)
}

/// Has the file go at a draw. Returns whether it came to that.
fn leaves_and_comes_back(way: Way, at: usize) -> bool {
    let (stick, mut far) = stick();
    far.meddle(|transaction| transaction.set(Settings::ACCOUNT, FAR));
    let mut pair = Pair { far, ..Pair::new() };
    pair.call("CreateSecret", &json!({"Name": "app/db", "SecretString": "one"})).unwrap();
    let primary = pair.arn();
    let waiting = json!({"Name": "copy", "CrossAccountPrimaryARN": primary, "KmsKeyId": KEY});
    pair.call_far("CreateSecret", &waiting).unwrap();
    pair.associate().unwrap();
    assert_eq!(pair.deliver(), Some(Delivered::Done));
    fs::copy(stick.vault(), stick.mount.join("old")).unwrap();
    pair.put("two");

    let draws = Cell::new(0);
    let leave = || stick.leave(way);
    let near = &mut One { service: &mut pair.near, asked: &Cell::new(0), cut: NEVER };
    let far = &mut OnStick { service: &mut pair.far, draws: &draws, at, leave: &leave };
    let (delivered, left) = course::deliver(near, far, &primary).unwrap();
    let has_left = draws.get() >= at;
    let is_there = |path: &Path| path.exists();
    assert_eq!(is_there(&stick.away), has_left, "{way:?} {at}");
    if has_left {
        assert_eq!(delivered, Delivered::Not(Trouble::Failed), "{way:?} {at}");
        assert_eq!((pair.status().as_str(), left), ("InProgress", 1), "{way:?} {at}");
        pair.near.require_sound();
        stick.come_back(way);
    }
    assert!(pair.deliver().is_some());
    assert_eq!((pair.status().as_str(), pair.left()), ("InSync", 0), "{way:?} {at}");
    pair.require_equal();
    pair.require_sound();
    has_left
}

#[test]
fn a_peer_that_goes_while_it_is_written_is_not_taken_to_be_told() {
    for way in [Way::Removed, Way::Replaced, Way::Unmounted] {
        let last = (1..100).find(|at| !leaves_and_comes_back(way, *at));
        // In each transaction that writes, at least for its commit and the value.
        assert!(last.is_some_and(|last| last > 3), "{way:?}: {last:?}");
    }
}
