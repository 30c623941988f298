//! OPRetail's signature: parameters sorted by name, name and raw value concatenated, the secret before and after,
//! MD5 or SHA-1, upper-case hex. Source: the vendor's SDKs and its published example.

use std::str::FromStr;

use md5::{Digest, Md5};
use sha1::Sha1;

use crate::gateway::parameters::{Parameter, signed_parts};

const SIGNATURE: &str = "_sig";

/// The digest named in `_sm`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignMethod {
    /// `md5`: 32 hex digits.
    Md5,
    /// `sha1`: 40 hex digits, although the vendor's pages give `_sig` a length of 32.
    Sha1,
}

impl SignMethod {
    /// The value of `_sm`.
    pub const fn wire_name(self) -> &'static str {
        match self {
            Self::Md5 => "md5",
            Self::Sha1 => "sha1",
        }
    }
}

impl FromStr for SignMethod {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "md5" => Ok(Self::Md5),
            "sha1" => Ok(Self::Sha1),
            _ => Err("the signature method is either md5 or sha1".to_owned()),
        }
    }
}

/// Signs parameters that are already in order (see [`sort`](crate::gateway::parameters::sort)); a `_sig` among them is left out.
/// An empty value is signed as its bare name.
pub fn sign(sorted: &[Parameter<'_>], secret: &str, method: SignMethod) -> String {
    match method {
        SignMethod::Md5 => digest::<Md5>(sorted, secret),
        SignMethod::Sha1 => digest::<Sha1>(sorted, secret),
    }
}

/// The string that [`sign`] digests, with `secret` at both ends; give a mask to show it to people.
pub fn signed_string(sorted: &[Parameter<'_>], secret: &str) -> String {
    let mut text = secret.to_owned();
    for part in signed_parts(sorted, SIGNATURE) {
        text.push_str(part);
    }
    text.push_str(secret);
    text
}

fn digest<D: Digest>(sorted: &[Parameter<'_>], secret: &str) -> String {
    let mut digest = D::new();
    digest.update(secret);
    for part in signed_parts(sorted, SIGNATURE) {
        digest.update(part);
    }
    digest.update(secret);
    base16ct::upper::encode_string(&digest.finalize())
}

#[cfg(test)]
mod tests {
    use super::{Parameter, SignMethod, sign, signed_string};
    use crate::gateway::parameters::sort;

    fn parameters<'a>(pairs: &[(&'a str, &'a str)]) -> Vec<Parameter<'a>> {
        let mut parameters: Vec<Parameter<'a>> =
            pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        sort(&mut parameters);
        parameters
    }

    #[test]
    fn the_vendors_published_example_is_reproduced() {
        let example = [
            ("_aid", "S107"),
            ("_akey", "test"),
            ("_mt", "open.demo.queryOpenAccount"),
            ("_requestMode", "post"),
            ("_sm", "md5"),
            ("_timestamp", "20171221132407"),
            ("_version", "v1"),
            ("orgid", "1"),
        ];
        assert_eq!(sign(&parameters(&example), "test", SignMethod::Md5), "5489704B80A47394025527D6D51FB582");
    }

    #[test]
    fn sha1_has_forty_digits() {
        let example = [
            ("_aid", "S107"),
            ("_akey", "test"),
            ("_mt", "open.demo.queryOpenAccount"),
            ("_requestMode", "post"),
            ("_sm", "sha1"),
            ("_timestamp", "20171221132407"),
            ("_version", "v1"),
            ("orgid", "1"),
        ];
        let signature = sign(&parameters(&example), "test", SignMethod::Sha1);
        assert_eq!(signature, "B2E75E1629DFD7058F414AB09A38B8F759CCE6C4");
    }

    #[test]
    fn names_sort_by_byte_and_an_existing_signature_is_left_out() {
        let sorted = parameters(&[("endhour", "24"), ("endTime", "x"), ("_sig", "OLD"), ("_mt", "m"), ("empty", "")]);
        assert_eq!(signed_string(&sorted, "*"), "*_mtmemptyendTimexendhour24*");
    }
}
