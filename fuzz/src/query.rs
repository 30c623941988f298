//! Paths and queries as any caller may write them, read by every reader that resources have.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use actix_web::dev::{Path, ResourceDef, Url};
use actix_web::http::Uri;
use actix_web::http::header::HeaderMap;
use jiff::Timestamp;
use storegate::directory::{Directory, OrganizationId, StoreId};
use storegate::gateway::endpoint::china_standard_time;
use storegate::http::problem::Problem;
use storegate::http::problem_type::ProblemType;
use storegate::http::public_url::PublicUrl;
use storegate::resources::params::kinds::{FlagKind, IntegerKind, OrganizationKind, StoreKind};
use storegate::resources::params::{LONGEST_LIST, PageParameters, Parameter, ParameterReader, Period, STORE};
use storegate::resources::vendors::opretail;
use storegate::vendors::Vendors;

static PATH: LazyLock<ResourceDef> = LazyLock::new(|| ResourceDef::new("/{store_id}/{organization_id}"));
static STORES: LazyLock<Directory> = LazyLock::new(|| Directory::new(Vec::new(), &Vendors::default().ids()));
const NAMES: [&str; 7] = ["hour", "flag", "id", "from", "to", "page", "page_size"];
static ORGANIZATION: Parameter<OrganizationKind> = Parameter::new("organization_id", "", OrganizationKind(opretail));
static HOUR: Parameter<IntegerKind> = Parameter::new("hour", "", IntegerKind::within(0..=24));
static FLAG: Parameter<FlagKind> = Parameter::new("flag", "", FlagKind(Some(false)));
static IDS: Parameter<StoreKind> = Parameter::new("id", "", StoreKind::OF_LIST);
/// 2026-11-22T02:00:00Z.
const NOW: Timestamp = Timestamp::constant(1_795_312_800, 0);
/// Common proxies take a head of 4 KiB, and there are others beside this one.
const LONGEST_LINK: usize = 3 << 10;

/// One question that has a parameter of every kind.
struct Everything {
    store: StoreId,
    organization: OrganizationId,
    hour: Option<u32>,
    ids: Vec<StoreId>,
    period: Period,
    page: PageParameters,
}

impl Everything {
    fn read(reader: &mut ParameterReader<'_>) -> Option<Self> {
        let (store, organization) = (reader.in_path(&STORE), reader.in_path(&ORGANIZATION));
        let (hour, flag, ids) = (reader.optional(&HOUR), reader.optional(&FLAG), reader.list(&IDS));
        let (period, page) = (Period::read(reader), PageParameters::read(reader));
        flag?;
        Some(Self { store: store?, organization: organization?, hour, ids, period: period?, page: page? })
    }
}

/// A request's target, `path?query`; accepted when everything in it is right.
pub fn query(target: &[u8]) -> bool {
    let Ok(target) = std::str::from_utf8(target) else { return false };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    match ask(path, query) {
        Ok(asked) => {
            asked.assert_within_bounds(query);
            asked.assert_reads_itself(path);
            true
        }
        Err(problem) => {
            assert_explained(&problem);
            false
        }
    }
}

fn ask(path: &str, query: &str) -> Result<Everything, Problem> {
    // A path that is no URI does not reach any resource; its query is then read with a path that is right.
    let uri = Uri::try_from(path).unwrap_or_else(|_| Uri::from_static("/S_1/O_1"));
    let mut path = Path::new(Url::new(uri));
    PATH.capture_match_info(&mut path);
    ParameterReader::new(&path, query, &HeaderMap::new(), &STORES, &china_standard_time(), NOW)
        .parse(Everything::read)
        .result
}

fn assert_explained(problem: &Problem) {
    assert_eq!(problem.kind, ProblemType::InvalidParameter);
    let errors = problem.document(&PublicUrl::default(), "/", "id").errors;
    assert!(!errors.is_empty(), "a refusal says what is wrong");
    for error in errors {
        assert!(!error.message.is_empty() && !error.parameter.is_empty(), "each error says what is wrong with what");
        assert!(error.parameter.chars().count() <= 64, "what the caller made up is cut short");
        assert!(!error.parameter.chars().any(char::is_control), "no control character is given back");
    }
}

impl Everything {
    fn assert_within_bounds(&self, query: &str) {
        let mut given = BTreeMap::<_, Vec<_>>::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            assert!(NAMES.contains(&&*name), "an unknown parameter is refused");
            given.entry(name).or_default().push(value);
        }
        for (name, values) in &given {
            assert!(name == "id" || values.len() == 1, "a repeated parameter is refused, unless it is a list");
        }
        for id in self.ids.iter().chain([&self.store]) {
            let id = id.as_str();
            assert!((1..=32).contains(&id.len()), "{id}");
            assert!(id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte)), "{id}");
        }
        let digits = self.organization.number();
        assert!((1..=11).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()), "{digits}");
        let members = given.get("id").into_iter().flatten().flat_map(|value| value.split(',').map(str::trim));
        assert!(members.eq(self.ids.iter().map(StoreId::as_str)), "each member of a list is read, in order");
        assert!(self.ids.len() <= LONGEST_LIST && self.hour.is_none_or(|hour| hour <= 24));
        assert_eq!(self.hour.is_some(), given.contains_key("hour"), "what is given is read");
        assert!((1..=1_000_000).contains(&self.page.number) && (1..=1000).contains(&self.page.size));
        let (start, end) = (self.period.start_second(), self.period.end_second());
        assert!(start <= end && start.len() == 19 && end.len() == 19, "{start} to {end}");
        let days = |day: String| day.parse::<jiff::civil::Date>().expect("a day is a date");
        let span = days(self.period.end_day()).since(days(self.period.start_day())).expect("days of one calendar");
        assert!(span.get_days() < 366, "{start} to {end}");
        let ids: Vec<&str> = self.ids.iter().map(StoreId::as_str).collect();
        if let Some(link) = self.page.link("/stores", &[("id", ids.join(","))], Some(10_000), false) {
            assert!(link.len() <= LONGEST_LINK && link.bytes().all(|byte| (0x20..0x7f).contains(&byte)), "{link}");
        }
    }

    /// What is told of a period and a page asks for the same.
    fn assert_reads_itself(&self, path: &str) {
        let period = self.period.document();
        // The first day begins before 1970 in UTC, where instants begin.
        if self.period.start_day() == "1970-01-01" {
            return;
        }
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("from", &period.from).append_pair("to", &period.to);
        query.append_pair("page", &self.page.number.to_string()).append_pair("page_size", &self.page.size.to_string());
        let again = ask(path, &query.finish()).unwrap_or_else(|problem| panic!("{problem}"));
        assert_eq!((again.period.document(), again.page), (period, self.page));
    }
}
