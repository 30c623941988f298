//! Users of OPRetail's shop web: the two methods that log one in, and the tokens that they were given.

#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use md5::{Digest, Md5};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::Call;
use super::codes::ReturnCode;
use crate::sandbox::settings::OpRetailUser;

/// Logs in with the password itself.
pub const MOBILE: &str = "open.shopweb.security.mobileLogin";
/// Logs in with the MD5 of the password, and says when the token ends.
pub const SINGLE_SIGN_ON: &str = "open.shopweb.security.ssoLogin";

const OF_THE_SHOP_WEB: &str = "open.shopweb.";

// A client that logs in for every call would fill the memory otherwise.
const MOST_LOGINS: usize = 10_000;

/// Whether a method wants a user's token, where logins are required.
pub fn is_needed(method: &str) -> bool {
    method.starts_with(OF_THE_SHOP_WEB) && method != MOBILE && method != SINGLE_SIGN_ON
}

/// `open.shopweb.security.mobileLogin`.
pub fn mobile(call: &Call<'_>) -> Result<Value, ReturnCode> {
    let token = call.log_in(|user, password| password == user.password.expose_secret())?;
    Ok(json!({"token": token}))
}

/// `open.shopweb.security.ssoLogin`.
pub fn single_sign_on(call: &Call<'_>) -> Result<Value, ReturnCode> {
    let token = call.log_in(|user, digest| {
        let expected = Md5::digest(user.password.expose_secret());
        digest.eq_ignore_ascii_case(&base16ct::lower::encode_string(&expected))
    })?;
    let lifetime = i64::try_from(call.behaviour.login_lifetime.as_millis()).unwrap_or(i64::MAX);
    let end = call.instant.as_millisecond().saturating_add(lifetime);
    Ok(json!({"token": token, "tokenExpirationTimestamp": end}))
}

impl Call<'_> {
    fn log_in(&self, proves: impl FnOnce(&OpRetailUser, &str) -> bool) -> Result<String, ReturnCode> {
        let name = self.form.get("userName").ok_or(ReturnCode::PARAMETER_ERROR)?;
        let password = self.form.get("password").ok_or(ReturnCode::PARAMETER_ERROR)?;
        let user = self.account.users.iter().find(|user| user.name == name).ok_or(ReturnCode::USERNAME_ERROE)?;
        if !proves(user, password) {
            return Err(ReturnCode::PASSWORD_ERROE);
        }
        let token = new_token().ok_or(ReturnCode::API_SYSTEM_CALL_ERROR)?;
        let end = self.gateway.clock.elapsed().saturating_add(self.behaviour.login_lifetime);
        self.gateway.logins.keep(token.clone(), &self.account.key, end);
        Ok(token)
    }
}

// `None` when the system gives no random bytes.
fn new_token() -> Option<String> {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).ok()?;
    Some(base16ct::lower::encode_string(&bytes))
}

/// The tokens that were given to users and have not been forgotten.
#[derive(Default)]
pub struct Logins(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    by_token: HashMap<String, Login>,
    by_age: VecDeque<String>,
}

struct Login {
    key: String,
    end: Duration,
}

impl Logins {
    /// Whether a token was given to a user of this key and has not ended at `now`.
    pub fn hold(&self, token: &str, key: &str, now: Duration) -> bool {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.by_token.get(token).is_some_and(|login| login.key == key && now < login.end)
    }

    /// Forgets every token.
    pub fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Kept::default();
    }

    fn keep(&self, token: String, key: &str, end: Duration) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.by_age.len() >= MOST_LOGINS
            && let Some(oldest) = kept.by_age.pop_front()
        {
            kept.by_token.remove(&oldest);
        }
        kept.by_age.push_back(token.clone());
        kept.by_token.insert(token, Login { key: key.to_owned(), end });
    }
}
