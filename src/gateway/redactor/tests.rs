//! Gateway messages that echo what was sent, in every form in which programs write a text.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use bytes::Bytes;
use md5::{Digest, Md5};
use proptest::prelude::{ProptestConfig, Strategy, any, prop_assert_eq, prop_oneof, proptest};
use proptest::sample::select;
use secrecy::SecretString;

use super::Redactor;
use crate::gateway::error::CleanText;

const SECRET: &str = "s3cret/of+ours & 店";
const SENT: &[u8] = b"_mt=open.x&_nonce=n0nce-7&_requestMode=POST&id=S_123456&_sig=0123456789ABCDEF0123456789ABCDEF";

fn said(words: &str) -> CleanText {
    let words = || Some(words.to_owned());
    CleanText { code: words(), codename: words(), message: words(), call_id: words() }
}

/// What the redactor leaves of a message.
fn shown(secret: &str, words: &str) -> CleanText {
    let secrets = [SecretString::from(secret), SecretString::from("ab")];
    Redactor::new(secrets.iter(), Some("n0nce-7"), Bytes::from_static(SENT)).redact_note(said(words))
}

/// A way to write a text.
type Form = fn(&str) -> String;

const FORMS: &[Form] = &[
    str::to_owned,
    |text| form_urlencoded::byte_serialize(text.as_bytes()).collect(),
    |text| text.bytes().map(|byte| format!("%{byte:02x}")).collect(),
    |text| text.bytes().map(|byte| format!("%{byte:02X}")).collect(),
    |text| text.encode_utf16().map(|unit| format!("%u{unit:04x}")).collect(),
    |text| text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect(),
    |text| text.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect(),
    |text| serde_json::to_string(text).unwrap().replace('/', "\\/"),
    |text| text.bytes().map(|byte| format!("\\x{byte:02x}")).collect(),
    |text| text.chars().map(|character| format!("&#{};", u32::from(character))).collect(),
    |text| text.chars().map(|character| format!("&#x{:X};", u32::from(character))).collect(),
    |text| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;"),
    base16ct_lower,
    |text| base16ct_lower(text).to_uppercase(),
    |text| STANDARD.encode(text),
    |text| STANDARD_NO_PAD.encode(text),
    |text| URL_SAFE.encode(text),
    |text| URL_SAFE_NO_PAD.encode(format!("a{text}")),
    |text| STANDARD.encode(format!("ab{text}cd")),
];

fn base16ct_lower(text: &str) -> String {
    base16ct::lower::encode_string(text.as_bytes())
}

#[test]
fn a_secret_that_a_gateway_repeats_is_left_out_wherever_it_stands() {
    for form in FORMS.iter().chain(&[str::to_uppercase as Form, str::to_lowercase]) {
        let words = format!("the key \"{}\" is wrong", form(SECRET));
        assert_eq!(shown(SECRET, &words), CleanText::default(), "{words}");
    }
    assert_eq!(shown(SECRET, "n0nce-7 was used"), CleanText::default());
    assert_eq!(shown("short", "it is SHORT"), CleanText::default());
}

#[test]
fn neither_is_a_part_of_it_its_digest_or_what_was_signed() {
    let md5 = Md5::digest("a-secret-of-ours");
    let words = [
        "it begins with a-secret-of-o",
        "a - s e c r e t - o f - o u r s",
        "YS1zZWNyZXQtb2Yt",
        &base16ct::lower::encode_string(&md5),
        &STANDARD.encode(md5),
        "0123456789abcdef0123456789abcdef",
        "signed _mtopen.x_noncen0nce-8_requestMode, idS_123456 _mtopen.x_nonce",
        "got _mt=open.x&_nonce=1",
    ];
    for words in words {
        assert_eq!(shown("a-secret-of-ours", words), CleanText::default(), "{words}");
    }
    let echo = shown("a-secret-of-ours", "0123456789ABCDEF0123");
    assert_eq!((echo.code, echo.codename, echo.call_id), (None, None, None));
}

#[test]
fn other_words_are_shown() {
    for words in [
        "ab",
        "_mt",
        "another-number-of-theirs",
        "the store S_123456 is not there",
        "method open.x is not registered",
        "店铺不存在 100% \\ & <b>",
        "5f0c1c1e-8a2b-7c3d-9e4f-0a1b2c3d4e5f",
        "100001",
        "PASSWORD_ERROE",
    ] {
        assert_eq!(shown("a-secret-of-ours", words), said(words), "{words}");
        assert_eq!(shown("wrong-password", words), said(words), "{words}");
    }
}

fn any_secret() -> impl Strategy<Value = String> {
    prop_oneof!["[!-~]{4,40}", "[ -~]{2,20}[a-z]{3}", "[a-z店😀]{4,12}"]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_form_of_a_secret_is_shown(
        secret in any_secret(),
        case in select(vec![str::to_owned as Form, str::to_uppercase, str::to_lowercase]),
        inner in select(FORMS.to_vec()),
        outer in select(FORMS.to_vec()),
        before in "[a-zA-Z0-9 :='\"]{0,9}",
        behind in "[ .,;'\"]{1,3}",
    ) {
        let words = format!("{before}{}{behind}", outer(&inner(&case(&secret))));
        prop_assert_eq!(shown(&secret, &words).message, None, "{}", words);
    }

    #[test]
    fn any_text_is_looked_through_without_end_or_panic(words in any::<String>(), odd in "[%&#\\\\ux0-9a-fA-F;+]{0,60}") {
        shown(SECRET, &words);
        shown(SECRET, &odd);
    }
}
