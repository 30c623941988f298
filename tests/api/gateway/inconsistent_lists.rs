//! Lists whose totals are wrong, and lists that change while their pages are read: every store once, and none lost silently.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::app::TestApp;
use crate::app::answer::Answer;
use crate::peers::independent_gateway::IndependentGateway;
use crate::peers::independent_gateway::{app_before, gateway};
use crate::peers::independent_rules::Parameters;

const INSPECTIONS: &str = "open.shopweb.liveCheck.statisticsDetailPageForCustomer";

fn number(asked: &Parameters, name: &str) -> usize {
    asked[name].parse().unwrap()
}

/// The page and the size that a server gives, whatever was asked for.
type Choose = fn(&Parameters) -> (usize, usize);

/// The page of a list that is asked for.
fn page<'a>(list: &'a [Value], asked: &Parameters, (page, size): (&str, &str)) -> Vec<&'a Value> {
    let (page, size) = (number(asked, page), number(asked, size));
    list.iter().skip((page - 1) * size).take(size).collect()
}

fn shops(count: usize) -> Vec<Value> {
    (0..count)
        .map(|number| json!({"shop_code": format!("A{number}"), "shop_name": format!("Store {number}")}))
        .collect()
}

/// An OMS with a list that `change` changes before each call, and whose `count` is written by `count`.
fn oms(
    length: usize,
    mut change: impl FnMut(&mut Vec<Value>, usize) + Send + 'static,
    count: impl Fn(usize) -> Option<Value> + Send + 'static,
) -> IndependentGateway {
    let gateway = gateway();
    let (mut list, mut calls) = (shops(length), 0);
    gateway.answer_by("shop.getList", move |asked| {
        calls += 1;
        change(&mut list, calls);
        let mut response = json!({"lists": page(&list, asked, ("page_no", "page_size"))});
        count(list.len()).into_iter().for_each(|count| response["count"] = count);
        json!({"response": response}).to_string()
    });
    gateway
}

fn ids(answer: &Answer) -> Vec<String> {
    let ids = answer.ids();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "one twice: {ids:?}");
    ids
}

fn codes(list: &[Value]) -> Vec<&str> {
    list.iter().map(|shop| shop["shop_code"].as_str().unwrap()).collect()
}

async fn app_of(gateway: &IndependentGateway) -> TestApp {
    app_before(gateway, |_| {})
}

#[actix_web::test]
async fn the_stores_that_came_are_served_whatever_the_count_says() {
    let counts: [fn(usize) -> Option<Value>; 10] = [
        |_| Some(json!(0)),
        |_| Some(json!("0")),
        |_| Some(json!(1)),
        |length| Some(json!(length + 40)),
        |_| None,
        |_| Some(json!(null)),
        |_| Some(json!("many")),
        |_| Some(json!(-1)),
        |_| Some(json!([])),
        |length| Some(json!(length.to_string())),
    ];
    for (kind, count) in counts.into_iter().enumerate() {
        for length in [3, 50, 130] {
            let gateway = oms(length, |_, _| {}, count);
            let app = app_of(&gateway).await;
            let answer = app.get("/stores?page_size=1000").await;
            assert_eq!(ids(&answer), codes(&shops(length)), "count {kind}, {length} stores");
            assert_eq!(answer.json()["page"]["total"], length, "count {kind}");
            let first = app.get("/stores?page_size=2").await;
            assert_eq!(ids(&first), ["A0", "A1"], "count {kind}");
            assert!(first.json()["page"]["total"].as_u64().is_none_or(|total| total >= 2));
            assert!(first.header("link").unwrap().contains("rel=\"next\""), "count {kind}, {length} stores");
        }
    }
}

#[actix_web::test]
async fn inspections_that_came_are_served_whatever_the_total_says() {
    for total in [json!(0), json!("0"), json!(1), json!(99), json!("many"), json!(-1), Value::Null, json!({})] {
        let gateway = gateway();
        let rows: Vec<Value> =
            (0..120).map(|number| json!({"id": number + 1, "depId": 100_001 + number % 2})).collect();
        gateway.answer_by(INSPECTIONS, move |asked| {
            let rows = page(&rows, asked, ("pageNumber", "pageSize"));
            json!({"stat": {"code": 0}, "data": {"rows": rows, "total": total}}).to_string()
        });
        let app = app_of(&gateway).await;
        let answer = app.get("/inspections?page_size=1000").await;
        assert_eq!(
            (ids(&answer).len(), answer.json()["page"]["total"].as_u64()),
            (120, Some(120)),
            "{}",
            answer.text()
        );
        let answer = app.get("/inspections?store_id=S_100001&page_size=1000").await;
        assert_eq!((ids(&answer).len(), answer.json()["page"]["total"].as_u64()), (60, Some(60)));
    }
}

