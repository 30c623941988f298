//! Joins pages of a gateway into one part of a list. A gateway's cap never cuts the part silently, and a list that changes
//! between two pages neither repeats an item nor loses one silently.
//!
//! What came counts more than what the gateway says of it: a total that contradicts the items is not believed, and a page
//! of another size than asked for shows the size that the gateway truly has.

use std::collections::{HashMap, HashSet};
use std::future::Future;

use futures_util::{StreamExt, TryStreamExt, stream};

use crate::cache::Freshness;
use crate::gateway::error::{Error, Kind};
use crate::gateway::vendor::Vendor;
use crate::telemetry::metrics;

/// Pages of one answer that are asked for side by side.
const SIDE_BY_SIDE: usize = 4;

/// How often a page size is tried before the pages are walked one by one.
const MOST_SIZES: usize = 3;

/// How often the part is read while the list changes.
const MOST_READINGS: usize = 3;

/// Pages that are looked at again at the most, to notice that the list has changed.
const MOST_LOOKED_AT: usize = 8;

/// An item of a list that is read in pages.
pub trait Listed: PartialEq {
    /// What tells it from all others of its list, if it says so.
    fn id(&self) -> Option<&str>;
}

/// A row that was left out keeps its place.
impl<T: Listed> Listed for Option<T> {
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
pub struct Part<T> {
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

impl<T> Part<T> {
    /// A list without items.
    pub const fn of_nothing() -> Self {
        Self { items: Vec::new(), total: Some(0), is_settled: true, is_full: false }
    }

    /// The same with other items; the total stays.
    pub fn map<U>(self, translate: impl FnMut(T) -> U) -> Part<U> {
        let Self { items, total, is_settled, is_full } = self;
        Part { items: items.into_iter().map(translate).collect(), total, is_settled, is_full }
    }

    /// How long an answer made of it keeps at the most; `None` for as long as the resource says.
    pub fn keeps(&self) -> Option<Freshness> {
        (!self.is_settled).then_some(Freshness::DOUBTFUL)
    }
}

impl<T> Part<Option<T>> {
    /// The same without the rows that were left out. It is as full as it was.
    pub fn rows(self) -> Part<T> {
        let Self { items, total, is_settled, is_full } = self;
        Part { items: items.into_iter().flatten().collect(), total, is_settled, is_full }
    }
}

/// A part of a list, wherever the gateway's pages begin and end.
#[derive(Clone, Copy)]
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
    /// A list that changed meanwhile is read again, a bounded number of times.
    ///
    /// # Errors
    /// What `fetch` fails with, or [`Kind::Unreadable`] when the gateway counts items and gives none.
    pub async fn fetch<T, F, Fut>(&self, vendor: Vendor, fetch: F) -> Result<Part<T>, Error>
    where
        T: Listed,
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
    async fn read<T, F, Fut>(&self, vendor: Vendor, fetch: &F) -> Result<Reading<T>, Error>
    where
        T: Listed,
        F: Fn(u64, u32) -> Fut,
        Fut: Future<Output = Result<GatewayPage<T>, Error>>,
    {
        let mut pages = Pages { window: *self, step: self.cap.min(self.size).max(1) };
        for _ in 0..MOST_SIZES {
            let head = fetch(pages.first(), pages.step).await?;
            let Some(total) = head.total else {
                if !head.is_given && pages.first() == 1 {
                    return Ok(Reading { lacks: true, ..Reading::default() });
                }
                return pages.walk(Some(head.items), None, fetch).await;
            };
            let is_beyond = self.offset >= total;
            if head.items.is_empty() && pages.first() == 1 {
                if is_beyond {
                    return Ok(Reading { total: Some(total), ..Reading::default() });
                }
                return Err(Error::local(
                    vendor,
                    Kind::Unreadable,
                    "the gateway counts items in a list and gives none",
                ));
            }
            let size =
                if is_beyond { Size::Contradicted } else { pages.size_at(head.items.len(), total, fetch).await? };
            match size {
                Size::Other(size) => pages.step = size,
                Size::Contradicted => return pages.walk(Some(head.items), Some(total), fetch).await,
                Size::AsAsked => {
                    return match pages.complete(head.items, total, fetch).await? {
                        Completed::Whole(reading) => Ok(reading),
                        Completed::Contradicted { head, total } => pages.walk(head, total, fetch).await,
                    };
                }
            }
        }
        pages.walk(None, None, fetch).await
    }

    /// The part out of what was read, each item once. In a list that is `stable`, two items of one id that differ are two.
    fn part<T: Listed>(&self, reading: Reading<T>, is_stable: bool) -> Part<T> {
        let Reading { pages, skip, total, lacks, .. } = reading;
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
        Part { total, items, is_settled: is_stable && !repeats && !lacks && !is_short, is_full }
    }
}

/// What one reading of a part brought.
#[derive(PartialEq, Eq)]
struct Reading<T> {
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

impl<T> Default for Reading<T> {
    fn default() -> Self {
        Self { pages: Vec::new(), skip: 0, total: None, fits: true, has_moved: false, lacks: false }
    }
}

/// The gateway's pages that a window touches, at one page size.
#[derive(Clone, Copy)]
struct Pages {
    window: Window,
    step: u32,
}

/// What came of reading a part by its total.
enum Completed<T> {
    Whole(Reading<T>),
    /// The pages say otherwise than the total.
    Contradicted {
        /// The first page of all, if it was read.
        head: Option<Vec<T>>,
        /// The total, unless there is more than it says.
        total: Option<u64>,
    },
}

/// What a page that came says about the gateway's page size.
enum Size {
    AsAsked,
    Other(u32),
    /// Nothing: the total says otherwise than the items.
    Contradicted,
}

impl Pages {
    const fn first(self) -> u64 {
        self.window.offset / self.step as u64 + 1
    }

