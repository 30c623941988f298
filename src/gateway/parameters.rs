//! Wire parameters in the order that both vendors sign them, and their form encoding.

use std::borrow::Cow;

/// A parameter by its wire name, with its raw (not URL-encoded) value.
pub type Parameter<'a> = (Cow<'a, str>, Cow<'a, str>);

/// Sorts by name in byte order: `_` before `a`, `endTime` before `endhour`.
pub fn sort(parameters: &mut [Parameter<'_>]) {
    parameters.sort_by(|left, right| left.0.as_bytes().cmp(right.0.as_bytes()));
}

/// Names and raw values one after the other, without the parameter that carries the signature itself.
pub fn signed_parts<'a>(sorted: &'a [Parameter<'_>], signature_name: &'a str) -> impl Iterator<Item = &'a str> {
    let signed = sorted.iter().filter(move |(name, _)| name != signature_name);
    signed.flat_map(|(name, value)| [name.as_ref(), value.as_ref()])
}

/// `application/x-www-form-urlencoded` of the parameters, in their order.
pub fn form_encoded(parameters: &[Parameter<'_>]) -> String {
    let mut form = form_urlencoded::Serializer::new(String::with_capacity(256));
    for (name, value) in parameters {
        form.append_pair(name, value);
    }
    form.finish()
}
