//! Each exchange with the vendor's published OMS, in both directions: the sandbox gives the captured answer to the captured
//! call, and the service reads the captured answer as what it is.

use std::collections::BTreeSet;

use awc::Client;
use jiff::Timestamp;
use serde_json::{Value, json};
use storegate::clock::Clock;
use storegate::sandbox::{OmsAccount, OmsShop, PermittedMethods, SandboxSettings};

use crate::app::answer::Answer;
use crate::app::sandbox_gateway::SandboxGateway;
use crate::fixtures::captures::{Exchange, body, exchange, exchanges, token_of};
use crate::peers::independent_gateway::{app_before, gateway};
use crate::peers::independent_rules::oms_signature;

/// What the server's clock said when calls with wrong timestamps came: the timestamp of the calls around them.
const THEN: i64 = 1_795_999_833;
/// A shop's fields in the server's order.
const FIELDS: [&str; 13] = [
    "shop_code",
    "shop_name",
    "shop_type",
    "active",
    "zip",
    "addr",
    "mobile",
    "tel",
    "default_sender",
    "province",
    "city",
    "district",
    "shop_type_name",
];

/// The shops of a captured list. Texts are not escaped, so a text ends where the next field begins.
fn shops_of(body: &str) -> Vec<OmsShop> {
    let starts = body.match_indices("{\"shop_code\":\"");
    starts.map(|(start, _)| shop(&body[start..])).collect()
}

fn shop(text: &str) -> OmsShop {
    let mut rest = text;
    let mut values = FIELDS.iter().enumerate().map(|(place, field)| {
        let end = FIELDS.get(place + 1).map_or_else(|| "\"}".to_owned(), |next| format!("\",\"{next}\":\""));
        let (_, behind) = rest.split_once(&format!("\"{field}\":\"")).unwrap();
        let (value, _) = behind.split_once(&end).unwrap();
        rest = &behind[value.len()..];
        value.to_owned()
    });
    let mut next = || values.next().unwrap();
    OmsShop {
        code: next(),
        name: next(),
        kind: next(),
        is_open: next() == "true",
        zip: next(),
        street: next(),
        mobile: next(),
        telephone: next(),
        contact_name: next(),
        province: next(),
        city: next(),
        district: next(),
        kind_name: next(),
        ..OmsShop::default()
    }
}

/// The shops that the server had: three, 250, those of the answer, or none. Of the 250, four are known with their places.
fn shops(exchange: &Exchange) -> Vec<OmsShop> {
    match exchange.name.as_str() {
        "none" => Vec::new(),
        "cap_100" | "over_the_cap" => {
            let [first, behind] = [shops_of(&body("over_the_cap")), shops_of(&body("cap_100"))];
            let filler = |number| OmsShop { code: format!("FILLER{number}"), ..OmsShop::default() };
            let more = |count: usize| (0..count).map(filler).collect::<Vec<_>>();
            [first, more(198), behind, more(48)].concat()
        }
        name if name.starts_with("name_") => shops_of(&exchange.body),
        _ => shops_of(&body("list_of_three")),
    }
}

/// A sandbox at the moment of the call, with what the server had then.
fn sandbox(exchange: &Exchange) -> SandboxGateway {
    let account = |flag: &str, methods| OmsAccount {
        flag: flag.to_owned(),
        token: token_of(flag).into(),
        methods,
        ..OmsAccount::default()
    };
    let settings = SandboxSettings {
        oms: vec![account("acme", PermittedMethods::All), account("noshop", PermittedMethods::Only(Vec::new()))],
        oms_shops: Some(shops(exchange)),
        ..SandboxSettings::default()
    };
    let is_of_another_time = ["too_old", "too_new", "compact_time"].contains(&exchange.name.as_str());
    let sent = exchange.request.get("timestamp").filter(|_| !is_of_another_time);
    let second = sent.map_or(THEN, |timestamp| timestamp.parse().unwrap());
    let (clock, _) = Clock::manual(Timestamp::from_second(second).unwrap());
    SandboxGateway::start(settings, clock)
}

