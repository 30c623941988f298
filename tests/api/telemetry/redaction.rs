//! The program itself at its most talkative, led through all it can meet; then every line that it printed, every answer and
//! every metric is searched for each secret that was planted.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use awc::Client;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use storegate::clock::Clock;

use crate::app::program::{Running, directory, stdout_of};
use crate::app::requests::TOTAL_DATA;
use crate::peers::independent_gateway::{IndependentGateway, OmsTime};

const ACCOUNT: &str = "open.gateway.authentication";
const SSO: &str = "open.shopweb.security.ssoLogin";

const MADE: &str = "planted-made-client-secret";
const CHOSEN: &str = "planted-chosen-client-secret";
const API_KEY: &str = "sgk_planted-api-key";
const GUESSED_API_KEY: &str = "sgk_planted-guess-of-an-api-key";
const GUESSED: &str = "planted-guess-of-a-secret";
const SHARED_KEY: &str = "planted-shared-key-of-thirty-two-bytes-and-more";
const OPRETAIL_SECRET: &str = "planted-opretail-secret";
const OMS_TOKEN: &str = "planted-oms-token";
const PASSWORD: &str = "planted-password";
const LOGIN_TOKEN: &str = "planted-login-token";
const ACCOUNT_SECRET: &str = "planted-application-secret";
const ASSEMBLED: &str = "planted-assembled-string";
const ECHOED: &str = "planted-echo-of-a-form";
const HALF_WRITTEN: &str = "planted-in-a-broken-configuration";

/// Everything that was told to anybody, and what must not be in it.
struct Collected {
    client: Client,
    base_url: String,
    answers: Vec<String>,
    secrets: BTreeSet<String>,
}

impl Collected {
    /// Sends a request and keeps the whole answer.
    async fn request(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
        let request = self.client.request(method.parse().unwrap(), format!("{}{path}", self.base_url));
        let request = headers.iter().fold(request, |request, header| request.append_header(*header));
        let mut response = request.send_body(body.to_owned()).await.unwrap();
        let body = String::from_utf8_lossy(&response.body().limit(16 << 20).await.unwrap()).into_owned();
        self.answers.push(format!("{:?}", response.headers()));
        (response.status().as_u16(), body)
    }

    /// Reads, and keeps the body as well: nothing secret may be in it.
    async fn read(&mut self, path: &str, headers: &[(&str, &str)]) -> u16 {
        let (status, body) = self.request("GET", path, headers, "").await;
        self.answers.push(body);
        status
    }

    async fn with_token(&mut self, token: &str, path: &str) -> u16 {
        self.read(path, &[("authorization", &format!("Bearer {token}"))]).await
    }

    async fn post(&mut self, path: &str, client: &str, secret: &str, form: &str) -> (u16, String) {
        let basic = format!("Basic {}", STANDARD.encode(format!("{client}:{secret}")));
        self.plant(&basic["Basic ".len()..]);
        let headers = [("content-type", "application/x-www-form-urlencoded"), ("authorization", basic.as_str())];
        self.request("POST", path, &headers, form).await
    }

    /// A token is as secret as its signature, without which it opens nothing.
    async fn token(&mut self, client: &str, secret: &str) -> String {
        let (status, body) = self.post("/oauth/token", client, secret, "grant_type=client_credentials").await;
        assert_eq!(status, 200, "{body}");
        let answer: serde_json::Value = serde_json::from_str(&body).unwrap();
        let token = answer["access_token"].as_str().unwrap().to_owned();
        self.plant_token(&token);
        token
    }

    fn plant(&mut self, secret: &str) {
        assert!(secret.len() >= 8, "{secret}");
        self.secrets.insert(secret.to_owned());
    }

    fn plant_token(&mut self, token: &str) {
        for part in token.split('.').skip(1).filter(|part| part.len() >= 16) {
            self.plant(part);
        }
    }
}

/// The lines with the hashes of the client secrets and of the API key.
fn hashes() -> [String; 3] {
    let made = stdout_of(&["secret", "hash"], &[], MADE);
    let chosen = stdout_of(&["secret", "hash", "--argon2"], &[], CHOSEN);
    let api_key = stdout_of(&["secret", "hash"], &[], API_KEY).replace("secret_sha256", "key_sha256");
    [made, chosen, api_key]
}

