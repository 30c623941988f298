//! Reads a part of a list page by page, where there is no total or none that can be trusted.

use std::collections::HashSet;
use std::future::Future;

use super::by_total::Pages;
use super::{GatewayPage, ListItem, PageRead};
use crate::gateway::error::Error;

impl Pages {
    /// Reads the part page by page, without a trusted total: the end is an empty page, or one whose items were received
    /// before. The first page of the list shows the gateway's true page size.
    pub(super) async fn walk<T, F, Fut>(
        self,
        head: Option<Vec<T>>,
        stated_total: Option<u64>,
        fetch: &F,
    ) -> Result<PageRead<T>, Error>
    where
        T: ListItem,
        F: Fn(u64, u32) -> Fut,
        Fut: Future<Output = Result<GatewayPage<T>, Error>>,
    {
        let start = match head.filter(|_| self.first() == 1) {
            Some(items) => GatewayPage { items, total: None, is_given: true },
            None => fetch(1, self.step).await?,
        };
        let size = start.items.len() as u64;
        let Some(step) = u32::try_from(size).ok().filter(|size| *size > 0) else {
            let lacks = !start.is_given || stated_total.is_some_and(|stated_total| stated_total > 0);
            return Ok(PageRead { total: start.is_given.then_some(0), lacks, ..PageRead::default() });
        };
        let start = start.items;
        let is_start_full = size >= u64::from(self.step);
        let pages = Self { step, ..self };
        let mut walked = WalkResult::default();
        let mut number = pages.first().max(2) - 1;
        let mut latest = size;
        walked.note(&start);
        if pages.first() == 1 {
            walked.read.push(start);
        } else {
            walked.before.push(start);
        }
        // Whether the gateway gives the first page for other numbers, too, so that nothing is known of the rest of the list.
        let mut is_repeated = false;
        // Whether only a page without data marks the end.
        let mut is_without_data = false;
        if number > 1 {
            let before = fetch(number, step).await?;
            latest = before.items.len() as u64;
            is_without_data = !before.is_given;
            is_repeated = walked.first() == Some(&before.items);
            walked.note(&before.items);
            walked.before.push(before.items);
        }
        let mut reached = (number - 1) * size + latest;
        let mut has_ended = latest == 0 || is_repeated;
        while !has_ended && reached < pages.end() {
            let GatewayPage { items: page, is_given, .. } = fetch(number + 1, step).await?;
            has_ended = page.is_empty() || walked.has_come(&page);
            is_repeated |= is_start_full && walked.first() == Some(&page);
            // After the last item, no data is the correct answer.
            is_without_data = !is_given && latest == size && stated_total != Some(reached);
            if !has_ended {
                number += 1;
                latest = page.len() as u64;
                reached += latest;
                walked.repeats |= !walked.known.is_disjoint(&ids(&page));
                walked.note(&page);
                walked.read.push(page);
            }
        }
        let has_moved = pages.have_moved(&walked.read, fetch).await?;
        // Skipped pages may not have been full, so the items are not counted then.
        let is_counted = has_ended && !is_without_data && !is_repeated && (pages.first() <= 2 || latest > 0);
        let least = if latest > 0 { reached } else { size };
        let total = if is_counted { Some(reached) } else { stated_total.filter(|stated_total| *stated_total >= least) };
        let lacks = is_without_data || (is_counted && stated_total.is_some_and(|stated_total| stated_total > reached));
        let fits = !walked.repeats && !has_moved && !is_without_data;
        Ok(PageRead { pages: walked.read, skip: pages.skip(), total, fits, has_moved, lacks })
    }
}

/// The state of reading a part page by page.
struct WalkResult<T> {
    /// The pages before the part.
    before: Vec<Vec<T>>,
    /// The pages of the part.
    read: Vec<Vec<T>>,
    /// The ids on all pages.
    known: HashSet<String>,
    /// The number of items on all pages.
    came: usize,
    /// Whether a page repeated earlier items.
    repeats: bool,
}

impl<T> Default for WalkResult<T> {
    fn default() -> Self {
        Self { before: Vec::new(), read: Vec::new(), known: HashSet::new(), came: 0, repeats: false }
    }
}

impl<T: ListItem> WalkResult<T> {
    fn note(&mut self, page: &[T]) {
        self.known.extend(ids(page));
        self.came += page.len();
    }

    /// The first page of the list.
    fn first(&self) -> Option<&Vec<T>> {
        self.before.first().or(self.read.first())
    }

    /// Whether a page was received before: a gateway that ignores the page number repeats the first page, another
    /// gateway the last one. Ids show it only in lists without duplicate ids.
    fn has_come(&self, page: &Vec<T>) -> bool {
        let are_known = || page.iter().all(|item| item.id().is_some_and(|id| self.known.contains(id)));
        let is_one = |known: &Vec<T>| known == page;
        self.before.iter().any(is_one)
            || self.read.first().into_iter().chain(self.read.last()).any(is_one)
            || (self.known.len() == self.came && are_known())
    }
}

fn ids<T: ListItem>(page: &[T]) -> HashSet<String> {
    page.iter().filter_map(ListItem::id).map(str::to_owned).collect()
}
