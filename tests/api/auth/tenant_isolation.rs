//! Two tenants never meet, and a limited token reads what it lists: random callers at a running service, each after the
//! cache was warmed by others. What is right, a service tells that only the caller's own tenant has ever used.

use actix_web::rt::System;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::{select, subsequence};
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use storegate::auth::issue::TokenGrant;

use crate::app::answer::Answer;
use crate::app::tenants::{EVERYTHING, ZENITHS_COMPANY, grant};
use crate::app::{TestApp, documented};

/// A request, by what must be granted for it.
#[derive(Clone, Debug)]
enum Request {
    Store(&'static str, String),
    Organization(&'static str, String),
    All(String),
    List(List, usize, usize),
}

/// A list, of which everybody sees what is granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum List {
    Stores,
    Inspections,
}

/// acme's and zenith's, each store under any of its ids.
const STORES: [&str; 11] = [
    "S_123456", "123456", "S_100001", "100001", "100002", "S_200001", "200001", "SHOP001", "SHOP002", "SHOP070",
    "S_NORTH",
];
const ORGANIZATIONS: [&str; 5] = ["1084", "O_1084", "2168", "O_2168", "2"];

impl List {
    /// Path and filters.
    fn base(self) -> &'static str {
        match self {
            Self::Stores => "/stores?",
            Self::Inspections => "/inspections?from=2026-11-15&to=2026-11-20&",
        }
    }

    /// Whether the list's vendor knows the store by this id.
    fn has_id(self, id: &str) -> bool {
        id.starts_with("SHOP") == (self == Self::Stores)
    }

    fn id_in(self, item: &Value) -> String {
        let id = if self == Self::Stores { &item["id"] } else { &item["store"]["id"] };
        number(id.as_str().unwrap()).to_owned()
    }
}

impl Request {
    fn path(&self) -> String {
        match self {
            Self::Store(_, path) | Self::Organization(_, path) | Self::All(path) => path.clone(),
            Self::List(list, page, size) => format!("{}page={page}&page_size={size}", list.base()),
        }
    }
}

fn store_path(store: &'static str) -> impl Strategy<Value = Request> {
    let paths = if store.starts_with("SHOP") {
        vec![format!("/stores/{store}"), format!("/stores?code={store}"), format!("/stores?page=2&code={store}")]
    } else {
        vec![
            format!("/stores/{store}/flow"),
            format!("/stores/{store}/demographics?from=2026-11-01&to=2026-11-07"),
            format!("/inspections?store_id={store}"),
        ]
    };
    select(paths).prop_map(move |path| Request::Store(store, path))
}

fn request() -> impl Strategy<Value = Request> {
    let lists =
        (select(vec![List::Stores, List::Inspections]), select(vec![1, 2, 3, 999]), select(vec![1, 2, 50, 1000]));
    prop_oneof![
        4 => select(&STORES[..10]).prop_flat_map(store_path),
        2 => select(&ORGANIZATIONS[..]).prop_map(|id| Request::Organization(id, format!("/organizations/{id}/flow"))),
        1 => Just(Request::All("/organizations/2/developer-account".to_owned())),
        1 => Just(Request::All("/organizations/3/developer-account".to_owned())),
        3 => lists.prop_map(|(list, page, size)| Request::List(list, page, size)),
    ]
}

fn caller() -> impl Strategy<Value = TokenGrant> {
    let some = |ids: &'static [&'static str]| {
        let listed = subsequence(ids, 0..=ids.len());
        (any::<bool>(), listed)
            .prop_map(|(limited, ids)| limited.then(|| ids.into_iter().map(str::to_owned).collect::<Vec<_>>()))
    };
    (select(vec!["operator", "zenith"]), some(&STORES), some(&ORGANIZATIONS)).prop_map(
        |(client, stores, organizations)| {
            let scopes = EVERYTHING.iter().filter(|scope| **scope != "cache:bypass").map(|scope| (*scope).to_owned());
            TokenGrant { stores, organizations, scopes: scopes.collect(), ..grant(client) }
        },
    )
}

