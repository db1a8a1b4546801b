//! Replacing a file in one step, durably, while no other rotakey does the same.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rotakey_engine::port::{PortError, PortErrorKind};
use rustix::fs::{Access, Gid, OFlags, Uid};

use crate::destination::io::{directory, failed, invalid, resolve, shown};

/// A file holds its lock for some milliseconds at a time, so one that stays locked for five seconds belongs
/// to a process that hangs.
const LOCK_ATTEMPTS: u32 = 500;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// Enough for the file, its temporary copy, its lock and the directory entries of all.
const SPACE_NEEDED: u64 = 64 << 10;

/// The right to write a file. Other processes of rotakey wait for it; applications need none, because they
/// only ever see whole files.
#[derive(Debug)]
pub(crate) struct Exclusive {
    target: PathBuf,
    /// Locked until it is closed, also when the process is killed.
    _lock: File,
}

impl Exclusive {
    /// Waits for the right to write the file that the path leads to. Makes its directory if there is none
    /// (0700), and removes what a process that died while writing has left.
    pub(crate) fn acquire(path: &Path) -> Result<Self, PortError> {
        let target = resolve(path)?;
        create_directory(directory(&target)).map_err(|error| failed("create", directory(&target), &error))?;
        let lock_path = sibling(&target, "", ".rotakey-lock");
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
            .open(&lock_path)
            .map_err(|error| failed("open", &lock_path, &error))?;
        wait_for(&lock, &lock_path)?;
        let exclusive = Self { target, _lock: lock };
        remove(&exclusive.temporary())?;
        Ok(exclusive)
    }

    /// The file itself: not a symbolic link.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// Puts a file of these contents in the place of the one at `path`, which is the target or a sibling of
    /// it. A reader finds the old file or the new one; when this returns, the new one is on disk. Its owner
    /// is kept, and nobody but the owner can use it: see [`private_mode`].
    pub(crate) fn replace(&self, path: &Path, contents: &[u8]) -> Result<(), PortError> {
        let written = self.write_temporary(path, contents).map_err(|error| failed("write", path, &error))?;
        written.persist(path).map_err(|error| failed("write", path, &error.error))?;
        sync_directory(path)
    }

    /// Removes the file at `path`, which is a sibling of the target, if it exists.
    pub(crate) fn remove(&self, path: &Path) -> Result<(), PortError> {
        if remove(path)? { sync_directory(path) } else { Ok(()) }
    }

    fn write_temporary(&self, path: &Path, contents: &[u8]) -> io::Result<tempfile::NamedTempFile> {
        let replaced = match fs::metadata(path) {
            Ok(metadata) => Some(metadata),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let mode = replaced.as_ref().map_or(0o600, |replaced| private_mode(replaced.mode()));
        let temporary = self.temporary();
        let mut file = tempfile::Builder::new()
            .prefix(temporary.file_name().unwrap_or_default())
            // The lock makes a fixed name safe, and a fixed name lets the next process find the leftover.
            .rand_bytes(0)
            .suffix("")
            .permissions(Permissions::from_mode(0o600))
            .tempfile_in(directory(&temporary))?;
        file.as_file_mut().write_all(contents)?;
        if let Some(replaced) = replaced {
            keep_owner(file.as_file(), &replaced)?;
        }
        file.as_file().set_permissions(Permissions::from_mode(mode))?;
        file.as_file().sync_all()?;
        Ok(file)
    }

    fn temporary(&self) -> PathBuf {
        sibling(&self.target, ".", ".rotakey-temporary")
    }
}

/// Changes nothing. Fails if the file at that path (or the one that it links to) could not be replaced.
pub(crate) fn check(path: &Path) -> Result<(), PortError> {
    let target = resolve(path)?;
    match fs::metadata(&target) {
        Ok(metadata) if !metadata.is_file() => {
            return Err(invalid("write", path, "this is not a regular file"));
        }
        Ok(metadata) => check_owner(path, &metadata)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed("write", path, &error)),
    }
    let ancestor = existing_ancestor(directory(&target))?;
    rustix::fs::access(ancestor, Access::WRITE_OK | Access::EXEC_OK)
        .map_err(|error| failed("write in", ancestor, &error.into()))
}

/// Changes nothing. Fails if the file system has no room for a new version of the file.
pub(crate) fn check_space(path: &Path) -> Result<(), PortError> {
    let target = resolve(path)?;
    let ancestor = existing_ancestor(directory(&target))?;
    let room = rustix::fs::statvfs(ancestor).map_err(|error| failed("write in", ancestor, &error.into()))?;
    let bytes = room.f_bavail.saturating_mul(room.f_frsize);
    // File systems that make inodes as needed say that they have none at all.
    let out_of_inodes = room.f_files > 0 && room.f_favail == 0;
    if bytes < SPACE_NEEDED || out_of_inodes {
        return Err(PortError::new(
            PortErrorKind::LimitExceeded,
            format!("write in {}", shown(ancestor)),
            format!("the disk is full: {bytes} bytes are free, {SPACE_NEEDED} are needed"),
        ));
    }
    Ok(())
}

/// The mode of a new version of a file. Others lose all access. The group keeps its right to read only where
/// somebody gave it on purpose, which shows in that others have none: taking it away would cut off the
/// applications that read the file through it.
fn private_mode(mode: u32) -> u32 {
    let shared_on_purpose = mode & 0o007 == 0;
    if shared_on_purpose { 0o600 | mode & 0o040 } else { 0o600 }
}

