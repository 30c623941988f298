//! Every scope of the service, once: as a type for a handler's signature, and as text for tokens and the document. The
//! configuration can declare more of them, for the resources that it declares.

use std::borrow::Cow;
use std::sync::Arc;

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

/// No scope at all: the handler asks for the one that its declaration names.
#[derive(Debug, Clone, Copy)]
pub enum AsDeclared {}

impl Scope for AsDeclared {
    const NAME: &'static str = "";
}

/// A scope's name and what it allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeInfo {
    /// The name in a token.
    pub name: Cow<'static, str>,
    /// What it allows, for the document.
    pub allows: Cow<'static, str>,
}

/// All scopes that there are, in the order of the document. Cloning shares them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scopes(Arc<[ScopeInfo]>);

impl Default for Scopes {
    fn default() -> Self {
        Self::with(Vec::new())
    }
}

impl Scopes {
    /// The scopes of the service and these.
    pub fn with(declared: Vec<ScopeInfo>) -> Self {
        Self(ALL.iter().cloned().chain(declared).collect())
    }

    /// Whether a scope of this name exists.
    pub fn contain(&self, name: &str) -> bool {
        self.0.iter().any(|scope| scope.name == name)
    }

    /// Each of them.
    pub fn iter(&self) -> std::slice::Iter<'_, ScopeInfo> {
        self.0.iter()
    }

    /// Their names, for people.
    pub fn names(&self) -> String {
        self.iter().map(|scope| &*scope.name).collect::<Vec<_>>().join(", ")
    }
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

        /// The scopes of the service itself.
        pub const ALL: &[ScopeInfo] = &[$(ScopeInfo {
            name: Cow::Borrowed($name),
            allows: Cow::Borrowed(concat!($($allows),+).trim_ascii_start()),
        }),+];
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
    /// Ask for an answer from the gateway itself, past the cache.
    CacheBypass = "cache:bypass";
    /// Drop cached answers.
    CachePurge = "cache:purge";
}
