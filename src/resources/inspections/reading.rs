//! Reads a list of inspections: makes the calls, and filters by store, which the gateway cannot do.

use serde_json::value::RawValue;

use super::page::{self, InspectionRow};
use super::row::Inspection;
use crate::gateway::GatewayClient;
use crate::gateway::error::{CleanText, Error, Kind};
use crate::gateway::protocol::Call;
use crate::gateway::tenants::Access;
use crate::json::odd_values;
use crate::resources::gateway_pages::{ItemRange, JoinedPages};
use crate::resources::inspections::STATISTICS_DETAIL_PAGE;
use crate::resources::params::{PageParameters, Period};
use crate::resources::source_type::SourceType;
use crate::resources::vendors::opretail;

/// The page size that is requested; the vendor publishes no cap.
const GATEWAY_PAGE: u32 = 100;

/// The most inspections that are read to filter them by store, which the gateway cannot do.
const MOST_FILTERED: u32 = 5000;

/// The inspections that one request reads from the gateway.
pub struct InspectionQuery {
    /// The account at OPRetail.
    pub access: Access,
    /// The organization's number on the business platform.
    pub enterprise_id: i64,
    /// The period, in whole days.
    pub period: Period,
    /// The source types to include; empty for all.
    pub source_types: Vec<SourceType>,
    /// The stores to include; `None` for all.
    pub stores: Option<Vec<String>>,
}

/// A page of the requested inspections.
pub struct InspectionPage {
    /// The page.
    pub part: JoinedPages<Inspection>,
    /// Whether the gateway sent no inspections at all, not even of other stores.
    pub gives_nothing: bool,
}

impl InspectionQuery {
    fn call(&self, page: u64, size: u32) -> Call {
        let codes: Vec<String> = self.source_types.iter().map(|source| source.code().to_string()).collect();
        Call::new(&STATISTICS_DETAIL_PAGE)
            .with("pageNumber", page.to_string())
            .with("pageSize", size.to_string())
            .with("enterpriseId", self.enterprise_id.to_string())
            .with("startTime", self.period.start_day())
            .with("endTime", self.period.end_day())
            .with_some("sourceTypes", (!codes.is_empty()).then(|| codes.join(",")))
    }

    /// Reads a page of the requested inspections.
    ///
    /// # Errors
    /// The error of a gateway call, or [`Kind::Unreadable`] when its pages are unreadable or inconsistent. With a store
    /// filter, also when no inspection states its store, or when there are too many to read. A single inspection that
    /// does not state its store is skipped then.
    pub async fn page(&self, gateway: &GatewayClient, page: PageParameters) -> Result<InspectionPage, Error> {
        let window = ItemRange { offset: page.offset(), size: page.size, cap: GATEWAY_PAGE };
        match &self.stores {
            Some(stores) => self.fetch_filtered(gateway, page, stores).await,
            None => {
                let part = self.fetch(gateway, window, None).await?;
                Ok(InspectionPage { gives_nothing: part.items.is_empty(), part })
            }
        }
    }

    /// Fetches a part of the list. Lists of more than `most` inspections are refused as soon as the gateway sends their
    /// length.
    async fn fetch(
        &self,
        gateway: &GatewayClient,
        window: ItemRange,
        most: Option<u32>,
    ) -> Result<JoinedPages<Inspection>, Error> {
        let fetch_page = |number, size| async move {
            let call = self.call(number, size);
            let data: Option<Box<RawValue>> = gateway.call(&self.access.account, &call).await?;
            let page = gateway.reading(&self.access.account, &call, || page::from_wire(data.as_deref()));
            let page = page.ok_or_else(|| unreadable("there is no one list of inspections"))?;
            match (page.total, most) {
                (Some(total), Some(most)) if total > u64::from(most) => Err(too_many()),
                _ => Ok(page),
            }
        };
        let page = window.fetch(opretail(), fetch_page).await?;
        let items = || page.rows().map(|InspectionRow(row)| Inspection::from_wire(row, &self.access));
        Ok(gateway.reading(&self.access.account, &self.call(1, GATEWAY_PAGE), items))
    }

    /// Reads the whole list and filters it here, because the gateway cannot filter by store; page numbers stay correct.
    async fn fetch_filtered(
        &self,
        gateway: &GatewayClient,
        page: PageParameters,
        stores: &[String],
    ) -> Result<InspectionPage, Error> {
        // One more is read, so that a list without a total shows whether it ends.
        let window = ItemRange { offset: 0, size: MOST_FILTERED + 1, cap: GATEWAY_PAGE };
        let all = self.fetch(gateway, window, Some(MOST_FILTERED)).await?;
        if all.is_full {
            return Err(too_many());
        }
        let gives_nothing = all.items.is_empty();
        let (with_store, without_store): (Vec<_>, Vec<_>) =
            all.items.into_iter().partition(|inspection| inspection.store_id().is_some());
        // If this were the design of the gateway, every list of a store would be empty.
        if with_store.is_empty() && !without_store.is_empty() {
            return Err(unreadable("no inspection states its store"));
        }
        let note = || without_store.iter().for_each(|_| odd_values::note_row("depId"));
        gateway.reading(&self.access.account, &self.call(1, GATEWAY_PAGE), note);
        let is_wanted = |inspection: &Inspection| {
            inspection.store_id().is_some_and(|store| stores.iter().any(|wanted| wanted == store))
        };
        let matching: Vec<Inspection> = with_store.into_iter().filter(is_wanted).collect();
        let total = matching.len() as u64;
        let skip = usize::try_from(page.offset()).unwrap_or(usize::MAX);
        let items = matching.into_iter().skip(skip).take(page.size as usize).collect();
        let part = JoinedPages { items, total: Some(total), is_settled: all.is_settled, is_full: false };
        Ok(InspectionPage { part, gives_nothing })
    }
}

fn too_many() -> Error {
    let cause = format!("more than {MOST_FILTERED} inspections would have to be read to filter them by store");
    let message = format!(
        "There are more than {MOST_FILTERED} inspections to look through for this store. Ask for a shorter period, or name \
         source types."
    );
    let note = CleanText { message: Some(message), ..CleanText::default() };
    Error { note: Some(note), ..Error::local(opretail(), Kind::ParameterRefused, cause) }
}

fn unreadable(cause: &str) -> Error {
    Error::local(opretail(), Kind::Unreadable, cause)
}