fn configuration(gateway: &IndependentGateway, home: &Path) -> String {
    let key = home.join("key.pem");
    fs::write(&key, stdout_of(&["secret", "key"], &[], "")).unwrap();
    let [made, chosen, api_key] = hashes();
    let scopes =
        "[\"stores:read\", \"flow:read\", \"demographics:read\", \"inspections:read\", \"organizations:read\"]";
    let (m_api, cloud_api, oms) = (gateway.url("/m.api"), gateway.url("/cloud.api"), gateway.url("/rpc"));
    let tenant = |name: &str, secret: &str, token: &str| {
        format!(
            r#"
[tenants.{name}.opretail]
m_api = "{m_api}"
cloud_api = "{cloud_api}"
key = "S107-00000001"
secret = "{secret}"
[tenants.{name}.opretail.login]
method = "sso"
user_name = "13900000000"
password = "{PASSWORD}"
[tenants.{name}.oms]
url = "{oms}"
flag = "{name}"
token = "{token}"
"#
        )
    };
    format!(
        r#"
[server]
public_url = "https://storegate.example.com"
workers = 2
[telemetry]
log = "trace"
format = "json"
[auth]
sign_with = "first"
[auth.keys.first]
private_key_file = {key:?}
[auth.keys.shared]
secret = "{SHARED_KEY}"
[auth.clients.dashboard]
tenant = "acme"
scopes = {scopes}
{made}
[auth.clients.person]
tenant = "acme"
scopes = {scopes}
{chosen}
[auth.api_keys.excel]
tenant = "acme"
scopes = {scopes}
{api_key}
[auth.clients.stranger]
tenant = "zenith"
scopes = {scopes}
quota = "3/1h"
{made}
{acme}{zenith}"#,
        acme = tenant("acme", OPRETAIL_SECRET, OMS_TOKEN),
        zenith = tenant("zenith", "planted-wrong-opretail-secret", "planted-wrong-oms-token"),
    )
}

