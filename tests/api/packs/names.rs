//! Names in a pack that are somebody's already: what a call sends is there once, and each setting means one thing.

use storegate::vendors::pack::compile;

use crate::packs::{each_is_one_problem, problems};
use crate::peers::lumen::PACK;

const HEADER: &str = "Authorization = \"Bearer {token}\"";
const HEADER_OF_CALLS: &str = "X-App-Key = \"{credential.app_key}\"";
const SIGNED: &str = "header = \"X-Signature\"";
const JSON_CALL: &str = "http = \"POST\"\nbusiness = \"json\"";

#[test]
fn a_header_has_a_name_of_its_own_and_a_value_that_http_carries() {
    for (header, words) in [
        ("Host = \"evil.example\"", "call.headers.Host: this header belongs to HTTP itself"),
        ("content-length = \"7\"", "call.headers.content-length: this header belongs to HTTP itself"),
        ("Transfer-Encoding = \"chunked\"", "this header belongs to HTTP itself"),
        ("Connection = \"close\"", "this header belongs to HTTP itself"),
        ("\"X A\" = \"a\"", "this is no name of a header"),
        ("\"X:\" = \"a\"", "this is no name of a header"),
        ("X-A = \"a\\r\\nX-B: b\"", "call.headers.X-A: a header has printable ASCII characters"),
        ("X-A = \"\u{5e97}\"", "call.headers.X-A: a header has printable ASCII characters"),
        ("X-Signature = \"a\"", "sign.header: [call.headers] has X-Signature, too"),
    ] {
        each_is_one_problem(&[(HEADER_OF_CALLS, &format!("{HEADER_OF_CALLS}\n{header}"), words)]);
    }
    each_is_one_problem(&[
        (HEADER, &format!("{HEADER}\nHost = \"a\""), "login.headers.Host: this header belongs to HTTP itself"),
        ("header = \"X-Signature\"", "header = \"Host\"", "sign.header: this header belongs to HTTP itself"),
    ]);
}

#[test]
fn no_name_of_a_pack_is_that_of_another_setting() {
    for name in ["calls_in_flight", "deadline", "breaker_rest"] {
        let by = format!("name = {name:?}");
        each_is_one_problem(&[("name = \"lumen\"", &by, &format!("vendor.name: [gateway] has a setting {name}"))]);
    }
    for name in ["url", "time_zone", "methods", "app_secret_file", "second_app_secret"] {
        let field = format!("[credential.{name}]\nhelp = \"a\"\ndefault = \"a\"\n[endpoints.url]");
        let words = format!("an account has another setting {name}");
        each_is_one_problem(&[("[endpoints.url]", &field, &words)]);
    }
    each_is_one_problem(&[(
        "[login]\n",
        "[login]\nsection = \"url\"\n",
        "login.section: an account has another setting url",
    )]);
}

