//! Text of two bytes for each character, as PowerShell and the registry write it, whole or within a binary.

use std::ops::Range;

use super::steps;
use super::view::View;

/// How far around a place the text is decoded, in bytes.
const AROUND: usize = 2048;

/// What is decoded twice, so that nothing is cut in two between one part and the next: more than a token has.
const OVERLAP: usize = 1024;

/// The text around a place that is the byte of an ASCII character that is not NUL, with the name of its encoding, and up to where no
/// other place needs to be looked at.
///
/// Within ASCII text there is a NUL on both sides of each character, and both orders of bytes say the same; where it begins or
/// ends only one of them does. Where they differ there are both, the likely one first.
pub(super) fn around(content: &[u8], at: usize) -> (impl Iterator<Item = (View, &'static str)>, usize) {
    let end = at + (content.len() - at).min(2 * AROUND);
    let decode = |big_endian: bool| {
        let unit = at.checked_sub(usize::from(big_endian))?;
        let start = unit - (unit.min(AROUND) & !1);
        let name = if big_endian { "utf-16be" } else { "utf-16le" };
        Some((view(content, start..end, big_endian), name))
    };
    let likely = is_big_endian(content, at);
    let first = decode(likely);
    let is_new = |(view, _): &(View, _)| first.as_ref().is_none_or(|(first, _)| first.bytes != view.bytes);
    let second = decode(!likely).filter(is_new);
    (first.into_iter().chain(second), end.saturating_sub(OVERLAP).max(at + 1))
}

/// Files and most binaries put characters at even places.
fn is_big_endian(content: &[u8], at: usize) -> bool {
    at % 2 == 1 && content[at - 1] == 0
}

fn view(content: &[u8], part: Range<usize>, big_endian: bool) -> View {
    let mut view = View::new(part.start);
    steps::add(part.len());
    for (number, unit) in content[part.clone()].as_chunks::<2>().0.iter().enumerate() {
        let unit = if big_endian { u16::from_be_bytes(*unit) } else { u16::from_le_bytes(*unit) };
        let start = part.start + number * 2;
        // What is not ASCII belongs to no key, whatever it is.
        view.push(u8::try_from(unit).unwrap_or(u8::MAX), start..start + 2);
    }
    view
}
