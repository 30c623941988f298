//! Each answer of a gateway and each failure on the way, made to happen at both gateways over real sockets, and the one
//! reaction to it. What is expected stands here in figures of the test's own, beside the service's table.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use storegate::gateway::protocol::codes::Codes;
use storegate::gateway::reactions::{Kind, TABLE};
use storegate::sandbox::{Fault, SandboxVendor};

use crate::app::sandbox_gateway::SandboxGateway;
use crate::app::{Setup, TestApp};
use crate::fixtures::protocols::vendor;

/// What must happen.
struct Expected {
    opretail: &'static [i64],
    oms: &'static [&'static str],
    http: &'static [u16],
    broken: &'static [fn() -> Fault],
    /// Calls of the gateway for one request, when each of them ends like this.
    calls: u64,
    opens_breaker: bool,
    /// Whether an older answer is served instead.
    older: bool,
    /// Until when the failure is remembered or the credential rests, in seconds.
    rests: u64,
    status: u16,
    problem: &'static str,
}

const NOTHING: Expected = Expected {
    opretail: &[],
    oms: &[],
    http: &[],
    broken: &[],
    calls: 1,
    opens_breaker: false,
    older: true,
    rests: 1,
    status: 502,
    problem: "gateway-error",
};

const CONTRACT: &[Expected] = &[
    Expected {
        opretail: &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 17],
        oms: &["e000001", "e000002", "e000004", "e000007", "401", "403", "1001", "1003", "1004"],
        rests: 30,
        problem: "gateway-refused-credentials",
        ..NOTHING
    },
    // A method that is not there: the list is asked in its place, which does not answer either.
    Expected { oms: &["e000003", "2003"], calls: 2, rests: 30, problem: "gateway-refused-credentials", ..NOTHING },
    Expected {
        opretail: &[15, 16],
        oms: &["e000008", "1002"],
        calls: 2,
        problem: "gateway-refused-credentials",
        ..NOTHING
    },
    Expected { opretail: &[-100], oms: &["e000009"], calls: 3, status: 503, problem: "gateway-unavailable", ..NOTHING },
    // Without a login that could be renewed; the others are in `logins.rs`.
    Expected { opretail: &[9_990_001], problem: "gateway-refused-credentials", ..NOTHING },
    Expected { opretail: &[103_094, 103_095], rests: 300, problem: "gateway-refused-credentials", ..NOTHING },
    Expected { opretail: &[102_005], older: false, status: 403, problem: "store-not-granted", ..NOTHING },
    // An older answer ends when it is said again.
    Expected { oms: &["404"], rests: 30, status: 404, problem: "store-not-found", ..NOTHING },
    Expected {
        opretail: &[18, 42, 100_001, 1_000_000],
        oms: &["4711", "e000099", "429"],
        status: 503,
        problem: "gateway-unavailable",
        ..NOTHING
    },
    Expected {
        oms: &["1", "400", "2001", "2002", "e000006"],
        older: false,
        status: 422,
        problem: "gateway-rejected-request",
        ..NOTHING
    },
    Expected {
        opretail: &[-500, -999, -1, -7777],
        oms: &["e000005", "500", "200", "-3"],
        http: &[408, 421, 425, 500, 502, 503, 504],
        broken: &[|| Fault::Truncate, || Fault::Cut(0), || Fault::Cut(1), || Fault::Close, || Fault::Reset],
        calls: 2,
        opens_breaker: true,
        ..NOTHING
    },
    // Something answers, and another attempt may bring a good answer.
    Expected {
        broken: &[
            || Fault::Empty,
            || Fault::BrotliBomb,
            || Fault::Garbage,
            || Fault::Body("{\"stat\":{\"code\":0},\"response\":{\"a\":".to_owned()),
        ],
        calls: 2,
        ..NOTHING
    },
    // A living gateway, which would say the same again.
    Expected {
        broken: &[
            || Fault::Html,
            || Fault::Endless,
            || Fault::Bomb,
            || Fault::Body("{}{}".to_owned()),
            || Fault::Body("null".to_owned()),
            || Fault::Body("{\"stat\":{\"code\":0},\"data\":{\"x\":1},\"response\":{\"x\":1}}".to_owned()),
            || {
                Fault::Body(
                    "{\"stat\":{\"code\":0},\"data\":{\"DAY_FLOW\":{}},\"response\":{\"shop_bn\":true}}".to_owned(),
                )
            },
            || {
                Fault::Body(
                    "{\"response\":{\"shop_bn\":\"a\"b\"},\"stat\":{\"code\":0},\"data\":{\"a\":\"a\"b\"}}".to_owned(),
                )
            },
        ],
        ..NOTHING
    },
    Expected { http: &[302, 307, 401, 403, 404, 407, 418, 451], ..NOTHING },
    Expected {
        http: &[429],
        broken: &[|| Fault::AskToWait { status: 503, seconds: 5 }],
        opens_breaker: true,
        // Five seconds, and twice that the second time.
        rests: 10,
        status: 503,
        problem: "gateway-unavailable",
        ..NOTHING
    },
    Expected {
        broken: &[|| Fault::Hang, || Fault::Drip],
        calls: 2,
        opens_breaker: true,
        status: 504,
        problem: "gateway-timeout",
        ..NOTHING
    },
];