#[actix_web::test]
async fn a_store_that_is_added_or_removed_between_two_pages_moves_none_out_of_sight() {
    let changes: [fn(&mut Vec<Value>, usize); 3] = [
        |list, call| {
            if call == 2 {
                list.insert(0, json!({"shop_code": "NEW"}));
            }
        },
        |list, call| {
            if call == 2 {
                list.remove(0);
            }
        },
        |list, call| {
            if call == 3 {
                list.remove(120);
            }
        },
    ];
    for path in ["/stores?page_size=1000", "/stores?page_size=1000&name=o"] {
        for change in changes {
            let gateway = oms(250, change, |length| Some(json!(length.to_string())));
            let app = app_of(&gateway).await;
            let mut expected = shops(250);
            (1..=3).for_each(|call| change(&mut expected, call));
            expected.retain(|shop| !path.contains("name") || shop["shop_name"].is_string());
            let answer = app.get(path).await;
            assert_eq!(ids(&answer), codes(&expected), "{path}");
            assert_eq!(answer.header("cache-control").unwrap(), "private, max-age=300");
        }
    }
}

#[actix_web::test]
async fn a_list_that_keeps_changing_has_no_store_twice_and_is_cached_for_seconds() {
    let change = |list: &mut Vec<Value>, call: usize| list.insert(0, json!({"shop_code": format!("NEW{call}")}));
    let gateway = oms(250, change, |length| Some(json!(length)));
    let app = app_of(&gateway).await;
    let answer = app.get("/stores?page_size=1000").await;
    assert!(ids(&answer).len() >= 250);
    assert_eq!(answer.header("cache-control").unwrap(), "private, max-age=5");
    assert!(gateway.received().len() <= 12, "it is read a bounded number of times");
    let metrics = app.send("GET", "/metrics", &[], "").await.text();
    assert!(metrics.contains("storegate_gateway_lists_unsettled_total{gateway=\"oms\"}"), "{metrics}");
    app.pass(6);
    let calls = gateway.received().len();
    app.get("/stores?page_size=1000").await;
    assert!(gateway.received().len() > calls, "it is read again soon");
}

#[actix_web::test]
async fn a_server_that_ignores_page_or_size_gives_no_store_twice() {
    let ignoring: [Choose; 4] =
        [|asked| (1, number(asked, "page_size")), |_| (1, 30), |_| (1, 1000), |asked| (number(asked, "page_no"), 30)];
    for count in [Some(json!("130")), Some(json!(0)), None] {
        for (kind, choose) in ignoring.into_iter().enumerate() {
            let gateway = gateway();
            let (list, count) = (shops(130), count.clone());
            gateway.answer_by("shop.getList", move |asked| {
                let (page, size) = choose(asked);
                let lists: Vec<&Value> = list.iter().skip((page - 1) * size).take(size).collect();
                json!({"response": {"lists": lists, "count": count}}).to_string()
            });
            let app = app_of(&gateway).await;
            let answer = app.get("/stores?page_size=1000").await;
            let came = ids(&answer);
            assert!(codes(&shops(130)).starts_with(&came.iter().map(String::as_str).collect::<Vec<_>>()));
            assert_eq!(came.len(), [100, 30, 130, 130][kind]);
            let is_short = kind < 2 && count_says_more(&answer);
            assert!(!is_short, "fewer than there are, as if that were all");
            assert!(gateway.received().len() < 20, "{}", gateway.received().len());
        }
    }
}

/// Whether an answer that is kept for long says that there are more stores than it has.
fn count_says_more(answer: &Answer) -> bool {
    let page = &answer.json()["page"];
    let has = answer.json()["items"].as_array().unwrap().len() as u64;
    answer.header("cache-control").unwrap() != "private, max-age=5"
        && page["total"].as_u64().is_some_and(|total| total > has)
}

#[actix_web::test]
async fn a_count_of_one_page_hides_none_of_the_others() {
    let counts: [fn(usize) -> usize; 2] = [|_| 50, |came| came];
    for count in counts {
        for path in ["/stores?page_size=50", "/inspections?from=2026-11-01&to=2026-11-07&page_size=50"] {
            let gateway = gateway();
            let list = shops(120);
            gateway.answer_by("shop.getList", move |asked| {
                let lists = page(&list, asked, ("page_no", "page_size"));
                json!({"response": {"count": count(lists.len()), "lists": lists}}).to_string()
            });
            let list: Vec<Value> = (0..120).map(|number| json!({"id": number + 1})).collect();
            gateway.answer_by(INSPECTIONS, move |asked| {
                let rows = page(&list, asked, ("pageNumber", "pageSize"));
                json!({"stat": {"code": 0}, "data": {"total": count(rows.len()), "rows": rows}}).to_string()
            });
            let app = app_of(&gateway).await;
            let (mut all, mut next) = (Vec::new(), Some(path.to_owned()));
            while let Some(path) = next {
                let answer = app.get(&path).await;
                all.extend(ids(&answer));
                let total = answer.json()["page"]["total"].as_u64();
                assert!(total.is_none_or(|total| total == 120), "{total:?} of {path}");
                next = next_link(&answer);
            }
            assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 120, "{path}");
        }
    }
}

