//! A digest of settings: part of the name under which an answer is cached, so that no answer outlives the settings that
//! shaped it.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

use crate::sha256::sha256_half;

/// The first half of the SHA-256 of a value's JSON, which is the same in every process, build and architecture, and is
/// never the same for two different values of a type. Secrets have no JSON, so none can become part of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SettingsDigest([u8; 16]);

impl SettingsDigest {
    /// The digest of this value. A value that cannot be written as JSON gets a random one: it shares nothing with others.
    pub fn of(value: &impl Serialize) -> Self {
        let Ok(json) = serde_json::to_vec(value) else { return Self(fastrand::u128(..).to_be_bytes()) };
        Self(sha256_half([&json[..]]))
    }
}

impl fmt::Display for SettingsDigest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::SettingsDigest;

    #[test]
    fn equal_values_have_equal_digests_and_other_values_do_not() {
        let digest = |texts: &[&str]| SettingsDigest::of(&texts);
        assert_eq!(digest(&["ab", "c"]), digest(&["ab", "c"]));
        assert_ne!(digest(&["ab", "c"]), digest(&["a", "bc"]), "texts do not run together");
        assert_ne!(SettingsDigest::of(&None::<&str>), SettingsDigest::of(&Some("null")));
    }

    #[test]
    fn a_digest_is_the_same_in_every_build() {
        // printf '["ab","c"]' | sha256sum | cut -c -32 | xxd -r -p | base64
        assert_eq!(SettingsDigest::of(&["ab", "c"]).to_string(), "glglAY9Y55WuLT2N9qh5Vg");
    }

    #[test]
    fn what_cannot_be_written_shares_nothing() {
        let unwritable = std::collections::HashMap::from([([1_u8, 2], 3_u8)]);
        assert_ne!(SettingsDigest::of(&unwritable), SettingsDigest::of(&unwritable));
    }
}
