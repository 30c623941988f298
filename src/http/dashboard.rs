//! The dashboard that the demo serves at `/`: an example of what a frontend team can build on the API, in plain HTML
//! and JavaScript.
//!
//! It calls the API with a token as any other client does. No token is part of these files.

use super::pages::{HTML, StaticPage};

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// The page.
const INDEX: &str = include_str!("dashboard/index.html");

macro_rules! files {
    ($($name:literal: $kind:ident),+ $(,)?) => {
        &[$(($name, $kind, include_str!(concat!("dashboard/", $name)))),+]
    };
}

/// The files that the page loads.
const FILES: &[(&str, &str, &str)] = files![
    "api.js": SCRIPT,
    "dashboard.css": STYLE,
    "dashboard.js": SCRIPT,
    "demographics.js": SCRIPT,
    "figures.css": STYLE,
    "format.js": SCRIPT,
    "health.js": SCRIPT,
    "inspections.js": SCRIPT,
    "live.js": SCRIPT,
    "session.js": SCRIPT,
    "settings.js": SCRIPT,
    "templates.js": SCRIPT,
    "visitors.js": SCRIPT,
];

/// Returns the page.
pub fn index() -> StaticPage {
    StaticPage::new(HTML, INDEX)
}

/// Returns a file of the page by its name.
pub fn file(name: &str) -> Option<StaticPage> {
    let (_, kind, text) = FILES.iter().find(|(known, ..)| *known == name)?;
    Some(StaticPage::new(*kind, *text))
}

#[cfg(test)]
mod tests {
    use super::FILES;
    use std::collections::BTreeSet;
    use std::path::Path;

    #[test]
    fn every_file_of_the_page_is_served() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http/dashboard");
        let there = std::fs::read_dir(directory).unwrap();
        let there: BTreeSet<String> = there.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        let served = FILES.iter().map(|(name, ..)| (*name).to_owned()).chain(["index.html".to_owned()]);
        assert_eq!(served.collect::<BTreeSet<_>>(), there);
    }
}
