//! Parses and writes durations in human form: `300ms`, `2h`, and `-2h` for a clock that is behind.

use std::time::Duration;

use jiff::SignedDuration;

use crate::settings::parse_duration;

// The units from the longest to the shortest; finer ones than milliseconds cannot be written.
const UNITS: [(&str, u128); 4] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)];
const SECOND: &str = "s";
const MILLISECOND: &str = "ms";

/// The largest clock skew. Everything that is computed from it stays within the calendar.
const FURTHEST: SignedDuration = SignedDuration::from_hours(24 * 3_650);

/// The longest delay of an answer. For a longer one there is the fault that hangs.
const LATEST: Duration = Duration::from_secs(600);

/// Parses the delay of an answer.
///
/// # Errors
/// A sentence that says how to write it.
pub fn parse_lateness(text: &str) -> Result<Duration, String> {
    let lateness = parse_duration(text)?;
    if lateness > LATEST {
        return Err(format!("an answer can be late by {} at most", written(LATEST)));
    }
    Ok(lateness)
}

/// Parses how far a timestamp may be off.
///
/// # Errors
/// A sentence that says how to write it.
pub fn parse_timestamp_window(text: &str) -> Result<Duration, String> {
    let window = parse_duration(text)?;
    if window.is_zero() {
        return Err("a window of 0s refuses nearly every timestamp; write one such as 5m".to_owned());
    }
    Ok(window)
}

/// Parses how far a clock is ahead (`2h`) or behind (`-2h`).
///
/// # Errors
/// A sentence that says how to write it.
pub fn parse_clock_skew(text: &str) -> Result<SignedDuration, String> {
    let text = text.trim();
    let (is_behind, size) = text.strip_prefix('-').map_or((false, text), |size| (true, size));
    let size = parse_duration(size).map_err(|message| format!("{message}, or -30s for a clock that is behind"))?;
    let size = SignedDuration::try_from(size).ok().filter(|size| *size <= FURTHEST);
    let size = size.ok_or_else(|| "a clock can be off by 3650d at most".to_owned())?;
    Ok(if is_behind { -size } else { size })
}

/// Writes a duration in the longest unit in which it is a whole number.
pub fn written(duration: Duration) -> String {
    let milliseconds = duration.as_millis();
    if milliseconds == 0 {
        return format!("0{SECOND}");
    }
    let whole = UNITS.iter().find(|(_, size)| milliseconds.is_multiple_of(*size));
    let (unit, size) = whole.copied().unwrap_or((MILLISECOND, 1));
    format!("{}{unit}", milliseconds / size)
}

/// Writes how far a clock is ahead, or with a minus behind.
pub fn written_skew(skew: SignedDuration) -> String {
    let sign = if skew.is_negative() { "-" } else { "" };
    format!("{sign}{}", written(skew.unsigned_abs()))
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::{parse_clock_skew, parse_lateness, parse_timestamp_window, written, written_skew};
    use crate::settings::parse_duration;

    #[test]
    fn what_is_written_is_read_again() {
        for text in ["0s", "1ms", "300ms", "90s", "1500ms", "10m", "2h", "7d", "25h"] {
            assert_eq!(written(parse_duration(text).unwrap()), text);
            assert_eq!(written_skew(parse_clock_skew(text).unwrap()), text);
        }
        assert_eq!(written(parse_duration("3600s").unwrap()), "1h");
        assert_eq!(parse_clock_skew("-2h"), Ok(SignedDuration::from_hours(-2)));
        assert_eq!(written_skew(SignedDuration::from_hours(-2)), "-2h");
    }

    #[test]
    fn what_no_rehearsal_needs_is_refused() {
        assert_eq!(written(parse_lateness("10m").unwrap()), "10m");
        assert_eq!(parse_lateness("600001ms").unwrap_err(), "an answer can be late by 10m at most");
        assert!(parse_lateness("soon").is_err_and(|message| message.contains("such as 30s")));
        assert_eq!(written(parse_timestamp_window("1ms").unwrap()), "1ms");
        assert!(parse_timestamp_window("0m").is_err_and(|message| message.contains("such as 5m")));
        assert!(parse_timestamp_window("5").is_err_and(|message| message.contains("such as 30s")));
    }

    #[test]
    fn a_skew_that_is_none_is_refused_with_an_example() {
        for text in ["", "2", "--2h", "+2h", "two hours"] {
            assert!(parse_clock_skew(text).is_err_and(|message| message.contains("-30s")), "{text}");
        }
        assert!(parse_clock_skew("3651d").is_err_and(|message| message.contains("3650d")));
        assert!(parse_clock_skew("-99999999999d").is_err_and(|message| message.contains("3650d")));
    }
}
