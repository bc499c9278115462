//! See `workbench::fuzz::shorthand`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| strongroom::workbench::fuzz::shorthand(bytes));
