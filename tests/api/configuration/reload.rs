//! New keys, clients and limits while the service runs; and a configuration that is wrong.

use std::fs;

use futures_util::future::join_all;
use secrecy::ExposeSecret;
use storegate::auth::key_algorithm::KeyAlgorithm;
use storegate::auth::private_key;
use storegate::reload::ReloadOutcome;

use crate::app::TestApp;
use crate::app::configuration_files::Files;
use crate::app::configurations::directory_with_key;
use crate::app::configurations::program_configuration;
use crate::app::program::{Running, signal, stdout_of};
use crate::app::requests::{FLOW, GRANT};
use crate::app::tenants::CLIENT_SECRET;
use crate::app::waiting::wait_until;

fn another_key() -> String {
    let pem = private_key::generate(KeyAlgorithm::EdDsa).unwrap();
    format!("[auth.keys.second]\nprivate_key = '''{}'''\n", pem.expose_secret())
}

#[actix_web::test]
async fn a_key_is_added_used_and_taken_away_without_a_failed_request() {
    let app = TestApp::spawn();
    let mut files = Files::of(&app, "rotation");
    let old = app.token("dashboard");
    let second = another_key();
    files.change("[auth.keys.first]", &format!("{second}[auth.keys.first]"));
    assert_eq!(files.reloader.reload(), ReloadOutcome::Applied);
    let published = app.send("GET", "/.well-known/jwks.json", &[], "").await.json();
    assert_eq!(published["keys"].as_array().unwrap().len(), 2, "{published}");
    let new = app.post_form("dashboard", "/oauth/token", GRANT).await.json();
    let new = new["access_token"].as_str().unwrap().to_owned();
    for token in [&old, &new] {
        assert_eq!(app.get_with_token(token, FLOW).await.status, 200);
    }
    let first =
        files.text.split("[auth.keys.first]\n").nth(1).unwrap().split("[auth.clients").next().unwrap().to_owned();
    let without = files.text.replace(&format!("[auth.keys.first]\n{first}"), &second);
    files.write(&without);
    assert_eq!(files.reloader.reload(), ReloadOutcome::Applied);
    assert_eq!(app.get_with_token(&new, FLOW).await.status, 200);
    let refused = app.get_with_token(&old, FLOW).await;
    assert!(refused.header("www-authenticate").unwrap().contains("a key that is not known here"));
}

#[actix_web::test]
async fn requests_under_way_while_the_configuration_is_read_again_and_again_are_all_answered() {
    let app = TestApp::spawn();
    let mut files = Files::of(&app, "under-load");
    let second = another_key();
    let reading = join_all((0..16).map(|number| {
        let app = &app;
        async move {
            let mut statuses = Vec::new();
            for turn in 0..40 {
                let answer = match (number + turn) % 3 {
                    0 => app.post_form("dashboard", "/oauth/token", GRANT).await,
                    1 => app.get("/stores?page_size=3").await,
                    _ => app.get(FLOW).await,
                };
                statuses.push(answer.status);
            }
            statuses
        }
    }));
    let reloading = async {
        for turn in 0..40 {
            if turn % 2 == 0 {
                files.change("[auth.keys.first]", &format!("{second}[auth.keys.first]"));
            } else {
                files.change("", "");
            }
            assert_eq!(files.reloader.reload(), ReloadOutcome::Applied);
            app.get(FLOW).await;
        }
    };
    let (statuses, ()) = futures_util::join!(reading, reloading);
    assert!(statuses.iter().flatten().all(|status| *status == 200), "{statuses:?}");
}

#[actix_web::test]
async fn a_new_client_gets_tokens_a_new_secret_replaces_the_old_and_a_removed_client_gets_none() {
    let app = TestApp::spawn();
    let mut files = Files::of(&app, "clients");
    let hash = |secret: &str| storegate::auth::secrets::sha256_hex(&secret.into());
    let newcomer = files.text.replace("[auth.clients.counter]", "[auth.clients.newcomer]");
    let newcomer = newcomer.replacen(&hash(CLIENT_SECRET), &hash("another"), 1);
    files.write(&newcomer);
    assert_eq!(files.reloader.reload(), ReloadOutcome::Applied);
    let status = async |credentials: &str| app.post_form_with(credentials, "/oauth/token", GRANT).await.status;
    assert_eq!(status(&format!("newcomer:{CLIENT_SECRET}")).await, 200);
    assert_eq!(status(&format!("counter:{CLIENT_SECRET}")).await, 401);
    assert_eq!((status("dashboard:another").await, status(&format!("dashboard:{CLIENT_SECRET}")).await), (200, 401));
}

