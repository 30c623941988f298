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
