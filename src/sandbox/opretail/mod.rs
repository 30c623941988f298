//! OPRetail's two endpoints: the checks in the vendor's order, then the method, then the envelope. Both have all
//! methods: newer clients call each of them at `cloud.api`, older ones at `m.api`.

mod checks;
mod codes;
mod demographics;
mod flow;
mod inspections;
mod login;
mod many_shops;
mod parameters;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use jiff::civil::DateTime;
use serde_json::Value;

use self::checks::Checked;
use self::codes::{ReturnCode, envelope};
use self::login::Logins;
pub use self::parameters::{CallBody, CallParameters};
use super::behaviour::Behaviour;
use super::china_time;
use super::replay::SeenSignatures;
use super::settings::{OpRetailAccount, SandboxSettings};
use super::world::developer_account::developer_account;
use crate::clock::Clock;

/// An endpoint at which methods are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SandboxEndpoint {
    /// `/m.api`.
    MApi,
    /// `/cloud.api`.
    CloudApi,
}

/// The headers that may carry a user's token, at either endpoint. Source: the vendor's pages and SDKs, and other
/// clients.
pub const USER_TOKEN_HEADERS: [&str; 2] = ["authenticator", "Ovo-Authorization"];

struct Method {
    name: &'static str,
    version: &'static str,
    call: fn(&Call<'_>) -> Result<Value, ReturnCode>,
}

/// The methods of the gateway: a row here teaches the sandbox another one.
const METHODS: &[Method] = &[
    Method { name: login::MOBILE, version: "v1", call: login::mobile },
    Method { name: login::SINGLE_SIGN_ON, version: "v1", call: login::single_sign_on },
    Method { name: "open.shopweb.passengerFlow.getTotalData", version: "v1", call: flow::total_data },
    Method {
        name: "open.shopweb.passengerFlow.flowGroup.getFlowGroupDistribution",
        version: "v1",
        call: demographics::distribution,
    },
    Method {
        name: "open.shopweb.liveCheck.statisticsDetailPageForCustomer",
        version: "v1",
        call: inspections::detail_page,
    },
    Method {
        name: "open.shopweb.passengerFlow.getDataOfManyShopsHavingDevice",
        version: "v1",
        call: many_shops::data_of_many_shops,
    },
    Method { name: "open.gateway.authentication", version: "v2", call: authentication },
];

/// The names of the methods.
pub fn methods() -> impl Iterator<Item = &'static str> {
    METHODS.iter().map(|method| method.name)
}

/// A request to an endpoint.
pub struct Request<'a> {
    /// The endpoint.
    pub endpoint: SandboxEndpoint,
    /// The parameters.
    pub parameters: &'a CallParameters<'a>,
    /// The values of the request's [`USER_TOKEN_HEADERS`].
    pub user_tokens: &'a [&'a str],
}

/// The input of a method: the caller, the parameters, and the time in China.
struct Call<'a> {
    gateway: &'a OpRetail,
    behaviour: &'a Behaviour,
    account: &'a OpRetailAccount,
    parameters: &'a CallParameters<'a>,
    instant: Timestamp,
    now: DateTime,
}

/// The simulated OPRetail gateway.
pub struct OpRetail {
    accounts: Vec<OpRetailAccount>,
    seen: SeenSignatures,
    logins: Logins,
    answered: AtomicU64,
    clock: Clock,
}

impl OpRetail {
    /// Creates the gateway with the accounts of `settings`.
    pub fn new(settings: &SandboxSettings, clock: Clock) -> Self {
        Self {
            accounts: settings.opretail.clone(),
            seen: SeenSignatures::default(),
            logins: Logins::default(),
            answered: AtomicU64::new(0),
            clock,
        }
    }

