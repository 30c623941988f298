//! What the OMS checks before it looks at a method: presence, timestamp, signature, repetition. A signature that
//! passes is used up, whatever becomes of the call.

use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde_json::json;

use super::Oms;
use super::errors::OmsError;
use crate::gateway::oms::sign::{assembled_string, sign};
use crate::sandbox::behaviour::Behaviour;
use crate::sandbox::china_time::parse_compact;
use crate::sandbox::form::Form;
use crate::sandbox::settings::{AcceptedTimestamp, OmsAccount};

// Unix seconds have at most this many digits until the year 5138; `yyyyMMddHHmmss` has 14.
const UNIX_DIGITS: usize = 11;

/// A request that passed every check.
pub struct Checked<'a> {
    pub account: &'a OmsAccount,
    pub method: &'a str,
    pub answer_type: &'a str,
}

impl Oms {
    pub(super) fn checked<'a>(&'a self, form: &'a Form<'_>, behaviour: &Behaviour) -> Result<Checked<'a>, OmsError> {
        let present = |name: &str| form.get(name).ok_or_else(|| OmsError::SYSTEM_PARAMETER.about(name));
        let flag = present("flag")?;
        let method = present("method")?;
        present("ver")?;
        present("charset")?;
        let answer_type = present("type")?;
        let timestamp = present("timestamp")?;
        let signature = present("sign")?;
        check_timestamp(timestamp, behaviour, behaviour.now(&self.clock))?;
        let account = self.account(flag, signature, form).ok_or_else(|| {
            // The real server answers with the string that it signed, too.
            OmsError::SIGN.about(json!({"assemble_str": assembled_string(form.sorted())}))
        })?;
        if !self.seen.use_up(flag, signature, self.clock.elapsed(), behaviour.oms_replay_window) {
            return Err(OmsError::REPEATED);
        }
        Ok(Checked { account, method, answer_type })
    }

    // An unknown flag and a wrong signature are the same error.
    fn account(&self, flag: &str, signature: &str, form: &Form<'_>) -> Option<&OmsAccount> {
        let account = self.accounts.iter().find(|account| account.flag == flag)?;
        let is_signed = signature == sign(form.sorted(), account.token.expose_secret());
        is_signed.then_some(account)
    }
}

fn check_timestamp(text: &str, behaviour: &Behaviour, now: Timestamp) -> Result<(), OmsError> {
    let unix = || parse_unix(text);
    let sent = match behaviour.oms_timestamp_form {
        AcceptedTimestamp::Unix => unix(),
        AcceptedTimestamp::Compact => parse_compact(text),
        AcceptedTimestamp::Both => parse_compact(text).or_else(unix),
    };
    let sent = sent.ok_or(OmsError::TIMESTAMP)?;
    let distance = now.duration_since(sent).unsigned_abs();
    if distance > behaviour.oms_timestamp_window { Err(OmsError::TIMESTAMP) } else { Ok(()) }
}

