//! Prefixes, session ids, paths, carriers' headers, and what nodes tell each other.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sendit::fuzzing::names(data));
