//! The simulated inspections: a few a day over the past 90 days, of all 16 kinds. The vendor's page describes the
//! contents in prose and gives no field names; these follow the style of its other answers.

use jiff::Span;
use jiff::civil::{Date, DateTime};
use serde::Serialize;

use super::noise::{between, choose};
use super::stores::{CountedStore, shops};
use crate::sandbox::china_time::{DATE_TIME, day_number, instant};

/// The number of past days whose inspections are available.
pub const KEPT_DAYS: i64 = 90;

/// The kinds of inspection by the vendor's code; there is no 5.
pub const SOURCE_TYPES: [(u32, &str); 16] = [
    (1, "点检任务"),
    (2, "摇一摇巡店"),
    (3, "图片抓拍"),
    (4, "手动创建问题"),
    (6, "快拍"),
    (7, "告警"),
    (8, "现场巡店"),
    (9, "远程巡店"),
    (10, "AI抓拍比对"),
    (11, "AI实时监控"),
    (12, "门店自检"),
    (13, "计划巡店-远程巡店任务"),
    (14, "计划巡店-现场巡店任务"),
    (15, "计划巡店-巡检计划"),
    (16, "小鸟探店"),
    (17, "计划巡店-门店自检任务"),
];

const INSPECTORS: [(u32, &str); 6] = [
    (70_001, "张三"),
    (70_002, "李四"),
    (70_003, "王芳"),
    (70_004, "陈小明"),
    (70_005, "Ann Example"),
    (70_006, "Ben Sample"),
];
const CHECKS: [&str; 6] = ["门头灯箱完好", "货架陈列整齐", "地面清洁", "员工着装规范", "消防通道畅通", "收银台整洁"];
const STATUSES: [(u32, &str); 4] = [(1, "待整改"), (2, "待复核"), (3, "已完成"), (4, "已逾期")];

/// One inspection, as the vendor would list it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Inspection {
    id: i64,
    inspector_id: u32,
    inspector_name: &'static str,
    /// The code of its kind.
    pub source_type: u32,
    source_type_name: &'static str,
    create_time: String,
    dept_id: u32,
    dept_name: &'static str,
    status: u32,
    status_name: &'static str,
    score: u64,
    total_score: u64,
    description: String,
    check_items: Vec<CheckItem>,
    deadline: String,
    reward_penalty_type: u64,
    reward_penalty_amount: String,
    deduct_score: u64,
    pictures: Vec<String>,
    videos: Vec<String>,
    task_name: Option<String>,
    device_channel: u64,
    gmt_modified: i64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct CheckItem {
    item_id: i64,
    item_name: &'static str,
    score: u64,
    full_score: u64,
    pass: u8,
}

/// The inspections of an enterprise from `first` to `last`, both inclusive, as far as they are past and still
/// available; the newest first.
pub fn inspections(enterprise_id: u32, first: Date, last: Date, now: DateTime) -> Vec<Inspection> {
    let stores: Vec<CountedStore> = CountedStore::of_enterprise(enterprise_id).collect();
    let first = first.max(now.date().saturating_sub(Span::new().days(KEPT_DAYS - 1)));
    let last = last.min(now.date());
    let mut found = Vec::new();
    for date in first.series(Span::new().days(1)).take_while(|date| *date <= last) {
        for number in 0..between(2, 6, &[i64::from(enterprise_id), day_number(date), 50]).cast_signed() {
            let event = InspectionEvent { enterprise_id, date, number };
            if event.time() <= now && !stores.is_empty() {
                found.push(event.inspection(&stores));
            }
        }
    }
    found.sort_by(|left, right| (&right.create_time, right.id).cmp(&(&left.create_time, left.id)));
    found
}

struct InspectionEvent {
    enterprise_id: u32,
    date: Date,
    number: i64,
}

impl InspectionEvent {
    fn noise(&self, topic: i64) -> [i64; 4] {
        [i64::from(self.enterprise_id), day_number(self.date), self.number, topic]
    }

    fn id(&self) -> i64 {
        (i64::from(self.enterprise_id) * 100_000 + day_number(self.date)) * 100 + self.number
    }

    fn time(&self) -> DateTime {
        let seconds = between(9 * 3_600, 21 * 3_600, &self.noise(60));
        self.date.at(0, 0, 0, 0).saturating_add(Span::new().seconds(seconds.cast_signed()))
    }

    // Stepping through the kinds, instead of drawing them, makes each of them occur.
    fn source(&self) -> (u32, &'static str) {
        let step = (day_number(self.date) * 3 + self.number).unsigned_abs() % 16;
        SOURCE_TYPES[usize::try_from(step).unwrap_or_default()]
    }

