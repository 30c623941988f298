//! Authentication of clients at the paths under `/oauth` (RFC 6749 §2.3.1). Failed logins are limited. A wrong id and a
//! wrong secret get the same response after the same time, and slow checks are limited to what the machine bears.

use std::iter;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use actix_web::HttpRequest;

use super::Auth;
use super::clients::{AuthenticationError, Client};
use super::failed_logins::LoginAttempt;
use super::oauth_error::OAuthError;
use super::oauth_form::ClientCredentials;
use crate::clock::Periods;
use crate::http::audit;
use crate::http::client_address;
use crate::http::exchange::{CallerIdentity, Exchange};
use crate::telemetry::metrics;

/// When a refusal is sent, counted from the request, or a multiple of it if checks or their queue took longer. It is
/// longer than the check of a hash with 64 MiB and three passes (RFC 9106 §4), and shorter than any
/// `server.request_timeout`.
const REFUSAL_PERIOD: Duration = Duration::from_millis(800);

/// Authenticates a client by its credentials.
///
/// # Errors
/// Returns 401 for wrong credentials, 429 after too many failed logins, and 503 while too many secrets are being
/// checked.
pub async fn authenticate<'a>(
    auth: &'a Auth,
    request: &HttpRequest,
    credentials: &ClientCredentials,
) -> Result<&'a Client, OAuthError> {
    let periods = Periods::of(REFUSAL_PERIOD);
    let connection = request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |address| address.ip());
    let address = client_address::origin(connection, request.headers(), &auth.limits.trusted_proxies);
    let client_id = named_client(auth, credentials);
    let attempt = LoginAttempt { peer: client_address::counted(address), client_id };
    let admitted = check_limit(auth, attempt);
    let outcome = match admitted {
        Ok(()) => check(auth, attempt, credentials).await,
        Err(error) => Err(error),
    };
    let label = match outcome {
        Ok(_) => "accepted",
        Err(AuthenticationError::WrongCredentials) => "wrong",
        Err(AuthenticationError::RateLimited(_)) => "slow_down",
        Err(AuthenticationError::Interrupted | AuthenticationError::Busy) => "unavailable",
    };
    metrics::client_authentications(label).increment(1);
    if matches!(outcome, Err(AuthenticationError::WrongCredentials | AuthenticationError::RateLimited(_))) {
        audit::secret_refused(request, client_id, label);
        // The response is delayed only after the failure is counted: a caller who disconnects was refused all the same.
        if admitted.is_ok() {
            periods.end().await;
        }
    }
    let client = outcome?;
    let identity = CallerIdentity { client_id: client.id.as_str().into(), tenant: client.tenant.as_str().into() };
    Exchange::of(request).note_caller(identity);
    Ok(client)
}

/// Returns the client against which wrong credentials count.
fn named_client<'c>(auth: &Auth, credentials: &'c ClientCredentials) -> &'c str {
    let as_sent = credentials.as_sent.as_ref().map(|as_sent| as_sent.id.as_str());
    match as_sent.filter(|id| auth.clients.get(&credentials.id).is_none() && auth.clients.get(id).is_some()) {
        Some(id) => id,
        None => &credentials.id,
    }
}

fn check_limit(auth: &Auth, attempt: LoginAttempt<'_>) -> Result<(), AuthenticationError> {
    let (rate, now) = (auth.limits.wrong_secrets, auth.clock.elapsed());
    auth.memory.failed_logins.check(attempt, rate, now).map_err(AuthenticationError::RateLimited)
}

/// Compares the pair as it is decoded, and then as it was sent. If both are wrong, that counts as one failure.
async fn check<'a>(
    auth: &'a Auth,
    attempt: LoginAttempt<'_>,
    credentials: &ClientCredentials,
) -> Result<&'a Client, AuthenticationError> {
    let (memory, clients, clock) = (&auth.memory, &auth.clients, &auth.clock);
    let pairs: Vec<&ClientCredentials> = iter::once(credentials).chain(credentials.as_sent.as_deref()).collect();
    let at_once = || pairs.iter().find_map(|pair| clients.authenticated_at_once(pair, clock.elapsed()));
    if let Some(client) = at_once() {
        return Ok(client);
    }
    let permit = memory.slow_checks.enter(&clients.principal(attempt.client_id, attempt.peer)).await?;
    // Other attempts may have failed meanwhile, or else a queue full of guesses would all be checked; or one may have
    // succeeded.
    check_limit(auth, attempt)?;
    if let Some(client) = at_once() {
        return Ok(client);
    }
    let checked = clients.authenticate(&pairs, permit, clock.elapsed()).await;
    if matches!(checked, Err(AuthenticationError::WrongCredentials)) {
        memory.failed_logins.count(attempt, auth.limits.wrong_secrets, clock.elapsed());
    }
    checked
}

impl From<AuthenticationError> for OAuthError {
    fn from(error: AuthenticationError) -> Self {
        match error {
            AuthenticationError::WrongCredentials => {
                Self::invalid_client("The client id or the client secret is wrong")
            }
            AuthenticationError::RateLimited(wait) => Self::slow_down(wait),
            AuthenticationError::Interrupted | AuthenticationError::Busy => Self::temporarily_unavailable(),
        }
    }
}

#[cfg(test)]
mod tests;
