//! Where a content is.

use std::borrow::Cow;
use std::fmt;

use crate::object_id::ObjectId;

/// Where a content is: a file, a member of a container, a blob. Borrowed throughout, since most places have
/// nothing to be told about.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The path of the file, or the name of the member; the bytes are whatever the file system or archive has.
    pub name: &'a [u8],
    /// The container that it is a member of.
    pub within: Option<&'a Place<'a>>,
    /// The blob that it is, in a git repository; the name is then known only later, or not at all.
    pub blob: Option<ObjectId>,
}

impl<'a> Place<'a> {
    /// A file, or what is to be told as one.
    pub fn file(name: &'a [u8]) -> Self {
        Self { name, within: None, blob: None }
    }

    /// A blob whose path is not known yet.
    pub fn blob(id: ObjectId) -> Self {
        Self { name: b"", within: None, blob: Some(id) }
    }

    /// A member of a container.
    pub fn member(name: &'a [u8], within: &'a Place<'a>) -> Self {
        Self { name, within: Some(within), blob: None }
    }

    /// How many containers it is in.
    pub fn depth(&self) -> usize {
        std::iter::successors(self.within, |place| place.within).count()
    }

    /// The outermost place.
    pub fn outermost(&self) -> &Self {
        std::iter::successors(Some(self), |place| place.within).last().unwrap_or(self)
    }

    /// The names of the members that lead from the outermost place to this one, as `a.zip!b.txt`; empty for a
    /// place in no container.
    pub fn members(&self) -> String {
        match self.within {
            None => String::new(),
            Some(within) => {
                let outer = within.members();
                let separator = if outer.is_empty() { "" } else { "!" };
                format!("{outer}{separator}{}", text_of(self.name))
            }
        }
    }
}

/// As `path` or `path!member!member`.
impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.within {
            Some(within) => write!(f, "{within}!{}", text_of(self.name)),
            None => match self.blob {
                Some(blob) if self.name.is_empty() => write!(f, "blob {blob}"),
                _ => f.write_str(&text_of(self.name)),
            },
        }
    }
}

/// The text of a name. Bytes that are not UTF-8 become U+FFFD.
pub fn text_of(name: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(name)
}
