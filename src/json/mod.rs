//! Readers of JSON from outside. [`strict`] takes one object that no two readers could understand in two ways, as tokens and
//! keys have to be. The others are lenient: one odd value becomes `null`, one odd row is left out, and both are counted.

pub mod object;
pub mod odd_values;
pub mod raw;
pub mod scalar;
pub mod strict;
