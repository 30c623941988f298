//! A gateway of the tests' own, for both vendors, written from their rules alone: HTTP, form decoding, sorting and
//! signatures share no code with the service or its sandbox, so that both cannot be wrong together.

use std::collections::{BTreeMap, HashSet};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

use crate::app::tenants::SECRETS;
use crate::app::{NOW, Setup, TestApp};
use crate::peers::independent_rules::{Parameters, decode_form, oms_signature, opretail_signature};

const CHINA: Offset = Offset::constant(8);

const NO_FIGURES: &str = r#"{"stat":{"cid":"c1","code":0,"codename":"SUCCESS"},"data":{"DAY_FLOW":7}}"#;
const NO_STORES: &str = r#"{"response":{"count":0,"lists":[]}}"#;
/// The store `A1`, and nothing else about it.
pub const A_STORE: &str = r#"{"response":{"shop_bn":"A1"}}"#;

/// A gateway with acme's accounts, which answers each method of stores and flow with little.
pub fn gateway() -> IndependentGateway {
    gateway_with_time(OmsTime::Unix)
}

/// A gateway like [`gateway`], whose OMS takes these timestamps alone.
pub fn gateway_with_time(oms_time: OmsTime) -> IndependentGateway {
    let gateway = IndependentGateway::start(NOW, oms_time, SECRETS[0], SECRETS[1]);
    gateway.answer("open.shopweb.passengerFlow.getTotalData", NO_FIGURES);
    gateway.answer("shop.getList", NO_STORES);
    gateway.answer("shop.get", A_STORE);
    gateway
}

/// The service with acme's accounts at this gateway.
pub fn app_before(gateway: &IndependentGateway, choose: impl FnOnce(&mut Setup)) -> TestApp {
    TestApp::with(|setup| {
        setup.set("TENANTS__ACME__OPRETAIL__M_API", gateway.url("/elsewhere/m.api"));
        setup.set("TENANTS__ACME__OPRETAIL__CLOUD_API", gateway.url("/elsewhere/cloud.api"));
        setup.set("TENANTS__ACME__OMS__URL", gateway.url("/index.php/openapi/rpc/service/"));
        choose(setup);
    })
}

/// What arrived, and what the gateway thought of it.
#[derive(Clone, Debug)]
pub struct Received {
    /// The request's target.
    pub path: String,
    /// Headers by their names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body as it came.
    pub body: String,
    /// The body decoded.
    pub parameters: Parameters,
    /// `ok`, or the vendor's code of the refusal.
    pub verdict: &'static str,
}

/// Which timestamps the OMS takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OmsTime {
    /// Unix seconds.
    Unix,
    /// `yyyyMMddHHmmss` in China.
    Compact,
}

/// What answers a method: the body, by the parameters that were sent.
type Answering = Box<dyn FnMut(&Parameters) -> String + Send>;

/// A running gateway with one account at each vendor.
pub struct IndependentGateway {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

struct Shared {
    now: Timestamp,
    oms_time: OmsTime,
    opretail_secret: String,
    oms_token: String,
    answers: Mutex<BTreeMap<String, String>>,
    answering: Mutex<BTreeMap<String, Answering>>,
    echoes: Mutex<BTreeMap<String, String>>,
    received: Mutex<Vec<Received>>,
    used: Mutex<HashSet<String>>,
    stopping: AtomicBool,
}

impl IndependentGateway {
    /// Starts on a free port; its clock stands at `now`.
    pub fn start(now: Timestamp, oms_time: OmsTime, opretail_secret: &str, oms_token: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let shared = Arc::new(Shared {
            now,
            oms_time,
            opretail_secret: opretail_secret.to_owned(),
            oms_token: oms_token.to_owned(),
            answers: Mutex::default(),
            answering: Mutex::default(),
            echoes: Mutex::default(),
            received: Mutex::default(),
            used: Mutex::default(),
            stopping: AtomicBool::new(false),
        });
        let (address, its_shared) = (listener.local_addr().unwrap(), shared.clone());
        let accepting = thread::spawn(move || accept(&listener, &its_shared));
        Self { address, shared, accepting: Some(accepting) }
    }

    /// An address of this gateway.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Lets every accepted call of a method be answered with `body` and status 200.
    pub fn answer(&self, method: &str, body: &str) {
        let whole = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n", body.len());
        self.answer_whole(method, &whole, body);
    }

    /// Lets every accepted call of a method be answered with this head and body; the `Date` and the empty line are added.
    /// After `connection: close` the connection is closed.
    pub fn answer_whole(&self, method: &str, head: &str, body: &str) {
        let date = self.shared.now.strftime("%a, %d %b %Y %H:%M:%S GMT");
        let answer = format!("{head}date: {date}\r\n\r\n{body}");
        self.shared.answers.lock().unwrap().insert(method.to_owned(), answer);
    }

    /// Lets every accepted call of a method be answered with the body that this gives.
    pub fn answer_by(&self, method: &str, answering: impl FnMut(&Parameters) -> String + Send + 'static) {
        self.shared.answering.lock().unwrap().insert(method.to_owned(), Box::new(answering));
    }

    /// Lets every accepted call of a method be answered with `body`, in which `%FORM%` stands for what was received and
    /// `%SIGN%` for its signature.
    pub fn echo(&self, method: &str, body: &str) {
        self.shared.echoes.lock().unwrap().insert(method.to_owned(), body.to_owned());
    }

