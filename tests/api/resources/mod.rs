//! The resources: parameters, bodies, pages, and streams of events.

mod bodies;
mod combined;
mod declared;
mod flow_events;
mod missing_parts;
mod pages;
mod parameters;
