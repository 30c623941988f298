//! What the program is configured with: files that are wrong, files that change, and files that are no files.

mod addresses;
mod credential_rotation;
mod documents;
mod file_changes;
mod files;
mod frequent_reload;
mod reload;
mod secret_paths;
mod settings;
mod special_files;
