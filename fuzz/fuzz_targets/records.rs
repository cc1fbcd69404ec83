//! The records of wire v2, wherever they are cut.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sendit::fuzzing::records(data));
