//! Lines for those who look into misuse: which credentials were refused, who dropped or read what, and from where. They have a
//! target of their own, `storegate::audit`, and stand in no span, so that a filter can keep them alone.
//!
//! Queries may hold names of people, so that only ids of stores are taken from them. Of a refused credential the client that it
//! claims to be is named, if that looks like an id; never the credential.

use actix_web::HttpRequest;

use super::access_log::AccessLine;
use super::exchange::Exchange;
use super::redacted_path;

const TARGET: &str = "storegate::audit";

/// No id of a client is longer, and every token and most secrets are.
const LONGEST_CLIENT: usize = 64;

/// What the secrets begin with that `storegate secret new` makes. Who mixes up the two fields of a form finds neither here.
const SECRET_PREFIX: &str = "sgs_";

/// A token was refused.
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

/// A client's secret was refused: it is wrong, or too many were before.
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

/// A client gave back the token with this id (`jti`).
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

/// Cached answers were dropped, those about these stores or all.
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

/// A caller asked for these stores by a query.
pub fn stores_requested(line: &AccessLine<'_>, stores: &str) {
    let Some((client_id, tenant)) = line.caller else { return };
    tracing::info!(
        target: TARGET,
        parent: None,
        id = line.id,
        path = line.path,
        client_address = line.client_address.map(display),
        client_id,
        tenant,
        status = line.status,
        stores,
        "stores requested"
    );
}

/// What looks like an id, and not like a credential.
fn shown_client(claimed: &str) -> Option<&str> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:/@".contains(&byte);
    let is_id = (1..=LONGEST_CLIENT).contains(&claimed.len())
        && claimed.bytes().all(is_allowed)
        && !claimed.starts_with(SECRET_PREFIX)
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
        for other in ["", "a b", "a\nb", "sgs_abc", "eyJh.eyJi.c", &"x".repeat(65), "s€cret"] {
            assert_eq!(shown_client(other), None, "{other}");
        }
    }
}
