//! Each resource, whole, as a caller reads it at ten o'clock on a Sunday.

use serde_json::json;
use storegate::sandbox::OmsServer;

use crate::app::TestApp;
use crate::app::tenants::SECRETS;

#[actix_web::test]
async fn a_page_of_stores_tells_what_the_oms_knows_and_where_the_page_stands() {
    let published = json!({
        "address": "广东省深圳市福田区解放路137号 518000", "company": null,
        "contact": {"email": null, "name": "王五", "phone": "13800000003"},
        "created_at": null, "id": "SHOP003", "name": "海港巷深圳解放路3店",
        "oms_code": "SHOP003", "opretail_id": null, "source": ["oms"], "status": "online",
        "updated_at": null
    });
    let documented = json!({
        "address": null, "company": "Harbour Lane Retail Ltd.",
        "contact": {"email": null, "name": "王五", "phone": "0755-5550-0003"},
        "created_at": "2019-04-18T09:35:32+08:00", "id": "SHOP003", "name": "海港巷深圳解放路3店",
        "oms_code": "SHOP003", "opretail_id": null, "source": ["oms"], "status": "online",
        "updated_at": "2019-10-06T09:54:40+08:00"
    });
    for (server, store) in [(OmsServer::Published, published), (OmsServer::Documented, documented)] {
        let answer = TestApp::before(server).get("/stores?page=3&page_size=1").await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json; charset=utf-8")));
        let page = json!({"number": 3, "pages": 260, "size": 1, "total": 260});
        assert_eq!(answer.json(), json!({"items": [store], "page": page}));
        let link = answer.header("link").unwrap();
        let links: Vec<&str> = link.split(", ").collect();
        assert_eq!(
            links,
            [
                r#"</stores?page=1&page_size=1>; rel="first""#,
                r#"</stores?page=2&page_size=1>; rel="prev""#,
                r#"</stores?page=4&page_size=1>; rel="next""#,
                r#"</stores?page=260&page_size=1>; rel="last""#,
            ]
        );
    }
}

#[actix_web::test]
async fn a_store_has_its_address_and_whom_to_ask() {
    let published = json!({
        "address": "上海市徐汇区解放路12号 200000", "company": null,
        "contact": {"email": null, "name": "赵六", "phone": "021-5550-0001"},
        "created_at": null, "id": "SHOP001", "name": "木棉上海解放路1店", "oms_code": "SHOP001",
        "opretail_id": null, "source": ["oms"], "status": "online",
        "updated_at": null
    });
    let documented = json!({
        "address": "上海市徐汇区解放路12号", "company": "木棉生活馆",
        "contact": {"email": "shop001@example.com", "name": "赵六", "phone": "021-5550-0001"},
        "created_at": "2021-07-08T17:35:18+08:00", "id": "SHOP001", "name": "木棉上海解放路1店", "oms_code": "SHOP001",
        "opretail_id": null, "source": ["oms"], "status": "online",
        "updated_at": "2022-02-18T12:54:27+08:00"
    });
    for (server, store) in [(OmsServer::Published, published), (OmsServer::Documented, documented)] {
        let answer = TestApp::before(server).get("/stores/SHOP001").await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json; charset=utf-8")));
        assert_eq!(answer.json(), store);
    }
}

#[actix_web::test]
async fn the_flow_of_a_store_has_its_figures_as_numbers() {
    let app = TestApp::spawn();
    let answer = app.get("/stores/S_123456/flow").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json; charset=utf-8")));
    assert_eq!(
        answer.json(),
        json!({
            "fitting_room_rate_percent": null,
            "indicators": [
                {"key": "ENTER_RATE", "kind": "ratio", "name": "进店率", "value": 8.5},
                {"key": "PASS_FLOW", "kind": "other", "name": "过店客流", "value": 70},
                {"key": "BUY_COUNT", "kind": "other", "name": "成交笔数", "value": 1}
            ],
            "observed_at": "2026-11-22T10:00:00+08:00",
            "sales": {"average_spend": 184, "purchase_rate_percent": 16.6, "total": 184},
            "store_entry_rate_percent": 8.5, "store_id": "S_123456",
            "visitors": {"this_month": 9745, "this_week": 2605, "today": 6},
            "weather": {
                "category": "sunny", "city_id": "101020100", "created_at": "2026-11-22T06:00:00+08:00",
                "custom_icon": "sunny", "date": "2026-11-22",
                "day_icon_url": "https://images.example.com/weather/day/sunny.png", "description": "晴",
                "id": 2010020779, "night_icon_url": "https://images.example.com/weather/night/sunny.png",
                "temperature": "16 ~ 8℃", "wind": "东南风3级"
            }
        })
    );
}

