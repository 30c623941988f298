//! The OMS server that the vendor's shop page describes. Where the page is silent, it follows the vendor's base
//! documentation.

use std::borrow::Cow;

use jiff::civil::DateTime;

use super::data::{Data, escaped};
use super::errors::{OmsError, coded, numbered};
use super::server::{OmsCall, OmsSandboxServer, PageSizes, page};
use crate::sandbox::china_time::DATE_TIME;
use crate::sandbox::delivery::AnswerHead;
use crate::sandbox::form::DecodedForm;
use crate::sandbox::settings::{AcceptedTimestamp, OmsAccount};
use crate::sandbox::world::stores::Shop;

/// The facts of this server.
pub static DOCUMENTED: OmsSandboxServer = OmsSandboxServer {
    required: &["flag", "method", "ver", "charset", "type", "timestamp", "sign"],
    is_method_name: |_| true,
    timestamp: AcceptedTimestamp::Both,
    methods: &[("shop.getList", list), ("shop.get", get)],
    check: |form| if form.get("type") == Some("json") { Ok(()) } else { Err(OmsError::Type) },
    page: PageSizes { usual: 50, most: 100 },
    head: AnswerHead::Json,
    describe,
    write: |document, _| document.to_json(escaped),
};

/// A page of the stores with the requested code whose name contains the requested text.
fn list(call: &OmsCall<'_>) -> Result<Data, OmsError> {
    let number = positive(call.form, "page_no")?.unwrap_or(1);
    let size = call.page.of(positive(call.form, "page_size")?.unwrap_or(0));
    let (codes, part) = (call.form.get("shop_bn"), call.form.get("shop_name"));
    let is_requested = |shop: &&Shop| {
        let by_code = codes.is_none_or(|codes| codes.split(',').any(|code| code == shop.code));
        by_code && part.is_none_or(|part| shop.name.contains(part))
    };
    let (shops, total) = page(call.shops.iter().filter(is_requested), number, size);
    let lists = shops.into_iter().map(|shop| Data::Object(summary(shop, call.account))).collect();
    Ok(Data::object([("count", Data::text(total.to_string())), ("lists", Data::List(lists))]))
}

/// One store with its e-mail address and street.
fn get(call: &OmsCall<'_>) -> Result<Data, OmsError> {
    let code = call.form.get("shop_bn").ok_or(OmsError::NoParameter)?;
    let shop = call.shops.iter().find(|shop| shop.code == code).ok_or(OmsError::NoSuchShop)?;
    let mut members = summary(shop, call.account);
    members.extend(shop.email.as_ref().map(|email| ("contact_email".into(), Data::text(email.clone()))));
    let address =
        if shop.street.is_empty() { String::new() } else { [&*shop.city, &shop.district, &shop.street].concat() };
    members.push(("address".into(), Data::text(address)));
    Ok(Data::Object(members))
}

fn summary(shop: &Shop, account: &OmsAccount) -> Vec<(Cow<'static, str>, Data)> {
    let text = |text: &str| Data::text(text.to_owned());
    let time =
        |time: Option<DateTime>| Data::text(time.map(|time| time.strftime(DATE_TIME).to_string()).unwrap_or_default());
    let members = [
        ("shop_bn", text(&shop.code)),
        ("shop_name", text(&shop.name)),
        ("company_name", text(account.company.as_ref().unwrap_or(&shop.company))),
        ("contact_name", text(&shop.contact_name)),
        ("contact_tel", text(&shop.telephone)),
        ("status", text(if shop.is_open { "online" } else { "offline" })),
        ("createtime", time(shop.created)),
        ("updatetime", time(shop.updated)),
    ];
    members.map(|(name, value)| (name.into(), value)).into()
}

fn positive(form: &DecodedForm<'_>, name: &str) -> Result<Option<usize>, OmsError> {
    let Some(text) = form.get(name) else { return Ok(None) };
    text.parse().ok().filter(|number| *number > 0).map(Some).ok_or(OmsError::WrongParameter)
}

/// Errors have the shop page's numbers; it has none for a repeated signature, which gets the RPC server's code.
fn describe(error: &OmsError) -> Data {
    if *error == OmsError::Repeated { coded("e000009", Data::Null) } else { numbered(number(error)) }
}

const fn number(error: &OmsError) -> i64 {
    match error {
        OmsError::SystemParameter | OmsError::NoParameter => 2001,
        OmsError::Timestamp => 1002,
        OmsError::Flag { .. } => 1001,
        OmsError::Signature { .. } => 1003,
        OmsError::Method => 2003,
        OmsError::Permission => 403,
        OmsError::WrongParameter => 2002,
        OmsError::Type => 1004,
        OmsError::NoSuchShop => 404,
        OmsError::Repeated | OmsError::Died => 500,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use crate::sandbox::testing::TestBed;
    use crate::sandbox::{OmsServer, SandboxSettings};

    fn bed() -> TestBed {
        let oms_server = OmsServer::Documented;
        TestBed::with(SandboxSettings { oms_server, ..SandboxSettings::default() })
    }

    async fn list(bed: &TestBed, parameters: &[(&str, &str)]) -> (String, Vec<String>) {
        let answer = bed.call_oms(bed.oms("shop.getList", parameters)).await;
        let response = &answer["response"];
        let codes = response["lists"].as_array().unwrap().iter();
        let codes = codes.map(|shop| shop["shop_bn"].as_str().unwrap().to_owned()).collect();
        (response["count"].as_str().unwrap().to_owned(), codes)
    }

    #[actix_web::test]
    async fn pages_cover_all_stores_and_the_count_is_a_string() {
        let bed = bed();
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
        let bed = bed();
        for (requested, given) in [("100", 100), ("101", 50), ("1000", 50), ("7", 7)] {
            assert_eq!(list(&bed, &[("page_size", requested)]).await.1.len(), given, "{requested}");
        }
        assert_eq!(list(&bed, &[]).await.1.len(), 50);
    }

    #[actix_web::test]
    async fn codes_and_names_narrow_the_list() {
        let bed = bed();
        let (count, codes) = list(&bed, &[("shop_bn", "SHOP003,SHOP001,SHOP999")]).await;
        assert_eq!((count.as_str(), codes), ("2", vec!["SHOP001".to_owned(), "SHOP003".to_owned()]));
        let (count, codes) = list(&bed, &[("shop_name", "Home & Living"), ("page_size", "100")]).await;
        assert_eq!(count, codes.len().to_string());
        assert!(!codes.is_empty());
        assert_eq!(list(&bed, &[("shop_name", "无此店")]).await.0, "0");
    }

    #[actix_web::test]
    async fn one_store_has_more_fields_and_an_unknown_one_is_a_bare_404() {
        let bed = bed();
        let known = bed.call_oms(bed.oms("shop.get", &[("shop_bn", "SHOP001")])).await;
        assert_eq!(known["response"]["contact_email"], "shop001@example.com");
        assert!(known["response"]["address"].as_str().unwrap().contains('市'));
        let unknown = bed.call_oms(bed.oms("shop.get", &[("shop_bn", "SHOP999")])).await;
        assert_eq!(unknown, serde_json::json!({"code": 404, "msg": "店铺不存在"}));
        let listed = bed.call_oms(bed.oms("shop.getList", &[("shop_bn", "SHOP001")])).await;
        assert_eq!(listed["response"]["lists"][0].get("address"), None::<&Value>);
    }
}
