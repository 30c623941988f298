//! A vendor, as its pack describes it. The engine reads what is in here and knows nothing else of any vendor.

mod ids;

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Serialize, Serializer};

use super::endpoint;
use super::protocol::codes::Codes;
use super::protocol::encoding::CallForm;
use super::protocol::envelope::Envelope;
use super::protocol::login::LoginForm;
use super::protocol::signing::{SentIn, Signing};
use super::protocol::template::Template;
use super::protocol::time::TimeForm;

pub use ids::{NumberForm, OrganizationIds, StoreIds};

/// A vendor whose gateways are called. Packs live as long as the process, so this is a small copy of an address.
#[derive(Clone, Copy)]
pub struct Vendor(&'static Pack);

/// Everything about one vendor, compiled from its pack.
#[derive(Debug)]
pub struct Pack {
    /// `vendor.name`: the name in configuration, problems, metrics and logs.
    pub name: String,
    /// `vendor.title`: the name in sentences.
    pub title: String,
    /// `[endpoints]`: where methods are called; the first is the default one.
    pub endpoints: Vec<EndpointFacts>,
    /// `[credential]`: what an account is configured with.
    pub credential: Vec<CredentialField>,
    /// `sign.secret`: the place of the field that signs.
    pub secret: usize,
    /// `vendor.key`: the place of the field that the gateway knows an account by.
    pub key: usize,
    /// `[options]`: settings of an account that resources read.
    pub options: Vec<OptionFacts>,
    /// `[call]`.
    pub call: CallForm,
    /// `[time]`.
    pub time: TimeFacts,
    /// `[sign]`.
    pub signing: Signing,
    /// `[login]`.
    pub login: Option<LoginForm>,
    /// `[answer]`.
    pub answer: Envelope,
    /// `[codes]`.
    pub codes: Codes,
    /// `[ids.store]`: how the vendor numbers stores.
    pub store_ids: Option<StoreIds>,
    /// `[ids.organization]`: how the vendor numbers organizations.
    pub organization_ids: Option<OrganizationIds>,
    /// `vendor.lists_stores`: whether the tenant's stores are listed there.
    pub lists_stores: bool,
    /// `vendor.methods`: how the names of all its methods begin, if they do.
    pub methods_begin: String,
    /// `[methods]`.
    pub methods: Vec<MethodFacts>,
    /// `[doctor]`.
    pub doctor: DoctorTexts,
    /// `[[vectors]]`.
    pub vectors: Vec<Vector>,
}

/// An address of a vendor's gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointFacts {
    /// The setting with its URL.
    pub key: String,
    /// The name in declared resources and the API document.
    pub label: String,
    /// The URL, unless it is another one for each customer.
    pub url: Option<String>,
    /// What the setting is.
    pub help: String,
    /// An address to show, where there is no default.
    pub example: Option<String>,
    /// The section with a credential of this endpoint's own, where there may be one.
    pub credential: Option<String>,
    /// Whether methods are called here unless something else is said.
    pub is_first: bool,
}

/// A field of a credential or of a login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialField {
    /// The setting.
    pub name: String,
    /// What it is, and where to get it.
    pub help: String,
    /// A value to show, where there is no default.
    pub example: Option<String>,
    /// Whether it is a secret.
    pub is_secret: bool,
    /// Its value unless it is set; without one it must be set.
    pub default: Option<String>,
    /// Its only values; the first is the default.
    pub choices: Vec<String>,
    /// Whether it decides only how calls are signed, and changes no answer.
    pub is_for_signing_only: bool,
}

/// A setting of an account that resources read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionFacts {
    /// The setting.
    pub name: String,
    /// What it may be.
    pub kind: OptionKind,
    /// What it is; for a number also what is wrong with another one.
    pub help: String,
    /// A number to show, where there is no default.
    pub example: Option<i64>,
}

/// What an option may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OptionKind {
    /// A whole number.
    Integer {
        /// The least.
        minimum: i64,
        /// The most.
        maximum: i64,
        /// Unless it is set.
        default: Option<i64>,
    },
    /// One of these; the first is the default.
    Choice(Vec<String>),
}

/// How a vendor's gateway reads and writes times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeFacts {
    /// The forms of `timestamp` by their names; the first is tried first.
    pub forms: Vec<(String, TimeForm)>,
    /// The IANA name of the zone, unless it is configured.
    pub zone: String,
    /// How far ahead a timestamp may be where no nonce makes calls unique.
    pub lead: Duration,
}

