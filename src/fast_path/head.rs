//! The part of a request head that the fast path reads: the few fields that a response depends on. A request with anything
//! unusual takes the normal path.

use actix_http::RequestHead;
use actix_web::http::Method;
use actix_web::http::header::HeaderValue;

/// The most header fields, and the most bytes of them. The normal path decides about larger heads.
const MOST_FIELDS: usize = 64;
const LARGEST_HEAD: usize = 15 << 10;
/// The longest field in bytes. Longer ones are rare and would fill the memory.
const LONGEST_FIELD: usize = 512;
const LONGEST_TARGET: usize = 512;
const LONGEST_AUTHORIZATION: usize = 4096;

/// The field that authenticates a request, as it was sent. It has no `Debug`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum SentCredential<'a> {
    /// `Authorization`.
    Authorization(&'a [u8]),
    /// `X-API-Key`.
    ApiKey(&'a [u8]),
}

impl<'a> SentCredential<'a> {
    /// Returns the bytes of the field.
    pub(super) const fn bytes(self) -> &'a [u8] {
        match self {
            Self::Authorization(bytes) | Self::ApiKey(bytes) => bytes,
        }
    }
}

/// The fields that a client usually sends with the same values in all its requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Profile<'a> {
    pub(super) host: &'a [u8],
    pub(super) accept: Option<&'a [u8]>,
    pub(super) accept_encoding: Option<&'a [u8]>,
}

/// The headers of a usual request on which a response depends, as they were sent. Requests with equal values have the
/// same response. It has no `Debug`, since it holds a token.
pub(super) struct HeadKey<'a> {
    pub(super) target: &'a str,
    pub(super) credential: SentCredential<'a>,
    pub(super) profile: Profile<'a>,
    pub(super) if_none_match: Option<&'a HeaderValue>,
}

impl<'a> HeadKey<'a> {
    /// Reads a `GET` of a path with a token. Returns `None` if anything about it is unusual.
    pub(super) fn read(head: &'a RequestHead) -> Option<Self> {
        let uri = &head.uri;
        if head.method != Method::GET || uri.authority().is_some() || head.upgrade() {
            return None;
        }
        let target = uri.path_and_query()?.as_str();
        let mut fields = HeadFields::default();
        let (mut lines, mut size) = (0, 0);
        for (name, value) in head.headers() {
            lines += 1;
            size += name.as_str().len() + value.len();
            fields.take(name.as_str(), value)?;
        }
        let host = fields.host?.as_bytes();
        let credential = match (fields.authorization, fields.api_key) {
            (Some(value), None) => SentCredential::Authorization(value.as_bytes()),
            (None, Some(value)) => SentCredential::ApiKey(value.as_bytes()),
            _ => return None,
        };
        let accept = fields.accept.map(HeaderValue::as_bytes);
        let accept_encoding = fields.accept_encoding.map(HeaderValue::as_bytes);
        let longest = [Some(host), accept, accept_encoding].into_iter().flatten().map(<[u8]>::len).max()?;
        let is_usual = target.len() <= LONGEST_TARGET
            && credential.bytes().len() <= LONGEST_AUTHORIZATION
            && longest <= LONGEST_FIELD
            && size <= LARGEST_HEAD
            && lines <= MOST_FIELDS;
        is_usual.then_some(Self {
            target,
            credential,
            profile: Profile { host, accept, accept_encoding },
            if_none_match: fields.if_none_match,
        })
    }
}

#[derive(Default)]
struct HeadFields<'a> {
    host: Option<&'a HeaderValue>,
    authorization: Option<&'a HeaderValue>,
    api_key: Option<&'a HeaderValue>,
    accept: Option<&'a HeaderValue>,
    accept_encoding: Option<&'a HeaderValue>,
    if_none_match: Option<&'a HeaderValue>,
}

impl<'a> HeadFields<'a> {
    /// Takes a field. Returns `None` if the field occurs twice, or changes what the request means.
    fn take(&mut self, name: &str, value: &'a HeaderValue) -> Option<()> {
        let place = match name {
            "host" => &mut self.host,
            "authorization" => &mut self.authorization,
            "x-api-key" => &mut self.api_key,
            "accept" => &mut self.accept,
            "accept-encoding" => &mut self.accept_encoding,
            "if-none-match" => &mut self.if_none_match,
            // Some clients send this field with every request.
            "content-length" if value == "0" => return Some(()),
            // These fields announce a body or another protocol, or bypass the cache.
            "cache-control" | "content-length" | "transfer-encoding" | "upgrade" | "expect" => return None,
            _ => return Some(()),
        };
        place.replace(value).is_none().then_some(())
    }
}
