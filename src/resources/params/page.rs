//! Pages of lists: the parameters, the page information of a response, and the links to neighbouring pages (RFC 8288).

use serde::Serialize;
use utoipa::ToSchema;

use super::kinds::IntegerKind;
use super::parameter::Parameter;
use super::reader::ParameterReader;

/// The longest `Link` header, in bytes: common proxies accept at least 4 KiB of headers.
const LONGEST_LINK: usize = 3 << 10;

static NUMBER: Parameter<IntegerKind> =
    Parameter::with_example("page", "Which page, from 1.", "1", IntegerKind { range: 1..=1_000_000, default: Some(1) });
static SIZE: Parameter<IntegerKind> =
    Parameter::with_example("page_size", "Items on a page.", "50", IntegerKind { range: 1..=1000, default: Some(50) });

/// A page of a list, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageParameters {
    /// Which page, from 1.
    pub number: u32,
    /// Items on a page.
    pub size: u32,
}

impl PageParameters {
    /// Reads `page` and `page_size`.
    pub fn read(reader: &mut ParameterReader<'_>) -> Option<Self> {
        let (number, size) = (reader.optional(&NUMBER), reader.optional(&SIZE));
        Some(Self { number: number?, size: size? })
    }

    /// The number of items before this page.
    pub const fn offset(self) -> u64 {
        (self.number as u64 - 1) * self.size as u64
    }

    /// The page information of the response; `total` is `None` when the gateway does not send it.
    pub fn info(self, total: Option<u64>) -> PageInfo {
        let pages = total.map(|total| total.div_ceil(u64::from(self.size)));
        PageInfo { number: self.number, size: self.size, total, pages }
    }

    /// The `Link` header: first, prev, next and last, as relative references with the same filters. `filters` are the
    /// other parameters, in their order. With an unknown total, `more` tells whether a next page is likely. `None` when
    /// the header would be so long that proxies refuse it.
    pub fn link(self, path: &str, filters: &[(&str, String)], total: Option<u64>, more: bool) -> Option<String> {
        let last = total.map(|total| u32::try_from(total.div_ceil(u64::from(self.size))).unwrap_or(u32::MAX).max(1));
        let has_next = last.map_or(more, |last| self.number < last);
        let previous = last.map_or(self.number - 1, |last| (self.number - 1).min(last));
        let mut links = vec![(1, "first")];
        if previous >= 1 {
            links.push((previous, "prev"));
        }
        if has_next {
            links.push((self.number + 1, "next"));
        }
        links.extend(last.map(|last| (last, "last")));
        let links = links.into_iter().map(|(number, relation)| {
            let target = Self { number, ..self }.target(path, filters);
            format!("<{target}>; rel=\"{relation}\"")
        });
        Some(links.collect::<Vec<_>>().join(", ")).filter(|link| link.len() <= LONGEST_LINK)
    }

    fn target(self, path: &str, filters: &[(&str, String)]) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(filters);
        query.append_pair("page", &self.number.to_string()).append_pair("page_size", &self.size.to_string());
        format!("{path}?{}", query.finish())
    }
}

/// Where a page stands in its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PageInfo {
    /// Which page, from 1.
    #[schema(example = 1)]
    pub number: u32,
    /// Items on a page.
    #[schema(example = 50)]
    pub size: u32,
    /// Items on all pages; `null` when the gateway does not tell.
    #[schema(example = 260, required)]
    pub total: Option<u64>,
    /// Number of pages; `null` when the gateway does not tell.
    #[schema(example = 6, required)]
    pub pages: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::PageParameters;

    #[test]
    fn a_page_in_the_middle_links_to_all_its_neighbours() {
        let page = PageParameters { number: 2, size: 50 };
        let link = page.link("/stores", &[("name", "a&b".to_owned())], Some(260), false);
        assert_eq!(
            link.unwrap(),
            "</stores?name=a%26b&page=1&page_size=50>; rel=\"first\", \
             </stores?name=a%26b&page=1&page_size=50>; rel=\"prev\", \
             </stores?name=a%26b&page=3&page_size=50>; rel=\"next\", \
             </stores?name=a%26b&page=6&page_size=50>; rel=\"last\""
        );
    }

    #[test]
    fn the_ends_of_a_list_have_no_link_beyond() {
        let link =
            |number, total| PageParameters { number, size: 50 }.link("/stores", &[], Some(total), false).unwrap();
        assert!(!link(1, 10).contains("next") && !link(1, 10).contains("prev"));
        assert!(link(9, 10).contains("page=1&page_size=50>; rel=\"prev\""));
        assert!(!link(9, 10).contains("next"));
    }

    #[test]
    fn a_link_that_proxies_would_refuse_is_left_out() {
        let codes = vec!["SHOP0001"; 200].join(",");
        assert!(PageParameters { number: 2, size: 50 }.link("/stores", &[("code", codes)], Some(200), false).is_none());
    }

    #[test]
    fn without_a_total_a_full_page_has_a_next_one() {
        let page = PageParameters { number: 1, size: 2 };
        assert!(page.link("/inspections", &[], None, true).unwrap().contains("next"));
        assert!(!page.link("/inspections", &[], None, false).unwrap().contains("next"));
        assert_eq!(page.info(None).pages, None);
        assert_eq!(page.info(Some(5)).pages, Some(3));
    }
}
