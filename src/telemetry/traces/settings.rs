//! `[telemetry]`: where spans go, and of how many requests.

use std::collections::BTreeMap;

use super::headers::{self, Headers};
use crate::http_client::loopback::is_exposed;
use crate::settings::{Section, http_url, section};

/// The path of an OTLP collector for traces, below its address.
const PATH: &str = "/v1/traces";

section! {
    /// Where spans are sent, and of how many requests.
    #[derive(Clone, Debug, PartialEq)]
    pub struct TraceSettings in "telemetry" on reload {
        /// The address of an OTLP collector (HTTP, protobuf); spans are posted to `/v1/traces` below it.
        collector("traces"): Option<String>, example "http://collector:4318", by read_collector, after restart;
        // All by default, as with OpenTelemetry's own programs: an operator who names a collector wants to see traces.
        /// The share of requests that are traced if their caller does not decide; `0.1` is a tenth.
        sampled("traces_sampled"): f64 = 1.0, from 0.0 to 1.0 else "this is a number from 0 to 1", after restart;
        /// Whether a caller's `traceparent` decides even before its token is verified, as behind your own gateway that
        /// makes all decisions.
        trusts_callers("traces_trust_callers"): bool = false, after restart;
        /// The name of this service at the collector.
        service_name: String = "storegate", after restart;
        /// Headers that are sent with each batch, each as its value or, with `_file` after its name, as the path of a
        /// file with it.
        headers("traces_headers"): Headers as BTreeMap<String, String>, example { authorization_file = "/run/secrets/traces" }, by headers::read,
            after restart;
    }
}

impl TraceSettings {
    /// Whether `traces_headers`, which may hold a token, are sent over a network without TLS.
    pub fn exposes_headers(&self) -> bool {
        !self.headers.is_empty() && self.collector.as_deref().is_some_and(is_exposed)
    }
}

fn read_collector(section: &Section<'_>) -> Option<String> {
    const HELP: &str = "write the collector's address for OTLP over HTTP, such as http://collector:4318";
    let url = section.text("traces")?;
    if let Err(error) = http_url::parse_plain(&url) {
        section.problem("traces", format!("{error}; {HELP}"));
        return None;
    }
    let base = url.trim_end_matches('/');
    Some(if base.ends_with(PATH) { base.to_owned() } else { format!("{base}{PATH}") })
}

#[cfg(test)]
mod tests {
    use super::TraceSettings;
    use crate::settings::SectionSettings as _;
    use crate::settings::{Report, Section};
    use toml::Table;

    fn read(text: &str) -> Result<TraceSettings, Vec<String>> {
        let table: Table = text.parse().unwrap();
        let report = Report::default();
        let settings = TraceSettings::read(&Section::root(&table, &report));
        report.finish(&table).map(|_| settings).map_err(|problems| problems.0)
    }

    #[test]
    fn spans_are_posted_below_the_collectors_address() {
        for url in ["http://collector:4318", "http://collector:4318/", "http://collector:4318/v1/traces"] {
            let settings = read(&format!("traces = {url:?}\ntraces_sampled = 0.1")).unwrap();
            assert_eq!(settings.collector.as_deref(), Some("http://collector:4318/v1/traces"), "{url}");
            assert_eq!(settings.waiting(&TraceSettings::default()), ["telemetry.traces", "telemetry.traces_sampled"]);
        }
        assert_eq!(read("").unwrap(), TraceSettings::default());
    }

    #[test]
    fn what_is_no_address_and_no_share_is_a_problem() {
        let texts = [
            "traces = \"collector:4318\"",
            "traces = \"http://u:p@collector\"",
            "traces = \"grpc://collector\"",
            "traces = \"http://collector:43l8\"",
            "traces = \"http://collector#f\"",
        ];
        for text in texts.into_iter().chain([
            "traces_sampled = 1.5",
            "traces_sampled = -1",
            "traces_sampled = nan",
            "traces_sampled = \"few\"",
        ]) {
            assert_eq!(read(text).unwrap_err().len(), 1, "{text}");
        }
        assert!(read("traces_sampled = \"0.25\"").is_ok_and(|settings| (settings.sampled - 0.25).abs() < 1e-9));
        assert!(read("traces_sampled = 1").is_ok());
    }
}
