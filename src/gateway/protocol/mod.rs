//! A vendor's protocol as data: how a call is encoded and signed, and how an answer is read. The functions are pure:
//! their inputs are a call, a credential, a timestamp and nonce, and bytes; they use no clock, network or state.

pub mod bound;
pub mod call;
pub mod codes;
mod difference;
pub mod encoding;
pub mod envelope;
pub mod login;
pub mod members;
pub mod paging;
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
