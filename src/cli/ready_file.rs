//! `--ready-file`: a JSON file that appears when the listener accepts connections, for scripts and tests that start the
//! program. It is removed when the program ends.

#[cfg(unix)]
use std::fs::Metadata;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use futures_util::future::try_join;
use serde::Serialize;

use super::error::CliError;

/// The content of the file. It can hold a token and a secret, so only its owner may read it.
#[derive(Default, Serialize)]
pub struct Ready {
    /// The address of the service.
    pub base_url: String,
    /// A token with every scope (demo).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// A client that may request tokens (demo).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Its secret (demo).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<String>,
    /// The address of the sandbox gateway (demo).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sandbox_url: Option<String>,
}

/// The help text about the removal of the file, for every command that writes one.
pub const LIFE: &str = "The ready file is removed when the program ends; one that a killed program left behind, when the \
next one starts.";

/// A ready file during the run of the program. Dropping this removes the file.
#[derive(Debug)]
pub struct ReadyFile {
    path: PathBuf,
    unfinished: PathBuf,
    file: File,
}

impl ReadyFile {
    /// Checks that the file can be written before the service starts, and removes one that an earlier program left: a
    /// script would mistake it for this program's.
    ///
    /// # Errors
    /// The file cannot be written; the error names its path and the flag.
    pub fn prepare(path: PathBuf) -> Result<Self, CliError> {
        let unfinished = unfinished(&path);
        let file =
            remove_if_there(&path).and_then(|()| remove_if_there(&unfinished)).and_then(|()| create(&unfinished));
        match file {
            Ok(file) => Ok(Self { path, unfinished, file }),
            Err(error) => Err(unwritable(&path, &error)),
        }
    }

    /// Writes a temporary file and renames it, so that a reader never sees a partial one.
    fn publish(&self, ready: &Ready) -> Result<(), CliError> {
        self.write(ready).map_err(|error| unwritable(&self.path, &error))
    }

    fn write(&self, ready: &Ready) -> io::Result<()> {
        let mut text = serde_json::to_string_pretty(ready)?;
        text.push('\n');
        (&self.file).write_all(text.as_bytes())?;
        fs::rename(&self.unfinished, &self.path)
    }
}

impl Drop for ReadyFile {
    fn drop(&mut self) {
        for path in [&self.path, &self.unfinished] {
            // There may be no file, or that of another program.
            let removed = if is_at(&self.file, path) { fs::remove_file(path) } else { Ok(()) };
            if let Err(error) = removed {
                tracing::warn!(path = %path.display(), %error, "ready file not removed: remove it by hand");
            }
        }
    }
}

/// Serves until the end, and publishes the file meanwhile if one is requested.
///
/// # Errors
/// The file cannot be written, or the error of `serving`.
pub async fn serve(
    serving: impl Future<Output = io::Result<()>>,
    file: Option<ReadyFile>,
    ready: &Ready,
) -> Result<(), CliError> {
    let serving = async { Ok(serving.await?) };
    let publishing = async { file.as_ref().map_or(Ok(()), |file| file.publish(ready)) };
    // A server handles signals from its first poll on. The file is published after that, so that a script that has seen
    // it can stop the program gracefully.
    try_join(serving, publishing).await.map(|_| ())
}

/// Whether this very file is at a path. While it is open, no other file can have its inode number.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let number = |metadata: Metadata| (metadata.dev(), metadata.ino());
    let (Ok(ours), Ok(theirs)) = (file.metadata(), fs::symlink_metadata(path)) else { return false };
    number(ours) == number(theirs)
}

#[cfg(not(unix))]
fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}

/// Creates a file that only its owner may read.
fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

fn unwritable(path: &Path, error: &io::Error) -> CliError {
    CliError::message(format!(
        "cannot write the ready file {}: {error}; name another with --ready-file",
        path.display()
    ))
}

fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".unfinished");
    PathBuf::from(name)
}
