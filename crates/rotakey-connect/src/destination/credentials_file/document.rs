//! The text of a shared credentials file: read without loss, changed only where a profile is set.
//!
//! The programs that read such files do not agree on what they mean: botocore reads them with Python's
//! `configparser` (`:` also separates, a profile given twice is an error), the other SDKs follow the shared
//! configuration reference of AWS (only `=`; a profile given twice is merged). What they disagree on is
//! refused here for the profiles that are rotakey's business, and kept untouched everywhere else.

use std::ops::Range;

use rotakey_core::secret::{AccessKeyPair, Secret};
use zeroize::Zeroizing;

const ID: &str = "aws_access_key_id";
const SECRET: &str = "aws_secret_access_key";

/// Keys that say that a profile's credentials are something other than an access key.
const OTHER_SOURCES: [&str; 11] = [
    "aws_session_token",
    "aws_security_token",
    "credential_process",
    "credential_source",
    "login_session",
    "role_arn",
    "source_profile",
    "sso_account_id",
    "sso_session",
    "sso_start_url",
    "web_identity_token_file",
];

/// Why a file, or a profile in it, is left alone. Names lines and keys, never values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Problem {
    #[error("line {0} is not UTF-8 text")]
    NotText(usize),
    #[error("the file begins with a byte order mark, which hides its first line from the SDKs")]
    ByteOrderMark,
    #[error("the profile [{profile}] is there twice (lines {first} and {second}): merge the two")]
    TwoSections { profile: String, first: usize, second: usize },
    #[error("the header on line {0} is indented, so not every program sees it")]
    IndentedHeader(usize),
    #[error("line {0} is indented, but there is no value above it that it continues")]
    ContinuesNothing(usize),
    #[error("`{key}` is there twice in the profile (line {line})")]
    TwoKeys { key: &'static str, line: usize },
    #[error("`{key}` on line {line} is indented, continued or without `=`, so programs read it differently")]
    Unclear { key: &'static str, line: usize },
    #[error(
        "the profile [{profile}] takes its credentials from `{key}` (line {line}), not from an access key"
    )]
    OtherSource { profile: String, key: &'static str, line: usize },
    #[error("the profile [{profile}] has only one of `aws_access_key_id` and `aws_secret_access_key`")]
    Half { profile: String },
    #[error("the value of `{key}` on line {line} is not of that kind")]
    NotAKey { key: &'static str, line: usize },
}

impl Problem {
    /// Whether the whole file is wrong, rather than the profile a thing of its own.
    pub(super) fn is_unreadable(&self) -> bool {
        matches!(self, Self::NotText(_) | Self::ByteOrderMark)
    }
}

/// The lines of a file, each with its line ending.
pub(crate) struct Document {
    lines: Vec<Zeroizing<String>>,
}

impl Document {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Problem> {
        let text = str::from_utf8(bytes).map_err(|error| {
            let before = &bytes[..error.valid_up_to()];
            Problem::NotText(1 + before.iter().filter(|&&byte| byte == b'\n').count())
        })?;
        if text.starts_with('\u{feff}') {
            return Err(Problem::ByteOrderMark);
        }
        Ok(Self { lines: text.split_inclusive('\n').map(|line| Zeroizing::new(line.to_owned())).collect() })
    }

    /// The whole text. Equal to what was parsed, as long as nothing was set or removed.
    pub(super) fn render(&self) -> Zeroizing<Vec<u8>> {
        // Allocated once: a growing buffer would leave copies of the secrets behind.
        let size = self.lines.iter().map(|line| line.len()).sum();
        let mut bytes = Zeroizing::new(Vec::with_capacity(size));
        self.lines.iter().for_each(|line| bytes.extend_from_slice(line.as_bytes()));
        bytes
    }

    /// The access key of a profile, or `None` if there is no such profile or it has neither id nor secret.
    pub(super) fn pair(&self, profile: &str) -> Result<Option<AccessKeyPair>, Problem> {
        let Some(section) = self.section(profile)? else { return Ok(None) };
        let fields = self.fields(profile, &section)?;
        match (fields.id, fields.secret) {
            (None, None) => Ok(None),
            (Some(id), Some(secret)) => {
                let value = |field: &Field| &self.lines[field.line][field.value.clone()];
                // The error would show the value, and the value may be a secret on the wrong line.
                let parsed = value(&id).parse();
                let parsed = parsed.map_err(|_| Problem::NotAKey { key: ID, line: id.line + 1 })?;
                let text = value(&secret);
                if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
                    return Err(Problem::NotAKey { key: SECRET, line: secret.line + 1 });
                }
                Ok(Some(AccessKeyPair { id: parsed, secret: Secret::new(text.to_owned()) }))
            }
            _ => Err(Problem::Half { profile: profile.to_owned() }),
        }
    }

    /// Gives a profile that access key. Changes the two values and nothing else where they are there, adds
    /// the two lines under the header where they are not, and adds the profile to the end of the file where
    /// it is not.
    pub(super) fn set(&mut self, profile: &str, pair: &AccessKeyPair) -> Result<(), Problem> {
        let Some(section) = self.section(profile)? else {
            self.append(profile, pair);
            return Ok(());
        };
        let fields = self.fields(profile, &section)?;
        match (fields.id, fields.secret) {
            (Some(id), Some(secret)) => {
                self.replace(&id, pair.id.as_str());
                self.replace(&secret, pair.secret.expose());
                Ok(())
            }
            (None, None) => {
                self.end_line(section.start);
                let at = section.start + 1;
                let lines = self.property_lines(pair);
                self.lines.splice(at..at, lines);
                Ok(())
            }
            _ => Err(Problem::Half { profile: profile.to_owned() }),
        }
    }

    /// Removes a profile that [`set`](Self::set) has added: its header, its properties, and the blank line
    /// above. Comments and blank lines below its last property belong to what follows, and stay.
    pub(super) fn remove(&mut self, profile: &str) -> Result<(), Problem> {
        let Some(section) = self.section(profile)? else { return Ok(()) };
        let last = section.clone().rev().find(|&line| !matches!(kind(&self.lines[line]), Kind::Trivia));
        let end = last.unwrap_or(section.start) + 1;
        let above = section.start.checked_sub(1).filter(|&above| self.lines[above].trim().is_empty());
        self.lines.drain(above.unwrap_or(section.start)..end);
        Ok(())
    }

    /// The lines of a profile, from its header to the line before the next header.
    fn section(&self, profile: &str) -> Result<Option<Range<usize>>, Problem> {
        let mut headers = Vec::new();
        let mut next = self.lines.len();
        let mut found = None;
        for (index, line) in self.lines.iter().enumerate().rev() {
            match kind(line) {
                Kind::Header(name) => {
                    if name == profile {
                        headers.push(index);
                        found = Some(index..next);
                    }
                    next = index;
                }
                Kind::Indented(inner) if matches!(kind(inner), Kind::Header(name) if name == profile) => {
                    return Err(Problem::IndentedHeader(index + 1));
                }
                _ => {}
            }
        }
        if let [second, first, ..] = headers[..] {
            let profile = profile.to_owned();
            return Err(Problem::TwoSections { profile, first: first + 1, second: second + 1 });
        }
        Ok(found)
    }

    /// Where the id and the secret of a profile stand, if there is no doubt about them.
    fn fields(&self, profile: &str, section: &Range<usize>) -> Result<Fields, Problem> {
        let mut fields = Fields::default();
        let mut continuable = false;
        for index in section.start + 1..section.end {
            let line = index + 1;
            match kind(&self.lines[index]) {
                Kind::Indented(inner) => {
                    if let Kind::Property { key, .. } = kind(inner)
                        && let Some(key) = credential_key(key)
                    {
                        return Err(Problem::Unclear { key, line });
                    }
                    // A key added under the header would become what this line continues.
                    if !continuable {
                        return Err(Problem::ContinuesNothing(line));
                    }
                }
                Kind::Property { key, colon, value } => {
                    continuable = true;
                    let Some(key) = credential_key(key) else { continue };
                    if OTHER_SOURCES.contains(&key) {
                        return Err(Problem::OtherSource { profile: profile.to_owned(), key, line });
                    }
                    let below = self.lines.get(index + 1).map(|below| kind(below));
                    if colon || matches!(below, Some(Kind::Indented(_))) {
                        return Err(Problem::Unclear { key, line });
                    }
                    let field = if key == ID { &mut fields.id } else { &mut fields.secret };
                    if field.replace(Field { line: index, value }).is_some() {
                        return Err(Problem::TwoKeys { key, line });
                    }
                }
                Kind::Header(_) | Kind::Trivia | Kind::Other => {}
            }
        }
        Ok(fields)
    }

    fn replace(&mut self, field: &Field, value: &str) {
        let old = &self.lines[field.line];
        let parts = [&old[..field.value.start], value, &old[field.value.end..]];
        self.lines[field.line] = concat(&parts);
    }

    fn append(&mut self, profile: &str, pair: &AccessKeyPair) {
        let ending = self.line_ending();
        if let Some(last) = self.lines.len().checked_sub(1) {
            self.end_line(last);
            self.lines.push(concat(&[ending]));
        }
        self.lines.push(concat(&["[", profile, "]", ending]));
        let lines = self.property_lines(pair);
        self.lines.extend(lines);
    }

    fn property_lines(&self, pair: &AccessKeyPair) -> [Zeroizing<String>; 2] {
        let ending = self.line_ending();
        [
            concat(&[ID, " = ", pair.id.as_str(), ending]),
            concat(&[SECRET, " = ", pair.secret.expose(), ending]),
        ]
    }

    /// Ends a line that has no line ending: the last one of some files.
    fn end_line(&mut self, index: usize) {
        if !self.lines[index].ends_with('\n') {
            let ending = self.line_ending();
            self.lines[index] = concat(&[&self.lines[index], ending]);
        }
    }

    fn line_ending(&self) -> &'static str {
        if self.lines.first().is_some_and(|line| line.ends_with("\r\n")) { "\r\n" } else { "\n" }
    }
}

