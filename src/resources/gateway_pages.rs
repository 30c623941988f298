//! Joins a gateway's pages into one part of a list. A gateway's cap never truncates the part silently, and a list that
//! changes between two pages neither repeats an item nor loses one silently.
//!
//! The items received count more than the gateway's statements about them: a total that contradicts the items is
//! ignored, and a page of another size than requested shows the gateway's true page size.

mod by_total;
mod walk;

use std::collections::HashMap;
use std::future::Future;

use crate::cache::Freshness;
use crate::gateway::error::{Error, Kind};
use crate::gateway::vendor::Vendor;
use crate::telemetry::metrics;

use by_total::{PageSizeFact, Pages, TotalRead};

/// How many page sizes are tried before the pages are read one by one.
const MOST_SIZES: usize = 3;

/// How often the part is read again while the list changes.
const MOST_READINGS: usize = 3;

/// An item of a list that is read in pages.
pub trait ListItem: PartialEq {
    /// The id of the item within its list, if it has one.
    fn id(&self) -> Option<&str>;
}

/// A row that was skipped keeps its place.
impl<T: ListItem> ListItem for Option<T> {
    fn id(&self) -> Option<&str> {
        self.as_ref()?.id()
    }
}

/// A page as a gateway sent it.
pub struct GatewayPage<T> {
    /// The items of the page.
    pub items: Vec<T>,
    /// The number of items on all pages, if the gateway sends it.
    pub total: Option<u64>,
    /// Whether the gateway sent a list, even an empty one. Success without data says nothing about the list.
    pub is_given: bool,
}

impl<T> GatewayPage<T> {
    /// The page for a success without data.
    pub const fn without_data() -> Self {
        Self { items: Vec::new(), total: None, is_given: false }
    }
}

/// A part of a list, joined from the gateway's pages.
pub struct JoinedPages<T> {
    /// The items, each once.
    pub items: Vec<T>,
    /// The number of items in the whole list, if known; never less than the items received.
    pub total: Option<u64>,
    /// False when an item may be missing: the list changed during every reading, it lacks items that the gateway
    /// counts, or the gateway sent no data for a page.
    pub is_settled: bool,
    /// Whether there are as many items as requested, so that more may follow.
    pub is_full: bool,
}

impl<T> JoinedPages<T> {
    /// Creates a list without items.
    pub const fn of_nothing() -> Self {
        Self { items: Vec::new(), total: Some(0), is_settled: true, is_full: false }
    }

    /// Replaces the items; the total stays.
    pub fn map<U>(self, translate: impl FnMut(T) -> U) -> JoinedPages<U> {
        let Self { items, total, is_settled, is_full } = self;
        JoinedPages { items: items.into_iter().map(translate).collect(), total, is_settled, is_full }
    }

    /// The longest freshness of a response made from this; `None` for the resource's own.
    pub fn max_freshness(&self) -> Option<Freshness> {
        (!self.is_settled).then_some(Freshness::DOUBTFUL)
    }
}

impl<T> JoinedPages<Option<T>> {
    /// Drops the rows that were skipped. Whether the part is full stays the same.
    pub fn rows(self) -> JoinedPages<T> {
        let Self { items, total, is_settled, is_full } = self;
        JoinedPages { items: items.into_iter().flatten().collect(), total, is_settled, is_full }
    }
}

/// A part of a list, independent of the gateway's page boundaries.
#[derive(Clone, Copy)]
pub struct ItemRange {
    /// The number of items before the part.
    pub offset: u64,
    /// The number of items in the part.
    pub size: u32,
    /// The largest page size to request.
    pub cap: u32,
}

impl ItemRange {
    /// Fetches the part with as few calls as the cap allows. `fetch` gets the gateway's page number, from 1, and the
    /// page size.
    ///
    /// A list that changed meanwhile is read again, a bounded number of times.
    ///
    /// # Errors
    /// The error of `fetch`, or [`Kind::Unreadable`] when the gateway counts items and sends none.
    pub async fn fetch<T, F, Fut>(&self, vendor: Vendor, fetch: F) -> Result<JoinedPages<T>, Error>
    where
        T: ListItem,
        F: Fn(u64, u32) -> Fut,
        Fut: Future<Output = Result<GatewayPage<T>, Error>>,
    {
        let mut reading = self.read(vendor, &fetch).await?;
        let mut is_stable = reading.fits;
        for _ in 1..MOST_READINGS {
            if is_stable {
                break;
            }
            let again = self.read(vendor, &fetch).await?;
            // A list that is read twice with the same result is stable, even if two items share an id.
            is_stable = again.fits || (again == reading && !again.has_moved);
            reading = again;
        }
        let part = self.part(reading, is_stable);
        if !part.is_settled {
            metrics::gateway_lists_unsettled(vendor.name()).increment(1);
            tracing::warn!(gateway = %vendor, total = part.total, "list unsettled: an item may be missing, so the response is cached for seconds only");
        }
        Ok(part)
    }

