//! The clients that may request tokens, and the check of their secrets (RFC 6749 §2.3.1). A secret that is not accepted
//! at once waits for a permit, whatever kind of hash its client has, and even if the id is unknown.

use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::time::Duration;

use actix_web::web;

use super::oauth_form::ClientCredentials;
use super::quota::Quota;
use super::secrets::SecretHash;
use super::verified_secrets::VerifiedSecrets;
use crate::fair_queue::{FairQueue, Permit, Principal, QueueFull};

/// The number of concurrent slow checks. Each takes 19 MiB and a whole core.
const SLOW_CHECKS_AT_ONCE: usize = 2;

/// The number of slow checks that may wait for a permit. Of one client's, most need no check any more when they get a
/// permit.
const SLOW_CHECKS_WAITING: usize = 128;

/// The longest wait of a slow check for a permit.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// How long a refusal without hashing holds its permit. It is about the time of a hash, so that the queue is equally
/// full whichever ids an attacker guesses. It also limits the number of concurrent refusals.
const UNHASHED_CHECK: Duration = Duration::from_millis(30);

/// A client with what its tokens may contain.
#[derive(Clone, Debug)]
pub struct Client {
    /// The client's id.
    pub id: String,
    /// The tenant whose gateway credentials and data its tokens can reach.
    pub tenant: String,
    /// The granted scopes, in the order of the configuration.
    pub scopes: Vec<String>,
    /// The only stores that it may read; `None` for all of the tenant's.
    pub stores: Option<Vec<String>>,
    /// The only organizations that it may read; `None` for all, unless `stores` limits it.
    pub organizations: Option<Vec<String>>,
    /// The client's quota; `None` for the default one.
    pub quota: Option<Quota>,
    /// The hash of its secret.
    pub secret: SecretHash,
}

/// Why a client is not authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthenticationError {
    /// The id is unknown or the secret is wrong; the caller does not learn which.
    #[error("the client id or the client secret is wrong")]
    WrongCredentials,
    /// There were too many failed logins; the value is the time to wait.
    #[error("there were too many wrong secrets")]
    RateLimited(Duration),
    /// The check did not run because the service is shutting down.
    #[error("the secret could not be checked now")]
    Interrupted,
    /// Too many secrets are being checked at the moment.
    #[error("too many secrets are being checked at the moment")]
    Busy,
}

/// The permits for slow checks: a few for all workers, shared fairly by those who wait.
#[derive(Debug)]
pub struct SlowChecks(FairQueue);

impl Default for SlowChecks {
    fn default() -> Self {
        Self(FairQueue::new(SLOW_CHECKS_AT_ONCE, SLOW_CHECKS_WAITING))
    }
}

impl SlowChecks {
    /// Waits for a permit. The queue is short on purpose, so that guesses cannot occupy memory or delay valid clients
    /// for long.
    ///
    /// # Errors
    /// Returns an error if the queue is full or the wait was too long.
    pub async fn enter(&self, principal: &Principal) -> Result<Permit, AuthenticationError> {
        self.0.acquire(principal, LONGEST_WAIT).await.map_err(|QueueFull| AuthenticationError::Busy)
    }
}

/// All configured clients.
#[derive(Debug)]
pub struct Clients {
    /// The clients, sorted by id.
    clients: Vec<Client>,
    verified: VerifiedSecrets,
    hasher: RandomState,
}

impl Clients {
    /// Creates the list of clients. Of two clients with the same id, the first counts.
    pub fn new(mut clients: Vec<Client>) -> Self {
        clients.sort_by(|one, other| one.id.cmp(&other.id));
        clients.dedup_by(|one, other| one.id == other.id);
        Self { clients, verified: VerifiedSecrets::default(), hasher: RandomState::new() }
    }

    /// Whether no client is configured.
    pub const fn is_empty(&self) -> bool {
        self.clients.is_empty()
    }

    /// Returns the client of this id, without any check.
    pub fn get(&self, id: &str) -> Option<&Client> {
        let index = self.clients.binary_search_by(|client| client.id.as_str().cmp(id)).ok()?;
        self.clients.get(index)
    }

    /// Returns the principal whose share of the slow checks an attempt uses: the tenant, then the client id, then the
    /// address. Guesses at one client, from however many addresses, therefore delay no other client. An unknown id gets
    /// the tenant of some client, or the wait would reveal which ids exist.
    pub fn principal(&self, id: &str, peer: IpAddr) -> Principal {
        let some_client = || {
            let count = u64::try_from(self.clients.len()).ok()?;
            let index = self.hasher.hash_one(id).checked_rem(count)?;
            self.clients.get(usize::try_from(index).ok()?)
        };
        let tenant = self.get(id).or_else(some_client).map_or("", |client| &client.tenant);
        Principal::of(&[tenant, id, &peer.to_string()])
    }

    /// Returns the client of these credentials, if they are valid and that is known without a slow check.
    pub fn authenticated_at_once(&self, credentials: &ClientCredentials, now: Duration) -> Option<&Client> {
        let ClientCredentials { id, secret, .. } = credentials;
        let client = self.get(id)?;
        let is_good = if client.secret.is_slow() {
            self.verified.contains(id, secret, now)
        } else {
            client.secret.matches(secret)
        };
        is_good.then_some(client)
    }

