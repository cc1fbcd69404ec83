//! Answers of targets, cut anywhere.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sendit::fuzzing::answers(data));
