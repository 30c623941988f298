//! The checks of the OMS before it runs a method: presence, timestamp, signature, repetition. A signature that passes
//! is used up, even if the call fails later.

use jiff::Timestamp;
use secrecy::ExposeSecret;

use super::Oms;
use super::errors::OmsError;
use super::server::OmsSandboxServer;
use crate::sandbox::behaviour::Behaviour;
use crate::sandbox::china_time::parse_compact;
use crate::sandbox::form::DecodedForm;
use crate::sandbox::settings::{AcceptedTimestamp, OmsAccount};
use crate::sandbox::signature;

// Unix seconds have at most this many digits until the year 5138; `yyyyMMddHHmmss` has 14.
const UNIX_DIGITS: usize = 11;

/// A request that passed every check.
pub struct Checked<'a> {
    pub account: &'a OmsAccount,
    pub method: &'a str,
}

impl Oms {
    pub(super) fn checked<'a>(
        &'a self,
        server: &OmsSandboxServer,
        form: &'a DecodedForm<'_>,
        behaviour: &Behaviour,
    ) -> Result<Checked<'a>, OmsError> {
        if server.required.iter().any(|name| form.get(name).is_none()) {
            return Err(OmsError::SystemParameter);
        }
        let [flag, method, timestamp, signature] =
            ["flag", "method", "timestamp", "sign"].map(|name| form.get(name).unwrap_or_default());
        if !(server.is_method_name)(method) {
            return Err(OmsError::SystemParameter);
        }
        check_timestamp(timestamp, behaviour, behaviour.now(&self.clock))?;
        let account = self.signer(flag, signature, form)?;
        if !self.seen.use_up(flag, signature, self.clock.elapsed(), behaviour.oms_replay_window) {
            return Err(OmsError::Repeated);
        }
        Ok(Checked { account, method })
    }

    fn signer(&self, flag: &str, signature: &str, form: &DecodedForm<'_>) -> Result<&OmsAccount, OmsError> {
        let sent = || signature.to_owned();
        let account = self.accounts.iter().find(|account| account.flag == flag);
        let account = account.ok_or_else(|| OmsError::Flag { sent: sent() })?;
        if *signature == *signature::of("oms", form.sorted(), account.token.expose_secret(), &[]) {
            return Ok(account);
        }
        Err(OmsError::Signature { sent: sent(), assembled: signature::signed_text("oms", form.sorted()) })
    }
}

fn check_timestamp(text: &str, behaviour: &Behaviour, now: Timestamp) -> Result<(), OmsError> {
    let unix = || parse_unix(text);
    let sent = match super::timestamp_form(behaviour) {
        AcceptedTimestamp::Unix => unix(),
        AcceptedTimestamp::Compact => parse_compact(text),
        AcceptedTimestamp::Both => parse_compact(text).or_else(unix),
    };
    let sent = sent.ok_or(OmsError::Timestamp)?;
    let distance = now.duration_since(sent).unsigned_abs();
    if distance > behaviour.oms_timestamp_window { Err(OmsError::Timestamp) } else { Ok(()) }
}