/// Where the value of a property stands.
struct Field {
    line: usize,
    value: Range<usize>,
}

#[derive(Default)]
struct Fields {
    id: Option<Field>,
    secret: Option<Field>,
}

/// What a line is to the programs that read the file.
enum Kind<'a> {
    /// Nothing, or a comment.
    Trivia,
    /// `[name]` at the beginning of the line.
    Header(&'a str),
    /// `key = value` at the beginning of the line.
    Property { key: &'a str, colon: bool, value: Range<usize> },
    /// An indented line, which continues the value above or is nested in it: without its indentation.
    Indented(&'a str),
    /// Anything else.
    Other,
}

fn kind(line: &str) -> Kind<'_> {
    let trimmed = line.trim_start();
    if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
        return Kind::Trivia;
    }
    if trimmed.len() < line.len() {
        return Kind::Indented(trimmed);
    }
    if let Some(rest) = line.strip_prefix('[') {
        return rest.find(']').map_or(Kind::Other, |end| Kind::Header(rest[..end].trim()));
    }
    let Some(delimiter) = line.find(['=', ':']) else { return Kind::Other };
    let start = delimiter + 1;
    let raw = &line[start..];
    let value = &raw[..inline_comment(raw).unwrap_or(raw.len())];
    let start = start + (value.len() - value.trim_start().len());
    let value = start..start + value.trim().len();
    Kind::Property { key: line[..delimiter].trim(), colon: line[delimiter..].starts_with(':'), value }
}

/// Where a comment begins behind a value: at a blank that is followed by `#` or `;`.
fn inline_comment(value: &str) -> Option<usize> {
    let bytes = value.as_bytes();
    bytes.windows(2).position(|pair| matches!(pair, [b' ' | b'\t', b'#' | b';']))
}

/// The key as AWS writes it, if it is one that has to do with credentials. All programs ignore its case.
fn credential_key(key: &str) -> Option<&'static str> {
    let known = [ID, SECRET].into_iter().chain(OTHER_SOURCES);
    known.into_iter().find(|known| known.eq_ignore_ascii_case(key))
}

/// A line in memory that is zeroized, and that no growing buffer has left copies of.
fn concat(parts: &[&str]) -> Zeroizing<String> {
    let mut line = Zeroizing::new(String::with_capacity(parts.iter().map(|part| part.len()).sum()));
    parts.iter().for_each(|part| line.push_str(part));
    line
}

#[cfg(test)]
mod tests;