    /// Returns the client of the first valid pair of these credentials, which were not accepted at once. An unknown id
    /// costs no hashing.
    ///
    /// # Errors
    /// Returns [`AuthenticationError::WrongCredentials`] if no pair is valid.
    pub async fn authenticate(
        &self,
        credentials: &[&ClientCredentials],
        permit: Permit,
        now: Duration,
    ) -> Result<&Client, AuthenticationError> {
        let (mut permit, mut is_hashed) = (permit, false);
        for ClientCredentials { id, secret, .. } in credentials {
            let Some(client) = self.get(id).filter(|client| client.secret.is_slow()) else { continue };
            let (hash, given) = (client.secret.clone(), secret.clone());
            // The permit moves into the work: a caller who disconnects does not stop the work, and must not free its
            // permit.
            let check = web::block(move || (hash.matches(&given), permit));
            let (is_good, held) = check.await.map_err(|_| AuthenticationError::Interrupted)?;
            if is_good {
                self.verified.remember(id, secret, now);
                return Ok(client);
            }
            (permit, is_hashed) = (held, true);
        }
        if !is_hashed {
            tokio::time::sleep(UNHASHED_CHECK).await;
        }
        drop(permit);
        Err(AuthenticationError::WrongCredentials)
    }
}

#[cfg(test)]
mod tests {
    use super::{AuthenticationError, Client, ClientCredentials, Clients, SlowChecks};
    use crate::auth::fixtures::quick_argon2;
    use crate::auth::secrets::{SecretHash, sha256_hex};
    use crate::fair_queue::Principal;
    use secrecy::SecretString;
    use std::time::Duration;

    const NOW: Duration = Duration::from_secs(7);

    fn client(id: &str, tenant: &str, secret: SecretHash) -> Client {
        let (id, tenant) = (id.to_owned(), tenant.to_owned());
        Client { id, tenant, scopes: Vec::new(), stores: None, organizations: None, quota: None, secret }
    }

    fn clients() -> Clients {
        let made = SecretHash::from_sha256_hex(&sha256_hex(&SecretString::from("sgs_made")).into()).unwrap();
        let chosen = SecretHash::from_argon2(&quick_argon2("chosen").into()).unwrap();
        Clients::new(vec![client("person", "zenith", chosen), client("dashboard", "acme", made)])
    }

    async fn check(clients: &Clients, id: &str, secret: &str) -> Result<String, AuthenticationError> {
        let permit = SlowChecks::default().enter(&Principal::default()).await.unwrap();
        let credentials = ClientCredentials::new(id, secret);
        clients.authenticate(&[&credentials], permit, NOW).await.map(|client| client.id.clone())
    }

    fn is_accepted_at_once(clients: &Clients, id: &str, secret: &str) -> bool {
        clients.authenticated_at_once(&ClientCredentials::new(id, secret), NOW).is_some()
    }

    #[actix_web::test]
    async fn a_client_is_let_in_with_its_own_secret_of_either_kind() {
        let clients = clients();
        assert!(is_accepted_at_once(&clients, "dashboard", "sgs_made"));
        assert_eq!(check(&clients, "person", "chosen").await, Ok("person".to_owned()));
    }

    #[actix_web::test]
    async fn a_wrong_secret_and_an_unknown_id_get_the_same_answer() {
        let clients = clients();
        for (id, secret) in [("dashboard", "chosen"), ("person", "sgs_made"), ("person", ""), ("nobody", "sgs_made")] {
            assert!(!is_accepted_at_once(&clients, id, secret), "{id}");
            assert_eq!(check(&clients, id, secret).await, Err(AuthenticationError::WrongCredentials), "{id}");
        }
    }

    #[actix_web::test]
    async fn without_clients_nobody_is_let_in() {
        let nobody = Clients::new(Vec::new());
        assert!(!is_accepted_at_once(&nobody, "a", "b"));
        assert_eq!(check(&nobody, "a", "b").await, Err(AuthenticationError::WrongCredentials));
    }

    #[actix_web::test]
    async fn a_chosen_secret_that_was_right_is_known_for_a_while_and_no_other_is() {
        let clients = clients();
        assert!(!is_accepted_at_once(&clients, "person", "chosen"));
        assert_eq!(check(&clients, "person", "wrong").await, Err(AuthenticationError::WrongCredentials));
        assert!(!is_accepted_at_once(&clients, "person", "wrong"));
        assert_eq!(check(&clients, "person", "chosen").await, Ok("person".to_owned()));
        assert!(is_accepted_at_once(&clients, "person", "chosen"));
        assert!(
            !is_accepted_at_once(&clients, "person", "wrong") && !is_accepted_at_once(&clients, "nobody", "chosen")
        );
    }

    #[test]
    fn an_unknown_id_waits_among_those_of_a_tenant_that_a_known_one_might_have() {
        let (clients, peer) = (clients(), [192, 0, 2, 1].into());
        assert_eq!(clients.principal("person", peer), Principal::of(&["zenith", "person", "192.0.2.1"]));
        let is_of = |tenant, id: &str| clients.principal(id, peer) == Principal::of(&[tenant, id, "192.0.2.1"]);
        let unknown: Vec<String> = (0..256).map(|number| format!("unknown-{number}")).collect();
        let of_acme = unknown.iter().filter(|id| is_of("acme", id)).count();
        assert!((1..256).contains(&of_acme), "{of_acme}");
        assert!(unknown.iter().all(|id| is_of("acme", id) || is_of("zenith", id)));
    }
}
