//! Reads stores from the OMS: one, those of some codes, a part of the list, or all of it.
//!
//! Servers support different filters. A server that ignores a filter sends the whole list, so callers filter the result
//! by code again: that is correct for every server.

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::shop::{Shop, unreadable};
use crate::gateway::GatewayClient;
use crate::gateway::diagnosis::Diagnosis;
use crate::gateway::error::{Error, Kind};
use crate::gateway::protocol::Call;
use crate::gateway::tenants::Access;
use crate::json::object::{self, Object};
use crate::json::{odd_values, raw, scalar};
use crate::resources::gateway_pages::{GatewayPage, ItemRange, JoinedPages};
use crate::resources::store::SHOP_GET;
use crate::resources::stores::SHOP_GET_LIST;
use crate::resources::vendors::oms;

/// The most stores that are listed; no tenant has as many.
const MOST: u32 = 50_000;

/// The stores of an OMS.
#[derive(Clone, Copy)]
pub struct OmsShops<'a> {
    /// The tenant's account.
    pub access: &'a Access,
    /// The client that makes the calls.
    pub gateway: &'a GatewayClient,
}

/// The vendor's list. Either field may be missing or invalid.
#[derive(Deserialize)]
struct ShopList {
    #[serde(default, deserialize_with = "scalar::count")]
    count: Option<i64>,
    #[serde(default, deserialize_with = "shops_with_codes")]
    lists: ShopsVariant,
}

/// The list in an answer. A store without a code cannot be identified and is skipped.
#[derive(Default)]
enum ShopsVariant {
    /// It is missing or empty.
    #[default]
    Untold,
    /// These stores.
    Are(Vec<Option<Shop>>),
    /// The value is not a list.
    Odd,
}

/// A list, or `None` where the vendor wrote an empty value.
struct ShopAnswer(Option<ShopList>);

impl<'de> Deserialize<'de> for ShopAnswer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        object::optional(deserializer).map(Self)
    }
}

/// Reads the stores; a value that is not a list does not count as an empty one.
fn shops_with_codes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ShopsVariant, D::Error> {
    let value = <&RawValue>::deserialize(deserializer)?;
    if raw::is_nothing(value) && !raw::is_list(value) {
        return Ok(ShopsVariant::Untold);
    }
    Ok(object::rows(value, |shop: &Shop| shop.code().is_some()).map_or_else(
        |_| {
            odd_values::note("");
            ShopsVariant::Odd
        },
        ShopsVariant::Are,
    ))
}

impl OmsShops<'_> {
    /// Reads a part of the whole list, in the OMS's order.
    ///
    /// # Errors
    /// The error of a gateway call.
    pub async fn part(self, offset: u64, size: u32) -> Result<JoinedPages<Shop>, Error> {
        self.fetch(offset, size, &[]).await
    }

    /// Reads all stores, or at least those of these codes, if there are any codes.
    ///
    /// # Errors
    /// The error of a gateway call, or too many stores.
    pub async fn all(self, codes: &[String]) -> Result<JoinedPages<Shop>, Error> {
        let part = self.fetch(0, MOST, codes).await?;
        if part.is_full && part.total.is_none_or(|total| total > u64::from(MOST)) {
            return Err(unreadable("the OMS has more stores than can be listed"));
        }
        Ok(part)
    }

    /// Reads the store with this code. A server without the method for one store is called for a list of one.
    ///
    /// # Errors
    /// The error of a gateway call; [`Kind::NotFound`] when there is no such store.
    pub async fn one(self, code: &str) -> Result<Shop, Error> {
        let (account, now) = (&self.access.account, self.gateway.elapsed());
        if account.lacks(&SHOP_GET.name, now) {
            return self.one_of_list(code).await;
        }
        let call = self.by_code(Call::new(&SHOP_GET), code);
        let given: Result<Option<Object<Shop>>, Error> = self.gateway.call(account, &call).await;
        match given {
            Err(error) if error.diagnosis() == Diagnosis::Method => {
                let found = self.one_of_list(code).await;
                if found.as_ref().err().is_none_or(|error| error.kind == Kind::NotFound) {
                    account.method_is_lacking(&SHOP_GET.name, now);
                }
                found
            }
            // An OMS has a code of its own for a store that does not exist.
            given => match given? {
                Some(Object(shop)) if shop.has_code(code) => Ok(shop),
                Some(_) => Err(unreadable("the gateway gave another store than was asked for")),
                None => Err(unreadable("the OMS gave no store")),
            },
        }
    }

    async fn one_of_list(self, code: &str) -> Result<Shop, Error> {
        let shops = self.all(&[code.to_owned()]).await?.items;
        let is_exact = |shop: &&Shop| shop.code() == Some(code);
        let place = shops.iter().position(|shop| is_exact(&shop));
        let place = place.or_else(|| shops.iter().position(|shop| shop.has_code(code)));
        let found = place.and_then(|place| shops.into_iter().nth(place));
        found.ok_or_else(|| Error::local(oms(), Kind::NotFound, "no store of the list has this code"))
    }

    async fn fetch(self, offset: u64, size: u32, codes: &[String]) -> Result<JoinedPages<Shop>, Error> {
        let codes = codes.join(",");
        let window = ItemRange { offset, size, cap: self.page_cap() };
        let fetch_page = |number: u64, size: u32| {
            let call =
                Call::new(&SHOP_GET_LIST).with("page_no", number.to_string()).with("page_size", size.to_string());
            let call = if codes.is_empty() { call } else { self.by_code(call, &codes) };
            async move {
                let answer: Option<ShopAnswer> = self.gateway.call(&self.access.account, &call).await?;
                page(answer).ok_or_else(|| unreadable("there is no list of stores"))
            }
        };
        window.fetch(oms(), fetch_page).await.map(JoinedPages::rows)
    }

    fn by_code(self, call: Call, codes: &str) -> Call {
        let names = match self.access.settings.text("code_parameter") {
            Some("shop_bn") => &["shop_bn"][..],
            Some("shop_code") => &["shop_code"],
            _ => &["shop_bn", "shop_code"],
        };
        names.iter().fold(call, |call, name| call.with(*name, codes))
    }

    fn page_cap(self) -> u32 {
        let cap = self.access.settings.integer("page_cap");
        cap.and_then(|cap| u32::try_from(cap).ok()).unwrap_or(1)
    }
}

