//! Declared lists in pages: the gateway's own pages, in each style that a pack knows, become pages of ours.

use std::fs;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::app::TestApp;
use crate::app::program::directory;
use crate::packs::each_is_one_problem;
use crate::packs::plain::{PLAIN, account};
use crate::peers::independent_rules::decode_form;
use crate::peers::lumen::token;
use crate::peers::scripted_peer::{ScriptedPeer, response};

const RESOURCE: &str = r#"
[resources.receipts]
path = "/receipts"
summary = "List receipts"
method = "receipts.list"
scope = "receipts:read"
allows = "Read receipts."
select = "/rows"
answer = "list"
pages = true
[resources.receipts.parameters.kind]
type = "text"
[resources.receipts.fields.number]
from = "/no"
type = "integer"
"#;

/// The plain pack with all parameters, and the token, in a form.
fn pack() -> String {
    PLAIN
        .replace("system = \"query\"\nbusiness = \"json\"\n", "")
        .replace("[login.headers]\nToken", "[login.parameters]\naccess_token")
}

/// How a gateway pages its 23 receipts: from its parameters to the data of an answer.
type Pages = fn(&dyn Fn(&str) -> usize) -> Value;

fn rows(from: usize, size: usize) -> Vec<Value> {
    (from..(from + size).min(23)).map(|number| json!({"no": number})).collect()
}

const BY_NUMBER: (&str, Pages) = (
    "page = \"p\"\nsize = \"s\"\nfirst = 0\nlargest = 10\ntotal = \"/count\"\nid = \"/no\"",
    |asked| json!({"count": "23", "rows": rows(asked("p") * asked("s"), asked("s"))}),
);

const BY_OFFSET: (&str, Pages) = (
    "offset = \"o\"\nsize = \"s\"\nlargest = 10\nhas_next = \"/more\"\nid = \"/no\"",
    |asked| json!({"more": asked("o") + asked("s") < 23, "rows": rows(asked("o"), asked("s"))}),
);

const BY_CURSOR: (&str, Pages) =
    ("cursor = \"c\"\nnext = \"/after\"\nsize = \"s\"\nlargest = 10\nid = \"/no\"", |asked| {
        let end = asked("c") + asked("s");
        json!({"after": if end < 23 { end.to_string() } else { String::new() }, "rows": rows(asked("c"), asked("s"))})
    });

const STYLES: [(&str, Pages); 3] = [BY_NUMBER, BY_OFFSET, BY_CURSOR];

/// The service with an account at a gateway that pages so, and the forms that the gateway got.
fn start(name: &str, (paging, pages): (&str, Pages)) -> (Arc<Mutex<Vec<String>>>, ScriptedPeer, TestApp) {
    let requests = Arc::<Mutex<Vec<String>>>::default();
    let seen = requests.clone();
    let peer = ScriptedPeer::start(move |served| {
        while let Some(request) = served.request() {
            let form = decode_form(request.split_once("\r\n\r\n").unwrap().1);
            seen.lock().unwrap().push(request);
            let asked = |name: &str| form.get(name).map_or(0, |value| value.parse().unwrap());
            served.send(&response("200 OK", &json!({"ok": true, "result": pages(&asked)}).to_string()));
        }
    });
    let file = directory(name).join("lumen.toml");
    fs::write(&file, format!("{}[paging]\n{paging}\n{RESOURCE}", pack())).unwrap();
    let app = TestApp::with(|setup| setup.more = account(&peer, &file));
    (requests, peer, app)
}

fn numbers(answer: &Value) -> Vec<u64> {
    answer["items"].as_array().unwrap().iter().map(|item| item["number"].as_u64().unwrap()).collect()
}

