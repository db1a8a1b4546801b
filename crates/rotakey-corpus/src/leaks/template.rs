//! The templates, and how they are filled.
//!
//! A line `=== NAME @ PATH` begins a case, ` : FLAG FLAG` behind it says what is done with the whole (see [`super::whole`]
//! ); the lines until the next one are the text. In it, `«id»`, `«secret»`, `«token»` and so on stand for the values of a
//! key, `«id:2»` for those of another; `«hex:40»` and so on for noise; and `⟦url:…⟧` for a part in an encoding, also within
//! another.

use std::ops::Range;

use super::value::{self, Key};
use super::whole;
use super::{Case, Label, encode};
use crate::random::Random;

/// A case without its values.
pub(super) struct Template {
    pub(super) name: &'static str,
    path: &'static str,
    flags: Vec<&'static str>,
    text: &'static str,
}

/// The templates of a file.
pub(super) fn read(file: &'static str) -> impl Iterator<Item = Template> {
    file.split("=== ").skip(1).map(|case| {
        let (head, text) = case.split_once('\n').expect("a case has a text");
        let (head, flags) = head.split_once(" : ").unwrap_or((head, ""));
        let (name, path) = head.split_once(" @ ").expect("a case has a name and a path");
        Template { name, path, flags: flags.split_whitespace().collect(), text }
    })
}

impl Template {
    /// The case with the values that grow from the seed.
    pub(super) fn fill(&self, seed: u64) -> Case {
        let mut random = Random::of(&[seed, number_of(self.name)]);
        let keys: Vec<Key> = (0..4).map(|_| Key::new(&mut random)).collect();
        let mut filler = Filler { keys: &keys, random };
        let mut filled = filler.fill(self.text);
        let random = &mut filler.random;
        let is_disputed = self.flags.contains(&"disputed");
        let content = self.flags.iter().filter(|flag| **flag != "disputed").fold(None, |content, flag| {
            let content = content.unwrap_or_else(|| std::mem::take(&mut filled.text).into_bytes());
            Some(whole::apply(flag, content, &mut filled.spans, random))
        });
        let content = content.unwrap_or_else(|| filled.text.into_bytes());
        let label = |span: Span| Label {
            kind: span.kind,
            value: span.value,
            lines: line(&content, span.place.start)..=line(&content, span.place.end),
        };
        let labels = filled.spans.into_iter().map(label).collect();
        Case { name: self.name, path: self.path, content, labels, is_disputed }
    }
}

/// On which line the byte stands. In UTF-16, only every second byte can be the end of a line, but no other is one either
/// in what we write.
fn line(content: &[u8], at: usize) -> usize {
    1 + content[..at.min(content.len())].iter().filter(|byte| **byte == b'\n').count()
}

/// A value, and which bytes of the text it takes, encoded as it is.
#[derive(Clone)]
pub(super) struct Span {
    kind: super::Kind,
    value: String,
    pub(super) place: Range<usize>,
}

#[derive(Default)]
struct Filled {
    text: String,
    spans: Vec<Span>,
}

struct Filler<'a> {
    keys: &'a [Key],
    random: Random,
}

impl Filler<'_> {
    fn fill(&mut self, template: &str) -> Filled {
        let mut filled = Filled::default();
        let mut rest = template;
        while let Some(at) = rest.find(['«', '⟦']) {
            filled.text.push_str(&rest[..at]);
            rest = &rest[at..];
            if let Some(inner) = rest.strip_prefix('«') {
                let (placeholder, behind) = inner.split_once('»').expect("a placeholder ends");
                self.placeholder(placeholder, &mut filled);
                rest = behind;
            } else {
                let length = region(rest);
                let inner = &rest['⟦'.len_utf8()..length - '⟧'.len_utf8()];
                let (encoding, inner) = inner.split_once(':').expect("an encoded part names its encoding");
                self.encoded(encoding, inner, &mut filled);
                rest = &rest[length..];
            }
        }
        filled.text.push_str(rest);
        filled
    }

    fn placeholder(&mut self, placeholder: &str, filled: &mut Filled) {
        let start = filled.text.len();
        let (name, number) = placeholder.split_once(':').unwrap_or((placeholder, "1"));
        let key = number.parse::<usize>().ok().and_then(|number| self.keys.get(number.wrapping_sub(1)));
        if let Some((kind, value)) = key.and_then(|key| key.value(name)) {
            filled.text.push_str(&value);
            filled.spans.push(Span { kind, value, place: start..filled.text.len() });
            return;
        }
        let noise = value::noise(placeholder, &mut self.random);
        filled.text.push_str(&noise.unwrap_or_else(|| panic!("no placeholder is called {placeholder}")));
    }

    /// A part in an encoding. The values in it take all of it: what bytes they end up in is not known.
    fn encoded(&mut self, encoding: &str, template: &str, filled: &mut Filled) {
        let start = filled.text.len();
        let inner = self.fill(template);
        let encoded = encode::encode(encoding, &inner.text);
        filled.text.push_str(&encoded.unwrap_or_else(|| panic!("no encoding is called {encoding}")));
        let place = start..filled.text.len();
        filled.spans.extend(inner.spans.into_iter().map(|span| Span { place: place.clone(), ..span }));
    }
}

/// How long the encoded part is that the text begins with.
fn region(text: &str) -> usize {
    let mut depth = 0;
    for (at, character) in text.char_indices() {
        match character {
            '⟦' => depth += 1,
            '⟧' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + character.len_utf8();
        }
    }
    panic!("an encoded part does not end: {text}")
}

/// A number that belongs to the name, so that the values of a case do not depend on which others there are.
fn number_of(name: &str) -> u64 {
    name.bytes()
        .fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(file: &'static str) -> Case {
        read(file).next().unwrap().fill(1)
    }

    #[test]
    fn a_template_becomes_a_case() {
        let case = fill("=== two @ a/b.txt : disputed\nfirst\n«id» «secret:2»\n");
        assert_eq!((case.name, case.path, case.is_disputed), ("two", "a/b.txt", true));
        let [id, secret] = &case.labels[..] else { panic!("{case:?}") };
        assert_eq!(case.content, format!("first\n{} {}\n", id.value, secret.value).into_bytes());
        assert_eq!((id.lines.clone(), secret.kind), (2..=2, super::super::Kind::SecretAccessKey));
    }

    #[test]
    fn a_value_in_an_encoded_part_takes_all_of_it() {
        let case = fill("=== nested @ a\nx\n⟦base64-wrapped:⟦url:«token»⟧⟧\n");
        assert!(*case.labels[0].lines.end() > 5, "{case:?}");
        assert_eq!(*case.labels[0].lines.start(), 2);
    }

    #[test]
    fn lines_are_those_of_the_whole_file() {
        let case = fill("=== wide @ a : crlf utf16le\nx\n«id»\n");
        assert_eq!(case.labels[0].lines, 2..=2);
        let case = fill("=== deep @ a : deep\n«id»\n");
        let lines: Vec<&[u8]> = case.content.split(|byte| *byte == b'\n').collect();
        assert!(lines[case.labels[0].lines.start() - 1].ends_with(case.labels[0].value.as_bytes()));
    }
}
