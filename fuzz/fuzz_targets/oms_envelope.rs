//! See `storegate_fuzz::oms_envelope`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    storegate_fuzz::oms_envelope(data);
});
