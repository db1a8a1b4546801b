//! The text of a dotenv file: read without loss, changed only where a variable is set.
//!
//! There is no one definition of the format. Node's `dotenv`, python-dotenv, Ruby's `dotenv`, Docker Compose, systemd
//! and shells agree on plain lines `NAME=value`, on single quotes around what holds neither single quotes nor
//! backslashes, and on double quotes around what holds none of `"`, `\`, `$`, `` ` ``. What they disagree on is
//! refused here for the variables that are rotakey's business, and kept untouched everywhere else.

use std::ops::Range;

use rotakey_core::secret::Secret;
use zeroize::Zeroizing;

/// Why a file, or a variable in it, is left alone. Names lines and variables, never values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Problem {
    #[error("line {0} is not UTF-8 text")]
    NotText(usize),
    #[error("the file begins with a byte order mark, which some programs take for a part of the first name")]
    ByteOrderMark,
    #[error("the quote that begins on line {0} never ends")]
    Unclosed(usize),
    #[error("{name} is there twice (lines {first} and {second}): remove one")]
    Twice { name: String, first: usize, second: usize },
    #[error(
        "programs read the value of {name} on line {line} differently: write {name}=value, without expansion"
    )]
    Unclear { name: String, line: usize },
    #[error("{name} on line {line} continues the line above, or stands inside of a quote")]
    Inside { name: String, line: usize },
    #[error("the last line ends in a backslash, so whatever is added would continue it")]
    OpenEnd,
    #[error("no quotes that all programs understand can hold the value of {0}")]
    Unwritable(String),
    #[error("{0:?} cannot be the name of a variable")]
    NoName(String),
}

impl Problem {
    /// Whether the file or the configuration is wrong, rather than the variable a thing of its own.
    pub(super) fn is_invalid(&self) -> bool {
        matches!(self, Self::NotText(_) | Self::ByteOrderMark | Self::Unwritable(_) | Self::NoName(_))
    }
}

/// The lines of a file, each with its line ending.
#[derive(Debug)]
pub(crate) struct Document {
    lines: Vec<Zeroizing<String>>,
    kinds: Vec<Kind>,
}

