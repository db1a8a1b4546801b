//! JSON that harms no terminal.

use std::io::{self, Write};

use crate::terminal::is_harmful;

/// Lets JSON through, and writes every character that could harm a terminal as `\uXXXX`, which means the
/// same: in JSON such characters stand only in strings. (Line breaks stand between tokens only, and are kept.)
#[derive(Debug)]
pub(crate) struct HarmlessJson<W> {
    out: W,
    /// The beginning of a character whose end has not been written yet.
    begun: Vec<u8>,
}

impl<W: Write> HarmlessJson<W> {
    pub(crate) fn new(out: W) -> Self {
        Self { out, begun: Vec::new() }
    }

    fn write_text(&mut self, text: &str) -> io::Result<()> {
        let is_escaped = |character: char| is_harmful(character) && character != '\n';
        let mut rest = text;
        while let Some(index) = rest.find(is_escaped) {
            let (harmless, from) = rest.split_at(index);
            self.out.write_all(harmless.as_bytes())?;
            let mut characters = from.chars();
            let harmful = characters.next().into_iter();
            for unit in harmful.flat_map(|character| character.encode_utf16(&mut [0; 2]).to_vec()) {
                write!(self.out, "\\u{unit:04x}")?;
            }
            rest = characters.as_str();
        }
        self.out.write_all(rest.as_bytes())
    }
}

impl<W: Write> Write for HarmlessJson<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.begun.is_empty() && bytes.is_ascii() && !bytes.contains(&0x7f) {
            self.out.write_all(bytes)?;
            return Ok(bytes.len());
        }
        self.begun.extend_from_slice(bytes);
        let pending = std::mem::take(&mut self.begun);
        let whole = match std::str::from_utf8(&pending) {
            Ok(text) => text.len(),
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            Err(error) => return Err(io::Error::new(io::ErrorKind::InvalidData, error)),
        };
        self.begun = pending[whole..].to_vec();
        self.write_text(std::str::from_utf8(&pending[..whole]).expect("checked above"))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "tag\u{9b}31m \u{202e}evil\u{e0041} \u{1b}[2J\u{7f} Zoë";

    fn harmless(json: &[u8], piece: usize) -> String {
        let mut bytes = Vec::new();
        let mut out = HarmlessJson::new(&mut bytes);
        json.chunks(piece).for_each(|piece| out.write_all(piece).unwrap());
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn json_means_the_same_and_harms_no_terminal() {
        let json = harmless(&serde_json::to_vec(TEXT).unwrap(), 1000);
        assert_eq!(json, r#""tag\u009b31m \u202eevil\udb40\udc41 \u001b[2J\u007f Zoë""#);
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), TEXT);
    }

    #[test]
    fn a_character_may_arrive_in_pieces() {
        let json = serde_json::to_vec(TEXT).unwrap();
        for piece in 1..5 {
            assert_eq!(harmless(&json, piece), harmless(&json, 1000), "{piece}");
        }
    }
}