/// Where the answer says that the next page is.
fn next_link(answer: &Answer) -> Option<String> {
    let link = answer.header("link")?.split(", ").find(|link| link.ends_with("rel=\"next\""))?.to_owned();
    Some(link.trim_start_matches('<').split('>').next().unwrap().to_owned())
}

#[actix_web::test]
async fn a_skipped_row_does_not_hide_the_next_page() {
    let gateway = gateway();
    let mut list = shops(120);
    list[7] = Value::Null;
    gateway.answer_by("shop.getList", move |asked| {
        json!({"response": {"lists": page(&list, asked, ("page_no", "page_size"))}}).to_string()
    });
    let app = app_of(&gateway).await;
    let first = app.get("/stores?page_size=50").await;
    assert_eq!(ids(&first).len(), 49);
    assert!(next_link(&first).is_some(), "{:?}", first.header("link"));
}

#[actix_web::test]
async fn a_store_that_goes_while_another_comes_moves_none_out_of_sight() {
    let changes: [fn(&mut Vec<Value>, usize); 3] = [
        |list, call| replace(list, call == 2, 0),
        |list, call| replace(list, call == 3, 150),
        |list, call| replace(list, call == 4, 99),
    ];
    for change in changes {
        let gateway = oms(250, change, |length| Some(json!(length)));
        let app = app_of(&gateway).await;
        let mut expected = shops(250);
        (1..=4).for_each(|call| change(&mut expected, call));
        let answer = app.get("/stores?page_size=1000").await;
        let came = ids(&answer);
        let is_whole = came == codes(&expected) || came == codes(&shops(250));
        assert!(is_whole, "{} of {}", came.len(), expected.len());
        assert_eq!(answer.header("cache-control").unwrap(), "private, max-age=300");
    }
    let gateway = oms(250, |list, _| replace(list, true, 0), |length| Some(json!(length)));
    let app = app_of(&gateway).await;
    let answer = app.get("/stores?page_size=1000").await;
    assert_eq!(answer.header("cache-control").unwrap(), "private, max-age=5", "it never stands still");
    assert!(gateway.received().len() <= 20, "{}", gateway.received().len());
}

/// Takes the store at this place out of the list and puts a new one behind it.
fn replace(list: &mut Vec<Value>, is_due: bool, place: usize) {
    if is_due {
        list.remove(place);
        let number = list.iter().filter(|shop| shop["shop_code"].as_str().unwrap().starts_with("NEW")).count();
        list.push(json!({"shop_code": format!("NEW{number}-{place}"), "shop_name": "new"}));
    }
}

#[actix_web::test]
async fn a_list_shorter_than_its_total_is_cached_for_seconds() {
    let answers: [fn(usize, &[&Value]) -> Value; 3] = [
        |page, lists| if page == 1 { json!({"count": "120", "lists": lists}) } else { Value::Null },
        |page, lists| json!({"count": 120 + page, "lists": lists}),
        |page, lists| if page == 1 { json!({"lists": lists}) } else { json!(false) },
    ];
    for (kind, answers) in answers.into_iter().enumerate() {
        let gateway = gateway();
        let list = shops(120);
        gateway.answer_by("shop.getList", move |asked| {
            let lists = page(&list, asked, ("page_no", "page_size"));
            json!({"response": answers(number(asked, "page_no"), &lists)}).to_string()
        });
        let app = app_of(&gateway).await;
        let answer = app.get("/stores?page_size=1000").await;
        assert_eq!(ids(&answer).len(), if kind == 1 { 120 } else { 100 }, "{kind}");
        assert_eq!(answer.header("cache-control").unwrap(), "private, max-age=5", "{kind}");
        let metrics = app.send("GET", "/metrics", &[], "").await.text();
        assert!(metrics.contains("storegate_gateway_lists_unsettled_total{gateway=\"oms\"}"), "{kind}: {metrics}");
    }
    let gateway = gateway();
    let (list, mut calls) = (shops(120), 0);
    gateway.answer_by("shop.getList", move |asked| {
        calls += 1;
        let lists = page(&list, asked, ("page_no", "page_size"));
        let response = if calls == 2 { Value::Null } else { json!({"count": 120, "lists": lists}) };
        json!({"response": response}).to_string()
    });
    let answer = app_of(&gateway).await.get("/stores?page_size=1000").await;
    assert_eq!(ids(&answer).len(), 120, "one page without data is read again");
    assert_eq!(answer.header("cache-control").unwrap(), "private, max-age=300");
}
