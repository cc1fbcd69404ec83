//! Heads of visitors' requests: what is settled has one host and one framing.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sendit::fuzzing::ambiguous(data));
