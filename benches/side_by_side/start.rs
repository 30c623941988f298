//! storegate itself: how soon it answers after it was started, what it takes when nobody asks, and how large it is.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::http;
use super::options::Options;
use super::process::Process;
use super::report::{Report, range};
use super::rounds::Spread;
use super::sandbox::STOREGATE;
use super::stage::Stage;
use super::storegate;

const MIB: f64 = 1_048_576.0;
const STARTS: usize = 11;

/// Start, idle memory, size.
#[expect(clippy::cast_precision_loss, reason = "rounded to MiB")]
pub fn figures(stage: &Stage, _: &Options, report: &mut Report) {
    let mut times = Vec::new();
    let mut idle = Vec::new();
    for _ in 0..STARTS {
        let port = http::free_port();
        let base_url = format!("http://127.0.0.1:{port}");
        let started = Instant::now();
        let mut process = Process::start(storegate::NAME, storegate::plain(&stage.credentials, port));
        process.wait_until("listened", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        assert_eq!(http::get(&base_url, "/healthz", &[]).status, 200);
        times.push(started.elapsed().as_secs_f64() * 1e3);
        std::thread::sleep(Duration::from_millis(200));
        idle.push(process.memory().resident as f64 / MIB);
    }
    let times = range(Spread::of(times.into_iter()));
    report.figure("start to first answer", "≤ 100 ms", format!("{times} ms"));
    report.figure("idle RSS", "≤ 30 MiB", format!("{} MiB", range(Spread::of(idle.into_iter()))));
    let size = std::fs::metadata(STOREGATE).expect("the binary").len();
    report.figure("size of the binary", "", format!("{:.1} MiB", size as f64 / MIB));
}
