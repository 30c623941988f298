//! Signatures: every vector of the built-in packs, and the published ones as calls are signed and sent.

use storegate::gateway::protocol::{Call, Method, Protocol, TimestampAndNonce};
use storegate::vendors::pack::failures;
use storegate::vendors::{Vendors, built_in_method};

use crate::fixtures::protocols::{COMPACT, UNIX, oms, opretail};
use crate::peers::independent_rules::decode_form;

fn stamp(time: &str, form: usize) -> TimestampAndNonce {
    TimestampAndNonce { time: time.parse().unwrap(), nonce: None, form }
}

fn call(method: &Method, parameters: &[(&'static str, &str)]) -> Call {
    parameters.iter().fold(Call::new(method), |call, (name, value)| call.with(*name, *value))
}

/// The text that was signed, the signature, and the signature that is sent.
fn signed(protocol: &Protocol, call: &Call, stamp: &TimestampAndNonce) -> (String, String, String) {
    let explanation = protocol.explain(call, stamp, None);
    let body = protocol.encode(call, stamp, None).body;
    let mut sent = decode_form(std::str::from_utf8(&body).unwrap());
    let sent = sent.remove("_sig").or_else(|| sent.remove("sign")).unwrap();
    (explanation.signed_text, explanation.signature, sent)
}

#[test]
fn every_vector_of_a_built_in_pack_is_reproduced() {
    for vendor in Vendors::default().iter() {
        assert!(!vendor.pack().vectors.is_empty(), "{vendor}");
        assert_eq!(failures(vendor.pack()), Vec::<String>::new(), "{vendor}");
    }
}

#[test]
fn the_vector_of_the_distribution_is_what_is_signed_and_sent() {
    let period = [("etime", "2021-03-31 23:59:59"), ("id", "S_123456"), ("stime", "2021-03-29 00:00:00")];
    let call =
        call(&built_in_method("opretail", "open.shopweb.passengerFlow.flowGroup.getFlowGroupDistribution"), &period);
    let (text, signature, sent) =
        signed(&opretail("sandbox-secret", "md5"), &call, &stamp("2021-04-01T12:00:00+08:00", 0));
    assert_eq!(
        text,
        "********_aidS107_akeyS107-00000001_mtopen.shopweb.passengerFlow.flowGroup.getFlowGroupDistribution\
         _requestModePOST_smmd5_timestamp20210401120000_versionv1etime2021-03-31 23:59:59idS_123456\
         stime2021-03-29 00:00:00********"
    );
    assert_eq!((signature.as_str(), sent.as_str()), ("C59C9B13A9A529F8EC538AA0E5FB1392", signature.as_str()));
}

#[test]
fn the_vector_with_chinese_text_is_what_is_signed_and_sent() {
    let call = call(
        &built_in_method("opretail", "open.shopweb.passengerFlow.getTotalData"),
        &[("needUnit", "1"), ("id", "O_门店")],
    );
    let (_, signature, sent) = signed(&opretail("sandbox-secret", "md5"), &call, &stamp("2021-04-01T04:00:00Z", 0));
    assert_eq!((signature.as_str(), sent.as_str()), ("DD572B8CAE0970057FE6300CBA056DD8", signature.as_str()));
}

#[test]
fn the_vectors_of_the_oms_are_what_is_signed_and_sent() {
    let page = call(&built_in_method("oms", "shop.getList"), &[("page_size", "50"), ("page_no", "1")]);
    let store = call(&built_in_method("oms", "shop.get"), &[("shop_bn", "SHOP001")]);
    let names = call(
        &built_in_method("oms", "shop.getList"),
        &[("page_no", "2"), ("page_size", "100"), ("shop_bn", "SHOP001,SHOP002"), ("shop_name", "测试店铺 & 100%")],
    );
    let vectors = [
        (
            page,
            UNIX,
            "charsetutf-8flagdemomethodshop.getListpage_no1page_size50timestamp1704074400typejsonver1",
            "84F3B34D65E8F06B65B7A9840E5D91E4",
        ),
        (
            store,
            COMPACT,
            "charsetutf-8flagdemomethodshop.getshop_bnSHOP001timestamp20240101100000typejsonver1",
            "F6BD2FA1BF14E67FF5EB9A7C3A710D94",
        ),
        (
            names,
            UNIX,
            "charsetutf-8flagdemomethodshop.getListpage_no2page_size100shop_bnSHOP001,SHOP002\
             shop_name测试店铺 & 100%timestamp1704074400typejsonver1",
            "93592ED0E7D6D80748692A0F17A1278B",
        ),
    ];
    for (call, form, text, signature) in vectors {
        let found = signed(&oms("sandbox-token"), &call, &stamp("2024-01-01T10:00:00+08:00", form));
        assert_eq!(found, (text.to_owned(), signature.to_owned(), signature.to_owned()));
    }
}
