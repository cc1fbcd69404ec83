//! The whole multiplexer, at either end.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sendit::fuzzing::streams(data));
