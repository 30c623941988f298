//! Shows and changes the behaviour as one JSON object, with durations such as `"300ms"` and `"-2h"`.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::Behaviour;
use crate::sandbox::durations::{parse_clock_skew, parse_lateness, parse_timestamp_window, written, written_skew};
use crate::sandbox::fields::ObjectFields;
use crate::sandbox::oms;
use crate::sandbox::settings::{AcceptedTimestamp, LoginExpiry, LoginTokenField, OmsServer};
use crate::settings::parse_duration;

const FORM: &str = r#"a change is a JSON object such as {"latency":"300ms"}"#;

const SERVERS: [(&str, OmsServer); 2] = [("published", OmsServer::Published), ("documented", OmsServer::Documented)];

const FORMS: [(&str, AcceptedTimestamp); 3] =
    [("unix", AcceptedTimestamp::Unix), ("compact", AcceptedTimestamp::Compact), ("both", AcceptedTimestamp::Both)];

const TOKEN_FIELDS: [(&str, LoginTokenField); 2] =
    [("token", LoginTokenField::Token), ("authenticator", LoginTokenField::Authenticator)];

const EXPIRIES: [(&str, LoginExpiry); 4] = [
    ("milliseconds", LoginExpiry::Milliseconds),
    ("seconds", LoginExpiry::Seconds),
    ("date", LoginExpiry::Date),
    ("missing", LoginExpiry::Missing),
];

/// The object with everything that can be changed, by name.
pub fn shown(behaviour: &Behaviour) -> Value {
    json!({
        "latency": written(behaviour.latency),
        "clock_skew": written_skew(behaviour.clock_skew),
        "opretail_replay_window": written(behaviour.opretail_replay_window),
        "oms_replay_window": written(behaviour.oms_replay_window),
        "opretail_timestamp_window": written(behaviour.opretail_timestamp_window),
        "oms_timestamp_window": written(behaviour.oms_timestamp_window),
        "oms": name_of(behaviour.oms_server, &SERVERS),
        "oms_timestamp_form": name_of(oms::timestamp_form(behaviour), &FORMS),
        "require_login": behaviour.require_login,
        "login_lifetime": written(behaviour.login_lifetime),
        "login_token_field": name_of(behaviour.login_token_field, &TOKEN_FIELDS),
        "login_expiry": name_of(behaviour.login_expiry, &EXPIRIES),
    })
}

/// Changes the named values of a JSON object and leaves the rest.
///
/// # Errors
/// A sentence that says what is wrong and what to write.
pub fn changed(behaviour: &mut Behaviour, text: &str) -> Result<(), String> {
    let changes = ObjectFields::read(text, FORM)?;
    changes.iter().try_for_each(|(name, value)| set(behaviour, name, value))
}

fn set(behaviour: &mut Behaviour, name: &str, value: &Value) -> Result<(), String> {
    let result = match name {
        "latency" => text(value).and_then(parse_lateness).map(|value| behaviour.latency = value),
        "clock_skew" => text(value).and_then(parse_clock_skew).map(|value| behaviour.clock_skew = value),
        "opretail_replay_window" => duration(value).map(|value| behaviour.opretail_replay_window = value),
        "oms_replay_window" => duration(value).map(|value| behaviour.oms_replay_window = value),
        "opretail_timestamp_window" => window(value).map(|value| behaviour.opretail_timestamp_window = value),
        "oms_timestamp_window" => window(value).map(|value| behaviour.oms_timestamp_window = value),
        "oms" => choice(value, &SERVERS).map(|value| behaviour.oms_server = value),
        "oms_timestamp_form" => choice(value, &FORMS).map(|value| behaviour.oms_timestamp_form = Some(value)),
        "require_login" => switch(value).map(|value| behaviour.require_login = value),
        "login_lifetime" => duration(value).map(|value| behaviour.login_lifetime = value),
        "login_token_field" => choice(value, &TOKEN_FIELDS).map(|value| behaviour.login_token_field = value),
        "login_expiry" => choice(value, &EXPIRIES).map(|value| behaviour.login_expiry = value),
        _ => return Err(unknown(behaviour, name)),
    };
    result.map_err(|message| format!("`{name}`: {message}"))
}

fn unknown(behaviour: &Behaviour, name: &str) -> String {
    let known = shown(behaviour);
    let known: Vec<&str> = known.as_object().into_iter().flat_map(Map::keys).map(String::as_str).collect();
    format!("there is no behaviour `{name}`; there are {}", known.join(", "))
}

fn text(value: &Value) -> Result<&str, String> {
    value.as_str().ok_or_else(|| "write it in quotes, such as \"30s\"".to_owned())
}

fn duration(value: &Value) -> Result<Duration, String> {
    text(value).and_then(parse_duration)
}

