//! The clients that may ask for tokens, and the check of their secrets (RFC 6749 §2.3.1).
//! An unknown id costs the same work and gets the same answer as a wrong secret.

use std::net::IpAddr;
use std::time::Duration;

use actix_web::web;
use secrecy::SecretString;

use super::quota::Quota;
use super::secrets::SecretHash;
use super::stand_ins::{Candidate, StandIns};
use super::verified_secrets::VerifiedSecrets;
use crate::fair_queue::{FairQueue, Full, Permit, Principal};

/// How many slow checks run at once: each takes 19 MiB and a whole core.
const SLOW_CHECKS_AT_ONCE: usize = 2;

/// How many slow checks wait for their turn. Of one client, most need no check any more when theirs has come.
const SLOW_CHECKS_WAITING: usize = 128;

/// How long a slow check waits for its turn.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// A client, and what its tokens may hold.
#[derive(Clone, Debug)]
pub struct Client {
    /// The client's id.
    pub id: String,
    /// Whose gateway credentials and data its tokens reach.
    pub tenant: String,
    /// The scopes that it may have, in the order of the configuration.
    pub scopes: Vec<String>,
    /// The only stores that it may read; `None` for all of the tenant's.
    pub stores: Option<Vec<String>>,
    /// The only organizations that it may read; `None` for all, unless `stores` limits it.
    pub organizations: Option<Vec<String>>,
    /// How much it may ask; `None` for what everybody may.
    pub quota: Option<Quota>,
    /// The hash of its secret.
    pub secret: SecretHash,
}

/// Why a client is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthenticationError {
    /// The id is unknown or the secret is wrong; which of them is nobody's business.
    #[error("the client id or the client secret is wrong")]
    WrongCredentials,
    /// The check could not run, because the service is stopping.
    #[error("the secret could not be checked now")]
    Interrupted,
    /// So many secrets are being checked already that another would only wait.
    #[error("too many secrets are being checked at the moment")]
    Busy,
}

/// Room for checks that take long, for all workers, and fairly for all who want to be checked.
#[derive(Debug)]
pub struct SlowChecks(FairQueue);

impl Default for SlowChecks {
    fn default() -> Self {
        Self(FairQueue::new(SLOW_CHECKS_AT_ONCE, SLOW_CHECKS_WAITING))
    }
}

impl SlowChecks {
    /// Waits for a permit, in a queue that is short on purpose: guesses must not hold memory and right clients for long.
    ///
    /// # Errors
    /// The queue is full, or was waited in for too long.
    pub async fn enter(&self, principal: &Principal) -> Result<Permit, AuthenticationError> {
        self.0.acquire(principal, LONGEST_WAIT).await.map_err(|Full| AuthenticationError::Busy)
    }
}

/// All clients.
#[derive(Debug)]
pub struct Clients {
    /// Sorted by id.
    clients: Vec<Client>,
    /// Found once, or an unknown id would take the longer the more clients there are.
    candidates: Vec<Candidate>,
    stand_ins: StandIns,
    verified: VerifiedSecrets,
}

impl Clients {
    /// The clients that may ask for tokens. Of two with the same id, the first counts.
    pub fn new(mut clients: Vec<Client>, stand_ins: StandIns) -> Self {
        clients.sort_by(|one, other| one.id.cmp(&other.id));
        clients.dedup_by(|one, other| one.id == other.id);
        let verified = VerifiedSecrets::default();
        Self { candidates: Candidate::among(&clients), clients, stand_ins, verified }
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.clients.is_empty()
    }

    /// The client of this id, without any check.
    pub fn get(&self, id: &str) -> Option<&Client> {
        let index = self.clients.binary_search_by(|client| client.id.as_str().cmp(id)).ok()?;
        self.clients.get(index)
    }

    /// Whether the check of this id's secret takes so long that it needs a [`Permit`]; true for unknown ids, too, if it is
    /// for their stand-in.
    pub fn needs_permit(&self, id: &str) -> bool {
        let stand_in = self.stand_in(id);
        self.get(id).or(stand_in).is_some_and(|client| client.secret.is_slow())
    }

    /// Whose share of the slow checks one of this id uses: its tenant's, there the id's own, and there that of the address, so
    /// that guesses at one client, from however many addresses, keep no other client waiting. An unknown id has the tenant of
    /// its stand-in, or waiting would tell which ids are known.
    pub fn principal(&self, id: &str, peer: IpAddr) -> Principal {
        let stand_in = self.stand_in(id);
        let tenant = self.get(id).or(stand_in).map_or("", |client| &client.tenant);
        Principal::of(&[tenant, id, &peer.to_string()])
    }

    /// The client of this id, if the secret was verified to be its own a moment ago.
    pub fn verified_before(&self, id: &str, secret: &SecretString, now: Duration) -> Option<&Client> {
        self.get(id).filter(|client| client.secret.is_slow() && self.verified.contains(id, secret, now))
    }

    /// The client of this id, if the secret is its own. A slow check takes a permit along.
    ///
    /// # Errors
    /// The id is unknown or the secret is wrong.
    pub async fn authenticate(
        &self,
        id: &str,
        secret: &SecretString,
        permit: Option<Permit>,
        now: Duration,
    ) -> Result<&Client, AuthenticationError> {
        let (known, stand_in) = (self.get(id), self.stand_in(id));
        let checked = known.or(stand_in).ok_or(AuthenticationError::WrongCredentials)?;
        let matches = matches(&checked.secret, secret, permit).await?;
        let client = known.filter(|_| matches).ok_or(AuthenticationError::WrongCredentials)?;
        if client.secret.is_slow() {
            self.verified.remember(id, secret, now);
        }
        Ok(client)
    }