#[actix_web::test]
async fn a_configuration_with_anything_wrong_changes_nothing() {
    let app = TestApp::spawn();
    let mut files = Files::of(&app, "wrong-reload");
    for (part, by) in [
        ("BEGIN PRIVATE KEY", "BEGIN KEY"),
        ("scopes = [", "scopes = [\"flow:write\", "),
        ("[auth.clients.counter]", "[auth.clients.counter]\nquotta = \"1/1s\""),
        ("[server]", "[sever]"),
        ("[server]", "[server"),
        ("[tenants.zenith.oms]", "[tenants.zenith.omss]"),
    ] {
        // A good change beside the bad one, which must not come through alone.
        files.change("[auth.clients.dashboard]", "[auth.clients.dashboard]\nquota = \"1/1m\"");
        let text = fs::read_to_string(&files.path).unwrap();
        assert!(text.contains(part));
        files.write(&text.replacen(part, by, 1));
        assert_eq!(files.reloader.reload(), ReloadOutcome::Refused, "{by}");
        let answer = app.get(FLOW).await;
        assert_eq!((answer.status, answer.header("ratelimit")), (200, None), "{by}");
        assert_eq!(app.post_form("counter", "/oauth/token", GRANT).await.status, 200, "{by}");
    }
    fs::remove_file(&files.path).unwrap();
    assert_eq!(files.reloader.reload(), ReloadOutcome::Refused);
    assert_eq!(app.get(FLOW).await.status, 200);
}

#[actix_web::test]
async fn revocations_failed_logins_and_quotas_survive_a_reload() {
    let app = TestApp::with(|setup| setup.set("AUTH__CLIENTS__OPERATOR__QUOTA", "1/1m"));
    let mut files = Files::of(&app, "memory");
    files.change("[auth.clients.operator]", "[auth.clients.operator]\nquota = \"1/1m\"");
    let token = app.token("dashboard");
    app.post_form("dashboard", "/oauth/revoke", &format!("token={token}")).await;
    assert_eq!(app.get_as("operator", FLOW).await.status, 200);
    join_all((0..10).map(|_| app.post_form_with("dashboard:wrong", "/oauth/token", GRANT))).await;
    assert_eq!(files.reloader.reload(), ReloadOutcome::Applied);
    assert_eq!(app.get_with_token(&token, FLOW).await.status, 401);
    assert_eq!(app.get_as("operator", FLOW).await.status, 429);
    assert_eq!(app.post_form("dashboard", "/oauth/token", GRANT).await.status, 429);
}

#[actix_web::test]
async fn a_token_that_an_operator_lists_ends_and_the_names_in_tokens_stay() {
    let app = TestApp::spawn();
    let mut files = Files::of(&app, "listed");
    let token = app.token("dashboard");
    let told = app.post_form("dashboard", "/oauth/introspect", &format!("token={token}")).await.json();
    let list = files.path.with_file_name("revoked");
    fs::write(&list, format!("# laptop lost\n{}  # until tomorrow\n", told["jti"].as_str().unwrap())).unwrap();
    let lines =
        format!("[auth]\nissuer = \"https://other.example.com\"\nrevoked_tokens_file = {list:?}\n[auth.keys.first]");
    files.change("[auth.keys.first]", &lines);
    assert_eq!(files.reloader.reload(), ReloadOutcome::Applied);
    assert_eq!(app.get_with_token(&token, FLOW).await.status, 401);
    assert_eq!(app.get(FLOW).await.status, 200, "tokens of the issuer that the service was started with");
}

