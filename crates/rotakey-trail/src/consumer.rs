//! placeholder
use crate::record::Record;

/// Placeholder.
pub struct Consumer;
impl Consumer {
    /// Placeholder.
    pub fn of(_record: &Record<'_>) -> Self {
        Self
    }
    /// Placeholder.
    pub fn fingerprint(&self) -> String {
        String::new()
    }
}
