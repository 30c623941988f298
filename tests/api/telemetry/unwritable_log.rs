//! A log that cannot be written harms nothing: its reader has gone, its disk is full, nobody reads its pipe. Requests are
//! answered, the configuration is read again, a stop is in good order, and what was lost is counted and told.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use awc::Client;
use awc::http::StatusCode;
use futures_util::future::join_all;
use serde_json::Value;
use storegate::clock::Deadline;

use crate::app::configurations::program_configuration;
use crate::app::program::{Running, code_into, directory, make_pipe, stdout_of};
use crate::app::waiting::eventually;

const PATIENCE: Duration = Duration::from_secs(30);
const LOST: &str = "log lines lost";

/// The limit on a file, as `ulimit -f` counts it: far more than the lines of a pause of the log, which are written at once.
const BLOCKS: u64 = 2048;
const BYTES_OF_A_BLOCK: u64 = 512;

/// Where a test's program has its files.
struct Home {
    config: PathBuf,
    list: PathBuf,
    ready: PathBuf,
}

impl Home {
    fn new(name: &str) -> Self {
        let home = directory(name);
        let [key, config, list, ready] =
            ["key.pem", "storegate.toml", "revoked", "ready.json"].map(|name| home.join(name));
        fs::write(&key, stdout_of(&["secret", "key"], &[], "")).unwrap();
        fs::write(&list, "nothing\n").unwrap();
        let text = program_configuration(&key, &format!("revoked_tokens_file = {list:?}"));
        fs::write(&config, text).unwrap();
        Self { config, list, ready }
    }

    fn arguments(&self) -> [&str; 5] {
        ["serve", "--config", self.config.to_str().unwrap(), "--listen", "127.0.0.1:0"]
    }

    fn serve(&self, stderr: impl Into<Stdio>) -> Served<'_> {
        self.served(Running::start_into(stderr, &self.arguments(), &self.ready))
    }

    fn served(&self, running: Running) -> Served<'_> {
        let token = stdout_of(&["token", "--config", self.config.to_str().unwrap(), "--client", "dashboard"], &[], "");
        Served { home: self, running, client: Client::default(), token }
    }
}

/// The program whose log goes where a test wants it.
struct Served<'a> {
    home: &'a Home,
    running: Running,
    client: Client,
    token: String,
}

impl Served<'_> {
    /// Sends so many requests, sixteen at a time, each of which makes a line of more than 1 KiB. All are answered.
    async fn request(&self, requests: usize) {
        let path = self.running.url(&"/nowhere".repeat(140));
        for _ in 0..requests.div_ceil(16) {
            let answers = (0..16).map(|_| self.client.get(&path).timeout(PATIENCE).send());
            for answer in join_all(answers).await {
                assert_eq!(answer.unwrap().status(), StatusCode::NOT_FOUND);
            }
        }
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        let mut answer =
            self.client.get(self.running.url(path)).bearer_auth(&self.token).timeout(PATIENCE).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap_or_default())
    }

    async fn lost(&self) -> u64 {
        let mut answer = self.client.get(self.running.url("/metrics")).timeout(PATIENCE).send().await.unwrap();
        let metrics = String::from_utf8(answer.body().limit(1 << 20).await.unwrap().to_vec()).unwrap();
        let value = metrics.lines().find_map(|line| line.strip_prefix("storegate_log_lines_dropped_total "));
        value.unwrap_or_else(|| panic!("not counted: {metrics}")).parse().unwrap()
    }

    /// Sends requests until lines are lost.
    async fn request_until_lines_are_lost(&self) {
        let deadline = Deadline::after(PATIENCE);
        while self.lost().await == 0 {
            assert!(!deadline.left().is_zero(), "no line was lost");
            self.request(160).await;
        }
    }

    /// A token is put on the list of revoked ones, and is soon refused. Nothing has failed.
    async fn assert_reads_again(&self) {
        assert_ne!(self.get("/stores").await.0, 401);
        let claims = self.token.split('.').nth(1).unwrap();
        let claims = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, claims).unwrap();
        let claims: Value = serde_json::from_slice(&claims).unwrap();
        fs::write(&self.home.list, claims["jti"].as_str().unwrap()).unwrap();
        let deadline = Deadline::after(PATIENCE);
        while self.get("/stores").await.0 != 401 {
            assert!(!deadline.left().is_zero(), "the configuration is not read again");
        }
        let ready = self.get("/readyz").await.1;
        let tasks = ready["tasks"].as_array().unwrap();
        for name in ["reload", "maintenance", "log"] {
            let task = tasks.iter().find(|task| task["name"] == name).unwrap_or_else(|| panic!("no {name} in {ready}"));
            assert_eq!((&task["state"], &task["restarts"]), (&"running".into(), &0.into()), "{ready}");
        }
    }

    fn stop(self) {
        let deadline = Deadline::after(PATIENCE / 2);
        assert_eq!(self.running.terminate().0, Some(0));
        assert!(!deadline.left().is_zero(), "the stop waited for the log");
    }
}

