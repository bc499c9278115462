//! The vault that an agent has unlocked, and the clocks and randomness that it goes by.

use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use crate::crypto::keys::VaultKey;
use crate::store::{Mode, Store};
use crate::sys::clock::{Clock, Moment, Moments};
use crate::sys::entropy::{Entropy, NoEntropy};
use crate::vault::transaction::{Access, RequestContext};
use crate::vault::{LockedVault, OnDamagedSlot, OnRollback, Origin, UnlockPolicy};
use crate::workbench::sample::{START, sample_vault};
use crate::workbench::scratch::write_scratch;

/// A vault with a secret of every kind, and its key.
pub(super) fn template() -> Option<&'static (Vec<u8>, [u8; 32])> {
    static TEMPLATE: OnceLock<Option<(Vec<u8>, [u8; 32])>> = OnceLock::new();
    let make = || {
        let path = write_scratch(&[]).ok()?;
        std::fs::remove_file(&path).ok()?;
        let (system, origin) = (System::default(), Origin::default());
        let context = RequestContext { now: START, entropy: &system, origin: &origin };
        let (mut vault, master) = sample_vault(Store::create(&path).ok()?, context).ok()?;
        vault.appear().ok()?;
        let key = *master.vault_key(vault.vault_id()).expose();
        drop(vault);
        let bytes = std::fs::read(&path).ok()?;
        std::fs::remove_file(&path).ok()?;
        Some((bytes, key))
    };
    TEMPLATE.get_or_init(make).as_ref()
}

/// Whether a vault opens and everything in it is as its state says.
pub(super) fn is_sound(path: &Path, key: &[u8; 32]) -> bool {
    let policy = UnlockPolicy {
        anchors: None,
        on_rollback: OnRollback::Refuse,
        on_damaged_slot: OnDamagedSlot::Refuse,
    };
    let (system, origin) = (System::default(), Origin::default());
    let context = RequestContext { now: START, entropy: &system, origin: &origin };
    let opened = LockedVault::open(path, Mode::ReadWrite)
        .and_then(|locked| locked.unlock_by(&VaultKey::of(key), &policy));
    let findings =
        opened.and_then(|mut vault| vault.begin(Access::Read, context)?.check(&mut |_progress| {}));
    findings.is_ok_and(|findings| findings.is_empty())
}

/// Clocks that only the input moves, and bytes that are the same each time.
#[derive(Default)]
pub(super) struct System {
    pub(super) passed_ms: AtomicI64,
    drawn: AtomicU64,
}

impl Clock for System {
    fn now_ms(&self) -> i64 {
        START.0.saturating_add(self.passed_ms.load(Ordering::Relaxed))
    }
}

impl Moments for System {
    fn moment(&self) -> Moment {
        Moment { boot_ms: self.passed_ms.load(Ordering::Relaxed), wall_ms: self.now_ms() }
    }
}

impl Entropy for System {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        // A splitmix64 stream: distinct and evenly spread.
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        for chunk in bytes.chunks_mut(8) {
            let mut z = self.drawn.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            for (place, byte) in chunk.iter_mut().zip((z ^ (z >> 31)).to_be_bytes()) {
                *place = byte;
            }
        }
        Ok(())
    }
}
