//! The checks of OPRetail before it runs a method: presence, key, timestamp, signature, repetition.

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use super::codes::ReturnCode;
use super::{OpRetail, Request, SandboxEndpoint};
use crate::sandbox::behaviour::Behaviour;
use crate::sandbox::china_time::parse_compact;
use crate::sandbox::settings::OpRetailAccount;
use crate::sandbox::signature;

/// A request that passed every check.
pub struct Checked<'a> {
    pub account: &'a OpRetailAccount,
    pub method: &'a str,
    pub version: &'a str,
}

impl OpRetail {
    pub(super) fn checked<'a>(
        &'a self,
        request: &Request<'a>,
        behaviour: &Behaviour,
        now: Timestamp,
    ) -> Result<Checked<'a>, ReturnCode> {
        let parameters = request.parameters;
        let required = |name: &str, code| parameters.signed(name).ok_or(code);
        let key = required("_akey", ReturnCode::KEY_NOTNULL)?;
        let sign_method = required("_sm", ReturnCode::SIGN_METHOD_NOTNULL)?;
        let signature = required("_sig", ReturnCode::SIGN_NOTNULL)?;
        let method = required("_mt", ReturnCode::METHOD_NOTNULL)?;
        required("_requestMode", ReturnCode::REQUESTMODE_NOTNULL)?;
        let system = required("_aid", ReturnCode::APPLICATIONID_NOTNULL)?;
        let version = required("_version", ReturnCode::VERSION_NOTNULL)?;
        let timestamp = required("_timestamp", ReturnCode::TIMESTAMP_NOTNULL)?;
        // The value is signed as sent; the SDKs accept it in any case.
        let digest = sign_method.to_ascii_lowercase();
        if !["md5", "sha1"].contains(&digest.as_str()) {
            return Err(ReturnCode::SIGN_TYPE_NOTEXIST);
        }
        // The table of return codes also names xml, but the methods' own pages accept only json.
        if parameters.signed("_format").is_some_and(|format| format != "json") {
            return Err(ReturnCode::FORMAT_TYPE_NOTEXIST);
        }
        let (account, secret) = self.account(request.endpoint, key, system)?;
        check_timestamp(timestamp, behaviour, now)?;
        let fields = [("sign_method", digest.as_str())];
        if signature != signature::of("opretail", parameters.sorted(), secret.expose_secret(), &fields) {
            return Err(ReturnCode::SIGN_WRONG);
        }
        if !self.seen.use_up(key, signature, self.clock.elapsed(), behaviour.opretail_replay_window) {
            return Err(ReturnCode::API_CALL_REPEAT);
        }
        Ok(Checked { account, method, version })
    }

    fn account(
        &self,
        endpoint: SandboxEndpoint,
        key: &str,
        system: &str,
    ) -> Result<(&OpRetailAccount, &SecretString), ReturnCode> {
        let mut credentials = self.accounts.iter().map(|account| (account, EndpointCredential::of(account, endpoint)));
        let found = credentials.find(|(_, credential)| credential.key == key);
        let (account, credential) = found.ok_or(ReturnCode::KEY_UNLAWFUL)?;
        if account.expired {
            return Err(ReturnCode::KEY_HAS_EXPIRED);
        }
        if credential.system != system {
            return Err(ReturnCode::APPLICATIONID_NOTSAME);
        }
        Ok((account, credential.secret))
    }
}

/// The credential that signs an account's calls at one endpoint.
struct EndpointCredential<'a> {
    system: &'a str,
    key: &'a str,
    secret: &'a SecretString,
}

impl<'a> EndpointCredential<'a> {
    fn of(account: &'a OpRetailAccount, endpoint: SandboxEndpoint) -> Self {
        match &account.application {
            Some(application) if endpoint == SandboxEndpoint::CloudApi => {
                Self { system: &application.system, key: &application.key, secret: &application.secret }
            }
            _ => Self { system: &account.system, key: &account.key, secret: &account.secret },
        }
    }
}

