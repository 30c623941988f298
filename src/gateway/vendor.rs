//! A vendor, as its pack describes it. The gateway engine knows nothing else about any vendor.

mod ids;
mod sandbox;

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Serialize, Serializer};

use super::endpoint;
use super::protocol::HttpMethod;
use super::protocol::codes::Codes;
use super::protocol::encoding::{CallForm, member_names};
use super::protocol::envelope::Envelope;
use super::protocol::login::LoginForm;
use super::protocol::paging::Paging;
use super::protocol::signing::{SentIn, Signing};
use super::protocol::template::Template;
use super::protocol::time::TimeForm;
use crate::settings::Scalar;

pub use ids::{NumberForm, OrganizationIds, StoreIds};
pub use sandbox::{SandboxCheck, SandboxFacts};

/// A vendor whose gateways are called. It is a reference that is cheap to copy, since packs live as long as the
/// process.
#[derive(Clone, Copy)]
pub struct Vendor(&'static Pack);

/// Everything about one vendor, compiled from its pack.
#[derive(Debug)]
pub struct Pack {
    /// `vendor.name`: the name in configuration, problems, metrics and logs.
    pub name: String,
    /// `vendor.title`: the name in sentences.
    pub title: String,
    /// `[endpoints]`: where methods are called; the first is the default.
    pub endpoints: Vec<EndpointFacts>,
    /// `[credential]`: the fields that an account is configured with.
    pub credential: Vec<CredentialField>,
    /// `sign.secret`: the index of the field that signs; `None` where calls are not signed.
    pub secret: Option<usize>,
    /// `vendor.key`: the index of the field by which the gateway knows an account.
    pub key: usize,
    /// `[options]`: settings of an account that resources read.
    pub options: Vec<OptionFacts>,
    /// `[call]`: how calls are encoded.
    pub call: CallForm,
    /// `[time]`: how times are written.
    pub time: TimeFacts,
    /// `[sign]`: how calls are signed; `None` where a token takes the place of a signature.
    pub signing: Option<Signing>,
    /// `[login]`: the login, if calls need one.
    pub login: Option<LoginForm>,
    /// `[answer]`: how answers are read.
    pub answer: Envelope,
    /// `[paging]`: how its lists are paged, unless a resource says otherwise.
    pub paging: Option<Paging>,
    /// `[codes]`: what the vendor's codes mean.
    pub codes: Codes,
    /// `[ids.store]`: how the vendor numbers stores.
    pub store_ids: Option<StoreIds>,
    /// `[ids.organization]`: how the vendor numbers organizations.
    pub organization_ids: Option<OrganizationIds>,
    /// `vendor.lists_stores`: whether the vendor has the list of the tenant's stores.
    pub lists_stores: bool,
    /// `vendor.methods`: the common prefix of all its methods, or an empty text.
    pub methods_begin: String,
    /// `[methods]`: the methods that resources call.
    pub methods: Vec<MethodFacts>,
    /// `[doctor]`: advice for operators.
    pub doctor: DoctorTexts,
    /// `[[vectors]]`: published signatures for tests.
    pub vectors: Vec<Vector>,
    /// `[sandbox]`: how a simulated gateway of the vendor behaves.
    pub sandbox: SandboxFacts,
}

/// An address of a vendor's gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointFacts {
    /// The setting with its URL.
    pub key: String,
    /// The name in declared resources and the API document.
    pub label: String,
    /// The URL, unless each customer has their own.
    pub url: Option<String>,
    /// The description of the setting.
    pub help: String,
    /// An example address, where there is no default.
    pub example: Option<String>,
    /// The section for a credential of this endpoint's own, if there may be one.
    pub credential: Option<String>,
    /// Whether this is the default endpoint.
    pub is_first: bool,
}

/// A field of a credential or of a login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialField {
    /// The name of the setting.
    pub name: String,
    /// The description, and where to get the value.
    pub help: String,
    /// An example value, where there is no default.
    pub example: Option<String>,
    /// Whether it is a secret.
    pub is_secret: bool,
    /// Whether it is a secret that every call carries in its body.
    pub is_sent: bool,
    /// The default value; `None` if the field is required.
    pub default: Option<String>,
    /// The allowed values, of which the first is the default; empty if any value is allowed.
    pub choices: Vec<String>,
    /// Whether the field only decides how calls are signed, and changes no response.
    pub is_for_signing_only: bool,
}

/// A setting of an account that resources read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionFacts {
    /// The name of the setting.
    pub name: String,
    /// The allowed values.
    pub kind: OptionKind,
    /// The description; for a number also the error text for a value out of range.
    pub help: String,
    /// An example number, where there is no default.
    pub example: Option<i64>,
}

/// The allowed values of an option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OptionKind {
    /// A whole number.
    Integer {
        /// The smallest value.
        minimum: i64,
        /// The largest value.
        maximum: i64,
        /// The default value, if there is one.
        default: Option<i64>,
    },
    /// One of these words; the first is the default.
    Choice(Vec<String>),
}

