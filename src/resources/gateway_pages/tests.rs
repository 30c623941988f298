//! Lists behind gateways that page in their own ways; every part must be true.

use super::{GatewayPage, Window};
use crate::gateway::error::{Error, Kind};
use crate::gateway::vendor::Gateway;
use std::cell::RefCell;

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
async fn a_list_that_grows_between_its_pages_is_read_once_more_and_then_taken_as_it_is() {
    let calls = RefCell::new(0_u64);
    let growing = |page: u64, size: u32| {
        *calls.borrow_mut() += 1;
        let total = 150 + *calls.borrow();
        let start = (page - 1) * u64::from(size);
        let items: Vec<u64> = (start..(start + u64::from(size)).min(total)).collect();
        async move { Ok(GatewayPage { items, total: Some(total) }) }
    };
    let window = Window { offset: 0, size: 200, cap: 100 };
    let page = window.fetch(Gateway::Oms, growing).await.unwrap();
    assert!(page.items.len() >= 150);
    assert_eq!(*calls.borrow(), 4);
}

#[actix_web::test]
async fn without_a_total_the_pages_end_at_an_empty_one() {
    let list = List { tells_total: false, ..List::new(120) };
    assert_eq!(list.window(0, 1000, 100).await.len(), 120);
    assert_eq!(list.calls.borrow().len(), 3);
}

#[actix_web::test]
async fn an_empty_page_without_a_total_is_not_a_list_that_changed() {
    let window = Window { offset: 0, size: 200, cap: 100 };
    let cut = |page, _| async move {
        let items: Vec<u64> = if page == 1 { (0..100).collect() } else { Vec::new() };
        Ok(GatewayPage { items, total: (page == 1).then_some(150) })
    };
    let error = window.fetch(Gateway::Oms, cut).await.err().unwrap();
    assert_eq!(error.kind, Kind::Unreadable);
}
