//! The service with two tenants, in front of a sandbox gateway, both on free loopback ports and by a clock that the
//! test moves.

pub mod answer;
pub mod background;
pub mod configuration_files;
pub mod configurations;
pub mod doctor;
pub mod program;
pub mod requests;
pub mod reserved_port;
pub mod sandbox_gateway;
pub mod tenants;
pub mod waiting;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use actix_web::rt;
use actix_web::web::Data;
use awc::{Client, Connector};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use secrecy::ExposeSecret;
use storegate::app::App;
use storegate::auth::CurrentAuth;
use storegate::auth::issue::{TokenGrant, TokenIssuer};
use storegate::auth::keys::SigningKey;
use storegate::clock::{Clock, ManualClock};
use storegate::config::Settings;
use storegate::reload::LiveConfig;
use storegate::sandbox::{OmsServer, Sandbox, SandboxSettings};

use crate::app::answer::Answer;
use crate::app::background::Background;
use crate::app::sandbox_gateway::SandboxGateway;
use crate::app::tenants::{CLIENT_SECRET, ISSUER, configuration, grant, sandbox_settings};

/// Sunday, 22 November 2026, 10:00 in China: when every test begins.
pub const NOW: Timestamp = Timestamp::constant(1_795_312_800, 0);

/// What a test may choose before the service starts.
pub struct Setup {
    /// How the gateway behaves.
    pub sandbox: SandboxSettings,
    /// What the service takes for now, when it is not the gateway's time.
    pub proxy_time: Timestamp,
    /// What stands in the configuration besides the tenants and their clients.
    pub more: String,
    /// Whether the service issues tokens; else it has neither keys nor clients.
    pub issues_tokens: bool,
    variables: Vec<(String, String)>,
}

impl Setup {
    /// Changes a setting as an operator would, by the name of its variable without `STOREGATE__`.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.variables.push((format!("STOREGATE__{name}"), value.into()));
    }

    /// Sets limits of real time that a busy machine does not reach, for a test in which many ask at once.
    pub fn unhurried(&mut self) {
        for name in ["GATEWAY__ATTEMPT_TIMEOUT", "GATEWAY__DEADLINE", "GATEWAY__QUEUE_WAIT", "SERVER__REQUEST_TIMEOUT"]
        {
            self.set(name, "5m");
        }
    }
}

/// Both servers of the OMS.
pub const OMS_SERVERS: [OmsServer; 2] = [OmsServer::Published, OmsServer::Documented];

/// Lets the OMS be the server that the vendor's pages describe: it has a method for one store, so that each question about a
/// store is one call from the first.
pub const fn documented(setup: &mut Setup) {
    setup.sandbox.oms_server = OmsServer::Documented;
}

/// By what time the service lives.
struct Clocks {
    time: ManualClock,
    proxy_time: ManualClock,
    proxy_clock: Clock,
}

/// The running service.
pub struct TestApp {
    /// Moves the time of service and gateway.
    pub time: ManualClock,
    /// Moves the time of the service, when it is not the gateway's.
    pub proxy_time: ManualClock,
    /// Keys and clients in force.
    pub auth: Data<CurrentAuth>,
    /// What a reload renews.
    pub in_force: LiveConfig,
    /// The configuration that it was started with, but for what a test set by variables.
    pub configuration: String,
    address: SocketAddr,
    client: Client,
    key: Option<SigningKey>,
    clock: Clock,
    /// Before the gateway, so that it is stopped before it.
    _running: Background,
    /// The gateway behind it.
    pub gateway: Option<SandboxGateway>,
}

impl TestApp {
    /// The service as most tests want it.
    pub fn spawn() -> Self {
        Self::with(|_| {})
    }

    /// The service before this server of the OMS.
    pub fn before(server: OmsServer) -> Self {
        Self::with(|setup| setup.sandbox.oms_server = server)
    }

    /// The service as `choose` wants it.
    pub fn with(choose: impl FnOnce(&mut Setup)) -> Self {
        let mut setup = Setup {
            sandbox: sandbox_settings(),
            proxy_time: NOW,
            more: String::new(),
            issues_tokens: true,
            variables: Vec::new(),
        };
        choose(&mut setup);
        let (clock, time) = Clock::manual(NOW);
        let (proxy_clock, proxy_time) =
            if setup.proxy_time == NOW { (clock.clone(), time.clone()) } else { Clock::manual(setup.proxy_time) };
        let gateway = SandboxGateway::start(setup.sandbox, clock);
        let configuration = configuration(&gateway.sandbox);
        let configuration =
            if setup.issues_tokens { configuration } else { without_own_tokens(&configuration) } + &setup.more;
        let clocks = Clocks { time, proxy_time, proxy_clock };
        Self::serve(configuration, setup.variables, clocks, Some(gateway))
    }

    /// Another replica: of the same configuration but for these variables, by the same time, in front of the same gateway,
    /// which the first one holds.
    pub fn beside(first: &Self, variables: &[(&str, &str)]) -> Self {
        Self::configured_beside(first, first.configuration.clone(), variables)
    }

