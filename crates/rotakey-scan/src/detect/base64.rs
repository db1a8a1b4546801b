//! Base64: places in it that a key may be at, and the text around them.
//!
//! Three letters of the plain text are at one of three places within a group of four characters, and most of their bits then are
//! the same whatever stands before and behind. So an encoded `AKIA` can be searched for, and nothing is decoded but the
//! neighbourhood of what was found. What is the same can be encoded again, and again most of its bits are: so base64 of base64,
//! as of a file in a secret of Kubernetes that held a secret already, is searched for in the same pass.

use std::ops::Range;

use super::steps;
use super::unescape::Escape;
use super::view::View;

/// A place in base64 where `AKIA` or a word such as `secret` is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Anchor {
    /// A character of the encoded form.
    pub(super) at: usize,
    /// Its number within its group of four.
    phase: u8,
}

/// The words whose encoded form is searched for. Behind an id's prefix there are sixteen more characters; the others are the least that
/// the name of a secret has.
const WORDS: [&[u8]; 6] = [b"AKIA", b"ASIA", b"ABIA", b"ACCA", b"ecret", b"ECRET"];

/// How many literals the words have, one for each place within a group.
const ONCE: usize = 3 * WORDS.len();

/// Those of the words, and then those of these literals.
const LITERALS: [Literal; 4 * ONCE] = literals();

/// For each of the first three characters of a literal, which literals it may belong to: a bit for each few.
static FILTER: [[u64; 256]; 3] = filter();

/// What of an encoded word is the same whatever stands around it.
#[derive(Debug, Clone, Copy)]
struct Literal {
    characters: [u8; 6],
    length: u8,
    phase: u8,
}

/// How many characters at the beginning of a run can belong to an id or a word that began before it.
const SEAM: usize = 32;

/// How far base64 is followed, in bytes, from a place.
const FARTHEST: usize = 1 << 19;

/// What of a longer text is decoded twice, so that nothing is cut in two.
const OVERLAP: usize = 8192;

/// Hands on all places in a run of the alphabet.
pub(super) fn anchors(content: &[u8], run: Range<usize>, mut each: impl FnMut(Anchor)) {
    let text = &content[run.clone()];
    steps::add(text.len());
    for (at, three) in text.windows(3).enumerate() {
        let kinds = FILTER[0][usize::from(three[0])]
            & FILTER[1][usize::from(three[1])]
            & FILTER[2][usize::from(three[2])];
        if kinds != 0
            && let Some(literal) = LITERALS.iter().find(|literal| text[at..].starts_with(literal.text()))
        {
            each(Anchor { at: run.start + at, phase: literal.phase });
        }
    }
}

/// Hands on the places that are divided by the end of a line between two runs.
pub(super) fn anchors_across(
    content: &[u8],
    first: &Range<usize>,
    second: &Range<usize>,
    mut each: impl FnMut(Anchor),
) {
    let mut seam = [0; 2 * SEAM];
    let before = first.len().min(SEAM);
    let behind = second.len().min(SEAM);
    seam[..before].copy_from_slice(&content[first.end - before..first.end]);
    seam[before..before + behind].copy_from_slice(&content[second.start..second.start + behind]);
    anchors(&seam, 0..before + behind, |anchor| {
        // What is within one of the two is found there.
        if anchor.at < before && anchor.at + 6 > before {
            each(Anchor { at: first.end - before + anchor.at, phase: anchor.phase });
        }
    });
}

/// Whether only the end of a line, with what indents the next one, is between two places.
pub(super) fn is_line_end(between: &[u8]) -> bool {
    let rest = between.strip_prefix(b"\r").unwrap_or(between);
    rest.strip_prefix(b"\n")
        .is_some_and(|rest| rest.len() <= 64 && rest.iter().all(|byte| matches!(byte, b' ' | b'\t')))
}

