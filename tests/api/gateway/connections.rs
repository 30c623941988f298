//! What may come on a connection besides the one response to the one request: nothing of it is ever an answer, and no
//! connection on which it came is used again.

use futures_util::future::{join, join_all};

use crate::app::{Setup, TestApp};
use crate::peers::scripted_peer::{ScriptedPeer, Step, response};

/// The OMS of acme is this peer, which one worker talks to.
fn before(peer: &ScriptedPeer) -> impl FnOnce(&mut Setup) {
    let url = format!("http://{}/", peer.address());
    move |setup| {
        setup.set("TENANTS__ACME__OMS__URL", url);
        setup.set("SERVER__WORKERS", "1");
        setup.set("GATEWAY__REUSE_AFTER", "0s");
    }
}

/// The store that a signed form asks for.
fn store_of(request: &str) -> String {
    let body = request.split("\r\n\r\n").nth(1).unwrap();
    let store = body.split('&').find_map(|pair| pair.strip_prefix("shop_bn="));
    store.expect("it is asked for a store").to_owned()
}

fn store(id: &str) -> String {
    response("200 OK", &format!("{{\"response\":{{\"shop_bn\":\"{id}\"}}}}"))
}

async fn is_its_own_answer(app: &TestApp, id: &str) {
    let answer = app.get(&format!("/stores/{id}")).await;
    assert_eq!(answer.status, 200, "{id}: {}", answer.text());
    assert_eq!(answer.json()["id"], id);
}

#[actix_web::test]
async fn an_interim_response_is_read_past_whenever_the_final_one_comes() {
    for status in ["100 Continue", "102 Processing", "103 Early Hints", "199 Nobody Knows"] {
        let (sent, go_on) = (Step::new(), Step::new());
        let (its_sent, its_go_on) = (sent.clone(), go_on.clone());
        let peer = ScriptedPeer::start(move |connection| {
            while let Some(request) = connection.request() {
                let interim = format!("HTTP/1.1 {status}\r\nlink: </a>\r\n\r\n");
                // At once with the final one, or alone.
                if store_of(&request) == "A0" {
                    connection.send(&(interim + &store("A0")));
                    continue;
                }
                connection.send(&interim);
                its_sent.done();
                its_go_on.wait();
                connection.send(&store(&store_of(&request)));
            }
        });
        let app = TestApp::with(before(&peer));
        is_its_own_answer(&app, "A0").await;
        for id in ["A1", "A2"] {
            let final_one = async {
                sent.is_done().await;
                go_on.done();
            };
            join(is_its_own_answer(&app, id), final_one).await;
        }
        assert_eq!(peer.connections(), 1, "{status}: the connection is as good as before");
    }
}

#[actix_web::test]
async fn a_connection_on_which_a_gateway_answered_twice_is_never_used_again() {
    let (answered, sent) = (Step::new(), Step::new());
    let (its_answered, its_sent) = (answered.clone(), sent.clone());
    let peer = ScriptedPeer::start(move |connection| {
        while let Some(request) = connection.request() {
            let id = store_of(&request);
            match connection.number {
                // Both at once.
                1 => connection.send(&(store(&id) + &store(&id))),
                // The second one when the first has been read.
                2 => {
                    connection.send(&store(&id));
                    its_answered.wait();
                    connection.send(&store(&id));
                    its_sent.done();
                }
                _ => connection.send(&store(&id)),
            }
        }
    });
    let app = TestApp::with(before(&peer));
    is_its_own_answer(&app, "A1").await;
    is_its_own_answer(&app, "A2").await;
    answered.done();
    sent.is_done().await;
    for id in ["A3", "A4", "A5"] {
        is_its_own_answer(&app, id).await;
    }
    assert_eq!(peer.connections(), 5, "who did it once is trusted with one request for each connection");
}

#[actix_web::test]
async fn under_load_with_interim_and_second_responses_each_request_gets_its_own_store() {
    let peer = ScriptedPeer::start(|connection| {
        let mut served = 0;
        while let Some(request) = connection.request() {
            served += 1;
            let id = store_of(&request);
            connection.send(&"HTTP/1.1 103 Early Hints\r\n\r\n".repeat(connection.number % 3));
            connection.send(&store(&id));
            if (connection.number + served) % 4 == 0 {
                connection.send("HTTP/1.1 103 Early Hints\r\n\r\n");
                return;
            }
        }
    });
    let app = TestApp::with(before(&peer));
    let ids: Vec<String> = (0..120).map(|number| format!("B{number}")).collect();
    for ids in ids.chunks(30) {
        join_all(ids.iter().map(|id| is_its_own_answer(&app, id))).await;
    }
}

#[actix_web::test]
async fn a_connection_that_ends_as_it_is_used_again_is_replaced_outside_of_the_retry_budget() {
    let peer = ScriptedPeer::start(|connection| {
        if let Some(request) = connection.request() {
            connection.send(&store(&store_of(&request)));
        }
        // It has read another request, and closes without a word.
        connection.request();
    });
    let app = TestApp::with(before(&peer));
    // Many more than the retries that a credential may spend.
    for number in 0..60 {
        is_its_own_answer(&app, &format!("C{number}")).await;
    }
    assert_eq!(peer.connections(), 60, "each connection is tried once more than it can answer");
    let ready = app.get("/readyz").await.json();
    assert_eq!(ready["gateways"][1]["breaker"], "closed");
}
