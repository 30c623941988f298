//! The vendor's published OMS server. Source: its answers (`tests/captures/oms.json`), and where nothing was captured
//! its source, as comments then say.

use super::data::{Data, unescaped};
use super::errors::{OmsError, coded, signed};
use super::server::{OmsCall, OmsSandboxServer, PageSizes, page};
use crate::sandbox::delivery::AnswerHead;
use crate::sandbox::form::DecodedForm;
use crate::sandbox::settings::{AcceptedTimestamp, OmsAccount};
use crate::sandbox::world::stores::Shop;

/// The facts of this server.
pub static PUBLISHED: OmsSandboxServer = OmsSandboxServer {
    required: &["flag", "method", "timestamp", "sign"],
    is_method_name,
    timestamp: AcceptedTimestamp::Unix,
    methods: &[
        ("shop.getList", list_shops),
        // The simulated stores have no orders and no stock.
        ("orders.getList", |_| Ok(no_orders())),
        ("stock.getAll", |_| Err(OmsError::Died)),
    ],
    check: |form| match form.get("ver") {
        None | Some("1") => Ok(()),
        Some(_) => Err(OmsError::Died),
    },
    // Source: the server's source.
    page: PageSizes { usual: 100, most: 1_000 },
    head: AnswerHead::ChunkedHtml,
    describe,
    // In the form that `type` requests; unknown forms are JSON. Source: `json`, `xml` and none were captured; the
    // server's source.
    write: |document, form| match form.get("type") {
        Some("xml") => document.to_xml(),
        _ => document.to_json(unescaped),
    },
};

/// The beginning of the page that the server shows when a method crashes. The rest was not captured.
pub const DEAD_PAGE: &str = "        <!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Transitional//EN\"
        \t\"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd\">
        <html xmlns=\"http://www.w3.org/1999/xhtml\" xml:lang=\"en\" lang=\"en\">
        <head>
        \t<meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\" />
        </head>
        <body></body>
        </html>
";

/// Whether the name has the form `class.method`, where the class may have parts. Source: a name without a dot was
/// captured; the server's source.
fn is_method_name(name: &str) -> bool {
    name.rsplit_once('.')
        .is_some_and(|(class, method)| !method.is_empty() && !class.is_empty() && !class.ends_with('.'))
}

/// A page of all stores, or of those with the requested code.
fn list_shops(call: &OmsCall<'_>) -> Result<Data, OmsError> {
    let number = positive(call.form, "page_no")?.unwrap_or(1);
    let size = call.page.of(positive(call.form, "page_size")?.unwrap_or(0));
    let codes = call.form.get("shop_code");
    let is_requested = |shop: &&Shop| codes.is_none_or(|codes| codes.split([',', '，']).any(|code| code == shop.code));
    let (shops, total) = page(call.shops.iter().filter(is_requested), number, size);
    let lists = shops.into_iter().map(|shop| listed(shop, call.account)).collect();
    Ok(Data::object([("lists", Data::List(lists)), ("count", Data::text(total.to_string()))]))
}

/// Reads a positive number: zero counts as missing, and a negative one is refused. Source: zero was captured; the
/// server's source.
fn positive(form: &DecodedForm<'_>, name: &str) -> Result<Option<usize>, OmsError> {
    let Some(text) = form.get(name).filter(|text| *text != "0") else { return Ok(None) };
    let number: f64 = text.trim().parse().map_err(|_| OmsError::WrongParameter)?;
    if !number.is_finite() || number <= 0.0 {
        return Err(OmsError::WrongParameter);
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "as PHP takes the whole part")]
    let whole = number as usize;
    Ok(Some(whole).filter(|whole| *whole > 0))
}

fn listed(shop: &Shop, account: &OmsAccount) -> Data {
    let text = |text: &str| Data::text(text.to_owned());
    let sender = account.company.as_ref().unwrap_or(&shop.contact_name);
    let mut members = vec![
        ("shop_code", text(&shop.code)),
        ("shop_name", text(&shop.name)),
        ("shop_type", text(&shop.kind)),
        ("active", text(if shop.is_open { "true" } else { "false" })),
        ("zip", text(&shop.zip)),
        ("addr", text(&shop.street)),
        ("mobile", text(&shop.mobile)),
        ("tel", text(&shop.telephone)),
        ("default_sender", text(sender)),
        ("province", text(&shop.province)),
        ("city", text(&shop.city)),
        ("district", text(&shop.district)),
        ("shop_type_name", text(&shop.kind_name)),
    ];
    // Fields that a tenant adds itself. Source: the server's source.
    if !shop.properties.is_empty() {
        let properties = shop.properties.iter().map(|(name, value)| (name.clone().into(), text(value))).collect();
        members.push(("props", Data::Object(properties)));
    }
    Data::Object(members.into_iter().map(|(name, value)| (name.into(), value)).collect())
}

fn no_orders() -> Data {
    let [count, cursor_id] = [Data::Number(0), Data::Number(0)];
    let has_more = Data::Bool(false);
    Data::object([("count", count), ("cursor_id", cursor_id), ("has_more", has_more), ("lists", Data::List(vec![]))])
}

