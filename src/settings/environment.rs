//! Lays environment variables (`STOREGATE__SECTION__KEY`) over the table that the file gave.
//! Values stay text; the reader of each setting knows its type.

use std::collections::BTreeMap;
use std::ffi::OsString;

use toml::{Table, Value};

const PREFIX: &str = "STOREGATE__";

/// What begins like a variable of ours.
const ALIKE: &str = "STOREGATE_";

/// Read by the command line itself.
const OF_COMMANDS: [&str; 1] = ["STOREGATE_CONFIG"];

/// The variables that begin like ours and have no effect: with one underscore in the place of two, or in small letters.
/// Those that Kubernetes sets for a Service that is named `storegate`, or begins so, are nobody's mistake.
pub fn strays(variables: &[(String, String)]) -> Vec<String> {
    let is_stray = |(name, value): &&(String, String)| {
        let upper = name.to_ascii_uppercase();
        upper.starts_with(ALIKE)
            && !name.starts_with(PREFIX)
            && !OF_COMMANDS.contains(&name.as_str())
            && !is_of_kubernetes(upper.trim_start_matches(ALIKE), value)
    };
    variables.iter().filter(is_stray).map(|(name, _)| name.clone()).collect()
}

/// `…SERVICE_HOST`, `…SERVICE_PORT`, `…SERVICE_PORT_HTTP`, `…PORT` (`tcp://…`), `…PORT_8080_TCP`, `…PORT_8080_TCP_ADDR`.
fn is_of_kubernetes(rest: &str, value: &str) -> bool {
    let parts: Vec<&str> = rest.split('_').collect();
    let is_service = parts.windows(2).any(|pair| matches!(pair, ["SERVICE", "HOST" | "PORT"]));
    let is_protocol = |part: &str| matches!(part, "TCP" | "UDP" | "SCTP");
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_port = parts
        .windows(3)
        .any(|three| matches!(three, ["PORT", number, protocol] if is_number(number) && is_protocol(protocol)));
    let is_address = ["tcp://", "udp://", "sctp://"].iter().any(|scheme| value.starts_with(scheme));
    is_service || is_port || (parts.last() == Some(&"PORT") && is_address)
}

/// A name with one underscore between all its words, by which a variable and the setting that was meant are compared.
pub fn in_one_line(name: &str) -> String {
    let words = name.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("_")
}

/// The variable for the setting of this dotted path.
pub fn variable_of(path: &str) -> String {
    format!("{PREFIX}{}", path.replace('.', "__").replace('-', "_").to_ascii_uppercase())
}

/// The variables that are text, and a problem for each of ours that is not: to leave it out would put a default in the place
/// of what somebody has set.
pub fn readable(variables: impl Iterator<Item = (OsString, OsString)>) -> (Vec<(String, String)>, Vec<String>) {
    let (mut readable, mut problems) = (Vec::new(), Vec::new());
    for (name, value) in variables {
        match (name.into_string(), value.into_string()) {
            (Ok(name), Ok(value)) => readable.push((name, value)),
            (Ok(name), Err(_)) if name.starts_with(PREFIX) => {
                problems.push(format!("the variable {name}: its value is not text in UTF-8"));
            }
            (Err(name), _) if name.to_string_lossy().starts_with(PREFIX) => {
                problems.push(format!("the variable {}: its name is not text in UTF-8", name.to_string_lossy()));
            }
            _ => {}
        }
    }
    (readable, problems)
}

/// Which setting came from which variable.
#[derive(Debug, Default)]
pub struct VariableOrigins {
    /// Dotted path of each value, and of each section that is there only because of a variable, to the variable's name.
    pub(super) variables: BTreeMap<String, String>,
    /// The paths of variables that have no effect, since something above them is no section.
    pub(super) without_place: Vec<String>,
}

/// Writes every `STOREGATE__…` variable into `table` and returns which dotted path came from which variable.
///
/// A part of a name is matched against an existing key without regard to case and with `_` for `-`,
/// since most shells allow neither lower case by custom nor a dash at all.
pub fn overlay(table: &mut Table, variables: impl Iterator<Item = (String, String)>) -> VariableOrigins {
    let mut ours: Vec<(String, String)> = variables.filter(|(name, _)| name.starts_with(PREFIX)).collect();
    // Sections before what is in them, so that the order of the variables decides nothing.
    ours.sort_by_cached_key(|(name, _)| (name.split("__").count(), name.clone()));
    let mut origins = VariableOrigins::default();
    for (name, value) in ours {
        let parts: Vec<&str> = name.split("__").skip(1).collect();
        let mut made = Vec::new();
        let (path, has_place) = place(table, "", &parts, value, &mut made);
        for section in made {
            origins.variables.entry(section).or_insert_with(|| name.clone());
        }
        if !has_place {
            origins.without_place.push(path.clone());
        }
        origins.variables.insert(path, name);
    }
    origins
}

