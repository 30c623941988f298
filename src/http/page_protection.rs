//! Security headers of pages: what a page may load, who may frame it, and what it may use.
//!
//! Responses of the API carry `nosniff` only. They are JSON, which no browser runs or renders as a page, and they
//! require a header that only a script can set. A policy for each of them would be bytes without an effect.

use actix_web::HttpResponseBuilder;
use actix_web::http::header::{
    CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_FRAME_OPTIONS,
};

/// The content policy of Swagger UI, which needs inline styles. Nothing is loaded from another host.
pub const SWAGGER_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
/// The content policy of the dashboard, which loads and calls this service alone.
pub const DASHBOARD_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
/// The content policy of the other pages, which have inline styles and nothing else.
pub const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; \
    form-action 'none'";

/// One year, the minimum of scanners and of the browsers' preload list. Subdomains are not included, since they may
/// belong to other services.
const HTTPS_ONLY: &str = "max-age=31536000";

const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");

/// How pages are protected.
#[derive(Clone, Copy, Debug)]
pub struct Protection {
    /// Whether clients use HTTPS. Otherwise a browser must not be told to insist on it (RFC 6797 §7.2).
    pub is_https: bool,
}

impl Protection {
    /// Adds the security headers of a page with this content policy.
    pub fn add_to(self, response: &mut HttpResponseBuilder, policy: &'static str) {
        response
            .insert_header((CONTENT_SECURITY_POLICY, policy))
            .insert_header((REFERRER_POLICY, "no-referrer"))
            .insert_header((X_FRAME_OPTIONS, "DENY"))
            .insert_header((PERMISSIONS_POLICY, "camera=(), geolocation=(), microphone=(), payment=(), usb=()"))
            .insert_header((OPENER_POLICY, "same-origin"))
            .insert_header((RESOURCE_POLICY, "same-origin"));
        if self.is_https {
            response.insert_header((STRICT_TRANSPORT_SECURITY, HTTPS_ONLY));
        }
    }
}
