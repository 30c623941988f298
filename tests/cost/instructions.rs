//! Machine instructions of a hit: the program runs twice under Valgrind's callgrind, with few and with many hits, and the
//! difference is what the further hits took. It counts the debug build, whose numbers are large and stable.
//!
//! Without Valgrind the test is reported as ignored; `STOREGATE_TESTS_REQUIRE_VALGRIND=1` makes that an error.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use storegate::auth::issue::TokenIssuer;
use storegate::clock::Clock;
use storegate::config::Settings;

use secrecy::ExposeSecret;

use crate::app::sandbox_gateway::SandboxGateway;
use crate::app::tenants::{ISSUER, configuration, grant, sandbox_settings};
use crate::peer::{Peer, request};
use crate::program::Program;

const FEW: usize = 200;
const MANY: usize = 700;

/// Of the debug build, the framework and the C library included; the kernel is not counted. It was 150,000 to 167,000 when
/// it was last looked at.
const MOST_INSTRUCTIONS: u64 = 200_000;

/// Whether instructions can be counted here.
pub fn can_be_counted() -> bool {
    let is_installed = Command::new("valgrind").arg("--version").stdout(Stdio::null()).status().is_ok();
    let is_required = std::env::var_os("STOREGATE_TESTS_REQUIRE_VALGRIND").is_some();
    assert!(is_installed || !is_required, "Valgrind is not installed");
    is_installed
}

pub fn a_hit_takes_no_more_instructions_than_it_did() {
    let gateway = SandboxGateway::live_with(sandbox_settings());
    // Under Valgrind, beside others, a head may take long.
    let server = "workers = 1\nhead_timeout = \"1m\"\nrequest_timeout = \"1m\"";
    let configuration = configuration(&gateway.sandbox).replace("workers = 2", server);
    let counts: Vec<u64> = thread::scope(|scope| {
        let run = |hits| {
            scope.spawn({
                let configuration = &configuration;
                move || count(configuration, hits)
            })
        };
        [run(FEW), run(MANY)].map(|counting| counting.join().unwrap()).to_vec()
    });
    let each = (counts[1] - counts[0]) / (MANY - FEW) as u64;
    println!("{each} instructions a hit");
    assert!(each <= MOST_INSTRUCTIONS, "{each} instructions a hit");
}

/// All instructions of a program that answers so many hits.
fn count(configuration: &str, hits: usize) -> u64 {
    let directory = directory(&format!("instructions-{hits}"));
    let config = directory.join("storegate.toml");
    fs::write(&config, configuration).unwrap();
    let ready = directory.join("ready.json");
    let counted = directory.join("callgrind.out");
    let output = format!("--callgrind-out-file={}", counted.display());
    let arguments = ["--quiet", "--tool=callgrind", &output, env!("CARGO_BIN_EXE_storegate")];
    let mut program = Program::start("valgrind", &arguments, &config, &ready);
    let address = address(&ready, &mut program);
    let mut peer = Peer::connect(address);
    let request = request(&token(configuration), "/stores/S_123456/flow");
    for _ in 0..hits {
        peer.exchange(&request);
    }
    drop(peer);
    program.terminate();
    total(&fs::read_to_string(counted).unwrap())
}

/// A directory of a test's own, empty at the beginning.
pub fn directory(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _removed = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).unwrap();
    directory
}

/// Waits for the ready file, for as long as the program runs.
pub fn address(ready: &Path, program: &mut Program) -> SocketAddr {
    loop {
        if let Ok(text) = fs::read_to_string(ready)
            && let Ok(known) = serde_json::from_str::<serde_json::Value>(&text)
        {
            let url = known["base_url"].as_str().unwrap();
            return url.strip_prefix("http://").unwrap().parse().unwrap();
        }
        assert!(program.runs(), "the program has ended");
        thread::park_timeout(Duration::from_millis(20));
    }
}

/// A token of the client that may read everything.
pub fn token(configuration: &str) -> String {
    let settings = Settings::parse(configuration, std::iter::empty()).unwrap();
    let key = settings.auth.keys.as_ref().unwrap().signing().clone();
    let issuer = TokenIssuer::new(ISSUER, "storegate", Duration::from_secs(3600), key, Clock::system());
    issuer.issue(grant("operator")).unwrap().token.expose_secret().to_owned()
}

fn total(output: &str) -> u64 {
    let line = output.lines().find_map(|line| line.strip_prefix("totals: ").or_else(|| line.strip_prefix("summary: ")));
    line.unwrap().split_whitespace().next().unwrap().parse().unwrap()
}
