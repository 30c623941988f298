//! Tests of what can be written below `[auth.issuers]`, and of the message for each mistake.

use super::{Algorithms, IssuerSettings, KeySource};
use crate::auth::scope::Scopes;
use crate::settings::{Report, Section};
use std::path::PathBuf;
use toml::Table;

const OWN: &str = "https://storegate.example.com";

fn read(toml: &str) -> (Vec<IssuerSettings>, String) {
    let table: Table = toml.parse().unwrap();
    let report = Report::default();
    let section = Section::root(&table, &report).section("issuers");
    let issuers =
        IssuerSettings::read_all(&section, OWN, &["acme".to_owned(), "zenith".to_owned()], &Scopes::default());
    (issuers, report.finish(&table).err().map(|problems| problems.0.join("\n")).unwrap_or_default())
}

/// Returns the smallest sufficient section, followed by these lines.
fn issuer(name: &str, more: &str) -> String {
    format!("[issuers.{name}]\nissuer = \"https://{name}.example.com\"\naudience = \"storegate\"\n{more}\n")
}

fn problems(more: &str) -> String {
    read(&issuer("one", more)).1
}

fn file(name: &str, content: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("storegate-{name}-{}", std::process::id()));
    std::fs::write(&path, content).unwrap();
    path
}

#[test]
fn issuer_audience_and_tenant_are_enough() {
    let (issuers, problems) = read(&issuer("one", "tenant = \"acme\""));
    assert_eq!(problems, "");
    assert!(matches!(issuers[0].keys, KeySource::Discovery(_)));
    assert!(issuers[0].types.accept(Some("at+jwt")) && !issuers[0].types.accept(Some("JWT")));
    assert_eq!(issuers[0].algorithms, Algorithms::Usual);
    assert_eq!(issuers[0].token_size, 8 << 10);
    assert!(!issuers[0].mapping.stores_required);
}

#[test]
fn everything_can_be_written() {
    let more = "jwks_uri = \"https://keys.example.com/jwks\"\nalgorithms = [\"ES256\"]\ntyp = [\"at+jwt\", \"JWT\"]\n\
        tenant_claim = \"org\"\nscope_claim = \"realm_access.roles\"\nstores_claim = \"shops\"\nclient_id_claim = \"appid\"\n\
        subject_claim = \"oid\"\n[issuers.one.tenants]\n\"their id\" = \"acme\"\n\"other.id\" = \"zenith\"\n\
        [issuers.one.scopes]\nreader = [\"flow:read\", \"stores:read\"]";
    let (issuers, problems) = read(&issuer("one", more));
    assert_eq!(problems, "");
    assert!(matches!(issuers[0].keys, KeySource::Url(_)));
    assert!(issuers[0].types.accept(Some("JWT")) && issuers[0].mapping.stores_required);
}

#[test]
fn each_mistake_is_reported_with_its_place_and_a_way_out() {
    let fixed = |more: &str| problems(&format!("tenant = \"acme\"\n{more}"));
    assert!(read("[issuers.one]").1.contains("issuers.one.issuer: missing"));
    assert!(read("[issuers.one]").1.contains("issuers.one.audience: missing"));
    assert!(problems("").contains("issuers.one.tenant: missing"));
    assert!(problems("tenant = \"umbra\"").contains("no section [tenants.umbra]; the tenants: acme, zenith"));
    assert!(problems("tenant_claim = \"org\"").contains("issuers.one.tenants: say which value"));
    assert!(fixed("tenant_claim = \"org\"").contains("give either tenant, or tenant_claim"));
    assert!(problems("[issuers.one.tenants]\nx = \"acme\"").contains("issuers.one.tenant_claim: missing"));
    assert!(
        problems("tenant_claim = \"org\"\n[issuers.one.tenants]\nx = \"umbra\"")
            .contains("issuers.one.tenants.x: there is")
    );
    assert!(fixed("algorithms = [\"HS256\"]").contains("write some of RS256, RS384"));
    assert!(fixed("algorithms = [\"RS256\", \"none\"]").contains("write some of RS256"));
    assert!(fixed("algorithms = []").contains("write some of RS256"));
    assert!(fixed("jwks_uri = \"http://keys.example.com/\"").contains("begins with https://"));
    assert!(
        fixed("jwks_uri = \"https://k.example.com/\"\njwks_file = \"x\"").contains("give either jwks_uri or jwks_file")
    );
    assert!(
        fixed("jwks_file = \"/nonexistent\"")
            .contains("jwks_file: the file that is named here cannot be read: No such file")
    );
    assert!(
        fixed("scope_prefix = \"x\"\n[issuers.one.scopes]\na = \"flow:read\"").contains("give either scope_prefix")
    );
    assert!(
        fixed("[issuers.one.scopes]\na = \"flow:write\"")
            .contains("issuers.one.scopes.a: there is no scope flow:write")
    );
    assert!(fixed("audiense = \"x\"").contains("did you mean issuers.one.audience?"));
}

