//! See `storegate_fuzz::query`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    storegate_fuzz::query(data);
});
