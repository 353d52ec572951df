#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ironring_fuzz::handshake(data));
