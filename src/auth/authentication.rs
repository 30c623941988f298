//! How a client shows at the paths under `/oauth` that it is itself (RFC 6749 §2.3.1): limited in how often it may be
//! wrong, with the same answer for a wrong id and a wrong secret, and no more slow checks at once than the machine bears.

use std::net::{IpAddr, Ipv4Addr};

use actix_web::HttpRequest;

use super::Auth;
use super::clients::{AuthenticationError, Client};
use super::guesses::Guesser;
use super::oauth_error::OAuthError;
use super::oauth_form::ClientCredentials;
use crate::http::audit;
use crate::http::client_address;
use crate::http::exchange::{CallerIdentity, Exchange};
use crate::telemetry::metrics;

/// The client whose credentials these are.
///
/// # Errors
/// They are wrong (401), or somebody was wrong too often (429), or too many are being checked (503).
pub async fn authenticate<'a>(
    auth: &'a Auth,
    request: &HttpRequest,
    credentials: &ClientCredentials,
) -> Result<&'a Client, OAuthError> {
    let connection = request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |address| address.ip());
    let address = client_address::origin(connection, request.headers(), &auth.limits.trusted_proxies);
    let client_id = named_client(auth, credentials);
    let guesser = Guesser { peer: client_address::counted(address), client_id };
    let outcome = check(auth, guesser, credentials).await;
    metrics::client_authentication(match &outcome {
        Ok(_) => "accepted",
        Err(Refusal::Wrong) => "wrong",
        Err(Refusal::Unheard(_)) => "slow_down",
        Err(Refusal::Unchecked) => "unavailable",
    });
    match &outcome {
        Err(Refusal::Wrong) => audit::secret_refused(request, client_id, "wrong"),
        Err(Refusal::Unheard(_)) => audit::secret_refused(request, client_id, "slow_down"),
        Ok(_) | Err(Refusal::Unchecked) => {}
    }
    let client = outcome?;
    let identity = CallerIdentity { client_id: client.id.as_str().into(), tenant: client.tenant.as_str().into() };
    Exchange::of(request).note_caller(identity);
    Ok(client)
}

enum Refusal {
    Wrong,
    Unheard(std::time::Duration),
    Unchecked,
}

/// Which client wrong credentials count against.
fn named_client<'c>(auth: &Auth, credentials: &'c ClientCredentials) -> &'c str {
    let as_sent = credentials.as_sent.as_ref().map(|as_sent| as_sent.id.as_str());
    match as_sent.filter(|id| auth.clients.get(&credentials.id).is_none() && auth.clients.get(id).is_some()) {
        Some(id) => id,
        None => &credentials.id,
    }
}

/// Compares the pair as it is decoded, and then as it was sent. To be wrong in both ways is to be wrong once.
async fn check<'a>(
    auth: &'a Auth,
    guesser: Guesser<'_>,
    credentials: &ClientCredentials,
) -> Result<&'a Client, Refusal> {
    let mut checked = check_pair(auth, guesser, credentials).await;
    if let (Err(Refusal::Wrong), Some(as_sent)) = (&checked, &credentials.as_sent) {
        checked = check_pair(auth, guesser, as_sent).await;
    }
    if matches!(checked, Err(Refusal::Wrong)) {
        auth.memory.guesses.count(guesser, auth.limits.wrong_secrets, auth.clock.elapsed());
    }
    checked
}

async fn check_pair<'a>(
    auth: &'a Auth,
    guesser: Guesser<'_>,
    credentials: &ClientCredentials,
) -> Result<&'a Client, Refusal> {
    let (memory, clients) = (&auth.memory, &auth.clients);
    let (rate, clock) = (auth.limits.wrong_secrets, &auth.clock);
    let heard = || memory.guesses.check(guesser, rate, clock.elapsed()).map_err(Refusal::Unheard);
    heard()?;
    let ClientCredentials { id, secret, .. } = credentials;
    let mut permit = None;
    if clients.needs_permit(id) {
        if let Some(client) = clients.verified_before(id, secret, clock.elapsed()) {
            return Ok(client);
        }
        permit = Some(memory.slow_checks.enter(&clients.principal(id, guesser.peer)).await?);
        // Others may have been wrong in the meantime, or a queue full of guesses would all be heard; or right.
        heard()?;
        if let Some(client) = clients.verified_before(id, secret, clock.elapsed()) {
            return Ok(client);
        }
    }
    Ok(clients.authenticate(id, secret, permit, clock.elapsed()).await?)
}

impl From<AuthenticationError> for Refusal {
    fn from(error: AuthenticationError) -> Self {
        match error {
            AuthenticationError::WrongCredentials => Self::Wrong,
            AuthenticationError::Interrupted | AuthenticationError::Busy => Self::Unchecked,
        }
    }
}

impl From<Refusal> for OAuthError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Wrong => Self::invalid_client("The client id or the client secret is wrong"),
            Refusal::Unheard(wait) => Self::slow_down(wait),
            Refusal::Unchecked => Self::temporarily_unavailable(),
        }
    }
}
