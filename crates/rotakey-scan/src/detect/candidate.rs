//! Where in a value a secret may be, and what stands around it.

use std::ops::Range;

use super::secret::LENGTH;
use super::unescape::{KEPT, Token};
use super::{access_key_id, base64};

/// Forty characters that stand alone.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) span: Range<usize>,
    pub(super) value: [u8; LENGTH],
    pub(super) encodings: Vec<&'static str>,
}

/// More than a secret, less than the lines of any base64.
const FULL_LINE: usize = 48;

/// The candidate that a value is, or that is all of it but what only seems to belong to it.
pub(super) fn in_token(content: &[u8], token: &Token) -> Option<Candidate> {
    let characters = token.characters();
    let mut span = token.span.clone();
    let value = match token.length {
        LENGTH => *characters.first_chunk()?,
        // What looked like the letter of `\n` was not.
        39 => {
            let mut value = [token.letter?; LENGTH];
            value[1..].copy_from_slice(characters);
            span.start -= 1;
            value
        }
        // A line that a difference adds.
        41 if characters[0] == b'+' && is_line_start(content, span.start) => {
            from(content, &mut span, characters, 1)?
        }
        // The colour of a terminal.
        41..=44 if access_key_id::is_colour(&content[..span.start + token.length - LENGTH]) => {
            from(content, &mut span, characters, token.length - LENGTH)?
        }
        // Quoted-printable.
        42 if characters.starts_with(b"3D") && content[..span.start].ends_with(b"=") => {
            from(content, &mut span, characters, 2)?
        }
        // An id, a slash, a secret.
        61 if !characters[20].is_ascii_alphanumeric() && access_key_id::is_id(characters.first_chunk()?) => {
            from(content, &mut span, characters, 21)?
        }
        54..=60 => return in_base64(content, token),
        _ => return None,
    };
    let alone = stands_alone(content, &span) && !token.equal_follows;
    alone.then(|| Candidate { span, value, encodings: token.escapes.names() })
}

/// Leaves some of the first characters out, unless they are escaped.
fn from(content: &[u8], span: &mut Range<usize>, characters: &[u8], first: usize) -> Option<[u8; LENGTH]> {
    if !content[span.start..].starts_with(&characters[..first]) {
        return None;
    }
    span.start += first;
    characters[first..].first_chunk().copied()
}

/// A secret with nothing before it, and nothing but white space behind it, in base64.
fn in_base64(content: &[u8], token: &Token) -> Option<Candidate> {
    let characters = token.characters();
    let mut decoded = [0; KEPT / 4 * 3];
    let length = base64::decode_plain(characters, &mut decoded);
    let value: [u8; LENGTH] = decoded[..length].trim_ascii_end().try_into().ok()?;
    if !value.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'+')) {
        return None;
    }
    let mut span = token.span.clone();
    span.end += content[span.end..].iter().take(2).take_while(|byte| **byte == b'=').count();
    let mut encodings = token.escapes.names();
    encodings.push("base64");
    Some(Candidate { span, value, encodings })
}

/// Whether what is before and behind does not belong to a longer word.
fn stands_alone(content: &[u8], span: &Range<usize>) -> bool {
    let before = content[..span.start].last();
    let begins = match before {
        Some(b'-') => is_line_start(content, span.start - 1) || content[..span.start].ends_with(b"--"),
        Some(b'_' | b'.' | b'@' | b'$') => false,
        Some(byte) => !byte.is_ascii_alphanumeric() || is_behind_letter(content, span.start),
        None => true,
    };
    let behind = &content[span.end..];
    let ends = match behind {
        [b'=' | b'-' | b'_' | b'(' | b'~', ..] => false,
        [b'.', next, ..] => !next.is_ascii_alphanumeric() && *next != b'_',
        _ => true,
    };
    begins && ends && !is_last_line(&content[..span.start])
}

/// Whether the text ends in a full line of base64, so that what follows is only the last line of it, as in a certificate.
fn is_last_line(before: &[u8]) -> bool {
    let line = [&b"\r\n"[..], b"\n", b"\\r\\n", b"\\n"].iter().find_map(|end| before.strip_suffix(*end));
    line.and_then(|line| line.last_chunk::<FULL_LINE>()).is_some_and(|line| {
        line.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'+'))
    })
}

/// Whether the letter before belongs to an escape: a value never begins behind any other one.
fn is_behind_letter(content: &[u8], start: usize) -> bool {
    content[..start]
        .iter()
        .rev()
        .take(9)
        .any(|byte| matches!(byte, b'\\' | b'%' | b'=' | b';' | b'/' | b'+' | b'['))
}

fn is_line_start(content: &[u8], at: usize) -> bool {
    content[..at].last().is_none_or(|byte| *byte == b'\n')
}
