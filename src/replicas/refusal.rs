//! Classification of Redis errors: what an error means, and whether the connection is usable after it.

use redis::{ErrorKind, RedisError};

/// The text that Redis before 7.0 puts before the code of an error within a script.
const BEFORE_CODE_WITHIN_SCRIPT: &str = ": -";

/// The text of Redis before 7.0 in place of `NOPERM`.
const WITHOUT_PERMISSION: &str = "The user executing the script can't";

/// Returns the code that the server gave, such as `READONLY`, or `None` if the server did not fail.
///
/// Redis before 7.0 gives only `ERR` for an error within a script and repeats the code in the text: `Error running
/// script (call to f_…): @user_script:1: @user_script: 1: -READONLY You can't write …`.
pub(super) fn code(error: &RedisError) -> Option<&str> {
    let code = error.code()?;
    let within_script = || {
        let words = error.detail().filter(|words| words.starts_with("Error running script"))?;
        if words.contains(WITHOUT_PERMISSION) {
            return Some("NOPERM");
        }
        let (_, inner) = words.split_once(BEFORE_CODE_WITHIN_SCRIPT)?;
        inner.split_ascii_whitespace().next()
    };
    Some(if code == "ERR" { within_script().unwrap_or(code) } else { code })
}

/// Whether the connection is no longer usable. It is usable after an unexpected reply and after a refusal such as
/// `WRONGTYPE`, because another program may have written under our keys. It is also usable after `OOM`, because reading
/// still works.
pub(super) fn breaks_the_link(error: &RedisError) -> bool {
    match error.kind() {
        ErrorKind::UnexpectedReturnType => false,
        ErrorKind::Server(_) | ErrorKind::Extension => matches!(
            code(error),
            Some(
                "READONLY"
                    | "MASTERDOWN"
                    | "LOADING"
                    | "CLUSTERDOWN"
                    | "NOPERM"
                    | "NOAUTH"
                    | "NOREPLICAS"
                    | "MISCONF"
                    | "UNKILLABLE"
            )
        ),
        _ => true,
    }
}

/// Whether Redis has no memory for new keys.
pub(super) fn is_full(error: &RedisError) -> bool {
    code(error) == Some("OOM")
}

#[cfg(test)]
mod tests {
    use super::{breaks_the_link, code, is_full};
    use redis::RedisError;

    /// Parses an error as it is sent over the wire.
    fn error(line: &str) -> RedisError {
        let value = redis::parse_redis_value(format!("-{line}\r\n").as_bytes()).unwrap();
        value.extract_error().unwrap_err()
    }

    #[test]
    fn a_code_is_found_within_a_script_too() {
        // The second line of each pair is from Redis 6.2.14, the first one from 7.0.
        for (line, expected, breaks) in [
            ("READONLY You can't write against a read only replica. script: 1, on @user_script:1.", "READONLY", true),
            (
                "ERR Error running script (call to f_18a4378f184dfa402396202beaa4a6edcc2cb842): @user_script:1: \
                 @user_script: 1: -READONLY You can't write against a read only replica.",
                "READONLY",
                true,
            ),
            ("OOM command not allowed when used memory > 'maxmemory'.", "OOM", false),
            (
                "ERR Error running script (call to f_3f5d7a07d661e44bb7af6b12a3e4c6bae2101d1e): @user_script:2: \
                 @user_script: 2: -OOM command not allowed when used memory > 'maxmemory'.",
                "OOM",
                false,
            ),
            (
                "NOPERM this user has no permissions to run the 'set' command script: f_b652, on @user_script:1.",
                "NOPERM",
                true,
            ),
            (
                "ERR Error running script (call to f_b652620c7b713fe37100e275ef452e9b375fe26d): @user_script:1: \
                 @user_script: 1: The user executing the script can't run this command or subcommand",
                "NOPERM",
                true,
            ),
            ("NOAUTH Authentication required.", "NOAUTH", true),
            ("WRONGTYPE Operation against a key holding the wrong kind of value", "WRONGTYPE", false),
            ("ERR unknown command 'X': -READONLY", "ERR", false),
            ("LOADING Redis is loading the dataset in memory", "LOADING", true),
        ] {
            let error = error(line);
            assert_eq!((code(&error), breaks_the_link(&error)), (Some(expected), breaks), "{line}");
            assert_eq!(is_full(&error), expected == "OOM", "{line}");
        }
    }

    #[test]
    fn what_is_no_answer_of_the_server_breaks_the_link_and_an_unexpected_answer_does_not() {
        let ended: RedisError = std::io::Error::from(std::io::ErrorKind::ConnectionReset).into();
        assert!(code(&ended).is_none() && breaks_the_link(&ended));
        let unexpected: RedisError = (redis::ErrorKind::UnexpectedReturnType, "not a place").into();
        assert!(code(&unexpected).is_none() && !breaks_the_link(&unexpected));
    }
}
