//! Lists behind gateways that page in their own ways; every part must be true.

use super::{GatewayPage, Listed, Part, Window};
use crate::gateway::error::{Error, Kind};
use crate::gateway::vendor::Gateway;
use std::cell::{Cell, RefCell};
use std::collections::HashSet;

/// Items that do not say what tells them apart.
impl Listed for u64 {
    fn id(&self) -> Option<&str> {
        None
    }
}

/// A list of the numbers 0… behind a gateway that gives pages of `fallback` when more than `cap` is asked for.
struct List {
    length: u64,
    cap: u32,
    fallback: u32,
    tells_total: bool,
    /// What comes beyond the end: nothing, or the last page again.
    repeats_last: bool,
    calls: RefCell<Vec<(u64, u32)>>,
}

impl List {
    fn new(length: u64) -> Self {
        Self { length, cap: 100, fallback: 50, tells_total: true, repeats_last: false, calls: RefCell::default() }
    }

    async fn page(&self, page: u64, size: u32) -> Result<GatewayPage<u64>, Error> {
        self.calls.borrow_mut().push((page, size));
        let size = u64::from(if size > self.cap { self.fallback } else { size });
        let last = self.length.div_ceil(size).max(1);
        let page = if self.repeats_last { page.min(last) } else { page };
        let start = ((page - 1) * size).min(self.length);
        let end = (start + size).min(self.length);
        Ok(GatewayPage { items: (start..end).collect(), total: self.tells_total.then_some(self.length) })
    }

    async fn window(&self, offset: u64, size: u32, cap: u32) -> Vec<u64> {
        let window = Window { offset, size, cap };
        window.fetch(Gateway::Oms, |page, size| self.page(page, size)).await.unwrap().items
    }

    fn expected(&self, offset: u64, size: u32) -> Vec<u64> {
        (offset.min(self.length)..(offset + u64::from(size)).min(self.length)).collect()
    }
}

#[actix_web::test]
async fn a_page_within_the_cap_is_one_call() {
    let list = List::new(260);
    assert_eq!(list.window(50, 50, 100).await, list.expected(50, 50));
    assert_eq!(*list.calls.borrow(), [(2, 50)]);
}

#[actix_web::test]
async fn every_page_is_true_whatever_the_gateways_cap_is() {
    for fallback in [20, 30, 50] {
        for length in [0, 1, 19, 20, 60, 101, 205, 215, 220, 600] {
            for (offset, size) in [(0, 50), (0, 1000), (100, 100), (200, 100), (150, 150), (200, 200), (999, 3)] {
                for (tells_total, repeats_last) in [(true, false), (false, false), (true, true), (false, true)] {
                    let list = List { cap: fallback, fallback, tells_total, repeats_last, ..List::new(length) };
                    let window = list.window(offset, size, 100).await;
                    let told = if tells_total { "with" } else { "without" };
                    assert_eq!(
                        window,
                        list.expected(offset, size),
                        "{length} items {told} total, cap {fallback}, {size} from {offset}"
                    );
                }
            }
        }
    }
}

#[actix_web::test]
async fn a_page_beyond_the_cap_is_joined_whatever_its_offset() {
    for (offset, size) in [(0, 1000), (150, 150), (250, 250), (999, 3), (0, 101)] {
        let list = List::new(600);
        assert_eq!(list.window(offset, size, 100).await, list.expected(offset, size), "{offset} {size}");
    }
}

#[actix_web::test]
async fn a_list_that_says_it_has_items_and_gives_none_is_unreadable() {
    let window = Window { offset: 0, size: 50, cap: 100 };
    let empty = |_, _| async { Ok(GatewayPage::<u64> { items: Vec::new(), total: Some(10) }) };
    let error = window.fetch(Gateway::Oms, empty).await.err().unwrap();
    assert_eq!(error.kind, Kind::Unreadable);
}

