//! What a vendor receives where its pack, or a resource, says how values, methods and carriers are written.

use std::fs;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use storegate::vendors::pack::compile;

use crate::app::TestApp;
use crate::app::answer::Answer;
use crate::app::program::directory;
use crate::packs::each_is_one_problem;
use crate::packs::plain::{PLAIN, account};
use crate::peers::lumen;
use crate::peers::scripted_peer::{ScriptedPeer, response};

/// Where the settings of an account and its resource begin, in what is added to the pack.
const RESOURCE: &str = r#"
[resources.receipts]
path = "/receipts"
summary = "List receipts"
gateway = "lumen"
method = "receipts.list"
scope = "receipts:read"
allows = "read receipts"
"#;

/// The requests that the vendor gets for one request of a caller: each its first line, and its body.
async fn sent(name: &str, pack: &str, resource: &str, query: &str) -> Vec<(String, String)> {
    let given = json!({"ok": true, "result": {"token": "t", "items": []}});
    let (answer, sent) = exchanged(name, pack, resource, query, &given).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    sent
}

/// What a caller gets where the vendor answers this, and the requests that the vendor gets.
async fn exchanged(
    name: &str,
    pack: &str,
    resource: &str,
    query: &str,
    given: &Value,
) -> (Answer, Vec<(String, String)>) {
    let requests = Arc::<Mutex<Vec<String>>>::default();
    let seen = requests.clone();
    let given = given.to_string();
    let peer = ScriptedPeer::start(move |served| {
        while let Some(request) = served.request() {
            seen.lock().unwrap().push(request);
            served.send(&response("200 OK", &given));
        }
    });
    let file = directory(name).join("lumen.toml");
    fs::write(&file, pack).unwrap();
    let app = TestApp::with(|setup| {
        let account = account(&peer, &file);
        // Packs with a login of their own have no token from a file.
        let account = if pack.contains("token_file") { account } else { account.replace("token = \"t\"\n", "") };
        setup.more = format!("{account}{RESOURCE}{resource}");
    });
    let answer = app.get_with_token(&lumen::token(&app, "dashboard"), &format!("/receipts{query}")).await;
    let parts = |request: &String| {
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        (head.lines().next().unwrap().replace(" HTTP/1.1", ""), body.to_owned())
    };
    let sent = requests.lock().unwrap().iter().map(parts).collect();
    (answer, sent)
}

/// The body of the only request.
async fn body(name: &str, pack: &str, resource: &str, query: &str) -> String {
    let mut sent = sent(name, pack, resource, query).await;
    assert_eq!(sent.len(), 1, "{sent:?}");
    sent.remove(0).1
}

