//! The vendors' rules for forms and signatures, written anew with other digests and another way to sort, so that a
//! mistake of the service is not repeated here.

use std::collections::BTreeMap;

/// Names and raw values; a map of texts is sorted by their bytes.
pub type Parameters = BTreeMap<String, String>;

/// Percent-decoding by hand: what is not plain ASCII must have been encoded, and no name may come twice.
pub fn decode_form(body: &str) -> Parameters {
    let mut parameters = Parameters::new();
    for pair in body.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').expect("a name and a value");
        let before = parameters.insert(decode(name), decode(value));
        assert!(before.is_none(), "{name} comes twice");
    }
    parameters
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next().expect("two digits"), rest.next().expect("two digits")];
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).expect("hexadecimal digits")
            }
            plain => {
                assert!(plain.is_ascii_graphic(), "{plain:#x} must be encoded");
                plain
            }
        });
    }
    String::from_utf8(bytes).expect("UTF-8")
}

/// OPRetail's rule: names and raw values sorted by name, the secret at both ends, MD5 or SHA-1, capitals.
pub fn opretail_signature(parameters: &Parameters, secret: &str, sha1: bool) -> String {
    let text = format!("{secret}{}{secret}", joined(parameters, "_sig"));
    if sha1 { sha1_smol::Sha1::from(text).digest().to_string().to_uppercase() } else { md5(&text) }
}

/// The OMS's rule: the same order, MD5 in capitals, the token behind it, and MD5 again.
pub fn oms_signature(parameters: &Parameters, token: &str) -> String {
    md5(&format!("{}{token}", md5(&joined(parameters, "sign"))))
}

fn joined(parameters: &Parameters, but: &str) -> String {
    parameters.iter().filter(|(name, _)| *name != but).fold(String::new(), |text, (name, value)| text + name + value)
}

fn md5(text: &str) -> String {
    format!("{:X}", independent_md5::compute(text))
}
