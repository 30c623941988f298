//! A small body that decompresses to a large one: an empty JSON object with 64 MiB of blanks inside.

use std::iter;
use std::sync::OnceLock;

use bytes::Bytes;
use flate2::{Compress, Compression, Crc, FlushCompress};

/// The decompressed size in bytes.
const INFLATED: usize = 64 << 20;
const BLOCK: usize = 1 << 20;

// The gzip header of RFC 1952: magic number, deflate, no flags, no time, no hint, an unknown system.
const HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

/// The body as brotli. It is stored, because compressing it takes far longer than sending it.
pub const BROTLI: &[u8] =
    b"\xcf\xff\xff\x7f\xf8\xa5\x40\xf6\xe2\xb2\x40\x00\xf7\xfe\x3f\xfe\xff\xff\xc3\x2f\x01\x10\x87\x05\x00\xba\xf7\xff\
      \xfc\xff\xff\x87\x5f\x02\x20\x0e\x8b\x00\x74\xef\xff\xf3\xff\xff\x1f\xbf\x44\x5f\x29\x72\x58\x00\x30\xf7\xfe\x1f";

/// The body as gzip, made once.
pub fn gzip() -> Bytes {
    static MADE: OnceLock<Bytes> = OnceLock::new();
    MADE.get_or_init(make).clone()
}

// Compressing all of it would block other calls. A block that ends with a full flush does not depend on anything before
// it, so the equal blocks in the middle are compressed once.
fn make() -> Bytes {
    let blank = vec![b' '; BLOCK];
    let (mut first, mut last) = (blank.clone(), blank.clone());
    first.splice(..1, *b"{");
    last.splice(BLOCK - 1.., *b"}");
    let middle = deflated(&blank, FlushCompress::Full);
    let middles = INFLATED / BLOCK - 2;
    let blocks = iter::once(&first).chain(iter::repeat_n(&blank, middles)).chain([&last]);
    let mut crc = Crc::new();
    blocks.for_each(|block| crc.update(block));
    [
        HEAD.as_slice(),
        &deflated(&first, FlushCompress::Full),
        &middle.repeat(middles),
        &deflated(&last, FlushCompress::Finish),
        &crc.sum().to_le_bytes(),
        &crc.amount().to_le_bytes(),
    ]
    .concat()
    .into()
}

fn deflated(block: &[u8], flush: FlushCompress) -> Vec<u8> {
    let mut deflated = Vec::with_capacity(BLOCK / 100);
    // Writing to sufficiently large memory cannot fail.
    let _status = Compress::new(Compression::best(), false).compress_vec(block, &mut deflated, flush);
    deflated
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;

    use super::{BROTLI, INFLATED, gzip};

    #[test]
    fn some_kilobytes_inflate_to_64_mebibytes_of_json() {
        let small = gzip();
        assert!(small.len() < 128 << 10, "{}", small.len());
        let mut large = Vec::new();
        // The reader verifies the checksum and the length.
        GzDecoder::new(small.as_ref()).read_to_end(&mut large).unwrap();
        assert_is_bomb(&large);
    }

    #[test]
    fn some_bytes_of_brotli_inflate_to_the_same() {
        let mut large = Vec::new();
        brotli::BrotliDecompress(&mut &BROTLI[..], &mut large).unwrap();
        assert_is_bomb(&large);
    }

    fn assert_is_bomb(large: &[u8]) {
        assert_eq!(large.len(), INFLATED);
        assert!(large.starts_with(b"{ ") && large.ends_with(b" }"));
        assert!(large.get(1..INFLATED - 1).unwrap().iter().all(|byte| *byte == b' '));
    }
}
