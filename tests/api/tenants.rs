//! Two companies never meet, and a limited token reads what it lists: random callers at a running service, each after the
//! cache was warmed by somebody who may read everything.

use actix_web::rt::System;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::{select, subsequence};
use proptest::test_runner::{Config, TestRunner};
use storegate::auth::issue::TokenGrant;

use crate::companies::{EVERYTHING, grant};
use crate::test_app::TestApp;

/// A question, by what must be granted for it.
#[derive(Clone, Debug)]
enum Question {
    Store(&'static str, String),
    Organization(&'static str, String),
    All(String),
    List(String),
}

const STORES: [&str; 6] = ["S_123456", "S_100001", "100002", "SHOP001", "SHOP002", "S_NORTH"];
const ORGANIZATIONS: [&str; 3] = ["1084", "O_2168", "2"];

fn store_path(store: &'static str) -> impl Strategy<Value = Question> {
    let paths = if store.starts_with("SHOP") {
        vec![format!("/stores/{store}"), format!("/stores?code={store}")]
    } else {
        vec![
            format!("/stores/{store}/flow"),
            format!("/stores/{store}/demographics?from=2026-11-01&to=2026-11-07"),
            format!("/inspections?store_id={store}"),
        ]
    };
    select(paths).prop_map(move |path| Question::Store(store, path))
}

fn question() -> impl Strategy<Value = Question> {
    prop_oneof![
        4 => select(&STORES[..5]).prop_flat_map(store_path),
        2 => select(&ORGANIZATIONS[..]).prop_map(|id| Question::Organization(id, format!("/organizations/{id}/flow"))),
        1 => Just(Question::All("/organizations/2/developer-account".to_owned())),
        1 => Just(Question::All("/organizations/3/developer-account".to_owned())),
        1 => select(vec!["/stores?page_size=1000", "/inspections?page_size=1000"])
            .prop_map(|path| Question::List(path.to_owned())),
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

/// Whether the token's lists name it; written from the rule, without the service's own code.
fn is_granted(grant: &TokenGrant, question: &Question) -> bool {
    let is_limited = grant.stores.is_some() || grant.organizations.is_some();
    let names = |list: &Option<Vec<String>>, id: &str| {
        let number = |id: &str| id.trim_start_matches("S_").trim_start_matches("O_").to_owned();
        list.as_ref().is_some_and(|list| list.iter().any(|listed| number(listed) == number(id)))
    };
    match question {
        Question::Store(id, _) => !is_limited || names(&grant.stores, id),
        Question::Organization(id, _) => !is_limited || names(&grant.organizations, id),
        Question::All(_) => !is_limited,
        Question::List(_) => true,
    }
}

/// What only one of the companies has in its answers.
fn of_company(text: &str, tenant: &str, question: &Question) -> bool {
    let foreign = if tenant == "acme" {
        ["2168", "S107-00000002", "planted-zenith"]
    } else {
        ["1084", "S107-00000001", "planted-acme"]
    };
    let named = match question {
        Question::Organization(id, _) => Some(id.trim_start_matches("O_")),
        _ => None,
    };
    foreign.iter().filter(|foreign| Some(**foreign) != named).all(|foreign| !text.contains(foreign))
}

async fn holds(app: &TestApp, grant: &TokenGrant, question: &Question) {
    let (Question::Store(_, path) | Question::Organization(_, path) | Question::All(path) | Question::List(path)) =
        question;
    // Everybody who may read everything has asked already, so that all there is lies in the cache.
    let warm = if grant.tenant == "acme" { ["zenith", "operator"] } else { ["operator", "zenith"] };
    let mut own = None;
    for client in warm {
        own = Some(app.get_as(client, path).await);
    }
    let own = own.expect("two asked");
    let calls = app.sandbox().calls();
    let token = app.token_for("storegate", grant);
    let answer = app.get_with_token(&token, path).await;
    let text = answer.text();
    assert!(answer.status >= 400 || of_company(&text, &grant.tenant, question), "{text}");
    if !is_granted(grant, question) {
        assert_eq!((answer.status, answer.problem().as_str()), (403, "store-not-granted"), "{path} {grant:?}");
        assert_eq!(app.sandbox().calls(), calls, "{path}: what is not granted is not asked for");
    } else if let Question::List(_) = question {
        listed(&answer, grant, &own);
    } else {
        assert_eq!(answer.status, own.status, "{path} {grant:?}");
        assert!(answer.status >= 400 || answer.json() == own.json(), "{path} {grant:?}: {text}");
    }
}

/// A list holds granted stores only, and of those all that the company has.
fn listed(answer: &crate::answer::Answer, grant: &TokenGrant, own: &crate::answer::Answer) {
    let is_limited = grant.stores.is_some() || grant.organizations.is_some();
    if answer.status == 403 {
        assert!(is_limited);
        assert_eq!(answer.problem(), "store-not-granted", "limited to stores that have no number there");
        return;
    }
    assert_eq!(answer.status, own.status);
    if own.status != 200 {
        return;
    }
    let items = |answer: &crate::answer::Answer| answer.json()["items"].as_array().unwrap().clone();
    let id = |item: &serde_json::Value| item["store"]["id"].as_str().or(item["id"].as_str()).unwrap().to_owned();
    let may_see = |item: &&serde_json::Value| {
        let listed = grant.stores.as_deref().unwrap_or_default();
        !is_limited || listed.iter().any(|store| store.trim_start_matches("S_") == id(item).trim_start_matches("S_"))
    };
    let expected: Vec<_> = items(own).iter().filter(may_see).cloned().collect();
    assert_eq!(items(answer), expected, "{grant:?}");
}

#[test]
fn nobody_sees_anothers_data_whatever_lists_a_token_has_and_whatever_is_in_the_cache() {
    let app = TestApp::spawn();
    let mut runner = TestRunner::new(Config { cases: 200, failure_persistence: None, ..Config::default() });
    let system = System::new();
    let checked = runner.run(&(caller(), question()), |(grant, question)| {
        system.block_on(holds(&app, &grant, &question));
        Ok(())
    });
    checked.unwrap_or_else(|error| panic!("{error}"));
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
