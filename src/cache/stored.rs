//! The binary format in which processes that share a cache store a response. Encoding and decoding are pure functions.
//!
//! All numbers are big-endian. The checksum is the first half of the SHA-256 of all bytes before and after it.
//!
//! | offset | bytes | content |
//! |---|---|---|
//! | 0 | 3 | `SGA` |
//! | 3 | 1 | version, 1 |
//! | 4 | 8 | length of all that follows offset 12 |
//! | 12 | 16 | checksum |
//! | 28 | 16 | identity of the response: the first half of the SHA-256 of its name |
//! | 44 | 2 × 8 | position up to which the process had read the journal when the fetch began |
//! | 60 | 3 × 8 | fresh, stale, on error, in milliseconds |
//! | 84 | 8 | length of the body |
//! | 92 | 8 | length of the link; all ones when there is none |
//! | 100 | 8 | number of stores |
//! | 108 | | body, link, and for each store its length in 8 bytes and its id |
//!
//! The checksum detects accidents: a value that is truncated, mixed up or written by another program. It does not
//! authenticate the writer; every writer of the shared cache is trusted.
//!
//! The value does not contain the age of the response. Redis knows how long the value has been stored, by one clock for
//! all replicas, so the clocks of several machines need not agree.
//!
//! The encoded forms and the entity tag are not stored. They follow from the body, take far less time than a call, and
//! another process may prefer other encodings.

use std::time::Duration;

use bytes::Bytes;

use super::entry::FetchedBody;
use super::freshness::Freshness;
use crate::replicas::journal::Position;
use crate::sha256::sha256_half;

const MAGIC: [u8; 3] = *b"SGA";
const VERSION: u8 = 1;
/// Length in bytes of magic, version and content length.
const FRONT: usize = 12;
const CHECKSUM: usize = 16;
/// Length in bytes of all that precedes the content.
const SEAL: usize = FRONT + CHECKSUM;
const NAME: usize = 16;
/// Length in bytes of the fixed part of the content: name hash, journal position, three periods and three lengths.
const HEAD: usize = NAME + 64;
const NO_LINK: u64 = u64::MAX;

/// A response as processes share it. Durations have millisecond precision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The body without encoding.
    pub document: FetchedBody,
    /// The ids of the stores that the response is about; a purge selects by them.
    pub stores: Vec<String>,
    /// How long the response may be served, counted from its fetch.
    pub freshness: Freshness,
    /// The hash of the response's name.
    pub name: NameHash,
    /// The position up to which the process had read the journal when the fetch began.
    pub seen: Position,
}

/// The hash of a response's name. It reveals a response that is stored under another response's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameHash(pub [u8; NAME]);

impl NameHash {
    /// Hashes a response's name.
    pub fn of(name: &str) -> Self {
        Self(sha256_half([name.as_bytes()]))
    }
}

/// Why bytes are not a stored response. Each reason leads to a new fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoredError {
    /// The value is shorter than the fixed part before the content.
    #[error("the value is too short to be one")]
    TooShort,
    /// The value does not begin with the magic: another program uses the same keys.
    #[error("the value was not written by storegate")]
    WrongMagic,
    /// A newer or older program wrote the value. Both run during a rolling update.
    #[error("the value has the version {0}, and this program reads version {VERSION}")]
    WrongVersion(u8),
    /// The value is truncated, or something follows it.
    #[error("the value has not the length that it promises")]
    WrongLength,
    /// The value was altered.
    #[error("the checksum of the value does not fit")]
    WrongChecksum,
    /// The lengths of the parts do not add up to the value's length.
    #[error("the parts of the value have not the lengths that it promises")]
    WrongParts,
    /// The link or a store id is not UTF-8.
    #[error("a text in the value is not UTF-8")]
    NotUtf8,
}

impl Stored {
    /// Encodes the response.
    pub fn encode(&self) -> Vec<u8> {
        let content = self.content();
        let front = front(content.len());
        let mut value = Vec::with_capacity(SEAL + content.len());
        value.extend_from_slice(&front);
        value.extend_from_slice(&checksum(&front, &content));
        value.extend_from_slice(&content);
        value
    }

