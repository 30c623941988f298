//! All programs of a set-up, running beside each other before the same gateway; only one of them is loaded at a time.

use std::fs;
use std::path::{Path, PathBuf};

use super::calendar::Calendar;
use super::credentials::Credentials;
use super::http::{self, Answer};
use super::load::{Load, Questions};
use super::options::Options;
use super::process::Process;
use super::program::Program;
use super::rounds::Contender;
use super::sameness;
use super::sandbox::Sandbox;
use super::setup::Setup;
use super::{bare, peers, storegate};

pub const FLOW: &str = "/stores/S_123456/flow";
pub const DEMOGRAPHICS: &str = "/stores/S_123456/demographics";

/// The usual number of connections.
pub const CONNECTIONS: usize = 64;

/// The programs of a set-up, and what they share.
pub struct Stage {
    pub setup: Setup,
    pub directory: PathBuf,
    pub calendar: Calendar,
    pub credentials: Credentials,
    pub bare: Program,
    pub storegate: Program,
    pub peers: Vec<Program>,
    /// A page of inspections of about 100 KB.
    pub page: String,
    // Last, so that it ends after those who call it.
    pub sandbox: Sandbox,
}

impl Stage {
    pub fn set(directory: &Path, setup: Setup, options: &Options) -> Self {
        let sandbox = Sandbox::start(directory, setup.other_cores());
        let credentials = Credentials::make(directory, &sandbox);
        let calendar = Calendar::new();
        let storegate = storegate::start(&credentials, setup);
        let page = page_of_100_kb(&storegate, &credentials, &calendar);
        let header = [credentials.header("HS256")];
        let query = calendar.by_chance(1).first_query();
        for (name, path) in [("flow", FLOW), ("demographics", &format!("{DEMOGRAPHICS}{query}")), ("page", &page)] {
            let answer = http::get(&storegate.base_url, path, &header);
            assert_eq!(answer.status, 200, "{}", answer.text());
            fs::write(directory.join(name), answer.body).expect("a file for a body");
        }
        let bare = bare::start(directory, sandbox.base_url(), setup);
        let mut peers = Vec::new();
        if options.wants_peer(peers::NGINX) {
            peers.push(peers::start_nginx(directory, &credentials, &sandbox, setup));
        }
        if options.wants_peer(peers::NODE) {
            peers.push(peers::start_node(directory, &credentials, &sandbox, setup));
        }
        let stage = Self {
            setup,
            directory: directory.to_owned(),
            calendar,
            credentials,
            bare,
            storegate,
            peers,
            page,
            sandbox,
        };
        stage.compare_answers(&header, &query);
        stage
    }

    /// storegate and those who do the same.
    pub fn proxies(&self) -> impl Iterator<Item = &Program> {
        std::iter::once(&self.storegate).chain(&self.peers)
    }

    /// A load of one question.
    pub fn load(&self, program: &Program, path: &str, algorithm: &str) -> Load {
        Load {
            base_url: program.base_url.clone(),
            path: path.to_owned(),
            headers: vec![self.credentials.header(algorithm)],
            questions: Questions::Same,
            connections: CONNECTIONS,
            cores: self.setup.other_cores(),
            threads: self.setup.workers(),
        }
    }

    /// A contender whose answer was looked at: it has this status.
    pub fn contender<'a>(&self, label: &str, program: &'a Program, load: Load, status: u16) -> Contender<'a> {
        contender(label, &program.process, load, status)
    }

    /// All answer alike: the bare handler with the same bytes, peers with a flow of the same shape, since figures grow during
    /// the day, and with the same demographics of the past.
    fn compare_answers(&self, headers: &[String], query: &str) {
        let demographics = format!("{DEMOGRAPHICS}{query}");
        for path in [FLOW, &demographics, &self.page] {
            let [ours, bare] = [&self.storegate, &self.bare].map(|program| http::get(&program.base_url, path, headers));
            assert!(ours.body == bare.body, "the bare handler has other bytes for {path}");
        }
        for peer in &self.peers {
            for (path, exactly) in [(FLOW, false), (&*demographics, true)] {
                let [ours, theirs] = [&self.storegate, peer].map(|program| http::get(&program.base_url, path, headers));
                assert_eq!(theirs.status, 200, "{}: {}", peer.name, theirs.text());
                assert!(
                    sameness::is_same(&ours.json(), &theirs.json(), exactly),
                    "{} answers otherwise: {} and {}",
                    peer.name,
                    ours.text(),
                    theirs.text()
                );
            }
        }
    }
}

/// A contender whose answer was looked at: it has this status.
pub fn contender<'a>(label: &str, process: &'a Process, load: Load, status: u16) -> Contender<'a> {
    let answer = first_answer(&load);
    assert_eq!(answer.status, status, "{label}: {}", answer.text());
    // The second answer comes from the cache, as those do that are measured.
    let length = first_answer(&load).length;
    Contender { label: label.to_owned(), process, load, length }
}

/// The answer to the first request of a load.
fn first_answer(load: &Load) -> Answer {
    let query = match &load.questions {
        Questions::Periods(periods) => periods.first_query(),
        Questions::Same | Questions::Form(_) => String::new(),
    };
    match &load.questions {
        Questions::Form(body) => {
            let form = ["Content-Type: application/x-www-form-urlencoded".to_owned()];
            http::send(&load.base_url, "POST", &load.path, &form, body)
        }
        _ => http::get(&load.base_url, &format!("{}{query}", load.path), &load.headers),
    }
}

/// The path of a page of about 100 KB: as many inspections as that takes.
fn page_of_100_kb(storegate: &Program, credentials: &Credentials, calendar: &Calendar) -> String {
    let (from, to) = calendar.past();
    let path = |size: usize| format!("/inspections?from={from}&to={to}&page_size={size}");
    let ten = http::get(&storegate.base_url, &path(10), &[credentials.header("HS256")]);
    assert_eq!(ten.status, 200, "{}", ten.text());
    path((100 << 10) * 10 / ten.body.len())
}
