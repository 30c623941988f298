//! What the log says of each request, and of what matters to those who look into misuse: from where, by whom, and of what.

use std::fs;

use awc::Client;
use awc::http::Method;
use futures_util::future::join_all;
use serde_json::Value;
use storegate::sandbox::Fault;

use crate::app::configurations::sandbox_configuration;
use crate::app::program::{Running, stdout_of};
use crate::app::requests::{FLOW, TOTAL_DATA};
use crate::app::sandbox_gateway::SandboxGateway;
use crate::peers::raw_connection::RawConnection;

const SECRET: &str = "planted-client-secret";
const AUDIT: &str = "storegate::audit";

/// The program behind a proxy on loopback whose word is taken, with its log in JSON.
struct Service {
    gateway: SandboxGateway,
    running: Running,
    token: String,
    secrets: Vec<String>,
}

impl Service {
    fn start(name: &str, filter: &str) -> Self {
        Self::start_with(name, filter, "")
    }

    /// With further sections.
    fn start_with(name: &str, filter: &str, more_sections: &str) -> Self {
        let gateway = SandboxGateway::live();
        let (path, secrets) = sandbox_configuration(name, &gateway);
        let text = fs::read_to_string(&path).unwrap();
        let telemetry = format!("[telemetry]\nformat = \"json\"\nlog = {filter:?}");
        let more = "[limits]\ntrusted_proxies = [\"127.0.0.0/8\"]\n[auth.keys.first]";
        let text = text
            .replace("[telemetry]\nlog = \"trace\"", &telemetry)
            .replace("[auth.keys.first]", more)
            .replace("\"flow:read\"]", "\"flow:read\", \"demographics:read\", \"cache:purge\", \"cache:bypass\"]")
            .replace("stores = [\"SHOP001\", \"S_123456\"]\n", "")
            + more_sections;
        fs::write(&path, text).unwrap();
        let config = path.to_str().unwrap();
        let running = Running::serve(&path);
        let token = stdout_of(&["token", "--config", config, "--client", "dashboard"], &[], "");
        Self { gateway, running, token, secrets }
    }

    /// Sends a request as the proxy hands it on for this address, with an id of its own.
    async fn send(&self, method: Method, path: &str, token: &str, id: &str, address: &str) -> (u16, Vec<u8>) {
        let request = Client::default().request(method, self.running.url(path)).no_decompress();
        let request = request.insert_header(("x-request-id", id)).insert_header(("x-forwarded-for", address));
        let mut answer = request.bearer_auth(token).send().await.unwrap();
        (answer.status().as_u16(), answer.body().await.unwrap().to_vec())
    }

    async fn get(&self, path: &str, id: &str) -> (u16, Vec<u8>) {
        self.send(Method::GET, path, &self.token, id, "198.51.100.4").await
    }

    async fn post_form(&self, path: &str, id: &str, form: &[(&str, &str)]) -> u16 {
        let request = Client::default().post(self.running.url(path)).insert_header(("x-request-id", id));
        request.insert_header(("x-forwarded-for", "198.51.100.4")).send_form(&form).await.unwrap().status().as_u16()
    }

    /// Stops it, and gives its log, in which no secret is.
    fn log(self) -> Vec<Value> {
        let (code, printed) = self.running.terminate();
        assert_eq!(code, Some(0));
        for secret in self.secrets.iter().chain([&self.token]) {
            assert!(!printed.contains(secret.as_str()), "{secret} is in {printed}");
        }
        printed.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"))).collect()
    }
}

/// The lines of a request with this message.
fn of<'a>(log: &'a [Value], id: &str, message: &str) -> Vec<&'a Value> {
    log.iter().filter(|line| line["id"] == id && line["message"] == message).collect()
}

fn the<'a>(log: &'a [Value], id: &str, message: &str) -> &'a Value {
    let lines = of(log, id, message);
    assert_eq!(lines.len(), 1, "{message} of {id}: {log:#?}");
    lines[0]
}

fn assert_says(line: &Value, fields: &[(&str, Value)]) {
    for (name, value) in fields {
        assert_eq!(line[name], *value, "{name}: {line}");
    }
}