    /// Encodes the content, which follows the checksum.
    fn content(&self) -> Vec<u8> {
        let FetchedBody { body, link, .. } = &self.document;
        let mut content = Vec::with_capacity(HEAD + body.len() + link.as_ref().map_or(0, String::len));
        content.extend_from_slice(&self.name.0);
        put(&mut content, self.seen.milliseconds);
        put(&mut content, self.seen.number);
        for duration in [self.freshness.fresh, self.freshness.stale, self.freshness.on_error] {
            put(&mut content, u64::try_from(duration.as_millis()).unwrap_or(u64::MAX));
        }
        put(&mut content, body.len() as u64);
        put(&mut content, link.as_ref().map_or(NO_LINK, |link| link.len() as u64));
        put(&mut content, self.stores.len() as u64);
        content.extend_from_slice(body);
        content.extend_from_slice(link.as_deref().unwrap_or_default().as_bytes());
        for store in &self.stores {
            put(&mut content, store.len() as u64);
            content.extend_from_slice(store.as_bytes());
        }
        content
    }

    /// Decodes what [`Stored::encode`] has written, and nothing else: encoding the result gives the same bytes again.
    ///
    /// # Errors
    /// Returns the first check that fails. Nothing is allocated before the checksum matches, and later allocations are
    /// proportional to the length of `value`.
    pub fn decode(value: &[u8]) -> Result<Self, StoredError> {
        let mut rest = ByteReader(checked_content(value)?);
        let name = rest.name()?;
        let seen = Position { milliseconds: rest.number()?, number: rest.number()? };
        let freshness = Freshness { fresh: rest.duration()?, stale: rest.duration()?, on_error: rest.duration()? };
        let (body, link, stores) = (rest.number()?, rest.number()?, rest.number()?);
        let body = Bytes::copy_from_slice(rest.take(body)?);
        let link = if link == NO_LINK { None } else { Some(rest.text(link)?) };
        // No memory is reserved for the promised number of stores: only stores that are present occupy any.
        let stores = (0..stores).map(|_| rest.store()).collect::<Result<_, _>>()?;
        if !rest.0.is_empty() {
            return Err(StoredError::WrongParts);
        }
        Ok(Self { document: FetchedBody { body, link, max_freshness: None }, stores, freshness, name, seen })
    }
}

fn put(value: &mut Vec<u8>, number: u64) {
    value.extend_from_slice(&number.to_be_bytes());
}

/// Encodes what precedes the checksum: magic, version and the length of the rest.
fn front(content: usize) -> [u8; FRONT] {
    let [m0, m1, m2] = MAGIC;
    let [l0, l1, l2, l3, l4, l5, l6, l7] = ((CHECKSUM + content) as u64).to_be_bytes();
    [m0, m1, m2, VERSION, l0, l1, l2, l3, l4, l5, l6, l7]
}

fn checksum(front: &[u8], content: &[u8]) -> [u8; CHECKSUM] {
    sha256_half([front, content])
}

/// Verifies magic, version, length and checksum, and returns the content.
fn checked_content(value: &[u8]) -> Result<&[u8], StoredError> {
    let (front_found, rest) = value.split_first_chunk::<FRONT>().ok_or(StoredError::TooShort)?;
    let (checksum_found, content) = rest.split_first_chunk::<CHECKSUM>().ok_or(StoredError::TooShort)?;
    let expected = front(content.len());
    match (front_found, &expected) {
        ([a, b, c, ..], _) if [*a, *b, *c] != MAGIC => Err(StoredError::WrongMagic),
        ([_, _, _, version, ..], _) if *version != VERSION => Err(StoredError::WrongVersion(*version)),
        (found, expected) if found != expected => Err(StoredError::WrongLength),
        _ if *checksum_found != checksum(&expected, content) => Err(StoredError::WrongChecksum),
        _ => Ok(content),
    }
}

/// The bytes that are not decoded yet.
struct ByteReader<'a>(&'a [u8]);

impl<'a> ByteReader<'a> {
    fn take(&mut self, length: u64) -> Result<&'a [u8], StoredError> {
        let length = usize::try_from(length).map_err(|_| StoredError::WrongParts)?;
        let (taken, rest) = self.0.split_at_checked(length).ok_or(StoredError::WrongParts)?;
        self.0 = rest;
        Ok(taken)
    }

    fn number(&mut self) -> Result<u64, StoredError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(StoredError::WrongParts)?;
        self.0 = rest;
        Ok(u64::from_be_bytes(*taken))
    }

    fn name(&mut self) -> Result<NameHash, StoredError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(StoredError::WrongParts)?;
        self.0 = rest;
        Ok(NameHash(*taken))
    }

    fn duration(&mut self) -> Result<Duration, StoredError> {
        self.number().map(Duration::from_millis)
    }

    fn text(&mut self, length: u64) -> Result<String, StoredError> {
        let text = std::str::from_utf8(self.take(length)?).map_err(|_| StoredError::NotUtf8)?;
        Ok(text.to_owned())
    }

    fn store(&mut self) -> Result<String, StoredError> {
        let length = self.number()?;
        self.text(length)
    }
}

#[cfg(test)]
mod tests;
