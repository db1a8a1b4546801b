//! The objects: their names, and how they are read and written. Nothing is ever overwritten: a name says what is in it.

use std::sync::Arc;

use data_encoding::HEXLOWER;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _, PutMode};
use sha2::{Digest as _, Sha256};

use super::segment::Segment;
use crate::cache::{CacheError, RulesVersion};

/// The folder of the objects of this form. Another form has another one.
const FORM: &str = "scans-1";

/// How every name ends.
const ENDING: &str = ".segment";

/// A segment that is larger was not written by us.
const LARGEST: u64 = 512 << 20;

/// How many objects are read at a time.
const AT_ONCE: usize = 8;

/// Where the objects are.
#[derive(Debug)]
pub(super) struct Shelf {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    /// For people.
    location: String,
}

/// The name of a segment: what is in it, and the SHA-256 of its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name {
    pub(super) rules: RulesVersion,
    pub(super) period: u32,
    digest: [u8; 32],
}

/// A segment in a list.
#[derive(Debug, Clone, Copy)]
pub(super) struct Listed {
    pub(super) name: Name,
    pub(super) bytes: u64,
}

#[cfg(test)]
impl Name {
    pub(super) fn of_test(rules: RulesVersion, period: u32, digest: [u8; 32]) -> Self {
        Self { rules, period, digest }
    }
}

impl Shelf {
    pub(super) fn new(store: Arc<dyn ObjectStore>, prefix: Path, location: String) -> Self {
        Self { store, prefix, location }
    }

    /// The segments of all rules or of those, sorted by name.
    pub(super) async fn list(&self, rules: Option<RulesVersion>) -> Result<Vec<Listed>, CacheError> {
        let mut folder = self.prefix.clone().join(FORM);
        if let Some(rules) = rules {
            folder = folder.join(rules.to_string());
        }
        let mut listed = Vec::new();
        let mut objects = self.store.list(Some(&folder));
        while let Some(object) = objects.try_next().await.map_err(|error| self.failed(&error))? {
            let name = self.name(&object.location).ok_or_else(|| CacheError::Foreign {
                location: self.shown(&object.location),
                message: "its name is not of this program".to_owned(),
            })?;
            listed.push(Listed { name, bytes: object.size });
        }
        listed.sort_unstable_by_key(|listed| listed.name);
        Ok(listed)
    }

    /// Reads segments, each with its name; `None` for one that is gone.
    pub(super) fn read_all<'a>(
        &'a self,
        segments: Vec<Listed>,
    ) -> impl stream::Stream<Item = Result<(Name, Option<Segment>), CacheError>> + Send + 'a {
        let read = move |listed: Listed| async move { Ok((listed.name, self.read(listed).await?)) };
        stream::iter(segments).map(read).buffered(AT_ONCE)
    }

    async fn read(&self, Listed { name, bytes }: Listed) -> Result<Option<Segment>, CacheError> {
        let path = self.path(&name);
        let damaged =
            |message: &str| CacheError::Damaged { location: self.shown(&path), message: message.to_owned() };
        if bytes > LARGEST {
            return Err(damaged("it is larger than any that this program writes"));
        }
        let content = match self.store.get(&path).await {
            Ok(found) if found.meta.size > LARGEST => {
                return Err(damaged("it is larger than any that this program writes"));
            }
            Ok(found) => found.bytes().await.map_err(|error| self.failed(&error))?,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(self.failed(&error)),
        };
        if <[u8; 32]>::from(Sha256::digest(&content)) != name.digest {
            return Err(damaged("its content is not what its name says"));
        }
        let segment = Segment::decode(&content, name.rules, name.period);
        segment.map(Some).ok_or_else(|| damaged("it is not a segment of its rules and its time"))
    }

    /// Writes a segment, if it is not there already.
    pub(super) async fn write(
        &self,
        rules: RulesVersion,
        period: u32,
        segment: &Segment,
    ) -> Result<Name, CacheError> {
        let bytes = segment.encode(rules, period);
        let name = Name { rules, period, digest: Sha256::digest(&bytes).into() };
        let path = self.path(&name);
        let payload = object_store::PutPayload::from(bytes);
        match self.store.put_opts(&path, payload.clone(), PutMode::Create.into()).await {
            Ok(_) | Err(object_store::Error::AlreadyExists { .. }) => Ok(name),
            // Not every product that speaks like S3 can put only what is absent. With these names that changes nothing.
            Err(object_store::Error::NotImplemented { .. } | object_store::Error::NotSupported { .. }) => {
                match self.store.put(&path, payload).await {
                    Ok(_) => Ok(name),
                    Err(error) => Err(self.failed(&error)),
                }
            }
            Err(
                object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. },
            ) => Err(CacheError::ReadOnly { location: self.location.clone() }),
            Err(error) => Err(self.failed(&error)),
        }
    }

    /// Deletes a segment, if it is there.
    pub(super) async fn delete(&self, name: &Name) -> Result<(), CacheError> {
        match self.store.delete(&self.path(name)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.failed(&error)),
        }
    }

    /// That it does not stand still long enough to be read.
    pub(super) fn restless(&self) -> CacheError {
        CacheError::Unavailable {
            location: self.location.clone(),
            message: "its segments go faster than they can be read".to_owned(),
        }
    }

    fn path(&self, name: &Name) -> Path {
        let file = format!("{:010}-{}{ENDING}", name.period, HEXLOWER.encode(&name.digest));
        self.prefix.clone().join(FORM).join(name.rules.to_string()).join(file)
    }

    /// The name of an object, if it is one that we give.
    fn name(&self, path: &Path) -> Option<Name> {
        let digest =
            |text: &str| <[u8; 32]>::try_from(HEXLOWER.decode(text.as_bytes()).ok()?.as_slice()).ok();
        let mut parts = path.as_ref().rsplit('/');
        let (period, hash) = parts.next()?.strip_suffix(ENDING)?.split_once('-')?;
        let rules = RulesVersion::from_bytes(digest(parts.next()?)?);
        let name = Name { rules, period: period.parse().ok()?, digest: digest(hash)? };
        // There is one way to write it.
        (self.path(&name) == *path).then_some(name)
    }

    fn failed(&self, error: &object_store::Error) -> CacheError {
        let message = error.to_string().chars().flat_map(char::escape_debug).collect();
        CacheError::Unavailable { location: self.location.clone(), message }
    }

    fn shown(&self, path: &Path) -> String {
        let path: String = path.as_ref().escape_debug().collect();
        format!("{} ({path})", self.location)
    }
}
