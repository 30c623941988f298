//! A tenant's identity provider, as far as storegate sees it: metadata, a key set that a test rotates, and tokens with
//! whatever a test wants in them.

use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use actix_web::{App, HttpResponse, HttpServer, rt, web};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512,
    RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding, RsaKeyPair, RsaPublicKeyComponents,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use storegate::auth::key_algorithm::KeyAlgorithm;
use storegate::auth::private_key;
use tokio::sync::watch;

use crate::app::NOW;
use crate::app::background::Background;

/// A key of the provider.
#[derive(Clone)]
pub struct ProviderKey {
    /// Its id.
    pub kid: String,
    /// Its public half, as it is published.
    pub jwk: Value,
    algorithm: KeyAlgorithm,
    pair: Arc<Pair>,
}

enum Pair {
    Ed(Ed25519KeyPair),
    Ec(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

impl ProviderKey {
    /// A new key.
    pub fn new(kid: &str, algorithm: KeyAlgorithm) -> Self {
        let pem = private_key::generate(algorithm).unwrap();
        let body: String = pem.expose_secret().lines().filter(|line| !line.starts_with('-')).collect();
        let der = STANDARD.decode(body).unwrap();
        let (pair, numbers) = match algorithm {
            KeyAlgorithm::EdDsa => ed25519(&der),
            KeyAlgorithm::Es256 => ec(&ECDSA_P256_SHA256_FIXED_SIGNING, "P-256", &der),
            KeyAlgorithm::Es384 => ec(&ECDSA_P384_SHA384_FIXED_SIGNING, "P-384", &der),
            KeyAlgorithm::Es512 => ec(&ECDSA_P521_SHA512_FIXED_SIGNING, "P-521", &der),
            KeyAlgorithm::Hs256 => panic!("no provider publishes a shared secret"),
            _ => rsa(&der),
        };
        Self::of(kid, algorithm, pair, numbers)
    }

    /// An RSA key from PKCS#8 in DER.
    pub fn of_rsa(kid: &str, der: &[u8]) -> Self {
        let (pair, numbers) = rsa(der);
        Self::of(kid, KeyAlgorithm::Rs256, pair, numbers)
    }

    fn of(kid: &str, algorithm: KeyAlgorithm, pair: Pair, mut jwk: Value) -> Self {
        jwk["kid"] = json!(kid);
        jwk["use"] = json!("sig");
        jwk["alg"] = json!(algorithm.name());
        Self { kid: kid.to_owned(), jwk, algorithm, pair: Arc::new(pair) }
    }

    /// The same key for another algorithm of its kind.
    pub fn signing_by(&self, algorithm: KeyAlgorithm) -> Self {
        let mut jwk = self.jwk.clone();
        jwk["alg"] = json!(algorithm.name());
        Self { algorithm, jwk, ..self.clone() }
    }

    /// The same key, which is published without this member.
    pub fn without(&self, member: &str) -> Self {
        let mut jwk = self.jwk.clone();
        jwk.as_object_mut().unwrap().remove(member);
        Self { jwk, ..self.clone() }
    }

    /// What its tokens have as header, unless a test changes it.
    pub fn header(&self) -> Value {
        json!({ "typ": "at+jwt", "alg": self.algorithm.name(), "kid": self.kid })
    }

    /// A token with these claims.
    pub fn token(&self, claims: &Value) -> String {
        self.token_with(&self.header(), claims)
    }

    /// A token with this header and these claims, signed by the key's algorithm whatever the header says.
    pub fn token_with(&self, header: &Value, claims: &Value) -> String {
        self.sign(&header.to_string(), &claims.to_string())
    }

    /// A token of this header and this payload, whatever they are.
    pub fn sign(&self, header: &str, payload: &str) -> String {
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
        let random = SystemRandom::new();
        let signature = match &*self.pair {
            Pair::Ed(pair) => pair.sign(message.as_bytes()).as_ref().to_vec(),
            Pair::Ec(pair) => pair.sign(&random, message.as_bytes()).unwrap().as_ref().to_vec(),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(rsa_encoding(self.algorithm), &random, message.as_bytes(), &mut signature).unwrap();
                signature
            }
        };
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

fn ed25519(der: &[u8]) -> (Pair, Value) {
    let pair = Ed25519KeyPair::from_pkcs8(der).unwrap();
    let numbers = json!({ "kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(pair.public_key()) });
    (Pair::Ed(pair), numbers)
}

fn ec(algorithm: &'static EcdsaSigningAlgorithm, crv: &str, der: &[u8]) -> (Pair, Value) {
    let pair = EcdsaKeyPair::from_pkcs8(algorithm, der).unwrap();
    let point = &pair.public_key().as_ref()[1..];
    let (x, y) = point.split_at(point.len() / 2);
    let numbers = json!({ "kty": "EC", "crv": crv, "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y) });
    (Pair::Ec(pair), numbers)
}

fn rsa(der: &[u8]) -> (Pair, Value) {
    let pair = RsaKeyPair::from_pkcs8(der).unwrap();
    let RsaPublicKeyComponents { n, e } = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
    let numbers = json!({ "kty": "RSA", "n": URL_SAFE_NO_PAD.encode(n), "e": URL_SAFE_NO_PAD.encode(e) });
    (Pair::Rsa(pair), numbers)
}

fn rsa_encoding(algorithm: KeyAlgorithm) -> &'static dyn RsaEncoding {
    match algorithm {
        KeyAlgorithm::Rs384 => &RSA_PKCS1_SHA384,
        KeyAlgorithm::Rs512 => &RSA_PKCS1_SHA512,
        KeyAlgorithm::Ps256 => &RSA_PSS_SHA256,
        KeyAlgorithm::Ps384 => &RSA_PSS_SHA384,
        KeyAlgorithm::Ps512 => &RSA_PSS_SHA512,
        _ => &RSA_PKCS1_SHA256,
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