/// Reads a page of the list, with `None` for each row that is skipped; `None` when it is not a list. PHP writes an
/// empty list in many ways. A missing list says nothing, unless there is a total.
fn page(answer: Option<ShopAnswer>) -> Option<GatewayPage<Option<Shop>>> {
    let Some(ShopAnswer(Some(ShopList { count, lists }))) = answer else { return Some(GatewayPage::without_data()) };
    let total = count.and_then(|count| u64::try_from(count).ok());
    match lists {
        ShopsVariant::Odd => None,
        ShopsVariant::Are(items) => Some(GatewayPage { items, total, is_given: true }),
        ShopsVariant::Untold => Some(GatewayPage { items: Vec::new(), total, is_given: total == Some(0) }),
    }
}

#[cfg(test)]
mod tests {
    use super::{Shop, ShopAnswer, page};
    use crate::resources::gateway_pages::GatewayPage;
    use serde_json::{Value, json};

    fn read(data: &str) -> Option<GatewayPage<Option<Shop>>> {
        page(Some(serde_json::from_str::<ShopAnswer>(data).ok()?))
    }

    #[test]
    fn a_total_may_be_text_and_one_that_is_none_says_nothing() {
        let total =
            |count: Value| read(&json!({"count": count, "lists": [{"shop_code": "A1"}]}).to_string()).unwrap().total;
        for (count, told) in [(json!(10), 10), (json!("10"), 10), (json!("0"), 0), (json!("1,010"), 1010)] {
            assert_eq!(total(count), Some(told));
        }
        for odd in [json!(null), json!(""), json!("many"), json!(-1), json!(1.5), json!([]), json!({"a": 1})] {
            assert_eq!(total(odd.clone()), None, "{odd}");
        }
        assert_eq!(read(r#"{"lists":[{"shop_code":"A1"}]}"#).unwrap().total, None);
    }

    #[test]
    fn a_list_of_nothing_is_empty_however_it_is_written() {
        assert!(!page(None).unwrap().is_given);
        for (data, is_given) in [
            ("[]", false),
            ("{}", false),
            ("null", false),
            (r#""""#, false),
            ("[ ]", false),
            (r#"{"lists":[],"count":"0"}"#, true),
            (r#"{"lists":[]}"#, true),
            (r#"{"lists":null,"count":0}"#, true),
            (r#"{"lists":{}}"#, true),
            (r#"{"lists":""}"#, false),
            (r#"{"count":0}"#, true),
            ("false", false),
            (r#"{"lists":null}"#, false),
            (r#"{"lists":false,"count":"0"}"#, true),
            (r#"{"count":"5"}"#, false),
        ] {
            let page = read(data).unwrap_or_else(|| panic!("{data}"));
            assert!(page.items.is_empty() && page.is_given == is_given, "{data}");
        }
    }

    #[test]
    fn what_is_no_list_is_not_taken_for_an_empty_one() {
        for data in [
            "7",
            "true",
            r#""busy""#,
            "[1]",
            r#"{"message":"busy"}"#,
            r#"{"lists":7}"#,
            r#"{"lists":"busy","count":1}"#,
            r#"{"lists":[7]}"#,
            r#"{"lists":{"shop_bn":"A1"}}"#,
        ] {
            assert!(read(data).is_none(), "{data}");
        }
    }

    #[test]
    fn an_odd_row_keeps_its_place_and_phps_lists_are_lists() {
        let codes = |lists: Value| {
            let page = read(&json!({"count": 4, "lists": lists}).to_string()).unwrap();
            let code = |shop: Option<Shop>| shop.and_then(|shop| shop.code().map(str::to_owned)).unwrap_or_default();
            page.items.into_iter().map(code).collect::<Vec<_>>()
        };
        let [a, b] = [json!({"shop_bn": "A1", "shop_name": []}), json!({"shop_bn": true, "shop_code": "B2"})];
        for odd in [json!(null), json!({}), json!([]), json!({"shop_name": "a"}), json!({"shop_bn": true}), json!("A1")]
        {
            assert_eq!(codes(json!([a, odd, b])), ["A1", "", "B2"], "{odd}");
        }
        assert_eq!(codes(json!({"0": a, "5": b})), ["A1", "B2"]);
    }
}