fn window(value: &Value) -> Result<Duration, String> {
    text(value).and_then(parse_timestamp_window)
}

fn switch(value: &Value) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| "write true or false".to_owned())
}

fn choice<T: Copy>(value: &Value, choices: &[(&str, T)]) -> Result<T, String> {
    let chosen = choices.iter().find(|(name, _)| value == name).map(|(_, choice)| *choice);
    chosen.ok_or_else(|| {
        let names: Vec<String> = choices.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        format!("write {}", names.join(" or "))
    })
}

fn name_of<T: Copy + PartialEq>(choice: T, choices: &[(&'static str, T)]) -> Option<&'static str> {
    choices.iter().find(|(_, candidate)| *candidate == choice).map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::SignedDuration;
    use serde_json::json;

    use super::{Behaviour, changed, shown};
    use crate::sandbox::settings::{AcceptedTimestamp, LoginExpiry, LoginTokenField, OmsServer, SandboxSettings};

    fn start() -> Behaviour {
        Behaviour::from(&SandboxSettings::default())
    }

    #[test]
    fn all_of_it_is_shown_in_the_form_in_which_it_is_changed() {
        let everything = json!({
            "latency": "300ms",
            "clock_skew": "-2h",
            "opretail_replay_window": "0s",
            "oms_replay_window": "1m",
            "opretail_timestamp_window": "2m",
            "oms_timestamp_window": "3m",
            "oms": "documented",
            "oms_timestamp_form": "compact",
            "require_login": true,
            "login_lifetime": "4m",
            "login_token_field": "authenticator",
            "login_expiry": "date",
        });
        let mut behaviour = start();
        changed(&mut behaviour, &everything.to_string()).unwrap();
        assert_eq!(shown(&behaviour), everything);
        let expected = Behaviour {
            latency: Duration::from_millis(300),
            clock_skew: SignedDuration::from_hours(-2),
            opretail_replay_window: Duration::ZERO,
            oms_replay_window: Duration::from_secs(60),
            opretail_timestamp_window: Duration::from_secs(120),
            oms_timestamp_window: Duration::from_secs(180),
            oms_server: OmsServer::Documented,
            oms_timestamp_form: Some(AcceptedTimestamp::Compact),
            require_login: true,
            login_lifetime: Duration::from_secs(240),
            login_token_field: LoginTokenField::Authenticator,
            login_expiry: LoginExpiry::Date,
        };
        assert_eq!(behaviour, expected);
    }

    #[test]
    fn what_is_not_named_stays() {
        let mut behaviour = start();
        changed(&mut behaviour, r#"{"require_login":true}"#).unwrap();
        assert_eq!(behaviour, Behaviour { require_login: true, ..start() });
    }

    #[test]
    fn a_wrong_change_is_explained() {
        let wrong = [
            ("[]", "such as {\"latency\":\"300ms\"}"),
            ("", "this cannot be read as JSON at line 1, column 0; a change is"),
            (r#"{"latency":"1s","latency":"2s"}"#, "`latency` is written twice"),
            (r#"{"latency":"11m"}"#, "`latency`: an answer can be late by 10m at most"),
            (r#"{"opretail_timestamp_window":"0s"}"#, "`opretail_timestamp_window`: a window of 0s refuses"),
            (r#"{"oms_timestamp_window":"0s"}"#, "`oms_timestamp_window`: a window of 0s refuses"),
            (r#"{"delay":"1s"}"#, "there is no behaviour `delay`; there are "),
            (r#"{"latency":300}"#, "`latency`: write it in quotes"),
            (r#"{"latency":"300"}"#, "`latency`: write a number and a unit"),
            (r#"{"clock_skew":"2"}"#, "`clock_skew`: write a number and a unit"),
            (r#"{"oms_timestamp_form":"iso"}"#, "`oms_timestamp_form`: write \"unix\" or \"compact\" or \"both\""),
            (r#"{"login_token_field":"data"}"#, "`login_token_field`: write \"token\" or \"authenticator\""),
            (
                r#"{"login_expiry":0}"#,
                "`login_expiry`: write \"milliseconds\" or \"seconds\" or \"date\" or \"missing\"",
            ),
            (r#"{"oms":"real"}"#, "`oms`: write \"published\" or \"documented\""),
            (r#"{"require_login":"yes"}"#, "`require_login`: write true or false"),
        ];
        for (text, sentence) in wrong {
            let message = changed(&mut start(), text).unwrap_err();
            assert!(message.contains(sentence), "{text}: {message}");
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let message = changed(&mut start(), r#"{"delay":"1s"}"#).unwrap_err();
        for name in shown(&start()).as_object().unwrap().keys() {
            assert!(message.contains(name), "{name} in {message}");
        }
    }
}
