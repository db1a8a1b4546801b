//! What the errors of SQLite and of the file system mean for a store.

use std::io;
use std::path::Path;

use rotakey_engine::store::StoreError;
use rustix::fs::Access;

/// Result codes of SQLite, as <https://www.sqlite.org/rescode.html> numbers them.
const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const READONLY: i32 = 8;
const CORRUPT: i32 = 11;
const FULL: i32 = 13;
const CANTOPEN: i32 = 14;
const NOTADB: i32 = 26;

/// An error of SQLite while it worked on the store at that path.
pub(crate) fn of_sqlite(path: &Path, error: &sqlx::Error) -> StoreError {
    let location = shown(path);
    let Some(code) = primary_code(error) else {
        return StoreError::Unavailable { location, message: error.to_string() };
    };
    match code {
        FULL => StoreError::Full { location },
        READONLY => StoreError::ReadOnly { location },
        // SQLite says no more than this when it may not make the files that it needs beside its own.
        CANTOPEN if is_read_only(path) => StoreError::ReadOnly { location },
        BUSY | LOCKED => StoreError::Unavailable {
            location,
            message: "another process has held its lock for too long".to_owned(),
        },
        NOTADB => StoreError::Foreign { location, message: "it is not an SQLite database".to_owned() },
        CORRUPT => StoreError::Unavailable {
            location,
            message: format!("the file is damaged ({error}): restore it from a backup"),
        },
        _ => StoreError::Unavailable { location, message: error.to_string() },
    }
}

/// An error of the file system, while it was asked to do something with the store at that path.
pub(crate) fn of_file(path: &Path, error: &io::Error) -> StoreError {
    let location = shown(path);
    match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            StoreError::ReadOnly { location }
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::Full { location },
        _ => StoreError::Unavailable { location, message: error.to_string() },
    }
}

/// A path for people: without the control characters that a file name may have.
pub(crate) fn shown(path: &Path) -> String {
    path.to_string_lossy().escape_debug().to_string()
}

/// The code without what extends it: `SQLITE_READONLY_DIRECTORY` is `SQLITE_READONLY`.
fn primary_code(error: &sqlx::Error) -> Option<i32> {
    let extended: i32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(extended & 0xff)
}

fn is_read_only(path: &Path) -> bool {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new("."));
    let writable = |path| rustix::fs::access(path, Access::WRITE_OK).is_ok();
    !writable(path) || !writable(directory)
}
