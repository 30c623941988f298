//! Joins pages of a gateway into one page of ours, so that a gateway's cap never cuts a page silently.

use std::future::Future;

use futures_util::{StreamExt, TryStreamExt, stream};

use crate::gateway::error::{Error, Kind};
use crate::gateway::vendor::Gateway;

/// Pages of one answer that are asked for side by side.
const SIDE_BY_SIDE: usize = 4;

/// How often a smaller page than asked for is taken as the gateway's cap.
const MOST_STEPS: usize = 3;

/// A page as a gateway gave it.
pub struct GatewayPage<T> {
    /// Its items.
    pub items: Vec<T>,
    /// Items on all pages, when the gateway tells.
    pub total: Option<u64>,
}

/// A part of a list, wherever the gateway's pages begin and end.
pub struct Window {
    /// Items before the part.
    pub offset: u64,
    /// Items in the part.
    pub size: u32,
    /// The largest page to ask for at once.
    pub cap: u32,
}

impl Window {
    /// Fetches the part with as few calls as the cap allows. `fetch` is given the gateway's page number, from 1, and
    /// page size.
    ///
    /// # Errors
    /// What `fetch` fails with, or [`Kind::Unreadable`] when a page in the middle is short.
    pub async fn fetch<T, F, Fut>(&self, gateway: Gateway, fetch: F) -> Result<GatewayPage<T>, Error>
    where
        F: Fn(u64, u32) -> Fut,
        Fut: Future<Output = Result<GatewayPage<T>, Error>>,
    {
        let mut step = self.cap.min(self.size).max(1);
        for _ in 0..MOST_STEPS {
            let head = fetch(self.first_page(step), step).await?;
            match self.smaller_cap(&head, step) {
                Some(smaller) => step = smaller,
                None => return self.complete(gateway, head, step, &fetch).await,
            }
        }
        Err(short_page(gateway))
    }

    /// A gateway may fall back to a smaller page than asked for; what came tells its true size.
    fn smaller_cap<T>(&self, head: &GatewayPage<T>, step: u32) -> Option<u32> {
        let before = (self.first_page(step) - 1) * u64::from(step);
        let expected = head.total?.saturating_sub(before).min(u64::from(step));
        let came = u32::try_from(head.items.len()).ok()?;
        (came > 0 && u64::from(came) < expected).then_some(came)
    }

    async fn complete<T, F, Fut>(
        &self,
        gateway: Gateway,
        head: GatewayPage<T>,
        step: u32,
        fetch: &F,
    ) -> Result<GatewayPage<T>, Error>
    where
        F: Fn(u64, u32) -> Fut,
        Fut: Future<Output = Result<GatewayPage<T>, Error>>,
    {
        let first = self.first_page(step);
        let total = head.total;
        let last = self.last_page(step, total);
        let mut items = head.items;
        if total.is_none() && items.len() < step as usize {
            return Ok(self.cut(items, first, step, total));
        }
        let rest: Vec<GatewayPage<T>> =
            stream::iter(first + 1..=last).map(|page| fetch(page, step)).buffered(SIDE_BY_SIDE).try_collect().await?;
        for (page, rest) in (first + 1..).zip(rest) {
            if page < last && total.is_some() && rest.items.len() != step as usize {
                return Err(short_page(gateway));
            }
            items.extend(rest.items);
        }
        Ok(self.cut(items, first, step, total))
    }

    const fn first_page(&self, step: u32) -> u64 {
        self.offset / step as u64 + 1
    }

    fn last_page(&self, step: u32, total: Option<u64>) -> u64 {
        let end = self.offset + u64::from(self.size);
        total.map_or(end, |total| end.min(total)).div_ceil(u64::from(step))
    }

    fn cut<T>(&self, items: Vec<T>, first: u64, step: u32, total: Option<u64>) -> GatewayPage<T> {
        let skip = self.offset - (first - 1) * u64::from(step);
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        GatewayPage { items: items.into_iter().skip(skip).take(self.size as usize).collect(), total }
    }
}

fn short_page(gateway: Gateway) -> Error {
    Error::local(gateway, Kind::Unreadable, "a page in the middle of the list came short")
}

#[cfg(test)]
mod tests {
    use super::{GatewayPage, Window};
    use crate::gateway::error::Error;
    use crate::gateway::vendor::Gateway;
    use std::cell::RefCell;

    /// A list of the numbers 0… behind a gateway with a cap that it falls back to.
    struct List {
        length: u64,
        cap: u32,
        fallback: u32,
        tells_total: bool,
        calls: RefCell<Vec<(u64, u32)>>,
    }

    impl List {
        fn new(length: u64) -> Self {
            Self { length, cap: 100, fallback: 50, tells_total: true, calls: RefCell::default() }
        }

        async fn page(&self, page: u64, size: u32) -> Result<GatewayPage<u64>, Error> {
            self.calls.borrow_mut().push((page, size));
            let size = u64::from(if size > self.cap { self.fallback } else { size });
            let start = ((page - 1) * size).min(self.length);
            let end = (start + size).min(self.length);
            Ok(GatewayPage { items: (start..end).collect(), total: self.tells_total.then_some(self.length) })
        }

        async fn window(&self, offset: u64, size: u32, cap: u32) -> Vec<u64> {
            let window = Window { offset, size, cap };
            window.fetch(Gateway::Oms, |page, size| self.page(page, size)).await.unwrap().items
        }
    }

    #[actix_web::test]
    async fn a_page_within_the_cap_is_one_call() {
        let list = List::new(260);
        assert_eq!(list.window(50, 50, 100).await, (50..100).collect::<Vec<_>>());
        assert_eq!(*list.calls.borrow(), [(2, 50)]);
    }

    #[actix_web::test]
    async fn a_page_beyond_the_cap_is_joined_whatever_its_offset() {
        for (offset, size) in [(0, 1000), (150, 150), (250, 250), (999, 3), (0, 101)] {
            let list = List::new(600);
            let expected: Vec<u64> = (offset..(offset + u64::from(size)).min(600)).collect();
            assert_eq!(list.window(offset, size, 100).await, expected, "{offset} {size}");
        }
    }

    #[actix_web::test]
    async fn a_gateway_that_falls_back_to_a_smaller_page_is_noticed() {
        let list = List::new(600);
        assert_eq!(list.window(200, 200, 200).await, (200..400).collect::<Vec<_>>());
        assert!(list.calls.borrow().iter().skip(1).all(|(_, size)| *size == 50));
    }

    #[actix_web::test]
    async fn a_page_beyond_the_end_is_empty() {
        assert!(List::new(10).window(500, 50, 100).await.is_empty());
        assert!(List::new(0).window(0, 50, 100).await.is_empty());
    }

    #[actix_web::test]
    async fn without_a_total_a_short_page_is_the_end() {
        let list = List { tells_total: false, ..List::new(120) };
        assert_eq!(list.window(0, 1000, 100).await.len(), 120);
        assert_eq!(list.window(0, 50, 100).await.len(), 50);
    }
}
