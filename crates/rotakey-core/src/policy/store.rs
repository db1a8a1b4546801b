//! Where the log of rotations is kept, as the configuration names it.

use std::fmt;

use schemars::JsonSchema;

/// A file, a URL of PostgreSQL or a table, as the command line names it. What names none is for the store to say. A
/// password may stand in it, so no text of it tells it.
#[derive(Clone, PartialEq, Eq, JsonSchema)]
#[schemars(transparent)]
pub struct StoreName(String);

impl StoreName {
    pub(super) fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The text, with the password that may be in it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for StoreName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreName(…)")
    }
}