#[test]
fn our_own_issuer_is_refused_and_another_may_have_several_sections() {
    let own = format!("[issuers.own]\nissuer = \"{OWN}\"\naudience = \"storegate\"\ntenant = \"acme\"");
    assert!(read(&own).1.contains("issuers.own.issuer: this is the issuer of this service's own tokens"));
    let twice = format!("{}{}", issuer("one", "tenant = \"acme\""), issuer("two", "tenant = \"zenith\""));
    let (issuers, problems) = read(&twice.replace("https://two.", "https://one."));
    assert_eq!((issuers.len(), problems.as_str()), (2, ""));
    assert!(issuers[0].has_keys_of(&issuers[1]) && !issuers[0].reads_tokens_as(&issuers[1]));
}

#[test]
fn an_audience_is_named_directly_or_by_the_clients_whose_tokens_have_none() {
    let bare =
        |more: &str| read(&format!("[issuers.one]\nissuer = \"https://one.example.com\"\ntenant = \"acme\"\n{more}")).1;
    assert_eq!(bare("audience_clients = [\"portal\"]"), "");
    assert_eq!(bare("audience = \"storegate\"\naudience_clients = [\"portal\"]"), "");
    assert!(bare("").contains("issuers.one.audience: missing"));
    for nothing in ["audience_clients = []", "audience_clients = [\"\"]", "audience = []", "audience = [\"a\", \"\"]"] {
        assert!(bare(nothing).contains("write at least one, or leave this out"), "{nothing}");
    }
}

#[test]
fn scopes_are_looked_for_in_several_claims_and_other_claims_can_be_required() {
    let more = "tenant = \"acme\"\nscope_claim = [\"scp\", \"roles\"]\nid_tokens = true\ntoken_size = \"32KiB\"\n\
        [issuers.one.required_claims]\ntoken_use = \"access\"\n\"app.kind\" = [\"a\", \"b\"]";
    let (issuers, report) = read(&issuer("one", more));
    assert_eq!(report, "");
    let mapping = &issuers[0].mapping;
    assert_eq!((mapping.scope_claims.len(), mapping.required.len(), mapping.id_tokens), (2, 2, true));
    assert_eq!(issuers[0].token_size, 32 << 10);
    let problems = |more: &str| problems(&format!("tenant = \"acme\"\n{more}"));
    assert!(problems("scope_claim = []").contains("issuers.one.scope_claim: name the claims"));
    for size in ["1KiB", "65KiB", "1GiB"] {
        assert!(
            problems(&format!("token_size = \"{size}\"")).contains("tokens of 8KiB to 64KiB can be read"),
            "{size}"
        );
    }
    assert!(
        problems("[issuers.one.required_claims]\nx = []").contains("issuers.one.required_claims.x: write the value")
    );
}

#[test]
fn every_registered_asymmetric_algorithm_can_be_listed() {
    let all =
        "\"RS256\", \"RS384\", \"RS512\", \"PS256\", \"PS384\", \"PS512\", \"ES256\", \"ES384\", \"ES512\", \"EdDSA\"";
    assert_eq!(problems(&format!("tenant = \"acme\"\nalgorithms = [{all}]")), "");
    for other in ["HS256", "HS384", "none", "ES256K", "rs256", "RSA-OAEP"] {
        let report = problems(&format!("tenant = \"acme\"\nalgorithms = [\"RS256\", \"{other}\"]"));
        assert!(
            report.contains("write some of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA"),
            "{report}"
        );
    }
}

#[test]
fn an_issuer_that_is_no_address_needs_its_keys_named() {
    let named = |more: &str| {
        let toml =
            format!("[issuers.one]\nissuer = \"corporate\"\naudience = \"storegate\"\ntenant = \"acme\"\n{more}");
        read(&toml).1
    };
    assert!(named("").contains("keys cannot be discovered here"));
    assert_eq!(named("jwks_uri = \"https://keys.example.com/\""), "");
}

#[test]
fn a_file_of_keys_is_read_at_the_start_and_one_key_in_it_must_be_good() {
    let good = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"a"}"#;
    let report = |name: &str, content: &str| {
        let path = file(name, content);
        let read = read(&issuer("one", &format!("tenant = \"acme\"\njwks_file = {path:?}")));
        std::fs::remove_file(path).unwrap();
        read
    };
    let (issuers, problems) = report("good", &format!(r#"{{"keys":[{good}]}}"#));
    assert_eq!(problems, "");
    assert!(matches!(&issuers[0].keys, KeySource::File(set) if set.keys.get("a").is_some()));
    let weak = r#"{"kty":"RSA","n":"AQAB","e":"AQAB","kid":"b"}"#;
    let (issuers, problems) = report("mixed", &format!(r#"{{"keys":[{weak},{good}]}}"#));
    assert_eq!(problems, "", "what cannot be used is left out");
    assert!(matches!(&issuers[0].keys, KeySource::File(set) if set.keys.len() == 1 && set.summary() == "1 too weak"));
    assert!(report("weak", &format!(r#"{{"keys":[{weak}]}}"#)).1.contains("no key that can be used here: 1 too weak"));
    assert!(report("empty", r#"{"keys":[]}"#).1.contains("has no key"));
    assert!(
        report(
            "private",
            &good.replace("\"x\"", "\"d\":\"AA\",\"x\"").replacen('{', "{\"keys\":[{", 1).replace("}", "}]}")
        )
        .1
        .contains("tells a private key")
    );
    assert!(report("nonsense", "keys").1.contains("not a JWK set"));
}
