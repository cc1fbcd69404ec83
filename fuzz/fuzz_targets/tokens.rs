//! Tokens, signed or not.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sendit::fuzzing::tokens(data));
