//! See `storegate_fuzz::opretail_envelope`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    storegate_fuzz::opretail_envelope(data);
});
