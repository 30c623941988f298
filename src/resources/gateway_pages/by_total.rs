//! Reads the pages that overlap a part of a list by the gateway's total, as long as the pages do not contradict it.

use std::collections::HashMap;
use std::future::Future;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::{GatewayPage, ItemRange, ListItem, PageRead};
use crate::gateway::error::Error;

/// How many pages are fetched concurrently.
const SIDE_BY_SIDE: usize = 4;

/// How many pages are read again, at most, to notice that the list has changed.
const MOST_LOOKED_AT: usize = 8;

/// The gateway's pages that overlap a part, at one page size.
#[derive(Clone, Copy)]
pub(super) struct Pages {
    pub(super) window: ItemRange,
    pub(super) step: u32,
}

/// The result of reading a part by its total.
pub(super) enum TotalRead<T> {
    Whole(PageRead<T>),
    /// The pages contradict the total.
    Contradicted {
        /// The first page of the list, if it was read.
        head: Option<Vec<T>>,
        /// The total, unless there are more items than it says.
        total: Option<u64>,
    },
}

/// What a received page says about the gateway's page size.
pub(super) enum PageSizeFact {
    AsAsked,
    Other(u32),
    /// Nothing: the total contradicts the items.
    Contradicted,
}

impl Pages {
    pub(super) const fn first(self) -> u64 {
        self.window.offset / self.step as u64 + 1
    }

    pub(super) const fn end(self) -> u64 {
        self.window.offset + self.window.size as u64
    }

    fn last(self, total: u64) -> u64 {
        self.end().min(total).div_ceil(u64::from(self.step))
    }

    pub(super) const fn skip(self) -> u64 {
        self.window.offset - (self.first() - 1) * self.step as u64
    }

    /// The number of items that a page should have.
    fn expected(self, page: u64, total: u64) -> u64 {
        total.saturating_sub((page - 1) * u64::from(self.step)).min(u64::from(self.step))
    }

    /// The gateway's page size, derived from the number of items received as the first of our pages; where that could
    /// be chance, from the page before it.
    pub(super) async fn size_at<T, F, Fut>(self, came: usize, total: u64, fetch: &F) -> Result<PageSizeFact, Error>
    where
        F: Fn(u64, u32) -> Fut,
        Fut: Future<Output = Result<GatewayPage<T>, Error>>,
    {
        let expected = self.expected(self.first(), total);
        match self.size_of(came, expected) {
            PageSizeFact::AsAsked if self.could_be_chance(expected, total) => {
                let before = fetch(self.first() - 1, self.step).await?;
                Ok(self.size_of(before.items.len(), u64::from(self.step)))
            }
            // The page is beyond the end, if the gateway's pages are larger.
            PageSizeFact::Contradicted if came == 0 => {
                let start = fetch(1, self.step).await?;
                Ok(match self.size_of(start.items.len(), self.expected(1, total)) {
                    PageSizeFact::AsAsked => PageSizeFact::Contradicted,
                    size => size,
                })
            }
            size => Ok(size),
        }
    }

    fn size_of(self, came: usize, expected: u64) -> PageSizeFact {
        match u32::try_from(came) {
            Ok(came) if u64::from(came) == expected => PageSizeFact::AsAsked,
            Ok(0) | Err(_) => PageSizeFact::Contradicted,
            Ok(came) if u64::from(came) > expected && came <= self.step => PageSizeFact::Contradicted,
            Ok(came) => PageSizeFact::Other(came),
        }
    }

    /// Whether a page of another size up to the cap would have the same number of items at this number by chance.
    fn could_be_chance(self, expected: u64, total: u64) -> bool {
        let before = self.first() - 1;
        let step = u64::from(self.step);
        if before == 0 || expected == 0 {
            return false;
        }
        let is_full_page = expected != step && self.first() * expected <= total;
        let rest = total - expected;
        let size = rest / before;
        let is_size = size != step && (expected..=u64::from(self.window.cap)).contains(&size);
        is_full_page || (rest.is_multiple_of(before) && is_size)
    }

