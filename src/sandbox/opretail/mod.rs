//! OPRetail's two doors: the checks in the vendor's order, then the method, then the envelope.

mod checks;
mod codes;
mod demographics;
mod flow;
mod inspections;
mod login;
mod many_shops;

use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use jiff::civil::DateTime;
use serde_json::Value;

use self::checks::Checked;
use self::codes::{ReturnCode, envelope};
use self::login::Logins;
use super::behaviour::Behaviour;
use super::china_time;
use super::form::Form;
use super::replay::SeenSignatures;
use super::settings::{OpRetailAccount, SandboxSettings};
use super::world::developer_account::developer_account;
use crate::clock::Clock;

/// The address that a method is called at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// `/m.api`.
    MApi,
    /// `/cloud.api`.
    CloudApi,
}

impl Door {
    /// The header that a user's token comes in. Source: the vendor's SDKs.
    pub const fn user_token_header(self) -> &'static str {
        match self {
            Self::MApi => "authenticator",
            Self::CloudApi => "Ovo-Authorization",
        }
    }
}

struct Method {
    name: &'static str,
    version: &'static str,
    door: Door,
    call: fn(&Call<'_>) -> Result<Value, ReturnCode>,
}

const METHODS: [Method; 7] = [
    Method { name: login::MOBILE, version: "v1", door: Door::MApi, call: login::mobile },
    Method { name: login::SINGLE_SIGN_ON, version: "v1", door: Door::MApi, call: login::single_sign_on },
    Method { name: "open.shopweb.passengerFlow.getTotalData", version: "v1", door: Door::MApi, call: flow::total_data },
    Method {
        name: "open.shopweb.passengerFlow.flowGroup.getFlowGroupDistribution",
        version: "v1",
        door: Door::MApi,
        call: demographics::distribution,
    },
    Method {
        name: "open.shopweb.liveCheck.statisticsDetailPageForCustomer",
        version: "v1",
        door: Door::CloudApi,
        call: inspections::detail_page,
    },
    Method {
        name: "open.shopweb.passengerFlow.getDataOfManyShopsHavingDevice",
        version: "v1",
        door: Door::MApi,
        call: many_shops::data_of_many_shops,
    },
    Method { name: "open.gateway.authentication", version: "v2", door: Door::MApi, call: authentication },
];

/// The methods by their names.
pub fn methods() -> impl Iterator<Item = &'static str> {
    METHODS.iter().map(|method| method.name)
}

/// What arrived at a door.
pub struct Request<'a> {
    /// Which door.
    pub door: Door,
    /// The parameters.
    pub form: &'a Form<'a>,
    /// The user's token, from the header that the door reads it from.
    pub user_token: Option<&'a str>,
}

/// What a method is given: who calls, what they sent, and what time it is in China.
struct Call<'a> {
    gateway: &'a OpRetail,
    behaviour: &'a Behaviour,
    account: &'a OpRetailAccount,
    form: &'a Form<'a>,
    instant: Timestamp,
    now: DateTime,
}

/// OPRetail's gateway.
pub struct OpRetail {
    accounts: Vec<OpRetailAccount>,
    seen: SeenSignatures,
    logins: Logins,
    answered: AtomicU64,
    clock: Clock,
}

impl OpRetail {
    /// The gateway with the accounts of `settings`.
    pub fn new(settings: &SandboxSettings, clock: Clock) -> Self {
        Self {
            accounts: settings.opretail.clone(),
            seen: SeenSignatures::default(),
            logins: Logins::default(),
            answered: AtomicU64::new(0),
            clock,
        }
    }

    /// Answers one request. OPRetail says everything inside its envelope; the HTTP status is always 200.
    pub fn answer(&self, request: &Request<'_>, behaviour: &Behaviour) -> String {
        let now = behaviour.now(&self.clock);
        match self.call(request, behaviour, now) {
            Ok(data) => self.envelope(request.door, now, ReturnCode::SUCCESS, data),
            Err(code) => self.envelope(request.door, now, code, Value::Null),
        }
    }

    /// The envelope of a return code that a fault asked for.
    pub fn answer_code(&self, door: Door, number: i64, behaviour: &Behaviour) -> String {
        self.envelope(door, behaviour.now(&self.clock), ReturnCode::numbered(number), Value::Null)
    }

    /// Ends every user's token.
    pub fn forget_logins(&self) {
        self.logins.forget();
    }

    fn call(&self, request: &Request<'_>, behaviour: &Behaviour, instant: Timestamp) -> Result<Value, ReturnCode> {
        let checked = self.checked(request.form, behaviour, instant)?;
        let is_meant = |method: &&Method| {
            method.name == checked.method && method.version == checked.version && method.door == request.door
        };
        let method = METHODS.iter().find(is_meant).ok_or(ReturnCode::METHOD_NOTEXIST_CODE)?;
        let Checked { account, .. } = checked;
        if !account.methods.permit(method.name) {
            return Err(ReturnCode::METHOD_NOTEXIST_CODE);
        }
        if behaviour.require_login && login::is_needed(method.name) {
            self.must_be_logged_in(account, request.user_token)?;
        }
        let now = china_time::civil(instant);
        (method.call)(&Call { gateway: self, behaviour, account, form: request.form, instant, now })
    }

    fn must_be_logged_in(&self, account: &OpRetailAccount, token: Option<&str>) -> Result<(), ReturnCode> {
        let is_known = token.is_some_and(|token| self.logins.hold(token, &account.key, self.clock.elapsed()));
        if is_known { Ok(()) } else { Err(ReturnCode::TOKEN_NOT_EXIST) }
    }

    fn envelope(&self, door: Door, now: Timestamp, code: ReturnCode, data: Value) -> String {
        let number = self.answered.fetch_add(1, Ordering::Relaxed);
        envelope(door, &format!("sandbox-{number:012}"), now, code, data)
    }
}

impl Call<'_> {
    /// A parameter that is missing (`None`), or read by `read`.
    fn optional<T>(&self, name: &str, read: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>, ReturnCode> {
        self.form.get(name).map(|text| read(text).ok_or(ReturnCode::PARAMETER_ERROR)).transpose()
    }

    /// A parameter that must be there.
    fn required<T>(&self, name: &str, read: impl FnOnce(&str) -> Option<T>) -> Result<T, ReturnCode> {
        self.optional(name, read)?.ok_or(ReturnCode::PARAMETER_ERROR)
    }

    fn must_own_enterprise(&self, enterprise_id: u32) -> Result<(), ReturnCode> {
        if self.account.owns_enterprise(enterprise_id) { Ok(()) } else { Err(ReturnCode::IDENTITY_INFORMATION_WRONG) }
    }
}

/// A number. What is larger than all that there are here is nobody's, as the largest of them is.
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
