//! Packs that were made to harm: each is refused at the check and at the start of the server, in a few seconds of the
//! processor's time, without a panic, and without a line that the pack has written itself.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::app::program::directory;
use crate::peers::lumen::PACK;

/// Seconds of the processor's time, of a program that is not optimized.
const PATIENCE: u32 = 8;

/// Runs a command that the system ends when it has used up its time.
fn run(arguments: &[&str]) -> Output {
    let limited = format!("ulimit -t {PATIENCE} && exec \"$0\" \"$@\"");
    let mut shell = Command::new("/bin/sh");
    shell.env_clear().args(["-c", &limited, env!("CARGO_BIN_EXE_storegate")]).args(arguments).output().unwrap()
}

/// What is wrong with how a pack is refused: at `vendor check`, and where a configuration names it.
fn not_refused(home: &Path, what: &str, pack: &str, words: &str) -> Option<String> {
    let (file, config) = (home.join("lumen.toml"), home.join("storegate.toml"));
    fs::write(&file, pack).unwrap();
    fs::write(&config, format!("[vendors.lumen]\nfile = {file:?}\n")).unwrap();
    let checked = run(&["vendor", "check", file.to_str().unwrap()]);
    let served = run(&["serve", "--config", config.to_str().unwrap(), "--listen", "127.0.0.1:0"]);
    let told = [&checked, &served].map(|output| String::from_utf8_lossy(&output.stderr).into_owned());
    let is_clean = |text: &String| {
        text.contains(words)
            && !text.contains("panicked")
            && !text.contains('\u{1b}')
            && !text.contains("\nstoregate: evil")
    };
    let is_right = [&checked, &served].iter().all(|output| output.status.code() == Some(78));
    (!is_right || !told.iter().all(is_clean)).then(|| {
        let short = |text: &String| text.chars().take(600).collect::<String>();
        format!("{what}: {:?} {}; {:?} {}", checked.status, short(&told[0]), served.status, short(&told[1]))
    })
}

