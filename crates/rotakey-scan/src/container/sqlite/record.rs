//! Rows, as text.

use std::io::Write;

/// How texts are written in a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Utf8,
    Utf16LittleEndian,
    Utf16BigEndian,
}

impl Encoding {
    pub(super) fn of(number: u8) -> Self {
        match number {
            2 => Self::Utf16LittleEndian,
            3 => Self::Utf16BigEndian,
            _ => Self::Utf8,
        }
    }

    /// Adds a text, as UTF-8.
    pub(super) fn decode(self, text: &[u8], into: &mut Vec<u8>) {
        let from_bytes = match self {
            Self::Utf8 => return into.extend(text),
            Self::Utf16LittleEndian => u16::from_le_bytes,
            Self::Utf16BigEndian => u16::from_be_bytes,
        };
        let units = text.chunks_exact(2).map(|pair| from_bytes([pair[0], pair[1]]));
        let mut bytes = [0; 4];
        for character in char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)) {
            into.extend(character.encode_utf8(&mut bytes).as_bytes());
        }
    }
}

/// A value of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// None, or a number that is no integer.
    Nothing,
    Integer(i64),
    Text(&'a [u8]),
    Blob(&'a [u8]),
}

/// The values of a row, as far as they can be.
pub(super) fn values(payload: &[u8]) -> impl Iterator<Item = Value<'_>> {
    let mut kind_at = 0;
    let header = varint(payload, &mut kind_at).and_then(|header| usize::try_from(header).ok());
    let header = header.filter(|header| *header <= payload.len()).unwrap_or(0);
    let mut at = header;
    std::iter::from_fn(move || {
        if kind_at >= header {
            return None;
        }
        let kind = varint(payload, &mut kind_at)?;
        let bytes = match kind {
            0 | 8 | 9 => 0,
            1..=4 => kind,
            5 => 6,
            6 | 7 => 8,
            10 | 11 => return None,
            _ => (kind - 12) / 2,
        };
        let start = at;
        // What is not there was not read, and the beginning is better than nothing.
        at = usize::try_from(bytes).ok().and_then(|bytes| at.checked_add(bytes)).unwrap_or(usize::MAX);
        let value = payload.get(start..at.min(payload.len()))?;
        Some(match kind {
            1..=6 => {
                let negative = value.first().is_some_and(|byte| byte & 0x80 != 0);
                let first = if negative { -1 } else { 0 };
                Value::Integer(value.iter().fold(first, |number, byte| number << 8 | i64::from(*byte)))
            }
            8 => Value::Integer(0),
            9 => Value::Integer(1),
            0 | 7 => Value::Nothing,
            _ if kind % 2 == 0 => Value::Blob(value),
            _ => Value::Text(value),
        })
    })
}

/// Adds a row as a line: `column=value`, as far as columns are known.
pub(super) fn render(payload: &[u8], encoding: Encoding, columns: &[Vec<u8>], into: &mut Vec<u8>) {
    for (number, value) in values(payload).enumerate() {
        if value == Value::Nothing {
            continue;
        }
        if let Some(column) = columns.get(number) {
            into.extend(column);
            into.push(b'=');
        }
        match value {
            // Writing into memory does not fail.
            Value::Integer(integer) => drop(write!(into, "{integer}")),
            Value::Text(text) => encoding.decode(text, into),
            Value::Blob(blob) => into.extend(blob),
            Value::Nothing => {}
        }
        into.push(b'\t');
    }
    into.push(b'\n');
}

/// A number of one to nine bytes.
pub(super) fn varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut value = 0;
    for number in 0..9 {
        let byte = *bytes.get(*at)?;
        *at += 1;
        if number == 8 {
            return Some(value << 8 | u64::from(byte));
        }
        value = value << 7 | u64::from(byte & 0x7F);
        if byte & 0x80 == 0 {
            break;
        }
    }
    Some(value)
}
