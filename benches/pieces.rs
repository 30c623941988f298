//! The pieces that a request is made of, each alone: `cargo bench --bench pieces`.
//!
//! Tokens are checked for the first time and again, answers are found among ten thousand and kept anew, a gateway call is
//! signed and encoded, its answer is read, and the data in it become the document that is answered.

#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on must stop")]

use std::hint::black_box;
use std::time::Duration;

use bytes::Bytes;
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use storegate::auth::Auth;
use storegate::auth::issue::{TokenGrant, TokenIssuer};
use storegate::auth::key_algorithm::KeyAlgorithm;
use storegate::auth::private_key;
use storegate::auth::secrets::sha256_hex;
use storegate::cache::{AnswerCache, CacheKey, CacheSettings, FetchFailure, FetchedBody, Freshness, Lookup};
use storegate::clock::Clock;
use storegate::config::Settings;
use storegate::fair_queue::Principal;
use storegate::gateway::GatewaySettings;
use storegate::gateway::account_settings::AccountSettings;
use storegate::gateway::credential::WhichSecret;
use storegate::gateway::protocol::{Call, Method, Protocol, TimestampAndNonce};
use storegate::gateway::registry::Registry;
use storegate::gateway::tenants::Tenants;
use storegate::gateway::vendor::Vendor;
use storegate::json::object::Object;
use storegate::resources::flow::figures::{Figures, TotalData};
use storegate::sandbox::example_answer;
use storegate::settings::SettingsDigest;
use storegate::vendors::{Vendors, built_in, built_in_method, bundled, pack};

const ISSUER: &str = "https://storegate.example.com";
const ENVELOPE: &[u8] =
    include_bytes!("../fuzz/corpus/opretail_envelope/accepted-answer-to-open.shopweb.passengerFlow.getTotalData");

const TOTAL_DATA: &str = "open.shopweb.passengerFlow.getTotalData";
const OMS_ENVELOPE: &[u8] = include_bytes!("../fuzz/corpus/oms_envelope/accepted-answer-to-shop.get");

criterion_group!(pieces, verify, key, lookup, keep, sign, sign_by_packs, miss_by_packs, decode, translate);
criterion_main!(pieces);

fn configuration(algorithm: KeyAlgorithm) -> String {
    let key = match algorithm {
        KeyAlgorithm::Hs256 => "algorithm = \"HS256\"\nsecret = \"0123456789abcdef0123456789abcdef\"".to_owned(),
        other => format!("private_key = '''{}'''", private_key::generate(other).unwrap().expose_secret()),
    };
    format!(
        r#"
[server]
public_url = "{ISSUER}"
[auth.keys.first]
{key}
[auth.clients.dashboard]
tenant = "acme"
scopes = ["stores:read", "flow:read"]
secret_sha256 = "{hash}"
[tenants.acme.opretail]
key = "S107-00000001"
secret = "sandbox-secret"
"#,
        hash = sha256_hex(&SecretString::from("secret")),
    )
}

fn settings(configuration: &str) -> storegate::auth::AuthSettings {
    Settings::parse(configuration, std::iter::empty()).unwrap().auth
}

fn token(configuration: &str) -> String {
    let key = settings(configuration).keys.unwrap().signing().clone();
    let issuer = TokenIssuer::new(ISSUER, "storegate", Duration::from_secs(3600), key, Clock::system());
    let grant = TokenGrant {
        client_id: "dashboard".to_owned(),
        subject: None,
        tenant: "acme".to_owned(),
        scopes: vec!["stores:read".to_owned(), "flow:read".to_owned()],
        stores: None,
        organizations: None,
        lifetime: None,
    };
    issuer.issue(grant).unwrap().token.expose_secret().to_owned()
}

fn verify(criterion: &mut Criterion) {
    for algorithm in [KeyAlgorithm::Hs256, KeyAlgorithm::EdDsa, KeyAlgorithm::Es256, KeyAlgorithm::Rs256] {
        let configuration = configuration(algorithm);
        let token = token(&configuration);
        let auth = || Auth::new(settings(&configuration), Clock::system()).unwrap();
        let mut group = criterion.benchmark_group(format!("verify {}", algorithm.name()));
        group.sample_size(10).warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_millis(500));
        group.bench_function("for the first time", |bencher| {
            bencher.iter_batched(auth, |auth| auth.verifier.verify(&token).unwrap(), BatchSize::PerIteration);
        });
        let auth = auth();
        group.bench_function("again", |bencher| bencher.iter(|| auth.verifier.verify(black_box(&token)).unwrap()));
    }
}

