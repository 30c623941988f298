//! Orders in JSON, and the sentences for invalid ones.

use std::time::Duration;

use bytes::Bytes;

use super::{Fault, FaultOrder, SandboxVendor, faults};
use crate::vendors::bundled;
use crate::vendors::pack::compile;

#[test]
fn every_fault_is_read_and_listed_in_the_form_in_which_it_was_written() {
    let orders = [
        (r#"{"fault":"code","code":"-500","times":1}"#, Fault::code("-500")),
        (r#"{"fault":"http_status","status":503,"times":1}"#, Fault::HttpStatus(503)),
        (
            r#"{"fault":"http_status","status":429,"retry_after":3,"times":1}"#,
            Fault::AskToWait { status: 429, seconds: 3 },
        ),
        (r#"{"fault":"delay","delay":"300ms","times":1}"#, Fault::Delay(Duration::from_millis(300))),
        (r#"{"fault":"hang","times":1}"#, Fault::Hang),
        (r#"{"fault":"reset","times":1}"#, Fault::Reset),
        (r#"{"fault":"close","times":1}"#, Fault::Close),
        (r#"{"fault":"garbage","times":1}"#, Fault::Garbage),
        (r#"{"fault":"truncate","times":1}"#, Fault::Truncate),
        (r#"{"fault":"cut","bytes":17,"times":1}"#, Fault::Cut(17)),
        (r#"{"fault":"drip","times":1}"#, Fault::Drip),
        (r#"{"fault":"endless","times":1}"#, Fault::Endless),
        (r#"{"fault":"bomb","times":1}"#, Fault::Bomb),
        (r#"{"fault":"brotli_bomb","times":1}"#, Fault::BrotliBomb),
        (r#"{"fault":"empty","times":1}"#, Fault::Empty),
        (r#"{"fault":"html","times":1}"#, Fault::Html),
        (r#"{"fault":"body","body":"{\"a\":1e999}","times":1}"#, Fault::Body("{\"a\":1e999}".to_owned())),
        (r#"{"fault":"body","body_base64":"/wA=","times":1}"#, Fault::Bytes(Bytes::from_static(b"\xff\0"))),
        (r#"{"fault":"mixed","times":1}"#, Fault::Mixed),
    ];
    for name in faults() {
        assert!(orders.iter().any(|(_, fault)| fault.name() == name), "{name}");
    }
    for (text, fault) in orders {
        let order = FaultOrder::from_json(text).unwrap();
        assert_eq!(order, FaultOrder::next(fault, 1), "{text}");
        assert_eq!(serde_json::to_string(&order).unwrap(), text);
    }
}

#[test]
fn an_order_says_which_calls_and_how_often() {
    let read = |text| FaultOrder::from_json(text).unwrap();
    assert_eq!(read(r#"{"fault":"hang"}"#), FaultOrder::next(Fault::Hang, 1));
    assert_eq!(read(r#"{"fault":"code","code":-500,"times":2}"#), FaultOrder::next(Fault::code("-500"), 2));
    assert_eq!(
        read(r#"{"fault":"hang","gateway":"opretail","times":3}"#),
        FaultOrder::next(Fault::Hang, 3).at(SandboxVendor::OpRetail)
    );
    let text = r#"{"fault":"hang","gateway":"oms","method":"shop.get","percent":30}"#;
    assert_eq!(read(text), FaultOrder::percent(Fault::Hang, 30).at(SandboxVendor::Oms).of("shop.get"));
    assert_eq!(serde_json::to_string(&read(text)).unwrap(), text);
}

/// Checks that each text is refused with a message that begins with the given one.
fn assert_refused(wrong: &[(&str, &str)]) {
    for (text, sentence) in wrong {
        let message = FaultOrder::from_json(text).unwrap_err();
        assert!(message.starts_with(sentence), "{text}: {message}");
    }
}

#[test]
fn what_is_no_order_is_explained() {
    assert_refused(&[
        (
            "hang",
            r#"this cannot be read as JSON at line 1, column 1; an order is a JSON object such as {"fault":"hang"}"#,
        ),
        (r#"["hang",null,null,null,null,null,null,null,null,null,null]"#, "this is no JSON object; an order is"),
        (r#"{"fault":"hang","fault":"reset"}"#, "`fault` is written twice"),
        (r#"{"times":2}"#, "`fault` is missing; there are code, http_status, delay, cut, body, hang, "),
        (r#"{"fault":"flood"}"#, "there is no fault `flood`; there are code, http_status, "),
        (r#"{"fault":"truncated"}"#, "there is no fault `truncated`; did you mean truncate?"),
        (r#"{"fault":"hang","time":2}"#, "there is no name `time`; did you mean times?"),
        (r#"{"fault":"hang","bytes":3}"#, "`bytes` does not belong to the fault `hang`"),
    ]);
}

#[test]
fn what_a_fault_needs_and_does_not_get_is_explained() {
    assert_refused(&[
        (r#"{"fault":"code"}"#, "`code` is missing; write one such as \"-500\""),
        (r#"{"fault":"code","code":""}"#, "`code` is empty"),
        (r#"{"fault":"http_status"}"#, "`status` is missing; write one such as 503"),
        (r#"{"fault":"http_status","status":200}"#, "`status` must be a whole number from 300 to 599"),
        (r#"{"fault":"http_status","status":600}"#, "`status` must be a whole number from 300 to 599"),
        (r#"{"fault":"http_status","status":500,"retry_after":3}"#, "`retry_after` goes with a `status` of 429 or 503"),
        (r#"{"fault":"delay"}"#, "`delay` is missing; write one such as \"300ms\""),
        (r#"{"fault":"delay","delay":"300"}"#, "`delay`: write a number and a unit"),
        (r#"{"fault":"delay","delay":"11m"}"#, "`delay`: an answer can be late by 10m at most"),
        (r#"{"fault":"cut"}"#, "`bytes` is missing; write one such as 17"),
        (r#"{"fault":"body"}"#, "`body` is missing; write one such as \"[]\", or bytes as `body_base64`"),
        (r#"{"fault":"body","body":"","body_base64":""}"#, "write either `body` or `body_base64`"),
        (r#"{"fault":"body","body_base64":"/w"}"#, "`body_base64` is not base64: "),
    ]);
    let read = |text| FaultOrder::from_json(text).unwrap();
    assert_eq!(read(r#"{"fault":"http_status","status":307}"#), FaultOrder::next(Fault::HttpStatus(307), 1));
}

#[test]
fn a_value_of_the_wrong_type_is_answered_with_the_right_one() {
    assert_refused(&[
        (r#"{"fault":7}"#, "`fault` must be a text in quotes, such as \"hang\""),
        (r#"{"fault":"code","code":-500.5}"#, "`code` must be a text or a whole number, such as \"-500\""),
        (r#"{"fault":"code","code":[]}"#, "`code` must be a text or a whole number"),
        (r#"{"fault":"http_status","status":"503"}"#, "`status` must be a whole number"),
        (r#"{"fault":"http_status","status":503,"retry_after":-1}"#, "`retry_after` must be a whole number from 0 to"),
        (r#"{"fault":"delay","delay":300}"#, "`delay` must be a text in quotes, such as \"300ms\""),
        (r#"{"fault":"cut","bytes":-1}"#, "`bytes` must be a whole number from 0 to"),
        (r#"{"fault":"body","body":{}}"#, "`body` must be a text in quotes, such as \"[]\""),
        (r#"{"fault":"body","body_base64":null}"#, "`body_base64` must be a text in quotes"),
        (r#"{"fault":"hang","gateway":"shopex"}"#, "`gateway` must be \"opretail\" or \"oms\""),
        (r#"{"fault":"hang","gateway":["oms"]}"#, "`gateway` must be \"opretail\" or \"oms\""),
        (r#"{"fault":"hang","method":null}"#, "`method` must be a text in quotes, such as \"shop.get\""),
        (r#"{"fault":"hang","times":0}"#, "`times` must be a whole number from 1 to"),
        (r#"{"fault":"hang","times":"2"}"#, "`times` must be a whole number from 1 to"),
        (r#"{"fault":"hang","percent":0}"#, "`percent` must be a whole number from 1 to 100"),
        (r#"{"fault":"hang","percent":300}"#, "`percent` must be a whole number from 1 to 100"),
    ]);
}

#[test]
fn a_code_is_one_that_the_gateway_can_fail_with() {
    for code in ["0", "\"0\"", "\"-0\"", "\"000\""] {
        for gateway in ["opretail", "oms"] {
            let text = format!(r#"{{"fault":"code","code":{code},"gateway":"{gateway}"}}"#);
            assert_refused(&[(&text, &format!("a `code` of 0 is success at {gateway}"))]);
        }
    }
    let refusal =
        "`e000005` is no number, as OPRetail's codes are; write one such as \"-500\", or beside it \"gateway\":\"oms\"";
    assert_refused(&[
        (r#"{"fault":"code","code":"e000005"}"#, refusal),
        (r#"{"fault":"code","code":"e000005","gateway":"opretail"}"#, refusal),
        (r#"{"fault":"code","code":"e000005","method":"open.gateway.authentication"}"#, refusal),
        (r#"{"fault":"code","code":"99999999999999999999"}"#, "`99999999999999999999` is no number"),
    ]);
    for text in [
        r#"{"fault":"code","code":"e000005","gateway":"oms","times":1}"#,
        r#"{"fault":"code","code":"e000005","method":"shop.get","times":1}"#,
        r#"{"fault":"code","code":"500","times":1}"#,
    ] {
        assert_eq!(serde_json::to_string(&FaultOrder::from_json(text).unwrap()).unwrap(), text);
    }
}

#[test]
fn a_code_for_all_gateways_is_one_that_each_of_them_can_fail_with() {
    let [youzan, lumen] = [bundled::text("youzan").unwrap(), include_str!("../../../../tests/packs/lumen.toml")]
        .map(|text| compile(text, "a pack").unwrap());
    let read = |text: &str| FaultOrder::from_json_beside(text, &[youzan, lumen]);
    assert_eq!(youzan.pack().answer.success, ["200"]);
    for (text, refusal) in [
        (
            r#"{"fault":"code","code":"E500"}"#,
            "`E500` is no number, as OPRetail's codes are; write one such as \"-500\", or beside it \"gateway\":\"oms\" or \
             \"youzan\" or \"lumen\"",
        ),
        (
            r#"{"fault":"code","code":200}"#,
            "\"200\" is no code of a failure at youzan; write one such as \"-500\", or beside it \"gateway\":\"opretail\" or \
             \"oms\" or \"lumen\"",
        ),
        (
            r#"{"fault":"code","code":"0"}"#,
            "a `code` of 0 is success at opretail; write one such as \"-500\", or beside it \"gateway\":\"youzan\" or \"lumen\"",
        ),
    ] {
        assert_eq!(read(text).unwrap_err(), refusal);
    }
    for text in [
        r#"{"fault":"code","code":"E500","gateway":"lumen","times":1}"#,
        r#"{"fault":"code","code":"200","gateway":"oms","times":1}"#,
        r#"{"fault":"code","code":"-500","times":1}"#,
    ] {
        assert_eq!(serde_json::to_string(&read(text).unwrap()).unwrap(), text);
    }
}

#[test]
fn a_method_must_be_one_of_the_gateway_that_is_meant() {
    let all = "there is no method ``; there are open.shopweb.security.mobileLogin, ";
    assert_refused(&[
        (r#"{"fault":"hang","method":"shop.gett"}"#, "there is no method `shop.gett`; did you mean shop.get?"),
        (r#"{"fault":"hang","method":""}"#, all),
        (
            r#"{"fault":"hang","method":"","gateway":"oms"}"#,
            "there is no method ``; there are shop.getList, orders.getList, stock.getAll, shop.get",
        ),
        (
            r#"{"fault":"hang","method":"shop.get","gateway":"opretail"}"#,
            "`shop.get` is a method of the gateway \"oms\"; name that one, or none",
        ),
        (
            r#"{"fault":"hang","method":"open.gateway.authentication","gateway":"oms"}"#,
            "`open.gateway.authentication` is a method of the gateway \"opretail\"",
        ),
    ]);
}
