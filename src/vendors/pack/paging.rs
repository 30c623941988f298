//! Reads `[paging]`: how lists are read page by page. A resource may say single keys otherwise.

use crate::gateway::protocol::members::pointer;
use crate::gateway::protocol::paging::{Paging, PagingStyle};
use crate::settings::{Section, SectionSettings as _, SectionTable, section};

const LARGEST: u32 = 100;
const STYLES: &str = "a page is chosen by its number (`page`), by the items before it (`offset`), or by a `cursor`";

section! {
    /// How the gateway pages this list, where that differs from the vendor's `[paging]` in its pack.
    #[derive(Debug)]
    pub struct PagingSection in "resources.<traffic>.paging" on restart {
        /// The gateway's parameter with the number of the page.
        page: Option<String>, example "pageNumber";
        /// The number of the first page; 1 unless set.
        first: Option<u16>, example 0;
        /// Instead of `page`: the parameter with the number of items before the page.
        offset: Option<String>, example "offset";
        /// Instead of `page`: the parameter with the text that `next` of the page before shows.
        cursor: Option<String>, example "cursor";
        /// Where that text is in the data (RFC 6901).
        next: Option<String>, example "/next_cursor";
        /// The parameter with the number of items on a page.
        size: Option<String>, example "pageSize";
        /// The most items on a page; 100 unless set.
        largest: Option<u16>, example 50;
        /// Where the number of items on all pages is in the data (RFC 6901).
        total: Option<String>, example "/total";
        /// Where it says whether a page follows, in the data (RFC 6901).
        has_next: Option<String>, example "/has_next";
        /// Where the id of an item is in it (RFC 6901), by which a list that changes while it is read is joined safely.
        id: Option<String>, example "/id";
    }
}

/// The settings table of `[resources.<name>.paging]`.
pub fn table() -> SectionTable {
    PagingSection::table()
}

/// Reads the section over what is `usual`; `None` where neither says how a page is chosen.
pub fn read(section: &Section<'_>, usual: Option<&Paging>) -> Option<Paging> {
    let read = PagingSection::read(section);
    let pointers = [("next", &read.next), ("total", &read.total), ("has_next", &read.has_next), ("id", &read.id)];
    for (key, text) in pointers {
        if let Some(error) = text.as_ref().and_then(|text| pointer(text).err()) {
            section.problem(key, error);
        }
    }
    if read.largest == Some(0) {
        section.problem("largest", "a page has an item at least");
    }
    let usual_of = |part: fn(&Paging) -> &Option<String>| usual.and_then(|usual| part(usual).clone());
    Some(Paging {
        style: read_style(section, &read, usual)?,
        size: read.size.or_else(|| usual_of(|usual| &usual.size)),
        largest: read.largest.map(u32::from).or(usual.map(|usual| usual.largest)).unwrap_or(LARGEST).max(1),
        total: read.total.or_else(|| usual_of(|usual| &usual.total)),
        has_next: read.has_next.or_else(|| usual_of(|usual| &usual.has_next)),
        id: read.id.or_else(|| usual_of(|usual| &usual.id)),
    })
}

fn read_style(section: &Section<'_>, read: &PagingSection, usual: Option<&Paging>) -> Option<PagingStyle> {
    let first = read.first.map(u32::from);
    if first.is_some() && (read.offset.is_some() || read.cursor.is_some()) {
        section.problem("first", "only the numbers of pages begin somewhere");
    }
    if read.next.is_some() && read.cursor.is_none() {
        section.problem("next", "this belongs to a `cursor`");
    }
    match (&read.page, &read.offset, &read.cursor) {
        (Some(page), None, None) => Some(PagingStyle::Number { parameter: page.clone(), first: first.unwrap_or(1) }),
        (None, Some(offset), None) => Some(PagingStyle::Offset { parameter: offset.clone() }),
        (None, None, Some(cursor)) => match &read.next {
            Some(next) => Some(PagingStyle::Cursor { parameter: cursor.clone(), next: next.clone() }),
            None => {
                section.missing("next", "where the text for the next page is, such as /next_cursor");
                None
            }
        },
        (None, None, None) => match (usual.map(|usual| &usual.style)?, first) {
            (PagingStyle::Number { parameter, .. }, Some(first)) => {
                Some(PagingStyle::Number { parameter: parameter.clone(), first })
            }
            (style, _) => Some(style.clone()),
        },
        _ => {
            section.problem("page", STYLES);
            None
        }
    }
}

/// Reads `[paging]` of a pack.
pub(super) fn read_usual(section: &Section<'_>) -> Option<Paging> {
    let paging = read(section, None);
    let is_told = ["page", "next"].iter().any(|key| section.has_problem(key));
    if paging.is_none() && section.is_present() && !is_told {
        section.missing("page", STYLES);
    }
    paging
}