fn key(criterion: &mut Criterion) {
    criterion.bench_function("key", |bencher| {
        let (shape, source) = (SettingsDigest::of(&"shape"), SettingsDigest::of(&"source"));
        bencher.iter(|| CacheKey::new(black_box("acme"), black_box("flow"), &shape, &source, black_box("S_123456")));
    });
}

#[derive(Clone, Debug)]
struct Never;

impl FetchFailure for Never {
    fn stale_is_better(&self) -> bool {
        true
    }

    fn remembered(&self) -> Duration {
        Duration::ZERO
    }
}

fn question(number: u32) -> Lookup {
    Lookup {
        key: CacheKey::new(
            "acme",
            "flow",
            &SettingsDigest::default(),
            &SettingsDigest::default(),
            &format!("S_{number}"),
        ),
        freshness: Freshness::seconds(3600, 0, 0),
        stores: Vec::new(),
        bypass: false,
        require_fresh: false,
        principal: Principal::default(),
    }
}

fn document(bytes: usize) -> FetchedBody {
    let text: String = (0..bytes / 10).map(|number| format!("\"v{:06}\":", number * 7919 % 999_983)).collect();
    FetchedBody { body: Bytes::from(text), link: None, max_freshness: None }
}

fn lookup(criterion: &mut Criterion) {
    let runtime = actix_web::rt::System::new();
    let cache: AnswerCache<Never> = AnswerCache::new(&CacheSettings::default(), Clock::system());
    runtime.block_on(async {
        for number in 0..10_000 {
            cache.read(question(number), |_| std::future::ready(Ok(document(700).into()))).await.unwrap();
        }
    });
    let keys: Vec<CacheKey> = (0..10_000).map(|number| question(number).key).collect();
    let mut keys = keys.iter().cycle();
    criterion.bench_function("lookup among 10,000", |bencher| {
        bencher.iter(|| cache.cached(keys.next().unwrap()).unwrap());
    });
}

fn keep(criterion: &mut Criterion) {
    let runtime = actix_web::rt::System::new();
    let cache: AnswerCache<Never> = AnswerCache::new(&CacheSettings::default(), Clock::system());
    for (name, bytes) in [("keep 700 bytes", 700), ("keep 20 KB", 20_000)] {
        let document = document(bytes);
        let mut numbers = (0_u32..).map(question);
        criterion.bench_function(name, |bencher| {
            bencher.iter(|| {
                let document = document.clone();
                let fetch = move |_| std::future::ready(Ok(document.into()));
                runtime.block_on(cache.read(numbers.next().unwrap(), fetch)).unwrap()
            });
        });
    }
}

fn protocol(sign_method: &str) -> Protocol {
    let vendor = Vendors::default().get("opretail").unwrap();
    let section = "key = \"S107-00000001\"\nsecret = \"sandbox-secret\"";
    let settings = AccountSettings::parse(vendor, &format!("{section}\nsign_method = {sign_method:?}")).unwrap();
    Protocol::new(&settings, WhichSecret::First)
}

fn sign(criterion: &mut Criterion) {
    let call = Call::new(&built_in_method("opretail", TOTAL_DATA)).with("id", "S_123456").with("needUnit", "0");
    let stamp = stamp();
    for (name, method) in [("sign and encode, MD5", "md5"), ("sign and encode, SHA-1", "sha1")] {
        let protocol = protocol(method);
        criterion.bench_function(name, |bencher| bencher.iter(|| protocol.encode(black_box(&call), &stamp, None)));
    }
}

