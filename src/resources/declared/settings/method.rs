//! `gateway`, `method`, `door`, `version` and `http`: the settings of the call.

use crate::gateway::endpoint;
use crate::gateway::protocol::template::Variable;
use crate::gateway::protocol::{HttpMethod, Method};
use crate::gateway::vendor::Vendor;
use crate::resources::declared::settings::ResourceSection;
use crate::settings::Section;
use crate::vendors::Vendors;

/// Reads which method is called: the vendor's name of it, with its endpoint, its version and its HTTP method.
pub(super) fn read_method(
    section: &Section<'_>,
    read: &ResourceSection,
    of_pack: Option<Vendor>,
    vendors: &Vendors,
) -> Option<Method> {
    let name = &read.method;
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte));
    if !is_name {
        section.problem("method", "a method's name is made of letters, digits, dots, dashes, slashes and `_`");
    }
    let vendor = read_gateway(section, &read.gateway, of_pack, vendors)?;
    if vendor.has_secret_answer(name) {
        section.problem(
            "method",
            "the answers of this method are secrets, and this service does not hand them on as they are",
        );
    }
    let mut method = Method::of(vendor, name.clone());
    if read.door.is_some() {
        method.endpoint = endpoint::read_label(section, "door", vendor)?;
    }
    if let Some(version) = &read.version {
        if version.is_empty() && !method.version.is_empty()
            || !version.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.')
        {
            section.problem("version", "a version is letters, digits and dots, such as v1");
        }
        method.version = version.clone().into();
    }
    if let Some(http) = read.http {
        check_http(section, http, vendor);
        method.http = http;
    }
    Some(method)
}

/// The vendor whose method is called: that of the pack, or the one that a configuration names.
fn read_gateway(section: &Section<'_>, name: &String, of_pack: Option<Vendor>, vendors: &Vendors) -> Option<Vendor> {
    if let Some(vendor) = of_pack {
        if !name.is_empty() {
            section.problem("gateway", "a resource of a pack calls the pack's vendor: leave this out");
        }
        return Some(vendor);
    }
    if name.trim().is_empty() {
        section.missing("gateway", &format!("whose method it calls: {}", vendors.names()));
        return None;
    }
    let vendor = vendors.get(name);
    if vendor.is_none() && !vendors.unread().contains(name) {
        section.problem("gateway", format!("the gateways are {}", vendors.names()));
    }
    vendor
}

/// Refuses a GET that would show in its address what travels in bodies only.
fn check_http(section: &Section<'_>, http: HttpMethod, vendor: Vendor) {
    let pack = vendor.pack();
    let is_secret = |variable: &Variable| {
        let is_named = |name: &String| pack.credential.iter().any(|field| field.is_secret && field.name == *name);
        matches!(variable, Variable::Credential(name) if is_named(name))
    };
    let shown = pack.call.parameters.iter().find(|(_, template)| template.variables().any(is_secret));
    if let (HttpMethod::Get, Some((name, _))) = (http, shown) {
        section.problem("http", format!("every call has {name}, a secret, which a GET would show in its address"));
    }
}
