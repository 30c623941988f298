//! Checks the names of a pack for conflicts: an account has settings of its own beside those of the pack, and
//! `[gateway]` has some beside the sections of vendors.

use crate::gateway::account_settings::GIVEN_TOKEN;
use crate::gateway::account_table::{AccountSection, EndpointSection};
use crate::gateway::vendor::{CredentialField, Pack};
use crate::gateway::{GatewaySettings, LimitSettings};
use crate::settings::{Section, SectionSettings as _, SectionTable};

/// The names of the settings of these tables.
fn names(tables: [SectionTable; 2]) -> Vec<String> {
    tables.into_iter().flat_map(|table| table.settings).map(|setting| setting.name.into_owned()).collect()
}

pub(super) fn check(root: &Section<'_>, pack: &Pack) {
    let (vendor, credential) = (root.section("vendor"), root.section("credential"));
    if names([GatewaySettings::table(), LimitSettings::table()]).contains(&pack.name) {
        vendor.problem("name", format!("[gateway] has a setting {}: take another name", pack.name));
    }
    let field = |place: usize| pack.credential.get(place);
    if field(pack.key).is_some_and(|field| field.is_secret && vendor.text("key").as_ref() == Some(&field.name)) {
        vendor.problem("key", "this field is a secret, and what the gateway knows an account by is none");
    }
    let sign = root.section("sign");
    let is_open = |field: &CredentialField| !field.is_secret && !credential.has_problem(&field.name);
    if pack.secret_field().is_some_and(|field| is_open(field) && sign.text("secret").as_ref() == Some(&field.name)) {
        sign.problem("secret", "this field is no secret: name another one, or write `secret = true` in its section");
    }
    check_settings(root, pack, &credential);
    check_endpoints(root, pack);
    check_methods(root, pack);
}

/// Checks that each endpoint has a label of its own and that one endpoint is the first.
fn check_endpoints(root: &Section<'_>, pack: &Pack) {
    for (place, endpoint) in pack.endpoints.iter().enumerate() {
        let section = root.section("endpoints").section(&endpoint.key);
        let others = || pack.endpoints.iter().take(place);
        if others().any(|other| other.label == endpoint.label) {
            section.problem("label", format!("another endpoint is {}, too: write another name", endpoint.label));
        }
        if endpoint.is_first && others().any(|other| other.is_first) {
            section.problem("first", "another endpoint is the first, too");
        }
    }
}

fn check_methods(root: &Section<'_>, pack: &Pack) {
    for method in &pack.methods {
        let Some(instead) = &method.instead else { continue };
        // It may be among those that were left out.
        let is_left_out = root.section("methods").has_problem(instead.split('.').next().unwrap_or_default());
        if !is_left_out && (*instead == method.name || !pack.methods.iter().any(|other| other.name == *instead)) {
            let section = root.section("methods").section(&method.name);
            section.problem("instead", format!("[methods] has no other method {instead}"));
        }
    }
}

/// Checks that no two settings of an account have the same name.
fn check_settings(root: &Section<'_>, pack: &Pack, credential: &Section<'_>) {
    let mut taken = names([AccountSection::table(), EndpointSection::table()]);
    taken.push("timestamp".to_owned());
    let mut take = |section: &Section<'_>, key: &str, name: &str| {
        if taken.iter().any(|own| own == name) {
            section.problem(key, format!("an account has another setting {name}: take another name"));
        }
        taken.push(name.to_owned());
    };
    for field in &pack.credential {
        take(credential, &field.name, &field.name);
        if field.is_secret {
            take(credential, &field.name, &format!("{}_file", field.name));
        }
    }
    if let Some(field) = pack.secret_field() {
        take(credential, &field.name, &format!("second_{}", field.name));
    }
    if pack.login.as_ref().is_some_and(|login| login.is_given) {
        let login = root.section("login");
        take(&login, "token_file", GIVEN_TOKEN);
        take(&login, "token_file", &format!("{GIVEN_TOKEN}_file"));
    }
    let (endpoints, options) = (root.section("endpoints"), root.section("options"));
    pack.endpoints.iter().for_each(|endpoint| take(&endpoints, &endpoint.key, &endpoint.key));
    pack.options.iter().for_each(|option| take(&options, &option.name, &option.name));
    if let Some(section) = pack.login.as_ref().and_then(|login| login.section.as_ref()) {
        take(&root.section("login"), "section", section);
    }
}
