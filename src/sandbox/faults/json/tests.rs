//! Orders as people write them, and the sentences for wrong ones.

use std::time::Duration;

use super::{Fault, FaultOrder, Vendor};

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
        (r#"{"fault":"empty","times":1}"#, Fault::Empty),
        (r#"{"fault":"html","times":1}"#, Fault::Html),
        (r#"{"fault":"body","body":"{\"a\":1e999}","times":1}"#, Fault::Body("{\"a\":1e999}".to_owned())),
        (r#"{"fault":"mixed","times":1}"#, Fault::Mixed),
    ];
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
        FaultOrder::next(Fault::Hang, 3).at(Vendor::OpRetail)
    );
    let text = r#"{"fault":"hang","gateway":"oms","method":"shop.get","percent":30}"#;
    assert_eq!(read(text), FaultOrder::percent(Fault::Hang, 30).at(Vendor::Oms).of("shop.get"));
    assert_eq!(serde_json::to_string(&read(text)).unwrap(), text);
}

#[test]
fn a_wrong_order_is_explained() {
    let wrong = [
        ("hang", r#"an order is JSON such as {"fault":"hang"}"#),
        (r#"{"times":2}"#, "missing field `fault`"),
        (r#"{"fault":"flood"}"#, "unknown variant `flood`, expected one of `code`, `http_status`"),
        (r#"{"fault":"hang","time":2}"#, "unknown field `time`"),
        (r#"{"fault":"hang","gateway":"shopex"}"#, "`opretail` or `oms`"),
        (r#"{"fault":"code"}"#, "`code` is missing; write one such as \"-500\""),
        (r#"{"fault":"code","code":""}"#, "`code` is empty"),
        (r#"{"fault":"http_status"}"#, "`status` is missing"),
        (r#"{"fault":"http_status","status":99}"#, "`status` must be 200 to 599"),
        (r#"{"fault":"http_status","status":500,"retry_after":3}"#, "a `status` of 429 or 503"),
        (r#"{"fault":"http_status","status":503,"retry_after":-1}"#, "`retry_after` must be 0 to"),
        (r#"{"fault":"delay"}"#, "`delay` is missing; write one such as \"300ms\""),
        (r#"{"fault":"delay","delay":"300"}"#, "write a number and a unit"),
        (r#"{"fault":"cut"}"#, "`bytes` is missing"),
        (r#"{"fault":"cut","bytes":-1}"#, "`bytes` must be 0 to"),
        (r#"{"fault":"body"}"#, "`body` is missing"),
        (r#"{"fault":"hang","bytes":3}"#, "`bytes` does not belong to this fault"),
        (r#"{"fault":"hang","times":0}"#, "`times` must be 1 to"),
        (r#"{"fault":"hang","percent":0}"#, "`percent` must be 1 to 100"),
        (r#"{"fault":"hang","percent":300}"#, "`percent` must be 1 to 100"),
    ];
    for (text, sentence) in wrong {
        let message = FaultOrder::from_json(text).unwrap_err();
        assert!(message.contains(sentence), "{text}: {message}");
    }
}
