//! Distributions as the gateway may send them, and the shares that come of them.

use super::{Demographics, Distribution, PeriodDocument, Recognized};
use serde_json::json;

fn read(wire: serde_json::Value) -> serde_json::Value {
    let Recognized(wire) = serde_json::from_value::<Recognized<Distribution>>(wire).unwrap();
    let period = PeriodDocument { from: String::new(), to: String::new() };
    json!(Demographics::from_wire(wire, vec!["S_1".to_owned()], period))
}

#[test]
fn counts_become_shares() {
    let answer = read(json!({
        "genderDistribution": [{"gender": 1, "peopleNum": 70}, {"gender": "2", "peopleNum": "50"}],
        "ageDistribution": [{"ageFrom": 18, "ageTo": 25, "peopleNum": 12}, {"ageFrom": 26, "ageTo": null, "peopleNum": 108}]
    }));
    assert_eq!(answer["visitors"], 120);
    assert_eq!(answer["gender"][0], json!({"gender": "male", "visitors": 70, "share_percent": 58.3}));
    assert_eq!(answer["gender"][1]["gender"], "female");
    assert_eq!(answer["age"][0], json!({"from": 18, "to": 25, "visitors": 12, "share_percent": 10.0}));
    assert!(answer["age"][1]["to"].is_null());
}

#[test]
fn no_visitors_have_no_shares() {
    let answer = read(json!({"genderDistribution": [{"gender": 1, "peopleNum": 0}, {"gender": 9}]}));
    assert_eq!(answer["visitors"], 0);
    assert!(answer["gender"][0]["share_percent"].is_null());
    assert_eq!(answer["gender"][1], json!({"gender": "unknown", "visitors": null, "share_percent": null}));
}

#[test]
fn a_period_without_anybody_has_its_lists() {
    for wire in [json!({"genderDistribution": [], "ageDistribution": []}), json!({"ageDistribution": null})] {
        let answer = read(wire.clone());
        assert_eq!(
            (&answer["visitors"], &answer["gender"], &answer["age"]),
            (&json!(null), &json!([]), &json!([])),
            "{wire}"
        );
    }
}

#[test]
fn an_answer_without_either_list_or_with_a_negative_count_is_none() {
    for wire in [
        json!({}),
        json!({"message": "system busy"}),
        json!({"rows": []}),
        json!({"genderDistribution": [{"gender": 1, "peopleNum": -1}]}),
        json!({"ageDistribution": [{"ageFrom": -1, "peopleNum": 1}]}),
    ] {
        assert!(serde_json::from_value::<Recognized<Distribution>>(wire.clone()).is_err(), "{wire}");
    }
}

#[test]
fn a_sum_too_large_to_be_true_is_not_told() {
    let part = json!({"gender": 1, "peopleNum": 1_i64 << 53});
    let answer = read(json!({"genderDistribution": vec![part; 1024]}));
    assert!(answer["visitors"].is_null());
}
