//! See `storegate_fuzz::response_framing`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    storegate_fuzz::response_framing(data);
});
