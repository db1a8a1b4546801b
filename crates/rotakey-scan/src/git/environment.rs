//! What git hands to its hooks in environment variables.

use std::ffi::OsString;
use std::path::PathBuf;

/// Where a repository's parts are if not where they usually are. Relative paths are relative to the folder that
/// discovery starts from, which in a hook is the current one.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Environment {
    /// `GIT_DIR`.
    pub git_dir: Option<PathBuf>,
    /// `GIT_COMMON_DIR`.
    pub common_dir: Option<PathBuf>,
    /// `GIT_WORK_TREE`.
    pub work_tree: Option<PathBuf>,
    /// `GIT_INDEX_FILE`. In a `pre-commit` hook under `git commit -a` it is not the usual one.
    pub index_file: Option<PathBuf>,
    /// `GIT_OBJECT_DIRECTORY`. In a `pre-receive` hook it is the quarantine.
    pub object_directory: Option<PathBuf>,
    /// `GIT_ALTERNATE_OBJECT_DIRECTORIES`.
    pub alternate_object_directories: Vec<PathBuf>,
}

impl Environment {
    /// Takes it from the variables of a process.
    pub fn from_variables(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let path = |name| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        Self {
            git_dir: path("GIT_DIR"),
            common_dir: path("GIT_COMMON_DIR"),
            work_tree: path("GIT_WORK_TREE"),
            index_file: path("GIT_INDEX_FILE"),
            object_directory: path("GIT_OBJECT_DIRECTORY"),
            alternate_object_directories: variable("GIT_ALTERNATE_OBJECT_DIRECTORIES")
                .map(|list| paths(&list))
                .unwrap_or_default(),
        }
    }
}

/// A list of paths, separated as in `PATH`, some of them in quotes as C has them.
#[cfg(unix)]
fn paths(list: &OsString) -> Vec<PathBuf> {
    use std::os::unix::ffi::OsStrExt as _;

    let mut rest = list.as_bytes();
    let mut paths = Vec::new();
    while !rest.is_empty() {
        let (path, behind) = match rest.strip_prefix(b"\"").and_then(unquoted) {
            Some((path, behind)) => (path, behind.strip_prefix(b":").unwrap_or(behind)),
            None => {
                let end = memchr::memchr(b':', rest).unwrap_or(rest.len());
                (rest[..end].to_vec(), rest.get(end + 1..).unwrap_or_default())
            }
        };
        if !path.is_empty() {
            paths.push(super::path::path_of(&path));
        }
        rest = behind;
    }
    paths
}

#[cfg(not(unix))]
fn paths(list: &OsString) -> Vec<PathBuf> {
    std::env::split_paths(list).filter(|path| !path.as_os_str().is_empty()).collect()
}

/// What stands before the closing quote, and what stands behind it.
#[cfg(unix)]
fn unquoted(mut rest: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut text = Vec::new();
    loop {
        let (first, behind) = rest.split_first()?;
        rest = behind;
        match first {
            b'"' => return Some((text, rest)),
            b'\\' => {
                let (escape, behind) = rest.split_first()?;
                rest = behind;
                text.push(match escape {
                    b'a' => 7,
                    b'b' => 8,
                    b'f' => 12,
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'v' => 11,
                    b'\\' | b'"' => *escape,
                    b'0'..=b'3' => {
                        let (digits, behind) = rest.split_at_checked(2)?;
                        rest = behind;
                        let digits = [*escape, digits[0], digits[1]];
                        u8::from_str_radix(str::from_utf8(&digits).ok()?, 8).ok()?
                    }
                    _ => return None,
                });
            }
            byte => text.push(*byte),
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn alternates_are_separated_and_unquoted_as_git_does() {
        let environment = Environment::from_variables(|name| match name {
            "GIT_ALTERNATE_OBJECT_DIRECTORIES" => Some("a b::\"c:\\\"\\303\\244\":\"broken:/d".into()),
            "GIT_DIR" => Some("".into()),
            "GIT_INDEX_FILE" => Some(".git/next-index".into()),
            _ => None,
        });
        let expected: Vec<PathBuf> = ["a b", "c:\"ä", "\"broken", "/d"].map(PathBuf::from).to_vec();
        assert_eq!(environment.alternate_object_directories, expected);
        assert_eq!(environment.git_dir, None);
        assert_eq!(environment.index_file, Some(PathBuf::from(".git/next-index")));
    }
}
