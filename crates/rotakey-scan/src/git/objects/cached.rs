//! The walk and the cache of what was scanned before.

use super::pack::Pack;
use super::walk::Known;
use crate::cache::session;
use crate::object_id::ObjectId;

impl session::Pack for Pack {
    fn checksum(&self) -> ObjectId {
        Self::checksum(self)
    }

    fn blobs(&self) -> Box<dyn Iterator<Item = ObjectId> + Send + '_> {
        Box::new(Self::blobs(self).into_iter())
    }

    fn contains(&self, id: &ObjectId) -> bool {
        Self::contains(self, id)
    }
}

impl Known for session::Known {
    fn knows_pack(&self, checksum: &ObjectId) -> bool {
        self.has_pack(checksum)
    }

    fn knows(&self, id: &ObjectId) -> bool {
        self.contains(id)
    }
}
