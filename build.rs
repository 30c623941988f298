//! Lists the packs of `packs/` for the program, so that a new pack is a new file and nothing else.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=packs");
    let folder = Path::new(&variable("CARGO_MANIFEST_DIR")?).join("packs");
    let mut files =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    let entry = |file: &PathBuf| format!("({:?}, include_str!({file:?})),", file.file_stem().unwrap_or_default());
    let list: String = files.iter().map(entry).collect();
    fs::write(Path::new(&variable("OUT_DIR")?).join("packs.rs"), format!("&[{list}]"))
}

fn variable(name: &str) -> io::Result<String> {
    env::var(name).map_err(io::Error::other)
}
