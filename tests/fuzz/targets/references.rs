//! See `workbench::fuzz::references`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| strongroom::workbench::fuzz::references(bytes));
