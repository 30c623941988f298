//! What the two servers of the OMS differ in. Each is a table of facts: `published.rs` and `documented.rs`.

use super::data::Data;
use super::errors::OmsError;
use crate::sandbox::delivery::AnswerHead;
use crate::sandbox::form::DecodedForm;
use crate::sandbox::settings::{AcceptedTimestamp, OmsAccount};
use crate::sandbox::world::stores::Shop;

/// A server of the OMS.
pub struct OmsSandboxServer {
    /// The system parameters that a call cannot do without.
    pub required: &'static [&'static str],
    /// Whether a name can be that of a method at all, by its form.
    pub is_method_name: fn(&str) -> bool,
    /// The forms of `timestamp` that it takes.
    pub timestamp: AcceptedTimestamp,
    /// Its methods by their names.
    pub methods: &'static [(&'static str, OmsMethod)],
    /// What it checks between the permission and the method.
    pub check: fn(&DecodedForm<'_>) -> Result<(), OmsError>,
    /// How large the pages of its lists are.
    pub page: PageSizes,
    /// How its answers are sent.
    pub head: AnswerHead,
    /// The document for an error.
    pub describe: fn(&OmsError) -> Data,
    /// Writes a document.
    pub write: fn(&Data, &DecodedForm<'_>) -> String,
}

impl OmsSandboxServer {
    /// The method of this name.
    pub fn method(&self, name: &str) -> Option<OmsMethod> {
        self.methods.iter().find(|(known, _)| *known == name).map(|(_, method)| *method)
    }
}

/// A method.
pub type OmsMethod = fn(&OmsCall<'_>) -> Result<Data, OmsError>;

/// What a method is given.
pub struct OmsCall<'a> {
    /// The parameters.
    pub form: &'a DecodedForm<'a>,
    /// Who calls.
    pub account: &'a OmsAccount,
    /// Every store of the OMS.
    pub shops: &'a [Shop],
    /// How large pages are.
    pub page: PageSizes,
}

/// How large the pages of a list are.
#[derive(Clone, Copy)]
pub struct PageSizes {
    /// When none is asked for, and when more than the most is.
    pub usual: usize,
    /// The largest that can be asked for.
    pub most: usize,
}

impl PageSizes {
    /// The same with another largest page.
    pub fn up_to(self, most: usize) -> Self {
        Self { usual: self.usual.min(most), most }
    }

    /// Asking for more than the most gives the usual page: a caller who counts on the most misses stores.
    pub const fn of(self, size: usize) -> usize {
        if size == 0 || size > self.most { self.usual } else { size }
    }
}

/// One page of the items, numbered from 1, and how many items there are on all pages.
pub fn page<T>(items: impl Iterator<Item = T>, number: usize, size: usize) -> (Vec<T>, usize) {
    let all: Vec<T> = items.collect();
    let total = all.len();
    (all.into_iter().skip(number.saturating_sub(1).saturating_mul(size)).take(size).collect(), total)
}
