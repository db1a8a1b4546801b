//! Walks over the structure of a JSON text: the second of two stages. Checks the grammar of everything that it goes over,
//! wanted or not.

use super::index::{BLOCK, Index};

/// How deep objects and arrays may be nested. `serde_json` allows as many.
const DEEPEST: u32 = 127;

/// The text is not JSON, from that place on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BadJson {
    pub(super) offset: usize,
}

/// A place in the structure of a text.
#[derive(Clone)]
pub(super) struct Walk<'t, 'i> {
    pub(super) text: &'t str,
    places: &'i [u32],
    /// The number of the place.
    at: usize,
    /// The blocks with escapes from the present one on.
    escaped: &'i [u32],
}

/// A string between its quotes, as it is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Written {
    pub(super) from: usize,
    pub(super) until: usize,
}

impl<'t, 'i> Walk<'t, 'i> {
    /// The walk from the first place on.
    pub(super) fn new(text: &'t str, index: &'i Index) -> Self {
        Self { text, places: index.places(), at: 0, escaped: index.escaped() }
    }

    /// The offset of the present place; that of the end if there is none.
    #[inline(always)]
    pub(super) fn offset(&self) -> usize {
        self.places.get(self.at).map_or(self.text.len(), |place| *place as usize)
    }

    /// The character at the present place; 0 at the end.
    #[inline(always)]
    pub(super) fn character(&self) -> u8 {
        self.text.as_bytes().get(self.offset()).copied().unwrap_or(0)
    }

    /// Goes to the next place.
    #[inline(always)]
    pub(super) fn step(&mut self) {
        self.at += 1;
    }

    /// Goes on if that character is here.
    #[inline(always)]
    pub(super) fn take(&mut self, character: u8) -> bool {
        if self.character() != character {
            return false;
        }
        self.step();
        true
    }

    /// The error that something else is here than may be.
    #[cold]
    pub(super) fn bad<T>(&self) -> Result<T, BadJson> {
        Err(BadJson { offset: self.offset() })
    }

    /// Goes over the string that begins here.
    #[inline(always)]
    pub(super) fn string(&mut self) -> Result<Written, BadJson> {
        let from = self.offset();
        if self.character() != b'"' {
            return self.bad();
        }
        self.step();
        // Between its end and the next place there is white space only: anything else would be a place.
        let mut last = self.offset();
        let bytes = self.text.as_bytes();
        loop {
            last -= 1;
            match bytes[last] {
                b'"' if last > from => return Ok(Written { from: from + 1, until: last }),
                b' ' | b'\t' | b'\n' | b'\r' if last > from => {}
                _ => return Err(BadJson { offset: from }),
            }
        }
    }

    /// Goes over the key of an object and the colon behind it.
    #[inline(always)]
    pub(super) fn key(&mut self) -> Result<Written, BadJson> {
        let key = self.string()?;
        if self.take(b':') { Ok(key) } else { self.bad() }
    }

    /// Goes over the comma or the end that follows a member of an object or array. Whether another one follows.
    #[inline(always)]
    pub(super) fn another(&mut self, end: u8) -> Result<bool, BadJson> {
        match self.character() {
            b',' => {
                self.step();
                Ok(true)
            }
            character if character == end => {
                self.step();
                Ok(false)
            }
            _ => self.bad(),
        }
    }

