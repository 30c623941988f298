//! What Redis means by an error, and whether anything more is to be expected of a connection after it.

use redis::{ErrorKind, RedisError};

/// What a Redis before 7.0 puts before the code of an error within a script.
const BEFORE_CODE_WITHIN_SCRIPT: &str = ": -";

/// What it says there instead of `NOPERM`.
const WITHOUT_PERMISSION: &str = "The user executing the script can't";

/// The code that the server gave, such as `READONLY`; none when it was not the server that failed.
///
/// A Redis before 7.0 says only `ERR` of an error within a script, and repeats it in its words:
/// `Error running script (call to f_…): @user_script:1: @user_script: 1: -READONLY You can't write …`.
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

/// Whether nothing more is to be expected of this connection. An answer that we did not expect is no such thing, nor is a
/// refusal such as `WRONGTYPE`: somebody else may have written under our keys. Nor is `OOM`: reading still works.
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

/// Whether there is no room for anything new.
pub(super) fn is_full(error: &RedisError) -> bool {
    code(error) == Some("OOM")
}

#[cfg(test)]
mod tests {
    use super::{breaks_the_link, code, is_full};
    use redis::RedisError;

    /// As it comes over the wire.
    fn error(line: &str) -> RedisError {
        let value = redis::parse_redis_value(format!("-{line}\r\n").as_bytes()).unwrap();
        value.extract_error().unwrap_err()
    }

    #[test]
    fn a_code_is_found_within_a_script_too() {
        // The second of each pair is what Redis 6.2.14 says where 7.0 says the first.
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
