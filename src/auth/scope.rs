//! All scopes of the service: as types for handlers' signatures, and as names for tokens and the API document. The
//! configuration can declare more of them, for the resources that it declares.

use std::borrow::Cow;
use std::sync::Arc;

/// A scope that a handler can require in its signature: `Caller<FlowRead>`.
pub trait Scope: 'static {
    /// The scope's name in a token. Of several names, separated by blanks, any one is sufficient.
    const NAME: &'static str;
}

/// Any scope for a part of a store's overview. Each part then requires its own.
#[derive(Debug, Clone, Copy)]
pub enum AnyPartOfAStore {}

impl Scope for AnyPartOfAStore {
    const NAME: &'static str = "stores:read flow:read demographics:read";
}

/// No scope: the handler requires the one that its declaration names.
#[derive(Debug, Clone, Copy)]
pub enum AsDeclared {}

impl Scope for AsDeclared {
    const NAME: &'static str = "";
}

/// A scope's name with what it allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeInfo {
    /// The name in a token.
    pub name: Cow<'static, str>,
    /// What the scope allows, for the API document.
    pub allows: Cow<'static, str>,
}

/// All existing scopes, in the order of the API document. Clones share them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scopes(Arc<[ScopeInfo]>);

impl Default for Scopes {
    fn default() -> Self {
        Self::with(Vec::new())
    }
}

impl Scopes {
    /// Creates the list of the service's scopes and the declared ones.
    pub fn with(declared: Vec<ScopeInfo>) -> Self {
        Self(ALL.iter().cloned().chain(declared).collect())
    }

    /// Whether a scope of this name exists.
    pub fn contain(&self, name: &str) -> bool {
        self.0.iter().any(|scope| scope.name == name)
    }

    /// Iterates over the scopes.
    pub fn iter(&self) -> std::slice::Iter<'_, ScopeInfo> {
        self.0.iter()
    }

    /// Returns the names for error messages.
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
