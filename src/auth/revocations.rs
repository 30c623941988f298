//! Revoked tokens. Those revoked by their clients (RFC 7009) are stored in this process and sent to all replicas that
//! share a Redis, until they would have expired. Others are listed by the operator in a file.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::replicas::Replicas;
use crate::replicas::journal::{ReplicaEvent, RevokedToken as RevocationMessage};
use crate::settings::{MOST_OF_A_LIST, Section, text_of_file};
use crate::sha256::sha256_half;

/// The most revoked tokens that are stored per client: some 600 KiB. Each client has its own room, so no revocation is
/// refused because of what others revoked. The configuration limits the number of clients.
const MOST_OF_A_CLIENT: usize = 10_000;
/// The most revoked tokens that are stored when other replicas send them: some 60 MiB. Which clients they name is not
/// known here.
const MOST_RECEIVED: usize = 1_000_000;
/// The most tokens that a file may list.
const MOST_LISTED: usize = 100_000;
/// How often expired tokens are removed, in seconds.
const SWEEP_SECONDS: i64 = 60;

/// There is no room to store another revoked token. None is ever removed to make room: a revoked token must stay
/// revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no room to store another revoked token")]
pub struct RevocationListFull;

/// The tokens that their clients revoked.
#[derive(Debug, Default)]
pub struct RevokedTokens {
    /// How many tokens were ever revoked. It is read without a lock, since nearly always it is zero or as it was.
    pub(super) revocations: AtomicU64,
    tokens: RwLock<RevocationStore>,
    replicas: Option<Replicas>,
}

/// The identity of a token in all replicas. Ids can be as long as tokens, so half of a hash is stored.
type TokenHash = [u8; 16];

#[derive(Debug, Default)]
struct RevocationStore {
    by_key: HashMap<TokenHash, RevocationEntry>,
    of_client: HashMap<Arc<str>, usize>,
    /// Time of the last removal in seconds since 1970.
    swept: i64,
}

#[derive(Debug)]
struct RevocationEntry {
    client: Arc<str>,
    /// The token's expiry in seconds since 1970; from then on the token is refused anyway.
    until: i64,
}

impl RevocationStore {
    fn has_room(&self, client: &str, most: usize) -> bool {
        self.by_key.len() < most && self.of_client.get(client).is_none_or(|count| *count < MOST_OF_A_CLIENT)
    }

    fn insert(&mut self, key: TokenHash, revoked: RevocationEntry) {
        let client = revoked.client.clone();
        if self.by_key.insert(key, revoked).is_none() {
            *self.of_client.entry(client).or_default() += 1;
        }
    }

    /// Removes expired tokens. This visits every token, so it is done at most once per second.
    fn sweep(&mut self, now: i64) {
        if now <= self.swept {
            return;
        }
        self.swept = now;
        self.by_key.retain(|_, revoked| revoked.until > now);
        self.of_client.clear();
        for revoked in self.by_key.values() {
            *self.of_client.entry(revoked.client.clone()).or_default() += 1;
        }
    }
}

impl RevokedTokens {
    /// Creates the list. Revoked tokens are sent to other replicas, too, if there are any.
    pub fn shared_with(replicas: Option<Replicas>) -> Self {
        Self { replicas, ..Self::default() }
    }

    /// Revokes the token of `client` until it has expired. Other replicas do the same within a second.
    ///
    /// # Errors
    /// Returns [`RevocationListFull`] if the client has revoked too many tokens.
    pub fn revoke(
        &self,
        issuer: &str,
        jti: &str,
        client: &Arc<str>,
        until: i64,
        now: i64,
    ) -> Result<(), RevocationListFull> {
        let key = hash(issuer, jti);
        let is_new = self.insert(key, client, until, now, usize::MAX)?;
        if let Some(replicas) = self.replicas.as_ref().filter(|_| is_new) {
            replicas.send(ReplicaEvent::Revoked(message(&key, client, until)));
        }
        Ok(())
    }

