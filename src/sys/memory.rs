//! Memory that forgets: the allocator, the stack below the caller, and what Argon2 works in.
//!
//! One of the four modules of the crate with `unsafe`. A core dump taken after each of these was written
//! shows no key and no passphrase (docs/security.md); each test below searches this process for
//! the same residue. Does not know what a key is.

use std::alloc::{GlobalAlloc, Layout, System};
use std::ffi::c_void;
use std::io;
use std::ptr::{self, NonNull};

use argon2::Block;
use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munmap};
use zeroize::optimization_barrier;

use super::process;

/// The system's allocator, which wipes every block before it gives it back.
///
/// Growing a block moves it: `realloc` of the system would leave the old bytes where they were. Where
/// there is no memory the process ends with a word about it; the standard library would abort.
pub(crate) struct ZeroingAllocator;

// SAFETY: every call is passed on to `System` with the layout it came with, and a block is written
// to only between its allocation and its release, inside its own size.
unsafe impl GlobalAlloc for ZeroingAllocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise (a layout of nonzero size) is the one `System` asks for.
        given(unsafe { System.alloc(layout) })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as for `alloc`.
        given(unsafe { System.alloc_zeroed(layout) })
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller gives back a block of this layout, so all of it may be written.
        unsafe { wipe(block, layout.size()) };
        // SAFETY: the block came from `System` with this layout.
        unsafe { System.dealloc(block, layout) }
    }

    #[inline]
    unsafe fn realloc(&self, old: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller promises that `new_size`, rounded up to the alignment, fits `isize`.
        let new_layout = unsafe { Layout::from_size_align_unchecked(new_size, layout.align()) };
        // SAFETY: `new_size` is not zero, by the caller's promise.
        let new = given(unsafe { System.alloc(new_layout) });
        // SAFETY: both blocks are at least this long, and a fresh block overlaps no other.
        unsafe { ptr::copy_nonoverlapping(old, new, layout.size().min(new_size)) };
        // SAFETY: the old block is the caller's to give back; its bytes have been copied.
        unsafe { self.dealloc(old, layout) };
        new
    }
}

/// Returns a block that the system gave, and does not return where it gave none.
fn given(block: *mut u8) -> *mut u8 {
    if block.is_null() { end_for_want_of_memory() } else { block }
}

/// Ends the process where the standard library cannot even begin: it panics before `main` when it gets
/// no stack for its signal handler. Takes the stack that will be needed while there is memory: one that
/// cannot grow is a crash.
pub(crate) fn require_some() {
    let protection = ProtFlags::READ | ProtFlags::WRITE;
    // SAFETY: a fresh anonymous mapping at an address of the kernel's choice touches nothing.
    let mapping =
        unsafe { mmap_anonymous(ptr::null_mut(), BEGINNINGS, protection, MapFlags::PRIVATE) };
    let Ok(mapping) = mapping else { end_for_want_of_memory() };
    // SAFETY: exactly the mapping that was just made, which nothing was put into.
    let _gone = unsafe { munmap(mapping, BEGINNINGS) };
    grow_stack();
}

/// Has the system give the whole stack, without a page of it but the last: it grows down to whatever is
/// written to, and an array would write to every page.
#[cfg(target_arch = "x86_64")]
fn grow_stack() {
    // SAFETY: the stack pointer comes back to where it was, and what lies so far below it is nobody's.
    unsafe {
        std::arch::asm!(
            "sub rsp, {size}",
            "mov byte ptr [rsp], 0",
            "add rsp, {size}",
            size = const STACK,
        );
    }
}

#[cfg(not(target_arch = "x86_64"))]
#[inline(never)]
fn grow_stack() {
    #[expect(clippy::large_stack_arrays, reason = "taking the stack is what it is for")]
    let cover = [0_u8; STACK];
    optimization_barrier(&cover);
}

/// Says that there is no memory, and ends the process without any: no destructor runs, and the system
/// wipes what it takes back.
#[cold]
pub(super) fn end_for_want_of_memory() -> ! {
    let _unsaid = rustix::io::write(rustix::stdio::stderr(), NO_MEMORY);
    // SAFETY: ends the process at once; nothing of it runs any more.
    unsafe { libc::_exit(ENVIRONMENT) }
}

