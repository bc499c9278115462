//! See `workbench::fuzz::argv`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| strongroom::workbench::fuzz::argv(bytes));
