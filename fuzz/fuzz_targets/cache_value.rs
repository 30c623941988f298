//! See `storegate_fuzz::cache_value`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    storegate_fuzz::cache_value(data);
});
