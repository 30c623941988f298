//! Each fault as a client sees it on the wire.

use std::io::{ErrorKind, Read};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use actix_web::rt;
use serde_json::Value;

use crate::clock::Clock;
use crate::sandbox::testing::TestBed;
use crate::sandbox::{Fault, SandboxSettings};

const FLOW: &str = "open.shopweb.passengerFlow.getTotalData";
const RPC: &str = "/index.php/openapi/rpc/service/";

/// Makes one call whose answer has a fault, on a connection of its own.
async fn connection_with(bed: &TestBed, fault: Fault) -> TcpStream {
    bed.sandbox.fail_next(fault, 1);
    let nonce = bed.sandbox.calls().to_string();
    bed.connect_and_send(RPC, &bed.sign_oms(bed.oms("shop.getList", &[("shop_code", "SHOP001"), ("nonce", &nonce)])))
        .await
}

/// Reads everything until the connection is closed.
fn everything(mut connection: TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    connection.read_to_end(&mut bytes).unwrap();
    bytes
}

/// Reads the headers up to their empty line, and no byte more.
fn head(connection: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        connection.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    String::from_utf8(head).unwrap().to_lowercase()
}

fn announced_length(head: &str) -> usize {
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    length.unwrap().parse().unwrap()
}

#[actix_web::test]
async fn a_page_of_html_comes_with_any_status() {
    let bed = TestBed::start();
    let body = bed.sign_oms(bed.oms("shop.getList", &[]));
    for (fault, status) in [(Fault::HttpStatus(503), 503), (Fault::Html, 200)] {
        bed.sandbox.fail_next(fault, 1);
        let mut answer = bed.send(RPC, &body).await.unwrap();
        assert_eq!(answer.status(), status);
        assert_eq!(answer.headers().get("retry-after"), None);
        assert!(answer.body().await.unwrap().starts_with(b"<html>"));
    }
}

#[actix_web::test]
async fn a_proxy_asks_for_patience() {
    let bed = TestBed::start();
    for status in [429, 503] {
        bed.sandbox.fail_next(Fault::AskToWait { status, seconds: 3 }, 1);
        let answer = bed.send(RPC, &bed.sign_oms(bed.oms("shop.getList", &[]))).await.unwrap();
        assert_eq!(
            (answer.status().as_u16(), answer.headers().get("retry-after").unwrap().as_bytes()),
            (status, b"3".as_slice())
        );
    }
}

#[actix_web::test]
async fn an_empty_body_and_a_body_of_ones_own_are_sent_as_they_are() {
    let bed = TestBed::start();
    for body in ["", "{\"a\":1,\"a\":1e999,\"b\":\"\u{1}\n\"}", "门店"] {
        let fault = if body.is_empty() { Fault::Empty } else { Fault::Body(body.to_owned()) };
        bed.sandbox.fail_next(fault, 1);
        let mut answer = bed.send(RPC, &bed.sign_oms(bed.oms("shop.getList", &[]))).await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers().get("content-type").unwrap(), "text/html; charset=UTF-8", "as the OMS answers");
        assert_eq!(answer.body().await.unwrap(), body);
    }
    let bytes = b"\xff\0{".as_slice();
    bed.sandbox.fail_next(Fault::Bytes(bytes.into()), 1);
    let mut answer = bed.send(RPC, &bed.sign_oms(bed.oms("shop.getList", &[]))).await.unwrap();
    assert_eq!(answer.body().await.unwrap(), bytes);
}

#[actix_web::test]
async fn a_cut_answer_announces_more_than_it_sends() {
    let bed = TestBed::start();
    let whole = {
        let mut answer =
            bed.send(RPC, &bed.sign_oms(bed.oms("shop.getList", &[("shop_code", "SHOP001")]))).await.unwrap();
        answer.body().await.unwrap()
    };
    let cuts = [
        (Fault::Truncate, whole.len() / 2),
        (Fault::Cut(0), 0),
        (Fault::Cut(17), 17),
        (Fault::Cut(whole.len()), whole.len() - 1),
        (Fault::Cut(usize::MAX), whole.len() - 1),
    ];
    for (fault, sent) in cuts {
        let mut connection = connection_with(&bed, fault.clone()).await;
        assert_eq!(announced_length(&head(&mut connection)), whole.len(), "{fault:?}");
        assert_eq!(everything(connection), whole.slice(..sent), "{fault:?}");
    }
}

#[actix_web::test]
async fn a_connection_is_closed_reset_or_filled_with_garbage_before_an_answer() {
    let bed = TestBed::start();
    assert_eq!(everything(connection_with(&bed, Fault::Close).await), b"");
    let mut reset = connection_with(&bed, Fault::Reset).await;
    assert_eq!(reset.read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::ConnectionReset);
    let garbage = everything(connection_with(&bed, Fault::Garbage).await);
    assert!(!garbage.is_empty() && !garbage.windows(5).any(|bytes| bytes == b"HTTP/"), "{garbage:?}");
    bed.sandbox.fail_next(Fault::Garbage, 1);
    assert!(bed.send(RPC, &bed.sign_oms(bed.oms("shop.getList", &[]))).await.is_err(), "no client takes it");
    assert_eq!(bed.send(RPC, &[]).await.unwrap().status(), 200, "the next call is answered again");
}

