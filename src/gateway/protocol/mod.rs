//! A vendor's protocol as data: how a call is written and signed, and how an answer is read. Pure functions of a call, a
//! credential and a stamp, and of bytes: no clock, no network, no state.

pub mod bound;
pub mod call;
pub mod codes;
mod difference;
pub mod encoding;
pub mod envelope;
pub mod login;
pub mod members;
pub mod signing;
pub mod template;
pub mod time;
mod unescaped_texts;
mod writing;

pub use bound::Protocol;
pub use call::{
    Argument, Call, Explanation, HttpMethod, LoginAnswer, Method, SignedRequest, SignedTextDifference,
    TimestampAndNonce, TokenExpiryHint,
};
