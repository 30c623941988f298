//! What the service and the project say about themselves: pages, health, the README.

mod dashboard;
mod generated;
mod readme;
mod service;
