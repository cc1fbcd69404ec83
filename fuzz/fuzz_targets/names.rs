//! Prefixes, session ids, paths, and carriers' headers.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sendit::fuzzing::names(data));
