#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cise_properties::check("attestation", bytes));
