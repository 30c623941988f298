//! How calls are signed, as a pack says it: which parameters take part, in which order and form, and one to three
//! digests.
//!
//! Everything that a pack names is resolved when it is bound to a credential, so that a call needs no look-up by name.

use std::borrow::Cow;
use std::fmt;

use aws_lc_rs::{digest as sha2, hmac as sha2_hmac};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::{Digest as _, Md5};
use sha1::Sha1;

use super::template::{Template, TemplatePart, Variable};

/// A parameter by the vendor's name, with its raw value, not URL-encoded.
pub type WireParameter<'a> = (Cow<'a, str>, Cow<'a, str>);

/// Sorts by name in byte order: `_` before `a`, `endTime` before `endhour`.
pub fn sort(parameters: &mut [WireParameter<'_>]) {
    parameters.sort_by(|left, right| left.0.as_bytes().cmp(right.0.as_bytes()));
}

/// `[sign]` of a pack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signing {
    /// `over`: the parameters that take part; `None` for all.
    pub over: Option<Vec<String>>,
    /// `except`: parameters that never take part.
    pub except: Vec<String>,
    /// `body_as`: the body takes part as a parameter of this name.
    pub body_as: Option<String>,
    /// `empty`: whether parameters without a value take part.
    pub signs_empty: bool,
    /// `order`: by name in byte order, or as `over` lists them.
    pub order: Order,
    /// `pair`: how one parameter is written.
    pub pair: Vec<PairPart>,
    /// `join`: the text between two parameters.
    pub join: String,
    /// The digests, one to three, each of which may use the output of earlier ones.
    pub stages: Vec<Stage>,
    /// Where the signature is sent.
    pub place: SentIn,
}

/// The order in which parameters are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// By name, in byte order.
    Bytes,
    /// As `over` lists them.
    Listed,
}

/// Where a value outside the business parameters is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SentIn {
    /// As a parameter.
    Parameter(String),
    /// In a header.
    Header(String),
}

/// A part of the form in which a parameter is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PairPart {
    /// A literal text.
    Literal(String),
    /// `{k}`: the name.
    Name,
    /// `{v}`: the value.
    Value,
    /// `{vjson}`: the value as a JSON string.
    ValueAsJson,
    /// `{klen:02}`: the length of the name in UTF-8 bytes, with at least this many digits.
    NameLength(usize),
    /// `{vlen:04}`: the length of the value in UTF-8 bytes, with at least this many digits.
    ValueLength(usize),
}

/// One digest of the signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// `text`: the text that is digested.
    pub text: Template,
    /// `digest`: the algorithm.
    pub digest: Digest,
    /// `key`: the key of an HMAC.
    pub key: Template,
    /// `out`: how the digest is written.
    pub out: Output,
}

/// A digest algorithm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Digest {
    /// `none`: the text itself.
    None,
    /// `md5`.
    Md5,
    /// `sha1`.
    Sha1,
    /// `sha256`.
    Sha256,
    /// `sha512`.
    Sha512,
    /// `hmac-md5`.
    HmacMd5,
    /// `hmac-sha1`.
    HmacSha1,
    /// `hmac-sha256`.
    HmacSha256,
    /// `hmac-sha512`.
    HmacSha512,
    /// `{credential.NAME}`: the algorithm that this field of the credential names.
    OfCredential(String),
}

/// The algorithms that a pack may name.
const DIGESTS: [(&str, Digest); 9] = [
    ("none", Digest::None),
    ("md5", Digest::Md5),
    ("sha1", Digest::Sha1),
    ("sha256", Digest::Sha256),
    ("sha512", Digest::Sha512),
    ("hmac-md5", Digest::HmacMd5),
    ("hmac-sha1", Digest::HmacSha1),
    ("hmac-sha256", Digest::HmacSha256),
    ("hmac-sha512", Digest::HmacSha512),
];

impl Digest {
    /// The algorithm of this name.
    pub fn named(name: &str) -> Option<Self> {
        DIGESTS.iter().find(|(own, _)| *own == name).map(|(_, digest)| digest.clone())
    }