#[actix_web::test]
async fn a_line_has_the_clients_address_the_bytes_sent_and_the_number_of_gateway_calls() {
    let service = Service::start("access-lines", "info");
    let mut lengths = Vec::new();
    for id in ["miss", "hit", "fast-hit"] {
        let (status, body) = service.get(FLOW, id).await;
        assert_eq!(status, 200);
        lengths.push(body.len());
    }
    service.send(Method::HEAD, FLOW, &service.token, "head", "2001:db8::7").await;
    service.gateway.sandbox.fail_next_of(TOTAL_DATA, Fault::code("-500"), 1);
    assert_eq!(service.get("/stores/S_100001/flow", "retried").await.0, 200);
    service.gateway.sandbox.fail_next_of(TOTAL_DATA, Fault::code("-500"), 9);
    let (status, problem) = service.get("/stores/S_100002/flow", "failed").await;
    assert_eq!(status, 502);
    let (_, nowhere) = service.get("/nowhere", "nowhere").await;
    let events = service.get("/stores/S_123456/flow/events?limit=1", "events").await;
    assert_eq!(events.0, 200);
    let mut unread = RawConnection::to(&service.running.url(""), b"GET / HTTP/1.1\nHost: a\n\n");
    assert!(unread.read_answer().starts_with("HTTP/1.1 400 "));
    drop(unread);
    let log = service.log();
    for (id, length, cache, attempts) in [
        ("miss", lengths[0], "miss", Value::from(1)),
        ("hit", lengths[1], "hit", Value::Null),
        ("fast-hit", lengths[2], "hit", Value::Null),
    ] {
        let fields = [
            ("client_address", "198.51.100.4".into()),
            ("client_id", "dashboard".into()),
            ("bytes_sent", length.into()),
            ("cache", cache.into()),
            ("attempts", attempts),
            ("retry_cause", Value::Null),
        ];
        assert_says(the(&log, id, "answered"), &fields);
    }
    assert_says(the(&log, "head", "answered"), &[("client_address", "2001:db8::7".into()), ("bytes_sent", 0.into())]);
    let retried = the(&log, "retried", "answered");
    assert_says(retried, &[("attempts", 2.into()), ("retry_cause", "gateway_failed".into()), ("status", 200.into())]);
    let failed = the(&log, "failed", "answered");
    assert_says(failed, &[("retry_cause", "gateway_failed".into()), ("bytes_sent", problem.len().into())]);
    assert!(failed["attempts"].as_u64().unwrap() > 1, "{failed}");
    assert_says(the(&log, "nowhere", "answered"), &[("bytes_sent", nowhere.len().into()), ("attempts", Value::Null)]);
    assert_says(the(&log, "events", "answered"), &[("bytes_sent", Value::Null), ("status", 200.into())]);
    let unread = log.iter().find(|line| line["message"] == "answered" && line["status"] == 400).unwrap();
    assert_says(unread, &[("client_address", "127.0.0.1".into())]);
    assert!(unread["bytes_sent"].as_u64().unwrap() > 0, "{unread}");
}

#[actix_web::test]
async fn only_the_word_of_a_trusted_proxy_is_taken_for_the_address() {
    let gateway = SandboxGateway::live();
    let (path, _) = sandbox_configuration("access-lines-direct", &gateway);
    let running = Running::serve(&path);
    let request = Client::default().get(running.url("/healthz")).insert_header(("x-forwarded-for", "198.51.100.4"));
    assert_eq!(request.send().await.unwrap().status(), 200);
    let (_, printed) = running.terminate();
    let line = printed.lines().find(|line| line.contains("answered") && line.contains("/healthz")).unwrap();
    assert!(line.contains("client_address=127.0.0.1") && !line.contains("198.51.100.4"), "{line}");
}

/// The same token with another signature, and one whose claims are all that is true of it.
fn forged(token: &str) -> String {
    let (signed, _) = token.rsplit_once('.').unwrap();
    format!("{signed}.{}", "A".repeat(86))
}

