//! A test bed: a running sandbox and a client that signs independently. Its digests come from other crates and its
//! sorting from a map, so that client and sandbox cannot have the same mistake.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::{TcpListener, TcpStream, ToSocketAddrs};
use std::time::Duration;

use actix_web::dev::{Decompress, Payload};
use awc::error::SendRequestError;
use awc::{Client, ClientResponse};
use jiff::{Timestamp, tz};
use serde_json::Value;

use super::{Sandbox, SandboxSettings};
use crate::clock::{Clock, ManualClock};

/// Sunday, 22 November 2026, 10:00 in China.
pub const START: Timestamp = Timestamp::constant(1_795_312_800, 0);

type TestResponse = Result<ClientResponse<Decompress<Payload>>, SendRequestError>;

pub type TestParameters = Vec<(String, String)>;

pub struct TestBed {
    pub sandbox: Sandbox,
    pub clock: Clock,
    pub hand: ManualClock,
    pub client: Client,
}

impl TestBed {
    pub fn start() -> Self {
        Self::with(SandboxSettings::default())
    }

    #[expect(clippy::needless_pass_by_value, reason = "tests write the settings where they are used")]
    pub fn with(settings: SandboxSettings) -> Self {
        Self::at("127.0.0.1:0", &settings)
    }

    pub fn at(address: impl ToSocketAddrs, settings: &SandboxSettings) -> Self {
        let (clock, hand) = Clock::manual(START);
        let listener = TcpListener::bind(address).unwrap();
        let sandbox = Sandbox::start(settings, clock.clone(), listener).unwrap();
        Self { sandbox, clock, hand, client: Self::client() }
    }

    pub fn client() -> Client {
        Client::builder().disable_redirects().finish()
    }

    /// The unsigned parameters of an OPRetail call; `own` may replace system parameters.
    pub fn opretail(&self, method: &str, own: &[(&str, &str)]) -> TestParameters {
        let timestamp = tz::offset(8).to_datetime(self.clock.now()).strftime("%Y%m%d%H%M%S").to_string();
        let system = [
            ("_aid", "S107"),
            ("_akey", "S107-00000001"),
            ("_mt", method),
            ("_requestMode", "POST"),
            ("_sm", "md5"),
            ("_timestamp", timestamp.as_str()),
            ("_version", "v1"),
        ];
        merged(&system, own)
    }

    pub fn sign_opretail(&self, parameters: TestParameters) -> TestParameters {
        self.sign_opretail_with("sandbox-secret", parameters)
    }

    pub fn sign_opretail_with(&self, secret: &str, parameters: TestParameters) -> TestParameters {
        let text = format!("{secret}{}{secret}", assembled(&parameters));
        let uses_sha1 = parameters.iter().any(|(name, value)| name == "_sm" && value.eq_ignore_ascii_case("sha1"));
        let signature =
            if uses_sha1 { sha1_smol::Sha1::from(text).digest().to_string().to_uppercase() } else { md5(&text) };
        with(parameters, "_sig", signature)
    }

    /// The unsigned parameters of an OMS call; `own` may replace system parameters.
    pub fn oms(&self, method: &str, own: &[(&str, &str)]) -> TestParameters {
        let timestamp = self.clock.now().as_second().to_string();
        let system = [
            ("flag", "demo"),
            ("method", method),
            ("ver", "1"),
            ("charset", "utf-8"),
            ("type", "json"),
            ("timestamp", timestamp.as_str()),
        ];
        merged(&system, own)
    }

    pub fn sign_oms(&self, parameters: TestParameters) -> TestParameters {
        let signature = md5(&format!("{}sandbox-token", md5(&assembled(&parameters))));
        with(parameters, "sign", signature)
    }

    pub async fn call_m_api(&self, parameters: TestParameters) -> Value {
        self.post("/m.api", &self.sign_opretail(parameters)).await
    }

    pub async fn call_cloud_api(&self, parameters: TestParameters) -> Value {
        self.post("/cloud.api", &self.sign_opretail(parameters)).await
    }

    pub async fn call_oms(&self, parameters: TestParameters) -> Value {
        self.post_oms(&self.sign_oms(parameters)).await
    }

    pub async fn post_oms(&self, parameters: &[(String, String)]) -> Value {
        self.post("/index.php/openapi/rpc/service", parameters).await
    }

    /// Sends an OMS call and returns the text of the answer, which need not be JSON.
    pub async fn text_of_oms(&self, parameters: &[(String, String)]) -> String {
        let mut answer = self.send("/index.php/openapi/rpc/service/", parameters).await.unwrap();
        assert_eq!(answer.status(), 200);
        String::from_utf8(answer.body().await.unwrap().to_vec()).unwrap()
    }

    pub async fn post(&self, path: &str, parameters: &[(String, String)]) -> Value {
        let mut answer = self.send(path, parameters).await.unwrap();
        assert_eq!(answer.status(), 200);
        let body = answer.body().limit(16 << 20).await.unwrap();
        serde_json::from_slice(&body).unwrap()
    }

    pub fn send(&self, path: &str, parameters: &[(String, String)]) -> impl Future<Output = TestResponse> + use<> {
        self.client.post(self.url(path)).send_form(&parameters)
    }

    /// Sends a call on a connection of its own, from which the test reads the bytes itself.
    pub async fn connect_and_send(&self, path: &str, parameters: &[(String, String)]) -> TcpStream {
        // The server starts on this thread, which the test blocks while it reads; so it must be running already.
        self.client.get(self.url("/_sandbox/calls")).send().await.unwrap();
        let mut form = form_urlencoded::Serializer::new(String::new());
        let body = form.extend_pairs(parameters).finish();
        let mut connection = TcpStream::connect(self.sandbox.address).unwrap();
        connection.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: sandbox\r\ncontent-type: application/x-www-form-urlencoded\r\n\
             content-length: {}\r\n\r\n",
            body.len()
        );
        connection.write_all((head + &body).as_bytes()).unwrap();
        connection
    }

    pub fn url(&self, path: &str) -> String {
        self.sandbox.base_url() + path
    }
}

/// Removes one parameter.
pub fn without(mut parameters: TestParameters, name: &str) -> TestParameters {
    parameters.retain(|(candidate, _)| candidate != name);
    parameters
}

fn with(mut parameters: TestParameters, name: &str, value: String) -> TestParameters {
    parameters.push((name.to_owned(), value));
    parameters
}

fn merged(system: &[(&str, &str)], own: &[(&str, &str)]) -> TestParameters {
    let all: BTreeMap<&str, &str> = system.iter().chain(own).copied().collect();
    all.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn assembled(parameters: &[(String, String)]) -> String {
    let sorted: BTreeMap<&str, &str> = parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    sorted.into_iter().flat_map(|(name, value)| [name, value]).collect()
}

fn md5(text: &str) -> String {
    format!("{:X}", independent_md5::compute(text))
}
