//! Tests of the stored form: against a value written by hand, and against everything that may happen to a value in
//! transit.

use super::{NameHash, Stored, StoredError, checksum};
use crate::cache::{FetchedBody, Freshness};
use crate::replicas::journal::Position;
use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, proptest};
use std::time::Duration;

/// A value written by hand from the module's table, with a checksum computed by another program.
const BY_HAND: &str = "
    534741 01
    000000000000008c
    6bf3a7e58b09324df1b3674a19514daa
    733c93743b7e08ba7b2d8df13530af49
    000001a200fb5100 0000000000000007
    0000000000007530 000000000000ea60 000000000036ee80
    0000000000000007 000000000000000b 0000000000000002
    7b2261223a317d
    3c2f733f706167653d323e
    0000000000000003 535f31
    0000000000000007 53484f50303031";

/// An empty response written by hand.
const EMPTY_BY_HAND: &str = "
    534741 01
    0000000000000060
    670d21df34e074735d39cc798f65f34f
    00000000000000000000000000000000
    0000000000000000 0000000000000000
    0000000000000000 0000000000000000 0000000000000000
    0000000000000000 ffffffffffffffff 0000000000000000";

fn bytes(hex: &str) -> Vec<u8> {
    let digits: String = hex.split_whitespace().collect();
    base16ct::lower::decode_vec(digits).unwrap()
}

fn stored() -> Stored {
    Stored {
        document: FetchedBody {
            body: Bytes::from_static(b"{\"a\":1}"),
            link: Some("</s?page=2>".to_owned()),
            max_freshness: None,
        },
        stores: vec!["S_1".to_owned(), "SHOP001".to_owned()],
        freshness: Freshness::seconds(30, 60, 3600),
        name: NameHash::of("acme\0flow\0S_1"),
        seen: Position { milliseconds: 1_795_312_800_000, number: 7 },
    }
}

fn empty() -> Stored {
    Stored {
        document: FetchedBody { body: Bytes::new(), link: None, max_freshness: None },
        stores: Vec::new(),
        freshness: Freshness::seconds(0, 0, 0),
        name: NameHash([0; 16]),
        seen: Position::default(),
    }
}

/// Returns the value with a matching checksum.
fn resealed(mut value: Vec<u8>) -> Vec<u8> {
    let sum = checksum(&value[..12], &value[28..]);
    value[12..28].copy_from_slice(&sum);
    value
}

/// Returns the value with eight bytes replaced and a matching checksum.
fn with_number(offset: usize, number: u64) -> Vec<u8> {
    let mut value = stored().encode();
    value[offset..offset + 8].copy_from_slice(&number.to_be_bytes());
    resealed(value)
}

#[test]
fn the_bytes_are_those_of_the_table() {
    for (stored, by_hand) in [(stored(), BY_HAND), (empty(), EMPTY_BY_HAND)] {
        assert_eq!(stored.encode(), bytes(by_hand));
        assert_eq!(Stored::decode(&bytes(by_hand)), Ok(stored));
    }
}

#[test]
fn each_check_has_its_error() {
    let value = stored().encode();
    let changed = |offset: usize, byte| {
        let mut value = value.clone();
        value[offset] = byte;
        Stored::decode(&value).unwrap_err()
    };
    assert_eq!(Stored::decode(b"").unwrap_err(), StoredError::TooShort);
    assert_eq!(Stored::decode(&value[..27]).unwrap_err(), StoredError::TooShort);
    assert_eq!(changed(0, b'x'), StoredError::WrongMagic);
    assert_eq!(changed(3, 2), StoredError::WrongVersion(2));
    assert_eq!(Stored::decode(&value[..120]).unwrap_err(), StoredError::WrongLength);
    assert_eq!(Stored::decode(&[&value[..], b"\n"].concat()).unwrap_err(), StoredError::WrongLength);
    assert_eq!(changed(11, 0), StoredError::WrongLength);
    assert_eq!(changed(12, 0), StoredError::WrongChecksum);
    assert_eq!(changed(114, b'2'), StoredError::WrongChecksum);
}

