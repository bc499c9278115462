//! See `workbench::fuzz::paging_tokens`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| strongroom::workbench::fuzz::paging_tokens(bytes));
