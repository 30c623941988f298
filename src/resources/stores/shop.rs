//! A store as the OMS sends it, with the fields of the vendor's shop page and those of its published server.

use jiff::tz::TimeZone;
use serde::Deserialize;

use crate::gateway::error::{Error, Kind};
use crate::json::scalar;
use crate::resources::gateway_pages::ListItem;
use crate::resources::vendors::oms;
use crate::resources::wire_time::{self, WireTime};

/// A store as the OMS sends it.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub struct Shop {
    #[serde(default, deserialize_with = "scalar::code")]
    shop_bn: Option<String>,
    /// The published server's name for `shop_bn`.
    #[serde(default, deserialize_with = "scalar::code")]
    shop_code: Option<String>,
    /// The name of the store.
    #[serde(default, deserialize_with = "scalar::text")]
    pub shop_name: Option<String>,
    /// The company that runs the store.
    #[serde(default, deserialize_with = "scalar::text")]
    pub company_name: Option<String>,
    #[serde(default, deserialize_with = "scalar::text")]
    contact_name: Option<String>,
    #[serde(default, deserialize_with = "scalar::text")]
    contact_tel: Option<String>,
    /// The e-mail address.
    #[serde(default, deserialize_with = "scalar::text")]
    pub contact_email: Option<String>,
    #[serde(default, deserialize_with = "scalar::text")]
    address: Option<String>,
    #[serde(default, deserialize_with = "scalar::text")]
    status: Option<String>,
    #[serde(default, deserialize_with = "wire_time::read")]
    createtime: Option<WireTime>,
    #[serde(default, deserialize_with = "wire_time::read")]
    updatetime: Option<WireTime>,
    // A field of the published server.
    #[serde(default, deserialize_with = "scalar::text")]
    active: Option<String>,
    #[serde(default, deserialize_with = "scalar::text")]
    default_sender: Option<String>,
    #[serde(default, deserialize_with = "scalar::text")]
    mobile: Option<String>,
    #[serde(default, deserialize_with = "scalar::text")]
    tel: Option<String>,
    #[serde(default, deserialize_with = "scalar::text")]
    province: Option<String>,
    #[serde(default, deserialize_with = "scalar::text")]
    city: Option<String>,
    #[serde(default, deserialize_with = "scalar::text")]
    district: Option<String>,
    #[serde(default, deserialize_with = "scalar::text")]
    addr: Option<String>,
    #[serde(default, deserialize_with = "scalar::text")]
    zip: Option<String>,
}

impl ListItem for Shop {
    fn id(&self) -> Option<&str> {
        self.code()
    }
}

impl Shop {
    /// The store's code at the OMS.
    pub fn code(&self) -> Option<&str> {
        self.shop_bn.as_deref().or(self.shop_code.as_deref())
    }

    /// Whether this store has that code. An OMS compares codes ignoring case.
    pub fn has_code(&self, code: &str) -> bool {
        self.code().is_some_and(|own| own.eq_ignore_ascii_case(code))
    }

    /// Whom to ask.
    pub fn contact_name(&self) -> Option<String> {
        self.contact_name.clone().or_else(|| self.default_sender.clone())
    }

    /// The telephone number.
    pub fn phone(&self) -> Option<String> {
        self.contact_tel.clone().or_else(|| self.mobile.clone()).or_else(|| self.tel.clone())
    }

    /// Whether the store is open for business; `None` when the OMS does not say so.
    pub fn is_open(&self) -> Option<bool> {
        match self.status.as_deref().or(self.active.as_deref())? {
            "online" | "true" | "1" => Some(true),
            "offline" | "false" | "0" => Some(false),
            _ => None,
        }
    }

    /// When the store was added, as RFC 3339.
    pub fn created_at(&self, zone: &TimeZone) -> Option<String> {
        self.createtime?.rfc3339(zone)
    }

    /// When the store was last changed, as RFC 3339.
    pub fn updated_at(&self, zone: &TimeZone) -> Option<String> {
        self.updatetime?.rfc3339(zone)
    }

    /// The address: one text on the vendor's page, several parts from its published server.
    pub fn address(&self) -> Option<String> {
        if self.address.is_some() {
            return self.address.clone();
        }
        let addr = self.addr.as_deref().unwrap_or_default();
        let areas = [&self.province, &self.city, &self.district].map(|area| area.as_deref().unwrap_or_default());
        // Some servers write the whole address into the last part.
        let repeated = areas.iter().position(|area| !area.is_empty() && addr.starts_with(area));
        let areas = areas.get(..repeated.unwrap_or(areas.len())).unwrap_or_default();
        let parts: Vec<&str> = areas.iter().copied().chain([addr]).filter(|part| !part.is_empty()).collect();
        if parts.is_empty() {
            return None;
        }
        let mut address = String::new();
        for (place, part) in parts.iter().enumerate() {
            // A municipality is both province and city: 上海, 上海市.
            if parts.get(place + 1).is_some_and(|next| next.starts_with(part)) {
                continue;
            }
            append(&mut address, part);
        }
        self.zip.iter().for_each(|zip| append(&mut address, zip));
        Some(address)
    }
}

/// Appends a part of the address. Chinese parts follow each other without a blank.
fn append(address: &mut String, part: &str) {
    let is_latin = |letter: Option<char>| letter.is_some_and(|letter| letter.is_ascii());
    if is_latin(address.chars().next_back()) || (!address.is_empty() && is_latin(part.chars().next())) {
        address.push(' ');
    }
    address.push_str(part);
}

/// The error for an answer that does not match the request.
pub fn unreadable(cause: &str) -> Error {
    Error::local(oms(), Kind::Unreadable, cause)
}
