//! Runs of characters to values, with escapes taken off.
//!
//! A slash and a plus sign are what JSON, XML and URLs write in another way, and what stands around a value (quotes, line ends, equal
//! signs) is written so too where one text is within another. Letters and digits are always themselves.

use std::ops::Range;

use super::steps;

/// How many characters of a value are kept. More are only counted.
pub(super) const KEPT: usize = 64;

/// A value that cannot be made longer: letters, digits, slashes and plus signs.
#[derive(Debug, Clone)]
pub(super) struct Token {
    /// Where it is in the content.
    pub(super) span: Range<usize>,
    /// How many characters it has.
    pub(super) length: usize,
    /// The first of them.
    kept: [u8; KEPT],
    /// The escapes that were within.
    pub(super) escapes: Escapes,
    /// The letter before it that may as well belong to it: that of `\n`.
    pub(super) letter: Option<u8>,
    /// Whether an escaped equal sign stands behind it.
    pub(super) equal_follows: bool,
}

/// The kinds of escapes in a value.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Escapes {
    json: bool,
    url: bool,
    xml: bool,
}

impl Token {
    fn at(offset: usize) -> Self {
        Self {
            span: offset..offset,
            length: 0,
            kept: [0; KEPT],
            escapes: Escapes::default(),
            letter: None,
            equal_follows: false,
        }
    }

    fn push(&mut self, character: u8, end: usize) {
        if let Some(place) = self.kept.get_mut(self.length) {
            *place = character;
        }
        self.length += 1;
        self.span.end = end;
    }

    /// The characters, at most [`KEPT`] of them.
    pub(super) fn characters(&self) -> &[u8] {
        &self.kept[..self.length.min(KEPT)]
    }
}

impl Escapes {
    /// The names of the encodings, outermost first.
    pub(super) fn names(self) -> Vec<&'static str> {
        [(self.xml, "xml"), (self.url, "url"), (self.json, "json")]
            .into_iter()
            .filter_map(|(has, name)| has.then_some(name))
            .collect()
    }
}

/// Hands on each value of a run.
pub(super) fn tokens(content: &[u8], run: Range<usize>, mut each: impl FnMut(&Token)) {
    let text = &content[run.clone()];
    steps::add(text.len());
    let mut token = Token::at(run.start);
    let begins_escape = |byte: &u8| matches!(byte, b'\\' | b'%' | b'&' | b'#' | b';');
    if !text.iter().fold(false, |any, byte| any | begins_escape(byte)) {
        let kept = text.len().min(KEPT);
        token.kept[..kept].copy_from_slice(&text[..kept]);
        token.length = text.len();
        token.span = run;
        return each(&token);
    }
    let mut at = 0;
    while at < text.len() {
        let byte = text[at];
        if byte.is_ascii_alphanumeric() || byte == b'/' || byte == b'+' {
            at += 1;
            token.push(byte, run.start + at);
            continue;
        }
        let escape = Escape::read(&text[at..]);
        at += escape.length;
        match escape.character {
            Some(character @ (b'/' | b'+')) => {
                token.push(character, run.start + at);
                escape.kind.mark(&mut token.escapes);
            }
            character => {
                token.equal_follows = character == Some(b'=');
                if token.length > 0 {
                    each(&token);
                }
                token = Token::at(run.start + at);
                token.letter = escape.letter;
            }
        }
    }
    if token.length > 0 {
        each(&token);
    }
}

/// All characters of a value, however many.
pub(super) fn value_of(content: &[u8], token: &Token) -> String {
    let text = &content[token.span.clone()];
    let mut value = String::with_capacity(token.length);
    let mut at = 0;
    while at < text.len() {
        let byte = text[at];
        if byte.is_ascii_alphanumeric() || byte == b'/' || byte == b'+' {
            value.push(char::from(byte));
            at += 1;
        } else {
            let escape = Escape::read(&text[at..]);
            value.extend(escape.character.map(char::from));
            at += escape.length;
        }
    }
    value
}

/// One escape, or a character that begins none.
#[derive(Debug)]
pub(super) struct Escape {
    /// What it stands for, if that is ASCII and no letter.
    pub(super) character: Option<u8>,
    /// How many bytes it has.
    pub(super) length: usize,
    kind: EscapeKind,
    letter: Option<u8>,
}

#[derive(Debug, Clone, Copy)]
enum EscapeKind {
    Json,
    Url,
    Xml,
}

impl EscapeKind {
    fn mark(self, escapes: &mut Escapes) {
        match self {
            Self::Json => escapes.json = true,
            Self::Url => escapes.url = true,
            Self::Xml => escapes.xml = true,
        }
    }
}

impl Escape {
    /// Whether it is that of a line end.
    pub(super) fn is_line_end(&self) -> bool {
        matches!(self.letter, Some(b'n' | b'r'))
    }

    /// Reads what begins with a backslash, a percent sign or an ampersand. Anything else stands for itself.
    pub(super) fn read(text: &[u8]) -> Self {
        match text.first() {
            Some(b'\\') => Self::backslash(text),
            Some(b'%') => Self::percent(text),
            Some(b'&') => Self::entity(text),
            other => Self { character: other.copied(), length: 1, kind: EscapeKind::Json, letter: None },
        }
    }