fn number(id: &str) -> &str {
    id.trim_start_matches("S_").trim_start_matches("O_")
}

fn is_limited(grant: &TokenGrant) -> bool {
    grant.stores.is_some() || grant.organizations.is_some()
}

/// Whether the token's lists name it; written from the rule, without the service's own code.
fn is_granted(grant: &TokenGrant, request: &Request) -> bool {
    let names = |list: &Option<Vec<String>>, fits: &dyn Fn(&str) -> bool| {
        !is_limited(grant) || list.as_ref().is_some_and(|list| list.iter().any(|listed| fits(listed)))
    };
    match request {
        Request::Store(id, _) => names(&grant.stores, &|listed| number(listed) == number(id)),
        Request::Organization(id, _) => names(&grant.organizations, &|listed| number(listed) == number(id)),
        Request::All(_) => !is_limited(grant),
        Request::List(list, ..) => names(&grant.stores, &|listed| list.has_id(listed)),
    }
}

/// What only one of the tenants has in its answers.
fn of_tenant(text: &str, tenant: &str, request: &Request) -> bool {
    let foreign = if tenant == "acme" {
        ["2168", "S107-00000002", "planted-zenith", ZENITHS_COMPANY]
    } else {
        ["1084", "S107-00000001", "planted-acme", "Harbour Lane Retail Ltd."]
    };
    let named = match request {
        Request::Organization(id, _) => Some(number(id)),
        _ => None,
    };
    foreign.iter().filter(|foreign| Some(**foreign) != named).all(|foreign| !text.contains(foreign))
}

/// The service that all use, and one for each tenant alone.
struct Services {
    shared: TestApp,
    acmes: TestApp,
    zeniths: TestApp,
}

impl Services {
    fn start() -> Self {
        let [shared, acmes, zeniths] = [(); 3].map(|()| TestApp::with(documented));
        Self { shared, acmes, zeniths }
    }

    /// What the tenant alone is told by its own service, when it may read everything.
    async fn own(&self, tenant: &str, path: &str) -> Answer {
        let (app, client) = if tenant == "acme" { (&self.acmes, "operator") } else { (&self.zeniths, "zenith") };
        app.get_as(client, path).await
    }

    async fn holds(&self, grant: &TokenGrant, request: &Request, is_head: bool) {
        let (app, path) = (&self.shared, request.path());
        // Those who may read everything have asked already, and somebody with few stores, so that all lies in the cache.
        for client in ["zenith", "operator", "franchisee", "zenith"] {
            app.get_as(client, &path).await;
        }
        let calls = app.sandbox().calls();
        let bearer = format!("Bearer {}", app.token_for("storegate", grant));
        let method = if is_head { "HEAD" } else { "GET" };
        let answer = app.send(method, &path, &[("authorization", &bearer)], "").await;
        let text = answer.text();
        assert!(answer.status >= 400 || of_tenant(&text, &grant.tenant, request), "{text}");
        assert!(!is_head || text.is_empty(), "{text}");
        if !is_granted(grant, request) {
            assert_eq!(answer.status, 403, "{path} {grant:?}");
            assert!(is_head || answer.problem() == "store-not-granted");
            assert_eq!(app.sandbox().calls(), calls, "{path}: what is not granted is not asked for");
        } else if let Request::List(list, page, size) = request {
            let all = self.own(&grant.tenant, &format!("{}page_size=1000", list.base())).await;
            is_part(&answer, *list, (*page, *size), &granted_items(*list, grant, &all));
        } else {
            is_same(&answer, &self.own(&grant.tenant, &path).await, &format!("{path} {grant:?}"));
        }
    }
}

