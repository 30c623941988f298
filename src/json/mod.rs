//! Readers of JSON from outside. [`strict`] accepts one object that every reader understands in the same way, which
//! tokens and keys require. The others are lenient: an odd value becomes `null`, an odd row is skipped, and both are
//! counted.

pub mod object;
pub mod odd_values;
pub mod raw;
pub mod scalar;
pub mod strict;