    const fn end(self) -> u64 {
        self.window.offset + self.window.size as u64
    }

    fn last(self, total: u64) -> u64 {
        self.end().min(total).div_ceil(u64::from(self.step))
    }

    const fn skip(self) -> u64 {
        self.window.offset - (self.first() - 1) * self.step as u64
    }

    /// Items that belong on a page.
    fn expected(self, page: u64, total: u64) -> u64 {
        total.saturating_sub((page - 1) * u64::from(self.step)).min(u64::from(self.step))
    }

    /// The page size that the gateway has, from what came as the first of our pages; where that could be chance, from
    /// the page before it.
    async fn size_at<T, F, Fut>(self, came: usize, total: u64, fetch: &F) -> Result<Size, Error>
    where
        F: Fn(u64, u32) -> Fut,
        Fut: Future<Output = Result<GatewayPage<T>, Error>>,
    {
        let expected = self.expected(self.first(), total);
        match self.size_of(came, expected) {
            Size::AsAsked if self.could_be_chance(expected, total) => {
                let before = fetch(self.first() - 1, self.step).await?;
                Ok(self.size_of(before.items.len(), u64::from(self.step)))
            }
            // Beyond the end, if the gateway's pages are larger.
            Size::Contradicted if came == 0 => {
                let start = fetch(1, self.step).await?;
                Ok(match self.size_of(start.items.len(), self.expected(1, total)) {
                    Size::AsAsked => Size::Contradicted,
                    size => size,
                })
            }
            size => Ok(size),
        }
    }

    fn size_of(self, came: usize, expected: u64) -> Size {
        match u32::try_from(came) {
            Ok(came) if u64::from(came) == expected => Size::AsAsked,
            Ok(0) | Err(_) => Size::Contradicted,
            Ok(came) if u64::from(came) > expected && came <= self.step => Size::Contradicted,
            Ok(came) => Size::Other(came),
        }
    }

    /// Whether a page of another size, none larger than the cap, would have as many items at the same number by chance.
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

    /// The whole part, by a total that the first page does not contradict.
    async fn complete<T, F, Fut>(self, head: Vec<T>, total: u64, fetch: &F) -> Result<Completed<T>, Error>
    where
        T: Listed,
        F: Fn(u64, u32) -> Fut,
        Fut: Future<Output = Result<GatewayPage<T>, Error>>,
    {
        let numbers = self.first() + 1..=self.last(total);
        let rest: Vec<GatewayPage<T>> = stream::iter(numbers.clone())
            .map(|page| fetch(page, self.step))
            .buffered(SIDE_BY_SIDE)
            .try_collect()
            .await?;
        // A page that tells no total tells of no change: its items must fit.
        let has_changed = rest.iter().any(|page| page.total.is_some_and(|told| told != total));
        let latest = rest.iter().rev().find_map(|page| page.total).unwrap_or(total);
        let sizes_fit = numbers.zip(&rest).all(|(page, came)| came.items.len() as u64 == self.expected(page, total));
        let mut pages = vec![head];
        pages.extend(rest.into_iter().map(|page| page.items));
        let is_one_page = pages.windows(2).any(|pair| matches!(pair, [one, next] if one == next));
        let goes_on = sizes_fit && !has_changed && self.goes_on(pages.last(), total, fetch).await?;
        if is_one_page || goes_on || !(sizes_fit || has_changed) {
            let head = pages.into_iter().next().filter(|_| self.first() == 1);
            return Ok(Completed::Contradicted { head, total: (!goes_on).then_some(total) });
        }
        let fits = sizes_fit && !has_changed && !has_repeats(&pages);
        let has_moved = fits && self.have_moved(&pages, fetch).await?;
        let (total, lacks) = match self.end_of(&pages) {
            Some(end) => (end, latest.max(total) > end),
            None => (latest, false),
        };
        Ok(Completed::Whole(Reading {
            pages,
            skip: self.skip(),
            total: Some(total),
            fits: fits && !has_moved,
            has_moved,
            lacks,
        }))
    }

    /// How many items the list has, if its last page is the last of these: after full ones, one that is not full.
    fn end_of<T>(self, pages: &[Vec<T>]) -> Option<u64> {
        let (last, full) = pages.split_last()?;
        let step = self.step as usize;
        let is_end = last.len() < step && full.iter().all(|page| page.len() == step);
        is_end.then(|| (self.first() - 1 + full.len() as u64) * u64::from(self.step) + last.len() as u64)
    }