    /// Inserts a token, and returns whether it is new.
    fn insert(
        &self,
        key: TokenHash,
        client: &Arc<str>,
        until: i64,
        now: i64,
        most: usize,
    ) -> Result<bool, RevocationListFull> {
        let mut tokens = self.tokens.write().unwrap_or_else(PoisonError::into_inner);
        if !tokens.has_room(client, most) || now >= tokens.swept.saturating_add(SWEEP_SECONDS) {
            tokens.sweep(now);
        }
        let is_new = !tokens.by_key.contains_key(&key);
        if is_new && !tokens.has_room(client, most) {
            return Err(RevocationListFull);
        }
        tokens.insert(key, RevocationEntry { client: client.clone(), until });
        // Counted when it is in the list: a reader that sees the new number must find the token.
        self.revocations.fetch_add(1, Ordering::Release);
        Ok(is_new)
    }

    /// Revokes the tokens that other replicas have sent, and returns the number for which there was no room.
    pub fn receive(&self, revoked: &[RevocationMessage], now: i64) -> usize {
        let has_no_room = |received: &&RevocationMessage| {
            let mut key = TokenHash::default();
            let length = base16ct::lower::decode(&received.token, &mut key).map_or(0, <[u8]>::len);
            length == key.len()
                && received.until > now
                && self.insert(key, &received.client.as_str().into(), received.until, now, MOST_RECEIVED).is_err()
        };
        revoked.iter().filter(has_no_room).count()
    }

    /// Returns all tokens that have not expired, for other replicas.
    pub fn all(&self, now: i64) -> Vec<RevocationMessage> {
        let tokens = self.tokens.read().unwrap_or_else(PoisonError::into_inner);
        let alive = tokens.by_key.iter().filter(|(_, revoked)| revoked.until > now);
        alive.map(|(key, revoked)| message(key, &revoked.client, revoked.until)).collect()
    }

    /// Returns the number of tokens that have not expired.
    pub fn count(&self, now: i64) -> usize {
        let tokens = self.tokens.read().unwrap_or_else(PoisonError::into_inner);
        tokens.by_key.values().filter(|revoked| revoked.until > now).count()
    }

    fn contains(&self, issuer: &str, jti: &str) -> bool {
        self.revocations.load(Ordering::Acquire) > 0
            && self.tokens.read().unwrap_or_else(PoisonError::into_inner).by_key.contains_key(&hash(issuer, jti))
    }
}

fn hash(issuer: &str, jti: &str) -> TokenHash {
    // The length comes first, so that no other issuer and id concatenate to the same bytes.
    let length = (issuer.len() as u64).to_be_bytes();
    sha256_half([&length[..], issuer.as_bytes(), jti.as_bytes()])
}

fn message(key: &TokenHash, client: &str, until: i64) -> RevocationMessage {
    RevocationMessage { token: base16ct::lower::encode_string(key), client: client.to_owned(), until }
}

/// Revoked tokens as the verifier checks them.
#[derive(Clone, Debug, Default)]
pub struct Revocations {
    listed: Arc<HashSet<String>>,
    given_back: Arc<RevokedTokens>,
}

impl Revocations {
    /// Combines the tokens of an operator's list with those that clients revoke.
    pub fn new(listed: Arc<HashSet<String>>, given_back: Arc<RevokedTokens>) -> Self {
        Self { listed, given_back }
    }

    /// Whether the token of this issuer and id is revoked. The operator's list contains ids alone, of
    /// tokens of any issuer.
    pub fn is_revoked(&self, issuer: &str, jti: &str) -> bool {
        self.given_back.contains(issuer, jti) || (!self.listed.is_empty() && self.listed.contains(jti))
    }
}

/// Reads the file `revoked_tokens_file`: one `jti` per line. A `#` at the start of a line, or after a blank, begins a
/// comment. Elsewhere it is a part of the id, as providers may use it.
pub fn read_list(section: &Section<'_>) -> Arc<HashSet<String>> {
    let key = "revoked_tokens_file";
    let Some(content) = section.file(key, MOST_OF_A_LIST) else { return Arc::default() };
    let text = text_of_file(&content).map_err(|error| section.problem_in(key, error)).unwrap_or_default();
    let lines = text.lines().map(without_comment);
    let listed: HashSet<String> = lines.filter(|line| !line.is_empty()).map(str::to_owned).collect();
    if listed.len() > MOST_LISTED {
        section.problem_in(
            key,
            format!("the file lists more than {MOST_LISTED} tokens: take out those that have expired"),
        );
    }
    if listed.iter().any(|jti| jti.contains(char::is_whitespace)) {
        section
            .problem_in(key, "write one token id (jti) a line; a comment begins with # at the start or behind a blank");
    }
    Arc::new(listed)
}

