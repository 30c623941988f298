//! The login or token exchange that some methods need beside the signature, as a pack says it.

use std::time::Duration;

use jiff::tz::TimeZone;
use secrecy::SecretString;
use serde_json::value::RawValue;

use super::call::{HttpMethod, LoginAnswer, TokenExpiryHint};
use super::encoding::Carrier;
use super::members::{MemberIndex, Members};
use super::template::Template;
use super::time::moment;
use crate::gateway::vendor::CredentialField;
use crate::json::odd_values;

/// `[login]` of a pack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginForm {
    /// `section`: the section of an account's configuration that switches the login on; `None` for a token exchange,
    /// which every account makes.
    pub section: Option<String>,
    /// `[login.fields]`: the fields of the section.
    pub fields: Vec<CredentialField>,
    /// `token_file`: whether another program renews the token, and accounts have it as a setting; there are no calls
    /// then.
    pub is_given: bool,
    /// `[[login.call]]`: the calls that log in, selected by `method` of the section; the first is the default.
    pub calls: Vec<LoginCall>,
    /// `needed_by`: prefixes of the methods that need the login; empty for all methods.
    pub needed_by: Vec<String>,
    /// `not_by`: prefixes of the methods that do not need it.
    pub not_by: Vec<String>,
    /// `[login.headers]`: the headers that carry the token.
    pub headers: Vec<(String, Template)>,
    /// `[login.parameters]`: the parameters that carry the token.
    pub parameters: Vec<(String, Template)>,
    /// `[login.answer]`: how the answer is read.
    pub answer: LoginAnswerForm,
}

/// One way to log in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginCall {
    /// The value of `method` in the account's section that selects this call.
    pub choice: String,
    /// The vendor's name of the method.
    pub method: String,
    /// The version of the method.
    pub version: String,
    /// The index of its endpoint.
    pub endpoint: usize,
    /// The path after the URL of the endpoint, if it differs from the path of `[call]`.
    pub path: Option<Template>,
    /// Its parameters.
    pub parameters: Vec<(String, Template)>,
    /// `http`: how it is called.
    pub http: HttpMethod,
    /// `carrier`: where its parameters are sent, if it is bare and they are not sent where those of methods are.
    pub carrier: Option<Carrier>,
    /// Whether the call is sent without the parameters of `[call]` and without a signature.
    pub is_bare: bool,
}

/// Where the token and its expiry are in the data of a login.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoginAnswerForm {
    /// The members that are read.
    pub members: Members,
    /// `token`: where the token is.
    pub token: Vec<MemberIndex>,
    /// `ends`: where the time of expiry is, with the names of the members.
    pub ends: Vec<(MemberIndex, String)>,
    /// `seconds`: where the lifetime in seconds is, with the names of the members.
    pub seconds: Vec<(MemberIndex, String)>,
}

impl LoginForm {
    /// Whether a method needs the token.
    pub fn is_needed_by(&self, method: &str) -> bool {
        let begins = |names: &[String]| names.iter().any(|name| method.starts_with(name.as_str()));
        let is_own = self.calls.iter().any(|call| call.method == method);
        (self.needed_by.is_empty() || begins(&self.needed_by)) && !begins(&self.not_by) && !is_own
    }
}

impl LoginAnswerForm {
    /// Reads the data of a login; `None` when it holds no token that fits in a header. Times are in `zone`.
    pub fn read(&self, data: &str, zone: &TimeZone) -> Option<LoginAnswer> {
        let _whole: &RawValue = serde_json::from_str(data).ok()?;
        let texts = self.members.texts(data);
        let text = |slot: MemberIndex| texts.get(slot).cloned().flatten();
        let fits = |token: &String| !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
        let token = self.token.iter().filter_map(|slot| text(*slot)).find(fits)?;
        let at = || noted(&self.ends, &text, |text| moment(text, zone)).map(TokenExpiryHint::At);
        let after = || {
            let seconds = |text: &str| text.parse().ok().map(Duration::from_secs);
            noted(&self.seconds, &text, seconds).map(TokenExpiryHint::After)
        };
        let ends = at().or_else(after).unwrap_or(TokenExpiryHint::Unknown);
        Some(LoginAnswer { token: SecretString::from(token), ends })
    }
}

/// The first of the members that can be read; others with a value are noted as odd.
fn noted<T>(
    members: &[(MemberIndex, String)],
    text: &impl Fn(MemberIndex) -> Option<String>,
    read: impl Fn(&str) -> Option<T>,
) -> Option<T> {
    members.iter().find_map(|(slot, name)| {
        let read = read(&text(*slot)?);
        if read.is_none() {
            odd_values::note(name);
        }
        read
    })
}