/// Gives the dotted path of the value, and whether it could be written there; `made` gets the path of each section that was
/// made for it.
fn place(table: &mut Table, parent: &str, parts: &[&str], value: String, made: &mut Vec<String>) -> (String, bool) {
    let (Some(first), rest) = (parts.first(), parts.get(1..).unwrap_or_default()) else {
        return (parent.to_owned(), false);
    };
    let key = existing_key(table, first);
    let path = if parent.is_empty() { key.clone() } else { format!("{parent}.{key}") };
    if rest.is_empty() {
        table.insert(key, Value::String(value));
        return (path, true);
    }
    if !table.contains_key(&key) {
        made.push(path.clone());
    }
    match table.entry(key).or_insert_with(|| Value::Table(Table::new())) {
        Value::Table(inner) => place(inner, &path, rest, value, made),
        _ => (format!("{path}.{}", rest.join(".").to_lowercase()), false),
    }
}

fn existing_key(table: &Table, part: &str) -> String {
    let wanted = part.to_lowercase();
    let found = table.keys().find(|key| key.to_lowercase().replace('-', "_") == wanted);
    found.cloned().unwrap_or(wanted)
}

#[cfg(test)]
mod tests {
    #[cfg(unix)]
    use super::readable;
    use super::{overlay, strays};
    use toml::Table;

    #[test]
    fn a_variable_names_the_sections_that_it_makes_and_one_without_a_place_changes_nothing() {
        let text = "[server]\nlisten = \"a\"";
        let named = [("SRVER__LISTEN", "1"), ("SERVER__LISTEN__X__Y", "2"), ("CACHE__SIZE", "3"), ("CACHE", "4")];
        let given = |names: &[(&str, &str)]| {
            let mut table: Table = text.parse().unwrap();
            let variables = names.iter().map(|(name, value)| (format!("STOREGATE__{name}"), (*value).to_owned()));
            (overlay(&mut table, variables), table)
        };
        let (origins, table) = given(&named);
        assert_eq!(origins.variables["srver"], "STOREGATE__SRVER__LISTEN");
        assert_eq!(origins.variables["server.listen.x.y"], "STOREGATE__SERVER__LISTEN__X__Y");
        assert_eq!(origins.variables["cache"], "STOREGATE__CACHE");
        assert_eq!(origins.without_place, ["cache.size", "server.listen.x.y"]);
        assert_eq!(table["server"]["listen"].as_str(), Some("a"));
        let reversed: Vec<_> = named.into_iter().rev().collect();
        assert_eq!(given(&reversed).1, table, "whatever their order");
        assert!(!origins.variables.contains_key("server"), "it is the file's");
    }

    #[test]
    fn variables_of_other_programs_are_left_alone() {
        let mut table = Table::new();
        overlay(&mut table, [("PATH".to_owned(), "/bin".to_owned())].into_iter());
        assert!(table.is_empty());
    }

    #[test]
    fn what_begins_like_ours_is_a_stray_unless_kubernetes_set_it() {
        let given = |name: &str| {
            let value = if name.ends_with("PORT") { "tcp://10.0.0.1:8080" } else { "10.0.0.1" };
            strays(&[(name.to_owned(), value.to_owned())]).len()
        };
        for name in [
            "STOREGATE_SERVICE_HOST",
            "STOREGATE_SERVICE_PORT",
            "STOREGATE_SERVICE_PORT_HTTP",
            "STOREGATE_PORT",
            "STOREGATE_PORT_8080_TCP",
            "STOREGATE_PORT_8080_TCP_ADDR",
            "STOREGATE_PORT_8080_TCP_PROTO",
            "STOREGATE_REDIS_SERVICE_HOST",
            "STOREGATE_REDIS_PORT",
            "STOREGATE_REDIS_PORT_6379_TCP_PORT",
            "STOREGATE_CONFIG",
            "STOREGATE__SERVER__LISTEN",
            "STOREGATES",
            "PATH",
        ] {
            assert_eq!(given(name), 0, "{name}");
        }
        for name in ["STOREGATE_SERVER_LISTEN", "storegate__server__listen", "STOREGATE_PORTS", "STOREGATE_PORT_X_TCP"]
        {
            assert_eq!(given(name), 1, "{name}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_variable_of_ours_that_is_no_text_is_a_problem_and_its_value_is_not_shown() {
        use std::ffi::OsString;
        use std::os::unix::ffi::OsStringExt as _;
        let bytes = |text: &[u8]| OsString::from_vec(text.to_vec());
        let variables = [
            (bytes(b"STOREGATE__A"), bytes(b"planted-\xff")),
            (bytes(b"STOREGATE__\xff"), bytes(b"planted")),
            (bytes(b"STOREGATE__B"), bytes(b"text")),
            (bytes(b"OTHER"), bytes(b"\xff")),
            (bytes(b"\xff"), bytes(b"text")),
        ];
        let (read, problems) = readable(variables.into_iter());
        assert_eq!(read, [("STOREGATE__B".to_owned(), "text".to_owned())]);
        let expected = [
            "the variable STOREGATE__A: its value is not text in UTF-8",
            "the variable STOREGATE__\u{fffd}: its name is not text in UTF-8",
        ];
        assert_eq!(problems, expected);
    }
}