    /// Whether the algorithm is an HMAC, which needs a key.
    pub const fn is_keyed(&self) -> bool {
        matches!(self, Self::HmacMd5 | Self::HmacSha1 | Self::HmacSha256 | Self::HmacSha512)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OfCredential(field) => write!(formatter, "{{credential.{field}}}"),
            digest => {
                let named = DIGESTS.iter().find(|(_, own)| own == digest);
                formatter.write_str(named.map_or("", |(name, _)| name))
            }
        }
    }
}

/// The form in which a digest is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// `hex`: lower-case hexadecimal digits.
    LowerHex,
    /// `HEX`: upper-case hexadecimal digits.
    UpperHex,
    /// `base64`: with padding (RFC 4648 §4).
    Base64,
}

/// The values of variables while a call is signed.
pub trait Values {
    /// The value of a variable that is the same for all stages. The signing itself fills in `{pairs}` and `{0}`.
    fn text(&self, variable: &Variable) -> Cow<'_, str>;
}

impl Signing {
    /// The signing with all variables that `known` resolves replaced by their values.
    #[must_use]
    pub fn with(&self, known: impl Fn(&Variable) -> Option<String>) -> Self {
        let digest = |digest: &Digest| match digest {
            Digest::OfCredential(name) => {
                let named = known(&Variable::Credential(name.clone()));
                // A credential has one of the choices, all of which are algorithms. The fallback is a digest, because
                // without one the secret would be the signature.
                named.and_then(|name| Digest::named(&name)).unwrap_or(Digest::Sha512)
            }
            digest => digest.clone(),
        };
        let stages = self.stages.iter().map(|stage| Stage {
            text: stage.text.with(&known),
            key: stage.key.with(&known),
            digest: digest(&stage.digest),
            out: stage.out,
        });
        Self { stages: stages.collect(), ..self.clone() }
    }

