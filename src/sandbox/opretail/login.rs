//! The users of OPRetail's shop web: the two methods that log one in, and their tokens. A user's token stays the same
//! until it expires.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use md5::{Digest, Md5};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::Call;
use super::codes::ReturnCode;
use crate::sandbox::china_time::{DATE_TIME, civil};
use crate::sandbox::settings::{LoginExpiry, LoginTokenField, OpRetailUser};

/// The method that logs in with the password itself.
pub const MOBILE: &str = "open.shopweb.security.mobileLogin";
/// The method that logs in with the MD5 of the password, and states when the token expires.
pub const SINGLE_SIGN_ON: &str = "open.shopweb.security.ssoLogin";

const OF_THE_SHOP_WEB: &str = "open.shopweb.";

/// Whether a method needs a user's token, where logins are required.
pub fn is_needed(method: &str) -> bool {
    method.starts_with(OF_THE_SHOP_WEB) && method != MOBILE && method != SINGLE_SIGN_ON
}

/// Runs `open.shopweb.security.mobileLogin`.
pub fn mobile(call: &Call<'_>) -> Result<Value, ReturnCode> {
    let token = call.log_in(|user, password| password == user.password.expose_secret())?;
    Ok(json!({ call.token_field(): token }))
}

/// Runs `open.shopweb.security.ssoLogin`.
pub fn single_sign_on(call: &Call<'_>) -> Result<Value, ReturnCode> {
    let token = call.log_in(|user, digest| {
        let expected = Md5::digest(user.password.expose_secret());
        digest.eq_ignore_ascii_case(&base16ct::lower::encode_string(&expected))
    })?;
    let mut data = json!({ call.token_field(): token });
    if let Some(expiry) = call.expiry() {
        data["tokenExpirationTimestamp"] = expiry;
    }
    Ok(data)
}

impl Call<'_> {
    fn log_in(&self, proves: impl FnOnce(&OpRetailUser, &str) -> bool) -> Result<String, ReturnCode> {
        let name = self.parameters.get("userName").ok_or(ReturnCode::PARAMETER_ERROR)?;
        let password = self.parameters.get("password").ok_or(ReturnCode::PARAMETER_ERROR)?;
        let user = self.account.users.iter().find(|user| user.name == name).ok_or(ReturnCode::USERNAME_ERROE)?;
        if !proves(user, password) {
            return Err(ReturnCode::PASSWORD_ERROE);
        }
        let now = self.gateway.clock.elapsed();
        let token = self.gateway.logins.log_in(&self.account.key, name, now, self.behaviour.login_lifetime);
        token.ok_or(ReturnCode::API_SYSTEM_CALL_ERROR)
    }

    const fn token_field(&self) -> &'static str {
        match self.behaviour.login_token_field {
            LoginTokenField::Token => "token",
            LoginTokenField::Authenticator => "authenticator",
        }
    }

    fn expiry(&self) -> Option<Value> {
        let end = SignedDuration::try_from(self.behaviour.login_lifetime).ok();
        let end = end.and_then(|lifetime| self.instant.checked_add(lifetime).ok()).unwrap_or(Timestamp::MAX);
        match self.behaviour.login_expiry {
            LoginExpiry::Milliseconds => Some(json!(end.as_millisecond())),
            LoginExpiry::Seconds => Some(json!(end.as_second())),
            LoginExpiry::Date => Some(json!(civil(end).strftime(DATE_TIME).to_string())),
            LoginExpiry::Missing => None,
        }
    }
}

// `None` when the system has no random bytes.
fn new_token() -> Option<String> {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).ok()?;
    Some(base16ct::lower::encode_string(&bytes))
}

/// The tokens of users who have logged in: one per user, so their number is bounded by the configuration.
#[derive(Default)]
pub struct Logins(Mutex<HashMap<User, UserLogin>>);

#[derive(PartialEq, Eq, Hash)]
struct User {
    key: String,
    name: String,
}

struct UserLogin {
    token: String,
    end: Duration,
}

impl Logins {
    /// Whether a token was issued to a user of this key and has not expired at `now`.
    pub fn hold(&self, token: &str, key: &str, now: Duration) -> bool {
        let logins = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        logins.iter().any(|(user, login)| user.key == key && login.token == token && now < login.end)
    }

    /// Removes every token.
    pub fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    // A login before the expiry of the last one returns the same token and extends it; this is a guess.
    fn log_in(&self, key: &str, name: &str, now: Duration, lifetime: Duration) -> Option<String> {
        let user = User { key: key.to_owned(), name: name.to_owned() };
        let mut logins = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let last = logins.remove(&user).filter(|login| now < login.end).map(|login| login.token);
        let token = last.or_else(new_token)?;
        logins.insert(user, UserLogin { token: token.clone(), end: now.saturating_add(lifetime) });
        Some(token)
    }
}
