//! Calls as the vendor's SDKs and public clients write them, byte for byte, over a socket. Signatures are published
//! ones, or made by the test bed, which signs independently.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::sandbox::testing::{TestBed, TestParameters};
use crate::sandbox::{OpRetailAccount, OpRetailApplication, PermittedMethods, SandboxSettings};

const FLOW: &str = "open.shopweb.passengerFlow.getTotalData";
const FORM: &str = "application/x-www-form-urlencoded";

/// A published signature: the time of the call in China, its parameters with the signature, and the expected code. 9
/// and 100001 come after the check of the signature, which is 7 where it fails.
struct Vector {
    time: &'static str,
    form: &'static str,
    code: i64,
}

/// The first is the vendor's example, the next two are an independent SDK's tests, and the rest follow the same rule.
const VECTORS: [Vector; 6] = [
    Vector {
        time: "2017-12-21T13:24:07+08:00",
        form: "_aid=S107&_akey=test&_mt=open.demo.queryOpenAccount&_requestMode=post&_sm=md5&_timestamp=20171221132407\
            &_version=v1&orgid=1&_sig=5489704B80A47394025527D6D51FB582",
        code: 9,
    },
    Vector {
        time: "2019-11-28T14:16:20+08:00",
        form: "_aid=S107&_akey=S107-0000xxxx&_mt=open.gateway.getBusinessOrg&_requestMode=post&_sm=md5\
            &_timestamp=20191128141620&_version=v1&endtime=-----&orgid=11111&starttime=--------\
            &_sig=B657F7CA341BB5C9C162603B9389DAA9",
        code: 9,
    },
    Vector {
        time: "2019-11-28T14:16:20+08:00",
        form: "_aid=S107&_akey=S107-0000xxxx&_mt=open.shopweb.passengerFlow.getDataOfManyShopsHavingDevice&_requestMode=post\
            &_sm=md5&_timestamp=20191128141620&_version=v1&endTime=2026-03-11+23%3A59%3A59&endhour=24&id=S_153809\
            &startTime=2026-03-11+00%3A00%3A00&starthour=9&timeType=1&_sig=7AC564C28C0EDC4AE01D6F0229893365",
        code: 0,
    },
    Vector {
        time: "2017-12-21T13:24:07+08:00",
        form: "_aid=S107&_akey=test&_mt=open.demo.queryOpenAccount&_requestMode=post&_sm=sha1&_timestamp=20171221132407\
            &_version=v1&orgid=1&_sig=B2E75E1629DFD7058F414AB09A38B8F759CCE6C4",
        code: 9,
    },
    Vector {
        time: "2021-04-01T12:00:00+08:00",
        form: "_aid=S107&_akey=S107-00000001&_mt=open.shopweb.passengerFlow.flowGroup.getFlowGroupDistribution\
            &_requestMode=POST&_sm=md5&_timestamp=20210401120000&_version=v1&etime=2021-03-31+23%3A59%3A59&id=S_123456\
            &stime=2021-03-29+00%3A00%3A00&_sig=C59C9B13A9A529F8EC538AA0E5FB1392",
        code: 0,
    },
    Vector {
        time: "2021-04-01T12:00:00+08:00",
        form: "_aid=S107&_akey=S107-00000001&_mt=open.shopweb.passengerFlow.getTotalData&_requestMode=POST&_sm=md5\
            &_timestamp=20210401120000&_version=v1&id=O_%E9%97%A8%E5%BA%97&needUnit=1\
            &_sig=DD572B8CAE0970057FE6300CBA056DD8",
        code: 100_001,
    },
];

/// A sandbox with the accounts of the vectors, which accepts repeated signatures.
fn published() -> TestBed {
    let account = |key: &str, secret: &str| OpRetailAccount {
        key: key.to_owned(),
        secret: secret.into(),
        ..OpRetailAccount::default()
    };
    let opretail = vec![
        account("test", "test"),
        account("S107-0000xxxx", &"x".repeat(31)),
        account("S107-00000001", "sandbox-secret"),
    ];
    let opretail_replay_window = std::time::Duration::ZERO;
    TestBed::with(SandboxSettings { opretail, opretail_replay_window, ..SandboxSettings::default() })
}

