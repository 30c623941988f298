//! Whole answers and errors of both gateways, cut at every byte: not one of the pieces is an answer, whatever the method.

use bytes::Bytes;
use storegate::gateway::error::Kind;
use storegate::gateway::protocol::Protocol;

use crate::corpus_files::{CorpusFile, files};
use crate::fuzz::{oms, opretail};

/// What becomes of a body on its way through the protocol.
fn kind(protocol: &Protocol, body: &[u8]) -> Option<Kind> {
    let body = protocol.repaired(Bytes::copy_from_slice(body));
    protocol.decode(&body).err().map(|refusal| refusal.kind)
}

fn assert_incomplete_when_cut(protocol: &Protocol, file: &CorpusFile) {
    let whole = file.bytes.trim_ascii_end();
    assert!(!matches!(kind(protocol, whole), Some(Kind::Incomplete | Kind::Unreadable)), "{}", file.name);
    for length in 0..whole.len() {
        assert_eq!(kind(protocol, &whole[..length]), Some(Kind::Incomplete), "{} cut at byte {length}", file.name);
    }
    for length in whole.len()..=file.bytes.len() {
        assert_eq!(kind(protocol, &file.bytes[..length]), kind(protocol, whole), "{} with {length} bytes", file.name);
    }
}

/// The answers and the refusals that the corpus has for a vendor, and its protocol.
fn envelopes(vendor: &str) -> (Protocol, Vec<CorpusFile>) {
    let (protocol, target) = match vendor {
        "opretail" => (opretail(), "opretail_envelope"),
        _ => (oms(), "oms_envelope"),
    };
    let mut files = files(target);
    files.retain(|file| file.name.starts_with("accepted-answer-to-") || file.name.starts_with("refused-error-"));
    (protocol, files)
}

#[test]
fn an_answer_cut_at_any_byte_is_incomplete() {
    for vendor in ["opretail", "oms"] {
        let (protocol, files) = envelopes(vendor);
        for start in ["accepted-answer-to-", "refused-error-"] {
            assert!(files.iter().any(|file| file.name.starts_with(start)), "{vendor}: no {start}");
        }
        for file in &files {
            assert_incomplete_when_cut(&protocol, file);
        }
    }
}
