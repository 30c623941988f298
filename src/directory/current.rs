//! The current store directories of all tenants; a reload replaces them between two requests.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::{Directory, DirectorySettings};

/// The directories of all tenants at one moment. A request uses one such snapshot.
#[derive(Clone, Debug, Default)]
pub struct Directories(Arc<HashMap<Arc<str>, Arc<Directory>>>);

impl Directories {
    /// The directory of a tenant; an empty one for a tenant without a file.
    pub fn of(&self, tenant: &str) -> Arc<Directory> {
        self.0.get(tenant).cloned().unwrap_or_default()
    }
}

impl From<DirectorySettings> for Directories {
    fn from(settings: DirectorySettings) -> Self {
        Self(Arc::new(settings.directories))
    }
}

/// The current directories.
#[derive(Debug, Default)]
pub struct CurrentDirectories(ArcSwap<Directories>);

impl CurrentDirectories {
    /// Starts with these directories.
    pub fn new(settings: DirectorySettings) -> Self {
        Self(ArcSwap::from_pointee(settings.into()))
    }

    /// A snapshot of the current directories.
    pub fn load(&self) -> Directories {
        Directories::clone(&self.0.load())
    }

    /// Replaces the directories. Responses depend on them, so the caller must renew the generation afterwards:
    /// otherwise responses from before would pass for current ones.
    pub fn renew(&self, settings: DirectorySettings) {
        self.0.store(Arc::new(settings.into()));
    }
}
