//! `[telemetry]`: where spans go, and of how many requests.

use super::headers::{self, Headers};
use crate::http_client::loopback::is_exposed;
use crate::settings::{Section, http_url};

const DEFAULT_NAME: &str = "storegate";

/// Where an OTLP collector takes spans, below its address.
const PATH: &str = "/v1/traces";

/// `[telemetry]`: where spans are sent, and of how many requests.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceSettings {
    /// `traces`: the collector's address, such as `http://collector:4318`; with the path to which spans are posted. None
    /// unless set.
    pub collector: Option<String>,
    /// `traces_headers`: what the collector wants to see with each batch. None unless set.
    pub(super) headers: Headers,
    /// `traces_sampled`: of how many requests without a trace of their caller's a trace is recorded, from 0 to 1. Default 1,
    /// as for OpenTelemetry's own programs: whoever names a collector wants to see something.
    pub sampled: f64,
    /// `traces_trust_callers`: whether a caller's decision counts before its token is found good, such as behind a gateway of
    /// one's own that makes all decisions. Default false.
    pub trusts_callers: bool,
    /// `service_name`: what the collector calls this service. Default `storegate`.
    pub service_name: String,
}

impl Default for TraceSettings {
    fn default() -> Self {
        Self {
            collector: None,
            headers: Headers::new(),
            sampled: 1.0,
            trusts_callers: false,
            service_name: DEFAULT_NAME.to_owned(),
        }
    }
}

impl TraceSettings {
    /// Reads the section `[telemetry]`.
    pub fn read(section: &Section<'_>) -> Self {
        Self {
            collector: section.text("traces").and_then(|url| read_collector(section, &url)),
            headers: headers::read(&section.section("traces_headers")),
            sampled: section.number("traces_sampled", 0.0..=1.0, 1.0),
            trusts_callers: section.flag("traces_trust_callers", false),
            service_name: section.text("service_name").unwrap_or_else(|| DEFAULT_NAME.to_owned()),
        }
    }

    /// Whether `traces_headers`, which may hold a token, cross a network unencrypted.
    pub fn exposes_headers(&self) -> bool {
        !self.headers.is_empty() && self.collector.as_deref().is_some_and(is_exposed)
    }

    /// The settings that differ and wait for a restart.
    pub fn fixed_differences(&self, other: &Self) -> Vec<&'static str> {
        let differing = [
            ("telemetry.traces", self.collector != other.collector),
            ("telemetry.traces_headers", self.headers != other.headers),
            ("telemetry.traces_sampled", (self.sampled - other.sampled).abs() > 0.0),
            ("telemetry.traces_trust_callers", self.trusts_callers != other.trusts_callers),
            ("telemetry.service_name", self.service_name != other.service_name),
        ];
        differing.into_iter().filter_map(|(name, differs)| differs.then_some(name)).collect()
    }
}

fn read_collector(section: &Section<'_>, url: &str) -> Option<String> {
    const HELP: &str = "write the collector's address for OTLP over HTTP, such as http://collector:4318";
    match http_url::parse(url) {
        Ok(uri) if uri.query().is_none() => {}
        Ok(_) => {
            section.problem("traces", format!("the URL has a query; {HELP}"));
            return None;
        }
        Err(error) => {
            section.problem("traces", format!("{error}; {HELP}"));
            return None;
        }
    }
    let base = url.trim_end_matches('/');
    Some(if base.ends_with(PATH) { base.to_owned() } else { format!("{base}{PATH}") })
}

#[cfg(test)]
mod tests {
    use super::TraceSettings;
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
            assert_eq!(settings.fixed_differences(&TraceSettings::default()).len(), 2);
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
        for text in texts.into_iter().chain(["traces_sampled = 1.5", "traces_sampled = -1", "traces_sampled = \"few\""])
        {
            assert_eq!(read(text).unwrap_err().len(), 1, "{text}");
        }
        assert!(read("traces_sampled = \"0.25\"").is_ok_and(|settings| (settings.sampled - 0.25).abs() < 1e-9));
        assert!(read("traces_sampled = 1").is_ok());
    }
}
