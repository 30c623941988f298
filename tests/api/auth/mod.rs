//! Who may read what: tokens, their issuers, their ends, and what a client may ask for.

mod api_keys;
mod attacks;
mod failed_logins;
mod introspection;
mod issuers;
mod issuers_only;
mod provider_tokens;
mod quotas;
mod revocation;
mod tenant_isolation;
mod tokens;
