//! Deterministic noise: equal inputs give the same world on every machine, without a random generator to seed.

/// Mixes numbers into one that looks random (splitmix64 over each in turn).
pub fn noise(numbers: &[i64]) -> u64 {
    numbers.iter().fold(0, |state, number| mix(state ^ number.cast_unsigned()))
}

/// A number in `low..=high`, chosen by `numbers`.
pub fn between(low: u64, high: u64, numbers: &[i64]) -> u64 {
    let span = high.saturating_sub(low).saturating_add(1).max(1);
    low + noise(numbers) % span
}

/// One of `choices`, chosen by `numbers`; there must be at least one.
pub fn choose<T: Copy>(choices: &[T], numbers: &[i64]) -> T {
    let last = choices.len().saturating_sub(1) as u64;
    choices[usize::try_from(between(0, last, numbers)).unwrap_or_default()]
}

const fn mix(state: u64) -> u64 {
    let state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let state = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    state ^ (state >> 31)
}

#[cfg(test)]
mod tests {
    use super::{between, noise};

    #[test]
    fn the_generator_is_the_published_splitmix64() {
        // The first output for seed 0 in the reference implementation.
        assert_eq!(noise(&[0]), 0xE220_A839_7B1D_CDAF);
    }

    #[test]
    fn chosen_numbers_stay_in_their_range() {
        assert!((0..1_000).all(|number| (3..=7).contains(&between(3, 7, &[number]))));
    }
}