/// Good reads, and every way in which a gateway can fail.
async fn read_everything(told: &mut Collected, gateway: &IndependentGateway, token: &str) {
    assert_eq!(told.with_token(token, "/stores/S_1/flow").await, 200);
    assert_eq!(told.with_token(token, "/organizations/2/developer-account").await, 200);
    read_echoes(told, gateway, token).await;
    assert_eq!(
        told.with_token(token, "/stores").await,
        502,
        "the signature is refused, with the string that was signed"
    );
    assert_eq!(told.with_token(token, "/stores/SHOP001").await, 502, "not an envelope");
    gateway.answer(TOTAL_DATA, &format!("<html>{ECHOED} _sig=0</html>"));
    assert_eq!(told.with_token(token, "/stores/S_2/flow").await, 502);
    gateway.answer(TOTAL_DATA, r#"{"stat":{"code":9990001,"codename":"TOKEN_NOT_EXIST"},"data":null}"#);
    gateway.answer(SSO, r#"{"stat":{"code":103095,"codename":"PASSWORD_ERROE"},"data":null}"#);
    assert_eq!(told.with_token(token, "/stores/S_3/flow").await, 502, "the login is refused");
    gateway.answer_whole(
        TOTAL_DATA,
        "HTTP/1.1 302 Found\r\nlocation: /x\r\ncontent-length: 0\r\nconnection: close\r\n",
        "",
    );
    assert_eq!(told.with_token(token, "/stores/S_4/flow").await, 502);
}

/// A gateway that repeats what it was sent, in every member of its refusal.
async fn read_echoes(told: &mut Collected, gateway: &IndependentGateway, token: &str) {
    for (number, word) in ["%SIGN%", "%FORM%", OPRETAIL_SECRET, PASSWORD].into_iter().enumerate() {
        for (code, status) in [(100_001, 503), (102_005, 403)] {
            let stat = format!(r#"{{"cid":"{word}","code":{code},"codename":"{word}"}}"#);
            gateway.echo(TOTAL_DATA, &format!(r#"{{"stat":{stat},"result":"signed {word}, not {word}"}}"#));
            assert_eq!(told.with_token(token, &format!("/stores/S_8{number}{status}/flow")).await, status, "{word}");
        }
    }
    for (number, word) in ["%SIGN%", "%FORM%", OMS_TOKEN].into_iter().enumerate() {
        for (code, status) in [("e000006", 422), ("404", 404)] {
            let refusal = format!(r#"{{"error_response":{{"code":"{code}","msg":"assembled {word}"}}}}"#);
            gateway.echo("shop.get", &refusal);
            assert_eq!(told.with_token(token, &format!("/stores/ECHO{number}{status}")).await, status, "{word}");
        }
    }
    gateway.echo("shop.get", r#"{"error_response":{"code":"%SIGN%","msg":"%FORM%"}}"#);
    let read = told.with_token(token, "/stores/ECHO").await;
    assert!(matches!(read, 422 | 502), "{read}");
    gateway.echo(TOTAL_DATA, r#"{"stat":{"cid":"%SIGN%","code":0},"data":"%FORM%"}"#);
    assert_eq!(told.with_token(token, "/stores/S_89/flow").await, 502);
    gateway.echo_no_more(TOTAL_DATA);
    gateway.echo_no_more("shop.get");
}

/// API keys, the right one and a guess, wherever somebody may put them.
async fn send_api_keys(told: &mut Collected) {
    for (key, status) in [(API_KEY, 200), (GUESSED_API_KEY, 401)] {
        let path = "/stores/S_1/flow";
        assert_eq!(told.with_token(key, path).await, status);
        assert_eq!(told.read(path, &[("x-api-key", key)]).await, status);
        assert_eq!(told.read(path, &[("x-api-key", key), ("x-api-key", key)]).await, 401);
        assert_eq!(told.read(path, &[("authorization", key)]).await, 401);
        assert_eq!(told.read(&format!("/{key}"), &[]).await, 404);
        assert_eq!(told.read(&format!("/stores/{key}/flow?api_key={key}"), &[("x-api-key", API_KEY)]).await, 400);
        assert_eq!(told.post("/oauth/token", key, key, "grant_type=client_credentials").await.0, 401);
    }
}

/// Callers who should not get in, or not so far.
async fn refuse_everything(told: &mut Collected, token: &str, stranger: &str) {
    for path in ["/stores", "/stores/S_1/flow", "/stores/SHOP001"] {
        assert_eq!(told.with_token(stranger, path).await, 502, "{path}: the secrets are wrong");
    }
    assert_eq!(told.with_token(stranger, "/stores").await, 429);
    let mut tampered = token.to_owned();
    tampered.replace_range(token.len() - 12.., "plantedplant");
    told.plant_token(&tampered);
    for bad in [tampered.as_str(), &token[..token.len() - 1], "planted-nonsense-token", "planted.nonsense.token"] {
        assert_eq!(told.with_token(bad, "/stores").await, 401);
    }
    let basic = format!("Basic {}", STANDARD.encode(format!("dashboard:{MADE}")));
    assert_eq!(told.read("/stores", &[("authorization", &basic)]).await, 401);
    assert_eq!(told.read(&format!("/stores?access_token={token}"), &[]).await, 401);
    let bearer = format!("Bearer {token}");
    assert_eq!(told.read("/stores", &[("authorization", &bearer), ("authorization", &bearer)]).await, 401);
    assert_eq!(told.read("/nowhere", &[("authorization", &bearer), ("cookie", &bearer)]).await, 404);
    assert_eq!(told.with_token(token, "/stores?page=x").await, 400);
    assert_eq!(told.read(&format!("/{token}"), &[]).await, 404);
    assert_eq!(told.read(&format!("/stores/{token}/flow"), &[]).await, 401);
    assert_eq!(told.with_token(token, &format!("/stores/{token}/flow")).await, 400);
}

#[actix_web::test]
async fn no_secret_is_in_any_line_of_the_log_any_response_or_any_metric() {
    let home = directory("talkative");
    let gateway = IndependentGateway::start(Clock::system().now(), OmsTime::Unix, OPRETAIL_SECRET, OMS_TOKEN);
    gateway.answer(SSO, &format!(r#"{{"stat":{{"code":0}},"data":{{"token":"{LOGIN_TOKEN}"}}}}"#));
    gateway.answer(TOTAL_DATA, r#"{"stat":{"code":0},"data":{"DAY_FLOW":7}}"#);
    gateway.answer(ACCOUNT, &format!(r#"{{"stat":{{"code":0}},"data":{{"applicationSecret":"{ACCOUNT_SECRET}"}}}}"#));
    let refusal = format!(
        r#"{{"error_response":{{"code":"e000002","msg":"sign error","sub_msg":{{"assemble_str":"{ASSEMBLED}"}}}}}}"#
    );
    gateway.answer("shop.getList", &refusal);
    gateway.answer("shop.get", &format!(r#"{{"response":{{"shop_bn":"{ECHOED}"#));
    let path = home.join("storegate.toml");
    let text = configuration(&gateway, &home);
    fs::write(&path, &text).unwrap();
    let server = Running::serve(&path);
    let mut told = Collected {
        client: Client::builder().disable_redirects().finish(),
        base_url: server.url(""),
        answers: Vec::new(),
        secrets: BTreeSet::new(),
    };

    let token = told.token("dashboard", MADE).await;
    told.token("person", CHOSEN).await;
    let stranger = told.token("stranger", MADE).await;
    send_api_keys(&mut told).await;
    read_everything(&mut told, &gateway, &token).await;
    refuse_everything(&mut told, &token, &stranger).await;
    let (status, body) = told.post("/oauth/introspect", "dashboard", MADE, &format!("token={token}")).await;
    assert!(status == 200 && body.contains("\"active\":true"), "{body}");
    told.answers.push(body);
    assert_eq!(told.post("/oauth/revoke", "dashboard", MADE, &format!("token={token}")).await.0, 200);
    assert_eq!(told.with_token(&token, "/stores").await, 401);
    for (client, expected) in [("dashboard", 401), ("person", 401), ("nobody", 401)] {
        let (status, body) = told.post("/oauth/token", client, GUESSED, "grant_type=client_credentials").await;
        assert_eq!(status, expected);
        told.answers.push(body);
    }
    let in_form = format!("grant_type=password&client_id=dashboard&client_secret={GUESSED}&client_secret={GUESSED}");
    let (status, body) = told.post("/oauth/token", "dashboard", GUESSED, &in_form).await;
    assert_eq!(status, 400);
    told.answers.push(body);
    for path in ["/metrics", "/readyz", "/openapi.json", "/.well-known/jwks.json"] {
        assert_eq!(told.read(path, &[]).await, 200, "{path}");
    }
    fs::write(&path, text.replace("[server]", &format!("[server]\nlisten = {HALF_WRITTEN}\""))).unwrap();
    server.signal("HUP");
    let mut printed = server.until("the configuration in force stays");
    let (code, rest) = server.terminate();
    assert_eq!(code, Some(0));
    printed += &rest;

    let signed: Vec<_> = gateway.received().iter().map(|received| received.parameters.clone()).collect();
    let signatures = signed.iter().flat_map(|form| ["_sig", "sign"].map(|name| form.get(name).cloned()));
    let signatures: Vec<String> = signatures.flatten().collect();
    assert!(signatures.len() >= 8, "{}", signatures.len());
    let hashed = signed.iter().filter_map(|form| form.get("password").cloned()).next().expect("a login was tried");
    let key = fs::read_to_string(home.join("key.pem")).unwrap();
    let key = key.lines().filter(|line| !line.starts_with("-----")).map(str::to_owned);
    let named = [
        MADE,
        CHOSEN,
        GUESSED,
        SHARED_KEY,
        OPRETAIL_SECRET,
        OMS_TOKEN,
        PASSWORD,
        LOGIN_TOKEN,
        ACCOUNT_SECRET,
        ASSEMBLED,
        ECHOED,
        HALF_WRITTEN,
    ];
    for secret in signatures.into_iter().chain([hashed]).chain(key).chain(named.map(str::to_owned)) {
        told.plant(&secret);
    }

    let refused = printed.lines().find(|line| line.contains("token refused")).expect("the log says why");
    assert!(refused.contains("\"level\":\"INFO\"") && refused.contains("The "), "{refused}");
    assert!(printed.contains("\"level\":\"TRACE\"") && printed.contains("\"level\":\"ERROR\""), "it was talkative");
    // What begins so was planted somewhere, even if it is not in the list.
    told.plant("planted-");
    for secret in &told.secrets {
        let line = printed.lines().find(|line| line.contains(secret.as_str()));
        assert!(line.is_none(), "{secret} is in the log: {}", line.unwrap_or_default());
        let answer = told.answers.iter().find(|answer| answer.contains(secret.as_str()));
        assert!(answer.is_none(), "{secret} is in an answer: {}", answer.map_or("", String::as_str));
    }
}
