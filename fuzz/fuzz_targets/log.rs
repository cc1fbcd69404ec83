//! One direction's log of wire v2, under any order of events, and under lies.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sendit::fuzzing::log(data));
