//! Merges the stores of the OMS and of the store directory into one list: each store once, with all its numbers.

use std::collections::{BTreeSet, HashMap, HashSet};

use jiff::tz::TimeZone;

use super::shop::Shop;
use crate::directory::{Directory, DirectoryRow};
use crate::gateway::error::Error;
use crate::resources::store::Store;
use crate::resources::vendors::oms;

/// The requested stores.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreSelection {
    /// All known stores.
    All,
    /// These stores.
    Only {
        /// Their codes at the OMS.
        codes: Vec<String>,
        /// Their ids in the directory.
        ids: BTreeSet<String>,
    },
}

impl StoreSelection {
    /// The codes to request from the OMS; empty for all.
    pub fn codes(&self) -> &[String] {
        match self {
            Self::All => &[],
            Self::Only { codes, .. } => codes,
        }
    }

    /// Whether the OMS may know any of them.
    pub fn is_of_oms(&self) -> bool {
        *self == Self::All || !self.codes().is_empty()
    }

    /// Every id by which the response may be purged.
    pub fn named(&self) -> Vec<String> {
        match self {
            Self::All => Vec::new(),
            Self::Only { codes, ids } => codes.iter().chain(ids).cloned().collect(),
        }
    }

    /// Keeps the requested stores. If two codes differ only in case, the exact one is meant.
    pub fn pick(&self, stores: &mut Vec<Store>) {
        let Self::Only { codes, ids } = self else { return };
        let codes: HashSet<&str> = codes.iter().map(String::as_str).collect();
        let exact: HashSet<String> =
            stores.iter().filter_map(Store::code).filter(|code| codes.contains(code)).map(str::to_owned).collect();
        let inexact: HashSet<String> =
            codes.iter().filter(|code| !exact.contains(**code)).map(|code| code.to_ascii_lowercase()).collect();
        stores.retain(|store| {
            let has_code = |code: &str| exact.contains(code) || inexact.contains(&code.to_ascii_lowercase());
            store.code().is_some_and(has_code) || store.id().is_some_and(|id| ids.contains(id))
        });
    }
}

/// Keeps the stores whose name contains this text, ignoring case.
pub fn pick_by_name(stores: &mut Vec<Store>, name: &str) {
    let wanted = name.to_lowercase();
    stores.retain(|store| store.name().is_some_and(|name| name.to_lowercase().contains(&wanted)));
}

/// Merges the OMS's stores, in its order, with those that only the directory knows, in the order of its file.
///
/// # Errors
/// A store of the OMS has no code.
pub fn merge(shops: Vec<Shop>, directory: &Directory, zone: &TimeZone) -> Result<Vec<Store>, Error> {
    let ambiguous = ambiguous_codes(&shops);
    let rows = rows_of(&shops, directory.rows());
    let mut left: Vec<bool> = vec![true; directory.rows().len()];
    let mut stores = Vec::with_capacity(shops.len());
    for (shop, place) in shops.into_iter().zip(rows) {
        let leads_elsewhere = shop.code().is_some_and(|code| ambiguous.contains(&code.to_ascii_lowercase()));
        let mut store = Store::from_wire(shop, zone, directory)?;
        if let Some(row) = place.and_then(|place| directory.rows().get(place)) {
            store = store.known_as(row);
        }
        place.and_then(|place| left.get_mut(place)).into_iter().for_each(|left| *left = false);
        stores.push(if leads_elsewhere { store.without_id() } else { store });
    }
    let left = directory.rows().iter().zip(left).filter(|(_, is_left)| *is_left);
    stores.extend(left.map(|(row, _)| Store::from_row(row)));
    Ok(stores)
}

/// The index of each store's row: by its exact code, or else ignoring the case of the OMS's letters.
fn rows_of(shops: &[Shop], rows: &[DirectoryRow]) -> Vec<Option<usize>> {
    let codes = || rows.iter().enumerate().filter_map(|(place, row)| Some((row.numbers.at(oms())?, place)));
    let exact: HashMap<&str, usize> = codes().collect();
    let any_case: HashMap<String, usize> = codes().map(|(code, place)| (code.to_ascii_lowercase(), place)).collect();
    let mut places: Vec<Option<usize>> = shops.iter().map(|shop| exact.get(shop.code()?).copied()).collect();
    let mut taken: HashSet<usize> = places.iter().flatten().copied().collect();
    for (place, shop) in places.iter_mut().zip(shops).filter(|(place, _)| place.is_none()) {
        let row = shop.code().and_then(|code| any_case.get(&code.to_ascii_lowercase())).copied();
        *place = row.filter(|row| taken.insert(*row));
    }
    places
}

