//! Durations (`30s`, `15m`) and sizes (`256MiB`) as people write them.

use std::time::Duration;

const DURATION_HELP: &str = "write a number and a unit: ms, s, m, h or d, such as 30s";
const SIZE_HELP: &str = "write a number and a unit: B, KiB, MiB or GiB, such as 256MiB";

/// Reads a duration such as `250ms`, `30s`, `15m`, `2h` or `7d`.
///
/// # Errors
/// A sentence that says how to write one.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = split(text).ok_or_else(|| DURATION_HELP.to_owned())?;
    let milliseconds_per_unit = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(DURATION_HELP.to_owned()),
    };
    let milliseconds = number.checked_mul(milliseconds_per_unit).ok_or("the duration is too long")?;
    Ok(Duration::from_millis(milliseconds))
}

/// A duration as it is written in the configuration.
pub fn shown_duration(duration: Duration) -> String {
    let milliseconds = duration.as_millis();
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s"), (1, "ms")];
    let fits = |(unit, _): &&(u128, &str)| milliseconds >= *unit && milliseconds.is_multiple_of(*unit);
    units.iter().find(fits).map_or_else(|| "0s".to_owned(), |(unit, name)| format!("{}{name}", milliseconds / unit))
}

/// Reads a size in bytes such as `16KiB` or `256MiB`.
///
/// # Errors
/// A sentence that says how to write one.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let (number, unit) = split(text).ok_or_else(|| SIZE_HELP.to_owned())?;
    let shift = match unit {
        "B" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        _ => return Err(SIZE_HELP.to_owned()),
    };
    number.checked_mul(1 << shift).ok_or_else(|| "the size is too large".to_owned())
}

fn split(text: &str) -> Option<(u64, &str)> {
    let text = text.trim();
    let digits = text.find(|character: char| !character.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    Some((number.parse().ok()?, unit.trim_start()))
}

#[cfg(test)]
mod tests {
    use super::{parse_duration, parse_size};
    use std::time::Duration;

    #[test]
    fn durations_are_read_with_their_unit() {
        assert_eq!(parse_duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse_duration("30 s"), Ok(Duration::from_secs(30)));
        assert_eq!(parse_duration("7d"), Ok(Duration::from_secs(604_800)));
    }

    #[test]
    fn a_number_without_unit_is_refused_with_an_example() {
        assert!(parse_duration("30").is_err_and(|message| message.contains("such as 30s")));
        assert!(parse_size("256").is_err_and(|message| message.contains("such as 256MiB")));
        assert!(parse_duration("99999999999999999d").is_err());
    }

    #[test]
    fn sizes_are_read_with_their_unit() {
        assert_eq!(parse_size("16KiB"), Ok(16_384));
        assert_eq!(parse_size("1GiB"), Ok(1_073_741_824));
    }
}
