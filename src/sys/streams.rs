//! Whether standard output was there when the process was started.
//!
//! Before `main`, the standard library opens `/dev/null` in the place of a stream that is closed, so
//! that no other file gets its number. What is printed then would be lost without a word.

use std::sync::atomic::{AtomicBool, Ordering};

static WAS_CLOSED: AtomicBool = AtomicBool::new(false);

/// Whether standard output was closed.
pub(crate) fn was_stdout_closed() -> bool {
    WAS_CLOSED.load(Ordering::Relaxed)
}

/// Looks at standard output, and whether there is memory. Runs before the standard library is ready, and
/// uses none of it.
extern "C" fn look() {
    super::memory::require_some();
    if rustix::io::fcntl_getfd(rustix::stdio::stdout()).is_err() {
        WAS_CLOSED.store(true, Ordering::Relaxed);
    }
}

// SAFETY: the section holds pointers to functions that take and return nothing, or ignore what they
// are given; they are called once each, by the only thread there is.
#[used]
#[cfg_attr(target_os = "linux", unsafe(link_section = ".init_array"))]
#[cfg_attr(target_vendor = "apple", unsafe(link_section = "__DATA,__mod_init_func"))]
static BEFORE_MAIN: extern "C" fn() = look;
