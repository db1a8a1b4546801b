//! The tables of a database.

use super::record::{Encoding, Value, values};

/// A table.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: Vec<u8>,
    /// The page that it begins with.
    pub(super) root: i64,
    /// The names of its columns, in their order; none if that is not the order of the values.
    pub(super) columns: Vec<Vec<u8>>,
}

impl Table {
    /// The table that a row of the schema tells. `None` if it is no table.
    pub(super) fn of(payload: &[u8], encoding: Encoding) -> Option<Self> {
        let mut values = values(payload);
        let text = |value: Option<Value<'_>>| match value {
            Some(Value::Text(text)) => {
                let mut decoded = Vec::new();
                encoding.decode(text, &mut decoded);
                Some(decoded)
            }
            _ => None,
        };
        if text(values.next())? != b"table" {
            return None;
        }
        let name = text(values.next())?;
        let Some(Value::Integer(root)) = values.nth(1) else { return None };
        let definition = text(values.next()).unwrap_or_default();
        Some(Self { name, root, columns: columns(&definition) })
    }
}

/// The names of the columns in a definition.
fn columns(definition: &[u8]) -> Vec<Vec<u8>> {
    let mut columns = Vec::new();
    let Some(open) = memchr::memchr(b'(', definition) else { return columns };
    let mut depth = 0u32;
    let mut quote = None;
    let mut start = open + 1;
    for (at, byte) in definition.iter().enumerate().skip(open) {
        match (quote, byte) {
            (Some(end), byte) if *byte == end => quote = None,
            (Some(_), _) => {}
            (None, b'\'' | b'"' | b'`') => quote = Some(*byte),
            (None, b'[') => quote = Some(b']'),
            (None, b'(') => depth += 1,
            (None, b',') if depth == 1 => {
                columns.extend(column(&definition[start..at]));
                start = at + 1;
            }
            (None, b')') => {
                depth -= 1;
                if depth == 0 {
                    columns.extend(column(&definition[start..at]));
                    // Such tables keep their values in another order.
                    if definition[at..].to_ascii_uppercase().windows(5).any(|word| word == b"ROWID") {
                        columns.clear();
                    }
                    break;
                }
            }
            _ => {}
        }
    }
    columns
}

/// The name of a column in its definition. `None` for what is said of the whole table.
fn column(definition: &[u8]) -> Option<Vec<u8>> {
    let definition = definition.trim_ascii_start();
    let first = *definition.first()?;
    let end = match first {
        b'"' | b'\'' | b'`' => Some(first),
        b'[' => Some(b']'),
        _ => None,
    };
    if let Some(end) = end {
        let length = memchr::memchr(end, &definition[1..]).unwrap_or(definition.len() - 1);
        return Some(definition[1..=length].to_vec());
    }
    let length = definition.iter().position(|byte| byte.is_ascii_whitespace() || *byte == b'(');
    let name = &definition[..length.unwrap_or(definition.len())];
    let is_constraint = [&b"CONSTRAINT"[..], b"PRIMARY", b"UNIQUE", b"CHECK", b"FOREIGN"];
    (!is_constraint.iter().any(|word| name.eq_ignore_ascii_case(word))).then(|| name.to_vec())
}
