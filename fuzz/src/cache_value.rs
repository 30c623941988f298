//! The stored form of an answer, as another process may have left it.

use storegate::cache::stored::{Stored, StoredError};
use storegate::sha256::sha256_half;

/// What `seal` puts before the content: `SGA`, version 1, the length and the checksum.
const VERSION: &[u8] = b"SGA\x01";
const CHECKSUM: usize = 16;

/// A value as it stands, and then the same bytes as the content of a value whose seal fits: no fuzzer finds a checksum.
/// Accepted when the value as it stands is read.
pub fn cache_value(data: &[u8]) -> bool {
    if let Err(error) = read(&sealed(data)) {
        let of_content = [StoredError::WrongParts, StoredError::NotUtf8];
        assert!(of_content.contains(&error), "the seal fits: {error}");
    }
    read(data).is_ok()
}

fn read(value: &[u8]) -> Result<(), StoredError> {
    let stored = Stored::decode(value)?;
    assert_eq!(stored.encode(), value, "a value has one form");
    let link = stored.document.link.as_ref().map_or(0, String::len);
    let stores: usize = stored.stores.iter().map(String::len).sum();
    assert!(stored.document.body.len() + link + stores <= value.len(), "nothing is read that is not there");
    Ok(())
}

fn sealed(content: &[u8]) -> Vec<u8> {
    let length = ((CHECKSUM + content.len()) as u64).to_be_bytes();
    let digest = sha256_half([VERSION, &length[..], content]);
    [VERSION, &length, &digest, content].concat()
}
