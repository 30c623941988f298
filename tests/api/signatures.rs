//! Both vendors' signatures: every published vector, as given and as the dialects sign and send it.

use storegate::gateway::dialect::{Call, Dialect, Method, Stamp, TimestampForm};
use storegate::gateway::oms::methods::{SHOP_GET, SHOP_GET_LIST};
use storegate::gateway::oms::{Oms, OmsSettings};
use storegate::gateway::opretail::methods::{GET_FLOW_GROUP_DISTRIBUTION, GET_TOTAL_DATA};
use storegate::gateway::opretail::sign::SignMethod;
use storegate::gateway::opretail::{self, OpRetail, OpRetailSettings};
use storegate::gateway::parameters::{Parameter, sort};
use storegate::settings::{Report, Section};

use crate::independent_rules::decode_form;

const SECRET_OF_31: &str = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";

/// Parameters in signing order.
pub fn sorted<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<Parameter<'a>> {
    let mut parameters: Vec<Parameter<'a>> =
        pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
    sort(&mut parameters);
    parameters
}

/// OPRetail's dialect with a published key.
pub fn opretail(secret: &str, sign_method: SignMethod) -> OpRetail {
    let text = "key = \"S107-00000001\"\nsecret = \"-\"".parse().unwrap();
    let settings = OpRetailSettings::read(&Section::root(&text, &Report::default()));
    OpRetail::new(OpRetailSettings { secret: secret.into(), sign_method, ..settings })
}

/// The OMS's dialect with a published flag.
pub fn oms(token: &str) -> Oms {
    let text = "url = \"https://oms.example.com/\"\nflag = \"demo\"\ntoken = \"-\"".parse().unwrap();
    let settings = OmsSettings::read(&Section::root(&text, &Report::default()));
    Oms::new(OmsSettings { token: token.into(), ..settings })
}

fn stamp(time: &str, form: TimestampForm) -> Stamp {
    Stamp { time: time.parse().unwrap(), nonce: None, form }
}