#[actix_web::test]
async fn a_gateway_with_one_fixed_page_size_is_found_out_even_if_it_is_larger() {
    for length in [5, 20, 30, 40, 55] {
        for (offset, size) in [(0, 10), (10, 10), (20, 10), (40, 10), (20, 20)] {
            for tells_total in [true, false] {
                let list = List { cap: 0, fallback: 20, tells_total, ..List::new(length) };
                let window = list.window(offset, size, 100).await;
                assert_eq!(window, list.expected(offset, size), "{length} items, {size} from {offset}, {tells_total}");
            }
        }
    }
}

#[actix_web::test]
async fn without_a_total_the_pages_end_at_an_empty_one() {
    let list = List { tells_total: false, ..List::new(120) };
    assert_eq!(list.window(0, 1000, 100).await.len(), 120);
    assert_eq!(list.calls.borrow().len(), 4, "the first page is looked at again, since nothing else tells a change");
}

/// An item with an id.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Shop(String);

impl Listed for Shop {
    fn id(&self) -> Option<&str> {
        Some(&self.0)
    }
}

fn shops(numbers: std::ops::Range<u64>) -> Vec<Shop> {
    numbers.map(|number| Shop(format!("S{number}"))).collect()
}

/// A list of shops, of which `before` does something before each call.
struct Shops {
    list: RefCell<Vec<Shop>>,
    total: fn(u64) -> Option<u64>,
    ignores_number: bool,
    /// More or fewer than asked for, when the gateway takes no size.
    fixed_size: Option<u64>,
    calls: Cell<u64>,
    before: fn(&mut Vec<Shop>, u64),
}

impl Shops {
    fn new(length: u64) -> Self {
        Self {
            list: RefCell::new(shops(0..length)),
            total: Some,
            ignores_number: false,
            fixed_size: None,
            calls: Cell::new(0),
            before: |_, _| {},
        }
    }

    async fn page(&self, number: u64, size: u32) -> Result<GatewayPage<Shop>, Error> {
        self.calls.set(self.calls.get() + 1);
        let mut list = self.list.borrow_mut();
        (self.before)(&mut list, self.calls.get());
        let number = if self.ignores_number { 1 } else { number };
        let size = usize::try_from(self.fixed_size.unwrap_or(u64::from(size))).unwrap();
        let skip = (usize::try_from(number).unwrap() - 1) * size;
        Ok(GatewayPage {
            items: list.iter().skip(skip).take(size).cloned().collect(),
            total: (self.total)(list.len() as u64),
        })
    }

    async fn window(&self, offset: u64, size: u32) -> Part<Shop> {
        let window = Window { offset, size, cap: 100 };
        let part = window.fetch(Gateway::Oms, |page, size| self.page(page, size)).await.unwrap();
        let distinct: HashSet<&Shop> = part.items.iter().collect();
        assert_eq!(distinct.len(), part.items.len(), "one item twice");
        let came = if part.items.is_empty() { 0 } else { offset + part.items.len() as u64 };
        assert!(part.total.is_none_or(|total| total >= came), "{:?} of {came}", part.total);
        assert!(self.calls.get() < 200, "{} calls", self.calls.get());
        part
    }
}

#[actix_web::test]
async fn a_total_that_the_items_contradict_is_not_believed() {
    let totals: [fn(u64) -> Option<u64>; 8] = [
        |_| Some(0),
        |_| Some(1),
        |length| Some(length - 1),
        |length| Some(length / 2),
        |length| Some(length + 1),
        |length| Some(length + 49),
        |length| Some(length * 3),
        |_| None,
    ];
    for (kind, total) in totals.into_iter().enumerate() {
        for length in [2, 3, 49, 50, 51, 99, 100, 101, 150, 260] {
            for (offset, size) in [(0, 50), (0, 10), (0, 1000), (50, 50), (100, 100), (250, 250)] {
                let list = Shops { total, ..Shops::new(length) };
                let part = list.window(offset, size).await;
                let expected = shops(offset.min(length)..(offset + u64::from(size)).min(length));
                assert_eq!(part.items, expected, "total {kind}, {length} items, {size} from {offset}");
                if offset == 0 && u64::from(size) > length {
                    assert_eq!(part.total, Some(length), "total {kind}, {length} items");
                    assert_eq!(
                        part.is_settled,
                        !(4..=6).contains(&kind),
                        "only what is counted and missing is in doubt"
                    );
                }
            }
        }
    }
}

