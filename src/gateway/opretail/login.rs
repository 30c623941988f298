//! The user login at OPRetail: which methods need it, how it is got, and in which header its token travels.
//! Source: the vendor's SDKs and integrators' notes; the vendor's pages do not mention it.

use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use md5::{Digest, Md5};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::gateway::dialect::{Call, Door, LoginAnswer, Method};
use crate::gateway::endpoint::same_secret;
use crate::json::object::Object;
use crate::json::{odd_values, scalar};
use crate::settings::Section;

/// Logs in with the password as it is; does not tell when the token ends.
pub const MOBILE_LOGIN: Method = Method::new("open.shopweb.security.mobileLogin", "v1", Door::MApi);

/// Logs in with the password's MD5, and tells when the token ends.
pub const SSO_LOGIN: Method = Method::new("open.shopweb.security.ssoLogin", "v1", Door::MApi);

/// `[tenants.<name>.opretail.login]`. Prints no secret. The user is part of the names of cached answers.
#[derive(Clone, Debug, Serialize)]
pub struct LoginSettings {
    /// `method`: `sso` (default) or `mobile`.
    #[serde(skip)]
    pub method: LoginMethod,
    /// `user_name`: the user, such as a mobile number.
    pub user_name: String,
    /// `password` or `password_file`.
    #[serde(skip)]
    pub password: SecretString,
}

impl PartialEq for LoginSettings {
    fn eq(&self, other: &Self) -> bool {
        let Self { method, user_name, password } = self;
        (method, user_name) == (&other.method, &other.user_name) && same_secret(password, &other.password)
    }
}

/// Which of the two logins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginMethod {
    /// [`SSO_LOGIN`].
    Sso,
    /// [`MOBILE_LOGIN`].
    Mobile,
}

impl FromStr for LoginMethod {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "sso" => Ok(Self::Sso),
            "mobile" => Ok(Self::Mobile),
            _ => Err("the login method is sso or mobile".to_owned()),
        }
    }
}

impl LoginSettings {
    /// Reads the section, if there is one.
    pub fn read(section: &Section<'_>) -> Option<Self> {
        section.is_present().then(|| Self {
            method: section.parsed("method").unwrap_or(LoginMethod::Sso),
            user_name: section.required_text("user_name", "the user at OPRetail whose login the calls carry"),
            password: section.required_secret("password", "the password of that user"),
        })
    }

    /// The call that logs in.
    pub fn call(&self) -> Call {
        let password = self.password.expose_secret();
        let (method, password) = match self.method {
            LoginMethod::Sso => (SSO_LOGIN, base16ct::lower::encode_string(&Md5::digest(password))),
            LoginMethod::Mobile => (MOBILE_LOGIN, password.to_owned()),
        };
        Call::new(method).with("userName", self.user_name.as_str()).with("password", password)
    }
}

/// Whether a method wants a user's token: those of the shop web, but for the logins themselves.
pub fn is_needed_for(method: &Method) -> bool {
    method.name.starts_with("open.shopweb.") && !method.name.starts_with("open.shopweb.security.")
}

