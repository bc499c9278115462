//! See `workbench::fuzz::templates`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| strongroom::workbench::fuzz::templates(bytes));
