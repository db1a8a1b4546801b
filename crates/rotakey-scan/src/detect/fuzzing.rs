//! The decoders, each alone, for fuzz targets.

use std::ops::Range;

use super::view::View;
use super::{base64, unescape, utf16};

/// Decoded bytes, and where the encoded form of each is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Where they come from.
    pub spans: Vec<Range<usize>>,
}

impl Decoded {
    fn of(view: &View) -> Self {
        let spans = (0..view.bytes.len()).map(|at| view.outer(&(at..at + 1))).collect();
        Self { bytes: view.bytes.clone(), spans }
    }
}

/// The values of a text with escapes taken off, and where they are.
pub fn unescaped(text: &[u8]) -> Vec<(Range<usize>, String)> {
    let mut values = Vec::new();
    unescape::tokens(text, 0..text.len(), |token| {
        let value = unescape::value_of(text, token);
        assert_eq!(value.len(), token.length, "what is counted and what is read");
        assert!(value.as_bytes().starts_with(token.characters()), "what is kept and what is read");
        values.push((token.span.clone(), value));
    });
    values
}

/// The texts in base64 around all places that may be a key, as if all of the content were one run of letters.
pub fn base64(content: &[u8]) -> Vec<Decoded> {
    let (mut anchors, mut decoded) = (Vec::new(), Vec::new());
    base64::anchors(content, 0..content.len(), |anchor| anchors.push(anchor));
    base64::decode_around(content, &anchors, |view| decoded.push(Decoded::of(view)));
    decoded
}

/// The text in UTF-16 around the first byte of a character that is not NUL, in one order of bytes or both.
pub fn utf16(content: &[u8], at: usize) -> Vec<Decoded> {
    utf16::around(content, at).0.map(|(view, _)| Decoded::of(&view)).collect()
}
