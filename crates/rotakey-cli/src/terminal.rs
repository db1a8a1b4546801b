//! Foreign text on a terminal: user names, tags, paths and error messages are an attacker's input. Here
//! they are made harmless, measured, and shortened.

use std::borrow::Cow;
use std::fmt::Write as _;

use unicode_width::UnicodeWidthChar;

/// The text with every character escaped that could move the cursor, change colours, reorder what is read
/// or hide: control characters (and with them every ANSI sequence and line break), bidirectional controls,
/// zero-width and tag characters.
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
    escape_unless(text, |_| false)
}

/// As [`escape`], but line breaks are kept: for messages that we wrote ourselves around foreign text.
pub(crate) fn escape_lines(text: &str) -> Cow<'_, str> {
    escape_unless(text, |character| character == '\n')
}

fn escape_unless(text: &str, keep: impl Fn(char) -> bool) -> Cow<'_, str> {
    let harmful = |character: char| is_harmful(character) && !keep(character);
    if !text.contains(harmful) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            _ if !harmful(character) => escaped.push(character),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            _ => write!(escaped, "\\u{{{:x}}}", u32::from(character))
                .expect("a string takes all that is written"),
        }
    }
    Cow::Owned(escaped)
}

/// Whether a character does something to a terminal or a reader other than being seen.
pub(crate) fn is_harmful(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// The columns that a text takes on a terminal.
pub(crate) fn width(text: &str) -> usize {
    text.chars().map(|character| character.width().unwrap_or(0)).sum()
}

/// The text in at most `limit` columns, its middle replaced by `…` if it does not fit: the two ends of
/// names and paths tell more than their middles.
pub(crate) fn elide(text: &str, limit: usize) -> Cow<'_, str> {
    if width(text) <= limit {
        return Cow::Borrowed(text);
    }
    let room = limit.saturating_sub(1);
    let head = take(text.chars(), room.div_ceil(2));
    let tail: String = take(text.chars().rev(), room / 2).chars().rev().collect();
    Cow::Owned(format!("{head}…{tail}"))
}

/// The text in lines of at most `room` columns. Broken between words only; a word that is longer than a line
/// stands on one of its own.
pub(crate) fn wrap(text: &str, room: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if width(line) + 1 + width(word) <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// The leading characters that fit into `limit` columns.
fn take(characters: impl Iterator<Item = char>, limit: usize) -> String {
    let mut used = 0;
    characters
        .take_while(|character| {
            used += character.width().unwrap_or(0);
            used <= limit
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_the_cursor_or_reorders_text_is_shown_not_done() {
        assert_eq!(escape("\u{1b}[2J\u{9b}31m"), "\\u{1b}[2J\\u{9b}31m");
        assert_eq!(escape("alice\nHint: run this"), "alice\\nHint: run this");
        assert_eq!(escape("user\u{202e}nimda"), "user\\u{202e}nimda");
        assert_eq!(escape("zero\u{200b}width\u{feff}"), "zero\\u{200b}width\\u{feff}");
    }

    #[test]
    fn honest_text_of_any_script_is_left_alone() {
        for text in ["a+=,.@_-Z9", "Zoë Größe", "鈴木", "Ωμέγα"] {
            assert!(matches!(escape(text), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn a_message_of_ours_keeps_its_lines_and_nothing_else() {
        assert_eq!(escape_lines("one\ntwo\u{7}"), "one\ntwo\\u{7}");
    }

    #[test]
    fn a_long_text_keeps_both_ends() {
        assert_eq!(elide("service-reporting-production", 11), "servi…ction");
        assert_eq!(elide("short", 5), "short");
        assert_eq!(elide("鈴木一郎太郎", 7), "鈴…郎", "a wide character that does not fit is left out");
        for limit in 1..12 {
            assert!(width(&elide("鈴木一郎太郎x", limit)) <= limit, "{limit}");
        }
    }
}
