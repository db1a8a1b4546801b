//! What a scan finds by.

use std::fmt;

use sha2::{Digest as _, Sha256};

/// All that decides what is found in given bytes: the sources that this program was built from, and its settings. What is
/// known by other rules is not known.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RulesVersion([u8; 32]);

impl RulesVersion {
    /// Those of this program, with these settings: every limit and option that what is found in a content can depend on,
    /// each with its value.
    pub fn of(settings: &[(&str, &str)]) -> Self {
        let mut hash = Sha256::new();
        let mut add = |text: &str| {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text);
        };
        add(env!("ROTAKEY_SCAN_SOURCES"));
        for (name, value) in settings {
            add(name);
            add(value);
        }
        Self(hash.finalize().into())
    }

    /// Those with that digest.
    pub const fn from_bytes(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// Their digest.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for RulesVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for RulesVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_settings_are_other_rules() {
        let versions = [
            RulesVersion::of(&[]),
            RulesVersion::of(&[("depth", "3")]),
            RulesVersion::of(&[("depth", "4")]),
            RulesVersion::of(&[("dept", "h3")]),
            RulesVersion::of(&[("depth", "3"), ("size", "1")]),
        ];
        for (n, version) in versions.iter().enumerate() {
            assert_eq!(versions.iter().position(|other| other == version), Some(n));
        }
        assert_eq!(versions[1], RulesVersion::of(&[("depth", "3")]));
        assert_eq!(RulesVersion::from_bytes(*versions[1].as_bytes()), versions[1]);
    }
}
