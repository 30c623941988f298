//! A secret as a file has it. The mark that some editors put before a text and one end of a line belong to the file; what
//! else is there besides the secret is a mistake that a vendor would only answer with "wrong signature", so it is told.

#[cfg(unix)]
use std::fs::Metadata;
use std::path::Path;

use super::files::{self, FileError};

/// What is odd about a secret's file.
#[derive(Debug, thiserror::Error)]
pub enum SecretFileError {
    /// It is not text.
    #[error(transparent)]
    NotText(#[from] FileError),
    /// A NUL or another control character.
    #[error("the file has a control character (U+{0:04X}) in it")]
    Control(u32),
    /// More than one line, and not PEM.
    #[error("the file has several lines, and a secret is one: write it without empty lines behind it")]
    Lines,
    /// A blank that nobody sees.
    #[error("the file begins or ends with a blank: remove it")]
    Blank,
}

/// The secret in a file of this content. A key in PEM has lines and is left as it is.
///
/// # Errors
/// The content is not one secret.
pub fn read(content: &[u8]) -> Result<&str, SecretFileError> {
    let text = files::text(content)?;
    // Other text may stand before the first block (RFC 7468 §5.2).
    if text.split(['\n', '\r']).any(|line| line.trim_start().starts_with("-----BEGIN ")) {
        return Ok(text);
    }
    let line = text.strip_suffix('\n').map_or(text, |line| line.strip_suffix('\r').unwrap_or(line));
    if line.contains(['\n', '\r']) {
        return Err(SecretFileError::Lines);
    }
    if let Some(control) = line.chars().find(|letter| letter.is_control()) {
        return Err(SecretFileError::Control(control.into()));
    }
    if line.trim().len() != line.len() { Err(SecretFileError::Blank) } else { Ok(line) }
}

/// Whether every user of the machine may read the file, and go through all directories above it. What a container's runtime
/// mounts is left out: it is in a place of its own, and its mode is the runtime's.
#[cfg(unix)]
pub fn is_open_to_all(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    const READ_BY_OTHERS: u32 = 0o004;
    const PASSED_BY_OTHERS: u32 = 0o001;
    let has = |path: &Path, right: u32| {
        std::fs::metadata(path).as_ref().map(Metadata::permissions).is_ok_and(|rights| rights.mode() & right != 0)
    };
    // Kubernetes lets each file of a mounted secret point to the folder of its version.
    let is_versioned = std::fs::read_link(path).is_ok_and(|target| target.starts_with("..data"));
    let is_mounted = is_versioned || path.starts_with("/run/secrets") || path.starts_with("/var/run/secrets");
    // Where the links lead: what is above a link keeps nobody from the file itself.
    let Ok(path) = std::fs::canonicalize(path) else { return false };
    let is_reached = path.ancestors().skip(1).all(|directory| has(directory, PASSED_BY_OTHERS));
    !is_mounted && is_reached && has(&path, READ_BY_OTHERS)
}

/// Whether every user of the machine may read the file, which only Unix tells in this way.
#[cfg(not(unix))]
pub const fn is_open_to_all(_: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn a_mark_and_one_end_of_a_line_belong_to_the_file() {
        for content in ["planted", "planted\n", "planted\r\n", "\u{feff}planted", "\u{feff}planted\r\n"] {
            assert_eq!(read(content.as_bytes()).unwrap(), "planted", "{content:?}");
        }
        assert_eq!(read("店 铺 1".as_bytes()).unwrap(), "店 铺 1");
        let pem = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n\n";
        assert_eq!(read(pem.as_bytes()).unwrap(), pem);
        let explained = format!("Key of the shop\r\n  for tokens\n\n{pem}");
        assert_eq!(read(explained.as_bytes()).unwrap(), explained);
    }

    #[test]
    fn everything_else_is_told_and_not_shown() {
        let utf16: Vec<u8> = "\u{feff}planted".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (content, why) in [
            (&b"planted "[..], "begins or ends with a blank"),
            (b" planted\n", "begins or ends with a blank"),
            (b"planted\t\n", "control character (U+0009)"),
            ("planted\u{a0}\n".as_bytes(), "begins or ends with a blank"),
            (b"planted\0", "control character (U+0000)"),
            (b"planted\n\n", "several lines"),
            (b"planted\r", "several lines"),
            (b"planted\nanother\n", "several lines"),
            (b"planted\nanother -----BEGIN PRIVATE KEY-----\n", "several lines"),
            (&utf16, "UTF-16"),
            (b"plant\xe9d", "not text in UTF-8"),
        ] {
            let told = read(content).unwrap_err().to_string();
            assert!(told.contains(why) && !told.contains("planted"), "{content:x?}: {told}");
        }
    }
}
