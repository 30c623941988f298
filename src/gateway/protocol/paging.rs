//! How a vendor's lists are read page by page, as a pack says it.

use serde::Serialize;

use super::call::Argument;

/// `[paging]` of a pack, or of a resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Paging {
    /// How a page is chosen.
    pub style: PagingStyle,
    /// `size`: the parameter with the number of items on a page, if calls can choose it.
    pub size: Option<String>,
    /// `largest`: the most items on a page.
    pub largest: u32,
    /// `total`: the JSON pointer to the number of items on all pages, in the data.
    pub total: Option<String>,
    /// `has_next`: the JSON pointer to whether a page follows, in the data.
    pub has_next: Option<String>,
    /// `id`: the JSON pointer to what tells the items of a list apart, in an item.
    pub id: Option<String>,
}

/// How a page is chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum PagingStyle {
    /// By its number.
    Number {
        /// `page`: the parameter.
        parameter: String,
        /// `first`: the number of the first page.
        first: u32,
    },
    /// By the number of items before it.
    Offset {
        /// `offset`: the parameter.
        parameter: String,
    },
    /// By a text in the page before it; the first page has none.
    Cursor {
        /// `cursor`: the parameter.
        parameter: String,
        /// `next`: the JSON pointer to that text, in the data.
        next: String,
    },
}

impl PagingStyle {
    /// The parameter that chooses the page.
    pub fn parameter(&self) -> &str {
        match self {
            Self::Number { parameter, .. } | Self::Offset { parameter } | Self::Cursor { parameter, .. } => parameter,
        }
    }
}

impl Paging {
    /// The names of the parameters that choose a page.
    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        [self.style.parameter()].into_iter().chain(self.size.as_deref())
    }

    /// The parameters of a page, counted from 1, with this many items. A page by cursor has `cursor`, but for the first.
    pub fn arguments(&self, page: u64, size: u32, cursor: Option<&str>) -> Vec<Argument> {
        let before = page.saturating_sub(1);
        let number = |name: &String, value: u64| (name.clone(), value.to_string(), true);
        let place = match &self.style {
            PagingStyle::Number { parameter, first } => Some(number(parameter, before + u64::from(*first))),
            PagingStyle::Offset { parameter } => Some(number(parameter, before * u64::from(size))),
            PagingStyle::Cursor { parameter, .. } => cursor.map(|cursor| (parameter.clone(), cursor.to_owned(), false)),
        };
        let size = self.size.as_ref().map(|name| number(name, u64::from(size)));
        let arguments = place.into_iter().chain(size);
        arguments.map(|(name, value, is_json)| Argument { name: name.into(), value, is_json }).collect()
    }
}