/// Decodes the base64 texts around anchors, which are ascending.
pub(super) fn decode_around(content: &[u8], anchors: &[Anchor], mut each: impl FnMut(&View)) {
    let mut rest = anchors;
    let mut floor = 0;
    while let Some(anchor) = rest.first() {
        let start = start_of(content, anchor.at, floor.max(anchor.at.saturating_sub(FARTHEST)));
        let (characters, end) = characters(content, start, anchor.at);
        let within;
        (within, rest) = rest.split_at(rest.partition_point(|anchor| anchor.at < end).max(1));
        // All anchors of one text agree on where its groups of four begin. What does not is mostly chance, but cannot be told apart.
        let mut seen = [false; 4];
        for anchor in within {
            let index = characters.partition_point(|character| character.start < anchor.at);
            let skip = (index + 4 - usize::from(anchor.phase)) % 4;
            if !std::mem::replace(&mut seen[skip], true) {
                each(&decode(content, characters.get(skip..).unwrap_or_default()));
            }
        }
        // A text that was too long goes on.
        floor = if end - start < 2 * FARTHEST { end } else { end - OVERLAP };
    }
}

/// Decodes characters that stand alone, and says how many bytes there are.
pub(super) fn decode_plain(characters: &[u8], decoded: &mut [u8]) -> usize {
    let mut length = 0;
    for group in characters.chunks(4) {
        let bits = group.iter().fold(0, |bits, byte| bits << 6 | u32::from(sextet(*byte).unwrap_or(0)));
        let bytes = (bits << (6 * (4 - group.len()))).to_be_bytes();
        for (place, byte) in decoded[length..].iter_mut().zip(&bytes[1..group.len()]) {
            *place = *byte;
        }
        length = (length + group.len() - 1).min(decoded.len());
    }
    length
}

#[derive(Debug)]
struct Character {
    sextet: u8,
    start: usize,
    end: usize,
}

/// Goes back to where the text begins, over the ends of lines.
fn start_of(content: &[u8], at: usize, floor: usize) -> usize {
    let mut start = at;
    while start > floor {
        let byte = content[start - 1];
        if sextet(byte).is_some() || byte == b'\\' || byte == b'%' {
            start -= 1;
            continue;
        }
        let indented =
            content[floor..start].iter().rev().take(65).take_while(|byte| matches!(byte, b' ' | b'\t'));
        let mut line_end = start - indented.count();
        if line_end == floor || content[line_end - 1] != b'\n' {
            break;
        }
        line_end -= 1;
        if content[floor..line_end].ends_with(b"\r") {
            line_end -= 1;
        }
        let line = &content[floor..line_end];
        let tail = &line[line.len().saturating_sub(super::runs::LONG)..];
        if tail.len() < super::runs::LONG || tail.iter().any(|byte| sextet(*byte).is_none()) {
            break;
        }
        start = line_end;
    }
    steps::add(at - start);
    if start == floor && start > 0 {
        // Far away, and in the middle of a line: the next one is a better place to begin at.
        start += content[start..at].iter().take(128).position(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    }
    start
}

/// The characters from there on, at least up to the anchor, and where they end.
///
/// Lines have as many characters as make whole groups of four. What ends in another way ends the text, so that a value without
/// padding is not read on in the next line.
fn characters(content: &[u8], start: usize, anchor: usize) -> (Vec<Character>, usize) {
    let mut characters: Vec<Character> = Vec::new();
    // How many characters there were when the line began.
    let mut line = 0;
    let mut at = start;
    while let Some(&byte) = content.get(at)
        && at - start < 2 * FARTHEST
    {
        let (value, length, is_line_end) = match byte {
            b'\\' | b'%' => {
                let escape = Escape::read(&content[at..]);
                (escape.character.and_then(sextet), escape.length, escape.is_line_end())
            }
            b'\n' | b'\r' => {
                let white =
                    content[at..].iter().take(66).take_while(|byte| byte.is_ascii_whitespace()).count();
                (None, white, is_line_end(&content[at..at + white]))
            }
            _ => (sextet(byte), 1, false),
        };
        match value {
            Some(sextet) => characters.push(Character { sextet, start: at, end: at + length }),
            None if is_line_end && (characters.len() - line).is_multiple_of(4) => line = characters.len(),
            None if at > anchor => break,
            None => {
                characters.clear();
                line = 0;
            }
        }
        at += length;
    }
    steps::add(at - start);
    (characters, at.max(anchor + 1))
}

/// Decodes groups of four characters, the first of which is the first character.
fn decode(content: &[u8], characters: &[Character]) -> View {
    let mut view = View::new(characters.first().map_or(0, |character| character.start));
    let mut bits = 0_u32;
    for (number, character) in characters.iter().enumerate() {
        bits = bits << 6 | u32::from(character.sextet);
        let (first, spare) = match number % 4 {
            0 => continue,
            1 => (number - 1, 4),
            2 => (number - 1, 2),
            _ => (number - 1, 0),
        };
        view.push((bits >> spare) as u8, characters[first].start..character.end);
    }
    if let Some(last) = characters.last() {
        view.extend_last(
            last.end,
            content[last.end..].iter().take(2).take_while(|byte| **byte == b'=').count(),
        );
    }
    view
}

/// The value of a character of either alphabet.
fn sextet(byte: u8) -> Option<u8> {
    Some(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    })
}

