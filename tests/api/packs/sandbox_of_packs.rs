//! The sandbox plays the vendor of any pack: calls are checked in the pack's order and answered in its form. Calls to Lumen are
//! signed here with another library.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use awc::Client;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use storegate::clock::Clock;
use storegate::gateway::account::Account;
use storegate::gateway::account_settings::AccountSettings;
use storegate::gateway::error::{Error, Kind};
use storegate::gateway::protocol::{Call, Method};
use storegate::gateway::registry::Registry;
use storegate::gateway::tls::client_config;
use storegate::gateway::transport::Transport;
use storegate::gateway::vendor::{SandboxCheck, Vendor};
use storegate::gateway::{GatewayClient, GatewaySettings};
use storegate::sandbox::{Fault, FaultOrder, SandboxSettings, SandboxVendor};
use storegate::vendors::bundled;
use storegate::vendors::pack::compile;

use crate::app::sandbox_gateway::SandboxGateway;
use crate::peers::lumen::{PACK, RESOURCE};

fn lumen() -> Vendor {
    compile(PACK, "lumen.toml").unwrap()
}

fn start(vendor: Vendor) -> SandboxGateway {
    SandboxGateway::live_with(SandboxSettings { packs: vec![vendor], ..SandboxSettings::default() })
}

/// The account of the sandbox, with a part of its settings written otherwise.
fn account(gateway: &SandboxGateway, vendor: Vendor, change: impl FnOnce(String) -> String) -> Arc<Account> {
    let text = gateway.sandbox.pack_configuration(vendor, "acme");
    let text = text.replace(&format!("[tenants.acme.{vendor}]"), "").replace(&format!("[tenants.acme.{vendor}."), "[");
    let settings = AccountSettings::parse(vendor, &change(text)).unwrap();
    Arc::new(Account::new(&settings, &Registry::new(&GatewaySettings::default(), Clock::system())))
}

fn client() -> GatewayClient {
    let settings = GatewaySettings::default();
    let transport = Transport::new(&settings, client_config(&settings.authorities).unwrap());
    GatewayClient::new(transport, Clock::system(), Duration::from_secs(60))
}

async fn called(account: &Arc<Account>, vendor: Vendor, method: &str) -> Result<Option<Value>, Error> {
    client().call(account, &Call::new(&Method::of(vendor, method.to_owned()))).await
}

/// Every pack of the program that is played by its pack alone, and Lumen's.
fn packs() -> Vec<Vendor> {
    let names = bundled::names().filter(|name| !["oms", "opretail"].contains(name));
    names.map(|name| compile(bundled::text(name).unwrap(), name).unwrap()).chain([lumen()]).collect()
}

#[actix_web::test]
async fn every_example_answer_of_every_pack_comes_back_from_its_sandbox() {
    for vendor in packs() {
        let gateway = start(vendor);
        let account = account(&gateway, vendor, |text| text);
        let pack = vendor.pack();
        let is_whole = pack.answer.data.iter().all(|place| place.slot.is_none());
        let is_login = |method: &str| {
            pack.login.as_ref().is_some_and(|login| login.calls.iter().any(|call| call.method == method))
        };
        for (method, example) in pack.sandbox.answers.iter().filter(|(method, _)| !is_login(method)) {
            let data = called(&account, vendor, method).await;
            let data = data.unwrap_or_else(|error| panic!("{vendor} {method}: {error}")).unwrap_or_default();
            // Data that is the whole answer has its code beside it.
            let shown: Value = match (&data, example) {
                (Value::Object(all), Value::Object(own)) if is_whole => all
                    .iter()
                    .filter(|(name, _)| own.contains_key(*name))
                    .map(|(name, value)| (name.clone(), value.clone()))
                    .collect(),
                _ => data,
            };
            assert_eq!(&shown, example, "{vendor} {method}");
        }
        let unknown = called(&account, vendor, "no.such.method").await.unwrap_err();
        assert!(!unknown.to_string().is_empty(), "{vendor}");
    }
}

#[actix_web::test]
async fn another_secret_is_refused_by_the_sandbox_of_every_pack_that_has_one() {
    let mut count = 0;
    for vendor in packs() {
        let pack = vendor.pack();
        let Some(method) = pack.sandbox.answers.keys().next() else { continue };
        let Some(field) = pack.credential.iter().find(|field| field.is_secret) else { continue };
        let is_checked = pack.sandbox.checks.contains(&SandboxCheck::Signature) || pack.signing.is_none();
        if !is_checked {
            continue;
        }
        let gateway = start(vendor);
        let secret = format!("sandbox-{}", field.name);
        let account = account(&gateway, vendor, |text| text.replace(&secret, "another"));
        let refused = called(&account, vendor, method).await.unwrap_err();
        let code = &pack.sandbox.codes[&SandboxCheck::Signature];
        let expected = pack.codes.kind(code);
        let kinds = [expected, Kind::CredentialsRefused, Kind::LoginRefused];
        assert!(kinds.contains(&refused.kind), "{vendor}: {refused:?}");
        count += 1;
    }
    assert!(count >= 1);
}

