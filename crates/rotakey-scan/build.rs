//! Tells the program which sources it is built from. What the cache keeps is true of one set of rules, and a number
//! that somebody has to count up with every change of them would be forgotten once, and then hide a key for ever.

use std::path::{Path, PathBuf};
use std::{fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=src");
    let mut files = Vec::new();
    collect(Path::new("src"), &mut files)?;
    // The order in which a folder is listed is nobody's promise.
    files.sort();
    let mut hash = Fnv::default();
    for file in files {
        let content = fs::read(&file)?;
        let name = file.to_string_lossy().replace('\\', "/");
        for part in [name.as_bytes(), &content] {
            hash.update(&(part.len() as u64).to_le_bytes());
            hash.update(part);
        }
    }
    println!("cargo::rustc-env=ROTAKEY_SCAN_SOURCES={:032x}", hash.0);
    Ok(())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { collect(&path, files)? } else { files.push(path) }
    }
    Ok(())
}

/// FNV-1a of 128 bits: nobody but us chooses what it is of, so it need not withstand anybody, and needs no crate.
struct Fnv(u128);

impl Default for Fnv {
    fn default() -> Self {
        Self(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d)
    }
}

impl Fnv {
    fn update(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u128::from(*byte)).wrapping_mul(0x0100_0000_0000_0000_0000_013b);
        }
    }
}
