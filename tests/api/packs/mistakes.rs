//! Mistakes in a pack that would otherwise be seen only at the vendor's server, or nowhere: each is a problem with its line.

use storegate::vendors::pack::{compile, compile_beside};
use storegate::vendors::{Vendors, bundled};

use crate::packs::{each_is_one_problem, problems};
use crate::peers::lumen::PACK;

const PROBE: &str = "probe = { page = \"1\" }";

#[test]
fn a_probe_has_only_what_is_known_before_a_call() {
    each_is_one_problem(&[
        (PROBE, "probe = { page = \"{token}\" }", "methods.receipts.list.probe.page: {token} is not known in a probe"),
        (PROBE, "probe = { page = \"{timestamp}\" }", "{timestamp} is not known in a probe"),
        (PROBE, "probe = { page = \"{option.size}\" }", "probe.page: [options] has no size"),
        (PROBE, "probe = { page = \"{credential.nope}\" }", "probe.page: [credential] has no field nope"),
        (
            PROBE,
            "probe = { page = 2024-01-01 }",
            "probe.page: this is a text in double quotes, a number, true or false",
        ),
        (PROBE, "probe = { page = inf }", "probe.page: this is a text in double quotes, a number, true or false"),
        (PROBE, "probe = { page = [[1]] }", "probe.page: this is a text in double quotes, a number, true or false"),
        (PROBE, "probe = { page = \"{credential.app_secret}\" }", "probe.page: {credential.app_secret} is a secret"),
    ]);
    assert_eq!(problems(PROBE, "probe = { day = \"{today}\", store = \"{store}\" }"), Vec::<String>::new());
    let option =
        "[options.size]\ntype = \"integer\"\n[methods.\"receipts.list\"]\nprobe = { size = \"{option.size}\" }";
    assert_eq!(problems(&format!("[methods.\"receipts.list\"]\n{PROBE}"), option), Vec::<String>::new());
}
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
    each_is_one_problem(&[
        (
            "credential = { app_key = \"key\", app_secret = \"secret\" }",
            "credential = { app_key = \"key\" }",
            "vectors.0.credential: missing: app_secret",
        ),
        (
            "2024-01-01T02:00:00Z",
            "2024-01-01",
            "vectors.0.time: write a time as RFC 3339 does, such as 2024-01-01T10:00",
        ),
    ]);
    let source = |text: &str| format!("source = {}\ncredential = {{ app_key", toml::Value::from(text));
    let old = &PACK[PACK.find("source = \"openssl").unwrap()..PACK.find(" = \"key\", app_secret").unwrap()];
    each_is_one_problem(&[
        (old, &source("a page\nvector: more"), "vectors.0.source: this is one line without control characters"),
        (old, &source("a\tpage"), "vectors.0.source: this is one line"),
        (old, &source(" "), "vectors.0.source: missing: where the vector is from"),
    ]);
    assert_eq!(problems(old, &source("a page of several lines in TOML\n")), Vec::<String>::new());
    let url = "nonce = \"abc\"\nurl = \"https://eu.lumen.example/\"";
    assert_eq!(problems("nonce = \"abc\"", url), Vec::<String>::new());
}

