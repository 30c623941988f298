//! SHA-256 (FIPS 180-4) of bytes, and the first half of it where 128 bits are enough to tell values apart.

use aws_lc_rs::digest::{Context, SHA256};

/// The digest of these bytes, one part after the other. Parts run together: callers put a length before what may.
pub fn sha256<'b>(parts: impl IntoIterator<Item = &'b [u8]>) -> [u8; 32] {
    digest(parts)
}

/// The first 16 bytes of [`sha256`].
pub fn sha256_half<'b>(parts: impl IntoIterator<Item = &'b [u8]>) -> [u8; 16] {
    digest(parts)
}

/// The first 16 bytes of the digest of a list of texts, each behind its length, so that no two lists are alike.
pub fn sha256_half_of_list<'t>(texts: impl IntoIterator<Item = &'t str>) -> [u8; 16] {
    let mut context = Context::new(&SHA256);
    for text in texts {
        context.update(&(text.len() as u64).to_be_bytes());
        context.update(text.as_bytes());
    }
    front(context)
}

fn digest<'b, const LENGTH: usize>(parts: impl IntoIterator<Item = &'b [u8]>) -> [u8; LENGTH] {
    let mut context = Context::new(&SHA256);
    parts.into_iter().for_each(|part| context.update(part));
    front(context)
}

/// The first bytes of a digest, which has 32.
fn front<const LENGTH: usize>(context: Context) -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    bytes.iter_mut().zip(context.finish().as_ref()).for_each(|(byte, of_digest)| *byte = *of_digest);
    bytes
}

#[cfg(test)]
mod tests {
    use super::{sha256, sha256_half, sha256_half_of_list};

    #[test]
    fn parts_are_digested_one_after_the_other_and_a_list_is_not_another_list() {
        // FIPS 180-4, example of one block: printf abc | sha256sum
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(base16ct::lower::encode_string(&sha256([&b"a"[..], b"bc"])), abc);
        assert_eq!(base16ct::lower::encode_string(&sha256_half([&b"abc"[..]])), &abc[..32]);
        assert_ne!(sha256_half_of_list(["ab", "c"]), sha256_half_of_list(["a", "bc"]));
    }
}