fn call(method: Method, parameters: &[(&'static str, &str)]) -> Call {
    parameters.iter().fold(Call::new(method), |call, (name, value)| call.with(name, *value))
}

/// The string that was signed, the signature, and the signature that is sent.
fn signed(dialect: &dyn Dialect, call: &Call, stamp: &Stamp) -> (String, String, String) {
    let explanation = dialect.explain(call, stamp);
    let body = dialect.encode(call, stamp, None).body;
    let mut sent = decode_form(std::str::from_utf8(&body).unwrap());
    let sent = sent.remove("_sig").or_else(|| sent.remove("sign")).unwrap();
    (explanation.signed_string, explanation.signature, sent)
}

#[test]
fn the_vectors_of_opretail_with_lower_case_request_mode_are_reproduced() {
    let demo = [
        ("_aid", "S107"),
        ("_akey", "test"),
        ("_mt", "open.demo.queryOpenAccount"),
        ("_requestMode", "post"),
        ("_timestamp", "20171221132407"),
        ("_version", "v1"),
        ("orgid", "1"),
    ];
    let of_2019 = [
        ("_aid", "S107"),
        ("_akey", "S107-0000xxxx"),
        ("_requestMode", "post"),
        ("_timestamp", "20191128141620"),
        ("_version", "v1"),
    ];
    let organization =
        [("_mt", "open.gateway.getBusinessOrg"), ("endtime", "-----"), ("orgid", "11111"), ("starttime", "--------")];
    let shops = [
        ("_mt", "open.shopweb.passengerFlow.getDataOfManyShopsHavingDevice"),
        ("endTime", "2026-03-11 23:59:59"),
        ("endhour", "24"),
        ("id", "S_153809"),
        ("startTime", "2026-03-11 00:00:00"),
        ("starthour", "9"),
        ("timeType", "1"),
    ];
    let vectors = [
        (demo.to_vec(), "test", SignMethod::Md5, "5489704B80A47394025527D6D51FB582"),
        ([&of_2019[..], &organization].concat(), SECRET_OF_31, SignMethod::Md5, "B657F7CA341BB5C9C162603B9389DAA9"),
        ([&of_2019[..], &shops].concat(), SECRET_OF_31, SignMethod::Md5, "7AC564C28C0EDC4AE01D6F0229893365"),
        (demo.to_vec(), "test", SignMethod::Sha1, "B2E75E1629DFD7058F414AB09A38B8F759CCE6C4"),
    ];
    for (parameters, secret, method, signature) in vectors {
        let parameters = sorted(parameters.into_iter().chain([("_sm", method.wire_name())]));
        assert_eq!(opretail::sign::sign(&parameters, secret, method), signature);
    }
}

#[test]
fn the_vector_of_the_distribution_is_what_the_dialect_signs_and_sends() {
    let period = [("etime", "2021-03-31 23:59:59"), ("id", "S_123456"), ("stime", "2021-03-29 00:00:00")];
    let call = call(GET_FLOW_GROUP_DISTRIBUTION, &period);
    let stamp = stamp("2021-04-01T12:00:00+08:00", TimestampForm::Compact);
    let (string, signature, sent) = signed(&opretail("sandbox-secret", SignMethod::Md5), &call, &stamp);
    assert_eq!(
        string,
        "********_aidS107_akeyS107-00000001_mtopen.shopweb.passengerFlow.flowGroup.getFlowGroupDistribution\
         _requestModePOST_smmd5_timestamp20210401120000_versionv1etime2021-03-31 23:59:59idS_123456\
         stime2021-03-29 00:00:00********"
    );
    assert_eq!((signature.as_str(), sent.as_str()), ("C59C9B13A9A529F8EC538AA0E5FB1392", signature.as_str()));
}

#[test]
fn the_vector_with_chinese_text_is_what_the_dialect_signs_and_sends() {
    let call = call(GET_TOTAL_DATA, &[("needUnit", "1"), ("id", "O_门店")]);
    let stamp = stamp("2021-04-01T04:00:00Z", TimestampForm::Compact);
    let (_, signature, sent) = signed(&opretail("sandbox-secret", SignMethod::Md5), &call, &stamp);
    assert_eq!((signature.as_str(), sent.as_str()), ("DD572B8CAE0970057FE6300CBA056DD8", signature.as_str()));
}

#[test]
fn the_vectors_of_the_oms_are_what_the_dialect_signs_and_sends() {
    let page = call(SHOP_GET_LIST, &[("page_size", "50"), ("page_no", "1")]);
    let store = call(SHOP_GET, &[("shop_bn", "SHOP001")]);
    let names = call(
        SHOP_GET_LIST,
        &[("page_no", "2"), ("page_size", "100"), ("shop_bn", "SHOP001,SHOP002"), ("shop_name", "测试店铺 & 100%")],
    );
    let vectors = [
        (
            page,
            TimestampForm::Unix,
            "charsetutf-8flagdemomethodshop.getListpage_no1page_size50timestamp1704074400typejsonver1",
            "84F3B34D65E8F06B65B7A9840E5D91E4",
        ),
        (
            store,
            TimestampForm::Compact,
            "charsetutf-8flagdemomethodshop.getshop_bnSHOP001timestamp20240101100000typejsonver1",
            "F6BD2FA1BF14E67FF5EB9A7C3A710D94",
        ),
        (
            names,
            TimestampForm::Unix,
            "charsetutf-8flagdemomethodshop.getListpage_no2page_size100shop_bnSHOP001,SHOP002\
             shop_name测试店铺 & 100%timestamp1704074400typejsonver1",
            "93592ED0E7D6D80748692A0F17A1278B",
        ),
    ];
    for (call, form, string, signature) in vectors {
        let found = signed(&oms("sandbox-token"), &call, &stamp("2024-01-01T10:00:00+08:00", form));
        assert_eq!(found, (string.to_owned(), signature.to_owned(), signature.to_owned()));
    }
}
