//! A gateway in a box: both vendors' wire dialects behind a real listener, with the checks that the real ones make.
//! It knows the wire and never our resources. With the proxy it shares only the signatures, the sorting of parameters
//! and the clock.

mod china_time;
mod settings;
mod world;

pub use self::settings::{
    AcceptedTimestamp, OMS_DEFAULT_PAGE, OmsAccount, OpRetailAccount, Organization, PermittedMethods, SandboxSettings,
};
use self::world::stores::CountedStore;

/// The stores of an enterprise that both vendors know: OPRetail's id (`S_100001`) and the OMS's code (`SHOP001`).
pub fn stores_of(enterprise_id: u32) -> impl Iterator<Item = (String, String)> {
    CountedStore::of_enterprise(enterprise_id).map(|store| (format!("S_{}", store.id), store.oms_code()))
}
