//! Reads values out of a TOML document and remembers what is wrong with them, so that a person sees all
//! mistakes at once and not one per run.

use std::ops::Range;
use std::str::FromStr;

use jiff::civil::{Date, DateTime, Time};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::mistake::{Gravity, Mistake, Position};
use super::period::Period;

/// How a text is called in mistakes.
const TEXT: &str = "a text in quotes";

/// Collects mistakes while values are read. A value that cannot be read is `None`, and its mistake noted.
pub(super) struct Reader<'t> {
    text: &'t str,
    mistakes: Vec<Mistake>,
}

/// A table of the document.
#[derive(Clone)]
pub(super) struct Section<'v> {
    path: String,
    span: Range<usize>,
    table: &'v DeTable<'v>,
}

/// A value of the document.
#[derive(Clone)]
pub(super) struct Field<'v> {
    path: String,
    value: &'v Spanned<DeValue<'v>>,
}

impl<'v> Section<'v> {
    /// The table at the top.
    pub(super) fn root(document: &'v Spanned<DeTable<'v>>) -> Self {
        Self { path: String::new(), span: 0..0, table: document.get_ref() }
    }

    /// The value under that key, if there is one.
    pub(super) fn get(&self, key: &str) -> Option<Field<'v>> {
        self.table.get(key).map(|value| Field { path: self.path_of(key), value })
    }

    /// All keys and their values.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&'v str, Field<'v>)> {
        let path_of = |key: &str| self.path_of(key);
        self.table
            .iter()
            .map(move |(key, value)| (key.get_ref().as_ref(), Field { path: path_of(key.get_ref()), value }))
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }
}

