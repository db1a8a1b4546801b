//! What is a session token.
//!
//! Its form is nobody's promise, but all that STS gives out begin with one of few texts: the encoded name of the key that it is
//! sealed with. Others are known by their name alone.

use std::ops::Range;

use super::label::{self, Label};
use super::secret;
use super::unescape::Token;

/// How many characters the shortest has.
pub(super) const SHORTEST: usize = 100;

/// How many the longest has, if only its name tells.
const LONGEST: usize = 4096;

/// How the tokens of STS begin: `origin_ec`, and three generations of `aws`.
const BEGINNINGS: [&[u8]; 5] =
    [b"IQoJb3JpZ2luX2Vj", b"FwoGZXIvYXdz", b"FQoGZXIvYXdz", b"FQoDYXdz", b"AQoDYXdz"];

/// Where a token is, with its padding.
#[derive(Debug)]
pub(super) struct Span {
    pub(super) span: Range<usize>,
    /// How many equal signs end it.
    pub(super) padding: usize,
}

/// Where it is, if the value is one.
pub(super) fn span(content: &[u8], token: &Token) -> Option<Span> {
    let characters = token.characters();
    let known = BEGINNINGS.iter().any(|beginning| characters.starts_with(beginning));
    let named = || {
        token.length <= LONGEST
            && secret::entropy(characters) >= 4.0
            && label::before(content, token.span.start) == Label::Token
    };
    if !(known || named()) || content[token.span.clone()].windows(7).any(|window| window == b"EXAMPLE") {
        return None;
    }
    let mut span = token.span.clone();
    let mut padding = 0;
    for _ in 0..2 {
        let rest = &content[span.end..];
        let escaped = ["=", "%3D", "%3d", "\\u003d", "\\u003D", "&#x3D;", "&#61;"];
        let Some(length) =
            escaped.iter().find(|form| rest.starts_with(form.as_bytes())).map(|form| form.len())
        else {
            break;
        };
        span.end += length;
        padding += 1;
    }
    Some(Span { span, padding })
}
