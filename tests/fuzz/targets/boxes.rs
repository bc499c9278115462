//! See `workbench::fuzz::sealed_values`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| strongroom::workbench::fuzz::sealed_values(bytes));
