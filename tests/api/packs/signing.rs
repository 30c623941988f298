//! Mistakes in how a pack signs: each is a problem, so that no secret is sent as it is and no signature covers nothing.

use storegate::gateway::account_settings::AccountSettings;
use storegate::vendors::pack::compile;

use crate::packs::{each_is_one_problem, problems};
use crate::peers::lumen::PACK;

const EXCHANGED: &str = "appKey = \"{credential.app_key}\"";
const HEADER: &str = "Authorization = \"Bearer {token}\"";
const JSON_CALL: &str = "http = \"POST\"\nbusiness = \"json\"";
const PROBE: &str = "probe = { page = \"1\" }";

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
        let pack = PACK.replace(JSON_CALL, call).replace(EXCHANGED, secret).replace("{body}", "{pairs}");
        let pack = pack.split("[[vectors]]").next().unwrap();
        let problems = compile(pack, "lumen.toml").map_or_else(|problems| problems.0, |_| Vec::new());
        assert_eq!(problems.len(), usize::from(is_refused), "{call}: {problems:?}");
        let words =
            "is a secret, and these parameters travel in the query: a secret is sent only in a body (form or json)";
        assert!(problems.iter().all(|problem| problem.contains(words)), "{problems:?}");
    }
}

#[test]
fn a_secret_that_every_call_carries_travels_in_a_body() {
    let field = "[credential.session]\nhelp = \"the session\"\nsecret = true\nsent = true\n[endpoints.url]";
    let sent = "[call.parameters]\nsession = \"{credential.session}\"\n[call.headers]";
    let pack = |call: &str| {
        let pack = PACK.replace("[endpoints.url]", field).replace("[call.headers]", sent).replace(JSON_CALL, call);
        let pack = pack.replace("{body}", "{pairs}");
        compile(pack.split("[[vectors]]").next().unwrap(), "lumen.toml")
            .map_or_else(|problems| problems.0, |_| Vec::new())
    };
    assert_eq!(pack("system = \"json\""), Vec::<String>::new());
    assert_eq!(pack("system = \"form\""), Vec::<String>::new());
    let problems = pack("system = \"query\"\nbusiness = \"json\"");
    assert!(
        problems[0].contains("call.parameters.session: {credential.session} is a secret, and these parameters"),
        "{problems:?}"
    );
    each_is_one_problem(&[(
        "secret = true",
        "secret = true\nsent = true\n[credential.other]\nhelp = \"x\"\nsent = true",
        "credential.other.sent: whatever is no secret",
    )]);
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
    let pack = PACK.replace(JSON_CALL, form).replace("{body}", "{pairs}");
    let pack = pack.replace(signed, &format!("{signed}\nover = [\"page\"]"));
    let pack = pack.split("[[vectors]]").next().unwrap();
    assert!(
        compile(pack, "lumen.toml").is_ok(),
        "a parameter of a method can be signed where it travels with the others"
    );
}

const SIGNED: &str = "header = \"X-Signature\"";

/// The problems of the pack with these stages, and without the vector of its own.
fn problems_of_stages(stages: &[&str]) -> Vec<String> {
    let (before, behind) = PACK.split_once("[[sign.stages]]").unwrap();
    let (_, behind) = behind.split_once("# Every call").unwrap();
    let (behind, _) = behind.split_once("[[vectors]]").unwrap();
    let stages: String = stages.iter().map(|stage| format!("[[sign.stages]]\n{stage}\n")).collect();
    let pack = format!("{before}{stages}# Every call{behind}");
    compile(&pack, "lumen.toml").map_or_else(|problems| problems.0, |_| Vec::new())
}

#[test]
fn a_signature_depends_on_the_secret_and_does_not_show_it() {
    const OPEN: &str = "text = \"{secret}{body}\"\ndigest = \"none\"";
    const DIGESTED: &str = "text = \"{0}\"\ndigest = \"sha256\"";
    const HANDED_ON: &str = "text = \"{0}\"\ndigest = \"none\"";
    let shown = "sign.stages: the last stage would send {secret} as it is";
    for stages in [
        [OPEN].as_slice(),
        &["text = \"{body}\"\ndigest = \"md5\"", "text = \"{0}-{secret}\"\ndigest = \"none\""],
        &[OPEN, HANDED_ON],
        &[OPEN, DIGESTED, HANDED_ON],
    ] {
        let problems = problems_of_stages(stages);
        assert!(problems.len() == 1 && problems[0].contains(shown), "{stages:?}: {problems:?}");
    }
    let free = "sign.stages: the signature does not depend on {secret}: anybody could sign";
    for stages in [
        ["text = \"{body}\"\ndigest = \"md5\""].as_slice(),
        &["text = \"{secret}\"\ndigest = \"md5\"", "text = \"{body}\"\ndigest = \"md5\""],
    ] {
        let problems = problems_of_stages(stages);
        assert!(problems.len() == 1 && problems[0].contains(free), "{stages:?}: {problems:?}");
    }
    for stages in [
        [OPEN, DIGESTED].as_slice(),
        &["text = \"{body}\"\ndigest = \"hmac-sha1\"\nkey = \"{secret}\"", "text = \"v1={0}\"\ndigest = \"none\""],
        &["text = \"{secret}{token}{body}\"\ndigest = \"md5\""],
    ] {
        assert_eq!(problems_of_stages(stages), Vec::<String>::new(), "{stages:?}");
    }
}

