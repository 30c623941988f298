//! OPRetail's return codes, in the vendor's words, and the envelope that carries them.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::SandboxEndpoint;

/// A return code with its number, name and sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReturnCode {
    /// `stat.code`.
    pub number: i64,
    name: &'static str,
    sentence: &'static str,
}

macro_rules! return_codes {
    ($($name:ident = $number:literal $sentence:literal;)+) => {
        impl ReturnCode {
            $(
                #[doc = $sentence]
                pub const $name: Self = Self { number: $number, name: stringify!($name), sentence: $sentence };
            )+
            const ALL: &[Self] = &[$(Self::$name),+];
        }
    };
}

return_codes! {
    SUCCESS = 0 "Call success";
    KEY_NOTNULL = 1 "_akey can not be empty";
    KEY_UNLAWFUL = 2 "_akey is illegal";
    KEY_HAS_EXPIRED = 3 "_akey has expired";
    SIGN_METHOD_NOTNULL = 4 "_sm parameter cannot be empty";
    SIGN_TYPE_NOTEXIST = 5 "_sm type does not exist";
    SIGN_NOTNULL = 6 "_sig parameter cannot be empty";
    SIGN_WRONG = 7 "Invalid signature, please check parameters and signature format";
    METHOD_NOTNULL = 8 "_mt parameter cannot be empty";
    METHOD_NOTEXIST_CODE = 9 "The method name corresponding to _mt does not exist or is not registered in the service";
    REQUESTMODE_NOTNULL = 10 "_requestMode parameter cannot be empty";
    APPLICATIONID_NOTNULL = 11 "_aid parameter cannot be empty";
    APPLICATIONID_NOTSAME = 12 "_aid does not match the current key";
    VERSION_NOTNULL = 13 "_version version number cannot be empty";
    TIMESTAMP_NOTNULL = 14 "_timestamp timestamp cannot be empty";
    TIMESTAMP_FORMAT_ERROR = 15 "_timestamp timestamp formatting error";
    TIMESTAMP_OVERTIME = 16 "_timestamp has expired";
    FORMAT_TYPE_NOTEXIST = 17 "_format type does not exist";
    API_CALL_REPEAT = -100 "The interface is called repeatedly";
    API_SYSTEM_CALL_ERROR = -500 "API call failed, system exception occurred";
    UNKNOWN_ERROR = -999 "Open platform system exception";
    IDENTITY_INFORMATION_WRONG = 102005 "The identity information is incorrect! _Akey, does not match the enterprise id";
    USERNAME_ERROE = 103094 "The user name is wrong";
    PASSWORD_ERROE = 103095 "The password is wrong";
    TOKEN_NOT_EXIST = 9990001 "The token does not exist";
    // The vendor publishes no code for a wrong business parameter, only that business codes are positive.
    PARAMETER_ERROR = 100001 "A business parameter is missing or malformed";
}

impl ReturnCode {
    /// The code with this number, with its name if it has one.
    pub fn numbered(number: i64) -> Self {
        let known = Self::ALL.iter().find(|code| code.number == number).copied();
        known.unwrap_or(Self { number, name: "UNLISTED", sentence: "" })
    }
}

#[derive(Serialize)]
struct OpRetailEnvelope<'a> {
    stat: Stat<'a>,
    result: &'a str,
    data: Value,
}

#[derive(Serialize)]
struct Stat<'a> {
    cid: &'a str,
    code: Value,
    codename: &'a str,
    systime: Value,
}

/// Writes the envelope. `m.api` has numbers where `cloud.api` has strings, like the vendor's own endpoints.
pub fn envelope(endpoint: SandboxEndpoint, call_id: &str, now: Timestamp, code: ReturnCode, data: Value) -> String {
    let number = |number: i64| match endpoint {
        SandboxEndpoint::MApi => Value::from(number),
        SandboxEndpoint::CloudApi => Value::from(number.to_string()),
    };
    let stat =
        Stat { cid: call_id, code: number(code.number), codename: code.name, systime: number(now.as_millisecond()) };
    // A struct of strings, numbers and values can always be serialized.
    serde_json::to_string(&OpRetailEnvelope { stat, result: code.sentence, data }).unwrap_or_default()
}
