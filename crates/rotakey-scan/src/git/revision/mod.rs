//! Names of commits as people write them: `main`, `v1.2`, `HEAD~3`, `1a2b3c4`.

use super::commit::{self, Commit};
use super::objects::{ObjectKind, ReadError};
use super::read::ReadObjects;
use super::refs::References;
use crate::object_id::ObjectId;

/// A name does not lead to a commit.
#[derive(Debug, thiserror::Error)]
pub enum RevisionError {
    /// Nothing has this name.
    #[error("`{name}` is neither a reference nor the beginning of an object's id")]
    Unknown {
        /// The name.
        name: String,
    },
    /// Several objects' ids begin so.
    #[error("`{name}` is the beginning of {count} objects' ids")]
    Ambiguous {
        /// The name.
        name: String,
        /// How many.
        count: usize,
    },
    /// It is a way of naming commits that is not known here.
    #[error("`{name}` has `{what}`, which is not understood here; give the id that `git rev-parse` tells")]
    Unsupported {
        /// The name.
        name: String,
        /// The part that is not known.
        what: String,
    },
    /// It leads to something else.
    #[error("`{name}` is no commit")]
    NotACommit {
        /// The name.
        name: String,
    },
    /// The commit has fewer ancestors, or the history ends before.
    #[error("`{name}` goes back further than the history does")]
    NoSuchParent {
        /// The name.
        name: String,
    },
    /// An object on the way cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// What an id leads to when tags are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peeled {
    /// An object of this kind, which is not a tag.
    Object(ObjectId, ObjectKind),
    /// An object that is not here.
    Missing(ObjectId),
}

impl Peeled {
    /// The commit, if it is one.
    pub fn commit(self) -> Option<ObjectId> {
        match self {
            Self::Object(id, ObjectKind::Commit) => Some(id),
            Self::Object(..) | Self::Missing(_) => None,
        }
    }
}

/// A tag may be of a tag, but not without end.
const LONGEST_CHAIN: usize = 50;

/// The first reference that git takes a short name for is the one that is meant.
const PLACES: [(&str, &str); 6] = [
    ("", ""),
    ("refs/", ""),
    ("refs/tags/", ""),
    ("refs/heads/", ""),
    ("refs/remotes/", ""),
    ("refs/remotes/", "/HEAD"),
];

/// The commit that is meant by a name.
pub fn resolve(
    text: &str,
    references: &References,
    objects: &mut impl ReadObjects,
) -> Result<ObjectId, RevisionError> {
    let name = || text.to_owned();
    let unsupported = |what: &str| RevisionError::Unsupported { name: name(), what: what.to_owned() };
    if text.contains("..") {
        return Err(unsupported(".."));
    }
    if text.starts_with(':') {
        return Err(unsupported(":"));
    }
    let end = text.find(['~', '^', ':']).unwrap_or(text.len());
    let (base, mut rest) = text.split_at(end);
    if let Some(at) = base.find("@{") {
        return Err(unsupported(&base[at..]));
    }
    let mut id = base_of(base, references, objects)?;
    while let Some(operator) = rest.chars().next() {
        if !operator.is_ascii() {
            return Err(unsupported(rest));
        }
        let digits =
            rest[1..].find(|digit: char| !digit.is_ascii_digit()).map_or(rest.len(), |count| count + 1);
        let number = match &rest[1..digits] {
            "" => Ok(1),
            digits => digits.parse::<u32>(),
        };
        let number = number.map_err(|_| RevisionError::NoSuchParent { name: name() })?;
        match (operator, &rest[digits..]) {
            ('^', braces) if digits == 1 && braces.starts_with('{') => {
                let end = braces.find('}').ok_or_else(|| unsupported(braces))?;
                // All names here are of commits, so the way to one is gone in any case.
                if !matches!(&braces[..=end], "{}" | "{commit}") {
                    return Err(unsupported(&format!("^{}", &braces[..=end])));
                }
                id = commit_of(id, text, objects)?.0;
                rest = &braces[end + 1..];
                continue;
            }
            ('^', _) => {
                let (itself, commit) = commit_of(id, text, objects)?;
                id = match number.checked_sub(1) {
                    None => itself,
                    Some(parent) => *commit
                        .parents
                        .get(parent as usize)
                        .ok_or_else(|| RevisionError::NoSuchParent { name: name() })?,
                };
            }
            ('~', _) => {
                for _ in 0..number {
                    let (_, commit) = commit_of(id, text, objects)?;
                    id = *commit
                        .parents
                        .first()
                        .ok_or_else(|| RevisionError::NoSuchParent { name: name() })?;
                }
            }
            _ => return Err(unsupported(rest)),
        }
        rest = &rest[digits..];
    }
    Ok(commit_of(id, text, objects)?.0)
}

