//! One mistake in a vendor's pack is one problem, at its line of the pack, however much of a configuration needs the vendor.

use std::fs;

use storegate::config::Settings;

use crate::app::program::{directory, stdout_of};
use crate::peers::lumen::PACK;

/// All that a configuration can say of a vendor.
const USES: &str = r#"
[auth.clients.quiet]
tenant = "acme"
scopes = ["receipts:read"]
stores = ["L-NORTH"]
organizations = ["R-12"]
[tenants.acme.lumen]
url = "https://lumen.example.com"
app_key = "key"
app_secret = "secret"
[gateway.lumen]
calls_in_flight = 2
[resources.receipts]
path = "/stores/{store_id}/receipts"
summary = "List receipts"
gateway = "lumen"
method = "receipts.list"
scope = "receipts:read"
allows = "read receipts"
answer = "as_given"
[resources.receipts.parameters.store_id]
type = "lumen_store"
wire = "storeCode"
example = "L-NORTH"
[resources.receipts.parameters.region]
type = "organization"
wire = "region"
example = "12"
"#;

/// The problems of a configuration with this pack, which is otherwise without any.
fn problems(name: &str, pack: &[u8]) -> Vec<String> {
    problems_of(name, pack, |text| text)
}

fn problems_of(name: &str, pack: &[u8], change: impl Fn(String) -> String) -> Vec<String> {
    let home = directory(name);
    let (stores, file) = (home.join("stores.csv"), home.join("lumen.toml"));
    fs::write(&stores, "id,lumen_code,name\nnorth,L-NORTH,North\n").unwrap();
    fs::write(&file, pack).unwrap();
    let key = stdout_of(&["secret", "key"], &[], "");
    let hash = stdout_of(&["secret", "hash"], &[], "a-secret");
    let uses = USES.replace("[tenants.acme.lumen]", &format!("{hash}\n[tenants.acme.lumen]"));
    let text = format!(
        "[server]\npublic_url = \"https://storegate.example.com\"\n[auth.keys.first]\nprivate_key = '''{key}'''\n\
         [vendors.lumen]\nfile = {file:?}\n[directory.acme]\nstores_file = {stores:?}\n{uses}"
    );
    Settings::parse(&change(text), std::iter::empty()).err().map(|problems| problems.0).unwrap_or_default()
}

/// An option of a type that there is not.
const OPTION: &str =
    "[options.size]\ntype = \"float\"\nminimum = 1\nmaximum = 2\ndefault = 1\nhelp = \"a\"\n[ids.store]";