#[test]
fn a_number_in_a_vector_is_signed_as_it_travels() {
    const PARAMETERS: &str = "parameters = { page = \"1\" }";
    // Lumen's parameters are JSON, where a number is another text than its digits in quotes.
    for other in ["1", "1.0", "true", "[1]", "\"01\""] {
        let by = format!("parameters = {{ page = {other} }}");
        each_is_one_problem(&[(PARAMETERS, &by, "vectors.0.signature: the pack computes another signature")]);
    }
    each_is_one_problem(&[(
        PARAMETERS,
        "parameters = { page = 2024-01-01 }",
        "vectors.0.parameters.page: this is a text in double quotes, a number, true or false, or a list of them",
    )]);
    // printf 'POST\n/api/receipts.list\n1704074400000\nabc\n{"page":1}' | openssl dgst -sha256 -hmac secret -binary | base64
    let signature = "LbF0yaDOPYABmbLVP0Q6Yqm/uNvwW3In8vRxv/4UVSk=";
    let number = PACK.replace(PARAMETERS, "parameters = { page = 1 }");
    let number = number.replace("zlLVrNFugpdO9wOdJ1uDHVDdVHEqPnSDTCN5hixKQiw=", signature);
    assert!(number.contains(signature) && compile(&number, "lumen.toml").is_ok());
    // In a form, both are the same text.
    let oms = bundled::text("oms").unwrap();
    let numbers = oms.replace("{ page_no = \"1\", page_size = \"50\" }", "{ page_no = 1, page_size = 50 }");
    assert!(numbers != oms && compile(&numbers, "oms.toml").is_ok());
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
fn numbers_of_stores_and_organizations_can_be_distinguished() {
    let of_stores = "example = \"L-NORTH\"";
    each_is_one_problem(&[(
        of_stores,
        "prefix = \"R-\"\nexample = \"R-N\"",
        "ids.organization.prefix: a store's number has a prefix that begins alike",
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

#[test]
fn every_variable_is_known_where_it_stands() {
    const KEY: &str = "X-App-Key = \"{credential.app_key}\"";
    each_is_one_problem(&[
        (PATH, "path = \"/api\"", "call: no call says whose it is: write {method}"),
        (PATH, "path = \"/api/{version}/{method}\"", "call.version: missing: {version} is used"),
        (KEY, &format!("{KEY}\nX-A = \"{{secret}}\""), "call.headers.X-A: {secret} is not known when this is written"),
        (KEY, &format!("{KEY}\nX-A = \"{{store}}\""), "call.headers.X-A: {store} is not known when this is written"),
        (
            "method = \"auth.exchange\"",
            "method = \"auth.exchange\"\npath = \"/{token}\"",
            "login.calls.0.path: {token} is not known when a login is written",
        ),
        ("appKey = \"{credential.app_key}\"", "appKey = \"{token}\"", "{token} is not known when a login is written"),
        ("appKey = \"{credential.app_key}\"", "appKey = \"{login.user}\"", "[login.fields] has no field user"),
    ]);
    let (before, behind) = PACK.split_once("# Every call needs").unwrap();
    let (_, behind) = behind.split_once("[answer]").unwrap();
    let without = format!("{before}[answer]{behind}");
    assert!(compile(&without, "lumen.toml").is_ok());
    for (part, by, key) in [
        (KEY, "X-App-Key = \"{token}\"", "call.headers.X-App-Key"),
        ("{timestamp}\\n{nonce}", "{token}", "sign.stages.0.text"),
    ] {
        let told = compile(&without.replace(part, by), "lumen.toml").unwrap_err().0;
        let words = format!("{key}: there is no [login] that gives {{token}}");
        assert!(told.len() == 1 && told[0].contains(&words), "{told:?}");
    }
    let versions = PACK.replace(PATH, "path = \"/api/{version}/{method}\"");
    let versions = versions.split("[[vectors]]").next().unwrap().replace(PROBE, "version = \"2\"");
    assert!(compile(&versions, "lumen.toml").is_ok(), "a method has a version");
}

#[test]
fn a_rule_that_has_no_effect_is_refused() {
    let login = "[login]\n\n";
    each_is_one_problem(&[
        (PROBE, "probe_finds_nothing = true", "methods.receipts.list.probe_finds_nothing: there is no `probe`"),
        (login, "[login]\nneeded_by = [\"a.\"]\nnot_by = [\"a.\"]\n\n", "login.needed_by: a. has no effect"),
        (login, "[login]\nneeded_by = [\"a.b.\"]\nnot_by = [\"a.\"]\n\n", "login.needed_by: a.b. has no effect"),
        (
            "method = \"auth.exchange\"",
            "method = \"auth.exchange\"\nchoice = \"code\"",
            "login.calls: nobody chooses a call that is the only one",
        ),
        ("zone = \"UTC\"", "zone = \"UTC\"\nlead = \"0s\"", "time.lead: a timestamp may be ahead by 1s to 1d"),
        ("zone = \"UTC\"", "zone = \"UTC\"\nlead = \"25h\"", "time.lead: a timestamp may be ahead by 1s to 1d"),
        (
            "business = \"json\"",
            "system = \"json\"\nbusiness = \"json\"\njson_in = \"data\"",
            "call.business: how these parameters travel is what `json_in` says: leave it out",
        ),
    ]);
    let needed = "[login]\nneeded_by = [\"a.\"]\nnot_by = [\"a.b.\"]\n\n";
    assert_eq!(problems(login, needed), Vec::<String>::new());
}
