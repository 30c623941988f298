//! The effect of each behaviour on the wire.

use std::time::Duration;

use awc::http::header::DATE;
use jiff::SignedDuration;
use serde_json::Value;

use crate::clock::Clock;
use crate::sandbox::testing::{START, TestBed};
use crate::sandbox::{AcceptedTimestamp, OmsServer, SandboxSettings};

const FLOW: &str = "open.shopweb.passengerFlow.getTotalData";
const RPC: &str = "/index.php/openapi/rpc/service/";

#[actix_web::test]
async fn the_gateways_clock_moves_systime_date_and_the_timestamp_checks_of_both() {
    let bed = TestBed::start();
    for (hours, date) in [(2, "Sun, 22 Nov 2026 04:00:00 GMT"), (-2, "Sun, 22 Nov 2026 00:00:00 GMT")] {
        bed.sandbox.set_behaviour(|behaviour| behaviour.clock_skew = SignedDuration::from_hours(hours));
        let flow = |nonce: &str| bed.opretail(FLOW, &[("id", "S_123456"), ("_nonce", nonce)]);
        let answer = bed.call_m_api(flow(&format!("{hours}"))).await;
        assert_eq!(answer["stat"]["code"], 16, "our time is not theirs");
        assert_eq!(answer["stat"]["systime"], START.as_millisecond() + hours * 3_600_000);
        let theirs = if hours > 0 { ("_timestamp", "20261122120000") } else { ("_timestamp", "20261122080000") };
        let answer = bed.call_m_api(bed.opretail(FLOW, &[("id", "S_123456"), theirs])).await;
        assert_eq!(answer["stat"]["code"], 0);
        let shop = |timestamp: &str| bed.oms("shop.getList", &[("shop_code", "SHOP001"), ("timestamp", timestamp)]);
        let (ours, theirs) = (START.as_second(), START.as_second() + hours * 3_600);
        let refused = bed.call_oms(shop(&ours.to_string())).await;
        assert_eq!(refused["error_response"]["code"], "e000008");
        let answer = bed.send(RPC, &bed.sign_oms(shop(&theirs.to_string()))).await;
        let mut answer = answer.unwrap();
        assert_eq!(answer.headers().get(DATE).unwrap(), date);
        let shops: Value = serde_json::from_slice(&answer.body().await.unwrap()).unwrap();
        assert_eq!(shops["response"]["lists"][0]["shop_code"], "SHOP001");
        assert_eq!(bed.send("/m.api", &[]).await.unwrap().headers().get(DATE).unwrap(), date);
    }
}

#[actix_web::test]
async fn every_answer_takes_longer_by_the_latency() {
    let bed = TestBed::with(SandboxSettings { latency: Duration::from_millis(40), ..SandboxSettings::default() });
    for answer in [bed.send("/m.api", &[]).await, bed.send("/cloud.api", &[]).await, bed.send(RPC, &[]).await] {
        assert_eq!(answer.unwrap().status(), 200);
    }
    for path in ["/m.api", "/cloud.api", RPC] {
        let watch = Clock::system();
        assert_eq!(bed.send(path, &[]).await.unwrap().status(), 200);
        assert!(watch.elapsed() >= Duration::from_millis(40), "{path}");
    }
}

#[actix_web::test]
async fn a_replay_window_of_zero_accepts_repeats_and_is_each_gateways_own() {
    let bed = TestBed::start();
    bed.sandbox.set_behaviour(|behaviour| behaviour.opretail_replay_window = Duration::ZERO);
    let flow = bed.sign_opretail(bed.opretail(FLOW, &[("id", "S_123456")]));
    let shop = bed.sign_oms(bed.oms("shop.getList", &[("shop_code", "SHOP001")]));
    let both = async || {
        let (flow, shop) = (bed.post("/m.api", &flow).await, bed.post_oms(&shop).await);
        (flow["stat"]["code"].clone(), shop["error_response"]["code"].clone())
    };
    assert_eq!(both().await, (0.into(), Value::Null));
    assert_eq!(both().await, (0.into(), "e000009".into()));
    bed.sandbox.set_behaviour(|behaviour| behaviour.oms_replay_window = Duration::ZERO);
    assert_eq!(both().await, (0.into(), Value::Null));
    bed.sandbox.reset_behaviour();
    assert_eq!(both().await, (0.into(), "e000009".into()));
    assert_eq!(both().await, ((-100).into(), "e000009".into()));
}

#[actix_web::test]
async fn timestamp_windows_and_forms_are_each_gateways_own() {
    let bed = TestBed::start();
    let old = |seconds: i64| START.as_second() - seconds;
    let shop = |seconds| bed.oms("shop.getList", &[("shop_code", "SHOP001"), ("timestamp", &old(seconds).to_string())]);
    let code = async |seconds| bed.call_oms(shop(seconds)).await["error_response"]["code"].clone();
    assert_eq!(code(61).await, Value::Null);
    bed.sandbox.set_behaviour(|behaviour| behaviour.oms_timestamp_window = Duration::from_secs(60));
    assert_eq!((code(60).await, code(62).await), (Value::Null, "e000008".into()));
    bed.sandbox.set_behaviour(|behaviour| behaviour.oms_timestamp_form = Some(AcceptedTimestamp::Compact));
    assert_eq!(code(0).await, "e000008");
    let flow = |timestamp| bed.opretail(FLOW, &[("id", "S_123456"), ("_timestamp", timestamp)]);
    assert_eq!(bed.call_m_api(flow("20261122095859")).await["stat"]["code"], 0);
    bed.sandbox.set_behaviour(|behaviour| behaviour.opretail_timestamp_window = Duration::from_secs(60));
    assert_eq!(bed.call_m_api(flow("20261122095858")).await["stat"]["code"], 16);
}

#[actix_web::test]
async fn the_server_of_the_oms_can_be_changed_at_any_time() {
    let bed = TestBed::start();
    let shop = async |nonce: &str| bed.call_oms(bed.oms("shop.get", &[("shop_bn", "SHOP001"), ("nonce", nonce)])).await;
    assert_eq!(shop("1").await["error_response"]["code"], "e000003");
    bed.sandbox.set_behaviour(|behaviour| behaviour.oms_server = OmsServer::Documented);
    assert_eq!(shop("2").await["response"]["shop_bn"], "SHOP001");
    bed.sandbox.reset_behaviour();
    assert_eq!(shop("3").await["error_response"]["code"], "e000003");
}

#[actix_web::test]
async fn the_start_can_be_chosen_and_gone_back_to() {
    let settings = SandboxSettings { require_login: true, ..SandboxSettings::default() };
    let bed = TestBed::with(settings);
    let start = bed.sandbox.behaviour();
    assert!(start.require_login);
    bed.sandbox.set_behaviour(|behaviour| {
        behaviour.require_login = false;
        behaviour.latency = Duration::from_millis(1);
    });
    assert_ne!(bed.sandbox.behaviour(), start);
    bed.sandbox.reset_behaviour();
    assert_eq!(bed.sandbox.behaviour(), start);
}