/// Follows tags.
pub fn peel(objects: &mut impl ReadObjects, id: ObjectId) -> Result<Peeled, ReadError> {
    let mut id = id;
    for _ in 0..LONGEST_CHAIN {
        match objects.read(&id)? {
            None => return Ok(Peeled::Missing(id)),
            Some(object) if object.kind == ObjectKind::Tag => match commit::tagged(object.content) {
                Ok((tagged, _)) => id = tagged,
                Err(_) => break,
            },
            Some(object) => return Ok(Peeled::Object(id, object.kind)),
        }
    }
    Err(ReadError::Corrupt { place: format!("tag {id}"), detail: "it leads to no object" })
}

fn base_of(
    base: &str,
    references: &References,
    objects: &mut impl ReadObjects,
) -> Result<ObjectId, RevisionError> {
    let unknown = || RevisionError::Unknown { name: base.to_owned() };
    let base = if base == "@" { "HEAD" } else { base };
    // A whole id counts more than a reference of that name, as in git.
    if base.len() == 2 * objects.format().length()
        && let Ok(id) = base.parse()
    {
        return Ok(id);
    }
    if base.is_empty() {
        return Err(unknown());
    }
    for (before, behind) in PLACES {
        if let Some(id) = references.get(format!("{before}{base}{behind}").as_bytes()) {
            return Ok(id);
        }
    }
    // As `git describe` names commits: `v1.2-34-g1a2b3c4`.
    let digits = base.rsplit_once("-g").map_or(base, |(_, digits)| digits);
    if digits.len() < 4 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(unknown());
    }
    let mut candidates = objects.find_prefix(&digits.to_ascii_lowercase());
    if candidates.len() > 1 {
        let all = std::mem::take(&mut candidates);
        for id in &all {
            if matches!(peel(objects, *id)?, Peeled::Object(_, ObjectKind::Commit)) {
                candidates.push(*id);
            }
        }
        if candidates.len() != 1 {
            return Err(RevisionError::Ambiguous { name: base.to_owned(), count: all.len() });
        }
    }
    candidates.first().copied().ok_or_else(unknown)
}

fn commit_of(
    id: ObjectId,
    name: &str,
    objects: &mut impl ReadObjects,
) -> Result<(ObjectId, Commit), RevisionError> {
    match peel(objects, id)? {
        Peeled::Object(id, ObjectKind::Commit) => {
            if let Some(object) = objects.read(&id)?
                && let Ok(commit) = Commit::parse(object.content)
            {
                return Ok((id, commit));
            }
            Err(ReadError::Corrupt { place: format!("commit {id}"), detail: "it is no commit" }.into())
        }
        Peeled::Object(..) => Err(RevisionError::NotACommit { name: name.to_owned() }),
        Peeled::Missing(_) if name.parse::<ObjectId>().is_ok() => {
            Err(RevisionError::Unknown { name: name.to_owned() })
        }
        Peeled::Missing(_) => Err(RevisionError::NoSuchParent { name: name.to_owned() }),
    }
}

#[cfg(test)]
mod tests;
