//! A company's identity provider, as far as storegate sees it: metadata, a key set that a test rotates, and tokens with
//! whatever a test wants in them.

use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use actix_web::{App, HttpResponse, HttpServer, rt, web};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use storegate::auth::key_algorithm::KeyAlgorithm;
use storegate::auth::keys::{Key, KeySet};
use storegate::auth::private_key;
use tokio::sync::watch;

use crate::background::Background;
use crate::test_app::NOW;

/// A key of the provider.
#[derive(Clone)]
pub struct ProviderKey {
    /// Its id.
    pub kid: String,
    /// Its public half, as it is published.
    pub jwk: Value,
    algorithm: Algorithm,
    encoding: EncodingKey,
}

impl ProviderKey {
    /// A new key.
    pub fn new(kid: &str, algorithm: KeyAlgorithm) -> Self {
        let pem = private_key::generate(algorithm).unwrap();
        let bytes = pem.expose_secret().as_bytes();
        let (algorithm, encoding) = match algorithm {
            KeyAlgorithm::EdDsa => (Algorithm::EdDSA, EncodingKey::from_ed_pem(bytes)),
            KeyAlgorithm::Es256 => (Algorithm::ES256, EncodingKey::from_ec_pem(bytes)),
            KeyAlgorithm::Rs256 => (Algorithm::RS256, EncodingKey::from_rsa_pem(bytes)),
            KeyAlgorithm::Hs256 => panic!("no provider publishes a shared secret"),
        };
        let document = KeySet::new(vec![Key::private(kid, &pem).unwrap()], None).unwrap().public_document();
        let jwk = serde_json::to_value(&document.keys[0]).unwrap();
        Self { kid: kid.to_owned(), jwk, algorithm, encoding: encoding.unwrap() }
    }

    /// A token with these claims.
    pub fn token(&self, claims: &Value) -> String {
        let mut header = Header::new(self.algorithm);
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some(self.kid.clone());
        jsonwebtoken::encode(&header, claims, &self.encoding).unwrap()
    }
}

struct Shared {
    address: SocketAddr,
    /// What the metadata calls the issuer, when it is not the truth.
    issuer: Mutex<Option<String>>,
    keys: Mutex<Value>,
    key_reads: AtomicUsize,
    metadata_reads: AtomicUsize,
    only_rfc_8414: bool,
    /// Whether whoever reads the keys has to wait.
    is_slow: watch::Sender<bool>,
}

/// The running provider.
pub struct IdentityProvider {
    shared: Arc<Shared>,
    _running: Background,
}

impl IdentityProvider {
    /// A provider that publishes these keys.
    pub fn start(keys: &[&ProviderKey]) -> Self {
        Self::with(keys, false)
    }

    /// A provider with the metadata of RFC 8414 and none of OpenID Connect.
    pub fn without_openid(keys: &[&ProviderKey]) -> Self {
        Self::with(keys, true)
    }

    fn with(keys: &[&ProviderKey], only_rfc_8414: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let shared = Arc::new(Shared {
            address: listener.local_addr().unwrap(),
            issuer: Mutex::new(None),
            keys: Mutex::new(key_set(keys)),
            key_reads: AtomicUsize::new(0),
            metadata_reads: AtomicUsize::new(0),
            only_rfc_8414,
            is_slow: watch::Sender::new(false),
        });
        let its_shared = web::Data::from(shared.clone());
        let ((), running) = Background::start(move || {
            let app = move || {
                App::new()
                    .app_data(its_shared.clone())
                    .route("/keys", web::get().to(read_keys))
                    .route("/.well-known/openid-configuration", web::get().to(read_openid_metadata))
                    .route("/.well-known/oauth-authorization-server", web::get().to(read_metadata))
            };
            let server = HttpServer::new(app).workers(1).listen(listener).unwrap().run();
            let handle = server.handle();
            let serving = rt::spawn(server);
            let stop = async move {
                handle.stop(false).await;
                serving.await.unwrap().unwrap();
            };
            ((), stop)
        });
        Self { shared, _running: running }
    }

    /// The name of the provider, which is also its address.
    pub fn issuer(&self) -> String {
        format!("http://{}", self.shared.address)
    }

    /// Publishes these keys from now on.
    pub fn publish(&self, keys: &[&ProviderKey]) {
        self.publish_document(key_set(keys));
    }

    /// Publishes any document as key set.
    pub fn publish_document(&self, document: Value) {
        *self.shared.keys.lock().unwrap() = document;
    }

    /// Says in its metadata that it is somebody else.
    pub fn claim_to_be(&self, issuer: &str) {
        *self.shared.issuer.lock().unwrap() = Some(issuer.to_owned());
    }

    /// Lets whoever reads the keys wait, until it is called again with `false`.
    pub fn be_slow(&self, is_slow: bool) {
        self.shared.is_slow.send_replace(is_slow);
    }

    /// How often the keys were read.
    pub fn key_reads(&self) -> usize {
        self.shared.key_reads.load(Ordering::Acquire)
    }

    /// How often metadata were read or looked for.
    pub fn metadata_reads(&self) -> usize {
        self.shared.metadata_reads.load(Ordering::Acquire)
    }

    /// What its tokens say, unless a test changes it.
    pub fn claims(&self) -> Value {
        let now = NOW.as_second();
        json!({
            "iss": self.issuer(), "sub": "ada", "aud": "storegate", "exp": now + 3600, "iat": now, "jti": "1",
            "client_id": "portal", "scope": "openid flow:read",
        })
    }
}

fn key_set(keys: &[&ProviderKey]) -> Value {
    json!({ "keys": keys.iter().map(|key| &key.jwk).collect::<Vec<_>>() })
}

async fn read_keys(shared: web::Data<Shared>) -> HttpResponse {
    shared.key_reads.fetch_add(1, Ordering::AcqRel);
    shared.is_slow.subscribe().wait_for(|is_slow| !is_slow).await.unwrap();
    HttpResponse::Ok().json(&*shared.keys.lock().unwrap())
}

async fn read_openid_metadata(shared: web::Data<Shared>) -> HttpResponse {
    if shared.only_rfc_8414 {
        shared.metadata_reads.fetch_add(1, Ordering::AcqRel);
        return HttpResponse::NotFound().finish();
    }
    read_metadata(shared).await
}

async fn read_metadata(shared: web::Data<Shared>) -> HttpResponse {
    shared.metadata_reads.fetch_add(1, Ordering::AcqRel);
    let own = format!("http://{}", shared.address);
    let issuer = shared.issuer.lock().unwrap().clone().unwrap_or_else(|| own.clone());
    HttpResponse::Ok().json(json!({ "issuer": issuer, "jwks_uri": format!("{own}/keys") }))
}
