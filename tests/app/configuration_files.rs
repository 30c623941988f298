//! The files that a service was started with, and who reads them again.

use std::fs;
use std::path::PathBuf;

use storegate::config::{LoadedConfig, Settings};
use storegate::reload::Reloader;
use storegate::vendors::Vendors;

use crate::app::TestApp;
use crate::app::program::directory;

/// Reads a configuration.
pub type Read = Box<dyn Fn(&Vendors) -> LoadedConfig>;

/// The files of a service.
pub struct Files {
    /// Where its configuration is.
    pub path: PathBuf,
    /// What it was at first.
    pub text: String,
    /// Reads it again.
    pub reloader: Reloader<Read>,
}

impl Files {
    /// The files of this service, in a directory of this name.
    pub fn of(app: &TestApp, name: &str) -> Self {
        let path = directory(name).join("storegate.toml");
        let text = app.configuration.clone();
        fs::write(&path, &text).unwrap();
        let file = path.clone();
        let read: Read =
            Box::new(move |running: &Vendors| Settings::read_from(Some(&file), std::iter::empty(), Some(running)));
        let sources = read(&app.in_force.vendors).sources;
        Self { path, text, reloader: Reloader::new(app.in_force.clone(), sources, read) }
    }

    /// Writes another configuration.
    pub fn write(&mut self, text: &str) {
        fs::write(&self.path, text).unwrap();
    }

    /// Replaces a part of the first text.
    pub fn change(&mut self, part: &str, by: &str) {
        assert!(self.text.contains(part), "{part}");
        self.write(&self.text.replacen(part, by, 1));
    }
}
