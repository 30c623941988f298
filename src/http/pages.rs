//! Static pages and files for browsers, each with its validator and content policy.

use std::convert::Infallible;
use std::hash::{DefaultHasher, Hash, Hasher};

use actix_web::body::SizedStream;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use futures_util::{Stream, stream};

use super::page_protection::Protection;
use super::reply;

const PIECE: usize = 32 << 10;

/// The media type of pages.
pub const HTML: &str = "text/html; charset=utf-8";

/// A file with its entity tag, which is computed once because some files exceed a megabyte.
#[derive(Clone)]
pub struct StaticPage {
    body: Bytes,
    etag: String,
    content_type: String,
}

impl StaticPage {
    /// Creates a page of this media type.
    pub fn new(content_type: impl Into<String>, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        let mut hasher = DefaultHasher::new();
        body.hash(&mut hasher);
        Self { etag: format!("\"{:016x}\"", hasher.finish()), content_type: content_type.into(), body }
    }

    /// Responds with the file, or with 304 if the client has it. Clients must revalidate it, since it changes with the
    /// program.
    pub fn unless_known(self, request: &HttpRequest, protection: Protection, policy: &'static str) -> HttpResponse {
        let Self { body, etag, content_type } = self;
        let known = reply::is_known(request, &etag);
        let mut response = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
        response.insert_header((ETAG, etag)).insert_header((CACHE_CONTROL, "no-cache"));
        if known {
            return response.finish();
        }
        protection.add_to(&mut response, policy);
        response.insert_header((CONTENT_TYPE, content_type)).body(in_pieces(body))
    }
}

/// Splits the body into pieces. The connection copies what it writes next, and a client that reads slowly, or not at
/// all, should occupy no more than a piece.
fn in_pieces(body: Bytes) -> SizedStream<impl Stream<Item = Result<Bytes, Infallible>>> {
    let length = body.len();
    let pieces = (0..length).step_by(PIECE).map(move |at| Ok(body.slice(at..length.min(at + PIECE))));
    SizedStream::new(u64::try_from(length).unwrap_or(u64::MAX), stream::iter(pieces))
}
