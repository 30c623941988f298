//! Joins pages of a gateway into one page of ours, so that a gateway's cap never cuts a page silently.
//!
//! A gateway may give smaller pages than it was asked for, and then its page numbers count those: what came is held
//! against what should have come, and the part is fetched again by the size that the gateway truly has.

use std::future::Future;

use futures_util::{StreamExt, TryStreamExt, stream};

use crate::gateway::error::{Error, Kind};
use crate::gateway::vendor::Gateway;

/// Pages of one answer that are asked for side by side.
const SIDE_BY_SIDE: usize = 4;

/// How often the part is fetched anew: for a page of another size than asked for, and for a list that changes.
const MOST_TRIES: usize = 4;

/// A page as a gateway gave it.
pub struct GatewayPage<T> {
    /// Its items.
    pub items: Vec<T>,
    /// Items on all pages, when the gateway tells.
    pub total: Option<u64>,
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
    /// # Errors
    /// What `fetch` fails with, or [`Kind::Unreadable`] when the pages do not fit together.
    pub async fn fetch<T, F, Fut>(&self, gateway: Gateway, fetch: F) -> Result<GatewayPage<T>, Error>
    where
        T: PartialEq,
        F: Fn(u64, u32) -> Fut,
        Fut: Future<Output = Result<GatewayPage<T>, Error>>,
    {
        let mut step = self.cap.min(self.size).max(1);
        let mut grew = false;
        for _ in 0..MOST_TRIES {
            let pages = Pages { window: *self, step };
            let head = fetch(pages.first(), step).await?;
            let Some(total) = head.total else { return pages.without_total(head, &fetch).await };
            if self.offset >= total {
                return Ok(GatewayPage { items: Vec::new(), total: Some(total) });
            }
            match pages.size_at(head.items.len(), total, &fetch).await? {
                Size::Other(size) => step = size,
                Size::Missing => return Err(misfit(gateway)),
                Size::AsAsked => match pages.complete(head, total, grew, &fetch).await? {
                    Joined::Whole(page) => return Ok(page),
                    Joined::Grew => grew = true,
                    Joined::Misfit => return Err(misfit(gateway)),
                },
            }
        }
        Err(misfit(gateway))
    }
}

/// The gateway's pages that a window touches, at one page size.
#[derive(Clone, Copy)]
struct Pages {
    window: Window,
    step: u32,
}

/// What a page that came says about the gateway's page size.
enum Size {
    AsAsked,
    Other(u32),
    /// There should be items, and none came.
    Missing,
}

/// What became of joining pages.
enum Joined<T> {
    Whole(GatewayPage<T>),
    /// The list changed between its pages.
    Grew,
    Misfit,
}

impl Pages {
    const fn first(self) -> u64 {
        self.window.offset / self.step as u64 + 1
    }

    fn last(self, total: u64) -> u64 {
        (self.window.offset + u64::from(self.window.size)).min(total).div_ceil(u64::from(self.step))
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
        match size_of(came, expected) {
            Size::AsAsked if self.could_be_chance(expected, total) => {
                let before = fetch(self.first() - 1, self.step).await?;
                Ok(size_of(before.items.len(), u64::from(self.step)))
            }
            // Beyond the end, if the gateway's pages are larger.
            Size::Missing if self.first() > 1 => {
                let start = fetch(1, self.step).await?;
                Ok(match size_of(start.items.len(), self.expected(1, total)) {
                    Size::AsAsked => Size::Missing,
                    size => size,
                })
            }
            size => Ok(size),
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

    /// The whole part. `grew` says that the list changed before: then what comes is taken as it is.
    async fn complete<T, F, Fut>(
        self,
        head: GatewayPage<T>,
        total: u64,
        grew: bool,
        fetch: &F,
    ) -> Result<Joined<T>, Error>
    where
        F: Fn(u64, u32) -> Fut,
        Fut: Future<Output = Result<GatewayPage<T>, Error>>,
    {
        let mut items = head.items;
        let numbers = self.first() + 1..=self.last(total);
        let rest: Vec<GatewayPage<T>> = stream::iter(numbers.clone())
            .map(|page| fetch(page, self.step))
            .buffered(SIDE_BY_SIDE)
            .try_collect()
            .await?;
        // A page that tells no total tells of no change: its items must fit.
        let changed = rest.iter().any(|page| page.total.is_some_and(|told| told != total));
        for (number, page) in numbers.zip(rest) {
            let fits = page.items.len() as u64 == self.expected(number, total);
            match (fits, changed, grew) {
                (true, ..) | (false, true, true) => items.extend(page.items),
                (false, true, false) => return Ok(Joined::Grew),
                (false, false, _) => return Ok(Joined::Misfit),
            }
        }
        Ok(Joined::Whole(self.cut(items, Some(total))))
    }

    /// Without a total only an empty page tells the end, or one that came before. The first page of all shows the
    /// gateway's true size.
    async fn without_total<T, F, Fut>(self, head: GatewayPage<T>, fetch: &F) -> Result<GatewayPage<T>, Error>
    where
        T: PartialEq,
        F: Fn(u64, u32) -> Fut,
        Fut: Future<Output = Result<GatewayPage<T>, Error>>,
    {
        let start = if self.first() == 1 { head } else { fetch(1, self.step).await? };
        let came = u32::try_from(start.items.len()).unwrap_or(u32::MAX);
        if came == 0 {
            return Ok(GatewayPage { items: Vec::new(), total: Some(0) });
        }
        let pages = Self { step: came, ..self };
        let wanted = self.window.offset + u64::from(self.window.size);
        let mut walked = pages.first().max(2);
        let mut items = Vec::new();
        let mut previous = start.items;
        if pages.first() > 2 {
            previous = fetch(walked - 1, came).await?.items;
        }
        let mut reached = (walked - 2) * u64::from(came) + previous.len() as u64;
        loop {
            let page = if reached < wanted { fetch(walked, came).await?.items } else { Vec::new() };
            let ended = page.is_empty() || page == previous;
            if walked > pages.first() {
                items.extend(previous);
            }
            if ended {
                return Ok(pages.cut(items, None));
            }
            reached += page.len() as u64;
            walked += 1;
            previous = page;
        }
    }

    fn cut<T>(self, items: Vec<T>, total: Option<u64>) -> GatewayPage<T> {
        let skip = self.window.offset - (self.first() - 1) * u64::from(self.step);
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        GatewayPage { items: items.into_iter().skip(skip).take(self.window.size as usize).collect(), total }
    }
}

fn size_of(came: usize, expected: u64) -> Size {
    match u32::try_from(came) {
        Ok(came) if u64::from(came) == expected => Size::AsAsked,
        Ok(0) | Err(_) => Size::Missing,
        Ok(came) => Size::Other(came),
    }
}

fn misfit(gateway: Gateway) -> Error {
    Error::local(gateway, Kind::Unreadable, "the pages of the list do not fit together")
}

#[cfg(test)]
mod tests;
