//! Who is asking, and what they may read.

pub mod scope;
