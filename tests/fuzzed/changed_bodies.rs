//! Answers that are changed at random, and bytes that were never an answer: no reader panics, and only an envelope is
//! accepted. The promises themselves are checked by the fuzz targets.

use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, Strategy, any, prop_assert, prop_oneof, proptest};
use proptest::sample::{Index, select};

use crate::corpus_files::accepted;
use crate::fuzz::{oms_envelope, opretail_envelope};

/// One byte flipped, put in or taken out.
#[derive(Clone, Debug)]
enum Change {
    Flip(Index, u8),
    Insert(Index, u8),
    Remove(Index),
}

impl Change {
    fn apply(&self, body: &mut Vec<u8>) {
        match self {
            Self::Insert(at, byte) => body.insert(at.index(body.len() + 1), *byte),
            Self::Flip(at, bits) if !body.is_empty() => {
                let at = at.index(body.len());
                body[at] ^= bits;
            }
            Self::Remove(at) if !body.is_empty() => drop(body.remove(at.index(body.len()))),
            Self::Flip(..) | Self::Remove(_) => {}
        }
    }
}

fn any_change() -> impl Strategy<Value = Change> {
    let byte = prop_oneof![any::<u8>(), select(b"{}[]:,\"\\ 019-+.eE\n\0".to_vec())];
    prop_oneof![
        (any::<Index>(), 1..=u8::MAX).prop_map(|(at, bits)| Change::Flip(at, bits)),
        (any::<Index>(), byte).prop_map(|(at, byte)| Change::Insert(at, byte)),
        any::<Index>().prop_map(Change::Remove),
    ]
}

/// An answer of the corpus after one change or a few.
fn changed_answer(target: &str) -> impl Strategy<Value = Vec<u8>> + use<> {
    let answers: Vec<Vec<u8>> = accepted(target).into_iter().map(|file| file.bytes).collect();
    (select(answers), vec(any_change(), 1..4)).prop_map(|(mut body, changes)| {
        changes.iter().for_each(|change| change.apply(&mut body));
        body
    })
}

/// Tokens of JSON and words of envelopes in any order.
fn soup() -> impl Strategy<Value = Vec<u8>> {
    let words = [
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "0",
        "-500",
        "1e999",
        "null",
        "\"",
        "\\",
        " ",
        "\u{1}",
        "\"stat\"",
        "\"code\"",
        "\"data\"",
        "\"rsp\"",
        "\"succ\"",
        "\"response\"",
        "\"error_response\"",
        "\"msg\"",
        "{\"stat\":{\"code\":0}",
        "\"\\u0064ata\"",
    ];
    vec(select(words.to_vec()), 0..24).prop_map(|words| words.concat().into_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_changed_answer_of_opretail_is_an_envelope_or_refused(body in changed_answer("opretail_envelope")) {
        opretail_envelope(&body);
    }

    #[test]
    fn a_changed_answer_of_an_oms_is_an_envelope_or_refused(body in changed_answer("oms_envelope")) {
        oms_envelope(&body);
    }

    #[test]
    fn words_in_any_order_are_an_envelope_or_refused(body in soup()) {
        opretail_envelope(&body);
        oms_envelope(&body);
    }

    #[test]
    fn arbitrary_bytes_are_refused(body in vec(any::<u8>(), 3..400)) {
        prop_assert!(!opretail_envelope(&body) && !oms_envelope(&body));
    }
}
