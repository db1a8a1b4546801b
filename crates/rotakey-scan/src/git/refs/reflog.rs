//! The logs of references, which keep alive what no reference leads to any more.

use std::fs;
use std::io;
use std::path::PathBuf;

use super::ReferencesError;
use crate::git::repository::Repository;
use crate::object_id::ObjectId;

const DEEPEST: usize = 256;

pub(super) fn read(repository: &Repository) -> Result<Vec<ObjectId>, ReferencesError> {
    let mut open: Vec<(PathBuf, usize)> = vec![(repository.common_dir.join("logs"), 0)];
    // Each linked work tree has logs of its own.
    if let Ok(trees) = fs::read_dir(repository.common_dir.join("worktrees")) {
        open.extend(trees.flatten().map(|tree| (tree.path().join("logs"), 0)));
    }
    let mut ids = Vec::new();
    while let Some((folder, depth)) = open.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                continue;
            }
            Err(source) => return Err(ReferencesError::Io { path: folder, source }),
        };
        for entry in entries {
            let entry = entry.map_err(|source| ReferencesError::Io { path: folder.clone(), source })?;
            let path = entry.path();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && depth < DEEPEST => open.push((path, depth + 1)),
                Ok(kind) if kind.is_file() => {
                    let text = fs::read(&path).map_err(|source| ReferencesError::Io { path, source })?;
                    // Before and after, and then who, when and why. What a crash cut off says nothing.
                    ids.extend(text.split(|byte| *byte == b'\n').flat_map(|line| {
                        let words = line.splitn(3, |byte| *byte == b' ').take(2);
                        words.filter_map(ObjectId::from_hex).filter(|id| !id.is_zero())
                    }));
                }
                _ => {}
            }
        }
    }
    Ok(ids)
}
