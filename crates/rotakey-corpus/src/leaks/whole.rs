//! What is done with a whole file.

use super::encode;
use super::template::Span;
use crate::random::Random;

/// Does what the flag says, and moves the spans with it.
pub(super) fn apply(flag: &str, content: Vec<u8>, spans: &mut [Span], random: &mut Random) -> Vec<u8> {
    match flag {
        "no-newline" => content.strip_suffix(b"\n").map(<[u8]>::to_vec).unwrap_or(content),
        "bom" => between("\u{feff}".as_bytes(), content, b"", spans),
        "crlf" => {
            each_unit(&content, spans, |unit| if unit == b"\n" { b"\r\n".to_vec() } else { unit.to_vec() })
        }
        "zeros" => each_unit(&content, spans, |unit| if unit == b"\n" { vec![0] } else { unit.to_vec() }),
        "latin1" => {
            each_character(&content, spans, |character| vec![u8::try_from(character).unwrap_or(b'?')])
        }
        "utf16le-bare" => each_character(&content, spans, |character| wide(character).to_le_bytes().to_vec()),
        "utf16le" => {
            let content = each_character(&content, spans, |character| wide(character).to_le_bytes().to_vec());
            between(b"\xff\xfe", content, b"", spans)
        }
        "utf16be" => {
            let content = each_character(&content, spans, |character| wide(character).to_be_bytes().to_vec());
            between(b"\xfe\xff", content, b"", spans)
        }
        "base64" => all_of(encode::encode("base64", text(&content)).unwrap_or_default(), spans),
        "base64-wrapped" => all_of(encode::wrapped(&content), spans),
        "binary" => {
            // No byte of these is one of a key, so that nothing grows longer.
            let noise = |random: &mut Random| -> Vec<u8> {
                let bytes = (0..4_096).map(|_| (random.next() & 0xFF) as u8);
                bytes.filter(|byte| !byte.is_ascii_graphic()).chain([0]).collect()
            };
            let (before, behind) = (noise(random), noise(random));
            between(&before, content, &behind, spans)
        }
        "long-line" => {
            let filler = "function(e,t){return e[t]||(e[t]=function(){return 1})},".repeat(4_000);
            let content = content.strip_suffix(b"\n").map(<[u8]>::to_vec).unwrap_or(content);
            between(filler.as_bytes(), content, filler.as_bytes(), spans)
        }
        "deep" => {
            let filler = "2026-03-01 11:59:59 INFO  request served in 12 ms\n".repeat(4_000);
            between(filler.as_bytes(), content, filler.as_bytes(), spans)
        }
        _ => panic!("no flag is called {flag}"),
    }
}

/// The content with something before and something behind it.
fn between(before: &[u8], content: Vec<u8>, behind: &[u8], spans: &mut [Span]) -> Vec<u8> {
    for span in spans {
        span.place = span.place.start + before.len()..span.place.end + before.len();
    }
    [before, &content, behind].concat()
}

/// An encoding of the whole, in which one cannot tell any more what is where.
fn all_of(encoded: String, spans: &mut [Span]) -> Vec<u8> {
    for span in spans {
        span.place = 0..encoded.len();
    }
    (encoded + "\n").into_bytes()
}

fn each_character(content: &[u8], spans: &mut [Span], encode: impl Fn(u32) -> Vec<u8>) -> Vec<u8> {
    let units = text(content).char_indices().map(|(at, character)| (at, encode(u32::from(character))));
    moved(units, spans)
}

fn each_unit(content: &[u8], spans: &mut [Span], encode: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    moved(content.iter().enumerate().map(|(at, byte)| (at, encode(&[*byte]))), spans)
}

/// Puts the units together, each of which stood at a place before.
fn moved(units: impl Iterator<Item = (usize, Vec<u8>)>, spans: &mut [Span]) -> Vec<u8> {
    let mut content = Vec::new();
    let mut places = std::collections::BTreeMap::new();
    for (at, unit) in units {
        places.insert(at, content.len());
        content.extend(unit);
    }
    for span in spans {
        let place = |at| places.get(&at).copied().unwrap_or(content.len());
        span.place = place(span.place.start)..place(span.place.end);
    }
    content
}

fn wide(character: u32) -> u16 {
    u16::try_from(character).unwrap_or(u16::from(b'?'))
}

fn text(content: &[u8]) -> &str {
    str::from_utf8(content).expect("what is encoded by characters is a text yet")
}
