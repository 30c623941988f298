//! `[tenants.<name>.<vendor>]`: a tenant's access to a vendor's gateway, as the vendor's pack describes it.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use secrecy::SecretString;
use serde::Serialize;

use md5::{Digest as _, Md5};

use super::account_table::AccountSection;
use super::credential::{Credential, CredentialValue, WhichSecret, read_fields};
use super::endpoint::{self, same_secret};
use super::protocol::call::{Argument, Call, Method, TimeFormIndex};
use super::protocol::login::LoginForm;
use super::protocol::template::{Template, Variable};
use super::stamps::Uniqueness;
use super::vendor::{CredentialField, OptionFacts, OptionKind, Vendor};
use crate::settings::{Problems, Report, Section, SectionSettings as _, parse_toml};

/// The setting that holds a token which another program renews; `token_file` names its file.
pub const GIVEN_TOKEN: &str = "token";

/// The description of that setting.
pub const GIVEN_TOKEN_HELP: &str = "the token, in a file that the program which renews it writes";

/// A tenant's access to a vendor's gateway. `Debug` prints no secret.
#[derive(Clone, Debug, PartialEq)]
pub struct AccountSettings {
    /// The vendor whose gateway is called.
    pub vendor: Vendor,
    /// The URLs, in the order of the pack.
    pub endpoints: Vec<String>,
    /// `endpoint`: the endpoint of every method that `methods` does not name; `None` to use the pack's choice.
    pub endpoint: Option<usize>,
    /// `[….methods]`: the endpoints of single methods.
    pub methods: BTreeMap<String, usize>,
    /// The credential of each endpoint.
    pub credentials: Vec<Credential>,
    /// The login, if there is one.
    pub login: Option<LoginSettings>,
    /// `token`: the token of the login, where another program renews it.
    pub token: Option<CredentialValue>,
    /// `nonce` and `timestamp_lead`: how the signatures of equal calls are made to differ.
    pub unique: Uniqueness,
    /// `timestamp`: the only form to send; `None` to learn which one the gateway accepts.
    pub time_form: Option<TimeFormIndex>,
    /// The vendor's own settings that resources read.
    pub options: BTreeMap<String, OptionValue>,
    /// `time_zone`: the zone in which the gateway reads and writes times.
    pub time_zone: TimeZone,
}

/// The value of a vendor's own setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum OptionValue {
    /// A whole number.
    Integer(i64),
    /// A word.
    Text(String),
}

/// `[tenants.<name>.<vendor>.login]`: how an account logs in.
#[derive(Clone, Debug, PartialEq)]
pub struct LoginSettings {
    /// `method`: the index of the call that logs in, among those of the pack.
    pub call: usize,
    /// The fields, in the order of the pack.
    pub values: Vec<CredentialValue>,
}

impl AccountSettings {
    /// Reads the section, reporting everything that is missing or wrong.
    pub fn read(section: &Section<'_>, vendor: Vendor) -> Self {
        let pack = vendor.pack();
        let account = AccountSection::read(section);
        let urls = pack.endpoints.iter().map(|facts| match &facts.url {
            Some(url) => endpoint::read_url(section, &facts.key, url),
            None => endpoint::read_required_url(section, &facts.key, &facts.help),
        });
        let credential = Credential::read(section, vendor);
        let of_endpoint = |facts: &super::vendor::EndpointFacts| {
            let own = facts.credential.as_ref().map(|own| section.section(own)).filter(Section::is_present);
            own.map_or_else(|| credential.clone(), |own| Credential { is_own: true, ..Credential::read(&own, vendor) })
        };
        Self {
            vendor,
            endpoints: urls.collect(),
            endpoint: read_endpoint(section, "endpoint", vendor),
            methods: read_methods(section, vendor),
            credentials: pack.endpoints.iter().map(of_endpoint).collect(),
            login: pack.login.as_ref().and_then(|form| LoginSettings::read(section, form)),
            token: pack.login.as_ref().filter(|form| form.is_given).map(|_| read_token(section)),
            unique: endpoint::unique(&account, pack.time.lead),
            time_form: read_time_form(section, vendor),
            options: pack.options.iter().filter_map(|option| read_option(section, option)).collect(),
            time_zone: endpoint::read_time_zone(section, account.time_zone.as_ref().unwrap_or(&pack.time.zone)),
        }
    }

