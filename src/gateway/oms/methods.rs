//! The OMS's methods that our resources call, as the vendor's shop page gives them.

use crate::gateway::dialect::{Door, Method};

/// A page of the list of stores.
pub const SHOP_GET_LIST: Method = Method::new("shop.getList", "1", Door::Rpc);

/// One store.
pub const SHOP_GET: Method = Method::new("shop.get", "1", Door::Rpc);
