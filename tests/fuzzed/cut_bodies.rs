//! Whole answers of both gateways to each of their methods, cut at every byte: not one of the pieces is an answer.

use bytes::Bytes;
use storegate::gateway::dialect::Dialect;
use storegate::gateway::error::Kind;
use storegate::gateway::vendor::Gateway;
use storegate::resources;

use crate::corpus_files::{CorpusFile, files};
use crate::fuzz::{oms, opretail};

/// What becomes of a body on its way through the dialect.
fn kind(dialect: &dyn Dialect, body: &[u8]) -> Option<Kind> {
    let body = dialect.clean(Bytes::copy_from_slice(body));
    dialect.decode(&body).err().map(|refusal| refusal.kind)
}

fn assert_incomplete_when_cut(dialect: &dyn Dialect, file: &CorpusFile) {
    let whole = file.bytes.trim_ascii_end();
    assert!(!matches!(kind(dialect, whole), Some(Kind::Incomplete | Kind::Unreadable)), "{}", file.name);
    for length in 0..whole.len() {
        assert_eq!(kind(dialect, &whole[..length]), Some(Kind::Incomplete), "{} cut at byte {length}", file.name);
    }
    for length in whole.len()..=file.bytes.len() {
        assert_eq!(kind(dialect, &file.bytes[..length]), kind(dialect, whole), "{} with {length} bytes", file.name);
    }
}

/// The answers and the refusals that the corpus has for a gateway, and its dialect.
fn envelopes(gateway: Gateway) -> (Box<dyn Dialect>, Vec<CorpusFile>) {
    let (dialect, target): (Box<dyn Dialect>, _) = match gateway {
        Gateway::OpRetail => (Box::new(opretail()), "opretail_envelope"),
        Gateway::Oms => (Box::new(oms()), "oms_envelope"),
    };
    let mut files = files(target);
    files.retain(|file| file.name.starts_with("accepted-answer-to-") || file.name.starts_with("refused-error-"));
    (dialect, files)
}

#[test]
fn an_answer_cut_at_any_byte_is_incomplete() {
    for gateway in [Gateway::OpRetail, Gateway::Oms] {
        let (dialect, files) = envelopes(gateway);
        assert!(files.iter().any(|file| file.name.starts_with("refused-error-")), "errors are cut too");
        for file in &files {
            assert_incomplete_when_cut(&*dialect, file);
        }
    }
}

#[test]
fn every_method_has_an_answer_that_is_cut() {
    for method in resources::ALL.iter().filter_map(|resource| resource.method.as_ref()) {
        let (_, files) = envelopes(method.gateway());
        let wanted = format!("accepted-answer-to-{}", method.name);
        assert!(files.iter().any(|file| file.name == wanted), "the corpus has no {wanted}");
    }
}