impl<'t> Reader<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, mistakes: Vec::new() }
    }

    /// Everything noted, in the order of the text.
    pub(super) fn into_mistakes(self) -> Vec<Mistake> {
        let mut mistakes = self.mistakes;
        mistakes.sort_by_key(|mistake| mistake.position);
        mistakes
    }

    /// How many mistakes were noted so far.
    pub(super) fn mistakes(&self) -> usize {
        self.mistakes.len()
    }

    /// Notes that the text is no TOML there.
    pub(super) fn syntax_error(&mut self, error: &toml::de::Error) {
        let offset = error.span().map_or(0, |span| span.start);
        self.note(offset, String::new(), format!("this is not TOML: {}", error.message()), None);
    }

    /// Notes a mistake at a value.
    pub(super) fn mistake(&mut self, field: &Field<'_>, what: impl Into<String>, hint: Option<String>) {
        self.note(field.value.span().start, field.path.clone(), what.into(), hint);
    }

    /// Notes a mistake at a table.
    pub(super) fn mistake_at(
        &mut self,
        section: &Section<'_>,
        what: impl Into<String>,
        hint: Option<String>,
    ) {
        self.note(section.span.start, section.path.clone(), what.into(), hint);
    }

    /// Notes at a table what can be used, but is perhaps not meant.
    pub(super) fn warn_at(&mut self, section: &Section<'_>, what: impl Into<String>, hint: Option<String>) {
        self.mistake_at(section, what, hint);
        if let Some(last) = self.mistakes.last_mut() {
            last.gravity = Gravity::Warning;
        }
    }

    /// Where a table begins.
    pub(super) fn position(&self, section: &Section<'_>) -> Position {
        Position::at(self.text, section.span.start)
    }

    /// Notes every key of the table that is not among the known ones.
    pub(super) fn only_known_keys(&mut self, section: &Section<'_>, known: &[&str]) {
        for (key, _) in section.table.iter().filter(|(key, _)| !known.contains(&key.get_ref().as_ref())) {
            let name = key.get_ref().as_ref();
            let hint = closest(name, known)
                .map(|close| format!("did you mean {close}?"))
                .unwrap_or_else(|| format!("there are: {}", known.join(", ")));
            self.note(key.span().start, section.path_of(name), "there is no such key".into(), Some(hint));
        }
    }

    /// The value under that key, which must be there.
    pub(super) fn required<'v>(&mut self, section: &Section<'v>, key: &str, hint: &str) -> Option<Field<'v>> {
        let field = section.get(key);
        if field.is_none() {
            self.note(section.span.start, section.path_of(key), "is missing".into(), Some(hint.to_owned()));
        }
        field
    }

    /// A table.
    pub(super) fn section<'v>(&mut self, field: Field<'v>) -> Option<Section<'v>> {
        match field.value.get_ref() {
            DeValue::Table(table) => Some(Section { path: field.path, span: field.value.span(), table }),
            other => self.wrong_type(&field, other, "a table"),
        }
    }

    /// An array of tables, as `[[…]]` makes them. They are counted from 1.
    pub(super) fn sections<'v>(&mut self, field: Field<'v>, header: &str) -> Vec<Section<'v>> {
        let DeValue::Array(elements) = field.value.get_ref() else {
            self.mistake(
                &field,
                "is written once only",
                Some(format!("write [[{header}]], with two brackets")),
            );
            return Vec::new();
        };
        let tables = elements
            .iter()
            .enumerate()
            .map(|(index, value)| Field { path: format!("{}[{}]", field.path, index + 1), value });
        tables.filter_map(|field| self.section(field)).collect()
    }

    /// A list, or a single value in place of a list of one.
    pub(super) fn one_or_many<'v>(&mut self, field: Field<'v>) -> Vec<Field<'v>> {
        match field.value.get_ref() {
            DeValue::Array(elements) => {
                elements.iter().map(|value| Field { path: field.path.clone(), value }).collect()
            }
            _ => vec![field],
        }
    }

    /// A value of any type, for a reader that checks the type itself.
    pub(super) fn json(&mut self, field: &Field<'_>) -> Option<serde_json::Value> {
        json(field.value.get_ref()).or_else(|| {
            self.mistake(field, "is of a type that means nothing here", None);
            None
        })
    }

    /// A text that is not empty.
    pub(super) fn text<'v>(&mut self, field: &Field<'v>) -> Option<&'v str> {
        match field.value.get_ref() {
            DeValue::String(text) if text.trim().is_empty() => {
                self.mistake(field, "is empty", None);
                None
            }
            DeValue::String(text) => Some(text),
            other => self.wrong_type(field, other, TEXT),
        }
    }

    /// A text of a certain form.
    pub(super) fn parsed<T>(&mut self, field: &Field<'_>) -> Option<T>
    where
        T: FromStr<Err: std::fmt::Display>,
    {
        let result = self.text(field)?.parse();
        result.map_err(|error: T::Err| self.mistake(field, error.to_string(), None)).ok()
    }

    /// One of the given words.
    pub(super) fn word<T: Copy>(&mut self, field: &Field<'_>, words: &[(&str, T)]) -> Option<T> {
        let text = self.text(field)?;
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            let known: Vec<_> = words.iter().map(|(word, _)| *word).collect();
            let hint = match closest(text, &known) {
                Some(close) => format!("did you mean {close:?}?"),
                None => format!("there are: {}", known.join(", ")),
            };
            self.mistake(field, format!("{text:?} is not known"), Some(hint));
        }
        found
    }

    /// A length of time.
    pub(super) fn period(&mut self, field: &Field<'_>) -> Option<Period> {
        match field.value.get_ref() {
            DeValue::Integer(number) => {
                let hint = format!("for {number} days write \"{number}d\"");
                self.mistake(field, "is a number, not a length of time", Some(hint));
                None
            }
            _ => self.parsed(field),
        }
    }

    /// A length of time under that key, or `otherwise` if there is none.
    pub(super) fn period_or(&mut self, section: &Section<'_>, key: &str, otherwise: Period) -> Period {
        section.get(key).and_then(|field| self.period(&field)).unwrap_or(otherwise)
    }

    /// A day, as a TOML date or as a text.
    pub(super) fn day(&mut self, field: &Field<'_>) -> Option<Date> {
        let text = match field.value.get_ref() {
            DeValue::Datetime(date) if date.time.is_none() => date.to_string(),
            DeValue::String(text) => text.to_string(),
            other => {
                let found = other.type_str();
                self.mistake(field, format!("is {found}, not a day"), Some("write it as 2027-01-31".into()));
                return None;
            }
        };
        let day = text.parse().ok();
        if day.is_none() || text.len() != "2027-01-31".len() {
            self.mistake(field, format!("{text:?} is not a day"), Some("write it as 2027-01-31".into()));
            return None;
        }
        day
    }

    /// A switch.
    pub(super) fn switch(&mut self, field: &Field<'_>) -> Option<bool> {
        match field.value.get_ref() {
            DeValue::Boolean(switch) => Some(*switch),
            other => self.wrong_type(field, other, "true or false"),
        }
    }

    /// Whether the value is a switch.
    pub(super) fn is_switch(&self, field: &Field<'_>) -> bool {
        matches!(field.value.get_ref(), DeValue::Boolean(_))
    }

    /// A whole number, none below zero.
    pub(super) fn number(&mut self, field: &Field<'_>) -> Option<u32> {
        let DeValue::Integer(number) = field.value.get_ref() else {
            return self.wrong_type(field, field.value.get_ref(), "a number");
        };
        let parsed = u32::from_str_radix(number.as_str(), number.radix()).ok();
        if parsed.is_none() {
            self.mistake(field, "is not a number that makes sense here", None);
        }
        parsed
    }

    /// Whether the value is a number.
    pub(super) fn is_number(&self, field: &Field<'_>) -> bool {
        matches!(field.value.get_ref(), DeValue::Integer(_))
    }

    /// A local time, or a day: then its first moment, or the first behind it if it is the last of something.
    pub(super) fn local_time(&mut self, field: &Field<'_>, last: bool) -> Option<DateTime> {
        const HINT: &str = "write a day, such as 2027-01-31, or a local time, such as 2027-01-31T18:00:00";
        let text = match field.value.get_ref() {
            DeValue::Datetime(date) => date.to_string(),
            DeValue::String(text) => text.to_string(),
            other => {
                let what = format!("is of type {}, not a day or a local time", other.type_str());
                self.mistake(field, what, Some(HINT.to_owned()));
                return None;
            }
        };
        let has_offset = text.ends_with('Z') || text.get(11..).is_some_and(|time| time.contains(['+', '-']));
        let day = (text.len() == "2027-01-31".len()).then(|| text.parse::<Date>().ok()).flatten();
        let time = match day {
            Some(day) if last => day.tomorrow().ok().map(|day| day.to_datetime(Time::midnight())),
            Some(day) => Some(day.to_datetime(Time::midnight())),
            None if has_offset => None,
            None => text.replace(' ', "T").parse::<DateTime>().ok(),
        };
        if time.is_none() {
            let hint = if has_offset { "leave the offset out, and name time_zone" } else { HINT };
            self.mistake(field, format!("{text:?} is not a day or a local time"), Some(hint.to_owned()));
        }
        time
    }

    /// A time of the day in whole minutes, as a TOML time or as a text. `24:00` is midnight.
    pub(super) fn time_of_day(&mut self, field: &Field<'_>) -> Option<Time> {
        let text = match field.value.get_ref() {
            DeValue::Datetime(time) if time.date.is_none() && time.offset.is_none() => time.to_string(),
            DeValue::String(text) => text.to_string(),
            other => return self.wrong_type(field, other, "a time such as \"22:30\""),
        };
        let minutes = text.strip_suffix(":00").filter(|rest| rest.len() == "22:30".len()).unwrap_or(&text);
        let time = (minutes.len() == "22:30".len()).then(|| minutes.parse::<Time>().ok()).flatten();
        let time = if minutes == "24:00" { Some(Time::midnight()) } else { time };
        if time.is_none() {
            let hint = "write it as \"22:30\"".to_owned();
            self.mistake(field, format!("{text:?} is not a time of the day"), Some(hint));
        }
        time
    }

    fn wrong_type<T>(&mut self, field: &Field<'_>, found: &DeValue<'_>, expected: &str) -> Option<T> {
        let hint = match found {
            DeValue::Integer(_) if expected == TEXT => Some("put it in quotes".to_owned()),
            _ => None,
        };
        self.mistake(field, format!("is of type {}, but must be {expected}", found.type_str()), hint);
        None
    }

    fn note(&mut self, offset: usize, key: String, what: String, hint: Option<String>) {
        let position = Position::at(self.text, offset);
        self.mistakes.push(Mistake { position, key, what, hint, gravity: Gravity::Error });
    }
}

/// The known word that was perhaps meant.
fn closest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    known
        .iter()
        .map(|candidate| (strsim::normalized_damerau_levenshtein(word, candidate), *candidate))
        .filter(|(similarity, _)| *similarity > 0.6)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, candidate)| candidate)
}
fn json(value: &DeValue<'_>) -> Option<serde_json::Value> {
    Some(match value {
        DeValue::String(text) => text.as_ref().into(),
        DeValue::Boolean(switch) => (*switch).into(),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok()?.into(),
        DeValue::Array(values) => values.iter().map(|value| json(value.get_ref())).collect::<Option<_>>()?,
        DeValue::Table(table) => {
            let entries =
                table.iter().map(|(key, value)| Some((key.get_ref().to_string(), json(value.get_ref())?)));
            serde_json::Value::Object(entries.collect::<Option<_>>()?)
        }
        DeValue::Float(_) | DeValue::Datetime(_) => return None,
    })
}
