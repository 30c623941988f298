//! The stored form of an answer: how processes that share a cache write it down for each other. Pure.
//!
//! All numbers are big-endian. The checksum is the first half of the SHA-256 of all that stands before and after it.
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 3 | `SGA` |
//! | 3 | 1 | version, 1 |
//! | 4 | 8 | length of all that follows offset 12 |
//! | 12 | 16 | checksum |
//! | 28 | 16 | which answer it is: the first half of the SHA-256 of its name |
//! | 44 | 2 × 8 | up to where its process had read the journal when the fetch began |
//! | 60 | 3 × 8 | fresh, stale, on error, in milliseconds |
//! | 84 | 8 | length of the body |
//! | 92 | 8 | length of the link; all ones when there is none |
//! | 100 | 8 | number of stores |
//! | 108 | | body, link, and for each store its length in 8 bytes and its id |
//!
//! The checksum tells accidents: a value cut short, mixed up or written by something else. It does not tell who wrote
//! the value; whoever may write to the shared cache is trusted.
//!
//! How old an answer is does not stand in it: Redis knows how long it lies there, by one clock for all, and clocks of
//! several machines need not agree.
//!
//! The compressed forms and the tag are not stored: they follow from the body, they are made in far less time than a call
//! takes, and another process may prefer other encodings.

use std::time::Duration;

use bytes::Bytes;

use super::entry::FetchedBody;
use super::freshness::Freshness;
use crate::replicas::journal::Position;
use crate::sha256::sha256_half;

const MAGIC: [u8; 3] = *b"SGA";
const VERSION: u8 = 1;
/// Magic, version and length.
const FRONT: usize = 12;
const CHECKSUM: usize = 16;
/// What stands before the content.
const SEAL: usize = FRONT + CHECKSUM;
const NAME: usize = 16;
/// The name, the place in the journal, three times and three lengths that the content begins with.
const HEAD: usize = NAME + 64;
const NO_LINK: u64 = u64::MAX;

/// An answer as it is shared between processes. Times are kept to the millisecond.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The document in its plain form.
    pub document: FetchedBody,
    /// The stores it is about, for a purge.
    pub stores: Vec<String>,
    /// How long it keeps, counted from when it was fetched.
    pub freshness: Freshness,
    /// Which answer it is.
    pub name: NameHash,
    /// Up to where its process had read the journal when the fetch began.
    pub seen: Position,
}

/// What an answer is recognized by, so that one that lies under another's key is noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameHash(pub [u8; NAME]);

impl NameHash {
    /// Of an answer's name.
    pub fn of(name: &str) -> Self {
        Self(sha256_half([name.as_bytes()]))
    }
}

/// Why bytes are not the stored form of an answer. Every reason is one to fetch the answer anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoredError {
    /// Fewer bytes than stand before the content.
    #[error("the value is too short to be one")]
    TooShort,
    /// It does not begin as these values do: something else uses the same keys.
    #[error("the value was not written by storegate")]
    WrongMagic,
    /// Written by a newer or an older program; both run while an update is rolled out.
    #[error("the value has the version {0}, and this program reads version {VERSION}")]
    WrongVersion(u8),
    /// It was cut short, or something follows it.
    #[error("the value has not the length that it promises")]
    WrongLength,
    /// Something in it was changed.
    #[error("the checksum of the value does not fit")]
    WrongChecksum,
    /// The lengths of its parts do not add up to its own.
    #[error("the parts of the value have not the lengths that it promises")]
    WrongParts,
    /// The link or a store is not UTF-8.
    #[error("a text in the value is not UTF-8")]
    NotUtf8,
}

impl Stored {
    /// Writes the answer down.
    pub fn encode(&self) -> Vec<u8> {
        let content = self.content();
        let front = front(content.len());
        let mut value = Vec::with_capacity(SEAL + content.len());
        value.extend_from_slice(&front);
        value.extend_from_slice(&checksum(&front, &content));
        value.extend_from_slice(&content);
        value
    }

    /// All that follows the seal.
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

    /// Reads what [`Stored::encode`] has written, and nothing else: what was read is written as the same bytes again.
    ///
    /// # Errors
    /// The first check that fails. Nothing is allocated before the checksum fits, and then in proportion to `value`.
    pub fn decode(value: &[u8]) -> Result<Self, StoredError> {
        let mut rest = ByteReader(checked_content(value)?);
        let name = rest.name()?;
        let seen = Position { milliseconds: rest.number()?, number: rest.number()? };
        let freshness = Freshness { fresh: rest.duration()?, stale: rest.duration()?, on_error: rest.duration()? };
        let (body, link, stores) = (rest.number()?, rest.number()?, rest.number()?);
        let body = Bytes::copy_from_slice(rest.take(body)?);
        let link = if link == NO_LINK { None } else { Some(rest.text(link)?) };
        // No room is made for as many stores as are promised: only those that are there take any.
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

/// What stands before the checksum: magic, version and the length of the rest.
fn front(content: usize) -> [u8; FRONT] {
    let [m0, m1, m2] = MAGIC;
    let [l0, l1, l2, l3, l4, l5, l6, l7] = ((CHECKSUM + content) as u64).to_be_bytes();
    [m0, m1, m2, VERSION, l0, l1, l2, l3, l4, l5, l6, l7]
}

fn checksum(front: &[u8], content: &[u8]) -> [u8; CHECKSUM] {
    sha256_half([front, content])
}

/// Checks the seal, and gives all that follows it.
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

/// What is not read yet.
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