/// A call of each pack in the program, with the same parameters.
fn sign_by_packs(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sign and encode, by the pack of");
    let (stamp, token) = (stamp(), SecretString::from("0123456789abcdef0123456789abcdef"));
    for name in bundled::names() {
        let (vendor, protocol) = of_pack(name);
        let call = Call::new(&Method::of(vendor, "items.list")).with("id", "S_123456").with("needUnit", "0");
        group.bench_function(name, |bencher| {
            bencher.iter(|| protocol.encode(black_box(&call), &stamp, Some(&token)));
        });
    }
}

/// What a miss computes at each vendor: a call is signed and encoded, and an example of its answer is decoded.
fn miss_by_packs(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sign, encode and decode, by the pack of");
    let (stamp, token) = (stamp(), SecretString::from("0123456789abcdef0123456789abcdef"));
    for name in bundled::names() {
        let (vendor, protocol) = of_pack(name);
        let (method, answer) = exchange(vendor);
        let call = Call::new(&Method::of(vendor, method)).with("id", "S_123456").with("needUnit", "0");
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let request = protocol.encode(black_box(&call), &stamp, Some(&token));
                let data = protocol.decode(black_box(&answer)).unwrap().data;
                (request.body.len(), data.map(|data| data.get().len()))
            });
        });
    }
}

/// A method of a vendor with its answer: the first example of the pack, or what a gateway of the two built-in vendors answers.
fn exchange(vendor: Vendor) -> (String, Vec<u8>) {
    let examples = vendor.pack().sandbox.answers.keys();
    let example =
        examples.filter_map(|method| Some((method.clone(), example_answer(vendor, method)?.into_bytes()))).next();
    example.unwrap_or_else(|| match vendor.name() {
        "oms" => ("shop.get".to_owned(), OMS_ENVELOPE.to_vec()),
        _ => (TOTAL_DATA.to_owned(), ENVELOPE.to_vec()),
    })
}

/// A pack of the program, and what writes and reads its calls.
fn of_pack(name: &str) -> (Vendor, Protocol) {
    let vendor = pack::compile(bundled::text(name).unwrap(), name).unwrap();
    let settings = AccountSettings::parse(vendor, &account(vendor)).unwrap();
    (vendor, Protocol::new(&settings, WhichSecret::First))
}

fn stamp() -> TimestampAndNonce {
    let nonce = Some("0b5e1c1e-8a2b-4c3d-9e4f-5a6b7c8d9e0f".to_owned());
    TimestampAndNonce { time: Timestamp::constant(1_795_312_800, 0), nonce, form: 0 }
}

/// The settings of an account with every field that has no default.
fn account(vendor: Vendor) -> String {
    let pack = vendor.pack();
    let fields = pack.credential.iter().filter(|field| field.default.is_none() && field.choices.is_empty());
    let fields = fields.map(|field| format!("{} = \"0123456789abcdef\"\n", field.name));
    let urls = pack.endpoints.iter().filter(|endpoint| endpoint.url.is_none());
    let urls = urls.map(|endpoint| format!("{} = \"https://gateway.example.com/api\"\n", endpoint.key));
    let token = pack.login.iter().filter(|login| login.is_given).map(|_| "token = \"t\"\n".to_owned());
    fields.chain(urls).chain(token).collect()
}

fn decode(criterion: &mut Criterion) {
    let protocol = protocol("md5");
    criterion.bench_function("decode an envelope", |bencher| {
        bencher.iter(|| protocol.decode(black_box(ENVELOPE)).unwrap().data.map(|data| data.get().len()));
    });
}

fn translate(criterion: &mut Criterion) {
    let protocol = protocol("md5");
    let data = protocol.decode(ENVELOPE).unwrap().data.unwrap().get();
    let configured = Settings::parse(&configuration(KeyAlgorithm::Hs256), std::iter::empty()).unwrap();
    let tenants = Tenants::new(configured.tenants, &Registry::new(&GatewaySettings::default(), Clock::system()));
    let tenant = tenants.get("acme").unwrap();
    let access = tenant.access(built_in("opretail")).unwrap();
    criterion.bench_function("translate the figures of a store", |bencher| {
        bencher.iter(|| {
            let Object(wire) = serde_json::from_str::<Object<TotalData>>(black_box(data)).unwrap();
            serde_json::to_vec(&Figures::from_wire(wire, access, String::new())).unwrap()
        });
    });
}