#[actix_web::test]
async fn a_period_goes_in_the_form_that_the_vendor_takes() {
    for (form, ends) in [
        ("seconds", r#""since":"2026-11-01 00:00:00","until":"2026-11-02 23:59:59""#),
        ("days", r#""since":"2026-11-01","until":"2026-11-02""#),
        ("unix", r#""since":1793462400,"until":1793635199"#),
        ("unix_ms", r#""since":1793462400000,"until":1793635199999"#),
        ("iso", r#""since":"2026-11-01T00:00:00+08:00","until":"2026-11-02T23:59:59+08:00""#),
    ] {
        let resource = format!("period = [\"since\", \"until\"]\nperiod_in = {form:?}");
        let body = body(&format!("period-{form}"), PLAIN, &resource, "?from=2026-11-01&to=2026-11-02").await;
        assert_eq!(body, format!("{{{ends}}}"), "{form}");
    }
    let form = PLAIN.replace("business = \"json\"", "").replace("system = \"query\"", "system = \"form\"");
    let resource = "period = [\"since\", \"until\"]\nperiod_in = \"unix\"";
    let body = body("period-form", &form, resource, "?from=2026-11-01&to=2026-11-01").await;
    assert_eq!(body, "key=k&since=1793462400&until=1793548799");
}

#[actix_web::test]
async fn an_excluded_end_of_a_period_is_what_follows_its_last_second_or_day() {
    for (form, ends) in [
        ("seconds", r#""since":"2026-11-01 00:00:00","until":"2026-11-03 00:00:00""#),
        ("days", r#""since":"2026-11-01","until":"2026-11-03""#),
        ("unix", r#""since":1793462400,"until":1793635200"#),
        ("unix_ms", r#""since":1793462400000,"until":1793635200000"#),
        ("iso", r#""since":"2026-11-01T00:00:00+08:00","until":"2026-11-03T00:00:00+08:00""#),
    ] {
        let resource = format!("period = [\"since\", \"until\"]\nperiod_in = {form:?}\nperiod_end = \"exclusive\"");
        let body = body(&format!("excluded-{form}"), PLAIN, &resource, "?from=2026-11-01&to=2026-11-02").await;
        assert_eq!(body, format!("{{{ends}}}"), "{form}");
    }
    let resource = "period = [\"since\", \"until\"]\nperiod_end = \"exclusive\"";
    let instants = "?from=2026-11-01T09:00:00%2B08:00&to=2026-11-01T10:59:59%2B08:00";
    let body = body("excluded-instant", PLAIN, resource, instants).await;
    assert_eq!(body, r#"{"since":"2026-11-01 09:00:00","until":"2026-11-01 11:00:00"}"#);
}

#[actix_web::test]
async fn a_resource_says_by_which_http_method_its_method_is_called() {
    let constants = "[resources.receipts.constants]\nkind = \"sale\"";
    let get = sent("resource-get", PLAIN, &format!("http = \"GET\"\n{constants}"), "").await;
    assert_eq!(get, [("GET /receipts.list?key=k&kind=sale".to_owned(), String::new())]);
    let usual = PLAIN.replace("system = \"query\"\nbusiness = \"json\"", "http = \"GET\"\nsystem = \"query\"");
    let post = sent("resource-post", &usual, &format!("http = \"POST\"\n{constants}"), "").await;
    assert_eq!(post, [("POST /receipts.list?key=k&kind=sale".to_owned(), String::new())]);
    let listed = format!("{PLAIN}[methods.\"receipts.list\"]\nhttp = \"GET\"\n");
    let over = sent("resource-over", &listed, &format!("http = \"POST\"\n{constants}"), "").await;
    assert_eq!(over, [("POST /receipts.list?key=k".to_owned(), r#"{"kind":"sale"}"#.to_owned())]);
}

#[actix_web::test]
async fn the_dots_of_a_method_are_slashes_where_the_pack_says_so() {
    let pack = PLAIN.replace("path = \"/{method}\"", "path = \"/api/{method.path}\"");
    let pack = pack.replace("[call.parameters]", "[call.parameters]\nat = \"/{method.path}\"");
    let sent = sent("method-path", &pack, "", "").await;
    assert_eq!(sent[0].0, "POST /api/receipts/list?at=%2Freceipts%2Flist&key=k");
    each_is_one_problem(&[
        (
            "X-Nonce = \"{nonce}\"",
            "X-Nonce = \"{method.paths}\"",
            "call.headers.X-Nonce: there is no variable {method.paths}",
        ),
        (
            "probe = { page = \"1\" }",
            "probe = { page = \"{method.path}\" }",
            "methods.receipts.list.probe.page: {method.path} is not known in a probe",
        ),
    ]);
    let signed = lumen::PACK.replace("{http}\\n{path}", "{http}\\n/api/{method.path}");
    let other = compile(&signed, "lumen.toml").unwrap_err().0;
    assert!(other[0].contains("vectors.0.signature: the pack computes another signature"), "{other:?}");
    let same = signed.replace("/api/{method.path}", "/api/{method}");
    assert!(compile(&same, "lumen.toml").is_ok(), "the path of the vector is /api/receipts.list");
}

/// The pack with a signature over everything that a call is, in a header that the server shows by its address.
fn signed() -> String {
    let sign = "[sign]\nsecret = \"app_secret\"\nparameter = \"sign\"\njoin = \"&\"\npair = \"{k}={v}\"\n\
        [[sign.stages]]\ntext = \"{http}|{path}|{pairs}|{body}|{secret}\"\ndigest = \"md5\"\n[answer]";
    PLAIN.replace("[answer]", sign)
}

fn md5(text: &str) -> String {
    use md5::Digest as _;
    md5::Md5::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[actix_web::test]
async fn a_method_may_be_a_get_where_others_are_posts_with_json() {
    let resource = "[resources.receipts.constants]\nkind = \"a b\"";
    let get = format!("{}\n[methods.\"receipts.list\"]\nhttp = \"GET\"", signed());
    let signature = md5("GET|/receipts.list|key=k&kind=a b||s");
    let line = format!("GET /receipts.list?key=k&kind=a+b&sign={signature}");
    assert_eq!(sent("method-get", &get, resource, "").await, [(line, String::new())]);
    let other = get.replace("methods.\"receipts.list\"", "methods.\"receipts.get\"");
    let signature = md5("POST|/receipts.list|key=k|{\"kind\":\"a b\"}|s");
    let line = format!("POST /receipts.list?key=k&sign={signature}");
    assert_eq!(sent("method-post", &other, resource, "").await, [(line, "{\"kind\":\"a b\"}".to_owned())]);
    each_is_one_problem(&[(
        "probe = {",
        "http = \"PUT\"\nprobe = {",
        "methods.receipts.list.http: calls are sent by POST or GET",
    )]);
}

/// The pack with a token exchange instead of a file.
fn with_exchange(call: &str) -> String {
    let login =
        format!("[login]\n[[login.calls]]\nmethod = \"auth.token\"\n{call}\n[login.answer]\ntoken = [\"/token\"]\n");
    PLAIN.replace("[login]\ntoken_file = true\n", &login)
}

#[actix_web::test]
async fn a_login_travels_as_its_call_says() {
    let bare = "bare = true\nparameters = { id = \"{credential.app_key}\", secret = \"{credential.app_secret}\" }";
    let open = "bare = true\nparameters = { id = \"{credential.app_key}\" }";
    for (name, call, line, body) in [
        ("json", bare.to_owned(), "POST /auth.token", r#"{"id":"k","secret":"s"}"#),
        ("form", format!("carrier = \"form\"\n{bare}"), "POST /auth.token", "id=k&secret=s"),
        ("query", format!("carrier = \"query\"\n{open}"), "POST /auth.token?id=k", ""),
        ("get", format!("http = \"GET\"\n{open}"), "GET /auth.token?id=k", ""),
        ("whole", "http = \"GET\"\nparameters = { id = \"1\" }".to_owned(), "GET /auth.token?id=1&key=k", ""),
    ] {
        let sent = sent(&format!("login-{name}"), &with_exchange(&call), "", "").await;
        assert_eq!(sent[0], (line.to_owned(), body.to_owned()), "{name}");
        assert_eq!(sent[1], ("POST /receipts.list?key=k".to_owned(), "{}".to_owned()), "{name}");
    }
    for (call, words) in [
        (format!("carrier = \"query\"\n{bare}"), "parameters.secret: {credential.app_secret} is a secret, and these"),
        (format!("http = \"GET\"\n{bare}"), "parameters.secret: {credential.app_secret} is a secret, and these"),
        (format!("http = \"GET\"\ncarrier = \"form\"\n{open}"), "carrier: a GET has no body"),
        ("carrier = \"form\"".to_owned(), "carrier: only a bare login has one"),
        (format!("carrier = \"xml\"\n{open}"), "carrier: XML bodies are not supported"),
        ("http = \"GET\"\nparameters = { key = \"1\" }".to_owned(), "parameters.key: [call.parameters] has key, too"),
    ] {
        let problems = compile(&with_exchange(&call), "lumen.toml").unwrap_err().0;
        assert_eq!(problems.len(), 1, "{call}: {problems:?}");
        assert!(problems[0].contains(&format!("login.calls.0.{words}")), "{call}: {problems:?}");
    }
}

#[actix_web::test]
async fn members_of_json_are_sorted_where_the_pack_says_so() {
    let resource = "period = [\"since\", \"Until\"]\nperiod_in = \"days\"\n\
        [resources.receipts.constants]\nb = \"2\"\na_z = \"\\\"1\"\naa = \"0\"";
    let query = "?from=2026-11-01&to=2026-11-01";
    let sorted = PLAIN.replace("business = \"json\"", "business = \"json\"\njson_sorted = true");
    let members = r#"{"Until":"2026-11-01","a_z":"\"1","aa":"0","b":"2","since":"2026-11-01"}"#;
    assert_eq!(body("sorted-body", &sorted, resource, query).await, members);
    let within = sorted.replace("business = \"json\"", "json_in = \"data\"").replace("\"query\"", "\"json\"");
    let members = json!({"data": members, "key": "k"}).to_string();
    assert_eq!(body("sorted-within", &within, resource, query).await, members);
    let signed = signed().replace("\"query\"", "\"json\"").replace("business = \"json\"", "json_sorted = true");
    let signature = md5("POST|/receipts.list|key=k|{\"b\":\"1\",\"key\":\"k\",\"z\":\"2\"}|s");
    let members = json!({"b": "1", "key": "k", "sign": signature, "z": "2"}).to_string();
    let resource = "[resources.receipts.constants]\nz = \"2\"\nb = \"1\"";
    assert_eq!(body("sorted-signed", &signed, resource, "").await, members);
    let form = PLAIN.replace("system = \"query\"\nbusiness = \"json\"", "json_sorted = true");
    let problems = compile(&form, "lumen.toml").unwrap_err().0;
    assert_eq!(problems, ["lumen.toml: line 12: call.json_sorted: no parameters travel as JSON: leave it out"]);
}

#[actix_web::test]
async fn a_constant_goes_as_the_resource_writes_it() {
    let resource = "[resources.receipts.constants]\na = \"1\"\nb = 1\nc = true\nd = 1.5\ne = [\"x\", 2]";
    assert_eq!(body("typed-json", PLAIN, resource, "").await, r#"{"a":"1","b":1,"c":true,"d":1.5,"e":["x",2]}"#);
    let form = PLAIN.replace("system = \"query\"\nbusiness = \"json\"", "");
    let text = body("typed-form", &form, resource, "").await;
    assert_eq!(text, "a=1&b=1&c=true&d=1.5&e=%5B%22x%22%2C2%5D&key=k");
}

/// A parameter of the resource.
fn parameter(name: &str, facts: &str) -> String {
    format!("[resources.receipts.parameters.{name}]\n{facts}\n")
}

#[actix_web::test]
async fn a_parameter_may_be_a_member_of_a_member_and_a_list_of_json() {
    let resource = [
        "period = [\"/range/from\", \"/range/to\"]\nperiod_in = \"unix\"\n".to_owned(),
        parameter("numbers", "type = \"integer\"\nlist = true\njson = \"list\"\nwire = \"/query/ids/in\""),
        parameter("words", "type = \"text\"\nlist = true\njson = \"list\""),
        parameter("joined", "type = \"text\"\nlist = true"),
        "[resources.receipts.constants]\n\"/query/vid\" = 6000000000001\n\"/query/ids/all\" = false\n".to_owned(),
    ]
    .concat();
    let query = "?numbers=3,4&words=b,a&joined=x,y&from=2026-11-01&to=2026-11-01";
    let range = json!({"from": 1_793_462_400, "to": 1_793_548_799});
    let members = json!({
        "joined": "x,y",
        "query": {"ids": {"all": false, "in": [3, 4]}, "vid": 6_000_000_000_001_u64},
        "range": range,
        "words": ["b", "a"],
    });
    let sorted = PLAIN.replace("business = \"json\"", "business = \"json\"\njson_sorted = true");
    assert_eq!(body("nested", &sorted, &resource, query).await, members.to_string());
    let plain = body("nested-plain", PLAIN, &resource, query).await;
    assert_eq!(serde_json::from_str::<Value>(&plain).unwrap(), members);
    let form = PLAIN.replace("system = \"query\"\nbusiness = \"json\"", "");
    let resource = parameter("words", "type = \"text\"\nlist = true\njson = \"list\"");
    assert_eq!(body("list-form", &form, &resource, "?words=b,a").await, "key=k&words=%5B%22b%22%2C%22a%22%5D");
}

#[test]
fn members_of_members_are_for_json_alone() {
    let form = PLAIN.replace("system = \"query\"\nbusiness = \"json\"", "");
    let probe = |pack: &str, name: &str| {
        let pack = format!("{pack}[methods.\"receipts.list\"]\nprobe = {{ \"{name}\" = \"1\" }}\n");
        compile(&pack, "lumen.toml").map_or_else(|problems| problems.0, |_| Vec::new())
    };
    assert_eq!(probe(PLAIN, "/a/b"), Vec::<String>::new());
    for (pack, name, words) in [
        (form.as_str(), "/a/b", "only a JSON body has members of members"),
        (PLAIN, "/key/b", "every call has /key/b already"),
    ] {
        let problems = probe(pack, name);
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].starts_with("lumen.toml: line ") && problems[0].contains(words), "{problems:?}");
    }
}

#[actix_web::test]
async fn an_integer_may_have_as_many_digits_as_json_readers_keep() {
    let resource = parameter("vid", "type = \"integer\"\nmaximum = 9007199254740992");
    let body = body("long-integer", PLAIN, &resource, "?vid=6000000000001").await;
    assert_eq!(body, r#"{"vid":6000000000001}"#);
}

#[actix_web::test]
async fn a_sub_code_tells_failures_with_one_code_apart() {
    let codes = "code = [\"/error/code\"]\nsub_code = [\"/error/sub\"]\n[codes]\nforms = [\"integer\"]\n\
        not_found = [\"15:isv.gone\"]\nparameter_refused = [\"15\"]\n";
    let pack = format!("{}{codes}", PLAIN.replace("succeeded_by = { \"/ok\" = [\"true\"] }\n", ""));
    for (name, error, status, problem) in [
        ("sub-listed", json!({"code": 15, "sub": "isv.gone"}), 404, "not-found"),
        ("sub-unlisted", json!({"code": 15, "sub": "isv.wrong"}), 422, "gateway-rejected-request"),
        ("sub-none", json!({"code": 15}), 422, "gateway-rejected-request"),
    ] {
        let (answer, _) = exchanged(name, &pack, "", "", &json!({"error": error})).await;
        assert_eq!((answer.status, answer.problem().as_str()), (status, problem), "{name}: {}", answer.text());
    }
    let code = "code = [\"/error/kind\"]";
    each_is_one_problem(&[
        (code, &format!("{code}\nsub_code = [\"/error/sub\"]"), "answer.sub_code: [codes] has no code with a sub-code"),
        (code, &format!("{code}\nsub_code = [\"sub\"]"), "answer.sub_code: "),
    ]);
    let pack = pack.replace("code = [\"/error/code\"]\nsub", "failed_by = [\"/error\"]\nsub");
    let problems = compile(&pack, "lumen.toml").unwrap_err().0;
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].contains("answer.sub_code: there is no `code` beside which it could stand"), "{problems:?}");
}
