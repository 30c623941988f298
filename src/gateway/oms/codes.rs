//! The OMS's error codes and the kind of failure each one is: the `e…` codes of its published server and the numeric
//! ones of its shop page.

use crate::gateway::error::Kind;

/// The kind of failure for an error code.
pub(super) fn kind(code: &str) -> Kind {
    match code {
        "e000008" | "1002" => Kind::TimestampRefused,
        "e000009" => Kind::Repeated,
        "e000001" | "e000002" | "e000003" | "e000004" | "e000007" => Kind::CredentialsRefused,
        "401" | "403" | "1001" | "1003" | "1004" | "2003" => Kind::CredentialsRefused,
        "e000005" | "500" => Kind::GatewayFailed,
        "404" => Kind::NotFound,
        _ if code.starts_with('-') => Kind::GatewayFailed,
        _ => Kind::ParameterRefused,
    }
}

#[cfg(test)]
mod tests {
    use super::kind;
    use crate::gateway::error::Kind;

    #[test]
    fn every_published_code_has_its_kind() {
        let table: [(&[&str], Kind); 6] = [
            (
                &["e000001", "e000002", "e000003", "e000004", "e000007", "401", "403", "1001", "1003", "1004", "2003"],
                Kind::CredentialsRefused,
            ),
            (&["e000008", "1002"], Kind::TimestampRefused),
            (&["e000009"], Kind::Repeated),
            (&["e000005", "500", "-1"], Kind::GatewayFailed),
            (&["404"], Kind::NotFound),
            (&["1", "400", "2001", "2002", "e000006", "4711"], Kind::ParameterRefused),
        ];
        for (codes, expected) in table {
            for code in codes {
                assert_eq!(kind(code), expected, "{code}");
            }
        }
    }
}