fn parse_unix(text: &str) -> Option<Timestamp> {
    let is_unix = text.len() <= UNIX_DIGITS && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_unix { Timestamp::from_second(text.parse().ok()?).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use crate::sandbox::testing::{TestBed, TestParameters, without};
    use crate::sandbox::{AcceptedTimestamp, OmsAccount, OmsServer, PermittedMethods, SandboxSettings};

    const COMPACT: &str = "20261122100000";
    const UNIX: &str = "1795312800";

    fn bed(oms_server: OmsServer) -> TestBed {
        let only = PermittedMethods::Only(vec!["shop.get".to_owned()]);
        let limited = OmsAccount { flag: "limited".to_owned(), methods: only, ..Default::default() };
        TestBed::with(SandboxSettings { oms_server, oms: vec![OmsAccount::default(), limited], ..Default::default() })
    }

    /// The code of an answer that need not be JSON.
    async fn code(bed: &TestBed, parameters: &TestParameters) -> String {
        let text = bed.text_of_oms(parameters).await;
        let code = text.split_once(r#""code":"#).and_then(|(_, code)| code.split_once(','));
        code.map_or("none", |(code, _)| code.trim_matches('"')).to_owned()
    }

    async fn signed(bed: &TestBed, parameters: TestParameters) -> String {
        code(bed, &bed.sign_oms(parameters)).await
    }

    #[actix_web::test]
    async fn each_server_has_its_own_required_parameters_and_code_for_those_that_are_missing() {
        let all = ["flag", "method", "ver", "charset", "type", "timestamp", "sign"];
        let needed = ["flag", "method", "timestamp", "sign"];
        for (server, required, missing) in
            [(OmsServer::Published, needed.as_slice(), "e000001"), (OmsServer::Documented, all.as_slice(), "2001")]
        {
            let bed = bed(server);
            for name in all {
                let call = without(bed.oms("shop.getList", &[("note", name)]), name);
                let call = if name == "sign" { call } else { bed.sign_oms(call) };
                let expected = if required.contains(&name) { missing } else { "none" };
                assert_eq!(code(&bed, &call).await, expected, "{server:?} {name}");
            }
        }
    }

    #[actix_web::test]
    async fn checks_follow_the_servers_order() {
        let wrong = [
            ("demo", "shop.unheard", ("timestamp", "1795309199"), "e000008", "1002"),
            ("demo", "shop.unheard", ("timestamp", "soon"), "e000008", "1002"),
            ("nobody", "shop.unheard", ("note", "x"), "e000002", "1001"),
            ("demo", "shop.unheard", ("note", "x"), "e000003", "2003"),
            ("demo", "shop.getList.unheard", ("note", "x"), "e000003", "2003"),
            ("demo", "unheard", ("timestamp", "soon"), "e000001", "1002"),
            ("demo", "shop.", ("note", "x"), "e000001", "2003"),
            ("demo", ".getList", ("note", "x"), "e000001", "2003"),
            ("demo", "shop..getList", ("note", "x"), "e000001", "2003"),
            ("limited", "shop.getList", ("note", "x"), "e000004", "403"),
            ("demo", "shop.get", ("note", "x"), "e000003", "2001"),
            ("demo", "shop.get", ("shop_bn", "SHOP999"), "e000003", "404"),
            ("demo", "shop.getList", ("page_size", "many"), "e000006", "2002"),
            ("demo", "shop.getList", ("page_no", "-1"), "e000006", "2002"),
            ("demo", "shop.getList", ("page_no", "0"), "none", "2002"),
            ("demo", "shop.getList", ("page_size", "1.5"), "none", "2002"),
            ("demo", "shop.getList", ("type", "yaml"), "none", "1004"),
            ("demo", "stock.getAll", ("note", "x"), "none", "2003"),
        ];
        let (published, documented) = (bed(OmsServer::Published), bed(OmsServer::Documented));
        for (flag, method, parameter, code, number) in wrong {
            for (bed, expected) in [(&published, code), (&documented, number)] {
                let answer = signed(bed, bed.oms(method, &[("flag", flag), parameter])).await;
                assert_eq!(answer, expected, "{flag} {method} {parameter:?}");
            }
        }
    }

    #[actix_web::test]
    async fn a_wrong_signature_is_answered_with_what_was_signed_as_json_within_bare_quotes() {
        let bed = bed(OmsServer::Published);
        let answer = async |call: TestParameters| {
            let mut wrong = without(bed.sign_oms(call), "sign");
            wrong.push(("sign".to_owned(), "ABC/1".to_owned()));
            bed.text_of_oms(&wrong).await
        };
        let refusal = |assembled: &str| {
            let sub_msg = format!(r#"{{"request_sign":"ABC\/1","assemble_str":"{assembled}"}}"#);
            format!(r#"{{"error_response":{{"code":"e000002","msg":"sign error","sub_msg":"{sub_msg}"}}}}"#)
        };
        let assembled = format!(r#"charsetutf-8flagdemomethodshop.getListn\/\"\u5e97timestamp{UNIX}typejsonver1"#);
        assert_eq!(answer(bed.oms("shop.getList", &[("n", "/\"店")])).await, refusal(&assembled));
        assert_eq!(answer(bed.oms("shop.getList", &[("flag", "nobody")])).await, refusal(""));
    }

    #[actix_web::test]
    async fn a_signature_is_used_up_even_by_a_call_that_fails() {
        for (server, unheard) in [(OmsServer::Published, "e000003"), (OmsServer::Documented, "2003")] {
            let bed = bed(server);
            let call = bed.sign_oms(bed.oms("shop.unheard", &[]));
            assert_eq!(code(&bed, &call).await, unheard);
            assert_eq!(code(&bed, &call).await, "e000009", "the pages have no number for it");
            assert_eq!(signed(&bed, bed.oms("shop.unheard", &[("nonce", "1")])).await, unheard);
            bed.hand.advance(Duration::from_secs(3_600));
            assert_eq!(code(&bed, &call).await, unheard, "an hour later it is forgotten, and not yet too old");
            bed.hand.advance(Duration::from_secs(1));
            assert!(["e000008", "1002"].contains(&code(&bed, &call).await.as_str()));
        }
    }

    #[actix_web::test]
    async fn only_the_accepted_timestamp_forms_are_taken() {
        use AcceptedTimestamp::{Both, Compact, Unix};
        use OmsServer::{Documented, Published};
        let forms = [
            (Published, None, [("none", UNIX), ("e000008", COMPACT)]),
            (Published, Some(Both), [("none", UNIX), ("none", COMPACT)]),
            (Published, Some(Compact), [("e000008", UNIX), ("none", COMPACT)]),
            (Documented, None, [("none", UNIX), ("none", COMPACT)]),
            (Documented, Some(Unix), [("none", UNIX), ("1002", COMPACT)]),
        ];
        for (oms_server, oms_timestamp_form, expectations) in forms {
            let bed = TestBed::with(SandboxSettings { oms_server, oms_timestamp_form, ..Default::default() });
            for (expected, timestamp) in expectations {
                let code = signed(&bed, bed.oms("shop.getList", &[("timestamp", timestamp)])).await;
                assert_eq!(code, expected, "{oms_server:?} {oms_timestamp_form:?} {timestamp}");
            }
        }
    }

    #[actix_web::test]
    async fn parameters_in_the_query_are_not_read() {
        for (server, answer) in [
            (
                OmsServer::Published,
                json!({"error_response":
                {"code": "e000001", "msg": "system params lost or error", "sub_msg": null}}),
            ),
            (OmsServer::Documented, json!({"code": 2001, "msg": "缺少必要的参数"})),
        ] {
            let bed = bed(server);
            let call = bed.sign_oms(bed.oms("shop.getList", &[]));
            let request = bed.client.get(bed.sandbox.oms_url()).query(&call).unwrap();
            let body = request.send().await.unwrap().body().await.unwrap();
            assert_eq!(serde_json::from_slice::<Value>(&body).unwrap(), answer);
        }
    }
}