    /// Goes over the number or word that is here.
    #[inline(always)]
    pub(super) fn scalar(&mut self) -> Result<&'t [u8], BadJson> {
        let from = self.offset();
        self.step();
        let written = self.text.as_bytes()[from..self.offset()].trim_ascii_end();
        let is_good = match written.first() {
            Some(b't') => written == b"true",
            Some(b'f') => written == b"false",
            Some(b'n') => written == b"null",
            Some(_) => is_number(written),
            None => false,
        };
        if is_good { Ok(written) } else { Err(BadJson { offset: from }) }
    }

    /// Goes over the value that is here, whatever it is.
    #[inline(always)]
    pub(super) fn skip(&mut self) -> Result<(), BadJson> {
        match self.character() {
            b'"' => self.string().map(|_| ()),
            b'{' | b'[' => self.nested().map(|_| ()),
            _ => self.scalar().map(|_| ()),
        }
    }

    /// Goes over the object or array that is here, and tells its text.
    pub(super) fn nested(&mut self) -> Result<&'t str, BadJson> {
        let from = self.offset();
        // A bit for each container that we are in, the innermost the lowest: set for an object.
        let mut containers: u128 = 0;
        let mut depth = 0_u32;
        'value: loop {
            match self.character() {
                b'"' => {
                    self.string()?;
                }
                open @ (b'{' | b'[') => {
                    depth += 1;
                    if depth > DEEPEST {
                        return self.bad();
                    }
                    containers = containers << 1 | u128::from(open == b'{');
                    self.step();
                    if open == b'{' {
                        if self.character() != b'}' {
                            self.key()?;
                            continue 'value;
                        }
                    } else if self.character() != b']' {
                        continue 'value;
                    }
                    // It is empty: the end is handled below.
                }
                _ => {
                    self.scalar()?;
                }
            }
            loop {
                let is_object = containers & 1 == 1;
                match self.character() {
                    b',' if is_object => {
                        self.step();
                        self.key()?;
                        continue 'value;
                    }
                    b',' => {
                        self.step();
                        continue 'value;
                    }
                    b'}' if is_object => {}
                    b']' if !is_object => {}
                    _ => return self.bad(),
                }
                let end = self.offset();
                self.step();
                containers >>= 1;
                depth -= 1;
                if depth == 0 {
                    return Ok(&self.text[from..=end]);
                }
            }
        }
    }

    /// Whether there may be an escape in that string; false means that there is none. Asked of strings in the order in
    /// which they stand.
    #[inline(always)]
    pub(super) fn may_be_escaped(&mut self, string: Written) -> bool {
        while let [block, rest @ ..] = self.escaped {
            if *block as usize + BLOCK > string.from {
                return (*block as usize) < string.until;
            }
            self.escaped = rest;
        }
        false
    }
}

/// Whether that is a number as JSON writes it.
fn is_number(text: &[u8]) -> bool {
    let mut rest = text.strip_prefix(b"-").unwrap_or(text);
    rest = match rest {
        [b'0', rest @ ..] => rest,
        [b'1'..=b'9', ..] => after_digits(rest),
        _ => return false,
    };
    if let [b'.', fraction @ ..] = rest {
        rest = after_digits(fraction);
        if rest.len() == fraction.len() {
            return false;
        }
    }
    if let [b'e' | b'E', exponent @ ..] = rest {
        let digits = match exponent {
            [b'+' | b'-', digits @ ..] => digits,
            digits => digits,
        };
        rest = after_digits(digits);
        if rest.len() == digits.len() {
            return false;
        }
    }
    rest.is_empty()
}

fn after_digits(text: &[u8]) -> &[u8] {
    let digits = text.iter().take_while(|character| character.is_ascii_digit()).count();
    &text[digits..]
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;

    fn accepts(text: &str) -> bool {
        let mut index = Index::default();
        if index.fill(text.as_bytes()).is_err() || index.ends_in_string {
            return false;
        }
        let mut walk = Walk::new(text, &index);
        walk.skip().is_ok() && walk.offset() == text.len()
    }

    #[test]
    fn what_is_json_is_decided_as_serde_json_decides() {
        let texts = [
            "{}",
            "[]",
            "[1]",
            "[1,]",
            "[,1]",
            "[1 2]",
            "{\"a\":1}",
            "{\"a\":1,}",
            "{\"a\" 1}",
            "{\"a\"}",
            "{a:1}",
            "{1:1}",
            "[\"a\" \"b\"]",
            "[\"a\"x]",
            "[\"a\"  ,  \"b\"  ]",
            "[}",
            "{]",
            "[[]",
            "[]]",
            "[[[]]]",
            "[{\"a\":[{}]}]",
            "{\"a\":{\"b\":[]},\"c\":null}",
            "[true,false,null]",
            "[tru]",
            "[truee]",
            "[nul l]",
            "[-]",
            "[-0]",
            "[01]",
            "[0.5]",
            "[.5]",
            "[1.]",
            "[1e5]",
            "[1E+5]",
            "[1e]",
            "[1.5e-7]",
            "[+1]",
            "[0x1]",
            "[NaN]",
            "[\"\"]",
            "[\"",
            "\"",
            "[\"a]",
            "[\u{1a}]",
            "[\u{c}1]",
            "{\"a\":\u{1a}1}",
            "",
            " ",
            "{\"a\":1}{",
            "[\"\\ud800\"]",
            "[\"\\\"\"]",
            "{\"\\u0061\":2}",
        ];
        for text in texts {
            assert_eq!(accepts(text), serde_json::from_str::<&RawValue>(text).is_ok(), "{text:?}");
        }
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(accepts(&nested(127)));
        assert!(!accepts(&nested(128)));
        assert!(serde_json::from_str::<serde_json::Value>(&nested(127)).is_ok());
    }
}