/// A call to Lumen, and what differs from a right one.
struct LumenCall<'a> {
    url: String,
    path: &'a str,
    key: &'a str,
    secret: &'a str,
    time: i64,
    nonce: &'a str,
    token: Option<String>,
    body: Value,
}

impl<'a> LumenCall<'a> {
    fn new(gateway: &SandboxGateway, nonce: &'a str) -> Self {
        let base_url = gateway.sandbox.base_url();
        let time = Clock::system().now().as_millisecond();
        let (path, key, secret) = ("/packs/lumen/api/receipts.list", "sandbox-app_key", "sandbox-app_secret");
        Self { url: base_url, path, key, secret, time, nonce, token: None, body: json!({"page": 1}) }
    }

    async fn send(&self) -> Value {
        let Self { path, key, time, nonce, body, .. } = self;
        let signed = format!("POST\n{path}\n{time}\n{nonce}\n{body}");
        let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, self.secret.as_bytes()), signed.as_bytes());
        let request = Client::default()
            .post(format!("{}{path}", self.url))
            .insert_header(("x-app-key", *key))
            .insert_header(("x-timestamp", time.to_string()))
            .insert_header(("x-nonce", *nonce))
            .insert_header(("x-signature", STANDARD.encode(signature)));
        let token = self.token.iter().map(|token| ("authorization", format!("Bearer {token}")));
        let request = token.fold(request, awc::ClientRequest::insert_header);
        request.send_json(body).await.unwrap().json().await.unwrap()
    }

    async fn code(&self) -> String {
        self.send().await["error"]["kind"].as_str().unwrap_or("none").to_owned()
    }
}

/// A token of the sandbox.
async fn token(gateway: &SandboxGateway) -> Option<String> {
    let login = LumenCall {
        path: "/packs/lumen/api/auth.exchange",
        body: json!({"appKey": "sandbox-app_key"}),
        ..LumenCall::new(gateway, "login")
    };
    let answer = login.send().await;
    assert_eq!((&answer["ok"], &answer["result"]["expiresIn"]), (&json!(true), &json!(7_200)), "{answer}");
    answer["result"]["accessToken"].as_str().map(str::to_owned)
}

#[actix_web::test]
async fn what_is_wrong_with_a_call_gets_the_packs_code_in_the_packs_order() {
    let gateway = start(lumen());
    let token = token(&gateway).await;
    let call = |nonce| LumenCall { token: token.clone(), ..LumenCall::new(&gateway, nonce) };
    let right = call("1").send().await;
    assert_eq!(right["result"]["items"][0], json!({"no": "A1", "amount": "12.5"}), "{right}");
    assert_eq!((&right["ok"], right["trace"].is_string()), (&json!(true), true), "{right}");
    assert_eq!(LumenCall { key: "", ..call("2") }.code().await, "E400", "a header without a value");
    assert_eq!(LumenCall { key: "nobody", secret: "wrong", time: 0, ..call("3") }.code().await, "E001");
    let stale = call("4").time - 301_000;
    assert_eq!(LumenCall { time: stale, secret: "wrong", ..call("4") }.code().await, "E408");
    assert_eq!(LumenCall { secret: "wrong", token: None, ..call("5") }.code().await, "E002");
    let repeated = call("6");
    assert_eq!([repeated.code().await, repeated.code().await], ["none", "E409"]);
    let unknown = "/packs/lumen/api/receipts.unheard";
    assert_eq!(LumenCall { token: None, path: unknown, ..call("7") }.code().await, "E401");
    assert_eq!(LumenCall { path: unknown, ..call("8") }.code().await, "E003");
    gateway.sandbox.forget_logins();
    assert_eq!(call("9").code().await, "E401");
    assert_eq!(gateway.sandbox.calls_of("receipts.list"), 8);
}

