//! `[tenants.<name>.oms]`: a company's access to its ShopeX OMS.

use std::str::FromStr;
use std::time::Duration;

use jiff::tz::TimeZone;
use secrecy::SecretString;
use serde::Serialize;

use crate::gateway::dialect::TimestampForm;
use crate::gateway::endpoint;
use crate::gateway::endpoint::{same_secret, same_secrets};
use crate::gateway::stamps::Unique;
use crate::settings::Section;

/// The OMS cuts a page larger than this back to a smaller one (its shop page, section 6).
const PAGE_CAP: u32 = 100;

/// The OMS takes timestamps within ±3600 s (its published server).
const TIMESTAMP_LEAD: Duration = Duration::from_secs(30 * 60);

/// A company's access to its OMS. Prints no secret. All of it is part of the names of cached answers, but for what is skipped:
/// how calls are signed changes no answer.
#[derive(Clone, Debug, Serialize)]
pub struct OmsSettings {
    /// `url`: address of the door, `https://<the customer's domain>/index.php/openapi/rpc/service/`.
    pub url: String,
    /// `flag`: who calls.
    pub flag: String,
    /// `token` or `token_file`: signs, and is never sent.
    #[serde(skip)]
    pub token: SecretString,
    /// `second_token` or `second_token_file`: signs a call again that is refused with the first, while a new token takes the
    /// place of an old one.
    #[serde(skip)]
    pub second_token: Option<SecretString>,
    /// `timestamp`: `auto` (default), `unix` or `compact`.
    #[serde(skip)]
    pub timestamp: TimestampChoice,
    /// `nonce`: send a `nonce` that makes each signature unique. Default true; without it equal calls get strictly
    /// increasing timestamps, up to `timestamp_lead` ahead: default `30m`, half of what the OMS takes.
    #[serde(skip)]
    pub unique: Unique,
    /// `page_cap`: the largest page to ask for at once, 1 to 1000. Default 100.
    pub page_cap: u32,
    /// `code_parameter`: the parameter that filters by store code: `shop_bn` of the shop page, `shop_code` of the published
    /// server, or `auto` (default), which sends both.
    pub code_parameter: CodeParameter,
    /// `time_zone`: IANA name of the zone in which the OMS reads and writes times. Default `Asia/Shanghai`.
    #[serde(with = "jiff::fmt::serde::tz::required")]
    pub time_zone: TimeZone,
}

/// Which form of `timestamp` to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimestampChoice {
    /// Start with Unix seconds; when a fresh timestamp is refused, try the other form and remember which one was taken.
    Auto,
    /// Always this form.
    Always(TimestampForm),
}

impl FromStr for TimestampChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::Auto),
            "unix" => Ok(Self::Always(TimestampForm::Unix)),
            "compact" => Ok(Self::Always(TimestampForm::Compact)),
            _ => Err("the timestamp form is auto, unix or compact".to_owned()),
        }
    }
}

/// The parameter that filters by store code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum CodeParameter {
    /// Both: a server ignores what it does not know.
    Auto,
    /// As the vendor's shop page has it.
    ShopBn,
    /// As the vendor's published server has it.
    ShopCode,
}

impl CodeParameter {
    /// The names on the wire.
    pub const fn wire_names(self) -> &'static [&'static str] {
        match self {
            Self::Auto => &["shop_bn", "shop_code"],
            Self::ShopBn => &["shop_bn"],
            Self::ShopCode => &["shop_code"],
        }
    }
}

impl FromStr for CodeParameter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::Auto),
            "shop_bn" => Ok(Self::ShopBn),
            "shop_code" => Ok(Self::ShopCode),
            _ => Err("the parameter is auto, shop_bn or shop_code".to_owned()),
        }
    }
}

/// Tokens included, so that a reload finds out what has changed.
impl PartialEq for OmsSettings {
    fn eq(&self, other: &Self) -> bool {
        let Self { url, flag, token, second_token, timestamp, unique, page_cap, code_parameter, time_zone } = self;
        same_secret(token, &other.token)
            && same_secrets(second_token.as_ref(), other.second_token.as_ref())
            && (url, flag, timestamp, unique) == (&other.url, &other.flag, &other.timestamp, &other.unique)
            && (page_cap, code_parameter, time_zone) == (&other.page_cap, &other.code_parameter, &other.time_zone)
    }
}

impl OmsSettings {
    /// Reads the section, reporting everything that is missing or wrong.
    pub fn read(section: &Section<'_>) -> Self {
        let help = "the address of the OMS, https://<your domain>/index.php/openapi/rpc/service/";
        Self {
            url: endpoint::read_required_url(section, "url", help),
            flag: section.required_text("flag", "the flag that the OMS gave this caller"),
            token: section.required_secret("token", "the token that belongs to the flag"),
            second_token: section.secret("second_token"),
            timestamp: section.parsed("timestamp").unwrap_or(TimestampChoice::Auto),
            unique: endpoint::read_unique(section, TIMESTAMP_LEAD),
            page_cap: read_page_cap(section),
            code_parameter: section.parsed("code_parameter").unwrap_or(CodeParameter::Auto),
            time_zone: endpoint::read_time_zone(section),
        }
    }
}

fn read_page_cap(section: &Section<'_>) -> u32 {
    let cap = section.integer("page_cap").unwrap_or(PAGE_CAP);
    if (1..=1000).contains(&cap) {
        return cap;
    }
    section.problem("page_cap", "a page of the OMS has 1 to 1000 items");
    PAGE_CAP
}
