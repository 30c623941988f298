//! Every pack in the program: whatever is called, the bytes that leave carry the values that were given, no secret, and the
//! signature that the vendor's gateway computes from those bytes. A new pack that signs needs a rule in `peers`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use proptest::collection::btree_map;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof};
use proptest::sample::Index;
use proptest::test_runner::TestRunner;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use storegate::gateway::account_settings::AccountSettings;
use storegate::gateway::credential::WhichSecret;
use storegate::gateway::protocol::{Argument, Call, Method, Protocol, SignedRequest, TimestampAndNonce};
use storegate::gateway::vendor::Vendor;
use storegate::vendors::{bundled, pack};

use crate::peers::independent_rules::{Parameters, decode_form};
use crate::peers::independent_signatures::{Account, Received, rule_of};

/// What makes one call.
#[derive(Clone, Debug)]
struct Given {
    method: Index,
    /// Each a value, and whether it is JSON already.
    parameters: Vec<(String, (String, bool))>,
    fields: Vec<String>,
    secrets: Vec<String>,
    choice: Index,
    token: Option<String>,
    time: i64,
    form: Index,
    nonce: Option<String>,
}

/// Values of all kinds: any text, what forms and JSON escape, nothing, long texts, and numbers.
fn value() -> impl Strategy<Value = (String, bool)> {
    let text = prop_oneof![
        4 => any::<String>(),
        2 => "[ +&=%?#/\\\\\"'{}\\[\\],:;<>~*()!$@|^`\\r\\n\\t\0]{1,12}",
        2 => "[一-龥é\u{1f600}-\u{1f64f}]{1,8}",
        1 => Just(String::new()),
        1 => "[a-z%店]{1,40}".prop_map(|text| text.repeat(200)),
    ];
    let json = prop_oneof![any::<i64>().prop_map(|number| number.to_string()), Just("true".to_owned())];
    prop_oneof![5 => text.prop_map(|text| (text, false)), 1 => json.prop_map(|json| (json, true))]
}

fn given() -> impl Strategy<Value = Given> {
    let parameters = btree_map("[A-Za-z一-龥][A-Za-z0-9_.\\-]{0,8}", value(), 0..8);
    let parameters = parameters.prop_flat_map(|all| Just(all.into_iter().collect::<Vec<_>>()).prop_shuffle());
    // Texts that stand in no other value by chance.
    let secret = || "[a-zA-Z0-9!#-\\[\\]-~一-龥]{16,80}";
    let fields = proptest::collection::vec("[a-zA-Z0-9-]{1,20}", 5);
    let secrets = proptest::collection::vec(secret(), 3);
    let token = proptest::option::of("[a-zA-Z0-9+/=._-]{1,40}");
    let nonce = proptest::option::of("[0-9a-f]{32}");
    let indexes = (any::<Index>(), any::<Index>(), any::<Index>());
    (parameters, fields, secrets, token, 0..4_000_000_000_i64, nonce, indexes).prop_map(
        |(parameters, fields, secrets, token, time, nonce, (method, choice, form))| Given {
            method,
            parameters,
            fields,
            secrets,
            choice,
            token,
            time,
            form,
            nonce,
        },
    )
}

/// A value of each field, as the operator writes it.
fn account_of(vendor: Vendor, given: &Given) -> Account {
    let (mut plain, mut secrets) = (given.fields.iter(), given.secrets.iter());
    let fields = vendor.pack().credential.iter().map(|field| {
        let value = match field.choices.as_slice() {
            _ if field.is_secret => secrets.next().unwrap(),
            [] => plain.next().unwrap(),
            choices => given.choice.get(choices),
        };
        (field.name.clone(), value.clone())
    });
    Account { fields: fields.collect() }
}

fn protocol_of(vendor: Vendor, account: &Account) -> Protocol {
    let pack = vendor.pack();
    let mut section: String = account
        .fields
        .iter()
        .map(|(name, value)| format!("{name} = {}\n", toml::Value::from(value.as_str())))
        .collect();
    for endpoint in pack.endpoints.iter().filter(|endpoint| endpoint.url.is_none()) {
        section += &format!("{} = {:?}\n", endpoint.key, endpoint.example.as_ref().unwrap());
    }
    if pack.login.as_ref().is_some_and(|login| login.is_given) {
        section += "token = \"given\"\n";
    }
    Protocol::new(&AccountSettings::parse(vendor, &section).unwrap(), WhichSecret::First)
}