struct Given {
    status: u16,
    headers: Vec<(&'static str, Option<String>)>,
    body: String,
}

async fn call(gateway: &SandboxGateway, exchange: &Exchange) -> Given {
    let client = Client::default();
    let url = gateway.sandbox.oms_url();
    let mut answer = if exchange.name == "by_get" {
        client.get(url).query(&exchange.request).unwrap().send().await.unwrap()
    } else {
        client.post(url).send_form(&exchange.request).await.unwrap()
    };
    let body = String::from_utf8(answer.body().await.unwrap().to_vec()).unwrap();
    let header = |name| (name, answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned()));
    let headers = ["content-type", "transfer-encoding", "content-length"].map(header).into();
    Given { status: answer.status().as_u16(), headers, body }
}

fn without_shops(body: &str) -> String {
    let (start, rest) = body.split_once('[').unwrap();
    let (_, end) = rest.rsplit_once(']').unwrap();
    format!("{start}[]{end}")
}

#[test]
fn the_captured_calls_are_signed_by_the_rule_that_is_documented() {
    for Exchange { name, request, .. } in exchanges() {
        let flag = request.get("flag").map_or("acme", String::as_str);
        let token = if name == "wrong_secret" { "wrong" } else { token_of(flag) };
        let expected = (name != "without_sign").then(|| oms_signature(&request, token));
        assert_eq!(request.get("sign"), expected.as_ref(), "{name}");
    }
}

/// Not compared: `connection`, which is each server's own, and the three bodies of which only the beginning was kept.
#[actix_web::test]
async fn the_sandbox_gives_each_captured_answer_to_its_call() {
    for exchange in exchanges() {
        let name = exchange.name.as_str();
        let gateway = sandbox(&exchange);
        if name == "repeated" {
            assert_eq!(call(&gateway, &exchange).await.body, body("first_of_two"));
        }
        let Given { status, headers, body } = call(&gateway, &exchange).await;
        assert_eq!(status, exchange.status, "{name}");
        for (header, value) in headers {
            assert_eq!(value.as_ref(), exchange.headers.get(header), "{name}: {header}");
        }
        match name {
            // Two of the shops were kept; the note says how many came.
            "cap_100" | "over_the_cap" => {
                let came = body.matches("\"shop_code\"").count();
                assert!(exchange.note.contains(&format!("{came} items came")), "{name}: {came}, {}", exchange.note);
                let kept = exchange.body.split_once("],").unwrap().0;
                assert!(body.starts_with(kept), "{name}: {body}");
                assert_eq!(without_shops(&body), without_shops(&exchange.body), "{name}");
            }
            // The page was cut after its head began.
            "stock_fails" => assert!(body.starts_with(&exchange.body), "{name}: {body}"),
            _ => assert_eq!(body, exchange.body, "{name}"),
        }
    }
}

