//! Paths as git writes them: bytes.

use std::path::PathBuf;

/// The path with these bytes. Where the system's paths are not bytes, what is not UTF-8 becomes U+FFFD.
pub(super) fn path_of(bytes: &[u8]) -> PathBuf {
    #[cfg(unix)]
    {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt as _;
        PathBuf::from(OsStr::from_bytes(bytes))
    }
    #[cfg(not(unix))]
    {
        PathBuf::from(String::from_utf8_lossy(bytes).into_owned())
    }
}

/// A line of a small file without what ends it.
pub(super) fn trimmed(line: &[u8]) -> &[u8] {
    line.trim_ascii_end()
}