/// A file that changes hands is a file that its application cannot read any more.
fn keep_owner(file: &File, replaced: &fs::Metadata) -> io::Result<()> {
    let made = file.metadata()?;
    if made.uid() != replaced.uid() {
        rustix::fs::fchown(file, Some(Uid::from_raw(replaced.uid())), None)?;
    }
    if made.gid() != replaced.gid() {
        let kept = rustix::fs::fchown(file, None, Some(Gid::from_raw(replaced.gid())));
        let group_reads = private_mode(replaced.mode()) & 0o040 != 0;
        if group_reads {
            kept?;
        }
    }
    Ok(())
}

fn check_owner(path: &Path, metadata: &fs::Metadata) -> Result<(), PortError> {
    let user = rustix::process::geteuid();
    if user.is_root() || metadata.uid() == user.as_raw() {
        return Ok(());
    }
    Err(PortError::new(
        PortErrorKind::Denied,
        format!("write {}", shown(path)),
        format!(
            "the file belongs to user {}, and replaced by user {user} it would change hands: run as its owner",
            metadata.uid()
        ),
    ))
}

fn wait_for(lock: &File, path: &Path) -> Result<(), PortError> {
    for _ in 0..LOCK_ATTEMPTS {
        match lock.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => thread::sleep(LOCK_PAUSE),
            Err(TryLockError::Error(error)) => return Err(failed("lock", path, &error)),
        }
    }
    Err(PortError::new(
        PortErrorKind::Throttled,
        format!("lock {}", shown(path)),
        "another process has held the lock for 5 seconds",
    ))
}

/// The nearest directory above that exists: where missing ones would be made.
fn existing_ancestor(path: &Path) -> Result<&Path, PortError> {
    let mut path = path;
    loop {
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => return Ok(path),
            Ok(_) => return Err(invalid("write in", path, "this is not a directory")),
            Err(error) if error.kind() == io::ErrorKind::NotFound && directory(path) != path => {
                path = directory(path);
            }
            Err(error) => return Err(failed("write in", path, &error)),
        }
    }
}

/// Makes the directory and those above it that are missing, and makes their names durable.
fn create_directory(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => File::open(directory(path))?.sync_all(),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound && directory(path) != path => {
            create_directory(directory(path))?;
            create_directory(path)
        }
        Err(error) => Err(error),
    }
}

/// Without this, the file that was renamed could have its old name again after a power failure. The rename
/// itself has happened by then, so a failure is no proof that nothing changed.
fn sync_directory(path: &Path) -> Result<(), PortError> {
    let synced = File::open(directory(path)).and_then(|directory| directory.sync_all());
    synced.map_err(|error| PortError { kind: PortErrorKind::Ambiguous, ..failed("sync", path, &error) })
}

/// Whether there was a file to remove.
fn remove(path: &Path) -> Result<bool, PortError> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(failed("remove", path, &error)),
    }
}

/// A file beside that one, with more to its name.
pub(crate) fn sibling(path: &Path, prefix: &str, suffix: &str) -> PathBuf {
    let mut name = OsString::from(prefix);
    name.push(path.file_name().unwrap_or_default());
    name.push(suffix);
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_deliberate_share_with_the_group_survives() {
        assert_eq!(private_mode(0o100_644), 0o600, "the usual umask is no decision");
        assert_eq!(private_mode(0o100_666), 0o600);
        assert_eq!(private_mode(0o100_640), 0o640);
        assert_eq!(private_mode(0o100_660), 0o640, "the group may read, not write");
        assert_eq!(private_mode(0o100_400), 0o600);
    }

    #[test]
    fn a_leftover_of_a_dead_process_is_removed_before_the_next_write() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("credentials");
        let leftover = directory.path().join(".credentials.rotakey-temporary");
        fs::write(&leftover, "half a fi").unwrap();
        let file = Exclusive::acquire(&path).unwrap();
        assert!(!leftover.exists());
        file.replace(&path, b"whole").unwrap();
        assert!(!leftover.exists());
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_missing_directory_is_made_for_the_owner_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a/b/credentials");
        check(&path).unwrap();
        assert!(!directory.path().join("a").exists(), "a check makes nothing");
        Exclusive::acquire(&path).unwrap().replace(&path, b"x").unwrap();
        for made in ["a", "a/b"] {
            let mode = fs::metadata(directory.path().join(made)).unwrap().mode();
            assert_eq!(mode & 0o777, 0o700, "{made}");
        }
    }

    #[test]
    fn a_symbolic_link_stays_and_its_target_is_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let (link, target) = (directory.path().join("link"), directory.path().join("target"));
        fs::write(&target, "old").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        let file = Exclusive::acquire(&link).unwrap();
        file.replace(file.target(), b"new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&target).unwrap(), b"new");
    }

    #[test]
    fn the_second_writer_waits_for_the_first() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("count");
        fs::write(&path, "0").unwrap();
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..5 {
                        let file = Exclusive::acquire(&path).unwrap();
                        let count: u32 = fs::read_to_string(&path).unwrap().parse().unwrap();
                        file.replace(&path, (count + 1).to_string().as_bytes()).unwrap();
                    }
                });
            }
        });
        assert_eq!(fs::read_to_string(&path).unwrap(), "40");
    }
}
