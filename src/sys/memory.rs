//! Memory that forgets: the allocator, the stack below the caller, and what Argon2 works in.
//!
//! The only module of the crate with `unsafe`. A core dump taken after each of these was written
//! shows no key and no passphrase (docs/security.md); each test below searches this process for
//! the same residue. Does not know what a key is.

use std::alloc::{GlobalAlloc, Layout, System};
use std::ffi::c_void;
use std::io;
use std::ptr::{self, NonNull};

use argon2::Block;
use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munmap};
use zeroize::optimization_barrier;

/// The system's allocator, which wipes every block before it gives it back.
///
/// Growing a block moves it: `realloc` of the system would leave the old bytes where they were.
pub(crate) struct ZeroingAllocator;

// SAFETY: every call is passed on to `System` with the layout it came with, and a block is written
// to only between its allocation and its release, inside its own size.
unsafe impl GlobalAlloc for ZeroingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise (a layout of nonzero size) is the one `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as for `alloc`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller gives back a block of this layout, so all of it may be written.
        unsafe { wipe(block, layout.size()) };
        // SAFETY: the block came from `System` with this layout.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, old: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller promises that `new_size`, rounded up to the alignment, fits `isize`.
        let new_layout = unsafe { Layout::from_size_align_unchecked(new_size, layout.align()) };
        // SAFETY: `new_size` is not zero, by the caller's promise.
        let new = unsafe { System.alloc(new_layout) };
        if !new.is_null() {
            // SAFETY: both blocks are at least this long, and a fresh block overlaps no other.
            unsafe { ptr::copy_nonoverlapping(old, new, layout.size().min(new_size)) };
            // SAFETY: the old block is the caller's to give back; its bytes have been copied.
            unsafe { self.dealloc(old, layout) };
        }
        new
    }
}

/// Overwrites the stack below the caller, where functions that have returned left copies of keys.
///
/// To be called from the function that called them, after they returned; 128 KiB is four times
/// what the deepest of them uses.
#[inline(never)]
pub(crate) fn scrub_stack() {
    #[expect(clippy::large_stack_arrays, reason = "covering the stack is what it is for")]
    let cover = [0_u8; SCRUBBED];
    optimization_barrier(&cover);
}

/// The memory of one key derivation: huge pages where there are any (half the time), not in core
/// dumps, not in children, wiped and given back on drop.
pub(crate) struct KdfMemory {
    mapping: NonNull<c_void>,
    mapped: usize,
    blocks: NonNull<Block>,
    count: usize,
}

impl KdfMemory {
    /// Maps room for `count` blocks of 1 KiB.
    pub(crate) fn map(count: usize) -> io::Result<Self> {
        let too_much = || io::Error::from(io::ErrorKind::OutOfMemory);
        let wanted = count.checked_mul(size_of::<Block>()).ok_or_else(too_much)?;
        // One huge page more than wanted, so that the blocks can begin on the border of one.
        let mapped = wanted.checked_add(HUGE_PAGE).ok_or_else(too_much)?;
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a fresh anonymous mapping at an address of the kernel's choice touches nothing.
        let mapping =
            unsafe { mmap_anonymous(ptr::null_mut(), mapped, protection, MapFlags::PRIVATE) }?;
        let mapping = NonNull::new(mapping).ok_or_else(too_much)?;
        // From here on the mapping has an owner, and is given back on every way out.
        let mut memory = Self { mapping, mapped, blocks: mapping.cast(), count };
        memory.advise()?;
        let border = mapping.align_offset(HUGE_PAGE);
        if border > HUGE_PAGE {
            return Err(too_much());
        }
        // SAFETY: `border` is at most the huge page by which the mapping is too long.
        memory.blocks = unsafe { mapping.byte_add(border) }.cast();
        Ok(memory)
    }

    /// Tells the kernel what the memory is for. Only leaving it out of dumps must succeed.
    fn advise(&self) -> io::Result<()> {
        let advice = |advice| {
            // SAFETY: the range is exactly our own mapping, and none of these changes its bytes.
            unsafe { madvise(self.mapping.as_ptr(), self.mapped, advice) }
        };
        advice(Advice::LinuxDontDump)?;
        advice(Advice::LinuxDontFork)?;
        // A kernel without huge pages says so here; it is only slower.
        advice(Advice::LinuxHugepage).or(Ok(()))
    }
}

impl AsMut<[Block]> for KdfMemory {
    fn as_mut(&mut self) -> &mut [Block] {
        // SAFETY: the mapping holds `count` blocks from `blocks` on, aligned to more than a block
        // asks for; its bytes are zeros or blocks, and zeros are a block of the integer 0. The
        // borrow of `self` is the only way to them.
        unsafe { std::slice::from_raw_parts_mut(self.blocks.as_ptr(), self.count) }
    }
}

impl Drop for KdfMemory {
    fn drop(&mut self) {
        let length = self.count.saturating_mul(size_of::<Block>());
        // SAFETY: the blocks lie inside the mapping, which is ours alone and still there.
        unsafe { wipe(self.blocks.as_ptr().cast(), length) };
        // SAFETY: exactly the mapping that `map` made; nobody can hold a borrow of it any more.
        let unmapped = unsafe { munmap(self.mapping.as_ptr(), self.mapped) };
        debug_assert!(unmapped.is_ok(), "a mapping of our own can be given back");
    }
}

/// Writes zeros that the optimiser may not leave out.
///
/// # Safety
///
/// `length` bytes from `start` on must be the caller's to write.
unsafe fn wipe(start: *mut u8, length: usize) {
    // SAFETY: the caller's promise.
    unsafe { start.write_bytes(0, length) };
    // SAFETY: these bytes were just written, so they may be read as integers.
    optimization_barrier(unsafe { &*ptr::slice_from_raw_parts(start, length) });
}

const SCRUBBED: usize = 128 * 1024;
const HUGE_PAGE: usize = 2 * 1024 * 1024;