#[actix_web::test]
async fn pages_of_any_size_are_joined_from_the_gateways_in_every_style() {
    for (place, style) in STYLES.into_iter().enumerate() {
        let (_requests, _peer, app) = start(&format!("paging-{place}"), style);
        let token = token(&app, "dashboard");
        for (page, size, expected) in [(1, 50, 0..23), (1, 4, 0..4), (3, 7, 14..21), (4, 7, 21..23), (2, 15, 15..23)] {
            let path = format!("/receipts?page={page}&page_size={size}&kind=sale");
            let answer = app.get_with_token(&token, &path).await;
            assert_eq!(answer.status, 200, "{}: {path}: {}", style.0, answer.text());
            assert_eq!(numbers(&answer.json()), expected.clone().collect::<Vec<u64>>(), "{}: {path}", style.0);
            let has_next = answer.header("link").unwrap().contains("rel=\"next\"");
            let is_full = expected.end - expected.start == size && expected.end < 23;
            assert_eq!(has_next, is_full, "{}: {path}: {:?}", style.0, answer.header("link"));
        }
    }
}

#[actix_web::test]
async fn a_page_says_where_it_stands_and_links_to_its_neighbours_with_the_same_filters() {
    let (requests, _peer, app) = start("paging-links", BY_NUMBER);
    let answer = app.get_with_token(&token(&app, "dashboard"), "/receipts?kind=a%26b&page=2&page_size=10").await;
    assert_eq!(answer.json()["page"], json!({"number": 2, "size": 10, "total": 23, "pages": 3}));
    assert_eq!(
        answer.header("link").unwrap(),
        "</receipts?kind=a%26b&page=1&page_size=10>; rel=\"first\", </receipts?kind=a%26b&page=1&page_size=10>; rel=\"prev\", \
         </receipts?kind=a%26b&page=3&page_size=10>; rel=\"next\", </receipts?kind=a%26b&page=3&page_size=10>; rel=\"last\""
    );
    let request = requests.lock().unwrap()[0].clone();
    assert!(request.ends_with("access_token=t&key=k&kind=a%26b&p=1&s=10"), "{request}");
    let document = app.get("/openapi.json").await.json();
    let operation = &document["paths"]["/receipts"]["get"];
    let names: Vec<&str> =
        operation["parameters"].as_array().unwrap().iter().map(|own| own["name"].as_str().unwrap()).collect();
    assert_eq!(names[..3], ["kind", "page", "page_size"]);
    let schema = &operation["responses"]["200"]["content"]["application/json"]["schema"];
    assert_eq!(schema["properties"]["page"]["$ref"], "#/components/schemas/PageInfo");
}

#[actix_web::test]
async fn a_page_beyond_the_end_is_empty_and_one_far_beyond_costs_no_endless_calls() {
    for (place, style) in STYLES.into_iter().enumerate() {
        let (requests, _peer, app) = start(&format!("paging-beyond-{place}"), style);
        let answer = app.get_with_token(&token(&app, "dashboard"), "/receipts?page=9999&page_size=10").await;
        assert_eq!((answer.status, numbers(&answer.json())), (200, Vec::new()), "{}: {}", style.0, answer.text());
        assert!(requests.lock().unwrap().len() <= 8, "{}", style.0);
    }
}

#[actix_web::test]
async fn a_list_without_an_end_is_read_by_cursor_only_so_far() {
    let endless: Pages = |asked| json!({"after": (asked("c") + 1).to_string(), "rows": [{"no": asked("c")}]});
    let (requests, _peer, app) = start("paging-endless", (BY_CURSOR.0, endless));
    let answer = app.get_with_token(&token(&app, "dashboard"), "/receipts?page=5000&page_size=10").await;
    assert_eq!((answer.status, answer.problem().as_str()), (422, "gateway-rejected-request"), "{}", answer.text());
    assert!(requests.lock().unwrap().len() <= 101);
}

