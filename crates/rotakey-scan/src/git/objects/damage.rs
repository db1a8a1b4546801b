//! What is wrong with an entry, before it is known where it stands.

use super::error::ReadError;
use crate::object_id::ObjectId;

/// Why an entry cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Damage {
    /// It breaks the format.
    Broken(&'static str),
    /// It is larger than is read.
    TooLarge(u64),
    /// It is a delta against an object that is nowhere.
    NoBase(ObjectId),
}

impl Damage {
    /// The damage, and where it is.
    pub(super) fn at(self, place: String) -> ReadError {
        match self {
            Self::Broken(detail) => ReadError::Corrupt { place, detail },
            Self::TooLarge(size) => ReadError::TooLarge { place, size },
            Self::NoBase(base) => ReadError::MissingBase { place, base },
        }
    }
}

/// The largest object that is read. A larger one is reported.
pub(super) const LARGEST: u64 = 2 << 30;
