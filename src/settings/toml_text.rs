//! The text of a configuration or of a pack as TOML.

use toml::Table;

use super::report::Problems;

/// The text as TOML; `name` is what it is called in errors.
///
/// # Errors
/// It is not TOML. The parser's full message shows the line, which may hold a secret; so only its number is told.
pub fn parse_toml(text: &str, name: &str) -> Result<Table, Problems> {
    text.parse().map_err(|error: toml::de::Error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        Problems(vec![format!("{name}: line {line} is not TOML: {}", error.message())])
    })
}