    /// Another replica with this configuration, by the same time, in front of the same gateway.
    pub fn configured_beside(first: &Self, configuration: String, variables: &[(&str, &str)]) -> Self {
        let variables = variables.iter().map(|(name, value)| (format!("STOREGATE__{name}"), (*value).to_owned()));
        let clocks =
            Clocks { time: first.time.clone(), proxy_time: first.proxy_time.clone(), proxy_clock: first.clock.clone() };
        Self::serve(configuration, variables.collect(), clocks, None)
    }

    fn serve(
        configuration: String,
        variables: Vec<(String, String)>,
        clocks: Clocks,
        gateway: Option<SandboxGateway>,
    ) -> Self {
        let Clocks { time, proxy_time, proxy_clock } = clocks;
        let settings = Settings::parse(&configuration, variables.into_iter()).unwrap();
        let key = settings.auth.keys.as_ref().map(|keys| keys.signing().clone());
        let clock = proxy_clock.clone();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let ((address, in_force), running) = Background::start(move || {
            let app = App::on(listener, settings, proxy_clock).unwrap();
            let (known, handle) = ((app.address(), app.in_force()), app.handle());
            let serving = rt::spawn(app.run());
            let stop = async move {
                handle.stop(false).await;
                serving.await.unwrap().unwrap();
            };
            (known, stop)
        });
        let client = client();
        let auth = in_force.auth.clone();
        Self {
            time,
            proxy_time,
            auth,
            in_force,
            configuration,
            address,
            client,
            key,
            clock,
            _running: running,
            gateway,
        }
    }

    /// The sandbox behind the service.
    pub fn sandbox(&self) -> &Sandbox {
        &self.gateway.as_ref().expect("there is a gateway").sandbox
    }

    /// Lets time pass.
    pub fn pass(&self, seconds: u64) {
        self.time.advance(Duration::from_secs(seconds));
    }

    /// Where the service listens.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A fresh token with all that the client may have.
    pub fn token(&self, client: &str) -> String {
        self.token_for("storegate", &grant(client))
    }

    /// A fresh token for this audience and grant, signed with the service's own key.
    pub fn token_for(&self, audience: &str, grant: &TokenGrant) -> String {
        let key = self.key.as_ref().expect("the service issues tokens");
        let lifetime = Duration::from_secs(900);
        let issuer = TokenIssuer::new(ISSUER, audience, lifetime, key.clone(), self.clock.clone());
        issuer.issue(grant.clone()).unwrap().token.expose_secret().to_owned()
    }

    /// Reads as a client that may read everything.
    pub async fn get(&self, path: &str) -> Answer {
        self.get_as("dashboard", path).await
    }

    /// Reads as this client.
    pub async fn get_as(&self, client: &str, path: &str) -> Answer {
        self.request(client, "GET", path, &[]).await
    }

    /// Reads as a client that may read everything, with further headers.
    pub async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.request("dashboard", "GET", path, headers).await
    }

    /// Sends a request with this client's token.
    pub async fn request(&self, client: &str, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let bearer = format!("Bearer {}", self.token(client));
        self.send(method, path, &[headers, &[("authorization", &bearer)]].concat(), "").await
    }

    /// Sends a request without a token.
    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let request = self.client.request(method.parse().unwrap(), self.url(path)).no_decompress();
        let request = headers.iter().fold(request, |request, header| request.append_header(*header));
        let mut response = request.send_body(body.to_owned()).await.unwrap();
        let body = response.body().limit(16 << 20).await.unwrap();
        Answer { status: response.status().as_u16(), headers: response.headers().clone(), body }
    }

    /// Posts a form to a path under `/oauth` with the client's own secret.
    pub async fn post_form(&self, client: &str, path: &str, form: &str) -> Answer {
        self.post_form_with(&format!("{client}:{CLIENT_SECRET}"), path, form).await
    }

    /// Posts a form with these credentials: id, colon, secret.
    pub async fn post_form_with(&self, credentials: &str, path: &str, form: &str) -> Answer {
        let basic = format!("Basic {}", STANDARD.encode(credentials));
        let headers = [("content-type", "application/x-www-form-urlencoded"), ("authorization", &basic)];
        self.send("POST", path, &headers, form).await
    }

    /// Reads with a token that the test has.
    pub async fn get_with_token(&self, token: &str, path: &str) -> Answer {
        self.send("GET", path, &[("authorization", &format!("Bearer {token}"))], "").await
    }

    /// The address of the service, for sockets.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends these bytes on a connection of their own and gives all that comes back.
    pub fn raw(&self, request: &str) -> String {
        let mut connection = TcpStream::connect(self.address).unwrap();
        connection.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
        connection.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        connection.read_to_end(&mut answer).unwrap();
        String::from_utf8(answer).unwrap()
    }

    /// Stops the gateway and starts it again.
    pub fn restart_gateway(&mut self) {
        self.gateway = self.gateway.take().map(SandboxGateway::restarted);
    }
}

fn without_own_tokens(configuration: &str) -> String {
    let mut table: toml::Table = configuration.parse().unwrap();
    table.remove("auth");
    table.to_string()
}

/// A client that follows nothing, decodes nothing and opens as many connections as there are requests.
fn client() -> Client {
    // The service closes idle connections after five seconds; one that it is closing must not be used again.
    let idle = Duration::from_secs(2);
    let connector = Connector::new().limit(0).timeout(Duration::from_secs(120)).conn_keep_alive(idle);
    Client::builder().connector(connector).disable_redirects().timeout(Duration::from_secs(120)).finish()
}
