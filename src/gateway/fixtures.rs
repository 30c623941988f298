//! Vendors and accounts of the built-in packs, for tests of the gateway engine.

use super::account_settings::AccountSettings;
use super::vendor::Vendor;
use crate::vendors::Vendors;

/// A vendor whose pack is built in.
pub fn vendor(name: &str) -> Vendor {
    Vendors::default().get(name).unwrap()
}

/// An account with only the required settings.
pub fn account(name: &str) -> AccountSettings {
    let section = match name {
        "oms" => "url = \"https://oms.example.com/\"\nflag = \"demo\"\ntoken = \"token\"",
        _ => "key = \"S107-00000001\"\nsecret = \"secret\"",
    };
    AccountSettings::parse(vendor(name), section).unwrap()
}
