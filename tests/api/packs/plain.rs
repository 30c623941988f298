//! The pack of a plain vendor, from which tests make those that they need by changing single lines, and an account there.

use std::path::Path;

use crate::peers::scripted_peer::ScriptedPeer;

/// An unsigned vendor that takes JSON, with what every call has in the query.
pub const PLAIN: &str = r#"
[vendor]
name = "lumen"
key = "app_key"
[credential.app_key]
help = "the key"
[credential.app_secret]
help = "the secret"
secret = true
[endpoints.url]
[call]
system = "query"
business = "json"
path = "/{method}"
[call.parameters]
key = "{credential.app_key}"
[login]
token_file = true
[login.headers]
Token = "{token}"
[answer]
succeeded_by = { "/ok" = ["true"] }
data = [{ at = "/result" }]
"#;

/// The part of a configuration that has the pack in this file, and an account at this server.
pub fn account(peer: &ScriptedPeer, pack: &Path) -> String {
    format!(
        "[vendors.lumen]\nfile = {pack:?}\n[tenants.acme.lumen]\nurl = \"http://{}\"\napp_key = \"k\"\napp_secret = \"s\"\n\
         token = \"t\"\n",
        peer.address()
    )
}
