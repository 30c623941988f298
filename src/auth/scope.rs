//! Every scope of the service, once: as a type for a handler's signature, and as text for tokens and the document.

/// A right that a handler can require in its signature: `Caller<FlowRead>`.
pub trait Scope: 'static {
    /// The scope's name in a token; of several, separated by blanks, any one is enough.
    const NAME: &'static str;
}

/// A part of what there is to know of a store; each part then requires its own.
#[derive(Debug, Clone, Copy)]
pub enum AnyPartOfAStore {}

impl Scope for AnyPartOfAStore {
    const NAME: &'static str = "stores:read flow:read demographics:read";
}

/// A scope's name and what it allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScopeInfo {
    /// The name in a token.
    pub name: &'static str,
    /// What it allows, for the document.
    pub allows: &'static str,
}

macro_rules! scopes {
    ($($(#[doc = $allows:literal])+ $type:ident = $name:literal;)+) => {
        $(
            $(#[doc = $allows])+
            #[derive(Debug, Clone, Copy)]
            pub enum $type {}

            impl Scope for $type {
                const NAME: &'static str = $name;
            }
        )+

        /// All scopes, in the order of the document.
        pub const ALL: &[ScopeInfo] = &[$(ScopeInfo { name: $name, allows: concat!($($allows),+).trim_ascii_start() }),+];
    };
}

scopes! {
    /// Read the list of stores and single stores.
    StoresRead = "stores:read";
    /// Read visitor and sales figures of stores and organizations.
    FlowRead = "flow:read";
    /// Read the age and gender distribution of visitors.
    DemographicsRead = "demographics:read";
    /// Read store inspections.
    InspectionsRead = "inspections:read";
    /// Read an organization's developer account, its secret masked.
    OrganizationsRead = "organizations:read";
    /// See the developer account's secret in clear.
    OrganizationsSecrets = "organizations:secrets";
    /// Ask for an answer from the gateway itself with `Cache-Control: no-cache`.
    CacheBypass = "cache:bypass";
    /// Drop cached answers.
    CachePurge = "cache:purge";
}

/// Whether a scope of this name exists.
pub fn exists(name: &str) -> bool {
    ALL.iter().any(|scope| scope.name == name)
}
