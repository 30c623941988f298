//! The directories of all companies that are in force; a reload puts new ones in their place between two requests.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::{Directory, DirectorySettings};

/// The directories of all companies, as they were at one moment. A request keeps to one moment.
#[derive(Clone, Debug, Default)]
pub struct Directories(Arc<HashMap<Arc<str>, Arc<Directory>>>);

impl Directories {
    /// The directory of a company; one that knows no id for a company that is not configured.
    pub fn of(&self, tenant: &str) -> Arc<Directory> {
        self.0.get(tenant).cloned().unwrap_or_default()
    }
}

impl From<DirectorySettings> for Directories {
    fn from(settings: DirectorySettings) -> Self {
        Self(Arc::new(settings.directories))
    }
}

/// The directories in force.
#[derive(Debug, Default)]
pub struct CurrentDirectories(ArcSwap<Directories>);

impl CurrentDirectories {
    /// Puts the first directories in force.
    pub fn new(settings: DirectorySettings) -> Self {
        Self(ArcSwap::from_pointee(settings.into()))
    }

    /// Those in force.
    pub fn load(&self) -> Directories {
        Directories::clone(&self.0.load())
    }

    /// Puts others in force. What answers rest on has changed then: the caller renews what is told by a generation after
    /// this, so that no answer of before is taken for one of now.
    pub fn renew(&self, settings: DirectorySettings) {
        self.0.store(Arc::new(settings.into()));
    }
}
