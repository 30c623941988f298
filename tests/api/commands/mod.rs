//! The program's commands, run as an operator runs them.

mod broken_packs;
mod call;
mod directory;
mod doctor;
mod output;
mod ready_file;
mod sandbox;
mod serve;
mod vendor;
