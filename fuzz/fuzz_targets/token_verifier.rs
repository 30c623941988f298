//! See `storegate_fuzz::token_verifier`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    storegate_fuzz::token_verifier(data);
});