    /// Lets it be answered as before.
    pub fn echo_no_more(&self, method: &str) {
        self.shared.echoes.lock().unwrap().remove(method);
    }

    /// All that arrived, in order.
    pub fn received(&self) -> Vec<Received> {
        self.shared.received.lock().unwrap().clone()
    }

    /// The only request that arrived.
    pub fn only(&self) -> Received {
        let received = self.received();
        assert_eq!(received.len(), 1, "{received:?}");
        received[0].clone()
    }

    /// What became of each request, in order.
    pub fn verdicts(&self) -> Vec<&'static str> {
        self.received().iter().map(|received| received.verdict).collect()
    }
}

impl Drop for IndependentGateway {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::Release);
        // Wakes the thread that waits for the next connection.
        let _woken = TcpStream::connect(self.address);
        let ended = self.accepting.take().map(JoinHandle::join);
        assert!(thread::panicking() || ended.is_none_or(|ended| ended.is_ok()), "the gateway panicked");
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for connection in listener.incoming() {
        if shared.stopping.load(Ordering::Acquire) {
            return;
        }
        let (connection, shared) = (connection.unwrap(), shared.clone());
        thread::spawn(move || serve(&connection, &shared));
    }
}

/// Answers requests until the other side closes the connection.
fn serve(connection: &TcpStream, shared: &Shared) {
    let mut reader = BufReader::new(connection);
    while let Some((path, headers, body)) = read_request(&mut reader) {
        let parameters = decode_form(&body);
        let (method, verdict) = shared.judge(&parameters);
        let answer = shared.answer_to(&method, verdict, &body, &parameters);
        shared.received.lock().unwrap().push(Received { path, headers, body, parameters, verdict });
        let mut connection = connection;
        if connection.write_all(answer.as_bytes()).is_err() || answer.contains("connection: close") {
            return;
        }
    }
}

fn read_request(reader: &mut impl BufRead) -> Option<(String, BTreeMap<String, String>, String)> {
    let line = read_line(reader)?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut headers = BTreeMap::new();
    loop {
        let line = read_line(reader)?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let mut body = vec![0; headers.get("content-length")?.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    Some((path, headers, String::from_utf8(body).ok()?))
}

fn read_line(reader: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    (reader.read_line(&mut line).ok()? > 0).then(|| line.trim_end().to_owned())
}

impl Shared {
    /// The method that is called, and the vendor's code for the first thing that is wrong.
    fn judge(&self, parameters: &Parameters) -> (String, &'static str) {
        let get = |name: &str| parameters.get(name).map(String::as_str).unwrap_or_default();
        if parameters.contains_key("_mt") {
            let signature = opretail_signature(parameters, &self.opretail_secret, get("_sm") == "sha1");
            let verdict = if !self.is_near(compact(get("_timestamp")), 600) {
                "16"
            } else if get("_sig") != signature {
                "7"
            } else if self.is_used(&signature) {
                "-100"
            } else {
                "ok"
            };
            return (get("_mt").to_owned(), verdict);
        }
        let time = match self.oms_time {
            OmsTime::Unix => get("timestamp").parse().ok().and_then(|seconds| Timestamp::from_second(seconds).ok()),
            OmsTime::Compact => compact(get("timestamp")),
        };
        let signature = oms_signature(parameters, &self.oms_token);
        let verdict = if !self.is_near(time, 3600) {
            "e000008"
        } else if get("sign") != signature {
            "e000002"
        } else if self.is_used(&signature) {
            "e000009"
        } else {
            "ok"
        };
        (get("method").to_owned(), verdict)
    }

    fn is_near(&self, time: Option<Timestamp>, seconds: i64) -> bool {
        time.is_some_and(|time| (time.as_second() - self.now.as_second()).abs() <= seconds)
    }

    fn is_used(&self, signature: &str) -> bool {
        !self.used.lock().unwrap().insert(signature.to_owned())
    }

    fn answer_to(&self, method: &str, verdict: &str, form: &str, parameters: &Parameters) -> String {
        let echo = self.echoes.lock().unwrap().get(method).filter(|_| verdict == "ok").cloned();
        if let Some(echo) = echo {
            let signature = parameters.get("_sig").or_else(|| parameters.get("sign")).unwrap();
            return self.whole(&echo.replace("%FORM%", form).replace("%SIGN%", signature));
        }
        if verdict == "ok"
            && let Some(answering) = self.answering.lock().unwrap().get_mut(method)
        {
            return self.whole(&answering(parameters));
        }
        if verdict == "ok" {
            return self.answers.lock().unwrap().get(method).cloned().expect("the test gave an answer");
        }
        let body = if verdict.starts_with('e') {
            format!(r#"{{"error_response":{{"code":"{verdict}","msg":"refused"}}}}"#)
        } else {
            format!(r#"{{"stat":{{"cid":"c","code":{verdict},"codename":"REFUSED"}},"result":"refused"}}"#)
        };
        self.whole(&body)
    }

    fn whole(&self, body: &str) -> String {
        let date = self.now.strftime("%a, %d %b %Y %H:%M:%S GMT");
        format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\ndate: {date}\r\n\r\n{body}", body.len())
    }
}

/// `yyyyMMddHHmmss` in China.
fn compact(text: &str) -> Option<Timestamp> {
    let time = DateTime::strptime("%Y%m%d%H%M%S", text).ok().filter(|_| text.len() == 14)?;
    CHINA.to_timestamp(time).ok()
}
