//! The protocol-neutral value of parameters and answers.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;

/// A value as AWS's service models know it. The wire face renders it as XML or JSON; the in-process face
/// reads it with the accessors here.
///
/// Its `Debug` masks the members that hold secrets.
#[derive(Clone, PartialEq)]
pub enum Tree {
    /// A string. Blobs are the base64 text that both protocols carry.
    Text(String),
    /// An integer or a long.
    Integer(i64),
    /// A boolean.
    Boolean(bool),
    /// An instant: ISO 8601 in XML, epoch seconds in JSON.
    Time(Timestamp),
    /// A list: `<member>` elements in the query protocol.
    List(Vec<Tree>),
    /// A structure: its keys are member names of AWS's service model.
    Map(BTreeMap<String, Tree>),
    /// A map whose keys are data, such as `SummaryMap`: `<entry><key/><value/></entry>` in the query
    /// protocol.
    Dictionary(BTreeMap<String, Tree>),
}

impl Tree {
    /// A structure without members.
    pub fn empty() -> Self {
        Self::Map(BTreeMap::new())
    }

    /// A structure of the given members, in any order.
    pub fn map<const N: usize>(members: [(&str, Tree); N]) -> Self {
        Self::Map(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// A list.
    pub fn list<T: Into<Tree>>(items: impl IntoIterator<Item = T>) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }

    /// The structure with one more member; `None` adds nothing, as AWS leaves absent members out.
    #[must_use]
    pub fn with(mut self, name: &str, value: Option<impl Into<Tree>>) -> Self {
        if let (Self::Map(members), Some(value)) = (&mut self, value) {
            members.insert(name.to_owned(), value.into());
        }
        self
    }

    /// The member of that name, if this is a structure (or dictionary) that has it.
    pub fn get(&self, name: &str) -> Option<&Tree> {
        match self {
            Self::Map(members) | Self::Dictionary(members) => members.get(name),
            _ => None,
        }
    }

    /// The member of that name, if it is a string.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_text()
    }

    /// The member of that name, if it is an integer, or text that reads as one.
    pub fn integer(&self, name: &str) -> Option<i64> {
        match self.get(name)? {
            Self::Integer(value) => Some(*value),
            Self::Text(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// The member of that name, if it is a boolean, or text that reads as one.
    pub fn boolean(&self, name: &str) -> Option<bool> {
        match self.get(name)? {
            Self::Boolean(value) => Some(*value),
            Self::Text(text) => match text.as_str() {
                "true" | "True" => Some(true),
                "false" | "False" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    /// The member of that name, if it is an instant, epoch seconds, or text that reads as an instant.
    pub fn time(&self, name: &str) -> Option<Timestamp> {
        match self.get(name)? {
            Self::Time(at) => Some(*at),
            Self::Integer(seconds) => Timestamp::from_second(*seconds).ok(),
            Self::Text(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// The items of the member of that name; none if it is absent or no list.
    pub fn items(&self, name: &str) -> &[Tree] {
        match self.get(name) {
            Some(Self::List(items)) => items,
            _ => &[],
        }
    }

    /// Whether a member of that name holds a secret.
    pub fn is_secret(name: &str) -> bool {
        let secret =
            ["SecretAccessKey", "SessionToken", "SecretString", "SecretBinary", "Password", "Value", "Body"];
        secret.contains(&name)
    }

    /// The text, if this is a string.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => fmt::Debug::fmt(text, f),
            Self::Integer(value) => fmt::Debug::fmt(value, f),
            Self::Boolean(value) => fmt::Debug::fmt(value, f),
            Self::Time(at) => fmt::Display::fmt(at, f),
            Self::List(items) => f.debug_list().entries(items).finish(),
            Self::Map(members) | Self::Dictionary(members) => {
                let mut map = f.debug_map();
                for (name, value) in members {
                    let masked: &dyn fmt::Debug = if Self::is_secret(name) { &"***" } else { value };
                    map.entry(name, masked);
                }
                map.finish()
            }
        }
    }
}

impl From<&str> for Tree {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Tree {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&String> for Tree {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<i64> for Tree {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<bool> for Tree {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl From<Timestamp> for Tree {
    fn from(at: Timestamp) -> Self {
        Self::Time(at)
    }
}
