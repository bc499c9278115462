//! Where keys are: pages of their own.
//!
//! One of the four modules of the crate with `unsafe`, all of it to make such a page. Does not know
//! what a key is.

use std::io;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::mm::{
    Advice, MapFlags, MprotectFlags, ProtFlags, madvise, mlock, mmap_anonymous, mprotect,
};
use zeroize::Zeroize;

use super::memory::end_for_want_of_memory;

/// Where a key is: 32 bytes that are not swapped out where the system lets us have that, not in core
/// dumps, not in children, and wiped when they are given back.
pub(crate) struct KeyPlace(Option<Bytes>);

type Bytes = &'static mut [u8; 32];

impl KeyPlace {
    /// Takes a place, of zeros.
    pub(crate) fn take() -> Self {
        let mut free = free_places();
        if free.is_empty() {
            let Ok(page) = map_page(KEYS_A_PAGE) else { end_for_want_of_memory() };
            free.extend(page);
        }
        Self(free.pop())
    }

    pub(crate) fn expose(&self) -> &[u8; 32] {
        #[expect(clippy::expect_used, reason = "it is taken only when it is dropped")]
        self.0.as_deref().expect("a key has a place")
    }

    pub(crate) fn expose_mut(&mut self) -> &mut [u8; 32] {
        #[expect(clippy::expect_used, reason = "it is taken only when it is dropped")]
        self.0.as_deref_mut().expect("a key has a place")
    }
}

impl Drop for KeyPlace {
    fn drop(&mut self) {
        if let Some(bytes) = self.0.take() {
            bytes.zeroize();
            free_places().push(bytes);
        }
    }
}

/// Whether no key that this process has or had could be swapped out. `RLIMIT_MEMLOCK` (getrlimit(2))
/// says how much memory may be held, and it may be none.
pub(crate) fn are_keys_held() -> bool {
    !IS_ANY_SWAPPED.load(Ordering::Relaxed)
}

fn free_places() -> MutexGuard<'static, Vec<Bytes>> {
    FREE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Maps a page for keys, between two that nobody may touch: it is never given back, but used again.
fn map_page(keys: usize) -> io::Result<impl Iterator<Item = Bytes>> {
    let length = keys.saturating_mul(size_of::<[u8; 32]>());
    // SAFETY: a fresh anonymous mapping at an address of the kernel's choice touches nothing.
    let mapping = unsafe {
        mmap_anonymous(ptr::null_mut(), 3 * LARGEST_PAGE, ProtFlags::empty(), MapFlags::PRIVATE)
    }?;
    // SAFETY: it stays inside the mapping, which is three times as long.
    let page = unsafe { mapping.byte_add(LARGEST_PAGE) };
    // SAFETY: our own mapping, which nothing was put into.
    unsafe { mprotect(page, length, MprotectFlags::READ | MprotectFlags::WRITE) }?;
    // SAFETY: our own mapping; it stays where it is and as it is.
    let held = unsafe { mlock(page, length) };
    if held.is_err() {
        IS_ANY_SWAPPED.store(true, Ordering::Relaxed);
    }
    for advice in [Advice::LinuxDontDump, Advice::LinuxWipeOnFork] {
        // What an old kernel does not know is what it cannot do.
        // SAFETY: our own mapping, and none of these changes its bytes in this process.
        let _unknown = unsafe { madvise(page, length, advice) };
    }
    // SAFETY: these bytes may be read and written, are zeros, are aligned to more than one of them, and
    // stay mapped; nobody else knows them.
    let places = unsafe { std::slice::from_raw_parts_mut(page.cast::<[u8; 32]>(), keys) };
    Ok(places.iter_mut())
}

/// The places that no key has.
static FREE: Mutex<Vec<Bytes>> = Mutex::new(Vec::new());
static IS_ANY_SWAPPED: AtomicBool = AtomicBool::new(false);

/// What fills the smallest page there is.
const KEYS_A_PAGE: usize = 4096 / size_of::<[u8; 32]>();
/// A border of every larger page is one of the smaller ones too.
const LARGEST_PAGE: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::sys::entropy::{Entropy, SystemEntropy};
    use crate::sys::memory::residue::{Needle, mapping_flags};
    use crate::sys::scratch;

    #[test]
    fn a_key_is_where_no_other_process_finds_it() {
        let mut key = KeyPlace::take();
        assert_eq!(*key.expose(), [0; 32]);
        SystemEntropy.fill(key.expose_mut()).unwrap();
        let needle = Needle::of(key.expose());
        let address = key.expose().as_ptr().addr();
        let flags = mapping_flags(address).unwrap();
        for wanted in [" dd ", " wf "] {
            assert!(flags.contains(wanted), "{flags}");
        }
        assert_eq!(flags.contains(" lo "), are_keys_held(), "{flags}");
        // A slip past its page reads and writes nothing.
        for beyond in [address - LARGEST_PAGE, address + LARGEST_PAGE] {
            let flags = mapping_flags(beyond).unwrap();
            assert!(!flags.contains(" rd ") && !flags.contains(" wr "), "{flags}");
        }
        assert_eq!(needle.count(), 1);
        drop(key);
        assert_eq!(needle.count(), 0);
    }

    #[test]
    fn keys_share_no_place() {
        let mut keys: Vec<KeyPlace> = (0..3 * KEYS_A_PAGE).map(|_| KeyPlace::take()).collect();
        for (key, number) in keys.iter_mut().zip(0_u64..) {
            assert_eq!(*key.expose(), [0; 32]);
            key.expose_mut()[..8].copy_from_slice(&number.to_be_bytes());
        }
        for (key, number) in keys.iter().zip(0_u64..) {
            assert_eq!(key.expose()[..8], number.to_be_bytes());
        }
    }

    #[test]
    fn keys_are_held_in_memory_where_that_is_allowed() {
        let test = "sys::key_place::tests::tells_whether_keys_are_held";
        let allowed =
            scratch::run_under(&["sh", "-c", "ulimit -l 64; exec \"$0\" \"$@\""], test, "4");
        scratch::assert_passed(&allowed);
        // In a user namespace of its own, for which root's limits are limits too.
        let none = ["unshare", "-r", "sh", "-c", "ulimit -l 0; exec \"$0\" \"$@\""];
        if Command::new("unshare").args(["-r", "true"]).status().is_ok_and(|done| done.success()) {
            scratch::assert_passed(&scratch::run_under(&none, test, "0"));
        } else {
            println!("skipped: there are no user namespaces here");
        }
    }

    /// Apart, because the limit is the whole process's. Is told how many KiB will be held.
    #[test]
    fn tells_whether_keys_are_held() {
        let Some(expected) = scratch::argument() else { return };
        let key = KeyPlace::take();
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let held = status.lines().find_map(|line| line.strip_prefix("VmLck:")).unwrap();
        assert_eq!(held.trim(), format!("{expected} kB"));
        assert_eq!(are_keys_held(), expected != "0");
        drop(key);
    }
}
