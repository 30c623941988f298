//! The stores, under both vendors' numbers. The OMS knows `SHOP001`…`SHOP260`; the first of them have a visitor
//! counter and with it a number at OPRetail.

use std::sync::LazyLock;

use jiff::Span;
use jiff::civil::{Date, DateTime, date};
use serde::Serialize;

use super::cities::{City, city_of};
use super::noise::{between, choose};
use crate::sandbox::china_time::DATE_TIME;

/// How many stores the OMS knows.
pub const OMS_STORES: u32 = 260;

/// A store with a visitor counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountedStore {
    /// OPRetail's number: 123456 for `S_123456`.
    pub id: u32,
    /// The enterprise that it belongs to.
    pub enterprise_id: u32,
    /// The same store's place among the OMS's: 1 for `SHOP001`.
    pub serial: u32,
}

// Runs of consecutive numbers: first number, how many, enterprise, serial of the first.
const RUNS: [(u32, u32, u32, u32); 3] = [(100_001, 60, 1084, 1), (123_456, 1, 1084, 61), (200_001, 12, 2168, 62)];

impl CountedStore {
    /// The store with this OPRetail number.
    pub fn find(id: u32) -> Option<Self> {
        Self::all().find(|store| store.id == id)
    }

    /// The stores of an enterprise.
    pub fn of_enterprise(enterprise_id: u32) -> impl Iterator<Item = Self> {
        Self::all().filter(move |store| store.enterprise_id == enterprise_id)
    }

    /// Where it stands.
    pub const fn city(self) -> &'static City {
        city_of(self.serial)
    }

    /// `SHOP001`: the OMS's code for it.
    pub fn oms_code(self) -> String {
        oms_code(self.serial)
    }

    fn all() -> impl Iterator<Item = Self> {
        RUNS.iter().flat_map(|&(first, count, enterprise_id, serial)| {
            (0..count).map(move |step| Self { id: first + step, enterprise_id, serial: serial + step })
        })
    }
}

/// A store as `shop.getList` lists it.
#[derive(Clone, Debug, Serialize)]
pub struct ShopSummary {
    /// The OMS's code: `SHOP001`.
    pub shop_bn: String,
    /// Its name, Chinese or English.
    pub shop_name: String,
    company_name: &'static str,
    contact_name: &'static str,
    contact_tel: String,
    status: &'static str,
    createtime: String,
    updatetime: String,
}

/// A store as `shop.get` describes it.
#[derive(Clone, Debug, Serialize)]
pub struct Shop {
    /// What the list has too.
    #[serde(flatten)]
    pub summary: ShopSummary,
    #[serde(skip_serializing_if = "Option::is_none")]
    contact_email: Option<String>,
    address: String,
}

static SHOPS: LazyLock<Vec<Shop>> = LazyLock::new(|| (1..=OMS_STORES).map(shop).collect());

/// Every store of the OMS, by code.
pub fn shops() -> &'static [Shop] {
    &SHOPS
}

#[derive(Clone, Copy)]
struct Brand {
    chinese: &'static str,
    english: &'static str,
    company: &'static str,
}

const CONTACTS: [&str; 8] = ["张三", "李四", "王五", "赵六", "陈小明", "Ann Example", "林小红", "Ben Sample"];
const BRANDS: [Brand; 4] = [
    Brand { chinese: "云杉", english: "Spruce Home & Living", company: "云杉零售有限公司" },
    Brand { chinese: "青禾", english: "Green Sprout", company: "青禾商贸有限公司" },
    Brand { chinese: "木棉", english: "Kapok 100% Cotton", company: "木棉生活馆" },
    Brand { chinese: "海港巷", english: "Harbour Lane", company: "Harbour Lane Retail Ltd." },
];
const ROADS: [&str; 6] = ["人民路", "解放路", "中山路", "建设路", "文化路", "和平路"];

