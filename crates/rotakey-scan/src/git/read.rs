//! What is asked of objects by those who follow ids from one to the next.

use super::objects::{Object, ObjectFormat, ReadError, Reader};
use crate::object_id::ObjectId;

/// Reads objects by their ids.
pub trait ReadObjects {
    /// Reads an object; `None` if it is not here.
    fn read(&mut self, id: &ObjectId) -> Result<Option<Object<'_>>, ReadError>;

    /// The ids that begin with these hexadecimal digits, of which there are at least four.
    fn find_prefix(&mut self, digits: &str) -> Vec<ObjectId>;

    /// How the objects are named.
    fn format(&self) -> ObjectFormat;
}

impl ReadObjects for Reader<'_> {
    fn read(&mut self, id: &ObjectId) -> Result<Option<Object<'_>>, ReadError> {
        Reader::read(self, id)
    }

    fn find_prefix(&mut self, digits: &str) -> Vec<ObjectId> {
        self.store().find_prefix(digits)
    }

    fn format(&self) -> ObjectFormat {
        self.store().object_format()
    }
}
