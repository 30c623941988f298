//! `storegate vendor check` of packs with one mistake each: it is told in one line, with the file, the line, the key and what
//! to do, and nothing else is told.

use std::fs;

use crate::app::program::{directory, run, stdout_of};
use crate::peers::lumen::PACK;

/// A part of the pack, what stands there instead, the key of the mistake, and the words about it.
type Mistake = (&'static str, &'static str, &'static str, &'static str);

const MISTAKES: &[Mistake] = &[
    // Names that are not there.
    ("[doctor]\n", "[docter]\n", "docter", "there is no such setting; did you mean doctor?"),
    ("title = \"Lumen\"", "titel = \"Lumen\"", "vendor.titel", "there is no such setting; did you mean vendor.title?"),
    ("key = \"app_key\"", "key = \"app_id\"", "vendor.key", "[credential] has no field app_id"),
    ("key = \"app_key\"\n", "", "vendor.key", "missing: the field of [credential]"),
    ("method = \"auth.exchange\"", "", "login.calls.0.method", "missing: "),
    ("{timestamp}\\n{nonce}", "{time}\\n{nonce}", "sign.stages.0.text", "there is no variable {time}"),
    // Values of another type or range.
    ("http = \"POST\"", "http = \"PUT\"", "call.http", "calls are sent by POST or GET"),
    ("business = \"json\"", "business = \"xml\"", "call.business", "XML bodies are not supported"),
    ("secret = true", "secret = \"yes\"", "credential.app_secret.secret", "this is either true or false"),
    ("window = \"5m\"", "window = \"2d\"", "sandbox.window", "a timestamp may be off by 1s to 1d"),
    ("zone = \"UTC\"", "zone = \"China\"", "time.zone", "China is not a known time zone"),
    ("\"unix_ms\"", "\"millis\"", "time.forms.milliseconds", "write unix, unix_ms, seconds since"),
    ("data = [{ at = \"/result\" }]", "data = { at = \"/result\" }", "answer.data", "this is a list of sections"),
    ("[credential.app_key]\nhelp = ", "[credential]\napp_key = ", "credential.app_key", "this is a section: write"),
    // Signatures.
    ("\"hmac-sha256\"", "\"rsa-sha256\"", "sign.stages.0.digest", "RSA, ECDSA, SM2 and SM3 are not supported"),
    ("\"hmac-sha256\"", "\"crc32\"", "sign.stages.0.digest", "there is no such digest; the digests are none, md5"),
    ("out = \"base64\"", "out = \"base32\"", "sign.stages.0.out", "base64"),
    ("key = \"{secret}\"\n", "", "sign.stages.0.key", "an HMAC has a key"),
    ("secret = \"app_secret\"", "secret = \"app_key\"", "sign.secret", "this field is no secret"),
    ("signature = \"zlLV", "signature = \"zlLW", "vectors.0.signature", "the pack computes another signature"),
    ("\"key\", app_secret = \"secret\"", "\"key\"", "vectors.0.credential", "missing: app_secret"),
    // Secrets and tokens where they may not be.
    ("\"{nonce}\"", "\"{credential.app_secret}\"", "call.headers.X-Nonce", "{credential.app_secret} is a secret"),
    ("page = \"1\"", "page = \"{token}\"", "methods.receipts.list.probe.page", "{token} is not known in a probe"),
    // What a call sends.
    ("X-Nonce = ", "Host = ", "call.headers.Host", "this header belongs to HTTP itself"),
    ("X-Nonce = ", "x-app-key = ", "call.headers", "a call has a name once"),
    ("/api/{method}", "api/{method}", "call.path", "a path begins with one `/`"),
    ("/api/{method}", "/api/../{method}", "call.path", "a path has no segments `.` and `..`"),
    ("/api/{method}", "/api", "call", "no call says whose it is: write {method}"),
    // Answers and codes.
    ("[\"/error/kind\"]", "[\"error/kind\"]", "answer.code", "\"error/kind\" is no JSON pointer"),
    (
        "not_found = [\"E404\"]",
        "not_found = [\"E500\"]",
        "codes.gateway_failed",
        "the code E500 stands in this pack twice",
    ),
    ("[\"E001\"]", "[\"E001-E003\"]", "codes.credentials_refused.key", "list these codes one by one"),
    ("[\"E###\"]", "[\"E999\"]", "codes.forms", "a form is `integer`, or has a `#` for each digit"),
    // Ids, pages, the sandbox, and TOML itself.
    ("example = \"R-12\"", "example = \"12\"", "ids.organization.example", "R-"),
    ("prefix = \"R-\"", "prefix = \"S_\"", "ids.organization.prefix", "opretail has `S_`"),
    ("[doctor]\n", "[paging]\nsize = \"n\"\n[doctor]\n", "paging.page", "a page is chosen by its number"),
    ("[doctor]\n", "[paging]\npage = \"n\"\ntotal = \"total\"\n[doctor]\n", "paging.total", "is no JSON pointer"),
    ("\"key\", \"time\",", "\"keys\", \"time\",", "sandbox.checks", "the checks are presence, method, key"),
    ("{\"items\": [", "{\"items\": ", "sandbox.answers.receipts.list", "this is no JSON"),
    ("title = \"Lumen\"", "title = \"Lumen\"\ntitle = \"L\"", "", "is not TOML: duplicate key"),
    ("title = \"Lumen\"", "title = \"Lumen", "", "is not TOML: "),
];