    /// Reads the part once.
    async fn read<T, F, Fut>(&self, vendor: Vendor, fetch: &F) -> Result<PageRead<T>, Error>
    where
        T: ListItem,
        F: Fn(u64, u32) -> Fut,
        Fut: Future<Output = Result<GatewayPage<T>, Error>>,
    {
        let mut pages = Pages { window: *self, step: self.cap.min(self.size).max(1) };
        for _ in 0..MOST_SIZES {
            let head = fetch(pages.first(), pages.step).await?;
            let Some(total) = head.total else {
                if !head.is_given && pages.first() == 1 {
                    return Ok(PageRead { lacks: true, ..PageRead::default() });
                }
                return pages.walk(Some(head.items), None, fetch).await;
            };
            let is_beyond = self.offset >= total;
            if head.items.is_empty() && pages.first() == 1 {
                if is_beyond {
                    return Ok(PageRead { total: Some(total), ..PageRead::default() });
                }
                return Err(Error::local(
                    vendor,
                    Kind::Unreadable,
                    "the gateway counts items in a list and gives none",
                ));
            }
            let size = if is_beyond {
                PageSizeFact::Contradicted
            } else {
                pages.size_at(head.items.len(), total, fetch).await?
            };
            match size {
                PageSizeFact::Other(size) => pages.step = size,
                PageSizeFact::Contradicted => return pages.walk(Some(head.items), Some(total), fetch).await,
                PageSizeFact::AsAsked => {
                    return match pages.complete(head.items, total, fetch).await? {
                        TotalRead::Whole(reading) => Ok(reading),
                        TotalRead::Contradicted { head, total } => pages.walk(head, total, fetch).await,
                    };
                }
            }
        }
        pages.walk(None, None, fetch).await
    }

    /// Cuts the part out of what was read, each item once. In a list that is `stable`, two different items with one id
    /// are two items.
    fn part<T: ListItem>(&self, reading: PageRead<T>, is_stable: bool) -> JoinedPages<T> {
        let PageRead { pages, skip, total, lacks, .. } = reading;
        let is_full = pages.iter().map(Vec::len).sum::<usize>() as u64 >= skip.saturating_add(u64::from(self.size));
        let mut items: Vec<T> = Vec::new();
        let mut first: HashMap<String, usize> = HashMap::new();
        let mut repeats = false;
        for item in pages.into_iter().flatten() {
            let before = item.id().and_then(|id| first.get(id)).and_then(|place| items.get(*place));
            if before.is_some_and(|before| !is_stable || *before == item) {
                repeats = true;
                continue;
            }
            if let Some(id) = item.id().filter(|_| before.is_none()) {
                first.insert(id.to_owned(), items.len());
            }
            items.push(item);
        }
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        let items: Vec<T> = items.into_iter().skip(skip).take(self.size as usize).collect();
        let came = if items.is_empty() { 0 } else { self.offset + items.len() as u64 };
        let total = total.filter(|total| *total >= came);
        let is_short = !is_full && total.is_some_and(|total| total > self.offset + items.len() as u64);
        JoinedPages { total, items, is_settled: is_stable && !repeats && !lacks && !is_short, is_full }
    }
}

/// The result of reading a part once.
#[derive(PartialEq, Eq)]
struct PageRead<T> {
    /// The gateway's pages that overlap the part.
    pages: Vec<Vec<T>>,
    /// The number of items on them before the part.
    skip: u64,
    /// The number of items in the whole list.
    total: Option<u64>,
    /// Whether the pages are consistent with one unchanged list.
    fits: bool,
    /// Whether a page had changed when it was read again.
    has_moved: bool,
    /// Whether the gateway counts more items than there are, or sent no data for a page.
    lacks: bool,
}

impl<T> Default for PageRead<T> {
    fn default() -> Self {
        Self { pages: Vec::new(), skip: 0, total: None, fits: true, has_moved: false, lacks: false }
    }
}

#[cfg(test)]
mod tests;