fn oms_code(serial: u32) -> String {
    format!("SHOP{serial:03}")
}

// Real masters have gaps; some stores lack a contact, a telephone, an e-mail address, a street or an update.
fn shop(serial: u32) -> Shop {
    let city = city_of(serial);
    let has = |every: u32| !serial.is_multiple_of(every);
    let brand = choose(&BRANDS, &[i64::from(serial), 1]);
    let created = created_at(serial);
    let summary = ShopSummary {
        shop_bn: oms_code(serial),
        shop_name: name(serial, brand, city),
        company_name: brand.company,
        contact_name: if has(13) { choose(&CONTACTS, &[i64::from(serial), 2]) } else { "" },
        contact_tel: if has(23) { format!("{}-5550-{serial:04}", city.area_code) } else { String::new() },
        status: if has(11) { "online" } else { "offline" },
        createtime: created.strftime(DATE_TIME).to_string(),
        updatetime: if has(19) { updated_at(serial, created) } else { String::new() },
    };
    let contact_email = has(7).then(|| if has(17) { format!("shop{serial:03}@example.com") } else { String::new() });
    Shop { summary, contact_email, address: if has(29) { address(serial, city) } else { String::new() } }
}

fn name(serial: u32, brand: Brand, city: &City) -> String {
    if serial.is_multiple_of(5) {
        return format!("{} {} {serial}", brand.english, city.english);
    }
    format!("{}{}{}{serial}店", brand.chinese, city.chinese, road(serial))
}

fn address(serial: u32, city: &City) -> String {
    let district = choose(&city.districts, &[i64::from(serial), 6]);
    let number = between(1, 399, &[i64::from(serial), 7]);
    format!("{}市{district}{}{number}号", city.chinese, road(serial))
}

fn road(serial: u32) -> &'static str {
    choose(&ROADS, &[i64::from(serial), 5])
}

fn created_at(serial: u32) -> DateTime {
    in_office_hours(date(2019, 3, 1), between(0, 1_000, &[i64::from(serial), 8]), serial)
}

fn updated_at(serial: u32, created: DateTime) -> String {
    let time = in_office_hours(created.date(), between(1, 700, &[i64::from(serial), 9]), serial);
    time.strftime(DATE_TIME).to_string()
}

fn in_office_hours(start: Date, days: u64, serial: u32) -> DateTime {
    let second = between(9 * 3_600, 18 * 3_600, &[i64::from(serial), days.cast_signed()]);
    let span = Span::new().days(days.cast_signed()).seconds(second.cast_signed());
    start.at(0, 0, 0, 0).saturating_add(span)
}

#[cfg(test)]
mod tests {
    use super::{CountedStore, OMS_STORES, shops};
    use std::collections::HashSet;

    #[test]
    fn every_counted_store_is_one_of_the_omss() {
        let codes: HashSet<&str> = shops().iter().map(|shop| shop.summary.shop_bn.as_str()).collect();
        assert_eq!(codes.len(), OMS_STORES as usize);
        let counted: Vec<_> = CountedStore::of_enterprise(1084).collect();
        assert_eq!(counted.len(), 61);
        assert!(counted.iter().all(|store| codes.contains(store.oms_code().as_str())));
        assert_eq!(CountedStore::find(100_001).unwrap().oms_code(), "SHOP001");
        assert_eq!(CountedStore::find(123_456).unwrap().oms_code(), "SHOP061");
    }

    #[test]
    fn names_are_unique_and_some_records_have_gaps() {
        let names: HashSet<&str> = shops().iter().map(|shop| shop.summary.shop_name.as_str()).collect();
        assert_eq!(names.len(), OMS_STORES as usize);
        assert!(shops().iter().any(|shop| shop.contact_email.is_none()));
        assert!(shops().iter().any(|shop| shop.summary.contact_name.is_empty()));
        assert!(shops().iter().any(|shop| shop.summary.status == "offline"));
    }
}
