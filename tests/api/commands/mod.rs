//! The program's commands, run as an operator runs them.

pub mod call;
mod directory;
pub mod doctor;
mod doctor_methods;
mod ready_file;
mod sandbox;