    /// Reads the settings of an account from the text of its section.
    ///
    /// # Errors
    /// Everything that is missing or wrong.
    pub fn parse(vendor: Vendor, section: &str) -> Result<Self, Problems> {
        let table = parse_toml(section, "the account")?;
        let report = Report::default().of_text(Some(section.to_owned()));
        let settings = Self::read(&Section::root(&table, &report), vendor);
        report.finish(&table)?;
        Ok(settings)
    }

    /// The credential of the endpoint at this index.
    pub fn credential(&self, endpoint: usize) -> &Credential {
        static NONE: Credential = Credential { values: Vec::new(), second: None, is_own: false };
        self.credentials.get(endpoint).unwrap_or(&NONE)
    }

    /// The index of the endpoint at which a method is called.
    pub fn endpoint_of(&self, method: &Method) -> usize {
        self.methods.get(method.name.as_ref()).copied().or(self.endpoint).unwrap_or(method.endpoint)
    }

    /// The address and the key by which the gateway knows the account.
    pub fn identity(&self) -> String {
        let key = self.credentials.first().and_then(|credential| credential.values.get(self.vendor.pack().key));
        let url = self.endpoints.first().map(String::as_str).unwrap_or_default();
        format!("{url} {}", key.map(CredentialValue::expose).unwrap_or_default())
    }

    /// The address by which limits are shared.
    pub fn url(&self) -> &str {
        self.endpoints.first().map(String::as_str).unwrap_or_default()
    }

    /// Whether there are two secrets.
    pub fn has_second_secret(&self) -> bool {
        self.credentials.iter().any(|credential| credential.second.is_some())
    }

    /// The value of one of the vendor's own settings that is a number.
    pub fn integer(&self, option: &str) -> Option<i64> {
        match self.options.get(option)? {
            OptionValue::Integer(number) => Some(*number),
            OptionValue::Text(_) => None,
        }
    }

    /// The value of one of the vendor's own settings that is a word.
    pub fn text(&self, option: &str) -> Option<&str> {
        match self.options.get(option)? {
            OptionValue::Text(text) => Some(text),
            OptionValue::Integer(_) => None,
        }
    }

    /// Whether these settings and the other ones log in as the same user at the same gateway, so that a login can be
    /// taken over.
    pub fn has_same_login(&self, other: &Self) -> bool {
        (&self.login, &self.endpoints) == (&other.login, &other.endpoints)
            && self
                .credentials
                .iter()
                .map(|own| own.values.get(self.vendor.pack().key))
                .eq(other.credentials.iter().map(|own| own.values.get(other.vendor.pack().key)))
    }

    /// The call that logs in, if a login is configured.
    pub fn login_call(&self) -> Option<Call> {
        let form = self.vendor.pack().login.as_ref().filter(|form| !form.is_given)?;
        let login = match (&form.section, &self.login) {
            (None, None) => LoginSettings { call: 0, values: Vec::new() },
            (_, login) => login.clone()?,
        };
        let call = form.calls.get(login.call)?;
        let method = Method {
            vendor: self.vendor,
            name: call.method.clone().into(),
            version: call.version.clone().into(),
            endpoint: call.endpoint,
            http: call.http,
        };
        let written = |template: &Template| self.written(template, form, &login, call.endpoint);
        let arguments = call.parameters.iter();
        let arguments = arguments.map(|(name, template)| Argument::text(name.clone(), written(template)));
        Some(Call { method, arguments: arguments.collect(), login: Some(login.call) })
    }

    fn written(&self, template: &Template, form: &LoginForm, login: &LoginSettings, endpoint: usize) -> String {
        let fields = &self.vendor.pack().credential;
        template.text(|variable| match variable {
            Variable::Login(name, is_digest) => {
                let place = form.fields.iter().position(|field| field.name == *name);
                let value = place.and_then(|place| login.values.get(place)).map(CredentialValue::expose);
                let value = value.unwrap_or_default();
                if *is_digest { base16ct::lower::encode_string(&Md5::digest(value)).into() } else { value.into() }
            }
            Variable::Credential(name) => {
                let place = fields.iter().position(|field| field.name == *name);
                let value = place.and_then(|place| self.credential(endpoint).values.get(place));
                value.map(CredentialValue::expose).unwrap_or_default().into()
            }
            _ => "".into(),
        })
    }

