//! Git's configuration files, as far as they say how a repository is to be read.

use std::io;
use std::path::Path;

/// What a configuration file says. The last of several values counts, as in git.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Config {
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    /// In lower case.
    section: String,
    /// As written.
    subsection: Option<Vec<u8>>,
    /// In lower case.
    key: String,
    /// `None` for a key alone, which means "yes".
    value: Option<Vec<u8>>,
}

/// A configuration file could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The operating system refused or failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It is not written as git's configuration is.
    #[error("line {line} is not git configuration")]
    Syntax {
        /// The line, from 1.
        line: usize,
    },
}

impl Config {
    /// Reads a file. One that does not exist says nothing.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        match std::fs::read(path) {
            Ok(text) => Self::parse(&text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads the text of a file.
    pub fn parse(text: &[u8]) -> Result<Self, ConfigError> {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let mut parser = Parser { text, at: 0, line: 1 };
        let mut config = Self::default();
        let mut section: Option<(String, Option<Vec<u8>>)> = None;
        while let Some(byte) = parser.peek() {
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' => {
                    parser.next();
                }
                b'#' | b';' => parser.skip_line(),
                b'[' => section = Some(parser.section().ok_or(ConfigError::Syntax { line: parser.line })?),
                _ => {
                    let line = parser.line;
                    let (section, subsection) = section.clone().ok_or(ConfigError::Syntax { line })?;
                    let (key, value) = parser.variable().ok_or(ConfigError::Syntax { line })?;
                    config.entries.push(Entry { section, subsection, key, value });
                }
            }
        }
        Ok(config)
    }

    /// Adds what another file says, which then counts more.
    pub fn extend(&mut self, other: Self) {
        self.entries.extend(other.entries);
    }

    /// The value of `section.key`, in lower case. A key without a value is empty here.
    pub fn get(&self, section: &str, key: &str) -> Option<&[u8]> {
        let entry =
            self.last(|entry| entry.section == section && entry.subsection.is_none() && entry.key == key)?;
        Some(entry.value.as_deref().unwrap_or_default())
    }

    /// The value of `section.subsection.key`.
    pub fn get_of(&self, section: &str, subsection: &[u8], key: &str) -> Option<&[u8]> {
        let entry = self.last(|entry| {
            entry.section == section && entry.subsection.as_deref() == Some(subsection) && entry.key == key
        })?;
        Some(entry.value.as_deref().unwrap_or_default())
    }

    /// Whether `section.key` is on.
    pub fn flag(&self, section: &str, key: &str) -> Option<bool> {
        let entry =
            self.last(|entry| entry.section == section && entry.subsection.is_none() && entry.key == key)?;
        Some(is_on(entry.value.as_deref()))
    }

    /// The keys of a section, in lower case and as often as they stand there.
    pub fn keys<'a>(&'a self, section: &'a str) -> impl Iterator<Item = &'a str> {
        self.entries.iter().filter(move |entry| entry.section == section).map(|entry| entry.key.as_str())
    }

    /// Whether a key is on in any subsection of a section, as `remote.*.promisor` is.
    pub fn any_of(&self, section: &str, key: &str) -> bool {
        self.entries
            .iter()
            .any(|entry| entry.section == section && entry.key == key && is_on(entry.value.as_deref()))
    }

    fn last(&self, wanted: impl Fn(&Entry) -> bool) -> Option<&Entry> {
        self.entries.iter().rev().find(|entry| wanted(entry))
    }
}

