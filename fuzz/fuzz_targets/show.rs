//! What is made of a body to be read.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sendit::fuzzing::show(data));