#[actix_web::test]
async fn a_list_by_cursor_whose_pages_have_other_lengths_loses_nothing() {
    // Pages of 3, 4, 5, 3, 4, 4 items, whatever size is asked for.
    let uneven: Pages = |asked| {
        let length = 3 + asked("c") % 3;
        let end = asked("c") + length;
        json!({"after": if end < 23 { end.to_string() } else { String::new() }, "rows": rows(asked("c"), length)})
    };
    let (_requests, _peer, app) = start("paging-uneven", (BY_CURSOR.0, uneven));
    let token = token(&app, "dashboard");
    let mut all = Vec::new();
    for page in 1..=5 {
        let answer = app.get_with_token(&token, &format!("/receipts?page={page}&page_size=5")).await;
        all.extend(numbers(&answer.json()));
        assert_eq!(answer.header("link").unwrap().contains("rel=\"next\""), page < 5, "{page}");
    }
    assert_eq!(all, (0..23).collect::<Vec<u64>>());
}

#[actix_web::test]
async fn a_total_that_the_items_contradict_is_not_shown() {
    // The total is the number of items on the page.
    let of_page: Pages = |asked| {
        let rows = rows(asked("p") * asked("s"), asked("s"));
        json!({"count": rows.len(), "rows": rows})
    };
    let by_cursor: Pages = |asked| {
        let (rows, end) = (rows(asked("c"), asked("s")), asked("c") + asked("s"));
        json!({"count": rows.len(), "after": if end < 23 { end.to_string() } else { String::new() }, "rows": rows})
    };
    let cursor = format!("{}\ntotal = \"/count\"", BY_CURSOR.0);
    for (name, paging, pages) in [("number", BY_NUMBER.0, of_page), ("cursor", cursor.as_str(), by_cursor)] {
        let (_requests, _peer, app) = start(&format!("paging-contradicted-{name}"), (paging, pages));
        let answer = app.get_with_token(&token(&app, "dashboard"), "/receipts?page=1&page_size=10").await;
        assert_eq!(answer.json()["page"]["total"], Value::Null, "{name}: {}", answer.text());
        assert!(answer.header("link").unwrap().contains("rel=\"next\""), "{name}");
    }
}

#[actix_web::test]
async fn a_gateway_that_ignores_the_number_of_the_page_has_no_invented_total() {
    let ignores: Pages = |asked| json!({"rows": rows(0, asked("s"))});
    let paging = "page = \"p\"\nsize = \"s\"\nlargest = 10\nid = \"/no\"";
    let (_requests, _peer, app) = start("paging-ignored", (paging, ignores));
    let token = token(&app, "dashboard");
    for page in 1..=4 {
        let answer = app.get_with_token(&token, &format!("/receipts?page={page}&page_size=10")).await;
        let items = if page == 1 { 10 } else { 0 };
        assert_eq!((numbers(&answer.json()).len(), &answer.json()["page"]["total"]), (items, &Value::Null), "{page}");
    }
}

#[actix_web::test]
async fn a_page_that_is_said_to_be_the_last_has_no_next_one() {
    let exact: Pages = |asked| json!({"more": asked("o") + asked("s") < 20, "rows": rows(asked("o"), asked("s").min(20 - asked("o").min(20)))});
    let (_requests, _peer, app) = start("paging-exact", (BY_OFFSET.0, exact));
    let answer = app.get_with_token(&token(&app, "dashboard"), "/receipts?page=2&page_size=10").await;
    assert_eq!(answer.json()["page"], json!({"number": 2, "size": 10, "total": 20, "pages": 2}));
    assert!(!answer.header("link").unwrap().contains("rel=\"next\""));
}