fn check_timestamp(timestamp: &str, behaviour: &Behaviour, now: Timestamp) -> Result<(), ReturnCode> {
    let sent = parse_compact(timestamp).ok_or(ReturnCode::TIMESTAMP_FORMAT_ERROR)?;
    let distance = now.duration_since(sent).unsigned_abs();
    if distance > behaviour.opretail_timestamp_window { Err(ReturnCode::TIMESTAMP_OVERTIME) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::Value;

    use crate::sandbox::testing::{START, TestBed, without};
    use crate::sandbox::{OpRetailAccount, PermittedMethods, SandboxSettings};

    const FLOW: &str = "open.shopweb.passengerFlow.getTotalData";

    fn settings() -> SandboxSettings {
        let ended = OpRetailAccount { key: "S107-ENDED".to_owned(), expired: true, ..Default::default() };
        let only = PermittedMethods::Only(vec!["open.gateway.authentication".to_owned()]);
        let limited = OpRetailAccount { key: "S107-LIMITED".to_owned(), methods: only, ..Default::default() };
        SandboxSettings { opretail: vec![OpRetailAccount::default(), ended, limited], ..Default::default() }
    }

    #[actix_web::test]
    async fn every_missing_or_wrong_system_parameter_has_its_own_return_code() {
        let bed = TestBed::with(settings());
        let missing = [
            ("_akey", 1, "KEY_NOTNULL"),
            ("_sm", 4, "SIGN_METHOD_NOTNULL"),
            ("_mt", 8, "METHOD_NOTNULL"),
            ("_requestMode", 10, "REQUESTMODE_NOTNULL"),
            ("_aid", 11, "APPLICATIONID_NOTNULL"),
            ("_version", 13, "VERSION_NOTNULL"),
            ("_timestamp", 14, "TIMESTAMP_NOTNULL"),
        ];
        for (name, code, codename) in missing {
            let parameters = without(bed.opretail(FLOW, &[("id", "S_123456")]), name);
            let answer = bed.call_m_api(parameters).await;
            assert_eq!(answer["stat"]["code"], code, "{name}");
            assert_eq!(answer["stat"]["codename"], codename);
            let empty = bed.opretail(FLOW, &[("id", "S_123456"), (name, "")]);
            assert_eq!(bed.call_m_api(empty).await["stat"]["code"], code, "empty {name}");
        }
        let wrong = [
            ("_akey", "S107-NOBODY", 2),
            ("_akey", "S107-ENDED", 3),
            ("_sm", "sha256", 5),
            ("_mt", "open.unheard.of", 9),
            ("_version", "v2", 9),
            ("_akey", "S107-LIMITED", 9),
            ("_aid", "DC-000001", 12),
            ("_timestamp", "2026-11-22 10:00:00", 15),
            ("_timestamp", "20261131100000", 15),
            ("_timestamp", "20261122094959", 16),
            ("_timestamp", "20261122101001", 16),
            ("_timestamp", "20261122020000", 16),
            ("_format", "xml", 17),
            ("_format", "yaml", 17),
        ];
        for (name, value, code) in wrong {
            let answer = bed.call_m_api(bed.opretail(FLOW, &[("id", "S_123456"), (name, value)])).await;
            assert_eq!(answer["stat"]["code"], code, "{name}={value}");
            assert_eq!(answer["data"], Value::Null);
        }
        let fine = [("_timestamp", "20261122095000"), ("_timestamp", "20261122101000"), ("_format", "json")];
        for (name, value) in fine {
            let answer = bed.call_m_api(bed.opretail(FLOW, &[("id", "S_123456"), (name, value)])).await;
            assert_eq!(answer["stat"]["code"], 0, "{name}={value}");
        }
    }

    #[actix_web::test]
    async fn a_missing_signature_is_6_and_a_wrong_one_is_7() {
        let bed = TestBed::start();
        let signed = bed.sign_opretail(bed.opretail(FLOW, &[("id", "S_123456")]));
        let unsigned = bed.post("/m.api", &without(signed.clone(), "_sig")).await;
        assert_eq!(unsigned["stat"]["code"], 6);
        for (name, value) in [("id", "S_100001"), ("needUnit", "0"), ("_nonce", "x"), ("_sig", "0")] {
            let mut tampered = without(signed.clone(), name);
            tampered.push((name.to_owned(), value.to_owned()));
            assert_eq!(bed.post("/m.api", &tampered).await["stat"]["code"], 7, "{name}");
        }
        let lower = signed
            .iter()
            .map(|(name, value)| (name.clone(), if name == "_sig" { value.to_lowercase() } else { value.clone() }));
        assert_eq!(bed.post("/m.api", &lower.collect::<Vec<_>>()).await["stat"]["code"], 7);
        assert_eq!(bed.post("/m.api", &signed).await["stat"]["code"], 0);
    }

    #[actix_web::test]
    async fn both_digests_and_awkward_values_are_verified() {
        let bed = TestBed::start();
        for digest in ["md5", "sha1"] {
            let awkward = [("id", "S_123456"), ("_sm", digest), ("note", "门店 & 100%+\"=\n"), ("empty", "")];
            let answer = bed.call_m_api(bed.opretail(FLOW, &awkward)).await;
            assert_eq!(answer["stat"]["code"], 0, "{digest}");
        }
    }

    #[actix_web::test]
    async fn a_repeated_signature_is_refused_until_the_window_has_passed() {
        let settings = SandboxSettings { opretail_replay_window: Duration::from_secs(30), ..Default::default() };
        let bed = TestBed::with(settings);
        let signed = bed.sign_opretail(bed.opretail(FLOW, &[("id", "S_123456")]));
        assert_eq!(bed.post("/m.api", &signed).await["stat"]["code"], 0);
        let repeated = bed.post("/m.api", &signed).await;
        assert_eq!(repeated["stat"]["code"], -100);
        assert_eq!(repeated["stat"]["codename"], "API_CALL_REPEAT");
        let other = bed.opretail(FLOW, &[("id", "S_123456"), ("_nonce", "another")]);
        assert_eq!(bed.call_m_api(other).await["stat"]["code"], 0);
        bed.hand.advance(Duration::from_secs(30));
        assert_eq!(bed.post("/m.api", &signed).await["stat"]["code"], 0);
    }

    #[actix_web::test]
    async fn each_endpoint_has_its_own_way_to_write_numbers() {
        let bed = TestBed::start();
        let at_m_api = bed.call_m_api(bed.opretail("open.unheard.of", &[])).await;
        assert_eq!(at_m_api["stat"]["code"], 9);
        assert_eq!(at_m_api["stat"]["systime"], START.as_millisecond());
        let at_cloud_api = bed.call_cloud_api(bed.opretail("open.unheard.of", &[("_nonce", "c")])).await;
        assert_eq!(at_cloud_api["stat"]["code"], "9");
        assert_eq!(at_cloud_api["stat"]["systime"], START.as_millisecond().to_string());
    }

    #[actix_web::test]
    async fn the_developer_account_is_version_2_and_only_for_the_keys_organizations() {
        let bed = TestBed::start();
        let method = "open.gateway.authentication";
        let answer = bed.call_m_api(bed.opretail(method, &[("orgid", "2"), ("_version", "v2")])).await;
        assert_eq!(answer["stat"]["code"], 0);
        assert_eq!(answer["data"]["applicationSecret"], "sandbox-secret");
        assert_eq!(answer["data"]["shopwebEnterpriseId"], 1084);
        for (orgid, version, code) in [("2", "v1", 9), ("3", "v2", 102_005), ("x", "v2", 100_001), ("", "v2", 100_001)]
        {
            let answer = bed.call_m_api(bed.opretail(method, &[("orgid", orgid), ("_version", version)])).await;
            assert_eq!(answer["stat"]["code"], code, "{orgid} {version}");
        }
    }
}
