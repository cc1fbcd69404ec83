//! What a peer of wire v1 says first.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sendit::fuzzing::handshake(data));
