//! See `workbench::fuzz::import`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| strongroom::workbench::fuzz::import(bytes));