/// All that can be read, line by line, on a thread of its own.
fn lines(from: impl io::Read + Send + 'static) -> std::sync::mpsc::Receiver<String> {
    let (tell, told) = std::sync::mpsc::channel();
    thread::spawn(move || BufReader::new(from).lines().map_while(Result::ok).try_for_each(|line| tell.send(line)));
    told
}

fn until(lines: &std::sync::mpsc::Receiver<String>, text: &str) -> String {
    loop {
        let line = lines.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("no line with {text}"));
        if line.contains(text) {
            return line;
        }
    }
}

#[actix_web::test]
async fn a_closed_pipe_costs_lines_and_nothing_else() {
    let home = Home::new("log-without-reader");
    let (reader, writer) = io::pipe().unwrap();
    let served = home.serve(writer);
    drop(reader);
    served.request(320).await;
    served.request_until_lines_are_lost().await;
    served.assert_reads_again().await;
    served.stop();
}

#[actix_web::test]
async fn a_disk_that_is_full_costs_lines_and_nothing_else() {
    let home = Home::new("log-on-full-disk");
    let served = home.serve(OpenOptions::new().write(true).open("/dev/full").unwrap());
    served.request(320).await;
    served.request_until_lines_are_lost().await;
    served.assert_reads_again().await;
    served.stop();
}

#[actix_web::test]
async fn an_unread_pipe_costs_lines_alone_and_says_how_many_when_it_is_read_again() {
    let home = Home::new("log-unread");
    let (reader, writer) = io::pipe().unwrap();
    let served = home.serve(writer);
    served.request_until_lines_are_lost().await;
    served.assert_reads_again().await;
    let lines = lines(reader);
    let told = until(&lines, LOST);
    assert!(told.contains("WARN") && !told.contains("lines=0"), "{told}");
    served.get("/healthz?after").await;
    until(&lines, "healthz");
    served.stop();
    until(&lines, "stopped");
}

#[actix_web::test]
async fn a_stop_does_not_wait_for_an_unread_pipe() {
    let home = Home::new("log-unread-at-stop");
    let (_reader, writer) = io::pipe().unwrap();
    let served = home.serve(writer);
    served.request(320).await;
    served.stop();
}

#[actix_web::test]
async fn a_socket_that_never_blocks_loses_no_line_as_long_as_it_is_read_in_the_end() {
    let home = Home::new("log-non-blocking");
    let (reader, writer) = UnixStream::pair().unwrap();
    writer.set_nonblocking(true).unwrap();
    let served = home.serve(OwnedFd::from(writer));
    // More than the socket has room for, and less than the queue has.
    served.request(960).await;
    assert_eq!(served.lost().await, 0);
    let lines = lines(reader);
    for _ in 0..960 {
        until(&lines, "nowhere");
    }
    served.stop();
}

