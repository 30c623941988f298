//! Every operation of the document, by the crate that is made from it: what does not fit its types does not compile, and
//! what the service answers is held against what the sandbox is known to hold.

mod read;

use std::env;
use std::fmt::Debug;

use storegate_client::apis::configuration::Configuration;
use storegate_client::apis::{Error, cache_api, operations_api, tokens_api};

const GRANT: &str = "client_credentials";

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let named = |name| env::var(name).unwrap_or_else(|_| panic!("{name} is not set"));
    let nobody = Configuration { base_path: named("STOREGATE_URL"), ..Configuration::default() };
    let client = (named("CLIENT_ID"), named("CLIENT_SECRET"));
    let bearer = tokens(&nobody, &client.0, &client.1).await;
    read::stores(&bearer).await;
    read::flow(&bearer).await;
    read::demographics(&bearer).await;
    read::inspections(&bearer).await;
    read::developer_account(&bearer).await;
    let purged = must(cache_api::purge_cache(&bearer, Some("S_123456")).await);
    assert!(purged.dropped >= 1);
    operations(&nobody).await;
    println!("every operation answers what its types in Rust say");
}

/// A token for the rest, after one that was given back.
async fn tokens(nobody: &Configuration, id: &str, secret: &str) -> Configuration {
    let (id, secret) = (Some(id), Some(secret));
    let narrow = must(tokens_api::issue_token(nobody, GRANT, Some("stores:read"), id, secret).await);
    assert_eq!((narrow.token_type.as_str(), narrow.scope.as_str()), ("Bearer", "stores:read"));
    let token = narrow.access_token.as_str();
    let before = must(tokens_api::introspect_token(nobody, token, None, id, secret).await);
    assert!(before.active && before.client_id.as_deref() == id && before.scope.as_deref() == Some("stores:read"));
    must(tokens_api::revoke_token(nobody, token, None, id, secret).await);
    assert!(!must(tokens_api::introspect_token(nobody, token, None, id, secret).await).active);
    let wrong = tokens_api::issue_token(nobody, GRANT, None, id, Some("wrong")).await;
    assert_eq!(refused(wrong), 401);

    let wide = must(tokens_api::issue_token(nobody, GRANT, None, id, secret).await);
    assert!(wide.scope.split(' ').any(|scope| scope == "cache:purge") && wide.expires_in > 0);
    Configuration { bearer_access_token: Some(wide.access_token), ..nobody.clone() }
}

async fn operations(nobody: &Configuration) {
    let metadata = must(tokens_api::read_authorization_server_metadata(nobody).await);
    assert_eq!(metadata.token_endpoint, format!("{}/oauth/token", nobody.base_path));
    assert_eq!(must(tokens_api::read_jwks(nobody).await).keys[0].alg, "EdDSA");
    assert_eq!(must(operations_api::read_health(nobody).await).status, "ok");
    let gateways = must(operations_api::read_readiness(nobody).await).gateways;
    assert_eq!(gateways.iter().map(|state| state.gateway.as_str()).collect::<Vec<_>>(), ["opretail", "oms"]);
    assert!(must(operations_api::read_metrics(nobody).await).contains("storegate_gateway_calls_total"));
}

/// The answer; an error says what it is.
fn must<T, E: Debug>(answer: Result<T, Error<E>>) -> T {
    answer.unwrap_or_else(|error| panic!("{error:?}"))
}

/// The status of an answer that must be an error.
fn refused<T: Debug, E: Debug>(answer: Result<T, Error<E>>) -> u16 {
    match answer {
        Err(Error::ResponseError(error)) => error.status.as_u16(),
        other => panic!("not refused: {other:?}"),
    }
}