#[actix_web::test]
async fn the_flow_of_an_organization_sums_its_stores() {
    let app = TestApp::spawn();
    let answer = app.get("/organizations/1084/flow").await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.json(),
        json!({
            "fitting_room_rate_percent": null,
            "indicators": [{"key": "ENTER_RATE", "kind": "ratio", "name": "进店率", "value": 12.7}],
            "observed_at": "2026-11-22T10:00:00+08:00", "organization_id": "O_1084",
            "sales": {"average_spend": 147, "purchase_rate_percent": 16.5, "total": 14059},
            "store_entry_rate_percent": 12.7, "visitors": {"this_month": 864323, "this_week": 232703, "today": 573},
            "weather": null
        })
    );
    let prefixed = app.get("/organizations/O_1084/flow").await;
    assert_eq!(prefixed.body, answer.body);
    let mut sum = 0;
    for (id, _) in storegate::sandbox::stores_of(1084) {
        sum += app.get(&format!("/stores/{id}/flow")).await.json()["visitors"]["today"].as_i64().unwrap();
    }
    assert_eq!(sum, 573);
}

#[actix_web::test]
async fn demographics_count_a_period_by_gender_and_age() {
    let app = TestApp::spawn();
    let answer = app.get("/stores/S_123456/demographics?from=2026-11-01&to=2026-11-07").await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.json(),
        json!({
            "age": [
                {"from": 0, "share_percent": 5.0, "to": 12, "visitors": 164},
                {"from": 13, "share_percent": 6.0, "to": 17, "visitors": 197},
                {"from": 18, "share_percent": 28.0, "to": 25, "visitors": 920},
                {"from": 26, "share_percent": 29.0, "to": 35, "visitors": 952},
                {"from": 36, "share_percent": 13.0, "to": 45, "visitors": 427},
                {"from": 46, "share_percent": 11.0, "to": 55, "visitors": 362},
                {"from": 56, "share_percent": 8.0, "to": 100, "visitors": 263}
            ],
            "gender": [
                {"gender": "male", "share_percent": 49.0, "visitors": 1609},
                {"gender": "female", "share_percent": 51.0, "visitors": 1676}
            ],
            "period": {"from": "2026-11-01T00:00:00+08:00", "to": "2026-11-07T23:59:59+08:00"},
            "store_ids": ["S_123456"], "visitors": 3285
        })
    );
}

#[actix_web::test]
async fn an_inspection_has_named_fields_and_everything_else_under_extra() {
    let app = TestApp::spawn();
    let answer = app.get("/inspections?from=2026-11-19&to=2026-11-20&page_size=1").await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.json(),
        json!({
            "items": [
                {
                    "check_items": [
                        {"fullScore": 10, "itemId": 108420777010_i64, "itemName": "地面清洁", "pass": 1, "score": 7},
                        {"fullScore": 10, "itemId": 108420777011_i64, "itemName": "员工着装规范", "pass": 1, "score": 10},
                        {"fullScore": 10, "itemId": 108420777012_i64, "itemName": "消防通道畅通", "pass": 0, "score": 0},
                        {"fullScore": 10, "itemId": 108420777013_i64, "itemName": "收银台整洁", "pass": 1, "score": 6}
                    ],
                    "created_at": "2026-11-20T17:06:10+08:00", "deadline": "2026-11-23T17:06:10+08:00",
                    "deduction": 4,
                    "extra": {
                        "description": "地面清洁、员工着装规范、消防通道畅通、收银台整洁", "deviceChannel": 8, "gmtModified": 1795165570000_i64,
                        "sourceTypeName": "计划巡店-现场巡店任务", "status": 1, "taskName": "11月巡店计划", "totalScore": 40
                    },
                    "id": "10842077701", "inspector": {"id": "70006", "name": "Ben Sample"}, "penalty": 100,
                    "photos": [], "reward": null, "score": 23,
                    "source_type": {"code": 14, "name": "planned_on_site_task"}, "status": "待整改",
                    "store": {"id": "S_100016", "name": "云杉成都建设路16店"}, "videos": []
                }
            ],
            "page": {"number": 1, "pages": 7, "size": 1, "total": 7}
        })
    );
    let link = answer.header("link").unwrap();
    let links: Vec<&str> = link.split(", ").collect();
    assert_eq!(
        links,
        [
            r#"</inspections?from=2026-11-19&to=2026-11-20&page=1&page_size=1>; rel="first""#,
            r#"</inspections?from=2026-11-19&to=2026-11-20&page=2&page_size=1>; rel="next""#,
            r#"</inspections?from=2026-11-19&to=2026-11-20&page=7&page_size=1>; rel="last""#,
        ]
    );
}

#[actix_web::test]
async fn a_developer_account_hides_its_secret_from_who_may_not_see_it() {
    let app = TestApp::spawn();
    let masked = app.get("/organizations/2/developer-account").await;
    assert_eq!((masked.status, masked.header("cache-control")), (200, Some("no-store")));
    assert_eq!(
        masked.json(),
        json!({
            "application_id": "S107", "application_key": "S107-00000001", "application_secret": "********",
            "business_enterprise_id": 1084, "developer_type": "normal", "enabled": true,
            "expires_at": "2099-12-31T00:00:00+08:00", "id": 10002, "key_type": "test", "platform_enterprise_id": 2,
            "supplier_account": null, "switched_at": null, "username": "Sandbox Retail", "validity": "in_service"
        })
    );
    let shown = app.get_as("operator", "/organizations/2/developer-account").await;
    assert_eq!(shown.json()["application_secret"], SECRETS[0]);
    assert_eq!(shown.header("cache-control"), Some("no-store"));
}