/// How much a process has read since it began.
#[cfg(target_os = "linux")]
fn bytes_read(id: u32) -> u64 {
    let told = fs::read_to_string(format!("/proc/{id}/io")).unwrap();
    told.lines().find_map(|line| line.strip_prefix("rchar: ")).unwrap().parse().unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn a_sighup_that_comes_while_the_program_starts_is_obeyed_and_ends_nothing() {
    let [home, key, path] = directory_with_key("early-hangup");
    let list = home.join("revoked");
    fs::write(&path, program_configuration(&key, &format!("revoked_tokens_file = {list:?}"))).unwrap();
    // So long that the program is busy with it for a while after it has read it.
    fs::write(&list, "# nothing\n".repeat(1 << 20)).unwrap();
    let arguments = ["serve", "--config", path.to_str().unwrap(), "--listen", "127.0.0.1:0"];
    let server = Running::start_while(&arguments, &home.join("ready.json"), |id| {
        wait_until("the program has begun to read its configuration", || bytes_read(id) >= 4 << 20);
        signal(id, "HUP");
    });
    server.until("the configuration was read again");
    assert_eq!(server.terminate().0, Some(0));
}

#[actix_web::test]
async fn a_changed_log_filter_is_applied_and_a_wrong_one_changes_nothing() {
    let app = TestApp::with(|setup| setup.more = "[telemetry]\nlog = \"info\"\n".to_owned());
    let mut files = Files::of(&app, "log-filter");
    files.change("log = \"info\"", "log = \"warn,storegate=debug\"");
    assert_eq!(
        (files.reloader.reload(), app.in_force.log.filter().as_str()),
        (ReloadOutcome::Applied, "warn,storegate=debug")
    );
    files.change("log = \"info\"", "log = \"warn,storegate=loud\"");
    assert_eq!(
        (files.reloader.reload(), app.in_force.log.filter().as_str()),
        (ReloadOutcome::Refused, "warn,storegate=debug")
    );
}

#[test]
fn the_program_logs_more_or_less_without_a_restart_readably_or_as_json() {
    for format in ["readable", "json"] {
        let [_, key, path] = directory_with_key(&format!("log-{format}"));
        let text =
            |log: &str| program_configuration(&key, "") + &format!("[telemetry]\nformat = {format:?}\nlog = {log:?}\n");
        fs::write(&path, text("info")).unwrap();
        let server = Running::serve(&path);
        let ask = || stdout_of(&["health", &server.url("/healthz")], &[], "");
        let reload = |log: &str| {
            fs::write(&path, text(log)).unwrap();
            server.signal("HUP");
        };
        ask();
        assert_eq!(server.until("answered").contains("{\"timestamp\""), format == "json");
        reload("error");
        server.until("the configuration was read again");
        // Nobody sees when it is in force, but no later reload can overtake it.
        reload("storegate=loud");
        let told = server.until("the configuration in force stays");
        assert!(told.contains("a filter such as warn,storegate=debug"), "{told}");
        ask();
        reload("trace");
        let told = server.until("log filter changed");
        assert!(!told.contains("answered") && !told.contains("restart to apply"), "{told}");
        ask();
        server.until("answered");
        assert_eq!(server.terminate().0, Some(0));
    }
}

#[test]
fn the_program_reads_changed_files_and_obeys_sighup() {
    let [_, key, path] = directory_with_key("program-reload");
    let text = program_configuration(&key, "");
    fs::write(&path, &text).unwrap();
    let server = Running::serve(&path);
    let published = || stdout_of(&["health", &server.url("/healthz")], &[], "");
    fs::write(&key, stdout_of(&["secret", "key"], &[], "")).unwrap();
    server.until("the configuration was read again");
    fs::write(&path, text.replace("stores:read", "stores:write")).unwrap();
    let told = server.until("the configuration in force stays");
    assert!(told.contains("there is no scope stores:write"), "{told}");
    assert_eq!(published(), "healthy");
    fs::write(&path, text.replace("[server]", "[server]\ndrain = \"3s\"")).unwrap();
    server.signal("HUP");
    let told = server.until("restart to apply");
    assert!(told.contains("changed=\"server\""), "{told}");
    assert_eq!(server.terminate().0, Some(0));
}
