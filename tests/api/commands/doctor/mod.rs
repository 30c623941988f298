//! `storegate doctor`, with each thing broken in turn: it names the cause and the remedy, and its exit code says the worst.

mod answers;
mod credentials;
mod methods;
mod packs;
mod report;
