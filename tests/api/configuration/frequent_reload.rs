//! The running program, told again and again to read its configuration: nobody notices, and nothing piles up.

use std::fs;
use std::thread;

use awc::Client;
use futures_util::future::join_all;
use serde_json::json;
use storegate::auth::key_algorithm::KeyAlgorithm;
use storegate::clock::Clock;

use crate::app::configurations::directory_with_key;
use crate::app::configurations::program_configuration;
use crate::app::program::Running;
use crate::peers::identity_provider::{IdentityProvider, ProviderKey};
use crate::peers::independent_gateway::{IndependentGateway, OmsTime};

fn start(name: &str, more: &str) -> Running {
    let [_, key, path] = directory_with_key(name);
    fs::write(&path, program_configuration(&key, "") + more).unwrap();
    Running::serve(&path)
}

fn reload(server: &Running, times: usize) {
    for _ in 0..times {
        server.signal("HUP");
        server.until("the configuration was read again");
    }
}

#[actix_web::test]
async fn no_token_of_a_trusted_issuer_is_refused_while_the_configuration_is_read_again_and_again() {
    let key = ProviderKey::new("one", KeyAlgorithm::Es256);
    let provider = IdentityProvider::start(&[&key]);
    let gateway = IndependentGateway::start(Clock::system().now(), OmsTime::Unix, "anything", "anything");
    gateway.answer("open.shopweb.passengerFlow.getTotalData", r#"{"stat":{"code":0},"data":{"DAY_FLOW":7}}"#);
    let (issuer, m_api, cloud_api) = (provider.issuer(), gateway.url("/m.api"), gateway.url("/cloud.api"));
    let server = start(
        "often-under-load",
        &format!(
            r#"
[tenants.acme.opretail]
m_api = "{m_api}"
cloud_api = "{cloud_api}"
key = "S107-00000001"
secret = "anything"
[auth.issuers.login]
issuer = "{issuer}"
audience = "storegate"
tenant = "acme"
"#
        ),
    );
    let url = server.url("/stores/S_1/flow");
    let client = Client::new();
    let get = async |jti: usize| {
        let now = Clock::system().now().as_second();
        let mut claims = provider.claims();
        (claims["iat"], claims["exp"], claims["jti"]) = (json!(now), json!(now + 600), json!(jti.to_string()));
        let bearer = format!("Bearer {}", key.token(&claims));
        client.get(&url).insert_header(("authorization", bearer)).send().await.unwrap().status().as_u16()
    };
    assert_eq!(get(0).await, 200);
    let reloading = thread::spawn(move || {
        reload(&server, 20);
        server
    });
    let mut asked = 0;
    while !reloading.is_finished() {
        asked += 8;
        assert_eq!(join_all((asked..asked + 8).map(&get)).await, [200; 8]);
    }
    assert!(asked > 0);
    assert_eq!(reloading.join().unwrap().terminate().0, Some(0));
}

#[cfg(target_os = "linux")]
#[test]
fn fifty_reloads_leak_no_thread_and_no_open_file() {
    let server = start("often-and-clean", "");
    let count = |what: &str| fs::read_dir(format!("/proc/{}/{what}", server.id())).unwrap().count();
    reload(&server, 1);
    let (threads, files) = (count("task"), count("fd"));
    reload(&server, 50);
    // A thread of the runtime may have come or gone meanwhile.
    let (threads_now, files_now) = (count("task"), count("fd"));
    assert!(threads_now <= threads + 3 && files_now <= files + 3, "{threads}, {files}: {threads_now}, {files_now}");
    assert_eq!(server.terminate().0, Some(0));
}
