//! The one reader of the files that a configuration is made of. A pipe or a device in the place of a file would hold its
//! reader up for ever or fill the memory, so nothing but a regular file is opened, and none is read beyond its limit.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

/// The most that a configuration, a key or a secret may be long, in bytes.
pub const MOST_OF_A_TEXT: usize = 1 << 20;

/// The most that a list may be long, and with it any file of a configuration.
pub const MOST_OF_A_LIST: usize = 16 << 20;

/// Why a file cannot be read. It names neither the file nor anything of what is in it.
#[derive(Clone, Debug, thiserror::Error)]
pub enum FileError {
    /// What the system says.
    #[error("{0}")]
    Io(Arc<io::Error>),
    /// A directory, a pipe, a device or a socket.
    #[error("it is not a regular file{0}")]
    NotRegular(NotRegular),
    /// It goes beyond its limit.
    #[error("it is larger than {} KiB", .0 >> 10)]
    TooLarge(usize),
    /// A text was expected.
    #[error("it is not text in UTF-8")]
    NotText,
    /// A text was expected, and this is one in the other form that editors write.
    #[error("it is not text in UTF-8 but in UTF-16: save it as UTF-8")]
    Utf16,
}

/// What is in the place of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotRegular {
    is_directory: bool,
    identity: [i64; 2],
}

impl fmt::Display for NotRegular {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.is_directory { " but a directory" } else { "" })
    }
}

impl FileError {
    /// What differs when something else cannot be read in the same place.
    pub(super) fn distinction(&self) -> String {
        match self {
            Self::NotRegular(NotRegular { is_directory, identity }) => format!("{self} {is_directory} {identity:?}"),
            other => other.to_string(),
        }
    }
}

impl From<io::Error> for FileError {
    fn from(error: io::Error) -> Self {
        Self::Io(Arc::new(error))
    }
}

/// Reads a whole file of at most `most` bytes.
///
/// # Errors
/// It is not there, no regular file, or too large.
pub fn read(path: &Path, most: usize) -> Result<Vec<u8>, FileError> {
    // To open a pipe would wait for its other end, so what it is comes first.
    check(&std::fs::metadata(path)?)?;
    let file = File::open(path)?;
    check(&file.metadata()?)?;
    let mut content = Vec::new();
    // Files of `/proc` say that they are empty, so the length that a file has by its own word is not enough.
    file.take(most as u64 + 1).read_to_end(&mut content)?;
    if content.len() > most { Err(FileError::TooLarge(most)) } else { Ok(content) }
}

fn check(about: &Metadata) -> Result<(), FileError> {
    if about.is_file() {
        return Ok(());
    }
    Err(FileError::NotRegular(NotRegular { is_directory: about.is_dir(), identity: identity(about) }))
}

#[cfg(unix)]
fn identity(about: &Metadata) -> [i64; 2] {
    use std::os::unix::fs::MetadataExt as _;
    [about.dev().cast_signed(), about.ino().cast_signed()]
}

#[cfg(not(unix))]
const fn identity(_: &Metadata) -> [i64; 2] {
    [0; 2]
}

/// What some editors put before a text in UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// The bytes of a text without the mark that some editors put before it.
pub fn without_mark(content: &[u8]) -> &[u8] {
    content.strip_prefix(MARK).unwrap_or(content)
}

/// The bytes of a file as text, without the mark that some editors put before it.
///
/// # Errors
/// It is not UTF-8.
pub fn text(content: &[u8]) -> Result<&str, FileError> {
    if content.starts_with(b"\xff\xfe") || content.starts_with(b"\xfe\xff") {
        return Err(FileError::Utf16);
    }
    std::str::from_utf8(without_mark(content)).map_err(|_| FileError::NotText)
}

/// The content of a file, shared by all who ask for it.
type FileContent = Result<Rc<[u8]>, FileError>;

/// The files of one reading of a configuration. Each is read once, so that what is in force and the fingerprint by which a
/// change is noticed are of the same bytes.
#[derive(Default)]
pub struct Files(RefCell<BTreeMap<PathBuf, FileContent>>);

impl Files {
    /// The content of a file.
    ///
    /// # Errors
    /// The same as those of [`read`].
    pub fn get(&self, path: &Path, most: usize) -> Result<Rc<[u8]>, FileError> {
        let mut files = self.0.borrow_mut();
        let content = match files.get(path) {
            Some(known) => known.clone(),
            None => {
                let content = read(path, MOST_OF_A_LIST).map(Rc::from);
                files.insert(path.to_owned(), content.clone());
                content
            }
        }?;
        if content.len() > most { Err(FileError::TooLarge(most)) } else { Ok(content) }
    }
}

/// The contents are secrets.
impl fmt::Debug for Files {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Files(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::{FileError, Files, read};
    use std::path::Path;

    #[test]
    fn only_a_regular_file_within_its_limit_is_read_and_only_once() {
        let path = std::env::temp_dir().join(format!("storegate-files-{}", std::process::id()));
        std::fs::write(&path, "0123456789").unwrap();
        let files = Files::default();
        assert_eq!(&*files.get(&path, 10).unwrap(), b"0123456789");
        std::fs::write(&path, "another").unwrap();
        assert_eq!(&*files.get(&path, 10).unwrap(), b"0123456789");
        assert!(matches!(files.get(&path, 9), Err(FileError::TooLarge(9))));
        assert!(matches!(read(&path, 6), Err(FileError::TooLarge(6))));
        assert_eq!(read(&path, 7).unwrap(), b"another");
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(read(&path, 7), Err(FileError::Io(_))));
        assert!(matches!(read(&std::env::temp_dir(), 7), Err(FileError::NotRegular(_))));
        assert!(!format!("{files:?}").contains("0123"));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_device_without_end_is_refused_and_so_is_a_file_that_does_not_know_its_length() {
        assert!(matches!(read(Path::new("/dev/zero"), 7), Err(FileError::NotRegular(_))));
        assert!(matches!(read(Path::new("/proc/self/status"), 7), Err(FileError::TooLarge(7))));
    }
}