/// The same answer, but for how it came about.
fn is_same(answer: &Answer, own: &Answer, what: &str) {
    assert_eq!(answer.status, own.status, "{what}");
    if own.status == 200 {
        for name in ["link", "etag"] {
            assert_eq!(answer.header(name), own.header(name), "{what}");
        }
        assert!(answer.body.is_empty() || answer.json() == own.json(), "{what}: {}", answer.text());
    }
}

/// All that the token may see of all that the tenant has.
fn granted_items(list: List, grant: &TokenGrant, all: &Answer) -> Vec<Value> {
    let all = all.json()["items"].as_array().unwrap().clone();
    let listed = grant.stores.as_deref().unwrap_or_default();
    let may_see = |item: &Value| listed.iter().any(|store| number(store) == list.id_in(item));
    all.into_iter().filter(|item| !is_limited(grant) || may_see(item)).collect()
}

/// A page of these items, which tells nothing of others: not in what is counted, and not in where the links lead.
fn is_part(answer: &Answer, list: List, (page, size): (usize, usize), items: &[Value]) {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let pages = items.len().div_ceil(size);
    let last = pages.max(1);
    let before = (page > 1).then(|| ((page - 1).min(last), "prev"));
    let after = (page < last).then(|| (page + 1, "next"));
    let links = [Some((1, "first")), before, after, Some((last, "last"))].into_iter().flatten();
    let links = links.map(|(page, name)| format!("<{}page={page}&page_size={size}>; rel=\"{name}\"", list.base()));
    assert_eq!(answer.header("link"), Some(links.collect::<Vec<_>>().join(", ").as_str()));
    if !answer.body.is_empty() {
        let part: Vec<&Value> = items.iter().skip((page - 1) * size).take(size).collect();
        let page = json!({"number": page, "size": size, "total": items.len(), "pages": pages});
        assert_eq!(answer.json(), json!({"items": part, "page": page}));
    }
}

#[test]
fn no_client_sees_data_beyond_its_token_whatever_is_cached() {
    let system = System::new();
    let services = Services::start();
    let mut runner = TestRunner::new(Config { cases: 200, failure_persistence: None, ..Config::default() });
    let checked = runner.run(&(caller(), request(), any::<bool>()), |(grant, request, is_head)| {
        system.block_on(services.holds(&grant, &request, is_head));
        Ok(())
    });
    checked.unwrap_or_else(|error| panic!("{error}"));
}

#[actix_web::test]
async fn every_body_of_these_tests_shows_its_tenant() {
    let services = Services::start();
    let paths = STORES[..10].iter().map(|store| {
        if store.starts_with("SHOP") { format!("/stores/{store}") } else { format!("/stores/{store}/flow") }
    });
    let lists = [List::Stores, List::Inspections].map(|list| format!("{}page_size=1000", list.base()));
    for path in paths.chain(lists).chain(ORGANIZATIONS.map(|id| format!("/organizations/{id}/flow"))) {
        let (acmes, zeniths) = (services.own("acme", &path).await, services.own("zenith", &path).await);
        let both = acmes.status == 200 && zeniths.status == 200;
        assert!(!both || acmes.json() != zeniths.json(), "{path}: {}", acmes.text());
    }
}

#[actix_web::test]
async fn a_client_with_organizations_gets_a_token_for_those_and_for_no_store() {
    let app = TestApp::with(|setup| setup.set("AUTH__CLIENTS__OPERATOR__ORGANIZATIONS", "O_1084"));
    let token = app.post_form("operator", "/oauth/token", "grant_type=client_credentials").await.json();
    let token = token["access_token"].as_str().unwrap();
    assert_eq!(app.get_with_token(token, "/organizations/1084/flow").await.status, 200);
    for path in ["/organizations/1085/flow", "/organizations/2/developer-account", "/stores/S_123456/flow", "/stores"] {
        assert_eq!(app.get_with_token(token, path).await.problem(), "store-not-granted", "{path}");
    }
}
