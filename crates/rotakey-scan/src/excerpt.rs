//! The line around a match, as it may be shown: without any secret, found or not.

use std::borrow::Cow;
use std::ops::Range;

use crate::detect::Found;
use crate::finding::redact;

/// How many characters are shown on each side of the match.
const SHOWN: usize = 80;

/// How many bytes on each side of the match are looked at.
const LOOKED_AT: usize = 1 << 10;

/// Runs of so many characters may be secrets that nobody recognised.
const SECRET: usize = 40;

/// The found values of a piece of a content, to be left out of all excerpts of it.
#[derive(Debug)]
pub(crate) struct Excerpts<'a> {
    piece: &'a [u8],
    /// Whether something stands ahead of the piece that is not to be seen here.
    is_cut: bool,
    found: &'a [Found],
    /// Where found values are, ascending and disjoint, each with the first match in it.
    taken: Vec<(Range<usize>, usize)>,
}

impl<'a> Excerpts<'a> {
    /// Of matches that ascend by where they begin.
    pub(crate) fn new(piece: &'a [u8], is_cut: bool, found: &'a [Found]) -> Self {
        let mut taken: Vec<(Range<usize>, usize)> = Vec::with_capacity(found.len());
        for (number, Found { span, .. }) in found.iter().enumerate() {
            match taken.last_mut() {
                Some((last, _)) if span.start < last.end => last.end = last.end.max(span.end),
                _ => taken.push((span.clone(), number)),
            }
        }
        Self { piece, is_cut, found, taken }
    }

    /// What may be shown around a match.
    pub(crate) fn around(&self, number: usize) -> String {
        let span = &self.found[number].span;
        let index = self.taken.partition_point(|(taken, _)| taken.end <= span.start);
        // The match itself, with all that overlaps it.
        let own = self.taken.get(index).map_or(span.clone(), |(taken, _)| taken.clone());
        let start = own.start.saturating_sub(LOOKED_AT);
        let end = self.piece.len().min(own.end + LOOKED_AT);
        let line_start = memchr::memrchr(b'\n', &self.piece[start..own.start]).map(|at| start + at + 1);
        let line_end = memchr::memchr(b'\n', &self.piece[own.end..end]).map(|at| own.end + at);

        let mut before = self.text(line_start.unwrap_or(start)..own.start);
        if line_start.is_none() && (start > 0 || self.is_cut) {
            // The rest of a run that begins farther ahead would not be recognised by its length.
            before.drain(..before.len().min(SECRET));
        }
        let mut after = self.text(own.end..line_end.unwrap_or(end));
        if line_end.is_none() && end < self.piece.len() {
            after.truncate(after.len().saturating_sub(SECRET));
        }
        let before_cut = before.len().saturating_sub(SHOWN);
        let (mark_before, mark_after) =
            (if before_cut > 0 { "…" } else { "" }, if after.len() > SHOWN { "…" } else { "" });
        let before: String = before[before_cut..].iter().collect();
        let after: String = after.iter().take(SHOWN).collect();
        let excerpt = format!("{mark_before}{before}{}{after}{mark_after}", redact(&self.found[number]));
        excerpt.trim().to_owned()
    }

    /// A part of a line, with what was found in it redacted and what looks like a secret masked.
    fn text(&self, part: Range<usize>) -> Vec<char> {
        let mut text = Vec::new();
        let mut at = part.start;
        let first = self.taken.partition_point(|(taken, _)| taken.end <= part.start);
        for (taken, number) in &self.taken[first..] {
            if taken.start >= part.end {
                break;
            }
            if taken.start >= at {
                mask(&self.piece[at..taken.start], &mut text);
                text.extend(redact(&self.found[*number]).chars());
            }
            at = taken.end.min(part.end);
        }
        mask(&self.piece[at..part.end], &mut text);
        text
    }
}

/// Adds a text without control characters, and with long runs of what secrets and their encodings are made of masked.
fn mask(bytes: &[u8], text: &mut Vec<char>) {
    let clean: Cow<'_, str> = String::from_utf8_lossy(bytes);
    let mut run = Vec::new();
    let end = |run: &mut Vec<char>, text: &mut Vec<char>| {
        if run.len() >= SECRET {
            text.extend(format!("…({} characters)", run.len()).chars());
        } else {
            text.extend(run.iter());
        }
        run.clear();
    };
    for character in clean.chars() {
        match character {
            'A'..='Z' | 'a'..='z' | '0'..='9' => run.push(character),
            '+' | '/' | '=' | '_' | '-' | '%' | '\\' | '&' | '#' | ';' => run.push(character),
            '\t' => {
                end(&mut run, text);
                text.push(' ');
            }
            // They are left out before runs are measured: between the characters of UTF-16 there are zeros.
            character if character.is_control() || is_invisible(character) => {}
            character => {
                end(&mut run, text);
                text.push(character);
            }
        }
    }
    end(&mut run, text);
}

/// What changes the direction of a text or takes no room, so that a reader would see something else than there is.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{00AD}' | '\u{061C}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}' | '\u{E0000}'..='\u{E007F}')
}

#[cfg(test)]
mod tests;
