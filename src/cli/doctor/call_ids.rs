//! Finds the settings with which a refused call was made: those of the account, its endpoint, and that endpoint's
//! credential.

use crate::gateway::account::Account;
use crate::gateway::diagnosis::Diagnosis;
use crate::gateway::protocol::Method;
use crate::gateway::vendor::{CredentialField, EndpointFacts, Vendor};

/// The settings with which a method is called.
pub(super) struct CallIds<'a> {
    /// The vendor whose method it is.
    pub vendor: Vendor,
    /// The section of the account, `tenants.<tenant>.<vendor>`.
    pub section: &'a str,
    account: &'a Account,
    endpoint: Option<&'static EndpointFacts>,
    has_own_credential: bool,
}

impl<'a> CallIds<'a> {
    /// The settings for a method of this account.
    pub fn of(account: &'a Account, section: &'a str, method: &Method) -> Self {
        let (vendor, protocol) = (account.vendor(), account.protocol());
        let place = protocol.place_of(method);
        let endpoint = vendor.pack().endpoints.get(place);
        Self { vendor, section, account, endpoint, has_own_credential: protocol.has_own_credential(place) }
    }

    /// The setting that holds the address.
    fn url(&self) -> &'static str {
        self.endpoint.map_or("url", |endpoint| &endpoint.key)
    }

    /// Whether a login is configured, or none is needed.
    pub fn has_login(&self) -> bool {
        self.account.protocol().has_login()
    }

    /// Whether another program renews the token.
    pub fn has_given_token(&self) -> bool {
        self.vendor.pack().login.as_ref().is_some_and(|login| login.is_given)
    }

    /// The section of a user's login; `None` for a token exchange.
    pub fn login_section(&self) -> Option<&'static str> {
        self.vendor.pack().login.as_ref()?.section.as_deref()
    }

    /// The advice after a refused login.
    pub fn login_remedy(&self) -> String {
        let pack = self.vendor.pack();
        let fields = |fields: &'static [CredentialField]| listed(fields.iter().map(|field| field.name.as_str()));
        match (&pack.login, self.login_section()) {
            (Some(login), Some(section)) => {
                let method = if login.calls.len() > 1 { ", and that `method` is the user's way to log in" } else { "" };
                format!("check {} in [{}.{section}]{method}", fields(&login.fields), self.section)
            }
            _ => format!("check {} in [{}], with which a token is asked for", fields(&pack.credential), self.section),
        }
    }

    /// The advice after a refused credential; `None` when the failure has another cause.
    pub fn credential_remedy(&self, diagnosis: Diagnosis) -> Option<String> {
        let remedy = self.remedy(diagnosis)?;
        let Some((endpoint, own)) = self.endpoint.and_then(|facts| Some((facts, facts.credential.as_ref()?))) else {
            return Some(remedy);
        };
        let (section, label) = (self.section, &endpoint.label);
        if self.has_own_credential {
            return Some(format!("in [{section}.{own}], which holds the credential for {label}: {remedy}"));
        }
        let fields = self.vendor.pack().credential.iter().filter(|field| !field.is_for_signing_only);
        let fields = listed(fields.map(|field| field.name.as_str()));
        Some(format!(
            "if the vendor gave another credential for {label}, add a section [{section}.{own}] with {fields}; else {remedy}"
        ))
    }

    fn remedy(&self, diagnosis: Diagnosis) -> Option<String> {
        let pack = self.vendor.pack();
        let (texts, key) = (&pack.doctor, super::refusal::credential(self.vendor));
        let secret = pack.secret_field().map_or("secret", |field| &field.name);
        let is_first = self.endpoint.is_some_and(|endpoint| pack.endpoints.first() == Some(endpoint));
        Some(match diagnosis {
            Diagnosis::Key if is_first && !texts.unknown_key.is_empty() => texts.unknown_key.clone(),
            Diagnosis::Key => {
                format!("check `{key}`, and whether `{}` is the gateway that it was given for", self.url())
            }
            Diagnosis::KeyExpired => format!("have the vendor renew the key, or write the new one as `{key}`"),
            Diagnosis::System => "write the system that the key was given for as `system`".to_owned(),
            Diagnosis::Signature if !texts.wrong_secret.is_empty() => texts.wrong_secret.clone(),
            Diagnosis::Signature => format!("write the secret that belongs to `{key}` as `{secret}`"),
            _ => return None,
        })
    }

    /// The advice after an answer that is not an envelope of the gateway, or after a call whose form did not arrive;
    /// `None` when the failure has another cause.
    pub fn answer_remedy(&self, diagnosis: Diagnosis) -> Option<String> {
        let url = self.url();
        Some(match diagnosis {
            Diagnosis::Front => {
                "something in front of the gateway refuses us: check the address, and ask the vendor whether this machine's \
                 must be allowed"
                    .to_owned()
            }
            Diagnosis::Redirect => format!(
                "redirects are not followed, since a signed call would go elsewhere: if that address is the gateway's, \
                 write it as `{url}`"
            ),
            Diagnosis::NothingThere => {
                format!("there is nothing at the path of `{url}`: check its path, and whether it is the gateway's host")
            }
            Diagnosis::Page => format!(
                "check `{url}`: it may be the address of pages for people; if it is right, the gateway fails inside, and the \
                 vendor has to look at its log"
            ),
            Diagnosis::OtherDocument => {
                format!("check `{url}`: another service may answer there; if it is right, ask the vendor to answer JSON in UTF-8")
            }
            Diagnosis::TextBefore => {
                "have the vendor look at that text and keep it out of answers, such as with PHP's display_errors = Off"
                    .to_owned()
            }
            Diagnosis::SystemParameter => format!(
                "check `{url}`: parameters of each call are lost on the way there, as behind a redirect or a proxy that \
                 makes a GET of a POST"
            ),
            _ => return None,
        })
    }
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    match names.split_last() {
        Some((last, before)) if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        _ => names.concat(),
    }
}