fn without_comment(line: &str) -> &str {
    let begins =
        |at: usize| line.get(..at).is_none_or(|before| before.chars().next_back().is_none_or(char::is_whitespace));
    let comment = line.match_indices('#').map(|(at, _)| at).find(|at| begins(*at));
    line.get(..comment.unwrap_or(line.len())).unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::{MOST_OF_A_CLIENT, RevocationListFull, Revocations, RevokedTokens, hash, message, without_comment};
    use std::collections::HashSet;
    use std::sync::Arc;

    #[test]
    fn a_revoked_token_is_known_by_issuer_and_id() {
        let revoked = Arc::new(RevokedTokens::default());
        let revocations = Revocations::new(Arc::new(HashSet::from(["listed".to_owned()])), revoked.clone());
        assert!(!revocations.is_revoked("us", "1"));
        revoked.revoke("us", "1", &Arc::from("a"), 100, 50).unwrap();
        assert!(revocations.is_revoked("us", "1"));
        assert!(!revocations.is_revoked("us", "2") && !revocations.is_revoked("them", "1"));
        assert!(revocations.is_revoked("us", "listed") && revocations.is_revoked("them", "listed"));
    }

    #[test]
    fn a_comment_begins_at_the_start_or_behind_a_blank_and_an_id_may_hold_its_mark() {
        for (line, id) in [
            ("a", "a"),
            (" a ", "a"),
            ("a # until tomorrow", "a"),
            ("a\t#b", "a"),
            ("a#b", "a#b"),
            ("a# b", "a# b"),
            ("a#b #c#d", "a#b"),
            ("#a", ""),
            ("  # a", ""),
            ("ä#b\u{a0}#c", "ä#b"),
            ("", ""),
        ] {
            assert_eq!(without_comment(line), id, "{line}");
        }
    }

    #[test]
    fn a_client_cannot_take_the_room_of_others_and_only_expired_tokens_make_room() {
        let revoked = RevokedTokens::default();
        let revoke = |client: &str, jti: &str, now: i64| revoked.revoke("us", jti, &Arc::from(client), 100, now);
        for number in 0..MOST_OF_A_CLIENT {
            assert_eq!(revoke("greedy", &format!("greedy-{number}"), 50), Ok(()));
        }
        assert_eq!(revoke("greedy", "one-more", 50), Err(RevocationListFull));
        assert_eq!(revoke("greedy", "greedy-0", 50), Ok(()), "it is known already");
        for client in 1..10 {
            for number in 0..MOST_OF_A_CLIENT {
                assert_eq!(revoke(&format!("greedy-{client}"), &format!("{client}-{number}"), 50), Ok(()));
            }
        }
        assert_eq!(revoke("other", "of-another", 50), Ok(()), "whatever others gave back");
        assert_eq!(revoke("greedy", "new", 99), Err(RevocationListFull));
        assert!(revoked.contains("us", "greedy-0") && !revoked.contains("us", "new"));
        assert_eq!(revoked.revoke("us", "new", &Arc::from("greedy"), 200, 100), Ok(()));
        assert!(revoked.contains("us", "new") && !revoked.contains("us", "greedy-0"));
        assert_eq!(revoked.tokens.read().unwrap().of_client.len(), 1);
    }

    #[test]
    fn what_other_replicas_send_of_one_client_leaves_the_room_of_the_others() {
        let (sent, revoked) =
            (|client: &str, jti: &str| message(&hash("us", jti), client, 100), RevokedTokens::default());
        let many: Vec<_> = (0..=MOST_OF_A_CLIENT).map(|number| sent("greedy", &number.to_string())).collect();
        assert_eq!(revoked.receive(&many, 50), 1);
        assert_eq!(revoked.receive(&[sent("other", "leaked")], 50), 0);
        assert!(revoked.contains("us", "leaked"));
    }
}
