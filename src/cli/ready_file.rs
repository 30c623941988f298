//! `--ready-file`: a JSON file that appears once the listener accepts, for scripts and tests that start the program, and
//! is gone when the program is.

#[cfg(unix)]
use std::fs::Metadata;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use futures_util::future::try_join;
use serde::Serialize;

use super::error::CliError;

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

/// Help for what becomes of the file, which every command that writes one says.
pub const LIFE: &str = "The ready file is removed when the program ends; one that a killed program left behind, when the \
next one starts.";

/// The place of a ready file, for as long as the program runs. When it is dropped, the file is gone.
#[derive(Debug)]
pub struct ReadyFile {
    path: PathBuf,
    unfinished: PathBuf,
    file: File,
}

impl ReadyFile {
    /// Makes sure that the file can be written, before anything is served, and removes one that an earlier program has
    /// left, which would tell a script that this one is ready.
    ///
    /// # Errors
    /// When the file cannot be written, with its path and the flag.
    pub fn prepare(path: PathBuf) -> Result<Self, CliError> {
        let unfinished = unfinished(&path);
        let file =
            remove_if_there(&path).and_then(|()| remove_if_there(&unfinished)).and_then(|()| create(&unfinished));
        match file {
            Ok(file) => Ok(Self { path, unfinished, file }),
            Err(error) => Err(unwritable(&path, &error)),
        }
    }

    /// Writes the file beside its place and moves it there, so that a reader never sees half of it.
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
            // There may be none, or by now the one of another program.
            let removed = if is_at(&self.file, path) { fs::remove_file(path) } else { Ok(()) };
            if let Err(error) = removed {
                tracing::warn!(path = %path.display(), %error, "the ready file stays behind; remove it by hand");
            }
        }
    }
}

/// Serves to the end, and publishes the file, if there is to be one, meanwhile.
///
/// # Errors
/// When the file cannot be written, or what `serving` fails with.
pub async fn serve(
    serving: impl Future<Output = io::Result<()>>,
    file: Option<ReadyFile>,
    ready: &Ready,
) -> Result<(), CliError> {
    let serving = async { Ok(serving.await?) };
    let publishing = async { file.as_ref().map_or(Ok(()), |file| file.publish(ready)) };
    // A server listens for signals from its first turn on. That comes before the file is there, so that who has seen the
    // file can end the program in good order.
    try_join(serving, publishing).await.map(|_| ())
}

/// Whether this very file is at a path. While it is open, no other file can have its number.
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

/// A new file that only its owner may read.
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
