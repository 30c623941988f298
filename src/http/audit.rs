//! The audit log, for investigations of misuse: which credentials were refused, who purged or read what, and from
//! where. Its lines have the target `storegate::audit` and belong to no span, so that a filter can select them alone.
//!
//! Queries may contain names of people, so only store ids are logged. Of a refused credential, the claimed client id is
//! logged if it looks like an id; the credential never is.

use actix_web::HttpRequest;

use super::exchange::Exchange;
use super::redacted_path;
use crate::telemetry::traces::AnsweredRequest;

const TARGET: &str = "storegate::audit";

/// The longest logged client id. No id is longer, but every token and most secrets are.
const LONGEST_CLIENT: usize = 64;

/// Logs that a token was refused.
pub fn token_refused(request: &HttpRequest, claimed_client: Option<&str>, reason: &str) {
    let exchange = Exchange::of(request);
    tracing::info!(
        target: TARGET,
        parent: None,
        id = &*exchange.id,
        path = exchange.path,
        client_address = exchange.client_address.map(display),
        claimed_client_id = claimed_client.and_then(shown_client),
        reason,
        "token refused"
    );
}

/// Logs that a client's secret was refused because it is wrong, or because too many were wrong before.
pub fn secret_refused(request: &HttpRequest, claimed_client: &str, reason: &'static str) {
    let exchange = Exchange::of(request);
    tracing::info!(
        target: TARGET,
        parent: None,
        id = &*exchange.id,
        path = exchange.path,
        client_address = exchange.client_address.map(display),
        claimed_client_id = shown_client(claimed_client),
        reason,
        "client secret refused"
    );
}

/// Logs that a client revoked the token with this id (`jti`).
pub fn token_revoked(request: &HttpRequest, client_id: &str, tenant: &str, token_id: &str) {
    let exchange = Exchange::of(request);
    tracing::info!(
        target: TARGET,
        parent: None,
        id = &*exchange.id,
        client_address = exchange.client_address.map(display),
        client_id,
        tenant,
        token_id,
        "token revoked"
    );
}

/// Logs that cached responses about these stores, or all, were purged.
pub fn purged(request: &HttpRequest, client_id: &str, tenant: &str, stores: Option<&[String]>, dropped: u64) {
    let exchange = Exchange::of(request);
    tracing::info!(
        target: TARGET,
        parent: None,
        id = &*exchange.id,
        client_address = exchange.client_address.map(display),
        client_id,
        tenant,
        stores = stores.map_or_else(|| "all".to_owned(), |stores| stores.join(",")),
        dropped,
        "cache purged"
    );
}

/// Logs that a caller requested these stores in a query.
pub fn stores_requested(answered: &AnsweredRequest<'_>, stores: &str) {
    let Some((client_id, tenant)) = answered.caller else { return };
    tracing::info!(
        target: TARGET,
        parent: None,
        id = answered.id,
        path = answered.path,
        client_address = answered.client_address.map(display),
        client_id,
        tenant,
        status = answered.status,
        stores,
        "stores requested"
    );
}

/// Returns the text if it looks like an id and not like a credential: a caller may swap the two fields of a form.
fn shown_client(claimed: &str) -> Option<&str> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:/@".contains(&byte);
    let is_id = (1..=LONGEST_CLIENT).contains(&claimed.len())
        && claimed.bytes().all(is_allowed)
        && redacted_path::of(claimed) == claimed;
    is_id.then_some(claimed)
}

#[cfg(test)]
mod tests {
    use super::shown_client;

    #[test]
    fn a_client_is_named_unless_it_may_be_a_credential() {
        for id in ["dashboard", "0oa-1:a.b", "https://login.example.com/app", "a@b"] {
            assert_eq!(shown_client(id), Some(id));
        }
        for other in ["", "a b", "a\nb", "sgs_abc", "sgk_abc", "eyJh.eyJi.c", &"x".repeat(65), "s€cret"] {
            assert_eq!(shown_client(other), None, "{other}");
        }
    }
}