/// Services that run side by side: more, and a small machine might keep an answer waiting that is given in time.
const AT_ONCE: usize = 6;

/// One gateway's side of the walk.
struct Side {
    vendor: SandboxVendor,
    /// The path of one of the sixty stores.
    path: fn(u32) -> String,
    /// When an answer is so old that it is only served instead of a failure.
    old_after: u64,
}

const SIDES: [Side; 2] = [
    Side {
        vendor: SandboxVendor::OpRetail,
        path: |store| format!("/stores/S_{}/flow", 100_000 + store),
        old_after: 120,
    },
    Side { vendor: SandboxVendor::Oms, path: |store| format!("/stores/SHOP{store:03}"), old_after: 5 * 3_600 },
];

fn quick(setup: &mut Setup) {
    // Long enough that a request has arrived at the sandbox of a busy machine before it is given up.
    setup.set("GATEWAY__ATTEMPT_TIMEOUT", "1500ms");
    setup.set("GATEWAY__DEADLINE", "5s");
    setup.set("GATEWAY__MAX_BODY", "64KiB");
    // Neither wait counts here: what is asked for is the reaction.
    setup.set("CACHE__SLOW_AFTER", "10s");
    // Another worker might still have a connection on which it finds out for itself that the gateway has closed it.
    setup.set("SERVER__WORKERS", "1");
    // A connection that was used before and breaks is replaced by a new one besides what the reaction is.
    setup.set("GATEWAY__REUSE_AFTER", "1h");
}

impl Expected {
    /// A service that gives up soon what ends like this by the time that it takes, and waits for all else: on a busy machine
    /// it would be taken for a gateway that hangs.
    fn app(&self) -> TestApp {
        TestApp::with(|setup| {
            quick(setup);
            if self.status != 504 {
                setup.set("GATEWAY__ATTEMPT_TIMEOUT", "20s");
                setup.set("GATEWAY__DEADLINE", "60s");
            }
        })
    }

    /// Everything that must end like this at one gateway.
    fn faults(&self, vendor: SandboxVendor) -> Vec<Fault> {
        let codes: Vec<String> = match vendor {
            SandboxVendor::OpRetail => self.opretail.iter().map(i64::to_string).collect(),
            _ => self.oms.iter().map(|code| (*code).to_owned()).collect(),
        };
        let codes = codes.into_iter().map(Fault::Code);
        codes
            .chain(self.http.iter().copied().map(Fault::HttpStatus))
            .chain(self.broken.iter().map(|fault| fault()))
            .collect()
    }