    /// Reads the whole part, by a total that the first page does not contradict.
    pub(super) async fn complete<T, F, Fut>(self, head: Vec<T>, total: u64, fetch: &F) -> Result<TotalRead<T>, Error>
    where
        T: ListItem,
        F: Fn(u64, u32) -> Fut,
        Fut: Future<Output = Result<GatewayPage<T>, Error>>,
    {
        let numbers = self.first() + 1..=self.last(total);
        let rest: Vec<GatewayPage<T>> = stream::iter(numbers.clone())
            .map(|page| fetch(page, self.step))
            .buffered(SIDE_BY_SIDE)
            .try_collect()
            .await?;
        // A page without a total does not show a change, but its items must fit.
        let has_changed = rest.iter().any(|page| page.total.is_some_and(|stated| stated != total));
        let latest = rest.iter().rev().find_map(|page| page.total).unwrap_or(total);
        let sizes_fit = numbers.zip(&rest).all(|(page, came)| came.items.len() as u64 == self.expected(page, total));
        let mut pages = vec![head];
        pages.extend(rest.into_iter().map(|page| page.items));
        let is_one_page = pages.windows(2).any(|pair| matches!(pair, [one, next] if one == next));
        let goes_on = sizes_fit && !has_changed && self.goes_on(pages.last(), total, fetch).await?;
        if is_one_page || goes_on || !(sizes_fit || has_changed) {
            let head = pages.into_iter().next().filter(|_| self.first() == 1);
            return Ok(TotalRead::Contradicted { head, total: (!goes_on).then_some(total) });
        }
        let fits = sizes_fit && !has_changed && !has_repeats(&pages);
        let has_moved = fits && self.have_moved(&pages, fetch).await?;
        let (total, lacks) = match self.end_of(&pages) {
            Some(end) => (end, latest.max(total) > end),
            None => (latest, false),
        };
        Ok(TotalRead::Whole(PageRead {
            pages,
            skip: self.skip(),
            total: Some(total),
            fits: fits && !has_moved,
            has_moved,
            lacks,
        }))
    }

    /// The number of items in the list, if its last page is the last of these: full pages, then one that is not full.
    fn end_of<T>(self, pages: &[Vec<T>]) -> Option<u64> {
        let (last, full) = pages.split_last()?;
        let step = self.step as usize;
        let is_end = last.len() < step && full.iter().all(|page| page.len() == step);
        is_end.then(|| (self.first() - 1 + full.len() as u64) * u64::from(self.step) + last.len() as u64)
    }

    /// Whether one of these pages, which were read one after the other, has changed since. When one item is removed and
    /// another one added, the total stays, and an item may have moved from an unread page to one already read. After
    /// the last page nothing can be missed. Of many pages, only some are read again.
    pub(super) async fn have_moved<T, F, Fut>(self, pages: &[Vec<T>], fetch: &F) -> Result<bool, Error>
    where
        T: ListItem,
        F: Fn(u64, u32) -> Fut,
        Fut: Future<Output = Result<GatewayPage<T>, Error>>,
    {
        let Some((_, before)) = pages.split_last() else { return Ok(false) };
        let every = before.len().div_ceil(MOST_LOOKED_AT).max(1);
        let looks: Vec<bool> = stream::iter((self.first()..).zip(before).step_by(every))
            .map(|(number, page)| {
                let again = fetch(number, self.step);
                async move { again.await.map(|again| again.items != *page) }
            })
            .buffered(SIDE_BY_SIDE)
            .try_collect()
            .await?;
        Ok(looks.contains(&true))
    }

    /// Whether there are more items than the total says. A total that is too small, such as the number of items on this
    /// page, shows only after a full last page.
    async fn goes_on<T, F, Fut>(self, last: Option<&Vec<T>>, total: u64, fetch: &F) -> Result<bool, Error>
    where
        T: ListItem,
        F: Fn(u64, u32) -> Fut,
        Fut: Future<Output = Result<GatewayPage<T>, Error>>,
    {
        let step = u64::from(self.step);
        if self.end() < total || !total.is_multiple_of(step) {
            return Ok(false);
        }
        let beyond = fetch(total / step + 1, self.step).await?.items;
        Ok(!beyond.is_empty() && Some(&beyond) != last)
    }
}

/// Whether two of the pages contain the same id.
fn has_repeats<T: ListItem>(pages: &[Vec<T>]) -> bool {
    let mut known: HashMap<&str, usize> = HashMap::new();
    let items = pages.iter().enumerate().flat_map(|(number, page)| page.iter().map(move |item| (number, item)));
    let mut ids = items.filter_map(|(number, item)| Some((number, item.id()?)));
    ids.any(|(number, id)| *known.entry(id).or_insert(number) != number)
}
