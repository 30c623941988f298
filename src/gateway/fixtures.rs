//! Vendors and accounts for the tests of the engine, by the built-in packs.

use super::account_settings::AccountSettings;
use super::vendor::Vendor;
use crate::vendors::Vendors;

/// A vendor whose pack is built in.
pub fn vendor(name: &str) -> Vendor {
    Vendors::default().get(name).unwrap()
}

/// An account with what must be configured.
pub fn account(name: &str) -> AccountSettings {
    let section = match name {
        "oms" => "url = \"https://oms.example.com/\"\nflag = \"demo\"\ntoken = \"token\"",
        _ => "key = \"S107-00000001\"\nsecret = \"secret\"",
    };
    AccountSettings::parse(vendor(name), section).unwrap()
}
