//! Store ids: the store directory, and what a store is called at each vendor.

mod store_ids;
mod store_sources;
