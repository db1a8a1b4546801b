//! Small files as bytes, and what their errors mean for the caller.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rotakey_engine::port::{PortError, PortErrorKind};
use rustix::io::Errno;
use zeroize::Zeroizing;

/// Far more than any file of credentials has; a larger one is a wrong path, and is not read into memory.
const SIZE_LIMIT: u64 = 4 << 20;

/// The whole of a regular file, or `None` if there is none.
pub(crate) fn read(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, PortError> {
    let read = || -> io::Result<Option<Zeroizing<Vec<u8>>>> {
        // Asked before the file is opened: opening a named pipe would wait for its writer for ever.
        match fs::metadata(path) {
            Ok(metadata) if !metadata.is_file() => return Err(Errno::ISDIR.into()),
            Ok(metadata) if metadata.len() > SIZE_LIMIT => return Err(Errno::FBIG.into()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        }
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        // Allocated once: a growing buffer would leave copies of the secret behind.
        let size = usize::try_from(file.metadata()?.len().min(SIZE_LIMIT)).unwrap_or(0);
        let mut bytes = Zeroizing::new(Vec::with_capacity(size + 1));
        file.take(SIZE_LIMIT).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    };
    read().map_err(|error| match Errno::from_io_error(&error) {
        Some(Errno::ISDIR) => invalid("read", path, "this is not a regular file"),
        Some(Errno::FBIG) => invalid("read", path, "the file is larger than 4 MiB: is the path right?"),
        _ => failed("read", path, &error),
    })
}

/// The file that a path leads to: the target if it is a symbolic link, the path itself if nothing is there.
pub(crate) fn resolve(path: &Path) -> Result<PathBuf, PortError> {
    match fs::canonicalize(path) {
        Ok(target) => Ok(target),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if fs::symlink_metadata(path).is_ok() {
                return Err(invalid("open", path, "the symbolic link leads to nothing"));
            }
            Ok(path.to_owned())
        }
        Err(error) => Err(failed("open", path, &error)),
    }
}

/// The directory that a file is in.
pub(crate) fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A path for people: without the control characters that a file name may have.
pub(crate) fn shown(path: &Path) -> String {
    path.to_string_lossy().escape_debug().to_string()
}

/// An error of the operating system, before anything was changed.
pub(crate) fn failed(operation: &str, path: &Path, error: &io::Error) -> PortError {
    PortError::new(kind(error), format!("{operation} {}", shown(path)), error.to_string())
}

/// A path or a content that is wrong in itself.
pub(crate) fn invalid(operation: &str, path: &Path, message: impl Into<String>) -> PortError {
    PortError::new(PortErrorKind::Invalid, format!("{operation} {}", shown(path)), message)
}

/// A content that must not be overwritten.
pub(crate) fn conflict(operation: &str, path: &Path, message: impl Into<String>) -> PortError {
    PortError::new(PortErrorKind::Conflict, format!("{operation} {}", shown(path)), message)
}

fn kind(error: &io::Error) -> PortErrorKind {
    // Not by number, except where the kind has no stable name: errors of temporary files are wrapped.
    match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => PortErrorKind::Denied,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            PortErrorKind::LimitExceeded
        }
        io::ErrorKind::NotFound
        | io::ErrorKind::NotADirectory
        | io::ErrorKind::IsADirectory
        | io::ErrorKind::InvalidFilename
        | io::ErrorKind::InvalidInput
        // Renaming onto a mount point, such as a single file that is mounted into a container.
        | io::ErrorKind::ResourceBusy => PortErrorKind::Invalid,
        _ if Errno::from_io_error(error) == Some(Errno::LOOP) => PortErrorKind::Invalid,
        _ => PortErrorKind::Ambiguous,
    }
}