#[test]
fn one_mistake_in_a_pack_is_one_problem() {
    assert_eq!(problems("pack-right", PACK.as_bytes()), Vec::<String>::new());
    for (part, by, words) in [
        ("title = \"Lumen\"", "title = 5", "vendor.title: this is a text"),
        ("key = \"app_key\"", "", "vendor.key: missing: the field of"),
        ("key = \"app_key\"", "key = 5", "vendor.key: this is a text"),
        ("help = \"the application's key\"", "help = 5", "credential.app_key.help: this is a text"),
        ("forms = { milliseconds = \"unix_ms\" }", "forms = 5", "time.forms: this is a section"),
        (
            "forms = { milliseconds = \"unix_ms\" }",
            "forms = { milliseconds = 5 }",
            "time.forms.milliseconds: this is a",
        ),
        ("zone = \"UTC\"", "zone = \"Mars/Base\"", "time.zone: Mars/Base is not a known time zone"),
        ("label = \"api\"", "url = \"here\"", "endpoints.url.url: "),
        (
            "digest = \"hmac-sha256\"",
            "digest = \"crc32\"",
            "sign.stages.0.digest: there is no such digest; the digests are none, md5",
        ),
        ("digest = \"hmac-sha256\"", "digest = 5", "sign.stages.0.digest: this is a text"),
        ("digest = \"hmac-sha256\"", "", "sign.stages.0.digest: missing"),
        ("key = \"{secret}\"", "key = \"{secrets}\"", "sign.stages.0.key: "),
        ("header = \"X-Signature\"", "header = 5", "sign.header: this is a text"),
        ("Authorization = \"Bearer {token}\"", "Authorization = 5", "login.headers.Authorization: this is a text"),
        (
            "succeeded_by = { \"/ok\" = [\"true\"] }\ncode = [\"/error/kind\"]",
            "code = 5",
            "answer.code: this is a list",
        ),
        ("token = [\"/accessToken\"]", "token = 5", "login.answer.token: this is a list"),
        ("column = \"lumen_code\"", "column = 5", "ids.store.column: this is a text"),
        ("prefix = \"R-\"", "prefix = 5", "ids.organization.prefix: this is a text"),
        ("[answer]\n", "[anser]\n", "anser: there is no such setting; did you mean answer?"),
        ("secret = true", "secret = \"yes\"", "credential.app_secret.secret: this is either true or false"),
        ("[ids.store]", OPTION, "options.size.type: an option is an integer or a choice"),
        ("http = \"POST\"\nbusiness = \"json\"", "http = \"GET\"\nsystem = \"xml\"", "call.system: XML bodies are not"),
        ("http = \"POST\"\nbusiness = \"json\"", "business = \"xml\"", "call.business: XML bodies are not supported"),
        (
            "forms = { milliseconds = \"unix_ms\" }",
            "forms = { milliseconds = \"%Q\" }\nfirst = \"milliseconds\"",
            "time.forms.milliseconds: write unix",
        ),
        (
            "forms = { milliseconds = \"unix_ms\" }",
            "forms = { milliseconds = \"seconds since 2012\" }",
            "time.forms.milliseconds: write unix",
        ),
        ("example = \"L-NORTH\"", "prefix = \"S_\"\nexample = \"L-NORTH\"", "ids.store.prefix: opretail has `S_`"),
        ("prefix = \"R-\"", "prefix = \"O_\"", "ids.organization.prefix: opretail has `O_`"),
        ("name = \"lumen\"", "name = \"oms\"", "this is a pack of \"oms\", which is built in"),
        ("name = \"lumen\"", "name = \"other\"", "this is the pack of \"other\": name the section [vendors.other]; "),
    ] {
        assert!(PACK.contains(part), "{part}");
        let found = problems("pack-wrong", PACK.replacen(part, by, 1).as_bytes());
        assert_eq!(found.len(), 1, "{by}: {found:#?}");
        assert!(found[0].contains(words) && !found[0].contains("STOREGATE__"), "{found:?}");
    }
}

#[test]
fn a_pack_that_is_no_text_is_named_with_the_line() {
    let wrong = [PACK.split_inclusive('\n').take(4).collect::<String>().as_bytes(), b"title = \"\xff\"\n"].concat();
    let found = problems("pack-bytes", &wrong);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].ends_with("lumen.toml: line 5: it is not text in UTF-8"), "{found:?}");
}

#[test]
fn a_pack_that_takes_the_name_of_a_built_in_one_is_one_problem() {
    let found = problems_of("pack-built-in", PACK.replace("\"lumen\"", "\"oms\"").as_bytes(), |text| {
        text.replace("[vendors.lumen]", "[vendors.oms]")
            .replace("acme.lumen]", "acme.oms]")
            .replace("gateway.lumen]", "gateway.oms]")
            .replace("gateway = \"lumen\"", "gateway = \"oms\"")
    });
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(
        found[0].contains("vendors.oms.file: oms is built in: give the section and the pack another name"),
        "{found:?}"
    );
}

#[test]
fn no_declared_parameter_has_the_name_of_one_that_carries_the_token() {
    let pack = PACK.replace("[login.answer]", "[login.parameters]\naccess_token = \"{token}\"\n[login.answer]");
    assert_eq!(problems("pack-token", pack.as_bytes()), Vec::<String>::new());
    let found = problems_of("pack-token-twice", pack.as_bytes(), |text| {
        text.replace("wire = \"region\"", "wire = \"access_token\"")
    });
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(
        found[0].contains("parameters.region.wire: access_token belongs to the signature of the call"),
        "{found:?}"
    );
}
