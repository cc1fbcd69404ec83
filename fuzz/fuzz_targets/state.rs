//! One end of a pipe of wire v2, and whatever its peer brings.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sendit::fuzzing::state(data));