impl Literal {
    fn text(&self) -> &[u8] {
        &self.characters[..usize::from(self.length)]
    }
}

const fn literals() -> [Literal; 4 * ONCE] {
    let mut literals = [Literal { characters: [0; 6], length: 0, phase: 0 }; 4 * ONCE];
    let mut number = 0;
    while number < literals.len() {
        literals[number] = if number < ONCE {
            let word = WORDS[number / 3];
            encoded(word, word.len(), number % 3)
        } else {
            let literal = literals[(number - ONCE) / 3];
            encoded(&literal.characters, literal.length as usize, number % 3)
        };
        number += 1;
    }
    literals
}

/// What is the same of the first bytes of a word if so many bytes stand before it in its group of three.
const fn encoded(word: &[u8], length: usize, before: usize) -> Literal {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut characters = [0; 6];
    // The first character none of whose bits belong to what stands before.
    let first = (before * 8).div_ceil(6);
    let count = (before + length) * 8 / 6 - first;
    let count = if count > 6 { 6 } else { count };
    let mut at = 0;
    while at < count {
        let mut value = 0;
        let mut bit = 0;
        while bit < 6 {
            let place = (first + at) * 6 + bit - before * 8;
            value = value << 1 | (word[place / 8] >> (7 - place % 8) & 1) as usize;
            bit += 1;
        }
        characters[at] = ALPHABET[value];
        at += 1;
    }
    Literal { characters, length: count as u8, phase: (first % 4) as u8 }
}

const fn filter() -> [[u64; 256]; 3] {
    let mut filter = [[0; 256]; 3];
    let mut number = 0;
    while number < LITERALS.len() {
        let mut place = 0;
        while place < 3 {
            filter[place][LITERALS[number].characters[place] as usize] |= 1 << (number % 64);
            place += 1;
        }
        number += 1;
    }
    filter
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_literal_begins_another_one() {
        for (number, literal) in LITERALS.iter().enumerate() {
            assert!(literal.length >= 4);
            for other in LITERALS.iter().skip(number + 1) {
                let (a, b) = (literal.text(), other.text());
                assert!(!a.starts_with(b) && !b.starts_with(a), "{}", String::from_utf8_lossy(a));
            }
        }
    }

    #[test]
    fn an_anchor_is_found_behind_anything_in_one_layer_and_in_two() {
        let encode = |text: &str| data_encoding::BASE64_NOPAD.encode(text.as_bytes());
        for word in WORDS {
            let word = str::from_utf8(word).unwrap();
            for (inner, outer) in (0..3).flat_map(|inner| (0..3).map(move |outer| (inner, outer))) {
                let once = encode(&format!("{}{word} and more", &"xyz"[..inner]));
                let twice = encode(&format!("{}{once}", &"xyz"[..outer]));
                for text in [once, twice] {
                    let mut phases = Vec::new();
                    anchors(text.as_bytes(), 0..text.len(), |anchor| {
                        phases.push(anchor.at % 4 == usize::from(anchor.phase));
                    });
                    assert_eq!(phases, [true], "{word} {text}");
                }
            }
        }
    }
}
