//! JSON that keeps the order of its members, read and written as Python's `json` does.

use std::collections::HashMap;
use std::fmt;
use std::io;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::ser::{CharEscape, Formatter, PrettyFormatter};

/// The members of an object.
pub(super) type Object = Vec<(String, Json)>;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Json {
    Null,
    Bool(bool),
    Number(serde_json::Number),
    Text(String),
    Array(Vec<Json>),
    Object(Object),
}

/// How a file is laid out, beyond what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    indent: String,
    ascii: bool,
    carriage_returns: bool,
    last_newline: bool,
}

impl Json {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn as_object(&self) -> Option<&Object> {
        match self {
            Self::Object(members) => Some(members),
            _ => None,
        }
    }

    pub(super) fn as_object_mut(&mut self) -> Option<&mut Object> {
        match self {
            Self::Object(members) => Some(members),
            _ => None,
        }
    }

    pub(super) fn as_array(&self) -> Option<&Vec<Json>> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    pub(super) fn as_array_mut(&mut self) -> Option<&mut Vec<Json>> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The member of that name, where this is an object that has one.
    pub(super) fn get(&self, name: &str) -> Option<&Json> {
        member(self.as_object()?, name)
    }
}

/// The member of that name.
pub(super) fn member<'a>(object: &'a Object, name: &str) -> Option<&'a Json> {
    object.iter().find(|(key, _)| key == name).map(|(_, value)| value)
}

/// The member of that name.
pub(super) fn member_mut<'a>(object: &'a mut Object, name: &str) -> Option<&'a mut Json> {
    object.iter_mut().find(|(key, _)| key == name).map(|(_, value)| value)
}

impl Layout {
    /// As Python's `json.dumps(indent=2)` has it, with a line break behind.
    pub(super) fn python() -> Self {
        Self { indent: "  ".to_owned(), ascii: true, carriage_returns: false, last_newline: true }
    }

    /// That of a file. Other formatters may have been over it, and are not to be undone.
    pub(super) fn of(bytes: &[u8]) -> Self {
        let text = str::from_utf8(bytes).unwrap_or_default();
        let indent = text.trim_start().strip_prefix('{').map(|rest| rest.trim_start_matches(['\r', '\n']));
        let indent =
            indent.map_or("", |rest| &rest[..rest.len() - rest.trim_start_matches([' ', '\t']).len()]);
        Self {
            indent: if indent.is_empty() || indent.len() > 16 { "  ".to_owned() } else { indent.to_owned() },
            ascii: bytes.is_ascii(),
            carriage_returns: text.contains("\r\n"),
            last_newline: bytes.is_empty() || bytes.ends_with(b"\n"),
        }
    }

    /// The value in this layout.
    pub(super) fn write(&self, value: &impl Serialize) -> Vec<u8> {
        let mut bytes = Vec::new();
        let formatter =
            Python { pretty: PrettyFormatter::with_indent(self.indent.as_bytes()), ascii: self.ascii };
        value
            .serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, formatter))
            .expect("a value whose keys are texts is written to memory");
        if self.last_newline {
            bytes.push(b'\n');
        }
        if self.carriage_returns {
            // Line breaks within texts are escaped, so that all of these are the layout's.
            let lines: Vec<&[u8]> = bytes.split(|&byte| byte == b'\n').collect();
            bytes = lines.join(&b"\r\n"[..]);
        }
        bytes
    }
}

/// Writes as Python's `json.dumps` with an indent.
struct Python<'a> {
    pretty: PrettyFormatter<'a>,
    ascii: bool,
}

impl Formatter for Python<'_> {
    fn begin_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.pretty.begin_array(writer)
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.pretty.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.pretty.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.pretty.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.pretty.begin_object(writer)
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.pretty.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.pretty.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.pretty.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.pretty.end_object_value(writer)
    }

    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        if !self.ascii || fragment.is_ascii() {
            return writer.write_all(fragment.as_bytes());
        }
        for character in fragment.chars() {
            if character.is_ascii() {
                write!(writer, "{character}")?;
            } else {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }

    fn write_char_escape<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        escape: CharEscape,
    ) -> io::Result<()> {
        self.pretty.write_char_escape(writer, escape)
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(number) => number.serialize(serializer),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Array(items) => serializer.collect_seq(items),
            Self::Object(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (key, value) in members {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Json;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON value")
            }

            fn visit_unit<E>(self) -> Result<Json, E> {
                Ok(Json::Null)
            }

            fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
                Ok(Json::Bool(value))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
                Ok(Json::Number(value.into()))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
                Ok(Json::Number(value.into()))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
                Ok(serde_json::Number::from_f64(value).map_or(Json::Null, Json::Number))
            }

            fn visit_str<E>(self, text: &str) -> Result<Json, E> {
                Ok(Json::Text(text.to_owned()))
            }

            fn visit_string<E>(self, text: String) -> Result<Json, E> {
                Ok(Json::Text(text))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = access.next_element()? {
                    items.push(item);
                }
                Ok(Json::Array(items))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
                let mut members: Object = Vec::new();
                let mut places = HashMap::new();
                while let Some((key, value)) = access.next_entry::<String, Json>()? {
                    // As Python has it: of members of one name the last counts, where the first stands.
                    match places.get(&key) {
                        Some(&place) => {
                            let (_, old): &mut (String, Json) = &mut members[place];
                            *old = value;
                        }
                        None => {
                            places.insert(key.clone(), members.len());
                            members.push((key, value));
                        }
                    }
                }
                Ok(Json::Object(members))
            }
        }

        deserializer.deserialize_any(Reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn again(text: &str) -> String {
        let value: Json = serde_json::from_str(text).unwrap();
        String::from_utf8(Layout::of(text.as_bytes()).write(&value)).unwrap()
    }

    #[test]
    fn a_file_of_python_comes_out_as_it_went_in() {
        // Written by `json.dumps({"z": [], "a": {}, ...}, indent=2) + "\n"`.
        let text = "{\n  \"z\": [],\n  \"a\": {},\n  \"limit\": 4.5,\n  \"whole\": 3.0,\n  \"count\": -7,\n  \
                    \"name\": \"Gr\\u00f6\\u00dfe \\ud83d\\udd11 \\u001f\\b\\t\\\"\\\\/\u{7f}\",\n  \"list\": [\n    \
                    true,\n    null\n  ]\n}\n";
        assert_eq!(again(text), text);
    }

    #[test]
    fn the_layout_of_other_formatters_is_kept() {
        for text in [
            "{\n    \"a\": [\n        \"Größe\"\n    ]\n}",
            "{\n\t\"a\": 1\n}\n",
            "{\r\n  \"a\": 1,\r\n  \"b\": \"\\r\\n\"\r\n}\r\n",
        ] {
            assert_eq!(again(text), text);
        }
    }

    #[test]
    fn of_members_of_one_name_the_last_counts() {
        assert_eq!(again("{\n  \"a\": 1,\n  \"b\": 2,\n  \"a\": 3\n}\n"), "{\n  \"a\": 3,\n  \"b\": 2\n}\n");
    }
}
