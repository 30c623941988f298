//! The fields of a credential, some of them secret, as a pack lists them and a configuration fills them in.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};

use super::endpoint::same_secret;
use super::vendor::{CredentialField, Vendor};
use crate::settings::Section;

/// Selects one of a credential's two secrets, which both exist while a new one replaces an old one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhichSecret {
    /// The first.
    First,
    /// The second.
    Second,
}

/// A value that may be a secret.
#[derive(Clone)]
pub enum CredentialValue {
    /// A value that may be shown.
    Plain(String),
    /// A secret.
    Secret(SecretString),
}

impl fmt::Debug for CredentialValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(text) => formatter.debug_tuple("Plain").field(text).finish(),
            Self::Secret(_) => formatter.write_str("Secret(…)"),
        }
    }
}

impl PartialEq for CredentialValue {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Plain(one), Self::Plain(other)) => one == other,
            (Self::Secret(one), Self::Secret(other)) => same_secret(one, other),
            _ => false,
        }
    }
}

impl CredentialValue {
    pub(super) fn expose(&self) -> &str {
        match self {
            Self::Plain(text) => text,
            Self::Secret(secret) => secret.expose_secret(),
        }
    }
}

/// The fields of a credential, in the order of the pack.
#[derive(Clone, Debug, PartialEq)]
pub struct Credential {
    /// The fields.
    pub values: Vec<CredentialValue>,
    /// `second_…` of the field that signs: the secret for another attempt when the first one is refused.
    pub second: Option<CredentialValue>,
    /// Whether the credential belongs to one endpoint only, with a section of its own.
    pub is_own: bool,
}

impl Credential {
    pub(super) fn read(section: &Section<'_>, vendor: Vendor) -> Self {
        let fields = &vendor.pack().credential;
        let second = vendor.pack().secret_field();
        let second = second.and_then(|field| section.secret(&format!("second_{}", field.name)));
        Self { values: read_fields(section, fields), second: second.map(CredentialValue::Secret), is_own: false }
    }

    /// The value of a field that is not secret.
    pub fn plain(&self, vendor: Vendor, name: &str) -> Option<String> {
        let place = vendor.pack().credential.iter().position(|field| field.name == name)?;
        match self.values.get(place)? {
            CredentialValue::Plain(text) => Some(text.clone()),
            CredentialValue::Secret(_) => None,
        }
    }

    /// The secret that signs; empty where calls are not signed.
    pub fn secret(&self, vendor: Vendor, which: WhichSecret) -> SecretString {
        let first = vendor.pack().secret.and_then(|place| self.values.get(place));
        let secret = match which {
            WhichSecret::First => first,
            WhichSecret::Second => self.second.as_ref().or(first),
        };
        secret.map(|value| value.expose().into()).unwrap_or_default()
    }

    /// The secrets that every call carries, by the names of their fields.
    pub fn sent(&self, vendor: Vendor) -> impl Iterator<Item = (String, SecretString)> {
        let fields = vendor.pack().credential.iter().zip(&self.values).filter(|(field, _)| field.is_sent);
        fields.map(|(field, value)| (field.name.clone(), value.expose().into()))
    }

    pub(super) fn secrets(&self) -> impl Iterator<Item = SecretString> {
        self.values.iter().chain(&self.second).filter_map(|value| match value {
            CredentialValue::Secret(secret) => Some(secret.clone()),
            CredentialValue::Plain(_) => None,
        })
    }
}

/// Reads the fields of a credential or a login.
pub(super) fn read_fields(section: &Section<'_>, fields: &[CredentialField]) -> Vec<CredentialValue> {
    fields.iter().map(|field| read_field(section, field)).collect()
}

fn read_field(section: &Section<'_>, field: &CredentialField) -> CredentialValue {
    if field.is_secret {
        return CredentialValue::Secret(section.required_secret(&field.name, &field.help));
    }
    if let Some(first) = field.choices.first() {
        let complaint = |known: &[&str]| format!("{} is {}", field.help, known.join(" or "));
        let place = section.one_of(&field.name, &field.choices, complaint);
        let known = place.and_then(|place| field.choices.get(place)).or(field.default.as_ref());
        return CredentialValue::Plain(known.unwrap_or(first).clone());
    }
    CredentialValue::Plain(match &field.default {
        Some(default) => section.text(&field.name).unwrap_or_else(|| default.clone()),
        None => section.required_text(&field.name, &field.help),
    })
}
