//! A page of inspections as OPRetail may send it: its page documents neither the name of the list nor that of the total.

use serde::Deserialize;
use serde::de::Error as _;
use serde_json::value::RawValue;

use crate::gateway::{odd_values, raw_json, scalar};
use crate::resources::gateway_pages::GatewayPage;
use crate::resources::likely_fields::RawFields;

/// The list stands in `data` itself or under one of these names, the total under one of those.
const LISTS: [&str; 4] = ["rows", "records", "list", "content"];
const TOTALS: [&str; 3] = ["total", "totalCount", "count"];

/// A row, digit for digit as the gateway wrote it.
pub struct Row(pub RawFields);

impl PartialEq for Row {
    fn eq(&self, other: &Self) -> bool {
        let others = other.0.iter().map(|(name, value)| (name, value.get()));
        self.0.iter().map(|(name, value)| (name, value.get())).eq(others)
    }
}

#[derive(Deserialize)]
struct Total(#[serde(deserialize_with = "scalar::count")] Option<i64>);

/// Reads a page, with `None` for each row that is left out; `None` when there is no list, more than one, a list of which no
/// row can be read, or a total that cannot be true.
///
/// Nothing, an empty list and a list that is `null` are all a page without inspections: the list may stand in `data`
/// itself, so that its `null` is `data: null`. A total beside it that says otherwise is found by who joins the pages.
pub fn from_wire(data: Option<&RawValue>) -> Option<GatewayPage<Option<Row>>> {
    let Some(data) = data else { return Some(GatewayPage { items: Vec::new(), total: None }) };
    if let Some(items) = rows(data) {
        return Some(GatewayPage { items, total: None });
    }
    let fields = raw_json::fields(data, "data")?;
    Some(GatewayPage { items: only_list(&fields)?, total: total(&fields).ok()? })
}

fn rows(list: &RawValue) -> Option<Vec<Option<Row>>> {
    let row = |item: &RawValue| {
        let row = raw_json::fields(item, "extra").filter(|fields| !fields.is_empty()).map(Row);
        if row.is_none() {
            odd_values::note_row("rows");
        }
        row
    };
    let rows: Vec<Option<Row>> = raw_json::items(list)?.into_iter().map(row).collect();
    (rows.is_empty() || rows.iter().any(Option::is_some)).then_some(rows)
}

/// Of two lists nobody can tell which one was asked for.
fn only_list(fields: &RawFields) -> Option<Vec<Option<Row>>> {
    let named: Vec<&RawValue> = LISTS.iter().filter_map(|name| fields.get(*name)).map(AsRef::as_ref).collect();
    let lists: Vec<&RawValue> = named.iter().copied().filter(|list| list.get() != "null").collect();
    match (named.as_slice(), lists.as_slice()) {
        ([], _) | (_, [_, _, ..]) => None,
        (_, []) => Some(Vec::new()),
        (_, [list]) => rows(list),
    }
}

/// Only one that is missing or `null` is no total. Were one that cannot be read taken for none, a list would seem to end
/// where its page does.
fn total(fields: &RawFields) -> Result<Option<u64>, serde_json::Error> {
    let told = TOTALS.iter().filter_map(|name| fields.get(*name)).find(|total| total.get() != "null");
    told.map(|total| {
        let Total(count) = serde_json::from_str(total.get())?;
        let total = count.and_then(|count| u64::try_from(count).ok());
        total.ok_or_else(|| serde_json::Error::custom("the total is blank"))
    })
    .transpose()
}
