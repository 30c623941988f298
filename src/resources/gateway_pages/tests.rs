//! Lists of gateways with different ways of paging; every part must be correct.

use super::{GatewayPage, ItemRange, JoinedPages, ListItem};
use crate::gateway::error::{Error, Kind};
use crate::resources::vendors::oms;
use std::cell::{Cell, RefCell};
use std::collections::HashSet;

/// Items without an id.
impl ListItem for u64 {
    fn id(&self) -> Option<&str> {
        None
    }
}

/// A list of the numbers 0… of a gateway that sends pages of `fallback` items when more than `cap` are requested.
struct List {
    length: u64,
    cap: u32,
    fallback: u32,
    tells_total: bool,
    /// Whether the last page is repeated beyond the end, instead of an empty one.
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
        Ok(GatewayPage {
            items: (start..end).collect(),
            total: self.tells_total.then_some(self.length),
            is_given: true,
        })
    }

    async fn window(&self, offset: u64, size: u32, cap: u32) -> Vec<u64> {
        let window = ItemRange { offset, size, cap };
        window.fetch(oms(), |page, size| self.page(page, size)).await.unwrap().items
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
                    let with_total = if tells_total { "with" } else { "without" };
                    assert_eq!(
                        window,
                        list.expected(offset, size),
                        "{length} items {with_total} total, cap {fallback}, {size} from {offset}"
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
    let window = ItemRange { offset: 0, size: 50, cap: 100 };
    let empty = |_, _| async { Ok(GatewayPage::<u64> { items: Vec::new(), total: Some(10), is_given: true }) };
    let error = window.fetch(oms(), empty).await.err().unwrap();
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

impl ListItem for Shop {
    fn id(&self) -> Option<&str> {
        Some(&self.0)
    }
}

fn shops(numbers: std::ops::Range<u64>) -> Vec<Shop> {
    numbers.map(|number| Shop(format!("S{number}"))).collect()
}

/// A list of shops; `before` runs before each call.
struct Shops {
    list: RefCell<Vec<Shop>>,
    total: fn(u64) -> Option<u64>,
    ignores_number: bool,
    /// The page size of a gateway that ignores the requested one.
    fixed_size: Option<u64>,
    calls: Cell<u64>,
    before: fn(&mut Vec<Shop>, u64),
    /// Whether the page of this number, at this call, is a success without data.
    is_silent: fn(u64, u64) -> bool,
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
            is_silent: |_, _| false,
        }
    }

    async fn page(&self, number: u64, size: u32) -> Result<GatewayPage<Shop>, Error> {
        self.calls.set(self.calls.get() + 1);
        let mut list = self.list.borrow_mut();
        (self.before)(&mut list, self.calls.get());
        if (self.is_silent)(number, self.calls.get()) {
            return Ok(GatewayPage::without_data());
        }
        let number = if self.ignores_number { 1 } else { number };
        let size = usize::try_from(self.fixed_size.unwrap_or(u64::from(size))).unwrap();
        let skip = (usize::try_from(number).unwrap() - 1) * size;
        Ok(GatewayPage {
            items: list.iter().skip(skip).take(size).cloned().collect(),
            total: (self.total)(list.len() as u64),
            is_given: true,
        })
    }

    async fn window(&self, offset: u64, size: u32) -> JoinedPages<Shop> {
        let window = ItemRange { offset, size, cap: 100 };
        let part = window.fetch(oms(), |page, size| self.page(page, size)).await.unwrap();
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
        // One item more and one less: the total stays.
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
async fn where_one_item_goes_and_another_comes_the_list_is_read_again() {
    for length in [101, 150, 250, 450] {
        for call in 1..=8 {
            for place in [0, 50, 99, 100, 120, 199, 240] {
                let list = Shops::new(length);
                let changed = Cell::new(false);
                let change = || {
                    let mut items = list.list.borrow_mut();
                    let place = place.min(items.len() - 1);
                    drop(items.remove(place));
                    items.push(Shop("new".to_owned()));
                    changed.set(true);
                };
                let fetch = async |number, size| {
                    if list.calls.get() == call && !changed.get() {
                        change();
                    }
                    list.page(number, size).await
                };
                let fetch = |number, size| fetch(number, size);
                let part = ItemRange { offset: 0, size: 1000, cap: 100 }.fetch(oms(), fetch).await.unwrap();
                let is_now = part.items == *list.list.borrow();
                let was = part.items == shops(0..length);
                assert!(part.is_settled && (is_now || was), "{length} items, {place} goes before call {call}");
                assert!(changed.get() || list.calls.get() <= call);
            }
        }
    }
    let before: fn(&mut Vec<Shop>, u64) = |list, call| {
        drop(list.remove(0));
        list.push(Shop(format!("new{call}")));
    };
    let list = Shops { before, ..Shops::new(250) };
    let part = list.window(0, 1000).await;
    assert!(!part.is_settled, "it never stands still");
    assert!(list.calls.get() <= 18, "{} calls", list.calls.get());
}

#[actix_web::test]
async fn a_look_at_the_pages_again_is_bounded() {
    let list = Shops::new(3000);
    assert_eq!(list.window(0, 5000).await.items, shops(0..3000));
    assert_eq!(list.calls.get(), 30 + 1 + 8);
}

#[actix_web::test]
async fn a_total_of_one_page_hides_none_of_the_others() {
    for of_page in [true, false] {
        for (length, size) in [(51, 50), (60, 50), (120, 50), (100, 50), (120, 20), (300, 100)] {
            let list = Shops::new(length);
            let fetch = |number: u64, asked: u32| {
                let page = list.page(number, asked);
                async move {
                    let page = page.await?;
                    let total = if of_page { page.items.len() as u64 } else { u64::from(size) };
                    Ok(GatewayPage { total: Some(total), ..page })
                }
            };
            let mut all = Vec::new();
            loop {
                let window = ItemRange { offset: all.len() as u64, size, cap: 100 };
                let part = window.fetch(oms(), fetch).await.unwrap();
                let is_end = part.items.len() < size as usize;
                all.extend(part.items);
                let leads_on = part.total.map_or(part.is_full, |total| total > all.len() as u64);
                assert!(leads_on || all.len() as u64 == length, "{} of {length}, {:?}", all.len(), part.total);
                assert!(part.total.is_none_or(|total| total >= all.len() as u64));
                if is_end || !leads_on {
                    break;
                }
            }
            assert_eq!(all, shops(0..length), "{length} items, pages of {size}, {of_page}");
            let whole = ItemRange { offset: 0, size: 1000, cap: size }.fetch(oms(), fetch).await.unwrap();
            assert_eq!((whole.items.len() as u64, whole.total), (length, Some(length)), "{length} {size} {of_page}");
        }
    }
}

#[actix_web::test]
async fn a_page_without_data_is_read_again_and_said_to_be_missing() {
    let totals: [fn(u64) -> Option<u64>; 2] = [Some, |_| None];
    for total in totals {
        for once in 2..=3 {
            let is_silent: fn(u64, u64) -> bool =
                if once == 2 { |_, call| call == 2 } else { |number, call| call == 3 && number > 1 };
            let list = Shops { total, is_silent, ..Shops::new(250) };
            let part = list.window(0, 1000).await;
            assert_eq!((part.items.len(), part.total, part.is_settled), (250, Some(250), true), "call {once}");
        }
        let list = Shops { total, is_silent: |number, _| number == 2, ..Shops::new(250) };
        let part = list.window(0, 1000).await;
        assert_eq!((part.items.len(), part.total, part.is_settled), (100, total(250), false));
        assert!(list.calls.get() <= 20, "{} calls", list.calls.get());
        let list = Shops { total, is_silent: |_, _| true, ..Shops::new(250) };
        let part = list.window(0, 1000).await;
        assert_eq!((part.items.len(), part.total, part.is_settled, list.calls.get()), (0, None, false, 1));
    }
    let list = Shops { total: |_| None, is_silent: |number, _| number > 3, ..Shops::new(250) };
    let part = list.window(0, 1000).await;
    assert_eq!((part.items.len(), part.total, part.is_settled), (250, Some(250), true), "that is how the list ends");
}

#[actix_web::test]
async fn totals_that_differ_from_page_to_page_are_not_believed_to_be_settled() {
    let list = Shops::new(120);
    let fetch = |number: u64, size: u32| {
        let page = list.page(number, size);
        async move { page.await.map(|page| GatewayPage { total: Some(120 + number), ..page }) }
    };
    for cap in [50, 100] {
        let part = ItemRange { offset: 0, size: 1000, cap }.fetch(oms(), fetch).await.unwrap();
        assert_eq!((part.items.len(), part.total, part.is_settled), (120, Some(120), false));
    }
    let fetch = |number: u64, size: u32| {
        let page = list.page(number, size);
        async move {
            let page = page.await?;
            Ok(if number == 1 { page } else { GatewayPage { items: Vec::new(), total: Some(0), is_given: true } })
        }
    };
    let part = ItemRange { offset: 0, size: 1000, cap: 100 }.fetch(oms(), fetch).await.unwrap();
    assert_eq!((part.items.len(), part.is_settled), (100, false), "a page stated a larger total");
}

#[actix_web::test]
async fn a_list_that_never_stands_still_is_given_as_it_is_and_said_to_be_in_doubt() {
    let before: fn(&mut Vec<Shop>, u64) = |list, call| list.insert(0, Shop(format!("new{call}")));
    let totals: [fn(u64) -> Option<u64>; 3] = [Some, |_| None, |_| Some(0)];
    for total in totals {
        let list = Shops { total, before, ..Shops::new(150) };
        let part = list.window(0, 1000).await;
        assert!(part.items.len() >= 150 && !part.is_settled);
        assert!(part.max_freshness().is_some_and(|keeps| keeps.end().as_secs() <= 5));
    }
}

#[actix_web::test]
async fn two_items_of_one_id_are_two_when_they_differ_and_stay_so() {
    #[derive(PartialEq)]
    struct Twin(u64);
    impl ListItem for Twin {
        fn id(&self) -> Option<&str> {
            Some("one")
        }
    }
    let window = ItemRange { offset: 0, size: 200, cap: 2 };
    let fetch = |page: u64, _| async move {
        let items: Vec<Twin> = ((page - 1) * 2..(page * 2).min(3)).map(Twin).collect();
        Ok(GatewayPage { items, total: Some(3), is_given: true })
    };
    let part = window.fetch(oms(), fetch).await.unwrap();
    assert_eq!((part.items.len(), part.is_settled), (3, true));
}