    /// Answers one request. OPRetail reports everything inside its envelope; the HTTP status is always 200.
    pub fn answer(&self, request: &Request<'_>, behaviour: &Behaviour) -> String {
        let now = behaviour.now(&self.clock);
        match self.call(request, behaviour, now) {
            Ok(data) => self.envelope(request.endpoint, now, ReturnCode::SUCCESS, data),
            Err(code) => self.envelope(request.endpoint, now, code, Value::Null),
        }
    }

    /// The envelope with the return code of a fault.
    pub fn answer_code(&self, endpoint: SandboxEndpoint, number: i64, behaviour: &Behaviour) -> String {
        self.envelope(endpoint, behaviour.now(&self.clock), ReturnCode::numbered(number), Value::Null)
    }

    /// Ends every user's token.
    pub fn forget_logins(&self) {
        self.logins.forget();
    }

    fn call(&self, request: &Request<'_>, behaviour: &Behaviour, instant: Timestamp) -> Result<Value, ReturnCode> {
        let checked = self.checked(request, behaviour, instant)?;
        let is_meant = |method: &&Method| method.name == checked.method && method.version == checked.version;
        let Some(method) = METHODS.iter().find(is_meant) else {
            let (method, version) = (checked.method, checked.version);
            tracing::warn!(
                method,
                version,
                "the sandbox lacks this method: src/sandbox/opretail/mod.rs lists those it has"
            );
            return Err(ReturnCode::METHOD_NOTEXIST_CODE);
        };
        let Checked { account, .. } = checked;
        if !account.methods.permit(method.name) {
            return Err(ReturnCode::METHOD_NOTEXIST_CODE);
        }
        if behaviour.require_login && login::is_needed(method.name) {
            self.must_be_logged_in(account, request.user_tokens)?;
        }
        let now = china_time::civil(instant);
        (method.call)(&Call { gateway: self, behaviour, account, parameters: request.parameters, instant, now })
    }

    fn must_be_logged_in(&self, account: &OpRetailAccount, tokens: &[&str]) -> Result<(), ReturnCode> {
        let now = self.clock.elapsed();
        let is_known = tokens.iter().any(|token| self.logins.hold(token, &account.key, now));
        if is_known { Ok(()) } else { Err(ReturnCode::TOKEN_NOT_EXIST) }
    }

    fn envelope(&self, endpoint: SandboxEndpoint, now: Timestamp, code: ReturnCode, data: Value) -> String {
        let number = self.answered.fetch_add(1, Ordering::Relaxed);
        envelope(endpoint, &format!("sandbox-{number:012}"), now, code, data)
    }
}

impl Call<'_> {
    /// A parameter read by `read`; `None` if it is missing.
    fn optional<T>(&self, name: &str, read: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>, ReturnCode> {
        self.parameters.get(name).map(|text| read(text).ok_or(ReturnCode::PARAMETER_ERROR)).transpose()
    }

    /// A required parameter.
    fn required<T>(&self, name: &str, read: impl FnOnce(&str) -> Option<T>) -> Result<T, ReturnCode> {
        self.optional(name, read)?.ok_or(ReturnCode::PARAMETER_ERROR)
    }

    fn must_own_enterprise(&self, enterprise_id: u32) -> Result<(), ReturnCode> {
        if self.account.owns_enterprise(enterprise_id) { Ok(()) } else { Err(ReturnCode::IDENTITY_INFORMATION_WRONG) }
    }
}

/// Reads a number. One that is larger than all numbers here matches nothing, so it is read as the largest.
fn number(text: &str) -> Option<u32> {
    let is_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let number: u64 = text.parse().ok().filter(|_| is_digits)?;
    Some(u32::try_from(number).unwrap_or(u32::MAX))
}

fn authentication(call: &Call<'_>) -> Result<Value, ReturnCode> {
    let platform_id = call.required("orgid", number)?;
    let mut organizations = call.account.organizations.iter();
    let organization = organizations.find(|organization| organization.platform_id == platform_id);
    let organization = organization.ok_or(ReturnCode::IDENTITY_INFORMATION_WRONG)?;
    Ok(developer_account(call.account, *organization))
}
