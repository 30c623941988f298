//! How a problem names the file that a setting names. What was written may be a secret in the place of its path, so it is
//! shown only where it is clearly a path: its folder exists, or it ends like the name of a file.

use std::path::{Path, PathBuf};

use super::files::FileError;

/// How files of a configuration end. A secret by chance does not.
const ENDINGS: [&str; 10] = ["cer", "crt", "csv", "json", "key", "pem", "secret", "toml", "token", "txt"];
const LONGEST_NAME: usize = 64;

/// Says that the file cannot be read: its path, the folder that a relative one was looked up in, and why.
pub(super) fn unreadable(path: &str, error: &FileError) -> String {
    let written = Path::new(path);
    let name =
        if is_clearly_a_path(written) { format!("the file {path}") } else { "the file that is named here".into() };
    let place =
        looked_up_in(written).map_or_else(String::new, |folder| format!(" (looked up in {})", folder.display()));
    format!("{name} cannot be read{place}: {error}")
}

fn is_clearly_a_path(path: &Path) -> bool {
    // Many a secret begins with a slash, so the root is no such folder.
    let folder = path.parent().filter(|folder| folder.file_name().is_some());
    folder.is_some_and(Path::is_dir) || has_a_files_name(path)
}

/// A relative path of plain names, the last of which has an ending.
fn has_a_files_name(path: &Path) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte);
    let text = path.to_str().unwrap_or_default();
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    text.len() <= LONGEST_NAME && text.bytes().all(is_plain) && ENDINGS.contains(&ending)
}

fn looked_up_in(path: &Path) -> Option<PathBuf> {
    if path.is_absolute() { None } else { std::env::current_dir().ok() }
}

#[cfg(test)]
mod tests {
    use super::unreadable;
    use crate::settings::FileError;

    fn told(path: &str) -> String {
        unreadable(path, &FileError::TooLarge(1))
    }

    #[test]
    fn a_path_is_shown_with_the_folder_that_it_was_looked_up_in() {
        let here = std::env::current_dir().unwrap();
        let folder = std::env::temp_dir();
        let absolute = folder.join("no-such-file");
        assert!(told(absolute.to_str().unwrap()).starts_with(&format!("the file {} cannot", absolute.display())));
        for relative in ["secrets/oms.token", "keys/first.pem", "stores.csv", "src/no-such-file", "../x.json"] {
            let expected = format!("the file {relative} cannot be read (looked up in {}): it is", here.display());
            assert!(told(relative).starts_with(&expected), "{}", told(relative));
        }
    }

    #[test]
    fn what_may_be_a_secret_is_not_shown() {
        for secret in [
            "planted",
            "planted/and+more=",
            "/planted",
            "-----BEGIN PRIVATE KEY-----\nplanted\n-----END PRIVATE KEY-----",
            "planted.planted.planted",
            "planted word.pem",
            &format!("{}.pem", "planted".repeat(10)),
        ] {
            let told = told(secret);
            assert!(told.starts_with("the file that is named here cannot") && !told.contains("planted"), "{told}");
        }
    }
}
