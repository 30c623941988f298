//! Joins pages of a gateway into one part of a list. A gateway's cap never cuts the part silently, and a list that changes
//! between two pages neither repeats an item nor loses one silently.
//!
//! What came counts more than what the gateway says of it: a total that contradicts the items is not believed, and a page
//! of another size than asked for shows the size that the gateway truly has.

mod by_total;
mod walk;

use std::collections::HashMap;
use std::future::Future;

use crate::cache::Freshness;
use crate::gateway::error::{Error, Kind};
use crate::gateway::vendor::Vendor;
use crate::telemetry::metrics;

use by_total::{PageSizeFact, Pages, TotalRead};

/// How often a page size is tried before the pages are walked one by one.
const MOST_SIZES: usize = 3;

/// How often the part is read while the list changes.
const MOST_READINGS: usize = 3;

/// An item of a list that is read in pages.
pub trait ListItem: PartialEq {
    /// What tells it from all others of its list, if it says so.
    fn id(&self) -> Option<&str>;
}

/// A row that was left out keeps its place.
impl<T: ListItem> ListItem for Option<T> {
    fn id(&self) -> Option<&str> {
        self.as_ref()?.id()
    }
}

/// A page as a gateway gave it.
pub struct GatewayPage<T> {
    /// Its items.
    pub items: Vec<T>,
    /// Items on all pages, when the gateway tells.
    pub total: Option<u64>,
    /// Whether the gateway gave a list, be it empty. Success without data says nothing of one.
    pub is_given: bool,
}

impl<T> GatewayPage<T> {
    /// What a success without data is.
    pub const fn without_data() -> Self {
        Self { items: Vec::new(), total: None, is_given: false }
    }
}

/// A part of a list, joined from the gateway's pages.
pub struct JoinedPages<T> {
    /// Its items, each once.
    pub items: Vec<T>,
    /// Items of the whole list, when that is known; never less than what came.
    pub total: Option<u64>,
    /// False when the list changed during every reading, when it lacks items that the gateway counts, or when the gateway
    /// gave no data for a page: an item may be missing.
    pub is_settled: bool,
    /// Whether there are as many items as were asked for, so that there may be more behind them.
    pub is_full: bool,
}

impl<T> JoinedPages<T> {
    /// A list without items.
    pub const fn of_nothing() -> Self {
        Self { items: Vec::new(), total: Some(0), is_settled: true, is_full: false }
    }

    /// Replaces the items; the total stays.
    pub fn map<U>(self, translate: impl FnMut(T) -> U) -> JoinedPages<U> {
        let Self { items, total, is_settled, is_full } = self;
        JoinedPages { items: items.into_iter().map(translate).collect(), total, is_settled, is_full }
    }

    /// How long an answer made of it keeps at the most; `None` for as long as the resource says.
    pub fn max_freshness(&self) -> Option<Freshness> {
        (!self.is_settled).then_some(Freshness::DOUBTFUL)
    }
}

impl<T> JoinedPages<Option<T>> {
    /// Drops the rows that were left out. The part is as full as it was.
    pub fn rows(self) -> JoinedPages<T> {
        let Self { items, total, is_settled, is_full } = self;
        JoinedPages { items: items.into_iter().flatten().collect(), total, is_settled, is_full }
    }
}

/// A part of a list, wherever the gateway's pages begin and end.
#[derive(Clone, Copy)]
pub struct ItemRange {
    /// Items before the part.
    pub offset: u64,
    /// Items in the part.
    pub size: u32,
    /// The largest page to ask for at once.
    pub cap: u32,
}

impl ItemRange {
    /// Fetches the part with as few calls as the cap allows. `fetch` is given the gateway's page number, from 1, and
    /// page size.
    ///
    /// A list that changed meanwhile is read again, a bounded number of times.
    ///
    /// # Errors
    /// What `fetch` fails with, or [`Kind::Unreadable`] when the gateway counts items and gives none.
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
            // What comes twice in the same way is how the list is: two items may have one id.
            is_stable = again.fits || (again == reading && !again.has_moved);
            reading = again;
        }
        let part = self.part(reading, is_stable);
        if !part.is_settled {
            metrics::gateway_list_unsettled(vendor.name());
            tracing::warn!(gateway = %vendor, total = part.total, "list unsettled: an item may be missing, so the answer is kept for seconds only");
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

    /// The part out of what was read, each item once. In a list that is `stable`, two items of one id that differ are two.
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

/// What one reading of a part brought.
#[derive(PartialEq, Eq)]
struct PageRead<T> {
    /// The gateway's pages that the part touches.
    pages: Vec<Vec<T>>,
    /// Items on them before the part.
    skip: u64,
    /// Items of the whole list.
    total: Option<u64>,
    /// Whether the pages are those of one list that did not change.
    fits: bool,
    /// Whether a page was another when it was looked at again.
    has_moved: bool,
    /// Whether the gateway counts more items than there are, or gave no data for a page.
    lacks: bool,
}

impl<T> Default for PageRead<T> {
    fn default() -> Self {
        Self { pages: Vec::new(), skip: 0, total: None, fits: true, has_moved: false, lacks: false }
    }
}

#[cfg(test)]
mod tests;