#[actix_web::test]
async fn a_gateway_that_ignores_page_number_or_size_repeats_nothing() {
    let totals: [fn(u64) -> Option<u64>; 4] = [Some, |_| None, |_| Some(0), |length| Some(length + 30)];
    for total in totals {
        for length in [3, 50, 100, 200, 250] {
            for fixed_size in [None, Some(7), Some(100), Some(150), Some(10_000)] {
                let all = shops(0..length);
                let list = Shops { total, fixed_size, ignores_number: true, ..Shops::new(length) };
                let part = list.window(0, 1000).await;
                assert!(all.starts_with(&part.items) && !part.items.is_empty(), "{length} {fixed_size:?}");
                let is_whole = part.items.len() as u64 == length;
                assert!(is_whole || !part.is_settled || total(length).unwrap_or_default() <= part.items.len() as u64);
                let list = Shops { total, fixed_size, ..Shops::new(length) };
                assert_eq!(list.window(0, 1000).await.items, all, "{length} {fixed_size:?}");
            }
        }
    }
}

#[actix_web::test]
async fn a_list_that_changes_between_two_pages_is_read_again() {
    let changes: [fn(&mut Vec<Shop>, u64); 5] = [
        |list, call| {
            if call == 2 {
                list.insert(0, Shop("new".to_owned()));
            }
        },
        |list, call| {
            if call == 2 {
                drop(list.remove(0));
            }
        },
        |list, call| {
            if call == 3 {
                list.insert(20, Shop("new".to_owned()));
            }
        },
        |list, call| {
            if call == 3 {
                list.push(Shop("new".to_owned()));
            }
        },
        // One more and one less: the total stays.
        |list, call| {
            if call == 2 {
                drop(list.pop());
                list.insert(0, Shop("new".to_owned()));
            }
        },
    ];
    let totals: [fn(u64) -> Option<u64>; 2] = [Some, |_| None];
    for (kind, before) in changes.into_iter().enumerate() {
        for total in totals {
            let list = Shops { total, before, ..Shops::new(250) };
            let part = list.window(0, 1000).await;
            assert!(part.is_settled, "{kind}");
            assert_eq!(part.items, *list.list.borrow(), "change {kind}");
            assert_eq!(part.total.unwrap(), part.items.len() as u64);
        }
    }
}

#[actix_web::test]
async fn a_list_that_never_stands_still_is_given_as_it_is_and_said_to_be_in_doubt() {
    let before: fn(&mut Vec<Shop>, u64) = |list, call| list.insert(0, Shop(format!("new{call}")));
    let totals: [fn(u64) -> Option<u64>; 3] = [Some, |_| None, |_| Some(0)];
    for total in totals {
        let list = Shops { total, before, ..Shops::new(150) };
        let part = list.window(0, 1000).await;
        assert!(part.items.len() >= 150 && !part.is_settled);
        assert!(part.keeps().is_some_and(|keeps| keeps.end().as_secs() <= 5));
    }
}

#[actix_web::test]
async fn two_items_of_one_id_are_two_when_they_differ_and_stay_so() {
    #[derive(PartialEq)]
    struct Twin(u64);
    impl Listed for Twin {
        fn id(&self) -> Option<&str> {
            Some("one")
        }
    }
    let window = Window { offset: 0, size: 200, cap: 2 };
    let fetch = |page: u64, _| async move {
        let items: Vec<Twin> = ((page - 1) * 2..(page * 2).min(3)).map(Twin).collect();
        Ok(GatewayPage { items, total: Some(3) })
    };
    let part = window.fetch(Gateway::Oms, fetch).await.unwrap();
    assert_eq!((part.items.len(), part.is_settled), (3, true));
}
