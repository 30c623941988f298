//! Tokens as well-known providers make them, by default and by their documentation, each against the settings that
//! `docs/identity-providers.md` has for it. All providers are trusted by one service at once.

use std::collections::BTreeSet;

use serde_json::json;
use storegate::auth::key_algorithm::KeyAlgorithm;
use toml::Table;

use crate::app::answer::Answer;
use crate::app::requests::FLOW;
use crate::app::{NOW, TestApp};
use crate::fixtures::provider_tokens::{Sample, samples};
use crate::peers::identity_provider::{IdentityProvider, ProviderKey};

const DOCUMENT: &str = include_str!("../../../docs/identity-providers.md");

/// A row of the table: the provider's name and its settings.
fn rows() -> Vec<(String, Table)> {
    let rows = DOCUMENT.lines().filter_map(|line| line.strip_prefix("| ["));
    rows.map(|row| {
        let (name, rest) = row.split_once("](").unwrap();
        let settings = rest.split(" | ").nth(1).unwrap();
        let lines: Vec<&str> = settings.split('`').skip(1).step_by(2).collect();
        (name.to_owned(), lines.join("\n").parse().unwrap_or_else(|error| panic!("{name}: {error}")))
    })
    .collect()
}

struct Providers {
    app: TestApp,
    keys: Vec<ProviderKey>,
    _provider: IdentityProvider,
}

/// The service with the settings of every row, but that all keys are those of one provider on this machine.
fn providers() -> Providers {
    let mut rsa = ProviderKey::new("rsa", KeyAlgorithm::Rs256);
    rsa.jwk["x5t"] = json!("thumbprint");
    let keys =
        vec![rsa, ProviderKey::new("es384", KeyAlgorithm::Es384), ProviderKey::new("es256", KeyAlgorithm::Es256)];
    let provider = IdentityProvider::start(&keys.iter().collect::<Vec<_>>());
    let mut sections = Table::new();
    for (name, mut settings) in rows() {
        settings.insert("jwks_uri".to_owned(), format!("{}/keys", provider.issuer()).into());
        settings.insert("tenant".to_owned(), "acme".into());
        let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        assert!(sections.insert(name.clone(), settings.into()).is_none(), "{name} twice");
    }
    let auth = Table::from_iter([("issuers".to_owned(), toml::Value::Table(sections))]);
    let sections = Table::from_iter([("auth".to_owned(), toml::Value::Table(auth))]).to_string();
    let app = TestApp::with(|setup| setup.more = sections);
    Providers { app, keys, _provider: provider }
}

impl Providers {
    fn token(&self, sample: &Sample) -> String {
        let key = self.keys.iter().find(|key| key.kid == sample.key).unwrap();
        let (_, settings) = rows().into_iter().find(|(name, _)| name == sample.provider).unwrap();
        let mut header = key.header();
        let members = header.as_object_mut().unwrap();
        members.remove("typ");
        members.extend(sample.header.as_object().unwrap().clone());
        members.retain(|_, value| !value.is_null());
        let mut claims = sample.claims.clone();
        claims["iss"] = json!(settings["issuer"].as_str().unwrap());
        claims["iat"] = json!(NOW.as_second());
        claims["exp"] = json!(NOW.as_second() + 3600);
        key.token_with(&header, &claims)
    }

    async fn get(&self, sample: &Sample) -> Answer {
        self.app.get_with_token(&self.token(sample), FLOW).await
    }
}

#[test]
fn every_row_of_the_document_has_a_token_and_every_token_a_row() {
    let named: BTreeSet<String> = rows().into_iter().map(|(name, _)| name).collect();
    let tried: BTreeSet<String> = samples().iter().map(|sample| sample.provider.to_owned()).collect();
    assert_eq!(named, tried);
}

#[actix_web::test]
async fn the_documented_settings_accept_each_providers_tokens_and_none_for_another_service() {
    let providers = providers();
    for mut sample in samples() {
        let provider = sample.provider;
        let answer = providers.get(&sample).await;
        assert_eq!(answer.status, 200, "{provider}: {}", answer.text());

        let has_audience =
            sample.claims["aud"].as_array().is_none_or(|list| !list.is_empty()) && !sample.claims["aud"].is_null();
        for name in if has_audience { &["aud"][..] } else { &["client_id", "azp"] } {
            if !sample.claims[*name].is_null() {
                sample.claims[*name] = json!("another-service");
            }
        }
        let refused = providers.get(&sample).await;
        assert_eq!((refused.status, refused.problem().as_str()), (401, "invalid-token"), "{provider}");
        assert!(refused.text().contains("for another audience"), "{provider}: {}", refused.text());
    }
}

#[actix_web::test]
async fn a_token_of_each_provider_without_any_role_is_403_and_not_401() {
    let providers = providers();
    for mut sample in samples() {
        for name in [
            "scope",
            "scp",
            "roles",
            "permissions",
            "groups",
            "email",
            "repository",
            "project_path",
            "storegate",
            "realm_access",
            "resource_access",
            "app_metadata",
            "o",
            "urn:zitadel:iam:org:project:roles",
        ] {
            sample.claims.as_object_mut().unwrap().remove(name);
        }
        if sample.provider.starts_with("Kubernetes") {
            sample.claims["sub"] = json!("system:serviceaccount:shop:others");
        }
        let answer = providers.get(&sample).await;
        assert_eq!((answer.status, answer.problem().as_str()), (403, "insufficient-scope"), "{}", sample.provider);
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(challenge.contains("error=\"insufficient_scope\", scope=\"flow:read\""), "{challenge}");
    }
}

#[actix_web::test]
async fn id_and_refresh_tokens_are_no_access_tokens_by_any_row_but_those_that_say_so() {
    let providers = providers();
    for mut sample in samples() {
        let is_allowed = ["Dex", "Google, service accounts"].contains(&sample.provider);
        for (name, value) in
            [("at_hash", "x"), ("token_use", "id"), ("typ", "ID"), ("typ", "Refresh"), ("tokenType", "refresh-token")]
        {
            let own = sample.claims[name].clone();
            sample.claims[name] = json!(value);
            let answer = providers.get(&sample).await;
            let expected = if is_allowed && !value.to_lowercase().contains("refresh") { 200 } else { 401 };
            assert_eq!(answer.status, expected, "{} {name} {value}: {}", sample.provider, answer.text());
            sample.claims[name] = own;
            if sample.claims[name].is_null() {
                sample.claims.as_object_mut().unwrap().remove(name);
            }
        }
    }
}
