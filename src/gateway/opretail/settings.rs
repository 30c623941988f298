//! `[tenants.<name>.opretail]`: a company's key at OPRetail and how it is used.

use std::time::Duration;

use jiff::tz::TimeZone;
use secrecy::SecretString;
use serde::Serialize;

use super::login::LoginSettings;
use super::sign::SignMethod;
use crate::gateway::endpoint;
use crate::gateway::endpoint::{same_secret, same_secrets};
use crate::gateway::stamps::Unique;
use crate::settings::Section;

/// The vendor does not publish how far a timestamp may be off; a minute is inside any window of minutes.
const TIMESTAMP_LEAD: Duration = Duration::from_secs(60);

/// A company's key at OPRetail. Prints no secret. All of it is part of the names of cached answers, but for what is skipped:
/// how calls are signed changes no answer.
#[derive(Clone, Debug, Serialize)]
pub struct OpRetailSettings {
    /// `m_api`: address of the first door. Default `https://openapi.opretail.com/m.api`.
    pub m_api: String,
    /// `cloud_api`: address of the second door. Default `https://openapi.opretail.com/cloud.api`.
    pub cloud_api: String,
    /// `system`: sent as `_aid`. Default `S107`.
    pub system: String,
    /// `key`: sent as `_akey`.
    pub key: String,
    /// `secret` or `secret_file`: signs, and is never sent.
    #[serde(skip)]
    pub secret: SecretString,
    /// `second_secret` or `second_secret_file`: signs a call again that is refused with the first, while a new secret takes the
    /// place of an old one.
    #[serde(skip)]
    pub second_secret: Option<SecretString>,
    /// `sign_method`: `md5` (default) or `sha1`.
    #[serde(skip)]
    pub sign_method: SignMethod,
    /// `nonce`: send a `_nonce` that makes each signature unique. Default true; without it equal calls get
    /// strictly increasing timestamps, up to `timestamp_lead` ahead: default `1m`, as the vendor publishes no window.
    #[serde(skip)]
    pub unique: Unique,
    /// `enterprise_id`: the company's number on the business platform, needed for inspections.
    pub enterprise_id: Option<i64>,
    /// `[….login]`: the user whose login some methods need, if there is one.
    pub login: Option<LoginSettings>,
    /// `time_zone`: IANA name of the zone in which the gateway reads and writes times. Default `Asia/Shanghai`.
    #[serde(with = "jiff::fmt::serde::tz::required")]
    pub time_zone: TimeZone,
}

/// Secrets included, so that a reload finds out what has changed.
impl PartialEq for OpRetailSettings {
    fn eq(&self, other: &Self) -> bool {
        let Self { m_api, cloud_api, system, key, secret, second_secret, sign_method, unique, .. } = self;
        let Self { enterprise_id, login, time_zone, .. } = self;
        same_secret(secret, &other.secret)
            && same_secrets(second_secret.as_ref(), other.second_secret.as_ref())
            && (m_api, cloud_api, system, key) == (&other.m_api, &other.cloud_api, &other.system, &other.key)
            && (sign_method, unique) == (&other.sign_method, &other.unique)
            && (enterprise_id, login, time_zone) == (&other.enterprise_id, &other.login, &other.time_zone)
    }
}

impl OpRetailSettings {
    /// Reads the section, reporting everything that is missing or wrong.
    pub fn read(section: &Section<'_>) -> Self {
        Self {
            m_api: endpoint::read_url(section, "m_api", "https://openapi.opretail.com/m.api"),
            cloud_api: endpoint::read_url(section, "cloud_api", "https://openapi.opretail.com/cloud.api"),
            system: section.text("system").unwrap_or_else(|| "S107".to_owned()),
            key: section.required_text("key", "the developer key (_akey) that OPRetail assigned"),
            secret: section.required_secret("secret", "the secret that belongs to the developer key"),
            second_secret: section.secret("second_secret"),
            sign_method: section.parsed("sign_method").unwrap_or(SignMethod::Md5),
            unique: endpoint::read_unique(section, TIMESTAMP_LEAD),
            enterprise_id: section.integer("enterprise_id"),
            login: LoginSettings::read(&section.section("login")),
            time_zone: endpoint::read_time_zone(section),
        }
    }
}
