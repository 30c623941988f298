//! Tests of the memo table: what it finds, for whom, and that it keeps nothing alive.

use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;

use super::{AuthorizationClass, PLACES_OF_AN_ENTRY, RequestMemo, RequestMemos, SETS_IN_CHUNK, WAYS};
use crate::cache::{CacheEntry, CacheKey, FetchedBody, Freshness};
use crate::settings::SettingsDigest;

const ONE: AuthorizationClass = AuthorizationClass(1);
const OTHER: AuthorizationClass = AuthorizationClass(2);

fn entry(body: &str) -> Arc<CacheEntry> {
    let document = FetchedBody { body: Bytes::from(body.to_owned()), link: None, max_freshness: None };
    Arc::new(CacheEntry::new(document, Freshness::seconds(30, 0, 0), Vec::new(), Duration::ZERO))
}

fn table() -> RequestMemos {
    RequestMemos::new(1 << 20)
}

fn remember(table: &RequestMemos, class: AuthorizationClass, target: &str, entry: &Arc<CacheEntry>) {
    let key = CacheKey::new("acme", "flow", &SettingsDigest::of(&1), &SettingsDigest::of(&2), target);
    table.remember(RequestMemo {
        class,
        target: target.into(),
        resource: "flow",
        key,
        entry: entry.clone(),
        stores: None,
    });
}

fn body(table: &RequestMemos, class: AuthorizationClass, target: &str) -> Option<String> {
    let memo = table.find(class, target)?;
    Some(String::from_utf8(memo.entry.identity.body.to_vec()).unwrap())
}

#[test]
fn an_answer_is_found_by_the_circle_and_the_very_target() {
    let table = table();
    remember(&table, ONE, "/a?x=1", &entry("first"));
    remember(&table, OTHER, "/a?x=1", &entry("second"));
    assert_eq!(body(&table, ONE, "/a?x=1").as_deref(), Some("first"));
    assert_eq!(body(&table, OTHER, "/a?x=1").as_deref(), Some("second"));
    assert_eq!(body(&table, ONE, "/a?x=2"), None);
    assert_eq!(body(&table, AuthorizationClass(3), "/a?x=1"), None);
}

#[test]
fn a_later_answer_takes_the_place_of_an_earlier_one() {
    let table = table();
    let (earlier, later) = (entry("earlier"), entry("later"));
    remember(&table, ONE, "/a", &earlier);
    remember(&table, ONE, "/a", &later);
    table.remove(&earlier);
    assert_eq!(body(&table, ONE, "/a").as_deref(), Some("later"));
}

#[test]
fn a_removed_entry_is_not_kept_alive() {
    let table = table();
    let leaving = entry("leaving");
    let weak: Weak<CacheEntry> = Arc::downgrade(&leaving);
    for spelling in 0..2 * PLACES_OF_AN_ENTRY {
        remember(&table, ONE, &format!("/a?{spelling}"), &leaving);
    }
    let found = (0..2 * PLACES_OF_AN_ENTRY).filter(|spelling| table.find(ONE, &format!("/a?{spelling}")).is_some());
    assert_eq!(found.count(), PLACES_OF_AN_ENTRY, "the number of slots per entry is limited");
    leaving.retire();
    table.remove(&leaving);
    drop(leaving);
    assert!(weak.upgrade().is_none());
}

#[test]
fn an_answer_that_has_left_before_it_was_remembered_is_not_found() {
    let table = table();
    let left = entry("left");
    left.retire();
    remember(&table, ONE, "/a", &left);
    assert_eq!(body(&table, ONE, "/a"), None);
    assert_eq!(Arc::strong_count(&left), 1);
}

#[test]
fn a_full_table_replaces_memos_and_finds_only_the_requested_target() {
    let table = RequestMemos::new(1);
    let entries: Vec<_> = (0..5000).map(|number| entry(&number.to_string())).collect();
    for (number, entry) in entries.iter().enumerate() {
        remember(&table, ONE, &format!("/{number}"), entry);
    }
    let found = (0..5000).filter_map(|number| Some((number, body(&table, ONE, &format!("/{number}"))?)));
    let found: Vec<_> = found.collect();
    let places = WAYS * SETS_IN_CHUNK;
    assert!((places * 3 / 4..=places).contains(&found.len()), "{}", found.len());
    assert!(found.iter().all(|(number, body)| *body == number.to_string()));
    for entry in &entries {
        entry.retire();
        table.remove(entry);
    }
    assert!(entries.iter().all(|entry| Arc::strong_count(entry) == 1));
}

#[test]
fn workers_that_remember_and_forget_at_once_leave_nothing_behind() {
    let table = RequestMemos::new(1);
    let entries: Vec<_> = (0..2000).map(|number| entry(&number.to_string())).collect();
    std::thread::scope(|scope| {
        for worker in 0..4 {
            let (table, entries) = (&table, &entries);
            scope.spawn(move || {
                for (number, entry) in entries.iter().enumerate() {
                    remember(table, AuthorizationClass(worker), &format!("/{number}"), entry);
                    if let Some(found) = body(table, AuthorizationClass(worker), &format!("/{number}")) {
                        assert_eq!(found, number.to_string());
                    }
                    if number % 4 == usize::try_from(worker).unwrap() {
                        entry.retire();
                        table.remove(entry);
                    }
                }
            });
        }
    });
    for (number, entry) in entries.iter().enumerate() {
        assert_eq!(Arc::strong_count(entry), 1, "{number}");
        assert!((0..4).all(|worker| table.find(AuthorizationClass(worker), &format!("/{number}")).is_none()));
    }
}