#[test]
fn only_the_field_that_signs_is_a_secret_in_a_signature() {
    let problems = problems_of_stages(&["text = \"{credential.app_secret}{body}\"\ndigest = \"none\""]);
    let words = "sign.stages.0.text: {credential.app_secret} is a secret: what signs is {secret}";
    assert!(problems.len() == 1 && problems[0].contains(words), "{problems:?}");
    let digest = |field: &str| format!("[credential.how]\nhelp = \"a digest\"\n{field}\n[endpoints.url]");
    each_is_one_problem(&[(
        "[endpoints.url]",
        &digest("secret = true\nchoices = [\"md5\"]"),
        "credential.how.secret: a secret has no `default` and no `choices`",
    )]);
    let pack = PACK.replace("digest = \"hmac-sha256\"\nkey = \"{secret}\"", "digest = \"{credential.how}\"");
    let pack = pack.split("[[vectors]]").next().unwrap().replace("text = \"{http}", "text = \"{secret}{http}");
    for (choices, is_refused) in [("\"none\", \"md5\"", true), ("\"sha256\", \"md5\"", false)] {
        let pack = pack.replace("[endpoints.url]", &digest(&format!("choices = [{choices}]")));
        let told = compile(&pack, "lumen.toml").map_or_else(|problems| problems.0.join("\n"), |_| String::new());
        assert_eq!(told.contains("the choices of [credential.how] are not all digests"), is_refused, "{told}");
    }
}

#[test]
fn a_default_beside_choices_is_taken_where_an_account_says_nothing() {
    let how =
        "[credential.how]\nhelp = \"a digest\"\nchoices = [\"md5\", \"sha1\"]\ndefault = \"sha1\"\n[endpoints.url]";
    let vendor = compile(&PACK.replace("[endpoints.url]", how), "lumen.toml").unwrap();
    let account = "url = \"https://eu.lumen.example\"\napp_key = \"key\"\napp_secret = \"secret\"";
    for (said, expected) in [("", "sha1"), ("\nhow = \"md5\"", "md5")] {
        let account = AccountSettings::parse(vendor, &format!("{account}{said}")).unwrap();
        assert_eq!(account.credential(0).plain(vendor, "how").as_deref(), Some(expected));
    }
}

#[test]
fn what_is_signed_is_there_when_it_is_signed() {
    const TEXT: &str = "{timestamp}\\n{nonce}\\n{body}";
    each_is_one_problem(&[
        (SIGNED, "header = \"\"", "sign.header: this is empty"),
        (SIGNED, "parameter = \" \"", "sign.parameter: this is empty"),
        (TEXT, "{p.sig}{body}", "sign.stages: no call has a parameter sig, so that {p.sig} is empty"),
        (TEXT, "{login.user}{body}", "sign.stages.0.text: {login.user} is not known when this is signed"),
        (TEXT, "{store}{body}", "sign.stages.0.text: {store} is not known when this is signed"),
        (TEXT, "{0}{body}", "sign.stages.0.text: {0} is not known when this is signed: stages are numbered from 0"),
        (
            SIGNED,
            "parameter = \"sig\"\nover = [\"sig\"]",
            "sign.over: sig is the signature, which is not signed itself",
        ),
        (
            SIGNED,
            &format!("{SIGNED}\nbody_as = \"body\"\nover = [\"body\"]\nexcept = [\"body\"]"),
            "sign.over: body is in `except`, too",
        ),
    ]);
    let of_itself = PACK.replace(SIGNED, "parameter = \"sig\"");
    let told = compile(&of_itself.replace(TEXT, "{p.sig}"), "lumen.toml").unwrap_err().0;
    assert!(told.len() == 1 && told[0].contains("sign.stages: sig is the signature itself"), "{told:?}");
    let form = PACK.replace(JSON_CALL, "http = \"POST\"\nsystem = \"form\"");
    let told = compile(&form, "lumen.toml").unwrap_err().0;
    let words = "sign.stages: calls have no JSON body that could be signed, so that {body} is empty";
    assert!(told.len() == 1 && told[0].contains(words), "{told:?}");
    let form = form.replace(TEXT, "{pairs}").replace(SIGNED, &format!("{SIGNED}\nbody_as = \"body\""));
    let told = compile(&form, "lumen.toml").unwrap_err().0;
    assert!(told.len() == 1 && told[0].contains("sign.body_as: calls have no JSON body"), "{told:?}");
}
