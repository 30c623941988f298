//! `--ready-file`: a JSON file that appears once the listener accepts, for scripts and tests that start the program.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

/// What the file says. It can hold a token and a secret, so only its owner may read it.
#[derive(Default, Serialize)]
pub struct Ready {
    /// Where the service listens.
    pub base_url: String,
    /// A token with every scope (demo).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// A client that may ask for tokens (demo).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Its secret (demo).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<String>,
    /// Where the sandbox gateway listens (demo).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sandbox_url: Option<String>,
}

impl Ready {
    /// Writes the file beside its place and moves it there, so that a reader never sees half of it.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let unfinished = unfinished(path);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&unfinished)?;
        serde_json::to_writer_pretty(&mut file, self)?;
        file.write_all(b"\n")?;
        fs::rename(&unfinished, path)
    }
}

fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".unfinished");
    PathBuf::from(name)
}