/// In the form of every other failure (cli/failure.rs), which cannot be rendered without memory.
const NO_MEMORY: &[u8] =
    b"\nAn error occurred (NoMemory): the system gave no memory; what was asked \
    for may have been done, which `strongroom status` tells\n\n";
const ENVIRONMENT: i32 = 253;

/// More stack than any command uses.
const STACK: usize = 128 * 1024;

/// That, what the standard library asks for before `main`, and some.
const BEGINNINGS: usize = STACK + 256 * 1024;

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
    ///
    /// The kernel promises memory that it does not have, and a control group's limit kills a
    /// process that uses it: what surely is not there is refused here.
    pub(crate) fn map(count: usize) -> io::Result<Self> {
        let too_much = || io::Error::from(io::ErrorKind::OutOfMemory);
        let wanted = count.checked_mul(size_of::<Block>()).ok_or_else(too_much)?;
        let obtainable = process::obtainable_memory_kib().unwrap_or(u64::MAX);
        if u64::try_from(wanted / 1024).unwrap_or(u64::MAX) > obtainable {
            return Err(too_much());
        }
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

/// Reading this process's memory as a core dump would, to find what should not be in it.
#[cfg(test)]
pub(crate) mod residue {
    use std::fs::{File, read_to_string};
    use std::ops::Range;
    use std::os::unix::fs::FileExt;

    /// What is searched for, in a form that the search does not find.
    pub(crate) struct Needle(Vec<u8>);

    impl Needle {
        pub(crate) fn of(bytes: &[u8]) -> Self {
            assert!(bytes.len() >= 16, "shorter bytes can stand anywhere by chance");
            Self(bytes.iter().map(|byte| !byte).collect())
        }

        /// Counts its occurrences among keys, and in memory that is written to and not kept out of
        /// dumps, at any multiple of four.
        pub(crate) fn count(&self) -> usize {
            let memory = File::open("/proc/self/mem").unwrap();
            let mut found = 0;
            for range in dumped() {
                let mut start = range.start;
                let mut chunk = vec![0; CHUNK + self.0.len()];
                // What is read passes through memory that is itself read.
                let own = chunk.as_ptr_range();
                let own = own.start.addr()..own.end.addr();
                while start < range.end {
                    let wanted = chunk.len().min(range.end - start);
                    // A mapping of another thread may be gone by now.
                    let read = memory.read_at(&mut chunk[..wanted], wide(start)).unwrap_or(0);
                    let places = self.places(&chunk[..read]);
                    found += places.filter(|place| !own.contains(&(start + place))).count();
                    chunk.fill(0);
                    start += CHUNK;
                }
            }
            found
        }

        /// Finds it in `read`, of which the last bytes are also the first of the next.
        fn places(&self, read: &[u8]) -> impl Iterator<Item = usize> {
            let end = read.len().saturating_sub(self.0.len() - 1).min(CHUNK);
            let first = !self.0[0];
            let is_here =
                move |bytes: &[u8]| bytes.iter().zip(&self.0).all(|(is, not)| *is == !not);
            (0..end)
                .step_by(4)
                .filter(move |place| read[*place] == first && is_here(&read[*place..]))
        }
    }

    /// Reads `length` bytes from an address where nothing may be left.
    pub(crate) fn peek(address: usize, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        let memory = File::open("/proc/self/mem").unwrap();
        match memory.read_exact_at(&mut bytes, wide(address)) {
            Ok(()) => bytes,
            Err(_given_back) => Vec::new(),
        }
    }

    /// Returns what the kernel says of the mapping at an address.
    pub(crate) fn mapping_flags(address: usize) -> Option<String> {
        mappings().find(|(range, _)| range.contains(&address)).map(|(_, flags)| flags)
    }

    fn dumped() -> impl Iterator<Item = Range<usize>> {
        // Keys are kept out of dumps too, and counted: they are to be wiped all the same.
        let kept = |flags: &str| {
            flags.contains(" wr ") && (!flags.contains(" dd ") || flags.contains(" wf "))
        };
        mappings().filter(move |(_, flags)| kept(flags)).map(|(range, _)| range)
    }

    fn mappings() -> impl Iterator<Item = (Range<usize>, String)> {
        let text = read_to_string("/proc/self/smaps").unwrap();
        let mut range = 0..0;
        let mut found = Vec::new();
        for line in text.lines() {
            let (word, rest) = line.split_once(' ').unwrap();
            if word == "VmFlags:" {
                found.push((range.clone(), format!(" {rest} ")));
            } else if let Some((start, end)) = word.split_once('-') {
                let address = |digits| usize::from_str_radix(digits, 16).unwrap();
                range = address(start)..address(end);
            }
        }
        found.into_iter()
    }

    fn wide(address: usize) -> u64 {
        u64::try_from(address).unwrap()
    }

    const CHUNK: usize = 64 * 1024;
}

#[cfg(test)]
mod tests {
    use std::hint::black_box;

    use super::residue::{Needle, mapping_flags, peek};
    use super::*;
    use crate::sys::entropy::{Entropy, SystemEntropy};

    fn secret() -> [u8; 32] {
        let mut secret = [0; 32];
        SystemEntropy.fill(&mut secret).unwrap();
        secret
    }

    /// Without the wiping, this finds the second half of the block as it was.
    #[test]
    fn a_freed_block_is_wiped() {
        for length in [64, 1000, 100_000] {
            let block = vec![0x5a_u8; length];
            let address = black_box(block.as_ptr()).addr();
            drop(block);
            assert!(!peek(address + length / 2, 16).contains(&0x5a), "{length}");
        }
    }

    #[test]
    fn a_block_that_grew_leaves_nothing_behind() {
        let mut block = Vec::with_capacity(64);
        block.resize(64, 0x5a_u8);
        let old = block.as_ptr().addr();
        block.reserve(1_000_000);
        assert_ne!(block.as_ptr().addr(), old);
        assert_eq!(block, [0x5a; 64]);
        assert!(!peek(old + 32, 16).contains(&0x5a));
        block.shrink_to_fit();
        assert_eq!(block, [0x5a; 64]);
    }

    #[test]
    fn the_search_finds_what_is_there() {
        let mut kept = Box::new(secret());
        let needle = Needle::of(&kept[..]);
        assert!(needle.count() >= 1);
        kept.fill(0);
        black_box(&kept);
    }

    /// Without the scrubbing, the copy that a function left on the stack is found.
    #[test]
    fn a_scrubbed_stack_holds_nothing() {
        #[inline(never)]
        fn leave_copy(secret: &[u8; 32]) {
            let mut deep = [[0_u8; 32]; 64];
            deep[1] = *secret;
            black_box(&deep);
        }
        let mut kept = Box::new([0; 32]);
        SystemEntropy.fill(&mut kept[..]).unwrap();
        let needle = Needle::of(&kept[..]);
        leave_copy(&kept);
        kept.fill(0);
        black_box(&kept);
        scrub_stack();
        assert_eq!(needle.count(), 0);
    }

    #[test]
    fn working_memory_is_what_it_says() {
        let mut memory = KdfMemory::map(5000).unwrap();
        let blocks = memory.as_mut();
        let address = blocks.as_ptr().addr();
        assert_eq!((blocks.len(), address % HUGE_PAGE), (5000, 0));
        assert!(blocks.iter_mut().all(|block| block.as_mut().iter().all(|word| *word == 0)));
        blocks[0].as_mut()[0] = 7;
        blocks[4999].as_mut()[127] = 7;
        let flags = mapping_flags(address).unwrap();
        assert!(flags.contains(" dd ") && flags.contains(" dc "), "{flags}");
        drop(memory);
        assert!(peek(address, 16).is_empty());
    }

    #[test]
    fn more_memory_than_there_is_is_an_error() {
        assert!(KdfMemory::map(usize::MAX).is_err());
        assert!(KdfMemory::map(usize::MAX / 2048).is_err());
        assert!(KdfMemory::map(0).is_ok());
        // The kernel would promise it, and kill a process that relies on it.
        let obtainable = process::obtainable_memory_kib().unwrap();
        let more = usize::try_from(obtainable).unwrap() + (1 << 20);
        assert_eq!(KdfMemory::map(more).err().unwrap().kind(), io::ErrorKind::OutOfMemory);
    }
}