#[actix_web::test]
async fn a_new_reader_of_a_named_pipe_gets_the_number_of_lost_lines_and_reads_on() {
    let home = Home::new("log-new-reader");
    let pipe = home.config.with_file_name("log");
    make_pipe(&pipe);
    let its_pipe = pipe.clone();
    let opening = thread::spawn(move || File::open(its_pipe).unwrap());
    let writer = OpenOptions::new().write(true).open(&pipe).unwrap();
    let reader = opening.join().unwrap();
    let served = home.serve(writer);
    drop(reader);
    served.request(160).await;
    served.request_until_lines_are_lost().await;
    let lines = lines(File::open(&pipe).unwrap());
    until(&lines, LOST);
    served.get("/healthz").await;
    until(&lines, "healthz");
    served.stop();
}

/// A limit on the size of files is a full disk of which a test makes room.
#[actix_web::test]
async fn a_disk_that_has_room_again_gets_whole_lines_again() {
    let home = Home::new("log-with-room-again");
    let log = home.config.with_file_name("log");
    // What is appended goes to the end of the file, wherever that is by then.
    let limits = format!("ulimit -f {BLOCKS}; exec \"$0\" \"$@\" 2>>{}", log.display());
    let served = home.served(Running::start_by_shell(&limits, &home.arguments(), &home.ready));
    served.request_until_lines_are_lost().await;
    served.assert_reads_again().await;
    // Lines may be lost to a queue without room, too, and a file that is not full yet is still written to.
    let deadline = Deadline::after(PATIENCE);
    while fs::metadata(&log).unwrap().len() < BLOCKS * BYTES_OF_A_BLOCK {
        assert!(!deadline.left().is_zero(), "the file is never full");
        served.request(160).await;
    }
    let whole = fs::read_to_string(&log).unwrap();
    OpenOptions::new().write(true).open(&log).unwrap().set_len(0).unwrap();
    // The log is written again after a pause. Requests one after the other would fill the file once more by then.
    eventually("lines are logged again", async || {
        served.get("/healthz").await;
        fs::read_to_string(&log).unwrap().contains(LOST)
    })
    .await;
    served.stop();
    let all = whole + &fs::read_to_string(&log).unwrap();
    let is_whole = |line: &str| {
        line.starts_with("20") && (line.contains(" INFO ") || line.contains(" WARN ") || line.contains(" ERROR "))
    };
    assert!(all.lines().all(is_whole), "{all}");
}

#[actix_web::test]
async fn the_demo_serves_although_its_output_is_not_read() {
    let home = directory("demo-unread");
    let (reader, closed) = io::pipe().unwrap();
    drop(reader);
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    for (command, stdout) in [("demo", Stdio::from(closed)), ("sandbox", full.into())] {
        let ready = home.join(format!("{command}.json"));
        let demo = Running::start_unheard(command, stdout, &ready);
        let path = if command == "demo" { "/healthz" } else { "/_sandbox/calls" };
        assert_eq!(
            Client::default().get(demo.url(path)).timeout(PATIENCE).send().await.unwrap().status(),
            StatusCode::OK
        );
        assert_eq!(demo.terminate().0, Some(0));
    }
}

fn assert_says(stderr: &Path, what: &str) {
    let said = fs::read_to_string(stderr).unwrap();
    assert!(said.contains(what), "{said}");
}

#[test]
fn the_message_of_a_failed_start_is_written_if_it_can_be_and_the_exit_code_is_the_same() {
    let home = Home::new("log-failed-start");
    fs::write(&home.config, "[server]\nlisten = \"nowhere\"\n").unwrap();
    let said = home.config.with_file_name("stderr");
    let (reader, closed) = io::pipe().unwrap();
    drop(reader);
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    for stderr in [Stdio::from(File::create(&said).unwrap()), closed.into(), full.into()] {
        assert_eq!(code_into(stderr, &home.arguments()), Some(78));
    }
    assert_says(&said, "storegate: ");
    assert_says(&said, "listen");
}
