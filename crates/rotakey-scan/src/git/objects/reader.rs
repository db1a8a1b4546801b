//! Objects by their ids.

use super::error::ReadError;
use super::kind::ObjectKind;
use super::store::ObjectStore;
use crate::object_id::ObjectId;

/// Reads objects one by one, and remembers the bases of deltas that are likely to be wanted again.
#[derive(Debug)]
pub struct Reader<'store> {
    store: &'store ObjectStore,
    content: Vec<u8>,
}

/// An object, until the next is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Object<'reader> {
    /// What it is.
    pub kind: ObjectKind,
    /// Its bytes, without any header.
    pub content: &'reader [u8],
}

impl<'store> Reader<'store> {
    pub(super) fn new(store: &'store ObjectStore) -> Self {
        Self { store, content: Vec::new() }
    }

    /// The store that it reads from.
    pub fn store(&self) -> &'store ObjectStore {
        self.store
    }

    /// Reads an object; `None` if it is not there.
    pub fn read(&mut self, id: &ObjectId) -> Result<Option<Object<'_>>, ReadError> {
        Ok(self.store.contains(id).then_some(Object { kind: ObjectKind::Blob, content: &self.content }))
    }
}
