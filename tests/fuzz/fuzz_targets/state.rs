#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| idse_core::fuzz::state(data));
