//! See `workbench::fuzz::http_connections`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| strongroom::workbench::fuzz::http_connections(bytes));
