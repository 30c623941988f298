//! `[telemetry.traces_headers]`: the headers that a collector requires with each batch, such as a token. The values are
//! secrets.

use std::collections::BTreeSet;

use actix_web::http::header::{
    CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderName, HeaderValue, TRANSFER_ENCODING,
};
use secrecy::ExposeSecret as _;

use crate::settings::Section;

/// Headers that describe how a batch is encoded and sent, which the configuration must not change.
const OURS: [HeaderName; 6] = [CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST, TRANSFER_ENCODING];

/// Names and values of headers. `Debug` does not print the values.
pub type Headers = Vec<(HeaderName, HeaderValue)>;

/// Reads each setting of the section as a header, by its value or from a file.
pub(super) fn read(telemetry: &Section<'_>) -> Headers {
    let section = &telemetry.section("traces_headers");
    let keys = section.names();
    let keys: BTreeSet<&str> = keys.iter().map(|key| key.strip_suffix("_file").unwrap_or(key)).collect();
    keys.into_iter().filter_map(|key| read_one(section, key)).collect()
}

fn read_one(section: &Section<'_>, key: &str) -> Option<(HeaderName, HeaderValue)> {
    let secret = section.secret(key);
    // Environment variables have no dash in their names.
    let Ok(name) = HeaderName::try_from(key.replace('_', "-")) else {
        section.problem(
            &section.given_as(key),
            "this is no name of a header: write one such as authorization or x-api-key",
        );
        return None;
    };
    if OURS.contains(&name) {
        section.problem(&section.given_as(key), "this header is set by storegate itself: leave it out");
        return None;
    }
    let Ok(mut value) = HeaderValue::try_from(secret?.expose_secret()) else {
        section.problem_in(key, "a header's value is one line of visible characters");
        return None;
    };
    value.set_sensitive(true);
    Some((name, value))
}

#[cfg(test)]
mod tests {
    use super::{Headers, read};
    use crate::settings::{Report, Section};
    use toml::Table;

    fn headers(text: &str) -> Result<Headers, Vec<String>> {
        let table: Table = format!("[traces_headers]\n{text}").parse().unwrap();
        let report = Report::default();
        let headers = read(&Section::root(&table, &report));
        report.finish(&table).map(|_| headers).map_err(|problems| problems.0)
    }

    #[test]
    fn each_setting_is_a_header_whose_value_is_not_shown() {
        let headers = headers("authorization = \"Basic planted\"\nx_api_key = \"planted\"").unwrap();
        let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["authorization", "x-api-key"]);
        assert_eq!(headers[0].1.to_str().unwrap(), "Basic planted");
        assert!(!format!("{headers:?}").contains("planted"), "{headers:?}");
    }

    #[test]
    fn what_can_be_no_header_is_a_problem_that_does_not_show_the_value() {
        for text in [
            "\"a b\" = \"planted\"",
            "content-type = \"planted\"",
            "host = \"planted\"",
            "authorization = \"planted\\nx: y\"",
            "authorization = \"\"",
            "authorization = \"planted\"\nauthorization_file = \"planted\"",
            "authorization_file = \"/planted/nowhere\"",
        ] {
            let problems = headers(text).unwrap_err();
            assert!(!problems.is_empty(), "{text}");
            assert!(text.contains("nowhere") || !problems.concat().contains("planted"), "{problems:?}");
        }
    }
}
