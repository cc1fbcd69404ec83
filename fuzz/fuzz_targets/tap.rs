//! What passes through a client, as the inspector sees it.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sendit::fuzzing::tap(data));