#[actix_web::test]
async fn refused_credentials_are_logged_with_the_claimed_client_and_address_and_never_with_the_secret() {
    let service = Service::start("audit-refused", "info");
    let forged = forged(&service.token);
    let strange = "198.51.100.66";
    assert_eq!(service.send(Method::GET, FLOW, &forged, "forged", strange).await.0, 401);
    assert_eq!(service.send(Method::GET, FLOW, "planted-no-token", "garbage", strange).await.0, 401);
    for (id, client, secret) in
        [("wrong", "dashboard", "planted-guess"), ("swapped", "sgs_planted", "dashboard"), ("odd", "a b\nc", "x")]
    {
        let form = [("grant_type", "client_credentials"), ("client_id", client), ("client_secret", secret)];
        assert_eq!(service.post_form("/oauth/token", id, &form).await, 401, "{id}");
    }
    let asked = [("token", service.token.as_str()), ("client_id", "dashboard"), ("client_secret", "planted-guess")];
    assert_eq!(service.post_form("/oauth/introspect", "wrong-introspection", &asked).await, 401);
    let given_back = [("token", service.token.as_str()), ("client_id", "dashboard"), ("client_secret", SECRET)];
    assert_eq!(service.post_form("/oauth/revoke", "given-back", &given_back).await, 200);
    assert_eq!(service.send(Method::GET, FLOW, &service.token, "revoked", strange).await.0, 401);
    let guesses: Vec<String> = (0..12).map(|guess| format!("guess-{guess}")).collect();
    let form = [("grant_type", "client_credentials"), ("client_id", "dashboard"), ("client_secret", "planted-guess")];
    let statuses = join_all(guesses.iter().map(|id| service.post_form("/oauth/token", id, &form))).await;
    let limited = &guesses[statuses.iter().position(|status| *status == 429).unwrap()];
    let refused = forged.clone();
    let log = service.log();
    let all = serde_json::to_string(&log).unwrap();
    assert!(!all.contains("planted") && !all.contains(&refused) && !all.contains(&"A".repeat(20)), "{all}");
    for (id, message, address, client, reason) in [
        ("forged", "token refused", strange, Value::from("dashboard"), "The signature of the token is wrong"),
        ("garbage", "token refused", strange, Value::Null, "The token is not a signed JWT of three parts"),
        ("revoked", "token refused", strange, "dashboard".into(), "The token has been revoked"),
        ("wrong", "client secret refused", "198.51.100.4", "dashboard".into(), "wrong"),
        ("swapped", "client secret refused", "198.51.100.4", Value::Null, "wrong"),
        ("odd", "client secret refused", "198.51.100.4", Value::Null, "wrong"),
        ("wrong-introspection", "client secret refused", "198.51.100.4", "dashboard".into(), "wrong"),
        (limited, "client secret refused", "198.51.100.4", "dashboard".into(), "slow_down"),
    ] {
        let fields = [
            ("target", AUDIT.into()),
            ("client_address", address.into()),
            ("claimed_client_id", client),
            ("reason", reason.into()),
        ];
        assert_says(the(&log, id, message), &fields);
    }
    let given_back = the(&log, "given-back", "token revoked");
    assert_says(given_back, &[("client_id", "dashboard".into()), ("tenant", "acme".into()), ("target", AUDIT.into())]);
    assert!(given_back["token_id"].is_string(), "{given_back}");
}

#[actix_web::test]
async fn purges_and_reads_of_named_stores_are_logged_with_client_address_and_stores_at_any_level() {
    let service = Service::start("audit-reads", &format!("error,{AUDIT}=info,storegate::cli=info"));
    let batch = "/flow?store_id=S_123456,S_100001&store_id=S_100002&name=Mary%20Smith";
    assert_eq!(service.get(batch, "batch").await.0, 400, "there is no such parameter");
    let batch = "/flow?store_id=S_123456,S_100001&store_id=S_100002";
    assert_eq!(service.get(batch, "first").await.0, 200);
    assert_eq!(service.get(batch, "second").await.0, 200);
    assert_eq!(service.get(FLOW, "path").await.0, 200);
    let purge = async |path, id| service.send(Method::DELETE, path, &service.token, id, "198.51.100.4").await.0;
    assert_eq!(purge("/cache?store_id=S_123456", "purge-one").await, 200);
    assert_eq!(purge("/cache", "purge-all").await, 200);
    let log = service.log();
    assert!(log.iter().all(|line| line["target"] == AUDIT || line["target"] == "storegate::cli::serve"), "{log:#?}");
    assert!(!serde_json::to_string(&log).unwrap().contains("Mary"), "{log:#?}");
    let by =
        [("client_address", Value::from("198.51.100.4")), ("client_id", "dashboard".into()), ("tenant", "acme".into())];
    for id in ["batch", "first", "second"] {
        let line = the(&log, id, "stores requested");
        assert_says(line, &by);
        assert_says(line, &[("stores", "S_123456,S_100001,S_100002".into()), ("path", "/flow".into())]);
    }
    assert!(log.iter().all(|line| line["id"] != "path"), "the access log says that one");
    for (id, stores) in [("purge-one", "S_123456"), ("purge-all", "all")] {
        let line = the(&log, id, "cache purged");
        assert_says(line, &by);
        assert!(line["stores"].as_str().unwrap().contains(stores) && line["dropped"].is_u64(), "{line}");
    }
}