/// What a line is to the programs that read the file.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    /// `NAME=value` or `export NAME=value`.
    Assignment { name: String, export: bool, value: Range<usize> },
    /// Inside of a quote that began on an earlier line, or the continuation of the line above.
    Inside,
    /// Anything else: nothing, a comment, what is no assignment.
    Other,
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
        let lines: Vec<_> = text.split_inclusive('\n').map(|line| Zeroizing::new(line.to_owned())).collect();
        let kinds = kinds(&lines)?;
        Ok(Self { lines, kinds })
    }

    /// The whole text. Equal to what was parsed, as long as nothing was set.
    pub(super) fn render(&self) -> Zeroizing<Vec<u8>> {
        // Allocated once: a growing buffer would leave copies of the secrets behind.
        let size = self.lines.iter().map(|line| line.len()).sum();
        let mut bytes = Zeroizing::new(Vec::with_capacity(size));
        self.lines.iter().for_each(|line| bytes.extend_from_slice(line.as_bytes()));
        bytes
    }

    /// The value of a variable, or `None` if it is not there.
    pub(super) fn value(&self, name: &str) -> Result<Option<&str>, Problem> {
        let Some((line, value)) = self.find(name)? else { return Ok(None) };
        let text = &self.lines[line][value];
        match unquoted(text) {
            Some(plain) => Ok(Some(plain)),
            None => Err(Problem::Unclear { name: name.to_owned(), line: line + 1 }),
        }
    }

    /// Gives a variable that value, in the quotes that it has if they can hold it. A variable that is not there
    /// becomes the last line.
    pub(super) fn set(&mut self, name: &str, value: &Secret) -> Result<(), Problem> {
        let value = value.expose();
        let Some((line, old)) = self.find(name)? else { return self.append(name, value) };
        let text = &self.lines[line][old.clone()];
        if unquoted(text) == Some(value) {
            return Ok(());
        }
        let wanted = text.chars().next().filter(|first| matches!(first, '"' | '\''));
        let written = quoted(name, value, wanted)?;
        let full = &self.lines[line];
        self.lines[line] = concat(&[&full[..old.start], &written, &full[old.end..]]);
        if let Kind::Assignment { value, .. } = &mut self.kinds[line] {
            *value = old.start..old.start + written.len();
        }
        Ok(())
    }

    fn append(&mut self, name: &str, value: &str) -> Result<(), Problem> {
        let written = quoted(name, value, None)?;
        let ending =
            if self.lines.first().is_some_and(|line| line.ends_with("\r\n")) { "\r\n" } else { "\n" };
        if let Some(last) = self.lines.last_mut() {
            if continues(last) {
                return Err(Problem::OpenEnd);
            }
            if !last.ends_with('\n') {
                *last = concat(&[last, ending]);
            }
        }
        let mut exported = self.kinds.iter().filter_map(|kind| match kind {
            Kind::Assignment { export, .. } => Some(*export),
            _ => None,
        });
        // A file for a shell exports all of its variables.
        let export = exported.next() == Some(true) && exported.all(|export| export);
        let prefix = if export { "export " } else { "" };
        let start = prefix.len() + name.len() + 1;
        let value = start..start + written.len();
        self.kinds.push(Kind::Assignment { name: name.to_owned(), export, value });
        self.lines.push(concat(&[prefix, name, "=", &written, ending]));
        Ok(())
    }

    /// Where the value of a variable stands, with its quotes, if there is no doubt about it.
    fn find(&self, name: &str) -> Result<Option<(usize, Range<usize>)>, Problem> {
        let mut found: Option<(usize, Range<usize>)> = None;
        for (index, kind) in self.kinds.iter().enumerate() {
            match kind {
                Kind::Assignment { name: there, value, .. } if there == name => {
                    if let Some((first, _)) = found {
                        let (first, second) = (first + 1, index + 1);
                        return Err(Problem::Twice { name: name.to_owned(), first, second });
                    }
                    found = Some((index, value.clone()));
                }
                // Some programs know no quotes over several lines, and see an assignment here.
                Kind::Inside if assignment(&self.lines[index]).is_some_and(|(there, ..)| there == name) => {
                    return Err(Problem::Inside { name: name.to_owned(), line: index + 1 });
                }
                Kind::Assignment { .. } | Kind::Inside | Kind::Other => {}
            }
        }
        Ok(found)
    }
}

/// Whether a variable can have that name in every program that reads such files.
pub(super) fn check_name(name: &str) -> Result<(), Problem> {
    let head = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    let tail = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if head && tail { Ok(()) } else { Err(Problem::NoName(name.to_owned())) }
}

fn kinds(lines: &[Zeroizing<String>]) -> Result<Vec<Kind>, Problem> {
    let mut kinds = Vec::with_capacity(lines.len());
    let mut open: Option<(char, usize)> = None;
    let mut continued = false;
    for (index, line) in lines.iter().enumerate() {
        if let Some((quote, _)) = open {
            if end_of_quote(line, quote).is_some() {
                open = None;
            }
            kinds.push(Kind::Inside);
            continue;
        }
        let inside = continued;
        let comment = line.trim_start().starts_with('#');
        continued = continues(line) && !comment;
        if inside {
            kinds.push(Kind::Inside);
            continue;
        }
        kinds.push(match assignment(line).filter(|_| !comment) {
            Some((name, export, value)) => {
                let first = line[value.clone()].chars().next();
                if let Some(quote @ ('"' | '\'' | '`')) = first
                    && end_of_quote(&line[value.start + 1..], quote).is_none()
                {
                    open = Some((quote, index));
                }
                let value = value_span(line, value);
                Kind::Assignment { name: name.to_owned(), export, value }
            }
            None => Kind::Other,
        });
    }
    match open {
        Some((_, index)) => Err(Problem::Unclosed(index + 1)),
        None => Ok(kinds),
    }
}

