//! See `workbench::fuzz::cli_input_json`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| strongroom::workbench::fuzz::cli_input_json(bytes));