#[test]
fn a_call_sends_each_name_once() {
    let parameter = |name: &str| format!("{HEADER}\n[login.parameters]\n{name} = \"{{token}}\"");
    let answer = "[login.answer]";
    let of_calls = |names: &str| format!("[call.parameters]\n{names}\n[login]\n\n");
    each_is_one_problem(&[
        (
            HEADER,
            &format!("{HEADER}\nx-app-key = \"{{token}}\""),
            "login.headers.x-app-key: [call.headers] has x-app-key, too",
        ),
        (
            HEADER,
            &format!("{HEADER}\nx-signature = \"{{token}}\""),
            "sign.header: [login.headers] has X-Signature, too",
        ),
        (HEADER_OF_CALLS, &format!("{HEADER_OF_CALLS}\nx-app-key = \"a\""), "x-app-key, too: a call has a name once"),
        (SIGNED, "parameter = \"s\"\nbody_as = \"s\"", "sign.parameter: `body_as` has s, too"),
    ]);
    let both =
        PACK.replace("[login]\n\n", &of_calls("access_token = \"a\"")).replace(HEADER, &parameter("access_token"));
    let told = compile(&both, "lumen.toml").unwrap_err().0;
    assert!(told.len() == 1, "{told:?}");
    assert!(told[0].contains("login.parameters.access_token: [call.parameters] has access_token, too"), "{told:?}");
    let within = PACK.replace(JSON_CALL, "http = \"POST\"\nsystem = \"form\"\njson_in = \"data\"");
    let within = within.replace("{timestamp}\\n{nonce}\\n{body}", "{pairs}");
    let within = within.split("[[vectors]]").next().unwrap();
    assert!(compile(within, "lumen.toml").is_ok());
    for (pack, words) in [
        (within.replace("[login]\n\n", &of_calls("data = \"a\"")), "call.json_in: [call.parameters] has data, too"),
        (within.replace(SIGNED, "parameter = \"data\""), "sign.parameter: `json_in` has data, too"),
        (
            within.replace(answer, "[login.parameters]\ndata = \"{token}\"\n[login.answer]"),
            "call.json_in: [login.parameters] has data",
        ),
    ] {
        let told = compile(&pack, "lumen.toml").unwrap_err().0;
        assert!(told.len() == 1 && told[0].contains(words), "{told:?}");
    }
}

#[test]
fn parameters_of_a_probe_or_a_login_are_not_those_of_every_call() {
    let probe = "probe = { page = \"1\" }";
    each_is_one_problem(&[
        (
            "[login]\n\n",
            "[call.parameters]\npage = \"a\"\n[login]\n\n",
            "methods.receipts.list.probe.page: every call has page already",
        ),
        (
            "[login.answer]",
            "[login.parameters]\npage = \"{token}\"\n[login.answer]",
            "methods.receipts.list.probe.page: every call has page already",
        ),
        (SIGNED, "parameter = \"page\"", "methods.receipts.list.probe.page: every call has page already"),
    ]);
    let form = PACK.replace(JSON_CALL, "http = \"POST\"").replace("{timestamp}\\n{nonce}\\n{body}", "{pairs}");
    let form = form.split("[[vectors]]").next().unwrap().replace(probe, "");
    let of_calls = "[call.parameters]\nappKey = \"{credential.app_key}\"\n[login]\n\n";
    let told = compile(&form.replace("[login]\n\n", of_calls), "lumen.toml").unwrap_err().0;
    let words = "login.calls.0.parameters.appKey: [call.parameters] has appKey, too";
    assert!(told.len() == 1 && told[0].contains(words), "{told:?}");
    let bare = form.replace("[login]\n\n", of_calls).replace("auth.exchange\"", "auth.exchange\"\nbare = true");
    assert!(compile(&bare, "lumen.toml").is_ok(), "a bare call has nothing of the others");
}

#[test]
fn endpoints_can_be_distinguished() {
    let another = |facts: &str| format!("[endpoints.another]\n{facts}\n[endpoints.url]");
    each_is_one_problem(&[
        ("[endpoints.url]", &another("label = \"api\""), "endpoints.url.label: another endpoint is api, too"),
        (
            "[endpoints.url]",
            &format!("{}\nfirst = true", another("first = true")),
            "first: another endpoint is the first, too",
        ),
    ]);
    assert_eq!(problems("[endpoints.url]", &another("first = true")), Vec::<String>::new());
}

#[test]
fn a_name_of_a_method_is_in_quotes() {
    let words = "methods.till: a method's name is one text: write \"till.…\" in double quotes";
    let probe = "probe = { page = \"1\" }";
    each_is_one_problem(&[
        (probe, &format!("{probe}\n[methods.till.list]\n{probe}"), words),
        (probe, &format!("{probe}\ninstead = \"till.list\"\n[methods.till.list]\n{probe}"), words),
        (probe, &format!("{probe}\n[methods.till]\n{probe}\n[methods.till.list]\nversion = \"1\""), words),
    ]);
}