    /// The client whose hash an unknown id is checked against. It is looked for with known ids, too, since looking takes
    /// time.
    fn stand_in(&self, id: &str) -> Option<&Client> {
        self.clients.get(self.stand_ins.choose(id, &self.candidates)?.index)
    }
}

async fn matches(
    hash: &SecretHash,
    secret: &SecretString,
    permit: Option<Permit>,
) -> Result<bool, AuthenticationError> {
    if !hash.is_slow() {
        return Ok(hash.matches(secret));
    }
    let (hash, secret) = (hash.clone(), secret.clone());
    // The permit goes along: a caller who leaves does not stop the work, and must not make room for more.
    let check = web::block(move || {
        let matches = hash.matches(&secret);
        drop(permit);
        matches
    });
    check.await.map_err(|_| AuthenticationError::Interrupted)
}

#[cfg(test)]
mod tests {
    use super::{AuthenticationError, Client, Clients};
    use crate::auth::fixtures::{quick_argon2, shared_key};
    use crate::auth::secrets::{SecretHash, sha256_hex};
    use crate::auth::stand_ins::StandIns;
    use crate::fair_queue::Principal;
    use secrecy::SecretString;
    use std::time::Duration;

    const NOW: Duration = Duration::from_secs(7);

    fn client(id: &str, secret: SecretHash) -> Client {
        let (id, tenant) = (id.to_owned(), "acme".to_owned());
        Client { id, tenant, scopes: Vec::new(), stores: None, organizations: None, quota: None, secret }
    }

    fn clients() -> Clients {
        let made = SecretHash::from_sha256_hex(&sha256_hex(&SecretString::from("sgs_made")).into()).unwrap();
        let chosen = SecretHash::from_argon2(&quick_argon2("chosen").into()).unwrap();
        Clients::new(vec![client("person", chosen), client("dashboard", made)], stand_ins())
    }

    fn stand_ins() -> StandIns {
        StandIns::of(shared_key().signing())
    }

    async fn check(clients: &Clients, id: &str, secret: &str) -> Result<String, AuthenticationError> {
        clients.authenticate(id, &SecretString::from(secret), None, NOW).await.map(|client| client.id.clone())
    }

    #[actix_web::test]
    async fn a_client_is_let_in_with_its_own_secret_of_either_kind() {
        let clients = clients();
        assert_eq!(check(&clients, "dashboard", "sgs_made").await, Ok("dashboard".to_owned()));
        assert_eq!(check(&clients, "person", "chosen").await, Ok("person".to_owned()));
    }

    #[actix_web::test]
    async fn a_wrong_secret_and_an_unknown_id_get_the_same_answer() {
        let clients = clients();
        for (id, secret) in [("dashboard", "chosen"), ("person", "sgs_made"), ("person", ""), ("nobody", "sgs_made")] {
            assert_eq!(check(&clients, id, secret).await, Err(AuthenticationError::WrongCredentials), "{id}");
        }
    }

    #[actix_web::test]
    async fn an_unknown_id_is_refused_even_with_the_secret_of_its_stand_in() {
        let clients = clients();
        for number in 0..32 {
            let id = format!("unknown-{number}");
            let stand_in = clients.stand_in(&id).unwrap();
            let secret = if stand_in.id == "person" { "chosen" } else { "sgs_made" };
            assert_eq!(check(&clients, &id, secret).await, Err(AuthenticationError::WrongCredentials));
        }
    }

    #[test]
    fn every_kind_of_client_stands_in_for_some_unknown_id_and_always_for_the_same() {
        let clients = clients();
        let stand_in = |id: &str| clients.stand_in(id).unwrap().id.clone();
        let names: std::collections::BTreeSet<String> = (0..256).map(|id| stand_in(&id.to_string())).collect();
        assert_eq!(names.len(), 2);
        assert_eq!(stand_in("nobody"), stand_in("nobody"));
    }

    #[actix_web::test]
    async fn without_clients_nobody_is_let_in() {
        assert_eq!(
            check(&Clients::new(Vec::new(), stand_ins()), "a", "b").await,
            Err(AuthenticationError::WrongCredentials)
        );
    }

    #[actix_web::test]
    async fn a_chosen_secret_that_was_right_is_known_for_a_while_and_no_other_is() {
        let clients = clients();
        let before = |id, secret: &str| clients.verified_before(id, &SecretString::from(secret), NOW).is_some();
        assert!(!before("person", "chosen"));
        assert_eq!(check(&clients, "person", "wrong").await, Err(AuthenticationError::WrongCredentials));
        assert!(!before("person", "wrong"));
        assert_eq!(check(&clients, "person", "chosen").await, Ok("person".to_owned()));
        assert!(before("person", "chosen"));
        assert!(!before("person", "wrong") && !before("nobody", "chosen") && !before("dashboard", "sgs_made"));
    }

    #[test]
    fn an_unknown_id_waits_among_those_of_the_tenant_that_a_known_one_might_have() {
        let (clients, peer) = (clients(), [192, 0, 2, 1].into());
        assert_eq!(clients.principal("nobody", peer), Principal::of(&["acme", "nobody", "192.0.2.1"]));
    }
}
