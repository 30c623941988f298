//! A small simulated retail world: the data of the vendors' systems. Every figure is a pure function of a store's
//! number, a date and an hour, so two sandboxes with one clock agree, and nothing has to be stored.

pub mod cities;
pub mod demographics;
pub mod developer_account;
pub mod inspections;
mod noise;
pub mod stores;
pub mod visitors;
pub mod weather;
