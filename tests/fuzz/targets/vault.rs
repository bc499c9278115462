//! See `workbench::fuzz::vault_file`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| strongroom::workbench::fuzz::vault_file(bytes));
