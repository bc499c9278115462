//! The `strongroom` command: hands argv, environment and streams to the library.

#![cfg_attr(all(target_os = "linux", target_env = "gnu", not(test)), no_main)]

/// What the C library calls. The standard library's own beginning would read `/proc/self/maps` for the
/// bounds of the stack and set up two signal handlers, to say a word more when the stack overflows: a
/// seventh of what an empty program takes. What else it does, `start_alone` does.
#[cfg(all(target_os = "linux", target_env = "gnu", not(test)))]
#[expect(unsafe_code, reason = "the C library knows it by its name alone")]
// SAFETY: there is no other function of this name, and it takes what the C library hands it.
#[unsafe(no_mangle)]
extern "C" fn main(_count: i32, _words: *const *const u8) -> i32 {
    strongroom::start_alone().into()
}

#[cfg(not(all(target_os = "linux", target_env = "gnu", not(test))))]
fn main() -> std::process::ExitCode {
    strongroom::start().into()
}
