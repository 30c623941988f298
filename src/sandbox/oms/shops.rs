//! `shop.getList` and `shop.get`.

use serde_json::{Value, json};

use super::errors::OmsError;
use super::{Oms, Outcome};
use crate::sandbox::form::Form;
use crate::sandbox::settings::OMS_DEFAULT_PAGE;
use crate::sandbox::world::stores::{ShopSummary, shops};

const NOT_FOUND: i64 = 404;

/// A page of the stores whose code is asked for and whose name contains what is asked for.
pub fn list(oms: &Oms, form: &Form<'_>) -> Result<Outcome, OmsError> {
    let page = positive(form, "page_no")?.unwrap_or(1);
    let size = positive(form, "page_size")?.unwrap_or(OMS_DEFAULT_PAGE);
    // Asking for more than the cap gives the default page, not the cap: a caller who counts on the cap misses stores.
    let size = if size > oms.page_cap { OMS_DEFAULT_PAGE.min(oms.page_cap) } else { size };
    let found: Vec<&ShopSummary> =
        shops().iter().map(|shop| &shop.summary).filter(|shop| is_asked_for(shop, form)).collect();
    let skipped = (page as usize - 1).saturating_mul(size as usize);
    let lists: Vec<_> = found.iter().skip(skipped).take(size as usize).collect();
    Ok(Outcome::Response(json!({"count": found.len().to_string(), "lists": lists})))
}

/// One store with its e-mail address and street.
pub fn get(_: &Oms, form: &Form<'_>) -> Result<Outcome, OmsError> {
    let code = form.get("shop_bn").ok_or_else(|| OmsError::APPLICATION_PARAMETER.about("shop_bn"))?;
    let found = shops().iter().find(|shop| shop.summary.shop_bn == code);
    Ok(found.map_or(Outcome::Numbered(NOT_FOUND), |shop| Outcome::Response(json!(shop))))
}

fn is_asked_for(shop: &ShopSummary, form: &Form<'_>) -> bool {
    let by_code = form.get("shop_bn").is_none_or(|codes| codes.split(',').any(|code| code == shop.shop_bn));
    by_code && form.get("shop_name").is_none_or(|part| shop.shop_name.contains(part))
}

fn positive(form: &Form<'_>, name: &str) -> Result<Option<u32>, OmsError> {
    let refused = || OmsError::APPLICATION_PARAMETER.about(Value::from(name));
    let Some(text) = form.get(name) else { return Ok(None) };
    let number: u32 = text.parse().map_err(|_| refused())?;
    if number == 0 { Err(refused()) } else { Ok(Some(number)) }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use crate::sandbox::testing::TestBed;

    async fn list(bed: &TestBed, parameters: &[(&str, &str)]) -> (String, Vec<String>) {
        let answer = bed.call_oms(bed.oms("shop.getList", parameters)).await;
        let response = &answer["response"];
        let codes = response["lists"].as_array().unwrap().iter();
        let codes = codes.map(|shop| shop["shop_bn"].as_str().unwrap().to_owned()).collect();
        (response["count"].as_str().unwrap().to_owned(), codes)
    }

    #[actix_web::test]
    async fn pages_cover_all_stores_and_the_count_is_a_string() {
        let bed = TestBed::start();
        let mut all = Vec::new();
        for page in ["1", "2", "3", "4"] {
            let (count, codes) = list(&bed, &[("page_no", page), ("page_size", "100")]).await;
            assert_eq!(count, "260");
            all.extend(codes);
        }
        let expected: Vec<String> = (1..=260).map(|serial| format!("SHOP{serial:03}")).collect();
        assert_eq!(all, expected);
    }

    #[actix_web::test]
    async fn a_page_size_above_the_cap_falls_back_to_50() {
        let bed = TestBed::start();
        for (asked, given) in [("100", 100), ("101", 50), ("1000", 50), ("7", 7)] {
            assert_eq!(list(&bed, &[("page_size", asked)]).await.1.len(), given, "{asked}");
        }
        assert_eq!(list(&bed, &[]).await.1.len(), 50);
    }

    #[actix_web::test]
    async fn codes_and_names_narrow_the_list() {
        let bed = TestBed::start();
        let (count, codes) = list(&bed, &[("shop_bn", "SHOP003,SHOP001,SHOP999")]).await;
        assert_eq!((count.as_str(), codes), ("2", vec!["SHOP001".to_owned(), "SHOP003".to_owned()]));
        let (count, codes) = list(&bed, &[("shop_name", "Home & Living"), ("page_size", "100")]).await;
        assert_eq!(count, codes.len().to_string());
        assert!(!codes.is_empty());
        assert_eq!(list(&bed, &[("shop_name", "无此店")]).await.0, "0");
    }

    #[actix_web::test]
    async fn one_store_has_more_fields_and_an_unknown_one_is_a_bare_404() {
        let bed = TestBed::start();
        let known = bed.call_oms(bed.oms("shop.get", &[("shop_bn", "SHOP001")])).await;
        assert_eq!(known["response"]["contact_email"], "shop001@example.com");
        assert!(known["response"]["address"].as_str().unwrap().contains('市'));
        let unknown = bed.call_oms(bed.oms("shop.get", &[("shop_bn", "SHOP999")])).await;
        assert_eq!(unknown, serde_json::json!({"code": 404, "msg": "店铺不存在"}));
        let listed = bed.call_oms(bed.oms("shop.getList", &[("shop_bn", "SHOP001")])).await;
        assert_eq!(listed["response"]["lists"][0].get("address"), None::<&Value>);
    }
}
