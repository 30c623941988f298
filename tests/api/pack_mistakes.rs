//! Mistakes in a pack that would otherwise be seen only at the vendor's server, or nowhere: each is a problem with its line.

use storegate::vendors::pack::compile;

use crate::third_vendor::PACK;

/// The problems of the pack with `part` written as `by`.
fn problems(part: &str, by: &str) -> Vec<String> {
    assert!(PACK.contains(part), "{part}");
    compile(&PACK.replacen(part, by, 1), "lumen.toml").map_or_else(|problems| problems.0, |_| Vec::new())
}

/// Each change is one problem, which has a line and these words.
fn each_is_one_problem(changes: &[(&str, &str, &str)]) {
    for (part, by, words) in changes {
        let problems = problems(part, by);
        assert_eq!(problems.len(), 1, "{by}: {problems:?}");
        assert!(problems[0].starts_with("lumen.toml: line ") && problems[0].contains(words), "{by}: {problems:?}");
    }
}

const PROBE: &str = "probe = { page = \"1\" }";
const EXCHANGED: &str = "appKey = \"{credential.app_key}\"";
const HEADER: &str = "Authorization = \"Bearer {token}\"";
const JSON_CALL: &str = "http = \"POST\"\nbusiness = \"json\"";

#[test]
fn a_probe_has_only_what_is_known_before_a_call() {
    each_is_one_problem(&[
        (PROBE, "probe = { page = \"{token}\" }", "methods.receipts.list.probe.page: {token} is not known in a probe"),
        (PROBE, "probe = { page = \"{timestamp}\" }", "{timestamp} is not known in a probe"),
        (PROBE, "probe = { page = \"{option.size}\" }", "probe.page: [options] has no size"),
        (PROBE, "probe = { page = \"{credential.nope}\" }", "probe.page: [credential] has no field nope"),
        (PROBE, "probe = { page = \"{credential.app_secret}\" }", "probe.page: {credential.app_secret} is a secret"),
    ]);
    assert_eq!(problems(PROBE, "probe = { day = \"{today}\", store = \"{store}\" }"), Vec::<String>::new());
    let option =
        "[options.size]\ntype = \"integer\"\n[methods.\"receipts.list\"]\nprobe = { size = \"{option.size}\" }";
    assert_eq!(problems(&format!("[methods.\"receipts.list\"]\n{PROBE}"), option), Vec::<String>::new());
}

#[test]
fn a_secret_is_exchanged_for_a_token_only_in_a_body() {
    let secret = "secret = \"{credential.app_secret}\"";
    assert_eq!(problems(EXCHANGED, secret), Vec::<String>::new(), "a JSON body");
    each_is_one_problem(&[
        (
            HEADER,
            &format!("{HEADER}\nX-Secret = \"{{credential.app_secret}}\""),
            "login.headers.X-Secret: {credential.",
        ),
        (
            "[login.answer]",
            "[login.parameters]\ns = \"{credential.app_secret}\"\n[login.answer]",
            "login.parameters.s: ",
        ),
        (
            "method = \"auth.exchange\"",
            "method = \"auth.exchange\"\npath = \"/{credential.app_secret}\"",
            "login.calls.0.path: {credential.app_secret} is a secret",
        ),
        (EXCHANGED, "appKey = \"{credential.nope}\"", "[credential] has no field nope"),
    ]);
    for (call, is_refused) in [
        ("http = \"GET\"\nsystem = \"query\"", true),
        ("http = \"POST\"\nsystem = \"query\"", true),
        ("http = \"POST\"\nsystem = \"query\"\njson_in = \"data\"", true),
        ("http = \"POST\"\nsystem = \"query\"\nbusiness = \"json\"", false),
        ("http = \"POST\"\nsystem = \"form\"", false),
    ] {
        let pack = PACK.replace(JSON_CALL, call).replace(EXCHANGED, secret);
        let pack = pack.split("[[vectors]]").next().unwrap();
        let problems = compile(pack, "lumen.toml").map_or_else(|problems| problems.0, |_| Vec::new());
        assert_eq!(problems.len(), usize::from(is_refused), "{call}: {problems:?}");
        let words =
            "is a secret, and these parameters travel in the query: a secret is sent only in a body (form or json)";
        assert!(problems.iter().all(|problem| problem.contains(words)), "{problems:?}");
    }
}

