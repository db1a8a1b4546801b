//! What is an access key id.
//!
//! Sixteen characters of base32 stand behind the prefix: all ids that AWS makes today are eighty bits. `0`, `1`, `8` and `9` are
//! in none that was ever seen, and whoever types a placeholder likes to use them, so an id that holds one is none.

use std::ops::Range;

/// How many characters an id has.
pub(super) const LENGTH: usize = 20;

/// Less than this many bits for each of the sixteen characters is nobody's id. One of a hundred thousand real ones has less.
const LEAST_ENTROPY: f32 = 2.5;

/// Words that only people write: each is in one real id of ten million or fewer.
const PLACEHOLDERS: [&[u8]; 11] = [
    b"EXAMPL",
    b"SAMPLE",
    b"ACCESS",
    b"SECRET",
    b"IOSFODNN",
    b"PLACEHO",
    b"REDACT",
    b"CHANGEM",
    b"INVALID",
    b"NOTREAL",
    b"FOOBAR",
];

/// Words that chance writes too, the shorter the more often: they tell only if they make up [`MOST`] of an id.
const SHORT_WORDS: [&[u8]; 20] = [
    b"XXXX", b"FAKE", b"DUMMY", b"TEST", b"YOUR", b"KEYID", b"KEY", b"AWS", b"MOCK", b"HERE", b"THIS",
    b"REAL", b"NONE", b"SOME", b"ABCD", b"2345", b"QWERT", b"CHANGE", b"TOKEN", b"VALUE",
];

/// Half of what stands behind the prefix.
const MOST: usize = 8;

/// A vowel is every fifth letter where chance writes, and two of five in words.
const FEWEST_VOWELS: usize = 5;

/// The id in a run of capital letters and digits that cannot be made longer, of 20, 22 or 24 bytes.
pub(super) fn within(content: &[u8], run: Range<usize>) -> Option<Range<usize>> {
    let start = run.end - LENGTH;
    let id = content[start..run.end].first_chunk()?;
    let before = &content[..start];
    let starts = if run.len() == LENGTH { begins_a_word(before) } else { ends_in_number(before) };
    let ends = content.get(run.end).is_none_or(|byte| !byte.is_ascii_lowercase());
    (starts && ends && is_id(id)).then_some(start..run.end)
}

/// Whether these are the characters of an id, and not those of a placeholder.
pub(super) fn is_id(id: &[u8; LENGTH]) -> bool {
    has_prefix(id)
        && id[4..].iter().all(|byte| matches!(byte, b'A'..=b'Z' | b'2'..=b'7'))
        && !is_placeholder(id)
        && !is_name(id)
}

fn has_prefix(id: &[u8; LENGTH]) -> bool {
    matches!(
        &id[..4],
        b"AKIA" | b"ASIA" | b"ABIA" | b"ACCA" | [b'A', b'3', b'T', b'A'..=b'Z' | b'0'..=b'9']
    )
}

fn is_placeholder(id: &[u8; LENGTH]) -> bool {
    let body = &id[4..];
    PLACEHOLDERS.iter().any(|word| body.windows(word.len()).any(|window| window == *word))
        || super::secret::longest_sequence(body) >= 6
        || super::secret::entropy(body) < LEAST_ENTROPY
        || in_short_words(body) >= MOST
}

/// How many characters belong to short words.
fn in_short_words(body: &[u8]) -> usize {
    let (mut all, mut until) = (0, 0);
    for start in 0..body.len() {
        let longest =
            SHORT_WORDS.iter().filter(|word| body[start..].starts_with(word)).map(|word| word.len()).max();
        let end = (start + longest.unwrap_or(0)).max(until);
        all += end - until.max(start).min(end);
        until = end;
    }
    all
}

/// Whether it is the name of something that begins as an id does, such as `ASIA` and `PACIFICSOUTHEAST`.
///
/// The highest bit of an id says whether it carries an account: where it is not set, the id is of those from before, and begins with I
/// or J. That alone would do for all that AWS ever made; since people make up others for their tests, what is in question
/// must be in letters and look like words too.
fn is_name(id: &[u8; LENGTH]) -> bool {
    let body = &id[4..];
    let has_form = id.starts_with(b"A3T") || matches!(body[0], b'I' | b'J' | b'Q'..=b'Z' | b'2'..=b'7');
    let vowels = || body.iter().filter(|byte| matches!(byte, b'A' | b'E' | b'I' | b'O' | b'U')).count();
    !has_form && body.iter().all(u8::is_ascii_alphabetic) && vowels() >= FEWEST_VOWELS
}

/// Whether a word may begin behind this text: behind no letter or digit, but behind the escape of something that is neither.
fn begins_a_word(before: &[u8]) -> bool {
    match before {
        [.., b'a'..=b'z'] => {
            // The letter of `\n`; the last digits of `%3d`, `\x3d` and `\u003d`; the end of a terminal's colour, `ESC [ 0 m`.
            is_letter_escape(before) || ends_in_number(before) || is_colour(before)
        }
        // Digits and capital letters would belong to the run.
        _ => true,
    }
}

fn is_letter_escape(before: &[u8]) -> bool {
    matches!(before, [.., b'\\', b'n' | b'r' | b't' | b'b' | b'f' | b'v' | b'a' | b'e'])
}

