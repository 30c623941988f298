//! Both vendors' signatures of any parameters at all, against the independent implementation.

use std::sync::LazyLock;

use jiff::Timestamp;
use proptest::collection::btree_map;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_assert_eq, proptest};
use storegate::gateway::protocol::{Argument, Call, Method, TimestampAndNonce};
use storegate::resources::flow::GET_TOTAL_DATA;
use storegate::vendors::built_in_method;

use crate::fixtures::protocols::{COMPACT, UNIX, oms, opretail};
use crate::peers::independent_rules::{decode_form, oms_signature, opretail_signature};

static SHOP_GET_LIST: LazyLock<Method> = LazyLock::new(|| built_in_method("oms", "shop.getList"));

/// What an operator may write as a secret in a line of TOML.
fn any_secret() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9!#-\\[\\]-~一-龥]{1,30}"
}

/// Business parameters whose names cannot be those of system parameters.
fn business_parameters() -> impl Strategy<Value = Vec<(String, String)>> {
    let name = "p[A-Za-z0-9_]{0,8}";
    btree_map(name, any::<String>(), 0..8)
        .prop_flat_map(|parameters| Just(parameters.into_iter().collect::<Vec<_>>()).prop_shuffle())
}

fn business_call(method: &Method, parameters: Vec<(String, String)>) -> Call {
    let arguments = parameters.into_iter().map(|(name, value)| Argument::text(name, value)).collect();
    Call { arguments, ..Call::new(method) }
}

fn any_stamp() -> impl Strategy<Value = TimestampAndNonce> {
    let form = any::<bool>().prop_map(|unix| if unix { UNIX } else { COMPACT });
    (0..4_000_000_000_i64, proptest::option::of(any::<String>()), form).prop_map(|(second, nonce, form)| {
        TimestampAndNonce { time: Timestamp::from_second(second).unwrap(), nonce, form }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_leaves_for_opretail_carries_the_signature_of_the_very_values_that_leave(
        parameters in business_parameters(),
        stamp in any_stamp(),
        secret in any_secret(),
        sha1 in any::<bool>(),
    ) {
        // It has one form of timestamps.
        let stamp = TimestampAndNonce { form: 0, ..stamp };
        let protocol = opretail(&secret, if sha1 { "sha1" } else { "md5" });
        let body = protocol.encode(&business_call(&GET_TOTAL_DATA, parameters.clone()), &stamp, None).body;
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
        token in any_secret(),
    ) {
        let body = oms(&token).encode(&business_call(&SHOP_GET_LIST, parameters.clone()), &stamp, None).body;
        let sent = decode_form(std::str::from_utf8(&body).unwrap());
        prop_assert_eq!(&sent["sign"], &oms_signature(&sent, &token));
        for (name, value) in &parameters {
            prop_assert_eq!(&sent[name], value);
        }
    }

    #[test]
    fn the_order_in_which_parameters_are_given_does_not_change_what_is_sent(
        parameters in business_parameters(),
        stamp in any_stamp(),
        secret in any_secret(),
    ) {
        let mut backwards = parameters.clone();
        backwards.reverse();
        let sent = |parameters| oms(&secret).encode(&business_call(&SHOP_GET_LIST, parameters), &stamp, None).body;
        prop_assert_eq!(sent(parameters), sent(backwards));
    }
}
