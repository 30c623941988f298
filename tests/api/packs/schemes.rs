//! How other platforms sign: each file of `tests/packs/schemes` has a `[sign]` and signatures by it, which vendors published or
//! other programs computed. A pack that signs so computes the same ones, through the whole writing of a call.

use std::fs;

use jiff::Timestamp;
use storegate::vendors::pack::compile;
use toml::{Table, Value};

const SCHEMES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/packs/schemes");

/// The files, each with its name.
fn schemes() -> Vec<(String, Table)> {
    let files = fs::read_dir(SCHEMES).unwrap().map(|entry| entry.unwrap().path());
    let read =
        |path: std::path::PathBuf| (path.display().to_string(), fs::read_to_string(path).unwrap().parse().unwrap());
    files.map(read).collect()
}

fn vectors(scheme: &Table) -> impl Iterator<Item = &Table> {
    scheme["vector"].as_array().unwrap().iter().map(|vector| vector.as_table().unwrap())
}

#[test]
fn every_scheme_of_other_platforms_is_signed_as_its_vectors_say() {
    let mut count = 0;
    for (file, scheme) in schemes() {
        for vector in vectors(&scheme) {
            let pack = pack(&scheme, vector);
            compile(&pack, &file).unwrap_or_else(|problems| panic!("{problems}\n{pack}"));
            count += 1;
        }
    }
    assert!(count >= 22, "{count}");
}

#[test]
fn a_scheme_with_another_signature_is_refused() {
    for (file, scheme) in schemes() {
        for vector in vectors(&scheme) {
            let mut vector = vector.clone();
            vector.insert("expect".to_owned(), "0".into());
            let problems = compile(&pack(&scheme, &vector), &file).unwrap_err();
            assert!(
                problems.to_string().contains("vectors.0.signature: the pack computes another signature"),
                "{problems}"
            );
        }
    }
}

/// The pack of a platform that signs so, with this one vector.
fn pack(scheme: &Table, vector: &Table) -> String {
    let env = vector.get("env").and_then(Value::as_table).cloned().unwrap_or_default();
    let known = |name: &str| env.get(name).and_then(Value::as_str).unwrap_or_default();
    let (host, path) = match known("url").find(".com/") {
        Some(place) => known("url").split_at(place + ".com".len()),
        None => ("https://gateway.example", known("path")),
    };
    let method = path.strip_prefix('/').unwrap_or_else(|| known("method"));
    let (sent, own, mut form) = bodies(vector["sent"].as_table().unwrap(), known("body"));
    let mut headers: Table = Table::from_iter([("X-Method".to_owned(), "{method}".into())]);
    let named = env.iter().filter_map(|(name, value)| Some((name.strip_prefix("h.")?.to_owned(), value.clone())));
    headers.extend(named);
    let path = if path.is_empty() { "" } else { "path = '/{method}'" };
    let time = Timestamp::from_millisecond(known("timestamp").parse().unwrap_or_default()).unwrap();
    let quoted = |text: &str| Value::from(text).to_string();
    let secret = &vector["secret"];
    let expected = &vector["expect"];
    let (method, token) = (quoted(if method.is_empty() { "any" } else { method }), quoted(known("token")));
    let sign = sign(scheme, vector);
    if form.is_empty() && sign.to_string().contains("{body}") {
        form = "http = 'GET'\nsystem = 'query'";
    }
    format!(
        "sign = {sign}
         login = {{ token_file = true, headers = {{ X-Token = '{{token}}' }} }}
         answer = {{ code = ['/code'], data = [{{ at = '/data' }}] }}
         [vendor]
         name = 'scheme'
         key = 'key'
         [credential]
         key = {{ help = 'the key' }}
         secret = {{ help = 'the secret', secret = true }}
         [endpoints]
         url = {{ url = '{host}' }}
         [time]
         forms = {{ sent = 'unix_ms' }}
         [call]
         {form}
         {path}
         parameters = {sent}
         headers = {headers}
         [[vectors]]
         source = 'the file'
         method = {method}
         credential = {{ key = 'key', secret = {secret} }}
         token = {token}
         time = '{time}'
         parameters = {own}
         signature = {expected}
        ",
        sent = Value::from(sent),
        own = Value::from(own),
        headers = Value::from(headers),
    )
}

/// The parameters of every call, those of the method, and how they travel, for a call with this body.
fn bodies(sent: &Table, body: &str) -> (Table, Table, &'static str) {
    // A brace that belongs to the text is written twice.
    let literal = |(name, value): (String, Value)| {
        (name, Value::from(value.as_str().unwrap().replace('{', "{{").replace('}', "}}")))
    };
    let mut parameters: Table = sent.clone().into_iter().map(literal).collect();
    if body.starts_with('[') {
        let own = serde_json::from_str::<Vec<Table>>(body).unwrap().remove(0);
        return (parameters, own, "system = 'query'\nbusiness = 'json'\njson_form = 'list'");
    }
    if body.starts_with('{') {
        parameters.extend(serde_json::from_str::<Table>(body).unwrap().into_iter().map(literal));
        return (parameters, Table::new(), "system = 'json'");
    }
    (parameters, Table::new(), "")
}

/// `[sign]` of a pack: the files have other names for some of its keys.
fn sign(scheme: &Table, vector: &Table) -> Value {
    let mut sign = scheme["sign"].as_table().unwrap().clone();
    sign.extend(vector.get("sign").and_then(Value::as_table).cloned().unwrap_or_default());
    let stages = sign.remove("stage").unwrap();
    let keeps_empty = sign.remove("empty").is_some_and(|empty| empty.as_str() == Some("keep"));
    if let Some(name) = sign.remove("body") {
        sign.insert("body_as".to_owned(), name.as_str().unwrap().replace("pseudo:", "").into());
    }
    let more = [
        ("stages", stages),
        ("empty", keeps_empty.into()),
        ("secret", "secret".into()),
        ("header", "X-Signature".into()),
    ];
    sign.extend(more.map(|(key, value)| (key.to_owned(), value)));
    sign.into()
}