/// How a vendor's gateway reads and writes times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeFacts {
    /// The timestamp forms with their names; the first one is tried first.
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
    /// The index of its endpoint.
    pub endpoint: usize,
    /// How it is called.
    pub http: HttpMethod,
    /// The parameters of a call that reads next to nothing, for `doctor`, if there is such a call.
    pub probe: Option<Vec<ProbeParameter>>,
    /// `probe_has`: JSON pointers; the data of that call has at least one of them.
    pub probe_has: Vec<String>,
    /// `probe_finds_nothing`: whether that call requests an object that no account has.
    pub probe_finds_nothing: bool,
    /// Whether its answer is a secret.
    pub is_secret: bool,
    /// The method that is called instead at servers that lack this one.
    pub instead: Option<String>,
}

/// A parameter of a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeParameter {
    /// The vendor's name.
    pub name: String,
    /// The value.
    pub value: Template,
    /// Whether the value is JSON where parameters travel as JSON.
    pub is_json: bool,
}

/// Advice for operators.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DoctorTexts {
    /// Advice when the gateway does not know the key.
    pub unknown_key: String,
    /// Advice when the signature is refused.
    pub wrong_secret: String,
    /// Advice when the method does not exist; empty where the same code may mean that the method is not registered for
    /// the key.
    pub no_method: String,
    /// The codes of a wrong signature that may also mean an unknown key.
    pub hides_unknown_key: Vec<String>,
}

/// Inputs with the signature that the vendor computes.
#[derive(Clone, Debug)]
pub struct Vector {
    /// The source of the vector.
    pub source: String,
    /// The fields of the credential that differ from their defaults.
    pub credential: BTreeMap<String, String>,
    /// The method.
    pub method: String,
    /// The address of the gateway, if it differs from the pack's.
    pub url: Option<String>,
    /// The time of the call.
    pub time: Timestamp,
    /// The timestamp form; `None` for the first one.
    pub time_form: Option<String>,
    /// The nonce.
    pub nonce: Option<String>,
    /// The token of the login.
    pub token: Option<String>,
    /// Values of the parameters of every call that differ from `[call]`.
    pub system: BTreeMap<String, String>,
    /// Parameters of the method.
    pub parameters: BTreeMap<String, Scalar>,
    /// The signature that the vendor computes.
    pub signature: String,
}

impl TimeFacts {
    /// The zone unless it is configured. `Asia/Shanghai` is read as the fixed offset +08:00, which it has been since
    /// 1992, so that it works on machines without a time zone database.
    pub fn zone(&self) -> Option<TimeZone> {
        endpoint::time_zone(&self.zone)
    }
}

impl Pack {
    /// The field of the credential that signs.
    pub fn secret_field(&self) -> Option<&CredentialField> {
        self.credential.get(self.secret?)
    }

    /// The name of the parameter that holds the signature, where one does.
    pub fn signature_parameter(&self) -> Option<&str> {
        match &self.signing.as_ref()?.place {
            SentIn::Parameter(name) => Some(name),
            SentIn::Header(_) => None,
        }
    }

    /// Whether the name is that of a parameter of every call, which a method may not use; a parameter that carries a
    /// token is one, too. Of a pointer, the first name counts.
    pub fn is_reserved(&self, parameter: &str) -> bool {
        let parameter = member_names(parameter).next().unwrap_or_default();
        let is_signature = self.signature_parameter() == Some(parameter);
        let mut of_login = self.login.iter().flat_map(|login| &login.parameters);
        is_signature || self.call.is_reserved(parameter) || of_login.any(|(own, _)| own == parameter)
    }
}

impl Vendor {
    /// The vendor of a pack that lives as long as the process.
    pub const fn new(pack: &'static Pack) -> Self {
        Self(pack)
    }

    /// The name in configuration, problems, metrics and logs.
    pub fn name(self) -> &'static str {
        &self.0.name
    }

    /// The pack of the vendor.
    pub const fn pack(self) -> &'static Pack {
        self.0
    }

    /// The label of the endpoint at this index.
    pub fn endpoint(self, place: usize) -> &'static str {
        self.0.endpoints.get(place).map_or("", |endpoint| &endpoint.label)
    }

    /// Whether the name is that of a parameter of every call, which a method may not use.
    pub fn is_reserved(self, parameter: &str) -> bool {
        self.0.is_reserved(parameter)
    }

    /// Whether the answers of a method are secrets. An entry of the pack that ends with a dot is a prefix.
    pub fn has_secret_answer(self, method: &str) -> bool {
        let method = method.to_ascii_lowercase();
        let begins = |facts: &&MethodFacts| method.starts_with(&facts.name.to_ascii_lowercase());
        self.0.methods.iter().filter(|facts| facts.is_secret).any(|facts| begins(&facts))
    }

    /// The pack's entry for a method, if it has one.
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