/// What `vendor check` tells of the pack in this file: its exit code, and stderr without the name of the file.
fn told(file: &std::path::Path, pack: &str) -> (Option<i32>, String) {
    fs::write(file, pack).unwrap();
    let checked = run(&["vendor", "check", file.to_str().unwrap()], &[], "");
    assert!(checked.stdout.is_empty(), "{checked:?}");
    (checked.status.code(), String::from_utf8(checked.stderr).unwrap())
}

#[test]
fn each_mistake_of_a_pack_is_told_once_with_its_place_and_what_to_do() {
    let home = directory("broken-packs");
    let file = home.join("lumen.toml");
    let mut wrong = Vec::new();
    for (part, by, key, words) in MISTAKES {
        assert!(PACK.contains(part), "{part}");
        let (code, text) = told(&file, &PACK.replacen(part, by, 1));
        let problems: Vec<&str> = text.lines().filter(|line| line.starts_with("  - ")).collect();
        let place = if key.is_empty() { "lumen.toml: line ".to_owned() } else { format!(": {key}") };
        let line =
            problems.first().and_then(|line| line.split_once("lumen.toml: line ")).map_or("", |(_, behind)| behind);
        let number: String = line.chars().take_while(char::is_ascii_digit).collect();
        let is_right = code == Some(78)
            && text.contains("the configuration has 1 problem:")
            && problems.len() == 1
            && problems[0].contains(&place)
            && problems[0].contains(words)
            && !number.is_empty();
        if !is_right {
            wrong.push(format!("{by:?}: exits with {code:?}: {text}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(MISTAKES.len() >= 20);
}

#[test]
fn a_mistake_in_a_resource_of_a_pack_is_told_with_its_line() {
    let template = stdout_of(&["vendor", "new", "acme_pay"], &[], "");
    let file = directory("broken-resources").join("acme_pay.toml");
    for (part, by, key) in [
        ("method = \"items.list\"\nscope", "scope", "resources.acme_pay_items.method"),
        ("from = \"/id\"", "from = \"id\"", "resources.acme_pay_items.fields.item_id.from"),
        ("path = \"/acme-pay/items\"", "path = \"acme-pay/items\"", "resources.acme_pay_items.path"),
        ("answer = \"list\"", "answer = \"lists\"", "resources.acme_pay_items.answer"),
        ("\"/id\", type = \"text\"", "\"/id\", type = \"txt\"", "resources.acme_pay_items.fields.item_id.type"),
        ("\"/id\", type = \"text\"", "\"/id\", type = 5", "resources.acme_pay_items.fields.item_id.type"),
        ("name = { from = \"/name\"", "name = \"/name\" # {", "resources.acme_pay_items.fields.name"),
        (
            "pages = true\n",
            "pages = true\nparameters.code = { type = \"txt\", longest = 3, minimum = 1, maximum = 2, values = [\"a\"] }\n",
            "resources.acme_pay_items.parameters.code.type",
        ),
        (
            "pages = true\n",
            "pages = true\nparameters.code = { type = 5, longest = 3 }\n",
            "resources.acme_pay_items.parameters.code.type",
        ),
        ("pages = true\n", "pages = true\nparameters.code = 5\n", "resources.acme_pay_items.parameters.code"),
    ] {
        assert!(template.contains(part), "{part}");
        let (code, text) = told(&file, &template.replacen(part, by, 1));
        assert_eq!(code, Some(78), "{by}: {text}");
        assert!(text.contains("the configuration has 1 problem:") && text.contains("acme_pay.toml: line "), "{text}");
        assert!(text.contains(&format!(": {key}: ")), "{by}: {text}");
    }
}
