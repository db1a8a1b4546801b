//! Where the data of a command goes: standard output, or a file that is whole or untouched.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, BufWriter, Stdout, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// The sink of a command's data. Buffered: nothing is certain to have arrived before [`Output::finish`].
#[derive(Debug)]
pub(crate) enum Output {
    /// Standard output.
    Stdout(BufWriter<Stdout>),
    /// Standard output whose reader has gone, as `head` does when it has seen enough. What is written is
    /// dropped: the reader's choice is no error of the command, whose verdict still counts.
    Closed,
    /// A file beside the one asked for, which it replaces in one step at the end.
    Replacement {
        /// Deleted if dropped before the end.
        temporary: BufWriter<NamedTempFile>,
        /// The file asked for, with symbolic links resolved.
        path: PathBuf,
    },
    /// A device or a pipe with a name, such as `/dev/null`, which must not be replaced by a file.
    Special(BufWriter<File>),
}

impl Output {
    /// Standard output.
    pub(crate) fn stdout() -> Self {
        Self::Stdout(BufWriter::with_capacity(64 * 1024, io::stdout()))
    }

    /// The file of that name. Whatever it holds stays there until [`Output::finish`].
    pub(crate) fn file(path: &Path) -> io::Result<Self> {
        let path = match fs::canonicalize(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => path.to_owned(),
            resolved => resolved?,
        };
        if fs::metadata(&path).is_ok_and(|metadata| !metadata.is_file()) {
            return Ok(Self::Special(BufWriter::new(OpenOptions::new().write(true).open(path)?)));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let temporary = tempfile::Builder::new()
            .prefix(".rotakey-")
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(folder)?;
        Ok(Self::Replacement { temporary: BufWriter::with_capacity(64 * 1024, temporary), path })
    }

    /// Writes out what is buffered, and puts a file in its place.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.flush()?;
        if let Self::Replacement { temporary, path } = self {
            let temporary = temporary.into_inner().map_err(io::IntoInnerError::into_error)?;
            temporary.as_file().sync_all()?;
            temporary.persist(path)?;
        }
        Ok(())
    }

    fn forgive_closed_pipe<T>(&mut self, result: io::Result<T>, instead: T) -> io::Result<T> {
        match result {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                if let Self::Stdout(buffer) = std::mem::replace(self, Self::Closed) {
                    // Its destructor would try once more to write what nobody reads.
                    drop(buffer.into_parts());
                }
                Ok(instead)
            }
            other => other,
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stdout(stdout) => {
                let result = stdout.write(bytes);
                self.forgive_closed_pipe(result, bytes.len())
            }
            Self::Closed => Ok(bytes.len()),
            Self::Replacement { temporary, .. } => temporary.write(bytes),
            Self::Special(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stdout(stdout) => {
                let result = stdout.flush();
                self.forgive_closed_pipe(result, ())
            }
            Self::Closed => Ok(()),
            Self::Replacement { temporary, .. } => temporary.flush(),
            Self::Special(file) => file.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_at_the_end_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("findings.json");
        fs::write(&path, "old").unwrap();

        let mut abandoned = Output::file(&path).unwrap();
        abandoned.write_all(b"half").unwrap();
        drop(abandoned);
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");

        let mut output = Output::file(&path).unwrap();
        output.write_all(b"new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        output.finish().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
    }

    #[test]
    fn a_symbolic_link_stays_one_and_a_device_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        fs::write(&target, "old").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        let mut output = Output::file(&link).unwrap();
        output.write_all(b"new").unwrap();
        output.finish().unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());

        assert!(matches!(Output::file(Path::new("/dev/null")).unwrap(), Output::Special(_)));
    }
}