    /// Whether one of the pages, which were read one after the other, is another by now: where one item goes and another
    /// one comes, the total stays, and an item may have moved from a page that was not read yet to one that was. Behind the
    /// last page there is nothing to miss. Of many pages, some tell.
    async fn have_moved<T, F, Fut>(self, pages: &[Vec<T>], fetch: &F) -> Result<bool, Error>
    where
        T: Listed,
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

    /// Whether there is more than the total says. A total that is too small, such as the number of items on this page, shows
    /// only behind a full last page.
    async fn goes_on<T, F, Fut>(self, last: Option<&Vec<T>>, total: u64, fetch: &F) -> Result<bool, Error>
    where
        T: Listed,
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

    /// The part page by page, where there is no total, or none that can be believed: only an empty page tells the end, or
    /// one of items that came before. The first page of all shows the gateway's true size.
    async fn walk<T, F, Fut>(self, head: Option<Vec<T>>, told: Option<u64>, fetch: &F) -> Result<Reading<T>, Error>
    where
        T: Listed,
        F: Fn(u64, u32) -> Fut,
        Fut: Future<Output = Result<GatewayPage<T>, Error>>,
    {
        let start = match head.filter(|_| self.first() == 1) {
            Some(items) => GatewayPage { items, total: None, is_given: true },
            None => fetch(1, self.step).await?,
        };
        let size = start.items.len() as u64;
        let Some(step) = u32::try_from(size).ok().filter(|size| *size > 0) else {
            let lacks = !start.is_given || told.is_some_and(|told| told > 0);
            return Ok(Reading { total: start.is_given.then_some(0), lacks, ..Reading::default() });
        };
        let start = start.items;
        let pages = Self { step, ..self };
        let mut walked = Walked::default();
        let mut number = pages.first().max(2) - 1;
        let mut latest = size;
        walked.note(&start);
        if pages.first() == 1 {
            walked.read.push(start);
        } else {
            walked.before.push(start);
        }
        // Whether a page without data is all that tells the end.
        let mut is_untold = false;
        if number > 1 {
            let before = fetch(number, step).await?;
            latest = before.items.len() as u64;
            is_untold = !before.is_given;
            walked.note(&before.items);
            walked.before.push(before.items);
        }
        let mut reached = (number - 1) * size + latest;
        let mut has_ended = latest == 0;
        while !has_ended && reached < pages.end() {
            let GatewayPage { items: page, is_given, .. } = fetch(number + 1, step).await?;
            has_ended = page.is_empty() || walked.has_come(&page);
            // Behind the last item nothing is what there is.
            is_untold = !is_given && latest == size && told != Some(reached);
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
        // Of pages that were jumped over nobody knows whether they were full.
        let is_counted = has_ended && !is_untold && (pages.first() <= 2 || latest > 0);
        let least = if latest > 0 { reached } else { size };
        let total = if is_counted { Some(reached) } else { told.filter(|told| *told >= least) };
        let lacks = is_untold || (is_counted && told.is_some_and(|told| told > reached));
        let fits = !walked.repeats && !has_moved && !is_untold;
        Ok(Reading { pages: walked.read, skip: pages.skip(), total, fits, has_moved, lacks })
    }
}

/// What a walk has brought so far.
struct Walked<T> {
    /// Pages before the part.
    before: Vec<Vec<T>>,
    /// Pages of the part.
    read: Vec<Vec<T>>,
    /// Ids on all of them.
    known: HashSet<String>,
    /// Items on all of them.
    came: usize,
    /// Whether a page repeated some of what came before.
    repeats: bool,
}

impl<T> Default for Walked<T> {
    fn default() -> Self {
        Self { before: Vec::new(), read: Vec::new(), known: HashSet::new(), came: 0, repeats: false }
    }
}

impl<T: Listed> Walked<T> {
    fn note(&mut self, page: &[T]) {
        self.known.extend(ids(page));
        self.came += page.len();
    }

    /// Whether a page is one of those that came: a gateway that ignores the number gives the first one again, another one
    /// the last. Ids tell it only in a list in which no two items have one.
    fn has_come(&self, page: &Vec<T>) -> bool {
        let are_known = || page.iter().all(|item| item.id().is_some_and(|id| self.known.contains(id)));
        let is_one = |known: &Vec<T>| known == page;
        self.before.iter().any(is_one)
            || self.read.first().into_iter().chain(self.read.last()).any(is_one)
            || (self.known.len() == self.came && are_known())
    }
}

fn ids<T: Listed>(page: &[T]) -> HashSet<String> {
    page.iter().filter_map(Listed::id).map(str::to_owned).collect()
}

/// Whether an id stands on two of the pages.
fn has_repeats<T: Listed>(pages: &[Vec<T>]) -> bool {
    let mut known: HashMap<&str, usize> = HashMap::new();
    let items = pages.iter().enumerate().flat_map(|(number, page)| page.iter().map(move |item| (number, item)));
    let mut ids = items.filter_map(|(number, item)| Some((number, item.id()?)));
    ids.any(|(number, id)| *known.entry(id).or_insert(number) != number)
}

#[cfg(test)]
mod tests;
