//! Reads a page of inspections from OPRetail, whose documentation names neither the list nor the total.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::json::{odd_values, raw, scalar};
use crate::resources::field_aliases::RawFields;
use crate::resources::gateway_pages::{GatewayPage, ListItem};

/// The names under which the list may be, unless `data` itself is the list; below are those of the total.
const LISTS: [&str; 4] = ["rows", "records", "list", "content"];
const TOTALS: [&str; 3] = ["total", "totalCount", "count"];

/// A row, digit for digit as the gateway wrote it.
pub struct InspectionRow(pub RawFields);

impl PartialEq for InspectionRow {
    fn eq(&self, other: &Self) -> bool {
        let others = other.0.iter().map(|(name, value)| (name, value.get()));
        self.0.iter().map(|(name, value)| (name, value.get())).eq(others)
    }
}

impl ListItem for InspectionRow {
    /// The id of the inspection. Other ids, such as a task's, may belong to several.
    fn id(&self) -> Option<&str> {
        let id = ["id", "inspectionId"].iter().find_map(|name| self.0.get(*name))?.get();
        (!matches!(id, "null" | "\"\"" | "0")).then_some(id)
    }
}

#[derive(Deserialize)]
struct Total(#[serde(deserialize_with = "scalar::count")] Option<i64>);

/// Reads a page, with `None` for each row that is skipped. Returns `None` when there is no list, more than one, or a
/// list without a readable row.
///
/// Missing data, an empty list and `null` in its place are all a page without inspections, because `data` itself may be
/// the list, and its `null` is then `data: null`. Without any list and without a total of zero, that is a success
/// without data. A total that contradicts the rows is found when pages are joined.
pub fn from_wire(data: Option<&RawValue>) -> Option<GatewayPage<Option<InspectionRow>>> {
    let Some(data) = data else { return Some(GatewayPage::without_data()) };
    if let Some(items) = rows(data) {
        let is_given = raw::is_list(data) && !raw::is_empty_object(data);
        return Some(GatewayPage { items, total: None, is_given });
    }
    let fields = raw::fields(data, "data")?;
    let (total, list) = (total(&fields), only_list(&fields)?);
    let Some(list) = list else { return Some(GatewayPage { items: Vec::new(), total, is_given: total == Some(0) }) };
    Some(GatewayPage { items: rows(list)?, total, is_given: raw::is_list(list) || total == Some(0) })
}

fn rows(list: &RawValue) -> Option<Vec<Option<InspectionRow>>> {
    let row = |item: &RawValue| {
        let row = raw::fields(item, "extra").filter(|fields| !fields.is_empty()).map(InspectionRow);
        if row.is_none() {
            odd_values::note_row("rows");
        }
        row
    };
    let rows: Vec<Option<InspectionRow>> = raw::items(list)?.into_iter().map(row).collect();
    (rows.is_empty() || rows.iter().any(Option::is_some)).then_some(rows)
}

/// The only list; `Some(None)` where it is `null`. Of two lists, neither can be identified as the requested one.
fn only_list(fields: &RawFields) -> Option<Option<&RawValue>> {
    let named: Vec<&RawValue> = LISTS.iter().filter_map(|name| fields.get(*name)).map(AsRef::as_ref).collect();
    let lists: Vec<&RawValue> = named.iter().copied().filter(|list| list.get() != "null").collect();
    match (named.as_slice(), lists.as_slice()) {
        ([], _) | (_, [_, _, ..]) => None,
        (_, list) => Some(list.first().copied()),
    }
}

/// The total. Without one that can be read, the rows show where the list ends.
fn total(fields: &RawFields) -> Option<u64> {
    let read =
        |total: &RawValue| serde_json::from_str(total.get()).ok().and_then(|Total(total)| u64::try_from(total?).ok());
    TOTALS.iter().filter_map(|name| fields.get(*name)).find_map(|total| read(total))
}
