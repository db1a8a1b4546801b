//! What can be written about a destination in the configuration: one table for each kind, next to its type.

/// One kind of destination, as the configuration knows it.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// The value of `type`.
    pub name: &'static str,
    /// Its keys, beside `type` and `match`.
    pub fields: &'static [Field],
}

/// One key.
#[derive(Debug, PartialEq, Eq)]
pub struct Field {
    /// The key.
    pub name: &'static str,
    /// What its value is.
    pub kind: FieldKind,
    /// What to write, if it must be there.
    pub required: Option<&'static str>,
}

/// What the value of a key is, as far as templates are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// A template.
    Text,
    /// A template for the path of a file: what is filled in cannot lead elsewhere.
    Path,
    /// A template for the name of a profile: what is filled in cannot end the section header.
    Profile,
    /// A text without templates, a list, a number, a switch, a table: as it stands.
    Plain,
    /// A list of texts that is not empty, or one text in place of a list of one.
    List,
    /// Names and value templates.
    Values,
}

impl Field {
    pub(crate) const fn new(name: &'static str, kind: FieldKind) -> Self {
        Self { name, kind, required: None }
    }

    pub(crate) const fn required(name: &'static str, kind: FieldKind, hint: &'static str) -> Self {
        Self { name, kind, required: Some(hint) }
    }
}