    async fn holds(&self, side: &Side, fault: &Fault) {
        let app = self.app();
        let (old, new) = ((side.path)(1), (side.path)(2));
        assert_eq!(app.get(&old).await.status, 200);
        app.pass(side.old_after);
        app.sandbox().fail_next_at(side.vendor, fault.clone(), u32::MAX);

        let answer = app.get(&old).await;
        let stale = answer.header("cache-status").is_some_and(|status| status.ends_with("detail=stale-if-error"));
        assert_eq!((answer.status == 200, stale), (self.older, self.older), "{fault:?}: {}", answer.text());

        app.pass(301);
        let before = app.sandbox().calls();
        for _ in 0..2 {
            let answer = app.get(&new).await;
            assert_eq!((answer.status, answer.problem().as_str()), (self.status, self.problem), "{fault:?}");
            assert_eq!(answer.header("retry-after").is_some(), self.status == 503, "{fault:?}");
            assert_eq!(answer.header("etag"), None, "{fault:?}");
            assert_eq!(app.sandbox().calls() - before, self.calls, "{fault:?}: it is remembered for a moment");
        }
        app.sandbox().clear_faults();
        app.pass(self.rests - 1);
        assert_ne!(app.get(&new).await.status, 200, "{fault:?}: it rests until the last second");
        app.pass(1);
        let answer = app.get(&new).await;
        assert_eq!(answer.status, 200, "{fault:?}: {}", answer.text());
        assert!(
            answer.header("cache-status").unwrap().contains("fwd=miss"),
            "{fault:?}: no failure is kept as an answer"
        );
    }

    async fn counts(&self, side: &Side, fault: &Fault) {
        let app = self.app();
        app.sandbox().fail_next_at(side.vendor, fault.clone(), u32::MAX);
        let paths: Vec<String> = (1..=12).map(side.path).collect();
        join_all(paths.iter().map(|path| app.get(path))).await;
        let ready = app.get("/readyz").await.json();
        let gateway = usize::from(side.vendor == SandboxVendor::Oms);
        let breaker = if self.opens_breaker { "open" } else { "closed" };
        assert_eq!(ready["gateways"][gateway]["breaker"], breaker, "{fault:?}");
    }
}

#[actix_web::test]
async fn every_answer_has_its_one_reaction_at_either_gateway() {
    for expected in CONTRACT {
        for side in &SIDES {
            let faults = expected.faults(side.vendor);
            stream::iter(&faults).for_each_concurrent(AT_ONCE, |fault| expected.holds(side, fault)).await;
        }
    }
}

#[actix_web::test]
async fn only_what_speaks_against_a_gateway_opens_its_breaker() {
    for expected in CONTRACT {
        for side in &SIDES {
            let faults = expected.faults(side.vendor);
            stream::iter(&faults).for_each_concurrent(AT_ONCE, |fault| expected.counts(side, fault)).await;
        }
    }
}

#[actix_web::test]
async fn a_gateway_that_is_not_there_is_tried_three_times_and_opens_the_breaker() {
    let mut app = TestApp::spawn();
    let _port = app.gateway.take().map(SandboxGateway::stop);
    for (gateway, side) in SIDES.iter().enumerate() {
        for path in (1..=4).map(side.path) {
            let answer = app.get(&path).await;
            assert_eq!((answer.status, answer.problem().as_str()), (503, "gateway-unavailable"), "{path}");
        }
        let ready = app.get("/readyz").await.json();
        assert_eq!(ready["gateways"][gateway]["breaker"], "open", "three attempts for each of three requests, and one");
    }
}

#[test]
fn every_code_of_a_pack_was_walked() {
    let codes = |name: &str| vendor(name).pack().codes.clone();
    let (opretail, oms) = (codes("opretail"), codes("oms"));
    let is_listed = |codes: &Codes, code: &String| codes.is_listed(code);
    let walked: BTreeSet<String> = CONTRACT
        .iter()
        .flat_map(|expected| {
            let of_opretail = expected.opretail.iter().map(i64::to_string).filter(|code| is_listed(&opretail, code));
            let of_oms = expected.oms.iter().map(|code| (*code).to_owned()).filter(|code| is_listed(&oms, code));
            of_opretail.map(|code| format!("opretail {code}")).chain(of_oms.map(|code| format!("oms {code}")))
        })
        .collect();
    let listed: BTreeSet<String> = TABLE
        .iter()
        .flat_map(|row| {
            let of_opretail = opretail.of_kind(row.kind).into_iter().map(|code| format!("opretail {code}"));
            of_opretail.chain(oms.of_kind(row.kind).into_iter().map(|code| format!("oms {code}")))
        })
        .collect();
    assert_eq!(walked, listed);
    assert_eq!(TABLE.len(), 21, "a new kind needs its row in the walk");
    let ours = [Kind::Busy, Kind::BreakerOpen, Kind::NotSent, Kind::Unreachable, Kind::StaleConnection];
    assert!(
        ours.iter().all(|kind| TABLE.iter().any(|row| row.kind == *kind)),
        "these are walked in tests of their own"
    );
}