/// Tells all packs that are not refused with their words.
fn each_is_refused(name: &str, packs: &[(&str, String, &str)]) {
    let home = directory(name);
    let found: Vec<String> =
        packs.iter().filter_map(|(what, pack, words)| not_refused(&home, what, pack, words)).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

fn with(part: &str, by: &str) -> String {
    assert!(PACK.contains(part), "{part}");
    PACK.replacen(part, by, 1)
}

/// So many lines or items.
fn many(count: usize, one: impl Fn(usize) -> String) -> String {
    (0..count).fold(String::new(), |mut text, place| {
        write!(text, "{}", one(place)).unwrap();
        text
    })
}

const MANY: &str = "are too many: a pack has 4000 at most";

#[test]
fn a_pack_that_is_too_much_is_refused() {
    let sections = |one: fn(usize) -> String| with("[endpoints.url]", &format!("{}[endpoints.url]", many(20_000, one)));
    let listed = |one: fn(usize) -> String| with("[\"E500\"]", &format!("[{}]", many(50_000, one)));
    each_is_refused(
        "hostile-size",
        &[
            ("10 MB", format!("{PACK}# {}", "x".repeat(10_000_000)), "larger than 1024 KiB"),
            ("unknown keys", format!("{PACK}[junk]\n{}", many(80_000, |place| format!("k{place}=1\n"))), MANY),
            ("fields", sections(|place| format!("[credential.c{place}]\nhelp=\"x\"\n")), MANY),
            ("endpoints", sections(|place| format!("[endpoints.e{place}]\nhelp=\"x\"\n")), MANY),
            ("ranges", listed(|place| format!("\"{}-{}\",", 3 * place, 3 * place + 1)), MANY),
            ("forms", with("[\"E###\"]", &format!("[{}]", many(90_000, |place| format!("\"#{place}\",")))), MANY),
            ("a long key", format!("{PACK}[x]\n{} = 1\n", "k".repeat(900_000)), "a key is longer than 200 bytes"),
            ("arrays", format!("{PACK}x = {}{}", "[".repeat(400_000), "]".repeat(400_000)), "is not TOML"),
            ("open arrays", format!("{PACK}x = {}", "[".repeat(900_000)), "is not TOML"),
            ("tables", format!("{PACK}[a{}]", ".a".repeat(400_000)), "is not TOML"),
            ("inline tables", format!("{PACK}x = {}1{}", "{a=".repeat(90_000), "}".repeat(90_000)), "is not TOML"),
            ("deep JSON", with("'''{\"items\"", &format!("'''{}{{\"items\"", "[".repeat(400_000))), "this is no JSON"),
            (
                "a huge text",
                with("text = \"{http}", &format!("text = \"{}", "{body}".repeat(140_000))),
                "another signature",
            ),
            ("a long prefix", with("\"R-\"", &format!("\"{}\"", "R".repeat(900_000))), "fewer than 32"),
        ],
    );
}

#[test]
fn as_much_as_a_pack_may_have_is_read_in_time() {
    let listed = |count: usize, one: fn(usize) -> String| format!("[{}]", many(count, one));
    let unknown = format!("{PACK}[junk]\n{}", many(3700, |place| format!("k{place} = 1\n")));
    each_is_refused(
        "hostile-most",
        &[
            ("unknown keys", unknown, "there is no such setting"),
            (
                "overlapping ranges",
                with("[\"E500\"]", &listed(3700, |place| format!("\"{place}-{}\",", place + 9))),
                "stands in this pack twice",
            ),
            (
                "names that are signed",
                with(
                    "header = \"X-Signature\"",
                    &format!("header = \"X-Signature\"\nover = {}", listed(3700, |place| format!("\"p{place}\","))),
                ),
                "sign.over: no call has a parameter",
            ),
        ],
    );
}

#[test]
fn a_pack_that_refers_to_itself_is_refused() {
    let signed = "{timestamp}\\n{nonce}\\n{body}";
    let later = "[[sign.stages]]\ntext = \"{1}{secret}\"\ndigest = \"md5\"\n[[sign.stages]]";
    each_is_refused(
        "hostile-self",
        &[
            ("a stage of itself", with(signed, "{0}"), "{0} is not known when this is signed"),
            ("a stage of a later one", with("[[sign.stages]]", later), "{1} is not known when this is signed"),
            (
                "a login of its token",
                with("{credential.app_key}\" }", "{token}\" }"),
                "{token} is not known when a login",
            ),
            (
                "a method instead of itself",
                with("probe = { page = \"1\" }", "instead = \"receipts.list\""),
                "[methods] has no other method",
            ),
            ("one key twice", with("title = \"Lumen\"", "title = \"a\"\ntitle = \"b\""), "is not TOML: duplicate key"),
            ("one section twice", format!("{PACK}[login]\n"), "is not TOML: duplicate key"),
            (
                "one label twice",
                with("[endpoints.url]", "[endpoints.a]\nlabel = \"api\"\n[endpoints.url]"),
                "another endpoint is",
            ),
            ("one header twice", with("X-Nonce = ", "x-timestamp = "), "a call has a name once"),
        ],
    );
}

#[test]
fn a_pack_that_would_show_a_secret_or_leave_its_host_is_refused() {
    let secret = "{credential.app_secret}";
    let url = |url: &str| with("label = \"api\"", &format!("label = \"api\"\nurl = {url:?}"));
    let path = |path: &str| with("\"/api/{method}\"", &toml::Value::from(path).to_string());
    let header = |header: &str| with("X-Nonce = \"{nonce}\"", &format!("X-Nonce = \"{{nonce}}\"\n{header}"));
    let parameter = format!("[call.parameters]\ns = \"{secret}\"\n[call.headers]");
    each_is_refused(
        "hostile-secrets",
        &[
            ("a secret host", url("https://{secret}.evil.example/"), "endpoints.url.url: this is not a URL"),
            ("a user in a URL", url("https://a:b@evil.example/"), "endpoints.url.url: the URL has a user name"),
            ("a file", url("file:///etc/passwd"), "endpoints.url.url: this is not a URL"),
            (
                "a secret path",
                path("/{method}/{credential.app_secret}"),
                "call.path: {credential.app_secret} is a secret",
            ),
            ("the path of the signature", path("/{method}/{secret}"), "call.path: {secret} is not known"),
            (
                "a secret header",
                header(&format!("X-S = \"{secret}\"")),
                "call.headers.X-S: {credential.app_secret} is a",
            ),
            (
                "a secret parameter",
                with("[call.headers]", &parameter),
                "call.parameters.s: {credential.app_secret} is a",
            ),
            (
                "a secret probe",
                with("page = \"1\"", &format!("page = \"{secret}\"")),
                "probe.page: {credential.app_secret} is",
            ),
            ("the path above", path("/api/../{method}"), "call.path: a path has no segments"),
            ("backslashes", path("/api\\..\\{method}"), "call.path: a path has no"),
            ("a line in a path", path("/api/\r\nX: y/{method}"), "call.path: a path has no"),
            ("another host", path("//evil.example/{method}"), "call.path: a path begins with one `/`"),
            ("a line in a header", header("X-A = \"a\\r\\nX-B: c\""), "call.headers.X-A: a header has printable ASCII"),
            ("a line in a header's name", header("\"X-A: b\\r\\nX\" = \"a\""), "has a control character"),
            ("a zone that is a file", with("\"UTC\"", "\"../../../etc/passwd\""), "time.zone: "),
        ],
    );
}

#[test]
fn a_pack_with_control_characters_or_absurd_numbers_is_refused() {
    let paging = |facts: &str| format!("{PACK}[paging]\npage = \"p\"\nsize = \"s\"\n{facts}\n");
    let title = |title: &str| with("title = \"Lumen\"", &format!("title = {title}"));
    let unknown = "title = \"Lumen\"\n\"a\\u001b[2J\\nstoregate: evil\" = 1";
    each_is_refused(
        "hostile-characters",
        &[
            ("a NUL", title("\"Lu\0men\""), "is not TOML"),
            ("an escaped NUL", title("\"Lu\\u0000men\""), "vendor.title: this text has the control character"),
            ("a screen command", title("\"Lu\\u001b[2Jmen\""), "vendor.title: this text has the control character"),
            ("a line in a title", title("\"Lumen\\nstoregate: evil\""), "vendor.title: this is one line"),
            (
                "a line in a label",
                with("label = \"api\"", "label = \"api\\r\\nevil\""),
                "endpoints.url.label: this is one line",
            ),
            (
                "a key of two lines",
                with("title = \"Lumen\"", unknown),
                "vendor: the key \"a\\u{1b}[2J\\nstoregate: evil\" has",
            ),
            ("a method of two lines", with("receipts.list\"]", "a\\nstoregate: evil\"]"), "methods: the key "),
            ("a name of two lines", with("name = \"lumen\"", "name = \"lu\\nmen\""), "vendor.name: a name is made of"),
            ("an endless name", with("\"lumen\"", &format!("\"{}\"", "l".repeat(900_000))), "64 characters at most"),
            ("no items on a page", paging("largest = 0"), "paging.largest: a page has an item"),
            ("all items on a page", paging("largest = 65536"), "paging.largest: this is a whole number in"),
            ("a page before the first", paging("first = -1"), "paging.first: this is a whole number in"),
            ("a number beyond all", paging("largest = 99999999999999999999"), "is not TOML"),
            ("a long time", with("\"5m\"", "\"99999999999999999h\""), "sandbox.window: the duration is too long"),
            ("a wide time", with("\"unix_ms\"", "\"%4294967295Y-%m-%d %H:%M\""), "time.forms.milliseconds: write unix"),
            (
                "a long time form",
                with("\"unix_ms\"", &format!("\"{}\"", "%255Y".repeat(150_000))),
                "milliseconds: write unix",
            ),
            (
                "a wide length",
                with("header = \"X-S", "pair = \"{v}{klen:999999999}\"\nheader = \"X-S"),
                "sign.pair: there is no",
            ),
            ("a long id", with("longest = 4", "longest = 9223372036854775807"), "an id has 1 to 32 characters"),
            ("no number of JSON", with("\"no\": 7", "\"no\": 1e999999"), "this is no JSON"),
        ],
    );
}

/// A resource of the pack at this path.
fn at(path: &str) -> String {
    format!(
        "{PACK}[resources.receipts]\npath = {path:?}\nsummary = \"List\"\nmethod = \"receipts.list\"\nscope = \"receipts:read\"\n\
         allows = \"read\"\nanswer = \"as_given\"\n"
    )
}

#[test]
fn a_resource_of_a_pack_takes_no_path_of_the_service() {
    each_is_refused(
        "hostile-paths",
        &[
            ("the stores", at("/stores"), "a request could mean /stores, too"),
            ("the tokens", at("/oauth/token"), "what begins with /oauth belongs to the service itself"),
            ("the health", at("/healthz"), "what begins with /healthz belongs to the service itself"),
            ("the metrics", at("/metrics"), "what begins with /metrics belongs to the service itself"),
            ("the path above", at("/../receipts"), "a part of a path is small letters"),
            ("two lines", at("/rec\r\neipts"), "a part of a path is small letters"),
        ],
    );
}
