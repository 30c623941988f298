//! Distributions as the gateway may send them, and the shares that result from them.

use super::{Demographics, Distribution, PeriodDocument};
use crate::json::object::Object;
use serde_json::json;

fn read(wire: &serde_json::Value) -> serde_json::Value {
    let Object(wire) = serde_json::from_str::<Object<Distribution>>(&wire.to_string()).unwrap();
    let period = PeriodDocument { from: String::new(), to: String::new() };
    json!(Demographics::from_wire(wire, vec!["S_1".to_owned()], period))
}

#[test]
fn counts_become_shares() {
    let answer = read(&json!({
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
    let answer = read(&json!({"genderDistribution": [{"gender": 1, "peopleNum": 0}, {"gender": 9, "peopleNum": 0}]}));
    assert_eq!(answer["visitors"], 0);
    assert!(answer["gender"][0]["share_percent"].is_null());
    assert_eq!(answer["gender"][1], json!({"gender": "unknown", "visitors": 0, "share_percent": null}));
}

#[test]
fn nothing_is_summed_without_a_count_that_the_gateway_did_not_give() {
    for untold in [
        json!({"gender": 1}),
        json!({"gender": 1, "peopleNum": null}),
        json!({"gender": 1, "peopleNum": ""}),
        json!({"gender": 1, "peopleNum": "--"}),
        json!({"gender": 1, "peopleNum": false}),
        json!({"gender": 1, "peopleNum": "x"}),
        json!({"gender": 1, "peopleNum": []}),
        json!({"gender": 1, "peopleNum": 1.5}),
    ] {
        let genders = json!([untold, {"gender": 2, "peopleNum": 3}]);
        let answer = read(&json!({"genderDistribution": genders, "ageDistribution": [{"ageFrom": 0, "peopleNum": 5}]}));
        assert_eq!(answer["visitors"], 5, "{untold}: the ages are all told");
        assert_eq!(answer["gender"][0], json!({"gender": "male", "visitors": null, "share_percent": null}), "{untold}");
        assert_eq!(answer["gender"][1], json!({"gender": "female", "visitors": 3, "share_percent": null}), "{untold}");
        assert_eq!(answer["age"][0]["share_percent"], 100.0);
        for alone in [json!({"genderDistribution": genders}), json!({"genderDistribution": [untold]})] {
            assert!(read(&alone)["visitors"].is_null(), "{alone}");
        }
    }
    let ages = json!([{"ageFrom": 0, "peopleNum": 5}, {"ageFrom": 18, "peopleNum": null}]);
    let answer = read(&json!({"ageDistribution": ages}));
    assert!(answer["visitors"].is_null() && answer["age"][0]["share_percent"].is_null(), "{answer}");
}

#[test]
fn a_period_without_anybody_has_its_lists() {
    for wire in [
        json!({"genderDistribution": [], "ageDistribution": []}),
        json!({"ageDistribution": null}),
        json!({"genderDistribution": {}, "ageDistribution": {}}),
        json!({"genderDistribution": {}}),
    ] {
        let answer = read(&wire);
        assert_eq!(
            (&answer["visitors"], &answer["gender"], &answer["age"]),
            (&json!(null), &json!([]), &json!([])),
            "{wire}"
        );
    }
}

#[test]
fn an_answer_of_which_neither_list_can_be_read_is_none() {
    for wire in [
        json!({}),
        json!({"message": "system busy"}),
        json!({"rows": []}),
        json!({"genderDistribution": 7}),
        json!({"genderDistribution": [null, 7], "ageDistribution": "x"}),
        json!({"ageDistribution": [{"ageFrom": -1}]}),
    ] {
        assert!(serde_json::from_str::<Object<Distribution>>(&wire.to_string()).is_err(), "{wire}");
    }
}

#[test]
fn a_part_that_cannot_be_read_is_left_out_and_nothing_is_summed_without_it() {
    for odd in [json!(null), json!([1, 5]), json!("x"), json!({"gender": 2, "peopleNum": -1}), json!({"x": 1})] {
        let answer = read(&json!({
            "genderDistribution": [{"gender": 1, "peopleNum": 70}, odd],
            "ageDistribution": {"0": {"ageFrom": 0, "peopleNum": 30}, "2": {"ageFrom": 18, "peopleNum": 90}}
        }));
        assert_eq!(answer["visitors"], 120, "{odd}: the ages are all there");
        assert_eq!(answer["gender"][0], json!({"gender": "male", "visitors": 70, "share_percent": null}), "{odd}");
        assert_eq!(answer["age"][1]["share_percent"], 75.0, "{odd}");
        let alone = read(&json!({"genderDistribution": [{"gender": 1, "peopleNum": 70}, odd]}));
        assert!(alone["visitors"].is_null(), "{odd}");
    }
}

#[test]
fn the_oldest_group_has_no_end() {
    let to = |age: serde_json::Value| read(&json!({"ageDistribution": [age]}))["age"][0]["to"].clone();
    for open in [
        json!({"ageFrom": 60, "ageTo": 0}),
        json!({"ageFrom": 60}),
        json!({"ageTo": "0"}),
        json!({"ageFrom": 60, "ageTo": -1}),
    ] {
        assert!(to(open.clone()).is_null(), "{open}");
    }
    assert_eq!(
        (to(json!({"ageFrom": 0, "ageTo": 17})), to(json!({"ageFrom": 18, "ageTo": 18}))),
        (json!(17), json!(18))
    );
    assert_eq!(to(json!({"ageFrom": 0, "ageTo": 0})), 0, "the first year of life");
}

#[test]
fn a_percentage_is_used_where_it_is_all_there_is() {
    for (male, female) in [(json!(58.3), json!("41.7%")), (json!(0.583), json!("0.417"))] {
        let answer = read(&json!({
            "genderDistribution": [{"gender": 1, "percentage": male}, {"gender": 2, "percentage": female, "peopleNum": ""}]
        }));
        assert!(answer["visitors"].is_null());
        assert_eq!(answer["gender"][0], json!({"gender": "male", "visitors": null, "share_percent": 58.3}));
        assert_eq!(answer["gender"][1]["share_percent"], 41.7);
    }
    let both =
        json!([{"ageFrom": 0, "peopleNum": 1, "percentage": 99}, {"ageFrom": 18, "peopleNum": 3, "percentage": 1}]);
    assert_eq!(read(&json!({"ageDistribution": both}))["age"][0]["share_percent"], 25.0, "people count");
    let odd = json!([{"ageFrom": 0, "percentage": 130}, {"ageFrom": 18, "percentage": "N/A"}]);
    let odd = read(&json!({"ageDistribution": odd}));
    assert!(odd["age"][0]["share_percent"].is_null() && odd["age"][1]["share_percent"].is_null(), "{odd}");
    let one_percent = json!([{"ageFrom": 0, "percentage": 1}, {"ageFrom": 18, "percentage": null}]);
    let untold = read(&json!({"ageDistribution": one_percent}));
    assert!(untold["age"][0]["share_percent"].is_null(), "one percent or all of them: {untold}");
}

#[test]
fn an_implausibly_large_sum_is_left_out() {
    let part = json!({"gender": 1, "peopleNum": 1_i64 << 53});
    let answer = read(&json!({"genderDistribution": vec![part; 1024]}));
    assert!(answer["visitors"].is_null());
}