/// A method that the vendor documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MethodFacts {
    /// The vendor's name.
    pub name: String,
    /// The vendor's version.
    pub version: String,
    /// The place of its endpoint.
    pub endpoint: usize,
    /// Parameters of a call that reads next to nothing, for `doctor`.
    pub probe: Vec<(String, Template)>,
    /// `probe_has`: JSON pointers, of which the data of that call has at least one.
    pub probe_has: Vec<String>,
    /// `probe_finds_nothing`: whether that call asks for something that nobody has.
    pub probe_finds_nothing: bool,
    /// Whether its answer is a secret.
    pub is_secret: bool,
    /// What is called instead at servers that lack it.
    pub instead: Option<String>,
}

/// What operators are advised.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DoctorTexts {
    /// When the gateway does not know the key.
    pub unknown_key: String,
    /// When the signature is refused.
    pub wrong_secret: String,
    /// When there is no such method; empty where that may be one that is not registered for the key.
    pub no_method: String,
    /// The codes of a wrong signature with which an unknown key is refused, too.
    pub hides_unknown_key: Vec<String>,
}

/// Inputs with the signature that the vendor computes.
#[derive(Clone, Debug)]
pub struct Vector {
    /// Where it is from.
    pub source: String,
    /// Fields of the credential, unless they have their defaults.
    pub credential: BTreeMap<String, String>,
    /// The method.
    pub method: String,
    /// The address of the gateway, unless it is that of the pack.
    pub url: Option<String>,
    /// When it is called.
    pub time: Timestamp,
    /// The form of the timestamp; the first one without it.
    pub time_form: Option<String>,
    /// The nonce.
    pub nonce: Option<String>,
    /// Parameters of every call that are sent otherwise than `[call]` says.
    pub system: BTreeMap<String, String>,
    /// Parameters of the method.
    pub parameters: BTreeMap<String, String>,
    /// What the vendor computes.
    pub signature: String,
}

impl TimeFacts {
    /// The zone unless it is configured. `Asia/Shanghai` is read as the fixed offset +08:00, which it has been since 1992, so
    /// that it works on machines without a time zone database.
    pub fn zone(&self) -> Option<TimeZone> {
        endpoint::time_zone(&self.zone)
    }
}

impl Pack {
    /// Whether a parameter belongs to every call, and a method may not use its name: what carries a token does, too.
    pub fn is_reserved(&self, parameter: &str) -> bool {
        let is_signature = self.signing.place == SentIn::Parameter(parameter.to_owned());
        let mut of_login = self.login.iter().flat_map(|login| &login.parameters);
        is_signature || self.call.is_reserved(parameter) || of_login.any(|(own, _)| own == parameter)
    }
}

impl Vendor {
    /// The vendor of a pack, which is not freed.
    pub const fn new(pack: &'static Pack) -> Self {
        Self(pack)
    }

    /// The name that configuration, callers and operators see.
    pub fn name(self) -> &'static str {
        &self.0.name
    }

    /// The pack.
    pub const fn pack(self) -> &'static Pack {
        self.0
    }

    /// The label of the endpoint at this place.
    pub fn endpoint(self, place: usize) -> &'static str {
        self.0.endpoints.get(place).map_or("", |endpoint| &endpoint.label)
    }

    /// Whether a parameter belongs to every call, and a method may not use its name.
    pub fn is_reserved(self, parameter: &str) -> bool {
        self.0.is_reserved(parameter)
    }

    /// Whether the answers of a method are secrets. An entry of the pack that ends with a dot is for all that begin so.
    pub fn has_secret_answer(self, method: &str) -> bool {
        let method = method.to_ascii_lowercase();
        let begins = |facts: &&MethodFacts| method.starts_with(&facts.name.to_ascii_lowercase());
        self.0.methods.iter().filter(|facts| facts.is_secret).any(|facts| begins(&facts))
    }

    /// What the pack says of a method, if it does.
    pub fn method(self, name: &str) -> Option<&'static MethodFacts> {
        self.0.methods.iter().find(|method| method.name == name)
    }
}

impl PartialEq for Vendor {
    fn eq(&self, other: &Self) -> bool {
        self.0.name == other.0.name
    }
}

impl Eq for Vendor {}

impl Hash for Vendor {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.name.hash(state);
    }
}

impl PartialOrd for Vendor {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Vendor {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.name.cmp(&other.0.name)
    }
}

impl Serialize for Vendor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl fmt::Debug for Vendor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Vendor").field(&self.name()).finish()
    }
}

impl fmt::Display for Vendor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
