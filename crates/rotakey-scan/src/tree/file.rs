//! Reads one file.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::buffer::spare_capacity;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::bytes_of;
use crate::container::Opener;
use crate::coverage::{Reason, Unread};
use crate::pieces::PIECE;
use crate::place::Place;
use crate::progress::Progress;
use crate::scan::Scan;

/// The room that is made at once. Most files are smaller.
const ROOM: usize = 64 << 10;

/// Reads files, one after the other, into one buffer.
pub(super) struct Files<'a> {
    pub(super) scan: &'a Scan,
    pub(super) progress: &'a dyn Progress,
    pub(super) buffer: Vec<u8>,
}

/// What a file turned out to be.
pub(super) enum Seen {
    /// It was read, or it is told why not.
    Done,
    /// A symbolic link.
    Link,
    /// A folder.
    Folder,
    /// A device, a socket or a pipe.
    Special,
    /// It was read already, or will be.
    Elsewhere,
}

impl Files<'_> {
    /// Opens a file and scans it. `is_elsewhere` says whether it is read under another name.
    pub(super) fn read(
        &mut self,
        folder: BorrowedFd<'_>,
        name: &[u8],
        path: &Path,
        is_elsewhere: impl Fn(&Stat) -> bool,
    ) -> Seen {
        // Opening a pipe would wait for somebody to write, were it not for `NONBLOCK`.
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
        let opened = loop {
            match rustix::fs::openat(folder, name, flags, Mode::empty()) {
                Err(Errno::INTR) => {}
                other => break other,
            }
        };
        let file = match opened {
            Ok(file) => file,
            Err(Errno::LOOP) => return Seen::Link,
            // Sockets, and devices that are not there.
            Err(Errno::NXIO | Errno::NODEV) => return Seen::Special,
            Err(error) => {
                // What may not even be opened may yet be nothing to read.
                let status = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW);
                return match status.map(|status| FileType::from_raw_mode(status.st_mode)) {
                    Ok(FileType::RegularFile | FileType::Directory | FileType::Unknown) | Err(_) => {
                        self.unread(path, error.into());
                        Seen::Done
                    }
                    Ok(FileType::Symlink) => Seen::Link,
                    Ok(_) => Seen::Special,
                };
            }
        };
        let status = match rustix::fs::fstat(&file) {
            Ok(status) => status,
            Err(error) => {
                self.unread(path, error.into());
                return Seen::Done;
            }
        };
        match FileType::from_raw_mode(status.st_mode) {
            FileType::RegularFile => {}
            FileType::Directory => return Seen::Folder,
            _ => return Seen::Special,
        }
        if is_elsewhere(&status) {
            return Seen::Elsewhere;
        }
        self.scan_file(file, &status, path);
        Seen::Done
    }

    /// Scans an open file.
    pub(super) fn scan_file(&mut self, file: OwnedFd, status: &Stat, path: &Path) {
        let expected = usize::try_from(status.st_size).unwrap_or(usize::MAX);
        let place = Place::file(bytes_of(path));
        match self.read_head(file.as_fd(), expected) {
            Ok(true) => self.scan.content(&place, &self.buffer),
            Ok(false) => {
                let opener = Opener::new(self.scan, expected.max(self.buffer.len()) as u64);
                opener.file(&place, &File::from(file), &mut self.buffer);
                self.buffer.shrink_to(2 * PIECE);
            }
            Err(error) => {
                self.scan.content(&place, &self.buffer);
                self.unread(path, error);
            }
        }
        self.progress.advanced(1, status.st_size.max(0).cast_unsigned());
    }

    /// Reads the beginning of a file into the buffer. Whether that is all of it.
    fn read_head(&mut self, file: BorrowedFd<'_>, expected: usize) -> io::Result<bool> {
        self.buffer.clear();
        // One byte more than expected: if it stays empty, the end of the file was seen.
        self.buffer.reserve(expected.saturating_add(1).clamp(ROOM, PIECE));
        loop {
            if self.buffer.len() >= PIECE {
                return Ok(false);
            }
            self.buffer.reserve(1);
            match rustix::io::read(file, spare_capacity(&mut self.buffer)) {
                Ok(0) => return Ok(true),
                // Less than there was room for, and all that was promised. Files without a size, as those of `/proc`, may
                // have more.
                Ok(_) if expected > 0 && self.buffer.len() == expected => {
                    if self.buffer.len() < self.buffer.capacity() {
                        return Ok(true);
                    }
                }
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Tells that a file could not be read.
    pub(super) fn unread(&self, path: &Path, error: io::Error) {
        unread(self.scan, path, &error);
    }
}

/// Tells that a file or folder could not be read.
pub(super) fn unread(scan: &Scan, path: &Path, error: &io::Error) {
    let place = path.display().to_string();
    scan.unread(Unread { place, reason: Reason::Io, detail: error.to_string() });
}
