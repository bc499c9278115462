//! See `workbench::fuzz::agent_messages`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| strongroom::workbench::fuzz::agent_messages(bytes));