/// Sends a request of these bytes and reads the JSON of the answer.
async fn exchange(bed: &TestBed, request_line: &str, content_type: Option<&str>, body: &str) -> Value {
    let content_type = content_type.map(|value| format!("Content-Type: {value}\r\n")).unwrap_or_default();
    let length = body.len();
    let head = format!(
        "{request_line} HTTP/1.1\r\nHost: sandbox\r\nConnection: close\r\n{content_type}Content-Length: {length}\r\n\r\n"
    );
    let mut connection = TcpStream::connect(bed.sandbox.address).await.unwrap();
    connection.write_all((head + body).as_bytes()).await.unwrap();
    let mut response = String::new();
    connection.read_to_string(&mut response).await.unwrap();
    assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{request_line}: {response}");
    serde_json::from_str(response.split_once("\r\n\r\n").unwrap().1).unwrap()
}

/// `stat.code` in the form of this endpoint.
fn code_at(path: &str, code: i64) -> Value {
    if path == "/cloud.api" { json!(code.to_string()) } else { json!(code) }
}

/// The requests in which clients send one form: line, content type, body.
fn carriers(path: &str, form: &str) -> Vec<(String, Option<&'static str>, String)> {
    let with_query = |method: &str| format!("{method} {path}?{form}");
    let (first, rest) = form.split_at(form.match_indices('&').nth(4).unwrap().0);
    vec![
        (format!("POST {path}"), Some(FORM), form.to_owned()),
        // Java and Python, with a charset.
        (format!("POST {path}"), Some("application/x-www-form-urlencoded; charset=UTF-8"), form.to_owned()),
        (format!("POST {path}"), Some("application/x-www-form-urlencoded;charset=utf-8"), form.to_owned()),
        (format!("POST {path}"), None, form.to_owned()),
        (format!("PUT {path}"), Some(FORM), form.to_owned()),
        (format!("DELETE {path}"), Some(FORM), form.to_owned()),
        // .NET: everything in the query, and an empty body.
        (with_query("POST"), Some(FORM), String::new()),
        (with_query("POST"), None, String::new()),
        // Java, Go and PHP with GET.
        (with_query("GET"), None, String::new()),
        (with_query("GET"), Some(FORM), String::new()),
        // Split over both.
        (format!("POST {path}?{first}"), Some(FORM), rest.trim_start_matches('&').to_owned()),
        (format!("POST {path}?{}", &rest[1..]), Some(FORM), first.to_owned()),
        (format!("GET {path}?{first}"), Some(FORM), rest[1..].to_owned()),
    ]
}

/// The same parameters in other encodings.
fn spellings(form: &str) -> Vec<String> {
    let mut backwards: Vec<&str> = form.split('&').collect();
    backwards.reverse();
    let (rest, signature) = form.rsplit_once('&').unwrap();
    let lower: String = form.split('%').enumerate().fold(String::new(), |text, (number, part)| match number {
        0 => part.to_owned(),
        _ => format!("{text}%{}{}", part[..2].to_lowercase(), &part[2..]),
    });
    vec![
        form.to_owned(),
        backwards.join("&"),
        format!("{signature}&{rest}"),
        form.replace('+', "%20"),
        lower,
        // JavaScript leaves a colon unencoded; some encoders encode characters that do not need it.
        form.replace("%3A", ":"),
        form.replace('-', "%2D").replace('_', "%5F").replace('.', "%2e"),
        format!("&{form}&"),
    ]
}

