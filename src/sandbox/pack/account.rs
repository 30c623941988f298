//! The one account that a pack's gateway knows, and the configuration that calls it.

use std::fmt::Write as _;

use md5::{Digest as _, Md5};
use toml::Value;

use super::reading::Received;
use crate::gateway::protocol::template::Variable;
use crate::gateway::vendor::{CredentialField, OptionKind, Vendor};

/// The token of packs whose tokens another program renews.
pub const GIVEN_TOKEN: &str = "sandbox-token";

/// The values of the account's fields, by their names.
pub struct PackAccount {
    credential: Vec<(String, String)>,
    login: Vec<(String, String)>,
}

impl PackAccount {
    /// The account at this vendor.
    pub fn of(vendor: Vendor) -> Self {
        let values =
            |fields: &[CredentialField]| fields.iter().map(|field| (field.name.clone(), value_of(field))).collect();
        let login = vendor.pack().login.as_ref().map(|login| values(&login.fields));
        Self { credential: values(&vendor.pack().credential), login: login.unwrap_or_default() }
    }

    /// The value of a field of the credential.
    pub fn value(&self, name: &str) -> &str {
        find(&self.credential, name)
    }

    /// Whether the secrets and the user that a login shows are those of the account.
    pub fn has_login(&self, received: &Received) -> bool {
        received.captures.iter().all(|(variable, value)| match variable {
            Variable::Credential(name) => self.value(name) == value,
            Variable::Login(name, false) => find(&self.login, name) == value,
            Variable::Login(name, true) => {
                base16ct::lower::encode_string(&Md5::digest(find(&self.login, name))) == value.to_ascii_lowercase()
            }
            _ => true,
        })
    }

    /// The section of a tenant's account with these addresses.
    pub fn configuration(&self, vendor: Vendor, tenant: &str, urls: &[String]) -> String {
        let pack = vendor.pack();
        let mut text = format!("[tenants.{tenant}.{vendor}]\n");
        let endpoints = pack.endpoints.iter().map(|facts| facts.key.as_str()).zip(urls.iter().map(String::as_str));
        add(&mut text, endpoints);
        add(&mut text, self.credential.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        for option in &pack.options {
            if let OptionKind::Integer { minimum, default: None, .. } = &option.kind {
                add_line(&mut text, &option.name, &Value::from(option.example.unwrap_or(*minimum)));
            }
        }
        let Some(login) = &pack.login else { return text };
        if login.is_given {
            add(&mut text, [("token", GIVEN_TOKEN)]);
        }
        if let Some(section) = &login.section {
            let _written = writeln!(text, "[tenants.{tenant}.{vendor}.{section}]");
            let choice = login.calls.first().map(|call| call.choice.as_str()).filter(|choice| !choice.is_empty());
            add(&mut text, choice.map(|choice| ("method", choice)));
            add(&mut text, self.login.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        }
        text
    }
}

fn add<'a>(text: &mut String, values: impl IntoIterator<Item = (&'a str, &'a str)>) {
    values.into_iter().for_each(|(name, value)| add_line(text, name, &Value::from(value)));
}

/// Writing into a text never fails.
fn add_line(text: &mut String, name: &str, value: &Value) {
    let _written = writeln!(text, "{name} = {value}");
}

fn find<'a>(values: &'a [(String, String)], name: &str) -> &'a str {
    values.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str()).unwrap_or_default()
}

fn value_of(field: &CredentialField) -> String {
    let known =
        field.example.as_ref().or(field.default.as_ref()).or(field.choices.first()).filter(|_| !field.is_secret);
    known.cloned().unwrap_or_else(|| format!("sandbox-{}", field.name))
}