#[actix_web::test]
async fn what_a_pack_says_of_single_calls_is_played() {
    let text = PACK.split("[[vectors]]").next().unwrap().to_owned();
    let text = [
        ("path = \"/api/{method}\"", "path = \"/api/{method.path}\""),
        ("method = \"auth.exchange\"", "method = \"auth.exchange\"\nbare = true\ncarrier = \"form\""),
        ("probe = {", "http = \"GET\"\nprobe = {"),
        ("code = [\"/error/kind\"]", "code = [\"/error/kind\"]\nsub_code = [\"/error/sub\"]"),
        ("method = [\"E003\"]", "method = [\"E003:gone\"]"),
    ]
    .iter()
    .fold(text, |text, (part, by)| {
        assert!(text.contains(part), "{part}");
        text.replace(part, by)
    });
    let vendor = compile(&text, "lumen.toml").unwrap();
    let gateway = start(vendor);
    let account = account(&gateway, vendor, |text| text);
    let data = called(&account, vendor, "receipts.list").await.unwrap();
    assert_eq!(data.as_ref(), vendor.pack().sandbox.answers.get("receipts.list"));
    let refused = called(&account, vendor, "receipts.unheard").await.unwrap_err();
    assert_eq!(refused.note.and_then(|note| note.code).as_deref(), Some("E003:gone"));
}