#[actix_web::test]
async fn every_published_signature_is_accepted_however_it_travels() {
    let bed = published();
    for Vector { time, form, code } in VECTORS {
        bed.hand.set_wall(time.parse().unwrap());
        for path in ["/m.api", "/cloud.api"] {
            for form in spellings(form) {
                let answer = exchange(&bed, &format!("POST {path}"), Some(FORM), &form).await;
                assert_eq!(answer["stat"]["code"], code_at(path, code), "{path} {form}");
            }
            for (line, content_type, body) in carriers(path, form) {
                let answer = exchange(&bed, &line, content_type, &body).await;
                assert_eq!(answer["stat"]["code"], code_at(path, code), "{line} {body}");
                assert_eq!(answer["stat"]["systime"].is_string(), path == "/cloud.api", "{line}");
            }
        }
    }
}

#[actix_web::test]
async fn a_published_signature_with_one_other_byte_is_refused_however_it_travels() {
    let bed = published();
    for Vector { time, form, .. } in VECTORS {
        bed.hand.set_wall(time.parse().unwrap());
        let changed = [
            form.replace("_requestMode=", "_requestMode=_"),
            form.replace("_version=v", "_version=V"),
            form.replace("_sig=", "_sig=0"),
            format!("{form}&_format=json"),
            form.replace("_sm=", "more=1&_sm="),
            form.replace("_version", "_Version=&_version"),
        ];
        for form in changed {
            for (line, content_type, body) in carriers("/m.api", &form) {
                let answer = exchange(&bed, &line, content_type, &body).await;
                assert_eq!(answer["stat"]["code"], 7, "{line} {body}");
            }
        }
    }
}

#[actix_web::test]
async fn request_mode_digest_format_and_nonce_are_signed_as_given() {
    let bed = TestBed::start();
    let variants = [
        ("_requestMode", "get"),
        ("_requestMode", "GET"),
        ("_requestMode", "Post"),
        ("_requestMode", "put"),
        ("_sm", "MD5"),
        ("_sm", "SHA1"),
        ("_sm", "Sha1"),
        ("_format", "json"),
        ("_nonce", "0f8fad5b-d9cb-469f-a165-70867728950e"),
        ("note", ""),
    ];
    for path in ["/m.api", "/cloud.api"] {
        for (number, (name, value)) in variants.iter().enumerate() {
            let trace = format!("{path} {number}");
            let parameters = bed.opretail(FLOW, &[("id", "S_123456"), ("trace", &trace), (name, value)]);
            let form = encoded(&bed.sign_opretail(parameters));
            let answer = exchange(&bed, &format!("GET {path}?{form}"), None, "").await;
            assert_eq!(answer["stat"]["code"], code_at(path, 0), "{name}={value}");
        }
    }
}

#[actix_web::test]
async fn of_a_repeated_name_the_first_value_counts_and_the_query_is_first() {
    let bed = published();
    let Vector { time, form, code } = &VECTORS[4];
    bed.hand.set_wall(time.parse().unwrap());
    let (rest, signature) = form.rsplit_once('&').unwrap();
    let accepted = [
        (format!("/m.api?{form}"), form.to_string()),
        (format!("/m.api?{signature}"), format!("_sig=0&{rest}")),
        ("/m.api".to_owned(), format!("{form}&_sig=0&id=S_1&_akey=nobody")),
        (format!("/m.api?{rest}"), format!("id=S_1&{signature}")),
    ];
    for (target, body) in accepted {
        let answer = exchange(&bed, &format!("POST {target}"), Some(FORM), &body).await;
        assert_eq!(answer["stat"]["code"], *code, "{target} {body}");
    }
    let refused = [
        ("/m.api?_sig=0".to_owned(), form.to_string(), 7),
        ("/m.api?id=S_1".to_owned(), form.to_string(), 7),
        ("/m.api".to_owned(), format!("_sig=&{form}"), 6),
        ("/m.api?_akey=nobody".to_owned(), form.to_string(), 2),
    ];
    for (target, body, code) in refused {
        let answer = exchange(&bed, &format!("POST {target}"), Some(FORM), &body).await;
        assert_eq!(answer["stat"]["code"], code, "{target} {body}");
    }
}