fn is_on(value: Option<&[u8]>) -> bool {
    let Some(value) = value else { return true };
    match value.to_ascii_lowercase().as_slice() {
        b"true" | b"yes" | b"on" => true,
        number => {
            str::from_utf8(number).ok().and_then(|text| text.parse::<i64>().ok()).is_some_and(|n| n != 0)
        }
    }
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    line: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        self.line += usize::from(byte == b'\n');
        Some(byte)
    }

    fn skip_line(&mut self) {
        while self.next().is_some_and(|byte| byte != b'\n') {}
    }

    /// `[section]`, `[section "subsection"]` or the old `[section.subsection]`, which has no upper case.
    fn section(&mut self) -> Option<(String, Option<Vec<u8>>)> {
        self.next();
        let mut name = String::new();
        loop {
            match self.next()? {
                b']' => {
                    return Some(match name.split_once('.') {
                        Some((section, subsection)) => {
                            (section.to_owned(), Some(subsection.as_bytes().to_vec()))
                        }
                        None => (name, None),
                    });
                }
                b' ' | b'\t' => break,
                byte if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.') => {
                    name.push(char::from(byte.to_ascii_lowercase()));
                }
                _ => return None,
            }
        }
        while matches!(self.peek()?, b' ' | b'\t') {
            self.next();
        }
        if self.next()? != b'"' {
            return None;
        }
        let mut subsection = Vec::new();
        loop {
            match self.next()? {
                b'"' => break,
                b'\n' => return None,
                b'\\' => subsection.push(self.next().filter(|byte| *byte != b'\n')?),
                byte => subsection.push(byte),
            }
        }
        (self.next()? == b']').then_some((name, Some(subsection)))
    }

    fn variable(&mut self) -> Option<(String, Option<Vec<u8>>)> {
        let mut key = String::new();
        while let Some(byte) = self.peek().filter(|byte| byte.is_ascii_alphanumeric() || *byte == b'-') {
            key.push(char::from(byte.to_ascii_lowercase()));
            self.next();
        }
        if !key.starts_with(|first: char| first.is_ascii_alphabetic()) {
            return None;
        }
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r')) {
            self.next();
        }
        match self.peek() {
            None | Some(b'\n' | b'#' | b';') => Some((key, None)),
            Some(b'=') => {
                self.next();
                Some((key, Some(self.value()?)))
            }
            Some(_) => None,
        }
    }

    fn value(&mut self) -> Option<Vec<u8>> {
        let mut value = Vec::new();
        // White space at the end does not count, unless it is quoted.
        let mut kept = 0;
        let mut quoted = false;
        loop {
            match self.next() {
                None | Some(b'\n') if quoted => return None,
                None | Some(b'\n') => break,
                Some(b'#' | b';') if !quoted => {
                    self.skip_line();
                    break;
                }
                Some(b'"') => {
                    quoted = !quoted;
                    kept = value.len();
                }
                Some(b'\\') => {
                    match self.next()? {
                        b'\n' => continue,
                        b'\r' if self.peek() == Some(b'\n') => {
                            self.next();
                            continue;
                        }
                        b'n' => value.push(b'\n'),
                        b't' => value.push(b'\t'),
                        b'b' => value.push(8),
                        byte @ (b'"' | b'\\') => value.push(byte),
                        _ => return None,
                    }
                    kept = value.len();
                }
                Some(b' ' | b'\t') if !quoted && value.is_empty() => {}
                Some(byte) => {
                    value.push(byte);
                    if quoted || !byte.is_ascii_whitespace() {
                        kept = value.len();
                    }
                }
            }
        }
        value.truncate(kept);
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::testing::Sandbox;

    #[test]
    fn what_git_reads_from_a_configuration_is_read() {
        let text = b"\xef\xbb\xbf# comment\n[core]\n\tbare = false ; no\n\trepositoryFormatVersion = 1\n[Core] fileMode\n\
            [remote \"or\\\"ig.In\"]\n  url = \"a b  \" c  # d\n  fetch = one\\\n two\n\tpush = a\\\\b\\t\\\"\n\
            [branch.Main]\n merge = refs/heads/main\r\n[x]\n y=\n";
        let sandbox = Sandbox::new();
        std::fs::write(sandbox.path().join("file"), text).unwrap();
        let listed = sandbox.git(&["config", "--file", "file", "--list", "--null"]);
        let mut expected: Vec<(String, Option<Vec<u8>>)> = Vec::new();
        for line in listed.split(|byte| *byte == 0).filter(|line| !line.is_empty()) {
            let newline = line.iter().position(|byte| *byte == b'\n');
            let key = String::from_utf8(line[..newline.unwrap_or(line.len())].to_vec()).unwrap();
            expected.push((key, newline.map(|newline| line[newline + 1..].to_vec())));
        }
        let config = Config::parse(text).unwrap();
        let read: Vec<(String, Option<Vec<u8>>)> = config
            .entries
            .iter()
            .map(|entry| {
                let subsection =
                    entry.subsection.as_ref().map(|name| format!(".{}", String::from_utf8_lossy(name)));
                let name = format!("{}{}.{}", entry.section, subsection.unwrap_or_default(), entry.key);
                (name, entry.value.clone())
            })
            .collect();
        assert_eq!(read, expected);
        assert_eq!(config.flag("core", "bare"), Some(false));
        assert_eq!(config.flag("core", "filemode"), Some(true));
        assert_eq!(config.get_of("branch", b"main", "merge"), Some(&b"refs/heads/main"[..]));
    }

    #[test]
    fn what_is_no_configuration_is_refused_with_its_line() {
        for (text, expected) in [
            ("[core\nbare", 2),
            ("bare = true", 1),
            ("[core]\n= x", 2),
            ("[core]\n a = \"x\ny\"\n", 2),
            ("[a \"b\n\"]", 2),
        ] {
            match Config::parse(text.as_bytes()) {
                Err(ConfigError::Syntax { line }) => assert_eq!(line, expected, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
    }
}