#[actix_web::test]
async fn a_fault_that_is_ordered_for_the_pack_is_answered_and_leaves_other_gateways_alone() {
    let gateway = start(lumen());
    let token = token(&gateway).await;
    let call = |nonce| LumenCall { token: token.clone(), ..LumenCall::new(&gateway, nonce) };
    let order = r#"{"fault":"code","code":"E500","gateway":"lumen","method":"receipts.list"}"#;
    gateway.sandbox.order(FaultOrder::from_json_beside(order, &[lumen()]).unwrap());
    gateway.sandbox.fail_next_at(SandboxVendor::Oms, Fault::Empty, 1);
    assert_eq!([call("1").code().await, call("2").code().await], ["E500", "none"]);
    for (order, words) in [
        (r#"{"fault":"hang","gateway":"lumen","method":"receipts.lst"}"#, "did you mean receipts.list?"),
        (r#"{"fault":"hang","gateway":"lumens"}"#, r#"`gateway` must be "opretail" or "oms" or "lumen""#),
        (r#"{"fault":"code","code":"","gateway":"lumen"}"#, "`code` is empty; write one such as"),
    ] {
        let refused = FaultOrder::from_json_beside(order, &[lumen()]).unwrap_err();
        assert!(refused.contains(words), "{refused}");
    }
}

#[actix_web::test]
async fn a_call_by_another_http_method_is_refused_at_the_place_of_the_method() {
    // A vector is of a call by POST.
    let pack = PACK.split("[[vectors]]").next().unwrap();
    // What a client calls that has another pack than the sandbox.
    let refused = async |client: &str, server: &str| {
        let gateway = start(compile(server, "lumen.toml").unwrap());
        let vendor = compile(client, "lumen.toml").unwrap();
        let outcome = called(&account(&gateway, vendor, |text| text), vendor, "receipts.list").await;
        outcome.err().map(|error| error.note.and_then(|note| note.code).unwrap_or_default())
    };
    let listed = pack.replace("probe = { page = \"1\" }", "http = \"GET\"\nprobe = { page = \"1\" }");
    assert_eq!(refused(pack, pack).await, None);
    assert_eq!(refused(&listed, &listed).await, None);
    assert_eq!(refused(&listed, pack).await.as_deref(), Some("E003"), "of `method`");
    assert_eq!(refused(pack, &listed).await.as_deref(), Some("E003"));
    let by_get = |pack: &str| pack.replace("method = \"auth.exchange\"", "method = \"auth.exchange\"\nhttp = \"GET\"");
    assert_eq!(refused(&by_get(pack), &by_get(pack)).await, None);
    assert_eq!(refused(&by_get(pack), pack).await.as_deref(), Some("E003"), "of a login");
    // The signature is looked at before.
    let other = listed.replace("digest = \"hmac-sha256\"", "digest = \"hmac-sha1\"");
    assert_eq!(refused(&other, pack).await.as_deref(), Some("E002"));
    // What is not listed is not checked.
    let unchecked = pack.replace("\"login\", \"method\"]", "\"login\"]");
    assert_eq!(refused(&listed, &unchecked).await, None);
    // A resource may call a method otherwise.
    let resource = format!("{pack}[resources.receipts]\nmethod = \"receipts.list\"\nhttp = \"GET\"\n");
    assert_eq!(refused(&listed, &resource).await, None);
}

/// The numbers of the receipts, `total`, `has_next` and the cursor on the page that these parameters ask for.
async fn page(pack: &str, parameters: &[(&'static str, &str)]) -> Result<Value, Kind> {
    let list = json!({"items": [{"no": 1}, {"no": 2}, {"no": 3}], "total": 3, "more": "false", "next": ""});
    let example = PACK.split("\"receipts.list\" = \'\'\'").nth(1).unwrap().split("\'\'\'").next().unwrap();
    let vendor = compile(&format!("{}\n{pack}", PACK.replace(example, &list.to_string())), "lumen.toml").unwrap();
    let gateway = start(vendor);
    let call = Call::new(&Method::of(vendor, "receipts.list"));
    let call = parameters.iter().fold(call, |call, (name, value)| call.with(*name, *value));
    let data =
        client().call::<Value>(&account(&gateway, vendor, |text| text), &call).await.map_err(|error| error.kind)?;
    let data = data.unwrap();
    let numbers = data["items"].as_array().unwrap().iter().map(|item| item["no"].clone()).collect::<Value>();
    Ok(json!([numbers, data["total"], data["more"], data["next"]]))
}

#[actix_web::test]
async fn a_call_gets_the_page_of_the_example_that_it_asks_for() {
    let by_number =
        "[paging]\npage = \"page\"\nfirst = 0\nsize = \"size\"\nlargest = 2\ntotal = \"/total\"\nhas_next = \"/more\"";
    let whole = Ok(json!([[1, 2, 3], 3, "false", ""]));
    assert_eq!(page(by_number, &[]).await, whole, "no page is asked for");
    assert_eq!(page(by_number, &[("size", "9")]).await, Ok(json!([[1, 2], 3, "true", ""])), "the largest page");
    assert_eq!(page(by_number, &[("page", "1"), ("size", "2")]).await, Ok(json!([[3], 3, "false", ""])));
    assert_eq!(page(by_number, &[("page", "7"), ("size", "2")]).await, Ok(json!([[], 3, "false", ""])));
    assert_eq!(page(by_number, &[("page", "x")]).await, Err(Kind::ParameterRefused));
    let by_offset = "[paging]\noffset = \"skip\"\nsize = \"size\"";
    assert_eq!(page(by_offset, &[("skip", "1"), ("size", "1")]).await, Ok(json!([[2], 3, "false", ""])));
    let by_cursor = "[paging]\ncursor = \"after\"\nnext = \"/next\"\nsize = \"size\"";
    assert_eq!(page(by_cursor, &[("size", "2")]).await, Ok(json!([[1, 2], 3, "false", "sandbox-2"])));
    assert_eq!(page(by_cursor, &[("size", "2"), ("after", "sandbox-2")]).await, Ok(json!([[3], 3, "false", ""])));
    let own =
        format!("{}\n[resources.receipts.paging]\npage = \"number\"", RESOURCE.replace("gateway = \"lumen\"\n", ""));
    assert_eq!(page(&own, &[("number", "2")]).await, Ok(json!([[], 3, "false", ""])), "a resource says it otherwise");
}

#[test]
fn mistakes_in_the_section_are_reported() {
    super::each_is_one_problem(&[
        ("\"login\", \"method\"]", "\"login\", \"login\"]", "sandbox.checks: the checks are presence, method, key"),
        ("\"login\", \"method\"]", "\"login\", \"methods\"]", "sandbox.checks: the checks are presence, method, key"),
        ("window = \"5m\"", "window = \"2d\"", "sandbox.window: a timestamp may be off by 1s to 1d"),
        ("{\"items\":", "{items:", "sandbox.answers.receipts.list: this is no JSON"),
        ("presence = \"E400\"", "absence = \"E400\"", "sandbox.codes.absence: there is no such setting"),
        ("presence = \"E400\"", "presence = \"\"", "sandbox.codes.presence: \"\" is no code of a failure"),
    ]);
}

#[test]
fn codes_that_the_section_does_not_name_are_those_of_the_reactions_or_unlisted() {
    let codes: BTreeMap<SandboxCheck, String> = lumen().pack().sandbox.codes.clone();
    let code = |check| codes[&check].as_str();
    assert_eq!([code(SandboxCheck::Login), code(SandboxCheck::Failed)], ["E401", "E500"]);
    let without = PACK.replace("presence = \"E400\"\nrepeated = \"E409\"\n", "");
    let codes = compile(&without, "lumen.toml").unwrap().pack().sandbox.codes.clone();
    assert_eq!(codes[&SandboxCheck::Presence], "E999", "a code of the vendor's form");
    assert!(!codes.contains_key(&SandboxCheck::Repeated));
}