const HEADER_OF_CALLS: &str = "X-App-Key = \"{credential.app_key}\"";
const PATH: &str = "path = \"/api/{method}\"";

#[test]
fn a_vector_is_computed_when_the_pack_is_read() {
    each_is_one_problem(&[
        ("signature = \"zlLV", "signature = \"zlLW", "vectors.0.signature: the pack computes another signature"),
        (
            "digest = \"hmac-sha256\"",
            "digest = \"hmac-sha1\"",
            "vectors.0.signature: the pack computes another signature",
        ),
        ("nonce = \"abc\"", "nonce = \"abd\"", "vectors.0.signature: "),
        (
            "credential = { app_key = \"key\",",
            "credential = { app_keys = \"key\",",
            "vectors.0.credential.app_keys: [credential] has no app_keys",
        ),
        (
            "nonce = \"abc\"",
            "nonce = \"abc\"\ntime_form = \"unix\"",
            "vectors.0.time_form: [time.forms] has no such form",
        ),
        (
            "nonce = \"abc\"",
            "nonce = \"abc\"\nsystem = { k = \"v\" }",
            "vectors.0.system.k: [call.parameters] has no k",
        ),
    ]);
    let url = "nonce = \"abc\"\nurl = \"https://eu.lumen.example/\"";
    assert_eq!(problems("nonce = \"abc\"", url), Vec::<String>::new());
}

#[test]
fn a_path_begins_with_one_slash_and_stays_at_its_host() {
    for path in [
        "api/{method}",
        "{method}",
        ".evil.example/{method}",
        "@evil.example/",
        "//evil.example/{method}",
        ":81/{method}",
    ] {
        each_is_one_problem(&[(PATH, &format!("path = {path:?}"), "call.path: a path begins with one `/`")]);
    }
    each_is_one_problem(&[
        (PATH, "path = \"\"", "call.path: a path begins with `/`"),
        (PATH, "path = \"/api/../{method}\"", "call.path: a path has no segments `.` and `..`"),
        (PATH, "path = \"/api/{method}?x=1\"", "call.path: a path has no `?`"),
        (PATH, "path = \"/api/{method}#f\"", "call.path: a path has no `?`"),
        (PATH, "path = \"/a pi/{method}\"", "call.path: a path has no `?`"),
        (
            "method = \"auth.exchange\"",
            "method = \"auth.exchange\"\npath = \"auth\"",
            "login.calls.0.path: a path begins with",
        ),
    ]);
}

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
        ("header = \"X-Signature\"", "header = \"Host\"", "sign.Host: this header belongs to HTTP itself"),
    ]);
}

#[test]
fn a_signature_covers_what_is_sent_and_has_a_name_of_its_own() {
    let signed = "header = \"X-Signature\"";
    each_is_one_problem(&[
        (signed, &format!("{signed}\npair = \"{{k}}\""), "sign.pair: a pair without {v} or {vjson}"),
        (signed, &format!("{signed}\norder = \"listed\""), "sign.order: `listed` is the order of `over`"),
        (
            "{timestamp}\\n{nonce}\\n{body}",
            "{timestamp}\\n{h.X-Nope}\\n{body}",
            "sign.stages: neither [call.headers] nor",
        ),
        ("secret = \"app_secret\"", "secret = \"app_key\"", "sign.secret: this field is no secret"),
        ("key = \"app_key\"", "key = \"app_secret\"", "vendor.key: this field is a secret"),
        ("zone = \"UTC\"", "zone = \"UTC\"\nfirst = \"nope\"", "time.first: [time.forms] has no nope"),
        (
            PROBE,
            &format!("{PROBE}\ninstead = \"nope\""),
            "methods.receipts.list.instead: [methods] has no other method nope",
        ),
        (PROBE, &format!("{PROBE}\ninstead = \"receipts.list\""), "instead: [methods] has no other method"),
    ]);
    let both = format!("parameter = \"sig\"\n[call.parameters]\nsig = \"x\"\n[sign_]\n{signed}");
    let told = problems(signed, &both).join("\n");
    assert!(told.contains("sign.parameter: [call.parameters] has sig, too"), "{told}");
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
