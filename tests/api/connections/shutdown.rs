//! SIGTERM as orchestrators send it: first no longer ready, then the drain, then the end.

use std::fs;

use awc::Client;

use crate::app::program::{Running, directory, stdout_of};
use crate::app::requests::FLOW;
use crate::app::sandbox_gateway::SandboxGateway;
use crate::app::tenants::{configuration, sandbox_settings};

/// The program with this delay before its drain, and a token for it.
fn serve(gateway: &SandboxGateway, name: &str, delay: &str) -> (Running, String) {
    let directory = directory(name);
    let file = directory.join("storegate.toml");
    let text = configuration(&gateway.sandbox)
        .replace("workers = 2", &format!("workers = 2\nlisten = \"127.0.0.1:0\"\nstop_delay = \"{delay}\""));
    fs::write(&file, text).unwrap();
    let path = file.to_str().unwrap();
    let running = Running::start(&["serve", "--config", path], &directory.join("ready.json"));
    let token = stdout_of(&["token", "--config", path, "--client", "dashboard"], &[], "");
    (running, token)
}

fn gateway() -> SandboxGateway {
    SandboxGateway::live_with(sandbox_settings())
}

#[actix_web::test]
async fn sigterm_makes_it_unready_while_it_still_serves_and_a_second_one_ends_it() {
    let gateway = gateway();
    let (server, token) = serve(&gateway, "stop-delay", "10m");
    let client = Client::default();
    let ask = async |path: &str| {
        let mut answer = client.get(server.url(path)).bearer_auth(&token).send().await.unwrap();
        let connection = answer.headers().get("connection").map(|value| value.to_str().unwrap().to_owned());
        let body: serde_json::Value = answer.json().await.unwrap();
        (answer.status().as_u16(), connection, body)
    };
    for _ in 0..2 {
        let (status, connection, _) = ask(FLOW).await;
        assert_eq!((status, connection), (200, None));
    }
    assert_eq!(ask("/readyz").await.2["status"], "ready");
    server.signal("TERM");
    server.until("stopping: not ready from now on");
    let (status, _, ready) = ask("/readyz").await;
    assert_eq!((status, &ready["status"]), (503, &"stopping".into()));
    assert_eq!(ask("/healthz").await.0, 200, "it lives, and is not to be killed");
    // Of the ordinary way and of the fast path.
    for path in [FLOW, FLOW, "/stores/SHOP001"] {
        let (status, connection, _) = ask(path).await;
        assert_eq!((status, connection.as_deref()), (200, Some("close")), "{path}");
    }
    assert_eq!(server.terminate().0, Some(0));
}

#[actix_web::test]
async fn after_the_delay_the_drain_begins_by_itself() {
    let gateway = gateway();
    let (server, _) = serve(&gateway, "stop-soon", "100ms");
    let (code, printed) = server.terminate();
    assert_eq!(code, Some(0));
    let place = |text: &str| printed.find(text).unwrap_or_else(|| panic!("no {text} in {printed}"));
    assert!(place("not ready from now on") < place("finishing requests in progress"));
    assert!(place("finishing requests in progress") < place("stopped"));
}
