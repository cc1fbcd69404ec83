//! The multiplexer's frames, as they pass the tap.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sendit::fuzzing::frames(data));
