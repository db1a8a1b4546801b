//! What objects there are, and how they are named.

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectKind {
    /// A commit.
    Commit,
    /// A folder.
    Tree,
    /// The content of a file.
    Blob,
    /// An annotated tag.
    Tag,
}

/// The hash that names the objects of a repository.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ObjectFormat {
    /// SHA-1, of 20 bytes.
    #[default]
    Sha1,
    /// SHA-256, of 32 bytes.
    Sha256,
}

/// Which objects are wanted of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kinds {
    All,
    Blobs,
    CommitsAndTrees,
}

impl Kinds {
    /// Whether those of this kind are.
    pub(super) fn has(self, kind: ObjectKind) -> bool {
        match self {
            Self::All => true,
            Self::Blobs => kind == ObjectKind::Blob,
            Self::CommitsAndTrees => matches!(kind, ObjectKind::Commit | ObjectKind::Tree),
        }
    }
}

impl ObjectKind {
    /// The name in loose objects, such as `blob`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Commit => "commit",
            Self::Tree => "tree",
            Self::Blob => "blob",
            Self::Tag => "tag",
        }
    }

    /// The kind with this name.
    pub fn from_name(name: &[u8]) -> Option<Self> {
        [Self::Commit, Self::Tree, Self::Blob, Self::Tag]
            .into_iter()
            .find(|kind| kind.name().as_bytes() == name)
    }
}

impl ObjectFormat {
    /// The length of an id, in bytes.
    pub fn length(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    /// The format that a configuration names so, such as `sha256`.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "sha1" => Some(Self::Sha1),
            "sha256" => Some(Self::Sha256),
            _ => None,
        }
    }
}
