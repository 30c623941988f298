//! What is generated from the tables of settings: the schema knows what the program knows.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use storegate::config::{Settings, is_renewed, tables};
use toml::Table;

fn committed(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

#[test]
fn every_setting_has_a_text_and_a_value_to_show() {
    for table in tables() {
        for setting in table.settings.iter().filter(|setting| setting.name != "*") {
            let name = format!("{}.{}", table.path, setting.name);
            assert!(setting.text.ends_with('.'), "{name}: {}", setting.text);
            let is_shown = setting.default.is_some() || setting.example.is_some();
            assert!(is_shown || table.path.ends_with("<vendor>"), "{name}");
        }
    }
}

#[test]
fn a_reload_renews_callers_tenants_directories_and_the_log() {
    for renewed in ["auth", "limits", "tenants", "directory", "telemetry"] {
        assert!(is_renewed(renewed), "{renewed}");
    }
    for waiting in ["server", "gateway", "cache", "redis", "events", "resources", "vendors", "unheard-of"] {
        assert!(!is_renewed(waiting), "{waiting}");
    }
}

/// The first thing that a schema does not allow, as far as ours says anything.
fn refusal(schema: &Value, value: &Value, place: &str) -> Option<String> {
    if let Some(any) = schema.get("anyOf") {
        let refusals = any.as_array().unwrap().iter().map(|one| refusal(one, value, place));
        return refusals.collect::<Option<Vec<String>>>().map(|refusals| refusals.join(", or "));
    }
    if let Some(texts) = schema.get("enum") {
        return (!texts.as_array().unwrap().contains(value)).then(|| place.to_owned());
    }
    let name = match value {
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_i64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
        Value::Null => "null",
    };
    let types = &schema["type"];
    if types != name && !types.as_array().is_some_and(|types| types.contains(&json!(name))) {
        return Some(place.to_owned());
    }
    let (least, most) = (schema["minimum"].as_i64(), schema["maximum"].as_i64());
    if value.as_i64().is_some_and(|number| least > Some(number) || most.is_some_and(|most| number > most)) {
        return Some(place.to_owned());
    }
    value.as_object()?.iter().find_map(|(key, value)| {
        let place = format!("{place}.{key}");
        match (&schema["properties"][key], &schema["additionalProperties"]) {
            (Value::Null, Value::Bool(allowed)) => (!allowed).then_some(place),
            (Value::Null, schema) | (schema, _) => refusal(schema, value, &place),
        }
    })
}

fn checked(text: &str) -> Option<String> {
    let schema: Value = serde_json::from_str(&committed("storegate.schema.json")).unwrap();
    let table: Table = text.parse().unwrap();
    refusal(&schema, &serde_json::to_value(table).unwrap(), "")
}

#[test]
fn the_schema_allows_the_example_and_all_that_it_shows() {
    let example = committed("storegate.example.toml");
    assert_eq!(checked(&example), None);
    let is_setting = |line: &str| line.starts_with('#') && !line.starts_with("# ") && line.len() > 1;
    let all: Vec<&str> = example.lines().map(|line| if is_setting(line) { &line[1..] } else { line }).collect();
    assert_eq!(checked(&all.join("\n")), None);
}

#[test]
fn each_line_that_the_example_shows_can_be_taken_alone() {
    let example = committed("storegate.example.toml");
    let problems = |text: &str| Settings::parse(text, std::iter::empty()).err().map(|problems| problems.0);
    // The files with its secrets are not there.
    let missing = problems(&example).unwrap();
    let lines: Vec<&str> = example.lines().collect();
    let (mut is_in_force, mut taken) = (false, 0);
    for (number, line) in lines.iter().enumerate() {
        is_in_force = line.starts_with('[') || is_in_force && !line.starts_with("#[");
        let Some(setting) = line.strip_prefix('#').filter(|rest| is_in_force && !rest.starts_with(' ')) else {
            continue;
        };
        if !setting.contains("_file = ") {
            let mut changed = lines.clone();
            changed[number] = setting;
            assert_eq!(problems(&changed.join("\n")).as_ref(), Some(&missing), "{setting}");
            taken += 1;
        }
    }
    assert!(taken > 50, "{taken}");
}

#[test]
fn the_schema_refuses_what_the_program_refuses() {
    for (text, place) in [
        ("[server]\nlisten = 8080", ".server.listen"),
        ("[server]\nlisen = \"[::]:80\"", ".server.lisen"),
        ("[server]\nworkers = 0", ".server.workers"),
        ("[sever]", ".sever"),
        ("[redis]\nmode = \"alone\"", ".redis.mode"),
        ("[auth.clients.a]\nscope = [\"flow:read\"]", ".auth.clients.a.scope"),
        ("[auth.clients.a.b]", ".auth.clients.a.b"),
        ("[tenants.a.oms]\ntokn = \"x\"", ".tenants.a.oms.tokn"),
        ("[tenants.a.oms]\npage_cap = 1001", ".tenants.a.oms.page_cap"),
        ("[cache.weather]\nfresh = \"1s\"", ".cache.weather"),
        (
            "[resources.a.parameters.b]\nvalues = 1",
            ".resources.a.parameters.b.values, or .resources.a.parameters.b.values",
        ),
    ] {
        assert_eq!(checked(text).as_deref(), Some(place), "{text}");
    }
    for text in [
        "[tenants.a.oms]\ntoken = \"x\"",
        "[tenants.a.oms]\ntoken_file = \"x\"",
        "[tenants.a.lumen]\nkey = \"x\"\nnonce = false",
        "[gateway.lumen]\nqueue = 1",
        "[resources.a.parameters.b]\nvalues = { day = \"1\" }",
        "[auth.issuers.a]\naudience = \"x\"\nscopes = { a = [\"b\"], c = \"d\" }",
        "[telemetry.traces_headers]\nauthorization = \"x\"",
    ] {
        assert_eq!(checked(text), None, "{text}");
    }
}