    /// Puts the parameters that take part into their order. A body that takes part is one of them already.
    pub fn pairs<'p, 'a>(&self, parameters: &'p [WireParameter<'a>]) -> Vec<&'p WireParameter<'a>> {
        let takes_part = |(name, value): &&WireParameter<'_>| {
            let is_named = self.over.as_ref().is_none_or(|over| over.iter().any(|own| own == name));
            is_named && !self.except.iter().any(|other| other == name) && (self.signs_empty || !value.is_empty())
        };
        let mut pairs: Vec<&WireParameter<'a>> = parameters.iter().filter(takes_part).collect();
        match (self.order, &self.over) {
            (Order::Listed, Some(over)) => {
                pairs.sort_by_key(|(name, _)| over.iter().position(|own| own == name));
            }
            _ => pairs.sort_by(|left, right| left.0.as_bytes().cmp(right.0.as_bytes())),
        }
        pairs
    }

    /// Signs these pairs.
    pub fn sign(&self, pairs: &[&WireParameter<'_>], values: &impl Values) -> String {
        let mut signed: Vec<String> = Vec::with_capacity(self.stages.len());
        for stage in &self.stages {
            let key = || self.written(&stage.key, pairs, values, &signed, None);
            let write = |sink: &mut dyn FnMut(&[u8])| self.write(&stage.text, pairs, values, &signed, None, sink);
            let text = stage.signature(key, write);
            signed.push(text);
        }
        signed.pop().unwrap_or_default()
    }

    /// The text that the first digest covers, with `mask` in place of the secret.
    pub fn explain(&self, pairs: &[&WireParameter<'_>], values: &impl Values, mask: &str) -> String {
        self.stages.first().map(|stage| self.written(&stage.text, pairs, values, &[], Some(mask))).unwrap_or_default()
    }

    fn written(
        &self,
        template: &Template,
        pairs: &[&WireParameter<'_>],
        values: &impl Values,
        earlier: &[String],
        mask: Option<&str>,
    ) -> String {
        let mut text = Vec::with_capacity(256);
        self.write(template, pairs, values, earlier, mask, &mut |bytes| text.extend_from_slice(bytes));
        String::from_utf8(text).unwrap_or_default()
    }

    fn write(
        &self,
        template: &Template,
        pairs: &[&WireParameter<'_>],
        values: &impl Values,
        earlier: &[String],
        mask: Option<&str>,
        sink: &mut dyn FnMut(&[u8]),
    ) {
        for part in &template.0 {
            match part {
                TemplatePart::Literal(text) => sink(text.as_bytes()),
                TemplatePart::Variable(Variable::Pairs) => self.write_pairs(pairs, sink),
                TemplatePart::Variable(Variable::Stage(number)) => {
                    sink(earlier.get(*number).map(String::as_bytes).unwrap_or_default());
                }
                TemplatePart::Variable(Variable::Secret) if mask.is_some() => sink(mask.unwrap_or_default().as_bytes()),
                TemplatePart::Variable(variable) => sink(values.text(variable).as_bytes()),
            }
        }
    }

    fn write_pairs(&self, pairs: &[&WireParameter<'_>], sink: &mut dyn FnMut(&[u8])) {
        for (place, (name, value)) in pairs.iter().enumerate() {
            if place > 0 && !self.join.is_empty() {
                sink(self.join.as_bytes());
            }
            for part in &self.pair {
                match part {
                    PairPart::Literal(text) => sink(text.as_bytes()),
                    PairPart::Name => sink(name.as_bytes()),
                    PairPart::Value => sink(value.as_bytes()),
                    PairPart::ValueAsJson => sink(as_json(value).as_bytes()),
                    PairPart::NameLength(digits) => sink(format!("{:0digits$}", name.len()).as_bytes()),
                    PairPart::ValueLength(digits) => sink(format!("{:0digits$}", value.len()).as_bytes()),
                }
            }
        }
    }
}

fn as_json(value: &str) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

impl Stage {
    fn signature(&self, key: impl FnOnce() -> String, write: impl Fn(&mut dyn FnMut(&[u8]))) -> String {
        macro_rules! digest {
            ($digest:ty) => {{
                let mut digest = <$digest>::new();
                write(&mut |bytes| digest.update(bytes));
                self.out.written(&digest.finalize())
            }};
        }
        macro_rules! hmac {
            ($digest:ty) => {{
                // HMAC accepts keys of any length (RFC 2104 §3).
                let Ok(mut hmac) = Hmac::<$digest>::new_from_slice(key().as_bytes()) else { return String::new() };
                write(&mut |bytes| hmac.update(bytes));
                self.out.written(&hmac.finalize().into_bytes())
            }};
        }
        let sha2 = |algorithm: &'static sha2::Algorithm| {
            let mut digest = sha2::Context::new(algorithm);
            write(&mut |bytes| digest.update(bytes));
            self.out.written(digest.finish().as_ref())
        };
        let sha2_hmac = |algorithm, key: String| {
            let mut hmac = sha2_hmac::Context::with_key(&sha2_hmac::Key::new(algorithm, key.as_bytes()));
            write(&mut |bytes| hmac.update(bytes));
            self.out.written(hmac.sign().as_ref())
        };
        match &self.digest {
            Digest::None | Digest::OfCredential(_) => {
                let mut text = Vec::new();
                write(&mut |bytes| text.extend_from_slice(bytes));
                String::from_utf8(text).unwrap_or_default()
            }
            Digest::Md5 => digest!(Md5),
            Digest::Sha1 => digest!(Sha1),
            Digest::Sha256 => sha2(&sha2::SHA256),
            Digest::Sha512 => sha2(&sha2::SHA512),
            Digest::HmacMd5 => hmac!(Md5),
            Digest::HmacSha1 => hmac!(Sha1),
            Digest::HmacSha256 => sha2_hmac(sha2_hmac::HMAC_SHA256, key()),
            Digest::HmacSha512 => sha2_hmac(sha2_hmac::HMAC_SHA512, key()),
        }
    }
}

impl Output {
    fn written(self, digest: &[u8]) -> String {
        match self {
            Self::LowerHex => base16ct::lower::encode_string(digest),
            Self::UpperHex => base16ct::upper::encode_string(digest),
            Self::Base64 => STANDARD.encode(digest),
        }
    }
}