    // Neighbours in the list, so that no check occurs twice.
    fn check_items(&self) -> Vec<CheckItem> {
        let first = between(0, 5, &self.noise(71));
        let count = between(1, 4, &self.noise(61)).cast_signed();
        let names = CHECKS.iter().cycle().skip(usize::try_from(first).unwrap_or_default());
        (0..count).zip(names).map(|(item, name)| self.check_item(item, name)).collect()
    }

    fn check_item(&self, item: i64, item_name: &'static str) -> CheckItem {
        let score = between(0, 10, &self.noise(100 + item));
        CheckItem { item_id: self.id() * 10 + item, item_name, score, full_score: 10, pass: u8::from(score >= 6) }
    }

    fn pictures(&self) -> Vec<String> {
        let count = between(0, 3, &self.noise(62));
        (1..=count)
            .map(|picture| format!("https://images.example.com/inspections/{}-{picture}.jpg", self.id()))
            .collect()
    }

    fn videos(&self) -> Vec<String> {
        let has_video = between(0, 4, &self.noise(63)) == 0;
        has_video.then(|| format!("https://videos.example.com/inspections/{}.mp4", self.id())).into_iter().collect()
    }

    fn inspection(&self, stores: &[CountedStore]) -> Inspection {
        let time = self.time();
        let store = choose(stores, &self.noise(64));
        let (source_type, source_type_name) = self.source();
        let (inspector_id, inspector_name) = choose(&INSPECTORS, &self.noise(68));
        let (status, status_name) = choose(&STATUSES, &self.noise(65));
        let check_items = self.check_items();
        let add = |sum: (u64, u64), item: &CheckItem| (sum.0 + item.score, sum.1 + item.full_score);
        let (score, total_score) = check_items.iter().fold((0, 0), add);
        let reward_penalty_type = between(0, 2, &self.noise(66));
        let amount = if reward_penalty_type == 0 { 0 } else { between(1, 10, &self.noise(67)) * 20 };
        Inspection {
            id: self.id(),
            inspector_id,
            inspector_name,
            source_type,
            source_type_name,
            create_time: time.strftime(DATE_TIME).to_string(),
            dept_id: store.id,
            dept_name: shop_name(store),
            status,
            status_name,
            score,
            total_score,
            description: check_items.iter().map(|item| item.item_name).collect::<Vec<_>>().join("、"),
            check_items,
            deadline: time.saturating_add(Span::new().days(3)).strftime(DATE_TIME).to_string(),
            reward_penalty_type,
            reward_penalty_amount: format!("{amount}.00"),
            deduct_score: (total_score - score) / 4,
            pictures: self.pictures(),
            videos: self.videos(),
            task_name: (source_type >= 13).then(|| format!("{}月巡店计划", self.date.month())),
            device_channel: between(1, 8, &self.noise(69)),
            gmt_modified: instant(time).as_millisecond(),
        }
    }
}

fn shop_name(store: CountedStore) -> &'static str {
    let index = usize::try_from(store.serial).unwrap_or_default().saturating_sub(1);
    shops().get(index).map_or("", |shop| shop.name.as_str())
}

#[cfg(test)]
mod tests {
    use super::{KEPT_DAYS, SOURCE_TYPES, inspections};
    use jiff::Span;
    use jiff::civil::date;
    use std::collections::HashSet;

    #[test]
    fn all_sixteen_kinds_occur_and_none_lies_in_the_future() {
        let now = date(2026, 11, 22).at(15, 0, 0, 0);
        let found = inspections(1084, date(2020, 1, 1), date(2030, 1, 1), now);
        let kinds: HashSet<u32> = found.iter().map(|inspection| inspection.source_type).collect();
        assert_eq!(kinds.len(), SOURCE_TYPES.len());
        assert!(!kinds.contains(&5));
        assert!(found.iter().all(|inspection| inspection.create_time.as_str() <= "2026-11-22 15:00:00"));
        assert!(found.is_sorted_by(|newer, older| newer.create_time >= older.create_time));
        assert!(found.len() as i64 >= 2 * (KEPT_DAYS - 1));
    }

    #[test]
    fn an_inspection_stays_the_same_as_days_pass() {
        let now = date(2026, 11, 22).at(15, 0, 0, 0);
        let day = date(2026, 11, 10);
        let ids = |now| inspections(1084, day, day, now).iter().map(|inspection| inspection.id).collect::<Vec<_>>();
        assert_eq!(ids(now), ids(now.saturating_add(Span::new().days(20))));
    }
}