#[test]
fn a_value_whose_checksum_fits_must_still_add_up() {
    for offset in [84, 92, 100] {
        for number in [0, 1, 6, 8, 1 << 32, u64::MAX - 1] {
            assert_eq!(Stored::decode(&with_number(offset, number)), Err(StoredError::WrongParts), "{offset} {number}");
        }
    }
    assert_eq!(Stored::decode(&with_number(100, u64::MAX)), Err(StoredError::WrongParts), "a host of stores");
    for offset in [115, 134] {
        let mut value = stored().encode();
        value[offset] = 0xff;
        assert_eq!(Stored::decode(&resealed(value)), Err(StoredError::NotUtf8), "{offset}");
    }
}

#[test]
fn the_longest_durations_survive_encoding() {
    let freshness =
        Freshness { fresh: Duration::MAX, stale: Duration::from_millis(u64::MAX), on_error: Duration::ZERO };
    let read = Stored::decode(&Stored { freshness, ..stored() }.encode()).unwrap().freshness;
    assert_eq!(read, Freshness { fresh: Duration::from_millis(u64::MAX), ..freshness });
}

fn any_stored() -> impl Strategy<Value = Stored> {
    let document = (vec(any::<u8>(), 0..300), proptest::option::of(".{0,40}"));
    let times = (any::<u64>(), any::<u64>(), any::<u64>());
    let origin = (any::<[u8; 16]>(), any::<(u64, u64)>());
    (document, vec(".{0,12}", 0..4), times, origin).prop_map(
        |((body, link), stores, (fresh, stale, on_error), origin)| {
            let (name, (milliseconds, number)) = origin;
            Stored {
                document: FetchedBody { body: body.into(), link, max_freshness: None },
                stores,
                freshness: Freshness {
                    fresh: Duration::from_millis(fresh),
                    stale: Duration::from_millis(stale),
                    on_error: Duration::from_millis(on_error),
                },
                name: NameHash(name),
                seen: Position { milliseconds, number },
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_is_written_is_read(stored in any_stored()) {
        prop_assert_eq!(Stored::decode(&stored.encode()), Ok(stored));
    }

    #[test]
    fn a_value_with_any_bit_flipped_is_refused(stored in any_stored(), bit in any::<proptest::sample::Index>()) {
        let mut value = stored.encode();
        let bit = bit.index(value.len() * 8);
        value[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(Stored::decode(&value).is_err(), "bit {}", bit);
    }

    #[test]
    fn a_value_cut_anywhere_is_refused(stored in any_stored(), cut in any::<proptest::sample::Index>()) {
        let value = stored.encode();
        prop_assert!(Stored::decode(&value[..cut.index(value.len())]).is_err());
    }

    #[test]
    fn what_fits_its_checksum_is_read_as_it_stands_or_refused(
        stored in any_stored(),
        at in any::<proptest::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut value = stored.encode();
        let at = 28 + at.index(value.len() - 28);
        value[at] = byte;
        let value = resealed(value);
        if let Ok(read) = Stored::decode(&value) {
            prop_assert_eq!(read.encode(), value);
        }
    }

    #[test]
    fn rubbish_is_refused(rubbish in vec(any::<u8>(), 0..200)) {
        prop_assert!(Stored::decode(&rubbish).is_err());
    }
}

#[test]
fn every_bit_and_every_cut_of_one_value_is_refused() {
    let value = bytes(BY_HAND);
    for bit in 0..value.len() * 8 {
        let mut flipped = value.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(Stored::decode(&flipped).is_err(), "bit {bit}");
    }
    for cut in 0..value.len() {
        assert!(Stored::decode(&value[..cut]).is_err(), "cut {cut}");
    }
}
