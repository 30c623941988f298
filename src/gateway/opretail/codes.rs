//! OPRetail's return codes and the kind of failure each one is. The public codes stand on every page of the vendor;
//! the seven-digit and six-digit ones are from integrators' notes and from the page of `open.gateway.authentication`.

use crate::gateway::error::Kind;

/// The kind of failure for a return code other than 0.
pub(super) const fn kind(code: i64) -> Kind {
    match code {
        15 | 16 => Kind::TimestampRefused,
        1..=17 => Kind::CredentialsRefused,
        -100 => Kind::Repeated,
        9_990_001 => Kind::LoginExpired,
        103_094 | 103_095 => Kind::LoginRefused,
        102_005 => Kind::NotGranted,
        ..=-1 => Kind::GatewayFailed,
        _ => Kind::ParameterRefused,
    }
}

#[cfg(test)]
mod tests {
    use super::kind;
    use crate::gateway::error::Kind;

    #[test]
    fn every_published_code_has_its_kind() {
        for code in (1..=14).chain([17]) {
            assert_eq!(kind(code), Kind::CredentialsRefused, "{code}");
        }
        for (code, expected) in [
            (15, Kind::TimestampRefused),
            (16, Kind::TimestampRefused),
            (-100, Kind::Repeated),
            (-500, Kind::GatewayFailed),
            (-999, Kind::GatewayFailed),
            (-7, Kind::GatewayFailed),
            (9_990_001, Kind::LoginExpired),
            (103_094, Kind::LoginRefused),
            (103_095, Kind::LoginRefused),
            (102_005, Kind::NotGranted),
            (103_001, Kind::ParameterRefused),
        ] {
            assert_eq!(kind(code), expected, "{code}");
        }
    }
}
