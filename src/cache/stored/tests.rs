//! The stored form against a value written out by hand, and against everything that may happen to one on its way.

use super::{Stored, StoredError, TOLERATED_LEAD, checksum};
use crate::cache::{Document, Freshness};
use bytes::Bytes;
use jiff::Timestamp;
use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, proptest};
use std::time::Duration;

/// Laid out by the table of the module, its checksum computed with another program.
const BY_HAND: &str = "
    534741 01
    0000000000000074
    6e74045b38e713ee527a8640318c8197
    000001a200fb5100
    0000000000007530 000000000000ea60 000000000036ee80
    0000000000000007 000000000000000b 0000000000000002
    7b2261223a317d
    3c2f733f706167653d323e
    0000000000000003 535f31
    0000000000000007 53484f50303031";

/// The same, of an answer with nothing in it, fetched a millisecond before 1970.
const EMPTY_BY_HAND: &str = "
    534741 01
    0000000000000048
    3194fcd8cb85b6a34f59dfe8dfa543bd
    ffffffffffffffff
    0000000000000000 0000000000000000 0000000000000000
    0000000000000000 ffffffffffffffff 0000000000000000";

fn bytes(hex: &str) -> Vec<u8> {
    let digits: String = hex.split_whitespace().collect();
    base16ct::lower::decode_vec(digits).unwrap()
}

fn stored() -> Stored {
    Stored {
        document: Document { body: Bytes::from_static(b"{\"a\":1}"), link: Some("</s?page=2>".to_owned()) },
        stores: vec!["S_1".to_owned(), "SHOP001".to_owned()],
        freshness: Freshness::seconds(30, 60, 3600),
        fetched_at: "2026-11-22T02:00:00Z".parse().unwrap(),
    }
}

fn empty() -> Stored {
    Stored {
        document: Document { body: Bytes::new(), link: None },
        stores: Vec::new(),
        freshness: Freshness::seconds(0, 0, 0),
        fetched_at: Timestamp::from_millisecond(-1).unwrap(),
    }
}

/// The value with its checksum made to fit again.
fn resealed(mut value: Vec<u8>) -> Vec<u8> {
    let sum = checksum(&value[..12], &value[28..]);
    value[12..28].copy_from_slice(&sum);
    value
}

/// The value with eight bytes replaced, and its checksum made to fit.
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
    assert_eq!(Stored::decode(&value[..100]).unwrap_err(), StoredError::WrongLength);
    assert_eq!(Stored::decode(&[&value[..], b"\n"].concat()).unwrap_err(), StoredError::WrongLength);
    assert_eq!(changed(11, 0), StoredError::WrongLength);
    assert_eq!(changed(12, 0), StoredError::WrongChecksum);
    assert_eq!(changed(90, b'2'), StoredError::WrongChecksum);
}

#[test]
fn a_value_whose_checksum_fits_must_still_add_up() {
    for offset in [60, 68, 76] {
        for number in [0, 1, 6, 8, 1 << 32, u64::MAX - 1] {
            assert_eq!(Stored::decode(&with_number(offset, number)), Err(StoredError::WrongParts), "{offset} {number}");
        }
    }
    assert_eq!(Stored::decode(&with_number(76, u64::MAX)), Err(StoredError::WrongParts), "a host of stores");
    assert_eq!(Stored::decode(&with_number(28, i64::MAX.cast_unsigned())), Err(StoredError::WrongTime));
    for offset in [91, 110] {
        let mut value = stored().encode();
        value[offset] = 0xff;
        assert_eq!(Stored::decode(&resealed(value)), Err(StoredError::NotUtf8), "{offset}");
    }
}

#[test]
fn the_longest_durations_are_kept() {
    let freshness =
        Freshness { fresh: Duration::MAX, stale: Duration::from_millis(u64::MAX), on_error: Duration::ZERO };
    let read = Stored::decode(&Stored { freshness, ..stored() }.encode()).unwrap().freshness;
    assert_eq!(read, Freshness { fresh: Duration::from_millis(u64::MAX), ..freshness });
}

#[test]
fn an_answer_ages_by_the_wall_clock() {
    let age = |now: &str| stored().age(now.parse().unwrap());
    assert_eq!(age("2026-11-22T02:00:00Z"), Some(Duration::ZERO));
    assert_eq!(age("2026-11-22T02:00:31.5Z"), Some(Duration::from_millis(31_500)));
    assert_eq!(age("2027-11-22T02:00:00Z"), Some(Duration::from_secs(365 * 86_400)));
}

#[test]
fn an_answer_from_the_future_is_new_or_not_believed() {
    let fetched_at = stored().fetched_at;
    assert_eq!(stored().age(fetched_at - TOLERATED_LEAD), Some(Duration::ZERO));
    assert_eq!(stored().age(fetched_at - TOLERATED_LEAD - Duration::from_millis(1)), None);
    assert_eq!(stored().age(Timestamp::MIN), None);
}

fn any_stored() -> impl Strategy<Value = Stored> {
    let document = (vec(any::<u8>(), 0..300), proptest::option::of(".{0,40}"));
    let times = (any::<u64>(), any::<u64>(), any::<u64>(), -377_705_023_201_000..=253_402_207_200_000_i64);
    (document, vec(".{0,12}", 0..4), times).prop_map(|((body, link), stores, (fresh, stale, on_error, fetched))| {
        Stored {
            document: Document { body: body.into(), link },
            stores,
            freshness: Freshness {
                fresh: Duration::from_millis(fresh),
                stale: Duration::from_millis(stale),
                on_error: Duration::from_millis(on_error),
            },
            fetched_at: Timestamp::from_millisecond(fetched).unwrap(),
        }
    })
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