fn parse_unix(text: &str) -> Option<Timestamp> {
    let is_unix = text.len() <= UNIX_DIGITS && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_unix { Timestamp::from_second(text.parse().ok()?).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::Value;

    use crate::sandbox::testing::{TestBed, without};
    use crate::sandbox::{AcceptedTimestamp, OmsAccount, PermittedMethods, SandboxSettings};

    const COMPACT: &str = "20261122100000";
    const UNIX: &str = "1795312800";

    fn code(answer: &Value) -> &str {
        answer["error_response"]["code"].as_str().unwrap_or("none")
    }

    #[actix_web::test]
    async fn every_missing_system_parameter_is_e000001() {
        let bed = TestBed::start();
        for name in ["flag", "method", "ver", "charset", "type", "timestamp"] {
            let answer = bed.call_oms(without(bed.oms("shop.get", &[("shop_bn", "SHOP001")]), name)).await;
            assert_eq!(code(&answer), "e000001", "{name}");
        }
        let unsigned = bed.post_oms(&bed.oms("shop.get", &[("shop_bn", "SHOP001")])).await;
        assert_eq!(code(&unsigned), "e000001");
    }

    #[actix_web::test]
    async fn checks_follow_the_servers_order() {
        let only = PermittedMethods::Only(vec!["shop.get".to_owned()]);
        let limited = OmsAccount { flag: "limited".to_owned(), methods: only, ..Default::default() };
        let bed = TestBed::with(SandboxSettings { oms: vec![OmsAccount::default(), limited], ..Default::default() });
        let wrong = [
            ("demo", "shop.unheard", ("timestamp", "1795309199"), "e000008"),
            ("demo", "shop.unheard", ("timestamp", "soon"), "e000008"),
            ("nobody", "shop.unheard", ("note", "x"), "e000002"),
            ("demo", "shop.unheard", ("note", "x"), "e000003"),
            ("limited", "shop.getList", ("note", "x"), "e000004"),
            ("demo", "shop.get", ("note", "x"), "e000006"),
            ("demo", "shop.getList", ("page_size", "many"), "e000006"),
            ("demo", "shop.getList", ("type", "xml"), "e000007"),
        ];
        for (flag, method, parameter, expected) in wrong {
            let answer = bed.call_oms(bed.oms(method, &[("flag", flag), parameter])).await;
            assert_eq!(code(&answer), expected, "{flag} {method} {parameter:?}");
        }
    }

    #[actix_web::test]
    async fn a_tampered_parameter_is_refused_and_the_assembled_string_is_shown() {
        let bed = TestBed::start();
        let mut signed = bed.sign_oms(bed.oms("shop.get", &[("shop_bn", "SHOP001")]));
        signed.retain(|(name, _)| name != "shop_bn");
        signed.push(("shop_bn".to_owned(), "SHOP002".to_owned()));
        let answer = bed.post_oms(&signed).await;
        assert_eq!(code(&answer), "e000002");
        let assembled = answer["error_response"]["sub_msg"]["assemble_str"].as_str().unwrap();
        assert_eq!(assembled, format!("charsetutf-8flagdemomethodshop.getshop_bnSHOP002timestamp{UNIX}typejsonver1"));
        assert!(!answer.to_string().contains("sandbox-token"));
    }

    #[actix_web::test]
    async fn a_signature_is_used_up_even_by_a_call_that_fails() {
        let bed = TestBed::start();
        let signed = bed.sign_oms(bed.oms("shop.unheard", &[]));
        assert_eq!(code(&bed.post_oms(&signed).await), "e000003");
        assert_eq!(code(&bed.post_oms(&signed).await), "e000009");
        let with_nonce = bed.oms("shop.unheard", &[("nonce", "1")]);
        assert_eq!(code(&bed.call_oms(with_nonce).await), "e000003");
        bed.hand.advance(Duration::from_secs(3_600));
        assert_eq!(code(&bed.post_oms(&signed).await), "e000003", "an hour later it is forgotten, and not yet too old");
        bed.hand.advance(Duration::from_secs(1));
        assert_eq!(code(&bed.post_oms(&signed).await), "e000008");
    }

    #[actix_web::test]
    async fn only_the_accepted_timestamp_forms_are_taken() {
        let forms = [
            (AcceptedTimestamp::Unix, [("none", UNIX), ("e000008", COMPACT)]),
            (AcceptedTimestamp::Compact, [("e000008", UNIX), ("none", COMPACT)]),
            (AcceptedTimestamp::Both, [("none", UNIX), ("none", COMPACT)]),
        ];
        for (form, expectations) in forms {
            let bed = TestBed::with(SandboxSettings { oms_timestamp_form: form, ..Default::default() });
            for (expected, timestamp) in expectations {
                let parameters = [("shop_bn", "SHOP001"), ("timestamp", timestamp)];
                let answer = bed.call_oms(bed.oms("shop.get", &parameters)).await;
                assert_eq!(code(&answer), expected, "{form:?} {timestamp}");
            }
        }
    }
}