fn describe(error: &OmsError) -> Data {
    let (code, sub_msg) = match error {
        OmsError::SystemParameter => ("e000001", Data::Null),
        OmsError::Flag { sent } => ("e000002", signed(sent, "")),
        OmsError::Signature { sent, assembled } => ("e000002", signed(sent, assembled)),
        OmsError::Permission => ("e000004", Data::Null),
        // Source: the server's source.
        OmsError::NoParameter | OmsError::WrongParameter => ("e000006", Data::text("")),
        OmsError::Timestamp => ("e000008", Data::text("[]")),
        OmsError::Repeated => ("e000009", Data::text("[]")),
        OmsError::Method | OmsError::Type | OmsError::NoSuchShop | OmsError::Died => ("e000003", Data::Null),
    };
    coded(code, sub_msg)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::sandbox::testing::TestBed;
    use crate::sandbox::{OmsAccount, OmsShop, SandboxSettings};

    async fn list(bed: &TestBed, parameters: &[(&str, &str)]) -> (String, Vec<String>) {
        let answer = bed.call_oms(bed.oms("shop.getList", parameters)).await;
        let response = &answer["response"];
        let codes = response["lists"].as_array().unwrap().iter();
        let codes = codes.map(|shop| shop["shop_code"].as_str().unwrap().to_owned()).collect();
        (response["count"].as_str().unwrap().to_owned(), codes)
    }

    #[actix_web::test]
    async fn pages_cover_all_stores_and_the_count_is_a_text() {
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
    async fn pages_of_up_to_a_thousand_come_whole_and_others_have_a_hundred() {
        let bed = TestBed::start();
        let sizes = [("100", 100), ("101", 101), ("1000", 260), ("1001", 100), ("0", 100), ("", 100), ("7.9", 7)];
        for (requested, given) in sizes {
            assert_eq!(list(&bed, &[("page_size", requested)]).await.1.len(), given, "{requested}");
        }
        assert_eq!(list(&bed, &[]).await.1.len(), 100);
        assert_eq!(list(&bed, &[("page_no", "0"), ("page_size", "1")]).await.1, ["SHOP001"]);
    }

    #[actix_web::test]
    async fn codes_narrow_the_list_and_nothing_else_does() {
        let bed = TestBed::start();
        for codes in ["SHOP003,SHOP001,SHOP999", "SHOP003，SHOP001"] {
            let expected = ("2".to_owned(), vec!["SHOP001".to_owned(), "SHOP003".to_owned()]);
            assert_eq!(list(&bed, &[("shop_code", codes)]).await, expected, "{codes}");
        }
        assert_eq!(list(&bed, &[("shop_code", "SHOP999")]).await, ("0".to_owned(), vec![]));
        for ignored in [("shop_bn", "SHOP001"), ("shop_name", "无此店"), ("shop_code", "")] {
            assert_eq!(list(&bed, &[ignored]).await.0, "260", "{ignored:?}");
        }
    }

    #[actix_web::test]
    async fn a_store_has_the_published_fields_and_its_own_ones_where_there_are_any() {
        let shop = OmsShop {
            code: "A1".to_owned(),
            name: "C:\\new \"店\"".to_owned(),
            contact_name: "李四".to_owned(),
            is_open: true,
            properties: vec![("floor".to_owned(), "2".to_owned())],
            ..OmsShop::default()
        };
        let company = Some("Zenith Ltd.".to_owned());
        let accounts =
            vec![OmsAccount { company, flag: "zenith".to_owned(), ..OmsAccount::default() }, OmsAccount::default()];
        let bed =
            TestBed::with(SandboxSettings { oms_shops: Some(vec![shop]), oms: accounts, ..SandboxSettings::default() });
        for (flag, sender) in [("demo", "李四"), ("zenith", "Zenith Ltd.")] {
            let text = bed.text_of_oms(&bed.sign_oms(bed.oms("shop.getList", &[("flag", flag)]))).await;
            let listed = format!(
                r#"{{"shop_code":"A1","shop_name":"C:\new "店"","shop_type":"","active":"true","zip":"","addr":"","mobile":"","tel":"","default_sender":"{sender}","province":"","city":"","district":"","shop_type_name":"","props":{{"floor":"2"}}}}"#
            );
            assert_eq!(text, format!(r#"{{"response":{{"lists":[{listed}],"count":"1"}}}}"#));
        }
    }

    #[actix_web::test]
    async fn another_version_of_a_method_and_a_method_that_dies_are_html() {
        let bed = TestBed::start();
        for (method, version) in [("shop.getList", "2"), ("stock.getAll", "1")] {
            let text = bed.text_of_oms(&bed.sign_oms(bed.oms(method, &[("ver", version), ("type", "xml")]))).await;
            assert!(text.trim_start().starts_with("<!DOCTYPE html"), "{text}");
        }
        let refused = bed.call_oms(bed.oms("shop.get", &[("ver", "2")])).await;
        assert_eq!(refused["error_response"]["code"], "e000003", "what it lacks, it lacks in every version");
    }

    #[actix_web::test]
    async fn stores_have_no_orders() {
        let bed = TestBed::start();
        let answer: Value = bed.call_oms(bed.oms("orders.getList", &[])).await;
        assert_eq!(answer["response"], json!({"count": 0, "cursor_id": 0, "has_more": false, "lists": []}));
    }

    #[actix_web::test]
    async fn errors_are_xml_where_xml_is_requested() {
        let bed = TestBed::start();
        let text = bed.text_of_oms(&bed.sign_oms(bed.oms("shop.get", &[("type", "xml")]))).await;
        let expected = "<error_response><code><![CDATA[e000003]]></code><msg><![CDATA[class or method not exist]]></msg>\
            <sub_msg></sub_msg></error_response>";
        assert_eq!(text, expected);
    }
}