    /// Every secret of the account; the one that `which` selects comes first.
    pub fn secrets(&self, which: WhichSecret) -> Vec<SecretString> {
        let signing = self.credentials.iter().map(|credential| credential.secret(self.vendor, which));
        let all = self.credentials.iter().flat_map(Credential::secrets);
        let login = self.login.iter().flat_map(|login| &login.values).chain(&self.token);
        let login = login.filter_map(|value| match value {
            CredentialValue::Secret(secret) => Some(secret.clone()),
            CredentialValue::Plain(_) => None,
        });
        let mut secrets: Vec<SecretString> = Vec::new();
        for secret in signing.chain(all).chain(login) {
            if !secrets.iter().any(|known| same_secret(known, &secret)) {
                secrets.push(secret);
            }
        }
        secrets
    }
}

/// Part of cache keys: everything except secrets and except what only decides how calls are signed.
impl Serialize for AccountSettings {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let plain = |fields: &'static [CredentialField], values: &[CredentialValue]| -> Vec<(&'static str, String)> {
            let counts = fields.iter().zip(values).filter(|(field, _)| !field.is_secret && !field.is_for_signing_only);
            counts.map(|(field, value)| (field.name.as_str(), value.expose().to_owned())).collect()
        };
        let pack = self.vendor.pack();
        let credentials: Vec<_> =
            self.credentials.iter().map(|credential| plain(&pack.credential, &credential.values)).collect();
        let login_fields = pack.login.as_ref().map(|login| login.fields.as_slice()).unwrap_or_default();
        let login = self.login.as_ref().map(|login| plain(login_fields, &login.values));
        let zone = endpoint::zone_name(&self.time_zone);
        let where_called = (&self.endpoints, &self.endpoint, &self.methods);
        (self.vendor, where_called, credentials, login, &self.options, zone).serialize(serializer)
    }
}

impl LoginSettings {
    fn read(account: &Section<'_>, form: &LoginForm) -> Option<Self> {
        let section = account.section(form.section.as_ref()?);
        if !section.is_present() {
            return None;
        }
        let choices: Vec<&str> = form.calls.iter().map(|call| call.choice.as_str()).collect();
        let read = || section.one_of("method", &choices, |known| format!("the login method is {}", known.join(" or ")));
        let call = (choices.len() > 1).then(read).flatten().unwrap_or_default();
        Some(Self { call, values: read_fields(&section, &form.fields) })
    }
}

fn read_token(section: &Section<'_>) -> CredentialValue {
    CredentialValue::Secret(section.required_secret(GIVEN_TOKEN, GIVEN_TOKEN_HELP))
}

fn read_endpoint(section: &Section<'_>, key: &str, vendor: Vendor) -> Option<usize> {
    // A vendor with one address has nothing to choose.
    (vendor.pack().endpoints.len() > 1).then(|| endpoint::read_label(section, key, vendor)).flatten()
}

fn read_methods(account: &Section<'_>, vendor: Vendor) -> BTreeMap<String, usize> {
    // A vendor with one address has nothing to choose.
    if vendor.pack().endpoints.len() < 2 {
        return BTreeMap::new();
    }
    let section = account.section("methods");
    let (parts, names): (Vec<String>, Vec<String>) =
        section.names().into_iter().partition(|name| section.is_section(name));
    parts.iter().for_each(|name| section.unquoted(name));
    let names = names.into_iter();
    names.filter_map(|name| Some((name.clone(), read_endpoint(&section, &name, vendor)?))).collect()
}

fn read_time_form(section: &Section<'_>, vendor: Vendor) -> Option<TimeFormIndex> {
    let forms = &vendor.pack().time.forms;
    if forms.len() < 2 {
        return Some(0);
    }
    let own: Vec<&str> = forms.iter().map(|(name, _)| name.as_str()).collect();
    let complaint = |_: &[&str]| format!("the timestamp form is auto, {}", own.join(" or "));
    section.one_of("timestamp", &[&own[..], &["auto"]].concat(), complaint).filter(|place| *place < forms.len())
}

fn read_option(section: &Section<'_>, option: &OptionFacts) -> Option<(String, OptionValue)> {
    let value = match &option.kind {
        OptionKind::Integer { minimum, maximum, default } => {
            let number = section.integer(&option.name);
            if number.is_some_and(|number: i64| !(*minimum..=*maximum).contains(&number)) {
                section.problem(&option.name, &option.help);
            }
            OptionValue::Integer(number.or(*default)?)
        }
        OptionKind::Choice(choices) => {
            let place = section.one_of(&option.name, choices, |known| format!("this is {}", known.join(", ")));
            OptionValue::Text(choices.get(place.unwrap_or_default())?.clone())
        }
    };
    Some((option.name.clone(), value))
}