/// Resources with stores of both vendors in their queries, one of which is the whole of a list.
const DECLARED: &str = r#"
[resources.traffic]
path = "/traffic"
summary = "Traffic"
tag = "Flow"
gateway = "opretail"
method = "open.shopweb.passengerFlow.getTotalData"
scope = "flow:read"
answer = "as_given"
fresh = "30s"
[resources.traffic.parameters.shop]
type = "opretail_store"
wire = "id"
required = true
example = "S_123456"
[resources.shelf]
path = "/shelf"
summary = "Shelf"
tag = "Stores"
gateway = "oms"
method = "shop.getList"
scope = "stores:read"
answer = "as_given"
fresh = "30s"
[resources.shelf.parameters.branches]
type = "oms_store"
wire = "shop_code"
list = true
example = "SHOP001"
"#;

#[actix_web::test]
async fn every_store_of_a_query_is_logged_however_it_is_spelled_and_wherever_the_response_comes_from() {
    let service = Service::start_with("audit-spellings", &format!("error,{AUDIT}=info,storegate::cli=info"), DECLARED);
    let week = "from=2026-11-01&to=2026-11-07";
    let cases = [
        ("/flow?store_id=S_123456&store_id=S_100001".to_owned(), "S_123456,S_100001"),
        ("/flow?store_id[0]=S_123456&store_id[1]=S_100001".to_owned(), "S_123456,S_100001"),
        (
            "/flow?store_id=S_123456&store_id%5B1%5D=S_100001&store_id[]=S_100002".to_owned(),
            "S_123456,S_100001,S_100002",
        ),
        ("/flow?store_id=S_123456,%20S_100001,+S_100002".to_owned(), "S_123456,S_100001,S_100002"),
        ("/flow?%73tore_id=%53_123456".to_owned(), "S_123456"),
        (format!("/demographics?store_id[0]=%20S_123456&{week}"), "S_123456"),
        ("/stores?code=SHOP001,SHOP002".to_owned(), "SHOP001,SHOP002"),
        ("/stores?code[]=SHOP001&code[3]=SHOP002&page_size=1".to_owned(), "SHOP001,SHOP002"),
        ("/traffic?shop=S_100002".to_owned(), "S_100002"),
        ("/shelf?branches=SHOP001&branches[]=SHOP002".to_owned(), "SHOP001,SHOP002"),
    ];
    for (number, (path, _)) in cases.iter().enumerate() {
        // From the gateway, from the cache, and by the fast path.
        for turn in 0..3 {
            let (status, body) = service.get(path, &format!("{number}-{turn}")).await;
            assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&body));
        }
    }
    let refused = [
        ("/flow?store_id=S_123456&store_id=Mary%20Smith&store_id=S_100001", "S_123456,S_100001"),
        ("/traffic?shop=S_100001&shop=S_100002", "S_100001,S_100002"),
        ("/flow?store_id=S_123456&store_id=%FF", "S_123456"),
    ];
    for (number, (path, _)) in refused.iter().enumerate() {
        assert_eq!(service.get(path, &format!("refused-{number}")).await.0, 400, "{path}");
    }
    for (number, path) in ["/stores?name=S_123456", "/stores", "/stores/S_123456/flow"].iter().enumerate() {
        assert_eq!(service.get(path, &format!("none-{number}")).await.0, 200, "{path}");
    }
    let log = service.log();
    for (number, (path, stores)) in cases.iter().enumerate() {
        for turn in 0..3 {
            let line = the(&log, &format!("{number}-{turn}"), "stores requested");
            assert_says(line, &[("stores", (*stores).into()), ("path", path.split('?').next().unwrap().into())]);
        }
    }
    for (number, (_, stores)) in refused.iter().enumerate() {
        let line = the(&log, &format!("refused-{number}"), "stores requested");
        assert_says(line, &[("stores", (*stores).into()), ("status", 400.into())]);
    }
    assert!(log.iter().all(|line| !line["id"].as_str().unwrap_or_default().starts_with("none-")), "{log:#?}");
}
