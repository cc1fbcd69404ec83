//! What visitors say of themselves in headers.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sendit::fuzzing::forwarded(data));