#[actix_web::test]
async fn a_call_that_hangs_is_counted_and_holds_up_neither_others_nor_the_end() {
    let bed = TestBed::start();
    bed.sandbox.fail_next_of(FLOW, Fault::Hang, 1);
    let signed = bed.sign_opretail(bed.opretail(FLOW, &[("id", "S_123456")]));
    let hanging = rt::spawn(bed.send("/m.api", &signed));
    while bed.sandbox.calls_of(FLOW) == 0 {
        rt::task::yield_now().await;
    }
    let other = bed.opretail(FLOW, &[("id", "S_123456"), ("_nonce", "2")]);
    assert_eq!(bed.call_m_api(other).await["stat"]["code"], 0);
    assert!(!hanging.is_finished());
    bed.sandbox.stop().await;
    assert!(hanging.await.unwrap().is_err(), "stopping ends the calls under way");
}

#[actix_web::test]
async fn a_client_that_leaves_ends_what_would_never_end() {
    let bed = TestBed::start();
    for fault in [Fault::Hang, Fault::Delay(Duration::from_secs(3_600)), Fault::Drip, Fault::Endless] {
        let calls = bed.sandbox.calls();
        let connection = connection_with(&bed, fault).await;
        while bed.sandbox.calls() == calls {
            rt::task::yield_now().await;
        }
        connection.shutdown(Shutdown::Write).unwrap();
        // This returns when the sandbox has closed the connection; the read timeout would be an error.
        everything(connection);
    }
}

#[actix_web::test]
async fn a_delayed_answer_is_the_right_one_but_late() {
    let bed = TestBed::start();
    let watch = Clock::system();
    bed.sandbox.fail_next(Fault::Delay(Duration::from_millis(60)), 1);
    let answer = bed.call_oms(bed.oms("shop.getList", &[("shop_code", "SHOP001")])).await;
    assert_eq!(answer["response"]["lists"][0]["shop_code"], "SHOP001");
    assert!(watch.elapsed() >= Duration::from_millis(60));
}

#[actix_web::test]
async fn a_dripping_answer_is_the_right_one_a_byte_every_tenth_of_a_second() {
    let bed = TestBed::start();
    let watch = Clock::system();
    let mut connection = connection_with(&bed, Fault::Drip).await;
    let head = head(&mut connection);
    assert!(head.starts_with("http/1.1 200 ok") && announced_length(&head) > 100, "{head}");
    let mut start = [0; 3];
    connection.read_exact(&mut start).unwrap();
    assert_eq!(&start, b"{\"r");
    assert!(watch.elapsed() >= Duration::from_millis(300));
}

#[actix_web::test]
async fn an_endless_answer_goes_on_and_holds_up_no_other() {
    let bed = TestBed::start();
    let mut connection = connection_with(&bed, Fault::Endless).await;
    let head = head(&mut connection);
    assert!(head.contains("transfer-encoding: chunked") && !head.contains("content-length"), "{head}");
    let mut much = vec![0; 8 << 20];
    connection.read_exact(&mut much).unwrap();
    let much = String::from_utf8(much).unwrap();
    assert!(much.contains("{\"response\":{") && much.contains(",\"more\":[") && much.contains("0,0,0,0,"));
    let other = bed.call_oms(bed.oms("shop.getList", &[])).await;
    assert_eq!(other["response"]["count"], "260");
}

#[actix_web::test]
async fn a_bomb_is_gzip_of_some_kilobytes() {
    let bed = TestBed::start();
    bed.sandbox.fail_next(Fault::Bomb, 1);
    let request = bed.client.post(bed.url(RPC)).no_decompress();
    let mut answer = request.send_form(&bed.oms("shop.getList", &[])).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers().get("content-encoding").unwrap(), "gzip");
    let body = answer.body().await.unwrap();
    assert!(body.starts_with(&[0x1f, 0x8b]) && body.len() < 128 << 10);
}

#[actix_web::test]
async fn many_mixed_faults_leave_the_sandbox_well() {
    let bed = TestBed::with(SandboxSettings { seed: Some(3), ..SandboxSettings::default() });
    bed.sandbox.fail_percent(Fault::Mixed, 100);
    let signed = bed.sign_oms(bed.oms("shop.getList", &[("shop_code", "SHOP001")]));
    for call in 1..=100 {
        let leaving = bed.connect_and_send(RPC, &signed).await;
        while bed.sandbox.calls() < call {
            rt::task::yield_now().await;
        }
        drop(leaving);
    }
    bed.sandbox.clear_faults();
    let answer = bed.call_oms(bed.oms("shop.getList", &[("shop_code", "SHOP001"), ("nonce", "well")])).await;
    assert_eq!(answer["response"]["lists"][0]["shop_code"], "SHOP001");
}

#[actix_web::test]
async fn a_fault_uses_up_the_signature_too() {
    let bed = TestBed::start();
    for fault in [Fault::code("-500"), Fault::Empty, Fault::Body("{}".to_owned())] {
        let nonce = bed.sandbox.calls().to_string();
        bed.sandbox.fail_next(fault, 1);
        let signed = bed.sign_opretail(bed.opretail(FLOW, &[("id", "S_123456"), ("_nonce", &nonce)]));
        assert_eq!(bed.send("/m.api", &signed).await.unwrap().status(), 200);
        let repeated: Value = bed.post("/m.api", &signed).await;
        assert_eq!(repeated["stat"]["code"], -100);
    }
}
