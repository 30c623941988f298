//! The settings that all gateways share: an address, a time zone, and what makes signatures unique.

use std::time::Duration;

use jiff::tz::{Offset, TimeZone};

use secrecy::{ExposeSecret as _, SecretString};

use super::account_table::AccountSection;
use super::stamps::Uniqueness;
use super::vendor::Vendor;
use crate::settings::{Section, http_url};

const CHINA_STANDARD_TIME: &str = "Asia/Shanghai";

/// Reads the address `key` of a gateway: an http or https URL with a host and without user information.
pub fn read_url(section: &Section<'_>, key: &str, default: &str) -> String {
    let url = section.text(key).unwrap_or_else(|| default.to_owned());
    check_url(section, key, &url);
    url
}

/// Reads an address that has no default; `help` says what it is.
pub fn read_required_url(section: &Section<'_>, key: &str, help: &str) -> String {
    let url = section.required_text(key, help);
    if !url.is_empty() {
        check_url(section, key, &url);
    }
    url
}

/// Reports a problem of an address.
pub fn check_url(section: &Section<'_>, key: &str, url: &str) {
    const HELP: &str = "write the gateway's address as https://host/path, without user name, query or fragment";
    if let Err(error) = http_url::parse_plain(url) {
        section.problem(key, format!("{error}; {HELP}"));
    }
}

/// The zone of this IANA name. `Asia/Shanghai` is read as the fixed offset +08:00, which it has been since 1992, so that it
/// works on machines without a time zone database.
pub fn time_zone(name: &str) -> Option<TimeZone> {
    if name == CHINA_STANDARD_TIME { Some(china_standard_time()) } else { TimeZone::get(name).ok() }
}

/// A name that identifies a zone.
pub fn zone_name(zone: &TimeZone) -> String {
    zone.iana_name().map_or_else(|| format!("{zone:?}"), str::to_owned)
}

/// Reads a zone by its name, and reports a problem of the section if it does not exist.
pub fn read_time_zone(section: &Section<'_>, name: &str) -> TimeZone {
    time_zone(name).unwrap_or_else(|| {
        section.problem("time_zone", unknown_zone(name));
        china_standard_time()
    })
}

/// Reads the label of an endpoint of the vendor's, and gives its place.
pub fn read_label(section: &Section<'_>, key: &str, vendor: Vendor) -> Option<usize> {
    let pack = vendor.pack();
    let labels: Vec<&str> = pack.endpoints.iter().map(|endpoint| endpoint.label.as_str()).collect();
    section.one_of(key, &labels, |labels| format!("the endpoints of {} are {}", pack.title, labels.join(" and ")))
}

/// The error text for a zone that does not exist.
pub fn unknown_zone(name: &str) -> String {
    format!("{name} is not a known time zone; write an IANA name such as Asia/Tokyo")
}

/// How the signatures of equal calls are made to differ, by these settings.
pub fn unique(account: &AccountSection, default_lead: Duration) -> Uniqueness {
    if account.nonce {
        Uniqueness::Nonce
    } else {
        Uniqueness::Second { lead: account.timestamp_lead.unwrap_or(default_lead) }
    }
}

/// The fixed offset UTC+8.
pub fn china_standard_time() -> TimeZone {
    TimeZone::fixed(Offset::constant(8))
}

/// Whether two configured secrets are equal, as a reload compares them.
pub fn same_secret(one: &SecretString, other: &SecretString) -> bool {
    one.expose_secret() == other.expose_secret()
}
