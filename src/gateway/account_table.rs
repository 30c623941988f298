//! The settings tables of `[tenants.<name>.<vendor>]`: the keys that every account has, and those that the vendor's
//! pack adds.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use secrecy::SecretString;

use super::account_settings::{GIVEN_TOKEN, GIVEN_TOKEN_HELP};
use super::vendor::{CredentialField, EndpointFacts, OptionFacts, OptionKind, Pack, Vendor};
use crate::settings::{Kind, SectionSettings as _, SectionTable, Setting, SettingValue, section, shown_duration};

section! {
    /// An account at the gateway of a vendor, with the settings of the vendor's pack beside these.
    #[derive(Debug)]
    pub struct AccountSection in "tenants.<acme>.<vendor>" on reload {
        /// Whether calls carry a nonce; otherwise equal calls get increasing timestamps.
        nonce: bool = true;
        /// Without a nonce: how far ahead a timestamp may be.
        timestamp_lead: Option<Duration>;
        /// The IANA name of the zone in which the gateway reads and writes times.
        time_zone: Option<String>;
    }
}

section! {
    /// The choice of endpoints, at a vendor with several.
    #[derive(Debug)]
    pub struct EndpointSection in "tenants.<acme>.<vendor>" on reload {
        /// The endpoint of every method that `methods` does not name; the pack's choice unless set.
        endpoint: Option<String>;
        /// The endpoints of single methods.
        methods: BTreeMap<String, String>;
    }
}

/// A setting that a pack describes.
fn of(name: impl Into<Cow<'static, str>>, kind: Kind, help: &str, [default, example]: [Option<String>; 2]) -> Setting {
    let (default, example) = (default.map(Into::into), example.map(Into::into));
    // The pack's text is a whole sentence or the end of one.
    let mut rest = help.trim_end_matches('.').chars();
    let first: String = rest.next().iter().flat_map(|first| first.to_uppercase()).collect();
    let text = format!("{first}{}.", rest.as_str());
    Setting { is_required: default.is_none(), default, example, ..Setting::new(name, kind, text) }
}

/// Writes a text as a TOML string.
fn quoted(text: impl AsRef<str>) -> String {
    toml::Value::from(text.as_ref()).to_string()
}

fn of_field(vendor: Vendor, field: &'static CredentialField) -> Setting {
    let first = field.choices.first();
    let kind = match first {
        _ if field.is_secret => SecretString::kind(),
        Some(_) => Kind::choice(&field.choices),
        None => <String as SettingValue>::kind(),
    };
    let file = field.is_secret.then(|| format!("secrets/{vendor}-{}", field.name));
    let shown = [field.default.as_ref().or(first).map(quoted), file.or_else(|| field.example.clone()).map(quoted)];
    of(field.name.as_str(), kind, &field.help, shown)
}

fn of_url(facts: &'static EndpointFacts) -> Setting {
    let shown = [&facts.url, &facts.example].map(|url| url.as_ref().map(quoted));
    of(facts.key.as_str(), <String as SettingValue>::kind(), &facts.help, shown)
}

fn of_option(option: &'static OptionFacts) -> Setting {
    let bound = |bound: i64, none: i64| (bound != none).then(|| bound.to_string().into());
    let (kind, default, range) = match &option.kind {
        OptionKind::Choice(choices) => (Kind::choice(choices), choices.first().map(quoted), (None, None)),
        OptionKind::Integer { minimum, maximum, default } => {
            let range = (bound(*minimum, i64::MIN), bound(*maximum, i64::MAX));
            (i64::kind(), default.map(|default| default.to_string()), range)
        }
    };
    let example = option.example.map(|example| example.to_string());
    Setting { range, is_required: false, ..of(option.name.as_str(), kind, &option.help, [default, example]) }
}

/// The keys that every account has, with the defaults of the pack.
fn of_account(pack: &'static Pack) -> Vec<Setting> {
    let mut settings = Vec::new();
    if pack.time.forms.len() > 1 {
        let names = ["auto"].into_iter().chain(pack.time.forms.iter().map(|(name, _)| name.as_str()));
        let kind = Kind::choice(&names.collect::<Vec<_>>());
        let text = "The form of timestamps; `auto` learns which one the gateway takes";
        settings.push(of("timestamp", kind, text, [Some(quoted("auto")), None]));
    }
    settings.extend(AccountSection::table().settings);
    if let [first, .., last] = pack.endpoints.as_slice() {
        let method = pack.methods.iter().find(|method| method.endpoint == 0).map_or("", |method| &method.name);
        let methods = format!("{{ {} = {} }}", quoted(method), quoted(&last.label));
        let examples = [quoted(&first.label), methods].map(|example| Some(example.into()));
        let of_endpoints = EndpointSection::table().settings.into_iter().zip(examples);
        settings.extend(of_endpoints.map(|(setting, example)| Setting { example, ..setting }));
    }
    for setting in &mut settings {
        match setting.name.as_ref() {
            "timestamp_lead" => setting.default = Some(quoted(shown_duration(pack.time.lead)).into()),
            "time_zone" => setting.default = Some(quoted(&pack.time.zone).into()),
            _ => {}
        }
    }
    settings
}

/// The settings tables of an account at this vendor.
pub fn tables(vendor: Vendor) -> Vec<SectionTable> {
    let pack = vendor.pack();
    let table = |below: &str, text: String, settings: Vec<Setting>| SectionTable {
        path: format!("tenants.<acme>.{vendor}{below}").into(),
        text: text.into(),
        settings,
    };
    let fields = |fields: &'static [CredentialField]| fields.iter().map(move |field| of_field(vendor, field));
    let second = pack.secret_field().map(|field| {
        let text = format!("Tried when `{}` is refused, while it is replaced", field.name);
        let shown = [None, Some(quoted(format!("secrets/{vendor}-next")))];
        Setting { is_required: false, ..of(format!("second_{}", field.name), SecretString::kind(), &text, shown) }
    });
    let own = pack.endpoints.iter().map(of_url).chain(fields(&pack.credential)).chain(second);
    let token = pack.login.as_ref().filter(|login| login.is_given).map(|_| {
        let file = Some(quoted(format!("secrets/{vendor}-{GIVEN_TOKEN}")));
        of(GIVEN_TOKEN, SecretString::kind(), GIVEN_TOKEN_HELP, [None, file])
    });
    let own = own.chain(token);
    let mut own: Vec<Setting> = own.chain(pack.options.iter().map(of_option)).chain(of_account(pack)).collect();
    own.iter_mut().for_each(|setting| setting.is_given = setting.is_required);
    own.sort_by_key(|setting| !setting.is_given);
    let mut tables = vec![table("", format!("An account at {}.", pack.title), own)];
    tables.extend(pack.endpoints.iter().filter_map(|facts| {
        let text = format!("A credential of its own for {}, where that is another one.", facts.label);
        Some(table(&format!(".{}", facts.credential.as_ref()?), text, fields(&pack.credential).collect()))
    }));
    if let Some((login, section)) = pack.login.as_ref().and_then(|login| Some((login, login.section.as_ref()?))) {
        let choices: Vec<&str> = login.calls.iter().map(|call| call.choice.as_str()).collect();
        let method =
            of("method", Kind::choice(&choices), "The method of the login", [choices.first().map(quoted), None]);
        let settings = [method].into_iter().filter(|_| choices.len() > 1).chain(fields(&login.fields)).collect();
        let text = "A user whose login calls may need beside the signature. Leave it out if yours do not.";
        tables.push(table(&format!(".{section}"), text.to_owned(), settings));
    }
    tables
}
