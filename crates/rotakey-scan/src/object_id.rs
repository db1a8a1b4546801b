//! The names of git's objects.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The id of a git object: 20 bytes in SHA-1 repositories, 32 in SHA-256 ones.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct ObjectId {
    bytes: [u8; 32],
    length: u8,
}

/// The text is not the hexadecimal form of 20 or 32 bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an object id has 40 or 64 hexadecimal digits")]
pub struct NotAnObjectId;

impl ObjectId {
    /// The id with these bytes; `None` unless there are 20 or 32 of them.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if !matches!(bytes.len(), 20 | 32) {
            return None;
        }
        let mut all = [0; 32];
        all[..bytes.len()].copy_from_slice(bytes);
        Some(Self { bytes: all, length: bytes.len() as u8 })
    }

    /// The id with these hexadecimal digits; `None` unless there are 40 or 64 of them.
    pub fn from_hex(digits: &[u8]) -> Option<Self> {
        if !matches!(digits.len(), 40 | 64) {
            return None;
        }
        let mut bytes = [0; 32];
        let bytes = &mut bytes[..digits.len() / 2];
        data_encoding::HEXLOWER_PERMISSIVE.decode_mut(digits, bytes).ok()?;
        Self::from_bytes(bytes)
    }

    /// Whether all its bytes are zero, which is how git says that there is no object.
    pub fn is_zero(&self) -> bool {
        self.as_bytes().iter().all(|byte| *byte == 0)
    }

    /// Its 20 or 32 bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

impl FromStr for ObjectId {
    type Err = NotAnObjectId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::from_hex(text.as_bytes()).ok_or(NotAnObjectId)
    }
}

impl TryFrom<String> for ObjectId {
    type Error = NotAnObjectId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ObjectId> for String {
    fn from(id: ObjectId) -> Self {
        id.to_string()
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&data_encoding::HEXLOWER.encode(self.as_bytes()))
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
