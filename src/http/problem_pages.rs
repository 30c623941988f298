//! `/problems/{type}`: a page for each type of error that says what it means and what to do. Its links are relative, so
//! that they work behind any prefix.

use super::problem_type::ProblemType;

const HEAD: &str = "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><style>\
body{font:1rem/1.6 system-ui,sans-serif;max-width:44rem;margin:3rem auto;padding:0 1rem;color:#1b1f24;background:#fff}\
code{background:#f1f3f5;padding:.1em .35em;border-radius:4px}h1{line-height:1.25}\
table{border-collapse:collapse;width:100%}th,td{padding:.35rem .5rem .35rem 0;text-align:left;vertical-align:top}td{border-top:1px solid #d8dee4}\
@media(prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}code{background:#21262d}a{color:#58a6ff}\
td{border-color:#30363d}}</style>";

/// Renders the page of one type, or `None` if there is no such type.
pub fn page(slug: &str) -> Option<String> {
    let kind = ProblemType::ALL.iter().find(|kind| kind.slug() == slug)?;
    let (title, status) = (text(kind.title()), kind.status());
    let (meaning, remedy) = (text(kind.meaning()), text(kind.remedy()));
    Some(format!(
        "{HEAD}<title>{title}</title></head><body><nav><a href=\"../problems\">All problems</a> · <a href=\"../docs/\">API</a></nav><main><h1>{title}</h1>\
         <p>Status <code>{status}</code>, type <code>/problems/{slug}</code></p>\
         <h2>What it means</h2><p>{meaning}</p><h2>What to do</h2><p>{remedy}</p></main></body></html>"
    ))
}

/// Renders the list of all types.
pub fn index() -> String {
    let rows = ProblemType::ALL.iter().map(|kind| {
        let (slug, status, title) = (kind.slug(), kind.status(), text(kind.title()));
        format!("<tr><td>{status}</td><td><a href=\"problems/{slug}\">{slug}</a></td><td>{title}</td></tr>")
    });
    let rows: String = rows.collect();
    format!(
        "{HEAD}<title>Problems</title></head><body><nav><a href=\"docs/\">API</a></nav><main><h1>Problems</h1>\
         <p>What an error of this service may be, by the <code>type</code> that stands in it.</p>\
         <table><thead><tr><th scope=\"col\">Status</th><th scope=\"col\">Type</th><th scope=\"col\">What it says</th></tr></thead>\
         <tbody>{rows}</tbody></table></main></body></html>"
    )
}

/// Escapes a text, and marks text between backquotes as code.
fn text(plain: &str) -> String {
    let escaped = plain.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    let escaped = escaped.replace(" /docs", " <a href=\"../docs/\">/docs</a>");
    let parts = escaped.split('`').enumerate();
    parts.map(|(place, part)| if place % 2 == 1 { format!("<code>{part}</code>") } else { part.to_owned() }).collect()
}

#[cfg(test)]
mod tests {
    use super::{ProblemType, index, page};

    #[test]
    fn every_type_has_a_page_and_stands_in_the_list() {
        let index = index();
        for kind in ProblemType::ALL {
            let page = page(kind.slug()).unwrap();
            assert!(page.contains("What to do") && page.contains(&kind.status().to_string()));
            assert!(!page.contains('`'), "{page}");
            assert!(index.contains(&format!("\"problems/{}\"", kind.slug())));
        }
        assert!(super::page("no-such-type").is_none());
    }
}
