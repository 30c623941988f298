//! Both vendors' signatures of any parameters at all, against the independent implementation.

use jiff::Timestamp;
use proptest::collection::{btree_map, vec};
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_assert_eq, prop_assume, proptest};
use storegate::gateway::dialect::{Call, Dialect, Method, Stamp, TimestampForm};
use storegate::gateway::oms;
use storegate::gateway::oms::methods::SHOP_GET_LIST;
use storegate::gateway::opretail;
use storegate::gateway::opretail::methods::GET_TOTAL_DATA;
use storegate::gateway::opretail::sign::SignMethod;

use crate::independent_rules::{Parameters, decode_form, oms_signature, opretail_signature};
use crate::signatures::{oms as oms_dialect, opretail as opretail_dialect, sorted};

fn any_parameters() -> impl Strategy<Value = Parameters> {
    btree_map(any::<String>(), any::<String>(), 0..12)
}

/// Business parameters whose names cannot be those of system parameters.
fn business_parameters() -> impl Strategy<Value = Vec<(String, String)>> {
    let name = "p[A-Za-z0-9_]{0,8}";
    btree_map(name, any::<String>(), 0..8)
        .prop_flat_map(|parameters| Just(parameters.into_iter().collect::<Vec<_>>()).prop_shuffle())
}

fn business_call(method: Method, parameters: Vec<(String, String)>) -> Call {
    Call { method, parameters: parameters.into_iter().map(|(name, value)| (name.into(), value)).collect() }
}

fn any_stamp() -> impl Strategy<Value = Stamp> {
    let form = any::<bool>().prop_map(|unix| if unix { TimestampForm::Unix } else { TimestampForm::Compact });
    (0..4_000_000_000_i64, proptest::option::of(any::<String>()), form).prop_map(|(second, nonce, form)| Stamp {
        time: Timestamp::from_second(second).unwrap(),
        nonce,
        form,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_opretail_signature_of_any_parameters_is_the_independent_one(
        parameters in any_parameters(),
        secret in any::<String>(),
        sha1 in any::<bool>(),
    ) {
        let method = if sha1 { SignMethod::Sha1 } else { SignMethod::Md5 };
        // Backwards, so that the order is made here and not by the map.
        let ours = sorted(parameters.iter().rev().map(|(name, value)| (name.as_str(), value.as_str())));
        let expected = opretail_signature(&parameters, &secret, sha1);
        prop_assert_eq!(opretail::sign::sign(&ours, &secret, method), expected);
    }

    #[test]
    fn the_oms_signature_of_any_parameters_is_the_independent_one(
        parameters in any_parameters(),
        token in any::<String>(),
    ) {
        let ours = sorted(parameters.iter().rev().map(|(name, value)| (name.as_str(), value.as_str())));
        prop_assert_eq!(oms::sign::sign(&ours, &token), oms_signature(&parameters, &token));
    }

    #[test]
    fn what_leaves_for_opretail_carries_the_signature_of_the_very_values_that_leave(
        parameters in business_parameters(),
        stamp in any_stamp(),
        secret in any::<String>(),
        sha1 in any::<bool>(),
    ) {
        let method = if sha1 { SignMethod::Sha1 } else { SignMethod::Md5 };
        let body = opretail_dialect(&secret, method).encode(&business_call(GET_TOTAL_DATA, parameters.clone()), &stamp, None).body;
        let sent = decode_form(std::str::from_utf8(&body).unwrap());
        prop_assert_eq!(&sent["_sig"], &opretail_signature(&sent, &secret, sha1));
        for (name, value) in &parameters {
            prop_assert_eq!(&sent[name], value);
        }
    }

    #[test]
    fn what_leaves_for_the_oms_carries_the_signature_of_the_very_values_that_leave(
        parameters in business_parameters(),
        stamp in any_stamp(),
        token in any::<String>(),
    ) {
        let body = oms_dialect(&token).encode(&business_call(SHOP_GET_LIST, parameters.clone()), &stamp, None).body;
        let sent = decode_form(std::str::from_utf8(&body).unwrap());
        prop_assert_eq!(&sent["sign"], &oms_signature(&sent, &token));
        for (name, value) in &parameters {
            prop_assert_eq!(&sent[name], value);
        }
    }

    #[test]
    fn the_order_in_which_parameters_are_given_does_not_change_a_signature(
        parameters in vec(("[a-c_]{1,2}", any::<String>()), 2..6),
        secret in any::<String>(),
    ) {
        let mut names: Vec<_> = parameters.iter().map(|(name, _)| name.clone()).collect();
        names.sort();
        names.dedup();
        prop_assume!(names.len() == parameters.len());
        let texts = || parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let (forwards, backwards) = (sorted(texts()), sorted(texts().rev()));
        prop_assert_eq!(
            opretail::sign::sign(&forwards, &secret, SignMethod::Md5),
            opretail::sign::sign(&backwards, &secret, SignMethod::Md5)
        );
        prop_assert_eq!(oms::sign::sign(&forwards, &secret), oms::sign::sign(&backwards, &secret));
    }
}
