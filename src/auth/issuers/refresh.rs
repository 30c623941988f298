//! The task that refreshes the keys of one issuer: at the start, when a token names an unknown key, and when the keys
//! are old. It ends soon after the keys are no longer used.

use std::rc::Rc;
use std::sync::{Arc, Weak};
use std::time::Duration;

use actix_web::rt;
use rustls::ClientConfig;
use tokio::sync::Notify;

use super::discovery::{self, DiscoveryError};
use super::fetch::{FetchError, Fetcher, IssuerDocument};
use super::jwks::{self, JwksError, ParsedJwkSet};
use super::key_url::KeyUrl;
use super::keyring::Keyring;
use super::settings::{IssuerSettings, KeySource};
use crate::supervisor::TaskResult;
use crate::telemetry::metrics;

/// How often the task checks the age of the keys. Their age is by our clock, which a test may advance.
const LOOK: Duration = Duration::from_secs(1);

/// Why a refresh brought no keys.
#[derive(Debug, thiserror::Error)]
enum RefreshError {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error(transparent)]
    Discovery(#[from] DiscoveryError),
    #[error(transparent)]
    Jwks(#[from] JwksError),
}

impl RefreshError {
    /// Returns the name in metrics.
    const fn outcome(&self) -> &'static str {
        match self {
            Self::Fetch(error) => error.outcome(),
            Self::Discovery(_) => "bad_metadata",
            Self::Jwks(_) => "bad_keys",
        }
    }
}

/// The job of refreshing an issuer's keys for as long as they are used.
#[derive(Debug)]
pub(super) struct RefreshJob {
    keyring: Weak<Keyring>,
    wake: Arc<Notify>,
    issuer: IssuerSettings,
}

impl RefreshJob {
    /// Creates the job, whose first fetch is in progress from now on. Returns `None` if a task exists for these keys.
    pub(super) fn of(keyring: &Arc<Keyring>, issuer: &IssuerSettings) -> Option<Self> {
        let wake = keyring.serve()?;
        Some(Self { wake, keyring: Arc::downgrade(keyring), issuer: issuer.clone() })
    }
}

/// Allows another task, however this one ends.
impl Drop for RefreshJob {
    fn drop(&mut self) {
        if let Some(keyring) = self.keyring.upgrade() {
            keyring.abandon_fetch();
        }
    }
}

/// Runs the task. Its connections belong to the thread that it runs on.
pub(super) async fn run(wanted: Rc<RefreshJob>, tls: Arc<ClientConfig>) -> TaskResult {
    let issuer = wanted.issuer.clone();
    let mut refresh = Refresh { fetcher: Fetcher::new(tls), issuer, skipped: String::new() };
    while refresh.if_wanted(&wanted.keyring).await {
        // The next round checks for itself whether a fetch is due.
        let _woken = rt::time::timeout(LOOK, wanted.wake.notified()).await;
    }
    Ok(())
}

/// The result of a check of an issuer's keys.
pub struct KeyCheck {
    /// The number of usable keys.
    pub usable: usize,
    /// The skipped keys with reasons; empty if there are none.
    pub left_out: String,
}

/// Fetches the keys of an issuer once, as the service would, for diagnosis. It takes no longer than a fetch.
///
/// # Errors
/// Returns the reason as text if there are no keys.
pub async fn look_at_keys(issuer: &IssuerSettings, tls: Arc<ClientConfig>) -> Result<KeyCheck, String> {
    let refresh = Refresh { fetcher: Fetcher::new(tls), issuer: issuer.clone(), skipped: String::new() };
    let (set, _) = refresh.fetch().await.map_err(|error| error.to_string())?;
    Ok(KeyCheck { usable: set.keys.len(), left_out: set.summary() })
}

struct Refresh {
    fetcher: Fetcher,
    issuer: IssuerSettings,
    /// The skipped keys as they were logged last.
    skipped: String,
}

/// Completes a fetch without keys if it fails or is dropped.
struct FetchGuard<'a>(Option<&'a Keyring>);

impl Drop for FetchGuard<'_> {
    fn drop(&mut self) {
        if let Some(keyring) = self.0.take() {
            keyring.complete_fetch(None);
        }
    }
}

impl Refresh {
    /// Runs a fetch if it is due. Returns `false` if the keys are no longer used.
    async fn if_wanted(&mut self, keyring: &Weak<Keyring>) -> bool {
        let Some(keyring) = keyring.upgrade() else { return false };
        if keyring.is_wanted() {
            let mut fetch_guard = FetchGuard(Some(&keyring));
            let fetched = self.fetch().await;
            self.log(&fetched);
            if let Ok((set, age)) = fetched {
                fetch_guard.0 = None;
                keyring.complete_fetch(Some((set.keys, age)));
            }
        }
        true
    }

    async fn fetch(&self) -> Result<(ParsedJwkSet, Option<Duration>), RefreshError> {
        let address = match &self.issuer.keys {
            KeySource::Url(address) => address.clone(),
            KeySource::Discovery(issuer) => self.discover(issuer).await?,
            KeySource::File(set) => return Ok((set.clone(), None)),
        };
        let IssuerDocument { body, max_age } = self.fetcher.get(&address).await?;
        Ok((jwks::read(&body, &self.issuer.algorithms)?, max_age))
    }

    /// The second address is only for a provider that does not know the first.
    async fn discover(&self, issuer: &KeyUrl) -> Result<KeyUrl, RefreshError> {
        let mut outcome = Err(FetchError::Status(404).into());
        for address in discovery::addresses(issuer) {
            outcome = match self.fetcher.get(&address).await {
                Ok(document) => return Ok(discovery::jwks_uri(&document.body, &self.issuer.issuer, &address)?),
                Err(FetchError::Status(status)) => Err(FetchError::Status(status).into()),
                Err(error) => return Err(error.into()),
            };
        }
        outcome
    }

    fn log(&mut self, fetched: &Result<(ParsedJwkSet, Option<Duration>), RefreshError>) {
        let issuer = self.issuer.name.as_str();
        match fetched {
            Ok((set, _)) => {
                metrics::issuer_key_fetches(issuer.to_owned(), "ok").increment(1);
                let summary = set.summary();
                if set.keys.is_empty() {
                    tracing::warn!(issuer, left_out = summary, "issuer has no usable key");
                } else if summary != self.skipped {
                    tracing::warn!(issuer, keys = set.keys.len(), left_out = summary, "issuer keys skipped");
                }
                self.skipped = summary;
            }
            Err(error) => {
                metrics::issuer_key_fetches(issuer.to_owned(), error.outcome()).increment(1);
                tracing::warn!(issuer, %error, "issuer key refresh failed: known keys stay in use");
            }
        }
    }
}
