//! Ed25519 keys of small order, for which everybody can sign. With such a key, a signature of the neutral point and
//! zeros is valid for every eighth message, or for every message, and no private key is needed. The cryptographic
//! library accepts any 32 bytes as a key.

/// The length in bytes of an encoded point (RFC 8032 §5.1.2): y, little-endian, with the sign of x as its highest bit.
const POINT: usize = 32;

/// The y of all points whose order divides 8, in every encoding. The sign of x makes no difference.
const SMALL_ORDER: [[u8; POINT]; 7] = [
    // 0, of order 4, equal to p.
    [0; POINT],
    *b"\xed\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
    // 1, the neutral point, equal to p + 1.
    *b"\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
    *b"\xee\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
    // p - 1, of order 2.
    *b"\xec\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
    // The points of order 8. Neither y is below 19, so each has only one encoding.
    *b"\x26\xe8\x95\x8f\xc2\xb2\x27\xb0\x45\xc3\xf4\x89\xf2\xef\x98\xf0\xd5\xdf\xac\x05\xd3\xc6\x33\x39\xb1\x38\x02\x88\x6d\x53\xfc\x05",
    *b"\xc7\x17\x6a\x70\x3d\x4d\xd8\x4f\xba\x3c\x0b\x76\x0d\x10\x67\x0f\x2a\x20\x53\xfa\x2c\x39\xcc\xc6\x4e\xc7\xfd\x77\x92\xac\x03\x7a",
];

/// p, the prime of the field: 2^255 - 19.
const PRIME: [u8; POINT] =
    *b"\xed\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f";

/// Whether everybody can sign for this key.
pub(super) fn is_of_small_order(key: &[u8]) -> bool {
    y(key).is_some_and(|y| SMALL_ORDER.contains(&y))
}

/// Whether the key has its canonical encoding (RFC 8032 §5.1.3), with a y below p.
pub(super) fn is_canonical(key: &[u8]) -> bool {
    y(key).is_some_and(|y| y.iter().rev().lt(PRIME.iter().rev()))
}

/// Returns the encoded y without the sign of x.
fn y(key: &[u8]) -> Option<[u8; POINT]> {
    let mut y: [u8; POINT] = key.try_into().ok()?;
    *y.last_mut()? &= 0x7f;
    Some(y)
}
