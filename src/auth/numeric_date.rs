//! Times in tokens (RFC 7519 §2): a number of seconds since 1970, which may have a fraction or an exponent. Times are
//! compared in whole seconds here.

use serde::de::{Deserialize, Deserializer, Error as _};
use serde_json::Value;

/// The first floating-point number beyond the 64-bit integers.
const BEYOND: f64 = 9_223_372_036_854_775_808.0;

/// A time in a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NumericDate {
    floor: i64,
    ceiling: i64,
}

impl NumericDate {
    /// Reads a time. Returns `None` if it is no number or out of range.
    pub(super) fn read(value: &Value) -> Option<Self> {
        if let Some(whole) = value.as_i64() {
            return Some(Self { floor: whole, ceiling: whole });
        }
        let seconds = value.as_f64().filter(|_| value.is_f64()).filter(|seconds| seconds.abs() < BEYOND)?;
        Some(Self { floor: whole(seconds.floor()), ceiling: whole(seconds.ceil()) })
    }

    /// Returns the last whole second that is not after it, so that a token does not end too late.
    pub(super) const fn floor(self) -> i64 {
        self.floor
    }

    /// Returns the first whole second that is not before it, so that a token does not begin too early.
    pub(super) const fn ceiling(self) -> i64 {
        self.ceiling
    }
}

#[expect(clippy::cast_possible_truncation, reason = "it has no fraction, and is within the whole numbers of 64 bits")]
const fn whole(seconds: f64) -> i64 {
    seconds as i64
}

impl<'de> Deserialize<'de> for NumericDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::read(&Value::deserialize(deserializer)?).ok_or_else(|| D::Error::custom("no point in time"))
    }
}

#[cfg(test)]
mod tests {
    use super::NumericDate;

    fn read(json: &str) -> Option<(i64, i64)> {
        let date = NumericDate::read(&serde_json::from_str(json).unwrap())?;
        Some((date.floor(), date.ceiling()))
    }

    #[test]
    fn whole_numbers_fractions_and_exponents_are_read() {
        for (json, expected) in [
            ("1800000000", (1_800_000_000, 1_800_000_000)),
            ("1.8E9", (1_800_000_000, 1_800_000_000)),
            ("1800000000.0", (1_800_000_000, 1_800_000_000)),
            ("18e8", (1_800_000_000, 1_800_000_000)),
            ("1800000000.25", (1_800_000_000, 1_800_000_001)),
            ("-0.5", (-1, 0)),
            ("9223372036854775807", (i64::MAX, i64::MAX)),
        ] {
            assert_eq!(read(json), Some(expected), "{json}");
        }
    }

    #[test]
    fn what_is_no_number_or_out_of_all_range_is_not() {
        for json in ["\"1800000000\"", "null", "true", "[1800000000]", "{}", "1e19", "-1e300", "18446744073709551615"] {
            assert_eq!(read(json), None, "{json}");
        }
    }
}