#[actix_web::test]
async fn cloud_api_reads_json_beside_a_signed_query_or_as_the_signed_parameters() {
    let bed = TestBed::start();
    let json_type = Some("application/json;charset=utf-8");
    let body = |more: &[(&str, &str)]| -> String {
        let signed = bed.sign_opretail(bed.opretail(FLOW, more));
        Value::Object(signed.into_iter().map(|(name, value)| (name, json!(value))).collect()).to_string()
    };
    // All parameters are members of the body.
    let all = body(&[("id", "S_123456"), ("_nonce", "1")]);
    let answer = exchange(&bed, "POST /cloud.api", json_type, &all).await;
    assert_eq!((&answer["stat"]["code"], answer["data"]["DAY_FLOW"].is_u64()), (&json!("0"), true));
    let numbers = body(&[("id", "S_123456"), ("needUnit", "0")]).replace("\"needUnit\":\"0\"", "\"needUnit\": 0");
    assert_eq!(exchange(&bed, "POST /cloud.api", json_type, &numbers).await["stat"]["code"], "0");
    let forged = body(&[("id", "S_123456"), ("_nonce", "2")]).replace("S_123456", "S_100001");
    assert_eq!(exchange(&bed, "POST /cloud.api", json_type, &forged).await["stat"]["code"], "7");
    // System parameters and signature in the query, business parameters in the body, which the signature does not
    // cover.
    let query = |nonce: &str| encoded(&bed.sign_opretail(bed.opretail(FLOW, &[("_nonce", nonce)])));
    let line = |nonce: &str| format!("POST /cloud.api?{}", query(nonce));
    let answer = exchange(&bed, &line("3"), json_type, r#"{"id": "S_123456", "needUnit": 0}"#).await;
    assert_eq!((&answer["stat"]["code"], answer["data"]["DAY_FLOW"].is_u64()), (&json!("0"), true));
    let answer = exchange(&bed, &line("4"), json_type, r#"{"_akey": "nobody", "_mt": "open.unheard.of"}"#).await;
    assert_eq!(answer["stat"]["code"], "100001", "the system parameters are those of the query, and there is no id");
    assert_eq!(exchange(&bed, &line("5"), json_type, "{").await["stat"]["code"], "100001");
    // m.api does not read JSON.
    let at_m_api = body(&[("id", "S_123456"), ("_nonce", "6")]);
    assert_eq!(exchange(&bed, "POST /m.api", json_type, &at_m_api).await["stat"]["code"], 1);
}

#[actix_web::test]
async fn every_method_is_answered_at_both_endpoints_with_the_same_data() {
    let bed = TestBed::start();
    let today = [("stime", "2026-11-22 00:00:00"), ("etime", "2026-11-22 23:59:59"), ("id", "S_123456")];
    let period = [("startTime", "2026-11-22 00:00:00"), ("endTime", "2026-11-22 23:59:59"), ("timeType", "1")];
    let user = ("userName", "13800000000");
    let calls: Vec<(&str, Vec<(&str, &str)>)> = vec![
        (FLOW, vec![("id", "S_123456")]),
        ("open.shopweb.passengerFlow.flowGroup.getFlowGroupDistribution", today.to_vec()),
        ("open.shopweb.liveCheck.statisticsDetailPageForCustomer", vec![("enterpriseId", "1084")]),
        (
            "open.shopweb.passengerFlow.getDataOfManyShopsHavingDevice",
            [period.as_slice(), &[("id", "S_123456")]].concat(),
        ),
        ("open.gateway.authentication", vec![("orgid", "2")]),
        ("open.shopweb.security.mobileLogin", vec![user, ("password", "sandbox-password")]),
        ("open.shopweb.security.ssoLogin", vec![user, ("password", "911b7bf55b7b03cdfe2af9d1e68e4897")]),
    ];
    for method in super::METHODS {
        // What is not listed here is called without parameters, which most methods refuse.
        let listed = calls.iter().find(|(called, _)| *called == method.name);
        let parameters = listed.map_or(&[][..], |(_, parameters)| parameters);
        let own = |nonce: &'static str| [parameters, &[("_version", method.version), ("_nonce", nonce)]].concat();
        let at_m_api = bed.call_m_api(bed.opretail(method.name, &own("m"))).await;
        let at_cloud_api = bed.call_cloud_api(bed.opretail(method.name, &own("c"))).await;
        let code = at_m_api["stat"]["code"].as_i64().unwrap();
        assert!(code == 0 || listed.is_none() && code == 100_001, "{}: {at_m_api}", method.name);
        assert_eq!(at_cloud_api["stat"]["code"], code_at("/cloud.api", code), "{}", method.name);
        assert!(at_m_api["stat"]["systime"].is_u64() && at_cloud_api["stat"]["systime"].is_string(), "{}", method.name);
        assert_eq!(
            (at_m_api["data"].is_null(), &at_m_api["data"]),
            (code != 0, &at_cloud_api["data"]),
            "{}",
            method.name
        );
        assert_ne!(at_m_api["stat"]["cid"], at_cloud_api["stat"]["cid"]);
    }
}

#[actix_web::test]
async fn a_method_that_is_not_ticked_for_the_key_is_9_at_both_endpoints() {
    let methods = PermittedMethods::Only(vec![FLOW.to_owned()]);
    let opretail = vec![OpRetailAccount { methods, ..OpRetailAccount::default() }];
    let bed = TestBed::with(SandboxSettings { opretail, ..SandboxSettings::default() });
    let account = || bed.opretail("open.gateway.authentication", &[("orgid", "2"), ("_version", "v2")]);
    assert_eq!(bed.call_m_api(account()).await["stat"]["codename"], "METHOD_NOTEXIST_CODE");
    let mut again = account();
    again.push(("_nonce".to_owned(), "c".to_owned()));
    assert_eq!(bed.call_cloud_api(again).await["stat"]["code"], "9");
}

#[actix_web::test]
async fn an_application_has_cloud_api_and_its_developer_m_api() {
    let application = OpRetailApplication::default();
    let opretail = vec![OpRetailAccount { application: Some(application), ..OpRetailAccount::default() }];
    let bed = TestBed::with(SandboxSettings { opretail, require_login: true, ..SandboxSettings::default() });
    let developer = [("_aid", "S107"), ("_akey", "S107-00000001")];
    let application = [("_aid", "DC-000001"), ("_akey", "sandbox-application")];
    let (its_secret, developers_secret) = ("sandbox-application-secret", "sandbox-secret");
    let login = [("userName", "13800000000"), ("password", "sandbox-password")];
    let call = async |path: &str, credential: &[(&str, &str)], secret: &str, nonce: &str| {
        let own = [credential, &login, &[("_nonce", nonce)]].concat();
        let parameters = bed.opretail("open.shopweb.security.mobileLogin", &own);
        bed.post(path, &bed.sign_opretail_with(secret, parameters)).await
    };
    let token = call("/cloud.api", &application, its_secret, "1").await["data"]["token"].clone();
    assert!(token.is_string());
    assert_eq!(call("/m.api", &developer, developers_secret, "2").await["data"]["token"], token, "it is the same user");
    let refused = [
        ("/cloud.api", developer, developers_secret, 2),
        ("/m.api", application, its_secret, 2),
        ("/cloud.api", [application[1], developer[0]], its_secret, 12),
        ("/m.api", [application[0], developer[1]], developers_secret, 12),
        ("/cloud.api", application, developers_secret, 7),
        ("/m.api", developer, its_secret, 7),
    ];
    for (path, credential, secret, code) in refused {
        let answer = call(path, &credential, secret, "3").await;
        assert_eq!(answer["stat"]["code"], code_at(path, code), "{path} {credential:?}");
    }
}

fn encoded(parameters: &TestParameters) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish()
}
