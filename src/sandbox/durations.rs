//! Durations as people write them.

use std::time::Duration;

// From the longest on. Milliseconds are the finest that can be written.
const UNITS: [(&str, u128); 4] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)];
const SECOND: &str = "s";
const MILLISECOND: &str = "ms";

/// Writes a duration in the longest unit that holds it whole.
pub fn written(duration: Duration) -> String {
    let milliseconds = duration.as_millis();
    if milliseconds == 0 {
        return format!("0{SECOND}");
    }
    let whole = UNITS.iter().find(|(_, size)| milliseconds.is_multiple_of(*size));
    let (unit, size) = whole.copied().unwrap_or((MILLISECOND, 1));
    format!("{}{unit}", milliseconds / size)
}

#[cfg(test)]
mod tests {
    use super::written;
    use crate::settings::parse_duration;

    #[test]
    fn what_is_written_is_read_again() {
        for text in ["0s", "1ms", "300ms", "90s", "1500ms", "10m", "2h", "7d", "25h"] {
            assert_eq!(written(parse_duration(text).unwrap()), text);
        }
        assert_eq!(written(parse_duration("3600s").unwrap()), "1h");
    }
}
