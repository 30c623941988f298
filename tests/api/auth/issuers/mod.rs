//! Tokens of a tenant's own identity provider: found, verified, mapped, and what happens when the provider fails.

mod changes;
mod claims;
mod keys;
mod unavailable;

use serde_json::Value;
use storegate::auth::key_algorithm::KeyAlgorithm;

use crate::app::answer::Answer;
use crate::app::requests::FLOW;
use crate::app::waiting::eventually;
use crate::app::{Setup, TestApp};
use crate::peers::identity_provider::{IdentityProvider, ProviderKey};

fn trust(setup: &mut Setup, issuer: &str) {
    set(setup, "ISSUER", issuer);
    set(setup, "AUDIENCE", "storegate");
    set(setup, "TENANT", "acme");
}

fn set(setup: &mut Setup, name: &str, value: &str) {
    setup.set(&format!("AUTH__ISSUERS__LOGIN__{name}"), value);
}

fn app(provider: &IdentityProvider) -> TestApp {
    TestApp::with(|setup| trust(setup, &provider.issuer()))
}

fn key(kid: &str) -> ProviderKey {
    ProviderKey::new(kid, KeyAlgorithm::Es256)
}

async fn get(app: &TestApp, token: &str) -> Answer {
    app.send("GET", FLOW, &[("authorization", &format!("Bearer {token}"))], "").await
}

fn with(mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    claims
}

/// Waits until the answer is as wanted: a task of the service brings it about that nobody outside can see.
async fn until(app: &TestApp, token: &str, status: u16) {
    eventually("the status", async || get(app, token).await.status == status).await;
}
