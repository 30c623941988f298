//! HTTP as clients see it: methods, errors, headers, and the addresses in answers.

mod cors;
mod errors;
mod methods;
mod page_headers;
mod public_url;
