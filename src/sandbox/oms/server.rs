//! The differences between the two servers of the OMS, as tables of facts: `published.rs` and `documented.rs`.

use super::data::Data;
use super::errors::OmsError;
use crate::sandbox::delivery::AnswerHead;
use crate::sandbox::form::DecodedForm;
use crate::sandbox::settings::{AcceptedTimestamp, OmsAccount};
use crate::sandbox::world::stores::Shop;

/// The facts of an OMS server.
pub struct OmsSandboxServer {
    /// The required system parameters.
    pub required: &'static [&'static str],
    /// Whether a name has the form of a method's.
    pub is_method_name: fn(&str) -> bool,
    /// The accepted forms of `timestamp`.
    pub timestamp: AcceptedTimestamp,
    /// The methods with their names.
    pub methods: &'static [(&'static str, OmsMethod)],
    /// The check between the permission and the method.
    pub check: fn(&DecodedForm<'_>) -> Result<(), OmsError>,
    /// The page sizes of its lists.
    pub page: PageSizes,
    /// The headers of its answers.
    pub head: AnswerHead,
    /// Builds the document of an error.
    pub describe: fn(&OmsError) -> Data,
    /// Serializes a document.
    pub write: fn(&Data, &DecodedForm<'_>) -> String,
}

impl OmsSandboxServer {
    /// The method of this name.
    pub fn method(&self, name: &str) -> Option<OmsMethod> {
        self.methods.iter().find(|(known, _)| *known == name).map(|(_, method)| *method)
    }
}

/// The implementation of a method.
pub type OmsMethod = fn(&OmsCall<'_>) -> Result<Data, OmsError>;

/// The input of a method.
pub struct OmsCall<'a> {
    /// The parameters.
    pub form: &'a DecodedForm<'a>,
    /// The caller.
    pub account: &'a OmsAccount,
    /// Every store of the OMS.
    pub shops: &'a [Shop],
    /// The page sizes.
    pub page: PageSizes,
}

/// The page sizes of a list.
#[derive(Clone, Copy)]
pub struct PageSizes {
    /// The size if none is requested, and if more than the largest is.
    pub usual: usize,
    /// The largest size that can be requested.
    pub most: usize,
}

impl PageSizes {
    /// Replaces the largest page size.
    pub fn up_to(self, most: usize) -> Self {
        Self { usual: self.usual.min(most), most }
    }

    /// The size of a page for a requested size. A size above the largest gets the usual one, so a caller who relies on
    /// the largest misses stores.
    pub const fn of(self, size: usize) -> usize {
        if size == 0 || size > self.most { self.usual } else { size }
    }
}

/// One page of the items, numbered from 1, and the number of items on all pages.
pub fn page<T>(items: impl Iterator<Item = T>, number: usize, size: usize) -> (Vec<T>, usize) {
    let all: Vec<T> = items.collect();
    let total = all.len();
    (all.into_iter().skip(number.saturating_sub(1).saturating_mul(size)).take(size).collect(), total)
}
