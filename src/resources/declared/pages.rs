//! Reads a page of a declared list, from the gateway's own pages.

use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::Arc;

use serde_json::value::RawValue;

use super::Declaration;
use super::answer::value_at;
use crate::gateway::GatewayClient;
use crate::gateway::account::Account;
use crate::gateway::error::{Error, Kind};
use crate::gateway::protocol::Call;
use crate::gateway::protocol::paging::{Paging, PagingStyle};
use crate::json::{raw, scalar};
use crate::resources::gateway_pages::{GatewayPage, ItemRange, JoinedPages, ListItem};
use crate::resources::params::PageParameters;

/// How many of the gateway's pages are read to get to a page by cursor, at most.
const MOST_CURSORS: u64 = 100;

/// An item of the list, digit for digit as the gateway wrote it.
pub struct ListRow {
    /// The item.
    pub item: Box<RawValue>,
    id: Option<String>,
}

impl PartialEq for ListRow {
    fn eq(&self, other: &Self) -> bool {
        self.item.get() == other.item.get()
    }
}

impl ListItem for ListRow {
    fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }
}

/// A declared list at the gateway.
pub struct PagedList<'a> {
    /// The declaration of the list.
    pub declaration: &'a Declaration,
    /// How the gateway pages it.
    pub paging: &'a Paging,
    /// The client that calls the gateway.
    pub gateway: &'a GatewayClient,
    /// The account that is called with.
    pub account: &'a Arc<Account>,
    /// The call, without the parameters of a page.
    pub call: &'a Call,
}

/// What earlier pages said of later ones.
#[derive(Default)]
struct Seen {
    /// The number of the last page, if a page said that none follows, and its last item.
    last: Option<(u64, Option<String>)>,
    /// The cursor of the next page, where pages are read in order.
    cursor: Option<String>,
}

impl PagedList<'_> {
    /// Reads a page of ours.
    ///
    /// # Errors
    /// The error of a gateway call, or an answer that is not a list.
    pub async fn page(&self, page: PageParameters) -> Result<JoinedPages<ListRow>, Error> {
        if matches!(self.paging.style, PagingStyle::Cursor { .. }) {
            return self.in_order(page).await;
        }
        let seen = RefCell::new(Seen::default());
        let window = ItemRange { offset: page.offset(), size: page.size, cap: self.paging.largest };
        let mut part = window.fetch(self.account.vendor(), |number, size| self.fetch(number, size, &seen)).await?;
        // What the gateway says of the end counts where the part ends with the last item.
        let end = seen.into_inner().last.and_then(|(_, item)| item);
        if part.items.last().map(|row| row.item.get()) == end.as_deref() && end.is_some() {
            part.is_full = false;
            part.total = part.total.or(Some(page.offset() + part.items.len() as u64));
        }
        Ok(part)
    }

    async fn fetch(&self, number: u64, size: u32, seen: &RefCell<Seen>) -> Result<GatewayPage<ListRow>, Error> {
        if seen.borrow().last.as_ref().is_some_and(|(last, _)| number > *last) {
            return Ok(GatewayPage { items: Vec::new(), total: None, is_given: true });
        }
        self.call(number, size, seen).await
    }

    /// Reads the gateway's pages one after the other, as only cursors lead on, and cuts the page out of their items. Their
    /// lengths may differ.
    async fn in_order(&self, page: PageParameters) -> Result<JoinedPages<ListRow>, Error> {
        let seen = RefCell::new(Seen::default());
        let size = page.size.min(self.paging.largest);
        let end = page.offset() + u64::from(page.size);
        let (mut items, mut ids, mut count, mut stated) = (Vec::new(), HashSet::new(), 0, None);
        let (mut is_settled, mut has_ended) = (true, false);
        for number in 1_u64.. {
            if has_ended || count >= end {
                break;
            }
            if number > MOST_CURSORS {
                let cause =
                    "this page is too far from the first one for a list that the gateway reads on only in order";
                return Err(self.account.error(Kind::ParameterRefused, cause));
            }
            let read = self.call(number, size, &seen).await?;
            is_settled &= read.is_given || number > 1;
            stated = read.total.or(stated);
            for row in read.items {
                // An item that came before moved while the list was read.
                if row.id.as_ref().is_some_and(|id| !ids.insert(id.clone())) {
                    is_settled = false;
                    continue;
                }
                count += 1;
                if count > page.offset() && count <= end {
                    items.push(row);
                }
            }
            has_ended = seen.borrow().last.is_some();
        }
        let is_over = has_ended && count <= end;
        let total = if has_ended { Some(count) } else { stated.filter(|total| *total > count) };
        let is_full = !is_over && items.len() as u64 == u64::from(page.size);
        Ok(JoinedPages { items, total, is_settled, is_full })
    }

    async fn call(&self, number: u64, size: u32, seen: &RefCell<Seen>) -> Result<GatewayPage<ListRow>, Error> {
        let mut call = self.call.clone();
        let cursor = seen.borrow().cursor.clone();
        call.arguments.extend(self.paging.arguments(number, size, cursor.as_deref()));
        let data: Option<Box<RawValue>> = self.gateway.call(self.account, &call).await?;
        let data = data.as_deref().unwrap_or(RawValue::NULL);
        let page = self.read(data)?;
        self.note(number, data, &page.items, seen);
        Ok(page)
    }

    fn read(&self, data: &RawValue) -> Result<GatewayPage<ListRow>, Error> {
        let rows = self.declaration.answer.rows(data, self.account.vendor())?;
        let Some(rows) = rows else { return Ok(GatewayPage::without_data()) };
        let id = |item: &RawValue| {
            let value = value_at(item, self.paging.id.as_ref()?)?;
            scalar::text(value).ok().flatten().filter(|id| !id.is_empty())
        };
        let items = rows.into_iter().map(|item| ListRow { id: id(item), item: item.to_owned() }).collect();
        Ok(GatewayPage { items, total: self.total(data), is_given: true })
    }

    fn total(&self, data: &RawValue) -> Option<u64> {
        let count = scalar::count(value_at(data, self.paging.total.as_ref()?)?).ok().flatten()?;
        u64::try_from(count).ok()
    }

    /// Notes what this page says of the next one.
    fn note(&self, number: u64, data: &RawValue, items: &[ListRow], seen: &RefCell<Seen>) {
        let mut seen = seen.borrow_mut();
        let flag = self.paging.has_next.as_ref().and_then(|pointer| value_at(data, pointer));
        let mut has_ended = flag.is_some_and(|flag| scalar::flag(flag).is_ok_and(|flag| flag == Some(false)));
        if let PagingStyle::Cursor { next, .. } = &self.paging.style {
            let next = value_at(data, next).filter(|value| !raw::is_nothing(value));
            let next = next.and_then(|value| scalar::text(value).ok().flatten()).filter(|next| !next.is_empty());
            // A cursor that leads nowhere else would be followed for ever.
            has_ended |= next.is_none() || next == seen.cursor || items.is_empty();
            seen.cursor = next;
        }
        if has_ended && seen.last.as_ref().is_none_or(|(last, _)| number < *last) {
            seen.last = Some((number, items.last().map(|row| row.item.get().to_owned())));
        }
    }
}