/// A call of one of the methods that the pack knows, with the parameters whose names are not taken.
fn call_of(vendor: Vendor, given: &Given) -> Call {
    let pack = vendor.pack();
    let known = pack.methods.iter().map(|method| &method.name).chain(pack.vectors.iter().map(|vector| &vector.method));
    let known: Vec<&String> = known.collect();
    let method = Method::of(vendor, given.method.get(&known).to_string());
    let of_login = pack.login.iter().flat_map(|login| &login.parameters).map(|(name, _)| name.as_str());
    let taken: Vec<&str> = of_login.chain(["sign", "sig", "_sig", "biz", "param", "body"]).collect();
    let free = |name: &str| !pack.call.is_reserved(name) && !taken.contains(&name);
    let arguments = given.parameters.iter().filter(|(name, _)| free(name)).map(|(name, (value, is_json))| Argument {
        name: name.clone().into(),
        value: value.clone(),
        is_json: *is_json,
    });
    Call { arguments: arguments.collect(), ..Call::new(&method) }
}

/// The request as a server reads it; a header of the call replaces one of the client.
fn received(request: &SignedRequest) -> Received {
    let (address, query) = request.url.split_once('?').unwrap_or((&request.url, ""));
    let host = address.find("://").unwrap() + 3;
    let path = address[host..].find('/').map_or("/", |place| &address[host + place..]);
    let of_client = [("accept", Some("application/json")), ("content-type", request.content_type)];
    let mut headers: BTreeMap<String, String> =
        of_client.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))).collect();
    for (name, value) in &request.headers {
        let value = value.expose_secret();
        assert!(value.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{name}: {value:?}");
        headers.insert(name.to_lowercase(), value.to_owned());
    }
    Received {
        http: request.http.name(),
        address: address.to_owned(),
        path: path.to_owned(),
        query: decode_form(query),
        headers,
        body: String::from_utf8(request.body.to_vec()).unwrap(),
    }
}

/// Every value that a server finds by its name: in the query, in the form, in a JSON body, and in a JSON object within a form.
fn values(received: &Received) -> Parameters {
    let mut all = received.query.clone();
    let body = match serde_json::from_str::<Value>(&received.body) {
        Ok(Value::Array(mut list)) if list.len() == 1 => list.remove(0),
        Ok(object) => object,
        Err(_) => {
            all.extend(received.form());
            let within = ["biz", "param"].into_iter().find_map(|name| all.get(name));
            within.map_or(Value::Null, |json| serde_json::from_str(json).unwrap())
        }
    };
    for (name, value) in body.as_object().into_iter().flatten() {
        all.insert(name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    }
    all
}

/// What is wrong with the request for this call.
fn check(vendor: Vendor, given: &Given) {
    let account = account_of(vendor, given);
    let call = call_of(vendor, given);
    let pack = vendor.pack();
    let form = given.form.index(pack.time.forms.len().max(1));
    let time = Timestamp::from_second(given.time).unwrap();
    let stamp = TimestampAndNonce { time, nonce: given.nonce.clone(), form };
    let token = given.token.clone().map(SecretString::from);
    let request = protocol_of(vendor, &account).encode(&call, &stamp, token.as_ref());
    let received = received(&request);
    let values = values(&received);
    for Argument { name, value, .. } in &call.arguments {
        assert_eq!(values.get(name.as_ref()), Some(value), "{vendor}: {name}");
    }
    let secrets = pack.credential.iter().filter(|field| field.is_secret && !field.is_sent);
    let sent = || values.values().chain(received.headers.values()).chain([&received.address]);
    for secret in secrets.map(|field| &account.fields[&field.name]) {
        assert!(!sent().any(|value| value.contains(secret)), "{vendor} is sent its secret");
    }
    match (rule_of(&pack.name), pack.signing.is_some()) {
        (Some(rule), true) => {
            let (sent, own) = rule(&received, &account);
            assert_eq!(sent, own, "{vendor}");
        }
        (None, false) => {}
        (None, true) => panic!("{vendor} signs: write its rule in peers/independent_signatures.rs"),
        (Some(_), false) => panic!("{vendor} signs nothing: delete its rule in peers/independent_signatures.rs"),
    }
}

#[test]
fn what_leaves_for_any_vendor_carries_the_signature_that_its_gateway_computes() {
    for name in bundled::names() {
        let vendor = pack::compile(bundled::text(name).unwrap(), name).unwrap();
        let mut runner =
            TestRunner::new(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(60) });
        let found = runner.run(&given(), |given| {
            check(vendor, &given);
            Ok(())
        });
        found.unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}
