//! Who is asking, and what they may read.

pub mod claims;
pub mod grants;
pub mod jwk;
pub mod keys;
pub mod scope;
pub mod secrets;