/// The header that carries the token at a door.
pub const fn header_at(door: Door) -> &'static str {
    match door {
        Door::CloudApi => "Ovo-Authorization",
        Door::MApi | Door::Rpc => "authenticator",
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireLogin {
    #[serde(default, deserialize_with = "scalar::text")]
    token: Option<String>,
    /// Where some answers have the token.
    #[serde(default, deserialize_with = "scalar::text")]
    authenticator: Option<String>,
    #[serde(default, deserialize_with = "scalar::text")]
    token_expiration_timestamp: Option<String>,
}

/// Reads what a login gave; `None` when there is no token that fits in a header. Times are in `zone`.
pub fn read_answer(data: &str, zone: &TimeZone) -> Option<LoginAnswer> {
    let Object(wire): Object<WireLogin> = serde_json::from_str(data).ok()?;
    let fits = |token: &String| token.bytes().all(|byte| byte.is_ascii_graphic());
    let token = [wire.token, wire.authenticator].into_iter().flatten().find(fits)?;
    let ends = wire.token_expiration_timestamp.and_then(|time| {
        let ends = moment(&time, zone);
        if ends.is_none() {
            odd_values::note("tokenExpirationTimestamp");
        }
        ends
    });
    Some(LoginAnswer { token: SecretString::from(token), ends })
}

/// Unix milliseconds, Unix seconds, or a date and a time.
fn moment(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    const DIGITS_OF_SECONDS: usize = 10;
    match text.parse::<i64>() {
        Ok(number) if text.len() <= DIGITS_OF_SECONDS => Timestamp::from_second(number).ok(),
        Ok(number) => Timestamp::from_millisecond(number).ok(),
        Err(_) => text.parse::<DateTime>().ok()?.to_zoned(zone.clone()).ok().map(|zoned| zoned.timestamp()),
    }
}

#[cfg(test)]
mod tests {
    use super::{LoginMethod, LoginSettings, header_at, is_needed_for, read_answer};
    use crate::gateway::dialect::Door;
    use crate::gateway::endpoint::china_standard_time;
    use crate::gateway::opretail::methods::{AUTHENTICATION, GET_TOTAL_DATA, STATISTICS_DETAIL_PAGE};
    use secrecy::ExposeSecret;

    fn settings(method: LoginMethod) -> LoginSettings {
        LoginSettings { method, user_name: "13800000000".to_owned(), password: "password".into() }
    }

    #[test]
    fn the_password_travels_as_its_md5_or_as_it_is() {
        let sso = settings(LoginMethod::Sso).call();
        assert_eq!(sso.method.name, "open.shopweb.security.ssoLogin");
        // RFC 1321's function of the eight letters, as published in many places.
        assert_eq!(sso.parameters[1].1, "5f4dcc3b5aa765d61d8327deb882cf99");
        let mobile = settings(LoginMethod::Mobile).call();
        assert_eq!(mobile.method.name, "open.shopweb.security.mobileLogin");
        assert_eq!(mobile.parameters[1].1, "password");
        assert!(!format!("{sso:?}").contains("5f4dcc3b"));
        let planted = LoginSettings { password: "planted".into(), ..settings(LoginMethod::Mobile) };
        assert!(!format!("{planted:?} {:?}", planted.call()).contains("planted"));
    }

    #[test]
    fn the_shop_webs_methods_need_it_and_the_logins_do_not() {
        assert!(is_needed_for(&GET_TOTAL_DATA) && is_needed_for(&STATISTICS_DETAIL_PAGE));
        assert!(!is_needed_for(&AUTHENTICATION) && !is_needed_for(&super::SSO_LOGIN));
        assert_eq!((header_at(Door::MApi), header_at(Door::CloudApi)), ("authenticator", "Ovo-Authorization"));
    }

    #[test]
    fn a_token_and_its_end_are_read_and_nothing_else_is_taken_for_one() {
        let read_answer = |data: &str| read_answer(data, &china_standard_time());
        for (name, end) in [
            ("token", r#""1616990400000""#),
            ("token", "1616990400"),
            ("authenticator", r#""2021-03-29 12:00:00""#),
            ("token\":[],\"authenticator", "1616990400000"),
        ] {
            let data = format!(r#"{{"{name}":"abc","tokenExpirationTimestamp":{end}}}"#);
            let answer = read_answer(&data).unwrap();
            assert_eq!(answer.token.expose_secret(), "abc", "{data}");
            assert_eq!(answer.ends.unwrap().as_second(), 1_616_990_400, "{data}");
        }
        for end in ["", r#","tokenExpirationTimestamp":"soon""#, r#","tokenExpirationTimestamp":{}"#] {
            assert!(read_answer(&format!(r#"{{"token":"abc"{end}}}"#)).unwrap().ends.is_none(), "{end}");
        }
        for data in ["null", "\"abc\"", "{}", r#"{"token":null}"#, r#"{"token":"a\r\nX: y"}"#, r#"{"token":["abc"]}"#] {
            assert!(read_answer(data).is_none(), "{data}");
        }
    }
}
