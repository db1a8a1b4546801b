//! References in files: one for each, and `packed-refs`.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use super::{ReferencesError, Target};
use crate::git::objects::ObjectFormat;
use crate::git::path::{bytes_of, trimmed};
use crate::git::repository::Repository;
use crate::object_id::ObjectId;

type Names = BTreeMap<Vec<u8>, Target>;

/// Names in the git directory beside `HEAD` that lead to commits.
const SPECIAL: [&str; 8] = [
    "HEAD",
    "ORIG_HEAD",
    "FETCH_HEAD",
    "MERGE_HEAD",
    "CHERRY_PICK_HEAD",
    "REVERT_HEAD",
    "REBASE_HEAD",
    "AUTO_MERGE",
];

/// Folders deeper than this are not looked into: a name has at most so many parts.
const DEEPEST: usize = 256;

pub(super) fn read(repository: &Repository) -> Result<Names, ReferencesError> {
    let mut names = Names::new();
    packed(&repository.common_dir.join("packed-refs"), repository.format, &mut names)?;
    // A file counts more than what is packed.
    loose(&repository.common_dir, repository.format, &mut names)?;
    if repository.git_dir != repository.common_dir {
        loose(&repository.git_dir, repository.format, &mut names)?;
    }
    special(&repository.git_dir, repository.format, &mut names)?;
    Ok(names)
}

/// The names directly in a git directory.
pub(super) fn special(
    git_dir: &Path,
    format: ObjectFormat,
    names: &mut Names,
) -> Result<(), ReferencesError> {
    for name in SPECIAL {
        if let Some(target) = file(&git_dir.join(name), format, name != "HEAD")? {
            names.insert(name.into(), target);
        }
    }
    Ok(())
}

fn packed(path: &Path, format: ObjectFormat, names: &mut Names) -> Result<(), ReferencesError> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(ReferencesError::Io { path: path.into(), source }),
    };
    // Lines with `#` say how it was written, those with `^` what a tag leads to.
    for line in
        text.split(|byte| *byte == b'\n').filter(|line| !matches!(line.first(), None | Some(b'#' | b'^')))
    {
        let digits = 2 * format.length();
        let id = line.get(..digits).and_then(ObjectId::from_hex);
        let name = line.get(digits..).and_then(|rest| rest.strip_prefix(b" "));
        let (Some(id), Some(name)) = (id, name) else {
            return Err(ReferencesError::Damaged { path: path.into(), what: "a line of it is no reference" });
        };
        names.insert(trimmed(name).to_vec(), Target::Object(id));
    }
    Ok(())
}

fn loose(git_dir: &Path, format: ObjectFormat, names: &mut Names) -> Result<(), ReferencesError> {
    let mut open = vec![(git_dir.join("refs"), b"refs/".to_vec(), 0)];
    while let Some((folder, prefix, depth)) = open.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            // Not every linked work tree has references of its own; git removes empty folders at any time.
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                continue;
            }
            Err(source) => return Err(ReferencesError::Io { path: folder, source }),
        };
        for entry in entries {
            let entry = entry.map_err(|source| ReferencesError::Io { path: folder.clone(), source })?;
            let mut name = prefix.clone();
            name.extend_from_slice(&bytes_of(&entry.file_name()));
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                name.push(b'/');
                if depth < DEEPEST {
                    open.push((path, name, depth + 1));
                }
            } else if !name.ends_with(b".lock")
                && let Some(target) = file(&path, format, false)?
            {
                names.insert(name, target);
            }
        }
    }
    Ok(())
}

/// One reference; `None` if it is not there. `lenient` for files that may hold something else.
fn file(path: &Path, format: ObjectFormat, lenient: bool) -> Result<Option<Target>, ReferencesError> {
    // In old repositories `HEAD` is a symbolic link to the file of a branch, which need not be there.
    if let Ok(target) = fs::read_link(path)
        && target.starts_with("refs")
    {
        return Ok(Some(Target::Reference(bytes_of(target.as_os_str()))));
    }
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(source) => return Err(ReferencesError::Io { path: path.into(), source }),
    };
    if let Some(name) = text.strip_prefix(b"ref:") {
        return Ok(Some(Target::Reference(name.trim_ascii().to_vec())));
    }
    // `FETCH_HEAD` goes on behind the id.
    match text.get(..2 * format.length()).and_then(ObjectId::from_hex) {
        Some(id) => Ok(Some(Target::Object(id))),
        // What a crash left, and `git fsck` would complain about.
        None if lenient || text.trim_ascii().is_empty() => Ok(None),
        None => Err(ReferencesError::Damaged { path: path.into(), what: "it is no reference" }),
    }
}