    /// Several backslashes are the escape within a text that was escaped itself.
    fn backslash(text: &[u8]) -> Self {
        let backslashes = text.iter().take_while(|byte| **byte == b'\\').count();
        let escape = |character, more, letter| Self {
            character,
            length: backslashes + more,
            kind: EscapeKind::Json,
            letter,
        };
        match text.get(backslashes) {
            Some(b'/') => escape(Some(b'/'), 1, None),
            Some(b'u') => match hexadecimal(text.get(backslashes + 1..backslashes + 5)) {
                Some(code) => escape(u8::try_from(code).ok(), 5, None),
                None => escape(None, 0, None),
            },
            Some(b'x') => match hexadecimal(text.get(backslashes + 1..backslashes + 3)) {
                Some(code) => escape(u8::try_from(code).ok(), 3, None),
                None => escape(None, 0, None),
            },
            Some(letter @ (b'n' | b'r' | b't' | b'b' | b'f' | b'v' | b'0')) => escape(None, 1, Some(*letter)),
            _ => escape(None, 0, None),
        }
    }

    /// `%2F`, and `%252F` for what was encoded twice.
    fn percent(text: &[u8]) -> Self {
        let mut at = 1;
        while text[at..].starts_with(b"25") {
            at += 2;
        }
        match hexadecimal(text.get(at..at + 2)) {
            Some(code) => Self {
                character: u8::try_from(code).ok(),
                length: at + 2,
                kind: EscapeKind::Url,
                letter: None,
            },
            None => Self { character: None, length: at, kind: EscapeKind::Url, letter: None },
        }
    }

    fn entity(text: &[u8]) -> Self {
        let none = |length| Self { character: None, length, kind: EscapeKind::Xml, letter: None };
        let name = &text[1..text.len().min(12)];
        let Some(end) = name.iter().position(|byte| *byte == b';') else { return none(1) };
        let name = &name[..end];
        let character = match name {
            b"sol" => Some(b'/'),
            b"plus" => Some(b'+'),
            b"equals" => Some(b'='),
            [b'#', b'x' | b'X', digits @ ..] => {
                hexadecimal(Some(digits)).and_then(|code| u8::try_from(code).ok())
            }
            [b'#', digits @ ..] => str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok()),
            _ if name.iter().all(u8::is_ascii_alphanumeric) => None,
            _ => return none(1),
        };
        Self { character, length: end + 2, kind: EscapeKind::Xml, letter: None }
    }
}

fn hexadecimal(digits: Option<&[u8]>) -> Option<u32> {
    let digits = digits.filter(|digits| (1..=6).contains(&digits.len()))?;
    digits.iter().try_fold(0, |code, digit| Some(code << 4 | char::from(*digit).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(&str, &str)]) {
        let mut found = Vec::new();
        tokens(text.as_bytes(), 0..text.len(), |token| {
            let kept = String::from_utf8(token.characters().to_vec()).unwrap();
            let value = value_of(text.as_bytes(), token);
            assert!(value.starts_with(&kept));
            assert_eq!(value.len(), token.length);
            found.push((text[token.span.clone()].to_owned(), value));
        });
        let expected: Vec<_> =
            expected.iter().map(|(span, value)| ((*span).to_owned(), (*value).to_owned())).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn escapes_of_the_alphabet_are_taken_off() {
        check(r"a\/b", &[(r"a\/b", "a/b")]);
        check(r"a\\/b", &[(r"a\\/b", "a/b")]);
        check(r"a\u002Fb\u002bc", &[(r"a\u002Fb\u002bc", "a/b+c")]);
        check(r"a\x2fb", &[(r"a\x2fb", "a/b")]);
        check("a%2Fb%2bc", &[("a%2Fb%2bc", "a/b+c")]);
        check("a%252Fb", &[("a%252Fb", "a/b")]);
        check("a&#x2F;b&#43;c&sol;d&plus;e", &[("a&#x2F;b&#43;c&sol;d&plus;e", "a/b+c/d+e")]);
    }

    #[test]
    fn escapes_of_anything_else_end_a_value() {
        check(r"\na\tb\r\nc\\nd", &[("a", "a"), ("b", "b"), ("c", "c"), ("d", "d")]);
        check(r"\u0022a\u0022", &[("a", "a")]);
        check("%3Da%26b", &[("a", "a"), ("b", "b")]);
        check("&quot;a&quot;;b&c", &[("a", "a"), ("b", "b"), ("c", "c")]);
        check("&a;b", &[("b", "b")]);
    }

    #[test]
    fn what_ends_in_the_middle_of_an_escape_is_no_trouble() {
        for text in [
            "\\", "\\\\", "\\u", "\\u00", "\\x", "%", "%2", "%25", "%252", "&", "&#", "&#x", "&#;", "&;",
            "&#x;",
        ] {
            tokens(text.as_bytes(), 0..text.len(), |_| {});
            let text = format!("a{text}");
            tokens(text.as_bytes(), 0..text.len(), |_| {});
        }
    }
}