/// The name, whether it is exported, and all that stands behind the sign, without white space around it.
fn assignment(line: &str) -> Option<(&str, bool, Range<usize>)> {
    let sign = line.find('=')?;
    let head = line[..sign].trim();
    let exported = head.strip_prefix("export").filter(|rest| rest.starts_with([' ', '\t']));
    let name = exported.unwrap_or(head).trim_start();
    if name.is_empty() || name.contains(|char: char| !(char.is_ascii_alphanumeric() || "_.-".contains(char)))
    {
        return None;
    }
    let tail = &line[sign + 1..];
    let start = sign + 1 + (tail.len() - tail.trim_start_matches([' ', '\t']).len());
    let end = start + line[start..].trim_end().len();
    Some((name, exported.is_some(), start..end))
}

/// The value without a comment behind it.
fn value_span(line: &str, behind: Range<usize>) -> Range<usize> {
    let text = &line[behind.clone()];
    let quote = text.chars().next().filter(|first| matches!(first, '"' | '\''));
    let closed = quote.and_then(|quote| Some(1 + end_of_quote(&text[1..], quote)? + 1));
    let blank_hash = |window: &[u8]| matches!(window, [b' ' | b'\t', b'#']);
    let from = closed.unwrap_or(0);
    let comment = text.as_bytes()[from..].windows(2).position(blank_hash).map(|at| from + at);
    let value = &text[..comment.unwrap_or(text.len())];
    behind.start..behind.start + value.trim_end().len()
}

/// Where a quote ends that began before the text. A backslash hides a double quote.
fn end_of_quote(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().find_map(|(at, char)| {
        let ends = char == quote && !escaped;
        escaped = quote == '"' && char == '\\' && !escaped;
        ends.then_some(at)
    })
}

/// Whether shells and systemd join the next line to this one.
fn continues(line: &str) -> bool {
    line.trim_end_matches(['\r', '\n']).ends_with('\\')
}

/// The value that every program reads in that text; `None` if they differ.
fn unquoted(text: &str) -> Option<&str> {
    for (quote, special) in [('\'', "'\\"), ('"', "\"\\$`")] {
        if let Some(inside) = text.strip_prefix(quote) {
            let inside = inside.strip_suffix(quote)?;
            let clear = !inside.chars().any(|char| special.contains(char) || char.is_control());
            return clear.then_some(inside);
        }
    }
    text.chars().all(is_plain).then_some(text)
}

/// The text that every program reads as that value.
fn quoted(name: &str, value: &str, wanted: Option<char>) -> Result<Zeroizing<String>, Problem> {
    let plain = value.chars().all(is_plain);
    let candidates = [wanted, Some('\''), Some('"')];
    if wanted.is_none() && plain {
        return Ok(concat(&[value]));
    }
    for quote in candidates.into_iter().flatten() {
        let mut buffer = [0; 4];
        let mark = &*quote.encode_utf8(&mut buffer);
        let text = concat(&[mark, value, mark]);
        if unquoted(&text) == Some(value) {
            return Ok(text);
        }
    }
    Err(Problem::Unwritable(name.to_owned()))
}

/// Characters that mean themselves without quotes.
fn is_plain(char: char) -> bool {
    char.is_ascii_alphanumeric() || "_./+=:@,-%".contains(char)
}

/// A line in memory that is zeroized, and that no growing buffer has left copies of.
fn concat(parts: &[&str]) -> Zeroizing<String> {
    let mut line = Zeroizing::new(String::with_capacity(parts.iter().map(|part| part.len()).sum()));
    parts.iter().for_each(|part| line.push_str(part));
    line
}

#[cfg(test)]
mod tests;