/// Codes that more than one store has, in lower case.
fn ambiguous_codes(shops: &[Shop]) -> HashSet<String> {
    let mut seen = HashSet::new();
    let codes = shops.iter().filter_map(Shop::code).map(str::to_ascii_lowercase);
    codes.filter(|code| !seen.insert(code.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::{Shop, Store, StoreSelection, merge, pick_by_name};
    use crate::directory::{Directory, read};
    use crate::gateway::endpoint::china_standard_time;
    use crate::vendors::Vendors;
    use serde_json::{Value, json};

    fn merged(shops: Value, rows: &str) -> Vec<Store> {
        let shops: Vec<Shop> = serde_json::from_value(shops).unwrap();
        let ids = Vendors::default().ids();
        let rows = read(&format!("id,opretail_id,oms_code,name\n{rows}"), &ids).unwrap();
        merge(shops, &Directory::new(rows, &ids), &china_standard_time()).unwrap()
    }

    fn ids(stores: &[Store]) -> Vec<Option<&str>> {
        stores.iter().map(Store::id).collect()
    }

    fn only(codes: &[&str], ids: &[&str]) -> StoreSelection {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        StoreSelection::Only { codes: owned(codes), ids: owned(ids).into_iter().collect() }
    }

    #[test]
    fn a_store_that_both_know_stands_once_with_the_directorys_id_and_name() {
        let shops = json!([{"shop_bn": "A1", "shop_name": "a"}, {"shop_bn": "B2", "shop_name": "b"}]);
        let stores = merged(shops, "paris,S_1,A1,Paris\nonline,,X9,\nkiosk,S_2,,Kiosk\n");
        assert_eq!(ids(&stores), [Some("paris"), Some("B2"), Some("online"), Some("kiosk")]);
        let written = serde_json::to_value(&stores).unwrap();
        let sources: Vec<&Value> = written.as_array().unwrap().iter().map(|store| &store["source"]).collect();
        assert_eq!(
            sources,
            [&json!(["directory", "oms"]), &json!(["oms"]), &json!(["directory"]), &json!(["directory"])]
        );
        assert_eq!(
            (&written[0]["name"], &written[1]["name"], &written[3]["name"]),
            (&json!("Paris"), &json!("b"), &json!("Kiosk"))
        );
        assert_eq!((&written[0]["opretail_id"], &written[3]["opretail_id"]), (&json!("S_1"), &json!("S_2")));
    }

    #[test]
    fn a_row_is_found_whatever_the_case_of_the_omss_letters_but_never_by_two_stores() {
        assert_eq!(ids(&merged(json!([{"shop_bn": "a1"}]), "paris,,A1,\n")), [Some("paris")]);
        let stores = merged(json!([{"shop_bn": "a1"}, {"shop_bn": "A1"}]), "paris,,A1,\n");
        assert_eq!(stores.len(), 2);
        assert_eq!(ids(&stores), [None, None], "both codes lead to both");
    }

    #[test]
    fn a_code_of_two_stores_leads_to_none_of_them() {
        let shops =
            json!([{"shop_bn": "A1", "shop_name": "a"}, {"shop_bn": "B2"}, {"shop_code": "a1", "shop_name": "b"}]);
        assert_eq!(ids(&merged(shops, "")), [None, Some("B2"), None]);
    }

    #[test]
    fn codes_are_picked_to_the_letter_where_the_letters_differ() {
        let pick = |shops: Value, selection: StoreSelection| {
            let mut stores = merged(shops, "kiosk,S_2,,\n");
            selection.pick(&mut stores);
            stores.iter().map(|store| store.code().unwrap_or("-").to_owned()).collect::<Vec<_>>()
        };
        let shops = || json!([{"shop_bn": "A1"}, {"shop_bn": "A11"}, {"shop_bn": "B1"}]);
        assert_eq!(pick(shops(), only(&["A1"], &[])), ["A1"]);
        assert_eq!(pick(shops(), only(&["a1", "kiosk"], &[])), ["A1"]);
        assert_eq!(pick(shops(), only(&["B1"], &["kiosk"])), ["B1", "-"]);
        assert_eq!(pick(json!([{"shop_bn": "A1"}, {"shop_bn": "a1"}]), only(&["a1"], &[])), ["a1"]);
    }

    #[test]
    fn a_name_is_found_by_a_part_of_it_in_any_case() {
        let find = |name: &str| {
            let mut stores = merged(
                json!([{"shop_bn": "A1", "shop_name": "Spruce Élan"}, {"shop_bn": "B2", "shop_name": "南京路店"}, {"shop_bn": "C3"}]),
                "",
            );
            pick_by_name(&mut stores, name);
            stores.iter().filter_map(Store::code).map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!((find("sPRUCE é"), find("京路"), find("x")), (vec!["A1".to_owned()], vec!["B2".to_owned()], vec![]));
    }
}
