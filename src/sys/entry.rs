//! Where a release begins: before the C library, which corrects every pointer in the program's tables for
//! the address that the program was put at (`.cargo/build.rs` names this to the linker).
//!
//! Each of some sixty pages would be fetched alone, when its first pointer is corrected. Asked for at once
//! they take a quarter less time. A kernel before 5.14 refuses that, and nothing is lost.

// SAFETY: it uses no stack, and leaves what the kernel handed over in `rdx` and on the stack to `_start`.
// `madvise` (28) with `MADV_POPULATE_WRITE` (23) changes no content.
std::arch::global_asm!(
    ".globl strongroom_entry",
    "strongroom_entry:",
    "mov r12, rdx",
    "lea rdi, [rip + __init_array_start]",
    "and rdi, -4096",
    "lea rsi, [rip + _DYNAMIC]",
    "sub rsi, rdi",
    "mov edx, 23",
    "mov eax, 28",
    "syscall",
    "mov rdx, r12",
    "jmp _start",
);
