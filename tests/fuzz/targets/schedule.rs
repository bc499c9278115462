//! See `workbench::fuzz::schedule`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| strongroom::workbench::fuzz::schedule(bytes));
