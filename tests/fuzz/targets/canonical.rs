//! See `workbench::fuzz::canonical_requests`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| strongroom::workbench::fuzz::canonical_requests(bytes));
