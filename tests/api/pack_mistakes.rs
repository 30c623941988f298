//! Mistakes in a pack that would otherwise be seen only at the vendor's server, or nowhere: each is a problem with its line.

use storegate::vendors::Vendors;
use storegate::vendors::pack::{compile, compile_beside};

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

#[test]
fn a_signature_names_only_what_a_call_sends() {
    let signed = "header = \"X-Signature\"";
    each_is_one_problem(&[
        (signed, &format!("{signed}\nover = [\"page\"]"), "sign.over: no call has a parameter page"),
        (signed, &format!("{signed}\nexcept = [\"sign\"]"), "sign.except: no call has a parameter sign"),
        (
            "{timestamp}\\n{nonce}\\n{body}",
            "{p.page}\\n{body}",
            "sign.stages: no call has a parameter page, so that {p.page}",
        ),
    ]);
    let form = "http = \"POST\"\nsystem = \"form\"";
    let pack = PACK.replace(JSON_CALL, form).replace(signed, &format!("{signed}\nover = [\"page\"]"));
    let pack = pack.split("[[vectors]]").next().unwrap();
    assert!(
        compile(pack, "lumen.toml").is_ok(),
        "a parameter of a method can be signed where it travels with the others"
    );
}

#[test]
fn a_time_is_written_so_that_it_can_be_read_again() {
    let forms = "milliseconds = \"unix_ms\"";
    for pattern in ["%Q", "%Y-%m-%d", "%H:%M:%S", "%Y%m%d%H", "%Y", "%", "%%", "%Y-%m-%d %I:%M", "unix_s"] {
        let by = format!("milliseconds = {pattern:?}");
        each_is_one_problem(&[(forms, &by, "time.forms.milliseconds: write unix, unix_ms, seconds since")]);
    }
    for pattern in ["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S%:z", "%d/%m/%Y %H.%M.%S", "%s", "%I:%M %p %Y-%m-%d"] {
        let vector = PACK.split("[[vectors]]").next().unwrap().replace(forms, &format!("milliseconds = {pattern:?}"));
        assert!(compile(&vector, "lumen.toml").is_ok(), "{pattern}");
    }
}

#[test]
fn a_form_of_codes_is_none_of_one_code() {
    let forms = "forms = [\"E###\"]";
    each_is_one_problem(&[
        (forms, "forms = [\"E401\"]", "codes.forms: E401 is one code"),
        (forms, "forms = [\"Integer\"]", "codes.forms: Integer is one code"),
        (forms, "forms = [\"\"]", "codes.forms:  is one code"),
    ]);
}

#[test]
fn an_account_can_write_what_a_login_reads_and_choose_the_call() {
    let login = "[login]\n\n";
    let fields = "[login.fields.user]\nhelp = \"a user\"\n[login.headers]";
    let call = "parameters = { appKey = \"{credential.app_key}\" }";
    let another = |choices: [&str; 2]| {
        let choice = |choice: &str| if choice.is_empty() { String::new() } else { format!("\nchoice = {choice:?}") };
        format!("{call}{}\n[[login.calls]]\nmethod = \"auth.other\"{}", choice(choices[0]), choice(choices[1]))
    };
    each_is_one_problem(&[
        ("[login.headers]", fields, "login.fields: these are written into a section of the account"),
        (call, &another(["", ""]), "login.calls: of several calls, each has a `choice` of its own"),
        (call, &another(["a", ""]), "login.calls: of several calls, each has a `choice` of its own"),
        (call, &another(["a", "a"]), "login.calls: of several calls, each has a `choice` of its own"),
        (call, &another(["a", "b"]), "login.calls: of several calls, an account chooses one in its section"),
    ]);
    let section = "[login]\nsection = \"sign_in\"\n\n";
    let pack = PACK.replacen(login, section, 1).replacen("[login.headers]", fields, 1);
    assert!(compile(&pack.replacen(call, &another(["a", "b"]), 1), "lumen.toml").is_ok());
}

#[test]
fn an_option_has_values_that_an_operator_can_write() {
    let option = |facts: &str| format!("[options.size]\n{facts}\n[ids.store]");
    for (facts, words) in [
        ("type = \"integer\"\nminimum = 5\nmaximum = 4", "options.size.minimum: 5 is more than `maximum`"),
        ("type = \"integer\"\nminimum = 5\ndefault = 4", "options.size.default: this is less than `minimum`"),
        ("type = \"integer\"\nmaximum = 5\ndefault = 6", "options.size.default: this is less than `minimum`"),
        ("type = \"choice\"", "options.size.choices: missing: the values"),
        ("type = \"choice\"\nchoices = []", "options.size.choices: missing: the values"),
        ("type = \"text\"", "options.size.type: an option is an integer or a choice"),
    ] {
        each_is_one_problem(&[("[ids.store]", &option(facts), words)]);
    }
    let choices = "help = \"the application's key\"\nchoices = [\"a\", \"b\"]\ndefault = \"c\"";
    let words = "credential.app_key.default: c is not among `choices`";
    let problems = problems("help = \"the application's key\"", choices);
    assert!(problems.iter().any(|problem| problem.contains(words)), "{problems:?}");
}

#[test]
fn numbers_of_stores_and_organizations_can_be_told_apart() {
    let of_stores = "example = \"L-NORTH\"";
    each_is_one_problem(&[(
        of_stores,
        "prefix = \"R-\"\nexample = \"R-N\"",
        "ids.organization.prefix: a store's number begins",
    )]);
    let opretail = Vendors::default().get("opretail").unwrap();
    for (part, by, words) in [
        (of_stores, "prefix = \"S_\"\nexample = \"S_1\"", "ids.store.prefix: opretail has `S_`"),
        (of_stores, "prefix = \"O_X\"\nexample = \"O_X1\"", "ids.store.prefix: opretail has `O_`"),
        ("prefix = \"R-\"", "prefix = \"S_\"", "ids.organization.prefix: opretail has `S_`"),
    ] {
        let pack = PACK.replacen(part, by, 1).replace(
            "example = \"R-12\"",
            if by.contains("S_\"") && part.starts_with("prefix") { "example = \"S_12\"" } else { "example = \"R-12\"" },
        );
        let problems =
            compile_beside(&pack, "lumen.toml", &[opretail]).map_or_else(|problems| problems.0, |_| Vec::new());
        assert!(problems.len() == 1 && problems[0].contains(words), "{by}: {problems:?}");
    }
}

#[test]
fn a_pointer_escapes_as_rfc_6901_says_and_a_name_is_not_empty() {
    each_is_one_problem(&[
        ("token = [\"/accessToken\"]", "token = [\"/be~arer\"]", "login.answer.token: \"/be~arer\" is no JSON pointer"),
        ("token = [\"/accessToken\"]", "token = [\"/bearer~\"]", "login.answer.token: \"/bearer~\" is no JSON pointer"),
        ("call_id = \"/trace\"", "call_id = \"/tr~2ace\"", "answer.call_id: "),
        ("title = \"Lumen\"", "title = \" \"", "vendor.title: this is empty"),
        ("label = \"api\"", "label = \"\"", "endpoints.url.label: this is empty"),
    ]);
    assert_eq!(problems("call_id = \"/trace\"", "call_id = \"/a~1b~0c\""), Vec::<String>::new());
}
