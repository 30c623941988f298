//! The OMS's signature: parameters sorted by name, name and value concatenated, MD5 in upper-case hex, the token
//! behind it, and MD5 again. Source: the vendor's published server.

use md5::{Digest, Md5};

use crate::gateway::parameters::{Parameter, signed_parts};

const SIGNATURE: &str = "sign";

/// Signs parameters that are already in order (see [`sort`](crate::gateway::parameters::sort)); a `sign` among them is left out.
pub fn sign(sorted: &[Parameter<'_>], token: &str) -> String {
    let mut inner = Md5::new();
    for part in signed_parts(sorted, SIGNATURE) {
        inner.update(part);
    }
    let inner = base16ct::upper::encode_string(&inner.finalize());
    let outer = Md5::new().chain_update(inner).chain_update(token);
    base16ct::upper::encode_string(&outer.finalize())
}

/// The string that the inner digest covers; the token is not in it.
pub fn assembled_string(sorted: &[Parameter<'_>]) -> String {
    signed_parts(sorted, SIGNATURE).collect()
}

#[cfg(test)]
mod tests {
    use super::{Parameter, assembled_string, sign};
    use crate::gateway::parameters::sort;

    #[test]
    fn the_published_functions_result_is_reproduced() {
        let mut parameters: Vec<Parameter<'_>> = vec![
            ("method".into(), "shop.get".into()),
            ("ver".into(), "1".into()),
            ("timestamp".into(), "20240101100000".into()),
            ("charset".into(), "utf-8".into()),
            ("flag".into(), "demo".into()),
            ("type".into(), "json".into()),
            ("shop_bn".into(), "SHOP001".into()),
            ("sign".into(), "OLD".into()),
        ];
        sort(&mut parameters);
        assert_eq!(
            assembled_string(&parameters),
            "charsetutf-8flagdemomethodshop.getshop_bnSHOP001timestamp20240101100000typejsonver1"
        );
        assert_eq!(sign(&parameters, "sandbox-token"), "F6BD2FA1BF14E67FF5EB9A7C3A710D94");
    }
}