#[actix_web::test]
async fn links_to_other_pages_name_the_store_as_the_caller_did() {
    let peer = ScriptedPeer::start(move |served| {
        while served.request().is_some() {
            served.send(&response(
                "200 OK",
                &json!({"ok": true, "result": {"count": 23, "rows": rows(0, 10)}}).to_string(),
            ));
        }
    });
    let folder = directory("paging-stores");
    let (file, stores) = (folder.join("lumen.toml"), folder.join("stores.csv"));
    let ids = "[ids.store]\ncolumn = \"lumen_code\"\nparameter_type = \"lumen_store\"\nlabel = \"Lumen code\"\nneeded_for = \"receipts\"\nexample = \"L-NORTH\"";
    let resource = RESOURCE.replace("\"/receipts\"", "\"/stores/{store_id}/receipts\"");
    let store = "[resources.receipts.parameters.store_id]\ntype = \"lumen_store\"\nexample = \"L-NORTH\"";
    fs::write(&file, format!("{}{ids}\n[paging]\n{}\n{resource}\n{store}\n", pack(), BY_NUMBER.0)).unwrap();
    fs::write(&stores, "id,lumen_code,name\nnorth,L-NORTH,North\n").unwrap();
    let app = TestApp::with(|setup| {
        setup.more = format!("{}[directory.acme]\nstores_file = {stores:?}\n", account(&peer, &file));
    });
    let token = token(&app, "dashboard");
    for id in ["north", "L-NORTH", "north"] {
        let path = format!("/stores/{id}/receipts");
        let answer = app.get_with_token(&token, &format!("{path}?page=1&page_size=10")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let links: Vec<&str> = answer.header("link").unwrap().split(", ").collect();
        assert!(links.iter().all(|link| link.starts_with(&format!("<{path}?page="))), "{links:?}");
    }
}

/// A total beside the data is found where the whole answer is data, for all methods or only where the total is.
#[actix_web::test]
async fn a_total_beside_the_data_counts() {
    for (name, data) in [("all", "[{ at = \"\" }]"), ("some", "[{ beside = [\"/total\"] }, { at = \"/result\" }]")] {
        let peer = ScriptedPeer::start(move |served| {
            while let Some(request) = served.request() {
                let form = decode_form(request.split_once("\r\n\r\n").unwrap().1);
                let rows = rows((form["p"].parse::<usize>().unwrap() - 1) * 10, 10);
                served.send(&response("200 OK", &json!({"ok": true, "total": "23", "result": rows}).to_string()));
            }
        });
        let file = directory(&format!("paging-beside-{name}")).join("lumen.toml");
        let paging = "page = \"p\"\nsize = \"s\"\nlargest = 10\ntotal = \"/total\"\nid = \"/no\"";
        let pack = pack().replace("[{ at = \"/result\" }]", data);
        let resource = RESOURCE.replace("select = \"/rows\"", "select = \"/result\"");
        fs::write(&file, format!("{pack}[paging]\n{paging}\n{resource}")).unwrap();
        let app = TestApp::with(|setup| setup.more = account(&peer, &file));
        let answer = app.get_with_token(&token(&app, "dashboard"), "/receipts?page=3&page_size=10").await;
        assert_eq!(numbers(&answer.json()), [20, 21, 22], "{name}: {}", answer.text());
        assert_eq!(answer.json()["page"], json!({"number": 3, "size": 10, "total": 23, "pages": 3}), "{name}");
    }
}

#[test]
fn mistakes_in_paging_are_told() {
    let time = "[time]";
    each_is_one_problem(&[
        (time, "[paging]\nsize = \"s\"\n[time]", "paging.page: missing: a page is chosen by its number"),
        (time, "[paging]\npage = \"p\"\noffset = \"o\"\n[time]", "paging.page: a page is chosen by its number"),
        (time, "[paging]\ncursor = \"c\"\n[time]", "paging.next: missing: where the text for the next page is"),
        (time, "[paging]\noffset = \"o\"\nfirst = 0\n[time]", "paging.first: only the numbers of pages begin"),
        (time, "[paging]\npage = \"p\"\nnext = \"/n\"\n[time]", "paging.next: this belongs to a `cursor`"),
        (time, "[paging]\npage = \"p\"\ntotal = \"count\"\n[time]", "paging.total: \"count\" is no JSON pointer"),
        (time, "[paging]\npage = \"p\"\nlargest = 0\n[time]", "paging.largest: a page has an item at least"),
        (time, "[paging]\npage = \"p\"\ncap = 5\n[time]", "paging.cap: there is no such setting"),
    ]);
}