/// Whether the text ends in an escape by number.
fn ends_in_number(before: &[u8]) -> bool {
    let split = |digits: usize| {
        let (rest, tail) = before.split_at(before.len().checked_sub(digits)?);
        tail.iter().all(u8::is_ascii_hexdigit).then_some((rest, tail))
    };
    let two =
        split(2).is_some_and(|(rest, _)| [&b"%"[..], b"\\x", b"="].iter().any(|sign| rest.ends_with(sign)));
    let four = split(4).is_some_and(|(rest, tail)| {
        rest.ends_with(b"\\u") || (rest.ends_with(b"%") && tail.starts_with(b"25"))
    });
    two || four
}

/// Whether the text ends in a terminal's colour, `ESC [ 0 m`.
pub(super) fn is_colour(before: &[u8]) -> bool {
    let Some(before) = before.strip_suffix(b"m") else { return false };
    let digits =
        before.iter().rev().take(8).take_while(|byte| byte.is_ascii_digit() || **byte == b';').count();
    before[..before.len() - digits].ends_with(b"[")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::specimen::Specimen;

    fn check(template: &str, expected: bool) {
        let specimen = Specimen::from_seed(1);
        let text = specimen.fill(template);
        let mut found = None;
        let bytes = text.as_bytes();
        let mut start = 0;
        for at in 0..=bytes.len() {
            if !bytes.get(at).is_some_and(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()) {
                if matches!(at - start, 20 | 22 | 24) {
                    found = within(bytes, start..at).map(|span| text[span].to_owned());
                }
                start = at + 1;
            }
        }
        assert_eq!(found, expected.then_some(specimen.access_key_id), "{text}");
    }

    #[test]
    fn an_id_stands_alone_or_behind_an_escape() {
        for template in [
            "{access_key_id}",
            "key_{access_key_id}",
            "({access_key_id})",
            "{access_key_id}_accessKeys.csv",
            "\\n{access_key_id}\\n",
            "%3D{access_key_id}%26",
            "%3d{access_key_id}",
            "%253D{access_key_id}",
            "\\u0022{access_key_id}\\u0022",
            "\\u003d{access_key_id}",
            "\\x22{access_key_id}",
            "&quot;{access_key_id}&quot;",
            "=3D{access_key_id}",
            "\u{1b}[31m{access_key_id}\u{1b}[0m",
            "é{access_key_id}é",
        ] {
            check(template, true);
        }
    }

    #[test]
    fn an_id_is_no_part_of_a_longer_word() {
        for template in [
            "x{access_key_id}",
            "{access_key_id}x",
            "X{access_key_id}",
            "{access_key_id}7",
            "AB{access_key_id}",
            "ABCD{access_key_id}",
            "an{access_key_id}",
        ] {
            check(template, false);
        }
    }

    #[test]
    fn placeholders_and_other_ids_are_none() {
        let is = |id: &str| is_id(id.as_bytes().first_chunk().unwrap());
        for id in [
            "AKIAIOSFODNN7EXAMPLE",
            "AKIAXXXXXXXXXXXXXXXX",
            "AKIA1234567890ABCDEF",
            "AKIAABCDEFGHIJKLMNOP",
            "AKIA2345672345672345",
            "AKIAAAAAAAAAAAAAAAAA",
            "AKIATESTTESTTESTTEST",
            "AKIA0000000000000000",
            "AKIAZZZZZZZZZZZZZZZZ",
            "AKIAYOURACCESSKEYIDZ",
            "AKIAYOURKEYIDHEREQRZ",
            "AKIATESTKEYFAKE7QLMZ",
            "AKIAQFAKEFAKE7M5LZTP",
            "AKIAIOSFODNN7FAKEKEY",
            "ASIAPACIFICSOUTHEAST",
            "ACCALLOCATIONMANAGER",
        ] {
            assert!(!is(id), "{id}");
        }
        let body = &Specimen::from_seed(3).access_key_id[4..];
        for prefix in ["AROA", "AIDA", "AGPA", "AIPA", "ANPA", "ANVA", "AAAA"] {
            assert!(!is(&format!("{prefix}{body}")), "{prefix}");
        }
        for prefix in ["AKIA", "ASIA", "ABIA", "ACCA", "A3TX", "A3T9"] {
            assert!(is(&format!("{prefix}{body}")), "{prefix}");
        }
    }

    #[test]
    fn a_word_within_an_id_is_chance() {
        let body = &Specimen::from_seed(5).access_key_id[4..];
        for word in SHORT_WORDS.iter().map(|word| str::from_utf8(word).unwrap()) {
            for at in 0..=16 - word.len() {
                let id = format!("AKIA{}{word}{}", &body[..at], &body[at + word.len()..]);
                assert!(is_id(id.as_bytes().first_chunk().unwrap()), "{id}");
            }
        }
        let lost = (0..50_000)
            .filter(|seed| !is_id(Specimen::from_seed(*seed).access_key_id.as_bytes().first_chunk().unwrap()))
            .count();
        assert!(lost <= 1, "{lost} of 50000");
    }

    #[test]
    fn the_fifth_character_tells_the_form_as_the_account_does() {
        for first in (b'A'..=b'Z').chain(b'2'..=b'7').map(char::from) {
            let name: [u8; LENGTH] = *format!("AKIA{first}ACIFICSOUTHEAST").as_bytes().first_chunk().unwrap();
            let bits = data_encoding::BASE32_NOPAD.decode(&name[4..]).unwrap();
            assert_eq!(is_name(&name), bits[0] < 0x80 && !matches!(first, 'I' | 'J'), "{first}");
        }
        let is = |id: &str| is_name(id.as_bytes().first_chunk().unwrap());
        assert!(!is("A3TXPACIFICSOUTHEAST"));
        assert!(!is("AKIALALEMEL2QWM5ORTA"), "made up, but not of words");
    }
}
