//! Which folders a repository has objects in.

use std::collections::HashSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::error::OpenError;
use super::kind::ObjectFormat;
use super::loose;
use crate::coverage::{Reason, Unread};

/// Many more than anybody chains, so that what a hostile repository names ends.
const MOST: usize = 1_000;

/// The directory that work trees of one repository share: what `commondir` names, or the git directory itself.
pub(super) fn common(git_dir: &Path) -> Result<PathBuf, OpenError> {
    let path = git_dir.join("commondir");
    match fs::read(&path) {
        Ok(name) => Ok(git_dir.join(path_of(name.trim_ascii_end()))),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(git_dir.to_owned())
        }
        Err(source) => Err(OpenError::Io { path, source }),
    }
}

/// The folders themselves and those that they borrow from, each once, and what is wrong with them.
pub(super) fn with_alternates(mut wanted: Vec<PathBuf>) -> (Vec<PathBuf>, Vec<Unread>) {
    let (mut directories, mut problems) = (Vec::new(), Vec::new());
    let mut seen = HashSet::new();
    wanted.reverse();
    while let Some(directory) = wanted.pop() {
        let known = match fs::canonicalize(&directory) {
            Ok(path) => !seen.insert(path),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let place = directory.display().to_string();
                problems.push(Unread {
                    place,
                    reason: Reason::Missing,
                    detail: "objects are borrowed from it".into(),
                });
                continue;
            }
            Err(error) => {
                problems.push(loose::unread(&directory, &error));
                continue;
            }
        };
        if known {
            continue;
        }
        if directories.len() == MOST {
            let place = directory.display().to_string();
            problems.push(Unread { place, reason: Reason::TooDeep, detail: "too many alternates".into() });
            break;
        }
        let path = directory.join("info/alternates");
        match fs::read(&path) {
            Ok(text) => wanted.extend(alternates(&text).into_iter().rev().map(|path| directory.join(path))),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {}
            Err(error) => problems.push(loose::unread(&path, &error)),
        }
        directories.push(directory);
    }
    (directories, problems)
}

/// The paths of `info/alternates`, one on each line.
fn alternates(text: &[u8]) -> Vec<PathBuf> {
    let lines = text.split(|&byte| byte == b'\n');
    lines
        .filter(|line| !line.is_empty() && line[0] != b'#')
        .take(MOST)
        .map(|line| path_of(&unquoted(line)))
        .collect()
}

/// Takes off the quotes that C has and git writes around names with special characters.
fn unquoted(line: &[u8]) -> Vec<u8> {
    let Some(inner) = line.strip_prefix(b"\"").and_then(|line| line.strip_suffix(b"\"")) else {
        return line.to_vec();
    };
    let mut name = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter().copied();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            name.push(byte);
            continue;
        }
        name.push(match bytes.next() {
            Some(b'a') => 7,
            Some(b'b') => 8,
            Some(b't') => b'\t',
            Some(b'n') => b'\n',
            Some(b'v') => 11,
            Some(b'f') => 12,
            Some(b'r') => b'\r',
            Some(first @ b'0'..=b'3') => {
                let digits = [first, bytes.next().unwrap_or(b'0'), bytes.next().unwrap_or(b'0')];
                digits.iter().fold(0_u8, |value, digit| value << 3 | (digit & 7))
            }
            Some(other) => other,
            None => break,
        });
    }
    name
}

#[cfg(unix)]
fn path_of(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt as _;
    std::ffi::OsStr::from_bytes(bytes).into()
}

#[cfg(not(unix))]
fn path_of(bytes: &[u8]) -> PathBuf {
    crate::place::text_of(bytes).into_owned().into()
}

/// What the configuration of a repository says about its objects.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Configuration {
    pub(super) format: ObjectFormat,
    pub(super) partial: bool,
}

impl Configuration {
    /// That of the repository, whose `config` may be missing.
    pub(super) fn read(directory: &Path) -> Result<Self, OpenError> {
        let path = directory.join("config");
        match fs::read(&path) {
            Ok(text) => Self::parse(&text).map_err(|format| OpenError::UnknownFormat { path, format }),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(source) => Err(OpenError::Io { path, source }),
        }
    }

    fn parse(text: &[u8]) -> Result<Self, String> {
        let mut configuration = Self::default();
        let text = String::from_utf8_lossy(text);
        let mut section = String::new();
        for line in text.lines() {
            let mut line = line.trim();
            if let Some((name, rest)) = line.strip_prefix('[').and_then(|line| line.split_once(']')) {
                section = name.split_ascii_whitespace().next().unwrap_or("").to_ascii_lowercase();
                line = rest.trim_start();
            }
            let (name, value) = line.split_once('=').unwrap_or((line, "true"));
            let value = value.split(['#', ';']).next().unwrap_or("").trim().trim_matches('"');
            match (section.as_str(), name.trim().to_ascii_lowercase().as_str()) {
                ("extensions", "objectformat") => {
                    configuration.format = ObjectFormat::from_name(value).ok_or_else(|| value.to_owned())?;
                }
                ("extensions", "partialclone") => configuration.partial = true,
                ("remote", "promisor") => {
                    configuration.partial |= !matches!(value, "" | "false" | "no" | "off" | "0");
                }
                _ => {}
            }
        }
        Ok(configuration)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alternates_are_read_as_git_writes_them() {
        let text = b"# comment\n/a b/objects\n\n../c\n\"/\\303\\244/\\\"x\\\"\\t\"\n";
        let expected = ["/a b/objects", "../c", "/\u{e4}/\"x\"\t"].map(PathBuf::from);
        assert_eq!(alternates(text), expected);
    }

    #[test]
    fn the_format_is_told_by_the_configuration() {
        let parse = |text: &str| Configuration::parse(text.as_bytes());
        let sha256 = Configuration { format: ObjectFormat::Sha256, partial: false };
        assert_eq!(parse(""), Ok(Configuration::default()));
        assert_eq!(parse("[core]\n\tbare = true\n[extensions]\n\tobjectFormat = sha256\n"), Ok(sha256));
        assert_eq!(parse("[Extensions] objectformat = \"sha1\" ; old\n"), Ok(Configuration::default()));
        assert_eq!(parse("[extensions]\nobjectFormat = sha512\n"), Err("sha512".to_owned()));
        let partial = Configuration { format: ObjectFormat::Sha1, partial: true };
        assert_eq!(parse("[remote \"origin\"]\n\turl = x\n\tpromisor = true\n"), Ok(partial));
        assert_eq!(parse("[remote \"origin\"]\n\tpromisor = false\n"), Ok(Configuration::default()));
    }
}
