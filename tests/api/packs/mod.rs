//! Vendors as data: what their packs say, what may not stand there, and calls as the vendors document them.

mod captured_oms;
mod codes;
mod mistakes;
mod names;
mod published_oms;
mod reference;
mod reported_once;
mod signature_properties;
mod signing;
pub mod third_vendor;
mod third_vendor_calls;
mod third_vendor_reload;
mod third_vendor_stores;
pub mod vectors;
