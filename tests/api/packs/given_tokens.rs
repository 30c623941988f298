//! Packs whose calls carry a token instead of a signature, or one that another program renews into a file.

use std::fs;
use std::sync::{Arc, Mutex};

use serde_json::json;
use storegate::reload::ReloadOutcome;
use storegate::vendors::pack::compile;

use crate::app::TestApp;
use crate::app::configuration_files::Files;
use crate::app::program::directory;
use crate::packs::each_is_one_problem;
use crate::packs::plain::{PLAIN, account};
use crate::peers::lumen::{PACK, PACK_FILE, RESOURCE, start_with, token};
use crate::peers::scripted_peer::ScriptedPeer;

const LOGIN: &str = "[login]\n";

/// Lumen's pack, for an operator who has another program log in.
fn with_token_file() -> String {
    let (before, rest) = PACK.split_once("[[login.calls]]").unwrap();
    let (_, after) = rest.split_once("[answer]").unwrap();
    format!("{}[answer]{after}", before.replace(LOGIN, "[login]\ntoken_file = true\n"))
}

#[actix_web::test]
async fn a_token_in_a_file_is_sent_and_a_new_one_is_in_force_after_a_reload() {
    let folder = directory("token-file");
    let (pack, file) = (folder.join("lumen.toml"), folder.join("token"));
    fs::write(&pack, with_token_file()).unwrap();
    fs::write(&file, "first-token\n").unwrap();
    let (lumen, _peer, app) = start_with(|setup| {
        setup.more = setup.more.replace(&format!("{PACK_FILE:?}"), &format!("{pack:?}"));
        setup.more = setup.more.replace("app_key =", &format!("token_file = {file:?}\napp_key ="));
    });
    let mut files = Files::of(&app, "token-file-from");
    let token = token(&app, "dashboard");
    "first-token".clone_into(&mut lumen.token.lock().unwrap());
    assert_eq!(app.get_with_token(&token, "/receipts?page=1").await.status, 200);
    "second-token".clone_into(&mut lumen.token.lock().unwrap());
    let refused = app.get_with_token(&token, "/receipts?page=2").await;
    assert_eq!(
        (refused.status, refused.problem().as_str()),
        (502, "gateway-refused-credentials"),
        "{}",
        refused.text()
    );
    assert_eq!(lumen.lines.lock().unwrap().len(), 2, "no call is repeated with a token that the gateway refuses");
    fs::write(&file, "second-token\n").unwrap();
    assert_eq!(files.reloader.reload(), ReloadOutcome::Applied);
    app.time.advance(std::time::Duration::from_secs(60));
    assert_eq!(app.get_with_token(&token, "/receipts?page=2").await.status, 200);
}

#[test]
fn a_token_has_one_source() {
    let given = format!("{LOGIN}token_file = true\n");
    let problems = compile(&PACK.replace(LOGIN, &given), "lumen.toml").unwrap_err().0;
    assert_eq!(problems.len(), 2, "{problems:?}");
    for key in ["calls", "answer"] {
        let words = format!("login.{key}: with `token_file`, another program logs in: leave this out");
        assert!(problems.iter().any(|problem| problem.contains(&words)), "{problems:?}");
    }
    let unsigned: String = PACK.split("[sign]").next().unwrap().to_owned();
    let rest = PACK.split_once("[answer]").unwrap().1.split("[[vectors]]").next().unwrap();
    let problems = compile(&format!("{unsigned}[answer]{rest}"), "lumen.toml").unwrap_err().0;
    assert!(problems[0].contains("sign: missing: calls have a signature, or the token of a [login]"), "{problems:?}");
    let call = "business = \"json\"";
    each_is_one_problem(&[
        (call, "json_form = \"list\"", "call.json_form: only a JSON body of the method's own parameters"),
        (call, &format!("{call}\njson_form = \"set\""), "call.json_form: a JSON body is an object, or a list"),
        (call, "system_also = [\"page\"]", "call.system_also: all parameters travel alike"),
        (
            call,
            &format!("{call}\nsystem_also = [\"appKey\"]"),
            "login.calls.0.parameters.appKey: `system_also` has this",
        ),
    ]);
}

#[actix_web::test]
async fn an_unsigned_call_carries_its_token_and_a_list_in_its_body() {
    let requests = Arc::<Mutex<Vec<String>>>::default();
    let seen = requests.clone();
    let peer = ScriptedPeer::start(move |served| {
        while let Some(request) = served.request() {
            seen.lock().unwrap().push(request);
            let body = json!({"ok": true, "result": {"items": [{"no": "A1", "amount": 1}]}}).to_string();
            served.send(&format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()));
        }
    });
    let pack = directory("plain-pack").join("lumen.toml");
    let listed = "business = \"json\"\njson_form = \"list\"\nsystem_also = [\"page\"]";
    let plain = PLAIN.replace("business = \"json\"", listed);
    fs::write(&pack, plain.replace("[login.headers]\nToken", "[login.parameters]\naccess_token")).unwrap();
    let app = TestApp::with(|setup| {
        let constants = "[resources.receipts.constants]\nkind = \"sale\"";
        setup.more = format!("{}{RESOURCE}\n{constants}", account(&peer, &pack));
    });
    let answer = app.get_with_token(&token(&app, "dashboard"), "/receipts?page=3").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let request = requests.lock().unwrap().remove(0);
    assert!(request.starts_with("POST /receipts.list?access_token=t&key=k&page=3 HTTP/1.1\r\n"), "{request}");
    assert!(request.ends_with("\r\n\r\n[{\"kind\":\"sale\"}]"), "{request}");
}
