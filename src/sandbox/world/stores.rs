//! The simulated stores, with both vendors' numbers. The OMS has `SHOP001`…`SHOP260`; the first of them have a visitor
//! counter and with it a number at OPRetail.

use std::sync::LazyLock;

use jiff::Span;
use jiff::civil::{Date, DateTime, date};

use super::cities::{City, city_of};
use super::noise::{between, choose};

/// The number of stores in the OMS.
pub const OMS_STORES: u32 = 260;

/// A store with a visitor counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountedStore {
    /// The number at OPRetail: 123456 for `S_123456`.
    pub id: u32,
    /// The enterprise of the store.
    pub enterprise_id: u32,
    /// The serial number of the store in the OMS: 1 for `SHOP001`.
    pub serial: u32,
}

// Runs of consecutive numbers: first number, count, enterprise, serial number of the first.
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

    /// The city of the store.
    pub const fn city(self) -> &'static City {
        city_of(self.serial)
    }

    /// The code at the OMS, such as `SHOP001`.
    pub fn oms_code(self) -> String {
        oms_code(self.serial)
    }

    fn all() -> impl Iterator<Item = Self> {
        RUNS.iter().flat_map(|&(first, count, enterprise_id, serial)| {
            (0..count).map(move |step| Self { id: first + step, enterprise_id, serial: serial + step })
        })
    }
}

/// A store in the OMS. Missing texts are empty.
#[derive(Clone, Debug, Default)]
pub struct Shop {
    /// The code at the OMS, such as `SHOP001`.
    pub code: String,
    /// The name, Chinese or English.
    pub name: String,
    /// The kind of store in the vendor's word, such as `taobao`.
    pub kind: String,
    /// The name of the kind for people.
    pub kind_name: String,
    /// The company that runs the store.
    pub company: String,
    /// The contact person, who is also the sender of its parcels.
    pub contact_name: String,
    /// The mobile number.
    pub mobile: String,
    /// The telephone number with its area code.
    pub telephone: String,
    /// The e-mail address; `None` where the field does not exist.
    pub email: Option<String>,
    /// Whether the store is open for business.
    pub is_open: bool,
    /// The postal code.
    pub zip: String,
    /// The province of its address.
    pub province: String,
    /// The city of its address.
    pub city: String,
    /// The district of its address.
    pub district: String,
    /// The street and number of its address.
    pub street: String,
    /// When the store was added.
    pub created: Option<DateTime>,
    /// When the store was last changed.
    pub updated: Option<DateTime>,
    /// Fields that a tenant adds itself, by name.
    pub properties: Vec<(String, String)>,
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
const KINDS: [(&str, &str); 3] = [("taobao", "淘宝"), ("tmall", "天猫"), ("wx", "微信小店")];
const ROADS: [&str; 6] = ["人民路", "解放路", "中山路", "建设路", "文化路", "和平路"];

fn oms_code(serial: u32) -> String {
    format!("SHOP{serial:03}")
}

// Real data has gaps; some stores lack a contact, a telephone, an e-mail address, a street or an update.
fn shop(serial: u32) -> Shop {
    let city = city_of(serial);
    let has = |every: u32| !serial.is_multiple_of(every);
    let text = |is_there: bool, text: &dyn Fn() -> String| if is_there { text() } else { String::new() };
    let brand = choose(&BRANDS, &[i64::from(serial), 1]);
    let (kind, kind_name) = choose(&KINDS, &[i64::from(serial), 3]);
    let created = created_at(serial);
    Shop {
        code: oms_code(serial),
        name: name(serial, brand, city),
        kind: kind.to_owned(),
        kind_name: kind_name.to_owned(),
        company: brand.company.to_owned(),
        contact_name: text(has(13), &|| choose(&CONTACTS, &[i64::from(serial), 2]).to_owned()),
        mobile: text(!has(3), &|| format!("1380000{serial:04}")),
        telephone: text(has(23), &|| format!("{}-5550-{serial:04}", city.area_code)),
        email: has(7).then(|| text(has(17), &|| format!("shop{serial:03}@example.com"))),
        is_open: has(11),
        zip: city.zip.to_owned(),
        province: city.province.to_owned(),
        city: format!("{}市", city.chinese),
        district: choose(&city.districts, &[i64::from(serial), 6]).to_owned(),
        street: text(has(29), &|| format!("{}{}号", road(serial), between(1, 399, &[i64::from(serial), 7]))),
        created: Some(created),
        updated: has(19).then(|| updated_at(serial, created)),
        properties: Vec::new(),
    }
}

fn name(serial: u32, brand: Brand, city: &City) -> String {
    if serial.is_multiple_of(5) {
        return format!("{} {} {serial}", brand.english, city.english);
    }
    format!("{}{}{}{serial}店", brand.chinese, city.chinese, road(serial))
}

fn road(serial: u32) -> &'static str {
    choose(&ROADS, &[i64::from(serial), 5])
}

fn created_at(serial: u32) -> DateTime {
    in_office_hours(date(2019, 3, 1), between(0, 1_000, &[i64::from(serial), 8]), serial)
}

fn updated_at(serial: u32, created: DateTime) -> DateTime {
    in_office_hours(created.date(), between(1, 700, &[i64::from(serial), 9]), serial)
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
        let codes: HashSet<&str> = shops().iter().map(|shop| shop.code.as_str()).collect();
        assert_eq!(codes.len(), OMS_STORES as usize);
        let counted: Vec<_> = CountedStore::of_enterprise(1084).collect();
        assert_eq!(counted.len(), 61);
        assert!(counted.iter().all(|store| codes.contains(store.oms_code().as_str())));
        assert_eq!(CountedStore::find(100_001).unwrap().oms_code(), "SHOP001");
        assert_eq!(CountedStore::find(123_456).unwrap().oms_code(), "SHOP061");
    }

    #[test]
    fn names_are_unique_and_some_records_have_gaps() {
        let names: HashSet<&str> = shops().iter().map(|shop| shop.name.as_str()).collect();
        assert_eq!(names.len(), OMS_STORES as usize);
        assert!(shops().iter().any(|shop| shop.email.is_none()));
        assert!(shops().iter().any(|shop| shop.contact_name.is_empty()));
        assert!(shops().iter().any(|shop| !shop.is_open));
    }
}
