//! Which client's hash an unknown id is checked against, so that it takes as long as a known one. A known id's check takes
//! the same time for as long as its secret stays; an unknown one's must, too, or asking again after a reload, a restart or
//! at another replica would tell them apart. So chance starts from the signing key, which all of these share and nobody
//! else has, and another client of a kind that is there already moves nothing.

use std::cmp::Reverse;

use aws_lc_rs::hmac::{self, HMAC_SHA256};

use super::clients::Client;
use super::keys::SigningKey;
use super::secrets::Cost;

/// What is signed for the key of the stand-ins. No token begins like this.
const PURPOSE: &[u8] = b"storegate: stand-ins of unknown clients";

/// Chooses stand-ins; prints no key.
#[derive(Clone, Debug)]
pub struct StandIns(hmac::Key);

impl StandIns {
    /// Chosen by this key. With another one, which a service gets once in a long while, they are others. A service without
    /// one has no clients, and so nothing to choose from.
    pub fn of(key: Option<&SigningKey>) -> Self {
        let secret = hmac::Key::new(HMAC_SHA256, key.map_or(&[][..], |key| key.encoding().as_bytes()));
        Self(hmac::Key::new(HMAC_SHA256, hmac::sign(&secret, PURPOSE).as_ref()))
    }

    /// Draws one of the costs for this id, each as likely as the others: the one with the highest lot, so that a cost that
    /// is new takes some ids over and leaves all others where they were.
    pub fn choose<'a>(&self, id: &str, candidates: &'a [Candidate]) -> Option<&'a Candidate> {
        candidates.iter().max_by_key(|candidate| self.lot(id, candidate.cost))
    }

    fn lot(&self, id: &str, cost: Cost) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.0);
        // The cost has always the same length, so the two cannot run into each other.
        context.update(&cost.to_bytes());
        context.update(id.as_bytes());
        let mut lot = [0; 32];
        lot.copy_from_slice(context.sign().as_ref());
        lot
    }
}

/// One of the clients whose secrets cost the same to check.
#[derive(Clone, Copy, Debug)]
pub struct Candidate {
    cost: Cost,
    /// Its place among the clients.
    pub index: usize,
}

impl Candidate {
    /// One for each cost.
    pub fn among(clients: &[Client]) -> Vec<Self> {
        let costs = clients.iter().enumerate().map(|(index, client)| Self { cost: client.secret.cost(), index });
        let mut candidates: Vec<Self> = costs.collect();
        candidates.sort_by_key(|candidate| (candidate.cost, Reverse(candidate.index)));
        candidates.dedup_by_key(|candidate| candidate.cost);
        candidates
    }
}

#[cfg(test)]
mod tests {
    use super::StandIns;
    use crate::auth::clients::{Client, Clients};
    use crate::auth::fixtures::{self, ed25519_key, shared_key};
    use crate::auth::keys::Key;
    use crate::auth::{AuthSettings, CurrentAuth};

    /// Whether the check of each unknown id is slow.
    fn choices(clients: &Clients) -> Vec<bool> {
        (0..256).map(|number| clients.needs_permit(&format!("unknown-{number}"))).collect()
    }

    fn with_another_client() -> AuthSettings {
        let mut settings = fixtures::settings();
        let slow = settings.clients.iter().find(|client| client.secret.is_slow()).unwrap().clone();
        settings.clients.push(Client { id: "another".to_owned(), ..slow });
        settings
    }

    #[test]
    fn a_reload_with_another_client_moves_no_unknown_id_to_another_kind() {
        let current = CurrentAuth::new(fixtures::auth().0);
        let before = choices(current.load().clients());
        assert!(before.contains(&true) && before.contains(&false));
        current.renew(with_another_client()).unwrap();
        assert_eq!(choices(current.load().clients()), before);
    }

    #[test]
    fn a_restart_and_another_replica_choose_alike() {
        assert_eq!(choices(fixtures::auth().0.clients()), choices(fixtures::auth().0.clients()));
    }

    #[test]
    fn whoever_does_not_have_the_key_cannot_foresee_the_choice() {
        let chosen = |key: &Key| {
            let stand_ins = StandIns::of(key.signing());
            assert!(!format!("{stand_ins:?}").contains(fixtures::SHARED_SECRET));
            choices(&Clients::new(fixtures::settings().clients, stand_ins))
        };
        assert_ne!(chosen(&ed25519_key()), chosen(&shared_key()));
    }
}
