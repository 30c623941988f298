//! A Redis that sends more than replicas may have written there: the connection ends before memory is taken for it.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use redis::Commands;

use crate::app::requests::FLOW;
use crate::app::waiting::eventually;
use crate::fleet::{Fleet, all_answer, cache_status, late, says_of_shared, shares};
use crate::redis_server::RedisServer;

/// What a server sends on one connection at the most, so that the tests stay small if nobody hangs up.
const MOST: usize = 200 << 20;

/// More than both kernels' buffers hold: who takes so much reads on.
const TAKEN: usize = 32 << 20;

/// One connection: when it came, and what was sent on it.
#[derive(Clone, Copy)]
struct Flooded {
    came: Instant,
    sent: usize,
}

/// A server that answers whatever it is asked with the same beginning, and goes on for as long as somebody reads.
struct Flood {
    port: u16,
    flooded: Arc<Mutex<Vec<Flooded>>>,
    stopping: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

impl Flood {
    fn start(head: Vec<u8>, filler: Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (flooded, stopping) = (Arc::<Mutex<Vec<Flooded>>>::default(), Arc::<AtomicBool>::default());
        let (its_flooded, its_stopping) = (flooded.clone(), stopping.clone());
        let accepting = thread::spawn(move || {
            for connection in listener.incoming() {
                if its_stopping.load(Ordering::Acquire) {
                    return;
                }
                let came = Instant::now();
                let sent = flood(connection.unwrap(), &head, &filler, &its_stopping);
                its_flooded.lock().unwrap().push(Flooded { came, sent });
            }
        });
        Self { port, flooded, stopping, accepting: Some(accepting) }
    }

    fn node(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    fn flooded(&self) -> Vec<Flooded> {
        self.flooded.lock().unwrap().clone()
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Release);
        let _woken = TcpStream::connect(("127.0.0.1", self.port));
        let _ended = self.accepting.take().map(JoinHandle::join);
    }
}

fn flood(mut connection: TcpStream, head: &[u8], filler: &[u8], stopping: &AtomicBool) -> usize {
    let asked = connection.read(&mut [0; 4096]).unwrap_or_default();
    let mut sent = 0;
    let mut send = |bytes: &[u8]| connection.write_all(bytes).is_ok().then(|| sent += bytes.len()).is_some();
    if asked > 0 && send(head) {
        for _ in 0..MOST / filler.len() {
            if stopping.load(Ordering::Acquire) || !send(filler) {
                break;
            }
        }
    }
    sent
}

pub async fn a_server_that_announces_or_sends_too_much_is_disconnected_before_it_arrives() {
    let text = vec![b'x'; 64 << 10];
    let large_part = [format!("${}\r\n", 500_000).into_bytes(), vec![b'x'; 500_000], b"\r\n".to_vec()].concat();
    for (what, head, filler) in [
        ("a text of 10 GB", "$10000000000\r\n", text.clone()),
        ("a text of 20 MB", "$20000000\r\n", text.clone()),
        ("an error without an end", "-ERR ", text.clone()),
        ("a billion parts", "*1000000000\r\n", b":1\r\n".repeat(16_000)),
        ("lists in lists", "*1\r\n", b"*1\r\n".repeat(16_000)),
        ("many large parts", "*60000\r\n", large_part),
        ("a large map", "%1000000000\r\n", b"+a\r\n".repeat(16_000)),
        ("another protocol", "HTTP/1.1 200 OK\r\n\r\n", text),
    ] {
        let server = Flood::start(head.as_bytes().to_vec(), filler);
        let node = server.node();
        let fleet = Fleet::that_may_wait(1, &[("REDIS__NODES", node.as_str())], |_| {});
        all_answer(&fleet).await;
        eventually(what, async || server.flooded().len() >= 3).await;
        all_answer(&fleet).await;
        assert_eq!(says_of_shared(&fleet.replicas[0]).await, "unavailable", "{what}");
        let flooded = server.flooded();
        for pair in flooded.windows(2) {
            assert!(pair[1].came - pair[0].came > Duration::from_millis(400), "{what}: without a pause");
        }
        let most = flooded.iter().map(|one| one.sent).max().unwrap();
        assert!(most < TAKEN, "{what}: {most} bytes were taken");
    }
}

pub async fn a_value_larger_than_any_response_is_a_miss() {
    let redis = RedisServer::start();
    let fleet = Fleet::of(1, &redis).await;
    let right = fleet.replicas[0].get(FLOW).await;
    eventually("the answer is kept", async || !redis.keys("storegate:answer:*").is_empty()).await;
    let key = redis.keys("storegate:answer:*").remove(0);
    let mut connection = redis.connection().unwrap();
    let _: () = connection.pset_ex(&key, vec![b'x'; 20 << 20], 630_000).unwrap();
    let late = late(&fleet.replicas[0], &redis).await;
    let answer = late.get(FLOW).await;
    assert_eq!((answer.status, &answer.body), (200, &right.body));
    assert!(cache_status(&answer).contains("fwd=miss"), "{}", cache_status(&answer));
    // A machine that is very busy may need longer for the large value than a request waits for Redis.
    shares(&late, "in_use").await;
    eventually("the right one takes its place", async || {
        redis.connection().unwrap().strlen::<_, usize>(&key).unwrap() < 1 << 20
    })
    .await;
}

pub async fn an_unreadable_event_keeps_replicas_from_sharing_until_it_is_gone() {
    let redis = RedisServer::start();
    let fleet = Fleet::of(2, &redis).await;
    let mut connection = redis.connection().unwrap();
    let mut add = redis::cmd("XADD");
    let _: String =
        add.arg("storegate:journal").arg("*").arg("event").arg(vec![b'x'; 3 << 20]).query(&mut connection).unwrap();
    fleet.none_shares().await;
    all_answer(&fleet).await;
    let _: () = connection.del("storegate:journal").unwrap();
    fleet.all_share().await;
    all_answer(&fleet).await;
}
