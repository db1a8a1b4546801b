//! What was read, and what was not.

use std::fmt;

use serde::Serialize;

/// How much was read, and what was not. A scan whose `unread` is not empty claims nothing of the whole.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// Files, blobs, members and streams that were scanned.
    pub contents: u64,
    /// Their bytes, as scanned: unpacked.
    pub bytes: u64,
    /// What was left out because the user or a rule of git says so.
    pub left_out: LeftOut,
    /// What should have been read and could not.
    pub unread: Vec<Unread>,
}

/// What was left out on purpose, counted.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Symbolic links, which are not followed: what they lead to is read where it is.
    pub symbolic_links: u64,
    /// Files and folders that an ignore file names.
    pub ignored: u64,
    /// Devices, pipes and sockets.
    pub special: u64,
    /// Blobs that were scanned before, by the same rules.
    pub cached: u64,
}

/// Something that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Unread {
    /// Where: `path`, `path!member`, or words such as `blob 1234…`.
    pub place: String,
    /// Why.
    pub reason: Reason,
    /// What the system or the reader says beyond that; empty if nothing.
    pub detail: String,
}

/// Why something could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// The operating system refused or failed.
    Io,
    /// It is damaged.
    Corrupt,
    /// An archive's member is encrypted.
    Encrypted,
    /// It is packed in a way that is not known here.
    Unsupported,
    /// Containers in containers, more than the limit.
    TooDeep,
    /// It unpacks to more than the limit.
    TooLarge,
    /// The object is not in the repository: a partial clone, or a damaged one.
    Missing,
    /// History ends here: a shallow clone.
    Shallow,
}

impl Reason {
    /// A few words for a person.
    pub fn words(self) -> &'static str {
        match self {
            Self::Io => "could not be read",
            Self::Corrupt => "is damaged",
            Self::Encrypted => "is encrypted",
            Self::Unsupported => "is packed in an unknown way",
            Self::TooDeep => "is packed in too many layers",
            Self::TooLarge => "unpacks to more than the limit",
            Self::Missing => "is not in the repository",
            Self::Shallow => "has a history that was cut off",
        }
    }
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.place, self.reason.words())?;
        if self.detail.is_empty() { Ok(()) } else { write!(f, ": {}", self.detail) }
    }
}

impl Coverage {
    /// Adds what another part of the same scan covered.
    pub fn add(&mut self, other: Self) {
        self.contents += other.contents;
        self.bytes += other.bytes;
        self.left_out.symbolic_links += other.left_out.symbolic_links;
        self.left_out.ignored += other.left_out.ignored;
        self.left_out.special += other.left_out.special;
        self.left_out.cached += other.left_out.cached;
        self.unread.extend(other.unread);
    }
}