/// What the service makes of an answer.
enum Reading {
    /// A list with these codes and names, of so many stores.
    Stores(&'static [(&'static str, &'static str)], u64),
    /// A problem of this type, with the gateway's code where it has one.
    Problem(&'static str, Option<&'static str>),
}

const THREE: &[(&str, &str)] = &[("SHOP0001", "店铺 1"), ("SHOP0003", "店铺 3"), ("SHOP0002", "店铺 2")];

fn reading(exchange: &str) -> Reading {
    use Reading::{Problem, Stores};
    let refused = |code| Problem("gateway-refused-credentials", Some(code));
    match exchange {
        "list_of_three" | "by_shop_bn" | "by_shop_name" | "without_page" | "page_zero" | "first_of_two" => {
            Stores(THREE, 3)
        }
        "past_the_end" => Stores(&[], 3),
        "by_shop_code" => Stores(&[("SHOP0002", "店铺 2")], 1),
        "without_ver_charset_type" => Stores(&[("SHOP0001", "店铺 1"), ("SHOP0003", "店铺 3")], 3),
        "cap_100" => Stores(&[("SHOP0016", "店铺 16"), ("SHOP0077", "店铺 77")], 250),
        "over_the_cap" => Stores(&[("SHOP0189", "店铺 189"), ("SHOP0135", "店铺 135")], 250),
        "by_unknown_shop_code" | "none" | "orders_empty" => Stores(&[], 0),
        "name_chinese" => Stores(&[("S1", "测试店铺"), ("S2", "ok")], 2),
        "name_markup" => Stores(&[("S1", "a<b>c</b>"), ("S2", "ok")], 2),
        "name_percent" => Stores(&[("S1", "100% %41 %2B"), ("S2", "ok")], 2),
        "name_plus" => Stores(&[("S1", "a+b c"), ("S2", "ok")], 2),
        "name_ampersand" => Stores(&[("S1", "a&b=c;d"), ("S2", "ok")], 2),
        "name_apostrophe" => Stores(&[("S1", "O'Neil"), ("S2", "ok")], 2),
        "name_backslash" => Stores(&[("S1", "a\\b"), ("S2", "ok")], 2),
        "name_backslash_u" => Stores(&[("S1", "x\\u0041y"), ("S2", "ok")], 2),
        "name_newline" => Stores(&[("S1", "a\nb"), ("S2", "ok")], 2),
        "name_control" => Stores(&[("S1", "a\u{1}b"), ("S2", "ok")], 2),
        "name_emoji" => Stores(&[("S1", "shop 😀"), ("S2", "ok")], 2),
        // The blanks around a text are no part of it.
        "name_blanks" => Stores(&[("S1", "a  b"), ("S2", "ok")], 2),
        "name_empty" => Stores(&[("S1", ""), ("S2", "ok")], 2),
        // A quote within a text, XML and HTML are no JSON.
        "name_quote" | "type_xml" | "stock_fails" => Problem("gateway-error", None),
        "method_without_dot" | "without_method" | "without_timestamp" | "without_flag" | "without_sign" | "by_get" => {
            refused("e000001")
        }
        "wrong_secret" | "unknown_flag" => refused("e000002"),
        "get" | "unknown_method" | "unknown_class" => refused("e000003"),
        "no_permission" => refused("e000004"),
        "too_old" | "too_new" | "compact_time" => refused("e000008"),
        "repeated" => Problem("gateway-unavailable", Some("e000009")),
        other => panic!("{other} has no expectation"),
    }
}

/// Lets the service read a captured body as the answer to a request for the page that the body is.
async fn read(exchange: &Exchange) -> Answer {
    let name = exchange.name.clone();
    let path = match name.as_str() {
        "past_the_end" => "/stores?page=2&page_size=50",
        "without_ver_charset_type" | "cap_100" | "over_the_cap" => "/stores?page_size=2",
        _ => "/stores?page_size=50",
    };
    let captured = exchange.body.clone();
    let gateway = gateway();
    gateway.answer_by("shop.getList", move |asked| {
        if name == "past_the_end" && asked["page_no"] == "1" { body("list_of_three") } else { captured.clone() }
    });
    app_before(&gateway, |_| {}).get(path).await
}

#[actix_web::test]
async fn the_service_reads_each_captured_answer_as_what_it_is() {
    for exchange in exchanges() {
        let name = exchange.name.as_str();
        let answer = read(&exchange).await;
        match reading(name) {
            Reading::Stores(expected, total) => {
                assert_eq!(answer.status, 200, "{name}: {}", answer.text());
                let list = answer.json();
                let expected: Vec<Value> =
                    expected.iter().map(|(code, shop)| json!([code, (!shop.is_empty()).then_some(shop)])).collect();
                let stores: Vec<Value> = list["items"].as_array().unwrap().iter().map(code_and_name).collect();
                assert_eq!((stores, list["page"]["total"].as_u64()), (expected, Some(total)), "{name}");
            }
            Reading::Problem(problem, code) => {
                let told = answer.json();
                assert_eq!((answer.problem().as_str(), told["gateway"]["code"].as_str()), (problem, code), "{name}");
                assert!(!answer.text().contains("assemble_str") && !answer.text().contains("charsetutf-8"), "{name}");
            }
        }
    }
}

fn code_and_name(store: &Value) -> Value {
    json!([store["oms_code"], store["name"]])
}

#[test]
fn no_exchange_is_omitted_and_each_name_is_unique() {
    let names: BTreeSet<String> = exchanges().into_iter().map(|exchange| exchange.name).collect();
    assert_eq!((names.len(), exchanges().len()), (46, 46));
    assert_eq!(exchange("stock_fails").status, 200);
}
